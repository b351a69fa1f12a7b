//! S3's own refusals, in its own words.

use std::borrow::Cow;
use std::io;

use hyper::StatusCode;

use super::super::errors::ServiceError;

pub(super) fn no_such_bucket() -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist")
}

pub(super) fn no_such_key() -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
}

pub(super) fn no_such_upload() -> ServiceError {
    ServiceError::new(
        StatusCode::NOT_FOUND,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
}

pub(super) fn invalid_bucket_name() -> ServiceError {
    bad_request("InvalidBucketName", "The specified bucket is not valid.")
}

pub(super) fn invalid_argument(message: impl Into<Cow<'static, str>>) -> ServiceError {
    bad_request("InvalidArgument", message)
}

pub(super) fn invalid_request(message: impl Into<Cow<'static, str>>) -> ServiceError {
    bad_request("InvalidRequest", message)
}

pub(super) fn invalid_digest(message: &'static str) -> ServiceError {
    bad_request("InvalidDigest", message)
}

pub(super) fn bad_digest(message: impl Into<Cow<'static, str>>) -> ServiceError {
    bad_request("BadDigest", message)
}

pub(super) fn incomplete_body(message: &'static str) -> ServiceError {
    bad_request("IncompleteBody", message)
}

pub(super) fn malformed_xml() -> ServiceError {
    bad_request(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(super) fn entity_too_large() -> ServiceError {
    bad_request("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
}

pub(super) fn entity_too_small() -> ServiceError {
    bad_request("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
}

pub(super) fn invalid_part() -> ServiceError {
    bad_request(
        "InvalidPart",
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    )
}

pub(super) fn missing_length() -> ServiceError {
    ServiceError::new(
        StatusCode::LENGTH_REQUIRED,
        "MissingContentLength",
        "You must provide the Content-Length HTTP header.",
    )
}

pub(super) fn precondition_failed() -> ServiceError {
    ServiceError::new(
        StatusCode::PRECONDITION_FAILED,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
}

pub(super) fn invalid_range() -> ServiceError {
    ServiceError::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "The requested range is not satisfiable")
}

pub(super) fn not_implemented(what: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(
        StatusCode::NOT_IMPLEMENTED,
        "NotImplemented",
        format!("The simulator's S3 does not serve {what}."),
    )
}

/// Content that could not be kept or read: the simulator's disk, not the client's fault.
pub(super) fn storage(error: &io::Error) -> ServiceError {
    ServiceError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalError",
        format!("The simulator cannot store or read the object: {error}."),
    )
}

pub(super) fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> ServiceError {
    ServiceError::new(StatusCode::BAD_REQUEST, code, message)
}
