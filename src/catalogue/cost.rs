//! What a request costs: quota tokens and money.

use crate::record::{Tokens, Usage, Usd};

use super::{BucketKind, Model, bucket_kind};

/// Quota tokens reserved at admission: `input + cache read + cache write + max_tokens`, without burndown
/// (facts §2.2.1). When a request sets no limit, `max_tokens` is the model's `default_max_output`.
#[must_use]
pub fn reserve(usage_in: u64, cache_read: u64, cache_write: u64, max_tokens: u64) -> Tokens {
    [usage_in, cache_read, cache_write, max_tokens].into_iter().map(Tokens).sum()
}

/// Quota tokens charged in the end: `input + cache write + output x burndown`; cache reads are free (facts §2.2.3).
#[must_use]
pub fn settle(usage: &Usage, burndown: u32) -> Tokens {
    Tokens(usage.input) + Tokens(usage.cache_write) + Tokens(usage.output).times(burndown)
}

/// The price of one on-demand call of `id`, whose model is `model`. `None` if a price that it needs is not known.
/// Cache writes count at the five-minute price.
#[must_use]
pub fn price(model: &Model, id: &str, usage: &Usage) -> Option<Usd> {
    let price = model.price.as_ref()?;
    let factor = surcharge(model, id);
    let part = |rate: f64, tokens: u64| Usd::per_million(rate * factor, tokens);
    let cached = |rate: Option<f64>, tokens: u64| match (rate, tokens) {
        (_, 0) => Some(Usd::ZERO),
        (rate, tokens) => Some(part(rate?, tokens)),
    };
    Some(
        part(price.input, usage.input)
            + part(price.output, usage.output)
            + cached(price.cache_read, usage.cache_read)?
            + cached(price.cache_write, usage.cache_write)?,
    )
}

/// The price of one record of a batch inference job: half of what the same call costs on demand (facts §2.5). `None` if a
/// price that it needs is not known.
#[must_use]
pub fn batch_price(model: &Model, id: &str, usage: &Usage) -> Option<Usd> {
    price(model, id, usage).map(|price| price.scaled(0.5))
}

/// The most that one on-demand call of `id` can cost with `input` tokens in whatever part cached, and `max_tokens` out:
/// all of the input at the dearest rate that input can have. `None` if the price is not known.
#[must_use]
pub fn worst_price(model: &Model, id: &str, input: u64, max_tokens: u64) -> Option<Usd> {
    let price = model.price.as_ref()?;
    let factor = surcharge(model, id);
    let dearest = [price.cache_read, price.cache_write].into_iter().flatten().fold(price.input, f64::max);
    Some(Usd::per_million(dearest * factor, input) + Usd::per_million(price.output * factor, max_tokens))
}

/// Geographic profiles of Claude from 4.5 and of Nova 2 cost 10 % more; global profiles and base ids do not
/// (facts §2.7, where `us.` and `eu.` are named: the other geographies are taken to be alike, so that a cost is rather
/// over- than understated).
fn surcharge(model: &Model, id: &str) -> f64 {
    if model.profile_surcharge && bucket_kind(id) == BucketKind::Geo { 1.1 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64) -> Usage {
        Usage { input, output, cache_read, cache_write }
    }

    /// Measured on Sonnet 4.6 (facts §2.2.5).
    #[test]
    fn settles_as_measured() {
        let burndown = Catalogue::embedded().model("us.anthropic.claude-sonnet-4-6").unwrap().burndown;
        assert_eq!(settle(&usage(26, 1203, 0, 0), burndown), Tokens(6041));
        assert_eq!(settle(&usage(13, 4, 0, 8814), burndown), Tokens(8847));
        assert_eq!(settle(&usage(13, 4, 8814, 0), burndown), Tokens(33));
    }

    /// The two consequences of a burndown of 15 (study of the limiter, §C.2).
    #[test]
    fn reservation_may_be_waste_or_far_too_small() {
        let burndown = Catalogue::embedded().model("global.anthropic.claude-opus-4-8").unwrap().burndown;
        assert_eq!(reserve(1_000, 0, 0, 64_000), Tokens(65_000));
        assert_eq!(settle(&usage(1_000, 200, 0, 0), burndown), Tokens(4_000));
        assert_eq!(reserve(1_000, 0, 0, 4_096), Tokens(5_096));
        assert_eq!(settle(&usage(1_000, 2_000, 0, 0), burndown), Tokens(31_000));
    }

    #[test]
    fn cache_reads_are_reserved_and_never_settled() {
        assert_eq!(reserve(10, 1_000, 100, 5), Tokens(1_115));
        assert_eq!(settle(&usage(10, 0, 1_000, 100), 5), Tokens(110));
    }

    #[test]
    fn hostile_counts_saturate() {
        let most = u64::MAX;
        assert_eq!(reserve(most, most, most, most), Tokens(most));
        assert_eq!(settle(&usage(most, most, most, most), u32::MAX), Tokens(most));
        let model = Catalogue::embedded().model("anthropic.claude-opus-4-5-20251101-v1:0").unwrap();
        assert_eq!(price(model, &model.id, &usage(most, most, most, most)), Some(Usd(i64::MAX)));
        assert_eq!(worst_price(model, &model.id, most, most), Some(Usd(i64::MAX)));
    }

    #[test]
    fn prices_follow_the_profile() {
        let catalogue = Catalogue::embedded();
        let million = usage(1_000_000, 1_000_000, 0, 0);
        let of = |id: &str| price(catalogue.model(id).unwrap(), id, &million).map(Usd::dollars);
        assert_eq!(of("global.anthropic.claude-sonnet-4-5-20250929-v1:0"), Some(18.0));
        assert_eq!(of("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), Some(19.8));
        assert_eq!(of("us.anthropic.claude-sonnet-4-20250514-v1:0"), Some(18.0));
        assert_eq!(of("eu.amazon.nova-2-lite-v1:0"), Some(3.08));
        assert_eq!(of("amazon.nova-micro-v1:0"), Some(0.175));
        assert_eq!(of("anthropic.claude-3-haiku-20240307-v1:0"), Some(1.5));
    }

    #[test]
    fn batch_is_half_the_price_and_agrees_with_what_is_published() {
        let million = usage(1_000_000, 1_000_000, 0, 0);
        for model in Catalogue::embedded().models() {
            let Some((input, output)) = model.price.and_then(|price| price.batch) else { continue };
            let half = batch_price(model, &model.id, &million).unwrap().dollars();
            assert!((half - input - output).abs() < 1e-9, "{}: {half}", model.id);
        }
    }

    #[test]
    fn an_unknown_price_is_not_zero() {
        let nova = Catalogue::embedded().model("amazon.nova-pro-v1:0").unwrap();
        let unpriced = Model { price: None, ..nova.clone() };
        assert_eq!(price(&unpriced, &nova.id, &usage(1, 1, 0, 0)), None);
        assert_eq!(worst_price(&unpriced, &nova.id, 1, 1), None);
    }

    #[test]
    fn an_unknown_cache_price_is_not_zero() {
        let catalogue = Catalogue::embedded();
        let nova = catalogue.model("amazon.nova-pro-v1:0").unwrap();
        assert_eq!(price(nova, &nova.id, &usage(0, 0, 1_000_000, 0)).map(Usd::dollars), Some(0.2));
        assert_eq!(price(nova, &nova.id, &usage(0, 0, 0, 1)), None);
    }

    #[test]
    fn the_worst_case_is_never_exceeded() {
        for model in Catalogue::embedded().models() {
            for (input, cache_read, cache_write) in [(300, 0, 0), (100, 100, 100), (0, 300, 0), (0, 0, 300)] {
                let real = price(model, &model.id, &usage(input, 50, cache_read, cache_write));
                let worst = worst_price(model, &model.id, 300, 50);
                assert!(real.is_none_or(|real| Some(real) <= worst), "{}: {real:?} > {worst:?}", model.id);
            }
        }
    }
}
