//! What the console wants done. Nothing else leaves [`super::update`].

use crate::control::ControlCommand;
use crate::engine::Command;

use super::confirm::Confirmed;

/// A wish of the console to the world.
#[derive(Debug)]
pub enum Effect {
    /// An order to the engine that has passed the gate.
    Engine(Confirmed<Command>),
    /// An order to the account that has passed its gate.
    Control(Confirmed<ControlCommand>),
    /// Write a text file into the incident folder, never over an existing one; answered by [`super::Msg::Written`].
    Write {
        /// File name without folder.
        name: String,
        /// The whole content.
        text: String,
    },
    /// Draw the screen as a picture into the incident folder; answered by [`super::Msg::Written`].
    Picture {
        /// File name without folder.
        name: String,
    },
    /// Give an id to the terminal's clipboard; answered by [`super::Msg::Copied`].
    Copy {
        /// What it is.
        what: &'static str,
        /// The id.
        text: String,
    },
    /// Write down what is kept for the next time.
    Remember,
    /// Draw everything again, trusting nothing on the terminal.
    Redraw,
    /// Give the terminal back and stop the process until it is continued; answered by [`super::Msg::Resumed`].
    Suspend,
    /// End the console.
    Quit(Exit),
}

/// How the console ended. The caller says the summary, drains what is left and picks the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Left with nothing in flight.
    Quit,
    /// Left after the load was drained.
    Drained,
    /// Left at once, or after the drain's ten seconds, with attempts in flight.
    Abandoned {
        /// How many (they may be billed).
        in_flight: u32,
    },
    /// The terminal is gone; the load goes on as it was and is the caller's to drain.
    Hangup,
}
