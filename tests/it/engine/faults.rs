//! Exactly once, whatever goes wrong: each kind of trouble of the scenario, unary and streamed.

use std::time::Duration;

use bedrock_top::engine::EngineSettings;
use bedrock_top::record::Usd;
use bedrock_top::sim::{Fault, FaultKind, Operation, Scenario};
use libtest_mimic::Trial;

use super::{EAST, MODEL, Rig, WEST, account, finished, hurried, quota, story, trial};

const RECORDS: usize = 90;

/// How a trouble comes.
#[derive(Clone, Copy)]
enum Comes {
    /// Over everything, for a while.
    ForAWhile,
    /// To a part of the calls.
    ToSome,
}

/// What both sides know of an attempt that fails by it.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    /// Nothing was done, and the client knows it.
    Known,
    /// Something may have been done: the client books an estimate.
    Unknown,
}

pub fn trials() -> Vec<Trial> {
    use Comes::{ForAWhile, ToSome};
    use FaultKind::*;
    use Outcome::{Known, Unknown};
    let kinds = [
        (Outage, ForAWhile, Known),
        (Brownout, ToSome, Known),
        (Latency, ToSome, Known),
        (Throttle, ForAWhile, Known),
        (Throttle, ToSome, Known),
        (Capacity, ToSome, Known),
        (NotReady, ForAWhile, Known),
        (Denied, ForAWhile, Known),
        (Expired, ForAWhile, Known),
        (Reset, ToSome, Unknown),
        (Stall, ToSome, Unknown),
        (Truncate, ToSome, Unknown),
        (StreamError, ToSome, Unknown),
        (Malformed, ToSome, Unknown),
        (LostReply, ToSome, Unknown),
    ];
    let mut trials = Vec::new();
    for (kind, comes, outcome) in kinds {
        for stream in [false, true] {
            let how = match comes {
                ForAWhile => "for_a_while",
                ToSome => "to_some",
            };
            let call = if stream { "streamed" } else { "unary" };
            let name = format!("exactly_once_under_{kind:?}_{how}_{call}").to_lowercase();
            trials.push(trial(name, move || exactly_once(kind, comes, outcome, stream)));
        }
    }
    trials
}

async fn exactly_once(kind: FaultKind, comes: Comes, outcome: Outcome, stream: bool) {
    let (for_s, rate) = match comes {
        Comes::ForAWhile => (Some(0.6), 1.0),
        Comes::ToSome => (None, 0.25),
    };
    let fault = Fault { region: None, kind, service: None, operation: None, model: None, at_s: 0.0, for_s, rate };
    let scenario = Scenario {
        faults: vec![fault],
        ..account(vec![quota(EAST, Some(30_000), Some(6_000_000)), quota(WEST, None, Some(6_000_000))])
    };
    let settings = EngineSettings {
        // What never comes is not waited for long; what is only slow still arrives.
        stream_gap: Duration::from_millis(700),
        attempt_timeout: Duration::from_millis(1_500),
        ..hurried()
    };
    let rig = Rig::new(scenario, settings);
    let engine = rig.start(rig.file(RECORDS, 20, stream)).await;
    let last = finished(&engine).await;
    engine.shutdown().await;

    assert_eq!(rig.exactly_once(RECORDS), (RECORDS, 0), "{}", story(&last));
    let run = &last.run;
    assert_eq!((run.succeeded, run.failed, run.unsent), (RECORDS as u64, 0, 0));
    assert_eq!(run.retries, run.attempts - RECORDS as u64);
    if kind != FaultKind::Latency {
        assert!(run.retries > 0, "the trouble never came: {}", story(&last));
    }
    assert_eq!(last.money.in_flight, Usd::ZERO);
    assert!(last.scopes.iter().all(|scope| scope.limiter.held == 0 && scope.in_flight == 0), "{}", story(&last));

    let ledger = rig.simulator.ledger();
    let operation = if stream { Operation::ConverseStream } else { Operation::Converse };
    assert_eq!(ledger.requests(operation), run.attempts, "each attempt is one request: {ledger:?}");
    let ours: u64 = last.scopes.iter().map(|scope| scope.settled_total).sum();
    let theirs: u64 = [EAST, WEST].iter().filter_map(|region| ledger.scope(region, MODEL)).map(|s| s.settled).sum();
    if outcome == Outcome::Known {
        assert_eq!(ours, theirs, "quota tokens settled: {}\n{ledger:?}", story(&last));
        assert_eq!(last.money.estimated, Usd::ZERO);
        let completed: u64 = ledger.scopes.iter().map(|scope| scope.completed).sum();
        assert_eq!(completed, RECORDS as u64, "nothing was done twice");
    } else {
        // An error reply says that nothing is billed; only where no reply came is there something to guess.
        let replied = kind == FaultKind::StreamError && !stream;
        assert_eq!(last.money.estimated == Usd::ZERO, replied, "what may be billed is estimated: {}", story(&last));
        assert!(ours > 0 && theirs > 0);
    }
}
