//! What is counted, requests or tokens, and where its figures are found.

use super::flight::{Attempt, Mark};
use super::window::Window;

/// What a dimension counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Requests,
    Tokens,
}

impl Unit {
    /// Where an unknown quota starts, per minute: the fallback of the field's documents (PRODUCT.md, A1).
    pub(super) fn fallback(self) -> u64 {
        match self {
            Unit::Requests => 100,
            Unit::Tokens => 10_000,
        }
    }

    /// What is admitted every two minutes at the least, however often it is rejected: no request waits for ever.
    pub(super) fn least(self) -> f64 {
        match self {
            Unit::Requests => 1.0,
            Unit::Tokens => 2_000.0,
        }
    }

    pub(super) fn hold(self, attempt: &Attempt) -> u64 {
        match self {
            Unit::Requests => 1,
            Unit::Tokens => attempt.hold,
        }
    }

    pub(super) fn posted(self, attempt: &Attempt) -> u64 {
        match self {
            Unit::Requests => 1,
            Unit::Tokens => attempt.posted,
        }
    }

    pub(super) fn paced(self, attempt: &Attempt) -> u64 {
        match self {
            Unit::Requests => 1,
            Unit::Tokens => attempt.paced,
        }
    }

    pub(super) fn mark(self, attempt: &Attempt) -> Mark {
        match self {
            Unit::Requests => attempt.requests,
            Unit::Tokens => attempt.tokens,
        }
    }

    pub(super) fn window(self, window: &Window) -> i64 {
        match self {
            Unit::Requests => window.sums().charged as i64,
            Unit::Tokens => window.sums().net,
        }
    }

    pub(super) fn wide(self, window: &Window) -> i64 {
        match self {
            Unit::Requests => window.wide().1,
            Unit::Tokens => window.wide().0,
        }
    }
}
