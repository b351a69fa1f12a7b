//! What is said of snapshots and of work to be done: the status line of a run and its summary, as text and as JSON, the plan
//! of a dry run, what a workload needs of the quotas, what it costs bought in each way.
//!
//! This room only reads snapshots and words them; units are always printed, and whatever came from a simulator says so.

mod ask;
mod export;
mod need;
mod number;
mod paragraph;
mod plan;
mod scope;
mod status;
mod summary;
mod table;
mod ways;
mod workload;

pub use ask::{Asker, Draft, Verdict, draft, draft_of, metric_word, row_value};
pub use export::{Form, export};
pub use need::{MetricNeed, Need, need};
pub use number::{count, money, percent, span};
pub use paragraph::paragraph;
pub use plan::{Plan, ScopePlan, plan};
pub use status::{StatusWarning, status_json, status_line};
pub use summary::{Summary, summary};
pub use table::{Align, table};
pub use ways::{Shop, UnitOffer, UnitWay, Way, Ways, Work, tier_word, unit_offers, ways, work_of};
pub use workload::{Allowed, By, Demand, Figure, Others, Pace, Replies, Workload};
