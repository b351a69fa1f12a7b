//! What is said outside the console: the status line of a run, its summary as text and as JSON, the plan of a dry run.
//!
//! This room only reads snapshots and words them; units are always printed, and whatever came from a simulator says so.

mod need;
mod export;
mod number;
mod plan;
mod status;
mod summary;
mod table;

pub use need::{MetricNeed, Need, need};
pub use export::{Form, export};
pub use number::{count, money, percent, span};
pub use plan::{Plan, ScopePlan, plan};
pub use status::status_line;
pub use summary::{Summary, summary};
pub use table::{Align, table};
