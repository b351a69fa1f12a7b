//! The thread that reads keys.
//!
//! It asks the kernel for a hang-up before every read, so that a terminal that goes away is an event and never a busy
//! loop.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::decode::{Decoder, Typed};
use super::inbox::{Event, Inbox};
use super::tty::Tty;

/// How long the rest of an escape sequence is waited for. Longer than the jitter inside one key press over ssh,
/// shorter than what a person notices on the Escape key.
const SEQUENCE_PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };

/// The running input thread; dropping it stops it. To park it during a suspension drop it and start it again.
#[derive(Debug)]
pub struct InputThread {
    /// Closing this end is the order to stop.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl InputThread {
    /// Starts reading `tty` into `inbox`.
    ///
    /// # Errors
    /// If no thread or pipe is to be had.
    pub fn start(tty: Tty, inbox: Inbox) -> io::Result<InputThread> {
        let (stopped, stop) = io::pipe()?;
        let thread = thread::Builder::new().name("input".into()).spawn(move || {
            if matches!(read_keys(&tty, &stopped, &inbox), End::Hangup) {
                inbox.hangup();
            }
        })?;
        Ok(InputThread { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for InputThread {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum End {
    Stopped,
    Hangup,
}

fn read_keys(tty: &Tty, stopped: &PipeReader, inbox: &Inbox) -> End {
    let mut decoder = Decoder::default();
    let mut buffer = [0u8; 4096];
    loop {
        let input = tty.input();
        let mut fds =
            [PollFd::from_borrowed_fd(input, PollFlags::IN), PollFd::from_borrowed_fd(stopped.as_fd(), PollFlags::IN)];
        let patience = decoder.waiting().then_some(&SEQUENCE_PATIENCE);
        match rustix::event::poll(&mut fds, patience) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return End::Hangup,
            Ok(_) => {}
        }
        let (tty_says, stop_says) = (fds[0].revents(), fds[1].revents());
        if !stop_says.is_empty() {
            return End::Stopped;
        }
        if tty_says.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return End::Hangup;
        }
        let read_at = Instant::now();
        let mut send = |typed| {
            inbox.input(match typed {
                Typed::Key(key) => Event::Key(key, read_at),
                Typed::Paste(text) => Event::Paste(text),
                Typed::Wheel { down } => Event::Wheel { down },
                Typed::Click { column, row } => Event::Click { column, row },
            });
        };
        if !tty_says.contains(PollFlags::IN) {
            decoder.timed_out(send);
            continue;
        }
        match rustix::io::read(input, &mut buffer) {
            // End of file on a raw terminal is a hang-up.
            Ok(0) => return End::Hangup,
            Ok(n) => decoder.feed(&buffer[..n], &mut send),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return End::Hangup,
        }
    }
}
