//! Netflix's Gradient2 concurrency limit. It stands in the table to be seen, outside the gates: latency says nothing
//! about a quota.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

use super::retry::Retry;
use super::{Answer, Ask, Next, Policy, Refused, Served, Told, round_robin};

// All of them are the defaults of `Gradient2Limit` in Netflix's concurrency-limits.

/// The limit at the start, and the least it may be.
const LEAST: f64 = 20.0;
/// The most it may be.
const MOST: f64 = 200.0;
/// Requests that may queue at the service: what the limit grows by at each step.
const QUEUE: f64 = 4.0;
/// Weight of the new limit.
const SMOOTHING: f64 = 0.2;
/// A latency of so many times the usual one is still no queue.
const TOLERANCE: f64 = 1.5;
/// The limit is at most halved at a step, before smoothing.
const STEEPEST: f64 = 0.5;
/// Weight of a sample in the usual latency: a mean over 600.
const LONG: f64 = 2.0 / 601.0;
/// So many samples are averaged plainly at first.
const WARM_UP: u32 = 10;
/// The usual latency shrinks by this with each sample below half of it.
const RELAX: f64 = 0.95;

/// So many requests in flight as latency allows. It knows neither tokens nor quotas, and a refusal is no sample: it
/// comes back at once, and to Gradient2 a drop has no meaning of its own. A refused request is sent again after a
/// backoff with full jitter of up to 1 s, doubling to 20 s, until it succeeds.
pub struct Gradient {
    regions: usize,
    limit: f64,
    /// The usual latency in microseconds, and the samples in it while it warms up.
    usual: f64,
    samples: u32,
    /// For each request in flight, how many there were when it was sent, itself included.
    flights: HashMap<u32, usize>,
    retry: Retry,
}

impl Gradient {
    /// Of what the client was told, only the Regions matter.
    #[must_use]
    pub fn new(told: Told) -> Gradient {
        Gradient {
            regions: told.regions,
            limit: LEAST,
            usual: 0.0,
            samples: 0,
            flights: HashMap::new(),
            retry: Retry::new(None),
        }
    }

    fn sample(&mut self, latency: f64, in_flight: usize) {
        if self.samples < WARM_UP {
            self.samples += 1;
            self.usual += (latency - self.usual) / f64::from(self.samples);
        } else {
            self.usual += (latency - self.usual) * LONG;
        }
        let usual = self.usual;
        if usual > 2.0 * latency {
            self.usual *= RELAX;
        }
        // Too few in flight to have tried the limit.
        if (in_flight as f64) < self.limit / 2.0 {
            return;
        }
        let gradient = (TOLERANCE * usual / latency).clamp(STEEPEST, 1.0);
        let next = self.limit * gradient + QUEUE;
        self.limit = (self.limit * (1.0 - SMOOTHING) + next * SMOOTHING).clamp(LEAST, MOST);
    }
}

impl Policy for Gradient {
    fn ask(&mut self, ask: &Ask, _now: Micros) -> Answer {
        if self.flights.len() < self.limit as usize {
            Answer::Go { region: round_robin::by_attempt(ask, self.regions) }
        } else {
            // Only the end of a request makes room.
            Answer::Wait(Micros::MAX)
        }
    }

    fn sent(&mut self, ask: &Ask, _region: usize, _now: Micros) {
        self.flights.insert(ask.id, self.flights.len() + 1);
    }

    fn served(&mut self, ask: &Ask, served: Served, _now: Micros) {
        if let Some(in_flight) = self.flights.remove(&ask.id) {
            self.sample(served.latency.0.max(1) as f64, in_flight);
        }
        self.retry.served(ask.id);
    }

    fn refused(&mut self, ask: &Ask, _why: Refused, _now: Micros, rng: &mut ChaCha8Rng) -> Next {
        self.flights.remove(&ask.id);
        self.retry.refused(ask.id, ask.attempts, rng)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::record::Priority;

    fn client() -> Gradient {
        Gradient::new(Told { tpm: None, rpm: None, has_rpm: false, burndown: 1, regions: 1 })
    }

    fn request(id: u32) -> Ask {
        Ask { id, input: 100, max_tokens: 10, priority: Priority::default(), attempts: 0 }
    }

    fn served(millis: u64) -> Served {
        Served { input: 100, output: Some(5), charged: Some(105), latency: Micros::from_millis(millis) }
    }

    /// Sends until it is full; how many went.
    fn fill(client: &mut Gradient, next: &mut u32) -> usize {
        let before = *next;
        while client.ask(&request(*next), Micros::ZERO) != Answer::Wait(Micros::MAX) {
            client.sent(&request(*next), 0, Micros::ZERO);
            *next += 1;
        }
        (*next - before) as usize
    }

    #[test]
    fn the_limit_grows_while_latency_holds_and_shrinks_when_it_rises() {
        let (mut client, mut next) = (client(), 0);
        assert_eq!(fill(&mut client, &mut next), 20);
        client.served(&request(19), served(1_000), Micros::ZERO);
        assert!((client.limit - 20.8).abs() < 1e-12, "20 * 0.8 + 24 * 0.2");
        // Requests that were sent when few were in flight do not move it.
        client.served(&request(0), served(1_000), Micros::ZERO);
        assert!((client.limit - 20.8).abs() < 1e-12);
        for _ in 0..300 {
            fill(&mut client, &mut next);
            client.served(&request(next - 1), served(1_000), Micros::ZERO);
        }
        assert_eq!(client.limit, MOST);
        fill(&mut client, &mut next);
        assert_eq!(client.flights.len(), 200);
        client.served(&request(next - 1), served(30_000), Micros::ZERO);
        assert!((client.limit - (200.0 * 0.8 + 104.0 * 0.2)).abs() < 1e-9, "at most halved before smoothing");
        for _ in 0..50 {
            client.flights.insert(next, 200);
            client.served(&request(next), served(30_000), Micros::ZERO);
        }
        assert!(client.limit < 30.0, "{}", client.limit);
    }

    #[test]
    fn a_refusal_makes_room_and_is_no_sample() {
        let (mut client, mut next) = (client(), 0);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        fill(&mut client, &mut next);
        let next = client.refused(&request(3), Refused::Tpm, Micros::ZERO, &mut rng);
        assert!(matches!(next, Next::After(wait) if wait <= Micros::from_secs(1)));
        assert_eq!((client.limit, client.samples), (LEAST, 0));
        assert_eq!(client.ask(&request(3), Micros::ZERO), Answer::Go { region: 0 });
    }
}
