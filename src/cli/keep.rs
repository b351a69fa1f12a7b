//! What a session leaves behind beside its results: a recording, a picture, an export. None of them replaces a file.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::config::Paths;
use crate::console::Shot;
use crate::console::app::{Msg, State};
use crate::console::recording::{Header, Recorder};
use crate::console::ui::theme;
use crate::engine::EngineHandle;
use crate::report::{Form, Summary, export};
use crate::workload::RunClock;

use super::args::PictureArgs;
use super::problem::Problem;
use super::say;

/// The size of a picture, and of a recording without a terminal.
const SIZE: (u16, u16) = (120, 40);

/// Refuses a file that exists.
///
/// # Errors
/// It does.
pub fn refuse_existing(path: &Path) -> Result<(), Problem> {
    if path.exists() {
        return Err(Problem::usage(format!("{} exists; remove it or name another file", path.display())));
    }
    Ok(())
}

/// Begins a recording.
///
/// # Errors
/// The file exists or cannot be made.
pub fn record(path: &Path) -> Result<Recorder, Problem> {
    refuse_existing(path)?;
    Recorder::create(path).map_err(Problem::io(path.display()))
}

/// Records what the engine says of itself, without a console.
pub fn record_headless(
    recorder: Recorder,
    engine: &EngineHandle,
    clock: RunClock,
    runtime: &Runtime,
) -> JoinHandle<()> {
    let mut snapshots = engine.snapshot();
    recorder.begin(Header::new(clock.utc_now().as_millisecond(), SIZE, theme::DEFAULT));
    runtime.spawn(async move {
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            recorder.take(clock.now(), &Msg::Snapshot(snapshot));
            if snapshots.changed().await.is_err() {
                return;
            }
        }
    })
}

/// Draws a screen into the file that was asked for.
///
/// # Errors
/// No such screen, theme or size; the file cannot be written.
pub fn picture(state: State, args: &PictureArgs, theme: Option<String>) -> Result<(), Problem> {
    let Some(path) = &args.screenshot else { return Ok(()) };
    let themes = Paths::find().map(|paths| paths.themes());
    let shot = Shot { screen: args.screen.clone(), size: args.size.unwrap_or(SIZE), theme, themes };
    let svg = shot.take(state).map_err(Problem::usage)?;
    fs::write(path, svg).map_err(Problem::io(path.display()))
}

/// A summary that is to be written when the load is over.
pub struct Export {
    path: PathBuf,
    form: Form,
}

impl Export {
    /// To `path`, which says the form.
    ///
    /// # Errors
    /// An unknown form; the file exists and is not to be replaced.
    pub fn new(path: &Path, replace: bool) -> Result<Export, Problem> {
        let form = Form::of(path);
        let unknown =
            || Problem::usage(format!("--export {}: the name must end in .json, .csv or .md", path.display()));
        if !replace {
            refuse_existing(path)?;
        }
        Ok(Export { path: path.to_owned(), form: form.ok_or_else(unknown)? })
    }

    /// Writes it. What cannot be written is said; the load is over all the same.
    pub fn write(&self, summary: &Summary) {
        if let Err(error) = fs::write(&self.path, export(summary, self.form)) {
            say::notice(format_args!("bedrock-top: {}: {error}\n", self.path.display()));
        }
    }
}
