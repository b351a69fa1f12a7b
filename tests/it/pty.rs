//! A harness for real processes on a pseudo terminal.
//!
//! The harness waits for what is on the screen, never for time: it reads until a predicate holds or a deadline passes.
//! Nothing is read between two waits, so that a test that does not wait is a terminal that has stalled.

#![allow(clippy::unwrap_used, reason = "a harness that cannot open a terminal has nothing better to do than fail")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use filedescriptor::{FileDescriptor, POLLIN, poll, pollfd};
use libtest_mimic::Failed;
use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// How long anything may take before it counts as never.
const DEADLINE: Duration = Duration::from_secs(20);

/// A process on its own terminal.
pub struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    device: Option<FileDescriptor>,
    parser: vt100::Parser,
    /// Every byte that the process wrote.
    pub bytes: Vec<u8>,
    pid: Pid,
    exited: Receiver<ExitStatus>,
    exit: Option<ExitStatus>,
}

impl Pty {
    /// Starts `program` on a terminal of `columns` by `rows`. Its environment is that of a plain UTF-8 terminal with
    /// 256 colours, and `env`; nothing of ours.
    pub fn spawn(program: &str, args: &[&str], env: &[(&str, &str)], (columns, rows): (u16, u16)) -> Pty {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        let path = std::env::var("PATH").unwrap_or_default();
        for (key, value) in [("PATH", path.as_str()), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8")].iter().chain(env)
        {
            command.env(key, value);
        }
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pid = Pid::from_raw(child.process_id().unwrap() as i32).unwrap();
        let device = FileDescriptor::dup(&pair.master.as_raw_fd().unwrap()).unwrap();
        let (tell, exited) = channel();
        thread::spawn(move || {
            let _ = tell.send(child.wait().unwrap());
        });
        Pty {
            master: Some(pair.master),
            device: Some(device),
            parser: vt100::Parser::new(cells(rows), cells(columns), 0),
            bytes: Vec::new(),
            pid,
            exited,
            exit: None,
        }
    }

    /// The real program.
    pub fn bedrock_top(args: &[&str], env: &[(&str, &str)], size: (u16, u16)) -> Pty {
        Pty::spawn(env!("CARGO_BIN_EXE_bedrock-top"), args, env, size)
    }

    /// What is on the screen, row by row.
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// The screen with its cells, cursor and modes.
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Reads until `holds`, and fails with the screen if that does not come.
    pub fn wait(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) -> Result<(), Failed> {
        self.wait_within(DEADLINE, what, holds)
    }

    /// As [`Pty::wait`], for what may take longer than usual.
    pub fn wait_within(
        &mut self,
        patience: Duration,
        what: &str,
        holds: impl Fn(&vt100::Screen) -> bool,
    ) -> Result<(), Failed> {
        let until = Instant::now() + patience;
        loop {
            if self.whole() && holds(self.screen()) {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.read(left) {
                return Err(format!("never came: {what}; the screen is\n{}", self.text()).into());
            }
        }
    }

    /// Whether the screen is not in the middle of a frame (synchronized output, DEC private mode 2026).
    fn whole(&self) -> bool {
        let mode = self.bytes.windows(8).rfind(|window| window.starts_with(b"\x1b[?2026"));
        mode.is_none_or(|mode| mode.ends_with(b"l"))
    }

    /// Reads until `text` is on the screen.
    pub fn wait_text(&mut self, text: &str) -> Result<(), Failed> {
        self.wait(&format!("`{text}`"), |screen| screen.contents().contains(text))
    }

    /// Reads what is there, or what comes within `patience`; false if nothing will ever come.
    fn read(&mut self, patience: Duration) -> bool {
        let Some(device) = &mut self.device else { return false };
        let mut fds = [pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(device), events: POLLIN, revents: 0 }];
        if poll(&mut fds, Some(patience)).unwrap() == 0 {
            return true;
        }
        let mut buffer = [0; 64 * 1024];
        match device.read(&mut buffer) {
            Ok(n @ 1..) => {
                self.parser.process(&buffer[..n]);
                self.bytes.extend_from_slice(&buffer[..n]);
                true
            }
            // The last process on the terminal has closed it.
            _ => false,
        }
    }

    /// Somebody else writes to the same terminal.
    pub fn scribble(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.device.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the terminal another size; the process gets its SIGWINCH.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().unwrap().resize(size).unwrap();
        self.parser.set_size(cells(rows), cells(columns));
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Lets the terminal take no bytes, as Ctrl-S does.
    pub fn stop_output(&self) {
        let name = self.master.as_ref().unwrap().tty_name().unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let terminal = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
        rustix::termios::tcflow(terminal, rustix::termios::Action::OOff).unwrap();
    }

    /// Takes the terminal away, as a broken connection does.
    pub fn close(&mut self) {
        self.device = None;
        self.master = None;
    }

    /// Waits until the process is stopped (Ctrl-Z).
    pub fn wait_stopped(&self) -> Result<(), Failed> {
        let (tell, stopped) = channel();
        let pid = self.pid;
        thread::spawn(move || {
            let _ = tell.send(waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).map(|status| status.is_some()));
        });
        match stopped.recv_timeout(DEADLINE) {
            Ok(Ok(true)) => Ok(()),
            other => Err(format!("the process was not stopped: {other:?}").into()),
        }
    }

    /// Reads everything up to the end and gives the exit code.
    pub fn wait_exit(&mut self) -> Result<u32, Failed> {
        let until = Instant::now() + DEADLINE;
        while self.read(until.saturating_duration_since(Instant::now())) && Instant::now() < until {}
        self.wait_exit_unread()
    }

    /// Waits for the end without reading what is written.
    pub fn wait_exit_unread(&mut self) -> Result<u32, Failed> {
        if self.exit.is_none() {
            let exit = self.exited.recv_timeout(DEADLINE);
            self.exit = Some(exit.map_err(|_| format!("the process did not end; its screen is\n{}", self.text()))?);
        }
        Ok(self.exit.as_ref().unwrap().exit_code())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.exit.is_none() && self.exited.try_recv().is_err() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

/// The terminal is given back: no alternate screen, a cursor, no bracketed paste.
pub fn check_restored(pty: &Pty) -> Result<(), Failed> {
    let screen = pty.screen();
    if screen.alternate_screen() || screen.hide_cursor() || screen.bracketed_paste() {
        let bytes = String::from_utf8_lossy(&pty.bytes[pty.bytes.len().saturating_sub(200)..]).into_owned();
        return Err(format!("the terminal was not given back; the last bytes are {bytes:?}").into());
    }
    Ok(())
}

/// Fails with `what` unless it holds.
pub fn check(holds: bool, what: impl std::fmt::Display) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.to_string().into()) }
}
