//! What an operator should know of, in words: named warnings, each with this moment's figures and a remedy.
//!
//! A warning is found in what the engine and the account say of themselves ([`find`]); it has a name that stays the same,
//! so that it can be looked up, muted and searched for in a log. [`Warnings`] keeps those that stand: since when, and a
//! little longer than they were last found, so that a figure at its threshold does not flicker. Pure: time comes in as an
//! argument. Figures need ten requests before they say anything, as the verdict does.
//!
//! This room knows no keys and no screens: what a warning is [`About`] tells the console where to go.

mod account;
mod load;
mod name;
mod place;
mod quota;
mod requests;
mod standing;
mod warning;

pub use name::{NAMES, Name, Named};
pub use standing::{Standing, Warnings};
pub use warning::{About, Warning};

use crate::control::ControlSnapshot;
use crate::engine::EngineSnapshot;

/// Fewer requests than this say nothing.
const ENOUGH: u64 = 10;

/// What warnings are found in.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The run.
    pub engine: &'a EngineSnapshot,
    /// The account; `None` where nobody watches it.
    pub account: Option<&'a ControlSnapshot>,
}

impl Moment<'_> {
    /// UTC by the service's clock, milliseconds since 1970.
    fn service_ms(&self) -> i64 {
        self.engine.utc_ms.saturating_add(self.account.map_or(0, |account| account.clock_offset_ms))
    }
}

/// The warnings of this moment, in no order.
#[must_use]
pub fn find(moment: &Moment<'_>) -> Vec<Warning> {
    let mut found = Vec::new();
    for rules in [load::find, requests::find, quota::find, place::find, account::find] {
        rules(moment, &mut found);
    }
    found
}

/// `14:15 UTC`.
fn clock_time(utc_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(utc_ms).map_or("-".to_owned(), |at| at.strftime("%H:%M UTC").to_string())
}

/// A number of milliseconds in words; before now is no time at all.
fn span_ms(millis: i64) -> String {
    crate::report::span(crate::record::Micros::from_millis(millis.max(0).unsigned_abs()))
}

#[cfg(test)]
use crate::console::ui::fixtures;
#[cfg(test)]
mod tests;
