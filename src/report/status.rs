//! One line on a run in progress, for a terminal without a console and for logs.

use serde::Serialize;

use crate::engine::{EngineSnapshot, FlowView, LoadState, MoneyView, RunView, Verdict, WindowTotals};
use crate::record::Usd;

use super::scope::{ScopeSummary, scopes};
use super::{count, money, percent, span};

/// A named warning that stands, as a script reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusWarning<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is about.
    pub about: String,
    /// What is the matter, with this moment's figures.
    pub words: &'a str,
    /// What to do about it.
    pub remedy: &'a str,
    /// Since when, UTC, milliseconds since 1970.
    pub since_ms: i64,
}

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
    warnings: &'a [StatusWarning<'a>],
    scopes: Vec<ScopeSummary>,
}

/// The status as one line of JSON, `{"status": {...}}`: each scope explained as the summary will.
#[must_use]
pub fn status_json(snapshot: &EngineSnapshot, warnings: &[StatusWarning<'_>]) -> String {
    let status = Status {
        simulated: snapshot.target.simulated,
        utc_ms: snapshot.utc_ms,
        state: &snapshot.state,
        run: &snapshot.run,
        flow: &snapshot.flow,
        total: &snapshot.total,
        money: &snapshot.money,
        verdict: &snapshot.verdict,
        warnings,
        scopes: scopes(snapshot),
    };
    serde_json::json!({ "status": status }).to_string()
}

/// The line: state, progress, rate, quota, throttles, money, end, warnings by name.
#[must_use]
pub fn status_line(snapshot: &EngineSnapshot, warnings: &[StatusWarning<'_>]) -> String {
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
    parts.extend(named(warnings));
    if snapshot.target.simulated {
        parts.insert(0, "SIM".to_string());
    }
    parts.join("  ")
}

/// How many warnings stand and their names, each once.
fn named(warnings: &[StatusWarning<'_>]) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for warning in warnings {
        if !names.contains(&warning.name) {
            names.push(warning.name);
        }
    }
    let many = if warnings.len() == 1 { "warning" } else { "warnings" };
    (!names.is_empty()).then(|| format!("{} {many}: {}", warnings.len(), names.join(", ")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;

    fn warning<'a>(name: &'a str, about: &str) -> StatusWarning<'a> {
        StatusWarning { name, about: about.to_owned(), words: "it is so", remedy: "do that", since_ms: 7 }
    }

    #[test]
    fn warnings_are_counted_and_each_name_is_said_once() {
        let snapshot = fixtures::running();
        assert!(!status_line(&snapshot, &[]).contains("warning"));
        let line = status_line(&snapshot, &[warning("over-reserved", "us-east-1")]);
        assert!(line.ends_with("  1 warning: over-reserved"), "{line}");
        let three = [warning("breaker-open", "a"), warning("over-reserved", "a"), warning("over-reserved", "b")];
        let line = status_line(&snapshot, &three);
        assert!(line.ends_with("  3 warnings: breaker-open, over-reserved"), "{line}");
        let json: serde_json::Value = serde_json::from_str(&status_json(&snapshot, &three)).unwrap();
        let told = &json["status"]["warnings"];
        assert_eq!((told[2]["name"].as_str(), told[2]["about"].as_str()), (Some("over-reserved"), Some("b")));
        assert_eq!((told[0]["words"].as_str(), told[0]["since_ms"].as_i64()), (Some("it is so"), Some(7)));
    }
}
