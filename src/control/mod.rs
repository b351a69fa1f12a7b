//! What the account says about itself: who we are, how long the credentials last, which models and profiles each Region
//! offers, which quotas apply.
//!
//! This room owns the questions to the control plane and what follows from the answers: which routes exist
//! ([`expand_routes`]), what limits each of them and who said so ([`quota_of`]), and a snapshot that is kept fresh
//! ([`start`], [`ControlSnapshot`]). It also does what is ordered ([`Desk::perform`]): each order is a workflow over the
//! account, with its client token on disk before the call and its line in the journal after it. It may not know the engine. A question that is not answered stops nothing: the next
//! best source is used, and the reason is part of the answer.

mod account_use;
mod account_watch;
pub mod batch;
mod board;
mod capacity;
mod change;
mod command;
mod day_pool;
mod desk;
mod discovery;
mod doctor;
mod increase;
mod journal;
mod offers;
mod provisioned;
mod provisioned_route;
mod provisioned_watch;
mod publisher;
mod publishing;
mod quota;
mod quota_table;
mod routes;
mod snapshot;
mod tokens;
mod watch;
mod work;

// The nouns of the snapshot and of orders: who reads and gives them needs no other room for them.
pub use crate::bedrock::MinuteLatency;
pub use crate::bedrock::{
    BatchJob, Commitment, InvocationType, JobCounts, JobStatus, NewProvisioned, ProvisionedModel, ProvisionedStatus,
    QuotaRequest, RequestState,
};
pub use account_use::{AccountUse, DayPiece, DayUse, MetricCost, QuotaOffer};
pub use account_watch::read_account;
pub use capacity::{AgreedPrice, Idle, term_price, unit_price};
pub use change::Change;
pub use command::{BatchInput, ControlCommand, NewBatch, Order};
pub use day_pool::{Pool, pools};
pub use desk::{AlsoRead, ControlHandle, ControlSender, Desk, DeskSetup, Progress, start};
pub use discovery::{Discovery, ListedQuota, RegionFacts, discover};
pub use doctor::{Finding, Health, examine};
pub use journal::Journal;
pub use provisioned::{LostReply, is_provisioned_name};
pub use provisioned_route::resolve_provisioned;
pub use publisher::PublishView;
pub use publishing::{Publishing, Reports};
pub use quota::{QuotaSource, RouteQuota, quota_of};
pub use quota_table::{QuotaCell, quota_table};
pub use routes::{Expansion, PlannedRoute, Refusal, expand_routes};
pub use snapshot::{
    ControlProblem, ControlSnapshot, HourlyPrice, JobSlots, JobView, ProvisionedView, Question, QuotaLine, RouteLimits,
    UnitQuota,
};
pub use tokens::{OpenCreate, Tokens};
pub use work::{CheckReport, FetchReport, NotDone, Outcome, Stage, Work};
