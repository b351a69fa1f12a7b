//! Everything that can be tuned on the limiter while it runs.

use serde::{Deserialize, Serialize};

use super::Preset;

/// The limiter's tunables. Any value is accepted: [`LimiterKnobs::sane`] brings it into its range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimiterKnobs {
    /// The rule that decides admission.
    pub preset: Preset,
    /// Part of each configured quota that this process may use, above 0 up to 1. An unknown quota is not divided: what
    /// is found there is what the others left.
    pub share: f64,
    /// `token-bucket`: capacity of each bucket, in times of ten seconds of its rate (1.5 = 15 s).
    pub burst_factor: f64,
    /// `classic`.
    pub classic: ClassicKnobs,
    /// `adaptive`.
    pub adaptive: AdaptiveKnobs,
    /// `adaptive`: look for more than a configured quota. Takes capacity from others on the account.
    pub probe_above_quota: bool,
}

/// The `classic` rule: requests per second, blind to tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassicKnobs {
    /// Factor on every throttle.
    pub decrease: f64,
    /// Factor after a run of successes.
    pub increase: f64,
    /// How many successes without a throttle make such a run.
    pub successes: u32,
    /// Smallest rate, requests per second.
    pub floor: f64,
    /// Largest rate, requests per second.
    pub ceiling: f64,
}

/// The `adaptive` rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveKnobs {
    /// Factor applied to the rate at a throttle epoch that tells nothing better (study §E.4, beta).
    pub backoff: f64,
    /// Seconds in which a rate that was backed off returns to what was measured (study §E.4, K), at patience 1.
    pub return_seconds: f64,
    /// Seconds beyond that in which a probe has grown the rate by `probe_growth`, at patience 1; it grows ever faster.
    pub probe_seconds: f64,
    /// Growth of the rate at the end of `probe_seconds`: 1.15 is +15 %.
    pub probe_growth: f64,
    /// A probe ends in a reject: patience rises until so many requests pass between two.
    pub requests_per_probe: f64,
    /// How the service is taken to meter.
    pub meter: MeterPin,
}

/// How the service is taken to meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeterPin {
    /// Found out.
    #[default]
    Auto,
    /// A bucket that refills.
    Bucket,
    /// The last 60 seconds, or a calendar minute.
    Window,
}

impl MeterPin {
    /// All, in the order in which they are offered.
    pub const ALL: [MeterPin; 3] = [MeterPin::Auto, MeterPin::Bucket, MeterPin::Window];

    /// The name in commands and config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MeterPin::Auto => "auto",
            MeterPin::Bucket => "bucket",
            MeterPin::Window => "window",
        }
    }
}

impl Default for LimiterKnobs {
    fn default() -> Self {
        LimiterKnobs {
            preset: Preset::Adaptive,
            share: 1.0,
            burst_factor: 1.5,
            classic: ClassicKnobs::default(),
            adaptive: AdaptiveKnobs::default(),
            probe_above_quota: false,
        }
    }
}

impl Default for ClassicKnobs {
    fn default() -> Self {
        ClassicKnobs { decrease: 0.8, increase: 1.1, successes: 10, floor: 0.1, ceiling: 10.0 }
    }
}

impl Default for AdaptiveKnobs {
    fn default() -> Self {
        AdaptiveKnobs {
            backoff: 0.97,
            return_seconds: 12.0,
            probe_seconds: 18.0,
            probe_growth: 1.15,
            requests_per_probe: 320.0,
            meter: MeterPin::Auto,
        }
    }
}

impl LimiterKnobs {
    /// The same knobs, each brought into the range in which the rules are defined; NaN becomes the default.
    #[must_use]
    pub fn sane(self) -> LimiterKnobs {
        let base = LimiterKnobs::default();
        let floor = within(self.classic.floor, 0.001, 1_000.0, base.classic.floor);
        LimiterKnobs {
            preset: self.preset,
            share: within(self.share, 0.01, 1.0, base.share),
            burst_factor: within(self.burst_factor, 0.1, 6.0, base.burst_factor),
            classic: ClassicKnobs {
                decrease: within(self.classic.decrease, 0.1, 0.99, base.classic.decrease),
                increase: within(self.classic.increase, 1.0, 4.0, base.classic.increase),
                successes: self.classic.successes.max(1),
                floor,
                ceiling: within(self.classic.ceiling, floor, 100_000.0, base.classic.ceiling.max(floor)),
            },
            adaptive: AdaptiveKnobs {
                backoff: within(self.adaptive.backoff, 0.3, 0.999, base.adaptive.backoff),
                return_seconds: within(self.adaptive.return_seconds, 1.0, 600.0, base.adaptive.return_seconds),
                probe_seconds: within(self.adaptive.probe_seconds, 1.0, 3_600.0, base.adaptive.probe_seconds),
                probe_growth: within(self.adaptive.probe_growth, 1.0, 8.0, base.adaptive.probe_growth),
                requests_per_probe: within(
                    self.adaptive.requests_per_probe,
                    1.0,
                    1e6,
                    base.adaptive.requests_per_probe,
                ),
                meter: self.adaptive.meter,
            },
            probe_above_quota: self.probe_above_quota,
        }
    }
}

fn within(value: f64, min: f64, max: f64, otherwise: f64) -> f64 {
    if value.is_nan() { otherwise } else { value.clamp(min, max) }
}
