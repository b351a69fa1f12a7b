//! The simulator's CloudWatch, driven by the Rust SDK in CBOR: the metrics of the traffic, to the unit, and a client's own.

use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime as runtime;
use aws_sdk_cloudwatch as cloudwatch;
use bedrock_top::sim::{MeterKind, QuotaSpec, Scenario, ScopeLedger, Simulator};
use cloudwatch::config::{BehaviorVersion, Credentials, Region};
use cloudwatch::error::ProvideErrorMetadata;
use cloudwatch::primitives::DateTime;
use cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, ScanBy, StandardUnit};
use libtest_mimic::{Failed, Trial};
use runtime::types::{ContentBlock, ConversationRole, InferenceConfiguration, Message};

use crate::wire::{HAIKU, LOOPBACK, check, fast, quota};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("the_metrics_are_the_traffic_to_the_unit", traffic_to_the_unit),
        trial("what_is_not_yet_published_is_not_seen", not_yet_published),
        trial("own_metrics_come_back_zipped_paged_and_in_order", own_metrics),
        trial("errors_have_the_codes_of_the_query_protocol", errors_have_codes),
    ]
}

fn trial<F>(name: &str, test: fn() -> F) -> Trial
where
    F: Future<Output = Result<(), Failed>> + 'static,
{
    Trial::test(format!("cloudwatch::{name}"), move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(test())
    })
}

/// A simulator in which a minute of the metrics lasts a tenth of a second, and the model has tokens for a few calls.
fn simulator(metric_delay_s: f64) -> Result<Simulator, Failed> {
    let scenario = Scenario {
        speed: 600.0,
        metric_delay_s,
        output_tokens: 60.0,
        output_sigma: 0.3,
        regions: vec![fast("us-east-1")],
        quotas: vec![QuotaSpec { tpm: Some(4_100), meter: MeterKind::Sliding, ..quota(HAIKU) }],
        ..Scenario::default()
    };
    Ok(Simulator::start(scenario, LOOPBACK)?)
}

fn credentials() -> Credentials {
    Credentials::new("AKIDSDK", "secret", None, None, "test")
}

fn bedrock(simulator: &Simulator) -> runtime::Client {
    let config = runtime::Config::builder()
        .behavior_version(runtime::config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(simulator.url().as_str())
        .credentials_provider(credentials())
        .retry_config(runtime::config::retry::RetryConfig::disabled())
        .build();
    runtime::Client::from_conf(config)
}

pub fn client(simulator: &Simulator) -> cloudwatch::Client {
    client_in(simulator, "us-east-1")
}

pub fn client_in(simulator: &Simulator, region: &'static str) -> cloudwatch::Client {
    let config = cloudwatch::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url(simulator.url().as_str())
        .credentials_provider(credentials())
        .retry_config(cloudwatch::config::retry::RetryConfig::disabled())
        .build();
    cloudwatch::Client::from_conf(config)
}

fn message() -> Result<Message, Failed> {
    Ok(Message::builder().role(ConversationRole::User).content(ContentBlock::Text("How are you?".into())).build()?)
}

fn at_most(tokens: i32) -> InferenceConfiguration {
    InferenceConfiguration::builder().max_tokens(tokens).build()
}

pub fn metric(namespace: &str, name: &str, model: Option<&str>) -> Metric {
    let dimension = model.map(|model| Dimension::builder().name("ModelId").value(model).build());
    Metric::builder().namespace(namespace).metric_name(name).set_dimensions(dimension.map(|one| vec![one])).build()
}

pub fn query(metric: Metric, stat: &str, period: i32) -> MetricDataQuery {
    let stat = MetricStat::builder().metric(metric).stat(stat).period(period).build();
    MetricDataQuery::builder().id("q").metric_stat(stat).build()
}

/// From an hour ago until far ahead: the service's clock runs faster than ours.
fn span() -> (DateTime, DateTime) {
    let now = DateTime::from(std::time::SystemTime::now()).secs();
    (DateTime::from_secs(now - 3_600), DateTime::from_secs(now + 30 * 86_400))
}

pub async fn values(client: &cloudwatch::Client, query: MetricDataQuery) -> Result<Vec<f64>, Failed> {
    let (start, end) = span();
    let reply = client.get_metric_data().metric_data_queries(query).start_time(start).end_time(end).send().await?;
    Ok(reply.metric_data_results().first().ok_or("no result")?.values().to_vec())
}

/// What a metric of the traffic adds up to.
pub async fn sum(client: &cloudwatch::Client, name: &str, stat: &str, model: Option<&str>) -> Result<f64, Failed> {
    // The service's clock may pass midnight meanwhile.
    Ok(values(client, query(metric("AWS/Bedrock", name, model), stat, 86_400)).await?.iter().sum())
}

async fn traffic_to_the_unit() -> Result<(), Failed> {
    let simulator = simulator(60.0)?;
    let (bedrock, client) = (bedrock(&simulator), client(&simulator));
    for _ in 0..4 {
        bedrock.converse().model_id(HAIKU).messages(message()?).inference_config(at_most(400)).send().await?;
    }
    for _ in 0..3 {
        let mut stream = bedrock
            .converse_stream()
            .model_id(HAIKU)
            .messages(message()?)
            .inference_config(at_most(400))
            .send()
            .await?
            .stream;
        while stream.recv().await?.is_some() {}
    }
    for max_tokens in [4_000, 4_000, 4_000, 5_000] {
        // More than is left of the quota; the last is more than the model can say.
        let _ =
            bedrock.converse().model_id(HAIKU).messages(message()?).inference_config(at_most(max_tokens)).send().await;
    }
    let ledger = simulator.ledger();
    let scope: &ScopeLedger = ledger.scope("us-east-1", HAIKU).ok_or("no scope")?;
    check((scope.in_flight, scope.completed, scope.rejected()) == (0, 7, 3), scope)?;
    let calls = scope.completed as f64;
    let deadline = Instant::now() + Duration::from_secs(20);
    while sum(&client, "Invocations", "Sum", Some(HAIKU)).await? < calls
        || sum(&client, "InvocationClientErrors", "Sum", Some(HAIKU)).await? < 1.0
    {
        check(Instant::now() < deadline, "the metrics are not published")?;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for model in [Some(HAIKU), None] {
        for (name, stat, wanted) in [
            ("Invocations", "Sum", calls),
            ("Invocations", "SampleCount", calls),
            ("InvocationLatency", "SampleCount", calls),
            ("InputTokenCount", "Sum", scope.used.input as f64),
            ("OutputTokenCount", "Sum", scope.used.output as f64),
            ("OutputTokenCount", "SampleCount", calls),
            ("EstimatedTPMQuotaUsage", "Sum", scope.settled as f64),
            ("TimeToFirstToken", "SampleCount", 3.0),
            ("InvocationThrottles", "Sum", scope.rejected() as f64),
            ("InvocationClientErrors", "Sum", 1.0),
            ("InvocationServerErrors", "Sum", 0.0),
        ] {
            let found = sum(&client, name, stat, model).await?;
            check(found == wanted, (name, stat, model, found, wanted))?;
        }
    }
    check(sum(&client, "Invocations", "Sum", Some("amazon.nova-lite-v1:0")).await? == 0.0, "another model")?;
    let (low, high) = (
        values(&client, query(metric("AWS/Bedrock", "InvocationLatency", None), "Minimum", 86_400)).await?,
        values(&client, query(metric("AWS/Bedrock", "InvocationLatency", None), "p100", 86_400)).await?,
    );
    check(low.iter().zip(&high).all(|(low, high)| *low > 0.0 && low <= high), (&low, &high))?;
    let listed = client.list_metrics().namespace("AWS/Bedrock").metric_name("Invocations").send().await?;
    check(listed.metrics().len() == 2, &listed)
}

async fn not_yet_published() -> Result<(), Failed> {
    let simulator = simulator(86_400.0)?;
    let client = client(&simulator);
    bedrock(&simulator).converse().model_id(HAIKU).messages(message()?).inference_config(at_most(50)).send().await?;
    check(sum(&client, "Invocations", "Sum", None).await? == 0.0, "a metric is seen before its time")?;
    let unknown = values(&client, query(metric("Nobody", "Nothing", None), "Sum", 60)).await?;
    check(unknown.is_empty(), unknown)
}

async fn own_metrics() -> Result<(), Failed> {
    let simulator = simulator(60.0)?;
    simulator.watch("gzip");
    let client = client(&simulator);
    let (start, end) = span();
    let at = |n: i64| DateTime::from_secs(start.secs() + 600 + n);
    // A thousand metrics: a body that the SDK zips.
    let datum = |n: i64| {
        MetricDatum::builder().metric_name("depth").timestamp(at(n)).value(n as f64).unit(StandardUnit::Count).build()
    };
    client
        .put_metric_data()
        .namespace("Custom/Bedrock")
        .set_metric_data(Some((0..1_000).map(datum).collect()))
        .send()
        .await?;
    check(simulator.ledger().watched["gzip"] >= 1, "the body was not zipped")?;
    for (scan, ascending) in [(ScanBy::TimestampAscending, true), (ScanBy::TimestampDescending, false)] {
        let mut pages = client
            .get_metric_data()
            .metric_data_queries(query(metric("Custom/Bedrock", "depth", None), "Sum", 60))
            .start_time(start)
            .end_time(end)
            .scan_by(scan)
            .max_datapoints(5)
            .into_paginator()
            .send();
        let (mut times, mut total, mut count) = (Vec::new(), 0.0, 0);
        while let Some(page) = pages.next().await {
            for result in page?.metric_data_results() {
                check(result.values().len() <= 5, result)?;
                times.extend(result.timestamps().iter().map(DateTime::secs));
                total += result.values().iter().sum::<f64>();
            }
            count += 1;
        }
        if !ascending {
            times.reverse();
        }
        check(times.is_sorted() && (17..=18).contains(&times.len()) && count == 4, (&times, count))?;
        check(times.iter().all(|time| time % 60 == 0), &times)?;
        check(total == 499_500.0, total)?;
    }
    Ok(())
}

async fn errors_have_codes() -> Result<(), Failed> {
    let simulator = simulator(60.0)?;
    let client = client(&simulator);
    let (start, end) = span();
    let expression = MetricDataQuery::builder().id("e1").expression("FILL(m1, 0)").build();
    let error = client.get_metric_data().metric_data_queries(expression).start_time(start).end_time(end).send().await;
    let error = error.err().ok_or("answered")?;
    check(error.code() == Some("ValidationError"), &error)?;
    check(error.message().is_some_and(|message| message.starts_with("Error in expression 'e1'")), &error)?;
    let nan = MetricDatum::builder().metric_name("m").value(f64::NAN).build();
    let error = client.put_metric_data().namespace("Custom").metric_data(nan).send().await.err().ok_or("taken")?;
    check(error.as_service_error().is_some_and(|error| error.is_invalid_parameter_value_exception()), &error)?;
    let none = client.put_metric_data().namespace("Custom").send().await.err().ok_or("taken")?;
    check(none.as_service_error().is_some_and(|error| error.is_missing_required_parameter_exception()), &none)?;
    let page = client
        .get_metric_data()
        .metric_data_queries(query(metric("Custom", "m", None), "Sum", 60))
        .start_time(start)
        .end_time(end)
        .next_token("nonsense");
    let error = page.send().await.err().ok_or("answered")?;
    check(error.as_service_error().is_some_and(|error| error.is_invalid_next_token()), &error)?;
    let error = client.describe_alarms().send().await.err().ok_or("served")?;
    check(error.code() == Some("UnknownOperationException"), &error)
}
