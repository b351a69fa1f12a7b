//! A Converse reply put together from the events of its stream.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::record::Usage;

use super::stream::EventFacts;
use super::{BodyError, ReplyFacts, ReplyParts};

/// A reply may not grow beyond this: the largest models write some 128k tokens, well under a megabyte.
pub(super) const LARGEST_REPLY: u64 = 64 << 20;

/// What one more content block weighs against [`LARGEST_REPLY`].
const BLOCK_WEIGHT: u64 = 256;

/// Counts what was written, and refuses a reply without end.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Output so far, in bytes.
    pub(super) text_bytes: u64,
    weight: u64,
}

impl Written {
    /// Takes `bytes` of output.
    pub(super) fn text(&mut self, bytes: usize) -> Result<EventFacts, BodyError> {
        let first_text = bytes > 0 && self.text_bytes == 0;
        self.text_bytes += bytes as u64;
        self.weigh(bytes as u64)?;
        Ok(EventFacts { text_bytes: bytes as u64, first_text })
    }

    /// Takes something that is not output: a block, a signature.
    pub(super) fn weigh(&mut self, bytes: u64) -> Result<(), BodyError> {
        self.weight = self.weight.saturating_add(bytes);
        if self.weight > LARGEST_REPLY {
            return Err(BodyError::new("the reply is larger than 64 MiB"));
        }
        Ok(())
    }
}

#[derive(Debug)]
enum Block {
    Text(String),
    ToolUse { id: String, name: String, input: String },
    Reasoning { text: String, signature: String },
    Redacted(String),
}

/// Takes the events of one Converse stream, in their order, and gives the reply that the unary call would have
/// returned. Block indexes are the service's `contentBlockIndex`.
#[derive(Debug, Default)]
pub struct ConverseAssembler {
    role: Option<String>,
    blocks: BTreeMap<i32, Block>,
    stop_reason: Option<String>,
    usage: Option<Usage>,
    latency_ms: Option<u64>,
    written: Written,
}

impl ConverseAssembler {
    /// An assembler that has seen nothing.
    #[must_use]
    pub fn new() -> ConverseAssembler {
        ConverseAssembler::default()
    }

    /// `messageStart`.
    pub fn message_start(&mut self, role: &str) {
        self.role = Some(role.to_owned());
    }

    /// `contentBlockStart` of a tool call; text and reasoning need none.
    ///
    /// # Errors
    /// If the reply grows without end, as for all that follow.
    pub fn block_start_tool(&mut self, index: i32, id: &str, name: &str) -> Result<(), BodyError> {
        self.written.weigh(BLOCK_WEIGHT + (id.len() + name.len()) as u64)?;
        let block = Block::ToolUse { id: id.to_owned(), name: name.to_owned(), input: String::new() };
        self.blocks.insert(index, block);
        Ok(())
    }

    /// `contentBlockDelta` with text.
    ///
    /// # Errors
    /// If the reply grows without end, or the block at `index` is of another kind.
    pub fn text(&mut self, index: i32, piece: &str) -> Result<EventFacts, BodyError> {
        match self.block(index, || Block::Text(String::new()))? {
            Block::Text(text) => text.push_str(piece),
            _ => return Err(other_kind(index)),
        }
        self.written.text(piece.len())
    }

    /// `contentBlockDelta` with a piece of a tool's input.
    ///
    /// # Errors
    /// If the reply grows without end, or no tool call began at `index`.
    pub fn tool_input(&mut self, index: i32, piece: &str) -> Result<EventFacts, BodyError> {
        match self.blocks.get_mut(&index) {
            Some(Block::ToolUse { input, .. }) => input.push_str(piece),
            _ => return Err(other_kind(index)),
        }
        self.written.text(piece.len())
    }

    /// `contentBlockDelta` with reasoning text.
    ///
    /// # Errors
    /// If the reply grows without end, or the block at `index` is of another kind.
    pub fn reasoning_text(&mut self, index: i32, piece: &str) -> Result<EventFacts, BodyError> {
        match self.reasoning(index)? {
            Block::Reasoning { text, .. } => text.push_str(piece),
            _ => return Err(other_kind(index)),
        }
        self.written.text(piece.len())
    }

    /// `contentBlockDelta` with the signature of reasoning text; it is no output.
    ///
    /// # Errors
    /// If the reply grows without end, or the block at `index` is of another kind.
    pub fn reasoning_signature(&mut self, index: i32, piece: &str) -> Result<(), BodyError> {
        match self.reasoning(index)? {
            Block::Reasoning { signature, .. } => signature.push_str(piece),
            _ => return Err(other_kind(index)),
        }
        self.written.weigh(piece.len() as u64)
    }

    /// `contentBlockDelta` with reasoning that the service hides, in base64.
    ///
    /// # Errors
    /// If the reply grows without end, or the block at `index` is of another kind.
    pub fn reasoning_redacted(&mut self, index: i32, base64: &str) -> Result<EventFacts, BodyError> {
        match self.block(index, || Block::Redacted(String::new()))? {
            Block::Redacted(data) => data.push_str(base64),
            _ => return Err(other_kind(index)),
        }
        self.written.text(base64.len())
    }

    /// `contentBlockStop`: a block that got no delta still exists.
    ///
    /// # Errors
    /// If the reply grows without end.
    pub fn block_stop(&mut self, index: i32) -> Result<(), BodyError> {
        self.block(index, || Block::Text(String::new())).map(|_| ())
    }

    /// `messageStop`: the reply is whole.
    pub fn message_stop(&mut self, reason: &str) {
        self.stop_reason = Some(reason.to_owned());
    }

    /// `metadata`, after `messageStop`.
    pub fn metadata(&mut self, usage: Option<Usage>, latency_ms: Option<u64>) {
        self.usage = usage.or(self.usage);
        self.latency_ms = latency_ms.or(self.latency_ms);
    }

    /// What is known so far: what a stream that broke has used.
    #[must_use]
    pub fn facts(&self) -> ReplyFacts {
        ReplyFacts {
            usage: self.usage,
            stop_reason: self.stop_reason.clone(),
            text_bytes: self.written.text_bytes,
            latency_ms: self.latency_ms,
        }
    }

    /// The whole reply; `None` if `messageStop` never came: the stream was cut short.
    #[must_use]
    pub fn finish(self) -> Option<ReplyParts> {
        let facts = self.facts();
        let stop_reason = self.stop_reason?;
        let role = self.role.unwrap_or_else(|| "assistant".to_owned());
        let content: Vec<Value> = self.blocks.into_values().map(Block::json).collect();
        let mut output = Map::new();
        output.insert("output".to_owned(), json!({ "message": { "role": role, "content": content } }));
        output.insert("stopReason".to_owned(), stop_reason.into());
        if let Some(usage) = self.usage {
            output.insert("usage".to_owned(), converse_usage(&usage));
        }
        if let Some(latency) = self.latency_ms {
            output.insert("metrics".to_owned(), json!({ "latencyMs": latency }));
        }
        Some(ReplyParts { output: Value::Object(output), facts })
    }

    fn reasoning(&mut self, index: i32) -> Result<&mut Block, BodyError> {
        self.block(index, || Block::Reasoning { text: String::new(), signature: String::new() })
    }

    fn block(&mut self, index: i32, new: fn() -> Block) -> Result<&mut Block, BodyError> {
        if !self.blocks.contains_key(&index) {
            self.written.weigh(BLOCK_WEIGHT)?;
        }
        Ok(self.blocks.entry(index).or_insert_with(new))
    }
}

fn other_kind(index: i32) -> BodyError {
    BodyError::new(format!("content block {index} gets a delta of another kind"))
}

impl Block {
    fn json(self) -> Value {
        match self {
            Block::Text(text) => json!({ "text": text }),
            Block::ToolUse { id, name, input } => {
                json!({ "toolUse": { "toolUseId": id, "name": name, "input": tool_input(input) } })
            }
            Block::Reasoning { text, signature } if signature.is_empty() => {
                json!({ "reasoningContent": { "reasoningText": { "text": text } } })
            }
            Block::Reasoning { text, signature } => {
                json!({ "reasoningContent": { "reasoningText": { "text": text, "signature": signature } } })
            }
            Block::Redacted(data) => json!({ "reasoningContent": { "redactedContent": data } }),
        }
    }
}

/// The input of a tool call as JSON; what the output limit cut in the middle stays the text that it is.
pub(super) fn tool_input(input: String) -> Value {
    if input.is_empty() {
        return json!({});
    }
    serde_json::from_str(&input).unwrap_or(Value::String(input))
}

/// Usage as Converse writes it; the total includes cached tokens.
pub(super) fn converse_usage(usage: &Usage) -> Value {
    let total = usage.input.saturating_add(usage.output).saturating_add(usage.cache_read);
    json!({
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "totalTokens": total.saturating_add(usage.cache_write),
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_write,
    })
}

/// Usage as Nova's `InvokeModel` writes it.
pub(super) fn nova_usage(usage: &Usage) -> Value {
    json!({
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "totalTokens": usage.input.saturating_add(usage.output),
        "cacheReadInputTokenCount": usage.cache_read,
        "cacheWriteInputTokenCount": usage.cache_write,
    })
}
