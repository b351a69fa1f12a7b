//! The AWS SDK's adaptive retry mode: the standard retry, and a limiter of requests per second that follows CUBIC.
//!
//! A port of the formulas of botocore (`retries/adaptive.py`, `throttling.py`, `bucket.py`), checked step by step against
//! what botocore's own classes do: `tests/bench/sdk_adaptive_vectors.py`.

use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

use super::retry::Retry;
use super::{Answer, Ask, Next, Policy, Refused, Served, Told, round_robin};

/// Length of the buckets in which the rate is measured, in seconds.
const BUCKET: f64 = 0.5;
/// Weight of the newest bucket in the measured rate.
const SMOOTHING: f64 = 0.8;
/// CUBIC: what a throttle leaves of the rate.
const BETA: f64 = 0.7;
/// CUBIC: requests per second and second cubed.
const SCALE: f64 = 0.4;
/// The fill rate never falls below this, in requests per second.
const SLOWEST: f64 = 0.5;
/// The token bucket of a client that has not been throttled yet fills at this, in requests per second.
const FIRST: f64 = 1.0;
/// The fill rate is at most so many times the measured rate.
const AHEAD: f64 = 2.0;

/// The measured rate: replies per second, throttles included.
struct Measured {
    /// Requests per second.
    rate: f64,
    /// When the current bucket began, in seconds.
    bucket: f64,
    /// Replies in it.
    count: f64,
}

impl Measured {
    fn reply(&mut self, now: f64) -> f64 {
        let bucket = (now / BUCKET).floor() * BUCKET;
        self.count += 1.0;
        if bucket > self.bucket {
            let newest = self.count / (bucket - self.bucket);
            self.rate = newest * SMOOTHING + self.rate * (1.0 - SMOOTHING);
            self.count = 0.0;
            self.bucket = bucket;
        }
        self.rate
    }
}

/// CUBIC: back to the rate of the last throttle fast at first, slowly near it, fast again beyond it.
struct Cubic {
    /// The rate at the last throttle, requests per second.
    top: f64,
    /// When that was, in seconds.
    since: f64,
    /// From then until the rate is back at `top`, in seconds.
    back: f64,
}

impl Cubic {
    fn success(&self, now: f64) -> f64 {
        SCALE * (now - self.since - self.back).powf(3.0) + self.top
    }

    fn throttle(&mut self, rate: f64, now: f64) -> f64 {
        self.top = rate;
        self.since = now;
        self.back = (rate * (1.0 - BETA) / SCALE).powf(1.0 / 3.0);
        rate * BETA
    }
}

/// The token bucket: one token an attempt, one second's worth at most.
struct Bucket {
    /// Tokens per second.
    fill: f64,
    capacity: f64,
    tokens: f64,
    /// When it was filled last, in seconds.
    filled: f64,
}

impl Bucket {
    fn refill(&mut self, now: f64) {
        self.tokens = self.capacity.min(self.tokens + (now - self.filled) * self.fill);
        self.filled = now;
    }

    /// What has come so far came at the old rate.
    fn set_rate(&mut self, rate: f64, now: f64) {
        self.refill(now);
        self.fill = rate.max(SLOWEST);
        self.capacity = rate.max(1.0);
        self.tokens = self.tokens.min(self.capacity);
    }
}

/// The limiter of one client.
struct RateLimiter {
    measured: Measured,
    cubic: Cubic,
    bucket: Bucket,
    /// Off until the first throttle.
    enabled: bool,
    /// What CUBIC said last: for the check against botocore.
    #[cfg(test)]
    calculated: Option<f64>,
}

impl RateLimiter {
    /// As it is at the start of the clock.
    fn new() -> RateLimiter {
        RateLimiter {
            measured: Measured { rate: 0.0, bucket: 0.0, count: 0.0 },
            cubic: Cubic { top: 0.0, since: 0.0, back: 0.0 },
            bucket: Bucket { fill: FIRST, capacity: 1.0, tokens: 0.0, filled: 0.0 },
            enabled: false,
            #[cfg(test)]
            calculated: None,
        }
    }

    /// How long until there is a token; `None`: there is one.
    fn wait(&mut self, now: Micros) -> Option<Micros> {
        if !self.enabled {
            return None;
        }
        self.bucket.refill(now.secs_f64());
        let short = 1.0 - self.bucket.tokens;
        // Rounded up, and never no time at all: a shortfall of one bit must not be asked about forever.
        (short > 0.0).then(|| Micros(((short / self.bucket.fill * 1e6).ceil() as u64).max(1)))
    }

    fn sent(&mut self, now: Micros) {
        if self.enabled {
            self.bucket.refill(now.secs_f64());
            self.bucket.tokens -= 1.0;
        }
    }

    /// A reply came. Any that is not a throttle is a success to it.
    fn reply(&mut self, throttled: bool, now: Micros) {
        let now = now.secs_f64();
        let measured = self.measured.reply(now);
        let rate = if throttled {
            let rate = if self.enabled { measured.min(self.bucket.fill) } else { measured };
            self.enabled = true;
            self.cubic.throttle(rate, now)
        } else {
            self.cubic.success(now)
        };
        self.bucket.set_rate(rate.min(AHEAD * measured), now);
        #[cfg(test)]
        {
            self.calculated = Some(rate);
        }
    }
}

/// A client of the SDK in adaptive mode.
///
/// It counts requests and not tokens, and it has one limiter whatever it sends and wherever to: the SDK does not route,
/// so several Regions are taken in turn. botocore puts a caller to sleep until there is a token; here the answer is the
/// moment at which there is one, and the token is taken when the request is sent.
pub struct SdkAdaptive {
    regions: usize,
    limiter: RateLimiter,
    retry: Retry,
}

impl SdkAdaptive {
    /// `attempts`: `Some(3)` is the SDK's default, with its retry quota of 500. `None` is a caller that starts over until
    /// the request succeeds, with the same backoff and no retry quota: no record is lost, as with the others.
    #[must_use]
    pub fn new(told: Told, attempts: Option<u32>) -> SdkAdaptive {
        SdkAdaptive { regions: told.regions, limiter: RateLimiter::new(), retry: Retry::new(attempts) }
    }
}

impl Policy for SdkAdaptive {
    fn ask(&mut self, ask: &Ask, now: Micros) -> Answer {
        match self.limiter.wait(now) {
            Some(wait) => Answer::Wait(now + wait),
            None => Answer::Go { region: round_robin::by_request(ask, self.regions) },
        }
    }

    fn sent(&mut self, _ask: &Ask, _region: usize, now: Micros) {
        self.limiter.sent(now);
    }

    fn served(&mut self, ask: &Ask, _served: Served, now: Micros) {
        self.limiter.reply(false, now);
        self.retry.served(ask.id);
    }

    fn refused(&mut self, ask: &Ask, why: Refused, now: Micros, rng: &mut ChaCha8Rng) -> Next {
        // A 503 is retried, but it is no throttle: to the limiter it is a reply like any other.
        self.limiter.reply(why != Refused::Capacity, now);
        self.retry.refused(ask.id, ask.attempts, rng)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use serde_json::Value;

    use super::*;
    use crate::record::Priority;

    const VECTORS: &str = include_str!("../../../tests/bench/sdk_adaptive_vectors.json");

    fn client(attempts: Option<u32>) -> SdkAdaptive {
        SdkAdaptive::new(Told { tpm: None, rpm: None, has_rpm: false, burndown: 1, regions: 1 }, attempts)
    }

    fn request(id: u32) -> Ask {
        Ask { id, input: 100, max_tokens: 10, priority: Priority::default(), attempts: 0 }
    }

    const SERVED: Served = Served { input: 100, output: Some(5), charged: Some(105), latency: Micros::from_secs(1) };

    /// Equal to nine digits.
    fn same(ours: f64, theirs: &Value, what: &str) {
        let theirs = theirs.as_f64().unwrap();
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{what}: {ours}, botocore {theirs}");
    }

    #[test]
    fn it_does_what_botocore_does() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let scripts = vectors["scripts"].as_object().unwrap();
        assert!(scripts.len() >= 5);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (name, steps) in scripts {
            let steps = steps.as_array().unwrap();
            assert!(steps.len() >= 300);
            let mut client = client(None);
            for (index, step) in steps.iter().enumerate() {
                let what = format!("{name}, step {index}");
                let now = Micros(step[0].as_u64().unwrap());
                let ask = request(index as u32);
                match step[1].as_str().unwrap() {
                    "send" => match (client.ask(&ask, now), step[2].as_f64()) {
                        (Answer::Go { region }, None) => client.sent(&ask, region, now),
                        (Answer::Wait(until), Some(slept)) => {
                            let early = (until.since(now).secs_f64() - slept) * 1e6;
                            assert!((-0.001..=1.001).contains(&early), "{what}: {until:?} after {slept} s");
                        }
                        (answer, slept) => panic!("{what}: {answer:?}, botocore slept {slept:?}"),
                    },
                    "ok" => client.served(&ask, SERVED, now),
                    event => {
                        let why = if event == "throttle" { Refused::Tpm } else { Refused::Capacity };
                        client.refused(&ask, why, now, &mut rng);
                    }
                }
                let limiter = &client.limiter;
                same(limiter.measured.rate, &step[3], &what);
                same(limiter.bucket.fill, &step[4], &what);
                same(limiter.bucket.capacity, &step[5], &what);
                same(limiter.bucket.tokens, &step[6], &what);
                assert_eq!(limiter.enabled, step[7].as_bool().unwrap(), "{what}");
                match limiter.calculated {
                    Some(calculated) => same(calculated, &step[8], &what),
                    None => assert!(step[8].is_null(), "{what}"),
                }
            }
        }
    }

    #[test]
    fn it_is_off_until_the_first_throttle_and_waits_exactly_after_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut client = client(Some(3));
        let now = Micros::from_secs(10);
        for id in 0..100 {
            assert_eq!(client.ask(&request(id), now), Answer::Go { region: 0 });
            client.sent(&request(id), 0, now);
        }
        client.refused(&request(0), Refused::Capacity, now, &mut rng);
        assert_eq!(client.ask(&request(100), now), Answer::Go { region: 0 }, "a 503 is no throttle");
        client.refused(&request(1), Refused::Rpm, now, &mut rng);
        let Answer::Wait(until) = client.ask(&request(100), now + Micros::from_secs(9)) else {
            // It fills at the floor of one in two seconds, and is full after that.
            assert_eq!(client.limiter.bucket.fill, SLOWEST);
            client.sent(&request(100), 0, now + Micros::from_secs(9));
            let then = now + Micros::from_secs(9);
            assert_eq!(client.ask(&request(101), then), Answer::Wait(then + Micros::from_secs(2)));
            assert_eq!(client.ask(&request(101), then + Micros::from_secs(2)), Answer::Go { region: 0 });
            return;
        };
        panic!("waits until {until:?}");
    }
}
