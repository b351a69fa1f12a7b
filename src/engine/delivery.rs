//! Brings results to a sink, which may block or fail, without holding up the dispatcher.
//!
//! A result that cannot be stored is kept and tried again: the run is parked meanwhile, nothing is lost.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as blocking};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::workload::{BadLine, Finished, Sink};

/// A result is on its way to its file after this long.
const GATHER: Duration = Duration::from_millis(20);
/// A failing sink is tried again this often.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Written between two flushes at most.
const BATCH: usize = 1_024;

/// What is handed over.
#[derive(Debug)]
pub enum Parcel {
    /// A record's final result.
    Result(Box<Finished>),
    /// A line of the input that was no record.
    Rejected(BadLine),
}

/// What became of it.
#[derive(Debug)]
pub enum Stored {
    /// This many more are on file.
    Some(u64),
    /// Nothing can be stored now; why, in one line. It is kept and tried again.
    Failing(String),
    /// Nothing could be stored and nobody waits for it any longer: what was handed over and is not on file is gone.
    GivenUp,
}

/// A sink at work on a thread of its own.
pub struct Delivery {
    parcels: Option<blocking::Sender<Parcel>>,
    given_up: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

impl Delivery {
    /// Starts the sink's thread; what becomes of results is told to `report`.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(sink: Box<dyn Sink>, report: mpsc::UnboundedSender<Stored>) -> io::Result<Delivery> {
        let (parcels, incoming) = blocking::channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&given_up);
        let thread =
            thread::Builder::new().name("delivery".into()).spawn(move || deliver(sink, &incoming, &report, &told))?;
        Ok(Delivery { parcels: Some(parcels), given_up, thread: Some(thread) })
    }

    /// Hands a result over. Never blocks; the dispatcher bounds how many are outstanding.
    pub fn send(&self, parcel: Parcel) {
        if let Some(parcels) = &self.parcels {
            // The thread ends after this sender is gone, or because nobody waits for a failing sink any longer.
            let _ = parcels.send(parcel);
        }
    }

    /// From now on a failing sink is not tried again: the run is to end, stored or not.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

impl Delivery {
    /// Waits until everything handed over is on file and the sink has put itself in order.
    ///
    /// # Errors
    /// The sink could not be ended as was asked (results stay on file, perhaps not in the order of the input).
    pub fn close(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        self.parcels = None;
        match self.thread.take().map(thread::JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(io::Error::other("the thread that writes results panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn deliver(
    mut sink: Box<dyn Sink>,
    incoming: &blocking::Receiver<Parcel>,
    report: &mpsc::UnboundedSender<Stored>,
    given_up: &AtomicBool,
) -> io::Result<()> {
    while let Ok(first) = incoming.recv() {
        let mut batch = vec![first];
        // Results that come close together are written together: waking up for each would cost more than writing it.
        thread::sleep(GATHER);
        batch.extend(incoming.try_iter().take(BATCH));
        // A sink keeps what it could not write and tries it again at its next flush: each result is written once.
        let mut stored = Ok(());
        for parcel in &batch {
            let taken = match parcel {
                Parcel::Result(finished) => sink.write(finished),
                Parcel::Rejected(bad) => sink.reject(bad),
            };
            stored = stored.and(taken);
        }
        stored = stored.and_then(|()| sink.flush());
        while let Err(error) = stored {
            let told =
                if given_up.load(Ordering::Relaxed) { Stored::GivenUp } else { Stored::Failing(error.to_string()) };
            let ends = matches!(told, Stored::GivenUp);
            if report.send(told).is_err() || ends {
                return Err(error);
            }
            thread::sleep(TRY_AGAIN);
            stored = sink.flush();
        }
        if report.send(Stored::Some(batch.len() as u64)).is_err() {
            break;
        }
    }
    sink.finish()
}
