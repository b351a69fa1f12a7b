//! From the terminal's events to messages, from effects to the world: the only part of the console that touches both.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::Frame;
use tokio::sync::{oneshot, watch};

use crate::config::Effective;
use crate::control::{AgreedPrice, ControlCommand, ControlSnapshot};
use crate::engine::{Command, EngineSnapshot};
use crate::warnings::Name;
use crate::workload::RunClock;

use super::app::memory::Memory;
use super::app::{Effect, Exit, ModelPrice, Msg, State, Tape, update};
use super::keep;
use super::keys::{Chord, Key, Keymap};
use super::picture;
use super::recording::{Header, Recorder};
use super::term::caps::Unusable;
use super::term::tty::Tty;
use super::term::{self, Caps, Event, Reaction, Session, SessionOptions, SignalKind, Waker};
use super::themes::Themes;
use super::ui;
use super::ui::glyphs::Glyphs;
use super::ui::theme::{self, Theme};
use super::ui::widgets::Kit;

/// The size until the first frame tells the real one.
const FIRST_SIZE: (u16, u16) = (80, 24);
/// How often the console looks at the clock while it waits for the load to drain.
const WAITING: Duration = Duration::from_millis(100);
/// Reports of one second that get a name of their own; more than that nobody writes by hand.
const SAME_NAME: u32 = 99;

/// The account that the console manages: its side of the control desk.
pub struct ConsoleControl {
    /// Everything known of the account.
    pub snapshot: watch::Receiver<Arc<ControlSnapshot>>,
    /// Where orders go. Never blocks.
    pub orders: Box<dyn Fn(ControlCommand) + Send>,
    /// Prices of model units by configuration.
    pub agreed: Vec<AgreedPrice>,
}

/// Everything that the console needs.
pub struct ConsoleSetup {
    /// The engine's latest snapshot.
    pub snapshot: watch::Receiver<Arc<EngineSnapshot>>,
    /// Where orders to the engine go. Never blocks.
    pub commands: Box<dyn Fn(Command) + Send>,
    /// The account; `None` where there is nothing to manage.
    pub control: Option<ConsoleControl>,
    /// The run's clock: the one by which the snapshots are stamped.
    pub clock: RunClock,
    /// The theme; `None`: the default.
    pub theme: Option<String>,
    /// The folder of the operator's own themes.
    pub themes: Option<PathBuf>,
    /// The link is slow: draw less often.
    pub slow_link: bool,
    /// Wheel and clicks of the mouse are ours; the terminal then selects text only with Shift.
    pub mouse: bool,
    /// Most frames a second for news; `None`: 10, on a slow link 2.
    pub max_fps: Option<f64>,
    /// The folder for incident reports; made when the first is written.
    pub incidents: PathBuf,
    /// The keys in use.
    pub keymap: Keymap,
    /// Prices of the models in use, for the estimate before a load is started.
    pub prices: Vec<ModelPrice>,
    /// Where the session is recorded.
    pub recorder: Option<Recorder>,
    /// Every value in force at the start, and who said it.
    pub settings: Vec<Effective>,
    /// The file of what is kept from one time to the next; `None`: nothing is kept.
    pub memory: Option<PathBuf>,
    /// Mask account, caller, profile and buckets from the start.
    pub private: bool,
    /// Names of warnings that are muted from the start.
    pub muted: Vec<Name>,
}

/// Why the console could not run, or ended badly. The terminal has been given back.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The terminal cannot show a screen.
    #[error("{0}")]
    Unusable(Unusable),
    /// There is no terminal.
    #[error("the console needs a terminal: {0}")]
    Start(io::Error),
    /// The terminal answered with an error.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] io::Error),
    /// Another thread panicked; what it said is on the screen.
    #[error("a part of the program panicked")]
    Panicked,
}

/// Asks whether a console can be shown here, before anything is begun for it. Standard input and output may be something
/// else: then it is shown on the controlling terminal.
///
/// # Errors
/// [`ConsoleError::Unusable`], [`ConsoleError::Start`].
pub fn usable() -> Result<(), ConsoleError> {
    Caps::from_env().map_err(ConsoleError::Unusable)?;
    Tty::open().map(|_| ()).map_err(ConsoleError::Start)
}

/// Runs the console on this thread until it is left. Blocks: call it on an OS thread of its own, never on a task of
/// the engine's runtime. Prints nothing before or after; the terminal is given back when it returns.
///
/// # Errors
/// [`ConsoleError`].
pub fn run(setup: ConsoleSetup) -> Result<Exit, ConsoleError> {
    let caps = Caps::from_env().map_err(ConsoleError::Unusable)?;
    let caps = Caps { slow_link: caps.slow_link || setup.slow_link, ..caps };
    let options = SessionOptions { caps, max_fps: setup.max_fps, mouse: setup.mouse };
    let session = Session::start(options).map_err(ConsoleError::Start)?;
    let account = setup.control.as_ref().map(|control| control.snapshot.clone());
    let news = forward(setup.snapshot.clone(), account, session.waker())?;
    let mut console = Console::new(setup, caps);
    let ended = session.run(&mut console);
    // Also after a hang-up. What cannot be kept now is nobody's loss but comfort's.
    let _ = console.remember();
    // The forwarding thread ends whether or not another snapshot ever comes.
    drop(news);
    match ended? {
        term::Exit::Quit => Ok(console.exit.unwrap_or(Exit::Quit)),
        term::Exit::Hangup => Ok(Exit::Hangup),
        term::Exit::Panicked => Err(ConsoleError::Panicked),
    }
}

/// A thread that says "there is news" for each new snapshot of engine or account. The console takes the latest when it gets to it: a
/// terminal that takes no bytes holds nobody up. Ends when the returned handle is dropped.
fn forward(
    mut snapshots: watch::Receiver<Arc<EngineSnapshot>>,
    mut account: Option<watch::Receiver<Arc<ControlSnapshot>>>,
    waker: Waker,
) -> io::Result<oneshot::Sender<()>> {
    let (alive, mut gone) = oneshot::channel();
    // Without drivers: it waits for nothing but the channels.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    thread::Builder::new().name("console-news".to_owned()).spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = &mut gone => return,
                    changed = snapshots.changed() => match changed {
                        Ok(()) => waker.wake(),
                        Err(_) => return,
                    },
                    changed = account_changed(account.as_mut()) => match changed {
                        Ok(()) => waker.wake(),
                        // Nobody watches the account any more: what is known of it stays on the screen, with its age.
                        Err(_) => account = None,
                    },
                }
            }
        });
    })?;
    Ok(alive)
}

/// Waits for news of the account: for ever, where there is none.
async fn account_changed(
    account: Option<&mut watch::Receiver<Arc<ControlSnapshot>>>,
) -> Result<(), watch::error::RecvError> {
    match account {
        Some(account) => account.changed().await,
        None => std::future::pending().await,
    }
}

/// The console between the terminal's loop and its pure parts.
struct Console {
    state: State,
    snapshot: watch::Receiver<Arc<EngineSnapshot>>,
    commands: Box<dyn Fn(Command) + Send>,
    control: Option<ConsoleControl>,
    clock: RunClock,
    incidents: PathBuf,
    memory: Option<PathBuf>,
    recorder: Option<Recorder>,
    caps: Caps,
    themes: Themes,
    theme: Option<Theme>,
    /// Whether clicks are ours: a report that nobody asked for does nothing.
    mouse: bool,
    /// On its way to the terminal's clipboard.
    clipboard: Option<String>,
    next_look: Instant,
    exit: Option<Exit>,
}

impl Console {
    fn new(mut setup: ConsoleSetup, caps: Caps) -> Console {
        let first = setup.snapshot.borrow_and_update().clone();
        let mut themes = Themes::new(setup.themes, caps.colour);
        let found = themes.look(Instant::now());
        let names = themes.names();
        let (memory, forgotten) = setup.memory.as_deref().map(keep::read).unwrap_or_default();
        // A theme that was picked gives way to flag and file, and to the default if it is gone.
        let kept = memory.theme.clone().filter(|kept| names.contains(kept));
        let wanted = setup.theme.as_deref().or(kept.as_deref()).unwrap_or(theme::DEFAULT);
        let known = names.iter().any(|name| name == wanted);
        let all = names.join(", ");
        let mut state = State::new(first.clone(), FIRST_SIZE, names, wanted);
        state.prices = setup.prices;
        state.keymap = setup.keymap;
        state.settings.values = setup.settings;
        state.private = setup.private;
        state.warned.mute(setup.muted);
        memory.apply(&mut state);
        state.agreed_prices =
            setup.control.as_mut().map(|control| std::mem::take(&mut control.agreed)).unwrap_or_default();
        let mut console = Console {
            state,
            snapshot: setup.snapshot,
            commands: setup.commands,
            control: setup.control,
            clock: setup.clock,
            incidents: setup.incidents,
            memory: setup.memory,
            recorder: setup.recorder,
            caps,
            themes,
            theme: None,
            mouse: setup.mouse,
            clipboard: None,
            next_look: Instant::now(),
            exit: None,
        };
        console.begin_recording(memory);
        console.hear(Msg::Snapshot(first));
        if let Some(control) = &mut console.control {
            let account = control.snapshot.borrow_and_update().clone();
            console.hear(Msg::Control(account));
        }
        if !known {
            console.state.complain(format!("there is no theme `{wanted}`; there are: {all}"));
        }
        if let Some(problem) = forgotten {
            console.state.complain(problem);
        }
        if let Some(problem) = found.problem {
            console.state.complain(problem);
        }
        console.dress();
        console
    }

    /// Says in the recording what this console starts from.
    fn begin_recording(&self, memory: Memory) {
        let Some(recorder) = &self.recorder else { return };
        let utc_ms = self.clock.utc_now().as_millisecond();
        recorder.begin(Header {
            themes: self.state.themes.clone(),
            prices: self.state.prices.clone(),
            agreed_prices: self.state.agreed_prices.clone(),
            keys: self.state.keymap.overrides().clone(),
            settings: self.state.settings.values.clone(),
            memory,
            private: self.state.private,
            muted: self.state.warned.muted().map(str::to_owned).collect(),
            ..Header::new(utc_ms, self.state.size, self.state.theme_name())
        });
    }

    /// One message: into the recording, then into the state.
    fn hear(&mut self, msg: Msg) -> Vec<Effect> {
        let now = self.clock.now();
        if let Some(recorder) = &self.recorder {
            recorder.take(now, &msg);
            let stopped = recorder.stopped().map(str::to_owned);
            let before = matches!(self.state.tape, Tape::Recording { stopped: Some(_), .. });
            if let Some(why) = stopped.as_ref().filter(|_| !before) {
                self.state.complain(format!("the recording has ended: {why}"));
            }
            self.state.tape = Tape::Recording { lost: recorder.lost(), stopped };
        }
        update(&mut self.state, msg, now)
    }

    /// Writes down what is kept for the next time.
    fn remember(&self) -> io::Result<()> {
        self.memory.as_deref().map_or(Ok(()), |path| keep::write(path, &Memory::of(&self.state)))
    }

    /// Builds the theme in use for this terminal, if it is another one than before.
    fn dress(&mut self) {
        let name = self.state.theme_name();
        if self.theme.as_ref().is_none_or(|theme| theme.name() != name) {
            self.theme = self.themes.get(name).or_else(|| self.theme.take());
        }
    }

    /// Looks whether the operator's own themes have changed.
    fn look_at_themes(&mut self, now: Instant) {
        let news = self.themes.look(now);
        if news.changed {
            self.state.set_themes(self.themes.names());
            self.theme = self.themes.get(self.state.theme_name()).or_else(|| self.theme.take());
        }
        if let Some(problem) = news.problem {
            self.state.complain(problem);
        }
    }

    fn take(&mut self, msg: Msg) -> Reaction {
        let effects = self.hear(msg);
        let mut reaction = Reaction::Redraw;
        for effect in effects {
            match effect {
                Effect::Engine(order) => (self.commands)(order.into_inner()),
                Effect::Control(order) => {
                    if let Some(control) = &self.control {
                        (control.orders)(order.into_inner());
                    }
                }
                Effect::Write { name, text } => {
                    let written = write_new(&self.incidents, &name, &text);
                    let said = written.map(|path| path.display().to_string()).map_err(|error| error.to_string());
                    self.hear(Msg::Written(said));
                }
                Effect::Picture { name } => {
                    let drawn = self.theme.as_ref().map(|theme| picture::draw(&self.state, self.state.size, theme));
                    let written = write_new(&self.incidents, &name, &drawn.unwrap_or_default());
                    let said = written.map(|path| path.display().to_string()).map_err(|error| error.to_string());
                    self.hear(Msg::Written(said));
                }
                Effect::Copy { what, text } => {
                    let said = self.caps.clipboard(what);
                    if said.is_ok() {
                        self.clipboard = Some(text);
                    }
                    self.hear(Msg::Copied(said));
                }
                Effect::Remember => {
                    if let Err(error) = self.remember() {
                        self.state.complain(format!("not kept for the next time: {error}"));
                    }
                }
                Effect::Redraw if reaction == Reaction::Redraw => reaction = Reaction::Repaint,
                Effect::Suspend if self.exit.is_none() => reaction = Reaction::Suspend,
                Effect::Redraw | Effect::Suspend => {}
                Effect::Quit(exit) => {
                    self.exit.get_or_insert(exit);
                    reaction = Reaction::Quit;
                }
            }
        }
        self.dress();
        reaction
    }
}

/// Whether nothing but clocks and ages can have moved between two snapshots of an engine at rest: they are drawn together,
/// with the next second.
fn only_aged(before: &EngineSnapshot, after: &EngineSnapshot) -> bool {
    before.state == after.state
        && before.knobs == after.knobs
        && before.scopes.len() == after.scopes.len()
        && before.marks.len() == after.marks.len()
        && before.journal.first() == after.journal.first()
}

impl term::App for Console {
    fn handle(&mut self, event: Event, now: Instant) -> Reaction {
        self.look_at_themes(now);
        let reaction = match event {
            Event::Key(key, _) => match chord(key) {
                Some(chord) => self.take(Msg::Key(chord)),
                None => Reaction::Nothing,
            },
            Event::Paste(text) => self.take(Msg::Paste(text)),
            Event::Wheel { down } => self.take(Msg::Wheel(down)),
            Event::Click { column, row } => {
                let kit = self
                    .theme
                    .as_ref()
                    .filter(|_| self.mouse)
                    .map(|theme| Kit::new(theme, Glyphs::of(self.caps.glyphs)));
                match kit.and_then(|kit| ui::hit(&self.state, kit, column, row)) {
                    Some(hit) => self.take(Msg::Click(hit)),
                    None => Reaction::Nothing,
                }
            }
            Event::Resize(size) => self.take(Msg::Resize(size.width, size.height)),
            Event::Signal(SignalKind::Interrupt | SignalKind::Terminate) => self.take(Msg::Terminate),
            Event::Signal(SignalKind::Stop) => self.take(Msg::Stop),
            Event::Resumed => self.take(Msg::Resumed),
            Event::Wake => {
                let (before, was_at_work) = (self.state.live.clone(), self.state.at_work());
                let latest = self.snapshot.borrow_and_update().clone();
                let mut reaction = self.take(Msg::Snapshot(latest));
                let at_rest = !was_at_work && !self.state.at_work();
                if reaction == Reaction::Redraw && at_rest && only_aged(&before, &self.state.live) {
                    reaction = Reaction::Nothing;
                }
                let account = self.control.as_mut().filter(|control| control.snapshot.has_changed().unwrap_or(false));
                match account.map(|control| control.snapshot.borrow_and_update().clone()) {
                    // What ends the console is not taken back by other news.
                    Some(latest) if matches!(reaction, Reaction::Redraw | Reaction::Nothing) => {
                        self.take(Msg::Control(latest))
                    }
                    _ => reaction,
                }
            }
            Event::Deadline => self.take(Msg::Tick),
            Event::Hangup => self.take(Msg::Hangup),
        };
        // The clock on screen shows whole seconds; nothing else changes by itself.
        let waiting = self.state.leaving.is_some() || self.state.suspending.is_some();
        let to_next_second = 1_000 - self.state.utc_ms().rem_euclid(1_000);
        let second = Duration::from_millis(to_next_second.unsigned_abs());
        self.next_look = now + if waiting { WAITING } else { second };
        reaction
    }

    fn render(&mut self, frame: &mut Frame<'_>, _: Instant) {
        let area = frame.area();
        if self.state.size != (area.width, area.height) {
            self.hear(Msg::Resize(area.width, area.height));
        }
        let Some(theme) = &self.theme else { return };
        let kit = Kit::new(theme, Glyphs::of(self.caps.glyphs));
        if let Some(cursor) = ui::render(&self.state, kit, area, frame.buffer_mut()) {
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

/// The key of a terminal event; `None` for releases and for keys that mean nothing anywhere.
pub(super) fn chord(event: KeyEvent) -> Option<Chord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(number) => Key::F(number),
        _ => return None,
    };
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    // Ctrl-C is the same key with caps lock on.
    let key = match key {
        Key::Char(c) if ctrl => Key::Char(c.to_ascii_lowercase()),
        other => other,
    };
    Some(Chord { key, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) })
}

/// Writes a new file and never touches an old one: a second report of the same second gets a number.
pub(super) fn write_new(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "md"));
    for number in 1..=SAME_NAME {
        let path = match number {
            1 => folder.join(name),
            _ => folder.join(format!("{stem}-{number}.{extension}")),
        };
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} and its numbers exist", folder.join(name).display())))
}

#[cfg(test)]
mod tests;
