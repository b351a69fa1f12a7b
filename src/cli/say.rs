//! What the program says. Nobody there to read it is no reason to stop or to fail: `println!` would panic on a terminal
//! that has gone away or a pipe whose reader has left, and wait for ever for one that takes no bytes (Ctrl-S).

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a status line, or the last words of a program that was told to end, wait for somebody to take them.
const PATIENCE: Duration = Duration::from_secs(1);

/// Set when the program was told to end.
static HURRIED: AtomicBool = AtomicBool::new(false);
/// Set while something waits for a reader.
static STUCK: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Copy)]
enum Stream {
    Output,
    Error,
}

/// From now on nothing waits long for a reader: the program was told to end.
pub fn hurry() {
    HURRIED.store(true, Ordering::SeqCst);
}

/// Results, on standard output.
pub fn result(text: Arguments<'_>) {
    say(Stream::Output, text);
}

/// Columns for results where there is no terminal.
const COLUMNS: usize = 120;

/// How wide a line of results may be: as the terminal is.
#[must_use]
pub fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// A notice, on standard error.
pub fn notice(text: Arguments<'_>) {
    say(Stream::Error, text);
}

/// How a load goes, on standard error: it is said again soon, and must not hold the load's end up.
pub fn status(text: Arguments<'_>) {
    within_patience(Stream::Error, text.to_string());
}

/// The same for scripts, on standard output.
pub fn status_result(text: Arguments<'_>) {
    within_patience(Stream::Output, text.to_string());
}

fn say(to: Stream, text: Arguments<'_>) {
    if HURRIED.load(Ordering::SeqCst) {
        within_patience(to, text.to_string());
    } else {
        let _ = write(to, &text.to_string());
    }
}

/// On a thread that may stay behind: no question to the kernel tells how much a terminal takes before a write waits.
fn within_patience(to: Stream, text: String) {
    if STUCK.swap(true, Ordering::SeqCst) {
        return;
    }
    let (done, written) = mpsc::channel();
    let begun = thread::Builder::new().name("words".to_owned()).spawn(move || {
        let _ = write(to, &text);
        STUCK.store(false, Ordering::SeqCst);
        let _ = done.send(());
    });
    if begun.is_err() {
        STUCK.store(false, Ordering::SeqCst);
    }
    let _ = written.recv_timeout(PATIENCE);
}

fn write(to: Stream, text: &str) -> io::Result<()> {
    match to {
        Stream::Output => {
            let mut out = io::stdout();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        }
        Stream::Error => io::stderr().write_all(text.as_bytes()),
    }
}
