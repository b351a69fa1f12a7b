//! Attending a workflow: how far it is, and its end in good order on Ctrl-C.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::control::batch::Trouble;
use crate::control::{Desk, Stage};

use super::words;

/// How long an orderly end may take before it is left to itself.
const ORDERLY: Duration = Duration::from_secs(30);

/// Shows stages on standard error: one line that is overwritten on a terminal, a line for each change otherwise.
pub struct Shown {
    terminal: bool,
    last: Mutex<RefCell<String>>,
}

impl Shown {
    /// Nothing yet.
    pub fn new() -> Shown {
        Shown { terminal: std::io::stderr().is_terminal(), last: Mutex::default() }
    }

    /// Shows a stage.
    pub fn stage(&self, stage: &Stage) {
        let (doing, line) = match stage {
            Stage::Busy { doing, done, total } => {
                let moves = self.terminal && *total > 0;
                let far = if moves { format!(" {}", words::bar(*done, *total)) } else { String::new() };
                (doing.clone(), format!("{doing}{far}"))
            }
            Stage::Waiting { reason } => {
                (reason.clone(), format!("waiting for a free job slot: {reason} (Ctrl-C ends the wait)"))
            }
            Stage::Done(_) | Stage::Failed { .. } => return,
        };
        self.line(&doing, &line);
    }

    /// Shows `line`. Where lines are kept, only if `what` has changed.
    pub fn line(&self, what: &str, line: &str) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = std::io::stderr();
        // Nobody there to read it is no reason to stop.
        let _ = if self.terminal {
            write!(out, "\r\x1b[K{}", words::fitting(line)).and_then(|()| out.flush())
        } else if *last.borrow() != what {
            writeln!(out, "{line}")
        } else {
            Ok(())
        };
        last.replace(what.to_owned());
    }

    /// Leaves the line.
    pub fn end(&self) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.terminal && !last.borrow().is_empty() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        last.replace(String::new());
    }
}

/// Waits for a workflow. SIGINT and SIGTERM end it in good order; a second one leaves at once.
///
/// # Errors
/// Those of the workflow.
pub async fn attend<T>(desk: &Desk, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let listen = |kind| signal(kind).map_err(|error| Trouble::passing(format!("signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        _ = interrupt.recv() => desk.interrupt(),
        _ = terminate.recv() => desk.interrupt(),
    }
    tokio::select! {
        done = &mut work => done,
        _ = interrupt.recv() => Err(Trouble::interrupted("this")),
        () = tokio::time::sleep(ORDERLY) => Err(Trouble::interrupted("this")),
    }
}
