//! The console: what the operator sees and touches.
//!
//! ```text
//!  term  the terminal itself: modes, bytes, keys, signals    knows nothing of Bedrock
//!  app   state, messages, the pure update, effects           knows no clock, terminal or drawing
//!  keys  one action table: keys, help, hints, reasons why not
//!  ui    draws state and snapshot into a buffer              reads only
//!  recording  messages on file and back                      knows no terminal
//! ```
//!
//! [`run`] puts them together on an OS thread of its own. The engine never waits for it: the console takes the latest
//! snapshot when it has time, and its orders go out through a channel that never blocks.

pub mod app;
mod keep;
pub mod keys;
mod picture;
pub mod recording;
mod replay;
mod session;
pub mod term;
mod themes;
pub mod ui;

pub use app::{Exit, ModelPrice};
pub use picture::{Shot, state_of};
pub use replay::{Player, ReplaySetup, replay};
pub use session::{ConsoleControl, ConsoleError, ConsoleSetup, run, usable};
pub use themes::unknown_theme;
