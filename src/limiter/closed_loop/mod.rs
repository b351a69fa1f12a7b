//! The limiter against a server of our own making, in virtual time: what the rules are worth.
//!
//! Workers always have work (closed loop). Goodput is measured over the second half of a run, against the lesser of what
//! a clairvoyant client reaches, who reads the server's true level and sends the moment it fits, and of the quota itself
//! (a server that forgets debts at the minute lets the clairvoyant take more than was granted).

mod drive;
mod server;

use drive::run;
use server::Meter;

use super::*;

/// A cell of the table.
#[derive(Clone, Debug)]
struct Cell {
    tpm: f64,
    rpm: Option<f64>,
    meter: Meter,
    burndown: u64,
    /// `max_tokens` of every request.
    max_tokens: u64,
    /// Median output.
    output: f64,
    /// Times at which the server's quota is multiplied.
    steps: Vec<(f64, f64)>,
    /// Tokens per minute that others take from the same meter.
    others: f64,
    seconds: f64,
    workers: usize,
    seed: u64,
}

impl Default for Cell {
    fn default() -> Self {
        Cell {
            tpm: 2e6,
            rpm: None,
            meter: Meter::Bucket(60.0),
            burndown: 5,
            max_tokens: 1_024,
            output: 220.0,
            steps: Vec::new(),
            others: 0.0,
            seconds: 900.0,
            workers: 400,
            seed: 1,
        }
    }
}

/// Goodput against the optimum and 429 share, means over the seeds.
fn worth(cell: &Cell, knobs: LimiterKnobs, quota: ScopeQuota, seeds: u64) -> (f64, f64) {
    let (mut goodput, mut share) = (0.0, 0.0);
    for seed in 1..=seeds {
        let cell = Cell { seed, ..cell.clone() };
        let granted = (cell.tpm - cell.others) / 60.0 * cell.seconds / 2.0;
        let best = run(&cell, None).settled.min(granted * cell.steps.iter().map(|step| step.1).product::<f64>());
        let ours = run(&cell, Some((knobs, quota)));
        goodput += ours.settled / best / seeds as f64;
        share += ours.share() / seeds as f64;
    }
    (goodput, share)
}

fn check(name: &str, found: (f64, f64), goodput: f64, share: f64) {
    println!("{name}: goodput {:.3}, 429 {:.2} %", found.0, 100.0 * found.1);
    assert!(found.0 >= goodput, "{name}: goodput {:.3} is below {goodput}", found.0);
    assert!(found.1 <= share, "{name}: 429 share {:.4} is above {share}", found.1);
}

fn configured(cell: &Cell) -> ScopeQuota {
    ScopeQuota {
        rpm: cell.rpm.map_or(QuotaLimit::Absent, |rpm| QuotaLimit::Limit(rpm as u64)),
        tpm: QuotaLimit::Limit(cell.tpm as u64),
        ..ScopeQuota::default()
    }
}

fn unknown(cell: &Cell) -> ScopeQuota {
    let rpm = if cell.rpm.is_some() { QuotaLimit::Unknown } else { QuotaLimit::Absent };
    ScopeQuota { rpm, ..ScopeQuota::default() }
}

fn preset(preset: Preset) -> LimiterKnobs {
    LimiterKnobs { preset, ..LimiterKnobs::default() }
}

const METERS: [Meter; 4] = [Meter::Bucket(60.0), Meter::Bucket(10.0), Meter::Minute(17.0), Meter::Sliding];

#[test]
fn a_configured_quota_is_used_to_the_full_without_throttles() {
    for burndown in [1, 5, 15] {
        for tpm in [2e6, 2e5] {
            for meter in METERS {
                let cell = Cell { tpm, meter, burndown, ..Cell::default() };
                let name = format!("configured, chat, burndown {burndown}, {tpm} TPM, {meter:?}");
                check(&name, worth(&cell, LimiterKnobs::default(), configured(&cell), 3), 0.93, 0.01);
            }
        }
    }
}

#[test]
fn an_output_burndown_cannot_overrun_a_configured_quota() {
    let cell = Cell { burndown: 15, max_tokens: 8_000, output: 2_500.0, ..Cell::default() };
    check("configured, output-heavy", worth(&cell, LimiterKnobs::default(), configured(&cell), 2), 0.93, 0.01);
}

#[test]
fn over_reservation_costs_a_configured_quota_nothing_that_the_server_does_not_take() {
    for meter in [Meter::Bucket(60.0), Meter::Bucket(10.0), Meter::Sliding] {
        let cell = Cell { max_tokens: 16_000, output: 200.0, meter, ..Cell::default() };
        let found = worth(&cell, LimiterKnobs::default(), configured(&cell), 2);
        check(&format!("configured, over-reserved, {meter:?}"), found, 0.93, 0.01);
    }
}

#[test]
fn an_unknown_limit_is_found_and_held() {
    for burndown in [1, 5] {
        for tpm in [2e6, 2e5] {
            for meter in METERS {
                let cell = Cell { tpm, meter, burndown, ..Cell::default() };
                let name = format!("unknown, chat, burndown {burndown}, {tpm} TPM, {meter:?}");
                // A window punishes every probe for as long as it lasts; a bucket, for one request.
                let share = if matches!(meter, Meter::Bucket(_)) { 0.03 } else { 0.05 };
                check(&name, worth(&cell, LimiterKnobs::default(), unknown(&cell), 3), 0.9, share);
            }
        }
    }
}

#[test]
fn a_binding_rpm_quota_is_held_configured_or_not() {
    let cell = Cell { rpm: Some(300.0), ..Cell::default() };
    // The optimum is in tokens of the requests that 300 a minute let through.
    check("configured RPM", worth(&cell, LimiterKnobs::default(), configured(&cell), 1), 0.93, 0.01);
    check("unknown RPM", worth(&cell, LimiterKnobs::default(), unknown(&cell), 2), 0.85, 0.03);
}

#[test]
fn a_neighbour_who_takes_a_part_is_made_room_for() {
    let cell = Cell { others: 6e5, ..Cell::default() };
    check("configured, others 30 %", worth(&cell, LimiterKnobs::default(), configured(&cell), 2), 0.9, 0.03);
}

#[test]
fn a_quota_that_changes_unannounced_is_found_again() {
    for factor in [0.5, 2.0] {
        let cell = Cell { steps: vec![(300.0, factor)], ..Cell::default() };
        let name = format!("unknown, quota x{factor} at 300 s");
        check(&name, worth(&cell, LimiterKnobs::default(), unknown(&cell), 2), 0.85, 0.04);
    }
}

#[test]
fn fixed_rules_use_a_configured_quota_on_the_meter_they_are_made_for() {
    let cell = Cell { burndown: 1, ..Cell::default() };
    check("token-bucket", worth(&cell, preset(Preset::TokenBucket), configured(&cell), 1), 0.95, 0.001);
    let cell = Cell { burndown: 1, meter: Meter::Sliding, ..Cell::default() };
    check("sliding-window", worth(&cell, preset(Preset::SlidingWindow), configured(&cell), 1), 0.95, 0.001);
}

#[test]
fn classic_is_blind_to_tokens_and_pays_for_it() {
    let cell = Cell { tpm: 2e5, burndown: 1, ..Cell::default() };
    let ours = worth(&cell, LimiterKnobs::default(), configured(&cell), 1);
    let classic = worth(&cell, preset(Preset::Classic), unknown(&cell), 1);
    println!("classic: goodput {:.3}, 429 {:.2} %", classic.0, 100.0 * classic.1);
    assert!(classic.0 > 0.3, "classic makes way: {:.3}", classic.0);
    assert!(ours.1 < classic.1, "adaptive is throttled less: {:.4} against {:.4}", ours.1, classic.1);
}

#[test]
fn the_same_seed_is_the_same_run() {
    let cell = Cell { seconds: 200.0, ..Cell::default() };
    let once = run(&cell, Some((LimiterKnobs::default(), unknown(&cell))));
    let twice = run(&cell, Some((LimiterKnobs::default(), unknown(&cell))));
    assert_eq!((once.settled, once.attempts, once.epochs), (twice.settled, twice.attempts, twice.epochs));
}
