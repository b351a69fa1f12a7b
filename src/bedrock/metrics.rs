//! What CloudWatch counted: how often models are invoked, by every caller of the account.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_smithy_types::DateTime;
use serde::{Deserialize, Serialize};

use crate::record::{Failure, MinuteUse, Region};

use super::ask::{MOST_PAGES, endless};
use super::connect::Clients;

/// Seconds of one figure of a day of invocations.
const PERIOD: i32 = 300;
/// Figures that one reply holds (facts §1.7).
const FIGURES: usize = 100_800;
/// Queries in one call.
const QUERIES: usize = 500;
/// No count of one period is larger: what is, is a fault of whoever sends it.
const LARGEST: f64 = 1e15;

/// Invocations of one model, oldest first: the end of each five minutes in milliseconds since 1970, and how many.
pub type Invocations = Vec<(i64, u64)>;

/// The counts of one metric of one model: the start of each period in milliseconds since 1970, and its sum; oldest first.
type Sums = Vec<(i64, u64)>;

/// The figures of several models as they are called, oldest first; a minute without data is left out.
pub type ModelMinutes = BTreeMap<String, Vec<MinuteUse>>;

/// How long the calls of one minute took, whoever made them: `InvocationLatency`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteLatency {
    /// The minute's start, UTC, milliseconds since 1970.
    pub start_ms: i64,
    /// Median, milliseconds.
    pub p50_ms: u64,
    /// 99th percentile, milliseconds.
    pub p99_ms: u64,
}

impl MinuteLatency {
    /// Metrics of one model.
    pub const METRICS: u64 = 2;
}

/// One figure for each period: a model as it is called, a metric, a statistic of it.
type Wanted<'a> = (&'a str, &'static str, &'static str);

/// Which counts of a minute are asked for. AWS bills each metric of each model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// All that a minute has.
    All,
    /// Quota tokens and throttles.
    Quota,
}

/// A metric of `AWS/Bedrock`, and where its sum goes in a minute.
type Column = (&'static str, fn(&mut MinuteUse) -> &mut u64);

const SUM: &str = "Sum";
const QUOTA_TOKENS: &str = "EstimatedTPMQuotaUsage";
/// The columns; those that tell of the quota first.
const COLUMNS: [Column; 7] = [
    (QUOTA_TOKENS, |minute| &mut minute.quota_tokens),
    ("InvocationThrottles", |minute| &mut minute.throttles),
    ("Invocations", |minute| &mut minute.invocations),
    ("InvocationClientErrors", |minute| &mut minute.client_errors),
    ("InvocationServerErrors", |minute| &mut minute.server_errors),
    ("InputTokenCount", |minute| &mut minute.input),
    ("OutputTokenCount", |minute| &mut minute.output),
];

impl Counts {
    const fn columns(self) -> &'static [Column] {
        match self {
            Counts::All => &COLUMNS,
            Counts::Quota => COLUMNS.split_at(2).0,
        }
    }

    /// Metrics of one model.
    #[must_use]
    pub const fn metrics(self) -> u64 {
        self.columns().len() as u64
    }
}

impl Clients {
    /// The invocations of `models` (ids or ARNs, as they are called) in the 24 hours before `now`, which is read on the
    /// service's clock. One metric for each model: on AWS a cent for a thousand of them.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn invocations(
        &self,
        region: &Region,
        models: &[String],
        now: SystemTime,
    ) -> Result<BTreeMap<String, Invocations>, Failure> {
        let from = now.checked_sub(Duration::from_secs(86_400)).unwrap_or(SystemTime::UNIX_EPOCH);
        let wanted: Vec<_> = models.iter().map(|model| (model.as_str(), "Invocations", SUM)).collect();
        let found = self.sums(region, &wanted, PERIOD, from..now).await?;
        let ends = |sums: Sums| sums.into_iter().map(|(start, sum)| (start + i64::from(PERIOD) * 1_000, sum)).collect();
        let found = models.iter().cloned().zip(found).filter(|(_, sums)| !sums.is_empty());
        Ok(found.map(|(model, sums)| (model, ends(sums))).collect())
    }

    /// What CloudWatch counted of `models` (ids or ARNs, as they are called) in `span`, minute by minute.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn model_minutes(
        &self,
        region: &Region,
        models: &[String],
        counts: Counts,
        span: Range<SystemTime>,
    ) -> Result<ModelMinutes, Failure> {
        let pairs = || models.iter().flat_map(|model| counts.columns().iter().map(move |column| (model, *column)));
        let wanted: Vec<_> = pairs().map(|(model, (metric, _))| (model.as_str(), metric, SUM)).collect();
        let found = self.sums(region, &wanted, 60, span).await?;
        let mut minutes: BTreeMap<String, BTreeMap<i64, MinuteUse>> = BTreeMap::new();
        for ((model, (_, column)), sums) in pairs().zip(found) {
            let of_model = minutes.entry(model.clone()).or_default();
            for (start_ms, sum) in sums {
                let start_ms = MinuteUse::start_of(start_ms);
                let minute = of_model.entry(start_ms).or_insert(MinuteUse { start_ms, ..MinuteUse::default() });
                *column(minute) = sum;
            }
        }
        Ok(minutes.into_iter().map(|(model, minutes)| (model, minutes.into_values().collect())).collect())
    }

    /// Quota tokens of `models` in `span` in all, in their order: one metric for each model.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn quota_tokens(
        &self,
        region: &Region,
        models: &[String],
        span: Range<SystemTime>,
    ) -> Result<Vec<u64>, Failure> {
        let wanted: Vec<_> = models.iter().map(|model| (model.as_str(), QUOTA_TOKENS, SUM)).collect();
        let found = self.sums(region, &wanted, 3_600, span).await?;
        Ok(found.iter().map(|sums| sums.iter().fold(0u64, |all, (_, sum)| all.saturating_add(*sum))).collect())
    }

    /// How long the calls of each minute of `span` took, model by model in their order: two metrics for each.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn latencies(
        &self,
        region: &Region,
        models: &[String],
        span: Range<SystemTime>,
    ) -> Result<Vec<Vec<MinuteLatency>>, Failure> {
        let both = |model: &'_ String| ["p50", "p99"].map(|stat| (model.clone(), stat));
        let pairs: Vec<(String, &'static str)> = models.iter().flat_map(both).collect();
        let wanted: Vec<_> = pairs.iter().map(|(model, stat)| (model.as_str(), "InvocationLatency", *stat)).collect();
        let found = self.sums(region, &wanted, 60, span).await?;
        let of_model = |pair: &[Sums]| {
            let [p50, p99] = pair else { return Vec::new() };
            let slowest: BTreeMap<i64, u64> = p99.iter().copied().collect();
            let minute = |(start_ms, p50_ms): &(i64, u64)| {
                Some(MinuteLatency { start_ms: *start_ms, p50_ms: *p50_ms, p99_ms: *slowest.get(start_ms)? })
            };
            p50.iter().filter_map(minute).collect()
        };
        Ok(found.chunks(2).map(of_model).collect())
    }

    /// The figures of each of `wanted` in periods of `period` seconds, in their order.
    async fn sums(
        &self,
        region: &Region,
        wanted: &[Wanted<'_>],
        period: i32,
        span: Range<SystemTime>,
    ) -> Result<Vec<Sums>, Failure> {
        let span = aligned(span.start, period)..span.end;
        let seconds = span.end.duration_since(span.start).unwrap_or_default().as_secs();
        let figures = usize::try_from(seconds / u64::from(period.unsigned_abs().max(1)) + 2).unwrap_or(FIGURES);
        let mut found = Vec::with_capacity(wanted.len());
        for some in wanted.chunks((FIGURES / figures).clamp(1, QUERIES)) {
            found.extend(self.sums_of(region, some, period, &span).await?);
        }
        Ok(found)
    }

    async fn sums_of(
        &self,
        region: &Region,
        wanted: &[Wanted<'_>],
        period: i32,
        span: &Range<SystemTime>,
    ) -> Result<Vec<Sums>, Failure> {
        let client = &self.region(region)?.metrics;
        let queries = wanted.iter().enumerate().map(|(index, (model, name, stat))| {
            let dimension = Dimension::builder().name("ModelId").value(*model).build();
            let metric = Metric::builder().namespace("AWS/Bedrock").metric_name(*name).dimensions(dimension);
            let sum = MetricStat::builder().metric(metric.build()).period(period).stat(*stat).build();
            MetricDataQuery::builder().id(format!("m{index}")).metric_stat(sum).return_data(true).build()
        });
        let queries: Vec<_> = queries.collect();
        let asked = asked_ms(span, period);
        let mut found = vec![BTreeMap::new(); wanted.len()];
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(DateTime::from(span.start))
                .end_time(DateTime::from(span.end))
                .set_next_token(next);
            let page = self.ask("GetMetricData", Some("cloudwatch:GetMetricData"), page.send()).await?;
            for result in page.metric_data_results() {
                let index = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                let Some(sums) = index.and_then(|index| found.get_mut(index)) else { continue };
                take(sums, &asked, period, result.timestamps().iter().zip(result.values()));
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found.into_iter().map(|sums| sums.into_iter().collect()).collect());
            }
        }
        Err(endless("GetMetricData"))
    }
}

/// The start of the period of `period` seconds that a moment is in. The service begins its periods where it is asked to, so
/// without this a figure would be put up to a period away from where it belongs.
fn aligned(start: SystemTime, period: i32) -> SystemTime {
    let length = u64::from(period.unsigned_abs().max(1));
    let since = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since - since % length)
}

/// The moments at which a period of `span` can begin, milliseconds since 1970: the first begins before it.
fn asked_ms(span: &Range<SystemTime>, period: i32) -> Range<i64> {
    let ms = |at: SystemTime| DateTime::from(at).to_millis().unwrap_or(i64::MAX);
    ms(span.start).saturating_sub(i64::from(period) * 1_000)..ms(span.end)
}

/// Takes the figures of a reply in, each under the start of its period; what was not asked for, and what cannot be a count,
/// is somebody's fault and left out. Of two words on one period the last holds.
fn take<'a>(
    sums: &mut BTreeMap<i64, u64>,
    asked: &Range<i64>,
    period: i32,
    figures: impl Iterator<Item = (&'a DateTime, &'a f64)>,
) {
    let length = i64::from(period.max(1)) * 1_000;
    for (start_ms, sum) in figures.filter_map(|(at, value)| Some((at.to_millis().ok()?, count(*value)?))) {
        if asked.contains(&start_ms) {
            sums.insert(start_ms - start_ms.rem_euclid(length), sum);
        }
    }
}

/// A count, if it can be one.
fn count(value: f64) -> Option<u64> {
    (value.is_finite() && (0.0..=LARGEST).contains(&value)).then(|| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_count_is_none() {
        assert_eq!(count(2.4), Some(2));
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e30] {
            assert_eq!(count(value), None, "{value}");
        }
    }

    #[test]
    fn a_hostile_reply_adds_nothing() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let asked = asked_ms(&(at(1_030)..at(1_300)), 60);
        let figures = [
            (DateTime::from_secs(1_020), 1.0),
            (DateTime::from_secs(1_080), 2.0),
            (DateTime::from_secs(1_080), 3.0),
            (DateTime::from_millis(1_140_250), 4.0),
            (DateTime::from_secs(1_200), f64::NAN),
            (DateTime::from_secs(1_300), 5.0),
            (DateTime::from_secs(900), 6.0),
            (DateTime::from_secs(i64::MAX / 1_000), 7.0),
            (DateTime::from_secs(i64::MIN / 1_000), 8.0),
            (DateTime::from_secs(i64::MAX), 9.0),
        ];
        let mut sums = BTreeMap::new();
        take(&mut sums, &asked, 60, figures.iter().map(|(at, value)| (at, value)));
        assert_eq!(sums.into_iter().collect::<Vec<_>>(), [(1_020_000, 1), (1_080_000, 3), (1_140_000, 4)]);
    }

    #[test]
    fn periods_are_asked_for_where_they_begin() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(aligned(at(1_000_217), 300), at(1_000_200));
        assert_eq!(aligned(at(1_000_200), 300), at(1_000_200));
        assert_eq!(aligned(at(1_000_217), 60), at(1_000_200));
        assert_eq!(aligned(at(5), 0), at(5));
    }

    #[test]
    fn the_quota_takes_two_metrics_of_seven() {
        assert_eq!((Counts::All.metrics(), Counts::Quota.metrics()), (7, 2));
        let names: Vec<_> = Counts::Quota.columns().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["EstimatedTPMQuotaUsage", "InvocationThrottles"]);
    }
}
