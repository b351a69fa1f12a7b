//! The terminal's modes as one value: entered once, given back in every case.

use std::io;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::termios::{self, LocalModes, OptionalActions, QueueSelector, Termios};

use super::tty::Tty;

/// Alternate screen, cursor hidden, bracketed paste, wrap off (a full last line must not scroll).
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?7l\x1b[m\x1b[2J\x1b[H";
/// The reverse; the end of a synchronized update comes first, in case a frame was cut off in the middle.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?7h\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// Presses and the wheel, in the form that has no upper bound for columns (xterm's 1000 and 1006).
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// How long giving back may wait for a terminal that does not take bytes.
const LEAVE_PATIENCE: Duration = Duration::from_millis(500);
/// The same, once what it has not taken is thrown away.
const LEAVE_AGAIN: Duration = Duration::from_millis(100);
/// And taking it: a slow link may have much to swallow first.
const ENTER_PATIENCE: Duration = Duration::from_secs(5);

/// The modes of one terminal. Clones share them; the last clone's drop gives the terminal back, and so does
/// [`Modes::leave`] at any time, from any thread, as often as you like.
#[derive(Clone, Debug)]
pub struct Modes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tty: Tty,
    before: Termios,
    mouse: bool,
    entered: AtomicBool,
    /// Held while changing over, so that whoever leaves second returns only when the terminal is given back.
    changing: Mutex<()>,
}

impl Modes {
    /// Takes the terminal: raw mode, alternate screen, hidden cursor, bracketed paste, and the mouse if it is wanted.
    ///
    /// # Errors
    /// If the device is not a terminal or is gone.
    pub fn enter(tty: &Tty, mouse: bool) -> io::Result<Modes> {
        let before = termios::tcgetattr(tty.input())?;
        let shared =
            Shared { tty: tty.clone(), before, mouse, entered: AtomicBool::new(false), changing: Mutex::new(()) };
        let modes = Modes { shared: Arc::new(shared) };
        modes.reenter()?;
        Ok(modes)
    }

    /// Takes the terminal again after [`Modes::leave`].
    ///
    /// # Errors
    /// If the device is gone.
    pub fn reenter(&self) -> io::Result<()> {
        let shared = &*self.shared;
        let mut raw = shared.before.clone();
        raw.make_raw();
        {
            let _changing = shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
            termios::tcsetattr(shared.tty.input(), OptionalActions::Now, &raw)?;
            // From here on there is something to undo.
            shared.entered.store(true, Ordering::SeqCst);
        }
        // Outside the lock: this write may block on a stalled terminal, and leaving must not wait for it.
        shared.tty.write_within(ENTER, ENTER_PATIENCE)?;
        if shared.mouse { shared.tty.write_within(MOUSE_ON, ENTER_PATIENCE) } else { Ok(()) }
    }

    /// Gives the terminal back. Does nothing if it is not taken. A terminal that is gone or does not take bytes is
    /// left after a moment: nothing may hang here.
    pub fn leave(&self) {
        self.shared.leave();
    }

    /// True while the terminal is ours.
    #[must_use]
    pub fn entered(&self) -> bool {
        self.shared.entered.load(Ordering::SeqCst)
    }

    /// False if somebody else (a shell, while we were stopped) has set the modes that line editing needs.
    ///
    /// # Errors
    /// If the device is gone.
    pub fn still_raw(&self) -> io::Result<bool> {
        let now = termios::tcgetattr(self.shared.tty.input())?;
        Ok(!now.local_modes.contains(LocalModes::ICANON))
    }

    /// From now on a panic of any thread first gives the terminal back, then calls `woken` (the UI loop has to
    /// notice), then prints as before.
    pub fn install_panic_hook(&self, woken: impl Fn() + Send + Sync + 'static) {
        // Weak: the hook lives as long as the process and must not keep the terminal taken.
        let shared = Arc::downgrade(&self.shared);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Some(shared) = shared.upgrade() {
                shared.leave();
                woken();
            }
            before(info);
        }));
    }
}

impl Shared {
    fn leave(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.entered.swap(false, Ordering::SeqCst) {
            return;
        }
        let leave = if self.mouse { [MOUSE_OFF, LEAVE].concat() } else { LEAVE.to_vec() };
        if self.tty.write_within(&leave, LEAVE_PATIENCE).is_err() {
            // What it has not taken of a frame is of no use to anybody any more, and its place is needed.
            let _ = termios::tcflush(self.tty.output(), QueueSelector::OFlush);
            let _ = self.tty.write_within(&leave, LEAVE_AGAIN);
        }
        let _ = termios::tcsetattr(self.tty.input(), OptionalActions::Now, &self.before);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.leave();
    }
}
