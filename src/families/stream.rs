//! Reading the chunks of `InvokeModelWithResponseStream`, each family in its own shapes.

mod anthropic;
mod chat;
mod completion;
mod nova;

use serde_json::Value;

use crate::record::Usage;

use super::converse::Written;
use super::reply::invocation_metrics;
use super::{BodyError, Family, ReplyFacts, ReplyParts};
use anthropic::AnthropicStream;
use chat::ChatStream;
use completion::CompletionStream;
use nova::NovaStream;

/// What one event of a stream brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventFacts {
    /// Output in it, in bytes: text, reasoning or tool input.
    pub text_bytes: u64,
    /// Whether it is the first output of the stream: the time to the first token ends here.
    pub first_text: bool,
}

/// Takes the chunks of one stream, in their order, and gives the reply that the unary call would have returned.
#[derive(Debug)]
pub struct StreamReader {
    form: Form,
    written: Written,
    usage: Option<Usage>,
    latency_ms: Option<u64>,
}

#[derive(Debug)]
enum Form {
    Nova(NovaStream),
    Anthropic(AnthropicStream),
    Completion(CompletionStream),
    Chat(ChatStream),
}

impl StreamReader {
    /// A reader of a stream of `family`.
    #[must_use]
    pub fn new(family: Family) -> StreamReader {
        let form = match family {
            Family::Converse | Family::Nova => Form::Nova(NovaStream::new(family)),
            Family::AnthropicMessages => Form::Anthropic(AnthropicStream::default()),
            Family::AnthropicText | Family::Llama | Family::Titan | Family::MistralText => {
                Form::Completion(CompletionStream::new(family))
            }
            Family::MistralChat | Family::Jamba | Family::OpenAi => Form::Chat(ChatStream::new(family)),
        };
        StreamReader { form, written: Written::default(), usage: None, latency_ms: None }
    }

    /// Takes the JSON of one chunk.
    ///
    /// # Errors
    /// One line, if the chunk is not JSON, is wrong for the family, reports an error of the model, or the reply grows
    /// without end. The stream is lost then.
    pub fn event(&mut self, bytes: &[u8]) -> Result<EventFacts, BodyError> {
        self.written.weigh(bytes.len() as u64)?;
        let event: Value =
            serde_json::from_slice(bytes).map_err(|e| BodyError::new(format!("a stream chunk is not JSON: {e}")))?;
        if !event.is_object() {
            return Err(BodyError::new("a stream chunk is not a JSON object"));
        }
        if let Some((usage, latency_ms)) = invocation_metrics(&event) {
            self.usage = usage.or(self.usage);
            self.latency_ms = latency_ms.or(self.latency_ms);
        }
        let bytes = match &mut self.form {
            Form::Nova(stream) => stream.event(&event)?,
            Form::Anthropic(stream) => stream.event(event)?,
            Form::Completion(stream) => stream.event(&event),
            Form::Chat(stream) => stream.event(&event),
        };
        self.written.text(bytes)
    }

    /// What is known so far: what a stream that broke has used.
    #[must_use]
    pub fn facts(&self) -> ReplyFacts {
        let (usage, stop_reason, latency_ms) = match &self.form {
            Form::Nova(stream) => {
                let facts = stream.facts();
                (facts.usage, facts.stop_reason, facts.latency_ms)
            }
            Form::Anthropic(stream) => (stream.usage(), stream.stop_reason(), None),
            Form::Completion(stream) => (stream.usage(), stream.stop_reason(), None),
            Form::Chat(stream) => (stream.usage(), stream.stop_reason(), None),
        };
        ReplyFacts {
            usage: usage.or(self.usage),
            stop_reason,
            text_bytes: self.written.text_bytes,
            latency_ms: latency_ms.or(self.latency_ms),
        }
    }

    /// The whole reply; `None` if the final event never came: the stream was cut short.
    #[must_use]
    pub fn finish(self) -> Option<ReplyParts> {
        let facts = self.facts();
        let output = match self.form {
            Form::Nova(stream) => stream.finish(facts.usage)?,
            Form::Anthropic(stream) => stream.finish()?,
            Form::Completion(stream) => stream.finish(facts.usage)?,
            Form::Chat(stream) => stream.finish()?,
        };
        Some(ReplyParts { output, facts })
    }
}
