//! The one table of everything that can be tuned while a load runs.

use serde::{Deserialize, Serialize};

/// Names one knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnobId {
    /// Part of each quota that this process may use.
    Share,
    /// Attempts in flight at once.
    Concurrency,
    /// Arrivals per second (open loop), or workers (closed loop).
    ArrivalRate,
    /// `adaptive`: whether it may probe above a configured quota.
    ProbeAboveQuota,
    /// `adaptive`: factor applied to the rate at a throttle epoch.
    AdaptiveBackoff,
    /// `adaptive`: time in which a rate that was backed off returns to what was measured.
    AdaptiveReturnTime,
    /// `adaptive`: time beyond that in which a probe has grown the rate by the probe growth.
    AdaptiveProbeTime,
    /// `adaptive`: growth of the rate at the end of the probe time.
    AdaptiveProbeGrowth,
    /// `adaptive`: requests that pass between two probes once probes only confirm the limit.
    AdaptiveRequestsPerProbe,
    /// `adaptive`: how the service is taken to meter, an index into [`MeterPin::ALL`](crate::limiter::MeterPin::ALL).
    AdaptiveMeter,
    /// `token-bucket`: capacity of each bucket, in times of ten seconds of its rate (1.5 = 15 s).
    BurstFactor,
    /// `classic`: factor on throttle.
    ClassicDecrease,
    /// `classic`: factor after a run of successes.
    ClassicIncrease,
    /// `classic`: how many successes make such a run.
    ClassicSuccesses,
    /// Attempts per record before it fails (throttles and capacity do not count in `adaptive`).
    MaxAttempts,
    /// First retry delay.
    RetryBase,
    /// Longest retry delay, and the most of a Retry-After that is honoured.
    RetryCap,
    /// Retries allowed per hundred successes.
    RetryBudget,
    /// Share of failures in the breaker's window that opens it.
    BreakerThreshold,
    /// How long an opened breaker waits before its first probe.
    BreakerOpen,
    /// Longest silence between two events of a stream.
    StreamGap,
    /// Longest duration of one attempt.
    AttemptTimeout,
    /// 0: least wait (headroom and health); 1: round robin.
    Routing,
    /// Whether what bought capacity has no room for goes on demand, where it is paid by the token.
    Spill,
}

/// Where a knob stands on the tuning screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnobGroup {
    /// Load and admission.
    Load,
    /// The limiter: its rule and the numbers of `adaptive`.
    Limiter,
    /// The numbers of the limiter's other rules.
    Rules,
    /// Retry and its budget.
    Retry,
    /// Regions, breakers, deadlines.
    Routing,
}

/// How a knob's value reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnobKind {
    /// A number; steps multiply (rates, counts over decades).
    Ratio,
    /// A number; steps add.
    Linear,
    /// 0 or 1.
    Switch,
    /// An index into `choices`.
    Choice,
}

/// What a knob is; constant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KnobSpec {
    /// Its name in commands and config.
    pub id: KnobId,
    /// Where it stands.
    pub group: KnobGroup,
    /// Two or three words.
    pub label: &'static str,
    /// Unit, possibly empty.
    pub unit: &'static str,
    /// How it reads and steps.
    pub kind: KnobKind,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// One key press: a factor for `Ratio`, a difference for `Linear`.
    pub step: f64,
    /// Names of the values of a `Choice`.
    pub choices: &'static [&'static str],
    /// One line: what it does.
    pub meaning: &'static str,
}

/// A knob and its value now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct KnobView {
    /// What it is.
    #[serde(flatten)]
    pub spec: &'static KnobSpec,
    /// Value now, in the knob's unit.
    pub value: f64,
    /// Value at the start.
    pub default: f64,
    /// Whether it has any effect under the present preset and load.
    pub active: bool,
}

/// What is read back of a [`KnobView`]: what a knob is, its name says.
#[derive(Deserialize)]
struct Written {
    id: KnobId,
    value: f64,
    default: f64,
    active: bool,
}

impl From<Written> for KnobView {
    fn from(Written { id, value, default, active }: Written) -> KnobView {
        KnobView { spec: id.spec(), value, default, active }
    }
}
