//! `bedrock-top` without a command: the console, or the same engine without a terminal.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use crate::engine::{self, EngineSetup, Load};
use crate::report::summary;
use crate::workload::{LoadSpec, RunClock};

use super::args::{ConsoleArgs, Global};
use super::attend::{Ended, Hangup, Signals, attend};
use super::problem::Problem;
use super::runtime;
use super::session::{self, Session};

/// A headless demo ends after this long unless told otherwise.
const HEADLESS: Duration = Duration::from_secs(60);

/// Opens the console on the target; load runs at once on a simulator.
///
/// # Errors
/// Whatever makes the target unusable.
pub fn run(global: &Global, args: &ConsoleArgs) -> Result<ExitCode, Problem> {
    let config = session::configuration(global)?;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !global.json;
    let runtime = runtime()?;
    let clock = RunClock::start();
    let session = runtime.block_on(session::open(global, config, args.scenario.as_deref()))?;
    if !terminal && !session.info.simulated {
        return Err(Problem::usage(
            "the console needs a terminal; without one, `bedrock-top run INPUT -o OUT --yes --max-cost USD` sends a file to AWS",
        ));
    }
    for note in &session.notes {
        eprintln!("note: {note}");
    }
    let simulated = session.info.simulated;
    let Session { info, clients, routes, settings, simulator, .. } = session;
    let load = simulated.then(|| Load::Synthetic(LoadSpec::default()));
    let setup = EngineSetup { target: info, clients, routes, settings, load, clock, seed: 7 };
    let time = args.duration.or((!terminal).then_some(HEADLESS));
    let (last, ended) = runtime.block_on(async {
        let signals = Signals::listen()?;
        let engine = engine::start(setup, runtime.handle());
        let attended = attend(&engine, signals, Hangup::Drain, time).await;
        engine.shutdown().await;
        Ok::<_, Problem>(attended)
    })?;
    drop(simulator);
    let summary = summary(&last, 0, None);
    if global.json {
        println!("{}", serde_json::to_string(&summary).unwrap_or_default());
    } else {
        print!("{summary}");
    }
    Ok(if ended == Ended::Interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS })
}
