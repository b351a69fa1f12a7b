//! The events of ConverseStream, from the JSON inside their frames to the assembler's calls. Members and events that we
//! do not know are passed over: the service adds some from time to time (and pads with `p`).

use std::borrow::Cow;

use serde::Deserialize;

use crate::families::{BodyError, ConverseAssembler, EventFacts};
use crate::record::Usage;

#[derive(Deserialize)]
struct MessageStart<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStart<'a> {
    #[serde(borrow)]
    start: Start<'a>,
    content_block_index: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    #[serde(borrow)]
    tool_use: Option<ToolStart<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolStart<'a> {
    #[serde(borrow)]
    tool_use_id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDelta<'a> {
    #[serde(borrow)]
    delta: Delta<'a>,
    content_block_index: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_use: Option<ToolDelta<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Reasoning<'a>>,
}

#[derive(Deserialize)]
struct ToolDelta<'a> {
    #[serde(borrow)]
    input: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    redacted_content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStop {
    content_block_index: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop<'a> {
    #[serde(borrow)]
    stop_reason: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Metadata {
    usage: Option<TokenUsage>,
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenUsage {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    cache_read_input_tokens: u64,
    #[serde(default)]
    cache_write_input_tokens: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    latency_ms: Option<u64>,
}

/// Gives one event to the assembler.
///
/// # Errors
/// One line that names the event; it never quotes the output.
pub(super) fn give(assembler: &mut ConverseAssembler, event: &str, payload: &[u8]) -> Result<EventFacts, String> {
    let words = |error: BodyError| error.to_string();
    match event {
        "messageStart" => assembler.message_start(&parse::<MessageStart<'_>>(event, payload)?.role),
        "contentBlockStart" => {
            let BlockStart { start, content_block_index } = parse(event, payload)?;
            if let Some(tool) = start.tool_use {
                assembler.block_start_tool(content_block_index, &tool.tool_use_id, &tool.name).map_err(words)?;
            }
        }
        "contentBlockDelta" => {
            let BlockDelta { delta, content_block_index: index } = parse(event, payload)?;
            if let Some(text) = delta.text {
                return assembler.text(index, &text).map_err(words);
            }
            if let Some(tool) = delta.tool_use {
                return assembler.tool_input(index, &tool.input).map_err(words);
            }
            if let Some(reasoning) = delta.reasoning_content {
                if let Some(text) = reasoning.text {
                    return assembler.reasoning_text(index, &text).map_err(words);
                }
                if let Some(signature) = reasoning.signature {
                    assembler.reasoning_signature(index, &signature).map_err(words)?;
                }
                if let Some(redacted) = reasoning.redacted_content {
                    return assembler.reasoning_redacted(index, &redacted).map_err(words);
                }
            }
        }
        "contentBlockStop" => {
            assembler.block_stop(parse::<BlockStop>(event, payload)?.content_block_index).map_err(words)?;
        }
        "messageStop" => assembler.message_stop(&parse::<MessageStop<'_>>(event, payload)?.stop_reason),
        "metadata" => {
            let Metadata { usage, metrics } = parse(event, payload)?;
            let usage = usage.map(|usage| Usage {
                input: usage.input_tokens,
                output: usage.output_tokens,
                cache_read: usage.cache_read_input_tokens,
                cache_write: usage.cache_write_input_tokens,
            });
            assembler.metadata(usage, metrics.and_then(|metrics| metrics.latency_ms));
        }
        _ => {}
    }
    Ok(EventFacts::default())
}

/// The parser's own words may quote the output, so only its position is passed on.
fn parse<'a, T: Deserialize<'a>>(event: &str, payload: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(payload)
        .map_err(|error| format!("the event {event} cannot be read (at byte {} of {})", error.column(), payload.len()))
}
