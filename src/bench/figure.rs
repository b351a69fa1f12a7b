//! A median and how well it is known.

use serde::Serialize;

/// The median of some seeds, and an interval that holds the true median in at least 95 of 100 tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// The median; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Figure {
    /// Of these values, at least one; infinities count as what they are.
    ///
    /// The interval runs between the order statistics `k` and `n + 1 - k` with the largest `k` for which the chance that
    /// the median lies outside, `2 P(Bin(n, 1/2) < k)`, is at most 5 % (Conover, Practical Nonparametric Statistics,
    /// 3.2): it assumes nothing about the distribution. Fewer than six values allow no such interval; theirs is the range.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Figure {
        if values.is_empty() {
            return Figure::default();
        }
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let (a, b) = (values[(n - 1) / 2], values[n / 2]);
        let median = if a == b { a } else { (a + b) / 2.0 };
        let k = tail(n);
        Figure { median, low: values[k.saturating_sub(1)], high: values[n - k.max(1)] }
    }
}

/// The largest `k` with `2 P(Bin(n, 1/2) < k) <= 0.05`; 0 if there is none.
fn tail(n: usize) -> usize {
    let mut term = 0.5f64.powi(n as i32);
    let mut below = 0.0;
    for k in 0..n {
        below += term;
        if 2.0 * below > 0.05 {
            return k;
        }
        term *= (n - k) as f64 / (k + 1) as f64;
    }
    n / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_seeds_give_the_sixth_and_the_fifteenth() {
        let figure = Figure::of((1..=20).map(f64::from).collect());
        assert_eq!(figure, Figure { median: 10.5, low: 6.0, high: 15.0 });
        assert_eq!(Figure::of(vec![3.0, 1.0, 2.0]), Figure { median: 2.0, low: 1.0, high: 3.0 });
        let never = Figure::of(vec![1.0, f64::INFINITY, f64::INFINITY]);
        assert_eq!((never.median, never.low), (f64::INFINITY, 1.0));
    }
}
