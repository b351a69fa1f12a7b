//! Event streams: frames to facts, under our own deadline between two events.
//!
//! No timeout of the SDK covers the gaps of an event stream, and a stream that ends cleanly without its last event is no
//! error to it. Both are ours to notice.

use std::borrow::Cow;
use std::time::Duration;

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::event_stream::Message;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use crate::families::{ConverseAssembler, EventFacts, Family, ReplyParts, StreamReader};
use crate::record::{ErrorClass, Failure, Micros, Reply, StreamTiming, UsageSource};

use super::call::{Progress, ProgressSink};
use super::classify::{classify, exception_name};
use super::converse_events;
use super::exchange::{Head, LARGEST_REPLY};
use super::failure::own;
use super::message::{causes, one_line};

/// The largest frame accepted: well above the service's 1 MB chunk, far below what would hurt.
const LARGEST_FRAME: usize = 16 << 20;
/// A frame is at least its prelude (12 bytes) and its checksum (4 bytes).
const SMALLEST_FRAME: usize = 16;
/// How long to wait for the end of the body after the last event, so that the connection can be used again.
const LINGER: Duration = Duration::from_millis(100);
/// How often progress is told at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// What was seen of a stream so far: survives the future that reads it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Bytes of output text.
    pub(super) text_bytes: u64,
    first_token: Option<Micros>,
    last_token: Option<Micros>,
    content_events: u32,
    all_events: u32,
    longest_gap: Micros,
}

impl Seen {
    /// A failure in the middle of the stream: what came before it may be billed.
    pub(super) fn fail(&self, class: ErrorClass, code: &str, message: &str) -> Failure {
        Failure { maybe_billed: true, text_bytes: self.text_bytes, status: Some(200), ..own(class, code, message) }
    }

    fn timing(&self, elapsed: Micros) -> StreamTiming {
        StreamTiming {
            first_token: self.first_token.unwrap_or(elapsed),
            last_token: self.last_token.unwrap_or(elapsed),
            events: self.content_events,
            longest_gap: self.longest_gap,
        }
    }
}

/// How to read a stream.
pub(super) struct Reading<'a> {
    /// The family of its chunks, or Converse.
    pub(super) family: Family,
    /// The longest silence between two events.
    pub(super) gap: Duration,
    /// When the request was sent.
    pub(super) started: Instant,
    /// Who wants to hear of progress.
    pub(super) progress: Option<&'a mut ProgressSink>,
}

/// Puts the events of one reply together, whichever operation sent them.
enum Assembly {
    Converse(Box<ConverseAssembler>),
    Chunks(Box<StreamReader>),
}

/// One frame, taken apart.
enum Event {
    /// A fact of the reply; true if it is known to be the last.
    Facts(EventFacts, bool),
    /// Nothing for us.
    Ignored,
    /// The service gave up: exception name and message.
    Exception(String, String),
}

impl Assembly {
    fn new(family: Family) -> Assembly {
        match family {
            Family::Converse => Assembly::Converse(Box::new(ConverseAssembler::new())),
            family => Assembly::Chunks(Box::new(StreamReader::new(family))),
        }
    }

    fn take(&mut self, message: &Message) -> Result<Event, String> {
        let payload = message.payload();
        match header(message, ":message-type").unwrap_or("event") {
            "event" => {
                let kind = header(message, ":event-type").unwrap_or_default();
                match self {
                    Assembly::Converse(assembler) => {
                        let facts = converse_events::give(assembler, kind, payload)?;
                        Ok(Event::Facts(facts, kind == "metadata"))
                    }
                    Assembly::Chunks(reader) if kind == "chunk" => {
                        let bytes = chunk(payload)?;
                        let facts = reader.event(&bytes).map_err(|error| error.to_string())?;
                        Ok(Event::Facts(
                            facts,
                            memchr::memmem::find(&bytes, b"amazon-bedrock-invocationMetrics").is_some(),
                        ))
                    }
                    Assembly::Chunks(_) => Ok(Event::Ignored),
                }
            }
            "exception" => {
                let name = exception_name(header(message, ":exception-type").unwrap_or_default());
                Ok(Event::Exception(name, message_of(payload)))
            }
            "error" => {
                let code = header(message, ":error-code").unwrap_or("UnknownError");
                Ok(Event::Exception(code.to_owned(), header(message, ":error-message").unwrap_or_default().to_owned()))
            }
            other => Err(format!("a frame of the unknown message type `{}`", one_line(other))),
        }
    }

    fn finish(self) -> Option<ReplyParts> {
        match self {
            Assembly::Converse(assembler) => assembler.finish(),
            Assembly::Chunks(reader) => reader.finish(),
        }
    }
}

/// Reads a whole stream.
///
/// # Errors
/// A gap longer than allowed, a broken connection, a mid-stream exception, frames that cannot be read, or an end without
/// the last event.
pub(super) async fn read(
    body: SdkBody,
    head: &Head,
    mut reading: Reading<'_>,
    seen: &mut Seen,
) -> Result<Reply, Failure> {
    let mut frames = Frames { body, buffer: BytesMut::new(), total: 0 };
    let mut assembly = Assembly::new(reading.family);
    let mut last_event = Instant::now();
    let mut last_told = reading.started;
    loop {
        let message = match timeout(reading.gap, frames.next()).await {
            Err(_) => {
                let gap = reading.gap.as_secs_f64();
                let after = seen.all_events;
                let message = format!("no event for {gap} s, after {after} events");
                return Err(seen.fail(ErrorClass::Timeout, "StreamStalled", &message));
            }
            Ok(Err(Broken::Connection(cause))) => {
                return Err(seen.fail(ErrorClass::Connection, "StreamBroken", &cause));
            }
            Ok(Err(Broken::Frame(cause))) => return Err(seen.fail(ErrorClass::Malformed, "MalformedStream", &cause)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(message))) => message,
        };
        let now = Instant::now();
        if seen.all_events > 0 {
            seen.longest_gap = seen.longest_gap.max(Micros::from(now - last_event));
        }
        last_event = now;
        let event = assembly.take(&message);
        let began = seen.all_events > 0;
        seen.all_events = seen.all_events.saturating_add(1);
        match event {
            Err(cause) => return Err(seen.fail(ErrorClass::Malformed, "MalformedStream", &cause)),
            Ok(Event::Exception(code, message)) => {
                let class = match classify(&code, None, &message) {
                    ErrorClass::Other => ErrorClass::Server,
                    class => class,
                };
                let failure = seen.fail(class, &one_line(&code), &message);
                // Refused before its first event, a stream has generated nothing.
                return Err(Failure { maybe_billed: began || class == ErrorClass::Timeout, ..failure });
            }
            Ok(Event::Ignored) => {}
            Ok(Event::Facts(facts, last)) => {
                if facts.text_bytes > 0 {
                    let at = Micros::from(now - reading.started);
                    seen.first_token.get_or_insert(at);
                    seen.last_token = Some(at);
                    seen.content_events = seen.content_events.saturating_add(1);
                    seen.text_bytes = seen.text_bytes.saturating_add(facts.text_bytes);
                }
                if let Some(progress) = reading.progress.as_deref_mut()
                    && facts.text_bytes > 0
                    && now - last_told >= PROGRESS_EVERY
                {
                    last_told = now;
                    progress(Progress { text_bytes: seen.text_bytes });
                }
                if last {
                    // Whatever happens to the connection now, the reply is whole.
                    let _ = timeout(LINGER, frames.drain()).await;
                    break;
                }
            }
        }
    }
    let elapsed = Micros::from(last_event - reading.started);
    let Some(parts) = assembly.finish() else {
        let message = format!("the stream ended without its last event, after {} events", seen.all_events);
        return Err(seen.fail(ErrorClass::Truncated, "StreamTruncated", &message));
    };
    let output = serde_json::to_vec(&parts.output)
        .map_err(|error| seen.fail(ErrorClass::Malformed, "MalformedStream", &error.to_string()))?;
    let usage = parts.facts.usage.map(|usage| (usage, UsageSource::Body));
    Ok(Reply {
        output: Bytes::from(output),
        usage: usage.or_else(|| head.usage.map(|usage| (usage, UsageSource::Headers))),
        stop_reason: parts.facts.stop_reason,
        stream: Some(seen.timing(elapsed)),
        server_latency_ms: parts.facts.latency_ms.or(head.latency_ms),
        text_bytes: parts.facts.text_bytes.max(seen.text_bytes),
    })
}

/// What ends a stream before its time.
enum Broken {
    Connection(String),
    Frame(String),
}

/// The frames of a body.
struct Frames {
    body: SdkBody,
    buffer: BytesMut,
    total: usize,
}

impl Frames {
    /// The next frame; `None` at the end of the body.
    async fn next(&mut self) -> Result<Option<Message>, Broken> {
        loop {
            if let Some(message) = self.cut()? {
                return Ok(Some(message));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.total = self.total.saturating_add(data.len());
                        if self.total > LARGEST_REPLY {
                            return Err(Broken::Frame(format!("the stream is larger than {LARGEST_REPLY} bytes")));
                        }
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(Broken::Connection(causes(error.as_ref()))),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(Broken::Connection("the body ended in the middle of a frame".to_owned())),
            }
        }
    }

    /// Cuts a whole frame off the buffer, if there is one. Its length is checked before memory is spent on it.
    fn cut(&mut self) -> Result<Option<Message>, Broken> {
        let Some(prelude) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*prelude) as usize;
        if !(SMALLEST_FRAME..=LARGEST_FRAME).contains(&length) {
            return Err(Broken::Frame(format!("a frame claims to be {length} bytes long")));
        }
        if self.buffer.len() < length {
            return Ok(None);
        }
        let frame = self.buffer.split_to(length).freeze();
        read_message_from(frame).map(Some).map_err(|error| Broken::Frame(causes(&error)))
    }

    /// Reads to the end of the body.
    async fn drain(&mut self) {
        while let Some(Ok(_)) = self.body.frame().await {}
    }
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
    header.value().as_string().ok().map(|value| value.as_str())
}

/// The model's own JSON inside a chunk event.
fn chunk(payload: &[u8]) -> Result<Vec<u8>, String> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        bytes: Cow<'a, str>,
    }
    let chunk: Chunk<'_> = serde_json::from_slice(payload).map_err(|_| "a chunk event without `bytes`".to_owned())?;
    STANDARD.decode(chunk.bytes.as_bytes()).map_err(|_| "a chunk event whose `bytes` are not base64".to_owned())
}

/// The message inside an exception's payload.
fn message_of(payload: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    struct Exception {
        #[serde(default, alias = "Message")]
        message: String,
    }
    serde_json::from_slice::<Exception>(payload).unwrap_or_default().message
}
