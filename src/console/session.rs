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
use crate::workload::RunClock;

use super::app::memory::Memory;
use super::app::{Effect, Exit, ModelPrice, Msg, State, Tape, update};
use super::keep;
use super::keys::{Chord, Key, Keymap};
use super::picture;
use super::recording::{Header, Recorder};
use super::term::caps::Unusable;
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
mod tests {
    use std::sync::mpsc;

    use super::super::ui::fixtures;
    use super::term::App;
    use super::*;
    use crate::control::Order;
    use crate::engine::LoadState;
    use crate::record::Micros;

    struct Rig {
        console: Console,
        engine: watch::Sender<Arc<EngineSnapshot>>,
        orders: mpsc::Receiver<Command>,
        account: watch::Sender<Arc<ControlSnapshot>>,
        account_orders: mpsc::Receiver<ControlCommand>,
        folder: tempfile::TempDir,
    }

    fn rig(snapshot: EngineSnapshot) -> Rig {
        recorded_rig(snapshot, None)
    }

    fn recorded_rig(snapshot: EngineSnapshot, recorder: Option<Recorder>) -> Rig {
        let (engine, receiver) = watch::channel(Arc::new(snapshot));
        let (sender, orders) = mpsc::channel();
        let (account, account_receiver) = watch::channel(Arc::new(fixtures::account().0));
        let (account_sender, account_orders) = mpsc::channel();
        let folder = tempfile::tempdir().unwrap();
        // A recording has to carry what its keys meant.
        let own = [("view.freeze".to_owned(), vec!["e".to_owned()]), ("view.expand".to_owned(), vec!["f".to_owned()])];
        let keymap = recorder.as_ref().map(|_| Keymap::new(&own.into_iter().collect()).unwrap()).unwrap_or_default();
        let setup = ConsoleSetup {
            snapshot: receiver,
            commands: Box::new(move |command| sender.send(command).unwrap()),
            control: Some(ConsoleControl {
                snapshot: account_receiver,
                orders: Box::new(move |order| account_sender.send(order).unwrap()),
                agreed: Vec::new(),
            }),
            clock: RunClock::start(),
            theme: None,
            themes: None,
            slow_link: false,
            mouse: false,
            max_fps: None,
            keymap,
            incidents: folder.path().join("incidents"),
            prices: Vec::new(),
            recorder,
            settings: Vec::new(),
            memory: None,
            private: false,
        };
        let console = Console::new(setup, Caps::FULL);
        Rig { console, engine, orders, account, account_orders, folder }
    }

    impl Rig {
        fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Reaction {
            let now = Instant::now();
            self.console.handle(Event::Key(KeyEvent::new(code, modifiers), now), now)
        }
    }

    #[test]
    fn keys_become_orders_and_news_become_the_screen() {
        let mut rig = rig(fixtures::running());
        assert_eq!(rig.key(KeyCode::Char('p'), KeyModifiers::NONE), Reaction::Redraw);
        assert_eq!(rig.orders.try_recv(), Ok(Command::Pause));
        let mut paused = fixtures::running();
        paused.state = LoadState::Paused;
        rig.engine.send_replace(Arc::new(paused));
        assert_eq!(rig.console.handle(Event::Wake, Instant::now()), Reaction::Redraw);
        assert_eq!(rig.console.state.live.state, LoadState::Paused);
    }

    #[test]
    fn at_rest_only_what_happened_is_drawn_before_the_next_second() {
        let mut rig = rig(fixtures::idle());
        let hear = |rig: &mut Rig, snapshot: &EngineSnapshot| {
            rig.engine.send_replace(Arc::new(snapshot.clone()));
            rig.console.handle(Event::Wake, Instant::now())
        };
        let mut next = fixtures::idle();
        next.at = next.at + Micros::from_millis(200);
        assert_eq!(hear(&mut rig, &next), Reaction::Nothing);
        assert_eq!(rig.console.state.live.at, next.at, "it is known all the same");
        assert_eq!(rig.console.handle(Event::Deadline, Instant::now()), Reaction::Redraw);
        next.state = LoadState::Running;
        assert_eq!(hear(&mut rig, &next), Reaction::Redraw);
        next.state = LoadState::Paused;
        assert_eq!(hear(&mut rig, &next), Reaction::Redraw);
    }

    #[test]
    fn news_of_the_account_become_the_screen_and_orders_go_to_it() {
        let mut rig = rig(fixtures::running());
        assert_eq!(rig.key(KeyCode::Char('3'), KeyModifiers::NONE), Reaction::Redraw);
        assert!(!rig.console.state.visible_provisioned().is_empty(), "the first snapshot is there at once");
        rig.account.send_replace(Arc::new(ControlSnapshot::default()));
        assert_eq!(rig.console.handle(Event::Wake, Instant::now()), Reaction::Redraw);
        assert!(rig.console.state.visible_provisioned().is_empty());
        rig.key(KeyCode::Char('r'), KeyModifiers::CONTROL);
        assert_eq!(rig.account_orders.try_recv().map(|command| command.order), Ok(Order::Refresh));
        assert!(rig.orders.try_recv().is_err(), "nothing goes to the engine");
    }

    #[test]
    fn leaving_gives_the_reason_out() {
        let mut rig = rig(fixtures::running());
        assert_eq!(rig.key(KeyCode::Char('C'), KeyModifiers::CONTROL), Reaction::Redraw);
        assert_eq!(rig.orders.try_recv(), Ok(Command::Drain));
        assert_eq!(rig.key(KeyCode::Char('q'), KeyModifiers::NONE), Reaction::Quit);
        assert_eq!(rig.console.exit, Some(Exit::Abandoned { in_flight: 14 }));
    }

    #[test]
    fn a_hangup_orders_nothing() {
        let mut rig = rig(fixtures::running());
        assert_eq!(rig.console.handle(Event::Hangup, Instant::now()), Reaction::Quit);
        assert_eq!(rig.console.exit, Some(Exit::Hangup));
        assert!(rig.orders.try_recv().is_err());
    }

    #[test]
    fn incidents_never_overwrite_each_other() {
        let mut rig = rig(fixtures::running());
        for _ in 0..3 {
            rig.key(KeyCode::Char('i'), KeyModifiers::NONE);
        }
        let mut names: Vec<String> = fs::read_dir(rig.folder.path().join("incidents"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let stem = "incident-20260823T141502Z";
        assert_eq!(names, [format!("{stem}-2.md"), format!("{stem}-3.md"), format!("{stem}.md")]);
        assert!(rig.console.state.toast.as_ref().unwrap().text.contains(stem));
    }

    #[test]
    fn the_theme_follows_the_picker_and_the_screen_is_repainted_on_demand() {
        let mut rig = rig(fixtures::idle());
        let before = rig.console.theme.as_ref().unwrap().name().to_owned();
        rig.key(KeyCode::Char('t'), KeyModifiers::NONE);
        rig.key(KeyCode::Down, KeyModifiers::NONE);
        assert_ne!(rig.console.theme.as_ref().unwrap().name(), before);
        assert_eq!(rig.key(KeyCode::Char('l'), KeyModifiers::CONTROL), Reaction::Repaint);
    }

    fn bare(snapshot: watch::Receiver<Arc<EngineSnapshot>>) -> ConsoleSetup {
        ConsoleSetup {
            snapshot,
            commands: Box::new(|_| {}),
            control: None,
            clock: RunClock::start(),
            theme: None,
            themes: None,
            slow_link: false,
            mouse: false,
            max_fps: None,
            keymap: Keymap::default(),
            incidents: PathBuf::new(),
            prices: Vec::new(),
            recorder: None,
            settings: Vec::new(),
            memory: None,
            private: false,
        }
    }

    #[test]
    fn an_unknown_theme_is_said() {
        let (_engine, receiver) = watch::channel(Arc::new(fixtures::idle()));
        let setup = ConsoleSetup { theme: Some("beige".to_owned()), ..bare(receiver) };
        let console = Console::new(setup, Caps::FULL);
        assert!(console.state.toast.unwrap().text.contains("beige"));
        assert!(console.theme.is_some());
    }

    #[test]
    fn what_was_picked_is_there_at_the_next_start() {
        let mut before = rig(fixtures::idle());
        let path = before.folder.path().join("state/console.json");
        before.console.memory = Some(path.clone());
        for key in ['t', 'j', '\r', '7', 'v'] {
            let code = if key == '\r' { KeyCode::Enter } else { KeyCode::Char(key) };
            before.key(code, KeyModifiers::NONE);
        }
        let picked = before.console.theme.as_ref().unwrap().name().to_owned();
        assert_ne!(picked, theme::DEFAULT);
        assert!(fs::read_to_string(&path).unwrap().contains(&picked), "written when it was picked");
        before.console.remember().unwrap();
        let open = |theme: Option<&str>| {
            let (engine, receiver) = watch::channel(Arc::new(fixtures::idle()));
            let setup = ConsoleSetup { theme: theme.map(str::to_owned), memory: Some(path.clone()), ..bare(receiver) };
            drop(engine);
            Console::new(setup, Caps::FULL)
        };
        let after = open(None);
        assert_eq!(after.theme.as_ref().unwrap().name(), picked);
        assert_eq!(after.state.screen, crate::console::app::Screen::Log);
        assert!(after.state.level > crate::engine::Level::Info && after.state.toast.is_none());
        assert_eq!(open(Some("paper")).theme.unwrap().name(), "paper", "flag and file win");
        fs::write(&path, "{ \"version\": 1").unwrap();
        let fresh = open(None);
        assert_eq!(fresh.theme.as_ref().unwrap().name(), theme::DEFAULT);
        assert!(fresh.state.toast.unwrap().text.contains("damaged"));
    }

    #[test]
    fn a_theme_that_cannot_be_kept_is_picked_all_the_same() {
        let mut rig = rig(fixtures::idle());
        let file = rig.folder.path().join("file");
        fs::write(&file, "").unwrap();
        rig.console.memory = Some(file.join("console.json"));
        for code in [KeyCode::Char('t'), KeyCode::Char('j'), KeyCode::Enter] {
            rig.key(code, KeyModifiers::NONE);
        }
        assert_ne!(rig.console.theme.as_ref().unwrap().name(), theme::DEFAULT);
        assert!(rig.console.state.toast.as_ref().unwrap().text.contains("not kept for the next time"));
    }

    #[test]
    fn the_clock_is_looked_at_every_second_and_more_often_while_leaving() {
        let mut rig = rig(fixtures::running());
        let now = Instant::now();
        rig.console.handle(Event::Deadline, now);
        let wait = rig.console.next_deadline().unwrap() - now;
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        rig.console.handle(Event::Signal(SignalKind::Terminate), now);
        assert_eq!(rig.console.next_deadline().unwrap() - now, WAITING);
    }

    fn dump(state: &State, theme: &Theme) -> String {
        let area = ratatui::layout::Rect::new(0, 0, state.size.0, state.size.1);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        ui::render(state, Kit::new(theme, Glyphs::of(term::GlyphLevel::Braille)), area, &mut buffer);
        ui::dump::styled_dump(&buffer)
    }

    #[test]
    fn a_recording_replays_to_the_same_screens_as_were_seen() {
        let recordings = tempfile::tempdir().unwrap();
        let path = recordings.path().join("session.rec");
        let mut rig = recorded_rig(fixtures::idle(), Some(Recorder::create(&path).unwrap()));
        let mut seen = Vec::new();
        let mut moment = fixtures::running();
        let mut see = |rig: &mut Rig| {
            // Each message is a moment of its own.
            rig.console.hear(Msg::Tick);
            let mut state = State::new(rig.console.state.live.clone(), (1, 1), Vec::new(), "");
            std::mem::swap(&mut state, &mut rig.console.state);
            let tape = std::mem::take(&mut state.tape);
            seen.push((rig.console.clock.now(), dump(&state, rig.console.theme.as_ref().unwrap())));
            state.tape = tape;
            rig.console.state = state;
        };
        rig.console.hear(Msg::Resize(120, 40));
        for (step, key) in "2jj1ef5/syn".chars().chain(['\r', 'x', '7', 't', 'j', '\r', '1', '?']).enumerate() {
            moment.at = rig.console.clock.now();
            moment.utc_ms += 137;
            moment.flow.in_flight = step as u32;
            rig.engine.send_replace(Arc::new(moment.clone()));
            rig.console.handle(Event::Wake, Instant::now());
            let code = if key == '\r' { KeyCode::Enter } else { KeyCode::Char(key) };
            rig.key(code, KeyModifiers::NONE);
            see(&mut rig);
        }
        rig.console.recorder = None;
        for _ in 0..2 {
            let recording = super::super::recording::Recording::open(&path).unwrap();
            let mut player = super::super::replay::Player::new(recording, true).unwrap();
            for (at, screen) in &seen {
                player.advance(*at, None);
                let mut state = State::new(player.state.live.clone(), (1, 1), Vec::new(), "");
                std::mem::swap(&mut state, &mut player.state);
                let tape = std::mem::take(&mut state.tape);
                let theme = rig.console.themes.get(state.theme_name()).unwrap();
                assert!(dump(&state, &theme) == *screen, "at {at:?}:\n{}{screen}", dump(&state, &theme));
                state.tape = tape;
                player.state = state;
            }
            assert_eq!(player.upcoming(), None);
        }
    }

    #[test]
    fn what_the_disk_lost_is_on_the_screen() {
        let mut rig = rig(fixtures::running());
        rig.console.state.tape = Tape::Recording { lost: 12, stopped: None };
        rig.console.state.size = (120, 40);
        assert!(dump(&rig.console.state, rig.console.theme.as_ref().unwrap()).contains("REC 12 lost"));
    }
}
