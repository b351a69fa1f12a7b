//! Single objects: put, get, head, delete.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use hyper::{HeaderMap, StatusCode};

use super::super::errors::ServiceError;
use super::super::objects::Object;
use super::super::reply::{Answer, Refusal};
use super::body::Upload;
use super::checksum::{self, Digests, Promise};
use super::{Asked, bucket, errors, http_date, quoted, xml};

/// Headers that are kept with an object, beside `x-amz-meta-...`.
const KEPT: [&str; 5] = ["cache-control", "content-disposition", "content-language", "content-type", "expires"];
/// User metadata, names and values together.
const METADATA: usize = 2 << 10;
/// Keys in one DeleteObjects.
const DELETED: usize = 1_000;
/// What an object is without a Content-Type.
const BINARY: &str = "binary/octet-stream";

/// `PutObject`.
pub(super) async fn put(asked: &Asked<'_>, upload: &mut Upload) -> Result<Answer, Refusal> {
    let mut headers = kept_headers(asked.headers)?;
    check_writable(asked)?;
    let promise = Promise::of(asked.headers)?;
    let algorithm = promise.algorithm().unwrap_or(checksum::DEFAULT);
    let (draft, found) = upload.store(asked.objects(), Digests::new(algorithm, promise)).await?;
    let etag = checksum::etag(&found.md5);
    let checksums = [
        (checksum::header(algorithm), STANDARD.encode(&found.checksum)),
        ("x-amz-checksum-type".to_owned(), checksum::Kind::FullObject.as_str().to_owned()),
    ];
    headers.extend(checksums.clone());
    // Somebody else may have been faster.
    check_writable(asked)?;
    asked
        .objects()
        .put(&asked.address.bucket, &asked.address.key, draft, etag.clone(), headers, asked.now())
        .map_err(|error| errors::storage(&error))?;
    let answer = Answer::empty().text_header("etag", &quoted(&etag));
    Ok(checksums.iter().fold(answer, |answer, (name, value)| answer.text_header(name, value)))
}

/// `GetObject`.
pub(super) fn get(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    let object = find(asked)?;
    if not_modified(asked, &object)? {
        return Ok(Answer::empty().status(StatusCode::NOT_MODIFIED).text_header("etag", &quoted(&object.etag)));
    }
    let failed = |error| errors::storage(&error);
    match range(asked.header("range"), object.size)? {
        None => {
            let whole = Answer::file(object.open().map_err(failed)?, object.size);
            Ok(described(asked, &object, whole, false))
        }
        Some((from, to)) => {
            let part = Answer::file(object.open_at(from).map_err(failed)?, to - from + 1)
                .status(StatusCode::PARTIAL_CONTENT)
                .text_header("content-range", &format!("bytes {from}-{to}/{}", object.size));
            Ok(described(asked, &object, part, true))
        }
    }
}

/// `HeadObject`.
pub(super) fn head(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    let object = find(asked)?;
    if not_modified(asked, &object)? {
        return Ok(Answer::empty().status(StatusCode::NOT_MODIFIED).text_header("etag", &quoted(&object.etag)));
    }
    let answer = Answer::empty().text_header(CONTENT_LENGTH.as_str(), &object.size.to_string());
    Ok(described(asked, &object, answer, false))
}

/// `DeleteObject`: what is not there is deleted too.
pub(super) fn delete(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    bucket::known(asked)?;
    asked.objects().delete(&asked.address.bucket, &asked.address.key);
    Ok(Answer::empty().status(StatusCode::NO_CONTENT))
}

/// `DeleteObjects`.
pub(super) async fn delete_many(asked: &Asked<'_>, upload: &mut Upload) -> Result<Answer, Refusal> {
    bucket::known(asked)?;
    let document = upload.document(Digests::new(checksum::DEFAULT, Promise::of(asked.headers)?)).await?;
    let (mut keys, mut quiet) = (Vec::new(), false);
    xml::each_child(&document, |child| match child.start_el().local() {
        "Object" => xml::each_field(child, |name, value| {
            if name == "Key" {
                keys.push(value.to_owned());
            }
        }),
        "Quiet" => {
            quiet = aws_smithy_xml::decode::try_data(child)? == "true";
            Ok(())
        }
        _ => Ok(()),
    })?;
    if keys.is_empty() || keys.len() > DELETED {
        return Err(errors::malformed_xml().into());
    }
    for key in &keys {
        asked.objects().delete(&asked.address.bucket, key);
    }
    Ok(xml::answer("DeleteResult", |scope| {
        for key in keys.iter().filter(|_| !quiet) {
            let mut deleted = scope.start_el("Deleted").finish();
            xml::text(&mut deleted, "Key", key);
        }
    }))
}

/// The headers of a put or of the start of a multipart upload that the object keeps.
pub(super) fn kept_headers(headers: &HeaderMap) -> Result<Vec<(String, String)>, ServiceError> {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut kept = Vec::new();
    let mut metadata = 0;
    for (name, value) in headers {
        let name = name.as_str();
        if let Some(key) = name.strip_prefix("x-amz-meta-") {
            metadata += key.len() + value.len();
        } else if name == CONTENT_ENCODING {
            // How the body was wrapped for the way is no property of the object.
            let value = text(value);
            let codings =
                value.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked" && !coding.is_empty());
            let codings: Vec<&str> = codings.collect();
            if !codings.is_empty() {
                kept.push((name.to_owned(), codings.join(",")));
            }
            continue;
        } else if !KEPT.contains(&name) {
            continue;
        }
        kept.push((name.to_owned(), text(value)));
    }
    if metadata > METADATA {
        return Err(errors::bad_request(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    Ok(kept)
}

/// Whether the object may be written: `If-None-Match: *` for new ones only, `If-Match` for a known one only.
pub(super) fn check_writable(asked: &Asked<'_>) -> Result<(), ServiceError> {
    let existing = || asked.objects().get(&asked.address.bucket, &asked.address.key);
    match (asked.header("if-none-match"), asked.header("if-match")) {
        (Some("*"), _) if existing().is_some() => Err(errors::precondition_failed()),
        (Some(other), _) if other != "*" => Err(errors::not_implemented("If-None-Match with an entity tag on a write")),
        (_, Some(wanted)) => match existing() {
            None => Err(errors::no_such_key()),
            Some(object) if matches(wanted, &object) => Ok(()),
            Some(_) => Err(errors::precondition_failed()),
        },
        _ => Ok(()),
    }
}

fn find(asked: &Asked<'_>) -> Result<Object, ServiceError> {
    bucket::known(asked)?;
    asked.objects().get(&asked.address.bucket, &asked.address.key).ok_or_else(errors::no_such_key)
}

/// True if the client has the object already.
fn not_modified(asked: &Asked<'_>, object: &Object) -> Result<bool, ServiceError> {
    if asked.header("if-match").is_some_and(|wanted| !matches(wanted, object)) {
        return Err(errors::precondition_failed());
    }
    Ok(asked.header("if-none-match").is_some_and(|known| matches(known, object)))
}

fn matches(tags: &str, object: &Object) -> bool {
    tags.split(',').map(|tag| tag.trim().trim_matches('"')).any(|tag| tag == "*" || tag == object.etag)
}

/// Adds what is known of the object. Its checksum is that of the whole: with a part it would not match.
fn described(asked: &Asked<'_>, object: &Object, mut answer: Answer, partial: bool) -> Answer {
    let checksums = asked.header("x-amz-checksum-mode") == Some("ENABLED") && !partial;
    answer = answer
        .text_header("etag", &quoted(&object.etag))
        .text_header("last-modified", &http_date(object.modified))
        .text_header("accept-ranges", "bytes");
    if !object.headers.iter().any(|(name, _)| name == "content-type") {
        answer = answer.text_header("content-type", BINARY);
    }
    for (name, value) in &object.headers {
        if checksums || !name.starts_with("x-amz-checksum-") {
            answer = answer.text_header(name, value);
        }
    }
    answer
}

/// First and last byte of a `Range` header. One that is not understood, or of several ranges, counts as absent.
fn range(header: Option<&str>, size: u64) -> Result<Option<(u64, u64)>, ServiceError> {
    let Some((first, last)) = header.and_then(|header| header.strip_prefix("bytes=")?.split_once('-')) else {
        return Ok(None);
    };
    let (first, last) = match (first.trim().parse::<u64>().ok(), last.trim().parse::<u64>().ok()) {
        (Some(first), None) if last.trim().is_empty() => (first, u64::MAX),
        (Some(first), Some(last)) if first <= last => (first, last),
        (None, Some(count)) if first.trim().is_empty() => {
            (if count == 0 { size } else { size.saturating_sub(count) }, u64::MAX)
        }
        _ => return Ok(None),
    };
    if first >= size { Err(errors::invalid_range()) } else { Ok(Some((first, last.min(size - 1)))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_object() {
        let of = |header: &str, size| range(Some(header), size).map_err(|error| error.code);
        assert_eq!(of("bytes=0-4", 10), Ok(Some((0, 4))));
        assert_eq!(of("bytes=5-", 10), Ok(Some((5, 9))));
        assert_eq!(of("bytes=5-99", 10), Ok(Some((5, 9))));
        assert_eq!(of("bytes=-3", 10), Ok(Some((7, 9))));
        assert_eq!(of("bytes=-30", 10), Ok(Some((0, 9))));
        for beyond in [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=18446744073709551615-", 1)] {
            assert_eq!(of(beyond.0, beyond.1), Err("InvalidRange"), "{beyond:?}");
        }
        for unusable in ["bytes=4-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=-"] {
            assert_eq!(of(unusable, 10), Ok(None), "{unusable}");
        }
    }

    #[test]
    fn what_an_object_keeps_of_its_request() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/jsonl"),
            ("content-encoding", "aws-chunked, gzip"),
            ("x-amz-meta-run", "7"),
            ("authorization", "secret"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let mut kept = kept_headers(&headers).unwrap();
        kept.sort();
        let text = |(name, value): &(String, String)| format!("{name}: {value}");
        let kept: Vec<String> = kept.iter().map(text).collect();
        assert_eq!(kept, ["content-encoding: gzip", "content-type: application/jsonl", "x-amz-meta-run: 7"]);
        headers.insert("x-amz-meta-long", "v".repeat(METADATA).parse().unwrap());
        assert_eq!(kept_headers(&headers).unwrap_err().code, "MetadataTooLarge");
    }
}
