//! The account at one moment: plain data.

use serde::{Deserialize, Serialize};

use crate::bedrock::Identity;
use crate::catalogue::{Applies, BucketKind, Metric};
use crate::record::{Region, Route, ScopeKey};

use super::quota::RouteQuota;

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
    /// What went wrong last, by question; gone once the question is answered.
    pub problems: Vec<ControlProblem>,
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

/// A question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlProblem {
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
