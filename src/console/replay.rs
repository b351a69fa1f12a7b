//! A recording in the console: the same screens, no engine, and nothing that is done goes anywhere.
//!
//! By default only what the engine and the account said is played, and the keys are the viewer's, who looks around freely.
//! With `follow` the recorded keys are played too, and the viewer only holds, steps and leaves.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ratatui::Frame;

use crate::record::Micros;
use crate::warnings::Name;

use super::app::{Effect, Msg, Playback, State, Tape, update};
use super::keys::{self, Action, Chord, Keymap, Lookup};
use super::picture;
use super::recording::{Broken, Header, Recording, RecordingError};
use super::session::{ConsoleError, chord, write_new};
use super::term::{self, Caps, Event, Reaction, Session, SessionOptions, SignalKind};
use super::themes::Themes;
use super::ui;
use super::ui::glyphs::Glyphs;
use super::ui::theme::Theme;
use super::ui::widgets::Kit;

/// How long one turn may read on; then the screen and the keys have their turn.
const TURN: Duration = Duration::from_millis(40);
/// How long a line for the viewer stays, whatever the speed.
const TOAST: Duration = Duration::from_secs(5);

/// What a replay needs.
pub struct ReplaySetup {
    /// The recording.
    pub player: Player,
    /// The theme; `None`: that of the recording.
    pub theme: Option<String>,
    /// The folder of the operator's own themes.
    pub themes: Option<PathBuf>,
    /// The link is slow: draw less often.
    pub slow_link: bool,
    /// The folder for incident reports.
    pub incidents: PathBuf,
    /// Mask from the start.
    pub private: bool,
}

/// Plays a recording until it is left.
///
/// # Errors
/// [`ConsoleError`].
pub fn replay(setup: ReplaySetup) -> Result<(), ConsoleError> {
    let caps = Caps::from_env().map_err(ConsoleError::Unusable)?;
    let caps = Caps { slow_link: caps.slow_link || setup.slow_link, ..caps };
    let session = Session::start(SessionOptions { caps, max_fps: None, mouse: false }).map_err(ConsoleError::Start)?;
    match session.run(&mut Replay::new(setup, caps))? {
        term::Exit::Quit | term::Exit::Hangup => Ok(()),
        term::Exit::Panicked => Err(ConsoleError::Panicked),
    }
}

/// A recording on its way into a state.
pub struct Player {
    recording: Recording,
    /// What the screens are drawn from.
    pub state: State,
    next: Option<(Micros, Msg)>,
    /// The moment that has been reached, on the recording's clock.
    pub position: Micros,
    follow: bool,
    first: Micros,
}

impl Player {
    /// Plays a recording up to its first snapshot.
    ///
    /// # Errors
    /// There is none.
    pub fn new(mut recording: Recording, follow: bool) -> Result<Player, RecordingError> {
        let Header { size, theme, themes, prices, agreed_prices, keys, settings, memory, private, muted, .. } =
            recording.header().clone();
        let first = recording.by_ref().find_map(|(at, msg)| match msg {
            Msg::Snapshot(snapshot) => Some((at, snapshot)),
            _ => None,
        });
        let Some((first, snapshot)) = first else {
            return Err(RecordingError::Empty { path: recording.path().to_owned() });
        };
        let themes = if themes.is_empty() { Theme::names().map(str::to_owned).collect() } else { themes };
        let mut state = State::new(snapshot.clone(), size, themes, &theme);
        state.prices = prices;
        state.agreed_prices = agreed_prices;
        match Keymap::new(&keys) {
            Ok(keymap) => state.keymap = keymap,
            Err(wrong) => {
                state.complain(format!("keys of the recording that this program has not: {}", wrong.join("; ")))
            }
        }
        state.settings.values = settings;
        state.private = private;
        state.warned.mute(muted.iter().filter_map(|word| Name::find(word)));
        memory.apply(&mut state);
        let mut player = Player { recording, state, next: None, position: first, follow, first };
        player.play(Msg::Snapshot(snapshot), first);
        player.state.tape = Tape::Replay(Playback::default());
        player.fetch();
        Ok(player)
    }

    /// When it began, on its own clock.
    #[must_use]
    pub fn first(&self) -> Micros {
        self.first
    }

    /// The moment of the next message; `None` at the end.
    #[must_use]
    pub fn upcoming(&self) -> Option<Micros> {
        self.next.as_ref().map(|(at, _)| *at)
    }

    fn fetch(&mut self) {
        self.next = self.recording.next();
        if self.next.is_some() {
            return;
        }
        if let Some(playback) = self.state.tape.playback() {
            playback.ended = true;
        }
        match self.recording.broken() {
            None => {}
            Some(Broken::Torn) => self.state.complain("the recording breaks off here: the program was killed"),
            Some(Broken::Damaged(why)) => {
                let why = format!("the recording is damaged from here on: {why}");
                self.state.complain(why);
            }
        }
    }

    /// Plays one message; true if it was a snapshot of the engine.
    fn one(&mut self) -> bool {
        let Some((at, msg)) = self.next.take() else { return false };
        let snapshot = matches!(msg, Msg::Snapshot(_));
        self.position = self.position.max(at);
        self.play(msg, at);
        self.fetch();
        snapshot
    }

    /// What is in the recording is played as it was: as if there were an engine, whose orders nobody hears.
    fn play(&mut self, msg: Msg, at: Micros) {
        let size = self.state.size;
        let plays = match &msg {
            Msg::Snapshot(_) | Msg::Control(_) => true,
            // What ended the recorded console does not end this one.
            Msg::Terminate | Msg::Hangup => false,
            Msg::Key(_)
            | Msg::Paste(_)
            | Msg::Resize(..)
            | Msg::Tick
            | Msg::Written(_)
            | Msg::Copied(_)
            | Msg::Wheel(_)
            | Msg::Click(_)
            | Msg::Stop
            | Msg::Resumed => self.follow,
        };
        if plays {
            let tape = std::mem::take(&mut self.state.tape);
            update(&mut self.state, msg, at);
            self.state.tape = tape;
            self.state.size = if self.follow { self.state.size } else { size };
        }
    }

    /// Plays everything up to a moment, as long as `patience` lasts; false if there is more.
    pub fn advance(&mut self, to: Micros, patience: Option<Duration>) -> bool {
        let begun = Instant::now();
        while self.upcoming().is_some_and(|at| at <= to) {
            if patience.is_some_and(|patience| begun.elapsed() >= patience) {
                return false;
            }
            self.one();
        }
        if self.next.is_some() {
            self.position = self.position.max(to);
        }
        true
    }

    /// Plays up to the next snapshot.
    pub fn step(&mut self) {
        while self.next.is_some() && !self.one() {}
    }
}

/// The player between the terminal's loop and its recording.
struct Replay {
    player: Player,
    incidents: PathBuf,
    caps: Caps,
    themes: Themes,
    theme: Option<Theme>,
    /// When the position was last moved on.
    moved: Instant,
    /// The line for the viewer, and since when it stands there.
    toast: Option<(String, Instant)>,
    clipboard: Option<String>,
    next_look: Instant,
}

impl Replay {
    fn new(setup: ReplaySetup, caps: Caps) -> Replay {
        let now = Instant::now();
        let ReplaySetup { mut player, theme, themes, incidents, private, .. } = setup;
        let mut themes = Themes::new(themes, caps.colour);
        themes.look(now);
        let state = &mut player.state;
        state.private |= private;
        if !player.follow {
            state.set_themes(themes.names());
        }
        if let Some(wanted) = theme {
            match state.themes.iter().position(|name| *name == wanted) {
                Some(at) => state.theme = at,
                None => state.complain(format!("there is no theme `{wanted}`; there are: {}", state.themes.join(", "))),
            }
        }
        let mut replay = Replay {
            player,
            incidents,
            caps,
            themes,
            theme: None,
            moved: now,
            toast: None,
            clipboard: None,
            next_look: now,
        };
        replay.dress();
        replay
    }

    fn dress(&mut self) {
        let name = self.player.state.theme_name();
        if self.theme.as_ref().is_none_or(|theme| theme.name() != name) {
            self.theme = self.themes.get(name).or_else(|| self.theme.take());
        }
    }

    fn playback(&mut self) -> Playback {
        self.player.state.tape.playback().copied().unwrap_or_default()
    }

    /// Moves the recording on by the time that has passed since it was last moved.
    fn go_on(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.moved);
        self.moved = now;
        let playback = self.playback();
        for _ in 0..playback.steps {
            self.player.step();
        }
        if let Some(playback) = self.player.state.tape.playback() {
            playback.steps = 0;
        }
        if playback.paused || playback.ended {
            return;
        }
        let to = if playback.speed.is_infinite() {
            Micros::MAX
        } else {
            self.player.position + Micros::from_secs_f64(passed.as_secs_f64() * playback.speed)
        };
        self.player.advance(to, Some(TURN));
    }

    /// A line for the viewer goes away by the viewer's time.
    fn toast(&mut self, now: Instant) {
        let Some(toast) = &mut self.player.state.toast else {
            self.toast = None;
            return;
        };
        if self.player.follow && !self.player.state.tape.playback().is_some_and(|playback| playback.ended) {
            return;
        }
        let since = match &self.toast {
            Some((text, since)) if *text == toast.text => *since,
            _ => now,
        };
        toast.at = Micros::MAX;
        self.toast = Some((toast.text.clone(), since));
        if now.saturating_duration_since(since) >= TOAST {
            self.player.state.toast = None;
        }
    }

    /// A key of the viewer.
    fn key(&mut self, chord: Chord) -> Reaction {
        let state = &mut self.player.state;
        if self.player.follow
            && !matches!(keys::lookup(state, chord), Lookup::Do(action) if OF_FOLLOWER.contains(&action))
        {
            state.complain("this replay follows the recorded keys; without --follow they are yours");
            return Reaction::Redraw;
        }
        self.take(Msg::Key(chord))
    }

    fn take(&mut self, msg: Msg) -> Reaction {
        let at = self.player.position;
        let mut reaction = Reaction::Redraw;
        for effect in update(&mut self.player.state, msg, at) {
            match effect {
                Effect::Write { name, text } => {
                    let written = write_new(&self.incidents, &name, &text);
                    let said = written.map(|path| path.display().to_string()).map_err(|error| error.to_string());
                    update(&mut self.player.state, Msg::Written(said), at);
                }
                Effect::Picture { name } => {
                    let state = &self.player.state;
                    let drawn = self.theme.as_ref().map(|theme| picture::draw(state, state.size, theme));
                    let written = write_new(&self.incidents, &name, &drawn.unwrap_or_default());
                    let said = written.map(|path| path.display().to_string()).map_err(|error| error.to_string());
                    update(&mut self.player.state, Msg::Written(said), at);
                }
                Effect::Copy { what, text } => {
                    let said = self.caps.clipboard(what);
                    if said.is_ok() {
                        self.clipboard = Some(text);
                    }
                    update(&mut self.player.state, Msg::Copied(said), at);
                }
                Effect::Redraw => reaction = Reaction::Repaint,
                Effect::Suspend => reaction = Reaction::Suspend,
                Effect::Quit(_) => return Reaction::Quit,
                // There is no engine and no account, and what is looked at again is not how one works.
                Effect::Engine(_) | Effect::Control(_) | Effect::Remember => {}
            }
        }
        reaction
    }
}

/// What is left to a viewer who follows the recorded keys.
const OF_FOLLOWER: [Action; 8] = [
    Action::PlayPause,
    Action::PlayStep,
    Action::PlaySlower,
    Action::PlayFaster,
    Action::Quit,
    Action::Interrupt,
    Action::Suspend,
    Action::Redraw,
];

impl term::App for Replay {
    fn handle(&mut self, event: Event, now: Instant) -> Reaction {
        self.go_on(now);
        let reaction = match event {
            Event::Key(key, _) => match chord(key) {
                Some(chord) => self.key(chord),
                None => Reaction::Nothing,
            },
            Event::Paste(text) => self.take(Msg::Paste(text)),
            Event::Wheel { down } => self.take(Msg::Wheel(down)),
            // A replay does not take the mouse.
            Event::Click { .. } => Reaction::Nothing,
            Event::Resize(size) => self.take(Msg::Resize(size.width, size.height)),
            Event::Signal(SignalKind::Stop) => Reaction::Suspend,
            Event::Signal(SignalKind::Interrupt | SignalKind::Terminate) | Event::Hangup => Reaction::Quit,
            Event::Resumed => {
                // The time in which it was stopped does not count.
                self.moved = now;
                self.take(Msg::Resumed)
            }
            Event::Wake | Event::Deadline => Reaction::Redraw,
        };
        // A step shows at once.
        self.go_on(now);
        self.toast(now);
        if self.themes.look(now).changed {
            self.player.state.set_themes(self.themes.names());
            self.theme = None;
        }
        self.dress();
        let playback = self.playback();
        let second = now + Duration::from_secs(1);
        self.next_look = match self.player.upcoming() {
            Some(at) if !playback.paused => {
                let wait = at.since(self.player.position).secs_f64() / playback.speed;
                second.min(now + Duration::try_from_secs_f64(wait).unwrap_or_default())
            }
            _ => second,
        };
        reaction
    }

    fn render(&mut self, frame: &mut Frame<'_>, _: Instant) {
        let area = frame.area();
        self.player.state.size = (area.width, area.height);
        let Some(theme) = &self.theme else { return };
        let kit = Kit::new(theme, Glyphs::of(self.caps.glyphs));
        if let Some(cursor) = ui::render(&self.player.state, kit, area, frame.buffer_mut()) {
            frame.set_cursor_position(cursor);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        Some(self.next_look)
    }

    fn clipboard(&mut self) -> Option<String> {
        self.clipboard.take()
    }
}

#[cfg(test)]
mod golden;
