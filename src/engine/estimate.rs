//! The token estimator: learns, from the service's own counts, how far the raw guess is off.
//!
//! A tokenizer's bias depends on the model (each version may bring its own vocabulary) and on the kind of text, so one
//! correction is kept for each pair; what is learned on JSON says nothing about Chinese (study: load.md §B2, where one
//! global correction made mixed input worse). Two figures are learned:
//!
//! - the *ratio* actual / raw, an exponentially weighted mean, for the mean estimate;
//! - the *spread*, the 90th percentile of actual / mean estimate over the last samples, for what to reserve: a
//!   reservation at the mean would be too small for half of the requests.

use std::collections::{HashMap, VecDeque};

use crate::families::TextKind;

use super::EstimatorView;

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
    kinds: [Cell; TextKind::COUNT],
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

    /// The estimate for a text of `kind` ([`TextKind::index`]) that the raw guess puts at `raw` tokens.
    #[must_use]
    pub fn corrected(&self, model: &str, kind: u8, raw: u64) -> Estimate {
        match self.models.get(model).and_then(|model| model.kinds.get(usize::from(kind))) {
            Some(cell) => cell.estimate(raw),
            None => Cell::default().estimate(raw),
        }
    }

    /// Learns that the service counted `actual` input tokens, cached ones included, where the raw guess was `raw`.
    pub fn observe(&mut self, model: &str, kind: u8, raw: u64, actual: u64) {
        if raw == 0 || actual == 0 || usize::from(kind) >= TextKind::COUNT {
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
        }
        let samples = self.samples;
        let model = self.models.entry(model.into()).or_default();
        model.observed = samples;
        if let Some(cell) = model.kinds.get_mut(usize::from(kind)) {
            cell.learn(raw, actual);
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
