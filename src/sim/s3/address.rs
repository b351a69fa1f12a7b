//! What an S3 request is for: bucket and key of its path, the operation by method and query.

use hyper::header::HOST;
use hyper::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

use super::super::errors::ServiceError;
use super::super::route::Operation;
use super::errors;

/// The longest key, in bytes.
const KEY: usize = 1_024;

/// Sides of buckets and objects that are not simulated: to take such a request for a plain one would be wrong.
const NOT_SERVED: [&str; 34] = [
    "accelerate",
    "acl",
    "analytics",
    "append",
    "attributes",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Bucket and key, percent-decoded. Without a key: the bucket itself; without a bucket: the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub bucket: String,
    pub key: String,
}

impl Address {
    /// Reads a path-style path. `/bucket/` is the bucket, as some clients write it.
    pub(super) fn of(uri: &Uri) -> Result<Address, ServiceError> {
        let path = uri.path().strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let decode = |text| {
            percent_decode_str(text)
                .decode_utf8()
                .map(|text| text.into_owned())
                .map_err(|_| errors::bad_request("InvalidURI", "Couldn't parse the specified URI."))
        };
        let (bucket, key) = (decode(bucket)?, decode(key)?);
        if !bucket.is_empty() && !is_bucket_name(&bucket) {
            return Err(errors::invalid_bucket_name());
        }
        if key.len() > KEY {
            return Err(errors::bad_request("KeyTooLongError", "Your key is too long"));
        }
        Ok(Address { bucket, key })
    }
}

/// 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends.
fn is_bucket_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| plain(*byte) || matches!(byte, b'.' | b'-'))
        && bytes.first().zip(bytes.last()).is_some_and(|(first, last)| plain(*first) && plain(*last))
}

/// The operation of a request.
pub(in crate::sim) fn operation(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Operation, ServiceError> {
    if is_virtual_host(headers) {
        return Err(errors::invalid_request(
            "The simulator's S3 takes path-style addresses only (http://host:port/bucket/key): set force_path_style(true) in the Rust SDK, \
             addressing_style 'path' in boto3.",
        ));
    }
    let Address { bucket, key } = Address::of(uri)?;
    let query = uri.query().unwrap_or_default();
    let parameters: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let has = |name: &str| parameters.iter().any(|(known, _)| known == name);
    if let Some(aspect) = NOT_SERVED.into_iter().find(|name| has(name)) {
        return Err(errors::not_implemented(format_args!("'{aspect}'")));
    }
    let v2 = parameters.iter().any(|(name, value)| name == "list-type" && value == "2");
    let (bucket, key) = (!bucket.is_empty(), !key.is_empty());
    Ok(match (method.as_str(), bucket, key) {
        ("GET", false, false) => Operation::ListBuckets,
        ("PUT", true, false) => Operation::CreateBucket,
        ("HEAD", true, false) => Operation::HeadBucket,
        ("GET", true, false) if has("location") => Operation::GetBucketLocation,
        ("GET", true, false) if has("uploads") => return Err(errors::not_implemented("ListMultipartUploads")),
        ("GET", true, false) if v2 => Operation::ListObjectsV2,
        ("GET", true, false) => Operation::ListObjects,
        ("POST", true, false) if has("delete") => Operation::DeleteObjects,
        ("PUT", true, true) if headers.contains_key("x-amz-copy-source") => {
            return Err(errors::not_implemented("copies of objects"));
        }
        ("PUT", true, true) if has("uploadId") => Operation::UploadPart,
        ("PUT", true, true) => Operation::PutObject,
        ("GET", true, true) if has("uploadId") => Operation::ListParts,
        ("GET" | "HEAD", true, true) if has("partNumber") => {
            return Err(errors::not_implemented("single parts of an object"));
        }
        ("GET", true, true) => Operation::GetObject,
        ("HEAD", true, true) => Operation::HeadObject,
        ("DELETE", true, true) if has("uploadId") => Operation::AbortMultipartUpload,
        ("DELETE", true, true) => Operation::DeleteObject,
        ("POST", true, true) if has("uploads") => Operation::CreateMultipartUpload,
        ("POST", true, true) if has("uploadId") => Operation::CompleteMultipartUpload,
        _ => return Err(errors::not_implemented(format_args!("{method} {}", uri.path()))),
    })
}

/// Whether the bucket stands in the host's name. That can be told where the rest of the name is known.
fn is_virtual_host(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.ends_with(".localhost") || name.ends_with(".amazonaws.com") && !name.starts_with("s3.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, target: &str) -> Result<Operation, &'static str> {
        operation(&method, &target.parse().unwrap(), &HeaderMap::new()).map_err(|error| error.code)
    }

    #[test]
    fn method_path_and_query_name_the_operation() {
        for (method, target, wanted) in [
            (Method::GET, "/", Operation::ListBuckets),
            (Method::PUT, "/bkt", Operation::CreateBucket),
            (Method::PUT, "/bkt/", Operation::CreateBucket),
            (Method::HEAD, "/bkt", Operation::HeadBucket),
            (Method::GET, "/bkt?location", Operation::GetBucketLocation),
            (Method::GET, "/bkt/?list-type=2&prefix=a%2F", Operation::ListObjectsV2),
            (Method::GET, "/bkt?prefix=a", Operation::ListObjects),
            (Method::POST, "/bkt?delete", Operation::DeleteObjects),
            (Method::PUT, "/bkt/key?x-id=PutObject", Operation::PutObject),
            (Method::PUT, "/bkt/key?x-id=UploadPart&partNumber=1&uploadId=u", Operation::UploadPart),
            (Method::GET, "/bkt/a/b", Operation::GetObject),
            (Method::GET, "/bkt/a?uploadId=u", Operation::ListParts),
            (Method::HEAD, "/bkt/a", Operation::HeadObject),
            (Method::DELETE, "/bkt/a", Operation::DeleteObject),
            (Method::DELETE, "/bkt/a?uploadId=u", Operation::AbortMultipartUpload),
            (Method::POST, "/bkt/a?uploads", Operation::CreateMultipartUpload),
            (Method::POST, "/bkt/a?uploadId=u", Operation::CompleteMultipartUpload),
        ] {
            assert_eq!(of(method, target), Ok(wanted), "{target}");
        }
    }

    #[test]
    fn what_is_not_served_is_said() {
        assert_eq!(of(Method::GET, "/bkt?acl"), Err("NotImplemented"));
        assert_eq!(of(Method::DELETE, "/bkt"), Err("NotImplemented"));
        assert_eq!(of(Method::GET, "/bkt/k?partNumber=1"), Err("NotImplemented"));
        assert_eq!(of(Method::PUT, "/Bucket/k"), Err("InvalidBucketName"));
        assert_eq!(of(Method::PUT, "/b/k"), Err("InvalidBucketName"));
        assert_eq!(of(Method::PUT, "/bkt/%ff"), Err("InvalidURI"));
        assert_eq!(of(Method::PUT, &format!("/bkt/{}", "k".repeat(KEY + 1))), Err("KeyTooLongError"));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "bkt.localhost:8000".parse().unwrap());
        let refused = operation(&Method::GET, &"/key".parse().unwrap(), &headers).unwrap_err();
        assert!(refused.message.contains("force_path_style"), "{refused:?}");
        headers.insert("x-amz-copy-source", "a/b".parse().unwrap());
        headers.insert(HOST, "localhost:8000".parse().unwrap());
        let refused = operation(&Method::PUT, &"/bkt/key".parse().unwrap(), &headers).unwrap_err();
        assert_eq!(refused.code, "NotImplemented");
    }

    #[test]
    fn keys_are_decoded_and_keep_their_slashes_and_pluses() {
        let key = |path: &str| Address::of(&path.parse().unwrap()).unwrap().key;
        assert_eq!(key("/bkt/a%20b/c+d/%C3%A9%2F"), "a b/c+d/é/");
        assert_eq!(key("/bkt//a"), "/a");
        assert_eq!(key("/bkt/"), "");
    }
}
