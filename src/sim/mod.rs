//! The Bedrock simulator: HTTP on loopback, wire-exact for the Rust SDK and boto3.
//!
//! It knows nothing of the engine, the limiter or the console, and counts tokens by a rule of its own:
//! what the client believes is thereby tested against somebody else's arithmetic.

mod scenario;

pub use scenario::{Fault, FaultKind, MeterKind, QuotaSpec, RegionSpec, Scenario, TenantSpec};
