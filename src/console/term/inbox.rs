//! What waits for the UI thread: keys, signals, "there is news". Bounded whatever happens, since a terminal that
//! takes no bytes can stop the UI thread for hours while everybody else goes on.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crossterm::event::KeyEvent;
use ratatui::layout::Size;

/// Keys and pastes kept at most; later ones are dropped (nobody types 1024 keys ahead on purpose).
const MAX_INPUT: usize = 1024;

/// A signal that the console answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// SIGINT from outside (Ctrl-C is a key here).
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGTSTP from outside (Ctrl-Z is a key here).
    Stop,
}

/// What the UI thread is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key, with the moment at which it was read from the terminal.
    Key(KeyEvent, Instant),
    /// Pasted text, as one piece.
    Paste(String),
    /// The wheel of the mouse.
    Wheel {
        /// Towards the end.
        down: bool,
    },
    /// A press of the mouse's first button, at a cell counted from 0.
    Click {
        /// Column.
        column: u16,
        /// Row.
        row: u16,
    },
    /// The terminal has another size.
    Resize(Size),
    /// A signal.
    Signal(SignalKind),
    /// Back from a suspension; everything will be repainted.
    Resumed,
    /// Somebody has news: look at what you watch.
    Wake,
    /// The moment named by [`super::App::next_deadline`] has come.
    Deadline,
    /// The terminal is gone for good. The last event.
    Hangup,
}

impl Event {
    /// True for what a person did, who waits for an answer.
    #[must_use]
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Event::Key(..)
                | Event::Paste(_)
                | Event::Wheel { .. }
                | Event::Click { .. }
                | Event::Resize(_)
                | Event::Resumed
        )
    }
}

#[derive(Debug, Default)]
struct Waiting {
    hangup: bool,
    signals: VecDeque<SignalKind>,
    input: VecDeque<Event>,
    resized: bool,
    continued: bool,
    wake: bool,
}

/// Something that [`Inbox::next`] hands out. Resizes and continuations are completed by the loop, which owns the tty.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Event(Event),
    Resized,
    Continued,
    TimedOut,
}

/// The UI thread's letter box. Cheap to clone. Hang-ups come first, then signals, then input, news last.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    shared: Arc<(Mutex<Waiting>, Condvar)>,
}

impl Inbox {
    /// An empty one.
    #[must_use]
    pub fn new() -> Inbox {
        Inbox::default()
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.lock());
        self.shared.1.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key or a paste; dropped if the UI thread is hopelessly behind.
    pub fn input(&self, event: Event) {
        self.change(|waiting| {
            if waiting.input.len() < MAX_INPUT {
                waiting.input.push_back(event);
            }
        });
    }

    /// A signal.
    pub fn signal(&self, kind: SignalKind) {
        self.change(|waiting| {
            if !waiting.signals.contains(&kind) {
                waiting.signals.push_back(kind);
            }
        });
    }

    /// The terminal may have another size; the loop asks it once, however often this is said.
    pub fn resized(&self) {
        self.change(|waiting| waiting.resized = true);
    }

    /// SIGCONT: somebody may have drawn over our screen.
    pub fn continued(&self) {
        self.change(|waiting| waiting.continued = true);
    }

    /// The terminal is gone.
    pub fn hangup(&self) {
        self.change(|waiting| waiting.hangup = true);
    }

    /// A handle by which the engine says that there is news.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker { inbox: self.clone() }
    }

    /// The next item, waiting for it until `until` (for ever without).
    pub(super) fn next(&self, until: Option<Instant>) -> Item {
        let mut waiting = self.lock();
        loop {
            if let Some(item) = waiting.take() {
                return item;
            }
            waiting = match until {
                None => self.shared.1.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                        return Item::TimedOut;
                    };
                    self.shared.1.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// The next item if there is one.
    pub(super) fn try_next(&self) -> Option<Item> {
        self.lock().take()
    }
}

impl Waiting {
    fn take(&mut self) -> Option<Item> {
        if self.hangup {
            return Some(Item::Event(Event::Hangup));
        }
        if let Some(kind) = self.signals.pop_front() {
            return Some(Item::Event(Event::Signal(kind)));
        }
        if std::mem::take(&mut self.continued) {
            return Some(Item::Continued);
        }
        if std::mem::take(&mut self.resized) {
            return Some(Item::Resized);
        }
        if let Some(event) = self.input.pop_front() {
            return Some(Item::Event(event));
        }
        std::mem::take(&mut self.wake).then_some(Item::Event(Event::Wake))
    }
}

/// Tells the UI thread that there is news. Never blocks, never queues up: any number of calls make one
/// [`Event::Wake`].
#[derive(Clone, Debug)]
pub struct Waker {
    inbox: Inbox,
}

impl Waker {
    /// There is news.
    pub fn wake(&self) {
        self.inbox.change(|waiting| waiting.wake = true);
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn key(c: char) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE), Instant::now())
    }

    #[test]
    fn urgent_things_overtake_and_news_come_last() {
        let inbox = Inbox::new();
        let waker = inbox.waker();
        waker.wake();
        waker.wake();
        inbox.input(key('a'));
        inbox.resized();
        inbox.signal(SignalKind::Terminate);
        let order: Vec<Item> = std::iter::from_fn(|| inbox.try_next()).collect();
        assert_eq!(order.len(), 4);
        assert_eq!(order[0], Item::Event(Event::Signal(SignalKind::Terminate)));
        assert_eq!(order[1], Item::Resized);
        assert!(matches!(order[2], Item::Event(Event::Key(..))));
        assert_eq!(order[3], Item::Event(Event::Wake));
    }

    #[test]
    fn a_hangup_hides_everything_else_for_ever() {
        let inbox = Inbox::new();
        inbox.input(key('a'));
        inbox.hangup();
        assert_eq!(inbox.try_next(), Some(Item::Event(Event::Hangup)));
        assert_eq!(inbox.try_next(), Some(Item::Event(Event::Hangup)));
    }

    #[test]
    fn it_stays_bounded_while_nobody_reads() {
        let inbox = Inbox::new();
        for _ in 0..5000 {
            inbox.input(key('a'));
            inbox.resized();
            inbox.signal(SignalKind::Interrupt);
            inbox.waker().wake();
        }
        let count = std::iter::from_fn(|| inbox.try_next()).count();
        assert_eq!(count, MAX_INPUT + 3);
    }

    #[test]
    fn a_waiting_reader_is_woken_from_another_thread() {
        let inbox = Inbox::new();
        let waker = inbox.waker();
        let reader = std::thread::spawn(move || inbox.next(None));
        waker.wake();
        assert_eq!(reader.join().unwrap(), Item::Event(Event::Wake));
    }

    #[test]
    fn a_deadline_in_the_past_does_not_wait_but_news_still_count() {
        let inbox = Inbox::new();
        let past = Instant::now();
        assert_eq!(inbox.next(Some(past)), Item::TimedOut);
        inbox.waker().wake();
        assert_eq!(inbox.next(Some(past)), Item::Event(Event::Wake));
    }
}
