//! The console: what the operator sees and touches.
//!
//! ```text
//!  term  the terminal itself: modes, bytes, keys, signals    knows nothing of Bedrock
//!  app   state, messages, the pure update, effects           knows no clock, terminal or drawing
//!  keys  one action table: keys, help, hints, reasons why not
//!  ui    draws state and snapshot into a buffer              reads only
//! ```

pub mod app;
pub mod keys;
pub mod term;
pub mod ui;
