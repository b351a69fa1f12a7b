//! What one HTTP exchange brought back.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Micros;

/// Token counts of one reply. `input` excludes cached tokens (facts §1.3, TokenUsage).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to the prompt cache.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Input tokens read from the prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the prompt cache.
    pub cache_write: u64,
}

/// Where a [`Usage`] came from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsageSource {
    /// The reply's own body or metadata event.
    Body,
    /// The `X-Amzn-Bedrock-*-Token-Count` headers.
    Headers,
    /// Our estimate: shown with a `~`.
    Estimate,
}

/// Timing of a streamed reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamTiming {
    /// Send to first non-empty output delta.
    pub first_token: Micros,
    /// Send to last content delta.
    pub last_token: Micros,
    /// Content events received.
    pub events: u32,
    /// The longest gap between two events.
    pub longest_gap: Micros,
}

/// A complete, successful reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// `modelOutput`: the reply body for unary calls, the equivalent body put together from the events for streams.
    pub output: Bytes,
    /// Token counts, if the reply told.
    pub usage: Option<(Usage, UsageSource)>,
    /// Why generation stopped, in the service's words (`end_turn`, `max_tokens`, ...).
    pub stop_reason: Option<String>,
    /// Present for streams.
    pub stream: Option<StreamTiming>,
    /// The service's own latency figure, milliseconds.
    pub server_latency_ms: Option<u64>,
    /// Output text, in bytes: what an estimate of the output tokens rests on where usage is missing.
    pub text_bytes: u64,
}
