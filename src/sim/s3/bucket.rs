//! Buckets.

use hyper::StatusCode;

use super::super::errors::ServiceError;
use super::super::reply::Answer;
use super::{Asked, errors, iso_date, xml};

/// `CreateBucket`. One's own bucket again is fine in us-east-1 and refused elsewhere, as in the real service.
pub(super) fn create(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    let name = &asked.address.bucket;
    if !asked.objects().make_bucket(name, asked.now()) {
        if !asked.objects().has_bucket(name) {
            return Err(errors::bad_request(
                "TooManyBuckets",
                "You have attempted to create more buckets than allowed",
            ));
        }
        if asked.call.region.name != "us-east-1" {
            return Err(ServiceError::new(
                StatusCode::CONFLICT,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            ));
        }
    }
    Ok(Answer::empty().text_header("location", &format!("/{name}")))
}

/// `HeadBucket`.
pub(super) fn head(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    known(asked)?;
    Ok(Answer::empty().text_header("x-amz-bucket-region", &asked.call.region.name))
}

/// `GetBucketLocation`: a bucket is where the caller is. us-east-1 has no name here, as ever.
pub(super) fn location(asked: &Asked<'_>) -> Result<Answer, ServiceError> {
    known(asked)?;
    let region = asked.call.region.name.as_str();
    Ok(xml::answer("LocationConstraint", |scope| {
        if region != "us-east-1" {
            scope.data(region);
        }
    }))
}

/// `ListBuckets`.
pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let account = &asked.call.world.scenario.account;
    xml::answer("ListAllMyBucketsResult", |scope| {
        let mut owner = scope.start_el("Owner").finish();
        xml::text(&mut owner, "ID", account);
        owner.finish();
        let mut buckets = scope.start_el("Buckets").finish();
        for (name, created) in asked.objects().bucket_list() {
            let mut bucket = buckets.start_el("Bucket").finish();
            xml::text(&mut bucket, "Name", name);
            xml::text(&mut bucket, "CreationDate", iso_date(created));
        }
    })
}

/// Refuses if there is no such bucket.
pub(super) fn known(asked: &Asked<'_>) -> Result<(), ServiceError> {
    if asked.objects().has_bucket(&asked.address.bucket) { Ok(()) } else { Err(errors::no_such_bucket()) }
}
