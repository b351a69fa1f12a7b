//! The console: what the operator sees and touches.

pub mod app;
pub mod keys;
pub mod term;
pub mod ui;
