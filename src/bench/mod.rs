//! The limiter against its rivals, on a virtual clock.

pub mod cell;
pub mod drive;
pub mod policy;
pub mod scenarios;
pub mod score;
pub mod server;
pub mod work;
