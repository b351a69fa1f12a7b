//! Ways of buying the same call, and prices by hand.

use serde::{Deserialize, Serialize};

use crate::record::{Usage, Usd};

use super::{Catalogue, Model, Price, cost};

/// A way of buying a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// On demand.
    Standard,
    /// May be slower, on demand.
    Flex,
    /// Answers before the others, on demand.
    Priority,
    /// As a batch job.
    Batch,
}

impl Tier {
    /// Times the on-demand price (facts §2.7, §2.8): batch is published for all models; flex and priority are "about half" and
    /// "about 75 % more", exact for Nova Pro (0.40 and 1.60, 1.40 and 5.60 USD per million), which is the only model whose
    /// figures are known.
    #[must_use]
    pub const fn factor(self) -> f64 {
        match self {
            Tier::Standard => 1.0,
            Tier::Flex | Tier::Batch => 0.5,
            Tier::Priority => 1.75,
        }
    }

    /// Where the factor comes from.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Tier::Standard => "price list",
            Tier::Batch => "AWS: half of on demand",
            Tier::Flex => "about half, published for Nova Pro alone",
            Tier::Priority => "about 75 % more, published for Nova Pro alone",
        }
    }
}

/// The price of one call of `id`, whose model is `model`, bought as `tier`. `None` if a price that it needs is not known.
#[must_use]
pub fn tier_price(model: &Model, id: &str, usage: &Usage, tier: Tier) -> Option<Usd> {
    cost::price(model, id, usage).map(|price| price.scaled(tier.factor()))
}

/// The price of a model by hand: what was agreed, or what is not published.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceOverride {
    /// Foundation model id, or a profile of it.
    pub model: String,
    /// What it costs, through whichever profile.
    pub price: Price,
}

impl Catalogue {
    /// Puts prices by hand in the place of those of the catalogue.
    ///
    /// # Errors
    /// The ids that name no model.
    pub(super) fn reprice(&mut self, overrides: &[PriceOverride]) -> Result<(), Vec<String>> {
        let mut unknown = Vec::new();
        for PriceOverride { model: id, price } in overrides {
            let index = self.model(id).and_then(|model| self.by_id.get(&model.id)).copied();
            match index.and_then(|index| self.models.get_mut(index)) {
                Some(model) => {
                    model.price = Some(*price);
                    // What was agreed is the whole price.
                    model.profile_surcharge = false;
                }
                None => unknown.push(id.clone()),
            }
        }
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOVA_PRO: &str = "us.amazon.nova-pro-v1:0";
    const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";

    /// Each price by pencil: 2,000,000 tokens in and 500,000 out, USD.
    #[test]
    fn three_models_by_hand() {
        let usage = Usage { input: 2_000_000, output: 500_000, ..Usage::default() };
        for (id, tier, dollars) in [
            // 2 x 0.80 + 0.5 x 3.20; no surcharge on its profiles.
            (NOVA_PRO, Tier::Standard, 3.2),
            // 2 x 0.40 + 0.5 x 1.60, the published flex price.
            (NOVA_PRO, Tier::Flex, 1.6),
            // 2 x 1.40 + 0.5 x 5.60, the published priority price.
            (NOVA_PRO, Tier::Priority, 5.6),
            // 2 x 0.40 + 0.5 x 1.60, the published batch price.
            (NOVA_PRO, Tier::Batch, 1.6),
            // (2 x 3 + 0.5 x 15) x 1.1 for a geographic profile.
            (SONNET, Tier::Standard, 14.85),
            (SONNET, Tier::Flex, 7.425),
            (SONNET, Tier::Priority, 25.9875),
            // (2 x 1.5 + 0.5 x 7.5) x 1.1.
            (SONNET, Tier::Batch, 7.425),
            // 2 x 0.25 + 0.5 x 1.25.
            (HAIKU, Tier::Standard, 1.125),
            (HAIKU, Tier::Flex, 0.5625),
            (HAIKU, Tier::Priority, 1.96875),
            (HAIKU, Tier::Batch, 0.5625),
        ] {
            let model = Catalogue::embedded().model(id).unwrap();
            let price = tier_price(model, id, &usage, tier).unwrap().dollars();
            assert!((price - dollars).abs() < 1e-9, "{id} {tier:?}: {price}, not {dollars}");
        }
    }

    /// The cache: a million read and a million written.
    #[test]
    fn cached_tokens_by_hand() {
        let usage = Usage { cache_read: 1_000_000, cache_write: 1_000_000, ..Usage::default() };
        let sonnet = Catalogue::embedded().model(SONNET).unwrap();
        // (0.30 + 3.75) x 1.1.
        let price = cost::price(sonnet, SONNET, &usage).unwrap().dollars();
        assert!((price - 4.455).abs() < 1e-9, "{price}");
        // Nova reads for 0.20; what a write costs is not published.
        let nova = Catalogue::embedded().model(NOVA_PRO).unwrap();
        let read = Usage { cache_write: 0, ..usage };
        assert_eq!(cost::price(nova, NOVA_PRO, &read).map(Usd::dollars), Some(0.2));
        assert_eq!(cost::price(nova, NOVA_PRO, &usage), None);
    }

    #[test]
    fn a_price_by_hand_takes_the_place_of_the_catalogues() {
        let mut catalogue = Catalogue::parse(include_str!("models.toml")).unwrap();
        let price = Price { input: 2.0, output: 8.0, cache_read: None, cache_write: None, batch: None };
        let by_hand = |model: &str| PriceOverride { model: model.into(), price };
        catalogue.reprice(&[by_hand(SONNET)]).unwrap();
        let million = Usage { input: 1_000_000, output: 1_000_000, ..Usage::default() };
        let sonnet = catalogue.model(SONNET).unwrap();
        assert_eq!(cost::price(sonnet, SONNET, &million).map(Usd::dollars), Some(10.0));
        let unknown = catalogue.reprice(&[by_hand("nobody.nothing"), by_hand(HAIKU)]).unwrap_err();
        assert_eq!(unknown, ["nobody.nothing"]);
        assert_eq!(catalogue.model(HAIKU).unwrap().price, Some(price));
    }
}
