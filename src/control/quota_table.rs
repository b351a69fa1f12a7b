//! The quotas of models, bucket by bucket: what applies, who said so, what the default is, whether more can be had.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Applies, BucketKind, Catalogue, Metric, Model, RouteInfo, bucket_kind};
use crate::limiter::QuotaLimit;
use crate::record::{ModelId, Region, Route, ScopeKey};

use super::discovery::{ListedQuota, RegionFacts};
use super::quota::{QuotaSource, RouteQuota, quota_of};
use super::routes::PlannedRoute;

/// One quota of one bucket of a model in a Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaCell {
    /// Where.
    pub region: Region,
    /// What has the quota: model or profile id; the word `account` for what all models share.
    pub bucket: ModelId,
    /// Which of the model's buckets; `None`: the account's.
    pub scope: Option<BucketKind>,
    /// What it counts.
    pub metric: Metric,
    /// The value of the bucket.
    pub applied: QuotaLimit,
    /// Who said so.
    pub source: QuotaSource,
    /// The code of its row in Service Quotas, if known.
    pub code: Option<String>,
    /// The name of its row, if known.
    pub name: Option<String>,
    /// What the row itself says: half of `applied` where calls through a profile count double. `None`: not listed.
    pub row_value: Option<f64>,
    /// The published default of the row.
    pub default: Option<f64>,
    /// The year of the default's source.
    pub default_year: Option<u16>,
    /// More can be asked for; `None`: not known.
    pub adjustable: Option<bool>,
    /// It is one of the models or profiles that were named.
    pub named: bool,
    /// When it was read, milliseconds since 1970; `None`: it was not.
    pub read_at_ms: Option<i64>,
}

/// The quotas of `models` (ids, profiles; ARNs of bought or own models have none) in the Regions of `facts`: every bucket
/// that can be called from there, and the account's day. `all`: of every model that the Region lists a quota for.
#[must_use]
pub fn quota_table(
    models: &[String],
    facts: &BTreeMap<Region, RegionFacts>,
    simulated: bool,
    all: bool,
) -> Vec<QuotaCell> {
    let mut cells = Vec::new();
    for (region, facts) in facts {
        let listed = facts.quotas.as_deref().unwrap_or_default();
        for model in wanted(models, listed, all) {
            for info in buckets(region, model) {
                let named = models.iter().any(|given| is_bucket(given, &info.bucket));
                cells.extend(of_bucket(region, info, facts, simulated, named));
            }
        }
        cells.extend(account_day(region, facts, simulated));
    }
    cells
}

/// The models in question, in the order given, each once.
fn wanted(models: &[String], listed: &[ListedQuota], all: bool) -> Vec<&'static Model> {
    let catalogue = Catalogue::embedded();
    let of_rows = listed.iter().filter(|_| all).flat_map(|quota| &quota.meaning.model_ids);
    let mut found: Vec<&Model> = Vec::new();
    for id in models.iter().chain(of_rows) {
        if let Some(model) = catalogue.model(id)
            && !found.iter().any(|known| known.id == model.id)
        {
            found.push(model);
        }
    }
    found
}

/// Every bucket of `model` that a call from `region` can count against.
fn buckets(region: &Region, model: &Model) -> Vec<RouteInfo> {
    let profiles = model.profiles.iter().map(|prefix| format!("{prefix}.{}", model.id));
    let ids = std::iter::once(model.id.clone()).chain(profiles);
    ids.filter_map(|id| Catalogue::embedded().route(region.as_str(), &id).ok()).collect()
}

/// Whether what was given (an id, or an ARN that ends in one) is this bucket.
fn is_bucket(given: &str, bucket: &ModelId) -> bool {
    given == bucket.as_str() || given.rsplit('/').next() == Some(bucket.as_str())
}

fn of_bucket(
    region: &Region,
    info: RouteInfo,
    facts: &RegionFacts,
    simulated: bool,
    named: bool,
) -> impl Iterator<Item = QuotaCell> {
    let planned = PlannedRoute {
        route: Route::new(region.clone(), info.bucket.as_str()),
        key: ScopeKey { region: region.clone(), bucket: info.bucket.clone() },
        kind: info.kind,
        model: info.model,
        provisioned: None,
    };
    let RouteQuota { rpm, tpm, tpd, .. } = quota_of(&planned, Some(facts), simulated);
    let cells = [(Metric::Rpm, rpm), (Metric::Tpm, tpm), (Metric::Tpd, tpd)].map(|(metric, (applied, source))| {
        // What all models share stands in a line of its own.
        let pool = matches!(source, QuotaSource::ServiceQuotas { pool: true, .. });
        let pool = pool || (metric == Metric::Tpd && matches!(source, QuotaSource::Default { .. }));
        (!pool).then(|| cell(region, &info.bucket, metric, applied, source, facts, named))
    });
    cells.into_iter().flatten()
}

fn cell(
    region: &Region,
    bucket: &ModelId,
    metric: Metric,
    applied: QuotaLimit,
    source: QuotaSource,
    facts: &RegionFacts,
    named: bool,
) -> QuotaCell {
    let catalogue = Catalogue::embedded();
    let code = match &source {
        QuotaSource::ServiceQuotas { code, .. } => Some(code.clone()),
        QuotaSource::Default { code, .. } => code.clone(),
        QuotaSource::Absent | QuotaSource::Units => None,
        // Its row is known where it is published, though nobody told its value.
        QuotaSource::Unknown => {
            catalogue.default_quota(region.as_str(), bucket.as_str(), metric).and_then(|row| row.code)
        }
    };
    let listed = listed(facts, code.as_deref());
    let row = code.as_ref().and_then(|code| catalogue.quotas().iter().find(|row| row.code.as_ref() == Some(code)));
    let default = row.and_then(|row| row.default_in(region.as_str()));
    QuotaCell {
        region: region.clone(),
        bucket: bucket.clone(),
        scope: Some(bucket_kind(bucket.as_str())),
        metric,
        applied,
        source,
        name: listed.map(|quota| quota.entry.name.clone()).or_else(|| row.map(|row| row.name.clone())),
        row_value: listed.map(|quota| quota.entry.value),
        default: default.map(|default| default.value),
        default_year: default.map(|default| default.year),
        adjustable: listed.map(|quota| quota.entry.adjustable).or_else(|| row.and_then(|row| row.adjustable)),
        named,
        read_at_ms: listed.map(|_| facts.quotas_at_ms),
        code,
    }
}

fn listed<'f>(facts: &'f RegionFacts, code: Option<&str>) -> Option<&'f ListedQuota> {
    facts.quotas.as_deref().unwrap_or_default().iter().find(|quota| Some(quota.entry.code.as_str()) == code)
}

/// What all models of the account may use in a day.
fn account_day(region: &Region, facts: &RegionFacts, simulated: bool) -> Option<QuotaCell> {
    let row =
        facts.quotas.as_deref().unwrap_or_default().iter().find(|quota| quota.meaning.applies == Applies::Account);
    let default = Catalogue::embedded().default_account_tpd(region.as_str());
    let (applied, source, code) = match (row, &default) {
        (Some(row), _) => {
            let code = row.entry.code.clone();
            let source = QuotaSource::ServiceQuotas { code: code.clone(), pool: true };
            (QuotaLimit::Limit(row.entry.value.round().max(0.0) as u64), source, Some(code))
        }
        (None, Some(default)) if !(simulated && facts.quotas.is_ok()) => {
            let source = QuotaSource::Default { code: default.code.clone(), year: default.as_of };
            (QuotaLimit::Limit(default.value), source, default.code.clone())
        }
        _ => return None,
    };
    let bucket = ModelId::from("account");
    let mut cell = cell(region, &bucket, Metric::Tpd, applied, source, facts, true);
    (cell.scope, cell.code) = (None, code);
    Some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::QuotaEntry;
    use crate::record::{ErrorClass, Failure};

    const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

    fn facts(rows: &[(&str, &str, f64, bool)]) -> BTreeMap<Region, RegionFacts> {
        let quotas = rows.iter().map(|(code, name, value, adjustable)| ListedQuota {
            entry: QuotaEntry { code: (*code).into(), name: (*name).into(), value: *value, adjustable: *adjustable },
            meaning: Catalogue::embedded().match_quota_name(name).unwrap(),
        });
        of(Ok(quotas.collect()))
    }

    fn of(quotas: Result<Vec<ListedQuota>, Failure>) -> BTreeMap<Region, RegionFacts> {
        let facts = RegionFacts { models: Ok(vec![]), profiles: Ok(vec![]), quotas, capacity: vec![], quotas_at_ms: 7 };
        BTreeMap::from([("us-east-1".into(), facts)])
    }

    fn find(cells: &[QuotaCell], scope: Option<BucketKind>, metric: Metric) -> &QuotaCell {
        cells.iter().find(|cell| cell.scope == scope && cell.metric == metric).unwrap()
    }

    #[test]
    fn every_bucket_of_a_model_has_its_rows() {
        let facts = facts(&[
            (
                "L-F4DDD3EB",
                "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4.5 V1",
                4e5,
                true,
            ),
            ("L-E3F10727", "Cross-Model Max Tokens Per Day", 7e8, false),
            ("L-8CE99163", "On-demand model inference tokens per minute for Anthropic Claude 3 Haiku", 1e5, true),
        ]);
        let cells = quota_table(&[SONNET.into()], &facts, false, false);
        let geo = find(&cells, Some(BucketKind::Geo), Metric::Tpm);
        assert_eq!((geo.applied, geo.row_value, geo.default), (QuotaLimit::Limit(400_000), Some(4e5), Some(5e6)));
        assert_eq!((geo.code.as_deref(), geo.adjustable, geo.named), (Some("L-F4DDD3EB"), Some(true), true));
        assert_eq!(geo.read_at_ms, Some(7));
        let global = find(&cells, Some(BucketKind::Global), Metric::Tpm);
        assert!(!global.named && global.source == QuotaSource::Unknown, "no default is published: {global:?}");
        assert!(!cells.iter().any(|cell| cell.scope == Some(BucketKind::Base)), "it cannot be called by its own id");
        let day = find(&cells, None, Metric::Tpd);
        assert_eq!((day.applied, day.adjustable), (QuotaLimit::Limit(700_000_000), Some(false)));
        assert!(!cells.iter().any(|cell| cell.bucket.as_str().contains("haiku")));
        let all = quota_table(&[SONNET.into()], &facts, false, true);
        assert!(all.iter().any(|cell| cell.bucket.as_str().contains("haiku") && !cell.named));
    }

    #[test]
    fn without_service_quotas_the_defaults_stand() {
        let failure = Failure {
            class: ErrorClass::Access,
            code: "AccessDeniedException".into(),
            message: "no".into(),
            status: Some(403),
            retry_after: None,
            maybe_billed: false,
            usage: None,
            text_bytes: 0,
        };
        let cells = quota_table(&[SONNET.into()], &of(Err(failure)), false, false);
        let geo = find(&cells, Some(BucketKind::Geo), Metric::Tpm);
        assert_eq!((geo.applied, geo.read_at_ms), (QuotaLimit::Limit(5_000_000), None));
        assert!(find(&cells, None, Metric::Tpd).source != QuotaSource::Unknown);
    }
}
