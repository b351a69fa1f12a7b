//! `ListMetrics`: which metrics there are.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::metrics::{MetricKey, minute};
use super::super::page::{BadToken, page};
use super::{bounded, invalid};

/// Metrics in one page.
const PAGE: usize = 500;
/// Dimensions that a list can be narrowed by.
const FILTERS: usize = 10;
/// "Recently" is the last three hours, in minutes.
const RECENT: u64 = 180;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Filter>,
    next_token: Option<String>,
    recently_active: Option<String>,
}

/// A dimension that a metric must have, with any value or this one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    name: String,
    value: Option<String>,
}

impl Filter {
    fn fits(&self, key: &MetricKey) -> bool {
        let value = key.dimensions.iter().find(|(name, _)| *name == self.name).map(|(_, value)| value);
        value.is_some_and(|value| self.value.as_ref().is_none_or(|wanted| wanted == value))
    }
}

pub(super) fn list_metrics(call: &Call, input: Input) -> Result<Value, ServiceError> {
    let metrics = &call.world.metrics;
    for (text, parameter) in [(&input.namespace, "Namespace"), (&input.metric_name, "MetricName")] {
        text.as_deref().map_or(Ok(()), |text| bounded(text, 255, parameter))?;
    }
    if input.dimensions.len() > FILTERS {
        return Err(invalid(format!("The collection Dimensions must not have a size greater than {FILTERS}.")));
    }
    for (filter, member) in input.dimensions.iter().zip(1..) {
        bounded(&filter.name, 255, &format!("Dimensions.member.{member}.Name"))?;
        let value = filter.value.as_deref();
        value.map_or(Ok(()), |value| bounded(value, 1_024, &format!("Dimensions.member.{member}.Value")))?;
    }
    let since = match input.recently_active.as_deref() {
        None => None,
        Some("PT3H") => Some(minute(call.world.service_time()).saturating_sub(RECENT)),
        Some(_) => return Err(invalid("The value for parameter RecentlyActive must be PT3H.".into())),
    };
    let mut found = metrics.list(&call.region.name, |key| {
        input.namespace.as_ref().is_none_or(|wanted| *wanted == key.namespace)
            && input.metric_name.as_ref().is_none_or(|wanted| *wanted == key.name)
            && input.dimensions.iter().all(|filter| filter.fits(key))
    });
    if let Some(since) = since {
        found.retain(|key| metrics.active_since(key, since));
    }
    let page = page(found, input.next_token.as_deref(), PAGE)
        .map_err(|BadToken| invalid("The value for parameter NextToken is invalid.".into()))?;
    let named = |key: &MetricKey| {
        let dimension = |(name, value): &(String, String)| json!({ "Name": name, "Value": value });
        json!({
            "Namespace": key.namespace,
            "MetricName": key.name,
            "Dimensions": key.dimensions.iter().map(dimension).collect::<Vec<_>>(),
        })
    };
    let mut reply = json!({ "Metrics": page.items.iter().map(named).collect::<Vec<_>>() });
    if let Some(next) = page.next {
        reply["NextToken"] = next.into();
    }
    Ok(reply)
}
