//! What goes back over the wire, healthy or not.

use std::any::Any;
use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::errors::ServiceError;
use super::faults::Failing;
use super::objects::Reader;
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
    status: StatusCode,
    content_type: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: ReplyBody,
}

impl Answer {
    fn of(content_type: Option<&'static str>, body: ReplyBody) -> Answer {
        Answer { status: StatusCode::OK, content_type, headers: Vec::new(), body }
    }

    pub(super) fn new(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        Answer::of(Some(content_type), ReplyBody::whole(body))
    }

    /// Headers alone.
    pub(super) fn empty() -> Answer {
        Answer::of(None, ReplyBody::whole(Bytes::new()))
    }

    pub(super) fn json(value: &impl serde::Serialize) -> Answer {
        // Our own values have string keys and finite numbers: writing them cannot fail.
        Answer::new("application/json", serde_json::to_vec(value).unwrap_or_default())
    }

    pub(super) fn stream(stream: EventStream) -> Answer {
        Answer::of(Some("application/vnd.amazon.eventstream"), ReplyBody::Stream(Box::new(stream)))
    }

    /// The next `length` bytes of `content`. It has no content type of its own.
    pub(super) fn file(content: Reader, length: u64) -> Answer {
        Answer::of(None, ReplyBody::File(FileBody { content, announced: length, left: length, end: FileEnd::Clean }))
    }

    pub(super) fn status(mut self, status: StatusCode) -> Answer {
        self.status = status;
        self
    }

    /// Whether nothing follows the headers.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.body, ReplyBody::Whole(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }

    /// Adds a header whose name or value a client chose. What no header can carry is left out.
    pub(super) fn text_header(mut self, name: &str, value: &str) -> Answer {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            self.headers.push((name, value));
        }
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Answer {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    /// The answer as `failing` lets it out. `held` stays alive as long as a stalled answer does.
    pub(super) fn through(mut self, failing: Option<Failing>, held: impl Any + Send) -> Result<Answer, Refusal> {
        self.body = match (self.body, failing) {
            (body @ ReplyBody::Stream(_), _) => body,
            (_, Some(Failing::LostReply)) => return Err(Refusal::Severed(Severed::Closed)),
            (_, Some(Failing::Malformed)) => {
                // A HEAD tells the length of what it does not carry.
                self.headers.retain(|(name, _)| name != CONTENT_LENGTH);
                ReplyBody::whole(Bytes::from_static(MALFORMED))
            }
            (ReplyBody::Whole(bytes), Some(failing)) => {
                let bytes = bytes.unwrap_or_default();
                match failing {
                    Failing::Stall => ReplyBody::Stalled { announced: bytes.len(), _held: Box::new(held) },
                    Failing::Truncate if bytes.is_empty() => return Err(Refusal::Severed(Severed::Closed)),
                    Failing::Truncate => ReplyBody::Cut {
                        announced: bytes.len(),
                        bytes: Some(bytes.slice(..bytes.len() / 2)),
                        flushed: false,
                    },
                    _ => ReplyBody::whole(bytes),
                }
            }
            (ReplyBody::File(file), Some(Failing::Stall)) => ReplyBody::File(file.half(FileEnd::Stall)),
            (ReplyBody::File(file), Some(Failing::Truncate)) => ReplyBody::File(file.half(FileEnd::Cut)),
            (body, _) => body,
        };
        Ok(self)
    }

    pub(super) fn into_response(self) -> Response<ReplyBody> {
        let announced = match &self.body {
            ReplyBody::Cut { announced, .. } | ReplyBody::Stalled { announced, .. } => Some(*announced as u64),
            ReplyBody::File(file) => Some(file.announced),
            _ => None,
        };
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
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
    /// Content of an object.
    File(FileBody),
}

/// Content of an object on its way out, a piece at a time.
pub(super) struct FileBody {
    content: Reader,
    announced: u64,
    left: u64,
    end: FileEnd,
}

/// What comes after the last byte.
enum FileEnd {
    Clean,
    /// Nothing, and the connection stays open.
    Stall,
    /// The connection closes.
    Cut,
    /// The same, as soon as all before it is written.
    CutNow,
}

/// The largest piece of a file that is read at a time.
const PIECE: u64 = 64 << 10;

impl FileBody {
    /// The first half, then this end.
    fn half(self, end: FileEnd) -> FileBody {
        FileBody { left: self.announced / 2, end, ..self }
    }

    /// The next piece. The file is on a local disk: reading 64 KB of it takes less time than handing the task over.
    fn piece(&mut self) -> io::Result<Bytes> {
        let mut piece = vec![0; usize::try_from(self.left.min(PIECE)).unwrap_or_default()];
        let read = self.content.read(&mut piece)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(read);
        self.left -= read as u64;
        Ok(piece.into())
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Severed>>> {
        if self.left > 0 {
            return Poll::Ready(Some(self.piece().map_err(|_| Severed::Closed)));
        }
        match self.end {
            FileEnd::Clean => Poll::Ready(None),
            FileEnd::Stall => Poll::Pending,
            FileEnd::Cut => {
                // As with a cut of bytes in memory.
                self.end = FileEnd::CutNow;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            FileEnd::CutNow => Poll::Ready(Some(Err(Severed::Closed))),
        }
    }
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
            ReplyBody::File(file) => file.poll_piece(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ReplyBody::Whole(bytes) => bytes.is_none(),
            ReplyBody::File(FileBody { left: 0, end: FileEnd::Clean, .. }) => true,
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ReplyBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            ReplyBody::File(FileBody { left, end: FileEnd::Clean, .. }) => SizeHint::with_exact(*left),
            _ => SizeHint::default(),
        }
    }
}
