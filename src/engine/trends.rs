//! The last hour in steps of five seconds: what the panels chart when they have the screen for themselves.
//!
//! [`super::Series`] has the totals of each second. What is told apart by route, Region, model or cause would be many
//! times as much; in steps of five seconds it is as large as the totals.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::{ErrorClass, Micros, Region, ScopeKey};

use super::Percentiles;
use super::snapshot::gaps;

/// Steps kept: one hour.
const KEPT: usize = 720;

/// One quantity, a value for each step, oldest first. `NaN` marks a step without data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trend(#[serde(deserialize_with = "gaps")] pub Vec<f32>);

impl Trend {
    /// Adds the newest value of a history that has `length` values with it.
    fn push(&mut self, value: f32, length: usize) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        // What began later than the rest has no data before.
        let missing = length.saturating_sub(self.0.len() + 1);
        self.0.splice(..0, std::iter::repeat_n(f32::NAN, missing));
        self.0.push(value);
    }

    /// Whether there is any value.
    #[must_use]
    pub fn has_data(&self) -> bool {
        self.0.iter().any(|value| value.is_finite())
    }
}

/// Percentiles of a latency, seconds, each over the 60 s up to the step.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LatencyTrend {
    /// Median.
    pub p50: Trend,
    /// 90th.
    pub p90: Trend,
    /// 99th.
    pub p99: Trend,
}

impl LatencyTrend {
    fn push(&mut self, of: &Percentiles, length: usize) {
        let seconds = |value: Option<Micros>| value.map_or(f32::NAN, |value| value.secs_f64() as f32);
        self.p50.push(seconds(of.p50), length);
        self.p90.push(seconds(of.p90), length);
        self.p99.push(seconds(of.p99), length);
    }
}

/// Why attempts failed, as the panels tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Requests per minute.
    Rpm,
    /// Tokens per minute.
    Tpm,
    /// Tokens per day.
    Tpd,
    /// A throttle that does not say which meter.
    Unnamed,
    /// The service has no capacity, or the model is not ready.
    Capacity,
    /// Every other failure.
    Other,
}

impl Cause {
    /// All causes, in the order in which panels list them.
    pub const ALL: [Cause; 6] = [Cause::Rpm, Cause::Tpm, Cause::Tpd, Cause::Capacity, Cause::Unnamed, Cause::Other];

    /// The cause of a failure.
    #[must_use]
    pub const fn of(class: ErrorClass) -> Cause {
        match class {
            ErrorClass::ThrottleRpm => Cause::Rpm,
            ErrorClass::ThrottleTpm => Cause::Tpm,
            ErrorClass::ThrottleTpd => Cause::Tpd,
            ErrorClass::ThrottleOther => Cause::Unnamed,
            ErrorClass::Capacity | ErrorClass::NotReady => Cause::Capacity,
            _ => Cause::Other,
        }
    }
}

/// A scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScopeTrend {
    /// Which.
    pub key: ScopeKey,
    /// Quota tokens settled in the 60 s up to the step.
    pub settled: Trend,
    /// Quota tokens held at its end.
    pub held: Trend,
    /// The limiter's target, quota tokens per minute.
    pub target: Trend,
}

/// A Region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegionTrend {
    /// Which.
    pub region: Region,
    /// Part of the step's attempts that succeeded, 0 to 1.
    pub success: Trend,
    /// Median attempt latency of the 60 s up to the step, seconds.
    pub p50: Trend,
    /// Throttled attempts in the step.
    pub throttles: Trend,
    /// Whether it could be sent to at the step's end, as [`RegionState`] numbers it.
    pub state: Trend,
    /// Dollars per hour, at the rate of the 60 s up to the step.
    pub per_hour: Trend,
}

/// Whether a Region can be sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegionState {
    /// It can.
    #[default]
    Open = 0,
    /// Drained by the operator.
    Drained = 1,
    /// A breaker lets one probe through at a time.
    Probing = 2,
    /// A breaker lets nothing through.
    Broken = 3,
}

impl RegionState {
    /// The state that a value of [`RegionTrend::state`] stands for; `None`: no data.
    #[must_use]
    pub fn of(value: f32) -> Option<RegionState> {
        match value {
            value if !value.is_finite() => None,
            value if value < 0.5 => Some(RegionState::Open),
            value if value < 1.5 => Some(RegionState::Drained),
            value if value < 2.5 => Some(RegionState::Probing),
            _ => Some(RegionState::Broken),
        }
    }
}

/// A model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelTrend {
    /// Its id.
    pub model: String,
    /// Dollars per hour, at the rate of the 60 s up to the step.
    pub per_hour: Trend,
}

/// The history as published. All trends have the same length.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Trends {
    /// The second (run's clock) at which the last step ended.
    pub last_second: u64,
    /// One attempt, send to end.
    pub attempt: LatencyTrend,
    /// First attempt's send to final result.
    pub logical: LatencyTrend,
    /// Time to first token.
    pub ttft: LatencyTrend,
    /// Arrivals asked for, per second.
    pub requested: Trend,
    /// Arrivals made, per second.
    pub arrived: Trend,
    /// Attempts sent, per second.
    pub sent: Trend,
    /// Records succeeded, per second.
    pub done: Trend,
    /// Failed attempts in the step, by cause.
    pub causes: BTreeMap<Cause, Trend>,
    /// Dollars per hour, at the rate of the 60 s up to the step.
    pub per_hour: Trend,
    /// Dollars spent so far.
    pub spent: Trend,
    /// Each scope.
    pub scopes: Vec<ScopeTrend>,
    /// Each Region.
    pub regions: Vec<RegionTrend>,
    /// Each model.
    pub models: Vec<ModelTrend>,
}

impl Trends {
    /// Seconds in a step.
    pub const STEP: u64 = 5;

    /// Steps kept so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.requested.0.len()
    }

    /// Whether nothing is kept yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a step adds.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub attempt: Percentiles,
    pub logical: Percentiles,
    pub ttft: Percentiles,
    /// Per second: asked for, arrived, sent, done.
    pub rates: [f32; 4],
    /// Failed attempts of each class.
    pub failed: [u64; ErrorClass::ALL.len()],
    pub per_hour: f32,
    pub spent: f32,
    /// Settled, held, target.
    pub scopes: Vec<(ScopeKey, [f32; 3])>,
    /// Success, p50, throttles, state, dollars per hour.
    pub regions: Vec<(Region, [f32; 5])>,
    pub models: Vec<(String, f32)>,
}

impl Step {
    /// A step without data.
    fn gap() -> Step {
        Step {
            attempt: Percentiles::default(),
            logical: Percentiles::default(),
            ttft: Percentiles::default(),
            rates: [f32::NAN; 4],
            failed: [0; ErrorClass::ALL.len()],
            per_hour: f32::NAN,
            spent: f32::NAN,
            scopes: Vec::new(),
            regions: Vec::new(),
            models: Vec::new(),
        }
    }
}

/// Keeps the trends and shares them.
#[derive(Debug, Default)]
pub(super) struct TrendBook {
    shared: Arc<Trends>,
}

impl TrendBook {
    /// Whether a step ends between the second of the last one and `second`.
    pub fn is_due(&self, second: u64) -> bool {
        second / Trends::STEP > self.shared.last_second / Trends::STEP
    }

    /// Adds the step that ends with `second`; steps that were missed (a stopped process) become gaps.
    pub fn push(&mut self, second: u64, step: &Step) {
        let trends = Arc::make_mut(&mut self.shared);
        let at = second / Trends::STEP;
        if !trends.is_empty() {
            let missed = at.saturating_sub(trends.last_second / Trends::STEP + 1).min(KEPT as u64);
            (0..missed).for_each(|_| append(trends, &Step::gap(), false));
        }
        append(trends, step, true);
        trends.last_second = at * Trends::STEP;
    }

    /// The history as published.
    pub fn share(&self) -> Arc<Trends> {
        Arc::clone(&self.shared)
    }
}

fn append(trends: &mut Trends, step: &Step, known: bool) {
    let length = (trends.len() + 1).min(KEPT);
    trends.attempt.push(&step.attempt, length);
    trends.logical.push(&step.logical, length);
    trends.ttft.push(&step.ttft, length);
    let rates = [&mut trends.requested, &mut trends.arrived, &mut trends.sent, &mut trends.done];
    rates.into_iter().zip(step.rates).for_each(|(trend, rate)| trend.push(rate, length));
    for cause in Cause::ALL {
        let of = ErrorClass::ALL.iter().zip(step.failed).filter(|(class, _)| Cause::of(**class) == cause);
        let count: u64 = of.map(|(_, count)| count).sum();
        trends.causes.entry(cause).or_default().push(if known { count as f32 } else { f32::NAN }, length);
    }
    trends.per_hour.push(step.per_hour, length);
    trends.spent.push(step.spent, length);

    let begun: Vec<_> = new_ones(&step.scopes, &trends.scopes, |scope| &scope.key);
    trends.scopes.extend(begun.into_iter().map(|key| ScopeTrend {
        key,
        settled: Trend::default(),
        held: Trend::default(),
        target: Trend::default(),
    }));
    for scope in &mut trends.scopes {
        let [settled, held, target] = value_of(&step.scopes, &scope.key).unwrap_or([f32::NAN; 3]);
        scope.settled.push(settled, length);
        scope.held.push(held, length);
        scope.target.push(target, length);
    }
    trends.scopes.retain(|scope| scope.settled.has_data());

    let begun: Vec<_> = new_ones(&step.regions, &trends.regions, |region| &region.region);
    trends.regions.extend(begun.into_iter().map(|region| RegionTrend {
        region,
        success: Trend::default(),
        p50: Trend::default(),
        throttles: Trend::default(),
        state: Trend::default(),
        per_hour: Trend::default(),
    }));
    for region in &mut trends.regions {
        let values = value_of(&step.regions, &region.region).unwrap_or([f32::NAN; 5]);
        let of = [&mut region.success, &mut region.p50, &mut region.throttles, &mut region.state, &mut region.per_hour];
        of.into_iter().zip(values).for_each(|(trend, value)| trend.push(value, length));
    }
    trends.regions.retain(|region| region.state.has_data());

    let begun: Vec<_> = new_ones(&step.models, &trends.models, |model| &model.model);
    trends.models.extend(begun.into_iter().map(|model| ModelTrend { model, per_hour: Trend::default() }));
    for model in &mut trends.models {
        model.per_hour.push(value_of(&step.models, &model.model).unwrap_or(f32::NAN), length);
    }
    trends.models.retain(|model| model.per_hour.has_data());
}

/// The names that have no trend yet.
fn new_ones<K: Clone + PartialEq, V, T>(named: &[(K, V)], known: &[T], name: fn(&T) -> &K) -> Vec<K> {
    let is_new = |key: &&K| !known.iter().any(|trend| name(trend) == *key);
    named.iter().map(|(key, _)| key).filter(is_new).cloned().collect()
}

fn value_of<K: PartialEq, V: Copy>(named: &[(K, V)], key: &K) -> Option<V> {
    named.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(region: &str) -> Step {
        let mut failed = [0; ErrorClass::ALL.len()];
        failed[ErrorClass::ThrottleTpm.index()] = 2;
        failed[ErrorClass::Timeout.index()] = 1;
        Step { failed, regions: vec![(region.into(), [1.0; 5])], ..Step::gap() }
    }

    #[test]
    fn all_trends_are_as_long_as_each_other_and_end_with_the_hour() {
        let mut book = TrendBook::default();
        for second in 1..=5_000 {
            if book.is_due(second) {
                book.push(second, &step(if second < 700 { "us-east-1" } else { "us-west-2" }));
            }
        }
        let trends = book.share();
        assert_eq!((trends.last_second, trends.len()), (5_000, KEPT));
        assert_eq!(trends.causes[&Cause::Tpm].0, vec![2.0; KEPT]);
        assert_eq!(trends.causes[&Cause::Other].0, vec![1.0; KEPT]);
        // A Region without a value in the last hour is forgotten.
        assert_eq!(trends.regions.len(), 1);
        assert_eq!(trends.regions[0].state.0.len(), KEPT);
    }

    #[test]
    fn what_begins_later_and_what_is_missed_are_gaps() {
        let mut book = TrendBook::default();
        book.push(5, &step("us-east-1"));
        book.push(21, &step("us-west-2"));
        let trends = book.share();
        assert_eq!((trends.last_second, trends.len()), (20, 4));
        let known = |trend: &Trend| trend.0.iter().map(|value| value.is_finite()).collect::<Vec<_>>();
        assert_eq!(known(&trends.causes[&Cause::Rpm]), [true, false, false, true]);
        assert_eq!(known(&trends.regions[0].state), [true, false, false, false]);
        assert_eq!(known(&trends.regions[1].state), [false, false, false, true]);
        assert!(!book.is_due(24) && book.is_due(25));
    }

    #[test]
    fn they_come_back_from_a_recording_with_their_gaps() {
        let mut book = TrendBook::default();
        book.push(5, &step("us-east-1"));
        book.push(15, &step("us-east-1"));
        let written = serde_json::to_string(&*book.share()).unwrap();
        let back: Trends = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), written);
        assert!(back.requested.0[1].is_nan());
    }
}
