//! How somebody spreads the use of a quota over time: a pure function of the service's time and a seed.

use serde::{Deserialize, Serialize};

use crate::record::Micros;

/// One minute.
pub(super) const MINUTE: u64 = 60_000_000;
/// Minutes of a day.
const DAY: u64 = 1_440;
/// How far a day's busiest and calmest minutes are from its mean, as a part of it.
const SWING: f64 = 0.8;
/// The busiest minute of a day, UTC.
const BUSIEST: u64 = 15 * 60;
/// Minutes of which one has all the use of a burst.
const SPAN: u64 = 5;

/// How a tenant spreads its tokens. On average each uses what it is said to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Evenly.
    #[default]
    Steady,
    /// By the hours of the service's day: 1.8 times the mean at 15:00 UTC, a fifth of it at 03:00.
    Day,
    /// All of five minutes within one of them; which one is the seed's choice.
    Bursts,
}

impl Shape {
    /// How busy a minute (counted from 1970) is, 1 on average: over a day, over the five minutes of a burst.
    pub(super) fn level(self, seed: u64, minute: u64) -> f64 {
        match self {
            Shape::Steady => 1.0,
            Shape::Day => 1.0 + SWING * phase(minute as f64).cos(),
            Shape::Bursts if minute % SPAN == busy(seed, minute / SPAN) => SPAN as f64,
            Shape::Bursts => 0.0,
        }
    }

    /// The sum of the levels from 1970 up to `at`, the minute under way counted by its part.
    pub(super) fn used(self, seed: u64, at: Micros) -> f64 {
        let (minute, part) = (at.0 / MINUTE, (at.0 % MINUTE) as f64 / MINUTE as f64);
        let whole = match self {
            Shape::Steady => minute as f64,
            Shape::Day => {
                // The sum of equally spaced cosines in closed form; a whole day of them is nothing.
                let (begun, step) = ((minute % DAY) as f64, phase(1.0) - phase(0.0));
                let middle = phase(0.0) + (begun - 1.0) * step / 2.0;
                minute as f64 + SWING * (begun * step / 2.0).sin() / (step / 2.0).sin() * middle.cos()
            }
            Shape::Bursts => {
                let over = minute % SPAN > busy(seed, minute / SPAN);
                (minute / SPAN * SPAN) as f64 + if over { SPAN as f64 } else { 0.0 }
            }
        };
        whole + part * self.level(seed, minute)
    }
}

/// Where in its day a minute is, as an angle: 0 at the busiest.
fn phase(minute: f64) -> f64 {
    (minute - BUSIEST as f64) / DAY as f64 * std::f64::consts::TAU
}

/// The busy minute of a span. (The mixing of SplitMix64: neighbouring spans and seeds have nothing in common.)
fn busy(seed: u64, span: u64) -> u64 {
    let mut mixed = seed ^ span.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % SPAN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_is_busiest_in_the_afternoon() {
        let hour = |hour: u64| Shape::Day.level(7, 20_000 * DAY + hour * 60);
        assert!((hour(15) - 1.8).abs() < 1e-9 && (hour(3) - 0.2).abs() < 1e-9);
        assert!((0..24).all(|at| hour(at) <= hour(15) && hour(at) >= hour(3)));
    }

    #[test]
    fn bursts_come_in_any_minute_of_their_span() {
        let chosen = |seed: u64| (0..200).map(|span| busy(seed, span)).collect::<Vec<_>>();
        assert!((0..SPAN).all(|minute| chosen(7).contains(&minute)));
        assert_ne!(chosen(7), chosen(8));
    }

    proptest! {
        /// Over a period the use is that of the mean, to the token.
        #[test]
        fn the_mean_over_a_period_is_what_is_said(seed: u64, day in 0u64..40_000, tokens in 0.0f64..1e8) {
            for (shape, period) in [(Shape::Steady, 1), (Shape::Day, DAY), (Shape::Bursts, SPAN)] {
                let minutes = day * DAY..day * DAY + period;
                let used: f64 = minutes.map(|minute| shape.level(seed, minute) * tokens).sum();
                prop_assert!((used - tokens * period as f64).abs() < 1.0, "{shape:?}: {used}");
            }
        }

        /// Nothing is given back, and the sum is that of the minutes.
        #[test]
        fn what_was_used_is_the_sum_of_the_minutes(seed: u64, from in 0u64..40_000_000, minutes in 0u64..3_000, part in 0u64..MINUTE) {
            for shape in [Shape::Steady, Shape::Day, Shape::Bursts] {
                let used = |minute: u64, part: u64| shape.used(seed, Micros(minute * MINUTE + part));
                let sum: f64 = (from..from + minutes).map(|minute| shape.level(seed, minute)).sum();
                let last = from + minutes;
                prop_assert!((used(last, 0) - used(from, 0) - sum).abs() < 1e-4, "{shape:?}");
                let begun = used(last, part) - used(last, 0);
                prop_assert!((begun - shape.level(seed, last) * part as f64 / MINUTE as f64).abs() < 1e-6, "{shape:?}");
            }
        }
    }
}
