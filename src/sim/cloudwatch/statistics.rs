//! `GetMetricStatistics`: the older way to ask for one metric.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::metrics::{MetricKey, Statistic};
use super::{Dimension, bounded, dimensions, get, invalid, missing, unit};

/// Values in one reply.
const POINTS: usize = 1_440;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    period: Option<i64>,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

pub(super) fn get_metric_statistics(call: &Call, input: Input) -> Result<Value, ServiceError> {
    let namespace = input.namespace.ok_or_else(|| missing("Namespace"))?;
    let name = input.metric_name.ok_or_else(|| missing("MetricName"))?;
    bounded(&namespace, 255, "Namespace")?;
    bounded(&name, 255, "MetricName")?;
    let (from, until) = get::span(input.start_time, input.end_time)?;
    let period = get::period(input.period.ok_or_else(|| missing("Period"))?)?;
    let unit = input.unit.map(|name| unit(&name, "Unit")).transpose()?;
    if input.statistics.is_empty() && input.extended_statistics.is_empty() {
        return Err(missing("Statistics or ExtendedStatistics"));
    }
    let named = |names: Vec<String>, extended: bool| {
        let statistic = move |name: String| match Statistic::named(&name) {
            Some(statistic) if matches!(statistic, Statistic::Percentile(_)) == extended => Ok((name, statistic)),
            _ => Err(invalid(format!("The value {} is not a statistic.", name.escape_debug()))),
        };
        names.into_iter().map(statistic).collect::<Result<Vec<_>, _>>()
    };
    let (plain, extended) = (named(input.statistics, false)?, named(input.extended_statistics, true)?);
    let key = MetricKey::new(&call.region.name, &namespace, &name, dimensions(input.dimensions, "Metric")?);
    let now = call.world.service_time();
    let values = call.world.metrics.values(&key, unit, period, from - from % period..until, now);
    if values.len() > POINTS {
        return Err(super::combination(format!(
            "You have requested up to {} datapoints, which exceeds the limit of {POINTS}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
            values.len()
        )));
    }
    let unit = unit.or_else(|| call.world.metrics.unit(&key)).unwrap_or("None");
    let points = values.into_iter().map(|(minute, cell)| {
        let all = |statistics: &[(String, Statistic)]| -> Map<String, Value> {
            statistics
                .iter()
                .filter_map(|(name, statistic)| Some((name.clone(), cell.statistic(*statistic)?.into())))
                .collect()
        };
        let mut point = all(&plain);
        point.insert("Timestamp".into(), ((minute * 60) as f64).into());
        point.insert("Unit".into(), unit.into());
        if !extended.is_empty() {
            point.insert("ExtendedStatistics".into(), all(&extended).into());
        }
        Value::Object(point)
    });
    Ok(json!({ "Label": name, "Datapoints": points.collect::<Vec<_>>() }))
}
