//! Attending a load without a console: status lines, signals, the decision to end a run that cannot go on.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::engine::{Command, EngineHandle, EngineSnapshot, LoadState, ParkKind, RunView};
use crate::report::{StatusWarning, status_json, status_line};
use crate::warnings::{Moment, Warnings};

use super::problem::Problem;
use super::say;

/// A status line this often where lines are kept (a log), and on every change of state.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// And this often where they overwrite each other.
const TERMINAL_EVERY: Duration = Duration::from_secs(1);
/// A parked run without anybody watching waits this long for its cause to go away.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long draining may take before what is in flight is abandoned.
const DRAIN: Duration = Duration::from_secs(10);

/// Why attending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The load came to its own end.
    ByItself,
    /// It could not go on: cap, credentials, a full disk.
    Parked,
    /// It was asked to end (SIGTERM, hang-up).
    Drained,
    /// Interrupted (SIGINT).
    Interrupted,
    /// Its time was over.
    TimeUp,
}

/// What to do when the terminal goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// Go on.
    Continue,
    /// Finish what is in flight and end.
    Drain,
}

/// Signals that end or spare a run. Made before the load starts, so that none is missed.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn listen() -> Result<Signals, Problem> {
        let listen = |kind| signal(kind).map_err(Problem::io("signals"));
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }
}

/// What is said meanwhile.
pub struct Telling {
    /// The status goes to standard output too, an object a line.
    pub json: bool,
    /// The warnings to name in it.
    pub warnings: Warnings,
}

/// Attends until the load is over.
pub async fn attend(
    engine: &EngineHandle,
    mut signals: Signals,
    hangup: Hangup,
    time: Option<Duration>,
    telling: Telling,
) -> (Arc<EngineSnapshot>, Ended) {
    let mut snapshots = engine.snapshot();
    let commands = engine.sender();
    let over = engine.load_finished();
    tokio::pin!(over);
    let mut lines = Lines::new(telling);
    let mut why = Ended::ByItself;
    let mut parked_since: Option<Instant> = None;
    let mut abandon_at: Option<tokio::time::Instant> = None;
    let end = time.map(|time| tokio::time::Instant::now() + time);
    loop {
        let timer = [end.filter(|_| why == Ended::ByItself), abandon_at].into_iter().flatten().min();
        let deadline = async {
            match timer {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let mut finish = |reason: Ended, why: &mut Ended| {
            if matches!(reason, Ended::Drained | Ended::Interrupted) {
                say::hurry();
            }
            if *why == Ended::ByItself {
                *why = reason;
                commands.send(Command::Drain);
                abandon_at = Some(tokio::time::Instant::now() + DRAIN);
            } else {
                commands.send(Command::Abort);
            }
        };
        tokio::select! {
            last = &mut over => {
                lines.end();
                return (last, why);
            }
            Ok(()) = snapshots.changed() => {
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                lines.show(&snapshot);
                if why == Ended::ByItself && gives_up(&snapshot, &mut parked_since) {
                    finish(Ended::Parked, &mut why);
                }
            }
            _ = signals.interrupt.recv() => finish(Ended::Interrupted, &mut why),
            _ = signals.terminate.recv() => finish(Ended::Drained, &mut why),
            _ = signals.hangup.recv() => if hangup == Hangup::Drain {
                finish(Ended::Drained, &mut why);
            },
            () = deadline => finish(Ended::TimeUp, &mut why),
        }
    }
}

/// Whether a parked run is to end: a cap moves only by hand, other causes get time to go away.
fn gives_up(snapshot: &EngineSnapshot, since: &mut Option<Instant>) -> bool {
    match &snapshot.state {
        LoadState::Parked { kind: ParkKind::Cap, .. } => true,
        LoadState::Parked { .. } => since.get_or_insert_with(Instant::now).elapsed() > PATIENCE,
        _ => {
            *since = None;
            false
        }
    }
}

/// Status lines on standard error, and for scripts on standard output.
struct Lines {
    json: bool,
    warnings: Warnings,
    terminal: bool,
    last: Option<Instant>,
    state: Option<std::mem::Discriminant<LoadState>>,
}

impl Lines {
    fn new(telling: Telling) -> Lines {
        let Telling { json, warnings } = telling;
        Lines { json, warnings, terminal: !json && std::io::stderr().is_terminal(), last: None, state: None }
    }

    fn show(&mut self, snapshot: &EngineSnapshot) {
        if snapshot.run == RunView::default() {
            return;
        }
        self.warnings.look(&Moment { engine: snapshot, account: None }, snapshot.at);
        let state = std::mem::discriminant(&snapshot.state);
        let every = if self.terminal { TERMINAL_EVERY } else { LOG_EVERY };
        let changed = self.state != Some(state);
        if !changed && self.last.is_some_and(|last| last.elapsed() < every) {
            return;
        }
        self.state = Some(state);
        self.last = Some(Instant::now());
        let standing = self.warnings.heard().map(|one| StatusWarning {
            name: one.warning.name.word(),
            about: one.warning.about.text(),
            words: &one.warning.words,
            remedy: &one.warning.remedy,
            since_ms: one.since_utc_ms,
        });
        let warnings: Vec<StatusWarning<'_>> = standing.collect();
        if self.json {
            say::status_result(format_args!("{}\n", status_json(snapshot, &warnings)));
        }
        let line = status_line(snapshot, &warnings);
        if self.terminal {
            say::status(format_args!("\r\x1b[K{}", fitting(&line)));
        } else {
            say::status(format_args!("{line}\n"));
        }
    }

    fn end(&self) {
        if self.terminal {
            say::status(format_args!("\n"));
        }
    }
}

/// As much of a line as fits the terminal, so that it can be overwritten.
fn fitting(line: &str) -> String {
    let width = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| usize::from(size.ws_col));
    line.chars().take(width.saturating_sub(1).max(20)).collect()
}
