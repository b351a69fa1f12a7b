//! What the limiter says about itself.

use serde::{Deserialize, Serialize};

use crate::record::Micros;

/// The rule that decides admission. Switched while running; the ledgers are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Ours: mirrors the service's accounting and finds the real limit by itself.
    #[default]
    Adaptive,
    /// Requests per second x0.8 on a throttle, x1.1 after 10 successes, between 0.1 and 10 per second; blind to tokens.
    Classic,
    /// RPM and TPM buckets at the share of the quota, burst factor 1.5, never adapts.
    TokenBucket,
    /// RPM and TPM over the last 60 s at the share of the quota, never adapts.
    SlidingWindow,
}

impl Preset {
    /// All presets, in the order in which they are offered.
    pub const ALL: [Preset; 4] = [Preset::Adaptive, Preset::Classic, Preset::TokenBucket, Preset::SlidingWindow];

    /// The name in commands and config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Adaptive => "adaptive",
            Preset::Classic => "classic",
            Preset::TokenBucket => "token-bucket",
            Preset::SlidingWindow => "sliding-window",
        }
    }
}

/// What is known of one quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", content = "value", rename_all = "snake_case")]
pub enum QuotaLimit {
    /// Nobody told us; found by the limiter.
    #[default]
    Unknown,
    /// This many per minute (or per day).
    Limit(u64),
    /// There is no such quota here (RPM of the newest Claude models).
    Absent,
}

/// Why a request waits, or can never go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Requests per minute.
    Rpm,
    /// Tokens per minute: the reservation does not fit.
    TpmHold,
    /// Tokens per minute: what is in flight will settle above its reservation (burndown).
    TpmDebt,
    /// The rule's own request rate (`classic`).
    Rate,
    /// Tokens per day are used up.
    Tpd,
    /// A Retry-After of the service, or the pause after a throttle.
    HoldOff,
    /// Larger than the whole burst: never.
    LargerThanBurst,
}

/// What the limiter believes of how the service meters a dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeterBelief {
    /// Not known yet: treated as a bucket.
    #[default]
    Unsure,
    /// A bucket that refills continuously.
    Bucket,
    /// The last 60 seconds count.
    Window,
    /// A calendar minute, at a known phase.
    Minute,
}

/// One token or request dimension of a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DimensionStatus {
    /// The quota as configured or discovered.
    pub quota: QuotaLimit,
    /// What the limiter now allows itself, per minute; `None` if this dimension does not bind at all.
    pub target: Option<f64>,
    /// The interval in which the real limit is believed to lie, per minute.
    pub estimate: Option<(f64, f64)>,
    /// Burst capacity believed, in the dimension's unit.
    pub burst: Option<f64>,
    /// How the service is believed to meter it.
    pub meter: MeterBelief,
    /// The rate without what the present probe goes beyond it, per minute; `None` under rules that do not probe.
    pub believed: Option<f64>,
    /// How many times slower than at first the limiter returns and probes, since probes only confirmed what it knew.
    pub patience: f64,
    /// Part of its reservation that a rejected request is believed to burn, 0 to 1.
    pub reject_charge: f64,
    /// Believed level now: what could be admitted at once. Negative: debt.
    pub level: f64,
}

/// A throttle epoch: the rejects of one reaction time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// When it began.
    pub at: Micros,
    /// Which dimension was blamed.
    pub why: Why,
    /// Target before, per minute.
    pub from: f64,
    /// Target after, per minute.
    pub to: f64,
}

/// A scope's limiter, explained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScopeStatus {
    /// Requests.
    pub rpm: DimensionStatus,
    /// Tokens.
    pub tpm: DimensionStatus,
    /// Tokens per day.
    pub tpd: QuotaLimit,
    /// Quota tokens settled today (UTC) by this process.
    pub tpd_used: u64,
    /// Attempts sent in the last 60 s, exact to the bin.
    pub requests_60s: u64,
    /// Quota tokens settled in the last 60 s, exact to the bin.
    pub settled_60s: u64,
    /// Quota tokens reserved at admission in the last 60 s.
    pub reserved_60s: u64,
    /// Quota tokens held now by what is in flight.
    pub held: u64,
    /// Quota tokens that what is in flight is expected to settle above its hold.
    pub debt: u64,
    /// Throttle epochs so far.
    pub epochs: u64,
    /// The last epochs, newest first, at most 8.
    pub last_epochs: Vec<Epoch>,
    /// Sends nothing before this moment (a Retry-After, a used-up day).
    pub held_off_until: Option<Micros>,
    /// What the rule is doing, in a few words (`holding`, `probing +4 %`, `backed off`).
    pub mood: String,
}
