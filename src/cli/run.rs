//! `bedrock-top run`: a file of records, each with exactly one result.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::engine::{self, EngineSetup, FileLoad, Load, RouteSetup};
use crate::families::ApiChoice;
use crate::record::{FlowId, Usd};
use crate::report::{Plan, Shop, plan, summary, unit_offers, ways, work_of};
use crate::workload::{
    Existing, FileSource, Input, InputOptions, InputSummary, OutputPaths, Outputs, Past, Progress, RunClock,
    RunIdentity, Source, StreamSource,
};

use super::args::{ApiArg, Global, OnHangup, RunArgs};
use super::attend::{Ended, Hangup, Signals, attend};
use super::console::{self, Screen};
use super::keep::Export;
use super::problem::Problem;
use super::publish::{self, Metrics};
use super::session::{self, Session};
use super::settings::{self, Opened};
use super::{consent, runtime, say};

/// Runs a file.
///
/// # Errors
/// Whatever makes it unusable, before anything is sent.
pub fn run(global: &Global, args: &RunArgs) -> Result<ExitCode, Problem> {
    // Records may come through standard input: keys then come from the controlling terminal.
    if args.tui {
        crate::console::usable().map_err(|error| Problem::usage(format!("--tui: {error}")))?;
    }
    let config = session::configuration(global)?;
    refuse_to_guess(global, &config, args)?;
    let runtime = runtime()?;
    let clock = RunClock::start();
    let mut session = runtime.block_on(session::open(global, config, args.scenario.as_deref()))?;
    session.settings.spill |= args.spill;
    session::announce(&session.info);
    for note in &session.notes {
        say::notice(format_args!("note: {note}\n"));
    }
    let used = in_use(&session);
    for unused in session.routes.iter().filter(|route| used.iter().all(|other| other.route != route.route)) {
        say::notice(format_args!("note: {} is used only with --spill\n", unused.route));
    }
    if session.routes.is_empty() {
        return Err(Problem::usage(
            "no model: name one with --model, e.g. --model us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ));
    }

    let paths = OutputPaths::new(&args.output, args.failed.as_deref());
    let existing = match (args.resume, args.force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    };
    let export = args.export.as_deref().map(|path| Export::new(path, args.resume || args.force)).transpose()?;
    if !args.dry_run {
        // Before a large file is read for nothing.
        paths.check((args.input != "-").then(|| Path::new(&args.input)), existing).map_err(usage)?;
    }
    let options = options(&session, args);
    let input = if args.input == "-" { None } else { Some(validate(Path::new(&args.input), options.clone())?) };
    let nothing = InputSummary::default();
    let found = input.as_ref().map_or(&nothing, Input::summary);
    let share = session.settings.limiter.share;
    let routes = in_use(&session);
    let mut plan = plan(found, &routes, share, session.info.simulated);
    if args.dry_run && input.is_some() {
        let shops: Vec<Shop> = routes.iter().map(shop).collect();
        let offers = unit_offers(&shops, &session::agreed_prices(&session.config));
        plan.ways = Some(ways(&work_of(found, &shops), &shops, &offers, plan.seconds));
    }
    if input.is_some() || args.dry_run {
        tell_plan(&plan, global.json && args.dry_run, args.dry_run);
    }
    let identity = identity(&session, args);
    if args.dry_run {
        if args.resume {
            let past = Outputs::past(&paths, &identity, input.as_ref(), &clock).map_err(usage)?;
            say::notice(format_args!("  resume     {} records are finished already\n", past.finished.len()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    if args.max_cost.is_some() && plan.price.is_none() {
        return Err(Problem::usage(
            "the price of a model in use is unknown, so --max-cost cannot be kept; leave it out or choose another model",
        ));
    }
    let metrics = Metrics::of(&session.config, &routes)?;
    let publishes = args.publish || session.config.publish.enabled;
    if publishes {
        say::notice(format_args!("{}\n", metrics.words()));
    }
    consent::ask(&session.info, &plan, share, publishes, args)?;

    let outputs = Outputs::open(&paths, existing, &identity, input.as_ref(), args.ordered, clock).map_err(usage)?;
    let past = outputs.past.clone();
    let load = load(args, input, options, outputs, clock);
    let maybe_paid_twice = past.maybe_paid_twice;

    let Session { info, clients, routes, discovery, planned, settings, config, simulator, .. } = session;
    let prices = console::prices(&routes);
    let given = [
        settings::switched("limits.spill", "--spill", args.spill),
        settings::switched("publish.enabled", "--publish", args.publish),
    ];
    let flags = given.into_iter().flatten().collect();
    let opened = Opened { info: &info, routes: &routes, slow_link: false, flags };
    let settings_in_force = settings::effective(global, &config, Some(&opened));
    let setup = EngineSetup {
        target: info.clone(),
        clients: Arc::clone(&clients),
        routes,
        settings,
        load: Some(Load::File(load)),
        clock,
        seed: clock.utc_now().as_nanosecond() as u64,
    };
    let hangup = hangup(args);
    let engine = engine::start(setup, runtime.handle());
    let publishing = metrics.switch(&engine, Arc::clone(&clients));
    if publishes {
        publishing.turn_on(runtime.handle());
    }
    let desk = args.tui.then(|| {
        let switch = Arc::clone(&publishing);
        session::desk(&info, &clients, planned, discovery, &config, switch, runtime.handle())
    });
    let (last, ended) = if args.tui {
        let screen = Screen {
            global,
            config: &config,
            slow_link: false,
            mouse: false,
            prices,
            clock,
            desk: desk.as_ref(),
            recorder: None,
            settings: settings_in_force,
        };
        console::show(&engine, &runtime, screen, hangup)?
    } else {
        runtime.block_on(async {
            let signals = Signals::listen()?;
            Ok::<_, Problem>(attend(&engine, signals, hangup, None, console::telling(global.json, &config)).await)
        })?
    };
    runtime.block_on(engine.shutdown());
    publish::tell(&runtime.block_on(publishing.turn_off()));
    drop(desk);
    drop(simulator);

    let summary = summary(&last, maybe_paid_twice, Some(resume_command(args)));
    if let Some(export) = &export {
        export.write(&summary);
    }
    // The results are on file; that nobody reads the summary changes nothing about them.
    if global.json {
        say::result(format_args!("{}\n", serde_json::to_string(&summary).unwrap_or_default()));
    } else {
        say::result(format_args!("{summary}"));
    }
    Ok(exit_code(ended, summary.fatal.is_some(), summary.unsent, summary.failed))
}

fn shop(route: &RouteSetup) -> Shop {
    Shop { region: route.route.region.clone(), id: route.model_id().clone(), model: route.model }
}

/// PRODUCT §2: without a named target `run` uses the simulator, but not when anything points at a real account.
fn refuse_to_guess(global: &Global, config: &crate::config::Config, args: &RunArgs) -> Result<(), Problem> {
    if session::named_target(global, config).is_some() {
        return Ok(());
    }
    let profile = global.profile.is_some() || config.profile.is_some();
    let environment = std::env::var_os("AWS_PROFILE").is_some_and(|value| !value.is_empty());
    let reason = match () {
        () if profile => "--profile",
        () if args.max_cost.is_some() => "--max-cost",
        () if environment => "AWS_PROFILE",
        () => return Ok(()),
    };
    Err(Problem::usage(format!("{reason} is set, but no target: say `--target sim` or `--target aws`")))
}

/// The routes that load goes to: with bought capacity only that, unless it may spill.
fn in_use(session: &Session) -> Vec<RouteSetup> {
    let only_bought = !session.settings.spill && session.routes.iter().any(|route| route.provisioned.is_some());
    session.routes.iter().filter(|route| !only_bought || route.provisioned.is_some()).cloned().collect()
}

fn options(session: &Session, args: &RunArgs) -> InputOptions {
    // Bodies are for the model, whatever the ARN that leads to it.
    let mut models = Vec::new();
    for route in &session.routes {
        if !models.contains(route.model_id()) {
            models.push(route.model_id().clone());
        }
    }
    let api = match args.api {
        ApiArg::Auto => ApiChoice::Auto,
        ApiArg::Converse => ApiChoice::Converse,
        ApiArg::Invoke => ApiChoice::Invoke,
    };
    InputOptions {
        models,
        api,
        max_tokens: args.max_tokens,
        priority: args.priority.into(),
        skip_invalid: args.skip_invalid,
    }
}

/// Judges the whole file, with progress on a terminal.
///
/// # Errors
/// It cannot be read, or some of its lines are unusable.
pub fn validate(path: &Path, options: InputOptions) -> Result<Input, Problem> {
    let terminal = std::io::stderr().is_terminal();
    let mut shown = 0;
    let input = Input::validate(path, options, |Progress { done, total }| {
        let percent = done * 100 / total.max(1);
        if terminal && percent > shown {
            shown = percent;
            say::notice(format_args!("\rchecking {} {percent} %", path.display()));
        }
    });
    if shown > 0 {
        say::notice(format_args!("\r\x1b[K"));
    }
    input.map_err(usage)
}

fn tell_plan(plan: &Plan, json: bool, dry: bool) {
    let text = if json { serde_json::to_string_pretty(plan).unwrap_or_default() + "\n" } else { plan.to_string() };
    // A plan that was asked for is the output; one that only precedes a run is a notice.
    let told = if dry { write!(std::io::stdout(), "{text}") } else { write!(std::io::stderr(), "{text}") };
    let _ = told;
}

fn usage(error: impl std::fmt::Display) -> Problem {
    Problem::usage(error.to_string())
}

/// What makes this run this run, for `--resume`.
fn identity(session: &Session, args: &RunArgs) -> RunIdentity {
    let mut params = BTreeMap::new();
    let mut set = |name: &str, value: Option<String>| value.map(|value| params.insert(name.to_string(), value));
    set("--max-tokens", args.max_tokens.map(|n| n.to_string()));
    set("--api", (args.api != ApiArg::Auto).then(|| format!("{:?}", args.api).to_lowercase()));
    set("--stream", args.stream.then(|| "yes".to_string()));
    set("--ordered", args.ordered.then(|| "yes".to_string()));
    let mut models = Vec::new();
    for route in &session.routes {
        if !models.contains(&route.route.model) {
            models.push(route.route.model.clone());
        }
    }
    let target = match (&session.info.account, session.info.simulated) {
        (Some(account), false) => format!("{} {account}", session.info.name),
        _ => session.info.name.clone(),
    };
    RunIdentity { models, regions: session.info.regions.clone(), params, target, simulated: session.info.simulated }
}

fn load(args: &RunArgs, input: Option<Input>, options: InputOptions, outputs: Outputs, clock: RunClock) -> FileLoad {
    let Outputs { sink, journal, past } = outputs;
    let begun = journal.begun();
    let Past { finished, succeeded, failed, spent, .. } = past.clone();
    let (source, total): (Box<dyn Source>, _) = match input {
        Some(input) => {
            let source = FileSource::new(input, &finished, FlowId::default(), clock, begun);
            let total = source.remaining();
            (Box::new(source), Some(total))
        }
        None => (Box::new(StreamSource::new(std::io::stdin(), options, past, FlowId::default(), clock, begun)), None),
    };
    FileLoad {
        source,
        sink: Box::new(sink),
        journal: Box::new(journal),
        total,
        resumed: succeeded + failed,
        stream: args.stream,
        cap: args.max_cost.map(Usd::from_dollars),
        spent_before: spent,
        label: args.input.clone(),
        output: Some(args.output.display().to_string()),
    }
}

/// PRODUCT §3: when the terminal goes away a run with a cap goes on, others drain; `--on-hangup` decides otherwise.
fn hangup(args: &RunArgs) -> Hangup {
    match args.on_hangup {
        Some(OnHangup::Continue) => Hangup::Continue,
        Some(OnHangup::Drain) => Hangup::Drain,
        None if args.max_cost.is_some() => Hangup::Continue,
        None => Hangup::Drain,
    }
}

/// The command line of this run with `--resume` in the place of `--force`.
fn resume_command(args: &RunArgs) -> String {
    let quote = |word: String| {
        let plain = word.chars().all(|c| c.is_alphanumeric() || "-_./:=,@%+".contains(c));
        if plain && !word.is_empty() { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let given = std::env::args().skip(1).filter(|word| word != "--force" && word != "--resume").map(quote);
    let mut words = vec!["bedrock-top".to_string()];
    words.extend(given);
    if args.input != "-" {
        words.push("--resume".to_string());
    }
    words.join(" ")
}

fn exit_code(ended: Ended, fatal: bool, unsent: u64, failed: u64) -> ExitCode {
    match ended {
        Ended::Interrupted => ExitCode::from(130),
        _ if fatal => ExitCode::from(2),
        _ if unsent > 0 => ExitCode::from(3),
        _ if failed > 0 => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    }
}
