//! What provisioned throughput can be bought for: variants, capacity and price of a model unit.
//!
//! The capacities are assumptions, because none are published: `provisioned.toml` says how they were made.

use std::collections::HashMap;

use serde::Deserialize;

use super::id::parts;
use super::{Catalogue, Model};

/// A model in the form in which throughput can be bought for it: with a context length.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvisionedVariant {
    /// What CreateProvisionedModelThroughput takes as `modelId`, e.g. `amazon.nova-pro-v1:0:24k`.
    pub id: String,
    /// Id of the foundation model behind it.
    pub model: String,
    /// Code of its row in Service Quotas: model units with commitment.
    pub quota: String,
    /// Input tokens per minute of one model unit. Assumed.
    pub input_tpm: u64,
    /// Output tokens per minute of one model unit. Assumed.
    pub output_tpm: u64,
    /// Price of a model unit; `None`: not published.
    #[serde(default)]
    pub price: Option<UnitPrice>,
}

impl ProvisionedVariant {
    /// The context length as it is written in the id: `24k`.
    #[must_use]
    pub fn context(&self) -> &str {
        self.id.rsplit(':').next().unwrap_or_default()
    }
}

/// USD per model unit and hour in one Region. An absent term has no published price.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitPrice {
    /// The Region of the publication; others may differ.
    pub region: String,
    /// Without commitment.
    #[serde(default)]
    pub no_commitment: Option<f64>,
    /// Committed for a month.
    #[serde(default)]
    pub one_month: Option<f64>,
    /// Committed for six months.
    #[serde(default)]
    pub six_months: Option<f64>,
}

/// `provisioned.toml` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    as_of: String,
    sources: Vec<String>,
    #[serde(rename = "variant")]
    variants: Vec<ProvisionedVariant>,
}

/// The variants, as of one day.
#[derive(Debug, Default)]
pub(super) struct ProvisionedBook {
    as_of: String,
    sources: Vec<String>,
    variants: Vec<ProvisionedVariant>,
    by_id: HashMap<String, usize>,
}

impl ProvisionedBook {
    fn parse(text: &str) -> Result<ProvisionedBook, toml::de::Error> {
        let File { as_of, sources, variants } = toml::from_str(text)?;
        let by_id = variants.iter().enumerate().map(|(index, variant)| (variant.id.clone(), index)).collect();
        Ok(ProvisionedBook { as_of, sources, variants, by_id })
    }
}

impl Catalogue {
    /// Everything that throughput can be bought for, as far as it is known.
    #[must_use]
    pub fn provisioned(&self) -> &[ProvisionedVariant] {
        &self.provisioned_book().variants
    }

    /// The variant of this id, or of a foundation model ARN that ends in it (`...::foundation-model/...:24k`), which is
    /// how Get and List name it. `None` for models without a variant: their throughput cannot be bought.
    #[must_use]
    pub fn provisioned_variant(&self, id: &str) -> Option<&ProvisionedVariant> {
        let book = self.provisioned_book();
        let parts = parts(id)?;
        let foreign = parts.arn.is_some_and(|arn| arn.resource != "foundation-model");
        let own = if foreign { None } else { id.rsplit('/').next() };
        book.variants.get(*book.by_id.get(own?)?)
    }

    /// The variants of a foundation model, the shortest context first.
    pub fn provisioned_variants_of<'c>(&'c self, model: &'c Model) -> impl Iterator<Item = &'c ProvisionedVariant> {
        self.provisioned().iter().filter(move |variant| variant.model == model.id)
    }

    /// The day (`YYYY-MM-DD`) and the sources of the data on provisioned throughput, the assumptions among them.
    #[must_use]
    pub fn provisioned_sources(&self) -> (&str, &[String]) {
        let book = self.provisioned_book();
        (&book.as_of, &book.sources)
    }

    fn provisioned_book(&self) -> &ProvisionedBook {
        self.provisioned.get_or_init(|| ProvisionedBook::parse(include_str!("provisioned.toml")).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_sound() {
        let book = ProvisionedBook::parse(include_str!("provisioned.toml")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(book.by_id.len(), book.variants.len(), "a variant is listed twice");
        let catalogue = Catalogue::embedded();
        for variant in catalogue.provisioned() {
            let id = &variant.id;
            let model = catalogue.model(id).unwrap_or_else(|| panic!("{id}: no such model"));
            assert_eq!(model.id, variant.model, "{id}");
            assert!(catalogue.provisioned_variants_of(model).any(|known| known == variant), "{id}");
            assert!(variant.input_tpm > variant.output_tpm && variant.output_tpm > 0, "{id}");
            let row = catalogue.quotas().iter().find(|row| row.code.as_deref() == Some(&variant.quota));
            let row = row.unwrap_or_else(|| panic!("{id}: no quota {}", variant.quota));
            assert_eq!(row.metric.as_deref(), Some("model_units"), "{id}");
            let context = variant.context().to_lowercase();
            // The rows of Llama name no context: there is one variant of each.
            let named = row.name.to_lowercase().contains(&context) || id.starts_with("meta.");
            assert!(named, "{id}: {}", row.name);
            assert_eq!(row.default_in("us-east-1").map(|default| default.value), Some(0.0), "{id}");
        }
    }

    #[test]
    fn variants_are_found_by_id_and_by_arn() {
        let catalogue = Catalogue::embedded();
        let pro = catalogue.provisioned_variant("amazon.nova-pro-v1:0:24k").unwrap();
        assert_eq!((pro.context(), pro.model.as_str()), ("24k", "amazon.nova-pro-v1:0"));
        let arn = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0:24k";
        assert_eq!(catalogue.provisioned_variant(arn), Some(pro));
        for other in [
            "amazon.nova-pro-v1:0",
            "us.amazon.nova-pro-v1:0:24k",
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/amazon.nova-pro-v1:0:24k",
            "",
        ] {
            assert_eq!(catalogue.provisioned_variant(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_not_published_has_no_price() {
        let catalogue = Catalogue::embedded();
        let price = |id: &str| catalogue.provisioned_variant(id).unwrap().price.clone();
        let claude = price("anthropic.claude-v2:1:18k").unwrap();
        assert_eq!((claude.no_commitment, claude.one_month, claude.six_months), (None, Some(63.0), Some(35.0)));
        assert_eq!(price("amazon.nova-pro-v1:0:24k"), None);
        assert!(catalogue.provisioned_sources().1.iter().any(|source| source.starts_with("Assumption")));
    }
}
