//! The thread that waits for signals.

use std::io;
use std::thread::{self, JoinHandle};

use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

use super::inbox::{Inbox, SignalKind};

/// The running signal thread; dropping it stops it.
#[derive(Debug)]
pub struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// Starts listening for INT, TERM, QUIT, HUP, TSTP, CONT and WINCH.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn start(inbox: Inbox) -> io::Result<SignalThread> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH])?;
        let handle = signals.handle();
        let thread = thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in &mut signals {
                match signal {
                    SIGINT => inbox.signal(SignalKind::Interrupt),
                    // Without a handler SIGQUIT would leave a raw terminal behind.
                    SIGTERM | SIGQUIT => inbox.signal(SignalKind::Terminate),
                    SIGTSTP => inbox.signal(SignalKind::Stop),
                    SIGHUP => inbox.hangup(),
                    SIGCONT => inbox.continued(),
                    SIGWINCH => inbox.resized(),
                    _ => {}
                }
            }
        })?;
        Ok(SignalThread { handle, thread: Some(thread) })
    }
}

impl Drop for SignalThread {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
