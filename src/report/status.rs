//! One line on a run in progress, for a terminal without a console and for logs.

use serde::Serialize;

use crate::engine::{EngineSnapshot, FlowView, LoadState, MoneyView, RunView, Verdict, WindowTotals};
use crate::record::Usd;

use super::scope::{ScopeSummary, scopes};
use super::{count, money, percent, span};

/// A run in progress, for scripts.
#[derive(Serialize)]
struct Status<'a> {
    simulated: bool,
    /// UTC, milliseconds since 1970.
    utc_ms: i64,
    #[serde(flatten)]
    state: &'a LoadState,
    run: &'a RunView,
    flow: &'a FlowView,
    total: &'a WindowTotals,
    money: &'a MoneyView,
    verdict: &'a Verdict,
    scopes: Vec<ScopeSummary>,
}

/// The status as one line of JSON, `{"status": {...}}`: each scope explained as the summary will.
#[must_use]
pub fn status_json(snapshot: &EngineSnapshot) -> String {
    let status = Status {
        simulated: snapshot.target.simulated,
        utc_ms: snapshot.utc_ms,
        state: &snapshot.state,
        run: &snapshot.run,
        flow: &snapshot.flow,
        total: &snapshot.total,
        money: &snapshot.money,
        verdict: &snapshot.verdict,
        scopes: scopes(snapshot),
    };
    serde_json::json!({ "status": status }).to_string()
}

/// The line: state, progress, rate, quota, throttles, money, end.
#[must_use]
pub fn status_line(snapshot: &EngineSnapshot) -> String {
    let run = &snapshot.run;
    let done = run.succeeded + run.failed;
    let mut parts = vec![state(&snapshot.state)];
    match run.total {
        Some(total) => parts.push(format!("{}/{} done", count(done), count(total))),
        None => parts.push(format!("{} done", count(done))),
    }
    if run.failed > 0 {
        parts.push(format!("{} failed", count(run.failed)));
    }
    parts.push(format!("{:.1}/s", snapshot.flow.done_rps));
    let quota: Option<u64> = snapshot.regions.iter().map(|region| region.quota).sum();
    let settled = snapshot.total.settled;
    match quota.filter(|quota| *quota > 0) {
        Some(quota) => parts.push(format!("TPM {} of quota", percent(settled as f64 / quota as f64))),
        None => parts.push(format!("TPM {}", count(settled))),
    }
    let throttles: u64 =
        snapshot.flow.errors_60s.iter().filter(|(class, _)| class.is_throttle()).map(|(_, count)| count).sum();
    if throttles > 0 {
        parts.push(format!("{throttles} throttles/min"));
    }
    if snapshot.money.unpriced.is_empty() || snapshot.money.spent > Usd::ZERO {
        parts.push(money(snapshot.money.spent));
    } else {
        parts.push("cost unknown".to_string());
    }
    if let Some(eta) = run.eta.filter(|_| matches!(snapshot.state, LoadState::Running)) {
        parts.push(format!("ends in {}", span(eta)));
    }
    if snapshot.target.simulated {
        parts.insert(0, "SIM".to_string());
    }
    parts.join("  ")
}

fn state(state: &LoadState) -> String {
    match state {
        LoadState::Idle => "idle".to_string(),
        LoadState::Running => "running".to_string(),
        LoadState::Pausing { in_flight } => format!("pausing, {in_flight} in flight"),
        LoadState::Paused => "paused".to_string(),
        LoadState::Draining { in_flight } => format!("draining, {in_flight} in flight"),
        LoadState::Parked { cause, remedy, .. } => format!("PARKED: {cause}; {remedy}"),
        LoadState::Finished => "finished".to_string(),
    }
}
