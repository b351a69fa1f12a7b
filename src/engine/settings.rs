//! The engine's settings, and the table through which they are tuned live.

use std::time::Duration;

use crate::limiter::{LimiterKnobs, MeterPin, Preset};
use crate::record::Micros;

use super::breaker::BreakerSettings;
use super::{KnobGroup, KnobId, KnobKind, KnobSpec, KnobView};

/// Everything that decides how a run behaves, apart from the load itself.
#[derive(Clone, Copy, Debug)]
pub struct EngineSettings {
    /// The limiter's rule and its numbers.
    pub limiter: LimiterKnobs,
    /// Attempts in flight at once.
    pub concurrency: u32,
    /// Attempts per record (throttles and capacity do not count in `adaptive`).
    pub max_attempts: u32,
    /// First retry delay.
    pub retry_base: Micros,
    /// Longest retry delay; also the most of a Retry-After that is honoured.
    pub retry_cap: Micros,
    /// Retries per hundred successes.
    pub retry_budget_percent: f64,
    /// Share of failures that opens a breaker, 0 to 1.
    pub breaker_threshold: f64,
    /// First pause of an opened breaker.
    pub breaker_open: Micros,
    /// Longest silence between two events of a stream.
    pub stream_gap: Duration,
    /// Longest duration of one attempt.
    pub attempt_timeout: Duration,
    /// Round robin instead of least wait.
    pub round_robin: bool,
    /// What bought capacity has no room for goes on demand.
    pub spill: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        EngineSettings {
            limiter: LimiterKnobs::default(),
            concurrency: 64,
            max_attempts: 6,
            retry_base: Micros::from_secs(1),
            retry_cap: Micros::from_secs(20),
            retry_budget_percent: 10.0,
            breaker_threshold: 0.5,
            breaker_open: Micros::from_secs(5),
            stream_gap: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(300),
            round_robin: false,
            spill: false,
        }
    }
}

impl EngineSettings {
    /// The breaker's part.
    #[must_use]
    pub fn breaker(&self) -> BreakerSettings {
        BreakerSettings { threshold: self.breaker_threshold, open_for: self.breaker_open }
    }

    /// Switches the limiter's rule. `classic` brings its own retry numbers (A6: 10 attempts, 2 s base, 60 s cap) and
    /// leaving it brings the usual ones back.
    pub fn set_preset(&mut self, preset: Preset) {
        let was_classic = self.limiter.preset == Preset::Classic;
        self.limiter.preset = preset;
        if preset == Preset::Classic && !was_classic {
            self.max_attempts = 10;
            self.retry_base = Micros::from_secs(2);
            self.retry_cap = Micros::from_secs(60);
        } else if was_classic && preset != Preset::Classic {
            let usual = EngineSettings::default();
            self.max_attempts = usual.max_attempts;
            self.retry_base = usual.retry_base;
            self.retry_cap = usual.retry_cap;
        }
    }

    /// The value of a knob, in its unit. `ArrivalRate` is the load's, not ours: `None`.
    #[must_use]
    pub fn get(&self, knob: KnobId) -> Option<f64> {
        Some(match knob {
            KnobId::ArrivalRate => return None,
            KnobId::Share => self.limiter.share * 100.0,
            KnobId::Concurrency => f64::from(self.concurrency),
            KnobId::ProbeAboveQuota => f64::from(u8::from(self.limiter.probe_above_quota)),
            KnobId::AdaptiveBackoff => self.limiter.adaptive.backoff,
            KnobId::AdaptiveReturnTime => self.limiter.adaptive.return_seconds,
            KnobId::AdaptiveProbeTime => self.limiter.adaptive.probe_seconds,
            KnobId::AdaptiveProbeGrowth => (self.limiter.adaptive.probe_growth - 1.0) * 100.0,
            KnobId::AdaptiveRequestsPerProbe => self.limiter.adaptive.requests_per_probe,
            KnobId::AdaptiveMeter => {
                MeterPin::ALL.iter().position(|pin| *pin == self.limiter.adaptive.meter).unwrap_or_default() as f64
            }
            KnobId::BurstFactor => self.limiter.burst_factor,
            KnobId::ClassicDecrease => self.limiter.classic.decrease,
            KnobId::ClassicIncrease => self.limiter.classic.increase,
            KnobId::ClassicSuccesses => f64::from(self.limiter.classic.successes),
            KnobId::MaxAttempts => f64::from(self.max_attempts),
            KnobId::RetryBase => self.retry_base.secs_f64(),
            KnobId::RetryCap => self.retry_cap.secs_f64(),
            KnobId::RetryBudget => self.retry_budget_percent,
            KnobId::BreakerThreshold => self.breaker_threshold * 100.0,
            KnobId::BreakerOpen => self.breaker_open.secs_f64(),
            KnobId::StreamGap => self.stream_gap.as_secs_f64(),
            KnobId::AttemptTimeout => self.attempt_timeout.as_secs_f64(),
            KnobId::Routing => f64::from(u8::from(self.round_robin)),
            KnobId::Spill => f64::from(u8::from(self.spill)),
        })
    }

    /// Moves a knob; the value is clamped to the knob's range. `ArrivalRate` is ignored here.
    pub fn set(&mut self, knob: KnobId, value: f64) {
        let spec = knob.spec();
        let value = if value.is_finite() { value.clamp(spec.min, spec.max) } else { return };
        match knob {
            KnobId::ArrivalRate => {}
            KnobId::Share => self.limiter.share = value / 100.0,
            KnobId::Concurrency => self.concurrency = value.round() as u32,
            KnobId::ProbeAboveQuota => self.limiter.probe_above_quota = value >= 0.5,
            KnobId::AdaptiveBackoff => self.limiter.adaptive.backoff = value,
            KnobId::AdaptiveReturnTime => self.limiter.adaptive.return_seconds = value,
            KnobId::AdaptiveProbeTime => self.limiter.adaptive.probe_seconds = value,
            KnobId::AdaptiveProbeGrowth => self.limiter.adaptive.probe_growth = 1.0 + value / 100.0,
            KnobId::AdaptiveRequestsPerProbe => self.limiter.adaptive.requests_per_probe = value.round(),
            KnobId::AdaptiveMeter => {
                self.limiter.adaptive.meter = MeterPin::ALL.get(value.round() as usize).copied().unwrap_or_default();
            }
            KnobId::BurstFactor => self.limiter.burst_factor = value,
            KnobId::ClassicDecrease => self.limiter.classic.decrease = value,
            KnobId::ClassicIncrease => self.limiter.classic.increase = value,
            KnobId::ClassicSuccesses => self.limiter.classic.successes = value.round() as u32,
            KnobId::MaxAttempts => self.max_attempts = value.round() as u32,
            KnobId::RetryBase => self.retry_base = Micros::from_secs_f64(value),
            KnobId::RetryCap => self.retry_cap = Micros::from_secs_f64(value),
            KnobId::RetryBudget => self.retry_budget_percent = value,
            KnobId::BreakerThreshold => self.breaker_threshold = value / 100.0,
            KnobId::BreakerOpen => self.breaker_open = Micros::from_secs_f64(value),
            KnobId::StreamGap => self.stream_gap = Duration::from_secs_f64(value),
            KnobId::AttemptTimeout => self.attempt_timeout = Duration::from_secs_f64(value),
            KnobId::Routing => self.round_robin = value >= 0.5,
            KnobId::Spill => self.spill = value >= 0.5,
        }
    }

    /// Whether a knob has any effect under the present rule.
    #[must_use]
    pub fn active(&self, knob: KnobId) -> bool {
        match knob {
            KnobId::BurstFactor => self.limiter.preset == Preset::TokenBucket,
            KnobId::ClassicDecrease | KnobId::ClassicIncrease | KnobId::ClassicSuccesses => {
                self.limiter.preset == Preset::Classic
            }
            KnobId::ProbeAboveQuota
            | KnobId::AdaptiveBackoff
            | KnobId::AdaptiveReturnTime
            | KnobId::AdaptiveProbeTime
            | KnobId::AdaptiveProbeGrowth
            | KnobId::AdaptiveRequestsPerProbe
            | KnobId::AdaptiveMeter => self.limiter.preset == Preset::Adaptive,
            KnobId::Share => self.limiter.preset != Preset::Classic,
            _ => true,
        }
    }

    /// Every knob with its value, and its default from `start`. `arrival` is the load's rate or worker count now and
    /// at its start, if there is one to turn.
    #[must_use]
    pub fn views(&self, start: &EngineSettings, arrival: Option<(f64, f64)>) -> Vec<KnobView> {
        KNOBS
            .iter()
            .map(|spec| {
                let (value, default, active) = if spec.id == KnobId::ArrivalRate {
                    let (value, default) = arrival.unwrap_or((0.0, 0.0));
                    (value, default, arrival.is_some())
                } else {
                    let of = |settings: &EngineSettings| settings.get(spec.id).unwrap_or_default();
                    (of(self), of(start), self.active(spec.id))
                };
                KnobView { spec, value, default, active }
            })
            .collect()
    }
}

impl KnobId {
    /// What this knob is.
    #[must_use]
    pub fn spec(self) -> &'static KnobSpec {
        // The table has one row per knob in the order of the enum; a test holds it to that.
        &KNOBS[self as usize]
    }
}

const fn knob(
    id: KnobId,
    group: KnobGroup,
    label: &'static str,
    unit: &'static str,
    kind: KnobKind,
    (min, max, step): (f64, f64, f64),
    meaning: &'static str,
) -> KnobSpec {
    KnobSpec { id, group, label, unit, kind, min, max, step, choices: &[], meaning }
}

use KnobGroup::{Limiter, Load, Retry, Routing, Rules};
use KnobKind::{Choice, Linear, Ratio, Switch};

/// Every knob, in the order of [`KnobId`].
static KNOBS: [KnobSpec; 24] = [
    knob(
        KnobId::Share,
        Load,
        "share of quota",
        "%",
        Linear,
        (1.0, 100.0, 5.0),
        "The part of every quota that this process may use; leave room for the account's other users.",
    ),
    knob(
        KnobId::Concurrency,
        Load,
        "concurrency",
        "in flight",
        Ratio,
        (1.0, 5_000.0, 1.25),
        "Attempts in flight at once; too few and latency, not quota, sets the pace.",
    ),
    knob(
        KnobId::ArrivalRate,
        Load,
        "arrivals",
        "/s",
        Ratio,
        (0.01, 10_000.0, 1.25),
        "Records per second of synthetic load, or workers of a closed loop.",
    ),
    knob(
        KnobId::ProbeAboveQuota,
        Limiter,
        "probe above quota",
        "",
        Switch,
        (0.0, 1.0, 1.0),
        "adaptive: may try for more than the configured quota; takes capacity from others on the account.",
    ),
    knob(
        KnobId::AdaptiveBackoff,
        Limiter,
        "backoff",
        "x",
        Linear,
        (0.5, 0.999, 0.01),
        "adaptive: factor on the rate at a throttle epoch that tells nothing better.",
    ),
    knob(
        KnobId::AdaptiveReturnTime,
        Limiter,
        "return time",
        "s",
        Ratio,
        (1.0, 600.0, 1.25),
        "adaptive: a rate that was backed off is back at what was measured after so long.",
    ),
    knob(
        KnobId::AdaptiveProbeTime,
        Limiter,
        "probe time",
        "s",
        Ratio,
        (1.0, 3_600.0, 1.25),
        "adaptive: a probe, ever faster, has grown the rate by the probe growth after so long.",
    ),
    knob(
        KnobId::AdaptiveProbeGrowth,
        Limiter,
        "probe growth",
        "%",
        Ratio,
        (0.1, 400.0, 1.25),
        "adaptive: growth of the rate at the end of the probe time.",
    ),
    knob(
        KnobId::AdaptiveRequestsPerProbe,
        Limiter,
        "requests per probe",
        "",
        Ratio,
        (1.0, 100_000.0, 1.25),
        "adaptive: probes that only confirm the limit get rarer until so many requests pass between two.",
    ),
    KnobSpec {
        choices: &["auto", "bucket", "window"],
        ..knob(
            KnobId::AdaptiveMeter,
            Limiter,
            "meter",
            "",
            Choice,
            (0.0, 2.0, 1.0),
            "adaptive: how the service meters. auto: found out; bucket: it refills; window: the last 60 s, or a minute.",
        )
    },
    knob(
        KnobId::BurstFactor,
        Rules,
        "burst factor",
        "x",
        Linear,
        (0.1, 6.0, 0.1),
        "token-bucket: capacity in times of ten seconds of the rate (1.5 = 15 s).",
    ),
    knob(
        KnobId::ClassicDecrease,
        Rules,
        "classic decrease",
        "x",
        Linear,
        (0.1, 0.99, 0.05),
        "classic: factor on the request rate at a throttle.",
    ),
    knob(
        KnobId::ClassicIncrease,
        Rules,
        "classic increase",
        "x",
        Linear,
        (1.01, 4.0, 0.05),
        "classic: factor on the request rate after a run of successes.",
    ),
    knob(
        KnobId::ClassicSuccesses,
        Rules,
        "classic successes",
        "",
        Linear,
        (1.0, 1_000.0, 1.0),
        "classic: how many successes make such a run.",
    ),
    knob(
        KnobId::MaxAttempts,
        Retry,
        "attempts",
        "",
        Linear,
        (1.0, 50.0, 1.0),
        "Attempts per record before it fails; throttles and capacity do not count in adaptive.",
    ),
    knob(
        KnobId::RetryBase,
        Retry,
        "first delay",
        "s",
        Ratio,
        (0.01, 60.0, 1.5),
        "Backoff starts here and doubles; the delay is drawn between zero and that (full jitter).",
    ),
    knob(
        KnobId::RetryCap,
        Retry,
        "longest delay",
        "s",
        Ratio,
        (0.1, 600.0, 1.5),
        "Backoff ends here; also the most of a Retry-After that is honoured.",
    ),
    knob(
        KnobId::RetryBudget,
        Retry,
        "retry budget",
        "% of successes",
        Ratio,
        (0.1, 100.0, 1.5),
        "Retries that successes pay for; an empty budget delays retries, it never fails a record.",
    ),
    knob(
        KnobId::BreakerThreshold,
        Routing,
        "breaker opens at",
        "% failed",
        Linear,
        (5.0, 100.0, 5.0),
        "Share of service failures in 10 s that stops sending to a scope.",
    ),
    knob(
        KnobId::BreakerOpen,
        Routing,
        "breaker pause",
        "s",
        Ratio,
        (0.1, 60.0, 1.5),
        "Pause before the first probe; doubles up to 60 s.",
    ),
    knob(
        KnobId::StreamGap,
        Routing,
        "stream gap",
        "s",
        Ratio,
        (0.1, 600.0, 1.5),
        "Longest silence between two stream events before the attempt is given up.",
    ),
    knob(
        KnobId::AttemptTimeout,
        Routing,
        "attempt timeout",
        "s",
        Ratio,
        (0.1, 3_600.0, 1.5),
        "Longest duration of one attempt.",
    ),
    KnobSpec {
        choices: &["least wait", "round robin"],
        ..knob(
            KnobId::Routing,
            Routing,
            "routing",
            "",
            Choice,
            (0.0, 1.0, 1.0),
            "least wait: headroom and health decide; round robin: each Region in turn.",
        )
    },
    knob(
        KnobId::Spill,
        Routing,
        "spill",
        "",
        Switch,
        (0.0, 1.0, 1.0),
        "What a provisioned model has no room for goes on demand at once, paid by the token; off: it waits.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_finds_its_own_row_and_reads_back_what_was_set() {
        let mut settings = EngineSettings::default();
        for (index, spec) in KNOBS.iter().enumerate() {
            assert_eq!(spec.id as usize, index);
            assert_eq!(spec.id.spec().id, spec.id);
            if spec.id == KnobId::ArrivalRate {
                continue;
            }
            let default = settings.get(spec.id).unwrap();
            assert!((spec.min..=spec.max).contains(&default), "{:?} starts at {default}", spec.id);
            settings.set(spec.id, f64::INFINITY);
            assert_eq!(settings.get(spec.id), Some(default), "{:?} takes no infinity", spec.id);
            for value in [spec.max, spec.min, spec.max * 2.0] {
                settings.set(spec.id, value);
                let read = settings.get(spec.id).unwrap();
                assert!((read - value.min(spec.max)).abs() < 1e-3, "{:?}: {read} after {value}", spec.id);
            }
        }
    }

    /// What may be chosen on the screen is what the limiter knows, in its order.
    #[test]
    fn the_meter_is_pinned_by_its_name() {
        let mut settings = EngineSettings::default();
        let names: Vec<&str> = MeterPin::ALL.iter().map(|pin| pin.name()).collect();
        assert_eq!(KnobId::AdaptiveMeter.spec().choices, names);
        for (at, pin) in MeterPin::ALL.into_iter().enumerate() {
            settings.set(KnobId::AdaptiveMeter, at as f64);
            assert_eq!((settings.limiter.adaptive.meter, settings.get(KnobId::AdaptiveMeter)), (pin, Some(at as f64)));
        }
    }

    /// The limiter takes every value that a knob can have: its own ranges are no narrower.
    #[test]
    fn no_knob_goes_beyond_what_the_limiter_takes() {
        for spec in &KNOBS {
            for value in [spec.min, spec.max] {
                let mut settings = EngineSettings::default();
                settings.set(spec.id, value);
                assert_eq!(settings.limiter.sane(), settings.limiter, "{:?} at {value}", spec.id);
            }
        }
    }

    #[test]
    fn classic_brings_its_own_retry_numbers_and_takes_them_away() {
        let mut settings = EngineSettings::default();
        settings.set_preset(Preset::Classic);
        assert_eq!((settings.max_attempts, settings.retry_cap), (10, Micros::from_secs(60)));
        settings.set_preset(Preset::SlidingWindow);
        assert_eq!(settings.max_attempts, EngineSettings::default().max_attempts);
    }
}
