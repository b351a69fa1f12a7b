//! What waits, and who goes next.
//!
//! Three levels, each with its own fairness, all counted in tokens:
//!
//! 1. *Between classes* (`class`): higher classes first, but a lower class that waits earns a share of every token that
//!    passes it by, and goes as soon as its share pays for its head. Nobody starves.
//! 2. *Between flows of a class*: virtual token counters with weights; the smallest is next, and a flow that comes back
//!    from idleness is lifted to the others, so that it can neither hoard nor be punished (VTC, arXiv 2401.00588).
//! 3. *Within a flow* (`flow`): earliest deadline first, then the order of the input. A deadline that has passed no longer
//!    pushes: it would only make the next one late too.
//!
//! Pure: time comes in as an argument. Knows neither limiter nor routes: whoever asks for the head decides whether it goes.

mod class;
mod flow;
mod item;
mod ordering;
#[cfg(test)]
mod tests;

pub use item::{Item, Key};
pub use ordering::Queue;
