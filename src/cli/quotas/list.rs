//! `quotas list`: a line for each quota of each bucket.

use std::process::ExitCode;

use serde_json::json;

use crate::catalogue::{BucketKind, Metric};
use crate::control::{self, QuotaCell, QuotaSource, quota_table};
use crate::limiter::QuotaLimit;
use crate::report::{Align, count, table};

use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::ListArgs;

/// Lists.
///
/// # Errors
/// None beyond the account's; what could not be read is said and makes the exit code 2.
pub async fn run(remote: &Remote, args: ListArgs, as_json: bool) -> Result<ExitCode, Problem> {
    if remote.models.is_empty() && !args.all {
        return Err(Problem::usage(
            "no model: name one with --model, e.g. --model us.anthropic.claude-sonnet-4-5-20250929-v1:0, or say --all",
        ));
    }
    let facts = control::discover(&remote.clients).await;
    let unread = facts.regions.iter().filter_map(|(region, facts)| Some((region, facts.quotas.as_ref().err()?)));
    let problems: Vec<String> = unread.map(|(region, failure)| format!("{region}: {}", failure.message)).collect();
    for problem in &problems {
        say::notice(format_args!("note: {problem}\n"));
    }
    let cells = quota_table(&remote.models, &facts.regions, remote.info.simulated, args.all);
    if as_json {
        let value = json!({
            "target": remote.info.name,
            "simulated": remote.info.simulated,
            "account": remote.info.account,
            "quotas": cells,
            "problems": problems,
        });
        say::result(format_args!("{value}\n"));
    } else {
        say::result(format_args!("{}", as_text(&cells)));
    }
    Ok(ExitCode::from(if problems.is_empty() { 0 } else { 2 }))
}

fn as_text(cells: &[QuotaCell]) -> String {
    use Align::{Left, Right};
    if cells.is_empty() {
        return "no quotas\n".to_owned();
    }
    let heads = [
        ("REGION", Left),
        ("MODEL OR PROFILE", Left),
        ("SCOPE", Left),
        ("PER MINUTE OR DAY", Left),
        ("APPLIED", Right),
        ("DEFAULT", Right),
        ("MORE?", Left),
        ("CODE", Left),
        ("SOURCE", Left),
    ];
    let rows = cells.iter().map(|cell| {
        vec![
            cell.region.to_string(),
            cell.bucket.to_string(),
            cell.scope.map_or("all models", scope_word).to_owned(),
            metric_word(cell.metric).to_owned(),
            limit_word(cell.applied),
            cell.default.map_or("-".to_owned(), |value| count(value as u64)),
            more_word(cell).to_owned(),
            cell.code.clone().unwrap_or_else(|| "-".to_owned()),
            source_word(&cell.source),
        ]
    });
    table(&heads, &rows.collect::<Vec<_>>())
}

/// A bucket, in a word.
pub(super) fn scope_word(kind: BucketKind) -> &'static str {
    match kind {
        BucketKind::Base => "base",
        BucketKind::Geo => "geo",
        BucketKind::Global => "global",
    }
}

/// What a quota counts, in words.
pub(super) fn metric_word(metric: Metric) -> &'static str {
    match metric {
        Metric::Rpm => "requests/min",
        Metric::Tpm => "tokens/min",
        Metric::Tpd => "tokens/day",
    }
}

/// A limit, in words.
pub(super) fn limit_word(limit: QuotaLimit) -> String {
    match limit {
        QuotaLimit::Limit(value) => count(value),
        QuotaLimit::Absent => "none".to_owned(),
        QuotaLimit::Unknown => "unknown".to_owned(),
    }
}

fn more_word(cell: &QuotaCell) -> &'static str {
    match cell.adjustable {
        _ if cell.applied == QuotaLimit::Absent => "-",
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

fn source_word(source: &QuotaSource) -> String {
    match source {
        QuotaSource::ServiceQuotas { .. } => "Service Quotas".to_owned(),
        QuotaSource::Default { year, .. } => format!("published {year}"),
        QuotaSource::Units => "model units".to_owned(),
        QuotaSource::Absent => "no such quota".to_owned(),
        QuotaSource::Unknown => "the limiter finds it".to_owned(),
    }
}
