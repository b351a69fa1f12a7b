//! The console's mind: its state, what can happen to it, and what it wants done.
//!
//! [`update`] is pure: no clock, no input or output, no tokio, no drawing. Time comes in as an argument, the engine
//! as a snapshot, and the only way out is an [`Effect`]. An order to the engine or the account can leave only as a
//! [`confirm::Confirmed`] value, and only `confirm` can make one: whatever may spend money has passed its gate.

mod account;
pub mod batch;
mod click;
pub mod confirm;
pub mod copy;
mod effect;
pub mod entry;
pub mod filter;
pub mod form;
pub mod fuzzy;
pub mod incident;
pub mod increases;
mod leave;
pub mod lists;
pub mod memory;
mod msg;
mod names;
mod orders;
pub mod palette;
mod panel;
pub mod price;
pub mod provisioned;
mod rest;
pub mod settings;
mod state;
mod steer;
mod tape;
pub mod tuning;
mod update;
pub mod usage;
pub mod warned;
pub mod watch;
pub mod ways;
mod window;
mod workload;

pub use click::Hit;
pub use effect::{Effect, Exit};
pub use lists::List;
pub use msg::Msg;
pub use names::short_model;
pub use orders::{Orders, role_recipe};
pub use panel::{Breakpoint, Panel, header_rows};
pub use price::ModelPrice;
pub use state::{Detail, Leaving, Overlay, Screen, State, Suspending, Toast};
pub use tape::{Playback, Tape};
pub use tuning::{TuningRow, Value};
pub use update::update;
pub use window::{Held, Sight, Window, fitting};

#[cfg(test)]
mod tests;
