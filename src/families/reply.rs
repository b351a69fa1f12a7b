//! What a reply says: its usage, why it ended, how much it wrote.

use serde_json::Value;

use crate::record::Usage;

use super::{BodyError, Family};

/// What the engine wants to know of a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyFacts {
    /// Token counts, where the body tells.
    pub usage: Option<Usage>,
    /// Why generation stopped, in the service's words.
    pub stop_reason: Option<String>,
    /// Output in bytes: text, reasoning and tool input.
    pub text_bytes: u64,
    /// The service's own latency figure, in milliseconds, where the body tells.
    pub latency_ms: Option<u64>,
}

/// A reply put together from the events of a stream.
#[derive(Clone, Debug)]
pub struct ReplyParts {
    /// The body that the unary call would have returned.
    pub output: Value,
    /// What it says.
    pub facts: ReplyFacts,
}

/// Reads a unary reply.
///
/// # Errors
/// One line that names the member that is missing or wrong: the reply is malformed.
pub fn read_reply(family: Family, body: &[u8]) -> Result<ReplyFacts, BodyError> {
    let reply: Value =
        serde_json::from_slice(body).map_err(|e| BodyError::new(format!("the reply is not JSON: {e}")))?;
    let missing = |member: &str| BodyError::new(format!("not a reply of {family}: {member} is missing"));
    let stop = |at: &str| reply.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let facts = match family {
        Family::Converse | Family::Nova => {
            let content = reply.pointer("/output/message/content").and_then(Value::as_array);
            ReplyFacts {
                usage: reply.get("usage").and_then(camel_usage),
                stop_reason: Some(stop("/stopReason").ok_or_else(|| missing("stopReason"))?),
                text_bytes: content.ok_or_else(|| missing("output.message.content"))?.iter().map(written).sum(),
                latency_ms: reply.pointer("/metrics/latencyMs").and_then(Value::as_u64),
            }
        }
        Family::AnthropicMessages => {
            let content = reply.get("content").and_then(Value::as_array);
            ReplyFacts {
                usage: reply.get("usage").and_then(anthropic_usage),
                stop_reason: stop("/stop_reason"),
                text_bytes: content.ok_or_else(|| missing("content"))?.iter().map(written).sum(),
                latency_ms: None,
            }
        }
        Family::AnthropicText => plain(&reply, "/completion", "/stop_reason").ok_or_else(|| missing("completion"))?,
        Family::Llama => ReplyFacts {
            usage: counts(&reply, "prompt_token_count", "generation_token_count"),
            ..plain(&reply, "/generation", "/stop_reason").ok_or_else(|| missing("generation"))?
        },
        Family::Titan => {
            let facts = plain(&reply, "/results/0/outputText", "/results/0/completionReason");
            let output = reply.pointer("/results/0/tokenCount").and_then(Value::as_u64);
            let input = reply.get("inputTextTokenCount").and_then(Value::as_u64);
            ReplyFacts {
                usage: input.zip(output).map(|(input, output)| Usage { input, output, ..Usage::default() }),
                ..facts.ok_or_else(|| missing("results[0].outputText"))?
            }
        }
        Family::MistralText => {
            plain(&reply, "/outputs/0/text", "/outputs/0/stop_reason").ok_or_else(|| missing("outputs[0].text"))?
        }
        Family::MistralChat | Family::Jamba | Family::OpenAi => {
            let choice = reply.pointer("/choices/0").ok_or_else(|| missing("choices[0]"))?;
            let message = choice.get("message").ok_or_else(|| missing("choices[0].message"))?;
            ReplyFacts {
                usage: reply.get("usage").and_then(chat_usage),
                stop_reason: chat_stop(choice).map(str::to_owned),
                text_bytes: chat_written(message),
                latency_ms: None,
            }
        }
    };
    Ok(facts)
}

/// A reply of one text.
fn plain(reply: &Value, text: &str, stop: &str) -> Option<ReplyFacts> {
    Some(ReplyFacts {
        usage: None,
        stop_reason: reply.pointer(stop).and_then(Value::as_str).map(str::to_owned),
        text_bytes: reply.pointer(text)?.as_str()?.len() as u64,
        latency_ms: None,
    })
}

/// What a content block of Converse, Nova or Anthropic wrote, in bytes.
fn written(block: &Value) -> u64 {
    let text = |at: &str| block.pointer(at).and_then(Value::as_str).map_or(0, str::len);
    let json = |at: &str| block.pointer(at).map_or(0, |input| input.to_string().len());
    let texts = text("/text") + text("/thinking") + text("/reasoningContent/reasoningText/text");
    (texts + json("/toolUse/input") + json("/input")) as u64
}

/// What a message of a chat form wrote, in bytes.
fn chat_written(message: &Value) -> u64 {
    let text = |name: &str| message.get(name).and_then(Value::as_str).map_or(0, str::len);
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let arguments = |call: &Value| call.pointer("/function/arguments").and_then(Value::as_str).map_or(0, str::len);
    (text("content") + text("reasoning") + calls.map(arguments).sum::<usize>()) as u64
}

/// Why a choice of a chat form ended: Mistral's older models and the others name it differently.
pub(super) fn chat_stop(choice: &Value) -> Option<&str> {
    choice.get("finish_reason").or_else(|| choice.get("stop_reason")).and_then(Value::as_str)
}

/// Usage of two counts.
pub(super) fn counts(value: &Value, input: &str, output: &str) -> Option<Usage> {
    let count = |name: &str| value.get(name).and_then(Value::as_u64);
    Some(Usage { input: count(input)?, output: count(output)?, ..Usage::default() })
}

/// Usage as Converse and Nova write it; Nova's `InvokeModel` has `Count` at the end of the cache members.
pub(super) fn camel_usage(usage: &Value) -> Option<Usage> {
    let cache = |a: &str, b: &str| usage.get(a).or_else(|| usage.get(b)).and_then(Value::as_u64).unwrap_or(0);
    Some(Usage {
        cache_read: cache("cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_write: cache("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
        ..counts(usage, "inputTokens", "outputTokens")?
    })
}

/// Usage as Anthropic Messages writes it.
pub(super) fn anthropic_usage(usage: &Value) -> Option<Usage> {
    let cache = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
    Some(Usage {
        cache_read: cache("cache_read_input_tokens"),
        cache_write: cache("cache_creation_input_tokens"),
        ..counts(usage, "input_tokens", "output_tokens")?
    })
}

/// Usage as the chat forms write it: `prompt_tokens` includes the cached ones.
pub(super) fn chat_usage(usage: &Value) -> Option<Usage> {
    let cached = usage.pointer("/prompt_tokens_details/cached_tokens").and_then(Value::as_u64).unwrap_or(0);
    let counted = counts(usage, "prompt_tokens", "completion_tokens")?;
    let cache_read = cached.min(counted.input);
    Some(Usage { input: counted.input - cache_read, cache_read, ..counted })
}

/// Usage and latency of `amazon-bedrock-invocationMetrics`, in the last chunk of an `InvokeModel` stream (facts §1.5).
pub(super) fn invocation_metrics(event: &Value) -> Option<(Option<Usage>, Option<u64>)> {
    let metrics = event.get("amazon-bedrock-invocationMetrics")?;
    let cache = |name: &str| metrics.get(name).and_then(Value::as_u64).unwrap_or(0);
    let usage = counts(metrics, "inputTokenCount", "outputTokenCount").map(|usage| Usage {
        cache_read: cache("cacheReadInputTokenCount"),
        cache_write: cache("cacheWriteInputTokenCount"),
        ..usage
    });
    Some((usage, metrics.get("invocationLatency").and_then(Value::as_u64)))
}
