//! Configuration and scenario files: TOML in, checked whole, every error at once with the key, the value, what is
//! allowed and what was probably meant.

mod bindings;
mod effective;
mod file;
mod paths;
mod scenario;
mod settings;
mod strict;

pub use effective::{Effective, Layers, Origin, Said, Source};
pub use file::{
    Account, Adaptive, Config, Connection, ConsoleChoices, Limits, PriceByHand, ProvisionedPrice, Publish, QuotaByHand,
    Retry, WarningChoices, default_text,
};
pub use paths::Paths;
pub use scenario::load_scenario;
pub use settings::{NAMED_SETTINGS, SETTINGS, Setting};
pub use strict::ConfigErrors;
