//! `GetMetricData`: values of many metrics, in pages.

use std::collections::BTreeSet;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::record::Micros;

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::metrics::{MetricKey, Statistic};
use super::{Dimension, bad_request, bounded, dimensions, invalid, missing, unit, validation};

/// Queries in one call.
const QUERIES: usize = 500;
/// Values in one page.
const POINTS: usize = 100_800;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(default)]
    metric_data_queries: Vec<Query>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    next_token: Option<String>,
    #[serde(default)]
    scan_by: ScanBy,
    max_datapoints: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
enum ScanBy {
    #[default]
    TimestampDescending,
    TimestampAscending,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: Option<String>,
    metric_stat: Option<MetricStat>,
    expression: Option<String>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
    unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

/// A query that can be answered.
struct Asked {
    id: String,
    label: String,
    key: MetricKey,
    unit: Option<&'static str>,
    period: u64,
    statistic: Statistic,
}

pub(super) fn get_metric_data(call: &Call, input: Input) -> Result<Value, ServiceError> {
    let span = span(input.start_time, input.end_time)?;
    if span.is_empty() {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime.".into()));
    }
    let mut left = match input.max_datapoints {
        None => POINTS,
        Some(most) => usize::try_from(most)
            .ok()
            .filter(|most| (1..=POINTS).contains(most))
            .ok_or_else(|| validation(format!("The parameter MaxDatapoints must be from 1 to {POINTS}.")))?,
    };
    let asked = queries(call, input.metric_data_queries)?;
    let start = input.next_token.as_deref().map_or(Ok(Place::default()), |token| Place::read(token, asked.len()))?;
    let now = call.world.service_time();
    let mut results = Vec::new();
    let mut next = None;
    for (index, query) in asked.iter().enumerate().skip(start.query) {
        let range = periods(&span, query.period);
        let values = call.world.metrics.values(&query.key, query.unit, query.period, range, now);
        let mut points: Vec<(u64, f64)> =
            values.into_iter().filter_map(|(second, cell)| Some((second, cell.statistic(query.statistic)?))).collect();
        if input.scan_by == ScanBy::TimestampDescending {
            points.reverse();
        }
        if index == start.query
            && let Some(last) = start.after
        {
            let behind = |second: u64| match input.scan_by {
                ScanBy::TimestampDescending => second < last,
                ScanBy::TimestampAscending => second > last,
            };
            points.retain(|(second, _)| behind(*second));
        }
        let complete = points.len() <= left;
        points.truncate(left);
        left -= points.len();
        if !complete {
            next = Some(Place { query: index, after: points.last().map(|(second, _)| *second).or(start.after) });
        }
        results.push(json!({
            "Id": query.id,
            "Label": query.label,
            "Timestamps": points.iter().map(|(second, _)| *second as f64).collect::<Vec<_>>(),
            "Values": points.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
            "StatusCode": if complete { "Complete" } else { "PartialData" },
        }));
        if !complete {
            break;
        }
    }
    let mut reply = json!({ "MetricDataResults": results, "Messages": [] });
    if let Some(next) = next {
        reply["NextToken"] = next.write().into();
    }
    Ok(reply)
}

/// The time asked for; empty if it ends before it begins.
pub(super) fn span(start: Option<f64>, end: Option<f64>) -> Result<Range<Micros>, ServiceError> {
    let start = start.ok_or_else(|| missing("StartTime"))?;
    let end = end.ok_or_else(|| missing("EndTime"))?;
    Ok(Micros::from_secs_f64(start)..Micros::from_secs_f64(end))
}

/// The periods of `period` seconds that begin in `span`, in whole, seconds since 1970. As with the service, both ends are
/// rounded down to the minute (of a finer period: to the period), and the first period begins at the start, wherever that
/// is in its hour.
pub(super) fn periods(span: &Range<Micros>, period: u64) -> Range<u64> {
    let grain = period.min(60);
    let down = |at: Micros| at.0 / 1_000_000 / grain * grain;
    let (from, to) = (down(span.start), down(span.end));
    let count = to.saturating_sub(from).div_ceil(period);
    from..from.saturating_add(count.saturating_mul(period))
}

/// The length of a period, in seconds.
pub(super) fn period(seconds: i64) -> Result<u64, ServiceError> {
    match u64::try_from(seconds) {
        Ok(seconds) if matches!(seconds, 1 | 5 | 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0) => Ok(seconds),
        _ => Err(invalid(format!(
            "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, and is {seconds}."
        ))),
    }
}

fn queries(call: &Call, queries: Vec<Query>) -> Result<Vec<Asked>, ServiceError> {
    if queries.is_empty() {
        return Err(missing("MetricDataQueries"));
    }
    if queries.len() > QUERIES {
        return Err(validation(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES}."
        )));
    }
    let mut ids = BTreeSet::new();
    let mut all = Vec::new();
    for (query, member) in queries.into_iter().zip(1..) {
        let parameter = format!("MetricDataQueries.member.{member}");
        let id = query.id.ok_or_else(|| missing(&format!("{parameter}.Id")))?;
        let mut letters = id.chars();
        let named = letters.next().is_some_and(|first| first.is_ascii_lowercase())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && id.len() <= 255;
        if !named {
            return Err(validation(format!(
                "The value {} for parameter {parameter}.Id is not valid: it begins with a lower-case letter and goes on with letters, digits and underscores.",
                id.escape_debug()
            )));
        }
        if !ids.insert(id.clone()) {
            return Err(validation(format!("The values for parameter id in MetricDataQueries are not unique: {id}.")));
        }
        let stat = match (query.metric_stat, query.expression) {
            (Some(stat), None) => stat,
            (None, Some(expression)) => {
                return Err(validation(format!(
                    "Error in expression '{id}': metric math is not simulated ({}).",
                    expression.escape_debug()
                )));
            }
            _ => {
                return Err(validation(format!("{parameter} must have either a MetricStat or an Expression.")));
            }
        };
        let name =
            stat.metric.metric_name.ok_or_else(|| missing(&format!("{parameter}.MetricStat.Metric.MetricName")))?;
        let namespace =
            stat.metric.namespace.ok_or_else(|| missing(&format!("{parameter}.MetricStat.Metric.Namespace")))?;
        bounded(&name, 255, &format!("{parameter}.MetricStat.Metric.MetricName"))?;
        bounded(&namespace, 255, &format!("{parameter}.MetricStat.Metric.Namespace"))?;
        let statistic = Statistic::named(&stat.stat).ok_or_else(|| {
            validation(format!(
                "The value {} for parameter {parameter}.MetricStat.Stat is not supported: SampleCount, Average, Sum, Minimum, Maximum or p0 to p100.",
                stat.stat.escape_debug()
            ))
        })?;
        let unit = stat.unit.map(|name| unit(&name, &format!("{parameter}.MetricStat.Unit"))).transpose()?;
        let dimensions = dimensions(stat.metric.dimensions, &format!("{parameter}.MetricStat.Metric"))?;
        let asked = Asked {
            id,
            label: query.label.unwrap_or_else(|| name.clone()),
            key: MetricKey::new(&call.region.name, &namespace, &name, dimensions),
            unit,
            period: period(stat.period)?,
            statistic,
        };
        // Without expressions nobody else needs what is not returned.
        if query.return_data != Some(false) {
            all.push(asked);
        }
    }
    Ok(all)
}

/// Where a page goes on: the query, and the second of the last value given of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    query: usize,
    after: Option<u64>,
}

impl Place {
    fn write(&self) -> String {
        let after = self.after.map_or_else(String::new, |second| second.to_string());
        URL_SAFE_NO_PAD.encode(format!("{}:{after}", self.query))
    }

    /// The place among `queries` that a token of ours names.
    fn read(token: &str, queries: usize) -> Result<Place, ServiceError> {
        let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let place = text.as_deref().and_then(|text| {
            let (query, after) = text.split_once(':')?;
            let after = if after.is_empty() { None } else { Some(after.parse().ok()?) };
            Some(Place { query: query.parse().ok()?, after })
        });
        let place = place.filter(|place| place.query < queries);
        place.ok_or_else(|| bad_request("InvalidNextToken", "The next token specified is invalid.".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for place in [Place { query: 3, after: Some(1_764_093_600) }, Place { query: 0, after: None }] {
            assert_eq!(Place::read(&place.write(), 4).unwrap(), place);
        }
        let beyond = Place { query: 4, after: None }.write();
        for foreign in ["", "?", "Zm9v", beyond.as_str()] {
            assert_eq!(Place::read(foreign, 4).unwrap_err().code, "InvalidNextToken");
        }
    }

    #[test]
    fn periods_begin_at_the_start_and_are_whole() {
        let asked = |start: f64, end: f64, period| periods(&span(Some(start), Some(end)).unwrap(), period);
        assert_eq!(asked(60.0, 120.0, 60), 60..120);
        assert_eq!(asked(61.0, 179.9, 60), 60..120, "both ends are rounded down");
        assert_eq!(asked(61.0, 100.0, 60), 60..60);
        assert_eq!(asked(130.0, 400.0, 300), 120..420, "the last period is whole");
        assert_eq!(asked(130.0, 121.0 + 300.0, 300), 120..420);
        assert_eq!(asked(133.4, 157.9, 10), 130..150);
        assert_eq!(asked(133.4, 139.9, 10), 130..130);
        assert_eq!(asked(133.4, 134.9, 1), 133..134);
        assert_eq!(asked(-1e300, 1e300, 60).start, 0);
        assert_eq!(span(None, Some(120.0)).unwrap_err().code, "MissingParameter");
        assert_eq!(period(300).unwrap(), 300);
        assert_eq!(period(1).unwrap(), 1);
        for wrong in [0, -60, 61, i64::MIN] {
            assert_eq!(period(wrong).unwrap_err().code, "InvalidParameterValue");
        }
    }
}
