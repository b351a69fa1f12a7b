//! `bedrock-top replay`: a recorded session, looked at again.

use std::process::ExitCode;

use crate::config::Paths;
use crate::console::recording::Recording;
use crate::console::{self, Player, ReplaySetup};
use crate::record::Micros;

use super::args::{Global, ReplayArgs};
use super::keep;
use super::problem::Problem;
use super::session;

/// Plays a recording.
///
/// # Errors
/// It cannot be read, or there is no terminal.
pub fn run(global: &Global, args: &ReplayArgs) -> Result<ExitCode, Problem> {
    let usage = |error: &dyn std::fmt::Display| Problem::usage(error.to_string());
    let recording = Recording::open(&args.file).map_err(|error| usage(&error))?;
    let mut player = Player::new(recording, args.follow).map_err(|error| usage(&error))?;
    if let Some(at) = args.at {
        player.advance(player.first() + Micros::from(at), None);
    }
    let config = session::configuration(global)?;
    // Played keys mean what they meant; who looks around presses keys of their own.
    if !args.follow {
        player.state.keymap = session::keymap(&config);
    }
    let theme = global.theme.clone().or(config.theme);
    player.state.private |= config.console.privacy;
    if let Some(path) = &args.picture.screenshot {
        keep::refuse_existing(path)?;
        keep::picture(player.state, &args.picture, theme)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !super::console::has_terminal() {
        return Err(Problem::usage(
            "a replay needs a terminal; --screenshot FILE.svg draws one of its screens without",
        ));
    }
    console::replay(ReplaySetup {
        player,
        theme,
        themes: Paths::find().map(|paths| paths.themes()),
        slow_link: args.slow_link,
        incidents: session::state_folder().join("incidents"),
        private: config.console.privacy,
    })
    .map_err(|error| usage(&error))?;
    Ok(ExitCode::SUCCESS)
}
