//! `bedrock-top quotas`: what the account may use, and asking AWS for more.
//!
//! Exit codes: 0 well; 1 more cannot be asked for by this way, or the service refused; 2 unusable arguments or input, no
//! consent, or an account that could not be read in whole.

mod list;
mod request;
mod status;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::args::{Global, duration};
use super::examples;
use super::problem::Problem;
use super::{runtime, session};

/// What `quotas` takes.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct QuotasArgs {
    /// What to do; without it, list.
    #[command(subcommand)]
    pub what: Option<QuotasCommand>,
    /// How to list.
    #[command(flatten)]
    pub list: ListArgs,
}

/// Parts of `quotas`.
#[derive(Clone, Debug, Subcommand)]
pub enum QuotasCommand {
    /// The quotas of --model in the Regions of --region: applied, by whom, the default, whether more can be had, and what
    /// the account uses of them.
    #[command(after_help = examples::QUOTAS_LIST)]
    List(ListArgs),
    /// Which quota a file needs more of to be done in time, the text for AWS, and the request itself after a question.
    #[command(after_help = examples::QUOTAS_REQUEST)]
    Request(RequestArgs),
    /// What became of the requests that were filed: quota, Region, value, state, when, support case.
    #[command(after_help = examples::QUOTAS_STATUS)]
    Status(StatusArgs),
}

/// What `quotas status` takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct StatusArgs {
    /// Go on asking, and say each change, until none is open.
    #[arg(long)]
    pub watch: bool,
}

/// What `quotas list` takes.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ListArgs {
    /// Of every model that a Region lists a quota for.
    #[arg(long)]
    pub all: bool,
    /// Leave CloudWatch unasked, which costs for each metric: quotas without their use.
    #[arg(long)]
    pub no_use: bool,
}

/// What `quotas request` takes.
#[derive(Clone, Debug, Args)]
pub struct RequestArgs {
    /// JSONL of records: the work that needs the quota.
    #[arg(value_name = "INPUT.jsonl")]
    pub input: String,
    /// The work must be done within this time.
    #[arg(long, value_name = "6h", value_parser = duration)]
    pub deadline: Duration,
    /// What it is for, in your words: AWS asks.
    #[arg(long, value_name = "TEXT")]
    pub use_case: Option<String>,
    /// Expected growth of the work, percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    pub growth: f64,
    /// Ask for this value instead of the one that the work needs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    pub value: Option<u64>,
    /// Output limit of records that set none.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub max_tokens: Option<u64>,
    /// Output tokens of a usual reply; without it 300 are assumed. A record's own limit cuts it.
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub average_output: Option<u64>,
    /// How long a usual reply takes: that long its reservation is held; without it 5 s are assumed.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub reply_seconds: Option<f64>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Say what would be asked for; file nothing.
    #[arg(long)]
    pub dry_run: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(value) if (0.0..=10_000.0).contains(&value) => Ok(value),
        _ => Err("expected percent from 0 to 10000, e.g. 20".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('s').trim().parse::<f64>() {
        Ok(value) if (0.01..=3_600.0).contains(&value) => Ok(value),
        _ => Err("expected seconds from 0.01 to 3600, e.g. 5 or 2.5".to_owned()),
    }
}

/// Runs one of them.
///
/// # Errors
/// Whatever makes it unusable.
pub fn run(global: &Global, args: &QuotasArgs) -> Result<ExitCode, Problem> {
    let config = session::configuration(global)?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let remote = session::remote(global, config, "quotas", &[]).await?;
        match &args.what {
            None => list::run(&remote, args.list, global.json).await,
            Some(QuotasCommand::List(list)) => list::run(&remote, *list, global.json).await,
            Some(QuotasCommand::Status(how)) => status::run(&remote, *how, global.json).await,
            Some(QuotasCommand::Request(request)) => request::run(&remote, request, global.json).await,
        }
    })
}
