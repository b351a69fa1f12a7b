//! What goes back over the wire, healthy or not.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};

use super::errors::ServiceError;
use super::faults::Failing;
use super::stream::EventStream;

/// The connection ends here, without (the rest of) a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severed {
    /// By a TCP reset.
    Reset,
    /// By a close.
    Closed,
}

impl fmt::Display for Severed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severed::Reset => "the scenario resets the connection",
            Severed::Closed => "the scenario closes the connection",
        })
    }
}

impl std::error::Error for Severed {}

/// Why there is no successful answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The service says why.
    Error(ServiceError),
    /// It says nothing.
    Severed(Severed),
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Refusal {
        Refusal::Error(error)
    }
}

/// A successful answer.
pub(super) struct Answer {
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: ReplyBody,
}

impl Answer {
    pub(super) fn new(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        Answer { content_type, headers: Vec::new(), body: ReplyBody::Whole(Some(body.into())) }
    }

    pub(super) fn json(value: &impl serde::Serialize) -> Answer {
        // Our own values have string keys and finite numbers: writing them cannot fail.
        Answer::new("application/json", serde_json::to_vec(value).unwrap_or_default())
    }

    pub(super) fn stream(stream: EventStream) -> Answer {
        Answer {
            content_type: "application/vnd.amazon.eventstream",
            headers: Vec::new(),
            body: ReplyBody::Stream(Box::new(stream)),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Answer {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    /// The answer as `failing` lets it out. `held` stays alive as long as a stalled answer does.
    pub(super) fn through(mut self, failing: Option<Failing>, held: impl Any + Send) -> Result<Answer, Refusal> {
        let ReplyBody::Whole(bytes) = &mut self.body else { return Ok(self) };
        let bytes = bytes.take().unwrap_or_default();
        self.body = match failing {
            Some(Failing::LostReply) => return Err(Refusal::Severed(Severed::Closed)),
            Some(Failing::Stall) => ReplyBody::Stalled { announced: bytes.len(), _held: Box::new(held) },
            Some(Failing::Truncate) => {
                ReplyBody::Cut { announced: bytes.len(), bytes: Some(bytes.slice(..bytes.len() / 2)), flushed: false }
            }
            Some(Failing::Malformed) => ReplyBody::Whole(Some(Bytes::from_static(MALFORMED))),
            _ => ReplyBody::Whole(Some(bytes)),
        };
        Ok(self)
    }

    pub(super) fn into_response(self) -> Response<ReplyBody> {
        let announced = match &self.body {
            ReplyBody::Cut { announced, .. } | ReplyBody::Stalled { announced, .. } => Some(*announced),
            _ => None,
        };
        let mut response = Response::new(self.body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(length) = announced {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        headers.extend(self.headers);
        response
    }
}

/// What some proxy in between might say in the service's place.
const MALFORMED: &[u8] =
    b"<html><head><title>502 Bad Gateway</title></head><body>upstream said {\"output\":</body></html>";

/// The body of a reply.
pub(super) enum ReplyBody {
    /// All of it.
    Whole(Option<Bytes>),
    /// The first part of it, then the connection closes.
    Cut { announced: usize, bytes: Option<Bytes>, flushed: bool },
    /// Nothing of it, and the connection stays open until the client gives up.
    Stalled { announced: usize, _held: Box<dyn Any + Send> },
    /// An event stream.
    Stream(Box<EventStream>),
}

impl ReplyBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> ReplyBody {
        ReplyBody::Whole(Some(bytes.into()))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Severed;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Severed>>> {
        match &mut *self {
            ReplyBody::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            ReplyBody::Cut { bytes, flushed, .. } => match bytes.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                // An error would throw away what is not yet written: hyper writes when the body makes it wait.
                None if !std::mem::replace(flushed, true) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(Severed::Closed))),
            },
            ReplyBody::Stalled { .. } => Poll::Pending,
            ReplyBody::Stream(stream) => stream.poll_bytes(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, ReplyBody::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ReplyBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            _ => SizeHint::default(),
        }
    }
}
