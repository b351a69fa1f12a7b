//! The terminal device: one descriptor to read keys from, one to write frames to.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use ratatui::layout::Size;
use rustix::termios;

/// Width and height of a terminal that does not tell its size (a serial line).
const UNKNOWN_SIZE: Size = Size { width: 80, height: 24 };

/// The terminal. Cheap to clone; all clones are the same device.
#[derive(Clone, Debug)]
pub struct Tty {
    input: Arc<OwnedFd>,
    output: Arc<File>,
}

impl Tty {
    /// Standard input and output where they are a terminal, else the controlling terminal `/dev/tty` (records may
    /// come through standard input, results may go to standard output).
    ///
    /// # Errors
    /// If there is no terminal at all.
    pub fn open() -> io::Result<Tty> {
        let input = pick(rustix::stdio::stdin())?;
        let output = pick(rustix::stdio::stdout())?;
        Ok(Tty { input: Arc::new(input), output: Arc::new(File::from(output)) })
    }

    /// Where keys come from.
    #[must_use]
    pub fn input(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }

    /// Where frames go.
    #[must_use]
    pub fn output(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }

    /// Its size in cells; 80x24 if the device does not say.
    ///
    /// # Errors
    /// If the device is gone.
    pub fn size(&self) -> io::Result<Size> {
        let size = termios::tcgetwinsize(self.output())?;
        if size.ws_col == 0 || size.ws_row == 0 {
            return Ok(UNKNOWN_SIZE);
        }
        Ok(Size { width: size.ws_col, height: size.ws_row })
    }
}

impl Write for Tty {
    /// Goes straight to write(2): `std::io::stdout` would cut a frame into lines of at most 1 KiB.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.output).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pick(standard: BorrowedFd<'static>) -> io::Result<OwnedFd> {
    if termios::isatty(standard) {
        return standard.try_clone_to_owned();
    }
    Ok(File::options().read(true).write(true).open("/dev/tty")?.into())
}

/// True if standard output is a terminal, so that a console can be shown.
#[must_use]
pub fn stdout_is_terminal() -> bool {
    termios::isatty(rustix::stdio::stdout())
}
