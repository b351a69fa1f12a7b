//! The account at one moment: plain data.

use serde::{Deserialize, Serialize};

use crate::bedrock::{BatchJob, Identity, ProvisionedModel, QuotaRequest};
use crate::catalogue::{Applies, BucketKind, Metric};
use crate::record::{Region, Route, ScopeKey, Usd};

use super::account_use::{AccountUse, MetricCost, QuotaOffer};
use super::change::Change;
use super::publisher::PublishView;
use super::quota::RouteQuota;
use super::quota_table::QuotaCell;
use super::work::Work;

/// Everything known of the account at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ControlSnapshot {
    /// When it was published, milliseconds since 1970.
    pub at_ms: i64,
    /// All of this was made by a simulator.
    pub simulated: bool,
    /// Who we are, once known.
    pub identity: Option<Identity>,
    /// When the credentials end, milliseconds since 1970; `None` if they do not, or if it is not known.
    pub credentials_until_ms: Option<i64>,
    /// What limits each route in use.
    pub limits: Vec<RouteLimits>,
    /// The quotas of the models in use, all buckets, and of the account, by Region and name.
    pub quotas: Vec<QuotaLine>,
    /// The same as a table of buckets, as `quotas list` has it: the models in use, and the account's day.
    pub cells: Vec<QuotaCell>,
    /// What CloudWatch counted at each route in use, by every caller of the account.
    pub account_use: Vec<AccountUse>,
    /// What reading and publishing metrics costs.
    pub metric_cost: MetricCost,
    /// How publishing our own metrics stands; `None`: nothing here could be published.
    #[serde(default)]
    pub publishing: Option<PublishView>,
    /// Quotas that have changed since the session began: offered to the limiter, not imposed.
    pub offers: Vec<QuotaOffer>,
    /// Requests for higher quotas, newest first.
    pub increases: Vec<QuotaRequest>,
    /// When those were last read, milliseconds since 1970; 0: not yet.
    pub increases_read_ms: i64,
    /// What went wrong last, by question; gone once the question is answered.
    pub problems: Vec<ControlProblem>,
    /// The provisioned models of all Regions in use.
    pub provisioned: Vec<ProvisionedView>,
    /// Model units used and allowed, by Region and quota.
    pub unit_quotas: Vec<UnitQuota>,
    /// When the provisioned models of each Region were last read, milliseconds since 1970.
    pub provisioned_read_ms: Vec<(Region, i64)>,
    /// The batch jobs of all Regions in use, newest first.
    pub jobs: Vec<JobView>,
    /// Job slots used and allowed, by Region and model.
    pub job_slots: Vec<JobSlots>,
    /// When the jobs of each Region were last read, milliseconds since 1970.
    pub jobs_read_ms: Vec<(Region, i64)>,
    /// What is being done, and what was done: newest first, bounded.
    pub works: Vec<Work>,
    /// Calls that changed something: newest first, bounded; the whole journal is a file.
    pub changes: Vec<Change>,
    /// The service's time minus ours, milliseconds, from the `Date` of its replies: ages and countdowns of remote things
    /// are computed with it.
    pub clock_offset_ms: i64,
    /// How many times as fast as ours the service's clock runs, where it does not run as ours: its minutes are not ours.
    #[serde(default)]
    pub clock_speed: Option<f64>,
}

/// What a model unit costs per hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HourlyPrice {
    /// Published, or by configuration.
    Known(Usd),
    /// Not published: unknown, never 0.
    Unknown,
}

/// A provisioned model and what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProvisionedView {
    /// What the service tells.
    pub model: ProvisionedModel,
    /// What one of its model units costs per hour under its commitment.
    pub unit_price: HourlyPrice,
    /// Input tokens a minute that its units take, as the catalogue assumes: none are published; `None`: not known.
    pub input_tpm: Option<u64>,
    /// Output tokens a minute that its units give, likewise.
    pub output_tpm: Option<u64>,
    /// Invocations by all callers in the last hour, by CloudWatch; `None`: not known.
    pub last_hour: Option<u64>,
    /// When it was last invoked by anybody, milliseconds since 1970, by CloudWatch; `None`: not within what was looked at.
    pub last_used_ms: Option<i64>,
    /// When CloudWatch said so, milliseconds since 1970: much rarer than the rest is read, since each question costs.
    pub use_read_ms: Option<i64>,
    /// Why `last_hour` is not known, if it was asked for.
    pub use_unknown: Option<String>,
}

/// How many model units a Region allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitQuota {
    /// Where.
    pub region: Region,
    /// Quota code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Units in use.
    pub used: u32,
    /// Units allowed.
    pub allowed: u32,
}

/// A batch job and what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// What the service tells.
    pub job: BatchJob,
    /// Records a minute, from the slope of the last readings; `None`: too early to tell.
    pub per_minute: Option<f64>,
    /// When it will be done at that slope, milliseconds since 1970.
    pub done_at_ms: Option<i64>,
    /// The job that this one resubmits, by its tag.
    pub parent: Option<String>,
    /// Digest of the original input, by its tag: jobs with the same one are generations of one piece of work.
    pub input_digest: Option<String>,
    /// The generation, 1 for the first.
    pub generation: u32,
    /// Submitted by this program on this machine.
    pub ours: bool,
    /// The totals of the manifest, once fetched: input tokens, output tokens.
    pub manifest_tokens: Option<(u64, u64)>,
    /// The most frequent errors of its records, once fetched.
    pub reasons: Vec<(String, u64)>,
    /// The folder to which its results were fetched.
    pub fetched_to: Option<String>,
}

/// How many jobs of a model a Region takes at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSlots {
    /// Where.
    pub region: Region,
    /// Model id.
    pub model: String,
    /// In progress or submitted.
    pub used: u32,
    /// Allowed; `None`: not known.
    pub allowed: Option<u32>,
    /// Jobs of ours that wait here for a slot.
    pub waiting: u32,
}

/// What limits one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteLimits {
    /// The route.
    pub route: Route,
    /// What has the quota behind it.
    pub key: ScopeKey,
    /// The limits and who said so.
    pub quota: RouteQuota,
}

/// One row of the quota table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaLine {
    /// Where.
    pub region: Region,
    /// Quota code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it counts.
    pub metric: Metric,
    /// Which bucket; `None` for the account's quota and for the model's day.
    pub bucket: Option<BucketKind>,
    /// The applied value.
    pub value: f64,
    /// The published default in this Region.
    pub default: Option<f64>,
    /// Whether more can be asked for.
    pub adjustable: bool,
    /// When it was read, milliseconds since 1970.
    pub read_at_ms: i64,
    /// A route in use counts against it.
    pub in_use: bool,
}

/// What is asked of the account, by whom an answer replaces a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Who we are.
    Identity,
    /// Which models a Region offers.
    Models,
    /// Which inference profiles a Region offers.
    Profiles,
    /// Which quotas apply.
    Quotas,
    /// The provisioned models.
    Provisioned,
    /// The batch jobs.
    Jobs,
    /// The account's use, by CloudWatch.
    Use,
    /// The requests for higher quotas.
    Increases,
    /// Not a question: whether the journal of changes and the client tokens can be written.
    Journal,
}

/// A question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlProblem {
    /// Which one.
    pub question: Question,
    /// Where; `None` for questions about the whole account.
    pub region: Option<Region>,
    /// The service's words and the remedy, one line.
    pub message: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// The bucket of a quota, as the table shows it.
pub(super) fn bucket_of(applies: Applies) -> Option<BucketKind> {
    match applies {
        Applies::Bucket(kind) => Some(kind),
        Applies::ModelDay { .. } | Applies::Account => None,
    }
}
