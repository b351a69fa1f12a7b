//! The limiter against its rivals, on a virtual clock.

pub mod policy;
