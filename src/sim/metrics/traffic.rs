//! What the traffic of the simulator leaves in CloudWatch, under the service's names (facts §2.1).

use std::time::Duration;

use crate::catalogue::cost;
use crate::record::{Micros, Usage};

use super::super::errors::ServiceError;
use super::super::runtime::ServiceTier;
use super::super::world::World;
use super::store::{MetricKey, Resolution};

const BEDROCK: &str = "AWS/Bedrock";
const BATCH: &str = "AWS/Bedrock/Batch";
const COUNT: &str = "Count";
const MILLISECONDS: &str = "Milliseconds";

/// A request for inference, as CloudWatch tells it from others.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Called {
    pub region: String,
    /// The `ModelId`: the foundation model or inference profile as called, or the ARN of provisioned throughput.
    pub model: String,
    /// Output tokens count this many times.
    pub burndown: u32,
    /// The service tier that was asked for, if one was.
    pub tier: Option<ServiceTier>,
    /// Whether the reply is streamed: only then there is a time to first token.
    pub streams: bool,
}

/// A request that was accepted and is over, whether or not its reply arrived.
pub(in crate::sim) fn invocation(
    world: &World,
    called: &Called,
    usage: &Usage,
    latency: Duration,
    first_token: Option<Duration>,
) {
    let millis = |span: Duration| span.as_secs_f64() * 1e3;
    let quota = cost::settle(usage, called.burndown).0 as f64;
    let mut metrics = vec![
        ("Invocations", COUNT, 1.0),
        ("InvocationLatency", MILLISECONDS, millis(latency)),
        ("InputTokenCount", COUNT, usage.input as f64),
        ("OutputTokenCount", COUNT, usage.output as f64),
        ("EstimatedTPMQuotaUsage", COUNT, quota),
    ];
    metrics.extend(first_token.filter(|_| called.streams).map(|span| ("TimeToFirstToken", MILLISECONDS, millis(span))));
    for (name, unit, value) in metrics {
        record(world, &called.region, name, unit, &called.model, called.tier, value);
    }
}

/// A call of a tenant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub input: u64,
    pub output: u64,
    /// Quota tokens that it settles at.
    pub quota: u64,
}

/// So many calls of a tenant, over at `at`.
pub(super) fn of_tenant(world: &World, region: &str, model: &str, at: Micros, calls: u64, call: Call) {
    if calls == 0 {
        return;
    }
    let metrics = [
        ("Invocations", 1),
        ("InputTokenCount", call.input),
        ("OutputTokenCount", call.output),
        ("EstimatedTPMQuotaUsage", call.quota),
    ];
    for (name, value) in metrics {
        for dimensions in [of(model), Vec::new()] {
            let key = MetricKey::new(region, BEDROCK, name, dimensions);
            let _ = world.metrics.add(key, COUNT, at, Resolution::Minute, |cell| cell.add(value as f64, calls as f64));
        }
    }
}

/// A request that was refused: throttles are counted apart from other errors of the client.
pub(in crate::sim) fn refusal(
    world: &World,
    region: &str,
    model: &str,
    tier: Option<ServiceTier>,
    error: &ServiceError,
) {
    let name = match error.code {
        "ThrottlingException" => "InvocationThrottles",
        _ if error.status.is_client_error() => "InvocationClientErrors",
        _ => "InvocationServerErrors",
    };
    record(world, region, name, COUNT, model, tier, 1.0);
}

/// Where the batch jobs of a model stand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::sim) struct BatchBacklog {
    pub records_pending: u64,
    pub tokens_pending: u64,
    pub input_tokens_per_minute: u64,
    pub output_tokens_per_minute: u64,
}

/// Once a minute for each model that has batch jobs: where they stood at the end of the minute `at`.
pub(in crate::sim) fn batch(world: &World, region: &str, model: &str, at: Micros, backlog: BatchBacklog) {
    for (name, value) in [
        ("NumberOfRecordsPendingProcessing", backlog.records_pending),
        ("NumberOfTokensPendingProcessing", backlog.tokens_pending),
        ("NumberOfInputTokensProcessedPerMinute", backlog.input_tokens_per_minute),
        ("NumberOfOutputTokensProcessedPerMinute", backlog.output_tokens_per_minute),
    ] {
        let key = MetricKey::new(region, BATCH, name, of(model));
        let _ = world.metrics.add(key, COUNT, at, Resolution::Minute, |cell| cell.add(value as f64, 1.0));
    }
}

/// Each metric of inference is published by model and for all models together; of a request that names a service tier
/// also by model and tier.
fn record(
    world: &World,
    region: &str,
    name: &str,
    unit: &'static str,
    model: &str,
    tier: Option<ServiceTier>,
    value: f64,
) {
    let by_tier = tier.map(|tier| {
        let named = |name: &str, tier: ServiceTier| (name.to_owned(), tier.word().to_owned());
        let tiers = [named("ServiceTier", tier), named("ResolvedServiceTier", tier.resolved())];
        of(model).into_iter().chain(tiers).collect()
    });
    for dimensions in [of(model), Vec::new()].into_iter().chain(by_tier) {
        add(world, MetricKey::new(region, BEDROCK, name, dimensions), unit, value);
    }
}

fn of(model: &str) -> Vec<(String, String)> {
    vec![("ModelId".to_owned(), model.to_owned())]
}

fn add(world: &World, key: MetricKey, unit: &'static str, value: f64) {
    let now: Micros = world.service_time();
    // Only a client's own metrics could use up the names; what the service has to say is then lost, and nothing else.
    let _ = world.metrics.add(key, unit, now, Resolution::Minute, |cell| cell.add(value, 1.0));
}
