//! The UI loop: waits, lets the app handle what came, draws when something changed, never faster than it must.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine;
use ratatui::backend::Backend;
use ratatui::{Frame, Terminal};

use super::caps::Caps;
use super::guard::Modes;
use super::inbox::{Event, Inbox, Item, Waker};
use super::input::InputThread;
use super::signals::SignalThread;
use super::suspend;
use super::tty::Tty;
use super::writer::{FrameStats, FrameWriter};

/// Shortest time between two frames that only news asked for.
const NEWS_INTERVAL: Duration = Duration::from_millis(100);
const SLOW_NEWS_INTERVAL: Duration = Duration::from_millis(500);
/// Bytes per second that news may cost: after a large frame the next one waits until its bytes are worth it. A list that
/// scrolls under load would otherwise send whole screens.
const NEWS_BUDGET: f64 = 10_000.0;
const SLOW_NEWS_BUDGET: f64 = 2_000.0;
/// The longest that news wait for that reason.
const MOST_DELAY: Duration = Duration::from_secs(1);
/// Shortest time between two frames when a person waits for the answer.
const INPUT_INTERVAL: Duration = Duration::from_millis(8);
const SLOW_INPUT_INTERVAL: Duration = Duration::from_millis(100);
/// How often a terminal that takes no bytes is offered the rest of a frame.
const OFFER_INTERVAL: Duration = Duration::from_millis(20);
/// Shortest time between two deadlines.
const MIN_DEADLINE: Duration = Duration::from_millis(10);

/// What the loop drives. The loop owns time and the terminal; the app owns everything else.
pub trait App {
    /// Handles one event. `now` is the moment at which the loop took it.
    fn handle(&mut self, event: Event, now: Instant) -> Reaction;

    /// Draws everything. Called only when a reaction asked for it.
    fn render(&mut self, frame: &mut Frame<'_>, now: Instant);

    /// When the app wants an [`Event::Deadline`] if nothing else happens (a clock, a toast that ends); `None`: never.
    fn next_deadline(&self) -> Option<Instant>;

    /// What the terminal is to put into its clipboard after this event.
    fn clipboard(&mut self) -> Option<String> {
        None
    }
}

/// What an event leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing visible has changed.
    Nothing,
    /// The screen has to be drawn again.
    Redraw,
    /// As `Redraw`, trusting nothing that is on the terminal now.
    Repaint,
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// Leave the loop.
    Quit,
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The app wanted it.
    Quit,
    /// The terminal is gone. The app got [`Event::Hangup`].
    Hangup,
    /// Another thread panicked; the terminal was given back and the panic printed.
    Panicked,
}

/// How a session is to behave.
#[derive(Clone, Copy, Debug)]
pub struct SessionOptions {
    /// What the terminal can do.
    pub caps: Caps,
    /// Most frames per second for news; `None`: 10, on a slow link 2.
    pub max_fps: Option<f64>,
    /// Take the mouse's wheel from the terminal.
    pub mouse: bool,
}

/// The terminal, taken, with its threads. Dropping it gives everything back.
#[derive(Debug)]
pub struct Session {
    tty: Tty,
    modes: Modes,
    inbox: Inbox,
    input: Option<InputThread>,
    _signals: SignalThread,
    terminal: Terminal<FrameWriter<Tty>>,
    pace: Pace,
}

impl Session {
    /// Takes the terminal and starts its threads.
    ///
    /// # Errors
    /// If there is no terminal, or threads are not to be had.
    pub fn start(options: SessionOptions) -> io::Result<Session> {
        let tty = Tty::open()?;
        let inbox = Inbox::new();
        // Signals before modes: a SIGTERM in between must find its handler.
        let signals = SignalThread::start(inbox.clone())?;
        let modes = Modes::enter(&tty, options.mouse)?;
        let waker = inbox.waker();
        modes.install_panic_hook(move || waker.wake());
        let input = Some(InputThread::start(tty.clone(), inbox.clone())?);
        let terminal = Terminal::new(FrameWriter::new(tty.clone(), tty.size()?, options.caps.sync_output))?;
        Ok(Session { tty, modes, inbox, input, _signals: signals, terminal, pace: Pace::new(&options) })
    }

    /// A handle by which other threads tell the app that there is news.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.inbox.waker()
    }

    /// Counters of frames, writes and bytes.
    #[must_use]
    pub fn stats(&self) -> Arc<FrameStats> {
        self.terminal.backend().stats()
    }

    /// Runs the app until it quits or the terminal is gone. The terminal is given back before this returns.
    ///
    /// # Errors
    /// What the terminal answers, except that it is gone: that is [`Exit::Hangup`].
    pub fn run(mut self, app: &mut impl App) -> io::Result<Exit> {
        let exit = match self.drive(app) {
            Err(error) if is_gone(&error) => {
                app.handle(Event::Hangup, Instant::now());
                Ok(Exit::Hangup)
            }
            other => other,
        };
        // Keys typed from now on belong to the shell.
        self.input = None;
        self.modes.leave();
        exit
    }

    fn drive(&mut self, app: &mut impl App) -> io::Result<Exit> {
        self.pace.want(Urgency::Input);
        let mut last_deadline = None;
        loop {
            if !self.modes.entered() {
                return Ok(Exit::Panicked);
            }
            self.terminal.backend_mut().push()?;
            let stuck = self.terminal.backend().stuck();
            let now = Instant::now();
            if !stuck && self.pace.due(now).is_some_and(|due| due <= now) {
                let stats = self.stats();
                let before = stats.bytes.load(Ordering::Relaxed);
                self.terminal.draw(|frame| app.render(frame, now))?;
                let bytes = stats.bytes.load(Ordering::Relaxed).saturating_sub(before);
                self.pace.drawn(Instant::now(), bytes);
            }
            // A deadline that the app forgot to move must not become a busy loop.
            let deadline = app.next_deadline().map(|at| last_deadline.map_or(at, |last| at.max(last + MIN_DEADLINE)));
            // A stuck terminal gets no other frame, but keys, signals and orders are handled as ever.
            let stuck = self.terminal.backend().stuck();
            let frame = if stuck { Some(now + OFFER_INTERVAL) } else { self.pace.due(now) };
            let until = [deadline, frame].into_iter().flatten().min();
            let mut item = self.inbox.next(until);
            loop {
                let now = Instant::now();
                let event = match item {
                    Item::TimedOut => deadline.filter(|at| *at <= now).map(|_| {
                        last_deadline = Some(now);
                        Event::Deadline
                    }),
                    Item::Event(event) => Some(event),
                    Item::Resized => Some(self.resized()?),
                    Item::Continued => Some(self.continued()?),
                };
                if let Some(event) = event
                    && let Some(exit) = self.dispatch(app, event, now)?
                {
                    return Ok(exit);
                }
                // Everything that waits is handled before the next frame, unless that frame is due.
                if !stuck && self.pace.due(now).is_some_and(|due| due <= now) {
                    break;
                }
                match self.inbox.try_next() {
                    Some(next) => item = next,
                    None => break,
                }
            }
        }
    }

    fn dispatch(&mut self, app: &mut impl App, event: Event, now: Instant) -> io::Result<Option<Exit>> {
        let hangup = event == Event::Hangup;
        let must_redraw = matches!(event, Event::Resize(_) | Event::Resumed);
        let urgency = if event.is_input() { Urgency::Input } else { Urgency::News };
        let reaction = app.handle(event, now);
        if hangup {
            return Ok(Some(Exit::Hangup));
        }
        if let Some(text) = app.clipboard() {
            let backend = self.terminal.backend_mut();
            backend.add(&osc52(&text));
            Backend::flush(backend)?;
        }
        match reaction {
            Reaction::Quit => return Ok(Some(Exit::Quit)),
            Reaction::Redraw => self.pace.want(urgency),
            Reaction::Repaint => {
                self.repaint()?;
                self.pace.want(urgency);
            }
            Reaction::Nothing if must_redraw => self.pace.want(urgency),
            Reaction::Nothing => {}
            Reaction::Suspend => {
                self.suspend()?;
                return self.dispatch(app, Event::Resumed, Instant::now());
            }
        }
        Ok(None)
    }

    fn resized(&mut self) -> io::Result<Event> {
        let size = self.tty.size()?;
        self.terminal.backend_mut().resize(size);
        Ok(Event::Resize(size))
    }

    /// SIGCONT: after our own suspension, or after a `kill -STOP` from outside during which the shell set its modes.
    fn continued(&mut self) -> io::Result<Event> {
        if self.modes.entered() && !self.modes.still_raw()? {
            self.modes.reenter()?;
        }
        self.repaint()?;
        Ok(Event::Resumed)
    }

    fn repaint(&mut self) -> io::Result<()> {
        let size = self.tty.size()?;
        let backend = self.terminal.backend_mut();
        backend.forget();
        backend.resize(size);
        self.terminal.clear()
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.input = None;
        self.modes.leave();
        suspend::stop_job()?;
        self.modes.reenter()?;
        self.input = Some(InputThread::start(self.tty.clone(), self.inbox.clone())?);
        self.repaint()
    }
}

/// xterm's Operating System Command 52: `c` is the clipboard, the text in base64. Terminals cap its length; ids are short.
fn osc52(text: &str) -> Vec<u8> {
    format!("\x1b]52;c;{}\x07", base64::prelude::BASE64_STANDARD.encode(text)).into_bytes()
}

/// True if the error says that the terminal does not exist any more.
fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::IO, Errno::PIPE, Errno::NXIO, Errno::NODEV, Errno::BADF, Errno::NOTTY]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// How soon a frame is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// The engine has something new.
    News,
    /// A person waits.
    Input,
}

/// When the next frame may be drawn.
#[derive(Debug)]
struct Pace {
    news: Duration,
    input: Duration,
    /// Bytes per second.
    budget: f64,
    /// What the last frame for news has used of it.
    used: Duration,
    wanted: Option<Urgency>,
    last: Option<Instant>,
}

impl Pace {
    fn new(options: &SessionOptions) -> Pace {
        let slow = options.caps.slow_link;
        let default = if slow { SLOW_NEWS_INTERVAL } else { NEWS_INTERVAL };
        let asked = options.max_fps.filter(|fps| fps.is_finite() && *fps > 0.0);
        let news = asked.map_or(default, |fps| Duration::from_secs_f64((1.0 / fps).clamp(0.008, 60.0)));
        let input = if slow { SLOW_INPUT_INTERVAL } else { INPUT_INTERVAL };
        let budget = if slow { SLOW_NEWS_BUDGET } else { NEWS_BUDGET };
        Pace { news, input: input.min(news), budget, used: Duration::ZERO, wanted: None, last: None }
    }

    fn want(&mut self, urgency: Urgency) {
        self.wanted = self.wanted.max(Some(urgency));
    }

    /// When the wanted frame is due: at once if there was none before.
    fn due(&self, now: Instant) -> Option<Instant> {
        let interval = match self.wanted? {
            Urgency::News => self.news.max(self.used),
            Urgency::Input => self.input,
        };
        Some(self.last.map_or(now, |last| last + interval))
    }

    fn drawn(&mut self, now: Instant, bytes: u64) {
        // What a person asked for is sent whatever it costs, and delays nothing.
        self.used = match self.wanted {
            Some(Urgency::News) => Duration::from_secs_f64(bytes as f64 / self.budget).min(MOST_DELAY),
            Some(Urgency::Input) | None => Duration::ZERO,
        };
        self.wanted = None;
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(slow_link: bool, max_fps: Option<f64>) -> Pace {
        Pace::new(&SessionOptions { caps: Caps { slow_link, ..Caps::FULL }, max_fps, mouse: false })
    }

    #[test]
    fn nothing_is_due_until_something_is_wanted() {
        let mut pace = pace(false, None);
        let now = Instant::now();
        assert_eq!(pace.due(now), None);
        pace.want(Urgency::News);
        assert_eq!(pace.due(now), Some(now));
        pace.drawn(now, 0);
        assert_eq!(pace.due(now), None);
        pace.want(Urgency::News);
        assert_eq!(pace.due(now), Some(now + NEWS_INTERVAL));
    }

    #[test]
    fn a_key_does_not_wait_for_the_news_interval_and_news_do_not_delay_a_key() {
        let mut pace = pace(false, None);
        let now = Instant::now();
        pace.drawn(now, 0);
        pace.want(Urgency::News);
        pace.want(Urgency::Input);
        assert_eq!(pace.due(now), Some(now + INPUT_INTERVAL));
        pace.want(Urgency::News);
        assert_eq!(pace.due(now), Some(now + INPUT_INTERVAL));
    }

    #[test]
    fn large_frames_of_news_delay_news_and_nothing_else() {
        let mut pace = pace(false, None);
        let now = Instant::now();
        let mut after = |urgency, bytes, next| {
            pace.want(urgency);
            pace.drawn(now, bytes);
            pace.want(next);
            let due = pace.due(now).map(|due| due - now);
            pace.drawn(now, 0);
            due
        };
        assert_eq!(after(Urgency::News, 200, Urgency::News), Some(NEWS_INTERVAL));
        assert_eq!(after(Urgency::News, 4_000, Urgency::News), Some(Duration::from_millis(400)));
        assert_eq!(after(Urgency::News, 4_000, Urgency::Input), Some(INPUT_INTERVAL));
        assert_eq!(after(Urgency::News, u64::MAX, Urgency::News), Some(MOST_DELAY));
        assert_eq!(after(Urgency::Input, 20_000, Urgency::News), Some(NEWS_INTERVAL));
    }

    #[test]
    fn rates_are_kept_in_bounds() {
        let now = Instant::now();
        for (slow, fps, expected) in [
            (true, None, SLOW_NEWS_INTERVAL),
            (false, Some(4.0), Duration::from_millis(250)),
            (false, Some(1e9), Duration::from_millis(8)),
            (false, Some(1e-9), Duration::from_secs(60)),
            (false, Some(f64::NAN), NEWS_INTERVAL),
            (false, Some(-1.0), NEWS_INTERVAL),
        ] {
            let mut pace = pace(slow, fps);
            pace.drawn(now, 0);
            pace.want(Urgency::News);
            assert_eq!(pace.due(now), Some(now + expected), "{slow} {fps:?}");
        }
    }

    #[test]
    fn what_goes_to_the_clipboard_cannot_end_its_own_sequence() {
        assert_eq!(osc52("a\x07\x1b"), b"\x1b]52;c;YQcb\x07");
    }
}
