//! Event streams: frames, their pacing in real time, and how they break.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use aws_smithy_types::str_bytes::StrBytes;
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep, sleep_until};

use super::runtime::Generation;

/// The padding by which the service hides the length of what an event says is cut from this.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Some padding; `chance` decides how much.
pub(super) fn padding(chance: u64) -> &'static str {
    &PADDING[..1 + (chance % PADDING.len() as u64) as usize]
}

/// What one frame carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FrameKind {
    /// An event of this type with a JSON payload.
    Event(String, Bytes),
    /// A modelled exception of this type.
    Exception(String, Bytes),
    /// Bytes that are no frame.
    Garbage,
}

/// One step of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// When it is due, since the request's arrival.
    pub after: Duration,
    /// How many output tokens are out with it.
    pub tokens: u64,
    /// What is sent.
    pub frame: FrameKind,
}

/// What follows the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The stream ends cleanly, whether or not it was complete.
    Clean,
    /// Nothing follows and the connection stays open.
    Stall,
}

/// A reply that comes piece by piece. Dropping it (the client has gone) settles what was generated.
pub(super) struct EventStream {
    arrived: Instant,
    steps: VecDeque<Step>,
    ending: Ending,
    generation: Generation,
    timer: Pin<Box<Sleep>>,
}

impl EventStream {
    /// A stream of `steps` in the order of their times, counted from `arrived`.
    pub(super) fn new(arrived: Instant, steps: VecDeque<Step>, ending: Ending, generation: Generation) -> EventStream {
        EventStream { arrived, steps, ending, generation, timer: Box::pin(sleep_until(arrived)) }
    }

    /// The bytes of all frames that are due, or the end.
    pub(super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let now = Instant::now();
            let mut bytes = BytesMut::new();
            let mut tokens = None;
            while let Some(step) = self.steps.front().filter(|step| self.arrived + step.after <= now) {
                encode(&step.frame, &mut bytes);
                tokens = Some(step.tokens);
                self.steps.pop_front();
            }
            if let Some(tokens) = tokens {
                self.generation.progress(tokens);
                if self.steps.is_empty() && self.ending == Ending::Clean {
                    self.generation.finish(tokens);
                }
                return Poll::Ready(Some(bytes.freeze()));
            }
            let Some(next) = self.steps.front() else {
                return match self.ending {
                    Ending::Clean => Poll::Ready(None),
                    Ending::Stall => Poll::Pending,
                };
            };
            let due = self.arrived + next.after;
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// Writes one frame with its checksums.
fn encode(frame: &FrameKind, bytes: &mut BytesMut) {
    let text = |name: &'static str, value: StrBytes| Header::new(name, HeaderValue::String(value));
    let message = match frame {
        FrameKind::Event(kind, payload) => Message::new_from_parts(
            vec![
                text(":event-type", kind.clone().into()),
                text(":content-type", "application/json".into()),
                text(":message-type", "event".into()),
            ],
            payload.clone(),
        ),
        FrameKind::Exception(kind, payload) => Message::new_from_parts(
            vec![
                text(":exception-type", kind.clone().into()),
                text(":content-type", "application/json".into()),
                text(":message-type", "exception".into()),
            ],
            payload.clone(),
        ),
        FrameKind::Garbage => {
            bytes.extend_from_slice(&GARBAGE);
            return;
        }
    };
    // Only a header name or a payload beyond the frame's 32-bit lengths could fail, and ours are short.
    let written = write_message_to(&message, bytes);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// A prelude whose checksum is wrong.
const GARBAGE: [u8; 24] =
    [0, 0, 0, 24, 0, 0, 0, 8, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 0xba, 0xdc, 0x0f, 0xfe];

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};

    use super::*;

    #[test]
    fn frames_decode_with_their_headers() {
        let mut bytes = BytesMut::new();
        encode(&FrameKind::Event("messageStart".into(), Bytes::from_static(br#"{"role":"assistant"}"#)), &mut bytes);
        encode(
            &FrameKind::Exception("throttlingException".into(), Bytes::from_static(br#"{"message":"m"}"#)),
            &mut bytes,
        );
        let mut decoder = MessageFrameDecoder::new();
        let mut seen = Vec::new();
        while let DecodedFrame::Complete(message) = decoder.decode_frame(&mut bytes).unwrap() {
            let header = &message.headers()[0];
            seen.push((
                header.name().as_str().to_owned(),
                header.value().as_string().unwrap().as_str().to_owned(),
                message.payload().clone(),
            ));
            if bytes.is_empty() {
                break;
            }
        }
        assert_eq!(
            seen,
            [
                (":event-type".into(), "messageStart".into(), Bytes::from_static(br#"{"role":"assistant"}"#)),
                (":exception-type".into(), "throttlingException".into(), Bytes::from_static(br#"{"message":"m"}"#)),
            ]
        );
    }

    #[test]
    fn garbage_is_refused_by_a_decoder() {
        let mut bytes = BytesMut::new();
        encode(&FrameKind::Garbage, &mut bytes);
        assert!(MessageFrameDecoder::new().decode_frame(&mut bytes).is_err());
    }

    #[test]
    fn padding_varies_and_is_never_empty() {
        assert_eq!(padding(0), "a");
        assert_eq!(padding(61).len(), 62);
        assert_eq!(padding(62), "a");
    }
}
