//! `PutMetricData`: a client's own metrics.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::record::Micros;

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::metrics::{Distribution, MetricKey, Resolution, TooMany};
use super::{Dimension, Number, bounded, combination, dimensions, invalid, missing, plain, unit};

/// Metrics in one call.
const DATA: usize = 1_000;
/// Values of one metric in one call.
const VALUES: usize = 150;
/// How old a value may be.
const PAST: Micros = Micros::from_secs(14 * 24 * 3_600);
/// How far ahead of the service's clock.
const FUTURE: Micros = Micros::from_secs(2 * 3_600);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    namespace: Option<String>,
    #[serde(default)]
    metric_data: Vec<Datum>,
    #[serde(default)]
    entity_metric_data: Vec<OfEntity>,
}

/// Metrics of something that has a name. The simulator keeps no entities.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfEntity {
    #[serde(default)]
    metric_data: Vec<Datum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Datum {
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    timestamp: Option<f64>,
    value: Option<Number>,
    statistic_values: Option<StatisticSet>,
    values: Option<Vec<Number>>,
    counts: Option<Vec<Number>>,
    unit: Option<String>,
    storage_resolution: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatisticSet {
    sample_count: Number,
    sum: Number,
    minimum: Number,
    maximum: Number,
}

/// Takes all of it in, or nothing.
pub(super) fn put_metric_data(call: &Call, input: Input) -> Result<Value, ServiceError> {
    let namespace = input.namespace.ok_or_else(|| missing("Namespace"))?;
    bounded(&namespace, 255, "Namespace")?;
    let letter = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
    if !namespace.chars().all(letter) || !plain(&namespace) {
        return Err(invalid(format!("The value {} for parameter Namespace is invalid.", namespace.escape_debug())));
    }
    if namespace.starts_with("AWS/") {
        return Err(invalid("The value AWS/ for parameter Namespace is invalid.".into()));
    }
    let data: Vec<Datum> = input
        .metric_data
        .into_iter()
        .chain(input.entity_metric_data.into_iter().flat_map(|of| of.metric_data))
        .collect();
    if data.is_empty() {
        return Err(missing("MetricData"));
    }
    if data.len() > DATA {
        return Err(invalid(format!("The collection MetricData must not have a size greater than {DATA}.")));
    }
    let now = call.world.service_time();
    let ready = data.into_iter().zip(1..).map(|(datum, member)| {
        Ready::of(datum, &format!("MetricData.member.{member}"), &call.region.name, &namespace, now)
    });
    for ready in ready.collect::<Result<Vec<_>, _>>()? {
        let Ready { key, unit, at, resolution, values } = ready;
        call.world.metrics.add(key, unit, at, resolution, |cell| cell.merge(&values)).map_err(|TooMany| {
            ServiceError::new(
                hyper::StatusCode::BAD_REQUEST,
                "LimitExceeded",
                "The simulator tells no more metrics apart: too many names and dimensions have been used.",
            )
        })?;
    }
    Ok(json!({}))
}

/// A datum that can be taken in.
struct Ready {
    key: MetricKey,
    unit: &'static str,
    at: Micros,
    resolution: Resolution,
    values: Distribution,
}

impl Ready {
    fn of(datum: Datum, parameter: &str, region: &str, namespace: &str, now: Micros) -> Result<Ready, ServiceError> {
        let name = datum.metric_name.as_deref().ok_or_else(|| missing(&format!("{parameter}.MetricName")))?;
        bounded(name, 255, &format!("{parameter}.MetricName"))?;
        let resolution = match datum.storage_resolution {
            None | Some(60) => Resolution::Minute,
            Some(1) => Resolution::Second,
            Some(_) => {
                return Err(invalid(format!("The parameter {parameter}.StorageResolution must be 1 or 60.")));
            }
        };
        let at = time(datum.timestamp, parameter, now)?;
        let unit = datum.unit.as_deref().map_or(Ok("None"), |name| unit(name, &format!("{parameter}.Unit")))?;
        let values = values(&datum, parameter)?;
        let key = MetricKey::new(region, namespace, name, dimensions(datum.dimensions, parameter)?);
        Ok(Ready { key, unit, at, resolution, values })
    }
}

fn time(timestamp: Option<f64>, parameter: &str, now: Micros) -> Result<Micros, ServiceError> {
    let Some(seconds) = timestamp else { return Ok(now) };
    let at = Micros::from_secs_f64(seconds);
    if at < now.since(PAST).max(Micros(1)) {
        return Err(invalid(format!(
            "The parameter {parameter}.Timestamp must specify a time within the past two weeks."
        )));
    }
    if at > now + FUTURE {
        return Err(invalid(format!(
            "The parameter {parameter}.Timestamp must specify a time no more than two hours in the future."
        )));
    }
    Ok(at)
}

fn values(datum: &Datum, parameter: &str) -> Result<Distribution, ServiceError> {
    let mut all = Distribution::default();
    let finite = |number: &Number, name: &str| {
        let value = number.value();
        // The service's own bounds: 2^360 either way.
        if value.is_finite() && value.abs() <= 2_f64.powi(360) {
            return Ok(value);
        }
        Err(invalid(format!("The value {value} for parameter {parameter}.{name} is invalid.")))
    };
    match (&datum.value, &datum.values, &datum.statistic_values) {
        (Some(value), None, None) => all.add(finite(value, "Value")?, 1.0),
        (None, Some(values), None) => {
            if values.is_empty() || values.len() > VALUES {
                return Err(invalid(format!(
                    "The collection {parameter}.Values must have from 1 to {VALUES} members."
                )));
            }
            let counts = datum.counts.as_deref();
            if counts.is_some_and(|counts| counts.len() != values.len()) {
                return Err(invalid(format!(
                    "The parameters {parameter}.Values and {parameter}.Counts must be of the same size."
                )));
            }
            for (index, value) in values.iter().enumerate() {
                let times = counts.map_or(Ok(1.0), |counts| finite(&counts[index], "Counts"))?;
                if times <= 0.0 {
                    return Err(invalid(format!("The parameter {parameter}.Counts must be greater than 0.")));
                }
                all.add(finite(value, "Values")?, times);
            }
        }
        (None, None, Some(set)) => {
            let count = finite(&set.sample_count, "StatisticValues.SampleCount")?;
            let (min, max) =
                (finite(&set.minimum, "StatisticValues.Minimum")?, finite(&set.maximum, "StatisticValues.Maximum")?);
            let sum = finite(&set.sum, "StatisticValues.Sum")?;
            if count <= 0.0 || min > max {
                return Err(invalid(format!(
                    "The parameter {parameter}.StatisticValues must have samples, and a Minimum that is not above its Maximum."
                )));
            }
            all.add_summary(count, sum, min, max);
        }
        (None, None, None) => {
            return Err(missing(&format!("{parameter}.Value, {parameter}.Values or {parameter}.StatisticValues")));
        }
        _ => {
            return Err(combination(format!(
                "The parameters {parameter}.Value, {parameter}.Values and {parameter}.StatisticValues are mutually exclusive and you have specified more than one."
            )));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros::from_secs(1_764_093_600);

    fn ready(datum: Value) -> Result<Ready, ServiceError> {
        Ready::of(serde_json::from_value(datum).unwrap(), "MetricData.member.1", "us-east-1", "Custom", NOW)
    }

    #[test]
    fn the_limits_of_the_service_hold() {
        let now = 1_764_093_600;
        for (datum, code) in [
            (json!({ "Value": 1 }), "MissingParameter"),
            (json!({ "MetricName": "m" }), "MissingParameter"),
            (json!({ "MetricName": "m", "Value": "NaN" }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Value": 1e200 }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Value": 1, "Values": [1] }), "InvalidParameterCombination"),
            (json!({ "MetricName": "m", "Values": vec![1; 151] }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Values": [1, 2], "Counts": [1] }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Values": [1], "Counts": [0] }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Value": 1, "Unit": "Furlongs" }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Value": 1, "StorageResolution": 5 }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Value": 1, "Timestamp": now - 14 * 86_400 - 1 }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Value": 1, "Timestamp": now + 7_201 }), "InvalidParameterValue"),
            (json!({ "MetricName": "m", "Value": 1, "Timestamp": -1e300 }), "InvalidParameterValue"),
            (
                json!({ "MetricName": "m", "Value": 1, "Dimensions": [{ "Name": "", "Value": "v" }] }),
                "InvalidParameterValue",
            ),
            (
                json!({ "MetricName": "m", "Value": 1, "Dimensions": [{ "Name": ":d", "Value": "v" }] }),
                "InvalidParameterValue",
            ),
            (
                json!({ "MetricName": "m", "Value": 1, "Dimensions": [{ "Name": "d", "Value": "caf\u{e9}" }] }),
                "InvalidParameterValue",
            ),
            (
                json!({ "MetricName": "m", "Value": 1, "Dimensions": [{ "Name": "d", "Value": " " }] }),
                "InvalidParameterValue",
            ),
            (
                json!({ "MetricName": "m", "Value": 1, "Dimensions": [{ "Name": "d", "Value": "a\u{1}" }] }),
                "InvalidParameterValue",
            ),
            (
                json!({ "MetricName": "m", "StatisticValues": { "SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1 } }),
                "InvalidParameterValue",
            ),
        ] {
            assert_eq!(ready(datum.clone()).err().map(|error| error.code), Some(code), "{datum}");
        }
        for datum in [
            json!({ "MetricName": "m", "Values": vec![1; 150], "Timestamp": now - 14 * 86_400 }),
            json!({ "MetricName": "m", "Value": -0.5, "Timestamp": now + 7_200, "Unit": "Count/Second" }),
        ] {
            assert!(ready(datum.clone()).is_ok(), "{datum}");
        }
        let resolution = |datum| ready(datum).unwrap().resolution;
        assert_eq!(resolution(json!({ "MetricName": "m", "Value": 1, "StorageResolution": 1 })), Resolution::Second);
        assert_eq!(resolution(json!({ "MetricName": "m", "Value": 1, "StorageResolution": 60 })), Resolution::Minute);
    }
}
