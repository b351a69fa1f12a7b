//! When to try again: full-jitter backoff and a budget that delays retries and never fails a record.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

/// The most retries that may be saved up.
const BUDGET_BURST: f64 = 20.0;
/// What the budget earns by time alone, per second: a run in which nothing succeeds still gets to try.
const TRICKLE: f64 = 0.2;

/// Full-jitter exponential backoff: uniform in `[0, min(cap, base * 2^(attempt-1))]`, so that clients that failed
/// together do not come back together.
#[must_use]
pub fn backoff(attempt: u32, base: Micros, cap: Micros, rng: &mut ChaCha8Rng) -> Micros {
    let factor = 1_u64.checked_shl(attempt.saturating_sub(1).min(40)).unwrap_or(u64::MAX);
    let ceiling = Micros(base.0.saturating_mul(factor)).min(cap);
    Micros(rng.random_range(0..=ceiling.0))
}

/// Retries are paid for by successes (10 % of them by default), so that trouble cannot double the load.
#[derive(Clone, Copy, Debug)]
pub struct RetryBudget {
    saved: f64,
    at: Micros,
}

impl RetryBudget {
    /// A full budget.
    #[must_use]
    pub fn new(now: Micros) -> RetryBudget {
        RetryBudget { saved: BUDGET_BURST, at: now }
    }

    fn accrue(&mut self, now: Micros) {
        self.saved = (self.saved + now.since(self.at).secs_f64() * TRICKLE).min(BUDGET_BURST);
        self.at = self.at.max(now);
    }

    /// A success pays in `percent` of a retry.
    pub fn success(&mut self, percent: f64, now: Micros) {
        self.accrue(now);
        self.saved = (self.saved + percent / 100.0).min(BUDGET_BURST);
    }

    /// Takes one retry out. `Err(t)`: there is none before `t` (a success may bring it earlier).
    pub fn take(&mut self, now: Micros) -> Result<(), Micros> {
        self.accrue(now);
        if self.saved >= 1.0 {
            self.saved -= 1.0;
            Ok(())
        } else {
            Err(now + Micros::from_secs_f64((1.0 - self.saved) / TRICKLE) + Micros(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn backoff_is_spread_over_the_whole_interval_and_capped() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let base = Micros::from_secs(2);
        let cap = Micros::from_secs(60);
        for attempt in 1..80 {
            let ceiling = (2_u64 << (attempt - 1).min(8)).min(60);
            let samples: Vec<Micros> = (0..400).map(|_| backoff(attempt, base, cap, &mut rng)).collect();
            let largest = samples.iter().max().copied().unwrap();
            assert!(largest <= Micros::from_secs(ceiling.max(2)));
            assert!(largest.secs_f64() > 0.9 * ceiling as f64, "attempt {attempt}: {largest:?} of {ceiling}");
            assert!(samples.iter().any(|s| s.secs_f64() < 0.1 * ceiling as f64));
        }
    }

    #[test]
    fn an_empty_budget_delays_and_then_lets_through() {
        let mut budget = RetryBudget::new(Micros::ZERO);
        for _ in 0..20 {
            assert_eq!(budget.take(Micros::ZERO), Ok(()));
        }
        let wait = budget.take(Micros::ZERO).unwrap_err();
        assert!(wait > Micros::ZERO && wait <= Micros::from_secs(6));
        assert_eq!(budget.take(wait), Ok(()));
        for _ in 0..10 {
            budget.success(10.0, wait);
        }
        assert_eq!(budget.take(wait), Ok(()), "ten successes pay for one retry");
        assert!(budget.take(wait).is_err());
    }
}
