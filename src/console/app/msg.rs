//! What can happen to the console.

use std::sync::Arc;

use crate::console::keys::Chord;
use crate::control::ControlSnapshot;
use crate::engine::EngineSnapshot;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key.
    Key(Chord),
    /// Text pasted into the terminal.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The engine's latest snapshot.
    Snapshot(Arc<EngineSnapshot>),
    /// The account's latest snapshot.
    Control(Arc<ControlSnapshot>),
    /// Time has passed.
    Tick,
    /// The file of an [`super::Effect::Write`]: its path, or what went wrong.
    Written(Result<String, String>),
    /// Continued after a suspension.
    Resumed,
    /// Somebody asked the process to end (SIGTERM, SIGINT).
    Terminate,
    /// The terminal is gone.
    Hangup,
}
