//! `bedrock-top bench`: the limiter against its rivals, on a virtual clock.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::bench::contest::{Contest, Row};
use crate::bench::contestant::Contestant;
use crate::bench::{chart, gates, scenarios, table};

use super::args::{BenchArgs, Global};
use super::problem::Problem;
use super::say;

/// The most seeds that are taken for meant.
const MOST_SEEDS: u64 = 1_000;

/// What a file name asks for.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Markdown,
    Svg,
}

/// Runs the table, or the gates. Needs no target and reads no configuration.
///
/// # Errors
/// An unknown scenario, an output that cannot be written.
pub fn run(global: &Global, args: &BenchArgs) -> Result<ExitCode, Problem> {
    if !(1..=MOST_SEEDS).contains(&args.seeds) {
        return Err(Problem::usage(format!("--seeds {}: between 1 and {MOST_SEEDS}", args.seeds)));
    }
    let contest = contest(args)?;
    let mut outs = Vec::new();
    for path in &args.out {
        outs.push((path, format(path)?));
    }
    for (path, _) in &outs {
        // Opened now: a name that cannot be written is not found out after a quarter of an hour.
        File::options().create(true).append(true).open(path).map_err(Problem::io(path.display()))?;
    }
    let (cells, clients) = (contest.cells.len(), contest.contestants.len());
    say::notice(format_args!(
        "bench: {cells} cells, {clients} clients, {} seeds, virtual time, no network\n",
        args.seeds
    ));
    let rows = watched(&contest);
    for (path, format) in outs {
        let text = match format {
            Format::Json => format!("{:#}\n", table::json(&rows)),
            Format::Markdown => table::markdown(&rows),
            Format::Svg => chart::svg(&rows),
        };
        fs::write(path, text).map_err(Problem::io(path.display()))?;
    }
    if args.gates {
        return Ok(judge(&rows, global.json));
    }
    if global.json {
        say::result(format_args!("{:#}\n", table::json(&rows)));
    } else {
        say::result(format_args!("{}", table::text(&rows)));
    }
    Ok(ExitCode::SUCCESS)
}

fn format(path: &Path) -> Result<Format, Problem> {
    match path.extension().and_then(OsStr::to_str) {
        Some("json") => Ok(Format::Json),
        Some("md") => Ok(Format::Markdown),
        Some("svg") => Ok(Format::Svg),
        _ => Err(Problem::usage(format!("--out {}: the name ends in .json, .md or .svg", path.display()))),
    }
}

fn contest(args: &BenchArgs) -> Result<Contest, Problem> {
    let mut contest = if args.gates {
        gates::contest(args.seeds)
    } else {
        Contest { cells: scenarios::all(), contestants: Contestant::ALL.to_vec(), seeds: args.seeds }
    };
    let known = |id: &String| scenarios::all().iter().any(|cell| cell.id.eq_ignore_ascii_case(id));
    if let Some(id) = args.scenarios.iter().find(|id| !known(id)) {
        return Err(Problem::usage(format!(
            "there is no scenario `{id}`; there are S1 to S10 and S12 to S16 (S11, many clients, needs the shared ledger of a fleet)"
        )));
    }
    if !args.scenarios.is_empty() {
        contest.cells.retain(|cell| args.scenarios.iter().any(|id| cell.id.eq_ignore_ascii_case(id)));
    }
    if contest.cells.is_empty() {
        return Err(Problem::usage("no gate looks at these scenarios; without --gates they are run for the table"));
    }
    Ok(contest)
}

/// Runs it, with its progress on a terminal.
fn watched(contest: &Contest) -> Vec<Row> {
    let terminal = std::io::stderr().is_terminal();
    let began = Instant::now();
    let rows = contest.run(|done, all| {
        if terminal {
            let elapsed = began.elapsed().as_secs_f64();
            let left = elapsed / done as f64 * (all - done) as f64;
            // A line that nobody sees is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\x1b[K{done} of {all} runs, {elapsed:.0} s, {left:.0} s to go");
        }
    });
    if terminal {
        say::notice(format_args!("\r\x1b[K"));
    }
    rows
}

/// Every gate with its figures; 1 if one is missed.
fn judge(rows: &[Row], json: bool) -> ExitCode {
    let gates = gates::judge(rows);
    let run: Vec<&gates::Gate> = gates.iter().filter(|gate| !gate.checks.is_empty()).collect();
    let held = run.iter().filter(|gate| gate.holds()).count();
    if json {
        say::result(format_args!("{:#}\n", gates::json(&gates)));
    } else {
        for gate in &run {
            say::result(format_args!("{gate}\n"));
        }
        let not_run = gates.len() - run.len();
        let more = if not_run > 0 { format!(", {not_run} not run") } else { String::new() };
        say::result(format_args!("{held} of {} gates hold{more}\n", run.len()));
    }
    if held == run.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
