//! What is known of Bedrock before any call is made: models, prices, Service Quotas names and defaults, and the
//! arithmetic of reservation and settlement.
//!
//! All of it is dated data with named sources, embedded in the binary. This room knows no clock, no network and no
//! account: applied quotas, access and what a Region really offers are found out elsewhere.

mod batch;
pub mod cost;
mod id;
mod model;
mod provisioned;
mod quota;
mod quota_name;
mod route;
mod tier;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

pub use batch::BatchLimit;
pub use id::{BucketKind, base_id, bucket_kind};
pub use model::{Model, ModelFamily, Price};
pub use provisioned::{ProvisionedVariant, UnitPrice};
pub use quota::{DefaultQuota, Metric, QuotaDefault, QuotaRow};
pub use quota_name::{Applies, QuotaMeaning, Variant};
pub use route::{RouteError, RouteInfo, RouteKind};
pub use tier::{PriceOverride, Tier, tier_price};

use provisioned::ProvisionedBook;
use quota::QuotaBook;

/// Models, quotas and names, as of one day.
#[derive(Debug, Default)]
pub struct Catalogue {
    as_of: String,
    sources: Vec<String>,
    models: Vec<Model>,
    by_id: HashMap<String, usize>,
    quotas: OnceLock<QuotaBook>,
    provisioned: OnceLock<ProvisionedBook>,
}

/// `models.toml` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    as_of: String,
    sources: Vec<String>,
    #[serde(rename = "model")]
    models: Vec<Model>,
}

static EMBEDDED: OnceLock<Catalogue> = OnceLock::new();

impl Catalogue {
    /// The catalogue that was built in, with prices by hand, from the first call of [`Catalogue::embedded`] on.
    ///
    /// # Errors
    /// The ids that name no model, one line each.
    pub fn embed_with(prices: &[PriceOverride]) -> Result<(), Vec<String>> {
        let mut catalogue = Catalogue::parse(include_str!("models.toml")).unwrap_or_default();
        catalogue.reprice(prices).map_err(|unknown| {
            unknown
                .into_iter()
                .map(|id| format!("price.model = \"{}\": no such model", id.escape_debug()))
                .collect::<Vec<_>>()
        })?;
        EMBEDDED.set(catalogue).map_err(|_| vec!["prices by hand came too late: the catalogue is in use".to_owned()])
    }

    /// The catalogue that was built in, parsed at the first call.
    #[must_use]
    pub fn embedded() -> &'static Catalogue {
        // The file cannot change after the build and a test parses it: a failure here cannot reach a release, and an
        // empty catalogue (every model unknown) is the harmless answer to one that does.
        EMBEDDED.get_or_init(|| Catalogue::parse(include_str!("models.toml")).unwrap_or_default())
    }

    fn parse(models: &str) -> Result<Catalogue, toml::de::Error> {
        let file: ModelFile = toml::from_str(models)?;
        let by_id = file.models.iter().enumerate().map(|(index, model)| (model.id.clone(), index)).collect();
        Ok(Catalogue { as_of: file.as_of, sources: file.sources, models: file.models, by_id, ..Catalogue::default() })
    }

    /// The day (`YYYY-MM-DD`) on which the data was gathered.
    #[must_use]
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// Where the data comes from, one readable line each.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// All models, grouped by provider.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model behind a foundation model id, a profile id of any prefix, a context variant (`...:0:200k`), or the
    /// ARN of a foundation model or of a system-defined inference profile. `None` if it is not in the catalogue, and
    /// for ARNs that do not tell their model (application profiles, provisioned models).
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        let base = base_id(id);
        // The context variants of `amazon.titan-text-express-v1` are `...-v1:0:8k`.
        let index = self.by_id.get(base).or_else(|| self.by_id.get(base.strip_suffix(":0")?))?;
        self.models.get(*index)
    }

    /// Every Service Quotas row known, in the order of the file.
    #[must_use]
    pub fn quotas(&self) -> &[QuotaRow] {
        self.quota_book().rows()
    }

    /// What a Service Quotas name says about requests or tokens of on-demand inference, in any of the spellings used
    /// since 2025. `None` for every other quota and for models that are in no row and not in this catalogue.
    #[must_use]
    pub fn match_quota_name(&self, name: &str) -> Option<QuotaMeaning> {
        self.quota_book().meaning(name)
    }

    /// The published default of the quota that a call of `id` in `region` counts against. Of several sources the
    /// newest year wins, then the most specific Region. `None` if no default is published: the quota may still exist.
    ///
    /// The quota applied to an account may be lower (new accounts) or higher.
    #[must_use]
    pub fn default_quota(&self, region: &str, id: &str, metric: Metric) -> Option<DefaultQuota> {
        self.quota_book().default_for(region, self.model(id).map_or(base_id(id), |m| &m.id), bucket_kind(id), metric)
    }

    /// The tokens per day that all models of an account share in each Region, since 21 September 2026 (L-E3F10727).
    #[must_use]
    pub fn default_account_tpd(&self, region: &str) -> Option<DefaultQuota> {
        self.quota_book().account_tpd(region)
    }

    fn quota_book(&self) -> &QuotaBook {
        self.quotas.get_or_init(|| QuotaBook::parse(include_str!("quotas.json"), &self.models).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
