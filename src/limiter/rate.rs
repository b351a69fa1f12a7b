//! Exact arithmetic of levels and rates: integer micro-units, no drift however long it runs.

use crate::record::Micros;

/// Micro-units in one unit (a token or a request).
pub(super) const MICRO: i64 = 1_000_000;

/// The largest amount of tokens that is taken at its word. A quota or a cost above it means "no limit to speak of".
pub(super) const LARGEST: u64 = 100_000_000_000;

/// `amount` units in micro-units.
pub(super) fn micro(amount: u64) -> i64 {
    i64::try_from(amount.min(LARGEST)).unwrap_or(0) * MICRO
}

/// Micro-units as units, for display and for the estimator.
pub(super) fn units(micro: i64) -> f64 {
    micro as f64 / MICRO as f64
}

/// A rate in fixed point: 2^-32 micro-units per microsecond, which is 2^-32 units per second.
///
/// The fraction of a micro-unit that a refill leaves over is carried to the next, so that refilling in many steps gives
/// exactly what one step gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate(u64);

impl Rate {
    /// From units per second. Never zero: a waiting request always has a moment at which it can go.
    pub(super) fn per_second(rate: f64) -> Rate {
        let fastest = LARGEST as f64 / 60.0;
        let fixed = rate.clamp(0.0, fastest) * 4_294_967_296.0;
        Rate((fixed.round() as u64).max(1))
    }

    /// In units per second.
    pub(super) fn value(self) -> f64 {
        self.0 as f64 / 4_294_967_296.0
    }

    /// Micro-units gained in `span`; the fraction goes to and comes from `carry`.
    pub(super) fn gain(self, span: Micros, carry: &mut u32) -> i64 {
        let fixed = u128::from(self.0) * u128::from(span.0) + u128::from(*carry);
        *carry = fixed as u32;
        i64::try_from(fixed >> 32).unwrap_or(i64::MAX)
    }

    /// The shortest span in which at least `need` micro-units are gained.
    pub(super) fn wait(self, need: i64, carry: u32) -> Micros {
        let need = u128::from(need.max(0).unsigned_abs()) << 32;
        let span = need.saturating_sub(u128::from(carry)).div_ceil(u128::from(self.0.max(1)));
        Micros(u64::try_from(span).unwrap_or(u64::MAX))
    }

    /// What this rate gives in `seconds`, in micro-units.
    pub(super) fn over(self, seconds: f64) -> i64 {
        (self.value() * seconds * MICRO as f64) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn many_small_refills_give_what_one_gives(rate in 0.001f64..1e7, steps in prop::collection::vec(1u64..5_000_000, 1..60)) {
            let rate = Rate::per_second(rate);
            let (mut carry, mut total) = (0, 0i64);
            for step in &steps {
                total += rate.gain(Micros(*step), &mut carry);
            }
            let mut once = 0;
            prop_assert_eq!(total, rate.gain(Micros(steps.iter().sum()), &mut once));
            prop_assert_eq!(carry, once);
        }

        #[test]
        fn the_wait_is_the_shortest_that_suffices(rate in 0.001f64..1e9, need in 1i64..1_000_000_000_000, carry: u32) {
            let rate = Rate::per_second(rate);
            let wait = rate.wait(need, carry);
            let (mut enough, mut short) = (carry, carry);
            prop_assert!(rate.gain(wait, &mut enough) >= need);
            prop_assert!(wait == Micros::ZERO || rate.gain(Micros(wait.0 - 1), &mut short) < need);
        }

        #[test]
        fn nothing_overflows(rate: f64, span: u64, need: i64, mut carry: u32) {
            let rate = Rate::per_second(rate);
            let _ = rate.wait(need, carry);
            prop_assert!(rate.gain(Micros(span), &mut carry) >= 0);
        }
    }
}
