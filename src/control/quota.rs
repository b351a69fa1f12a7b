//! What limits a route, and who said so.

use serde::{Deserialize, Serialize};

use crate::catalogue::{Applies, BucketKind, Catalogue, Metric, RouteKind, base_id, bucket_kind};
use crate::limiter::{QuotaLimit, ScopeQuota};
use crate::record::{ModelId, ProvisionedRoute, Region};

use super::discovery::{ListedQuota, RegionFacts};
use super::routes::PlannedRoute;

/// Where a number came from, best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum QuotaSource {
    /// Service Quotas: applied to this account. `pool`: shared by all models of the Region.
    ServiceQuotas {
        /// Quota code.
        code: String,
        /// Shared by all models.
        pool: bool,
    },
    /// The published default.
    Default {
        /// Quota code, where it is published.
        code: Option<String>,
        /// The year of the source.
        year: u16,
    },
    /// Of the model units that were bought: as the catalogue assumes, for none is published.
    Units,
    /// There is no such quota here.
    Absent,
    /// Nobody told: the limiter finds it.
    Unknown,
}

impl QuotaSource {
    /// The source in a word or two.
    fn word(&self) -> String {
        match self {
            QuotaSource::ServiceQuotas { .. } => "service quotas".to_owned(),
            QuotaSource::Default { year, .. } => format!("default of {year}"),
            QuotaSource::Units => "model units (assumed)".to_owned(),
            QuotaSource::Absent => "no quota".to_owned(),
            QuotaSource::Unknown => "unknown".to_owned(),
        }
    }

    /// What tells this number from others of the same source.
    fn detail(&self) -> Option<String> {
        match self {
            QuotaSource::ServiceQuotas { code, pool: true } => Some(format!("{code} of all models")),
            QuotaSource::ServiceQuotas { code, pool: false } | QuotaSource::Default { code: Some(code), .. } => {
                Some(code.clone())
            }
            _ => None,
        }
    }
}

/// What limits a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteQuota {
    /// Requests per minute.
    pub rpm: (QuotaLimit, QuotaSource),
    /// Quota tokens per minute.
    pub tpm: (QuotaLimit, QuotaSource),
    /// Quota tokens per day.
    pub tpd: (QuotaLimit, QuotaSource),
    /// Quota tokens that one output token settles at.
    pub burndown: u32,
    /// Why Service Quotas could not be asked, if it could not.
    pub problem: Option<String>,
}

impl RouteQuota {
    /// As the limiter takes it.
    #[must_use]
    pub fn scope_quota(&self) -> ScopeQuota {
        ScopeQuota { rpm: self.rpm.0, tpm: self.tpm.0, tpd: self.tpd.0, burndown: self.burndown }
    }

    /// One line: where each number came from, with codes: `service quotas: TPM L-..., TPD L-...; no quota: RPM`.
    #[must_use]
    pub fn source(&self) -> String {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for (metric, (_, source)) in [("RPM", &self.rpm), ("TPM", &self.tpm), ("TPD", &self.tpd)] {
            let item = source.detail().map_or(metric.to_owned(), |detail| format!("{metric} {detail}"));
            match groups.iter_mut().find(|(word, _)| *word == source.word()) {
                Some((_, items)) => items.push(item),
                None => groups.push((source.word(), vec![item])),
            }
        }
        let groups: Vec<_> = groups.into_iter().map(|(word, items)| format!("{word}: {}", items.join(", "))).collect();
        let mut line = groups.join("; ");
        if let Some(problem) = &self.problem {
            line.push_str(&format!(" ({problem})"));
        }
        line
    }
}

/// What limits `planned`: for each number Service Quotas, else the published default, else unknown.
///
/// The service lists every quota of a model that it knows. So a model with listed quotas but without one for requests
/// has none for requests: [`QuotaLimit::Absent`], as the newest Claude models. A simulator's quotas are what its scenario
/// says and nothing else: the published defaults of AWS do not speak for it.
#[must_use]
pub fn quota_of(planned: &PlannedRoute, facts: Option<&RegionFacts>, simulated: bool) -> RouteQuota {
    if let Some(bought) = &planned.provisioned {
        return of_units(bought);
    }
    let question = Question {
        region: &planned.key.region,
        bucket: &planned.key.bucket,
        kind: planned.kind,
        rpm_exists: planned.model.is_none_or(|model| model.rpm_quota),
        listed: facts.and_then(|facts| facts.quotas.as_deref().ok()),
        simulated,
    };
    RouteQuota {
        rpm: question.answer(Metric::Rpm),
        tpm: question.answer(Metric::Tpm),
        tpd: question.answer(Metric::Tpd),
        burndown: planned.model.map_or(1, |model| model.burndown),
        problem: facts.and_then(|facts| facts.quotas.as_ref().err()).map(|failure| failure.message.clone()),
    }
}

/// Capacity that was bought counts tokens only, input and output apart; this is the input.
fn of_units(bought: &ProvisionedRoute) -> RouteQuota {
    let absent = (QuotaLimit::Absent, QuotaSource::Absent);
    let unknown = (QuotaLimit::Unknown, QuotaSource::Unknown);
    RouteQuota {
        rpm: absent.clone(),
        tpm: bought.input_tpm.map_or(unknown, |tpm| (QuotaLimit::Limit(tpm), QuotaSource::Units)),
        tpd: absent,
        burndown: 1,
        problem: None,
    }
}

struct Question<'a> {
    region: &'a Region,
    bucket: &'a ModelId,
    kind: RouteKind,
    rpm_exists: bool,
    listed: Option<&'a [ListedQuota]>,
    simulated: bool,
}

impl Question<'_> {
    fn answer(&self, metric: Metric) -> (QuotaLimit, QuotaSource) {
        self.applied(metric)
            .or_else(|| self.absent(metric))
            .or_else(|| self.default(metric))
            .unwrap_or((QuotaLimit::Unknown, QuotaSource::Unknown))
    }

    /// On-demand quotas do not hold for capacity that was bought, nor for models of one's own.
    fn on_demand(&self) -> bool {
        !matches!(self.kind, RouteKind::Provisioned | RouteKind::Custom)
    }

    fn bucket_kind(&self) -> BucketKind {
        bucket_kind(self.bucket.as_str())
    }

    /// The listed quotas of this bucket, with the factor by which their value counts for it.
    fn of_bucket(&self) -> impl Iterator<Item = (&ListedQuota, u64)> {
        let base = base_id(self.bucket.as_str());
        let base = Catalogue::embedded().model(base).map_or(base, |model| model.id.as_str());
        let kind = self.bucket_kind();
        self.listed.unwrap_or_default().iter().filter_map(move |quota| {
            let factor = quota.meaning.factor(kind)?;
            quota.meaning.model_ids.iter().any(|id| id == base).then_some((quota, factor))
        })
    }

    fn applied(&self, metric: Metric) -> Option<(QuotaLimit, QuotaSource)> {
        if !self.on_demand() {
            return None;
        }
        let own = self.of_bucket().filter(|(quota, _)| quota.meaning.metric == metric);
        let pool = self.listed.unwrap_or_default().iter();
        let pool = pool.filter(|quota| quota.meaning.applies == Applies::Account && quota.meaning.metric == metric);
        let own = own.map(|(quota, factor)| (quota, factor, false));
        let all = own.chain(pool.map(|quota| (quota, 1, true)));
        // Where both the model and the account have a day, the smaller one binds.
        let (quota, factor, pool) =
            all.min_by_key(|(quota, factor, _)| whole(quota.entry.value).saturating_mul(*factor))?;
        let limit = QuotaLimit::Limit(whole(quota.entry.value).saturating_mul(factor));
        Some((limit, QuotaSource::ServiceQuotas { code: quota.entry.code.clone(), pool }))
    }

    fn absent(&self, metric: Metric) -> Option<(QuotaLimit, QuotaSource)> {
        let absent = match metric {
            _ if !self.on_demand() => metric == Metric::Tpd,
            Metric::Rpm => !self.rpm_exists || self.of_bucket().next().is_some(),
            Metric::Tpm => false,
            Metric::Tpd => self.of_bucket().next().is_some(),
        };
        absent.then_some((QuotaLimit::Absent, QuotaSource::Absent))
    }

    fn default(&self, metric: Metric) -> Option<(QuotaLimit, QuotaSource)> {
        if !self.on_demand() || (self.simulated && self.listed.is_some()) {
            return None;
        }
        let catalogue = Catalogue::embedded();
        let own = || catalogue.default_quota(self.region.as_str(), self.bucket.as_str(), metric);
        let found = match metric {
            // The models' own days gave way to the account's in September 2026.
            Metric::Tpd => catalogue.default_account_tpd(self.region.as_str()).or_else(own),
            Metric::Rpm | Metric::Tpm => own(),
        }?;
        Some((QuotaLimit::Limit(found.value), QuotaSource::Default { code: found.code, year: found.as_of }))
    }
}

/// Quotas are whole numbers, written as floats.
fn whole(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::QuotaEntry;
    use crate::record::{ErrorClass, Failure, Route, ScopeKey};

    const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";

    fn planned(id: &str) -> PlannedRoute {
        let info = Catalogue::embedded().route("us-east-1", id).unwrap();
        PlannedRoute {
            route: Route::new("us-east-1", id),
            key: ScopeKey { region: "us-east-1".into(), bucket: info.bucket },
            kind: info.kind,
            model: info.model,
            provisioned: None,
        }
    }

    fn facts(rows: &[(&str, &str, f64)]) -> RegionFacts {
        let quotas = rows.iter().map(|(code, name, value)| ListedQuota {
            entry: QuotaEntry { code: (*code).into(), name: (*name).into(), value: *value, adjustable: true },
            meaning: Catalogue::embedded().match_quota_name(name).unwrap(),
        });
        RegionFacts {
            models: Ok(vec![]),
            profiles: Ok(vec![]),
            quotas: Ok(quotas.collect()),
            capacity: vec![],
            quotas_at_ms: 0,
        }
    }

    fn denied() -> RegionFacts {
        let failure = Failure {
            class: ErrorClass::Access,
            code: "AccessDeniedException".into(),
            message: "ListServiceQuotas: not authorized (allow servicequotas:ListServiceQuotas)".into(),
            status: Some(403),
            retry_after: None,
            maybe_billed: false,
            usage: None,
            text_bytes: 0,
        };
        RegionFacts {
            models: Ok(vec![]),
            profiles: Ok(vec![]),
            quotas: Err(failure),
            capacity: vec![],
            quotas_at_ms: 0,
        }
    }

    const ROWS: [(&str, &str, f64); 6] = [
        ("L-A", "On-demand model inference requests per minute for Anthropic Claude 3 Haiku", 1_000.0),
        ("L-B", "On-demand InvokeModel tokens per minute for Anthropic Claude 3 Haiku", 2_000_000.0),
        ("L-C", "Cross-Region model inference tokens per minute for Anthropic Claude 3 Haiku", 4_000_000.0),
        (
            "L-D",
            "Model invocation max tokens per day for Anthropic Claude 3 Haiku (doubled for cross-region calls)",
            9e9,
        ),
        ("L-E", "Global cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1", 7.0),
        (
            "L-F",
            "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4 V1 1M Context Length",
            3.0,
        ),
    ];

    #[test]
    fn listed_quotas_go_to_their_own_bucket() {
        let facts = facts(&ROWS);
        let base = quota_of(&planned(HAIKU), Some(&facts), false);
        assert_eq!((base.rpm.0, base.tpm.0), (QuotaLimit::Limit(1_000), QuotaLimit::Limit(2_000_000)));
        assert_eq!(base.tpd.0, QuotaLimit::Limit(9_000_000_000));
        assert_eq!(base.source(), "service quotas: RPM L-A, TPM L-B, TPD L-D");
        let geo = quota_of(&planned(&format!("us.{HAIKU}")), Some(&facts), false);
        // Listed for tokens and not for requests: there is no such quota. The day counts double.
        assert_eq!((geo.rpm.0, geo.tpm.0), (QuotaLimit::Absent, QuotaLimit::Limit(4_000_000)));
        assert_eq!(geo.tpd.0, QuotaLimit::Limit(18_000_000_000));
        assert_eq!(geo.source(), "no quota: RPM; service quotas: TPM L-C, TPD L-D");
    }

    #[test]
    fn the_accounts_day_binds_where_it_is_smaller() {
        let mut rows = ROWS.to_vec();
        rows.push(("L-E3F10727", "Cross-Model Max Tokens Per Day", 700e6));
        let quota = quota_of(&planned(HAIKU), Some(&facts(&rows)), false);
        assert_eq!(quota.tpd.0, QuotaLimit::Limit(700_000_000));
        assert!(quota.source().ends_with("TPD L-E3F10727 of all models"), "{}", quota.source());
    }

    #[test]
    fn a_quota_of_zero_is_a_quota() {
        let rows = [("L-B", "On-demand model inference tokens per minute for Anthropic Claude 3 Haiku", 0.0)];
        assert_eq!(quota_of(&planned(HAIKU), Some(&facts(&rows)), false).tpm.0, QuotaLimit::Limit(0));
    }

    #[test]
    fn without_permission_the_default_is_used_and_says_why() {
        let quota = quota_of(&planned(HAIKU), Some(&denied()), false);
        assert_eq!((quota.rpm.0, quota.tpm.0), (QuotaLimit::Limit(1_000), QuotaLimit::Limit(2_000_000)));
        let source = quota.source();
        assert!(source.starts_with("default of 2025: RPM L-2DC80978, TPM L-8CE99163; "), "{source}");
        assert!(source.ends_with("(allow servicequotas:ListServiceQuotas))"), "{source}");
        // The newest models have no quota for requests.
        let newest = quota_of(&planned("anthropic.claude-sonnet-5"), Some(&denied()), false);
        assert_eq!(newest.rpm, (QuotaLimit::Absent, QuotaSource::Absent));
        assert_eq!(newest.burndown, 10);
    }

    #[test]
    fn a_simulators_scenario_is_all_there_is() {
        let other = [("L-B", "On-demand model inference tokens per minute for Amazon Nova Lite", 5.0)];
        let quota = quota_of(&planned(HAIKU), Some(&facts(&other)), true);
        assert_eq!((quota.rpm.0, quota.tpm.0), (QuotaLimit::Unknown, QuotaLimit::Unknown));
        let quota = quota_of(&planned(HAIKU), Some(&facts(&other)), false);
        assert_eq!(quota.tpm.0, QuotaLimit::Limit(2_000_000));
    }

    #[test]
    fn bought_capacity_has_no_on_demand_quotas() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl";
        let quota = quota_of(&planned(arn), Some(&facts(&ROWS)), false);
        assert_eq!((quota.tpm.0, quota.tpd.0), (QuotaLimit::Unknown, QuotaLimit::Absent));
    }
}
