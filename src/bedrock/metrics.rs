//! What CloudWatch counted: how often models are invoked, by every caller of the account.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_smithy_types::DateTime;

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

/// Minutes of several models as they are called, and how many metrics were asked for: that is what AWS bills.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelMinutes {
    /// By model, oldest first; a minute without data is left out.
    pub minutes: BTreeMap<String, Vec<MinuteUse>>,
    /// Metrics asked for.
    pub asked: u64,
}

/// A metric of `AWS/Bedrock`, and where its sum goes in a minute.
type Column = (&'static str, fn(&mut MinuteUse) -> &mut u64);

const QUOTA_TOKENS: Column = ("EstimatedTPMQuotaUsage", |minute| &mut minute.quota_tokens);
const THROTTLES: Column = ("InvocationThrottles", |minute| &mut minute.throttles);
/// Everything of a minute.
const ALL: [Column; 7] = [
    ("Invocations", |minute| &mut minute.invocations),
    THROTTLES,
    ("InvocationClientErrors", |minute| &mut minute.client_errors),
    ("InvocationServerErrors", |minute| &mut minute.server_errors),
    ("InputTokenCount", |minute| &mut minute.input),
    ("OutputTokenCount", |minute| &mut minute.output),
    QUOTA_TOKENS,
];

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
        let wanted: Vec<_> = models.iter().map(|model| (model.as_str(), "Invocations")).collect();
        let found = self.sums(region, &wanted, PERIOD, from, now).await?;
        let ends = |sums: Sums| sums.into_iter().map(|(start, sum)| (start + i64::from(PERIOD) * 1_000, sum)).collect();
        let found = models.iter().cloned().zip(found).filter(|(_, sums)| !sums.is_empty());
        Ok(found.map(|(model, sums)| (model, ends(sums))).collect())
    }

    /// What CloudWatch counted of `models` (ids or ARNs, as they are called) from `from` to `to`, minute by minute. Seven
    /// metrics for each model.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn model_minutes(
        &self,
        region: &Region,
        models: &[String],
        from: SystemTime,
        to: SystemTime,
    ) -> Result<ModelMinutes, Failure> {
        self.columns(region, models, &ALL, from, to).await
    }

    /// The same, quota tokens and throttles alone: two metrics for each model.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn quota_minutes(
        &self,
        region: &Region,
        models: &[String],
        from: SystemTime,
        to: SystemTime,
    ) -> Result<ModelMinutes, Failure> {
        self.columns(region, models, &[QUOTA_TOKENS, THROTTLES], from, to).await
    }

    /// Quota tokens of `models` from `from` to `to` in all, in their order: one metric for each model.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn quota_tokens(
        &self,
        region: &Region,
        models: &[String],
        from: SystemTime,
        to: SystemTime,
    ) -> Result<Vec<u64>, Failure> {
        let wanted: Vec<_> = models.iter().map(|model| (model.as_str(), QUOTA_TOKENS.0)).collect();
        let found = self.sums(region, &wanted, 3_600, from, to).await?;
        Ok(found.iter().map(|sums| sums.iter().fold(0u64, |all, (_, sum)| all.saturating_add(*sum))).collect())
    }

    async fn columns(
        &self,
        region: &Region,
        models: &[String],
        columns: &[Column],
        from: SystemTime,
        to: SystemTime,
    ) -> Result<ModelMinutes, Failure> {
        let pairs = || models.iter().flat_map(|model| columns.iter().map(move |column| (model, *column)));
        let wanted: Vec<_> = pairs().map(|(model, (metric, _))| (model.as_str(), metric)).collect();
        let found = self.sums(region, &wanted, 60, from, to).await?;
        let mut minutes: BTreeMap<String, BTreeMap<i64, MinuteUse>> = BTreeMap::new();
        for ((model, (_, column)), sums) in pairs().zip(found) {
            let of_model = minutes.entry(model.clone()).or_default();
            for (start_ms, sum) in sums {
                let start_ms = MinuteUse::start_of(start_ms);
                let minute = of_model.entry(start_ms).or_insert(MinuteUse { start_ms, ..MinuteUse::default() });
                *column(minute) = sum;
            }
        }
        let minutes = minutes.into_iter().map(|(model, minutes)| (model, minutes.into_values().collect())).collect();
        Ok(ModelMinutes { minutes, asked: wanted.len() as u64 })
    }

    /// The sums of each of `wanted` (model as it is called, metric) in periods of `period` seconds, in their order.
    async fn sums(
        &self,
        region: &Region,
        wanted: &[(&str, &str)],
        period: i32,
        from: SystemTime,
        to: SystemTime,
    ) -> Result<Vec<Sums>, Failure> {
        let span = to.duration_since(from).unwrap_or_default().as_secs();
        let figures = usize::try_from(span / period.unsigned_abs().max(1) as u64 + 2).unwrap_or(FIGURES);
        let at_once = (FIGURES / figures).clamp(1, QUERIES);
        let mut found = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(at_once) {
            found.extend(self.sums_of(region, some, period, from, to, figures).await?);
        }
        Ok(found)
    }

    async fn sums_of(
        &self,
        region: &Region,
        wanted: &[(&str, &str)],
        period: i32,
        from: SystemTime,
        to: SystemTime,
        most: usize,
    ) -> Result<Vec<Sums>, Failure> {
        let client = &self.region(region)?.metrics;
        let queries = wanted.iter().enumerate().map(|(index, (model, name))| {
            let dimension = Dimension::builder().name("ModelId").value(*model).build();
            let metric = Metric::builder().namespace("AWS/Bedrock").metric_name(*name).dimensions(dimension);
            let sum = MetricStat::builder().metric(metric.build()).period(period).stat("Sum").build();
            MetricDataQuery::builder().id(format!("m{index}")).metric_stat(sum).return_data(true).build()
        });
        let queries: Vec<_> = queries.collect();
        let mut found = vec![BTreeMap::new(); wanted.len()];
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(DateTime::from(from))
                .end_time(DateTime::from(to))
                .set_next_token(next);
            let page = self.ask("GetMetricData", Some("cloudwatch:GetMetricData"), page.send()).await?;
            for result in page.metric_data_results() {
                let index = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                let Some(sums) = index.and_then(|index| found.get_mut(index)) else { continue };
                let figures = result.timestamps().iter().zip(result.values());
                for (start_ms, sum) in figures.filter_map(|(at, value)| Some((at.to_millis().ok()?, count(*value)?))) {
                    // The last word on a period holds; more periods than were asked for are somebody's fault.
                    if sums.len() < most || sums.contains_key(&start_ms) {
                        sums.insert(start_ms, sum);
                    }
                }
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found.into_iter().map(|sums| sums.into_iter().collect()).collect());
            }
        }
        Err(endless("GetMetricData"))
    }
}

/// A count, if it can be one.
fn count(value: f64) -> Option<u64> {
    (value.is_finite() && (0.0..=LARGEST).contains(&value)).then(|| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn what_cannot_be_a_count_is_none() {
        assert_eq!(count(2.4), Some(2));
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e30] {
            assert_eq!(count(value), None, "{value}");
        }
    }
}
