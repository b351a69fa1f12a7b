//! The chunks of the chat forms: Mistral chat, Jamba, OpenAI.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::families::Family;
use crate::families::reply::{chat_stop, chat_usage};
use crate::record::Usage;

#[derive(Debug, Default)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

#[derive(Debug)]
pub(super) struct ChatStream {
    family: Family,
    /// `id`, `model` and `created`, as the chunks have them.
    head: Map<String, Value>,
    role: Option<String>,
    content: String,
    reasoning: String,
    calls: BTreeMap<u64, Call>,
    usage: Option<Value>,
    stop_reason: Option<String>,
}

impl ChatStream {
    pub(super) fn new(family: Family) -> ChatStream {
        ChatStream {
            family,
            head: Map::new(),
            role: None,
            content: String::new(),
            reasoning: String::new(),
            calls: BTreeMap::new(),
            usage: None,
            stop_reason: None,
        }
    }

    /// Takes one event; the bytes of output in it.
    pub(super) fn event(&mut self, event: &Value) -> usize {
        for name in ["id", "created", "model"] {
            if let (Some(value), None) = (event.get(name), self.head.get(name)) {
                self.head.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(usage) = event.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
        let Some(choice) = event.pointer("/choices/0") else { return 0 };
        if let Some(reason) = chat_stop(choice) {
            self.stop_reason = Some(reason.to_owned());
        }
        // Mistral's chunks say `message` where the others say `delta`.
        let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) else { return 0 };
        let text = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        if self.role.is_none() && !text("role").is_empty() {
            self.role = Some(text("role").to_owned());
        }
        self.content.push_str(text("content"));
        self.reasoning.push_str(text("reasoning"));
        let mut bytes = text("content").len() + text("reasoning").len();
        let calls = delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        for (place, call) in calls.enumerate() {
            let text = |at: &str| call.pointer(at).and_then(Value::as_str).unwrap_or_default();
            let place = call.get("index").and_then(Value::as_u64).unwrap_or(place as u64);
            let whole = self.calls.entry(place).or_default();
            whole.id.push_str(text("/id"));
            whole.name.push_str(text("/function/name"));
            whole.arguments.push_str(text("/function/arguments"));
            bytes += text("/function/arguments").len();
        }
        bytes
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage.as_ref().and_then(chat_usage)
    }

    pub(super) fn stop_reason(&self) -> Option<String> {
        self.stop_reason.clone()
    }

    pub(super) fn finish(self) -> Option<Value> {
        let stop_reason = self.stop_reason?;
        let mut message = Map::new();
        message.insert("role".to_owned(), self.role.unwrap_or_else(|| "assistant".to_owned()).into());
        message.insert("content".to_owned(), self.content.into());
        if !self.reasoning.is_empty() {
            message.insert("reasoning".to_owned(), self.reasoning.into());
        }
        if !self.calls.is_empty() {
            let calls = self.calls.into_values().map(|call| {
                let function = json!({ "name": call.name, "arguments": call.arguments });
                json!({ "id": call.id, "type": "function", "function": function })
            });
            message.insert("tool_calls".to_owned(), calls.collect());
        }
        let stop = if self.family == Family::MistralChat { "stop_reason" } else { "finish_reason" };
        let mut reply = self.head;
        if self.family != Family::MistralChat {
            reply.insert("object".to_owned(), "chat.completion".into());
        }
        reply.insert("choices".to_owned(), json!([{ "index": 0, "message": message, stop: stop_reason }]));
        if let Some(usage) = self.usage {
            reply.insert("usage".to_owned(), usage);
        }
        Some(Value::Object(reply))
    }
}
