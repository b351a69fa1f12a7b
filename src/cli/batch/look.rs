//! `batch check`, `list`, `show`: nothing is changed.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::Config;
use crate::control::batch::{self, Checked, Trouble};
use crate::control::{JobView, NewBatch};
use crate::record::Region;
use crate::report::count;

use super::super::args::Global;
use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::attend::{Shown, attend};
use super::{InputArgs, input, invocation, model, region, tell, words};

/// A check has no job: only the input counts.
fn question(region: Region, model: String, args: &InputArgs) -> NewBatch {
    NewBatch {
        region,
        name: String::new(),
        model,
        input: input(&args.input),
        storage: String::new(),
        role: String::new(),
        invocation: invocation(args.api),
        timeout_hours: 24,
        tags: Vec::new(),
    }
}

/// Checks a local file without any account.
///
/// # Errors
/// No model.
pub fn check_file(global: &Global, config: &Config, args: &InputArgs) -> Result<ExitCode, Problem> {
    let model = model(if global.models.is_empty() { &config.models } else { &global.models })?;
    let first = global.regions.first().or(config.regions.first()).map_or("us-east-1", String::as_str);
    say::notice(format_args!("no target: limits and quotas are the published defaults of {first}\n"));
    let new = question(Region::from(first), model, args);
    let shown = Shown::new();
    let done = batch::check_file(&new, |stage| shown.stage(&stage));
    shown.end();
    Ok(told(&new, done, global.json))
}

/// Checks an input with the quotas of the account.
///
/// # Errors
/// No model, several Regions.
pub async fn check(remote: &Remote, global: &Global, args: &InputArgs) -> Result<ExitCode, Problem> {
    let model = model(if global.models.is_empty() { &remote.config.models } else { &global.models })?;
    let new = question(region(remote)?, model, args);
    let shown = Shown::new();
    let progress = |stage| shown.stage(&stage);
    let done = attend(&remote.desk, remote.desk.check_batch(&new, &progress)).await;
    shown.end();
    Ok(told(&new, done, global.json))
}

fn told(new: &NewBatch, done: Result<Checked, Trouble>, json: bool) -> ExitCode {
    let checked = match done {
        Ok(checked) => checked,
        Err(trouble) => return tell(&trouble),
    };
    if json {
        say::result(format_args!("{}\n", checked_json(new, &checked)));
    } else {
        say::result(format_args!("{}", words::checked(&checked)));
    }
    if checked.report.error_count > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// A report as JSON: amounts in dollars, `null` where not known.
pub fn checked_json(new: &NewBatch, checked: &Checked) -> Value {
    let report = &checked.report;
    let dollars = |range: Option<(crate::record::Usd, crate::record::Usd)>| {
        range.map(|(low, high)| [low.dollars(), high.dollars()])
    };
    json!({
        "model": new.model,
        "region": new.region,
        "records": report.records,
        "bytes": report.bytes,
        "ids_assigned": report.ids_assigned,
        "invocation_type": words::invocation(checked.invocation),
        "digest": checked.digest,
        "error_count": report.error_count,
        "errors": report.errors,
        "warnings": report.warnings,
        "input_tokens": report.input_tokens,
        "max_output_tokens": report.max_output_tokens,
        "batch_usd": dollars(report.batch_price),
        "on_demand_usd": dollars(report.on_demand_price),
        "on_demand_seconds": report.on_demand_seconds,
    })
}

/// Lists jobs.
///
/// # Errors
/// None beyond the account's: what could not be read is said and makes the exit code 3.
pub async fn list(remote: &Remote, name: Option<&str>, json: bool) -> Result<ExitCode, Problem> {
    let (mut views, mut slots) = (Vec::new(), Vec::new());
    let mut code = ExitCode::SUCCESS;
    for region in &remote.info.regions {
        match remote.desk.job_views(region, name).await {
            Ok(here) => {
                slots.extend(remote.desk.job_slots(region, &here).await);
                views.extend(here);
            }
            Err(trouble) => code = tell(&trouble),
        }
    }
    views.sort_by_key(|view| std::cmp::Reverse(view.job.submitted_ms));
    let now_ms = remote.desk.service_now_ms();
    if json {
        let value = json!({
            "target": remote.info.name,
            "simulated": remote.info.simulated,
            "account": remote.info.account,
            "service_now_ms": now_ms,
            "jobs": views,
            "job_slots": slots,
        });
        say::result(format_args!("{value}\n"));
        return Ok(code);
    }
    let mut text = table(&views, now_ms);
    for slots in slots.iter().filter(|_| name.is_none()) {
        let allowed = slots.allowed.map_or("an unknown number of".to_owned(), |allowed| count(u64::from(allowed)));
        let _ = writeln!(text, "{}: {} of {allowed} job slots of {} used", slots.region, slots.used, slots.model);
    }
    say::result(format_args!("{text}"));
    Ok(code)
}

fn table(views: &[JobView], now_ms: i64) -> String {
    const HEAD: [&str; 8] = ["REGION", "NAME", "ID", "MODEL", "STATUS", "AGE", "RECORDS", ""];
    if views.is_empty() {
        return "no batch jobs\n".to_owned();
    }
    let mut rows: Vec<[String; 8]> = vec![HEAD.map(str::to_owned)];
    rows.extend(views.iter().map(|view| {
        let job = &view.job;
        [
            job.region.to_string(),
            job.name.clone(),
            job.id().to_owned(),
            job.model.rsplit('/').next().unwrap_or(&job.model).to_owned(),
            job.status.word().to_owned(),
            words::time(now_ms.saturating_sub(job.submitted_ms)),
            words::progress(job),
            words::remark(view),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

/// Shows one job.
///
/// # Errors
/// None beyond the account's.
pub async fn show(remote: &Remote, job: &str, json: bool) -> Result<ExitCode, Problem> {
    let view = match view(remote, job).await {
        Ok(view) => view,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    let now_ms = remote.desk.service_now_ms();
    if json {
        let mut value = serde_json::to_value(&view).unwrap_or_default();
        value["simulated"] = remote.info.simulated.into();
        value["service_now_ms"] = now_ms.into();
        say::result(format_args!("{value}\n"));
    } else {
        say::result(format_args!("{}", in_whole(&view, now_ms)));
    }
    Ok(ExitCode::SUCCESS)
}

async fn view(remote: &Remote, job: &str) -> Result<JobView, Trouble> {
    let job = remote.desk.find_job(job).await?;
    remote.desk.job_view(&job.region, &job.arn).await
}

fn in_whole(view: &JobView, now_ms: i64) -> String {
    let job = &view.job;
    let mut text = String::new();
    let mut row = |name: &str, words: String| {
        if !words.is_empty() {
            let _ = writeln!(text, "  {name:<11} {words}");
        }
    };
    row("name", job.name.clone());
    row("arn", job.arn.clone());
    row("model", job.model.clone());
    row("bodies", words::invocation(job.invocation).to_owned());
    row("status", job.status.word().to_owned());
    row("message", job.message.clone().unwrap_or_default());
    row("records", words::progress(job));
    let told = |n: Option<u64>| n.map_or("unknown".to_owned(), count);
    row("succeeded", told(job.counts.succeeded));
    row("failed", told(job.counts.failed));
    row("submitted", format!("{} ({} ago)", words::moment(job.submitted_ms), words::time(now_ms - job.submitted_ms)));
    row("ended", job.ended_ms.map_or(String::new(), words::moment));
    if let Some(at) = job.expires_ms.filter(|_| !job.status.is_final()) {
        row("expires", format!("{} (in {})", words::moment(at), words::time(at - now_ms)));
    }
    row("input", job.input.clone());
    row("output", job.output.clone());
    row("role", job.role_arn.clone());
    row("generation", view.generation.to_string());
    row("parent", view.parent.clone().unwrap_or_default());
    row("origin", if view.ours { "submitted from here" } else { "not from here" }.to_owned());
    if let Some((input, output)) = view.manifest_tokens {
        row("tokens", format!("{} in, {} out", count(input), count(output)));
    }
    row("fetched to", view.fetched_to.clone().unwrap_or_default());
    for (reason, n) in &view.reasons {
        row("", format!("{} x {reason}", count(*n)));
    }
    text
}
