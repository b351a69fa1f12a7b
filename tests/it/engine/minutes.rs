//! The minute book against the simulator's CloudWatch, and the run's metrics published into it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bedrock_top::bedrock::{Clients, ConnectionSettings, Target};
use bedrock_top::control::{PublishView, Publishing};
use bedrock_top::engine::EngineSnapshot;
use bedrock_top::record::{MinuteUse, Reconciled, Route, UseDifference, reconcile};
use bedrock_top::sim::{Fault, FaultKind, Scenario};
use libtest_mimic::Trial;

use super::{EAST, MODEL, Rig, WEST, account, finished, hurried, lines, quota, scope, trial, until};
use crate::cloudwatch;

const RECORDS: usize = 120;
const NAMESPACE: &str = "Custom/Bedrock";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("our_minutes_are_those_of_cloudwatch_streamed".into(), || nobody_else(true)),
        trial("our_minutes_are_those_of_cloudwatch_unary".into(), || nobody_else(false)),
        trial("alone_in_two_regions_nothing_is_left_over".into(), || async {
            for (seed, kind) in [(1, FaultKind::Brownout), (2, FaultKind::Denied), (3, FaultKind::Outage)] {
                in_two_regions(seed, kind, true).await;
            }
        }),
        trial("of_calls_that_break_off_none_is_missing".into(), || async {
            for (seed, kind) in [
                (4, FaultKind::StreamError),
                (5, FaultKind::StreamError),
                (6, FaultKind::Malformed),
                (7, FaultKind::Truncate),
                (9, FaultKind::LostReply),
            ] {
                in_two_regions(seed, kind, false).await;
            }
        }),
        trial("published_metrics_keep_their_percentiles".into(), published),
        trial("a_failing_cloudwatch_costs_minutes_and_not_the_run".into(), failing),
    ]
}

fn fault(kind: FaultKind, service: Option<&str>, rate: f64) -> Fault {
    let service = service.map(str::to_owned);
    // The limiter goes down to few requests a minute under throttles that nothing explains: they do not last.
    let for_s = (kind == FaultKind::Throttle).then_some(0.3);
    Fault { region: None, kind, service, operation: None, model: None, at_s: 0.0, for_s, rate }
}

/// One Region, in which a minute of metrics is over after a tenth of a second.
fn rig(faults: Vec<Fault>) -> Rig {
    let quotas = vec![quota(EAST, Some(30_000), Some(6_000_000))];
    Rig::new(Scenario { faults, speed: 600.0, metric_delay_s: 60.0, ..account(quotas) }, hurried())
}

/// Alone on the account, every count of ours is one of the service's, throttles and errors included.
async fn nobody_else(stream: bool) {
    let troubles = [FaultKind::Throttle, FaultKind::Capacity, FaultKind::NotReady];
    let rig = rig(troubles.map(|kind| fault(kind, None, 0.2)).to_vec());
    let engine = rig.start(rig.file(RECORDS, 20, stream)).await;
    let last = finished(&engine).await;
    let ended = |snapshot: &EngineSnapshot| {
        let ours = ours(snapshot);
        ours.invocations + ours.throttles + ours.client_errors + ours.server_errors
    };
    let attempts = last.run.attempts;
    let last = until(&engine, "the book of all attempts", |snapshot| ended(snapshot) == attempts).await;
    engine.shutdown().await;
    let ours = ours(&last);
    assert_eq!((ours.invocations, ours.quota_tokens), (RECORDS as u64, scope(&last, EAST).settled_total));
    assert!(ours.throttles > 0 && ours.client_errors > 0 && ours.server_errors > 0, "{ours:?}");
    assert!(ours.reserved >= ours.quota_tokens / 5, "{ours:?}");

    let deadline = Instant::now() + Duration::from_secs(30);
    let found = loop {
        let found = compared(&rig, EAST, &ours).await;
        if found.difference == UseDifference::default() || Instant::now() > deadline {
            break found;
        }
    };
    assert_eq!((found.minutes, found.difference, found.others_at_least), (1, UseDifference::default(), Some(0.0)));
}

/// Our counts in a Region beside those of CloudWatch. The service's minutes are shorter than ours here: all of them are
/// taken for one.
async fn compared(rig: &Rig, region: &'static str, ours: &MinuteUse) -> Reconciled {
    let client = cloudwatch::client_in(&rig.simulator, region);
    let mut theirs = MinuteUse::default();
    for (count, name) in [
        (&mut theirs.invocations, "Invocations"),
        (&mut theirs.throttles, "InvocationThrottles"),
        (&mut theirs.client_errors, "InvocationClientErrors"),
        (&mut theirs.server_errors, "InvocationServerErrors"),
        (&mut theirs.input, "InputTokenCount"),
        (&mut theirs.output, "OutputTokenCount"),
        (&mut theirs.quota_tokens, "EstimatedTPMQuotaUsage"),
    ] {
        *count = cloudwatch::sum(&client, name, "Sum", Some(MODEL)).await.unwrap() as u64;
    }
    reconcile(std::slice::from_ref(ours), &[theirs], 0)
}

/// Across two Regions, with retries, whatever goes wrong and whatever the seed. What a call used that broke off cannot be
/// known: there only the calls are compared. (Whether a connection that was reset carried its request cannot be known
/// either: we count it, and the simulator does not.)
async fn in_two_regions(seed: u64, kind: FaultKind, whole: bool) {
    let quotas = vec![quota(EAST, Some(30_000), Some(6_000_000)), quota(WEST, Some(30_000), Some(6_000_000))];
    let faults = vec![fault(kind, None, 0.25)];
    let rig = Rig::new(Scenario { seed, faults, speed: 600.0, metric_delay_s: 60.0, ..account(quotas) }, hurried());
    let engine = rig.start(rig.file(RECORDS, 20, seed % 2 == 1)).await;
    finished(&engine).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    for region in [EAST, WEST] {
        loop {
            let now = until(&engine, "a snapshot", |_| true).await;
            let found = compared(&rig, region, &ours_in(&now, Some(region))).await;
            let mut difference = found.difference;
            if !whole {
                (difference.input, difference.output, difference.quota_tokens) = (0, 0, 0);
            }
            if difference == UseDifference::default() && found.theirs.invocations > 0 {
                break;
            }
            assert!(Instant::now() < deadline, "seed {seed}, {kind:?}, {region}: {found:?}");
        }
    }
    engine.shutdown().await;
}

/// All minutes of the run in one.
fn ours(snapshot: &EngineSnapshot) -> MinuteUse {
    ours_in(snapshot, None)
}

/// The same, of one Region.
fn ours_in(snapshot: &EngineSnapshot, region: Option<&str>) -> MinuteUse {
    let mut sum = MinuteUse::default();
    let routes = snapshot.minutes.iter().filter(|at| region.is_none_or(|region| at.route.region.as_str() == region));
    for minute in routes.flat_map(|at| &at.minutes) {
        sum.invocations += minute.invocations;
        sum.throttles += minute.throttles;
        sum.client_errors += minute.client_errors;
        sum.server_errors += minute.server_errors;
        sum.input += minute.input;
        sum.output += minute.output;
        sum.quota_tokens += minute.quota_tokens;
        sum.reserved += minute.reserved;
    }
    sum
}

/// Runs the file and publishes what it does.
async fn run_and_publish(rig: &Rig) -> (Arc<EngineSnapshot>, PublishView) {
    let target = Target::Simulator { url: rig.simulator.url().clone() };
    let clients = Clients::connect(&target, &[EAST.into()], ConnectionSettings::default()).await.unwrap();
    let engine = rig.start(rig.file(RECORDS, 20, true)).await;
    let sender = engine.sender();
    let reports = Box::new(move |reader| sender.report_to(reader));
    let publishing = Publishing::new(Arc::new(clients), NAMESPACE, &[Route::new(EAST, MODEL)], reports);
    publishing.turn_on(&tokio::runtime::Handle::current());
    let last = finished(&engine).await;
    engine.shutdown().await;
    (last, publishing.turn_off().await)
}

async fn published() {
    let rig = rig(vec![fault(FaultKind::Throttle, None, 0.2)]);
    let (last, view) = run_and_publish(&rig).await;
    assert_eq!((view.lost, &view.problem), (0, &None), "{view:?}");
    assert!(view.sent >= 1 && view.last_ms > 0, "{view:?}");

    let mut tokens: Vec<f64> = lines(&rig.path("out.jsonl"))
        .iter()
        .map(|line| line["modelOutput"]["usage"]["totalTokens"].as_f64().unwrap())
        .collect();
    tokens.sort_by(f64::total_cmp);
    let client = cloudwatch::client(&rig.simulator);
    let read = async |name: &str, stat: &str| {
        let metric = cloudwatch::metric(NAMESPACE, name, Some(MODEL));
        cloudwatch::values(&client, cloudwatch::query(metric, stat, 86_400)).await.unwrap()
    };
    for (stat, percent) in [("p50", 50), ("p90", 90), ("p99", 99)] {
        let wanted = tokens[(tokens.len() * percent).div_ceil(100) - 1];
        let found = read("TokensProcessed", stat).await[0];
        // One hundredth is ours; the rest are the buckets in which CloudWatch keeps what it is given.
        assert!((found / wanted - 1.0).abs() < 0.016, "{stat}: {found} {wanted}");
    }
    for name in ["InferenceLatency", "TimeToFirstToken", "TokensProcessed"] {
        assert_eq!(read(name, "SampleCount").await, [RECORDS as f64], "{name}");
    }
    let efficiency = read("ReservationEfficiency", "Maximum").await[0];
    assert!(efficiency > 0.0, "{efficiency}");
    let throttles = last.flow.errors_total.iter().filter(|(class, _)| class.is_throttle()).map(|(_, count)| *count);
    let dimensions = [("ModelId", MODEL), ("Cause", "rpm")]
        .map(|(name, value)| aws_sdk_cloudwatch::types::Dimension::builder().name(name).value(value).build());
    let metric = aws_sdk_cloudwatch::types::Metric::builder()
        .namespace(NAMESPACE)
        .metric_name("Throttles")
        .set_dimensions(Some(dimensions.to_vec()))
        .build();
    let found = cloudwatch::values(&client, cloudwatch::query(metric, "Sum", 86_400)).await.unwrap();
    assert_eq!(found.iter().sum::<f64>() as u64, throttles.sum::<u64>());
}

async fn failing() {
    let rig = rig(vec![fault(FaultKind::Outage, Some("monitoring"), 1.0)]);
    let (last, view) = run_and_publish(&rig).await;
    assert_eq!((last.run.succeeded, rig.exactly_once(RECORDS)), (RECORDS as u64, (RECORDS, 0)));
    assert!(view.sent == 0 && view.lost >= 1 && view.problem.is_some(), "{view:?}");
}
