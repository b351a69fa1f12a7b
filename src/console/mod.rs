//! The console: what the operator sees and touches.

pub mod app;
pub mod keys;
