//! The questions before a batch job is submitted, stopped, sent again, or its files are deleted.

use std::path::Path;

use crate::console::ui::fmt;
use crate::control::{BatchInput, BatchJob, CheckReport, JobView, NewBatch};
use crate::record::{Micros, Region, Usd};

use super::control::{Account, Question, tags_words, typable};

/// Errors of a batch input that a question names; the rest is counted.
const NAMED: usize = 6;

fn find_job<'a>(now: &Account<'a>, arn: &str) -> Option<&'a JobView> {
    now.control.jobs.iter().find(|view| view.job.arn == arn)
}

pub(super) fn submit(new: &NewBatch, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Submit a batch job?", "Submit").at(now, &new.region);
    ask.text("Job", format!("{}, {}", new.name, new.model));
    ask.text(
        "Input",
        match &new.input {
            BatchInput::Local(path) => format!("{}, uploaded to {}", path.display(), new.storage),
            BatchInput::S3(address) => address.clone(),
        },
    );
    match now.report {
        Some(report) => check_facts(&mut ask, report),
        None => ask.alarm("Check", "the input was not looked through: price and size are not known"),
    }
    if !new.tags.is_empty() {
        ask.text("Tags", tags_words(&new.tags));
    }
    ask.text("Time-out", format!("{} h", new.timeout_hours));
    if let Some(slots) = now.control.job_slots.iter().find(|s| s.region == new.region && s.model == new.model)
        && let Some(allowed) = slots.allowed
    {
        let wait = if slots.used >= allowed { ": it waits here for a free one" } else { "" };
        ask.text("Job slots", format!("{} of {allowed} used{wait}", slots.used));
    }
    ask.warning = "Every record is billed at the batch rate. A stopped job is billed for what it has done.".to_owned();
    ask
}

fn check_facts(ask: &mut Question, report: &CheckReport) {
    let ids = match report.ids_assigned {
        0 => String::new(),
        n => format!(", {} without a recordId get one in the uploaded copy", fmt::exact(n)),
    };
    ask.text("Records", format!("{}, {}{ids}", fmt::exact(report.records), fmt::bytes(report.bytes)));
    let (input, output) = (fmt::count(report.input_tokens.0), fmt::count(report.max_output_tokens.0));
    ask.text("Tokens", format!("~{input} in, at most {output} out"));
    let range = |price: Option<(Usd, Usd)>| match price {
        Some((low, high)) if low == high => fmt::money(low),
        Some((low, high)) => format!("{} to {}", fmt::money(low), fmt::money(high)),
        None => "unknown".to_owned(),
    };
    ask.text("As a batch", format!("{}, done within the time-out", range(report.batch_price)));
    let time = match report.on_demand_seconds {
        Some(seconds) => format!("about {} at the quota", fmt::long_span(Micros::from_secs_f64(seconds))),
        None => "time not known: no quota is".to_owned(),
    };
    ask.text("On demand", format!("{}, {time}", range(report.on_demand_price)));
    let mut name = "Warning";
    for warning in &report.warnings {
        ask.alarm(std::mem::take(&mut name), warning.as_str());
    }
    let mut name = "Wrong";
    for error in report.errors.iter().take(NAMED) {
        ask.alarm(std::mem::take(&mut name), error.as_str());
    }
    let more = report.error_count.saturating_sub(report.errors.len().min(NAMED) as u64);
    if more > 0 {
        ask.alarm(std::mem::take(&mut name), format!("and {} more", fmt::exact(more)));
    }
    if report.error_count > 0 {
        let errors = fmt::exact(report.error_count);
        ask.blocked = Some(format!("{errors} of its lines cannot be run; correct them, then check again"));
    }
}

/// A job in a line.
fn job_words(job: &BatchJob) -> String {
    format!("{}, {}", job.name, job.model)
}

fn about_job<'a>(ask: &mut Question, arn: &str, now: &Account<'a>) -> Option<&'a JobView> {
    let view = find_job(now, arn);
    match view {
        Some(view) => ask.text("Job", job_words(&view.job)),
        None => {
            ask.text("ARN", arn);
            ask.blocked = Some("it is not in the list any more".to_owned());
        }
    }
    view
}

pub(super) fn stop(region: &Region, arn: &str, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Stop the batch job?", "Stop it").at(now, region);
    ask.warning =
        "It cannot be resumed. What is done is kept and billed; the rest can be resubmitted as a new job.".to_owned();
    if let Some(view) = about_job(&mut ask, arn, now) {
        let count = |n: Option<u64>| n.map_or("?".to_owned(), fmt::exact);
        let counts = view.job.counts;
        ask.text("Done", format!("{} of {} records", count(counts.processed), count(counts.total)));
        if !view.ours {
            ask.alarm("Started", "elsewhere: somebody else may be waiting for it");
        }
    }
    ask
}

pub(super) fn resubmit(region: &Region, arn: &str, folder: &Path, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Resubmit what can be retried?", "Resubmit").at(now, region);
    ask.warning = "A new job, billed for each of its records. Errors that would come again are left out.".to_owned();
    if let Some(view) = about_job(&mut ask, arn, now) {
        ask.text("Generation", format!("{} -> {}", view.generation, view.generation.saturating_add(1)));
        ask.text("New input", format!("is written here first, to {}", folder.display()));
        let counts = view.job.counts;
        if let Some(failed) = counts.failed {
            ask.text("Errors", format!("{} records", fmt::exact(failed)));
        }
        if let (Some(total), Some(processed)) = (counts.total, counts.processed) {
            ask.text("Not done", format!("{} records", fmt::exact(total.saturating_sub(processed))));
        }
        for (reason, count) in view.reasons.iter().take(3) {
            ask.text("", format!("{} x {reason}", fmt::exact(*count)));
        }
    }
    ask
}

pub(super) fn delete_copies(region: &Region, arn: &str, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Delete the job's files in S3?", "Delete them").at(now, region);
    ask.warning = "Input and output of the job in S3 are gone then. The job itself stays listed.".to_owned();
    if let Some(view) = about_job(&mut ask, arn, now) {
        ask.text("Input", view.job.input.as_str());
        ask.text("Output", format!("{}{}/", view.job.output, view.job.id()));
        match &view.fetched_to {
            Some(folder) => ask.text("Fetched to", folder.as_str()),
            None => ask.alarm("Fetched", "not by this program: the results would be lost"),
        }
        if !view.job.status.is_final() {
            ask.blocked = Some("the job is not over yet".to_owned());
        }
        ask.typed = Some(typable(&view.job.name, arn));
    }
    ask
}
