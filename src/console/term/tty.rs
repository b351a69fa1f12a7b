//! The terminal device: one descriptor to read keys from, one to write frames to.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::layout::Size;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::{fs, process, termios};

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
        let output = unblocked(output.as_fd()).unwrap_or(output);
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

impl Tty {
    /// Writes a few bytes that have to go out whole, waiting at most `patience` for a terminal that takes none.
    ///
    /// # Errors
    /// The terminal is gone, or the time is over.
    pub fn write_within(&self, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
        let end = Instant::now() + patience;
        while !bytes.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            // Asked first: where the terminal could not be opened anew, a write would wait for ever.
            if !self.takes_bytes(left) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match (&*self.output).write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the terminal takes bytes now or within `patience`.
    fn takes_bytes(&self, patience: Duration) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.output(), PollFlags::OUT)];
        let patience = Timespec { tv_sec: patience.as_secs().cast_signed(), tv_nsec: patience.subsec_nanos().into() };
        matches!(rustix::event::poll(&mut fds, Some(&patience)), Ok(1..))
            && fds[0].revents().contains(PollFlags::OUT)
            && !fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
    }
}

impl Write for Tty {
    /// Goes straight to write(2): `std::io::stdout` would cut a frame into lines of at most 1 KiB. Takes what the
    /// terminal takes now, `WouldBlock` if that is nothing.
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

/// The same terminal, opened anew so that a write never waits: a terminal that takes no bytes (Ctrl-S, a stuck link) must
/// not keep the console from its signals. On a descriptor of our own, since the shell shares the standard ones.
fn unblocked(output: BorrowedFd<'_>) -> Option<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let by_name = || fs::open(termios::ttyname(output, Vec::new()).ok()?, flags, Mode::empty()).ok();
    // After `su` the name is somebody else's, in a container there may be none; /dev/tty is always ours.
    let by_session = || {
        let ours = termios::tcgetsid(output).ok()? == process::getsid(None).ok()?;
        ours.then(|| fs::open("/dev/tty", flags, Mode::empty()).ok())?
    };
    by_name().or_else(by_session)
}

/// True if standard output is a terminal, so that a console can be shown.
#[must_use]
pub fn stdout_is_terminal() -> bool {
    termios::isatty(rustix::stdio::stdout())
}
