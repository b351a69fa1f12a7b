//! The token estimator: learns, from the service's own counts, how far the raw guess is off.
//!
//! A tokenizer's bias depends on the model (each version may bring its own vocabulary) and on the kind of text, so one
//! correction is kept for each pair: what is learned on JSON says nothing about Chinese, and one correction for all was
//! measured to make mixed input worse than none. Two figures are learned:
//!
//! - the *ratio* actual / raw, an exponentially weighted mean, for the mean estimate;
//! - the *spread*, the 90th percentile of actual / mean estimate over the last samples, for what to reserve: a
//!   reservation at the mean would be too small for half of the requests.

use std::collections::{HashMap, VecDeque};

use super::EstimatorView;

/// Kinds of text, as [`Body::text_kind`](crate::record::Body::text_kind) numbers them.
const KINDS: usize = 16;

/// The ratio stays within these: a reply that claims more is not about the text we sent.
const RATIO_RANGE: (f64, f64) = (0.5, 3.0);
/// Weight of the newest sample once there are many; about the last 40 count.
const NEWEST_WEIGHT: f64 = 0.05;
/// The prior ratio of 1.0 counts as this many samples.
const PRIOR_SAMPLES: f64 = 1.0;
/// Raw guesses below this say little about the ratio: a few tokens of framing outweigh the text.
const FULL_WEIGHT_TOKENS: f64 = 64.0;
/// Samples that a spread rests on.
const SPREAD_WINDOW: usize = 64;
/// Until a spread has [`SPREAD_SAMPLES`], this is assumed: the raw guess errs by some 10 to 20 percent.
const PRIOR_SPREAD: f64 = 1.2;
const SPREAD_SAMPLES: usize = 16;
/// The spread stays within these.
const SPREAD_RANGE: (f64, f64) = (1.0, 2.0);
/// Samples that the record of errors shows.
const ERROR_WINDOW: usize = 512;
/// Models that are remembered; beyond, the one least recently observed is forgotten.
const MOST_MODELS: usize = 128;

/// A corrected estimate of input tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// What to expect.
    pub mean: u64,
    /// What to reserve: nine of ten requests need no more.
    pub reserve: u64,
}

/// Corrects raw guesses by what the service counted, for each model and kind of text.
#[derive(Debug, Default)]
pub struct Estimator {
    models: HashMap<Box<str>, Model>,
    /// Estimate / actual - 1 of the last samples, as it was before each was learned from.
    errors: VecDeque<f64>,
    samples: u64,
}

#[derive(Debug, Default)]
struct Model {
    observed: u64,
    kinds: [Cell; KINDS],
}

/// What is known of one model and one kind of text.
#[derive(Debug)]
struct Cell {
    weight: f64,
    ratio: f64,
    /// Actual / mean estimate of the last samples.
    residuals: VecDeque<f32>,
    spread: f64,
}

impl Default for Cell {
    fn default() -> Cell {
        Cell { weight: PRIOR_SAMPLES, ratio: 1.0, residuals: VecDeque::new(), spread: PRIOR_SPREAD }
    }
}

impl Cell {
    fn estimate(&self, raw: u64) -> Estimate {
        let mean = raw as f64 * self.ratio;
        Estimate { mean: mean.round() as u64, reserve: (mean * self.spread).ceil() as u64 }
    }

    fn learn(&mut self, raw: u64, actual: u64) {
        let (low, high) = RATIO_RANGE;
        let residual = actual as f64 / (raw as f64 * self.ratio);
        let sample = (actual as f64 / raw as f64).clamp(low, high);
        let weight = (raw as f64 / FULL_WEIGHT_TOKENS).min(1.0);
        self.weight += weight;
        // A plain mean while samples are few, exponentially weighted after.
        let share = (weight / self.weight).max(NEWEST_WEIGHT * weight);
        self.ratio += share * (sample - self.ratio);
        if self.residuals.len() == SPREAD_WINDOW {
            self.residuals.pop_front();
        }
        self.residuals.push_back(residual as f32);
        self.spread = self.learned_spread();
    }

    fn learned_spread(&self) -> f64 {
        let (low, high) = SPREAD_RANGE;
        let mut sorted: Vec<f32> = self.residuals.iter().copied().collect();
        let p90 = f64::from(percentile_90(&mut sorted, f32::total_cmp).unwrap_or(1.0)).clamp(low, high);
        if self.residuals.len() < SPREAD_SAMPLES { p90.max(PRIOR_SPREAD) } else { p90 }
    }
}

/// The 90th percentile (nearest rank) of values in any order.
fn percentile_90<T: Copy>(values: &mut [T], order: fn(&T, &T) -> std::cmp::Ordering) -> Option<T> {
    let rank = (values.len() * 9).div_ceil(10).checked_sub(1)?;
    Some(*values.select_nth_unstable_by(rank, order).1)
}

impl Estimator {
    /// An estimator that has seen nothing: it takes raw guesses as they are.
    #[must_use]
    pub fn new() -> Estimator {
        Estimator::default()
    }

    /// The estimate for a text of `kind` that the raw guess puts at `raw` tokens.
    #[must_use]
    pub fn corrected(&self, model: &str, kind: u8, raw: u64) -> Estimate {
        match self.models.get(model).and_then(|model| model.kinds.get(usize::from(kind))) {
            Some(cell) => cell.estimate(raw),
            None => Cell::default().estimate(raw),
        }
    }

    /// Learns that the service counted `actual` input tokens, cached ones included, where the raw guess was `raw`.
    pub fn observe(&mut self, model: &str, kind: u8, raw: u64, actual: u64) {
        if raw == 0 || actual == 0 || usize::from(kind) >= KINDS {
            return;
        }
        self.samples += 1;
        if self.errors.len() == ERROR_WINDOW {
            self.errors.pop_front();
        }
        let estimate = self.corrected(model, kind, raw).mean;
        self.errors.push_back(estimate as f64 / actual as f64 - 1.0);
        if !self.models.contains_key(model) {
            self.forget_one_of_too_many();
            self.models.insert(model.into(), Model::default());
        }
        if let Some(model) = self.models.get_mut(model) {
            model.observed = self.samples;
            if let Some(cell) = model.kinds.get_mut(usize::from(kind)) {
                cell.learn(raw, actual);
            }
        }
    }

    fn forget_one_of_too_many(&mut self) {
        if self.models.len() >= MOST_MODELS {
            let oldest = self.models.iter().min_by_key(|(_, model)| model.observed).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                self.models.remove(&oldest);
            }
        }
    }

    /// How well the estimates did, over the last 512 samples; `n` counts all.
    #[must_use]
    pub fn view(&self) -> EstimatorView {
        let mut absolute: Vec<f64> = self.errors.iter().map(|error| error.abs()).collect();
        let Some(p90_error) = percentile_90(&mut absolute, f64::total_cmp) else {
            return EstimatorView::default();
        };
        let bias = self.errors.iter().sum::<f64>() / self.errors.len() as f64;
        EstimatorView { n: self.samples, bias, p90_error }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const PROSE: u8 = 0;
    const JSON: u8 = 11;

    /// Feeds `n` samples of a true ratio with noise of `spread` either way.
    fn feed(estimator: &mut Estimator, model: &str, kind: u8, ratio: f64, spread: f64, n: usize) {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..n {
            let raw = rng.random_range(100..4_000u64);
            let factor = ratio * (1.0 + spread * (2.0 * rng.random::<f64>() - 1.0));
            estimator.observe(model, kind, raw, (raw as f64 * factor).round() as u64);
        }
    }

    #[test]
    fn it_trusts_the_raw_guess_at_first() {
        let estimator = Estimator::new();
        assert_eq!(estimator.corrected("m", PROSE, 1_000), Estimate { mean: 1_000, reserve: 1_200 });
        assert_eq!(estimator.view(), EstimatorView::default());
    }

    #[test]
    fn it_finds_a_ratio_and_its_bias_goes_away() {
        let mut estimator = Estimator::new();
        feed(&mut estimator, "m", PROSE, 1.4, 0.1, 200);
        let view = estimator.view();
        assert_eq!(view.n, 200);
        assert!(view.bias.abs() < 0.02, "{view:?}");
        assert!(view.p90_error < 0.12, "{view:?}");
        let mean = estimator.corrected("m", PROSE, 10_000).mean as f64;
        assert!((mean / 14_000.0 - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn nine_of_ten_fit_the_reservation_and_little_is_wasted() {
        let mut estimator = Estimator::new();
        feed(&mut estimator, "m", PROSE, 1.4, 0.3, 300);
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let (mut fit, mut reserved, mut used) = (0, 0.0, 0.0);
        for _ in 0..1_000 {
            let actual = 1_000.0 * 1.4 * (1.0 + 0.3 * (2.0 * rng.random::<f64>() - 1.0));
            let reserve = estimator.corrected("m", PROSE, 1_000).reserve as f64;
            fit += usize::from(reserve >= actual);
            reserved += reserve;
            used += actual;
        }
        assert!((840..=970).contains(&fit), "{fit} of 1000");
        assert!(reserved / used < 1.35, "{}", reserved / used);
    }

    #[test]
    fn kinds_and_models_learn_apart() {
        let mut estimator = Estimator::new();
        feed(&mut estimator, "m", JSON, 0.8, 0.0, 100);
        feed(&mut estimator, "n", PROSE, 2.0, 0.0, 100);
        assert_eq!(estimator.corrected("m", PROSE, 1_000), Estimator::new().corrected("m", PROSE, 1_000));
        assert_eq!(estimator.corrected("n", JSON, 1_000), Estimator::new().corrected("n", JSON, 1_000));
        assert!((790..=815).contains(&estimator.corrected("m", JSON, 1_000).mean));
        assert!((1_980..=2_000).contains(&estimator.corrected("n", PROSE, 1_000).mean));
    }

    #[test]
    fn it_follows_a_change() {
        let mut estimator = Estimator::new();
        feed(&mut estimator, "m", PROSE, 1.0, 0.05, 1_000);
        feed(&mut estimator, "m", PROSE, 1.5, 0.05, 100);
        let mean = estimator.corrected("m", PROSE, 1_000).mean;
        assert!((1_450..=1_550).contains(&mean), "{mean}");
    }

    #[test]
    fn absurd_samples_do_not_carry_it_away() {
        let mut estimator = Estimator::new();
        for _ in 0..1_000 {
            estimator.observe("m", PROSE, 1_000, u64::MAX);
        }
        let estimate = estimator.corrected("m", PROSE, 1_000);
        assert!(estimate.mean <= 3_000 && estimate.reserve <= 6_000, "{estimate:?}");
        for _ in 0..1_000 {
            estimator.observe("m", PROSE, u64::MAX, 1);
        }
        let estimate = estimator.corrected("m", PROSE, 1_000);
        assert!((500..=510).contains(&estimate.mean), "{estimate:?}");
        assert!(estimator.corrected("m", PROSE, u64::MAX).reserve > u64::MAX / 2);
        // What cannot be a sample is none.
        estimator.observe("m", PROSE, 0, 5);
        estimator.observe("m", PROSE, 5, 0);
        estimator.observe("m", 200, 5, 5);
        assert_eq!(estimator.view().n, 2_000);
        assert_eq!(estimator.corrected("m", 200, 10).mean, 10);
    }

    #[test]
    fn memory_is_bounded_and_the_model_in_use_is_kept() {
        let mut estimator = Estimator::new();
        for model in 0..1_000 {
            estimator.observe(&format!("m{model}"), PROSE, 1_000, 1_400);
            estimator.observe("in use", PROSE, 1_000, 1_400);
        }
        assert_eq!(estimator.models.len(), MOST_MODELS);
        assert_eq!(estimator.errors.len(), ERROR_WINDOW);
        assert!(estimator.corrected("in use", PROSE, 1_000).mean > 1_350);
        assert_eq!(estimator.corrected("m0", PROSE, 1_000).mean, 1_000);
    }
}
