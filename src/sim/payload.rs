//! Reading a request's body within bounds.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use tokio::time::timeout;

use super::errors::ServiceError;
use super::reply::{Refusal, Severed};
use super::world::{Claim, World};

/// The largest body that the service takes (InvokeModel's `body`, facts §1.5), compressed or not.
pub(super) const BODY_LIMIT: usize = 25_000_000;
/// A body must be here in this time.
const BODY_TIME: Duration = Duration::from_secs(120);

/// A request body, unzipped, and the memory set aside for it.
pub(super) struct Payload {
    pub bytes: Bytes,
    claim: Claim,
}

impl Payload {
    /// The payload of a request whose body is not read here.
    pub(super) fn none(world: &Arc<World>) -> Result<Payload, Refusal> {
        Ok(Payload { bytes: Bytes::new(), claim: world.claim(0).ok_or_else(crowded)? })
    }

    /// Gives the memory back.
    pub(super) fn forget(&mut self) {
        self.bytes = Bytes::new();
        self.claim.release();
    }

    /// Reads the body. Nothing is read of one that announces itself as too large.
    pub(super) async fn read(world: &Arc<World>, headers: &HeaderMap, mut body: Incoming) -> Result<Payload, Refusal> {
        if body.size_hint().lower() > BODY_LIMIT as u64 {
            return Err(ServiceError::body_too_large(BODY_LIMIT).into());
        }
        let mut claim = world.claim(0).ok_or_else(crowded)?;
        let bytes = timeout(BODY_TIME, collect(&mut body, &mut claim)).await.map_err(|_| {
            ServiceError::new(
                StatusCode::REQUEST_TIMEOUT,
                "RequestTimeoutException",
                "The request body did not arrive in time.",
            )
        })??;
        let bytes = match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes()) {
            None | Some(b"" | b"identity") => bytes,
            Some(b"gzip") => unzip(&bytes, &mut claim)?,
            Some(_) => {
                return Err(ServiceError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "UnsupportedMediaTypeException",
                    "The request body may be plain or gzip.",
                )
                .into());
            }
        };
        Ok(Payload { bytes, claim })
    }
}

async fn collect(body: &mut Incoming, claim: &mut Claim) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // The client has gone away in the middle of its own request.
        let frame = frame.map_err(|_| Refusal::Severed(Severed::Closed))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + all.len() + data.len() > BODY_LIMIT {
            return Err(ServiceError::body_too_large(BODY_LIMIT).into());
        }
        if !claim.grow(data.len()) {
            return Err(crowded().into());
        }
        // Most bodies are one frame, and that needs no copy.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn unzip(bytes: &[u8], claim: &mut Claim) -> Result<Bytes, ServiceError> {
    let mut plain = Vec::new();
    let mut reader = MultiGzDecoder::new(bytes).take(BODY_LIMIT as u64 + 1);
    let mut chunk = [0; 64 << 10];
    loop {
        let read = reader
            .read(&mut chunk)
            .map_err(|error| ServiceError::serialization(format!("The request body is not valid gzip: {error}.")))?;
        if read == 0 {
            return Ok(Bytes::from(plain));
        }
        if plain.len() + read > BODY_LIMIT {
            return Err(ServiceError::body_too_large(BODY_LIMIT));
        }
        if !claim.grow(read) {
            return Err(crowded());
        }
        plain.extend_from_slice(&chunk[..read]);
    }
}

fn crowded() -> ServiceError {
    ServiceError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailableException",
        "The simulator holds too many large request bodies at once.",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::scenario::Scenario;
    use super::*;
    use crate::catalogue::Catalogue;

    fn world() -> Arc<World> {
        Arc::new(World::new(Scenario::demo(), Catalogue::embedded()))
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_comes_out_plain() {
        let mut claim = world().claim(0).unwrap();
        assert_eq!(&unzip(&gzip(b"{\"a\":1}"), &mut claim).unwrap()[..], b"{\"a\":1}");
    }

    #[test]
    fn a_gzip_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; BODY_LIMIT + 1]);
        assert!(bomb.len() < 200_000);
        let mut claim = world().claim(0).unwrap();
        assert_eq!(unzip(&bomb, &mut claim).unwrap_err().code, "RequestEntityTooLargeException");
    }

    #[test]
    fn broken_gzip_is_named() {
        let mut claim = world().claim(0).unwrap();
        assert_eq!(unzip(b"not gzip", &mut claim).unwrap_err().code, "SerializationException");
    }
}
