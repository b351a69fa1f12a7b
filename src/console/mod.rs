//! The console: what the operator sees and touches.
//!
//! `term` owns the terminal itself (modes, bytes, keys, signals) and knows nothing of Bedrock; `ui` draws into a
//! buffer and knows nothing of the terminal; `app` decides, purely; `keys` is the one table of actions.

pub mod app;
pub mod keys;
pub mod term;
pub mod ui;
