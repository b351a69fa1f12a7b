//! `bedrock-top pt`: provisioned throughput from the command line.
//!
//! Exit codes: 0 well; 1 something expires within the time given, has failed, or the service refused; 2 unusable
//! arguments, no consent, or an account that could not be read in whole.

mod list;
mod order;
mod show;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::bedrock::Commitment;
use crate::control::{ControlSnapshot, ProvisionedView, Question};
use crate::record::Region;

use super::args::{Global, duration};
use super::examples;
use super::problem::Problem;
use super::session::{self, Remote};
use super::{runtime, say};

/// Parts of `pt`.
#[derive(Clone, Debug, Subcommand)]
pub enum PtCommand {
    /// All of them in the Regions of --region, with price, expiry and use.
    #[command(after_help = examples::PT_LIST)]
    List {
        /// Only those whose commitment ends within this time; exit 1 if there is one.
        #[arg(long, value_name = "14d", value_parser = duration)]
        expiring: Option<Duration>,
    },
    /// One of them, in whole.
    #[command(after_help = examples::PT_SHOW)]
    Show {
        /// Its name or its ARN.
        #[arg(value_name = "NAME|ARN")]
        which: String,
    },
    /// Buy model units of --model in one --region.
    #[command(after_help = examples::PT_CREATE)]
    Create(CreateArgs),
    /// Rename it, or put another model behind it. Units cannot be changed: create a second one, move, delete the first.
    #[command(after_help = examples::PT_UPDATE)]
    Update(UpdateArgs),
    /// Delete it. It stops answering at once; under a commitment the service refuses.
    #[command(after_help = examples::PT_DELETE)]
    Delete(DeleteArgs),
}

/// What `pt create` takes.
#[derive(Clone, Debug, Args)]
pub struct CreateArgs {
    /// Its name: 1 to 63 letters, digits, `-`, `_`.
    #[arg(long)]
    pub name: String,
    /// Model units.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub units: u32,
    /// How long you bind yourself to pay.
    #[arg(long, value_enum, default_value_t = CommitmentArg::None)]
    pub commitment: CommitmentArg,
    /// A tag; may be given more than once.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// With a commitment: its name again, for scripts.
    #[arg(long, value_name = "NAME")]
    pub confirm_name: Option<String>,
    /// Buy although the price is not published.
    #[arg(long)]
    pub accept_unknown_price: bool,
}

/// What `pt update` takes.
#[derive(Clone, Debug, Args)]
pub struct UpdateArgs {
    /// Its name or its ARN.
    #[arg(value_name = "NAME|ARN")]
    pub which: String,
    /// The new name.
    #[arg(long)]
    pub name: Option<String>,
    /// The new model: the base model of a custom one, or another custom model of the same base.
    #[arg(long, value_name = "ARN")]
    pub model_arn: Option<String>,
    /// Cannot be changed; says what to do instead.
    #[arg(long)]
    pub units: Option<u32>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// What `pt delete` takes.
#[derive(Clone, Debug, Args)]
pub struct DeleteArgs {
    /// Its name or its ARN.
    #[arg(value_name = "NAME|ARN")]
    pub which: String,
    /// Do not ask; needs --confirm-name.
    #[arg(long)]
    pub yes: bool,
    /// Its name again, for scripts.
    #[arg(long, value_name = "NAME")]
    pub confirm_name: Option<String>,
}

/// A commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CommitmentArg {
    /// By the hour, deletable at any time.
    None,
    /// One month.
    OneMonth,
    /// Six months.
    SixMonths,
}

impl From<CommitmentArg> for Commitment {
    fn from(arg: CommitmentArg) -> Commitment {
        match arg {
            CommitmentArg::None => Commitment::None,
            CommitmentArg::OneMonth => Commitment::OneMonth,
            CommitmentArg::SixMonths => Commitment::SixMonths,
        }
    }
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// Runs one of them.
///
/// # Errors
/// Whatever makes it unusable.
pub fn run(global: &Global, what: &PtCommand) -> Result<ExitCode, Problem> {
    let config = session::configuration(global)?;
    let more: Vec<Region> = match what {
        PtCommand::Show { which } => region_of(which),
        PtCommand::Update(args) => region_of(&args.which),
        PtCommand::Delete(args) => region_of(&args.which),
        PtCommand::List { .. } | PtCommand::Create(_) => None,
    }
    .into_iter()
    .collect();
    let runtime = runtime()?;
    runtime.block_on(async {
        let remote = session::remote(global, config, "pt", &more).await?;
        match what {
            PtCommand::List { expiring } => list::run(&remote, *expiring, global.json).await,
            PtCommand::Show { which } => show::run(&remote, which, global.json).await,
            PtCommand::Create(args) => order::create(&remote, global, args).await,
            PtCommand::Update(args) => order::update(&remote, global, args).await,
            PtCommand::Delete(args) => order::delete(&remote, global, args).await,
        }
    })
}

/// The Region of an ARN.
fn region_of(which: &str) -> Option<Region> {
    let mut parts = which.strip_prefix("arn:")?.split(':');
    let region = parts.nth(2)?;
    (!region.is_empty()).then(|| Region::from(region))
}

/// Tells what was found of earlier orders, and what could not be read. Says whether everything could.
fn tell_notes(snapshot: &ControlSnapshot) -> bool {
    for work in &snapshot.works {
        let end = match &work.stage {
            crate::control::Stage::Done(crate::control::Outcome::Changed { arn }) => format!("it exists: {arn}"),
            crate::control::Stage::Failed { reason, .. } => reason.clone(),
            _ => continue,
        };
        say::notice(format_args!("note: {}: {end}\n", work.title));
    }
    for problem in &snapshot.problems {
        let place = problem.region.as_ref().map_or(String::new(), |region| format!("{region}: "));
        say::notice(format_args!("note: {place}{}\n", problem.message));
    }
    !snapshot.problems.iter().any(|problem| problem.question == Question::Provisioned)
}

/// The one called `which`, by name or ARN.
fn find<'s>(snapshot: &'s ControlSnapshot, which: &str) -> Result<&'s ProvisionedView, Problem> {
    let found: Vec<_> = snapshot
        .provisioned
        .iter()
        .filter(|view| view.model.arn == which || view.model.name == which || view.model.id() == which)
        .collect();
    let shown = which.escape_debug();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let names: Vec<_> = snapshot.provisioned.iter().take(10).map(|view| view.model.name.as_str()).collect();
            let there =
                if names.is_empty() { "there is none".to_owned() } else { format!("there are: {}", names.join(", ")) };
            Err(Problem::usage(format!("no provisioned model `{shown}` in the Regions of --region; {there}")))
        }
        several => {
            let regions: Vec<_> = several.iter().map(|view| view.model.region.as_str()).collect();
            Err(Problem::usage(format!(
                "`{shown}` is in {}: name one --region, or give the ARN",
                regions.join(" and ")
            )))
        }
    }
}

/// Of the account and its Region, in one line of a question.
fn place(remote: &Remote, region: &Region) -> String {
    let account = remote.info.account.as_deref().unwrap_or("unknown");
    let label = remote.info.account_label.as_deref().map_or(String::new(), |label| format!(" ({label})"));
    let kind = if remote.info.simulated { ", simulated: nobody pays" } else { "" };
    format!("account {account}{label}, Region {region}{kind}")
}
