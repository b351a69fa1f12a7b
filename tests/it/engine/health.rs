//! Regions that go down and come back, scopes that are parked, attempts that are abandoned.

use bedrock_top::engine::{BreakerView, Command, EngineSettings, Load, LoadState, ParkKind};
use bedrock_top::record::Micros;
use bedrock_top::sim::{Fault, FaultKind, Operation, QuotaSpec, RegionSpec, Scenario};
use bedrock_top::workload::{Arrival, LoadSpec, Sizes};
use libtest_mimic::Trial;

use super::{EAST, MODEL, Rig, WEST, account, finished, hurried, marked, quota, scope, sent, story, trial, until};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_region_goes_down_and_comes_back_by_headroom".into(), || a_region_goes_down(false)),
        trial("a_region_goes_down_and_comes_back_round_robin".into(), || a_region_goes_down(true)),
        trial("one_failure_does_not_ban_a_region".into(), one_failure),
        trial("a_probe_that_is_abandoned_leaves_no_breaker_behind".into(), || abandoned(FaultKind::Outage)),
        trial("a_probe_that_is_abandoned_leaves_no_scope_parked".into(), || abandoned(FaultKind::Expired)),
        trial("a_request_larger_than_the_burst_fails_with_advice".into(), larger_than_the_burst),
        trial("a_used_up_day_parks_its_region_only".into(), a_used_up_day),
        trial("draining_leaves_the_unsent_in_neither_file".into(), draining),
    ]
}

fn trouble(kind: FaultKind, region: &str, at_s: f64, for_s: Option<f64>) -> Fault {
    Fault { region: Some(region.into()), kind, service: None, operation: None, model: None, at_s, for_s, rate: 1.0 }
}

/// Arrivals at an even rate, small in and out.
pub fn steady(rate: f64, records: u64) -> LoadSpec {
    LoadSpec {
        arrival: Arrival::Constant { rate },
        input: Sizes::Fixed { tokens: 30.0 },
        max_tokens: Some(60),
        records: Some(records),
        ..LoadSpec::default()
    }
}

async fn a_region_goes_down(round_robin: bool) {
    let slow = |name: &str| RegionSpec { name: name.into(), ttft_ms: 80.0, tokens_per_second: 50_000.0 };
    let scenario = Scenario {
        regions: vec![slow(EAST), slow(WEST)],
        faults: vec![trouble(FaultKind::Outage, WEST, 0.7, Some(1.2))],
        // By headroom a Region that fails once is avoided while another has room, so that its breaker may never open:
        // here the other one is full from the start.
        ..account(vec![
            quota(EAST, None, Some(if round_robin { 6_000_000 } else { 2_000 })),
            quota(WEST, None, Some(6_000_000)),
        ])
    };
    let rig = Rig::new(scenario, EngineSettings { breaker_open: Micros::from_millis(300), round_robin, ..hurried() });
    let load = LoadSpec { arrival: Arrival::Closed { workers: 12 }, ..steady(1.0, 100_000) };
    let engine = rig.start(Load::Synthetic(load)).await;
    let opened = format!("{WEST} {MODEL}: breaker open");
    let open = until(&engine, "an open breaker", |snapshot| marked(snapshot, &opened)).await;
    let closed = until(&engine, "a closed breaker", |snapshot| marked(snapshot, "breaker closed")).await;
    if round_robin {
        assert!(sent(&closed, EAST) > sent(&open, EAST) + 20, "traffic moves: {}", story(&closed));
    }
    until(&engine, "traffic again", |snapshot| sent(snapshot, WEST) > sent(&closed, WEST) + 30).await;
    engine.sender().send(Command::Drain);
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(scope(&last, WEST).breaker, BreakerView::Closed);
    assert_eq!(last.run.failed, 0, "{}", story(&last));
    // An outage costs what is in flight, and one probe for each pause.
    let refused = rig.simulator.ledger().errors("ServiceUnavailableException");
    assert!((5..30).contains(&refused), "{refused} requests went into the outage");
}

async fn one_failure() {
    let scenario = Scenario {
        faults: vec![Fault { model: None, ..trouble(FaultKind::Outage, WEST, 0.0, Some(0.3)) }],
        ..account(vec![quota(EAST, None, Some(6_000_000)), quota(WEST, None, Some(6_000_000))])
    };
    let rig = Rig::new(scenario, hurried());
    let engine = rig.start(Load::Synthetic(steady(20.0, 100_000))).await;
    until(&engine, "traffic in the Region that failed", |snapshot| sent(snapshot, WEST) > 12).await;
    engine.sender().send(Command::Drain);
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert!(rig.simulator.ledger().errors("ServiceUnavailableException") >= 1);
    assert_eq!(last.run.failed, 0, "{}", story(&last));
}

/// A load that is ended while a breaker's or a parked scope's probe is in flight must not leave the next load waiting
/// for that probe.
async fn abandoned(kind: FaultKind) {
    let mut slow = trouble(FaultKind::Stall, EAST, 0.5, Some(1.5));
    slow.operation = Some("Converse".into());
    let scenario = Scenario {
        faults: vec![trouble(kind, EAST, 0.0, Some(0.5)), slow],
        ..account(vec![quota(EAST, None, Some(6_000_000))])
    };
    let rig = Rig::new(scenario, EngineSettings { breaker_open: Micros::from_millis(300), ..hurried() });
    let engine = rig.start(Load::Synthetic(steady(60.0, 10_000))).await;
    let commands = engine.sender();
    // A probe that neither fails nor succeeds: it stalls.
    until(&engine, "a stalled probe", |snapshot| {
        if matches!(snapshot.state, LoadState::Parked { .. }) {
            commands.send(Command::Unpark);
        }
        let closed = snapshot
            .scopes
            .iter()
            .any(|scope| scope.parked.is_some() || matches!(scope.breaker, BreakerView::HalfOpen));
        closed
            && snapshot.flow.in_flight > 0
            && rig.simulator.ledger().scope(EAST, MODEL).is_some_and(|s| s.admitted > 0)
    })
    .await;
    commands.send(Command::Abort);
    until(&engine, "the end of the first load", |snapshot| snapshot.state == LoadState::Finished).await;
    let stalled = rig.simulator.ledger().requests(Operation::Converse);
    commands.send(Command::StartLoad(Box::new(LoadSpec { stream: true, ..steady(100.0, 40) })));
    until(&engine, "the second load", |snapshot| snapshot.state == LoadState::Running).await;
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!((last.run.succeeded, last.run.unsent), (40, 0), "{}", story(&last));
    assert_eq!(rig.simulator.ledger().requests(Operation::Converse), stalled);
}

async fn larger_than_the_burst() {
    let rig = Rig::new(account(vec![quota(EAST, None, Some(500))]), hurried());
    let engine = rig.start(rig.file(3, 2_000, false)).await;
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(rig.exactly_once(3), (0, 3));
    assert_eq!(rig.simulator.ledger().requests(Operation::Converse), 0, "nothing was sent");
    let (reason, count) = &last.failed_by_reason[0];
    assert_eq!(*count, 3);
    let failed = super::lines(&rig.path("out.failed.jsonl"));
    let words = failed[0]["error"]["errorMessage"].as_str().unwrap();
    assert!(words.contains("quota tokens") && words.contains("lower max_tokens"), "{reason}: {words}");
}

/// The tokens of the day are used up in one Region: the other one does the work, nothing fails.
async fn a_used_up_day() {
    let tpd = |region: &str, tpd| QuotaSpec { tpd, ..quota(region, None, Some(6_000_000)) };
    let rig = Rig::new(account(vec![tpd(EAST, Some(2_000)), tpd(WEST, None)]), hurried());
    let engine = rig.start(rig.file(120, 20, false)).await;
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(rig.exactly_once(120), (120, 0), "{}", story(&last));
    assert!(scope(&last, EAST).sent_total < 30 && scope(&last, WEST).sent_total > 90, "{}", story(&last));
}

async fn draining() {
    let rig = Rig::new(account(vec![quota(EAST, Some(600), Some(60_000))]), hurried());
    let engine = rig.start(rig.file(400, 200, false)).await;
    until(&engine, "some results", |snapshot| snapshot.run.succeeded > 10).await;
    engine.sender().send(Command::Drain);
    let last = finished(&engine).await;
    engine.shutdown().await;
    let done = last.run.succeeded + last.run.failed;
    assert_eq!(done + last.run.unsent, 400, "{}", story(&last));
    assert!(last.run.unsent > 0);
    let out = super::lines(&rig.path("out.jsonl"));
    assert_eq!(out.len() as u64, last.run.succeeded);
    assert!(!rig.path("out.failed.jsonl").exists());
    assert!(!matches!(last.state, LoadState::Parked { kind: ParkKind::Cap, .. }));
}
