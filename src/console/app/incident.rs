//! The incident report: what happened, as Markdown for a ticket. Pure, from one snapshot.
//!
//! It carries ids, counts and times, never a prompt or an output.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::control::ControlSnapshot;
use crate::engine::{EngineSnapshot, LoadState, RequestView, ScopeView, Series};
use crate::limiter::QuotaLimit;
use crate::record::Micros;
use crate::warnings::{Standing, Warnings};

use super::lists::level_name;
use super::tuning::plain_number;
use super::usage::{self, Sort};
use super::watch;

/// Minutes of history in the table.
const MINUTES: usize = 20;
/// Failed or retried requests listed with their ids.
const REQUESTS: usize = 30;
/// Lines of the journal.
const LINES: usize = 40;

/// The file's name: `incident-20260823T141502Z.md`.
#[must_use]
pub fn file_name(utc_ms: i64) -> String {
    format!("incident-{}.md", stamp(utc_ms, "%Y%m%dT%H%M%SZ"))
}

/// The name of a picture: `screen-20260823T141502Z.svg`.
#[must_use]
pub fn picture_name(utc_ms: i64) -> String {
    format!("screen-{}.svg", stamp(utc_ms, "%Y%m%dT%H%M%SZ"))
}

/// The report.
#[must_use]
pub fn report(snapshot: &EngineSnapshot, account: Option<&ControlSnapshot>, warned: &Warnings) -> String {
    let mut text = String::new();
    head(&mut text, snapshot);
    warnings(&mut text, warned);
    minutes(&mut text, snapshot);
    throttles(&mut text, snapshot);
    scopes(&mut text, snapshot);
    if let Some(account) = account {
        of_account(&mut text, snapshot, account);
    }
    requests(&mut text, snapshot);
    marks(&mut text, snapshot);
    journal(&mut text, snapshot);
    text
}

/// What the account uses by CloudWatch, and of which quota: the others are half of most incidents.
fn of_account(text: &mut String, snapshot: &EngineSnapshot, account: &ControlSnapshot) {
    let rows = usage::rows(account, snapshot, "", Sort::Fullest);
    for problem in account.problems.iter() {
        let place = problem.region.as_ref().map_or("the account", |region| region.as_str());
        let _ = writeln!(text, "\nNot known of {place}: {}", cell(&problem.message));
    }
    if rows.is_empty() {
        return;
    }
    let (sentence, advice) = watch::verdict(account, &rows);
    let _ = writeln!(text, "\n## The account, by CloudWatch\n\n{}. {}\n", cell(&sentence), cell(&advice));
    for row in &rows {
        if let Some(words) = usage::others_words(row) {
            let _ = writeln!(text, "{} {}: {}.\n", row.route().region, cell(row.route().model.as_str()), cell(&words));
        }
    }
    if let Some(speed) = account.clock_speed {
        let _ = writeln!(
            text,
            "The service's clock runs {speed:.0} times as fast as ours: its minutes are not ours, and nothing is compared.\n"
        );
    }
    let _ = writeln!(
        text,
        "Settled tokens of all callers. What others have reserved beyond that is invisible: their part is at least what is said here.\n"
    );
    let _ = writeln!(
        text,
        "| route | TPM quota | source | last minute, UTC | settled | P90 | peak | throttled | others at least | read |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    for row in &rows {
        let used = row.account;
        let last = used.and_then(|used| used.last());
        let number = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
        let _ = writeln!(
            text,
            "| {} {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            cell(row.route().region.as_str()),
            cell(row.route().model.as_str()),
            number(row.tpm()),
            cell(&row.limits.quota.source()),
            last.map_or("-".to_owned(), |minute| stamp(minute.start_ms, "%H:%M")),
            number(last.map(|minute| minute.quota_tokens)),
            number(used.and_then(|used| used.p90_tpm())),
            number(used.and_then(|used| used.peak_tpm())),
            number(row.throttles()),
            row.others().map_or("-".to_owned(), |share| format!("{:.0} %", share * 100.0)),
            used.map_or("-".to_owned(), |used| stamp(used.read_at_ms, "%H:%M:%S")),
        );
    }
    for pool in usage::pools(account, snapshot.utc_ms.saturating_add(account.clock_offset_ms)) {
        let ends =
            pool.ends_ms.map_or("lasts the day".to_owned(), |ends| format!("runs out at {}", stamp(ends, "%H:%M")));
        let region = cell(pool.region.as_str());
        let used = pool.used.map_or("an unknown part".to_owned(), |used| used.to_string());
        let unread = if pool.unread > 0 { format!(" ({} of them not read)", pool.unread) } else { String::new() };
        let _ = writeln!(
            text,
            "\nTokens of the day in {region}: {used} of {} used at these routes{unread}, {ends} at this rate, UTC.",
            pool.quota
        );
    }
    for request in &account.increases {
        let (name, place, state) = (cell(&request.name), cell(request.region.as_str()), cell(request.state.word()));
        let _ = writeln!(text, "\nAsked for in {place}: {} of {name}: {state}.", request.value);
    }
    let _ = writeln!(text, "\nA minute that is missing here had no calls, or is not published yet.");
    let _ = writeln!(
        text,
        "\n| minute, UTC | route | invocations | settled | throttled | errors |\n|---|---|---|---|---|---|"
    );
    for row in &rows {
        for minute in row.account.map(|used| used.minutes.as_slice()).unwrap_or_default() {
            let _ = writeln!(
                text,
                "| {} | {} {} | {} | {} | {} | {} |",
                stamp(minute.start_ms, "%H:%M"),
                cell(row.route().region.as_str()),
                cell(row.route().model.as_str()),
                minute.invocations,
                minute.quota_tokens,
                minute.throttles,
                minute.client_errors + minute.server_errors,
            );
        }
    }
}

fn stamp(utc_ms: i64, format: &str) -> String {
    Timestamp::from_millisecond(utc_ms).map(|t| t.strftime(format).to_string()).unwrap_or_else(|_| "?".to_owned())
}

/// A cell of a table: one line, no markup that would break the table.
fn cell(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().replace('|', "\\|")
}

/// UTC milliseconds of a moment on the run's clock.
fn utc_of(snapshot: &EngineSnapshot, at: Micros) -> i64 {
    let signed = |micros: Micros| i64::try_from(micros.0 / 1_000).unwrap_or(i64::MAX);
    snapshot.utc_ms.saturating_sub(signed(snapshot.at)).saturating_add(signed(at))
}

// Writing to a string cannot fail; the result is only there because the trait is.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{ let _ = writeln!($text, $($format)*); }};
}

fn head(text: &mut String, snapshot: &EngineSnapshot) {
    let target = &snapshot.target;
    line!(text, "# Bedrock incident, {}\n", stamp(snapshot.utc_ms, "%Y-%m-%d %H:%M:%S UTC"));
    if target.simulated {
        line!(text, "**SIMULATED**: everything below was made by a simulator, not by AWS.\n");
    }
    line!(text, "**Verdict**: {}", cell(&snapshot.verdict.sentence));
    if !snapshot.verdict.advice.is_empty() {
        line!(text, "**Advice**: {}", cell(&snapshot.verdict.advice));
    }
    line!(text, "");
    let regions: Vec<&str> = target.regions.iter().map(|region| region.as_str()).collect();
    line!(text, "| | |\n|---|---|");
    line!(text, "| target | {} |", cell(&target.name));
    let account = target.account.as_deref().unwrap_or("unknown");
    line!(text, "| account | {} {} |", cell(target.account_label.as_deref().unwrap_or("")), cell(account));
    line!(text, "| Regions | {} |", cell(&regions.join(", ")));
    line!(text, "| load | {} ({}) |", cell(&snapshot.run.label), state_words(&snapshot.state));
    let run = &snapshot.run;
    line!(text, "| records | {} succeeded, {} failed, {} not sent |", run.succeeded, run.failed, run.unsent);
    line!(text, "| attempts | {}, {} of them retries |", run.attempts, run.retries);
    line!(text, "| limiter | {} |", snapshot.preset.name());
    line!(text, "| spent | ${:.4} of {} |", snapshot.money.spent.dollars(), cap_words(snapshot));
    line!(text, "");
}

/// The named warnings; what is muted is evidence all the same.
fn warnings(text: &mut String, warned: &Warnings) {
    if warned.all().is_empty() {
        return;
    }
    line!(text, "## Warnings\n");
    line!(text, "| since, UTC | name | level | about | what | remedy |\n|---|---|---|---|---|---|");
    for Standing { warning, since_utc_ms, .. } in warned.all() {
        let muted = if warned.is_muted(warning.name) { ", muted" } else { "" };
        line!(
            text,
            "| {} | {} | {}{muted} | {} | {} | {} |",
            stamp(*since_utc_ms, "%H:%M:%S"),
            warning.name.word(),
            level_name(warning.name.level()),
            cell(&warning.about.text()),
            cell(&warning.words),
            cell(&warning.remedy)
        );
    }
    line!(text, "");
}

fn cap_words(snapshot: &EngineSnapshot) -> String {
    snapshot.money.cap.map_or("no cap".to_owned(), |cap| format!("${:.2}", cap.dollars()))
}

fn state_words(state: &LoadState) -> String {
    match state {
        LoadState::Idle => "idle".to_owned(),
        LoadState::Running => "running".to_owned(),
        LoadState::Pausing { in_flight } => format!("pausing, {in_flight} in flight"),
        LoadState::Paused => "paused".to_owned(),
        LoadState::Draining { in_flight } => format!("draining, {in_flight} in flight"),
        LoadState::Parked { cause, remedy, .. } => cell(&format!("parked: {cause}; {remedy}")),
        LoadState::Finished => "finished".to_owned(),
    }
}

/// One UTC minute of the history.
struct Minute {
    utc_ms: i64,
    settled: f64,
    held: f64,
    target: f64,
    throttles: f64,
    errors: f64,
    done: f64,
    queue: f64,
}

fn by_minute(snapshot: &EngineSnapshot) -> Vec<Minute> {
    let series: &Series = &snapshot.series;
    let count = series.rpm.len() as u64;
    let first = (series.last_second + 1).saturating_sub(count);
    let value = |values: &[f32], at: usize| values.get(at).copied().filter(|v| !v.is_nan()).map_or(0.0, f64::from);
    let mut minutes: Vec<Minute> = Vec::new();
    for at in 0..series.rpm.len() {
        let utc_ms = utc_of(snapshot, Micros::from_secs(first + at as u64)).div_euclid(60_000) * 60_000;
        if minutes.last().is_none_or(|minute| minute.utc_ms != utc_ms) {
            let zero = 0.0;
            minutes.push(Minute {
                utc_ms,
                settled: zero,
                held: zero,
                target: zero,
                throttles: zero,
                errors: zero,
                done: zero,
                queue: zero,
            });
        }
        if let Some(minute) = minutes.last_mut() {
            minute.settled = minute.settled.max(value(&series.tpm_settled, at));
            minute.held = minute.held.max(value(&series.held, at));
            minute.target = minute.target.max(value(&series.target_tpm, at));
            minute.throttles += value(&series.throttles, at);
            minute.errors += value(&series.errors, at);
            minute.done += value(&series.done, at);
            minute.queue = minute.queue.max(value(&series.queue, at));
        }
    }
    let surplus = minutes.len().saturating_sub(MINUTES);
    minutes.split_off(surplus)
}

fn minutes(text: &mut String, snapshot: &EngineSnapshot) {
    let minutes = by_minute(snapshot);
    line!(text, "## Minutes (UTC)\n");
    if minutes.is_empty() {
        line!(text, "No second of load has passed yet.\n");
        return;
    }
    line!(text, "Settled, held and target are the highest of the minute, in quota tokens (per minute).\n");
    line!(text, "| minute | settled | held | target | throttled | other errors | done | queue |");
    line!(text, "|---|--:|--:|--:|--:|--:|--:|--:|");
    for m in minutes {
        let n = |value: f64| plain_number(value.round());
        let minute = stamp(m.utc_ms, "%H:%M");
        let (settled, held, target) = (n(m.settled), n(m.held), n(m.target));
        let (throttles, errors, done, queue) = (n(m.throttles), n(m.errors), n(m.done), n(m.queue));
        line!(text, "| {minute} | {settled} | {held} | {target} | {throttles} | {errors} | {done} | {queue} |");
    }
    line!(text, "");
}

fn throttles(text: &mut String, snapshot: &EngineSnapshot) {
    if snapshot.flow.errors_total.is_empty() {
        line!(text, "No attempt has failed since the start.\n");
        return;
    }
    line!(text, "## Failed attempts\n");
    line!(text, "| class | last 60 s | since the start |\n|---|--:|--:|");
    for (class, total) in &snapshot.flow.errors_total {
        let recent = snapshot.flow.errors_60s.iter().find(|(of, _)| of == class).map_or(0, |(_, n)| *n);
        line!(text, "| {class} | {recent} | {total} |");
    }
    line!(text, "");
}

fn quota(limit: QuotaLimit) -> String {
    match limit {
        QuotaLimit::Unknown => "unknown".to_owned(),
        QuotaLimit::Absent => "none".to_owned(),
        QuotaLimit::Limit(value) => plain_number(value as f64),
    }
}

fn scopes(text: &mut String, snapshot: &EngineSnapshot) {
    line!(text, "## Scopes\n");
    line!(
        text,
        "| Region | model | RPM used / quota | TPM settled | TPM held | TPM target / quota | source | limiter |"
    );
    line!(text, "|---|---|--:|--:|--:|--:|---|---|");
    for ScopeView { key, limiter, quota_source, parked, .. } in &snapshot.scopes {
        let target = limiter.tpm.target.map_or("-".to_owned(), plain_number);
        let mood = match parked {
            Some((cause, remedy)) => format!("parked: {cause}; {remedy}"),
            None => limiter.mood.clone(),
        };
        line!(
            text,
            "| {} | {} | {} / {} | {} | {} | {target} / {} | {} | {} |",
            key.region,
            cell(key.bucket.as_str()),
            limiter.requests_60s,
            quota(limiter.rpm.quota),
            plain_number(limiter.settled_60s as f64),
            plain_number(limiter.held as f64),
            quota(limiter.tpm.quota),
            cell(quota_source),
            cell(&mood)
        );
    }
    line!(text, "");
}

fn requests(text: &mut String, snapshot: &EngineSnapshot) {
    let told: Vec<&RequestView> = snapshot
        .recent
        .iter()
        .filter(|request| request.failure.is_some() || request.attempts > 1)
        .take(REQUESTS)
        .collect();
    if told.is_empty() {
        return;
    }
    line!(text, "## Requests that failed or were retried, newest first\n");
    line!(text, "| UTC | record | Region | model | attempts | result | request id |");
    line!(text, "|---|---|---|---|--:|---|---|");
    for request in told {
        let result = match &request.failure {
            Some((class, message)) => format!("{class}: {message}"),
            None => "ok".to_owned(),
        };
        line!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            stamp(request.utc_ms, "%H:%M:%S"),
            cell(request.id.as_str()),
            request.route.region,
            cell(request.route.model.as_str()),
            request.attempts,
            cell(&result),
            cell(request.request_id.as_deref().unwrap_or("-"))
        );
    }
    line!(text, "");
}

fn marks(text: &mut String, snapshot: &EngineSnapshot) {
    if snapshot.marks.is_empty() {
        return;
    }
    line!(text, "## Changes\n");
    for mark in snapshot.marks.iter() {
        line!(text, "- {} {}", stamp(utc_of(snapshot, mark.at), "%H:%M:%S"), cell(&mark.what));
    }
    line!(text, "");
}

fn journal(text: &mut String, snapshot: &EngineSnapshot) {
    if snapshot.journal.is_empty() {
        return;
    }
    line!(text, "## Log, newest first\n");
    for entry in snapshot.journal.iter().take(LINES) {
        line!(text, "- {} {}: {}", stamp(entry.utc_ms, "%H:%M:%S"), level_name(entry.level), cell(&entry.text));
    }
}
