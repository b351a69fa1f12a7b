//! The rows of Service Quotas and their published defaults.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::quota_name::{self, Applies, QuotaMeaning, Variant};
use super::{BucketKind, Model};

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Requests per minute.
    Rpm,
    /// Tokens per minute.
    Tpm,
    /// Tokens per day.
    Tpd,
}

/// A row of Service Quotas (service code `bedrock`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct QuotaRow {
    /// Quota code; `None`: published without one.
    pub code: Option<String>,
    /// Quota name, as Service Quotas prints it.
    pub name: String,
    /// An increase can be requested; `None`: not known.
    pub adjustable: Option<bool>,
    /// `on-demand`, `cross-region`, `global-cross-region`, `model-day`, `account`, `batch`, `provisioned`, ...
    pub scope: Option<String>,
    /// `rpm`, `tpm`, `tpd`, `concurrent_jobs`, `records_per_job`, `model_units`, ...
    pub metric: Option<String>,
    /// The model's name in the quota name.
    pub model: Option<String>,
    /// The foundation models concerned, where they are known.
    pub model_ids: Vec<String>,
    /// Published defaults.
    pub defaults: Vec<QuotaDefault>,
}

/// One published default of a quota.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct QuotaDefault {
    /// A Region, `*` (each supported), `other` (each that is not listed) or `unstated` (the source names none).
    pub region: String,
    /// The default.
    pub value: f64,
    /// The year of the source.
    pub year: u16,
}

/// The default of a quota, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultQuota {
    /// Requests or tokens per minute, or tokens per day.
    pub value: u64,
    /// Quota code.
    pub code: Option<String>,
    /// Quota name.
    pub name: String,
    /// An increase can be requested; `None`: not known.
    pub adjustable: Option<bool>,
    /// The year of the source.
    pub as_of: u16,
}

impl QuotaRow {
    /// The published default in `region`: the newest year, then the most specific statement.
    #[must_use]
    pub fn default_in(&self, region: &str) -> Option<&QuotaDefault> {
        let specific = |stated: &str| match stated {
            _ if stated == region => Some(3),
            "*" => Some(2),
            "other" => Some(1),
            "unstated" => Some(0),
            _ => None,
        };
        let rank = |default: &&QuotaDefault| (default.year, specific(&default.region));
        self.defaults.iter().filter(|default| specific(&default.region).is_some()).max_by_key(rank)
    }
}

/// `quotas.json` as it is written.
#[derive(Deserialize)]
struct QuotaFile {
    rows: Vec<QuotaRow>,
}

/// The rows with what their names mean.
#[derive(Debug, Default)]
pub(super) struct QuotaBook {
    rows: Vec<QuotaRow>,
    /// Foundation models by the name that Service Quotas gives them, normalised.
    ids_by_name: HashMap<String, Vec<String>>,
    /// Rows of standard on-demand inference by model, with the factor by which the value counts.
    by_bucket: HashMap<(String, BucketKind, Metric), Vec<(usize, u64)>>,
    account_tpd: Option<usize>,
}

impl QuotaBook {
    pub fn parse(json: &str, models: &[Model]) -> Result<QuotaBook, serde_json::Error> {
        let file: QuotaFile = serde_json::from_str(json)?;
        let mut book = QuotaBook { rows: file.rows, ..QuotaBook::default() };
        book.learn_names(models);
        for index in 0..book.rows.len() {
            let Some(meaning) = book.meaning(&book.rows[index].name) else { continue };
            if meaning.applies == Applies::Account {
                book.account_tpd = Some(index);
            }
            for kind in [BucketKind::Base, BucketKind::Geo, BucketKind::Global] {
                let Some(factor) = meaning.factor(kind) else { continue };
                for id in &meaning.model_ids {
                    book.by_bucket.entry((id.clone(), kind, meaning.metric)).or_default().push((index, factor));
                }
            }
        }
        Ok(book)
    }

    fn learn_names(&mut self, models: &[Model]) {
        let of_models = models.iter().flat_map(|model| model.quota_names.iter().map(|name| (name, Some(&model.id))));
        let of_rows = self.rows.iter().filter(|row| matches!(row.metric.as_deref(), Some("rpm" | "tpm" | "tpd")));
        let of_rows = of_rows.flat_map(|row| {
            let name = row.model.iter();
            // A name without ids is still a name that Service Quotas uses. Custom deployments carry variants' ids.
            let ids = if row.scope.as_deref() == Some("custom-model-deployment") { &[][..] } else { &row.model_ids };
            name.flat_map(move |name| std::iter::once((name, None)).chain(ids.iter().map(move |id| (name, Some(id)))))
        });
        for (name, id) in of_models.chain(of_rows) {
            let ids = self.ids_by_name.entry(quota_name::normalised(name)).or_default();
            if let Some(id) = id
                && !ids.contains(id)
            {
                ids.push(id.clone());
            }
        }
    }

    pub fn rows(&self) -> &[QuotaRow] {
        &self.rows
    }

    pub fn meaning(&self, name: &str) -> Option<QuotaMeaning> {
        let parsed = quota_name::parse(name)?;
        let model_ids = match (parsed.applies, parsed.variant) {
            (Applies::Account, _) => Vec::new(),
            // These have buckets of their own, which no model id names.
            (_, Variant::LongContext | Variant::LatencyOptimized) => {
                self.ids_by_name.get(&quota_name::normalised(&parsed.model))?;
                Vec::new()
            }
            (_, Variant::Standard) => self.ids_by_name.get(&quota_name::normalised(&parsed.model))?.clone(),
        };
        Some(QuotaMeaning { model_ids, ..parsed })
    }

    pub fn default_for(&self, region: &str, id: &str, kind: BucketKind, metric: Metric) -> Option<DefaultQuota> {
        let rows = self.by_bucket.get(&(id.to_owned(), kind, metric))?;
        rows.iter().find_map(|&(index, factor)| self.default_of(index, region, factor))
    }

    pub fn account_tpd(&self, region: &str) -> Option<DefaultQuota> {
        self.default_of(self.account_tpd?, region, 1)
    }

    fn default_of(&self, index: usize, region: &str, factor: u64) -> Option<DefaultQuota> {
        let row = self.rows.get(index)?;
        let default = row.default_in(region)?;
        Some(DefaultQuota {
            value: (default.value.max(0.0) as u64).saturating_mul(factor),
            code: row.code.clone(),
            name: row.name.clone(),
            adjustable: row.adjustable,
            as_of: default.year,
        })
    }
}
