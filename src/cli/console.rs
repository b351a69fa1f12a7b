//! `bedrock-top` without a command: the console, or the same engine without a terminal.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::config::{Config, Effective, Paths};
use crate::console::recording::Recorder;
use crate::console::{self, ConsoleControl, ConsoleSetup, Exit, ModelPrice};
use crate::control::{ControlHandle, HourlyPrice};
use crate::engine::{self, Command, EngineHandle, EngineSetup, EngineSnapshot, Load, LoadKind, RouteSetup};
use crate::report::summary;
use crate::warnings::Warnings;
use crate::workload::{LoadSpec, RunClock};

use super::args::{ConsoleArgs, Global, OnHangup};
use super::attend::{Ended, Hangup, Signals, Telling, attend};
use super::keep::{self, Export};
use super::problem::Problem;
use super::publish::{self, Metrics};
use super::runtime;
use super::say;
use super::session::{self, Session};
use super::settings::{self, Opened};

/// A headless demo ends after this long unless told otherwise.
const HEADLESS: Duration = Duration::from_secs(60);
/// A picture is taken after this long unless told otherwise.
const PICTURE: Duration = Duration::from_secs(10);

/// Opens the console on the target; load runs at once on a simulator.
///
/// # Errors
/// Whatever makes the target or the terminal unusable.
pub fn run(global: &Global, args: &ConsoleArgs) -> Result<ExitCode, Problem> {
    let config = session::configuration(global)?;
    let picture = args.picture.screenshot.is_some();
    let terminal = has_terminal() && !global.json && !picture;
    let export = args.export.as_deref().map(|path| Export::new(path, false)).transpose()?;
    if let Some(path) = &args.picture.screenshot {
        keep::refuse_existing(path)?;
    }
    let runtime = runtime()?;
    let clock = RunClock::start();
    let session = runtime.block_on(session::open(global, config, args.scenario.as_deref()))?;
    if !terminal && !session.info.simulated {
        return Err(Problem::usage(
            "the console needs a terminal; without one, `bedrock-top run INPUT -o OUT --yes --max-cost USD` sends a file to AWS",
        ));
    }
    // Not before everything else is known to be usable: an empty recording would be in the way of the next try.
    let recorder = args.record.as_deref().map(keep::record).transpose()?;
    for note in &session.notes {
        say::notice(format_args!("note: {note}\n"));
    }
    let Session { info, clients, routes, discovery, planned, settings, config, simulator, .. } = session;
    let simulated = info.simulated;
    let metrics = Metrics::of(&config, &routes)?;
    let prices = prices(&routes);
    let opened = Opened { info: &info, routes: &routes, slow_link: args.slow_link, flags: Vec::new() };
    let settings_in_force = settings::effective(global, &config, Some(&opened));
    let hangup = match args.on_hangup {
        Some(OnHangup::Continue) => Hangup::Continue,
        Some(OnHangup::Drain) | None => Hangup::Drain,
    };
    let load = simulated.then(|| Load::Synthetic(LoadSpec::default()));
    let target = info.clone();
    let setup = EngineSetup { target, clients: Arc::clone(&clients), routes, settings, load, clock, seed: 7 };
    let engine = engine::start(setup, runtime.handle());
    let publishing = metrics.switch(&engine, Arc::clone(&clients));
    let desk = (terminal || picture).then(|| {
        let switch = Arc::clone(&publishing);
        session::desk(&info, &clients, planned, discovery, &config, switch, runtime.handle())
    });
    let (last, ended) = if terminal {
        if let Some(time) = args.duration {
            let commands = engine.sender();
            runtime.spawn(async move {
                tokio::time::sleep(time).await;
                commands.send(Command::Drain);
            });
        }
        show(
            &engine,
            &runtime,
            Screen {
                global,
                config: &config,
                slow_link: args.slow_link,
                mouse: args.mouse,
                prices,
                clock,
                desk: desk.as_ref(),
                recorder,
                settings: settings_in_force,
            },
            hangup,
        )?
    } else if picture {
        runtime.block_on(async { tokio::time::sleep(args.duration.unwrap_or(PICTURE)).await });
        let snapshot = engine.snapshot().borrow().clone();
        let account = desk.as_ref().map(|desk| desk.snapshot().borrow().clone());
        let theme = global.theme.clone().or_else(|| config.theme.clone());
        let mut state = console::state_of(snapshot, account);
        state.settings.values = settings_in_force;
        state.private = config.console.privacy;
        state.warned.mute(session::muted(&config));
        keep::picture(state, &args.picture, theme)?;
        engine.sender().send(Command::Abort);
        runtime.block_on(engine.shutdown());
        return Ok(ExitCode::SUCCESS);
    } else {
        let recording = recorder.map(|recorder| keep::record_headless(recorder, &engine, clock, &runtime));
        let ended = runtime.block_on(async {
            let signals = Signals::listen()?;
            let time = Some(args.duration.unwrap_or(HEADLESS));
            Ok::<_, Problem>(attend(&engine, signals, hangup, time, telling(global.json, &config)).await)
        })?;
        if let Some(recording) = recording {
            recording.abort();
            // The file is finished when it is gone.
            let _ = runtime.block_on(recording);
        }
        ended
    };
    runtime.block_on(engine.shutdown());
    publish::tell(&runtime.block_on(publishing.turn_off()));
    drop(desk);
    drop(simulator);
    if last.run.attempts > 0 || !terminal || export.is_some() {
        let summary = summary(&last, 0, None);
        if let Some(export) = &export {
            export.write(&summary);
        }
        if global.json {
            say::result(format_args!("{}\n", serde_json::to_string(&summary).unwrap_or_default()));
        } else {
            say::result(format_args!("{summary}"));
        }
    }
    Ok(if ended == Ended::Interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// What a load without a console says of itself.
pub fn telling(json: bool, config: &Config) -> Telling {
    Telling { json, warnings: Warnings::new(session::muted(config)) }
}

/// Whether there is somebody to look and to press keys.
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// How the console is to look.
pub struct Screen<'a> {
    /// Theme by flag.
    pub global: &'a Global,
    /// Theme by file.
    pub config: &'a Config,
    /// Few bytes.
    pub slow_link: bool,
    /// With the mouse.
    pub mouse: bool,
    /// What the models in use cost.
    pub prices: Vec<ModelPrice>,
    /// The run's clock.
    pub clock: RunClock,
    /// The control desk of the target.
    pub desk: Option<&'a ControlHandle>,
    /// Where it is recorded.
    pub recorder: Option<Recorder>,
    /// Every value in force, and who said it.
    pub settings: Vec<Effective>,
}

/// Shows the console until it is left, then sees the load to its end as the operator decided.
///
/// # Errors
/// The terminal cannot show it.
pub fn show(
    engine: &EngineHandle,
    runtime: &Runtime,
    screen: Screen<'_>,
    hangup: Hangup,
) -> Result<(Arc<EngineSnapshot>, Ended), Problem> {
    let commands = engine.sender();
    let orders = commands.clone();
    let incidents = session::state_folder().join("incidents");
    let exit = console::run(ConsoleSetup {
        snapshot: engine.snapshot(),
        commands: Box::new(move |command| orders.send(command)),
        clock: screen.clock,
        theme: screen.global.theme.clone().or_else(|| screen.config.theme.clone()),
        themes: Paths::find().map(|paths| paths.themes()),
        slow_link: screen.slow_link,
        mouse: screen.mouse,
        max_fps: None,
        keymap: session::keymap(screen.config),
        incidents,
        prices: screen.prices,
        recorder: screen.recorder,
        settings: screen.settings,
        memory: Paths::find()
            .filter(|_| screen.config.console.remember != Some(false))
            .map(|paths| paths.console_memory()),
        private: screen.config.console.privacy,
        muted: session::muted(screen.config),
        control: screen.desk.map(|desk| {
            let orders = desk.sender();
            ConsoleControl {
                snapshot: desk.snapshot(),
                orders: Box::new(move |command| orders.send(command)),
                agreed: session::agreed_prices(screen.config),
            }
        }),
    })
    .map_err(|error| Problem::usage(error.to_string()))?;
    // The screen is given back; a terminal that takes no words now must not hold the end up.
    say::hurry();
    let mut time = None;
    match exit {
        Exit::Quit | Exit::Drained => commands.send(Command::Drain),
        Exit::Abandoned { .. } => commands.send(Command::Abort),
        // Nobody is there to lose patience with what is in flight: its time is over now.
        Exit::Hangup if hangup == Hangup::Drain || unbounded(engine) => time = Some(Duration::ZERO),
        Exit::Hangup => {}
    }
    runtime.block_on(async {
        let signals = Signals::listen()?;
        // Whoever left before the end has stopped it; only a terminal that went away leaves it running.
        let left_early = !matches!(exit, Exit::Hangup);
        let (last, ended) = attend(engine, signals, Hangup::Continue, time, telling(false, screen.config)).await;
        Ok((last, if left_early && ended == Ended::ByItself { Ended::Drained } else { ended }))
    })
}

/// Whether a load costs money for as long as it goes on, and nobody is there to end it.
fn unbounded(engine: &EngineHandle) -> bool {
    let last = engine.snapshot().borrow().clone();
    !last.target.simulated && last.run.kind == LoadKind::Synthetic && last.money.cap.is_none()
}

/// What the models of these routes cost, for the estimate before a load.
pub fn prices(routes: &[RouteSetup]) -> Vec<ModelPrice> {
    let mut prices: Vec<ModelPrice> = Vec::new();
    for route in routes {
        if prices.iter().any(|known| known.model == route.route.model) {
            continue;
        }
        let price = route.model.and_then(|model| model.price.as_ref());
        // Bought capacity is paid by the hour: a token costs nothing more, and the hours are what it costs.
        let bought = route.provisioned.as_ref().map(|bought| match bought.usd_per_hour {
            Some(hourly) => HourlyPrice::Known(hourly),
            None => HourlyPrice::Unknown,
        });
        prices.push(ModelPrice {
            model: route.route.model.clone(),
            input: price.map(|price| price.input),
            output: price.map(|price| price.output),
            default_max_output: route.model.map_or(4_096, |model| model.default_max_output),
            bought,
        });
    }
    prices
}
