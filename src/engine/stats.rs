//! Statistics in bounded memory: seconds in a ring for rates and windows, histograms for latencies, one hour of history.

use std::collections::VecDeque;
use std::sync::Arc;

use hdrhistogram::Histogram;

use crate::record::{ErrorClass, Micros};

use super::{Percentiles, Series};

/// Seconds kept for windows: a minute, and one more because the present second is not over.
const RING: usize = 61;
/// Length of the history.
const HISTORY: usize = 3_600;
/// A latency window is six of these, so that a percentile covers 50 to 60 s.
const SLICE: Micros = Micros::from_secs(10);
const SLICES: usize = 6;
/// One hour: the largest latency told apart.
const LONGEST: u64 = 3_600_000_000;

/// What happened in one second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Second {
    second: u64,
    /// Records that arrived.
    pub arrived: u32,
    /// Attempts sent.
    pub sent: u32,
    /// Attempts that succeeded.
    pub ok: u32,
    /// Records that succeeded.
    pub done: u32,
    /// Attempts that failed, by class.
    pub failed: [u32; ErrorClass::ALL.len()],
    /// Quota tokens settled.
    pub settled: u64,
    /// Quota tokens reserved.
    pub reserved: u64,
    /// Quota tokens that had been reserved for what is settled here.
    pub released: u64,
    /// Picodollars spent.
    pub spent: i64,
}

/// Sixty seconds of [`Second`]s.
#[derive(Clone, Debug)]
pub struct Window {
    ring: Box<[Second; RING]>,
}

impl Default for Window {
    fn default() -> Self {
        Window { ring: Box::new([Second::default(); RING]) }
    }
}

impl Window {
    /// The second that `now` is in, to be added to.
    pub fn at(&mut self, now: Micros) -> &mut Second {
        let second = now.0 / 1_000_000;
        let slot = &mut self.ring[(second % RING as u64) as usize];
        if slot.second != second {
            *slot = Second { second, ..Second::default() };
        }
        slot
    }

    /// The seconds of the last `seconds` (at most 60), the present one included.
    pub fn last(&self, seconds: u64, now: Micros) -> impl Iterator<Item = &Second> {
        let present = now.0 / 1_000_000;
        let seconds = seconds.min(RING as u64 - 1);
        self.ring.iter().filter(move |slot| slot.second <= present && slot.second + seconds > present)
    }

    /// The sum of one field over the last `seconds`.
    pub fn sum(&self, seconds: u64, now: Micros, field: impl Fn(&Second) -> u64) -> u64 {
        self.last(seconds, now).map(field).sum()
    }

    /// Events per second over the last ten whole seconds (the present one, not over yet, left out); of a shorter life
    /// since `start`, over that.
    pub fn rate(&self, now: Micros, start: Micros, field: impl Fn(&Second) -> u64) -> f64 {
        let present = now.0 / 1_000_000;
        let first = start.0 / 1_000_000;
        let span = present.saturating_sub(first).min(10);
        if span == 0 {
            let lived = now.since(start).secs_f64();
            let count: u64 = self.last(1, now).map(field).sum();
            return if lived > 0.2 { count as f64 / lived } else { 0.0 };
        }
        let count: u64 = self.ring.iter().filter(|s| s.second < present && s.second + span >= present).map(field).sum();
        count as f64 / span as f64
    }

    /// Failures by class over the last `seconds`.
    pub fn failures(&self, seconds: u64, now: Micros) -> [u64; ErrorClass::ALL.len()] {
        let mut total = [0; ErrorClass::ALL.len()];
        for second in self.last(seconds, now) {
            for (sum, count) in total.iter_mut().zip(second.failed) {
                *sum += u64::from(count);
            }
        }
        total
    }

    /// Succeeded over finished attempts of the last 60 s.
    pub fn success_rate(&self, now: Micros) -> Option<f64> {
        let ok = self.sum(60, now, |s| u64::from(s.ok));
        let failed: u64 = self.failures(60, now).iter().sum();
        (ok + failed > 0).then(|| ok as f64 / (ok + failed) as f64)
    }
}

/// The classes with a count, zeroes left out.
#[must_use]
pub fn by_class(counts: &[u64; ErrorClass::ALL.len()]) -> Vec<(ErrorClass, u64)> {
    ErrorClass::ALL.iter().copied().zip(counts.iter().copied()).filter(|(_, count)| *count > 0).collect()
}

/// A latency distribution of about the last minute.
#[derive(Debug)]
pub struct Latency {
    slices: VecDeque<(u64, Histogram<u32>)>,
}

impl Default for Latency {
    fn default() -> Self {
        Latency { slices: VecDeque::with_capacity(SLICES) }
    }
}

fn histogram() -> Option<Histogram<u32>> {
    Histogram::new_with_bounds(1, LONGEST, 2).ok()
}

impl Latency {
    /// Adds a sample.
    pub fn record(&mut self, value: Micros, now: Micros) {
        let slice = now.0 / SLICE.0;
        if self.slices.back().is_none_or(|(at, _)| *at != slice) {
            // Reuse the oldest slice's memory instead of allocating a new one.
            let fresh = if self.slices.len() == SLICES { self.slices.pop_front() } else { None };
            let fresh = match fresh {
                Some((_, mut old)) => {
                    old.reset();
                    Some(old)
                }
                None => histogram(),
            };
            let Some(fresh) = fresh else { return };
            self.slices.push_back((slice, fresh));
        }
        if let Some((_, newest)) = self.slices.back_mut() {
            newest.saturating_record(value.0.clamp(1, LONGEST));
        }
    }

    /// The percentiles of the last minute.
    #[must_use]
    pub fn percentiles(&self, now: Micros) -> Percentiles {
        percentiles(std::iter::once(self), now)
    }

    /// The median alone.
    #[must_use]
    pub fn median(&self, now: Micros) -> Option<Micros> {
        self.percentiles(now).p50
    }
}

/// The percentiles of the last minute of several distributions together: histograms are merged, percentiles never
/// averaged. A percentile needs `1/(1-p)` samples (study/load.md §C).
#[must_use]
pub fn percentiles<'a>(latencies: impl Iterator<Item = &'a Latency>, now: Micros) -> Percentiles {
    let present = now.0 / SLICE.0;
    let mut live =
        latencies.flat_map(|latency| &latency.slices).filter(|(at, _)| at + (SLICES as u64) > present).map(|(_, h)| h);
    let Some(first) = live.next() else { return Percentiles::default() };
    let mut merged = first.clone();
    for slice in live {
        if merged.add(slice).is_err() {
            return Percentiles::default();
        }
    }
    let n = merged.len();
    let at = |quantile: f64, needed: u64| (n >= needed).then(|| Micros(merged.value_at_quantile(quantile)));
    Percentiles { n, p50: at(0.5, 2), p90: at(0.9, 10), p99: at(0.99, 100), max: (n > 0).then(|| Micros(merged.max())) }
}

/// What the history takes once a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Sliding-60 s requests.
    pub rpm: f32,
    /// Sliding-60 s settled quota tokens.
    pub tpm_settled: f32,
    /// Quota tokens held.
    pub held: f32,
    /// The limiter's target, quota tokens per minute.
    pub target_tpm: f32,
    /// Throttled attempts.
    pub throttles: f32,
    /// Other failed attempts.
    pub errors: f32,
    /// Records succeeded.
    pub done: f32,
    /// Queue depth.
    pub queue: f32,
    /// Attempts in flight.
    pub in_flight: f32,
    /// Median attempt latency, ms; NaN without attempts.
    pub p50_ms: f32,
}

/// One hour of history.
#[derive(Debug, Default)]
pub struct History {
    series: Arc<Series>,
}

impl History {
    /// Adds the sample of `second`; seconds that were missed (a stopped process) become gaps.
    pub fn push(&mut self, second: u64, sample: Sample) {
        let series = Arc::make_mut(&mut self.series);
        let gap = Sample {
            rpm: f32::NAN,
            tpm_settled: f32::NAN,
            held: f32::NAN,
            target_tpm: f32::NAN,
            throttles: f32::NAN,
            errors: f32::NAN,
            done: f32::NAN,
            queue: f32::NAN,
            in_flight: f32::NAN,
            p50_ms: f32::NAN,
        };
        if series.last_second > 0 {
            for _ in 0..second.saturating_sub(series.last_second + 1).min(HISTORY as u64) {
                append(series, gap);
            }
        }
        append(series, sample);
        series.last_second = second;
    }

    /// The history as published.
    #[must_use]
    pub fn share(&self) -> Arc<Series> {
        Arc::clone(&self.series)
    }
}

fn append(series: &mut Series, sample: Sample) {
    let columns: [(&mut Vec<f32>, f32); 10] = [
        (&mut series.rpm, sample.rpm),
        (&mut series.tpm_settled, sample.tpm_settled),
        (&mut series.held, sample.held),
        (&mut series.target_tpm, sample.target_tpm),
        (&mut series.throttles, sample.throttles),
        (&mut series.errors, sample.errors),
        (&mut series.done, sample.done),
        (&mut series.queue, sample.queue),
        (&mut series.in_flight, sample.in_flight),
        (&mut series.p50_ms, sample.p50_ms),
    ];
    for (column, value) in columns {
        if column.len() >= HISTORY {
            column.remove(0);
        }
        column.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets_after_sixty_seconds_exactly() {
        let mut window = Window::default();
        window.at(Micros::from_secs(100)).sent += 3;
        window.at(Micros::from_secs(130)).sent += 4;
        let sent = |window: &Window, s| window.sum(60, Micros::from_secs(s), |second| u64::from(second.sent));
        assert_eq!(sent(&window, 130), 7);
        assert_eq!(sent(&window, 159), 7);
        assert_eq!(sent(&window, 160), 4);
        assert_eq!(sent(&window, 190), 0);
        assert_eq!(sent(&window, 50), 0, "a clock that jumps back sees no future");
    }

    #[test]
    fn rates_leave_the_unfinished_second_out() {
        let mut window = Window::default();
        for s in 0..20 {
            window.at(Micros::from_secs(s)).sent += 5;
        }
        assert_eq!(window.rate(Micros::from_millis(19_900), Micros::ZERO, |s| u64::from(s.sent)), 5.0);
        assert_eq!(window.rate(Micros::from_millis(3_500), Micros::from_secs(1), |s| u64::from(s.sent)), 5.0);
    }

    #[test]
    fn percentiles_wait_for_enough_samples_and_forget() {
        let mut latency = Latency::default();
        for ms in 1..=99 {
            latency.record(Micros::from_millis(ms), Micros::from_secs(5));
        }
        let view = latency.percentiles(Micros::from_secs(6));
        assert_eq!(view.n, 99);
        assert!(view.p90.is_some() && view.p99.is_none());
        let p50 = view.p50.unwrap().millis_f64();
        assert!((p50 - 50.0).abs() < 1.0, "{p50}");
        assert_eq!(latency.percentiles(Micros::from_secs(80)).n, 0);
    }

    #[test]
    fn history_keeps_an_hour_and_marks_what_was_missed() {
        let mut history = History::default();
        for second in 1..=4_000 {
            history.push(second, Sample { rpm: second as f32, ..Sample::default() });
        }
        history.push(4_003, Sample::default());
        let series = history.share();
        assert_eq!(series.rpm.len(), HISTORY);
        assert_eq!(series.last_second, 4_003);
        assert!(series.rpm[HISTORY - 2].is_nan() && series.rpm[HISTORY - 3].is_nan());
        assert_eq!(series.rpm[HISTORY - 4], 4_000.0);
    }
}
