//! The run: dispatcher, retries, router, breakers, statistics.
//!
//! The engine publishes an [`EngineSnapshot`] (the latest one wins) and takes [`Command`]s. It never waits for a
//! terminal, and nothing outside it touches the limiter or the queue while it runs.

mod arrivals;
mod attempts;
mod begin;
mod breaker;
mod calibrate;
mod chronicle;
mod command;
mod commands;
mod delivery;
mod dispatcher;
mod estimate;
mod flight;
mod handle;
mod illness;
mod intake;
mod knob;
mod load;
mod metering;
mod minutes;
mod money;
mod process;
mod publish;
mod reporting;
mod retry;
mod router;
mod sampling;
mod settings;
mod setup;
mod snapshot;
mod stats;
mod text;
mod trends;
mod undo;
mod verdict;

pub use begin::describe;
pub use command::Command;
pub use estimate::Estimator;
pub use handle::{CommandSender, EngineHandle, start};
pub use knob::{KnobGroup, KnobId, KnobKind, KnobSpec, KnobView};
pub use settings::EngineSettings;
pub use setup::{EngineSetup, FileLoad, Load, RouteSetup};
pub use snapshot::*;
pub use text::sanitise;
pub use trends::{Cause, LatencyTrend, ModelTrend, RegionState, RegionTrend, ScopeTrend, Trend, Trends};
