//! `bedrock-top batch`: batch inference jobs from the command line.
//!
//! Exit codes: 0 well; 1 some records failed or are missing, or there was too little to send again; 2 unusable arguments
//! or input, no consent; 3 the job failed, expired or was stopped, or the service could not be reached (what exists and
//! how to go on is said); 130 interrupted.

mod attend;
mod fetch;
mod look;
mod order;
mod watch;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::bedrock::InvocationType;
use crate::control::BatchInput;
use crate::control::batch::{Trouble, TroubleKind};
use crate::record::Region;

use super::args::{ApiArg, Global};
use super::examples;
use super::problem::Problem;
use super::session::{self, Remote};
use super::{runtime, say};

/// Parts of `batch`.
#[derive(Clone, Debug, Subcommand)]
pub enum BatchCommand {
    /// Look through an input in whole: every line, recordIds, bodies, limits, tokens, price. Sends nothing; a local file
    /// needs no target.
    #[command(after_help = examples::BATCH_CHECK)]
    Check(InputArgs),
    /// Check an input, upload it, create a job of --model in one --region.
    #[command(after_help = examples::BATCH_SUBMIT)]
    Submit(SubmitArgs),
    /// The jobs of the Regions of --region, newest first.
    #[command(after_help = examples::BATCH_LIST)]
    List {
        /// Only those with this in their names.
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
    },
    /// One job, in whole.
    #[command(after_help = examples::BATCH_SHOW)]
    Show {
        /// Its name, id or ARN.
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Wait for a job: 0 all succeeded, 1 completed with errors, 3 failed, expired or stopped.
    #[command(after_help = examples::BATCH_WATCH)]
    Watch {
        /// Its name, id or ARN.
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Stop a job. What it has processed is billed and can be fetched; it does not go on.
    #[command(after_help = examples::BATCH_STOP)]
    Stop {
        /// Its name, id or ARN.
        #[arg(value_name = "JOB")]
        job: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Fetch what a job wrote, joined with its input: NAME.ok.jsonl, NAME.failed.jsonl, NAME.missing.jsonl.
    #[command(after_help = examples::BATCH_FETCH)]
    Fetch(FetchArgs),
    /// Send the retryable and missing records again, as a new job. Errors that would come again are left.
    #[command(after_help = examples::BATCH_RESUBMIT)]
    Resubmit(ResubmitArgs),
}

/// An input and what it is for.
#[derive(Clone, Debug, Args)]
pub struct InputArgs {
    /// JSONL of records, `{"recordId", "modelInput"}` or `{"prompt"}`; or `s3://BUCKET/KEY`, or a prefix there.
    #[arg(value_name = "INPUT.jsonl|s3://...")]
    pub input: String,
    /// What the bodies are for.
    #[arg(long, value_enum, default_value_t = ApiArg::Auto)]
    pub api: ApiArg,
}

/// What `batch submit` takes.
#[derive(Clone, Debug, Args)]
pub struct SubmitArgs {
    /// The input.
    #[command(flatten)]
    pub input: InputArgs,
    /// Its name; if not given, made of the input, so that the same input is not submitted twice by mistake.
    #[arg(long)]
    pub name: Option<String>,
    /// Where the upload and the results go; if not given, where the newest job's are.
    #[arg(long, value_name = "s3://BUCKET/PREFIX/")]
    pub storage: Option<String>,
    /// The role that Bedrock takes on; if not given, the newest job's.
    #[arg(long, value_name = "ARN")]
    pub role: Option<String>,
    /// Hours that it may take, 24 to 168.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(24..=168))]
    pub timeout_hours: u32,
    /// A tag; may be given more than once.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// How far to go without asking.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// What `batch fetch` takes.
#[derive(Clone, Debug, Args)]
pub struct FetchArgs {
    /// Its name, id or ARN.
    #[arg(value_name = "JOB")]
    pub job: String,
    /// The folder for the results.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// One set of files over all generations of a resubmitted input, each record once.
    #[arg(long)]
    pub merge: bool,
    /// Overwrite existing files.
    #[arg(long)]
    pub force: bool,
    /// Then delete the copies in S3: the results, and the uploaded input.
    #[arg(long)]
    pub delete_copies: bool,
    /// Do not ask about deleting.
    #[arg(long)]
    pub yes: bool,
}

/// What `batch resubmit` takes.
#[derive(Clone, Debug, Args)]
pub struct ResubmitArgs {
    /// Its name, id or ARN.
    #[arg(value_name = "JOB")]
    pub job: String,
    /// The folder for the new input.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// How far to go without asking.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// How far to go without asking.
#[derive(Clone, Copy, Debug, Args)]
pub struct ConsentArgs {
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Create it although its price is not known.
    #[arg(long)]
    pub accept_unknown_price: bool,
    /// Fail if all job slots are taken, instead of waiting for one.
    #[arg(long)]
    pub no_wait: bool,
    /// Then wait for the job, as `batch watch` does.
    #[arg(long)]
    pub watch: bool,
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, _)) if key.starts_with("bedrock-top:") || key.starts_with("aws:") => {
            Err("tags that begin with bedrock-top: or aws: are not yours to set".to_owned())
        }
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// Runs one of them.
///
/// # Errors
/// Whatever makes it unusable.
pub fn run(global: &Global, what: &BatchCommand) -> Result<ExitCode, Problem> {
    let config = session::configuration(global)?;
    if let BatchCommand::Check(args) = what
        && !args.input.starts_with("s3://")
        && session::named_target(global, &config).is_none_or(|name| name == "sim")
    {
        return look::check_file(global, &config, args);
    }
    let more: Vec<Region> = match what {
        BatchCommand::Show { job } | BatchCommand::Watch { job } | BatchCommand::Stop { job, .. } => region_of(job),
        BatchCommand::Fetch(args) => region_of(&args.job),
        BatchCommand::Resubmit(args) => region_of(&args.job),
        _ => None,
    }
    .into_iter()
    .collect();
    let runtime = runtime()?;
    runtime.block_on(async {
        let remote = session::remote(global, config, "batch", &more).await?;
        if !remote.info.read_only {
            remote.desk.give_up_abandoned().await;
        }
        for lost in remote.desk.find_lost_jobs().await {
            // A submit tells of its own.
            if !matches!(what, BatchCommand::Submit(_)) || lost.arn.is_none() {
                let arn = lost.arn.map_or(String::new(), |arn| format!(": {arn}"));
                say::notice(format_args!("note: job {} {}{arn}\n", lost.name, lost.became));
            }
        }
        match what {
            BatchCommand::Check(args) => look::check(&remote, global, args).await,
            BatchCommand::Submit(args) => order::submit(&remote, global, args).await,
            BatchCommand::List { name } => look::list(&remote, name.as_deref(), global.json).await,
            BatchCommand::Show { job } => look::show(&remote, job, global.json).await,
            BatchCommand::Watch { job } => watch::run(&remote, job, global.json).await,
            BatchCommand::Stop { job, yes } => order::stop(&remote, job, *yes).await,
            BatchCommand::Fetch(args) => fetch::run(&remote, args, global.json).await,
            BatchCommand::Resubmit(args) => order::resubmit(&remote, global, args).await,
        }
    })
}

/// The Region of an ARN.
fn region_of(job: &str) -> Option<Region> {
    let mut parts = job.strip_prefix("arn:")?.split(':');
    let region = parts.nth(2)?;
    (!region.is_empty()).then(|| Region::from(region))
}

/// Says what went wrong; the exit code for it.
fn tell(trouble: &Trouble) -> ExitCode {
    say::notice(format_args!("bedrock-top: {}\n", trouble.reason));
    if let Some(kept) = &trouble.kept {
        say::notice(format_args!("{kept}\n"));
    }
    ExitCode::from(match trouble.kind {
        TroubleKind::Unusable => 2,
        TroubleKind::Passing => 3,
        TroubleKind::Interrupted => 130,
    })
}

fn input(text: &str) -> BatchInput {
    if text.starts_with("s3://") { BatchInput::S3(text.to_owned()) } else { BatchInput::Local(text.into()) }
}

fn invocation(api: ApiArg) -> Option<InvocationType> {
    match api {
        ApiArg::Auto => None,
        ApiArg::Converse => Some(InvocationType::Converse),
        ApiArg::Invoke => Some(InvocationType::InvokeModel),
    }
}

/// The one model that is named.
fn model(models: &[String]) -> Result<String, Problem> {
    match models {
        [one] => Ok(one.clone()),
        [] => Err(Problem::usage("no model: name one with --model, e.g. --model us.amazon.nova-lite-v1:0")),
        _ => Err(Problem::usage("a batch job has one model: name one --model")),
    }
}

/// The one Region of a new job.
fn region(remote: &Remote) -> Result<Region, Problem> {
    match remote.info.regions.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(Problem::usage("a job is created in one Region: name one --region")),
    }
}
