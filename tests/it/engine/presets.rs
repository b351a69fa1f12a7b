//! Each rule of the limiter under a load that presses against the quota, judged by the server's own meters.

use bedrock_top::engine::{Command, EngineSettings, HeadWhy};
use bedrock_top::limiter::{Preset, Why};
use bedrock_top::sim::{MeterKind, QuotaSpec, ScopeLedger};
use libtest_mimic::Trial;

use super::{EAST, MODEL, Rig, account, finished, hurried, quota, story, trial, until};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("token_bucket_completes_and_never_exceeds".into(), token_bucket),
        trial("sliding_window_never_exceeds_a_minute".into(), sliding_window),
        trial("classic_keeps_to_its_rates".into(), classic),
        trial("adaptive_completes_without_throttles".into(), adaptive),
    ]
}

fn settings(preset: Preset) -> EngineSettings {
    let mut settings = hurried();
    settings.limiter.preset = preset;
    settings
}

fn books(rig: &Rig) -> ScopeLedger {
    rig.simulator.ledger().scope(EAST, MODEL).unwrap().clone()
}

/// 15 s of the rate at once, then the rate. The server allows half a second more: its bucket begins to refill when the
/// first request has arrived, not when it was sent.
async fn token_bucket() {
    let spec = QuotaSpec { burst_seconds: 15.5, ..quota(EAST, Some(1_200), Some(6_000_000)) };
    let rig = Rig::new(account(vec![spec]), settings(Preset::TokenBucket));
    let engine = rig.start(rig.file(340, 5, false)).await;
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(rig.exactly_once(340), (340, 0), "{}", story(&last));
    assert_eq!((books(&rig).admitted, books(&rig).rejected()), (340, 0));
    // 300 at once, the last 40 at 20/s.
    assert!(last.run.elapsed.secs_f64() > 1.9, "{:?}", last.run.elapsed);
}

async fn sliding_window() {
    let spec = QuotaSpec { meter: MeterKind::Sliding, ..quota(EAST, Some(200), Some(6_000_000)) };
    let rig = Rig::new(account(vec![spec]), settings(Preset::SlidingWindow));
    let engine = rig.start(rig.file(260, 5, false)).await;
    let full = until(&engine, "a full window", |snapshot| {
        let waits = snapshot.flow.head.as_ref().is_some_and(|head| head.why == HeadWhy::Limiter(Why::Rpm));
        waits && snapshot.flow.in_flight == 0
    })
    .await;
    assert_eq!(full.run.succeeded, 200, "the whole minute's quota at once, and not one more: {}", story(&full));
    engine.sender().send(Command::Drain);
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!((books(&rig).admitted, books(&rig).rejected()), (200, 0));
    assert_eq!(last.run.unsent, 60);
}

async fn classic() {
    let rig = Rig::new(account(vec![quota(EAST, Some(6_000), Some(6_000_000))]), settings(Preset::Classic));
    let engine = rig.start(rig.file(25, 5, false)).await;
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(rig.exactly_once(25), (25, 0), "{}", story(&last));
    // Blind to a quota of 100/s: 10/s at most, one at a time.
    assert!(last.run.elapsed.secs_f64() >= 2.4, "{:?}", last.run.elapsed);
    assert_eq!(books(&rig).rejected(), 0);
}

/// At the quota's pace from the first request on: it refuses nothing, and hardly anything of the quota is left lying.
async fn adaptive() {
    let rig = Rig::new(account(vec![quota(EAST, None, Some(900_000))]), settings(Preset::Adaptive));
    let engine = rig.start(rig.file(120, 350, false)).await;
    let last = finished(&engine).await;
    engine.shutdown().await;
    assert_eq!(rig.exactly_once(120), (120, 0), "{}", story(&last));
    let books = books(&rig);
    assert_eq!(books.rejected(), 0, "{books:?}");
    // Two seconds' worth at once, then the quota's rate.
    let allowed = 15_000.0 * (last.run.elapsed.secs_f64() + 2.2);
    assert!(books.settled as f64 <= allowed, "{allowed} allowed: {}", story(&last));
}
