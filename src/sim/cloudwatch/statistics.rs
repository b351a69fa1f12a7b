//! `GetMetricStatistics`: the older way to ask for one metric.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::metrics::{MetricKey, Statistic};
use super::{Dimension, bounded, combination, dimensions, get, invalid, missing, unit};

/// Values that one call may ask for.
const POINTS: u64 = 1_440;
/// Statistics in one call.
const STATISTICS: usize = 5;
/// Percentiles in one call.
const EXTENDED: usize = 10;

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
    let span = get::span(input.start_time, input.end_time)?;
    if span.is_empty() {
        return Err(combination("The parameter StartTime must be less than the parameter EndTime.".into()));
    }
    let period = get::period(input.period.ok_or_else(|| missing("Period"))?)?;
    let unit = input.unit.map(|name| unit(&name, "Unit")).transpose()?;
    if input.statistics.is_empty() && input.extended_statistics.is_empty() {
        return Err(missing("Statistics or ExtendedStatistics"));
    }
    if !input.statistics.is_empty() && !input.extended_statistics.is_empty() {
        return Err(combination("Either Statistics or ExtendedStatistics can be specified, not both.".into()));
    }
    for (name, asked, most) in
        [("Statistics", &input.statistics, STATISTICS), ("ExtendedStatistics", &input.extended_statistics, EXTENDED)]
    {
        if asked.len() > most {
            return Err(invalid(format!("The collection {name} must not have a size greater than {most}.")));
        }
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
    let range = get::periods(&span, period);
    let most = (range.end - range.start) / period;
    if most > POINTS {
        return Err(combination(format!(
            "You have requested up to {most} datapoints, which exceeds the limit of {POINTS}. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    let values = call.world.metrics.values(&key, unit, period, range, now);
    let unit = unit.or_else(|| call.world.metrics.unit(&key)).unwrap_or("None");
    let points = values.into_iter().map(|(second, cell)| {
        let all = |statistics: &[(String, Statistic)]| -> Map<String, Value> {
            statistics
                .iter()
                .filter_map(|(name, statistic)| Some((name.clone(), cell.statistic(*statistic)?.into())))
                .collect()
        };
        let mut point = all(&plain);
        point.insert("Timestamp".into(), (second as f64).into());
        point.insert("Unit".into(), unit.into());
        if !extended.is_empty() {
            point.insert("ExtendedStatistics".into(), all(&extended).into());
        }
        Value::Object(point)
    });
    Ok(json!({ "Label": name, "Datapoints": points.collect::<Vec<_>>() }))
}
