//! Proofs that need both sides: the limiter, and the meter that it never imports (study §E.4, §E.13).

use proptest::collection::vec;
use proptest::prelude::*;

use super::cell::{Cell, Happening, Meter};
use super::contestant::Contestant;
use super::drive::{Client, run};
use super::score::Score;
use super::work::{Arrivals, Crowd};
use crate::limiter::{Cost, Decision, Limiter, LimiterKnobs, Preset, QuotaLimit, ScopeQuota};
use crate::meter::{MeterKind, MeterSpec, ScopeSpec, ServerScope};
use crate::record::{Micros, Priority, Usage};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;

fn ours(cell: &Cell, seed: u64) -> Score {
    run(cell, Contestant::Ours.client(cell), seed)
}

/// What ours settles, in times of what a clairvoyant does.
fn goodput(cell: &Cell, score: &Score, seed: u64) -> f64 {
    score.settled / run(cell, Client::Clairvoyant, seed).settled.min(cell.granted_while_scored())
}

fn believed(cell: &Cell, score: &Score) -> f64 {
    score.lowest_belief.expect("ours believes something") / cell.service.tpm as f64
}

/// A sketch that read the charge when a rejection was known, not when its request was sent, collapsed to no goodput at
/// all (study §E.4). The slower the answers, the more is sent in between.
#[test]
fn the_charge_is_read_when_the_rejected_request_was_sent() {
    for seed in SEEDS {
        let mut cell = Cell::constant("sketch", 2_000_000, Meter::Bucket(10));
        cell.happenings = vec![(300.0, Happening::Latency(5.0))];
        let score = ours(&cell, seed);
        assert!(goodput(&cell, &score, seed) >= 0.9, "{} with seed {seed}", goodput(&cell, &score, seed));
        assert!(believed(&cell, &score) >= 0.8, "{} with seed {seed}", believed(&cell, &score));
    }
}

/// A sketch that did not know that a bucket runs over took what was lost for a lower rate, again and again, down to 0.29
/// of the true one (study §E.4). Bursts with pauses between them run a shallow bucket over all the time.
#[test]
fn what_runs_over_is_no_lower_rate() {
    for seed in SEEDS {
        let mut cell = Cell::constant("sketch", 2_000_000, Meter::Bucket(10));
        cell.arrivals = Arrivals::Bursts { size: 90.0, every: 120.0 };
        // Nothing changes; the beliefs of such a cell are recorded.
        cell.happenings = vec![(1.0, Happening::Latency(1.0))];
        let score = ours(&cell, seed);
        assert!(goodput(&cell, &score, seed) >= 0.9, "{} with seed {seed}", goodput(&cell, &score, seed));
        assert!(believed(&cell, &score) >= 0.7, "{} with seed {seed}", believed(&cell, &score));
    }
}

/// A server that charges for what it refuses is kept empty by asking: a request of a quarter of the bucket, asked for every
/// eight seconds, was refused for ever.
#[test]
fn charged_rejects_lock_nobody_out() {
    let mut cell = Cell::constant("lock", 200_000, Meter::Bucket(60));
    cell.service.reject_charge = 1.0;
    let score = ours(&cell, 104);
    assert!(goodput(&cell, &score, 104) >= 0.8, "{}", goodput(&cell, &score, 104));
}

/// A lower class goes before a higher one when it has earned it, and then may borrow like that one: it stands in its way.
#[test]
fn the_high_class_hardly_waits_under_overload() {
    let mut cell = Cell::constant("crowd", 2_000_000, Meter::Bucket(60));
    cell.arrivals = Arrivals::Poisson(3.0);
    cell.crowd = Crowd { flows: 5, classes: [0.05, 0.25, 0.7], noisy: 4.0, ..Crowd::ONE };
    for seed in SEEDS {
        // Two requests' time.
        let delay = ours(&cell, seed).delay(0.99, Some(Priority::High));
        assert!(delay <= 0.17, "{delay} s with seed {seed}");
    }
}

/// A day at 20k: the last hours are as good as any.
#[test]
fn nothing_drifts_in_a_day() {
    let mut cell = Cell::constant("day", 20_000, Meter::Bucket(60));
    cell.seconds = 86_400.0;
    cell.scored_from = 79_200.0;
    let score = ours(&cell, 1);
    assert!(goodput(&cell, &score, 1) >= 0.9, "{}", goodput(&cell, &score, 1));
    assert!(score.throttle_share() <= 0.05, "{}", score.throttle_share());
}

proptest! {
    /// Told the truth, the mirror is the server's level, to the token, and admits nothing that it refuses.
    #[test]
    fn the_mirror_is_the_servers_level(
        work in vec((0u64..2_000_000, 1u64..4_000, 1u64..4_000, 0u64..100, 0u64..8_000_000), 1..120), burndown in 1u32..=15,
    ) {
        let tpm = 600_000;
        // The burst of the rule as it comes: 15 s.
        let burst = MeterKind::Bucket { burst_seconds: 15.0 };
        let spec = ScopeSpec {
            rpm: None,
            tpm: Some(MeterSpec { per_minute: tpm, kind: burst }),
            tpd: None,
            burndown,
            reject_charge: 0.0,
        };
        let mut server = ServerScope::new(spec, Micros::ZERO);
        let mut limiter = Limiter::new(LimiterKnobs { preset: Preset::TokenBucket, ..LimiterKnobs::default() });
        let quota = ScopeQuota { tpm: QuotaLimit::Limit(tpm), rpm: QuotaLimit::Absent, ..ScopeQuota::default() };
        let scope = limiter.add_scope(quota, Micros::ZERO);
        let mut now = Micros::ZERO;
        let mut open = Vec::new();
        for (span, input, max_tokens, percent, takes) in work {
            now = now + Micros(span);
            open.sort_by_key(|&(due, ..): &(Micros, _, _, _)| due);
            while open.first().is_some_and(|&(due, ..)| due <= now) {
                let (due, ticket, hold, usage): (Micros, _, _, Usage) = open.remove(0);
                server.settle(hold, &usage, due);
                limiter.settle(ticket, usage.input + u64::from(burndown) * usage.output, due);
            }
            let cost = Cost { hold: input + max_tokens, expect: input + max_tokens };
            if limiter.decide(scope, cost, now) == Decision::Admit {
                let admitted = server.admit(input, 0, 0, max_tokens, now);
                prop_assert!(admitted.is_ok(), "refused at {}: {:?}", server.view(now).tpm_level.unwrap(), cost);
                let usage = Usage { input, output: max_tokens * percent / 100, ..Usage::default() };
                open.push((now + Micros(takes), limiter.admit(scope, cost, now), admitted.unwrap(), usage));
            }
            let theirs = server.view(now).tpm_level.unwrap() as f64;
            let mirror = limiter.status(scope, now).tpm.level;
            prop_assert!((mirror - theirs).abs() <= 1.0, "{} here, {} there", mirror, theirs);
        }
    }
}
