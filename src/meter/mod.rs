//! How a *server* may meter requests and tokens: the simulator's side of a quota.
//!
//! What Bedrock really does is not documented (facts §5), so this room offers each plausible kind of meter with the
//! same face, and one scope that puts requests, tokens and days together atomically. Pure and exact: integers only, so
//! that nothing drifts, and time is passed in. The limiter must never import it: it has to find out by being refused.
//!
//! `now` may be any clock whose zero is a midnight UTC (Unix time in microseconds, for one): fixed minutes and days turn
//! with it. A clock that goes backwards is taken to stand still.

mod bucket;
mod kind;
mod pool;
mod scope;
mod sliding;
mod window;

pub use kind::{Meter, MeterKind, MeterSpec};
pub use pool::TpdPool;
pub use scope::{HoldId, Rejected, ScopeSpec, ScopeView, ServerScope};

/// One token (or request) in the smallest unit of a meter. At a rate of `n` per minute exactly `n` units come in each
/// microsecond, which is why rates need no rounding.
const TOKEN: i128 = 60_000_000;

/// An amount in units. Even `u64::MAX` tokens are far from the limits of `i128`.
fn units(amount: u64) -> i128 {
    i128::from(amount) * TOKEN
}

/// Whole tokens in `units`, rounded down; out of range saturates.
fn tokens(units: i128) -> i64 {
    let whole = units.div_euclid(TOKEN);
    i64::try_from(whole).unwrap_or(if whole < 0 { i64::MIN } else { i64::MAX })
}
