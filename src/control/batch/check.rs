//! Looking through a batch input, in whole, before anything is uploaded or created.

use std::io;
use std::time::{Duration, Instant};

use crate::bedrock::InvocationType;
use crate::catalogue::Catalogue;
use crate::families::ApiChoice;
use crate::record::{Api, Tokens};
use crate::workload::{BatchJudge, Lines, write_batch_line};

use super::super::command::{BatchInput, NewBatch};
use super::super::desk::{Desk, Progress};
use super::super::work::{CheckReport, Stage};
use super::limits::BatchLimits;
use super::names::Names;
use super::source::{Source, Stop, pass};
use super::trouble::Trouble;
use super::verdict::{OnDemand, Question, file_limits, job_limits, price, refuse};

/// Errors told in full.
const TOLD: usize = 100;
/// Lines named of each kind of body.
const EXAMPLES: usize = 3;
/// The estimate may be too high by this much before a record is refused for its size.
const TOO_HIGH: f64 = 1.25;
/// The largest output limit that is taken for a model of which nothing is known.
const UNKNOWN_MAX_OUTPUT: u64 = 4_096;
/// Progress is told this often.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(200);

/// An input that was looked through.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it is like.
    pub report: CheckReport,
    /// What a job may be like.
    pub limits: BatchLimits,
    /// What its bodies are.
    pub invocation: InvocationType,
    /// BLAKE3 of the whole input, hexadecimal.
    pub digest: String,
    /// Bytes of the uploaded copy.
    pub copy_bytes: u64,
}

impl Desk {
    /// Looks through the input of `new`. Changes nothing.
    ///
    /// # Errors
    /// The input cannot be read. What is wrong with its records is part of the report.
    pub async fn check_batch(&self, new: &NewBatch, progress: Progress<'_>) -> Result<Checked, Trouble> {
        progress(Stage::Busy { doing: "checking".to_owned(), done: 0, total: 0 });
        let applied = self.clients.quotas(&new.region).await;
        let mut limits = BatchLimits::of(
            &new.region,
            &new.model,
            applied.as_deref().ok(),
            self.clients.simulated() && applied.is_ok(),
        );
        if applied.is_err() {
            limits.jobs = None;
        }
        let sources = self.sources(&new.region, &new.input).await?;
        let on_demand = match &applied {
            Ok(rows) => OnDemand::applied(&new.model, rows),
            Err(_) if self.clients.simulated() => OnDemand::default(),
            Err(_) => OnDemand::published(&new.region, &new.model),
        };
        let question = Question::of(new, limits, on_demand);
        let told = tokio::sync::mpsc::unbounded_channel();
        let tell = told.0;
        let mut told = told.1;
        let stop = Stop::default();
        let work = {
            let stop = stop.clone();
            pass(stop.clone(), move || look_through(sources, &question, &stop, |stage| drop(tell.send(stage))))
        };
        tokio::pin!(work);
        let mut checked = loop {
            tokio::select! {
                done = &mut work => break done?,
                Some(stage) = told.recv() => progress(stage),
                () = self.interrupted() => return Err(Trouble::interrupted("the check")),
            }
        };
        if let Err(failure) = applied {
            let line = format!("the applied quotas are not known ({failure}); published defaults are used");
            checked.report.warnings.push(line);
        }
        Ok(checked)
    }
}

/// Looks through a local file without any account: the published limits hold.
///
/// # Errors
/// The file cannot be read.
pub fn check_file(new: &NewBatch, progress: impl FnMut(Stage)) -> Result<Checked, Trouble> {
    let BatchInput::Local(path) = &new.input else {
        return Err(Trouble::unusable(
            "an input in S3 needs a target: --target aws, or the URL of a running simulator",
        ));
    };
    let limits = BatchLimits::of(&new.region, &new.model, None, false);
    let question = Question::of(new, limits, OnDemand::published(&new.region, &new.model));
    look_through(vec![super::source::local(path)?], &question, &Stop::default(), progress)
}

/// Which API the judge holds bodies against.
pub(super) fn choice(invocation: Option<InvocationType>) -> ApiChoice {
    match invocation {
        None => ApiChoice::Auto,
        Some(InvocationType::Converse) => ApiChoice::Converse,
        Some(InvocationType::InvokeModel) => ApiChoice::Invoke,
    }
}

/// Counts what comes by and tells of it from time to time.
pub(super) struct Teller<F> {
    tell: F,
    doing: &'static str,
    total: u64,
    done: u64,
    last: Instant,
}

impl<F: FnMut(Stage)> Teller<F> {
    pub fn new(doing: &'static str, total: u64, tell: F) -> Teller<F> {
        Teller { tell, doing, total, done: 0, last: Instant::now() }
    }

    pub fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if self.last.elapsed() >= TELL_EVERY {
            self.last = Instant::now();
            let (done, total) = (self.done, self.total.max(self.done));
            (self.tell)(Stage::Busy { doing: self.doing.to_owned(), done, total });
        }
    }
}

/// Lines with bodies for one API.
#[derive(Default)]
struct Kind {
    count: u64,
    first: Vec<u64>,
}

impl Kind {
    fn add(&mut self, line: u64) {
        self.count += 1;
        if self.first.len() < EXAMPLES {
            self.first.push(line);
        }
    }

    fn words(&self, name: &str) -> String {
        let lines: Vec<String> = self.first.iter().map(u64::to_string).collect();
        let more = if self.count > self.first.len() as u64 { ", ..." } else { "" };
        format!("{} {name} (line {}{more})", self.count, lines.join(", "))
    }
}

fn look_through(
    sources: Vec<Source>,
    question: &Question,
    stop: &Stop,
    tell: impl FnMut(Stage),
) -> Result<Checked, Trouble> {
    let model = Catalogue::embedded().model(&question.model);
    let default_output = model.map_or(UNKNOWN_MAX_OUTPUT, |model| model.default_max_output);
    let judge = BatchJudge::new(&question.model, choice(question.invocation));
    let mut teller = Teller::new("checking", sources.iter().map(|source| source.bytes).sum(), tell);
    let several = sources.len() > 1;
    let mut report = CheckReport::default();
    let mut names = Names::default();
    let (mut converse, mut invoke) = (Kind::default(), Kind::default());
    let mut digest = blake3::Hasher::new();
    let (mut copy_bytes, mut without_limit, mut above_window, mut unnamed) = (0, 0, 0, 0);
    let mut scratch = Vec::new();
    for source in sources {
        let label = source.label;
        let mut in_file = 0;
        let mut bytes = 0;
        let read = Lines::new(source.reader).each(
            |seen| {
                digest.update(seen);
                bytes += seen.len() as u64;
                teller.add(seen.len() as u64);
            },
            |line, text| {
                stop.check()?;
                in_file += 1;
                let mut wrong = |reason: String| {
                    report.error_count += 1;
                    if report.errors.len() < TOLD {
                        report.errors.push(format!("{label}:{line}: {reason}"));
                    }
                };
                let text = match text {
                    Ok(text) => text,
                    Err(reason) => {
                        wrong(reason);
                        return Ok(());
                    }
                };
                let record = judge.record(&text);
                let id = match &record {
                    Ok(record) => &record.id,
                    Err(unusable) => &unusable.id,
                };
                let given = id.is_some();
                let name = id.as_deref().map_or_else(|| line.to_string(), str::to_owned);
                // The service names unnamed records of an input that is not copied; then line numbers are no names.
                if given || !question.in_s3 {
                    let mark = u32::try_from(line).unwrap_or(u32::MAX);
                    if let Some(earlier) = names.add(&name, mark) {
                        let whose = if given { "recordId" } else { "has no recordId, and its line number" };
                        let whom = if several { "an earlier record".to_owned() } else { format!("line {earlier}") };
                        let shown: String = name.chars().take(48).collect();
                        wrong(format!("{whose} {shown:?} is already taken by {whom}"));
                        return Ok(());
                    }
                }
                let record = match record {
                    Ok(record) => record,
                    Err(unusable) => {
                        wrong(unusable.reason);
                        return Ok(());
                    }
                };
                if question.in_s3 && record.is_prompt {
                    wrong(
                        "has `prompt`: an input in S3 is used as it is, and the service takes `modelInput` only".into(),
                    );
                    return Ok(());
                }
                if let Some(model) = model {
                    if let Some(limit) = record.max_tokens.filter(|limit| *limit > model.max_output) {
                        wrong(format!(
                            "asks for {limit} output tokens; {} gives at most {}",
                            model.id, model.max_output
                        ));
                        return Ok(());
                    }
                    if record.input_tokens as f64 > model.context_window as f64 * TOO_HIGH {
                        wrong(format!(
                            "has about {} tokens; the window of {} holds {}",
                            record.input_tokens, model.id, model.context_window
                        ));
                        return Ok(());
                    }
                    above_window += u64::from(record.input_tokens > model.context_window);
                }
                report.records += 1;
                if !given {
                    unnamed += 1;
                }
                match record.api {
                    Api::Converse => converse.add(line),
                    Api::Invoke => invoke.add(line),
                }
                report.input_tokens += Tokens(record.input_tokens);
                report.max_output_tokens += Tokens(record.max_tokens.unwrap_or(default_output));
                without_limit += u64::from(record.max_tokens.is_none());
                scratch.clear();
                write_batch_line(&mut scratch, &name, &record.body)?;
                copy_bytes += scratch.len() as u64;
                Ok(())
            },
        );
        read.map_err(|error| unreadable(&label, stop, &error))?;
        report.bytes += bytes;
        if question.in_s3 {
            file_limits(&mut report, question, &label, in_file, bytes);
        }
    }
    if question.in_s3 {
        copy_bytes = report.bytes;
        if unnamed > 0 {
            report.warnings.push(format!(
                "{unnamed} records have no recordId: the service gives them one that nobody can foresee, so a missing \
                 result cannot be told by its name"
            ));
        }
    } else {
        report.ids_assigned = unnamed;
    }
    if without_limit > 0 {
        report
            .warnings
            .push(format!("{without_limit} records set no output limit: each may write up to {default_output} tokens"));
    }
    if above_window > 0 {
        report.warnings.push(format!("{above_window} records may not fit the model's window"));
    }
    let invocation = match (converse.count, invoke.count) {
        (0, 0) => question.invocation.unwrap_or_default(),
        (_, 0) => InvocationType::Converse,
        (0, _) => InvocationType::InvokeModel,
        _ => {
            refuse(
                &mut report,
                format!(
                    "{} and {}: a job takes one kind; split the file, or say which with --api",
                    converse.words("Converse bodies"),
                    invoke.words("InvokeModel bodies")
                ),
            );
            question.invocation.unwrap_or_default()
        }
    };
    job_limits(&mut report, question, copy_bytes);
    price(&mut report, question);
    let digest = digest.finalize().to_hex().to_string();
    Ok(Checked { report, limits: question.limits, invocation, digest, copy_bytes })
}

/// Why a pass over `label` ended early.
pub(super) fn unreadable(label: &str, stop: &Stop, error: &io::Error) -> Trouble {
    if stop.check().is_err() { Trouble::interrupted("reading") } else { Trouble::passing(format!("{label}: {error}")) }
}
