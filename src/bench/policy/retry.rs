//! Retries as the AWS SDKs make them: attempts, a retry quota, exponential backoff with full jitter.

use std::collections::HashSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

use super::Next;

/// What the retry quota holds, full at the start (botocore `retries/quota.py`).
const QUOTA: u32 = 500;
/// What a retry takes out of it (botocore `retries/standard.py`; a timeout would take 10).
const RETRY_COST: u32 = 5;
/// What a request that succeeded at once puts back; one that was retried puts back the cost of its last retry.
const AT_ONCE: u32 = 1;
/// Base of the backoff and its ceiling, in seconds (botocore's standard mode).
const BASE: f64 = 1.0;
const CEILING: f64 = 20.0;

/// Uniform in `[0, min(2^(n-1), 20 s)]` after the `n`th attempt has failed.
fn backoff(n: u32, rng: &mut ChaCha8Rng) -> Micros {
    let ceiling = (BASE * f64::from(n.saturating_sub(1)).exp2()).min(CEILING);
    Micros::from_secs_f64(rng.random::<f64>() * ceiling)
}

/// Says of each refused request when it is sent again, or that it has failed. A throttle and a 503 are one to it, as
/// they were to the standard mode until 2026.
pub(super) struct Retry {
    /// Attempts in all; `None`: until success, and then there is no quota either.
    attempts: Option<u32>,
    quota: u32,
    /// Requests under way whose last attempt was paid for from the quota.
    paid: HashSet<u32>,
}

impl Retry {
    /// At most so many attempts a request; `None`: until it succeeds.
    pub(super) fn new(attempts: Option<u32>) -> Retry {
        Retry { attempts, quota: QUOTA, paid: HashSet::new() }
    }

    pub(super) fn served(&mut self, id: u32) {
        // Most clients never pay, and those that never slow down have nothing left to pay with.
        let paid = !self.paid.is_empty() && self.paid.remove(&id);
        self.quota = (self.quota + if paid { RETRY_COST } else { AT_ONCE }).min(QUOTA);
    }

    /// After this many attempts.
    pub(super) fn refused(&mut self, id: u32, made: u32, rng: &mut ChaCha8Rng) -> Next {
        if let Some(attempts) = self.attempts {
            if made >= attempts || self.quota < RETRY_COST {
                if !self.paid.is_empty() {
                    self.paid.remove(&id);
                }
                return Next::GiveUp;
            }
            self.quota -= RETRY_COST;
            self.paid.insert(id);
        }
        Next::After(backoff(made, rng))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn three_attempts_and_no_more() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut retry = Retry::new(Some(3));
        for made in 1..=3 {
            let next = retry.refused(7, made, &mut rng);
            assert_eq!(next == Next::GiveUp, made == 3, "attempt {made}: {next:?}");
        }
        assert_eq!(retry.quota, QUOTA - 2 * RETRY_COST, "a request that failed gives nothing back");
        assert!(retry.paid.is_empty());
    }

    #[test]
    fn the_quota_runs_out_and_successes_fill_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut retry = Retry::new(Some(3));
        for id in 0..100 {
            assert!(matches!(retry.refused(id, 1, &mut rng), Next::After(_)), "retry {id} of 100");
        }
        assert_eq!(retry.refused(100, 1, &mut rng), Next::GiveUp);
        for id in 200..204 {
            retry.served(id);
        }
        assert_eq!(retry.refused(300, 1, &mut rng), Next::GiveUp, "four are not five");
        retry.served(0);
        assert_eq!(retry.quota, 9, "a retried one gives back its five");
        assert!(matches!(retry.refused(301, 1, &mut rng), Next::After(_)));
    }

    #[test]
    fn the_backoff_doubles_to_its_ceiling_over_the_whole_interval() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut retry = Retry::new(None);
        for (made, ceiling) in (1..).zip([1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]) {
            let waits: Vec<f64> = (0..500_u32)
                .map(|id| {
                    let Next::After(wait) = retry.refused(id, made, &mut rng) else { panic!("gave up") };
                    wait.secs_f64()
                })
                .collect();
            let largest = waits.iter().copied().fold(0.0, f64::max);
            assert!(largest <= ceiling && largest > 0.95 * ceiling, "attempt {made}: {largest}");
            assert!(waits.iter().any(|&wait| wait < 0.05 * ceiling));
        }
    }
}
