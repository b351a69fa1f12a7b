//! What the whole account uses, by CloudWatch: plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bedrock::MinuteLatency;
use crate::catalogue::Metric;
use crate::limiter::QuotaLimit;
use crate::record::{MinuteUse, Route, ScopeKey, Usd};

/// What CloudWatch counted at one route, whoever called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountUse {
    /// Where and what, as it is called: that is how CloudWatch tells models apart.
    pub route: Route,
    /// What has the quota behind it.
    pub key: ScopeKey,
    /// The minutes of the last hour for which something was published, oldest first. A minute that is not here has no
    /// data: nothing was called, or it is not published yet.
    pub minutes: Arc<Vec<MinuteUse>>,
    /// How long the calls of those minutes took.
    #[serde(default)]
    pub latency: Arc<Vec<MinuteLatency>>,
    /// Quota tokens since midnight UTC, by the same metric; `None`: not known.
    pub today: Option<u64>,
    /// The last 24 hours, once asked for.
    pub day: Option<Arc<DayUse>>,
    /// When it was last read, milliseconds since 1970; 0: not yet.
    pub read_at_ms: i64,
}

/// Twenty-four hours at one route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DayUse {
    /// When it was read, milliseconds since 1970.
    pub read_at_ms: i64,
    /// Pieces of ten minutes, oldest first, 144 of them; those without data are there with zeroes and `measured` false.
    pub pieces: Vec<DayPiece>,
}

/// Ten minutes of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayPiece {
    /// Start, UTC, milliseconds since 1970.
    pub start_ms: i64,
    /// Something was published.
    pub measured: bool,
    /// Quota tokens of its busiest minute.
    pub peak_tpm: u64,
    /// Quota tokens in all.
    pub quota_tokens: u64,
    /// Throttled calls.
    pub throttles: u64,
}

impl AccountUse {
    /// The last minute for which something was published.
    #[must_use]
    pub fn last(&self) -> Option<&MinuteUse> {
        self.minutes.last()
    }

    /// The minute that starts at `start_ms`, if something was published for it.
    #[must_use]
    pub fn at(&self, start_ms: i64) -> Option<&MinuteUse> {
        self.minutes.binary_search_by_key(&start_ms, |minute| minute.start_ms).ok().map(|at| &self.minutes[at])
    }

    /// Quota tokens of the busiest minute of the last hour.
    #[must_use]
    pub fn peak_tpm(&self) -> Option<u64> {
        self.minutes.iter().map(|minute| minute.quota_tokens).max()
    }

    /// Throttled calls of the last hour, whoever was refused; `None`: nothing is published for it.
    #[must_use]
    pub fn throttles(&self) -> Option<u64> {
        (!self.minutes.is_empty()).then(|| self.minutes.iter().map(|minute| minute.throttles).sum())
    }

    /// The 90th percentile of the quota tokens of the published minutes (nearest rank).
    #[must_use]
    pub fn p90_tpm(&self) -> Option<u64> {
        let mut values: Vec<u64> = self.minutes.iter().map(|minute| minute.quota_tokens).collect();
        values.sort_unstable();
        let rank = (values.len() * 9).div_ceil(10);
        values.get(rank.checked_sub(1)?).copied()
    }
}

/// What the use of CloudWatch costs, as far as this program causes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricCost {
    /// Metrics asked for since the start.
    pub metrics_read: u64,
    /// What that costs on AWS; 0 on a simulator.
    pub spent: Usd,
    /// What goes on reading costs an hour on AWS.
    pub per_hour: Usd,
}

/// A quota that is not what it was when the limiter was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaOffer {
    /// Whose quota.
    pub key: ScopeKey,
    /// Where and what, as it is called.
    pub route: Route,
    /// What it counts.
    pub metric: Metric,
    /// What the session began with, or what was last taken.
    pub was: QuotaLimit,
    /// What applies now.
    pub now: QuotaLimit,
    /// When the change was seen, milliseconds since 1970.
    pub seen_ms: i64,
}
