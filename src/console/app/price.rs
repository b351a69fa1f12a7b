//! What a synthetic load may cost, before it is started.

use serde::{Deserialize, Serialize};

use crate::control::HourlyPrice;
use crate::record::{ModelId, Usd};
use crate::workload::{Arrival, LoadSpec, Sizes};

/// What is known of a model's price and limits. Given to the console at the start, for each route in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPrice {
    /// The model or profile id of the route.
    pub model: ModelId,
    /// Input, USD per million tokens; `None`: not known.
    pub input: Option<f64>,
    /// Output, USD per million tokens; `None`: not known.
    pub output: Option<f64>,
    /// What is reserved, and at most generated, where a request names no `max_tokens`.
    pub default_max_output: u64,
    /// What was bought is paid by the hour, used or not: what it costs; `None`: it is paid by the token.
    #[serde(default)]
    pub bought: Option<HourlyPrice>,
}

/// An estimate, at most. Prices of the dearest model in use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// One record with the mean input and the whole of `max_tokens`.
    pub record: Usd,
    /// An hour at the highest arrival rate; `None` for a closed loop, whose rate is not known beforehand.
    pub hour: Option<Usd>,
    /// All records, if the load has an end and its rate is known.
    pub whole: Option<Usd>,
    /// What bought capacity costs an hour, whatever is sent to it: nothing of it is in the figures above.
    pub bought: Option<HourlyPrice>,
}

/// The normal quantile of 0.99.
const Z99: f64 = 2.326_347_874;

/// Mean of a distribution of sizes, tokens. Lognormal by its median and 99th percentile: sigma = ln(p99/p50)/z,
/// mean = p50 exp(sigma^2/2).
#[must_use]
pub fn mean_tokens(sizes: &Sizes) -> f64 {
    match *sizes {
        Sizes::Fixed { tokens } => tokens,
        Sizes::Uniform { min, max } => f64::midpoint(min, max),
        Sizes::Normal { mean, .. } => mean,
        Sizes::LogNormal { p50, p99 } => {
            let sigma = ((p99 / p50).ln() / Z99).max(0.0);
            p50 * (sigma * sigma / 2.0).exp()
        }
    }
}

/// Highest arrival rate of a load, per second; `None` for a closed loop.
#[must_use]
pub fn top_rate(arrival: &Arrival) -> Option<f64> {
    match *arrival {
        Arrival::Constant { rate } | Arrival::Poisson { rate } => Some(rate),
        Arrival::Ramp { from, to, .. } => Some(from.max(to)),
        Arrival::Closed { .. } => None,
    }
}

/// What a load may cost at most.
///
/// # Errors
/// The names of the models whose price is not known: then there is no estimate, never a zero.
pub fn estimate(spec: &LoadSpec, prices: &[ModelPrice]) -> Result<Estimate, Vec<String>> {
    let used: Vec<&ModelPrice> =
        prices.iter().filter(|price| spec.models.is_empty() || spec.models.contains(&price.model)).collect();
    let mut unknown: Vec<String> = spec
        .models
        .iter()
        .filter(|model| !prices.iter().any(|p| p.model == **model))
        .map(ToString::to_string)
        .collect();
    let input = mean_tokens(&spec.input);
    let mut record = 0.0_f64;
    // A token that goes to bought capacity costs nothing more: its hours are paid.
    let (by_hour, by_token): (Vec<&ModelPrice>, Vec<&ModelPrice>) =
        used.iter().partition(|price| price.bought.is_some());
    let hourly = by_hour.iter().filter_map(|price| price.bought).reduce(HourlyPrice::and);
    for price in by_token {
        let (Some(each_in), Some(each_out)) = (price.input, price.output) else {
            unknown.push(price.model.to_string());
            continue;
        };
        let output = spec.max_tokens.unwrap_or(price.default_max_output) as f64;
        record = record.max((input * each_in + output * each_out) / 1e6);
    }
    if used.is_empty() && unknown.is_empty() {
        unknown.push("the models in use".to_owned());
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let rate = top_rate(&spec.arrival);
    let by_time = spec.seconds.zip(rate).map(|(seconds, rate)| seconds * rate);
    let count = match (spec.records.map(|n| n as f64), by_time) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Ok(Estimate {
        record: Usd::from_dollars(record),
        hour: rate.map(|rate| Usd::from_dollars(record * rate * 3_600.0)),
        whole: count.map(|count| Usd::from_dollars(record * count)),
        bought: hourly,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn haiku() -> ModelPrice {
        ModelPrice {
            model: "anthropic.claude-3-haiku-20240307-v1:0".into(),
            input: Some(0.25),
            output: Some(1.25),
            default_max_output: 4_096,
            bought: None,
        }
    }

    #[test]
    fn bought_capacity_is_paid_by_the_hour() {
        let hours = |usd| HourlyPrice::Known(Usd::from_dollars(usd));
        let bought = ModelPrice { input: None, output: None, bought: Some(hours(63.0)), ..haiku() };
        let spec = LoadSpec { arrival: Arrival::Constant { rate: 2.0 }, ..LoadSpec::default() };
        let estimate = estimate(&spec, std::slice::from_ref(&bought)).unwrap();
        assert_eq!((estimate.record, estimate.bought), (Usd::ZERO, Some(hours(63.0))));
        let other = ModelPrice { bought: Some(hours(20.0)), ..bought.clone() };
        assert_eq!(super::estimate(&spec, &[bought.clone(), other]).unwrap().bought, Some(hours(83.0)));
        let dear = ModelPrice { bought: Some(HourlyPrice::Unknown), ..bought.clone() };
        assert_eq!(super::estimate(&spec, &[bought, dear]).unwrap().bought, Some(HourlyPrice::Unknown));
    }

    #[test]
    fn an_estimate_takes_the_whole_of_max_tokens() {
        let spec = LoadSpec {
            arrival: Arrival::Constant { rate: 2.0 },
            input: Sizes::Fixed { tokens: 1_000.0 },
            max_tokens: Some(1_000),
            records: Some(10_000),
            seconds: Some(60.0),
            ..LoadSpec::default()
        };
        let estimate = estimate(&spec, &[haiku()]).unwrap();
        assert_eq!(estimate.record, Usd::from_dollars(0.0015));
        assert_eq!(estimate.hour, Some(Usd::from_dollars(10.8)));
        assert_eq!(estimate.whole, Some(Usd::from_dollars(0.18)), "120 records in 60 s come before the 10,000");
    }

    #[test]
    fn an_unknown_price_is_never_zero() {
        let unpriced = ModelPrice { output: None, ..haiku() };
        assert_eq!(estimate(&LoadSpec::default(), &[unpriced]), Err(vec![haiku().model.to_string()]));
        assert!(estimate(&LoadSpec::default(), &[]).is_err());
        let other = LoadSpec { models: vec!["x.y".into()], ..LoadSpec::default() };
        assert_eq!(estimate(&other, &[haiku()]), Err(vec!["x.y".to_owned()]));
    }

    #[test]
    fn the_mean_of_a_lognormal_is_above_its_median() {
        let mean = mean_tokens(&Sizes::LogNormal { p50: 400.0, p99: 4_000.0 });
        assert!((mean - 652.9).abs() < 1.0, "{mean}");
        assert_eq!(mean_tokens(&Sizes::LogNormal { p50: 400.0, p99: 400.0 }), 400.0);
    }
}
