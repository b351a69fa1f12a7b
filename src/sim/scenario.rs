//! What the simulated account looks like and what goes wrong in it.

use serde::{Deserialize, Serialize};

pub use super::shape::Shape;

/// A scenario file (TOML). All keys are optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// The account id that STS answers with.
    pub account: String,
    /// Same seed, same sizes and latencies.
    pub seed: u64,
    /// Above 1: jobs, provisioning, quota approvals and metric publication run faster. Quotas, latency and faults stay in real time.
    pub speed: f64,
    /// The account's cross-model tokens per day, per Region (L-E3F10727).
    pub tpd: u64,
    /// Median reply, tokens.
    pub output_tokens: f64,
    /// Sigma of the lognormal of the reply's size; cut at `max_tokens`.
    pub output_sigma: f64,
    /// How long after its minute a metric of AWS's own can be seen in CloudWatch, seconds of the service's time (which
    /// runs `speed` times as fast).
    pub metric_delay_s: f64,
    /// Regions that exist; none given: the demo's.
    #[serde(rename = "region")]
    pub regions: Vec<RegionSpec>,
    /// Quotas. Any given: exactly these hold; none: the demo's.
    #[serde(rename = "quota")]
    pub quotas: Vec<QuotaSpec>,
    /// Others on the same account.
    #[serde(rename = "tenant")]
    pub tenants: Vec<TenantSpec>,
    /// What goes wrong, when.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
    /// Service Quotas rows whose value is not the published default: model units, job slots, records per job, ...
    #[serde(rename = "service_quota")]
    pub service_quotas: Vec<ServiceQuotaSpec>,
    /// Provisioned models that exist already.
    pub provisioned: Vec<ProvisionedSpec>,
    /// Batch jobs that somebody has started already.
    #[serde(rename = "job")]
    pub jobs: Vec<JobSpec>,
    /// Share of the records of a batch job that fail for a reason that goes away, 0 to 1.
    pub batch_error_rate: f64,
}

impl Default for Scenario {
    fn default() -> Self {
        Scenario {
            account: "123456789012".into(),
            seed: 7,
            speed: 1.0,
            tpd: 700_000_000,
            output_tokens: 300.0,
            output_sigma: 0.8,
            metric_delay_s: 60.0,
            regions: Vec::new(),
            quotas: Vec::new(),
            tenants: Vec::new(),
            faults: Vec::new(),
            service_quotas: Vec::new(),
            provisioned: Vec::new(),
            jobs: Vec::new(),
            batch_error_rate: 0.0,
        }
    }
}

impl Scenario {
    /// The scenario's own value of a Service Quotas row: the one for this Region before the one for all.
    pub(super) fn service_quota(&self, region: &str, code: &str) -> Option<f64> {
        let own = self.service_quotas.iter().filter(|quota| quota.code == code);
        let here = own.filter(|quota| quota.region.as_deref().is_none_or(|named| named == region));
        here.max_by_key(|quota| quota.region.is_some()).map(|quota| quota.value)
    }

    /// Tenants of the same shape do not move in step.
    pub(super) fn tenant_seed(&self, index: usize) -> u64 {
        self.seed.wrapping_add(index as u64)
    }
}

/// A Region of the scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegionSpec {
    /// Its name.
    pub name: String,
    /// Median time to first token, milliseconds.
    pub ttft_ms: f64,
    /// Generation speed, tokens per second.
    pub tokens_per_second: f64,
}

impl Default for RegionSpec {
    fn default() -> Self {
        RegionSpec { name: "us-east-1".into(), ttft_ms: 400.0, tokens_per_second: 80.0 }
    }
}

/// How a quota is metered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeterKind {
    /// Continuously refilled, initially full.
    #[default]
    Bucket,
    /// A fixed calendar minute.
    Minute,
    /// A sliding 60 s log.
    Sliding,
    /// A bucket of a minute behind one of a second at twice the rate: bunches are refused.
    Guarded,
}

/// A quota of one Region and model or profile id. An absent number is not enforced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaSpec {
    /// Region.
    pub region: String,
    /// Foundation model or profile id.
    pub model: String,
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Tokens per day.
    pub tpd: Option<u64>,
    /// False: enforced, but Service Quotas does not list it.
    pub published: bool,
    /// Part of the reservation that a rejected request burns, 0 to 1.
    pub reject_charge: f64,
    /// How it is metered.
    pub meter: MeterKind,
    /// Bucket capacity, in seconds of the quota's rate.
    pub burst_seconds: f64,
}

impl Default for QuotaSpec {
    fn default() -> Self {
        QuotaSpec {
            region: String::new(),
            model: String::new(),
            rpm: None,
            tpm: None,
            tpd: None,
            published: true,
            reject_charge: 0.0,
            meter: MeterKind::Bucket,
            burst_seconds: 60.0,
        }
    }
}

/// Somebody else on the same account, who uses up quota.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSpec {
    /// Region.
    pub region: String,
    /// Foundation model or profile id.
    pub model: String,
    /// Settled quota tokens per minute, on average.
    pub tokens_per_minute: f64,
    /// How they are spread over time: `steady`, `day`, `bursts`.
    pub shape: Shape,
}

/// The account's value of a Service Quotas row. (The quotas of on-demand inference are [`QuotaSpec`]s.)
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceQuotaSpec {
    /// Quota code, e.g. `L-9C8C5911`.
    pub code: String,
    /// The value.
    pub value: f64,
    /// Region; absent: all.
    pub region: Option<String>,
}

/// How long somebody has bound himself to pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commitment {
    /// By the hour.
    #[default]
    None,
    /// One month.
    OneMonth,
    /// Six months.
    SixMonths,
}

/// A provisioned model that exists already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProvisionedSpec {
    /// Region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Model id with its context variant, e.g. `amazon.nova-pro-v1:0:24k`.
    pub model: String,
    /// Model units.
    pub units: u64,
    /// The commitment.
    pub commitment: Commitment,
    /// How long ago it was bought, hours.
    pub age_hours: f64,
}

impl Default for ProvisionedSpec {
    fn default() -> Self {
        ProvisionedSpec {
            region: String::new(),
            name: String::new(),
            model: String::new(),
            units: 1,
            commitment: Commitment::None,
            age_hours: 0.0,
        }
    }
}

/// A batch job that somebody has started already. Its input lies in S3, and what it has written by now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSpec {
    /// Region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Foundation model or profile id.
    pub model: String,
    /// Records of its input.
    pub records: u64,
    /// How long ago it was submitted, minutes.
    pub age_minutes: f64,
    /// Share of its records that end in an error, 0 to 1.
    pub error_rate: f64,
}

impl Default for JobSpec {
    fn default() -> Self {
        JobSpec {
            region: String::new(),
            name: String::new(),
            model: String::new(),
            records: 1_000,
            age_minutes: 0.0,
            error_rate: 0.0,
        }
    }
}

/// What kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Every call fails with 503 at once.
    Outage,
    /// A share of calls fails with 500 or 503, the others are slow.
    Brownout,
    /// Latency five times as long.
    Latency,
    /// 429 although the quota has room.
    Throttle,
    /// 503 capacity. What CreateProvisionedModelThroughput and CreateModelInvocationJob order is accepted, and fails later.
    Capacity,
    /// 429 ModelNotReadyException.
    NotReady,
    /// The connection is reset before any reply.
    Reset,
    /// The reply (unary) or the stream stops arriving, and the connection stays open.
    Stall,
    /// The stream ends cleanly without its final events; a unary body is cut short.
    Truncate,
    /// An exception event inside the stream.
    StreamError,
    /// A reply that is not what it should be.
    Malformed,
    /// 403 AccessDeniedException.
    Denied,
    /// 403 ExpiredTokenException.
    Expired,
    /// The work is done and charged, then the connection closes without a reply.
    LostReply,
}

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Region; absent: all.
    #[serde(default)]
    pub region: Option<String>,
    /// What.
    pub kind: FaultKind,
    /// Service (`bedrock-runtime`, `bedrock`, `servicequotas`, `sts`, `s3`, `monitoring`); absent: that of `operation`,
    /// else `bedrock-runtime`.
    #[serde(default)]
    pub service: Option<String>,
    /// Operation name; absent: all of the service.
    #[serde(default)]
    pub operation: Option<String>,
    /// Model id; absent: all.
    #[serde(default)]
    pub model: Option<String>,
    /// Start, seconds after the simulator's start.
    #[serde(default)]
    pub at_s: f64,
    /// Length, seconds; absent: for ever.
    #[serde(default)]
    pub for_s: Option<f64>,
    /// Share of the calls concerned, 0 to 1.
    #[serde(default = "all_calls")]
    pub rate: f64,
}

fn all_calls() -> f64 {
    1.0
}
