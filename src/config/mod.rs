//! Configuration and scenario files: TOML in, checked whole, every error at once with the key, the value, what is
//! allowed and what was probably meant.

mod bindings;
mod file;
mod paths;
mod scenario;
mod strict;

pub use file::{
    Account, Adaptive, Config, Connection, Limits, PriceByHand, ProvisionedPrice, Publish, QuotaByHand, Retry,
    default_text,
};
pub use paths::Paths;
pub use scenario::load_scenario;
pub use strict::ConfigErrors;
