//! The nouns of the product, pure: what the user gave, what was sent for it, what came back.
//!
//! A *record* is what the user gave (exactly one result), a *request* one call made for it, an
//! *attempt* one HTTP exchange. This room knows no clock, no tokio and no AWS; everyone may stand on it.

mod attempt;
mod error;
mod family;
mod minute;
mod minute_report;
mod reconcile;
mod route;
mod spread;
mod units;
mod work;

pub use attempt::{Reply, StreamTiming, Usage, UsageSource};
pub use error::{ErrorClass, Failure, Reach};
pub use family::Family;
pub use minute::MinuteUse;
pub use minute_report::{MinuteReport, RouteReport, ThrottleCause};
pub use reconcile::{Reconciled, UseDifference, reconcile};
pub use route::{ModelId, ProvisionedRoute, Region, Route, ScopeKey};
pub use spread::Spread;
pub use units::{Micros, Tokens, Usd};
pub use work::{Api, Body, FlowId, Priority, Record, RecordId};
