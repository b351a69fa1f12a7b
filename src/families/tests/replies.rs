//! Unary replies, as the service writes them.

use serde_json::json;

use crate::families::synthesize::{Completion, Stop, reply};
use crate::families::{Family, ReplyFacts, read_reply};
use crate::record::Usage;

pub(super) fn told(stop: Stop) -> Completion<'static> {
    Completion {
        model: "some.model-v1:0",
        id: "5f0c",
        created: 1_763_000_000,
        usage: Usage { input: 11, output: 7, cache_read: 0, cache_write: 0 },
        stop,
        latency_ms: 812,
        first_byte_ms: 240,
    }
}

/// Families whose unary reply has no counts in its body: only the headers tell.
pub(super) const WITHOUT_USAGE: [Family; 3] = [Family::AnthropicText, Family::MistralText, Family::MistralChat];

#[test]
fn what_the_service_writes_is_read() {
    let plain = |input, output| Some(Usage { input, output, ..Usage::default() });
    for (family, body, usage, stop, text_bytes) in [
        (
            Family::Converse,
            json!({
                "output": { "message": { "role": "assistant", "content": [
                    { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "c2ln" } } },
                    { "text": "Hello" },
                    { "toolUse": { "toolUseId": "t", "name": "clock", "input": { "a": 1 } } },
                ] } },
                "stopReason": "tool_use",
                "usage": { "inputTokens": 3, "outputTokens": 5, "totalTokens": 110, "cacheReadInputTokens": 100,
                           "cacheWriteInputTokens": 2 },
                "metrics": { "latencyMs": 900 },
            }),
            Some(Usage { input: 3, output: 5, cache_read: 100, cache_write: 2 }),
            "tool_use",
            3 + 5 + 7,
        ),
        (
            Family::AnthropicMessages,
            json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
                "content": [{ "type": "thinking", "thinking": "Hm.", "signature": "c2ln" },
                            { "type": "text", "text": "Hello" },
                            { "type": "tool_use", "id": "t", "name": "clock", "input": { "a": 1 } }],
                "stop_reason": "tool_use", "stop_sequence": null,
                "usage": { "input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 100,
                           "cache_creation_input_tokens": 2 },
            }),
            Some(Usage { input: 3, output: 5, cache_read: 100, cache_write: 2 }),
            "tool_use",
            3 + 5 + 7,
        ),
        (
            Family::AnthropicText,
            json!({ "completion": " Hello", "stop_reason": "stop_sequence", "stop": "\n\nHuman:" }),
            None,
            "stop_sequence",
            6,
        ),
        (
            Family::Nova,
            json!({
                "output": { "message": { "role": "assistant", "content": [{ "text": "Hello" }] } },
                "stopReason": "end_turn",
                "usage": { "inputTokens": 3, "outputTokens": 5, "totalTokens": 8, "cacheReadInputTokenCount": 9,
                           "cacheWriteInputTokenCount": 0 },
            }),
            Some(Usage { input: 3, output: 5, cache_read: 9, cache_write: 0 }),
            "end_turn",
            5,
        ),
        (
            Family::Llama,
            json!({ "generation": "Hello", "prompt_token_count": 3, "generation_token_count": 5, "stop_reason": "stop" }),
            plain(3, 5),
            "stop",
            5,
        ),
        (
            Family::Titan,
            json!({ "inputTextTokenCount": 3,
                    "results": [{ "tokenCount": 5, "outputText": "Hello", "completionReason": "FINISH" }] }),
            plain(3, 5),
            "FINISH",
            5,
        ),
        (Family::MistralText, json!({ "outputs": [{ "text": " Hello", "stop_reason": "length" }] }), None, "length", 6),
        (
            Family::MistralChat,
            json!({ "choices": [{ "index": 0, "message": { "role": "assistant", "content": "",
                "tool_calls": [{ "id": "t", "function": { "name": "clock", "arguments": "{\"a\": 1}" } }] },
                "stop_reason": "tool_calls" }] }),
            None,
            "tool_calls",
            8,
        ),
        (
            Family::Jamba,
            json!({ "id": "x", "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hello" },
                    "finish_reason": "stop" }],
                    "usage": { "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8 } }),
            plain(3, 5),
            "stop",
            5,
        ),
        (
            Family::OpenAi,
            json!({ "id": "x", "object": "chat.completion",
                    "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hello", "reasoning": "Hm." },
                    "finish_reason": "stop" }],
                    "usage": { "prompt_tokens": 103, "completion_tokens": 5, "total_tokens": 108,
                               "prompt_tokens_details": { "cached_tokens": 100 } } }),
            Some(Usage { input: 3, output: 5, cache_read: 100, cache_write: 0 }),
            "stop",
            8,
        ),
    ] {
        let latency_ms = (family == Family::Converse).then_some(900);
        let expected = ReplyFacts { usage, stop_reason: Some(stop.to_owned()), text_bytes, latency_ms };
        assert_eq!(read_reply(family, body.to_string().as_bytes()), Ok(expected), "{family}");
    }
}

#[test]
fn what_we_write_is_read_back() {
    for family in Family::ALL {
        for stop in [Stop::EndTurn, Stop::MaxTokens] {
            let body = reply(family, "Grüße", &told(stop)).to_string();
            let facts = read_reply(family, body.as_bytes()).unwrap();
            let usage = (!WITHOUT_USAGE.contains(&family)).then_some(told(stop).usage);
            assert_eq!(facts.usage, usage, "{family}");
            assert_eq!(facts.stop_reason.as_deref(), Some(stop.word(family)), "{family}");
            assert_eq!(facts.text_bytes, 7, "{family}");
        }
    }
}

#[test]
fn the_cache_survives_where_the_form_tells_of_it() {
    let usage = Usage { input: 11, output: 7, cache_read: 400, cache_write: 30 };
    for family in [Family::Converse, Family::Nova, Family::AnthropicMessages] {
        let body = reply(family, "x", &Completion { usage, ..told(Stop::EndTurn) }).to_string();
        assert_eq!(read_reply(family, body.as_bytes()).unwrap().usage, Some(usage), "{family}");
    }
}

#[test]
fn a_reply_of_another_kind_is_malformed() {
    for family in Family::ALL {
        let error = read_reply(family, b"{}").unwrap_err().to_string();
        assert!(error.contains("is missing") && error.contains(family.name()), "{family}: {error}");
        let error = read_reply(family, b"<html>").unwrap_err().to_string();
        assert!(error.starts_with("the reply is not JSON"), "{family}: {error}");
        for other in ["null", "[]", "\"x\"", "{\"choices\":{}}", "{\"content\":\"x\"}", "{\"results\":[]}"] {
            assert!(read_reply(family, other.as_bytes()).is_err(), "{family} takes {other}");
        }
    }
}
