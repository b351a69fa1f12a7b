//! Brings records from a source, which may block, to the dispatcher, which may not.

use std::thread;

use tokio::sync::mpsc;

use crate::record::Record;
use crate::workload::{BadLine, Source, StopHandle};

/// Records on their way: little, because the queue is where work waits visibly.
const ON_THE_WAY: usize = 64;

/// A source at work on a thread of its own.
pub struct Intake {
    arrivals: mpsc::Receiver<Result<Record, BadLine>>,
    stop: StopHandle,
    exhausted: bool,
}

impl Intake {
    /// Starts the source's thread.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(mut source: Box<dyn Source>) -> std::io::Result<Intake> {
        let stop = source.stop();
        let (sender, arrivals) = mpsc::channel(ON_THE_WAY);
        thread::Builder::new().name("intake".into()).spawn(move || {
            while let Some(next) = source.next() {
                if sender.blocking_send(next).is_err() {
                    break;
                }
            }
        })?;
        Ok(Intake { arrivals, stop, exhausted: false })
    }

    /// The next arrival; `None` once there will be no more. Safe to drop halfway.
    pub async fn next(&mut self) -> Option<Result<Record, BadLine>> {
        let next = self.arrivals.recv().await;
        self.exhausted |= next.is_none();
        next
    }

    /// The next arrival if there is one already.
    pub fn try_next(&mut self) -> Option<Result<Record, BadLine>> {
        match self.arrivals.try_recv() {
            Ok(next) => Some(next),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => {
                self.exhausted = true;
                None
            }
        }
    }

    /// Whether the source has ended and everything of it was taken.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// Ends the source; what was already on its way may still come.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Ends the source and lets go of what is on its way, so that its thread can end.
    pub fn end(&mut self) {
        self.stop.stop();
        self.arrivals.close();
        while self.arrivals.try_recv().is_ok() {}
        self.exhausted = true;
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
