//! Jobs and reports in words.

use std::fmt::Write as _;

use crate::bedrock::{BatchJob, InvocationType, JobStatus};
use crate::control::batch::Checked;
use crate::control::{FetchReport, JobView};
use crate::record::{Micros, Usd};
use crate::report::{count, money, span};

/// As much of a line as fits the terminal, so that it can be overwritten.
pub fn fitting(line: &str) -> String {
    let width = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| usize::from(size.ws_col));
    line.chars().take(width.saturating_sub(1).max(20)).collect()
}

/// `[######........] 43 %`.
pub fn bar(done: u64, total: u64) -> String {
    const CELLS: u64 = 20;
    let part = |whole: u64| (u128::from(done.min(total)) * u128::from(whole) / u128::from(total.max(1))) as usize;
    let full = part(CELLS);
    format!("[{}{}] {} %", "#".repeat(full), ".".repeat(CELLS as usize - full), part(100))
}

/// `1.2 GB`.
pub fn size(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} KB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.2} GB", value / 1e9),
    }
}

/// Milliseconds in words.
pub fn time(ms: i64) -> String {
    span(Micros::from_millis(u64::try_from(ms).unwrap_or_default()))
}

/// A moment, UTC.
pub fn moment(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| "unknown".to_owned(), |at| format!("{at:.0}"))
}

/// A price range, or that it is not known.
pub fn price(range: Option<(Usd, Usd)>) -> String {
    match range {
        Some((low, high)) => format!("{} to {}", money(low), money(high)),
        None => "unknown".to_owned(),
    }
}

/// The word for a kind of body.
pub fn invocation(kind: InvocationType) -> &'static str {
    match kind {
        InvocationType::Converse => "Converse",
        InvocationType::InvokeModel => "InvokeModel",
    }
}

/// What a check found.
pub fn checked(checked: &Checked) -> String {
    let report = &checked.report;
    let mut text = String::new();
    let mut row = |name: &str, words: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<10} {words}");
    };
    let assigned = match report.ids_assigned {
        0 => String::new(),
        n => format!(", {} without a recordId: their line numbers become theirs", count(n)),
    };
    row("records", format!("{} {} bodies{assigned}", count(report.records), invocation(checked.invocation)));
    row("size", size(report.bytes));
    row("input", format!("~{} tokens", count(report.input_tokens.0)));
    row("output", format!("at most {} tokens", count(report.max_output_tokens.0)));
    row("batch", price(report.batch_price));
    let time = match report.on_demand_seconds {
        Some(seconds) => format!("about {} at quota", span(Micros::from_secs_f64(seconds))),
        None => "time unknown".to_owned(),
    };
    row("on demand", format!("{}, {time}", price(report.on_demand_price)));
    for warning in &report.warnings {
        row("warning", warning.clone());
    }
    for error in &report.errors {
        row("error", error.clone());
    }
    let more = report.error_count.saturating_sub(report.errors.len() as u64);
    if more > 0 {
        row("", format!("... and {} more errors", count(more)));
    }
    text
}

/// Records done, in one cell.
pub fn progress(job: &BatchJob) -> String {
    match (job.counts.processed, job.counts.total) {
        (Some(processed), Some(total)) if total > 0 => format!("{}/{}", count(processed), count(total)),
        _ if job.status.is_final() => "unknown".to_owned(),
        _ => "not yet".to_owned(),
    }
}

/// What should be known of a job at a glance.
pub fn remark(view: &JobView) -> String {
    let job = &view.job;
    let mut words = Vec::new();
    if let Some(message) = &job.message {
        words.push(message.clone());
    }
    if let Some(failed) = job.counts.failed.filter(|failed| *failed > 0) {
        words.push(format!("{} errors", count(failed)));
    }
    if view.generation > 1 {
        words.push(format!("generation {}", view.generation));
    }
    if !view.ours {
        words.push("not from here".to_owned());
    }
    if let Some(folder) = &view.fetched_to {
        words.push(format!("fetched to {folder}"));
    }
    words.join("; ")
}

/// What a fetch brought.
pub fn fetched(report: &FetchReport) -> String {
    let mut text = String::new();
    let mut row = |name: &str, words: String| {
        let _ = writeln!(text, "  {name:<10} {words}");
    };
    row("ok", count(report.ok));
    row("failed", format!("{} retryable, {} permanent", count(report.retryable), count(report.permanent)));
    row("missing", count(report.missing));
    for (reason, n) in &report.reasons {
        row("", format!("{} x {reason}", count(*n)));
    }
    for warning in &report.warnings {
        row("warning", warning.clone());
    }
    for file in &report.files {
        row("file", file.clone());
    }
    text
}

/// The exit code that a job's end asks for: 0 all succeeded, 1 completed with errors, 3 failed, expired or stopped.
pub fn exit_code(job: &BatchJob) -> u8 {
    // A record that is in neither count is missing.
    let whole = job.counts.succeeded.zip(job.counts.total).is_none_or(|(succeeded, total)| succeeded >= total);
    match job.status {
        JobStatus::Completed if whole && job.counts.failed.unwrap_or(0) == 0 => 0,
        JobStatus::Completed | JobStatus::PartiallyCompleted => 1,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_sizes() {
        assert_eq!(bar(0, 10), "[....................] 0 %");
        assert_eq!(bar(5, 10), "[##########..........] 50 %");
        assert_eq!(bar(u64::MAX, u64::MAX), "[####################] 100 %");
        assert_eq!(bar(7, 0), "[....................] 0 %");
        assert_eq!((size(999), size(1_500), size(2_500_000_000)), ("999 B".into(), "1.5 KB".into(), "2.50 GB".into()));
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
    }
}
