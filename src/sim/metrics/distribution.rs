//! What CloudWatch keeps of the values of one metric in one minute.

use std::collections::BTreeMap;

/// Neighbouring buckets of values differ by this factor: percentiles are right to half of it, and exact where a bucket has
/// one value.
const STEP: f64 = 1.01;
/// Puts the buckets of all positive numbers above that of zero.
const OFFSET: i32 = 100_000;

/// Count, sum, extremes and the values themselves in logarithmic buckets. (CloudWatch keeps its own in the same way. A
/// histogram with a place for every bucket would take 10 KB a minute and metric, of which most minutes need a few.)
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::sim) struct Distribution {
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
    buckets: BTreeMap<i32, Bucket>,
    /// Part of it came as a statistic set, of which nobody knows the values.
    summary: bool,
}

/// The values of one bucket: how often, from where to where.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    count: f64,
    low: f64,
    high: f64,
}

impl Bucket {
    fn middle(self) -> f64 {
        if self.low == self.high { self.low } else { f64::midpoint(self.low, self.high) }
    }
}

/// A statistic that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sim) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// `pNN`: 0 to 100.
    Percentile(f64),
}

impl Statistic {
    /// Reads its name; none if it is not served.
    pub(in crate::sim) fn named(name: &str) -> Option<Statistic> {
        Some(match name {
            "SampleCount" => Statistic::SampleCount,
            "Average" => Statistic::Average,
            "Sum" => Statistic::Sum,
            "Minimum" => Statistic::Minimum,
            "Maximum" => Statistic::Maximum,
            _ => {
                let digits = name.strip_prefix('p')?;
                let number = digits.starts_with(|c: char| c.is_ascii_digit())
                    && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
                let digits = number.then_some(digits)?;
                Statistic::Percentile(digits.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))?)
            }
        })
    }
}

impl Distribution {
    /// Takes in a value that occurred `times` times.
    pub(in crate::sim) fn add(&mut self, value: f64, times: f64) {
        self.widen(value, value);
        self.count += times;
        self.sum += value * times;
        self.fill(bucket(value), Bucket { count: times, low: value, high: value });
    }

    /// Takes in a statistic set.
    pub(in crate::sim) fn add_summary(&mut self, count: f64, sum: f64, min: f64, max: f64) {
        if min == max && sum == min * count {
            return self.add(min, count);
        }
        self.widen(min, max);
        self.count += count;
        self.sum += sum;
        self.summary = true;
    }

    /// Takes in what another minute, or another unit, has.
    pub(in crate::sim) fn merge(&mut self, other: &Distribution) {
        if other.count == 0.0 {
            return;
        }
        self.widen(other.min, other.max);
        self.count += other.count;
        self.sum += other.sum;
        self.summary |= other.summary;
        for (bucket, values) in &other.buckets {
            self.fill(*bucket, *values);
        }
    }

    /// A statistic of it; none if it has no value, or percentiles are wanted of values that nobody knows.
    pub(in crate::sim) fn statistic(&self, statistic: Statistic) -> Option<f64> {
        if self.count == 0.0 {
            return None;
        }
        match statistic {
            Statistic::SampleCount => Some(self.count),
            Statistic::Average => Some(self.sum / self.count),
            Statistic::Sum => Some(self.sum),
            Statistic::Minimum => Some(self.min),
            Statistic::Maximum => Some(self.max),
            Statistic::Percentile(_) if self.summary => None,
            Statistic::Percentile(percent) => {
                let rank = percent / 100.0 * self.count;
                // The ends are exact, whatever else is in their buckets.
                if rank <= 0.0 || rank >= self.count {
                    return Some(if rank <= 0.0 { self.min } else { self.max });
                }
                let mut passed = 0.0;
                let found = self.buckets.values().find(|bucket| {
                    passed += bucket.count;
                    passed >= rank
                });
                Some(found.map_or(self.max, |bucket| bucket.middle()))
            }
        }
    }

    /// How much memory it takes, in buckets.
    pub(super) fn weight(&self) -> usize {
        1 + self.buckets.len()
    }

    fn fill(&mut self, bucket: i32, values: Bucket) {
        let own = self.buckets.entry(bucket).or_insert(Bucket { count: 0.0, ..values });
        own.count += values.count;
        own.low = own.low.min(values.low);
        own.high = own.high.max(values.high);
    }

    fn widen(&mut self, min: f64, max: f64) {
        if self.count == 0.0 {
            (self.min, self.max) = (min, max);
        }
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }
}

fn bucket(value: f64) -> i32 {
    if value == 0.0 {
        return 0;
    }
    let size = (value.abs().ln() / STEP.ln()).round() as i32 + OFFSET;
    size.max(1) * value.signum() as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statistics_have_their_names() {
        assert_eq!(Statistic::named("Sum"), Some(Statistic::Sum));
        assert_eq!(Statistic::named("p99.9"), Some(Statistic::Percentile(99.9)));
        for unknown in ["sum", "p", "p101", "pinf", "p-1", "p+1", "p1e1", "p1.2.3", "TM99", "tm99", "IQM", ""] {
            assert_eq!(Statistic::named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_summary_has_no_percentiles() {
        let mut minute = Distribution::default();
        assert_eq!(minute.statistic(Statistic::SampleCount), None);
        minute.add_summary(4.0, 10.0, 1.0, 4.0);
        assert_eq!(minute.statistic(Statistic::Average), Some(2.5));
        assert_eq!(minute.statistic(Statistic::Percentile(50.0)), None);
        let mut same = Distribution::default();
        same.add_summary(2.0, 6.0, 3.0, 3.0);
        assert_eq!(same.statistic(Statistic::Percentile(50.0)), Some(3.0));
    }

    /// A set whose sum is not that of its one value is a summary: nothing of it is made up.
    #[test]
    fn what_was_put_comes_back() {
        let mut odd = Distribution::default();
        odd.add_summary(2.0, 7.0, 3.0, 3.0);
        assert_eq!(odd.statistic(Statistic::Sum), Some(7.0));
        assert_eq!(odd.statistic(Statistic::Percentile(50.0)), None);
        let mut minute = Distribution::default();
        for (value, times) in [(10.0, 90.0), (20.0, 9.0), (1_000.0, 1.0)] {
            minute.add(value, times);
        }
        let percentile = |percent| minute.statistic(Statistic::Percentile(percent)).unwrap();
        assert_eq!(
            [0.0, 50.0, 90.0, 91.0, 99.0, 99.9, 100.0].map(percentile),
            [10.0, 10.0, 10.0, 20.0, 20.0, 1e3, 1e3]
        );
    }

    proptest! {
        /// Against the sorted values; and merging is adding.
        #[test]
        fn percentiles_are_right_to_a_hundredth(
            values in proptest::collection::vec(-1e9..1e9_f64, 1..200),
            percent in 0.0..=100.0_f64,
            cut in 0_usize..200,
        ) {
            let (mut whole, mut first, mut second) =
                (Distribution::default(), Distribution::default(), Distribution::default());
            for (index, value) in values.iter().enumerate() {
                whole.add(*value, 1.0);
                if index < cut { first.add(*value, 1.0) } else { second.add(*value, 1.0) }
            }
            first.merge(&second);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let rank = (percent / 100.0 * values.len() as f64).ceil().max(1.0) as usize - 1;
            let wanted = sorted[rank];
            for distribution in [&whole, &first] {
                let found = distribution.statistic(Statistic::Percentile(percent)).unwrap();
                prop_assert!((found - wanted).abs() <= wanted.abs() * 0.01 + 1e-9, "{} {}", found, wanted);
                prop_assert_eq!(distribution.statistic(Statistic::SampleCount), Some(values.len() as f64));
                prop_assert_eq!(distribution.statistic(Statistic::Maximum), sorted.last().copied());
            }
        }
    }
}
