//! `quotas request --status`: what became of the requests.

use std::process::ExitCode;

use serde_json::json;

use crate::bedrock::QuotaRequest;
use crate::record::Micros;
use crate::report::{Align, count, span, table};

use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;

/// Lists the requests of all Regions, newest first.
///
/// # Errors
/// None beyond the account's; what could not be read is said and makes the exit code 2.
pub async fn run(remote: &Remote, as_json: bool) -> Result<ExitCode, Problem> {
    let (requests, failures) = remote.desk.quota_requests().await;
    let problems: Vec<String> =
        failures.iter().map(|(region, failure)| format!("{region}: {}", failure.message)).collect();
    for problem in &problems {
        say::notice(format_args!("note: {problem}\n"));
    }
    let now_ms = remote.desk.service_now_ms();
    if as_json {
        let value = json!({
            "target": remote.info.name,
            "simulated": remote.info.simulated,
            "account": remote.info.account,
            "service_now_ms": now_ms,
            "requests": requests,
            "problems": problems,
        });
        say::result(format_args!("{value}\n"));
    } else {
        say::result(format_args!("{}", as_text(&requests, now_ms)));
    }
    Ok(ExitCode::from(if problems.is_empty() { 0 } else { 2 }))
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
