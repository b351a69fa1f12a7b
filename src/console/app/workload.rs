//! The workload at hand, in figures: what our load does and asks for, and what CloudWatch counted. Pure; what neither
//! tells stays unknown.

use crate::control::{AccountUse, ControlSnapshot};
use crate::engine::{EngineSnapshot, KnobId, LoadState, RequestView};
use crate::record::{MinuteUse, Route};
use crate::report::{Allowed, By, Demand, Figure, Others, Pace, Workload};
use crate::workload::LARGE_RECORD;

use super::confirm;
use super::usage::{self, UseRow};

/// Calls of ours below which the averages of everybody say more.
const ENOUGH: u64 = 10;

/// Whether a load of ours runs, or stands and will go on.
fn loaded(engine: &EngineSnapshot) -> bool {
    !matches!(engine.state, LoadState::Idle | LoadState::Finished)
}

/// Records that the load has still to do; `None`: it has no end, or there is none.
#[must_use]
pub fn left(engine: &EngineSnapshot) -> Option<u64> {
    let run = &engine.run;
    let done = run.succeeded.saturating_add(run.failed).saturating_add(run.resumed);
    run.total.filter(|_| loaded(engine)).map(|total| total.saturating_sub(done))
}

/// The rate that the load asks for, requests per minute; `None`: it asks for none.
#[must_use]
pub fn rate(engine: &EngineSnapshot) -> Option<f64> {
    confirm::rate(engine).filter(|_| loaded(engine)).map(|rate| rate * 60.0)
}

/// The workload that the quota of a route has to bear: its demand is the rate that the load asks for, if it goes there.
#[must_use]
pub fn at_route(engine: &EngineSnapshot, row: &UseRow<'_>) -> Workload {
    let ours = engine.minutes_over(row.route());
    let theirs = row.account.map(|known| known.minutes.as_slice()).unwrap_or_default();
    let recent = engine.recent.iter().filter(|request| request.route == *row.route());
    let mut workload = measured(ours, theirs, &recent.collect::<Vec<_>>());
    let minutes = row.reconciled.minutes as f64;
    let beside = |tokens: i64| tokens.max(0) as f64 / minutes;
    workload.others = (minutes > 0.0).then(|| Others {
        rpm: beside(row.reconciled.difference.invocations),
        tpm: beside(row.reconciled.difference.quota_tokens),
    });
    let sends = row.scope.is_some();
    workload.demand = rate(engine).filter(|_| sends).map(|rpm| Demand::Rate { rpm });
    workload.share = confirm::knob(engine, KnobId::Share).map_or(1.0, |share| share / 100.0);
    workload
}

/// The workload of our load at all of its routes, as far as it was seen.
#[must_use]
pub fn of_load(engine: &EngineSnapshot) -> Workload {
    let present = MinuteUse::start_of(engine.utc_ms);
    let over = engine.minutes.iter().flat_map(|route| route.minutes.iter()).filter(|minute| minute.start_ms < present);
    let ours: Vec<MinuteUse> = over.copied().collect();
    let mut workload = measured(&ours, &[], &engine.recent.iter().collect::<Vec<_>>());
    // Minutes of several routes beside each other are no minutes of the load.
    workload.seen = None;
    if workload.input.is_none() {
        // In the first minute of a run: the records that are done.
        let (usage, done) = (engine.run.usage, engine.run.succeeded);
        workload.input = Figure::each(usage.input, done, By::Ours);
        workload.output = Figure::each(usage.output, done, By::Ours);
    }
    workload.demand = rate(engine).map(|rpm| Demand::Rate { rpm });
    workload.share = 1.0;
    workload
}

fn measured(ours: &[MinuteUse], theirs: &[MinuteUse], recent: &[&RequestView]) -> Workload {
    let calls = |minutes: &[MinuteUse]| minutes.iter().map(|minute| minute.invocations).fold(0, u64::saturating_add);
    let mut workload =
        Workload { seen: Pace::of(theirs, By::CloudWatch).or(Pace::of(ours, By::Ours)), ..Workload::default() };
    if calls(ours) >= ENOUGH || calls(theirs) == 0 {
        workload.take_averages(ours, By::Ours);
    } else {
        workload.take_averages(theirs, By::CloudWatch);
    }
    // CloudWatch counts neither what is reserved nor how long one reply took, and no single request.
    let used: Vec<_> = recent.iter().filter_map(|request| Some((request, request.usage?))).collect();
    let count = used.len() as u64;
    let sum =
        |of: &dyn Fn(&RequestView) -> u64| used.iter().map(|(request, _)| of(request)).fold(0, u64::saturating_add);
    workload.reserved = Figure::each(sum(&|request| request.reserved), count, By::Ours);
    let micros = Figure::each(sum(&|request| request.attempt.0), count, By::Ours);
    workload.reply_seconds = micros.map(|micros| Figure::of(micros.value / 1e6, By::Ours));
    let large = used.iter().filter(|(_, usage)| usage.input > LARGE_RECORD).count() as u64;
    workload.large_share = Figure::each(large, count, By::Ours).filter(|_| count >= ENOUGH);
    workload
}

/// The routes that bear it: those of our load if it goes there, else the one alone.
#[must_use]
pub fn routes(account: &ControlSnapshot, engine: &EngineSnapshot, row: &UseRow<'_>) -> Vec<Allowed> {
    let in_use = |route: &Route| engine.scopes.iter().any(|scope| scope.route == *route);
    let together = loaded(engine) && in_use(row.route());
    let wanted = account
        .limits
        .iter()
        .filter(|limits| if together { in_use(&limits.route) } else { limits.route == *row.route() });
    wanted.map(usage::allowed).collect()
}

/// The minutes of a route by CloudWatch, as a workload: of an account that is only watched.
#[must_use]
pub fn of_everybody(used: &AccountUse) -> Workload {
    let mut workload = measured(&[], &used.minutes, &[]);
    workload.share = 1.0;
    workload
}
