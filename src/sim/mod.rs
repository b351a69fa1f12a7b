//! The Bedrock simulator: HTTP on loopback, wire-exact for the Rust SDK and boto3.
//!
//! It knows nothing of the engine, the limiter or the console, and counts tokens by a rule of its own:
//! what the client believes is thereby tested against somebody else's arithmetic.
//!
//! A request's way: `server` accepts, `call` finds out who wants what where (`route`) and what goes wrong with it
//! (`faults`), `runtime`, `control`, `provisioned`, `jobs`, `quotas`, `sts`, `s3` or
//! `cloudwatch` do it, `reply` and `stream` send it. Jobs run on a thread of their own. The
//! `account` holds the meters, `world` is what all requests share.

mod account;
mod call;
mod check;
mod clock;
mod cloudwatch;
mod constraints;
mod control;
mod demo;
mod errors;
mod faults;
mod increases;
mod jobs;
mod latency;
mod ledger;
mod listing;
mod metrics;
mod objects;
mod page;
mod payload;
mod provisioned;
mod quotas;
mod reply;
mod route;
mod runtime;
mod s3;
mod scenario;
mod server;
mod shape;
mod stream;
mod sts;
mod tags;
mod text;
mod tokens;
mod world;

pub use demo::DEMO_MODEL;
pub use ledger::{BatchLedger, Ledger, ScopeLedger};
pub use route::Operation;
pub use scenario::{
    Commitment, Fault, FaultKind, JobSpec, MeterKind, ProvisionedSpec, QuotaSpec, RegionSpec, Scenario,
    ServiceQuotaSpec, Shape, TenantSpec,
};
pub use server::Simulator;
