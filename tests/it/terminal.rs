//! What the terminal room promises, checked with a small program: this very binary, started again with [`DEMO`] set.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "trials fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use bedrock_top::console::term::{
    App, Caps, Event, Exit, FrameStats, Reaction, Session, SessionOptions, SignalKind, Waker,
};
use crossterm::event::{KeyCode, KeyModifiers};
use libtest_mimic::{Failed, Trial};
use ratatui::Frame;
use ratatui::style::{Modifier, Style};
use rustix::process::Signal;

use crate::pty::{Pty, check, check_restored};

/// Set in the environment of this binary to make it the small program.
const DEMO: &str = "BEDROCK_TOP_IT_DEMO";

/// Counts keys and tells what happens to it.
struct Demo {
    keys: u32,
    last: String,
    resumes: u32,
    news: u32,
    noise: bool,
    waker: Waker,
    stats: Arc<FrameStats>,
    hung_up: bool,
    panics: bool,
}

impl App for Demo {
    fn handle(&mut self, event: Event, _now: Instant) -> Reaction {
        match event {
            Event::Key(key, _) => self.key(key.code, key.modifiers),
            Event::Wheel { .. } | Event::Click { .. } => Reaction::Nothing,
            Event::Paste(text) => {
                self.last = format!("paste of {}", text.len());
                Reaction::Redraw
            }
            Event::Signal(SignalKind::Stop) => Reaction::Suspend,
            Event::Signal(_) => Reaction::Quit,
            Event::Resumed => {
                self.resumes += 1;
                Reaction::Redraw
            }
            Event::Wake => {
                self.news += 1;
                Reaction::Redraw
            }
            Event::Hangup => {
                self.hung_up = true;
                Reaction::Nothing
            }
            Event::Resize(_) | Event::Deadline => Reaction::Nothing,
        }
    }

    fn render(&mut self, frame: &mut Frame<'_>, _now: Instant) {
        if self.panics {
            panic!("the drawing broke");
        }
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let writes = self.stats.writes.load(Ordering::Relaxed);
        let frames = self.stats.frames.load(Ordering::Relaxed);
        let lines = [
            format!("size {}x{} end", area.width, area.height),
            format!("keys {} end", self.keys),
            format!("last {} end", self.last),
            format!("resumed {} end", self.resumes),
            format!("frames {frames} writes {writes} end"),
        ];
        for (y, line) in (0..area.height).zip(&lines) {
            buffer.set_stringn(0, y, line, usize::from(area.width), Style::new());
        }
        if area.height > 5 {
            let selected = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
            buffer.set_stringn(0, 5, "selected", usize::from(area.width), selected);
        }
        if self.noise {
            for position in area.positions() {
                let letter = (u32::from(position.x) * 7 + u32::from(position.y) + self.news) % 26;
                buffer[position].set_char(char::from_u32('a' as u32 + letter).unwrap_or('?'));
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

impl Demo {
    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Reaction {
        match code {
            KeyCode::Char('q') => return Reaction::Quit,
            KeyCode::Char('z') if modifiers == KeyModifiers::CONTROL => return Reaction::Suspend,
            // Nothing that can be seen.
            KeyCode::Char('n') => return Reaction::Nothing,
            KeyCode::Char('p') => self.panics = true,
            KeyCode::Char('P') => {
                thread::spawn(|| panic!("the engine broke"));
                return Reaction::Nothing;
            }
            // A frame that no terminal buffer holds.
            KeyCode::Char('w') => self.noise = true,
            // One frame that no terminal buffer holds; while it is stuck another thread, which must not notice, counts
            // to the end of the process.
            KeyCode::Char('f') => {
                self.noise = true;
                let (waker, stats) = (self.waker.clone(), Arc::clone(&self.stats));
                let begun = stats.frames.load(Ordering::Relaxed);
                thread::spawn(move || {
                    while stats.frames.load(Ordering::Relaxed) == begun {
                        thread::yield_now();
                    }
                    (0..100_000).for_each(|_| waker.wake());
                    let stuck = stats.bytes.load(Ordering::Relaxed) < 100_000;
                    std::process::exit(if stuck { 7 } else { 8 });
                });
            }
            _ => {}
        }
        self.keys += 1;
        self.last = format!("{code:?}");
        Reaction::Redraw
    }
}

fn demo() -> i32 {
    let caps = match Caps::from_env() {
        Ok(caps) => caps,
        Err(unusable) => {
            eprintln!("{unusable}");
            return 2;
        }
    };
    let session = match Session::start(SessionOptions { caps, max_fps: None, mouse: false }) {
        Ok(session) => session,
        Err(error) => {
            eprintln!("{error}");
            return 3;
        }
    };
    let mut app = Demo {
        keys: 0,
        last: String::new(),
        resumes: 0,
        news: 0,
        noise: false,
        waker: session.waker(),
        stats: session.stats(),
        hung_up: false,
        panics: false,
    };
    match session.run(&mut app) {
        Ok(Exit::Quit) => {
            println!("quit after {} keys", app.keys);
            0
        }
        Ok(Exit::Hangup) if app.hung_up => 42,
        Ok(Exit::Hangup) => 43,
        Ok(Exit::Panicked) => 44,
        Err(error) => {
            eprintln!("{error}");
            4
        }
    }
}

fn demo_pty(env: &[(&str, &str)], size: (u16, u16)) -> Pty {
    let program = std::env::current_exe().unwrap();
    let env: Vec<(&str, &str)> = env.iter().copied().chain([(DEMO, "1")]).collect();
    Pty::spawn(program.to_str().unwrap(), &[], &env, size)
}

/// All trials of the terminal; or, if this process was started as the small program, that program and no return.
pub fn trials() -> Vec<Trial> {
    if std::env::var_os(DEMO).is_some() {
        std::process::exit(demo());
    }
    let trial = |name: &str, run: fn() -> Result<(), Failed>| Trial::test(format!("terminal::{name}"), run);
    vec![
        trial("the_harness_talks_to_a_shell", harness_talks_to_a_shell),
        trial("the_terminal_is_taken_and_given_back", taken_and_given_back),
        trial("line_modes_are_given_back", line_modes_are_given_back),
        trial("a_panic_gives_the_terminal_back_first", panic_gives_back),
        trial("a_panic_of_another_thread_ends_the_console", panic_elsewhere),
        trial("sigterm_gives_the_terminal_back", sigterm_gives_back),
        trial("a_hangup_ends_the_console", hangup_ends),
        trial("a_hangup_in_the_middle_of_a_key_ends_the_console", hangup_inside_a_key),
        trial("ctrl_z_stops_and_continues", ctrl_z),
        trial("stop_from_outside_and_continue_repaints", stopped_from_outside),
        trial("a_storm_of_resizes_ends_well", resize_storm),
        trial("a_frame_is_one_write_and_idling_is_none", one_write_a_frame),
        trial("a_flood_of_keys_is_a_few_frames", key_flood),
        trial("keys_and_pastes_arrive", keys_arrive),
        trial("no_color_keeps_reverse_and_sends_no_colour", no_color),
        trial("a_stalled_terminal_stalls_nobody_else", stalled_terminal),
        trial("a_stalled_terminal_does_not_keep_signals_out", stalled_and_told_to_end),
        trial("a_terminal_that_takes_bytes_again_shows_the_whole_screen", stalled_and_back),
        trial("sigquit_gives_the_terminal_back", sigquit_gives_back),
        trial("a_dumb_terminal_is_refused", dumb_terminal),
    ]
}

fn harness_talks_to_a_shell() -> Result<(), Failed> {
    let mut pty = Pty::spawn("sh", &["-c", "echo ready; read x; echo got $x; stty size; exit 3"], &[], (50, 10));
    pty.wait_text("ready")?;
    pty.resize(60, 12);
    pty.send("some words\r");
    pty.wait_text("got some words")?;
    pty.wait_text("12 60")?;
    check(pty.wait_exit()? == 3, "the exit code is lost")
}

fn taken_and_given_back() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("size 80x24 end")?;
    let screen = pty.screen();
    check(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste(), "the modes are not set")?;
    pty.send("aq");
    check(pty.wait_exit()? == 0, "the exit code is not 0")?;
    check_restored(&pty)?;
    check(pty.text().contains("quit after 1 keys"), pty.text())
}

fn line_modes_are_given_back() -> Result<(), Failed> {
    let program = std::env::current_exe()?;
    let script = format!("{DEMO}=1 '{}'; stty -a; echo done", program.display());
    let mut pty = Pty::spawn("sh", &["-c", &script], &[], (80, 24));
    pty.wait_text("size 80x24 end")?;
    pty.send("q");
    pty.wait_text("done")?;
    let text = pty.text();
    let modes: Vec<&str> = text.split_whitespace().collect();
    for mode in ["icanon", "isig", "echo", "opost", "icrnl"] {
        check(modes.contains(&mode), format!("{mode} is off:\n{text}"))?;
    }
    pty.wait_exit().map(|_| ())
}

fn panic_gives_back() -> Result<(), Failed> {
    let mut pty = demo_pty(&[("RUST_BACKTRACE", "0")], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.send("p");
    check(pty.wait_exit()? == 101, "a panic ends with 101")?;
    check_restored(&pty)?;
    check(pty.text().contains("the drawing broke"), format!("the message is not on the screen:\n{}", pty.text()))
}

fn panic_elsewhere() -> Result<(), Failed> {
    let mut pty = demo_pty(&[("RUST_BACKTRACE", "0")], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.send("P");
    check(pty.wait_exit()? == 44, "the console did not notice")?;
    check_restored(&pty)?;
    check(pty.text().contains("the engine broke"), format!("the message is not on the screen:\n{}", pty.text()))
}

fn sigterm_gives_back() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.signal(Signal::TERM);
    check(pty.wait_exit()? == 0, "SIGTERM is not a quit")?;
    check_restored(&pty)
}

fn hangup_ends() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.close();
    check(pty.wait_exit_unread()? == 42, "the hang-up did not reach the app")
}

fn hangup_inside_a_key() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.send("\x1b[");
    pty.close();
    check(pty.wait_exit_unread()? == 42, "the hang-up did not reach the app")
}

fn ctrl_z() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.send("a\x1a");
    pty.wait("the main screen", |screen| !screen.alternate_screen())?;
    pty.wait_stopped()?;
    check_restored(&pty)?;
    pty.signal(Signal::CONT);
    pty.wait("the alternate screen", |screen| screen.alternate_screen() && screen.hide_cursor())?;
    pty.wait_text("keys 1 end")?;
    pty.wait("a resumption", |screen| !screen.contents().contains("resumed 0 end"))?;
    pty.send("bq");
    check(pty.wait_exit()? == 0, "it did not go on")?;
    check(pty.text().contains("quit after 2 keys"), pty.text())
}

fn stopped_from_outside() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.signal(Signal::STOP);
    pty.wait_stopped()?;
    // Somebody draws over the screen meanwhile.
    pty.scribble(b"\x1b[2J\x1b[5;5Hnoise");
    pty.signal(Signal::CONT);
    pty.wait("a repaint", |screen| {
        let text = screen.contents();
        text.contains("resumed 1 end") && text.contains("selected") && !text.contains("noise")
    })?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "it did not go on")
}

fn resize_storm() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    for i in 0..100u16 {
        match i % 4 {
            0 => pty.resize(1, 1),
            1 => pty.resize(300, 100),
            2 => pty.resize(20 + i, 5 + i / 4),
            _ => pty.resize(80, 2),
        }
        pty.send("a");
    }
    pty.resize(64, 20);
    pty.wait("the last size", |screen| {
        let text = screen.contents();
        text.contains("size 64x20 end") && text.contains("keys 100 end") && text.contains("selected")
    })?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "it did not survive")
}

fn one_write_a_frame() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.send("a");
    pty.wait_text("keys 1 end")?;
    let before = pty.bytes.len();
    // Handled, but nothing to be seen: no byte. The key after them makes the one frame.
    pty.send("nnnnnnnnnna");
    pty.wait_text("keys 2 end")?;
    let frame = &pty.bytes[before..];
    let begins = frame.windows(8).filter(|window| window == b"\x1b[?2026h").count();
    let ends = frame.windows(8).filter(|window| window == b"\x1b[?2026l").count();
    check((begins, ends) == (1, 1), format!("not one frame: {:?}", String::from_utf8_lossy(frame)))?;
    check(frame.len() < 120, format!("{} bytes for two digits", frame.len()))?;
    let counters = pty.text().lines().find(|line| line.starts_with("frames")).unwrap_or_default().to_owned();
    let numbers: Vec<&str> = counters.split(' ').collect();
    check(numbers.get(1) == numbers.get(3), format!("frames and writes differ: {counters}"))?;
    pty.send("q");
    pty.wait_exit().map(|_| ())
}

fn key_flood() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    let before = pty.bytes.len();
    pty.send(&"a".repeat(500));
    pty.wait_text("keys 500 end")?;
    let frames = pty.bytes[before..].windows(8).filter(|window| window == b"\x1b[?2026h").count();
    check(frames <= 60, format!("{frames} frames for 500 keys"))?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "it did not survive")
}

fn keys_arrive() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    for (bytes, name) in [
        ("\x1b[A", "last Up end"),
        ("\x1b", "last Esc end"),
        ("\x1bOP", "last F(1) end"),
        ("é", "last Char('é') end"),
        ("\x1b[200~q\nq\x1b[201~", "last paste of 3 end"),
        ("\r", "last Enter end"),
    ] {
        pty.send(bytes);
        pty.wait_text(name)?;
    }
    // A key torn in two by the network.
    pty.send("\x1b[");
    pty.send("B");
    pty.wait_text("last Down end")?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "it did not survive")
}

fn no_color() -> Result<(), Failed> {
    let mut pty = demo_pty(&[("NO_COLOR", "1")], (80, 24));
    pty.wait_text("selected")?;
    let selected = pty.screen().cell(5, 0).is_some_and(|cell| cell.inverse() && cell.bold());
    check(selected, "the selection is not seen")?;
    pty.send("q");
    pty.wait_exit()?;
    let text = String::from_utf8_lossy(&pty.bytes).into_owned();
    for colour in ["\x1b[3", "\x1b[4", "\x1b[9", ";3", ";4"] {
        check(!text.contains(colour), format!("a colour was sent ({colour:?})"))?;
    }
    Ok(())
}

fn stalled_terminal() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (500, 200));
    pty.wait_text("keys 0 end")?;
    pty.send("f");
    // From here on nobody reads: the screen fills the terminal's buffer and the UI thread blocks in its write.
    let code = pty.wait_exit_unread()?;
    check(code == 7, format!("the other thread was held up, or the terminal was not stuck: {code}"))
}

fn stalled_and_told_to_end() -> Result<(), Failed> {
    for (signal, code) in [(Signal::TERM, 0), (Signal::INT, 0), (Signal::HUP, 42)] {
        let mut pty = demo_pty(&[], (500, 200));
        pty.wait_text("keys 0 end")?;
        // Nobody reads any more: a screen of 100,000 letters is more than a terminal holds.
        pty.send("wab");
        pty.signal(signal);
        check(pty.wait_exit_unread()? == code, format!("{signal:?} does not end it"))?;
        // What was left in the terminal: half a frame, perhaps, and in any case the end of our modes.
        pty.wait_exit()?;
        check_restored(&pty)?;
    }
    Ok(())
}

fn stalled_and_back() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (500, 200));
    pty.wait_text("keys 0 end")?;
    // Much more than the terminal holds, and keys behind it, before anybody reads.
    pty.send("w");
    pty.send(&"a".repeat(300));
    pty.wait("the last cell of the frame", |screen| {
        screen.cell(199, 499).is_some_and(|cell| cell.contents().chars().all(|c| c.is_ascii_lowercase()))
            && screen.cell(0, 0).is_some_and(|cell| cell.contents().chars().all(|c| c.is_ascii_lowercase()))
    })?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "it did not survive")?;
    check(pty.text().contains("quit after 301 keys"), pty.text())?;
    check_restored(&pty)
}

fn sigquit_gives_back() -> Result<(), Failed> {
    let mut pty = demo_pty(&[], (80, 24));
    pty.wait_text("keys 0 end")?;
    pty.signal(Signal::QUIT);
    check(pty.wait_exit()? == 0, "SIGQUIT is not a quit")?;
    check_restored(&pty)
}

fn dumb_terminal() -> Result<(), Failed> {
    let mut pty = demo_pty(&[("TERM", "dumb")], (80, 24));
    check(pty.wait_exit()? == 2, "a dumb terminal was taken")?;
    check(!pty.bytes.contains(&0x1b), "an escape sequence was sent to a dumb terminal")?;
    check(pty.text().contains("TERM is `dumb`"), pty.text())
}
