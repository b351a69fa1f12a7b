//! Whether this session is being recorded, or is a recording that is played.

use crate::console::keys::Action;

use super::State;

/// What a session has to do with a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tape {
    /// Nothing.
    #[default]
    None,
    /// It is being recorded.
    Recording {
        /// Messages that the disk was too slow for.
        lost: u64,
        /// Why the recording ended before the console.
        stopped: Option<String>,
    },
    /// It is one: there is no engine, and nothing is sent.
    Replay(Playback),
}

/// How a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// Times real time; infinite: to the end as fast as it can be read.
    pub speed: f64,
    /// Time stands still.
    pub paused: bool,
    /// Snapshots to go on by although it stands still.
    pub steps: u32,
    /// There is no more.
    pub ended: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Playback { speed: 1.0, paused: false, steps: 0, ended: false }
    }
}

/// The speeds, slowest first.
const SPEEDS: [f64; 8] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, f64::INFINITY];
/// Steps that wait at most.
const STEPS: u32 = 100;

impl Tape {
    /// Whether a recording is played.
    #[must_use]
    pub fn plays(&self) -> bool {
        matches!(self, Tape::Replay(_))
    }

    /// How it is played, if it is.
    pub fn playback(&mut self) -> Option<&mut Playback> {
        match self {
            Tape::Replay(playback) => Some(playback),
            Tape::None | Tape::Recording { .. } => None,
        }
    }
}

/// The keys of a replay.
pub(super) fn play(state: &mut State, action: Action) {
    let Some(playback) = state.tape.playback() else { return };
    let at = SPEEDS.iter().position(|speed| *speed >= playback.speed).unwrap_or(SPEEDS.len() - 1);
    match action {
        Action::PlayPause => playback.paused = !playback.paused,
        Action::PlayStep => {
            playback.paused = true;
            playback.steps = (playback.steps + 1).min(STEPS);
        }
        Action::PlaySlower => playback.speed = SPEEDS[at.saturating_sub(1)],
        Action::PlayFaster => playback.speed = SPEEDS[(at + 1).min(SPEEDS.len() - 1)],
        _ => {}
    }
}
