//! `quotas status`: what became of the requests.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::bedrock::QuotaRequest;
use crate::record::Micros;
use crate::report::{Align, count, span, table};

use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::StatusArgs;

/// How long between two looks while a request is open: Service Quotas takes few calls, and people decide.
const PAUSE: Duration = Duration::from_secs(30);
/// On a simulator nobody is in the way, and time may run faster.
const PAUSE_SIMULATED: Duration = Duration::from_secs(1);

/// Lists the requests of all Regions, newest first; with `--watch` also what changes, until none is open.
///
/// # Errors
/// The operating system's refusal of signals; what could not be read is said and makes the exit code 2.
pub async fn run(remote: &Remote, how: StatusArgs, as_json: bool) -> Result<ExitCode, Problem> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Problem::io("signals"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Problem::io("signals"))?;
    let pause = if remote.info.simulated { PAUSE_SIMULATED } else { PAUSE };
    let mut known: Option<Vec<QuotaRequest>> = None;
    loop {
        let (requests, failures) = remote.desk.quota_requests().await;
        let problems: Vec<String> =
            failures.iter().map(|(region, failure)| format!("{region}: {}", failure.message)).collect();
        for problem in &problems {
            say::notice(format_args!("note: {problem}\n"));
        }
        let now_ms = remote.desk.service_now_ms();
        match &known {
            Some(before) if !as_json => {
                for line in requests.iter().filter_map(|request| change(before, request)) {
                    say::result(format_args!("{line}\n"));
                }
            }
            Some(before) if *before == requests => {}
            _ if as_json => {
                let value = json!({
                    "target": remote.info.name,
                    "simulated": remote.info.simulated,
                    "account": remote.info.account,
                    "service_now_ms": now_ms,
                    "requests": requests,
                    "problems": problems,
                });
                say::result(format_args!("{value}\n"));
            }
            _ => say::result(format_args!("{}", as_text(&requests, now_ms))),
        }
        let open = requests.iter().any(|request| request.state.is_open());
        if !how.watch || (!open && problems.is_empty()) {
            return Ok(ExitCode::from(if problems.is_empty() { 0 } else { 2 }));
        }
        // What could not be read this time is what it was.
        if problems.is_empty() || known.is_none() {
            known = Some(requests);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = interrupt.recv() => return Ok(ExitCode::from(130)),
            _ = terminate.recv() => return Ok(ExitCode::from(130)),
        }
    }
}

/// What is new of a request since it was last seen, in a line.
fn change(before: &[QuotaRequest], now: &QuotaRequest) -> Option<String> {
    let known = before.iter().find(|known| known.id == now.id);
    if known.is_some_and(|known| known.state == now.state && known.case == now.case) {
        return None;
    }
    let case = now.case.as_ref().map_or(String::new(), |case| format!(", case {case}"));
    let was = known.map_or("new", |known| known.state.word());
    Some(format!("{} {} of {}: {was} -> {}{case}", now.region, count(now.value as u64), now.code, now.state.word()))
}

fn as_text(requests: &[QuotaRequest], now_ms: i64) -> String {
    use Align::{Left, Right};
    if requests.is_empty() {
        return "no requests\n".to_owned();
    }
    let heads = [
        ("REGION", Left),
        ("CODE", Left),
        ("ASKED FOR", Right),
        ("STATE", Left),
        ("FILED", Left),
        ("LAST CHANGE", Left),
        ("CASE", Left),
        ("QUOTA", Left),
    ];
    let ago = |at: Option<i64>| {
        at.map_or("unknown".to_owned(), |at| {
            format!("{} ago", span(Micros::from_millis(u64::try_from(now_ms.saturating_sub(at)).unwrap_or(0))))
        })
    };
    let rows = requests.iter().map(|request| {
        vec![
            request.region.to_string(),
            request.code.clone(),
            count(request.value as u64),
            request.state.word().to_owned(),
            ago(request.created_ms),
            ago(request.updated_ms),
            request.case.clone().unwrap_or_else(|| "-".to_owned()),
            request.name.clone(),
        ]
    });
    table(&heads, &rows.collect::<Vec<_>>())
}
