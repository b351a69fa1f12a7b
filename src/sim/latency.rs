//! How long the simulated models take, and how much they say. All draws come from the request's own generator.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::scenario::RegionSpec;

/// Sigma of the lognormal of the time to first token: p90 is about 1.6 times the median.
const FIRST_TOKEN_SIGMA: f64 = 0.35;
/// Sigma of the lognormal of the generation speed.
const SPEED_SIGMA: f64 = 0.12;
/// Reading the prompt, tokens per second: adds to the time to first token.
const PREFILL: f64 = 20_000.0;
/// How much a fully used scope slows down: the time to first token by this factor, the generation by its square root.
const FULL_LOAD: f64 = 2.0;

/// When the tokens of one reply come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// From the request's arrival to its first token.
    pub first_token: Duration,
    /// Seconds per output token after that.
    pub per_token: f64,
}

impl Pace {
    /// Draws the pace of a request of `input` tokens in a Region, where `load` (0 to 1) of the scope is in use and a
    /// fault makes everything `slow` times as long.
    pub(super) fn draw(region: &RegionSpec, input: u64, load: f64, slow: f64, rng: &mut ChaCha8Rng) -> Pace {
        // Queueing delay grows steeply near saturation and hardly before half load.
        let crowd = 1.0 + (FULL_LOAD - 1.0) * load.clamp(0.0, 1.0).powi(3);
        let first = region.ttft_ms / 1_000.0 * lognormal(FIRST_TOKEN_SIGMA, rng) + input as f64 / PREFILL;
        let per_token = lognormal(SPEED_SIGMA, rng) / region.tokens_per_second.max(0.001);
        Pace {
            first_token: Duration::from_secs_f64((first * crowd * slow).clamp(0.0, 3_600.0)),
            per_token: (per_token * crowd.sqrt() * slow).clamp(0.0, 3_600.0),
        }
    }

    /// When the `n`th token (from 1) is out, since the request's arrival.
    pub(super) fn token(&self, n: u64) -> Duration {
        self.first_token + Duration::from_secs_f64(n.saturating_sub(1) as f64 * self.per_token)
    }

    /// Tokens out after `elapsed`, without regard to the reply's length.
    pub(super) fn tokens_after(&self, elapsed: Duration) -> u64 {
        match elapsed.checked_sub(self.first_token) {
            None => 0,
            Some(_) if self.per_token <= 0.0 => u64::MAX,
            Some(since) => 1 + (since.as_secs_f64() / self.per_token) as u64,
        }
    }
}

/// The reply that the model would like to give, in tokens: at least one.
pub(super) fn reply_tokens(median: f64, sigma: f64, rng: &mut ChaCha8Rng) -> u64 {
    ((median * lognormal(sigma, rng)).round() as u64).max(1)
}

/// How long the service takes to say no.
pub(super) fn refusal(rng: &mut ChaCha8Rng) -> Duration {
    Duration::from_millis(rng.random_range(50..=300))
}

/// How long the control plane, Service Quotas and STS take: little, since nothing here is learned by waiting for them. (The
/// real ones take tens of milliseconds, which a fault of kind `latency` can put back.)
pub(super) fn control_call(slow: f64, rng: &mut ChaCha8Rng) -> Duration {
    Duration::from_secs_f64(rng.random_range(0.001..0.004) * slow)
}

/// A lognormal of median 1. A sigma that is no number counts as none.
fn lognormal(sigma: f64, rng: &mut ChaCha8Rng) -> f64 {
    LogNormal::new(0.0, sigma).map_or(1.0, |distribution| distribution.sample(rng))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn median(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    #[test]
    fn the_median_is_the_scenarios_and_load_makes_it_longer() {
        let region = RegionSpec::default();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut draw = |load: f64| -> (f64, f64) {
            let paces: Vec<Pace> = (0..2_000).map(|_| Pace::draw(&region, 0, load, 1.0, &mut rng)).collect();
            (
                median(paces.iter().map(|pace| pace.first_token.as_secs_f64()).collect()),
                median(paces.iter().map(|pace| pace.per_token).collect()),
            )
        };
        let (idle_first, idle_token) = draw(0.0);
        let (full_first, full_token) = draw(1.0);
        assert!((idle_first - 0.4).abs() < 0.02, "{idle_first}");
        assert!((idle_token - 1.0 / 80.0).abs() < 0.001, "{idle_token}");
        assert!((full_first / idle_first - FULL_LOAD).abs() < 0.2, "{full_first}");
        assert!((full_token / idle_token - FULL_LOAD.sqrt()).abs() < 0.1, "{full_token}");
    }

    #[test]
    fn tokens_come_at_their_pace() {
        let pace = Pace { first_token: Duration::from_millis(400), per_token: 0.01 };
        assert_eq!(pace.token(1), Duration::from_millis(400));
        assert_eq!(pace.token(101), Duration::from_millis(1_400));
        assert_eq!(pace.tokens_after(Duration::from_millis(399)), 0);
        assert_eq!(pace.tokens_after(Duration::from_millis(400)), 1);
        assert_eq!(pace.tokens_after(Duration::from_millis(1_405)), 101);
    }

    #[test]
    fn replies_are_lognormal_with_at_least_one_token() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let draws: Vec<f64> = (0..4_000).map(|_| reply_tokens(300.0, 0.8, &mut rng) as f64).collect();
        let middle = median(draws.clone());
        assert!((280.0..320.0).contains(&middle), "{middle}");
        let above = draws.iter().filter(|&&draw| draw > 300.0 * 0.8f64.exp()).count() as f64 / 4_000.0;
        assert!((0.13..0.19).contains(&above), "{above}");
        assert_eq!(reply_tokens(0.0, 0.8, &mut rng), 1);
    }
}
