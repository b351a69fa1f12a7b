//! What CloudWatch counted: how often models are invoked, by every caller of the account.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_smithy_types::DateTime;

use crate::record::{Failure, Region};

use super::ask::{MOST_PAGES, endless};
use super::connect::Clients;

/// Seconds of one figure.
const PERIOD: i32 = 300;
/// Models in one call: with the 288 figures of a day each they stay under the 100,800 that a reply holds.
const MODELS: usize = 300;

/// Invocations of one model, oldest first: the end of each five minutes in milliseconds since 1970, and how many.
pub type Invocations = Vec<(i64, u64)>;

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
        let mut found = BTreeMap::new();
        for some in models.chunks(MODELS) {
            self.invocations_of(region, some, now, &mut found).await?;
        }
        Ok(found)
    }

    async fn invocations_of(
        &self,
        region: &Region,
        models: &[String],
        now: SystemTime,
        found: &mut BTreeMap<String, Invocations>,
    ) -> Result<(), Failure> {
        let client = &self.region(region)?.metrics;
        let queries = models.iter().enumerate().map(|(index, model)| {
            let dimension = Dimension::builder().name("ModelId").value(model).build();
            let metric = Metric::builder().namespace("AWS/Bedrock").metric_name("Invocations").dimensions(dimension);
            let sum = MetricStat::builder().metric(metric.build()).period(PERIOD).stat("Sum").build();
            MetricDataQuery::builder().id(format!("m{index}")).metric_stat(sum).return_data(true).build()
        });
        let queries: Vec<_> = queries.collect();
        let from = now.checked_sub(Duration::from_secs(86_400)).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(DateTime::from(from))
                .end_time(DateTime::from(now))
                .set_next_token(next);
            let page = self.ask("GetMetricData", Some("cloudwatch:GetMetricData"), page.send()).await?;
            for result in page.metric_data_results() {
                let index = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                let Some(model) = index.and_then(|index| models.get(index)) else { continue };
                let figures = result.timestamps().iter().zip(result.values()).filter_map(|(at, value)| {
                    let end = at.to_millis().ok()?.saturating_add(i64::from(PERIOD) * 1_000);
                    (value.is_finite() && *value >= 0.0).then_some((end, value.round() as u64))
                });
                found.entry(model.clone()).or_default().extend(figures);
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                found.values_mut().for_each(|figures| figures.sort_unstable());
                return Ok(());
            }
        }
        Err(endless("GetMetricData"))
    }
}
