//! S3, as far as batch jobs and those who feed them need it: objects, lists and multipart uploads.
//!
//! Path-style addresses only (`http://host:port/bucket/key`). A bucket that is not there is made by the first put into
//! it, which the real service would refuse: a rehearsal needs no setting up. A bucket has no Region, owner, versions or
//! policies. Bodies are streamed both ways and lie in files ([`super::objects`]).

mod address;
mod body;
mod bucket;
mod checksum;
mod chunked;
mod errors;
mod list;
mod multipart;
mod object;
mod uploads;
mod xml;

use hyper::HeaderMap;
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio::time::sleep_until;

use crate::record::Micros;

use super::call::Call;
use super::errors::ServiceError;
use super::faults::Failing;
use super::latency;
use super::objects::Objects;
use super::reply::{Answer, Refusal};
use super::route::{Operation, query};

use self::address::Address;
use self::body::Upload;

pub(super) use self::address::operation;
pub(super) use self::uploads::Uploads;

/// A request as the operations see it.
struct Asked<'c> {
    call: &'c Call,
    address: Address,
    headers: &'c HeaderMap,
}

impl Asked<'_> {
    fn objects(&self) -> &Objects {
        &self.call.world.objects
    }

    fn query(&self, name: &str) -> Option<String> {
        query(&self.call.uri, name)
    }

    /// The value of a header; one that is not text counts as absent.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Objects get the time of the jobs that read and write them.
    fn now(&self) -> Micros {
        self.call.world.service_time()
    }
}

/// Answers a request of S3. What is refused is read to its end first: a client in the middle of sending would see a
/// broken connection instead of the refusal.
pub(super) async fn serve(mut call: Call, headers: &HeaderMap, body: Incoming) -> Result<Answer, Refusal> {
    let mut upload = Upload::new(headers, body);
    let served = attend(&mut call, headers, &mut upload).await;
    if matches!(served, Err(Refusal::Error(_))) {
        upload.drain().await;
    }
    served
}

async fn attend(call: &mut Call, headers: &HeaderMap, upload: &mut Upload) -> Result<Answer, Refusal> {
    if call.failing() == Some(Failing::Reset) {
        upload.discard_half().await;
    }
    call.at_the_door()?;
    let pause = latency::control_call(call.trouble.slow, &mut call.rng);
    sleep_until(call.arrived + pause).await;
    call.at_the_desk()?;
    let asked = Asked { call, address: Address::of(&call.uri)?, headers };
    let answer = match call.operation {
        Operation::PutObject => object::put(&asked, upload).await?,
        Operation::GetObject => object::get(&asked)?,
        Operation::HeadObject => object::head(&asked)?,
        Operation::DeleteObject => object::delete(&asked)?,
        Operation::DeleteObjects => object::delete_many(&asked, upload).await?,
        Operation::ListObjectsV2 => list::list_v2(&asked)?,
        Operation::ListObjects => list::list_v1(&asked)?,
        Operation::CreateMultipartUpload => multipart::create(&asked)?,
        Operation::UploadPart => multipart::upload_part(&asked, upload).await?,
        Operation::CompleteMultipartUpload => multipart::complete(&asked, upload).await?,
        Operation::AbortMultipartUpload => multipart::abort(&asked)?,
        Operation::ListParts => multipart::list_parts(&asked)?,
        Operation::CreateBucket => bucket::create(&asked)?,
        Operation::HeadBucket => bucket::head(&asked)?,
        Operation::ListBuckets => bucket::list(&asked),
        Operation::GetBucketLocation => bucket::location(&asked)?,
        other => return Err(ServiceError::unknown_operation(other).into()),
    };
    if call.failing() == Some(Failing::Stall) && answer.is_empty() {
        // Without a body there is nothing in the middle of which to stop: the reply does not come at all.
        std::future::pending::<()>().await;
    }
    answer.through(call.failing(), ())
}

fn timestamp(at: Micros) -> Timestamp {
    i64::try_from(at.0).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok()).unwrap_or_default()
}

/// As the XML has it.
fn iso_date(at: Micros) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// As headers have it.
fn http_date(at: Micros) -> String {
    timestamp(at).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// As headers and XML have it.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}
