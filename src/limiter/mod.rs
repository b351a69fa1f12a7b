//! Admits, settles, learns, and explains itself. Pure: time comes in as an argument; owned by one dispatcher.

mod status;

pub use status::{DimensionStatus, Epoch, Preset, QuotaLimit, ScopeStatus, Why};
