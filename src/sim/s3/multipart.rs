//! Multipart uploads: begin, parts, the object of them all.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;

use super::super::errors::ServiceError;
use super::super::objects::Content;
use super::super::reply::{Answer, Refusal};
use super::body::Upload;
use super::checksum::{self, Digests, Kind, Promise};
use super::uploads::{Multipart, Part};
use super::{Asked, bucket, errors, iso_date, object, quoted, xml};

/// All parts but the last are at least this large.
const SMALLEST: u64 = 5 << 20;
/// Part numbers.
const NUMBERS: std::ops::RangeInclusive<u16> = 1..=10_000;
/// The largest page of ListParts.
const PAGE: usize = 1_000;

/// `CreateMultipartUpload`.
pub(super) fn create(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    let algorithm = match asked.header("x-amz-checksum-algorithm") {
        None => checksum::DEFAULT,
        Some(name) => checksum::named(name)
            .ok_or_else(|| errors::not_implemented(format_args!("the checksum algorithm '{name}'")))?,
    };
    let kind = Kind::wanted(algorithm, asked.header("x-amz-checksum-type"))?;
    let upload = Multipart {
        bucket: asked.address.bucket.clone(),
        key: asked.address.key.clone(),
        headers: object::kept_headers(asked.headers)?,
        algorithm,
        kind,
        parts: BTreeMap::new(),
    };
    let id = asked.call.request_id.replace('-', "");
    asked.call.world.uploads.begin(id.clone(), upload)?;
    asked.objects().make_bucket(&asked.address.bucket, asked.now());
    let answer = xml::answer("InitiateMultipartUploadResult", |scope| {
        xml::text(scope, "Bucket", &asked.address.bucket);
        xml::text(scope, "Key", &asked.address.key);
        xml::text(scope, "UploadId", id);
    });
    Ok(answer
        .text_header("x-amz-checksum-algorithm", &algorithm.as_str().to_ascii_uppercase())
        .text_header("x-amz-checksum-type", kind.as_str()))
}

/// `UploadPart`.
pub(super) async fn upload_part(asked: &Asked<'_>, upload: &mut Upload) -> Result<Answer, Refusal> {
    let number = asked.query("partNumber").and_then(|number| number.parse().ok()).filter(|n| NUMBERS.contains(n));
    let number = number
        .ok_or_else(|| errors::invalid_argument("Part number must be an integer between 1 and 10000, inclusive"))?;
    let algorithm = with(asked, |upload| Ok(upload.algorithm))?;
    let promise = Promise::of(asked.headers)?;
    let (draft, found) = upload.store(asked.objects(), Digests::new(algorithm, promise)).await?;
    let etag = quoted(&checksum::etag(&found.md5));
    let value = STANDARD.encode(&found.checksum);
    let content = draft.finish().map_err(|error| errors::storage(&error))?;
    let part = Part { size: content.size(), content, found, modified: asked.now() };
    with(asked, |upload| Ok(upload.parts.insert(number, part)))?;
    Ok(Answer::empty().text_header("etag", &etag).text_header(&checksum::header(algorithm), &value))
}

/// `CompleteMultipartUpload`.
pub(super) async fn complete(asked: &Asked<'_>, upload: &mut Upload) -> Result<Answer, Refusal> {
    with(asked, |_| Ok(()))?;
    object::check_writable(asked)?;
    // The checksum in a header is that of the object, not of this document.
    let document = upload.document(Digests::new(checksum::DEFAULT, Promise::default())).await?;
    let listed = listed_parts(&document)?;
    let (content, joined, headers) = with(asked, |upload| {
        let joined = join(upload, &listed)?;
        let promised = asked.header(&checksum::header(upload.algorithm));
        if promised.is_some_and(|promised| promised != joined.checksum) {
            return Err(errors::bad_digest("The checksum you specified did not match the calculated checksum."));
        }
        let mut content = Content::default();
        for part in &listed {
            content.append(upload.parts[&part.number].content.clone());
        }
        let mut headers = upload.headers.clone();
        headers.push((checksum::header(upload.algorithm), joined.checksum.clone()));
        headers.push(("x-amz-checksum-type".into(), upload.kind.as_str().into()));
        Ok((content, joined, headers))
    })?;
    if asked.header("x-amz-mp-object-size").is_some_and(|size| size.parse() != Ok(content.size())) {
        return Err(errors::invalid_request(
            "The provided 'x-amz-mp-object-size' header does not match what was computed.",
        )
        .into());
    }
    let (bucket, key) = (&asked.address.bucket, &asked.address.key);
    asked
        .objects()
        .place(bucket, key, content, joined.etag.clone(), headers, asked.now())
        .map_err(|error| errors::storage(&error))?;
    asked.call.world.uploads.end(&id(asked));
    Ok(xml::answer("CompleteMultipartUploadResult", |scope| {
        xml::text(scope, "Location", asked.call.uri.path());
        xml::text(scope, "Bucket", bucket);
        xml::text(scope, "Key", key);
        xml::text(scope, "ETag", quoted(&joined.etag));
        xml::text(scope, &joined.element, &joined.checksum);
        xml::text(scope, "ChecksumType", joined.kind.as_str());
    }))
}

/// `AbortMultipartUpload`.
pub(super) fn abort(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    with(asked, |_| Ok(()))?;
    asked.call.world.uploads.end(&id(asked));
    Ok(Answer::empty().status(StatusCode::NO_CONTENT))
}

/// `ListParts`.
pub(super) fn list_parts(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    bucket::known(asked)?;
    let number = |name: &str, absent: usize| match asked.query(name) {
        None => Ok(absent),
        Some(text) => {
            text.parse::<usize>().map_err(|_| errors::invalid_argument(format!("Provided {name} is not an integer")))
        }
    };
    let most = number("max-parts", PAGE)?.min(PAGE);
    let marker = number("part-number-marker", 0)?;
    with(asked, |upload| {
        let mut rest = upload.parts.iter().filter(|(number, _)| usize::from(**number) > marker);
        let page: Vec<(&u16, &Part)> = rest.by_ref().take(most).collect();
        let truncated = rest.next().is_some();
        let element = checksum::element(upload.algorithm);
        Ok(xml::answer("ListPartsResult", |scope| {
            xml::text(scope, "Bucket", &upload.bucket);
            xml::text(scope, "Key", &upload.key);
            xml::text(scope, "UploadId", id(asked));
            xml::text(scope, "PartNumberMarker", marker);
            xml::maybe(scope, "NextPartNumberMarker", page.last().map(|(number, _)| number));
            xml::text(scope, "MaxParts", most);
            xml::text(scope, "IsTruncated", truncated);
            xml::text(scope, "StorageClass", "STANDARD");
            xml::text(scope, "ChecksumAlgorithm", upload.algorithm.as_str().to_ascii_uppercase());
            xml::text(scope, "ChecksumType", upload.kind.as_str());
            for (number, part) in page {
                let mut scope = scope.start_el("Part").finish();
                xml::text(&mut scope, "PartNumber", number);
                xml::text(&mut scope, "LastModified", iso_date(part.modified));
                xml::text(&mut scope, "ETag", quoted(&checksum::etag(&part.found.md5)));
                xml::text(&mut scope, "Size", part.size);
                xml::text(&mut scope, &element, STANDARD.encode(&part.found.checksum));
            }
        }))
    })
}

fn id(asked: &Asked<'_>) -> String {
    asked.query("uploadId").unwrap_or_default()
}

/// Looks at the upload of the request, or changes it.
fn with<T>(
    asked: &Asked<'_>,
    change: impl FnOnce(&mut Multipart) -> Result<T, ServiceError>,
) -> Result<T, ServiceError> {
    asked.call.world.uploads.with(&id(asked), &asked.address.bucket, &asked.address.key, change)
}

/// A part as the client lists it.
#[derive(Debug, Default)]
struct Listed {
    number: u16,
    etag: String,
    /// `Checksum...` elements.
    checksums: Vec<(String, String)>,
}

/// Reads the client's list.
fn listed_parts(document: &[u8]) -> Result<Vec<Listed>, ServiceError> {
    let mut parts: Vec<Listed> = Vec::new();
    xml::each_child(document, |child| {
        if child.start_el().local() != "Part" {
            return Ok(());
        }
        let mut part = Listed::default();
        xml::each_field(child, |name, value| match name {
            "PartNumber" => part.number = value.trim().parse().unwrap_or(0),
            "ETag" => part.etag = value.trim().trim_matches('"').to_owned(),
            _ if name.starts_with("Checksum") => part.checksums.push((name.to_owned(), value.to_owned())),
            _ => {}
        })?;
        parts.push(part);
        Ok(())
    })?;
    if parts.is_empty() || parts.len() > usize::from(*NUMBERS.end()) {
        return Err(errors::malformed_xml());
    }
    if parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(errors::bad_request(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        ));
    }
    Ok(parts)
}

/// What the parts make together.
struct Joined {
    etag: String,
    element: String,
    checksum: String,
    kind: Kind,
}

/// Joins the listed parts, if they are those that came.
fn join(upload: &Multipart, listed: &[Listed]) -> Result<Joined, ServiceError> {
    let element = checksum::element(upload.algorithm);
    let mut parts = Vec::with_capacity(listed.len());
    for (index, wanted) in listed.iter().enumerate() {
        let part = upload.parts.get(&wanted.number).ok_or_else(errors::invalid_part)?;
        let promised = wanted.checksums.iter().find(|(name, _)| *name == element).map(|(_, value)| value);
        if checksum::etag(&part.found.md5) != wanted.etag
            || promised.is_some_and(|promised| *promised != STANDARD.encode(&part.found.checksum))
        {
            return Err(errors::invalid_part());
        }
        if part.size < SMALLEST && index + 1 < listed.len() {
            return Err(errors::entity_too_small());
        }
        parts.push(part);
    }
    let sums: Vec<(&[u8], u64)> = parts.iter().map(|part| (part.found.checksum.as_slice(), part.size)).collect();
    Ok(Joined {
        etag: checksum::joined_etag(parts.iter().map(|part| &part.found.md5)),
        element,
        checksum: checksum::join(upload.algorithm, upload.kind, &sums),
        kind: upload.kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_parts_is_read_and_must_ascend() {
        let list = |numbers: &[u16]| {
            let part = |n| {
                format!(
                    "<Part><ETag>&quot;{n}&quot;</ETag><PartNumber>{n}</PartNumber><ChecksumCRC32>c{n}</ChecksumCRC32></Part>"
                )
            };
            let parts: String = numbers.iter().map(part).collect();
            listed_parts(format!("<CompleteMultipartUpload xmlns=\"x\">{parts}</CompleteMultipartUpload>").as_bytes())
        };
        let parts = list(&[1, 3]).unwrap();
        assert_eq!((parts[1].number, parts[1].etag.as_str()), (3, "3"));
        assert_eq!(parts[1].checksums, [("ChecksumCRC32".to_owned(), "c3".to_owned())]);
        assert_eq!(list(&[2, 1]).unwrap_err().code, "InvalidPartOrder");
        assert_eq!(list(&[2, 2]).unwrap_err().code, "InvalidPartOrder");
        assert_eq!(list(&[]).unwrap_err().code, "MalformedXML");
    }
}
