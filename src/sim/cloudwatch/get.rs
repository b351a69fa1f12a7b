//! `GetMetricData`: values of many metrics, in pages.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::record::Micros;

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::metrics::{MetricKey, Statistic, minute};
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
    let (from, until) = span(input.start_time, input.end_time)?;
    let mut left = match input.max_datapoints {
        None => POINTS,
        Some(most) => usize::try_from(most)
            .ok()
            .filter(|most| (1..=POINTS).contains(most))
            .ok_or_else(|| validation(format!("The parameter MaxDatapoints must be from 1 to {POINTS}.")))?,
    };
    let asked = queries(call, input.metric_data_queries)?;
    let start = input.next_token.as_deref().map_or(Ok(Place::default()), Place::read)?;
    let now = call.world.service_time();
    let mut results = Vec::new();
    let mut next = None;
    for (index, query) in asked.iter().enumerate().skip(start.query) {
        let range = from - from % query.period..until;
        let values = call.world.metrics.values(&query.key, query.unit, query.period, range, now);
        let mut points: Vec<(u64, f64)> =
            values.into_iter().filter_map(|(minute, cell)| Some((minute, cell.statistic(query.statistic)?))).collect();
        if input.scan_by == ScanBy::TimestampDescending {
            points.reverse();
        }
        if index == start.query
            && let Some(last) = start.after
        {
            let behind = |minute: u64| match input.scan_by {
                ScanBy::TimestampDescending => minute < last,
                ScanBy::TimestampAscending => minute > last,
            };
            points.retain(|(minute, _)| behind(*minute));
        }
        let complete = points.len() <= left;
        points.truncate(left);
        left -= points.len();
        if !complete {
            next = Some(Place { query: index, after: points.last().map(|(minute, _)| *minute).or(start.after) });
        }
        results.push(json!({
            "Id": query.id,
            "Label": query.label,
            "Timestamps": points.iter().map(|(minute, _)| (minute * 60) as f64).collect::<Vec<_>>(),
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

/// The minutes asked for.
pub(super) fn span(start: Option<f64>, end: Option<f64>) -> Result<(u64, u64), ServiceError> {
    let start = start.ok_or_else(|| missing("StartTime"))?;
    let end = end.ok_or_else(|| missing("EndTime"))?;
    if start >= end {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime.".into()));
    }
    // A period is in if it begins before the end: the end itself is not.
    let last = Micros::from_secs_f64(end);
    Ok((minute(Micros::from_secs_f64(start)), minute(Micros(last.0.saturating_sub(1))) + 1))
}

/// The length of a period, in minutes.
pub(super) fn period(seconds: i64) -> Result<u64, ServiceError> {
    match u64::try_from(seconds) {
        // Finer values than minutes are not kept, as for AWS's own metrics.
        Ok(1 | 5 | 10 | 20 | 30) => Ok(1),
        Ok(seconds) if seconds > 0 && seconds % 60 == 0 => Ok(seconds / 60),
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

/// Where a page goes on: the query, and the minute of the last value given of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    query: usize,
    after: Option<u64>,
}

impl Place {
    fn write(&self) -> String {
        let after = self.after.map_or_else(String::new, |minute| minute.to_string());
        URL_SAFE_NO_PAD.encode(format!("{}:{after}", self.query))
    }

    fn read(token: &str) -> Result<Place, ServiceError> {
        let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let place = text.as_deref().and_then(|text| {
            let (query, after) = text.split_once(':')?;
            let after = if after.is_empty() { None } else { Some(after.parse().ok()?) };
            Some(Place { query: query.parse().ok()?, after })
        });
        place.ok_or_else(|| bad_request("InvalidNextToken", "The next token specified is invalid.".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for place in [Place { query: 3, after: Some(29_401_560) }, Place { query: 0, after: None }] {
            assert_eq!(Place::read(&place.write()).unwrap(), place);
        }
        for foreign in ["", "?", "Zm9v"] {
            assert_eq!(Place::read(foreign).unwrap_err().code, "InvalidNextToken");
        }
    }

    #[test]
    fn spans_and_periods_are_whole_minutes() {
        assert_eq!(span(Some(60.0), Some(120.0)).unwrap(), (1, 2));
        assert_eq!(span(Some(61.0), Some(120.001)).unwrap(), (1, 3));
        assert_eq!(span(Some(120.0), Some(120.0)).unwrap_err().code, "ValidationError");
        assert_eq!(span(None, Some(120.0)).unwrap_err().code, "MissingParameter");
        assert_eq!(span(Some(-1e300), Some(1e300)).unwrap().0, 0);
        assert_eq!(period(300).unwrap(), 5);
        assert_eq!(period(1).unwrap(), 1);
        for wrong in [0, -60, 61, i64::MIN] {
            assert_eq!(period(wrong).unwrap_err().code, "InvalidParameterValue");
        }
    }
}
