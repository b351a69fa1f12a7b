//! The run: dispatcher, retries, router, breakers, statistics.
//!
//! The engine publishes an [`EngineSnapshot`] (the latest one wins) and takes [`Command`]s. It never waits for a
//! terminal, and nothing outside it touches the limiter or the queue while it runs.

mod command;
mod estimate;
mod knob;
mod snapshot;

pub use command::Command;
pub use estimate::{Estimate, Estimator};
pub use knob::{KnobGroup, KnobId, KnobKind, KnobSpec, KnobView};
pub use snapshot::*;
