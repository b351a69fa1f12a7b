//! Nova's chunks: the events of Converse, each under its name. Converse's own are read the same way.

use serde_json::Value;

use crate::families::converse::nova_usage;
use crate::families::reply::camel_usage;
use crate::families::{BodyError, ConverseAssembler, Family, ReplyFacts};
use crate::record::Usage;

#[derive(Debug)]
pub(super) struct NovaStream {
    family: Family,
    assembler: ConverseAssembler,
}

impl NovaStream {
    pub(super) fn new(family: Family) -> NovaStream {
        NovaStream { family, assembler: ConverseAssembler::new() }
    }

    /// Takes one event; the bytes of output in it.
    pub(super) fn event(&mut self, event: &Value) -> Result<usize, BodyError> {
        let text = |at: &str| event.pointer(at).and_then(Value::as_str);
        if let Some(role) = text("/messageStart/role") {
            self.assembler.message_start(role);
        }
        if let (Some(start), Some(name)) =
            (event.get("contentBlockStart"), text("/contentBlockStart/start/toolUse/name"))
        {
            let id = text("/contentBlockStart/start/toolUse/toolUseId").unwrap_or_default();
            self.assembler.block_start_tool(index(start)?, id, name)?;
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

    pub(super) fn facts(&self) -> ReplyFacts {
        self.assembler.facts()
    }

    /// `usage` is the best that is known, the invocation metrics included.
    pub(super) fn finish(self, usage: Option<Usage>) -> Option<Value> {
        let mut output = self.assembler.finish()?.output;
        if let Some(usage) = usage.filter(|_| self.family == Family::Nova) {
            output["usage"] = nova_usage(&usage);
        }
        Some(output)
    }
}

/// The block that an event is about; one without an index is about the first.
fn index(event: &Value) -> Result<i32, BodyError> {
    match event.get("contentBlockIndex") {
        None => Ok(0),
        Some(index) => index
            .as_i64()
            .and_then(|index| i32::try_from(index).ok())
            .ok_or_else(|| BodyError::new("contentBlockIndex: expected a whole number")),
    }
}
