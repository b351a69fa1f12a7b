//! A pair of GCRA limiters of the crate `governor`: one for requests, one for tokens.

use std::num::NonZeroU32;

use governor::clock::{Clock, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

use super::retry::Retry;
use super::{Answer, Ask, Next, Policy, Refused, Served, Told, round_robin};

type Instant = <FakeRelativeClock as Clock>::Instant;
type Limiter = RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Instant>>;

/// The limiters of one Region.
struct Pair {
    requests: Option<Limiter>,
    tokens: Limiter,
    /// The request that was refused a permit here last, and the moment it was told: until then it need not ask again.
    told: Option<(u32, Micros)>,
    /// The request that has its permits and has not been sent yet.
    granted: Option<u32>,
}

/// Two limiters before each request, asked one after the other, as applications pair them.
///
/// A request costs `input + max_tokens` tokens, and nothing is given back when it used less or was refused: governor has
/// no refund. It does not know the burndown either. The burst is a full minute of the quota, there at the start; a
/// request that is larger than that costs just that, for it would never be admitted otherwise. The request permit is
/// taken first; if the tokens are not there, it is lost, and the request takes another when its tokens have come.
///
/// governor counts in whole nanoseconds between two cells and rounds down, so that it runs ahead of the quota, by one
/// part in a thousand or less (600 ns at 100M tokens per minute: exact). A quota beyond `u32::MAX` is taken as that.
///
/// It is always told the true quotas, even where the others have to find them: a handicap on the others.
pub struct Gcra {
    clock: FakeRelativeClock,
    now: Micros,
    burst: NonZeroU32,
    pairs: Vec<Pair>,
    retry: Retry,
}

/// A quota per minute, as governor takes it.
fn cells(quota: u64) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(quota).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
}

impl Gcra {
    /// `true_tpm` and `true_rpm` are what each Region enforces at the start, whatever the client was told.
    #[must_use]
    pub fn new(told: Told, true_tpm: u64, true_rpm: Option<u64>) -> Gcra {
        let clock = FakeRelativeClock::default();
        let burst = cells(true_tpm);
        let limiter = |quota| RateLimiter::direct_with_clock(Quota::per_minute(quota), clock.clone());
        let pairs = (0..told.regions.max(1))
            .map(|_| Pair {
                requests: true_rpm.map(|rpm| limiter(cells(rpm))),
                tokens: limiter(burst),
                told: None,
                granted: None,
            })
            .collect();
        Gcra { clock, now: Micros::ZERO, burst, pairs, retry: Retry::new(None) }
    }

    fn advance(&mut self, now: Micros) {
        self.clock.advance(now.since(self.now).into());
        self.now = self.now.max(now);
    }
}

impl Pair {
    /// Takes the permits for a request of `cost`; `Err`: not before that moment.
    fn take(&self, cost: NonZeroU32) -> Result<(), NotUntil<Instant>> {
        if let Some(requests) = &self.requests {
            requests.check()?;
        }
        // The cost is at most the burst, so that it can be had at all.
        self.tokens.check_n(cost).unwrap_or(Ok(()))
    }
}

impl Policy for Gcra {
    fn ask(&mut self, ask: &Ask, now: Micros) -> Answer {
        self.advance(now);
        let region = round_robin::by_attempt(ask, self.pairs.len());
        let Some(pair) = self.pairs.get_mut(region) else { return Answer::Go { region } };
        if pair.granted == Some(ask.id) {
            return Answer::Go { region };
        }
        if let Some((id, until)) = pair.told
            && id == ask.id
            && now < until
        {
            return Answer::Wait(until);
        }
        let cost = cells(ask.input.saturating_add(ask.max_tokens)).min(self.burst);
        match pair.take(cost) {
            Ok(()) => {
                pair.granted = Some(ask.id);
                Answer::Go { region }
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                let wait = u64::try_from(wait.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
                let until = now + Micros(wait.max(1));
                pair.told = Some((ask.id, until));
                Answer::Wait(until)
            }
        }
    }

    fn sent(&mut self, _ask: &Ask, region: usize, _now: Micros) {
        if let Some(pair) = self.pairs.get_mut(region) {
            pair.granted = None;
        }
    }

    fn served(&mut self, ask: &Ask, _served: Served, _now: Micros) {
        self.retry.served(ask.id);
    }

    fn refused(&mut self, ask: &Ask, _why: Refused, _now: Micros, rng: &mut ChaCha8Rng) -> Next {
        self.retry.refused(ask.id, ask.attempts, rng)
    }

    fn believes(&self, _now: Micros) -> Option<f64> {
        Some(f64::from(self.burst.get()))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::record::Priority;

    const TOLD: Told = Told { tpm: None, rpm: None, has_rpm: true, burndown: 5, regions: 1 };
    const GO: Answer = Answer::Go { region: 0 };

    fn request(id: u32, tokens: u64) -> Ask {
        Ask { id, input: tokens - 100, max_tokens: 100, priority: Priority::default(), attempts: 0 }
    }

    #[test]
    fn a_minute_goes_at_once_and_then_each_waits_exactly_for_its_tokens() {
        for quota in [20_000, 2_000_000, 20_000_000, 100_000_000] {
            let mut client = Gcra::new(TOLD, quota, None);
            let start = Micros::from_secs(3);
            for id in 0..2 {
                assert_eq!(client.ask(&request(id, quota / 2), start), GO);
                client.sent(&request(id, quota / 2), 0, start);
            }
            let ask = request(2, quota / 4);
            let until = start + Micros::from_secs(15);
            assert_eq!(client.ask(&ask, start), Answer::Wait(until), "{quota} a minute");
            assert_eq!(client.ask(&ask, Micros(until.0 - 1)), Answer::Wait(until));
            assert_eq!(client.ask(&ask, until), GO);
            client.sent(&ask, 0, until);
            assert_eq!(
                client.ask(&request(3, quota / 60), until),
                Answer::Wait(until + Micros((quota / 60 * 60_000_000).div_ceil(quota)))
            );
        }
    }

    #[test]
    fn what_is_larger_than_the_burst_costs_the_burst() {
        let mut client = Gcra::new(TOLD, 20_000, None);
        assert_eq!(client.ask(&request(0, 1_000_000_000_000), Micros::ZERO), GO);
        client.sent(&request(0, 1_000_000_000_000), 0, Micros::ZERO);
        assert_eq!(client.ask(&request(1, 50_000), Micros::ZERO), Answer::Wait(Micros::from_secs(60)));
        assert_eq!(client.ask(&request(1, 50_000), Micros::from_secs(60)), GO);
    }

    #[test]
    fn a_request_permit_is_lost_when_the_tokens_are_not_there() {
        let mut client = Gcra::new(TOLD, 60_000, Some(3));
        assert_eq!(client.ask(&request(0, 60_000), Micros::ZERO), GO);
        client.sent(&request(0, 60_000), 0, Micros::ZERO);
        let ask = request(1, 10_000);
        // The second permit goes with the first answer; asking again before its time costs nothing.
        for _ in 0..5 {
            assert_eq!(client.ask(&ask, Micros::ZERO), Answer::Wait(Micros::from_secs(10)));
        }
        // The third goes when the tokens have come.
        assert_eq!(client.ask(&ask, Micros::from_secs(10)), GO);
        assert_eq!(client.ask(&ask, Micros::from_secs(10)), GO, "it has its permits until it is sent");
        client.sent(&ask, 0, Micros::from_secs(10));
        // There are tokens at 11 s, but no fourth permit before 20 s.
        assert_eq!(client.ask(&request(2, 1_000), Micros::from_secs(11)), Answer::Wait(Micros::from_secs(20)));
    }

    #[test]
    fn nothing_is_given_back_and_a_refused_request_comes_again_after_a_backoff() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut client = Gcra::new(Told { regions: 2, ..TOLD }, 60_000, None);
        let ask = request(0, 60_000);
        assert_eq!(client.ask(&ask, Micros::ZERO), GO);
        client.sent(&ask, 0, Micros::ZERO);
        let next = client.refused(&ask, Refused::Tpm, Micros::ZERO, &mut rng);
        assert!(matches!(next, Next::After(wait) if wait <= Micros::from_secs(1)));
        assert_eq!(client.ask(&request(2, 30_000), Micros::ZERO), Answer::Wait(Micros::from_secs(30)));
        assert_eq!(client.ask(&Ask { attempts: 1, ..ask }, Micros::ZERO), Answer::Go { region: 1 });
    }
}
