//! `bedrock-top sim`: the simulator alone.

use std::io::Write;
use std::process::ExitCode;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::sim::{Scenario, Simulator};

use super::args::SimArgs;
use super::problem::Problem;
use super::say;

/// Serves until SIGINT or SIGTERM. One line on standard output says where; everything else goes to standard error.
///
/// # Errors
/// An unusable scenario, an address that cannot be bound.
pub fn run(args: &SimArgs) -> Result<ExitCode, Problem> {
    let scenario = match &args.scenario {
        Some(path) => crate::config::load_scenario(path)?,
        None => Scenario::demo(),
    };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(Problem::io("signals"))?;
    let simulator = Simulator::start(scenario, args.listen)
        .map_err(|error| Problem::usage(format!("cannot serve on {}: {error}", args.listen)))?;
    if !args.listen.ip().is_loopback() {
        say::notice(format_args!(
            "warning: {} is not a loopback address: anybody who reaches it can use this simulator\n",
            args.listen
        ));
    }
    let mut out = std::io::stdout();
    // A reader that went away is no reason to stop serving.
    let _ = writeln!(out, "listening on http://{}", simulator.addr()).and_then(|()| out.flush());
    signals.forever().next();
    say::notice(format_args!("stopping\n"));
    simulator.stop();
    Ok(ExitCode::SUCCESS)
}
