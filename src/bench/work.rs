//! What is asked of the service: requests of known shapes, arriving in known ways. The same seed gives every policy the
//! same requests, latencies included.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, LogNormal};

use crate::record::{Micros, Priority};

/// The sizes of the requests of a workload (study §D.2). Means of lognormals, in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Its name in the table.
    pub name: &'static str,
    /// Mean prompt.
    pub input: f64,
    /// Sigma of the prompt's logarithm.
    pub spread: f64,
    /// Part of the prompt that is read from the cache: held at admission, never settled.
    pub cached: f64,
    /// Mean reply, before it is cut at `max_tokens`.
    pub output: f64,
    /// `max_tokens` of every request.
    pub max_tokens: u64,
    /// Part of the requests whose prompt is half of what the meter can hold at once.
    pub giants: f64,
}

/// W1: chat.
pub const CHAT: Shape =
    Shape { name: "chat", input: 1_500.0, spread: 0.8, cached: 0.0, output: 300.0, max_tokens: 1_024, giants: 0.0 };
/// W2: long prompts, short replies.
pub const RAG: Shape = Shape { name: "rag", input: 18_000.0, output: 200.0, spread: 0.5, ..CHAT };
/// W3: short prompts, long replies.
pub const LONG_REPLIES: Shape =
    Shape { name: "long replies", input: 500.0, output: 3_000.0, max_tokens: 8_000, ..CHAT };
/// W4: `max_tokens` far above what is used.
pub const OVER_RESERVED: Shape = Shape { name: "over-reserved", output: 200.0, max_tokens: 64_000, ..CHAT };
/// W5: nine tenths of the prompt come from the cache.
pub const CACHED: Shape = Shape { name: "cached", input: 10_000.0, cached: 0.9, ..CHAT };
/// W6: prompts over two decades and a few giants.
pub const MIXED: Shape = Shape { name: "mixed", input: 2_000.0, spread: 1.4, giants: 0.01, ..CHAT };

/// Sigma of the logarithm of reply lengths.
const OUTPUT_SPREAD: f64 = 0.8;
/// Median time to the first token, and its sigma.
const FIRST_TOKEN: (f64, f64) = (0.5, 0.3);
/// Median tokens per second, and its sigma.
const SPEED: (f64, f64) = (80.0, 0.2);

/// How requests arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// There is always more to do: so many requests are under way or wait for their retry.
    Backlog,
    /// At random moments, at this multiple of what the quota can carry.
    Poisson(f64),
    /// Every so many seconds, at once, what the quota carries in so many seconds.
    Bursts {
        /// Seconds of quota in a burst.
        size: f64,
        /// Seconds between two bursts.
        every: f64,
    },
    /// At random moments; the rate swings around this multiple of the quota by half of it, once in ten minutes.
    Tide(f64),
}

/// Who asks: sources of work with weights, and classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crowd {
    /// Sources, asking alike.
    pub flows: u16,
    /// Weights, given in turn.
    pub weights: [f64; 3],
    /// Part of the requests of each class.
    pub classes: [f64; 3],
    /// One source asks so many times as often as any other.
    pub noisy: f64,
}

impl Crowd {
    /// One source, one class.
    pub const ONE: Crowd = Crowd { flows: 1, weights: [1.0; 3], classes: [0.0, 1.0, 0.0], noisy: 1.0 };

    /// The weight of a flow.
    #[must_use]
    pub fn weight(&self, flow: u16) -> f64 {
        self.weights[usize::from(flow) % 3]
    }
}

/// One request and everything that will happen to it once it is admitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Job {
    /// When it came.
    pub arrived: Micros,
    /// Prompt tokens that are not cached.
    pub input: u64,
    /// Prompt tokens read from the cache.
    pub cached: u64,
    /// Its `max_tokens`.
    pub max_tokens: u64,
    /// Tokens of its reply.
    pub output: u64,
    /// Seconds to the first token.
    pub first_token: f64,
    /// Tokens per second.
    pub speed: f64,
    /// Its source.
    pub flow: u16,
    /// Its class.
    pub priority: Priority,
}

impl Job {
    /// What a meter reserves for it (facts §2.2.1).
    #[must_use]
    pub fn hold(&self, weight: u64) -> u64 {
        self.input + self.cached + self.max_tokens * weight
    }

    /// What it is charged in the end (facts §2.2.3).
    #[must_use]
    pub fn charge(&self, burndown: u32) -> u64 {
        self.input + self.output * u64::from(burndown)
    }
}

/// Draws the requests of a run.
pub struct Work {
    rng: ChaCha8Rng,
    shape: Shape,
    crowd: Crowd,
    input: LogNormal<f64>,
    output: LogNormal<f64>,
    first_token: LogNormal<f64>,
    speed: LogNormal<f64>,
    /// The largest reservation that can ever be admitted.
    largest: u64,
    /// How many output tokens' worth `max_tokens` reserves per token.
    hold_weight: u64,
}

/// A lognormal with this mean; never degenerate, whatever the numbers.
fn with_mean(mean: f64, sigma: f64) -> LogNormal<f64> {
    with_median(mean * (-sigma * sigma / 2.0).exp(), sigma)
}

fn with_median(median: f64, sigma: f64) -> LogNormal<f64> {
    LogNormal::new(median.max(1e-9).ln(), sigma).unwrap_or_else(|_| unreachable!("a finite sigma"))
}

impl Work {
    /// Requests of `shape`; none reserves more than `largest`: what can never be admitted is drawn again.
    #[must_use]
    pub fn new(shape: Shape, crowd: Crowd, largest: u64, hold_weight: u64, seed: u64) -> Work {
        Work {
            rng: ChaCha8Rng::seed_from_u64(seed),
            shape,
            crowd,
            input: with_mean(shape.input, shape.spread),
            output: with_mean(shape.output, OUTPUT_SPREAD),
            first_token: with_median(FIRST_TOKEN.0, FIRST_TOKEN.1),
            speed: with_median(SPEED.0, SPEED.1),
            largest,
            hold_weight,
        }
    }

    /// The next request.
    pub fn draw(&mut self, arrived: Micros) -> Job {
        let reserved = self.shape.max_tokens * self.hold_weight;
        let most = self.largest.saturating_sub(reserved).max(1);
        let giant = self.rng.random::<f64>() < self.shape.giants;
        let mut prompt = if giant { self.largest / 2 } else { self.input.sample(&mut self.rng) as u64 };
        while prompt > most {
            prompt = (self.input.sample(&mut self.rng) as u64).min(most.max(1_000));
            if most < 1_000 {
                prompt = most;
            }
        }
        let prompt = prompt.max(1);
        let cached = (prompt as f64 * self.shape.cached) as u64;
        let output = (self.output.sample(&mut self.rng) as u64).clamp(1, self.shape.max_tokens);
        let first_token = self.first_token.sample(&mut self.rng);
        let speed = self.speed.sample(&mut self.rng);
        let flow = self.flow();
        let priority = self.priority();
        Job {
            arrived,
            input: prompt - cached,
            cached,
            max_tokens: self.shape.max_tokens,
            output,
            first_token,
            speed,
            flow,
            priority,
        }
    }

    fn flow(&mut self) -> u16 {
        let flows = f64::from(self.crowd.flows);
        let at = self.rng.random::<f64>() * (flows - 1.0 + self.crowd.noisy);
        // The last source is the noisy one.
        (at as u16).min(self.crowd.flows - 1)
    }

    fn priority(&mut self) -> Priority {
        let at = self.rng.random::<f64>();
        let [high, medium, _] = self.crowd.classes;
        match at {
            at if at < high => Priority::High,
            at if at < high + medium => Priority::Medium,
            _ => Priority::Low,
        }
    }

    /// An exponentially distributed span with mean 1.
    pub fn gap(&mut self) -> f64 {
        Exp1.sample(&mut self.rng)
    }
}

/// Means of a workload, by drawing it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Means {
    /// Quota tokens settled.
    pub charge: f64,
    /// Of those, for the reply.
    pub reply: f64,
    /// Quota tokens reserved.
    pub hold: f64,
    /// Seconds from admission to the last token.
    pub seconds: f64,
}

impl Means {
    /// Of requests like these.
    #[must_use]
    pub fn of(shape: Shape, largest: u64, hold_weight: u64, burndown: u32) -> Means {
        const DRAWS: u32 = 8_000;
        let mut work = Work::new(shape, Crowd::ONE, largest, hold_weight, 1);
        let mut means = Means { charge: 0.0, reply: 0.0, hold: 0.0, seconds: 0.0 };
        for _ in 0..DRAWS {
            let job = work.draw(Micros::ZERO);
            means.charge += job.charge(burndown) as f64 / f64::from(DRAWS);
            means.reply += (job.output * u64::from(burndown)) as f64 / f64::from(DRAWS);
            means.hold += job.hold(hold_weight) as f64 / f64::from(DRAWS);
            means.seconds += (job.first_token + job.output as f64 / job.speed) / f64::from(DRAWS);
        }
        means
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_means_are_what_the_shapes_say() {
        for shape in [CHAT, RAG, CACHED] {
            let means = Means::of(shape, u64::MAX, 1, 1);
            let hold = shape.input + shape.max_tokens as f64;
            assert!((means.hold / hold - 1.0).abs() < 0.05, "{}: {means:?}", shape.name);
        }
        let means = Means::of(CHAT, u64::MAX, 1, 5);
        assert!((2_700.0..3_100.0).contains(&means.charge), "{means:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same_and_nothing_exceeds_the_largest() {
        let crowd = Crowd { flows: 5, classes: [0.1, 0.2, 0.7], noisy: 3.0, ..Crowd::ONE };
        let draw = |seed| {
            let mut work = Work::new(MIXED, crowd, 20_000, 1, seed);
            (0..500).map(|_| work.draw(Micros::ZERO)).collect::<Vec<Job>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().all(|job| job.hold(1) <= 20_000 && job.flow < 5));
        let noisy = draw(3).iter().filter(|job| job.flow == 4).count();
        assert!((150..280).contains(&noisy), "{noisy} of 500, expected 3 of 7");
    }
}
