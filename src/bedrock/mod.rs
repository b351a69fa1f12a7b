//! The AWS edge: clients, calls, and what their errors mean.
//!
//! This room owns everything that travels over HTTP on the client's side: who is behind a target ([`Target`]), the SDK
//! clients of each Region ([`Clients`]), one attempt from send to result ([`Call`], [`Attempt`]) and the account's own
//! questions (identity, quotas, models, CountTokens). It is the only room that names an `aws_sdk_*` type. It may not know
//! the engine, the limiter or the simulator: it neither retries nor waits, and it says what happened in the words of
//! [`crate::record`].

mod account;
mod ask;
mod call;
mod classify;
mod clock;
mod connect;
mod converse_events;
mod credentials;
mod exchange;
mod failure;
mod jobs;
mod message;
mod metrics;
mod objects;
mod own_metrics;
mod permissions;
mod probe;
mod provisioned;
mod quota_requests;
mod stream;
mod target;
mod transport;

pub use account::{FoundationModel, Identity, InferenceProfile, ProfileKind, QuotaEntry};
pub use ask::Receipt;
pub use call::{Attempt, Call, Progress, ProgressSink};
pub use connect::{Clients, ConnectError, ConnectionSettings};
pub use jobs::{BatchJob, InvocationType, JobCounts, JobRequest, JobStatus};
pub(crate) use message::one_line;
pub use metrics::{Counts, Invocations, MinuteLatency, ModelMinutes};
pub use objects::{Address, ObjectFacts, ObjectStream, Part};
pub use own_metrics::{MetricUnit, MetricValues};
pub use permissions::{Permission, Probe, Purpose, Trial, permissions, policy};
pub use probe::ModelAccess;
pub use provisioned::{Commitment, NewProvisioned, ProvisionedModel, ProvisionedStatus};
pub use quota_requests::{QuotaRequest, RequestState};
pub use target::{Identified, Resolved, Served, Target, TargetError, identify};
