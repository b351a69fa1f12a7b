//! Everything that can be tuned, tuned while a load runs.

use bedrock_top::engine::{Command, EngineSettings, KnobId, Load, LoadState};
use bedrock_top::limiter::{Preset, QuotaLimit};
use bedrock_top::sim::{Operation, QuotaSpec};
use bedrock_top::workload::{Arrival, LoadSpec};
use libtest_mimic::Trial;

use super::health::steady;
use super::{EAST, MODEL, Rig, WEST, account, finished, hurried, key, marked, quota, scope, sent, story, trial, until};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("knobs_move_under_load_and_undo_takes_them_back".into(), knobs_and_undo),
        trial("presets_switch_under_load_without_a_burst".into(), presets_switch),
        trial("a_drained_region_gets_nothing_until_it_is_opened".into(), drained_region),
        trial("a_paused_load_waits_and_goes_on".into(), pause_and_resume),
    ]
}

fn workers(workers: u32, records: u64) -> LoadSpec {
    LoadSpec { arrival: Arrival::Closed { workers }, ..steady(1.0, records) }
}

async fn knobs_and_undo() {
    let rig = Rig::new(account(vec![quota(EAST, None, Some(600_000))]), hurried());
    let engine = rig.start(Load::Synthetic(workers(12, 1_000_000))).await;
    let commands = engine.sender();
    let set = |knob, value| commands.send(Command::SetKnob { knob, value });
    let value = |snapshot: &bedrock_top::engine::EngineSnapshot, knob: KnobId| {
        snapshot.knobs.iter().find(|view| view.spec.id == knob).unwrap().value
    };
    let before = until(&engine, "load", |snapshot| snapshot.run.succeeded > 20).await;
    let target = scope(&before, EAST).limiter.tpm.target.unwrap();

    set(KnobId::Concurrency, 3.0);
    let few =
        until(&engine, "three in flight", |s| value(s, KnobId::Concurrency) == 3.0 && s.flow.in_flight <= 3).await;
    until(&engine, "still three", |s| s.run.succeeded > few.run.succeeded + 20 && s.flow.in_flight <= 3).await;

    set(KnobId::Share, 50.0);
    let half = until(&engine, "half the share", |s| value(s, KnobId::Share) == 50.0).await;
    let now = scope(&half, EAST).limiter.tpm.target.unwrap();
    assert!((0.4..=0.6).contains(&(now / target)), "{target} -> {now}");
    assert!(scope(&half, EAST).limiter.settled_60s >= scope(&before, EAST).limiter.settled_60s, "usage is kept");

    commands.send(Command::SetQuota { scope: key(EAST), rpm: Some(3_000), tpm: Some(1_200_000) });
    let by_hand = until(&engine, "a quota by hand", |s| scope(s, EAST).quota_source == "by hand").await;
    assert_eq!(scope(&by_hand, EAST).limiter.tpm.quota, QuotaLimit::Limit(1_200_000));
    assert_eq!(scope(&by_hand, EAST).limiter.rpm.quota, QuotaLimit::Limit(3_000));
    assert!(scope(&by_hand, EAST).limiter.settled_60s >= scope(&half, EAST).limiter.settled_60s, "usage is kept");

    set(KnobId::ArrivalRate, 5.0);
    until(&engine, "five workers", |s| value(s, KnobId::ArrivalRate) == 5.0).await;
    commands.send(Command::SetPreset(Preset::SlidingWindow));
    until(&engine, "a preset", |s| s.preset == Preset::SlidingWindow).await;

    for what in ["concurrency", "share of quota", "by hand", "arrivals", "preset adaptive -> sliding-window"] {
        assert!(marked(&engine.snapshot().borrow(), what), "no mark: {what}");
    }
    // Back through all five, newest first.
    commands.send(Command::Undo);
    until(&engine, "undo of the preset", |s| s.preset == Preset::Adaptive).await;
    commands.send(Command::Undo);
    until(&engine, "undo of the workers", |s| value(s, KnobId::ArrivalRate) == 12.0).await;
    commands.send(Command::Undo);
    let quota = until(&engine, "undo of the quota", |s| scope(s, EAST).quota_source == "config").await;
    assert_eq!(scope(&quota, EAST).limiter.tpm.quota, QuotaLimit::Limit(600_000));
    assert_eq!(scope(&quota, EAST).limiter.rpm.quota, QuotaLimit::Absent);
    commands.send(Command::Undo);
    until(&engine, "undo of the share", |s| value(s, KnobId::Share) == 100.0).await;
    commands.send(Command::Undo);
    let end = until(&engine, "undo of the concurrency", |s| value(s, KnobId::Concurrency) == 24.0).await;
    commands.send(Command::Undo);
    until(&engine, "the end of undo", |s| s.journal.iter().any(|line| line.text == "nothing to undo")).await;
    assert!(marked(&end, "undo: "));

    commands.send(Command::Drain);
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(last.run.failed, 0, "{}", story(&last));
    assert_eq!(rig.simulator.ledger().requests(Operation::Converse), last.run.attempts);
}

/// Every preset twice, with the bucket full and with it empty: what one rule has used is used for the next.
async fn presets_switch() {
    // The server's bucket begins to refill when the first request has arrived: a little room for that.
    let spec = QuotaSpec { burst_seconds: 63.0, ..quota(EAST, Some(240), Some(6_000_000)) };
    let rig = Rig::new(account(vec![spec]), hurried());
    let engine = rig.start(rig.file(330, 5, false)).await;
    let commands = engine.sender();
    let done = |least: u64| move |snapshot: &bedrock_top::engine::EngineSnapshot| snapshot.run.succeeded >= least;
    let mut settled = 0;
    for (preset, least) in [
        (Preset::TokenBucket, 30),
        (Preset::Classic, 45),
        (Preset::SlidingWindow, 80),
        (Preset::Adaptive, 242),
        (Preset::SlidingWindow, 243),
        (Preset::TokenBucket, 247),
        (Preset::Classic, 252),
        (Preset::Adaptive, 258),
    ] {
        commands.send(Command::SetPreset(preset));
        let until = if preset == Preset::SlidingWindow && least > 200 {
            // A full window holds everything: the rule is that nothing goes.
            until(&engine, "the rule", |s| s.preset == preset && s.flow.in_flight == 0).await
        } else {
            until(&engine, preset.name(), done(least)).await
        };
        let limiter = &scope(&until, EAST).limiter;
        assert!(limiter.settled_60s >= settled, "{preset:?} forgot usage: {}", story(&until));
        settled = limiter.settled_60s;
    }
    commands.send(Command::Drain);
    let last = finished(&engine).await;
    engine.shutdown().await;
    let books = rig.simulator.ledger();
    let books = books.scope(EAST, MODEL).unwrap();
    assert_eq!(last.run.failed, 0);
    assert!(books.rejected() <= 2, "a switch made a burst beyond the quota: {books:?}\n{}", story(&last));
}

async fn drained_region() {
    let rig =
        Rig::new(account(vec![quota(EAST, None, Some(6_000_000)), quota(WEST, None, Some(6_000_000))]), hurried());
    let engine = rig.start(Load::Synthetic(workers(6, 1_000_000))).await;
    let commands = engine.sender();
    until(&engine, "both Regions", |s| sent(s, EAST) > 10 && sent(s, WEST) > 10).await;
    commands.send(Command::DrainRegion { region: WEST.into(), off: true });
    let drained = until(&engine, "an empty Region", |s| {
        s.regions.iter().any(|region| region.region.as_str() == WEST && region.drained && region.in_flight == 0)
    })
    .await;
    let later = until(&engine, "the other Region", |s| sent(s, EAST) > sent(&drained, EAST) + 40).await;
    assert_eq!(sent(&later, WEST), sent(&drained, WEST), "{}", story(&later));
    assert!(marked(&later, "us-west-2 drained"));
    commands.send(Command::Undo);
    until(&engine, "traffic again", |s| sent(s, WEST) > sent(&drained, WEST) + 10).await;
    commands.send(Command::Drain);
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(last.run.failed, 0);
}

async fn pause_and_resume() {
    let rig =
        Rig::new(account(vec![quota(EAST, None, Some(6_000_000))]), EngineSettings { concurrency: 2, ..hurried() });
    let engine = rig.start(rig.file(600, 5, false)).await;
    let commands = engine.sender();
    // Two at a time, so that much is left when the first results are seen.
    commands.send(Command::SetKnob { knob: KnobId::Concurrency, value: 2.0 });
    until(&engine, "some results", |s| s.run.succeeded > 5).await;
    commands.send(Command::Pause);
    let paused = until(&engine, "a pause", |s| s.state == LoadState::Paused).await;
    let requests = rig.simulator.ledger().requests(Operation::Converse);
    assert_eq!(paused.run.attempts, requests);
    assert!(paused.run.unsent > 0, "{}", story(&paused));
    commands.send(Command::Resume);
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(rig.exactly_once(600), (600, 0), "{}", story(&last));
}
