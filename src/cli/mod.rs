//! The program: arguments in, exit code out. Wires all rooms together and holds no logic of theirs.

// `println!` and its kin panic when nobody is there to read; see `say`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod attend;
mod batch;
mod bench;
mod consent;
mod console;
mod doctor;
mod examples;
mod keep;
mod manual;
mod prices;
mod problem;
mod pt;
mod publish;
mod quotas;
mod replay;
mod run;
mod say;
mod session;
mod settings;
mod sim;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use args::{Cli, Command, ConfigCommand, Global};
use problem::Problem;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    raise_open_files();
    let done = match cli.command {
        None => console::run(&cli.global, &cli.console),
        Some(Command::Run(args)) => run::run(&cli.global, &args),
        Some(Command::Sim(args)) => sim::run(&args),
        Some(Command::Pt { what }) => pt::run(&cli.global, &what),
        Some(Command::Batch { what }) => batch::run(&cli.global, &what),
        Some(Command::Quotas(args)) => quotas::run(&cli.global, &args),
        Some(Command::Replay(args)) => replay::run(&cli.global, &args),
        Some(Command::Doctor(args)) => doctor::run(&cli.global, args),
        Some(Command::Bench(args)) => bench::run(&cli.global, &args),
        Some(Command::Config { what }) => config(&cli.global, what),
        Some(Command::Completions { shell }) => Ok(manual::completions(shell)),
        Some(Command::Man) => manual::man(),
    };
    done.unwrap_or_else(|problem| {
        say::notice(format_args!("bedrock-top: {problem}\n"));
        problem.exit_code()
    })
}

/// Each connection takes a descriptor (two with the simulator inside); many systems start programs with a soft limit of
/// 1,024 that a program may raise by itself.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Refused, we live with what there is: connections that cannot be made are failures that are shown.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The engine's runtime. Two workers: what the machines of this product's users have at least.
fn runtime() -> Result<Runtime, Problem> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("engine")
        .enable_all()
        .build()
        .map_err(Problem::io("cannot start"))
}

fn config(global: &Global, what: ConfigCommand) -> Result<ExitCode, Problem> {
    match what {
        ConfigCommand::Default => say::result(format_args!("{}", crate::config::default_text())),
        ConfigCommand::Check => return settings::check(global),
        ConfigCommand::Paths => {
            let paths = crate::config::Paths::find().ok_or_else(|| Problem::usage("no home folder is known (HOME)"))?;
            say::result(format_args!("config  {}\n", paths.config_file().display()));
            say::result(format_args!("state   {}\n", paths.state.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
