//! What the program says. Nobody there to read it is no reason to stop or to fail: `println!` would panic on a terminal
//! that has gone away or a pipe whose reader has left.

use std::fmt::Arguments;
use std::io::Write;

/// Results, on standard output.
pub fn result(text: Arguments<'_>) {
    let mut out = std::io::stdout();
    let _ = out.write_fmt(text).and_then(|()| out.flush());
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
    let _ = std::io::stderr().write_fmt(text);
}
