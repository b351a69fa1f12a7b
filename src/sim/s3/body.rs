//! A request's body on its way in: unwrapped, counted and digested piece by piece, so that 5 GB take no more memory
//! than one piece.

use std::io::Write;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, EXPECT};
use tokio::time::timeout;

use super::super::errors::ServiceError;
use super::super::objects::{Draft, Objects};
use super::super::reply::{Refusal, Severed};
use super::checksum::{Digests, Fingerprint};
use super::chunked::Unchunker;
use super::errors;

/// The largest object of one request, and the largest part (S3's own limit).
const LARGEST: u64 = 5 << 30;
/// The largest XML document of a request: 10,000 parts with their checksums.
const DOCUMENT: u64 = 8 << 20;
/// The next piece of a body must be here in this time.
const PIECE_TIME: Duration = Duration::from_secs(60);
/// So much of a refused body is still read: a client in the middle of sending would not see the refusal otherwise.
const DRAINED: u64 = 64 << 20;

/// The body of one request.
pub(super) struct Upload {
    body: Incoming,
    /// For bodies in `aws-chunked`.
    unchunker: Option<Unchunker>,
    /// Of the content, as announced.
    length: Option<u64>,
    received: u64,
    /// The client sends nothing before it is told to go on.
    waits: bool,
}

impl Upload {
    pub(super) fn new(headers: &HeaderMap, body: Incoming) -> Upload {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let chunked = text("x-amz-content-sha256").starts_with("STREAMING-")
            || text(CONTENT_ENCODING.as_str()).split(',').any(|coding| coding.trim() == "aws-chunked");
        let length = if chunked { text("x-amz-decoded-content-length").parse().ok() } else { body.size_hint().exact() };
        Upload {
            unchunker: chunked.then(Unchunker::new),
            length,
            received: 0,
            waits: text(EXPECT.as_str()).eq_ignore_ascii_case("100-continue"),
            body,
        }
    }

    /// Keeps the content as it comes.
    pub(super) async fn store(
        &mut self,
        objects: &Objects,
        mut digests: Digests,
    ) -> Result<(Draft, Fingerprint), Refusal> {
        match self.length {
            None => return Err(errors::missing_length().into()),
            Some(length) if length > LARGEST => return Err(errors::entity_too_large().into()),
            Some(_) => {}
        }
        let failed = |error| Refusal::Error(errors::storage(&error));
        let mut draft = objects.draft().map_err(failed)?;
        while let Some(piece) = self.piece().await? {
            digests.update(&piece);
            draft.write_all(&piece).map_err(failed)?;
        }
        let fingerprint = self.fingerprint(digests)?;
        Ok((draft, fingerprint))
    }

    /// All of a small body.
    pub(super) async fn document(&mut self, mut digests: Digests) -> Result<Bytes, Refusal> {
        let mut document = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if self.received > DOCUMENT {
                return Err(errors::entity_too_large().into());
            }
            digests.update(&piece);
            document.extend_from_slice(&piece);
        }
        self.fingerprint(digests)?;
        Ok(document.freeze())
    }

    /// Reads half of what is announced and throws it away: the client is in the middle of sending.
    pub(super) async fn discard_half(&mut self) {
        let half = self.length.unwrap_or_default() / 2;
        while self.received < half && matches!(self.piece().await, Ok(Some(_))) {}
    }

    /// Reads what the client is still sending of a request that is refused.
    pub(super) async fn drain(&mut self) {
        let mut drained = 0;
        while drained < DRAINED && !self.waits {
            match timeout(PIECE_TIME, self.body.frame()).await {
                Ok(Some(Ok(frame))) => drained += frame.data_ref().map_or(0, Bytes::len) as u64,
                _ => return,
            }
        }
    }

    fn fingerprint(&self, digests: Digests) -> Result<Fingerprint, ServiceError> {
        digests.finish(|name| self.unchunker.as_ref()?.trailer(name))
    }

    /// The next piece of the content; none at its end, which is where it was announced to be.
    async fn piece(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            if let Some(unchunker) = &mut self.unchunker {
                let piece = unchunker
                    .take()
                    .map_err(|_| errors::incomplete_body("The request body is not in the aws-chunked coding."))?;
                if let Some(piece) = piece {
                    return self.count(piece).map(Some);
                }
            }
            let frame = timeout(PIECE_TIME, self.body.frame()).await.map_err(|_| {
                errors::bad_request(
                    "RequestTimeout",
                    "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
                )
            })?;
            self.waits = false;
            let data = match frame {
                None => return self.end().map(|()| None),
                // The client has gone away in the middle of its own request.
                Some(Err(_)) => return Err(Refusal::Severed(Severed::Closed)),
                Some(Ok(frame)) => frame.into_data(),
            };
            let Ok(data) = data else { continue };
            match &mut self.unchunker {
                Some(unchunker) => unchunker.give(data),
                None => return self.count(data).map(Some),
            }
        }
    }

    fn count(&mut self, piece: Bytes) -> Result<Bytes, Refusal> {
        self.received += piece.len() as u64;
        match self.length {
            Some(length) if self.received > length => {
                Err(errors::incomplete_body("The request body is longer than it announced.").into())
            }
            _ => Ok(piece),
        }
    }

    fn end(&self) -> Result<(), Refusal> {
        let complete = self.unchunker.as_ref().is_none_or(Unchunker::is_done);
        if complete && self.length.is_none_or(|length| length == self.received) {
            return Ok(());
        }
        Err(errors::incomplete_body(
            "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        )
        .into())
    }
}
