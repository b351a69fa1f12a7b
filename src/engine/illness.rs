//! How ill a route has been of late: steers traffic away before its breaker opens, and back again afterwards.

use crate::record::Micros;

/// Weight of the newest outcome.
const WEIGHT: f64 = 0.2;
/// Half of it is forgotten in this time: a route that gets no traffic has no successes to recover by.
const HALF_LIFE: Micros = Micros::from_secs(2);

/// An exponential mean of failures, 0 to 1, that fades with time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Illness {
    level: f64,
    at: Micros,
}

impl Illness {
    /// How ill it is now.
    #[must_use]
    pub fn level(&self, now: Micros) -> f64 {
        self.level * (-now.since(self.at).secs_f64() / HALF_LIFE.secs_f64()).exp2()
    }

    /// An attempt succeeded, or failed in a way that says that the service is unwell.
    pub fn outcome(&mut self, ok: bool, now: Micros) {
        let failure = if ok { 0.0 } else { WEIGHT };
        self.level = (1.0 - WEIGHT) * self.level(now) + failure;
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_with_failures_and_falls_with_successes() {
        let mut illness = Illness::default();
        let now = Micros::from_secs(1);
        for _ in 0..30 {
            illness.outcome(false, now);
        }
        assert!((0.99..=1.0).contains(&illness.level(now)));
        for _ in 0..30 {
            illness.outcome(true, now);
        }
        assert!(illness.level(now) < 0.01);
    }

    #[test]
    fn one_failure_is_forgotten_without_traffic() {
        let mut illness = Illness::default();
        illness.outcome(false, Micros::from_secs(10));
        assert!((illness.level(Micros::from_secs(12)) - 0.1).abs() < 1e-9);
        assert!(illness.level(Micros::from_secs(40)) < 1e-4);
    }
}
