//! The chunks of Anthropic Messages.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::families::BodyError;
use crate::families::converse::tool_input;
use crate::record::Usage;

/// A block as it began, and what its deltas added.
#[derive(Debug)]
struct Block {
    start: Map<String, Value>,
    text: String,
    signature: String,
}

#[derive(Debug, Default)]
pub(super) struct AnthropicStream {
    message: Map<String, Value>,
    blocks: BTreeMap<u64, Block>,
    usage: Map<String, Value>,
    stop_reason: Option<String>,
    stop_sequence: Value,
    whole: bool,
}

impl AnthropicStream {
    /// Takes one event; the bytes of output in it.
    pub(super) fn event(&mut self, mut event: Value) -> Result<usize, BodyError> {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let index = event.get("index").and_then(Value::as_u64);
        let index = || index.ok_or_else(|| BodyError::new(format!("{kind}.index: expected a whole number")));
        match kind.as_str() {
            "message_start" => {
                if let Some(Value::Object(message)) = event.get_mut("message").map(Value::take) {
                    self.count(message.get("usage"));
                    self.message = message;
                }
            }
            "content_block_start" => {
                let Some(Value::Object(start)) = event.get_mut("content_block").map(Value::take) else {
                    return Err(BodyError::new("content_block_start.content_block is missing"));
                };
                let text = start.get("text").or_else(|| start.get("thinking")).and_then(Value::as_str);
                let text = text.unwrap_or_default().to_owned();
                let bytes = text.len();
                self.blocks.insert(index()?, Block { start, text, signature: String::new() });
                return Ok(bytes);
            }
            "content_block_delta" => {
                let Some(block) = self.blocks.get_mut(&index()?) else {
                    return Err(BodyError::new("content_block_delta: its block never began"));
                };
                let text = |at: &str| event.pointer(at).and_then(Value::as_str);
                if let Some(signature) = text("/delta/signature") {
                    block.signature.push_str(signature);
                }
                let pieces = [text("/delta/text"), text("/delta/thinking"), text("/delta/partial_json")];
                let piece = pieces.into_iter().flatten().next().unwrap_or_default();
                block.text.push_str(piece);
                return Ok(piece.len());
            }
            "message_delta" => {
                self.count(event.get("usage"));
                if let Some(reason) = event.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    self.stop_reason = Some(reason.to_owned());
                }
                if let Some(sequence) = event.pointer_mut("/delta/stop_sequence") {
                    self.stop_sequence = sequence.take();
                }
            }
            "message_stop" => self.whole = true,
            "error" => {
                let word = |at: &str| event.pointer(at).and_then(Value::as_str).unwrap_or("unknown").escape_debug();
                let line = format!("the model reports {}: {}", word("/error/type"), word("/error/message"));
                return Err(BodyError::new(line));
            }
            // `content_block_stop`, `ping` and what may come later carry nothing.
            _ => {}
        }
        Ok(0)
    }

    /// Later counts replace earlier ones: `message_delta` brings the final output count.
    fn count(&mut self, usage: Option<&Value>) {
        let counts = usage.and_then(Value::as_object).into_iter().flatten();
        for (name, count) in counts.filter(|(_, count)| !count.is_null()) {
            self.usage.insert(name.clone(), count.clone());
        }
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        let count = |name: &str| self.usage.get(name).and_then(Value::as_u64);
        Some(Usage {
            input: count("input_tokens")?,
            output: count("output_tokens")?,
            cache_read: count("cache_read_input_tokens").unwrap_or(0),
            cache_write: count("cache_creation_input_tokens").unwrap_or(0),
        })
    }

    pub(super) fn stop_reason(&self) -> Option<String> {
        self.stop_reason.clone()
    }

    pub(super) fn finish(self) -> Option<Value> {
        if !self.whole {
            return None;
        }
        let mut message = self.message;
        message.entry("type").or_insert_with(|| "message".into());
        message.entry("role").or_insert_with(|| "assistant".into());
        message.insert("content".to_owned(), self.blocks.into_values().map(Block::json).collect());
        message.insert("stop_reason".to_owned(), json!(self.stop_reason));
        message.insert("stop_sequence".to_owned(), self.stop_sequence);
        message.insert("usage".to_owned(), Value::Object(self.usage));
        Some(Value::Object(message))
    }
}

impl Block {
    fn json(self) -> Value {
        let mut block = self.start;
        match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                block.insert("text".to_owned(), self.text.into());
            }
            Some("thinking") => {
                block.insert("thinking".to_owned(), self.text.into());
                block.insert("signature".to_owned(), self.signature.into());
            }
            // A tool call begins with an empty input; a tool of the server may bring it whole.
            _ if !self.text.is_empty() => {
                block.insert("input".to_owned(), tool_input(self.text));
            }
            _ => {}
        }
        Value::Object(block)
    }
}
