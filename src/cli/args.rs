//! The command line, by definition only.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::record::Priority;

use super::batch::BatchCommand;
use super::doctor::DoctorArgs;
use super::examples;
use super::pt::PtCommand;
use super::quotas::QuotasArgs;

/// The operations console for Amazon Bedrock in a terminal.
#[derive(Debug, Parser)]
#[command(name = "bedrock-top", version, max_term_width = 110, args_conflicts_with_subcommands = false, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do; without a command, the console.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For the console and everything else.
    #[command(flatten)]
    pub global: Global,
    /// For the console.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

const EXAMPLES: &str = "Examples:
  bedrock-top                                     the console, with load on the simulator inside
  bedrock-top run prompts.jsonl -o results.jsonl  a file, on the simulator
  bedrock-top run prompts.jsonl -o results.jsonl --dry-run
  bedrock-top run prompts.jsonl -o results.jsonl --target aws --region us-east-1,us-west-2 \\
      --model us.anthropic.claude-sonnet-4-5-20250929-v1:0 --max-cost 25
  bedrock-top run prompts.jsonl -o results.jsonl --resume
  bedrock-top sim --listen 127.0.0.1:4566 --scenario outage.toml
  bedrock-top pt list --target aws --region us-east-1,us-west-2 --expiring 14d
  bedrock-top batch check prompts.jsonl --model us.amazon.nova-lite-v1:0
  bedrock-top batch submit prompts.jsonl --target aws --region us-east-1 --model us.amazon.nova-lite-v1:0 --watch
  bedrock-top quotas --target aws --region us-east-1 --model us.amazon.nova-lite-v1:0
  bedrock-top quotas request prompts.jsonl --deadline 6h --target aws --model us.amazon.nova-lite-v1:0 --dry-run
  bedrock-top --record incident.rec               record the session, and look at it again
  bedrock-top replay incident.rec
  bedrock-top bench --scenario S1 --seeds 5";

/// What applies everywhere.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Where calls go: sim, aws, or the URL of a running `bedrock-top sim` or gateway.
    #[arg(long, global = true, value_name = "sim|aws|URL")]
    pub target: Option<String>,
    /// AWS profile.
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Regions, separated by commas.
    #[arg(long = "region", global = true, value_delimiter = ',', value_name = "R1,R2")]
    pub regions: Vec<String>,
    /// Foundation model, inference profile or ARN; may be given more than once.
    #[arg(long = "model", global = true, value_name = "ID")]
    pub models: Vec<String>,
    /// Configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Offer nothing that costs or destroys.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Theme: dusk, dawn, ember, paper, contrast, okabe, tide, mono, or a file of your own in the configuration's folder `themes`.
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Machine-readable output.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What only the console takes.
#[derive(Clone, Debug, Default, Args)]
pub struct ConsoleArgs {
    /// Scenario of the simulator inside.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// End the load after this long (30s, 5m, 1h).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Few bytes: at most two frames a second.
    #[arg(long)]
    pub slow_link: bool,
    /// Use the mouse: the wheel scrolls, a click selects a row, a panel, a screen or does what a hint says. Without, the terminal selects text as usual; with it, while Shift is held.
    #[arg(long)]
    pub mouse: bool,
    /// Record the session into a new file: what the screens show and the keys pressed, so what is typed into a field as well; of pasted text only the length; no prompt and no output.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// What becomes of the load when the terminal goes away: it drains, or it goes on to the end of --duration (on a real account only with a cap).
    #[arg(long, value_name = "HOW", requires = "duration")]
    pub on_hangup: Option<OnHangup>,
    /// Write what the load came to when it is over, as .json, .csv (a row for each scope) or .md.
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// A picture instead of the console.
    #[command(flatten)]
    pub picture: PictureArgs,
}

/// A picture of a screen.
#[derive(Clone, Debug, Default, Args)]
pub struct PictureArgs {
    /// Draw a screen as SVG, without a terminal: of the load on the simulator after --duration (10s), of a replay --at a moment.
    #[arg(long, value_name = "FILE.svg")]
    pub screenshot: Option<PathBuf>,
    /// Which screen: dashboard, tuning, provisioned, batch, requests, account, log, settings, scope, request or help.
    #[arg(long, value_name = "NAME", requires = "screenshot")]
    pub screen: Option<String>,
    /// Its columns and rows.
    #[arg(long, value_name = "120x40", requires = "screenshot", value_parser = cells)]
    pub size: Option<(u16, u16)>,
}

/// What `replay` takes.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// The recording, as `--record` wrote it.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Play the recorded keys too, instead of looking around with your own.
    #[arg(long)]
    pub follow: bool,
    /// Begin this long after the start (42s, 5m).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub at: Option<Duration>,
    /// Few bytes: at most two frames a second.
    #[arg(long)]
    pub slow_link: bool,
    /// A picture instead of the console.
    #[command(flatten)]
    pub picture: PictureArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send the records of a file, each exactly once, as fast as the quotas allow.
    #[command(after_help = examples::RUN)]
    Run(Box<RunArgs>),
    /// The simulator alone, for any AWS client.
    #[command(after_help = examples::SIM)]
    Sim(SimArgs),
    /// Provisioned throughput: list, show, create, rename or change the model, delete.
    #[command(after_help = examples::PT)]
    Pt {
        /// What to do.
        #[command(subcommand)]
        what: PtCommand,
    },
    /// Batch inference jobs: check, submit, list, show, watch, stop, fetch, resubmit.
    #[command(after_help = examples::BATCH)]
    Batch {
        /// What to do.
        #[command(subcommand)]
        what: BatchCommand,
    },
    /// Quotas: what the account may use, what a file needs, asking AWS for more.
    #[command(after_help = examples::QUOTAS)]
    Quotas(Box<QuotasArgs>),
    /// A recorded session in the console: Space holds it, `.` steps, `<` and `>` set the speed. Nothing is sent.
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// What works and what is missing: credentials, clock, endpoints, permissions, model access, terminal; and the policies.
    #[command(after_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// The limiter against its rivals, on a virtual clock: a table, or the gates.
    #[command(after_help = examples::BENCH)]
    Bench(BenchArgs),
    /// The configuration: print the default, check yours, say where it is.
    #[command(after_help = examples::CONFIG)]
    Config {
        /// What of it.
        #[command(subcommand)]
        what: ConfigCommand,
    },
    /// Completions for a shell, to be written to its standard place.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// The manual page: `bedrock-top man > ~/.local/share/man/man1/bedrock-top.1`.
    #[command(after_help = examples::MAN)]
    Man,
}

/// What `bench` takes.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// Only this scenario (S1 to S16); may be given more than once.
    #[arg(long = "scenario", value_name = "ID")]
    pub scenarios: Vec<String>,
    /// Seeds for each cell, the same for every client.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub seeds: u64,
    /// Hold the figures against the gates; exit 1 if one is missed.
    #[arg(long)]
    pub gates: bool,
    /// Write the table as .json, .md or .svg; may be given more than once.
    #[arg(long, value_name = "FILE")]
    pub out: Vec<PathBuf>,
}

/// Parts of `config`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the whole default configuration, commented.
    #[command(after_help = examples::CONFIG_DEFAULT)]
    Default,
    /// Check the configuration file, every error at once; print every value in force and who said it.
    #[command(after_help = examples::CONFIG_CHECK)]
    Check,
    /// Say where files are looked for.
    #[command(after_help = examples::CONFIG_PATHS)]
    Paths,
}

/// Which API carries a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ApiArg {
    /// By the body.
    #[default]
    Auto,
    /// Converse.
    Converse,
    /// InvokeModel.
    Invoke,
}

/// What becomes of the run when the terminal goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnHangup {
    /// Go on without a terminal.
    Continue,
    /// Finish what is in flight and stop.
    Drain,
}

/// What `run` takes.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// JSONL of records: `{"recordId", "modelInput"}` or `{"prompt"}`; `-` for standard input.
    #[arg(value_name = "INPUT.jsonl|-")]
    pub input: String,
    /// Where results go.
    #[arg(short = 'o', long = "output", value_name = "OUT.jsonl")]
    pub output: PathBuf,
    /// Where failed records go; OUT.failed.jsonl if not given. It is a valid input itself.
    #[arg(long, value_name = "F.jsonl")]
    pub failed: Option<PathBuf>,
    /// Go on with a run that ended early.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Overwrite existing output.
    #[arg(long)]
    pub force: bool,
    /// Say what would be sent, reserved and paid; send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Show the console while it runs.
    #[arg(long)]
    pub tui: bool,
    /// Priority of records that name none.
    #[arg(long, value_enum, default_value_t = PriorityArg::Medium)]
    pub priority: PriorityArg,
    /// Ask for streamed replies.
    #[arg(long)]
    pub stream: bool,
    /// Output limit of records that set none.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub max_tokens: Option<u64>,
    /// Which API the bodies are for.
    #[arg(long, value_enum, default_value_t = ApiArg::Auto)]
    pub api: ApiArg,
    /// Stop before this many dollars are spent, all resumes together.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub max_cost: Option<f64>,
    /// Put unusable lines in the failed file and go on.
    #[arg(long)]
    pub skip_invalid: bool,
    /// Write results in the order of the input.
    #[arg(long)]
    pub ordered: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// What a provisioned model has no room for goes on demand, to the other --model; without it, it waits.
    #[arg(long)]
    pub spill: bool,
    /// Publish metrics of the run to CloudWatch once a minute; they cost. `[publish]` in the configuration says where.
    #[arg(long)]
    pub publish: bool,
    /// Write what the run came to when it is over, as .json, .csv (a row for each scope) or .md.
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// What to do when the terminal goes away.
    #[arg(long, value_enum)]
    pub on_hangup: Option<OnHangup>,
    /// Scenario of the simulator inside.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
}

/// A priority class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PriorityArg {
    /// First.
    High,
    /// The default.
    Medium,
    /// Whenever there is room.
    Low,
}

impl From<PriorityArg> for Priority {
    fn from(arg: PriorityArg) -> Priority {
        match arg {
            PriorityArg::High => Priority::High,
            PriorityArg::Medium => Priority::Medium,
            PriorityArg::Low => Priority::Low,
        }
    }
}

/// What `sim` takes.
#[derive(Clone, Debug, Args)]
pub struct SimArgs {
    /// Where to listen; port 0 picks one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    pub listen: SocketAddr,
    /// Scenario file.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
}

fn cells(text: &str) -> Result<(u16, u16), String> {
    let size = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    size.ok_or_else(|| "expected columns x rows, e.g. 120x40".to_string())
}

fn dollars(text: &str) -> Result<f64, String> {
    match text.trim_start_matches('$').parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 && value <= 1e6 => Ok(value),
        _ => Err("expected dollars above 0, e.g. 25 or 0.50".to_string()),
    }
}

/// A time with its unit.
///
/// # Errors
/// What is expected instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let seconds = match &text[number.len()..] {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        other => return Err(format!("unknown unit `{other}`: use s, m, h or d")),
    };
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() && (0.0..=1e7).contains(&value) => Ok(Duration::from_secs_f64(value * seconds)),
        _ => Err("expected a time such as 30s, 5m, 1h or 14d".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// Every command's help ends with examples, and what it shows is understood.
    #[test]
    fn the_examples_are_commands() {
        let mut all = vec![EXAMPLES.to_owned()];
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().filter(|one| one.get_name() != "help").cloned());
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(shown.contains("bedrock-top "), "{} shows no example", command.get_name());
            all.push(shown);
        }
        let lines = all.join("\n").replace("\\\n      ", "");
        for line in lines.lines() {
            let Some(at) = line.find("bedrock-top ") else { continue };
            // What stands behind a gap is said about the command; what stands behind an arrow is the shell's.
            let command = line[at..].split("  ").next().unwrap_or_default().split(" > ").next().unwrap_or_default();
            let words = command.split_whitespace();
            match Cli::try_parse_from(words) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{command}: {error}"),
            }
        }
    }

    #[test]
    fn times_and_money_are_read_with_their_units() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(duration("5 parsecs").is_err() && duration("").is_err() && duration("-3s").is_err());
        assert_eq!(dollars("$0.50"), Ok(0.5));
        assert!(dollars("0").is_err() && dollars("nan").is_err() && dollars("-1").is_err());
    }
}
