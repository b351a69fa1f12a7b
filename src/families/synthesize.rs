//! Replies as each family writes them, for whoever plays the service.
//!
//! Field names and the order of events are the service's (facts §1.5); what is said, how much and how fast is the
//! caller's.

use serde_json::{Value, json};

use crate::record::Usage;

use super::Family;
use super::converse::{converse_usage, nova_usage};

/// Why generation stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model was done.
    EndTurn,
    /// The output limit was reached.
    MaxTokens,
}

impl Stop {
    /// The family's own word.
    #[must_use]
    pub const fn word(self, family: Family) -> &'static str {
        match (family, self) {
            (Family::Converse | Family::Nova | Family::AnthropicMessages, Stop::EndTurn) => "end_turn",
            (Family::Converse | Family::Nova | Family::AnthropicMessages | Family::AnthropicText, Stop::MaxTokens) => {
                "max_tokens"
            }
            (Family::AnthropicText, Stop::EndTurn) => "stop_sequence",
            (Family::Titan, Stop::EndTurn) => "FINISH",
            (Family::Titan, Stop::MaxTokens) => "LENGTH",
            (_, Stop::EndTurn) => "stop",
            (_, Stop::MaxTokens) => "length",
        }
    }
}

/// What a reply says beside its text.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    /// The model's id, as the caller named it.
    pub model: &'a str,
    /// A name of this reply, unique: the request id will do.
    pub id: &'a str,
    /// Unix seconds of the reply.
    pub created: i64,
    /// Token counts.
    pub usage: Usage,
    /// Why it stopped.
    pub stop: Stop,
    /// The whole invocation, in milliseconds.
    pub latency_ms: u64,
    /// To the first output, in milliseconds; streams tell it.
    pub first_byte_ms: u64,
}

/// One event of a synthetic stream.
#[derive(Clone, Debug)]
pub struct StreamEvent {
    /// The event's JSON. For Converse and Nova an object of one member, named as the event is
    /// (`{"messageStart": {...}}`): in a Converse stream the name is the frame's `:event-type` and the member its payload.
    pub body: Value,
    /// The piece of text that this event carries, by its place in the pieces given; other events go out at once.
    pub piece: Option<usize>,
}

/// The unary reply.
#[must_use]
pub fn reply(family: Family, text: &str, told: &Completion<'_>) -> Value {
    let Completion { model, id, created, usage, stop, latency_ms, .. } = *told;
    let stop = stop.word(family);
    match family {
        Family::Converse => json!({
            "metrics": { "latencyMs": latency_ms },
            "output": { "message": { "content": [{ "text": text }], "role": "assistant" } },
            "stopReason": stop,
            "usage": converse_usage(&usage),
        }),
        Family::Nova => json!({
            "output": { "message": { "content": [{ "text": text }], "role": "assistant" } },
            "stopReason": stop,
            "usage": nova_usage(&usage),
        }),
        Family::AnthropicMessages => json!({
            "id": format!("msg_bdrk_{id}"),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{ "type": "text", "text": text }],
            "stop_reason": stop,
            "stop_sequence": null,
            "usage": anthropic_usage(&usage, usage.output),
        }),
        Family::AnthropicText => json!({
            "type": "completion",
            "completion": text,
            "stop_reason": stop,
            "stop": anthropic_stop(told.stop),
        }),
        Family::Llama => json!({
            "generation": text,
            "prompt_token_count": usage.input,
            "generation_token_count": usage.output,
            "stop_reason": stop,
        }),
        Family::Titan => json!({
            "inputTextTokenCount": usage.input,
            "results": [{ "tokenCount": usage.output, "outputText": text, "completionReason": stop }],
        }),
        Family::MistralText => json!({ "outputs": [{ "text": text, "stop_reason": stop }] }),
        Family::MistralChat => json!({
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "stop_reason": stop }],
        }),
        Family::Jamba => json!({
            "id": format!("chatcmpl-{id}"),
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": stop }],
            "usage": chat_usage(&usage),
            "meta": { "requestDurationMillis": latency_ms },
            "model": model,
        }),
        Family::OpenAi => json!({
            "id": format!("chatcmpl-{id}"),
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": text, "refusal": null },
                "logprobs": null,
                "finish_reason": stop,
            }],
            "usage": chat_usage(&usage),
        }),
    }
}

/// The events of a streamed reply: Converse's by name, the other families' chunks, the last of which carries
/// `amazon-bedrock-invocationMetrics`.
#[must_use]
pub fn stream(family: Family, pieces: &[&str], told: &Completion<'_>) -> Vec<StreamEvent> {
    let mut events = Vec::with_capacity(pieces.len() + 5);
    let mut say = |body: Value| events.push(StreamEvent { body, piece: None });
    let stop = told.stop.word(family);
    match family {
        Family::Converse | Family::Nova => say(json!({ "messageStart": { "role": "assistant" } })),
        Family::AnthropicMessages => {
            say(json!({
                "type": "message_start",
                "message": {
                    "id": format!("msg_bdrk_{}", told.id),
                    "type": "message",
                    "role": "assistant",
                    "model": told.model,
                    "content": [],
                    "stop_reason": null,
                    "stop_sequence": null,
                    "usage": anthropic_usage(&told.usage, told.usage.output.min(1)),
                },
            }));
            say(json!({
                "type": "content_block_start",
                "index": 0,
                "content_block": { "type": "text", "text": "" },
            }));
        }
        Family::Jamba | Family::OpenAi => say(chat_chunk(family, told, json!({ "role": "assistant", "content": "" }))),
        _ => {}
    }
    events.extend(
        pieces
            .iter()
            .enumerate()
            .map(|(place, piece)| StreamEvent { body: piece_event(family, told, place, piece), piece: Some(place) }),
    );
    let mut say = |body: Value| events.push(StreamEvent { body, piece: None });
    match family {
        Family::Converse | Family::Nova => {
            say(json!({ "contentBlockStop": { "contentBlockIndex": 0 } }));
            say(json!({ "messageStop": { "stopReason": stop } }));
            say(if family == Family::Converse {
                let metrics = json!({ "latencyMs": told.latency_ms });
                json!({ "metadata": { "usage": converse_usage(&told.usage), "metrics": metrics } })
            } else {
                json!({ "metadata": { "usage": nova_usage(&told.usage), "metrics": {} } })
            });
        }
        Family::AnthropicMessages => {
            say(json!({ "type": "content_block_stop", "index": 0 }));
            say(json!({
                "type": "message_delta",
                "delta": { "stop_reason": stop, "stop_sequence": null },
                "usage": { "output_tokens": told.usage.output },
            }));
            say(json!({ "type": "message_stop" }));
        }
        Family::AnthropicText => say(json!({
            "type": "completion",
            "completion": "",
            "stop_reason": stop,
            "stop": anthropic_stop(told.stop),
        })),
        Family::Llama => say(json!({
            "generation": "",
            "prompt_token_count": null,
            "generation_token_count": told.usage.output,
            "stop_reason": stop,
        })),
        Family::Titan => say(json!({
            "outputText": "",
            "index": 0,
            "totalOutputTextTokenCount": told.usage.output,
            "completionReason": stop,
            "inputTextTokenCount": null,
        })),
        Family::MistralText => say(json!({ "outputs": [{ "text": "", "stop_reason": stop }] })),
        Family::MistralChat => say(json!({
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": "" }, "stop_reason": stop }],
        })),
        Family::Jamba | Family::OpenAi => {
            let mut chunk = chat_chunk(family, told, json!({}));
            chunk["choices"][0]["finish_reason"] = stop.into();
            chunk["usage"] = chat_usage(&told.usage);
            say(chunk);
        }
    }
    if let Some(last) = events.last_mut().filter(|_| family != Family::Converse) {
        last.body["amazon-bedrock-invocationMetrics"] = invocation_metrics(told);
    }
    events
}

/// The event that carries a piece of text.
fn piece_event(family: Family, told: &Completion<'_>, place: usize, piece: &str) -> Value {
    let first = place == 0;
    match family {
        Family::Converse | Family::Nova => {
            json!({ "contentBlockDelta": { "delta": { "text": piece }, "contentBlockIndex": 0 } })
        }
        Family::AnthropicMessages => json!({
            "type": "content_block_delta",
            "index": 0,
            "delta": { "type": "text_delta", "text": piece },
        }),
        Family::AnthropicText => {
            json!({ "type": "completion", "completion": piece, "stop_reason": null, "stop": null })
        }
        // The prompt's count comes with the first piece alone.
        Family::Llama => json!({
            "generation": piece,
            "prompt_token_count": first.then_some(told.usage.input),
            "generation_token_count": place + 1,
            "stop_reason": null,
        }),
        Family::Titan => json!({
            "outputText": piece,
            "index": 0,
            "totalOutputTextTokenCount": null,
            "completionReason": null,
            "inputTextTokenCount": first.then_some(told.usage.input),
        }),
        Family::MistralText => json!({ "outputs": [{ "text": piece, "stop_reason": null }] }),
        Family::MistralChat => json!({
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": piece }, "stop_reason": null }],
        }),
        Family::Jamba | Family::OpenAi => chat_chunk(family, told, json!({ "content": piece })),
    }
}

fn chat_chunk(family: Family, told: &Completion<'_>, delta: Value) -> Value {
    let mut chunk = json!({
        "id": format!("chatcmpl-{}", told.id),
        "model": told.model,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": null }],
    });
    if family == Family::OpenAi {
        chunk["object"] = "chat.completion.chunk".into();
        chunk["created"] = told.created.into();
    }
    chunk
}

fn anthropic_stop(stop: Stop) -> Option<&'static str> {
    (stop == Stop::EndTurn).then_some("\n\nHuman:")
}

fn anthropic_usage(usage: &Usage, output: u64) -> Value {
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": output,
    })
}

/// `prompt_tokens` includes what was read from the cache.
fn chat_usage(usage: &Usage) -> Value {
    let prompt = usage.input.saturating_add(usage.cache_read);
    let mut told = json!({
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt.saturating_add(usage.output),
    });
    if usage.cache_read > 0 {
        told["prompt_tokens_details"] = json!({ "cached_tokens": usage.cache_read });
    }
    told
}

fn invocation_metrics(told: &Completion<'_>) -> Value {
    let mut metrics = json!({
        "inputTokenCount": told.usage.input,
        "outputTokenCount": told.usage.output,
        "invocationLatency": told.latency_ms,
        "firstByteLatency": told.first_byte_ms,
    });
    if told.usage.cache_read + told.usage.cache_write > 0 {
        metrics["cacheReadInputTokenCount"] = told.usage.cache_read.into();
        metrics["cacheWriteInputTokenCount"] = told.usage.cache_write.into();
    }
    metrics
}
