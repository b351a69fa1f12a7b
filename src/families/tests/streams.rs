//! Streamed replies: whole, cut short, broken.

use serde_json::{Value, json};

use super::replies::told;
use crate::families::synthesize::{Completion, Stop, StreamEvent, reply, stream};
use crate::families::{ConverseAssembler, Family, ReplyParts, StreamReader, read_reply};
use crate::record::Usage;

const PIECES: [&str; 4] = ["Gr", "üße", "", " an alle"];

fn events(family: Family, told: &Completion<'_>) -> Vec<StreamEvent> {
    stream(family, &PIECES, told)
}

fn read<'a>(family: Family, events: impl IntoIterator<Item = &'a Value>) -> Option<ReplyParts> {
    let mut reader = StreamReader::new(family);
    for event in events {
        reader.event(event.to_string().as_bytes()).unwrap_or_else(|e| panic!("{family}: {e}: {event}"));
    }
    reader.finish()
}

#[test]
fn a_whole_stream_gives_the_unary_reply() {
    for family in Family::ALL {
        let told = told(Stop::MaxTokens);
        let events = events(family, &told);
        let parts = read(family, events.iter().map(|event| &event.body)).unwrap();
        assert_eq!(parts.facts.usage, Some(told.usage), "{family}: the metrics tell where the body does not");
        assert_eq!(parts.facts.latency_ms, Some(812), "{family}");
        assert_eq!(parts.facts.stop_reason.as_deref(), Some(Stop::MaxTokens.word(family)), "{family}");
        assert_eq!(parts.facts.text_bytes, 15, "{family}");
        // What was put together reads as the unary reply does.
        let unary = read_reply(family, reply(family, &PIECES.concat(), &told).to_string().as_bytes()).unwrap();
        let ours = read_reply(family, parts.output.to_string().as_bytes()).unwrap();
        assert_eq!(ours, unary, "{family}: {}", parts.output);
    }
}

#[test]
fn the_text_and_its_first_piece_are_told() {
    for family in Family::ALL {
        let mut reader = StreamReader::new(family);
        let mut firsts = Vec::new();
        for event in events(family, &told(Stop::EndTurn)) {
            let facts = reader.event(event.body.to_string().as_bytes()).unwrap();
            assert_eq!(facts.text_bytes, event.piece.map_or(0, |piece| PIECES[piece].len() as u64), "{family}");
            if facts.first_text {
                firsts.push(event.piece);
            }
        }
        assert_eq!(firsts, [Some(0)], "{family}");
    }
}

#[test]
fn the_pieces_are_in_the_reply() {
    for (family, at) in [
        (Family::Converse, "/output/message/content/0/text"),
        (Family::Nova, "/output/message/content/0/text"),
        (Family::AnthropicMessages, "/content/0/text"),
        (Family::AnthropicText, "/completion"),
        (Family::Llama, "/generation"),
        (Family::Titan, "/results/0/outputText"),
        (Family::MistralText, "/outputs/0/text"),
        (Family::MistralChat, "/choices/0/message/content"),
        (Family::Jamba, "/choices/0/message/content"),
        (Family::OpenAi, "/choices/0/message/content"),
    ] {
        let events = events(family, &told(Stop::EndTurn));
        let output = read(family, events.iter().map(|event| &event.body)).unwrap().output;
        assert_eq!(output.pointer(at), Some(&json!("Grüße an alle")), "{family}: {output}");
    }
}

/// How many events at the end may be missing before the reply is not whole: only those after the one that ends it.
fn after_the_end(family: Family) -> usize {
    match family {
        // `metadata` follows `messageStop`.
        Family::Converse | Family::Nova => 1,
        _ => 0,
    }
}

#[test]
fn a_stream_cut_short_is_told_from_a_whole_one() {
    for family in Family::ALL {
        let events = events(family, &told(Stop::EndTurn));
        for kept in 0..=events.len() {
            let whole = read(family, events[..kept].iter().map(|event| &event.body)).is_some();
            assert_eq!(whole, kept + after_the_end(family) >= events.len(), "{family}: {kept} of {}", events.len());
        }
    }
}

#[test]
fn what_a_broken_stream_used_is_known() {
    let events = events(Family::AnthropicMessages, &told(Stop::EndTurn));
    let mut reader = StreamReader::new(Family::AnthropicMessages);
    for event in &events[..4] {
        reader.event(event.body.to_string().as_bytes()).unwrap();
    }
    let facts = reader.facts();
    assert_eq!(facts.text_bytes, 7);
    assert_eq!(facts.usage, Some(Usage { input: 11, output: 1, ..Usage::default() }));
    assert!(reader.finish().is_none());
}

#[test]
fn anthropic_blocks_of_all_kinds_are_put_together() {
    let events = [
        json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant",
                "model": "claude", "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": { "input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 1 } } }),
        json!({ "type": "ping" }),
        json!({ "type": "content_block_start", "index": 0,
                "content_block": { "type": "thinking", "thinking": "", "signature": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "thinking_delta", "thinking": "Hm." } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "signature_delta", "signature": "c2" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "content_block_start", "index": 1,
                "content_block": { "type": "tool_use", "id": "t", "name": "clock", "input": {} } }),
        json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "input_json_delta", "partial_json": "" } }),
        json!({ "type": "content_block_delta", "index": 1,
                "delta": { "type": "input_json_delta", "partial_json": "{\"zone\":" } }),
        json!({ "type": "content_block_delta", "index": 1,
                "delta": { "type": "input_json_delta", "partial_json": "\"UTC\"}" } }),
        json!({ "type": "content_block_stop", "index": 1 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use", "stop_sequence": null },
                "usage": { "output_tokens": 42 } }),
        json!({ "type": "message_stop", "amazon-bedrock-invocationMetrics": { "inputTokenCount": 3,
                "outputTokenCount": 42, "invocationLatency": 900, "firstByteLatency": 100 } }),
    ];
    let parts = read(Family::AnthropicMessages, &events).unwrap();
    assert_eq!(
        parts.output,
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
            "content": [
                { "type": "thinking", "thinking": "Hm.", "signature": "c2" },
                { "type": "tool_use", "id": "t", "name": "clock", "input": { "zone": "UTC" } },
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": { "input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 42 },
        })
    );
    assert_eq!(parts.facts.usage, Some(Usage { input: 3, output: 42, cache_read: 100, cache_write: 0 }));
    assert_eq!(parts.facts.text_bytes, 3 + 8 + 6);
}

#[test]
fn chat_tool_calls_are_put_together() {
    let call = |delta: Value| json!({ "id": "x", "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] });
    let events = [
        call(json!({ "role": "assistant", "content": null, "tool_calls": [
            { "index": 0, "id": "t", "type": "function", "function": { "name": "clock", "arguments": "" } }] })),
        call(json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "{\"a\":" } }] })),
        call(json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "1}" } }] })),
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "tool_calls" }] }),
        json!({ "choices": [], "usage": { "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8 } }),
    ];
    let parts = read(Family::OpenAi, &events).unwrap();
    let function = json!({ "name": "clock", "arguments": "{\"a\":1}" });
    assert_eq!(
        parts.output.pointer("/choices/0/message/tool_calls"),
        Some(&json!([{ "id": "t", "type": "function", "function": function }]))
    );
    assert_eq!(parts.facts.usage, Some(Usage { input: 3, output: 5, ..Usage::default() }));
    assert_eq!(parts.facts.stop_reason.as_deref(), Some("tool_calls"));
}

#[test]
fn an_assembled_converse_reply_has_all_its_blocks() {
    let mut assembler = ConverseAssembler::new();
    assembler.message_start("assistant");
    assert!(assembler.reasoning_text(0, "Hm.").unwrap().first_text);
    assembler.reasoning_signature(0, "c2ln").unwrap();
    assembler.block_stop(0).unwrap();
    assert!(!assembler.text(1, "I look.").unwrap().first_text);
    assembler.block_stop(1).unwrap();
    assembler.block_start_tool(2, "t1", "clock").unwrap();
    assembler.tool_input(2, "{\"zone\":").unwrap();
    assembler.tool_input(2, "\"UTC\"}").unwrap();
    assembler.block_stop(2).unwrap();
    assembler.block_start_tool(3, "t2", "clock").unwrap();
    assembler.block_stop(3).unwrap();
    assembler.message_stop("tool_use");
    let usage = Usage { input: 3, output: 5, cache_read: 100, cache_write: 2 };
    assembler.metadata(Some(usage), Some(900));
    let parts = assembler.finish().unwrap();
    assert_eq!(
        parts.output,
        json!({
            "output": { "message": { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "c2ln" } } },
                { "text": "I look." },
                { "toolUse": { "toolUseId": "t1", "name": "clock", "input": { "zone": "UTC" } } },
                { "toolUse": { "toolUseId": "t2", "name": "clock", "input": {} } },
            ] } },
            "stopReason": "tool_use",
            "usage": { "inputTokens": 3, "outputTokens": 5, "totalTokens": 110, "cacheReadInputTokens": 100,
                       "cacheWriteInputTokens": 2 },
            "metrics": { "latencyMs": 900 },
        })
    );
    assert_eq!(parts.facts.text_bytes, 3 + 7 + 8 + 6);
}

#[test]
fn a_converse_stream_without_its_end_gives_nothing_but_its_facts() {
    let mut assembler = ConverseAssembler::new();
    assembler.message_start("assistant");
    assembler.text(0, "Half a").unwrap();
    assert_eq!(assembler.facts().text_bytes, 6);
    assert!(assembler.finish().is_none());
}

#[test]
fn tool_input_cut_by_the_limit_stays_text() {
    let mut assembler = ConverseAssembler::new();
    assembler.block_start_tool(0, "t1", "clock").unwrap();
    assembler.tool_input(0, "{\"zone\":").unwrap();
    assembler.message_stop("max_tokens");
    let output = assembler.finish().unwrap().output;
    assert_eq!(output.pointer("/output/message/content/0/toolUse/input"), Some(&json!("{\"zone\":")));
}

#[test]
fn events_that_make_no_sense_are_errors() {
    for (family, event, message) in [
        (Family::Llama, "not json", "a stream chunk is not JSON"),
        (Family::Llama, "[1]", "a stream chunk is not a JSON object"),
        (
            Family::AnthropicMessages,
            r#"{"type":"content_block_delta","index":4,"delta":{"text":"x"}}"#,
            "content_block_delta: its block never began",
        ),
        (
            Family::AnthropicMessages,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Over\u001bloaded"}}"#,
            "the model reports overloaded_error: Over\\u{1b}loaded",
        ),
        (
            Family::Nova,
            r#"{"contentBlockDelta":{"contentBlockIndex":99999999999,"delta":{"text":"x"}}}"#,
            "contentBlockIndex: expected a whole number",
        ),
        (
            Family::Nova,
            r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"toolUse":{"input":"x"}}}}"#,
            "content block 0 gets a delta of another kind",
        ),
    ] {
        let error = StreamReader::new(family).event(event.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn a_reply_without_end_is_refused() {
    let mut assembler = ConverseAssembler::new();
    let piece = "x".repeat(1 << 20);
    let refused = (0..100).position(|_| assembler.text(0, &piece).is_err());
    assert_eq!(refused, Some(63));
    let mut assembler = ConverseAssembler::new();
    let refused = (0..1_000_000).position(|index| assembler.block_stop(index).is_err());
    assert!(refused.is_some_and(|blocks| blocks < 300_000));
}
