//! No limiter: the SDK's standard retry mode alone.

use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

use super::retry::Retry;
use super::{Answer, Ask, Next, Policy, Refused, Served, Told, round_robin};

/// Attempts a request (botocore `retries/standard.py`).
const ATTEMPTS: u32 = 3;

/// Sends at once, always. A refused request is sent again at most twice, after a backoff with full jitter of up to
/// 1 s and 2 s, while the retry quota lasts.
///
/// This is the standard mode as it was until 2026, in which a throttle and a 503 are retried alike. Since then botocore
/// takes 14 from the quota for a 503 and backs off from 50 ms; for a throttle both are the same.
pub struct Standard {
    regions: usize,
    retry: Retry,
}

impl Standard {
    /// Of what the client was told, only the Regions matter: there is no limiter.
    #[must_use]
    pub fn new(told: Told) -> Standard {
        Standard { regions: told.regions, retry: Retry::new(Some(ATTEMPTS)) }
    }
}

impl Policy for Standard {
    fn ask(&mut self, ask: &Ask, _now: Micros) -> Answer {
        Answer::Go { region: round_robin::by_request(ask, self.regions) }
    }

    fn sent(&mut self, _ask: &Ask, _region: usize, _now: Micros) {}

    fn served(&mut self, ask: &Ask, _served: Served, _now: Micros) {
        self.retry.served(ask.id);
    }

    fn refused(&mut self, ask: &Ask, _why: Refused, _now: Micros, rng: &mut ChaCha8Rng) -> Next {
        self.retry.refused(ask.id, ask.attempts, rng)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::record::Priority;

    #[test]
    fn it_sends_at_once_and_gives_up_after_three_attempts() {
        let told = Told { tpm: None, rpm: None, has_rpm: false, burndown: 5, regions: 2 };
        let mut client = Standard::new(told);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut now = Micros::ZERO;
        for (attempts, why) in [Refused::Tpm, Refused::Capacity, Refused::Rpm].into_iter().enumerate() {
            let ask =
                Ask { id: 3, input: 100, max_tokens: 10, priority: Priority::default(), attempts: attempts as u32 };
            assert_eq!(client.ask(&ask, now), Answer::Go { region: 1 });
            client.sent(&ask, 1, now);
            let made = Ask { attempts: ask.attempts + 1, ..ask };
            match client.refused(&made, why, now, &mut rng) {
                Next::After(wait) => {
                    assert!(attempts < 2 && wait <= Micros::from_secs(1 << attempts));
                    now = now + wait;
                }
                next => assert_eq!((next, attempts), (Next::GiveUp, 2)),
            }
        }
    }
}
