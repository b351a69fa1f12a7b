//! Admits, settles, learns, and explains itself.
//!
//! Owns what this process has sent to each scope and what the service charged for it: requests and quota tokens per
//! minute (two ledgers each, see `dimension`), the last 60 seconds exact to the bin (`window`), tokens per day (`day`).
//! Decides whether a request may go now, until when it waits, or that it never can. Learns the real limits from accepts
//! and rejects (`estimate`).
//!
//! Pure: time comes in as an argument, nothing here knows a clock, a task or a socket, and the same calls give the same
//! answers. May not know how a *server* meters (`crate::meter`): its proof would be circular.

mod admission;
mod anchors;
mod boundary;
mod burst;
mod classic;
mod clock;
mod day;
mod decision;
mod dimension;
mod estimate;
mod expect;
mod explain;
mod flight;
mod generation;
mod knobs;
mod metering;
#[cfg(test)]
mod properties;
mod rate;
mod reject_charge;
mod scope;
mod status;
#[cfg(test)]
mod tests;
mod unit;
mod window;

pub use admission::Limiter;
pub use decision::{Cost, Decision, Reject, ScopeId, ScopeQuota, Ticket};
pub use expect::SettlementGuess;
pub use generation::Generation;
pub use knobs::{AdaptiveKnobs, ClassicKnobs, LimiterKnobs, MeterPin};
pub use status::{DimensionStatus, Epoch, MeterBelief, Preset, QuotaLimit, ScopeStatus, Why};
