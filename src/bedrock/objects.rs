//! Objects in S3: addresses, and the calls that batch inference needs.

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_types::request_id::RequestId;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::record::{ErrorClass, Failure, Region};

use super::ask::{MOST_PAGES, Receipt, endless, identified};
use super::connect::Clients;
use super::failure::own;
use super::message::{causes, one_line};

/// `s3://bucket/key`: an object, or a prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The bucket.
    pub bucket: String,
    /// The key, or what keys begin with.
    pub key: String,
}

impl Address {
    /// Reads `s3://bucket/key`; the key may be empty.
    ///
    /// # Errors
    /// One line, if it is no address.
    pub fn parse(text: &str) -> Result<Address, String> {
        let wrong = |why: &str| format!("`{}` is no S3 address ({why}): write s3://BUCKET/PREFIX", one_line(text));
        let rest = text.strip_prefix("s3://").ok_or_else(|| wrong("it does not begin with s3://"))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) {
            return Err(wrong("a bucket has 3 to 63 small letters, digits, dots and hyphens"));
        }
        if key.len() > 1024 || key.chars().any(char::is_control) {
            return Err(wrong("a key has at most 1,024 bytes and no control characters"));
        }
        Ok(Address { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// Another key of the same bucket.
    #[must_use]
    pub fn with_key(&self, key: impl Into<String>) -> Address {
        Address { bucket: self.bucket.clone(), key: key.into() }
    }

    /// `tail` below this prefix.
    #[must_use]
    pub fn join(&self, tail: &str) -> Address {
        let slash = if self.key.is_empty() || self.key.ends_with('/') { "" } else { "/" };
        self.with_key(format!("{}{slash}{tail}", self.key))
    }

    /// What follows the last slash.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Where it is.
    pub address: Address,
    /// Bytes.
    pub bytes: u64,
    /// Its entity tag.
    pub etag: Option<String>,
}

/// A part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: i32,
    /// Its entity tag.
    pub etag: String,
}

/// The contents of an object, as they come.
#[derive(Debug)]
pub struct ObjectStream {
    body: ByteStream,
    address: Address,
}

/// The longest silence in the contents of an object.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a part may take, the SDK's attempts together.
const PART: Duration = Duration::from_secs(600);

impl ObjectStream {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or nothing came for 30 s: read on from where it was.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let lost = |class, why: &str| own(class, "ReplyLost", &format!("GetObject {}: {why}", self.address));
        match timeout(SILENCE, self.body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
            Ok(Some(Err(error))) => Err(lost(ErrorClass::Connection, &causes(&error))),
            Err(_) => Err(lost(ErrorClass::Timeout, &format!("nothing came for {} s", SILENCE.as_secs()))),
        }
    }
}

impl Clients {
    /// What is known of an object; `None`: there is none.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn object(&self, region: &Region, at: &Address) -> Result<Option<ObjectFacts>, Failure> {
        let question = self.region(region)?.objects.head_object().bucket(&at.bucket).key(&at.key);
        match self.ask("HeadObject", Some("s3:GetObject"), question.send()).await {
            Ok(answer) => Ok(Some(ObjectFacts {
                address: at.clone(),
                bytes: answer.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
                etag: answer.e_tag().map(str::to_owned),
            })),
            Err(failure) if failure.status == Some(404) => Ok(None),
            Err(failure) => Err(about(failure, at)),
        }
    }

    /// The objects whose keys begin with that of `prefix`, in the order of their keys.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn objects(&self, region: &Region, prefix: &Address) -> Result<Vec<ObjectFacts>, Failure> {
        let client = &self.region(region)?.objects;
        let mut objects = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client.list_objects_v2().bucket(&prefix.bucket).prefix(&prefix.key).set_continuation_token(next);
            let page = self.ask("ListObjectsV2", Some("s3:ListBucket"), page.send()).await;
            let page = page.map_err(|failure| about(failure, prefix))?;
            objects.extend(page.contents().iter().filter_map(|object| {
                Some(ObjectFacts {
                    address: prefix.with_key(object.key()?),
                    bytes: object.size().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
                    etag: object.e_tag().map(str::to_owned),
                })
            }));
            next = page.next_continuation_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(objects);
            }
        }
        Err(endless("ListObjectsV2"))
    }

    /// The contents of an object from byte `from` on, of the very version that `etag` names.
    ///
    /// # Errors
    /// As every call; `Access` names the permission. HTTP 412: the object is another one now.
    pub async fn read_object(
        &self,
        region: &Region,
        at: &Address,
        etag: Option<&str>,
        from: u64,
    ) -> Result<ObjectStream, Failure> {
        let question = self.region(region)?.objects.get_object().bucket(&at.bucket).key(&at.key);
        let question = question.set_if_match(etag.map(str::to_owned));
        let question = question.set_range((from > 0).then(|| format!("bytes={from}-")));
        let answer = self.ask("GetObject", Some("s3:GetObject"), question.send()).await;
        let answer = answer.map_err(|failure| about(failure, at))?;
        if from > 0 && !answer.content_range().is_some_and(|range| range.starts_with(&format!("bytes {from}-"))) {
            let why = format!("GetObject {at}: asked for the bytes from {from} on, the reply begins elsewhere");
            return Err(own(ErrorClass::Malformed, "MalformedReply", &why));
        }
        Ok(ObjectStream { body: answer.body, address: at.clone() })
    }

    /// Puts an object in one piece.
    /// Failures are those of every call; `Access` names the permission.
    pub async fn put_object(&self, region: &Region, at: &Address, bytes: Bytes) -> Receipt<()> {
        let Ok(clients) = self.region(region) else { return self.nowhere(region) };
        let question = clients.objects.put_object().bucket(&at.bucket).key(&at.key);
        let question = question.content_type("application/jsonl").body(ByteStream::from(bytes)).send();
        let answer = self.order_within(PART, "PutObject", Some("s3:PutObject"), question).await;
        receipt(answer, at).map(|_| ())
    }

    /// Begins an upload in parts; its id.
    /// Failures are those of every call; `Access` names the permission.
    pub async fn begin_upload(&self, region: &Region, at: &Address) -> Receipt<String> {
        let Ok(clients) = self.region(region) else { return self.nowhere(region) };
        let question = clients.objects.create_multipart_upload().bucket(&at.bucket).key(&at.key);
        let question = question.content_type("application/jsonl").send();
        let answer = self.order("CreateMultipartUpload", Some("s3:PutObject"), question).await;
        let receipt = receipt(answer, at);
        let id = receipt.answer.and_then(|answer| {
            answer.upload_id().filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(|| {
                own(ErrorClass::Malformed, "MalformedReply", &format!("CreateMultipartUpload {at}: no upload id"))
            })
        });
        Receipt { answer: id, request_id: receipt.request_id }
    }

    /// Sends a part of an upload.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn upload_part(
        &self,
        region: &Region,
        at: &Address,
        upload: &str,
        number: i32,
        bytes: Bytes,
    ) -> Result<Part, Failure> {
        let question = self.region(region)?.objects.upload_part().bucket(&at.bucket).key(&at.key);
        let question = question.upload_id(upload).part_number(number).body(ByteStream::from(bytes)).send();
        let answer = self.order_within(PART, "UploadPart", Some("s3:PutObject"), question).await.answer;
        let answer = answer.map_err(|failure| about(failure, at))?;
        let etag = answer
            .e_tag()
            .map(str::to_owned)
            .ok_or_else(|| own(ErrorClass::Malformed, "MalformedReply", &format!("UploadPart {at}: no entity tag")))?;
        Ok(Part { number, etag })
    }

    /// Makes the parts one object.
    /// Failures are those of every call; `Access` names the permission.
    pub async fn complete_upload(&self, region: &Region, at: &Address, upload: &str, parts: Vec<Part>) -> Receipt<()> {
        let part = |part: Part| CompletedPart::builder().part_number(part.number).e_tag(part.etag).build();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().map(part).collect())).build();
        let Ok(clients) = self.region(region) else { return self.nowhere(region) };
        let question = clients.objects.complete_multipart_upload().bucket(&at.bucket).key(&at.key);
        let question = question.upload_id(upload).multipart_upload(parts).send();
        let answer = self.order_within(PART, "CompleteMultipartUpload", Some("s3:PutObject"), question).await;
        receipt(answer, at).map(|_| ())
    }

    /// Gives an upload up: its parts are gone and cost nothing more.
    /// Failures are those of every call; `Access` names the permission.
    pub async fn abort_upload(&self, region: &Region, at: &Address, upload: &str) -> Receipt<()> {
        let Ok(clients) = self.region(region) else { return self.nowhere(region) };
        let question = clients.objects.abort_multipart_upload().bucket(&at.bucket).key(&at.key);
        let action = Some("s3:AbortMultipartUpload");
        let answer = self.order("AbortMultipartUpload", action, question.upload_id(upload).send()).await;
        receipt(answer, at).map(|_| ())
    }

    fn nowhere<T>(&self, region: &Region) -> Receipt<T> {
        let failure = format!("no client was made for Region {region}");
        Receipt::unsent(own(ErrorClass::Other, "NoSuchRegion", &failure))
    }

    /// Deletes an object; one that is not there is no error.
    /// Failures are those of every call; `Access` names the permission.
    pub async fn delete_object(&self, region: &Region, at: &Address) -> Receipt<()> {
        let Ok(clients) = self.region(region) else { return self.nowhere(region) };
        let question = clients.objects.delete_object().bucket(&at.bucket).key(&at.key);
        receipt(self.order("DeleteObject", Some("s3:DeleteObject"), question.send()).await, at).map(|_| ())
    }
}

fn receipt<A: RequestId>(answer: Receipt<A>, at: &Address) -> Receipt<A> {
    let Receipt { answer, request_id } = identified(answer);
    Receipt { answer: answer.map_err(|failure| about(failure, at)), request_id }
}

/// A failure that names its object, and what to do where S3's own words do not tell.
fn about(mut failure: Failure, at: &Address) -> Failure {
    let advice = match failure.status {
        Some(301) => "; the bucket is in another Region than the job: use one of the job's Region",
        Some(412) => "; the object was replaced while it was being read",
        _ => "",
    };
    failure.message = one_line(&format!("{} [{at}]{advice}", failure.message));
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_put_together() {
        let prefix = Address::parse("s3://my-bucket/a/b").unwrap();
        assert_eq!((prefix.bucket.as_str(), prefix.key.as_str()), ("my-bucket", "a/b"));
        assert_eq!(prefix.join("c.jsonl").to_string(), "s3://my-bucket/a/b/c.jsonl");
        assert_eq!(Address::parse("s3://my-bucket/a/").unwrap().join("c").key, "a/c");
        assert_eq!(Address::parse("s3://my-bucket").unwrap().join("c").to_string(), "s3://my-bucket/c");
        assert_eq!(prefix.file_name(), "b");
        for bad in ["my-bucket/a", "s3://", "s3://UPPER/a", "s3://ab/x", "s3://my-bucket/\u{1b}[2J", "http://a/b"] {
            let error = Address::parse(bad).unwrap_err();
            assert!(error.contains("write s3://BUCKET/PREFIX") && !error.contains('\u{1b}'), "{error}");
        }
    }
}
