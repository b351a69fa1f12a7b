//! The console between a terminal that is not there and its pure parts.

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
        muted: Vec::new(),
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
        muted: Vec::new(),
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
