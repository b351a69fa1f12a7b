//! One minute of calls: as we counted it, or as the service did.

use serde::{Deserialize, Serialize};

/// What was called in one UTC minute at one route. The same noun for our own counts and for those of `AWS/Bedrock`
/// (facts §2.1), so that one can be taken from the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteUse {
    /// The minute's start, UTC, milliseconds since 1970; whole minutes.
    pub start_ms: i64,
    /// Calls that were admitted, those that failed later included: `Invocations`.
    pub invocations: u64,
    /// Calls that were throttled: `InvocationThrottles`; in no other count here.
    pub throttles: u64,
    /// Refused for the caller's fault, throttles left out: `InvocationClientErrors`.
    pub client_errors: u64,
    /// Failed for the service's: `InvocationServerErrors`.
    pub server_errors: u64,
    /// Input tokens: `InputTokenCount`.
    pub input: u64,
    /// Output tokens: `OutputTokenCount`.
    pub output: u64,
    /// Quota tokens as settled, output with its burndown: `EstimatedTPMQuotaUsage`. Never what was reserved.
    pub quota_tokens: u64,
    /// Quota tokens reserved by the calls that began in this minute. Only we know it, and only ours: 0 in the service's counts.
    pub reserved: u64,
}

impl MinuteUse {
    /// One minute, milliseconds.
    pub const LENGTH_MS: i64 = 60_000;
    /// Minutes that a book keeps of a route: an hour, and the minute that is not over.
    pub const KEPT: usize = 61;

    /// The start of the minute that a moment is in.
    #[must_use]
    pub const fn start_of(utc_ms: i64) -> i64 {
        utc_ms - utc_ms.rem_euclid(Self::LENGTH_MS)
    }

    /// Takes the counts of another minute in.
    pub fn add(&mut self, other: &MinuteUse) {
        let sums: [(&mut u64, u64); 8] = [
            (&mut self.invocations, other.invocations),
            (&mut self.throttles, other.throttles),
            (&mut self.client_errors, other.client_errors),
            (&mut self.server_errors, other.server_errors),
            (&mut self.input, other.input),
            (&mut self.output, other.output),
            (&mut self.quota_tokens, other.quota_tokens),
            (&mut self.reserved, other.reserved),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}
