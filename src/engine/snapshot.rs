//! What the engine tells the world: plain data, complete in itself, in bounded size.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limiter::{Preset, QuotaLimit, ScopeStatus, Why};
use crate::record::{ErrorClass, Micros, MinuteUse, Priority, RecordId, Region, Route, ScopeKey, Usage, Usd};

use super::{KnobView, Trends};

/// Everything about the run at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineSnapshot {
    /// When it was taken, on the run's clock.
    pub at: Micros,
    /// The same moment, UTC, milliseconds since 1970.
    pub utc_ms: i64,
    /// Where the load goes.
    pub target: TargetInfo,
    /// What the engine is doing.
    pub state: LoadState,
    /// Progress of the load.
    pub run: RunView,
    /// Spend.
    pub money: MoneyView,
    /// Rates, errors, queue.
    pub flow: FlowView,
    /// Sliding 60 s over all scopes.
    pub total: WindowTotals,
    /// Each scope: its route, its limiter, its health.
    pub scopes: Vec<ScopeView>,
    /// Each Region's health.
    pub regions: Vec<RegionView>,
    /// Latency distributions of the last 60 s.
    pub latency: LatencyView,
    /// The bottleneck, in words.
    pub verdict: Verdict,
    /// The token estimator's record.
    pub estimator: EstimatorView,
    /// The limiter's rule.
    pub preset: Preset,
    /// Every knob.
    pub knobs: Vec<KnobView>,
    /// Second-by-second history, oldest first, at most one hour.
    pub series: Arc<Series>,
    /// The last hour in steps of five seconds, told apart by scope, Region, model and cause.
    #[serde(default)]
    pub trends: Arc<Trends>,
    /// The service's time minus ours, milliseconds: by it minutes begin.
    #[serde(default)]
    pub clock_offset_ms: i64,
    /// What was called at each route in each UTC minute of the last hour by the service's clock, the present one included.
    #[serde(default)]
    pub minutes: Arc<Vec<RouteMinutes>>,
    /// Tuning changes and events to mark on the charts, oldest first, at most 64.
    pub marks: Arc<Vec<Mark>>,
    /// Last finished records, newest first, at most 256.
    pub recent: Arc<Vec<RequestView>>,
    /// Failed records by reason.
    pub failed_by_reason: Vec<(String, u64)>,
    /// The engine's journal, newest first, at most 512.
    pub journal: Arc<Vec<JournalLine>>,
    /// How well the client itself keeps up.
    pub client: ClientHealth,
}

/// Where the load goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// True: everything here was made by a simulator.
    pub simulated: bool,
    /// `sim`, `aws` or the URL, as the user gave it.
    pub name: String,
    /// Account id, once known.
    pub account: Option<String>,
    /// The user's label for the account.
    pub account_label: Option<String>,
    /// AWS profile, if one is in use.
    pub profile: Option<String>,
    /// Caller ARN, once known.
    pub caller: Option<String>,
    /// Regions in use.
    pub regions: Vec<Region>,
    /// Nothing that costs or destroys is offered.
    pub read_only: bool,
    /// When the credentials end, UTC milliseconds; `None` if they do not or it is not known.
    pub credentials_until_ms: Option<i64>,
}

/// What the engine is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LoadState {
    /// No load.
    Idle,
    /// Admitting.
    Running,
    /// Not admitting, attempts still in flight.
    Pausing {
        /// How many are in flight.
        in_flight: u32,
    },
    /// Not admitting, nothing in flight.
    Paused,
    /// Ending: not admitting, attempts still in flight.
    Draining {
        /// How many are in flight.
        in_flight: u32,
    },
    /// Nothing can go on until the cause is gone.
    Parked {
        /// What kind of cause.
        kind: ParkKind,
        /// What happened.
        cause: String,
        /// What to do.
        remedy: String,
    },
    /// The load has ended.
    Finished,
}

/// Why a scope or a run is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParkKind {
    /// Credentials are missing, expired or refused.
    Credentials,
    /// No access to the model or the operation.
    Access,
    /// The tokens of the day are used up.
    Day,
    /// The spend cap.
    Cap,
    /// Results cannot be stored.
    Storage,
}

/// What kind of load it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadKind {
    /// None.
    #[default]
    None,
    /// A file of records.
    File,
    /// Synthetic prompts.
    Synthetic,
}

/// Progress of the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// What kind of load.
    pub kind: LoadKind,
    /// One line that names it (`prompts.jsonl`, `poisson 4.0/s, seed 7`).
    pub label: String,
    /// Records in all, if known.
    pub total: Option<u64>,
    /// Succeeded, in this process.
    pub succeeded: u64,
    /// Failed for good, in this process.
    pub failed: u64,
    /// Already finished by an earlier run that this one resumes.
    pub resumed: u64,
    /// Not sent yet: in the queue or still to be read.
    pub unsent: u64,
    /// Time since the load began.
    pub elapsed: Micros,
    /// Expected time to the end at the present rate.
    pub eta: Option<Micros>,
    /// Records whose result came after their deadline.
    pub late: u64,
    /// The earliest deadline still open, run's clock.
    pub next_deadline: Option<Micros>,
    /// Arrivals dropped because the queue was full.
    pub dropped: u64,
    /// Attempts sent.
    pub attempts: u64,
    /// Attempts beyond each record's first.
    pub retries: u64,
    /// Token counts of the finished records, estimates included.
    pub usage: Usage,
    /// Where results go.
    pub output: Option<String>,
    /// Why it could not go on to its end (an input that cannot be used or read any more).
    pub fatal: Option<String>,
}

/// Spend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MoneyView {
    /// Settled spend of this run, resumes included.
    pub spent: Usd,
    /// Part of `spent` that rests on estimates.
    pub estimated: Usd,
    /// Worst case of what is in flight.
    pub in_flight: Usd,
    /// The cap.
    pub cap: Option<Usd>,
    /// Spend per hour at the rate of the last 60 s.
    pub per_hour: Usd,
    /// Models in use without a known price.
    pub unpriced: Vec<String>,
    /// Settled spend by model.
    pub by_model: Vec<(String, Usd)>,
}

/// Rates, errors, queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowView {
    /// Arrivals asked for, per second; `None` for files and closed loops.
    pub requested_rps: Option<f64>,
    /// Arrivals really made, per second over the last 10 s.
    pub arrived_rps: f64,
    /// Attempts sent, per second over the last 10 s.
    pub sent_rps: f64,
    /// Records succeeded, per second over the last 10 s.
    pub done_rps: f64,
    /// Records succeeded per minute, over the last 60 s.
    pub done_per_minute: f64,
    /// The client itself cannot make the arrivals it was asked for.
    pub client_limited: bool,
    /// Attempts of the last 60 s that succeeded, 0 to 1; `None` without attempts.
    pub success_rate: Option<f64>,
    /// Failed attempts of the last 60 s by class, zeroes left out.
    pub errors_60s: Vec<(ErrorClass, u64)>,
    /// Failed attempts since the start by class, zeroes left out.
    pub errors_total: Vec<(ErrorClass, u64)>,
    /// Attempts in flight.
    pub in_flight: u32,
    /// The concurrency limit.
    pub concurrency: u32,
    /// Records waiting, by class (high, medium, low).
    pub queue_depth: [u64; 3],
    /// Age of the oldest waiting record by class.
    pub queue_age: [Option<Micros>; 3],
    /// Expected time until the last waiting record of each class is sent.
    pub queue_eta: [Option<Micros>; 3],
    /// Why the head of the queue waits.
    pub head: Option<HeadView>,
    /// Records that wait for a retry delay.
    pub backing_off: u64,
}

/// Why the head of the queue waits, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadView {
    /// Its name.
    pub record: RecordId,
    /// Its class.
    pub priority: Priority,
    /// What holds it.
    pub why: HeadWhy,
    /// The route with the shortest wait.
    pub route: Option<Route>,
    /// The earliest moment at which it can go; `None` if no clock decides it.
    pub until: Option<Micros>,
    /// When its result is wanted, if it has a deadline.
    #[serde(default)]
    pub deadline: Option<Micros>,
}

/// What holds the head of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadWhy {
    /// The limiter; the inner value names the dimension.
    Limiter(Why),
    /// The concurrency limit.
    Concurrency,
    /// Every breaker is open.
    Breakers,
    /// Every scope is parked or drained.
    Parked,
    /// The spend cap.
    Cap,
    /// Paused by the operator.
    Paused,
}

/// Sliding 60 s over all scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowTotals {
    /// Attempts sent.
    pub requests: u64,
    /// Quota tokens settled.
    pub settled: u64,
    /// Quota tokens held at admission.
    pub reserved: u64,
    /// Quota tokens held now by attempts in flight.
    pub held: u64,
}

/// One scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScopeView {
    /// Its key.
    pub key: ScopeKey,
    /// The route that leads to it.
    pub route: Route,
    /// Where its quotas came from: `config`, `service quotas`, `default`, `unknown`, `by hand`.
    pub quota_source: String,
    /// Its limiter; of a provisioned model that of the input.
    pub limiter: ScopeStatus,
    /// The limiter of a provisioned model's output.
    pub output: Option<ScopeStatus>,
    /// Attempts in flight.
    pub in_flight: u32,
    /// Attempts sent since the start.
    pub sent_total: u64,
    /// Quota tokens settled since the start.
    pub settled_total: u64,
    /// Health and breaker.
    pub breaker: BreakerView,
    /// Why it is parked, if it is: cause and remedy.
    pub parked: Option<(String, String)>,
    /// Spent here since the start.
    #[serde(default)]
    pub spent_total: Usd,
    /// Spend per hour at the rate of the last 60 s; `None`: no price is known.
    #[serde(default)]
    pub per_hour: Option<Usd>,
    /// What was settled in the last 60 s as a part of what had been held at admission for the same attempts. Above 1 where
    /// output counts by its burndown at settlement and once at admission.
    pub reservation_efficiency: Option<f64>,
    /// How many quota tokens an output token counts at settlement.
    #[serde(default = "once")]
    pub burndown: u32,
    /// Of what was settled in the last 60 s: quota tokens that had been reserved and were not used.
    pub wasted_60s: u64,
    /// What to do about a reservation far above what is used, if it is.
    pub advice: Option<String>,
    /// How long the head of the queue has waited here since the start, by reason; looked at with each snapshot.
    pub head_waited: Vec<(Why, Micros)>,
    /// Throttles of the last 60 s by class, zeroes left out.
    pub throttles_60s: Vec<(ErrorClass, u64)>,
}

fn once() -> u32 {
    1
}

impl ScopeView {
    /// The quota tokens wasted in the last 60 s as a part of the quota, if that is known.
    #[must_use]
    pub fn wasted_share(&self) -> Option<f64> {
        match self.limiter.tpm.quota {
            QuotaLimit::Limit(quota) if quota > 0 => Some(self.wasted_60s as f64 / quota as f64),
            _ => None,
        }
    }

    /// Why the head of the queue waits, if it is the limiter of this scope that it waits for.
    #[must_use]
    pub fn head<'a>(&self, head: Option<&'a HeadView>) -> Option<(&'a HeadView, Why)> {
        match head {
            Some(head @ HeadView { why: HeadWhy::Limiter(why), route: Some(route), .. }) if *route == self.route => {
                Some((head, *why))
            }
            _ => None,
        }
    }
}

/// A breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "breaker", rename_all = "snake_case")]
pub enum BreakerView {
    /// Letting everything through.
    #[default]
    Closed,
    /// Letting nothing through until `until`.
    Open {
        /// When the first probe goes.
        until: Micros,
    },
    /// One probe at a time.
    HalfOpen,
}

/// One Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionView {
    /// Its name.
    pub region: Region,
    /// The worst breaker of its scopes.
    pub breaker: BreakerView,
    /// Drained by the operator.
    pub drained: bool,
    /// Success share of the last 60 s.
    pub success_rate: Option<f64>,
    /// Attempts per second, last 10 s.
    pub rps: f64,
    /// Attempts in flight.
    pub in_flight: u32,
    /// Median attempt latency of the last 60 s.
    pub p50: Option<Micros>,
    /// Settled quota tokens of the last 60 s.
    pub settled: u64,
    /// Quota tokens per minute over its scopes, where known.
    pub quota: Option<u64>,
    /// The last error, one line, sanitised.
    pub last_error: Option<String>,
}

/// Percentiles of one distribution. A percentile is `None` until there are enough samples for it (n >= 1/(1-p)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Samples.
    pub n: u64,
    /// Median.
    pub p50: Option<Micros>,
    /// 90th.
    pub p90: Option<Micros>,
    /// 99th.
    pub p99: Option<Micros>,
    /// Largest.
    pub max: Option<Micros>,
}

/// Latency distributions of the last 60 s; definitions: help screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyView {
    /// One attempt, send to end.
    pub attempt: Percentiles,
    /// First attempt's send to final result, retries and waits between them included.
    pub logical: Percentiles,
    /// Due time to final result.
    pub response: Percentiles,
    /// Time to first token (streams).
    pub ttft: Percentiles,
    /// Time in the queue, before the limiter was asked first or after it said yes.
    pub queue_wait: Percentiles,
    /// Time per output token, `(E2E - TTFT) / (output - 1)` (streams).
    pub tpot: Percentiles,
}

/// What binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bottleneck {
    /// Fewer than 10 requests.
    #[default]
    NotEnoughData,
    /// Nothing: the load is below every limit.
    Demand,
    /// Requests per minute.
    Rpm,
    /// Tokens per minute, by what is really used.
    TpmSettled,
    /// Tokens per minute, by what `max_tokens` holds.
    TpmReserved,
    /// Tokens per day.
    Tpd,
    /// Concurrency over latency.
    Concurrency,
    /// The service's capacity.
    Capacity,
    /// This client.
    Client,
}

/// The bottleneck, in words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What binds.
    pub what: Bottleneck,
    /// One sentence: what is happening.
    pub sentence: String,
    /// One sentence: what to do; empty if nothing.
    pub advice: String,
    /// Best possible records per minute with this mix and these quotas, if known.
    pub best_per_minute: Option<f64>,
}

/// The token estimator's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EstimatorView {
    /// Samples compared with the service's counts.
    pub n: u64,
    /// Mean of estimate / actual - 1.
    pub bias: f64,
    /// 90th percentile of the absolute relative error.
    pub p90_error: f64,
}

/// History, one value a second, oldest first. All vectors have the same length; `NaN` marks a second without data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Series {
    /// The second (run's clock) of the last value.
    pub last_second: u64,
    /// Sliding-60 s requests per minute.
    #[serde(deserialize_with = "gaps")]
    pub rpm: Vec<f32>,
    /// Sliding-60 s settled quota tokens per minute.
    #[serde(deserialize_with = "gaps")]
    pub tpm_settled: Vec<f32>,
    /// Quota tokens held at the end of the second.
    #[serde(deserialize_with = "gaps")]
    pub held: Vec<f32>,
    /// The limiter's target rate, quota tokens per minute, all scopes.
    #[serde(deserialize_with = "gaps")]
    pub target_tpm: Vec<f32>,
    /// Throttled attempts in the second.
    #[serde(deserialize_with = "gaps")]
    pub throttles: Vec<f32>,
    /// Other failed attempts in the second.
    #[serde(deserialize_with = "gaps")]
    pub errors: Vec<f32>,
    /// Records succeeded in the second.
    #[serde(deserialize_with = "gaps")]
    pub done: Vec<f32>,
    /// Queue depth at the end of the second.
    #[serde(deserialize_with = "gaps")]
    pub queue: Vec<f32>,
    /// Attempts in flight at the end of the second.
    #[serde(deserialize_with = "gaps")]
    pub in_flight: Vec<f32>,
    /// Median attempt latency in the second, milliseconds.
    #[serde(deserialize_with = "gaps")]
    pub p50_ms: Vec<f32>,
}

/// JSON has no NaN: a second without data is written as null.
pub(super) fn gaps<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
    let values = Vec::<Option<f32>>::deserialize(from)?;
    Ok(values.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect())
}

/// What we called at one route, minute by minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteMinutes {
    /// Where and what, as it is called.
    pub route: Route,
    /// What has the quota behind it.
    pub key: ScopeKey,
    /// Oldest first, at most 61; a minute in which nothing happened is left out.
    pub minutes: Vec<MinuteUse>,
}

/// A moment worth a mark on the charts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Micros,
    /// What, short (`share 80 % -> 60 %`, `us-west-2 breaker open`).
    pub what: String,
}

/// How a journal line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the record.
    Info,
    /// Look at it.
    Warning,
    /// Something is wrong.
    Error,
}

/// A line of the journal. Never holds a prompt, an output or a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    /// When, UTC milliseconds.
    pub utc_ms: i64,
    /// How it is meant.
    pub level: Level,
    /// What happened, sanitised.
    pub text: String,
}

/// A finished record, without its prompt and output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestView {
    /// Its name, sanitised.
    pub id: RecordId,
    /// Its class.
    pub priority: Priority,
    /// Where its last attempt went.
    pub route: Route,
    /// When it finished, UTC milliseconds.
    pub utc_ms: i64,
    /// Attempts made.
    pub attempts: u32,
    /// Last attempt's latency.
    pub attempt: Micros,
    /// Due time to result.
    pub response: Micros,
    /// Token counts, if known.
    pub usage: Option<Usage>,
    /// What was held at admission.
    pub reserved: u64,
    /// The `max_tokens` that it set; `None`: it set none, and the model's maximum was held.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// Price, if known.
    pub price: Option<Usd>,
    /// Class and message of the failure, if it failed.
    pub failure: Option<(ErrorClass, String)>,
    /// The service's request id of the last attempt.
    pub request_id: Option<String>,
}

/// How well the client itself keeps up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientHealth {
    /// Arrival lateness (`schedule_delay`) of the last 60 s.
    pub schedule_delay: Percentiles,
    /// CPU of the whole process, share of one core over the last seconds; `None` where it cannot be read.
    pub cpu: Option<f64>,
    /// Resident memory, bytes.
    pub resident: Option<u64>,
}
