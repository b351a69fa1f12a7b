//! Quantities that carry their unit.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// A count of tokens: prompt tokens, output tokens or quota tokens, as the name beside it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tokens(pub u64);

impl Tokens {
    /// No tokens.
    pub const ZERO: Tokens = Tokens(0);

    /// This count times an integer weight (a burndown), saturating.
    #[must_use]
    pub const fn times(self, weight: u32) -> Tokens {
        Tokens(self.0.saturating_mul(weight as u64))
    }
}

impl Add for Tokens {
    type Output = Tokens;
    fn add(self, other: Tokens) -> Tokens {
        Tokens(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Tokens) {
        *self = *self + other;
    }
}

impl Sub for Tokens {
    type Output = Tokens;
    /// Saturating: a count is never negative.
    fn sub(self, other: Tokens) -> Tokens {
        Tokens(self.0.saturating_sub(other.0))
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Tokens>>(iter: I) -> Tokens {
        iter.fold(Tokens::ZERO, Add::add)
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment on, or a span of, the run's own clock, in microseconds. Zero is the start of the process' clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// The start of the clock, or no time at all.
    pub const ZERO: Micros = Micros(0);
    /// Later than everything.
    pub const MAX: Micros = Micros(u64::MAX);

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Micros {
        Micros(seconds.saturating_mul(1_000_000))
    }

    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Micros {
        Micros(millis.saturating_mul(1_000))
    }

    /// A span of seconds; negative and NaN become zero, too large saturates.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Micros {
        Micros((seconds * 1e6).round().max(0.0) as u64)
    }

    /// In seconds.
    #[must_use]
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// In milliseconds.
    #[must_use]
    pub fn millis_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// The span since `earlier`; zero if `earlier` is later (clocks may jump, spans may not be negative).
    #[must_use]
    pub const fn since(self, earlier: Micros) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }
}

impl From<std::time::Duration> for Micros {
    fn from(span: std::time::Duration) -> Micros {
        Micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Micros> for std::time::Duration {
    fn from(span: Micros) -> std::time::Duration {
        std::time::Duration::from_micros(span.0)
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Micros;
    /// Saturating, as [`Micros::since`].
    fn sub(self, other: Micros) -> Micros {
        self.since(other)
    }
}

/// Money in whole picodollars (1e-12 USD), so that the price of a single token of the cheapest model
/// (8,750 picodollars for a cached Nova Micro token) adds up without rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(pub i64);

impl Usd {
    /// No money.
    pub const ZERO: Usd = Usd(0);

    /// From dollars, rounded to the picodollar.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Usd {
        Usd((dollars * 1e12).round() as i64)
    }

    /// In dollars.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e12
    }

    /// This much times a factor, rounded to the picodollar.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Usd {
        Usd((self.0 as f64 * factor).round() as i64)
    }

    /// The price of `tokens` at `dollars_per_million` tokens.
    #[must_use]
    pub fn per_million(dollars_per_million: f64, tokens: u64) -> Usd {
        let each = (dollars_per_million * 1e6).round() as i64;
        Usd(each.saturating_mul(i64::try_from(tokens).unwrap_or(i64::MAX)))
    }
}

impl Add for Usd {
    type Output = Usd;
    fn add(self, other: Usd) -> Usd {
        Usd(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Usd) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Usd;
    fn sub(self, other: Usd) -> Usd {
        Usd(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Usd {
    fn sub_assign(&mut self, other: Usd) {
        *self = *self - other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(iter: I) -> Usd {
        iter.fold(Usd::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_cheapest_price_is_exact() {
        assert_eq!(Usd::per_million(0.00875, 1), Usd(8_750));
        assert_eq!(Usd::per_million(0.00875, 1_000_000), Usd::from_dollars(0.00875));
        assert_eq!(Usd::per_million(75.0, 32_000).dollars(), 2.4);
    }

    #[test]
    fn spans_never_go_below_zero() {
        assert_eq!(Micros(5).since(Micros(9)), Micros::ZERO);
        assert_eq!(Micros::from_secs_f64(-1.0), Micros::ZERO);
        assert_eq!(Micros::from_secs_f64(f64::NAN), Micros::ZERO);
    }
}
