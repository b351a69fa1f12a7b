//! Metrics of our own for CloudWatch.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;

use crate::record::{Failure, Region};

use super::connect::Clients;

/// Data in one call.
const DATA: usize = 1_000;
/// Values in one call: with them, and the names of as many data, a call stays under 1 MB.
const VALUES: usize = 20_000;

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// How many.
    Count,
    /// How long.
    Milliseconds,
    /// A part of a whole, in hundredths.
    Percent,
}

/// One metric in one minute.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricValues {
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: MetricUnit,
    /// What tells it from others of its name.
    pub dimensions: Vec<(&'static str, String)>,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Values, and how often each: at most [`MetricValues::MOST`].
    pub values: Vec<(f64, u64)>,
}

impl MetricValues {
    /// Values that one of them may have.
    pub const MOST: usize = 150;

    fn datum(&self) -> MetricDatum {
        let dimensions =
            self.dimensions.iter().map(|(name, value)| Dimension::builder().name(*name).value(value).build());
        let unit = match self.unit {
            MetricUnit::Count => StandardUnit::Count,
            MetricUnit::Milliseconds => StandardUnit::Milliseconds,
            MetricUnit::Percent => StandardUnit::Percent,
        };
        MetricDatum::builder()
            .metric_name(self.name)
            .unit(unit)
            .set_dimensions(Some(dimensions.collect()))
            .timestamp(DateTime::from_millis(self.at_ms))
            .set_values(Some(self.values.iter().map(|(value, _)| *value).collect()))
            .set_counts(Some(self.values.iter().map(|(_, count)| *count as f64).collect()))
            .build()
    }
}

impl Clients {
    /// Puts metrics into `namespace`. The SDK compresses what is worth it.
    ///
    /// # Errors
    /// As every call; `Access` names the permission. Calls before the one that failed have been taken.
    pub async fn put_metrics(&self, region: &Region, namespace: &str, metrics: &[MetricValues]) -> Result<(), Failure> {
        let client = &self.region(region)?.metrics;
        let mut rest = metrics;
        while !rest.is_empty() {
            let mut values = 0;
            let fits = rest.iter().take(DATA).take_while(|metric| {
                values += metric.values.len();
                values <= VALUES
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            let data = now.iter().map(MetricValues::datum).collect();
            let call = client.put_metric_data().namespace(namespace).set_metric_data(Some(data));
            self.ask("PutMetricData", Some("cloudwatch:PutMetricData"), call.send()).await?;
            rest = later;
        }
        Ok(())
    }
}
