//! How values are spread, in few enough numbers to be sent: logarithmic buckets.

use std::collections::BTreeMap;

/// Neighbouring buckets differ by this factor. A value stands in the (geometric) middle of its bucket: what is read back
/// of it, percentiles and extremes included, is wrong by at most `sqrt(1.02) - 1`, just under 1 %.
const STEP: f64 = 1.02;
/// Smaller values count as nothing.
const SMALLEST: f64 = 1e-3;
/// Larger ones as this: with it there are 1,745 buckets at most.
const LARGEST: f64 = 1e12;

/// Values and how often each was seen, right to 1 %.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Zero is a bucket of its own.
    buckets: BTreeMap<Option<i16>, u64>,
}

impl Spread {
    /// Takes a value in; what is not a number is left out, what is negative counts as zero.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let bucket = (value >= SMALLEST).then(|| (value.min(LARGEST).ln() / STEP.ln()).round() as i16);
        *self.buckets.entry(bucket).or_default() += 1;
    }

    /// Whether nothing was taken in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The values, ascending, each with how often it was seen.
    pub fn values(&self) -> impl Iterator<Item = (f64, u64)> {
        self.buckets.iter().map(|(bucket, count)| (bucket.map_or(0.0, |bucket| STEP.powi(i32::from(bucket))), *count))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_values_harm_nothing() {
        let mut spread = Spread::default();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e300] {
            spread.add(value);
        }
        let values: Vec<_> = spread.values().collect();
        assert_eq!((values.len(), values[0], values[1].1), (2, (0.0, 3), 2));
    }

    proptest! {
        #[test]
        fn every_value_comes_back_within_a_hundredth(values in proptest::collection::vec(1e-3..1e9_f64, 1..300)) {
            let mut spread = Spread::default();
            values.iter().for_each(|value| spread.add(*value));
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let back = spread.values().flat_map(|(value, count)| std::iter::repeat_n(value, count as usize));
            for (back, value) in back.zip(&sorted) {
                prop_assert!((back / value - 1.0).abs() < 0.01, "{} {}", back, value);
            }
        }
    }
}
