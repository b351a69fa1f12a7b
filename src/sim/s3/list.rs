//! Lists of objects, in both versions of the operation.

use std::ops::ControlFlow;

use aws_smithy_xml::encode::ScopeWriter;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::errors::ServiceError;
use super::super::objects::Object;
use super::super::reply::Answer;
use super::{Asked, errors, iso_date, quoted, xml};

/// The largest page.
const PAGE: usize = 1_000;
/// What `encoding-type=url` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// `ListObjectsV2`.
pub(super) fn list_v2(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    let start_after = asked.query("start-after");
    let token = asked.query("continuation-token");
    let after = match &token {
        Some(token) => {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok();
            bytes
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| errors::invalid_argument("The continuation token provided is incorrect"))?
        }
        None => start_after.clone().unwrap_or_default(),
    };
    let listing = Listing::of(asked, &after)?;
    Ok(xml::answer("ListBucketResult", |scope| {
        listing.write(scope);
        xml::text(scope, "KeyCount", listing.entries.len());
        xml::maybe(scope, "StartAfter", start_after.map(|key| listing.encode(&key)));
        xml::maybe(scope, "ContinuationToken", token);
        xml::maybe(scope, "NextContinuationToken", listing.next().map(|key| URL_SAFE_NO_PAD.encode(key)));
    }))
}

/// `ListObjects`.
pub(super) fn list_v1(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    let marker = asked.query("marker").unwrap_or_default();
    let listing = Listing::of(asked, &marker)?;
    Ok(xml::answer("ListBucketResult", |scope| {
        listing.write(scope);
        xml::text(scope, "Marker", listing.encode(&marker));
        xml::maybe(scope, "NextMarker", listing.next().map(|key| listing.encode(key)));
    }))
}

/// One page of a bucket.
struct Listing {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    encoded: bool,
    most: usize,
    entries: Vec<Entry>,
    truncated: bool,
}

enum Entry {
    Object(String, Object),
    /// Keys alike up to the delimiter.
    CommonPrefix(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Entry::Object(name, _) | Entry::CommonPrefix(name) => name,
        }
    }
}

impl Listing {
    fn of(asked: &Asked<'_>, after: &str) -> Result<Listing, ServiceError> {
        let most = match asked.query("max-keys") {
            None => PAGE,
            Some(text) => match text.parse::<u32>() {
                Ok(most) => PAGE.min(most as usize),
                Err(_) => {
                    return Err(errors::invalid_argument("Provided max-keys not an integer or within integer range"));
                }
            },
        };
        let encoded = match asked.query("encoding-type").as_deref() {
            None | Some("") => false,
            Some("url") => true,
            Some(_) => return Err(errors::invalid_argument("Invalid Encoding Method specified in Request")),
        };
        let mut listing = Listing {
            bucket: asked.address.bucket.clone(),
            prefix: asked.query("prefix").unwrap_or_default(),
            delimiter: asked.query("delimiter").filter(|delimiter| !delimiter.is_empty()),
            encoded,
            most,
            entries: Vec::new(),
            truncated: false,
        };
        let prefix = listing.prefix.clone();
        let visited =
            asked.objects().visit(&asked.address.bucket, &prefix, after, |key, object| listing.add(key, object, after));
        visited.ok_or_else(errors::no_such_bucket)?;
        Ok(listing)
    }

    /// Takes a key in, or the prefix that stands for it. A page that ended with a prefix goes on behind all its keys.
    fn add(&mut self, key: &str, object: &Object, after: &str) -> ControlFlow<()> {
        let common = self.common_prefix(key);
        if let Some(common) = common
            && (common == after || self.entries.last().is_some_and(|last| last.name() == common))
        {
            return ControlFlow::Continue(());
        }
        if self.entries.len() >= self.most {
            self.truncated = self.most > 0;
            return ControlFlow::Break(());
        }
        self.entries.push(match common {
            Some(common) => Entry::CommonPrefix(common.to_owned()),
            None => Entry::Object(key.to_owned(), object.clone()),
        });
        ControlFlow::Continue(())
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = key.get(self.prefix.len()..)?;
        Some(&key[..self.prefix.len() + rest.find(delimiter)? + delimiter.len()])
    }

    /// Where the next page begins.
    fn next(&self) -> Option<&str> {
        self.entries.last().filter(|_| self.truncated).map(Entry::name)
    }

    fn encode(&self, text: &str) -> String {
        if self.encoded { utf8_percent_encode(text, ENCODED).to_string() } else { text.to_owned() }
    }

    fn write(&self, scope: &mut ScopeWriter<'_, '_>) {
        xml::text(scope, "Name", &self.bucket);
        xml::text(scope, "Prefix", self.encode(&self.prefix));
        xml::maybe(scope, "Delimiter", self.delimiter.as_deref().map(|delimiter| self.encode(delimiter)));
        xml::text(scope, "MaxKeys", self.most);
        xml::maybe(scope, "EncodingType", self.encoded.then_some("url"));
        xml::text(scope, "IsTruncated", self.truncated);
        for entry in &self.entries {
            match entry {
                Entry::Object(key, object) => {
                    let mut contents = scope.start_el("Contents").finish();
                    xml::text(&mut contents, "Key", self.encode(key));
                    xml::text(&mut contents, "LastModified", iso_date(object.modified));
                    xml::text(&mut contents, "ETag", quoted(&object.etag));
                    xml::text(&mut contents, "Size", object.size);
                    xml::text(&mut contents, "StorageClass", "STANDARD");
                }
                Entry::CommonPrefix(prefix) => {
                    let mut common = scope.start_el("CommonPrefixes").finish();
                    xml::text(&mut common, "Prefix", self.encode(prefix));
                }
            }
        }
    }
}
