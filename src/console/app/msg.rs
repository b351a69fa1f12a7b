//! What can happen to the console.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::console::keys::Chord;
use crate::control::ControlSnapshot;
use crate::engine::EngineSnapshot;

use super::Hit;

/// One thing that happened. A recording is the sequence of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// The file of an [`super::Effect::Write`] or a picture: its path, or what went wrong.
    Written(Result<String, String>),
    /// What an [`super::Effect::Copy`] was of, or why it could not be done.
    Copied(Result<String, String>),
    /// The wheel of the mouse, down or up.
    Wheel(bool),
    /// A click of the mouse on something.
    Click(Hit),
    /// Somebody asked the process to sleep (SIGTSTP).
    Stop,
    /// Continued after a suspension.
    Resumed,
    /// Somebody asked the process to end (SIGTERM, SIGINT).
    Terminate,
    /// The terminal is gone.
    Hangup,
}
