//! The chunks of the families that write one text: the older Anthropic form, Llama, Titan, Mistral text.

use serde_json::{Value, json};

use crate::families::Family;
use crate::record::Usage;

#[derive(Debug)]
pub(super) struct CompletionStream {
    family: Family,
    text: String,
    input: Option<u64>,
    output: Option<u64>,
    stop_reason: Option<String>,
    stop: Value,
}

impl CompletionStream {
    pub(super) fn new(family: Family) -> CompletionStream {
        CompletionStream {
            family,
            text: String::new(),
            input: None,
            output: None,
            stop_reason: None,
            stop: Value::Null,
        }
    }

    /// Takes one event; the bytes of output in it.
    pub(super) fn event(&mut self, event: &Value) -> usize {
        let (text, stop_reason, input, output) = match self.family {
            Family::Llama => ("/generation", "/stop_reason", "/prompt_token_count", "/generation_token_count"),
            Family::Titan => ("/outputText", "/completionReason", "/inputTextTokenCount", "/totalOutputTextTokenCount"),
            Family::MistralText => ("/outputs/0/text", "/outputs/0/stop_reason", "", ""),
            _ => ("/completion", "/stop_reason", "", ""),
        };
        let count = |at: &str| event.pointer(at).and_then(Value::as_u64);
        self.input = count(input).or(self.input);
        self.output = count(output).or(self.output);
        if let Some(reason) = event.pointer(stop_reason).and_then(Value::as_str) {
            self.stop_reason = Some(reason.to_owned());
        }
        if let Some(stop) = event.get("stop").filter(|stop| stop.is_string()) {
            self.stop = stop.clone();
        }
        let piece = event.pointer(text).and_then(Value::as_str).unwrap_or_default();
        self.text.push_str(piece);
        piece.len()
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        Some(Usage { input: self.input?, output: self.output?, ..Usage::default() })
    }

    pub(super) fn stop_reason(&self) -> Option<String> {
        self.stop_reason.clone()
    }

    /// `usage` is the best that is known, the invocation metrics included.
    pub(super) fn finish(self, usage: Option<Usage>) -> Option<Value> {
        let stop_reason = self.stop_reason?;
        let (input, output) = usage.map(|usage| (usage.input, usage.output)).unzip();
        Some(match self.family {
            Family::Llama => json!({
                "generation": self.text,
                "prompt_token_count": input,
                "generation_token_count": output,
                "stop_reason": stop_reason,
            }),
            Family::Titan => json!({
                "inputTextTokenCount": input,
                "results": [{ "tokenCount": output, "outputText": self.text, "completionReason": stop_reason }],
            }),
            Family::MistralText => json!({ "outputs": [{ "text": self.text, "stop_reason": stop_reason }] }),
            _ => json!({
                "type": "completion",
                "completion": self.text,
                "stop_reason": stop_reason,
                "stop": self.stop,
            }),
        })
    }
}
