//! The gate to the account: what is bought, stopped or deleted is asked first, on a simulator too.

use std::path::Path;

use crate::catalogue::Catalogue;
use crate::console::ui::fmt;
use crate::control::{
    AgreedPrice, BatchInput, BatchJob, CheckReport, Commitment, ControlCommand, ControlSnapshot, JobView, NewBatch,
    NewProvisioned, Order, ProvisionedView, UnitQuota, term_price, unit_price,
};
use crate::engine::EngineSnapshot;
use crate::record::{Micros, Region, Usd};

use super::super::provisioned::{self, Use};
use super::{Asked, Confirmed, Dialog, Fact, Gate, account};

/// Why a read-only console gives no such order.
const READ_ONLY: &str = "READ-ONLY: nothing that creates, changes, stops or deletes is offered";
/// Errors of a batch input that a question names; the rest is counted.
const NAMED: usize = 6;
/// The longest name that has to be typed whole.
const TYPABLE: usize = 63;

/// All that the gate looks at.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The engine now: whose account, and whether our load uses what is to be deleted.
    pub engine: &'a EngineSnapshot,
    /// The account now.
    pub control: &'a ControlSnapshot,
    /// The service's time, milliseconds since 1970.
    pub now_ms: i64,
    /// Prices of model units by configuration.
    pub agreed: &'a [AgreedPrice],
    /// What a batch input was found to be like.
    pub report: Option<&'a CheckReport>,
}

/// Decides whether an order passes, is asked about, or is refused.
#[must_use]
pub fn control_gate(command: ControlCommand, now: &Account<'_>) -> Gate<ControlCommand> {
    // These change nothing in the account: they ask, look through a file, or copy results here.
    if !command.order.changes() {
        return Gate::Go(Confirmed(command));
    }
    if now.engine.target.read_only {
        return Gate::Refuse(READ_ONLY.to_owned());
    }
    let dialog = match &command.order {
        Order::CreateProvisioned(new) => create(new, now),
        Order::UpdateProvisioned { region, arn, name, model } => {
            change(region, arn, name.as_deref(), model.as_deref(), now)
        }
        Order::DeleteProvisioned { region, arn } => delete(region, arn, now),
        Order::SubmitBatch(new) => submit(new, now),
        Order::StopJob { region, arn } => stop(region, arn, now),
        Order::ResubmitJob { region, arn, folder } => resubmit(region, arn, folder, now),
        Order::DeleteCopies { region, arn } => delete_copies(region, arn, now),
        // Passed above; whatever it may become, it is asked about.
        Order::Refresh | Order::CheckBatch(_) | Order::FetchJob { .. } => Question::new("Do it?", "Do it"),
    };
    Gate::Ask(Box::new(dialog.about(command)))
}

/// A question that is being put together.
struct Question {
    title: String,
    accept: &'static str,
    facts: Vec<(&'static str, Fact)>,
    warning: String,
    typed: Option<String>,
    blocked: Option<String>,
}

impl Question {
    fn new(title: impl Into<String>, accept: &'static str) -> Question {
        Question { title: title.into(), accept, facts: Vec::new(), warning: String::new(), typed: None, blocked: None }
    }

    /// The account and the Region come first.
    fn at(mut self, now: &Account<'_>, region: &Region) -> Question {
        self.facts = account(now.engine);
        self.text("Region", region.to_string());
        self
    }

    fn text(&mut self, name: &'static str, text: impl Into<String>) {
        self.facts.push((name, Fact::Text(text.into())));
    }

    fn alarm(&mut self, name: &'static str, text: impl Into<String>) {
        self.facts.push((name, Fact::Alarm(text.into())));
    }

    fn about(self, command: ControlCommand) -> Dialog {
        let mut dialog = Dialog::new(self.title, self.facts, self.warning, self.accept, Asked::Control(command));
        dialog.blocked = self.blocked;
        match self.typed {
            Some(wanted) => dialog.type_first(wanted),
            None => dialog,
        }
    }
}

/// What has to be typed for something: its name, or its id where the name could not be typed.
fn typable(name: &str, arn: &str) -> String {
    let good =
        |text: &str| !text.is_empty() && text.chars().count() <= TYPABLE && text.chars().all(|c| c.is_ascii_graphic());
    let id = provisioned::id_of(arn);
    match (good(name), good(id)) {
        (true, _) => name.to_owned(),
        (false, true) => id.to_owned(),
        (false, false) => "delete".to_owned(),
    }
}

fn find<'a>(now: &Account<'a>, arn: &str) -> Option<&'a ProvisionedView> {
    now.control.provisioned.iter().find(|view| view.model.arn == arn)
}

fn find_job<'a>(now: &Account<'a>, arn: &str) -> Option<&'a JobView> {
    now.control.jobs.iter().find(|view| view.job.arn == arn)
}

/// Tokens a minute of so many units, and that nobody publishes them.
pub(in crate::console) fn capacity_words(model: &str, units: u32) -> String {
    match Catalogue::embedded().provisioned_variant(model) {
        Some(variant) => {
            let all = |each: u64| fmt::count(each.saturating_mul(u64::from(units)));
            let (input, output) = (all(variant.input_tpm), all(variant.output_tpm));
            format!("input {input}, output {output} tokens a minute (assumed: AWS publishes none)")
        }
        None => "not known: ask your AWS account manager".to_owned(),
    }
}

fn create(new: &NewProvisioned, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Buy provisioned throughput?", "Buy it").at(now, &new.region);
    ask.text("Name", new.name.as_str());
    ask.text("Model", new.model.as_str());
    ask.text("Units", format!("{} MU: {}", new.units, capacity_words(&new.model, new.units)));
    let commitment = match new.commitment {
        Commitment::None => "none: by the hour, until it is deleted",
        Commitment::OneMonth => "1 month, binding",
        Commitment::SixMonths => "6 months, binding",
    };
    ask.text("Commitment", commitment);
    let unit = unit_price(&new.region, &new.model, new.commitment, now.agreed);
    let hour = unit.of(new.units);
    match hour {
        Some(hour) => ask.facts.push(("Price", Fact::Money("", hour, " /h"))),
        None => ask.alarm("Price", "unknown: AWS does not publish it. The bill will tell."),
    }
    if let Some(term) = term_price(unit, new.units, new.commitment) {
        ask.text("Whole term", format!("about {}", fmt::dollars(term)));
    }
    let custom = new.model.contains(":custom-model/");
    let counts = |quota: &&UnitQuota| {
        let name = unit_quota(&quota.name);
        quota.region == new.region && name.contains("custom") == custom && name.contains("no term")
    };
    if let Some(quota) = now.control.unit_quotas.iter().find(counts).filter(|_| new.commitment == Commitment::None) {
        let full = if quota.used.saturating_add(new.units) > quota.allowed { ": too few are left" } else { "" };
        ask.text("Units left", format!("{} of {} are used, without a term{full}", quota.used, quota.allowed));
    }
    if let Some(other) = overlap(new, now.control) {
        let both = other.hourly().zip(hour).map(|(a, b)| fmt::dollars(a + b));
        let both = both.map_or("an unknown price".to_owned(), |both| format!("{both} /h"));
        ask.alarm(
            "Overlap",
            format!(
                "{} has {} MU of the same model: together {both} until one is deleted",
                other.model.name, other.model.units
            ),
        );
    }
    if !new.tags.is_empty() {
        ask.text("Tags", tags_words(&new.tags));
    }
    ask.warning = match new.commitment {
        Commitment::None => "Billed by the hour, used or not, until it is deleted. Units cannot be changed later.",
        _ => {
            "Binding: Bedrock refuses to delete it before the term ends, and bills it after the term until it is \
             deleted. Units cannot be changed later."
        }
    }
    .to_owned();
    ask.typed = match (new.commitment, hour) {
        (Commitment::None, Some(_)) => None,
        (Commitment::None, None) => Some("unknown".to_owned()),
        (_, Some(_)) => Some(new.name.clone()),
        (_, None) => Some(format!("{} unknown", new.name)),
    };
    ask
}

/// What there is already of the same model in the same Region: both cost until one is deleted.
fn overlap<'a>(new: &NewProvisioned, control: &'a ControlSnapshot) -> Option<&'a ProvisionedView> {
    control.provisioned.iter().find(|view| {
        let model = &view.model;
        let same = |arn: &str| arn == new.model || provisioned::id_of(arn) == new.model;
        model.region == new.region && (same(&model.model_arn) || same(&model.foundation_model_arn))
    })
}

/// A quota of model units in a few words: which units count against it.
pub(in crate::console) fn unit_quota(name: &str) -> String {
    let name = name.to_lowercase();
    let term = if name.contains("no-commitment") { "no term" } else { "with a term" };
    if name.contains("custom") { format!("{term}, custom models") } else { term.to_owned() }
}

/// Tags as they are typed.
fn tags_words(tags: &[(String, String)]) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

fn change(region: &Region, arn: &str, name: Option<&str>, model: Option<&str>, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Change provisioned throughput?", "Change it").at(now, region);
    let view = find(now, arn);
    let is = view.map_or(provisioned::id_of(arn), |view| view.model.name.as_str());
    match name {
        Some(to) => ask.text("Name", format!("{is} -> {to}")),
        None => ask.text("Name", is),
    }
    if let Some(to) = model {
        let from = view.map_or("?", |view| provisioned::id_of(&view.model.model_arn));
        ask.text("Model", format!("{from} -> {to}"));
    }
    ask.text("Units and term", "stay as they are");
    ask.warning = if model.is_some() {
        "While it is updating, the old model may still answer.".to_owned()
    } else {
        "Whoever calls it by its name has to use the new one. Its ARN stays.".to_owned()
    };
    ask
}

fn delete(region: &Region, arn: &str, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Delete provisioned throughput?", "Delete it").at(now, region);
    ask.warning = "It is gone at once and cannot be brought back: whoever still calls it gets errors.".to_owned();
    let Some(view) = find(now, arn) else {
        ask.text("ARN", arn);
        ask.blocked = Some("it is not in the list any more".to_owned());
        return ask;
    };
    let model = &view.model;
    ask.text("Name", format!("{}, {} MU of {}", model.name, model.units, provisioned::id_of(&model.model_arn)));
    match view.hourly() {
        Some(price) => ask.facts.push(("Saves", Fact::Money("", price, " /h"))),
        None => ask.text("Saves", "an unknown price per hour"),
    }
    match provisioned::use_of(view, now.now_ms) {
        Use::Busy(calls) => {
            ask.alarm("Last hour", format!("{} invocations by all callers: it is in use", fmt::exact(calls)));
        }
        Use::Idle(None) => ask.text("Last hour", "no invocation by anybody"),
        Use::Idle(Some(idle)) => {
            let (time, paid) = (provisioned::idle_words(idle), provisioned::paid_words(idle));
            ask.text("Last hour", format!("no invocation by anybody; idle {time}, {paid} paid for it"));
        }
        Use::Unknown => {
            let why = view.use_unknown.as_deref().unwrap_or("CloudWatch was not asked yet");
            ask.alarm("Last hour", format!("not known whether anybody calls it: {why}"));
        }
    }
    if let Some(scope) = provisioned::our_scope(view, now.engine) {
        ask.alarm("Our load", format!("sends to it, {} in flight: it is drained first", scope.in_flight));
    }
    if provisioned::bound(view, now.now_ms) {
        ask.blocked = Some("its commitment still binds: Bedrock refuses to delete it".to_owned());
    }
    ask.typed = Some(typable(&model.name, arn));
    ask
}

fn submit(new: &NewBatch, now: &Account<'_>) -> Question {
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

fn stop(region: &Region, arn: &str, now: &Account<'_>) -> Question {
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

fn resubmit(region: &Region, arn: &str, folder: &Path, now: &Account<'_>) -> Question {
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

fn delete_copies(region: &Region, arn: &str, now: &Account<'_>) -> Question {
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
