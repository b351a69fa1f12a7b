//! Prices by hand: read out of the configuration, each fault with its place, before anybody looks at the catalogue.

use crate::catalogue::{Catalogue, Price, PriceOverride, base_id};
use crate::config::Config;

use super::problem::Problem;

/// Puts the prices of the configuration in the place of the catalogue's.
///
/// # Errors
/// Everything that is wrong with them.
pub fn embed(config: &Config) -> Result<(), Problem> {
    let (prices, mut errors) = overrides(config);
    errors.extend(units(config));
    if !errors.is_empty() {
        return Err(Problem::usage(errors.join("\n")));
    }
    if prices.is_empty() {
        return Ok(());
    }
    Catalogue::embed_with(&prices).map_err(|errors| Problem::usage(errors.join("\n")))
}

/// The prices per token that can be used, and what is wrong with the others.
fn overrides(config: &Config) -> (Vec<PriceOverride>, Vec<String>) {
    let (mut prices, mut errors) = (Vec::<PriceOverride>::new(), Vec::new());
    for (price, index) in config.price.iter().zip(0..) {
        let id = price.model.escape_debug();
        let (Some(input), Some(output)) = (price.input, price.output) else {
            errors.push(format!("price[{index}] of \"{id}\": needs input and output"));
            continue;
        };
        if price.model.is_empty() {
            errors.push(format!("price[{index}]: needs a model"));
            continue;
        }
        // One price holds for all profiles: of two, one would be silently forgotten.
        let same = |known: &PriceOverride| base_id(&known.model) == base_id(&price.model);
        if let Some(first) = prices.iter().position(same) {
            errors.push(format!("price[{index}].model = \"{id}\": has its price already in price[{first}]"));
        }
        let price_of_it =
            Price { input, output, cache_read: price.cache_read, cache_write: price.cache_write, batch: None };
        prices.push(PriceOverride { model: price.model.clone(), price: price_of_it });
    }
    (prices, errors)
}

/// What is wrong with the prices of model units. Their models may be anybody's own, so names are not judged.
fn units(config: &Config) -> Vec<String> {
    let mut errors = Vec::new();
    for (price, index) in config.provisioned_price.iter().zip(0..) {
        let id = price.model.escape_debug();
        if price.model.is_empty() {
            errors.push(format!("provisioned_price[{index}]: needs a model"));
        }
        if price.usd_per_mu_hour.is_none() {
            errors.push(format!("provisioned_price[{index}] of \"{id}\": needs usd_per_mu_hour"));
        }
        let term = |word: &str| if word.is_empty() { "none" } else { word }.to_owned();
        let before = config.provisioned_price.iter().take(index);
        let same = |known: &crate::config::ProvisionedPrice| {
            known.model == price.model && term(&known.commitment) == term(&price.commitment)
        };
        if let Some(first) = before.clone().position(same) {
            errors.push(format!(
                "provisioned_price[{index}].model = \"{id}\": has its price for {} already in provisioned_price[{first}]",
                term(&price.commitment)
            ));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let config = Config::parse("c.toml", text, |_| Vec::new()).unwrap_or_else(|errors| panic!("{errors}"));
        let mut all = overrides(&config).1;
        all.extend(units(&config));
        all
    }

    #[test]
    fn every_fault_has_its_place() {
        let found = errors(
            r#"
            [[price]]
            model = "amazon.nova-pro-v1:0"
            input = 1
            output = 2
            [[price]]
            model = "us.amazon.nova-pro-v1:0"
            input = 3
            output = 4
            [[price]]
            model = "amazon.nova-lite-v1:0"
            input = 3
            [[price]]
            input = 3
            output = 3
            [[provisioned_price]]
            model = "amazon.nova-pro-v1:0:24k"
            usd_per_mu_hour = 3
            [[provisioned_price]]
            model = "amazon.nova-pro-v1:0:24k"
            commitment = "none"
            usd_per_mu_hour = 4
            [[provisioned_price]]
            model = "amazon.nova-pro-v1:0:24k"
            commitment = "one-month"
            "#,
        );
        assert_eq!(
            found,
            [
                r#"price[1].model = "us.amazon.nova-pro-v1:0": has its price already in price[0]"#,
                r#"price[2] of "amazon.nova-lite-v1:0": needs input and output"#,
                "price[3]: needs a model",
                r#"provisioned_price[1].model = "amazon.nova-pro-v1:0:24k": has its price for none already in provisioned_price[0]"#,
                r#"provisioned_price[2] of "amazon.nova-pro-v1:0:24k": needs usd_per_mu_hour"#,
            ]
        );
    }

    #[test]
    fn prices_of_different_things_stand_beside_each_other() {
        let found = errors(
            r#"
            [[price]]
            model = "amazon.nova-pro-v1:0"
            input = 0
            output = 0
            [[price]]
            model = "amazon.nova-lite-v1:0"
            input = 3
            output = 4
            [[provisioned_price]]
            model = "amazon.nova-pro-v1:0:24k"
            commitment = "one-month"
            usd_per_mu_hour = 3
            [[provisioned_price]]
            model = "amazon.nova-pro-v1:0:24k"
            commitment = "six-months"
            usd_per_mu_hour = 2
            "#,
        );
        assert!(found.is_empty(), "{found:?}");
    }
}
