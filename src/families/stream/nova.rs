//! Nova's chunks: the events of Converse, each under its name.

use serde_json::Value;

use crate::families::reply::camel_usage;
use crate::families::{BodyError, ConverseAssembler};
use crate::record::Usage;

#[derive(Debug, Default)]
pub(super) struct NovaStream {
    assembler: ConverseAssembler,
}

impl NovaStream {
    /// Takes one event; the bytes of output in it.
    pub(super) fn event(&mut self, event: &Value) -> Result<usize, BodyError> {
        let text = |at: &str| event.pointer(at).and_then(Value::as_str);
        if let Some(role) = text("/messageStart/role") {
            self.assembler.message_start(role);
        }
        if let Some(start) = event.get("contentBlockStart") {
            if let Some(name) = text("/contentBlockStart/start/toolUse/name") {
                let id = text("/contentBlockStart/start/toolUse/toolUseId").unwrap_or_default();
                self.assembler.block_start_tool(index(start)?, id, name)?;
            }
        }
        let mut bytes = 0;
        if let Some(delta) = event.get("contentBlockDelta") {
            let index = index(delta)?;
            let text = |at: &str| delta.pointer(at).and_then(Value::as_str);
            if let Some(piece) = text("/delta/text") {
                bytes += self.assembler.text(index, piece)?.text_bytes;
            }
            if let Some(piece) = text("/delta/toolUse/input") {
                bytes += self.assembler.tool_input(index, piece)?.text_bytes;
            }
            if let Some(piece) = text("/delta/reasoningContent/text") {
                bytes += self.assembler.reasoning_text(index, piece)?.text_bytes;
            }
            if let Some(piece) = text("/delta/reasoningContent/signature") {
                self.assembler.reasoning_signature(index, piece)?;
            }
            if let Some(piece) = text("/delta/reasoningContent/redactedContent") {
                bytes += self.assembler.reasoning_redacted(index, piece)?.text_bytes;
            }
        }
        if let Some(stop) = event.get("contentBlockStop") {
            self.assembler.block_stop(index(stop)?)?;
        }
        if let Some(reason) = text("/messageStop/stopReason") {
            self.assembler.message_stop(reason);
        }
        if let Some(metadata) = event.get("metadata") {
            let latency = metadata.pointer("/metrics/latencyMs").and_then(Value::as_u64);
            self.assembler.metadata(metadata.get("usage").and_then(camel_usage), latency);
        }
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.assembler.facts().usage
    }

    pub(super) fn stop_reason(&self) -> Option<&str> {
        self.assembler.stop_reason()
    }

    pub(super) fn finish(self) -> Option<Value> {
        self.assembler.finish().map(|parts| parts.output)
    }
}

/// Nova leaves the index of the first block out now and then.
fn index(event: &Value) -> Result<i32, BodyError> {
    match event.get("contentBlockIndex") {
        None => Ok(0),
        Some(index) => index
            .as_i64()
            .and_then(|index| i32::try_from(index).ok())
            .ok_or_else(|| BodyError::new("contentBlockIndex: expected a whole number")),
    }
}
