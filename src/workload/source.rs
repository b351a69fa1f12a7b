//! The port through which work comes in.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::record::{Record, RecordId};

/// Where records come from. Called from a thread of its own, because [`Source::next`] blocks: a file reads, standard
/// input waits for its writer, a pacer sleeps until the next arrival is due.
pub trait Source: Send {
    /// The next record; `None` at the end, or soon after a stop. An unusable line comes as an error: it is a failed
    /// record (give it to [`super::Sink::reject`]), and if [`BadLine::fatal`] is set nothing follows it and the run
    /// must end with that reason.
    fn next(&mut self) -> Option<Result<Record, BadLine>>;

    /// A handle by which another thread makes a blocked [`Source::next`] return `None` soon, and all later calls.
    fn stop(&self) -> StopHandle;
}

/// Ends a [`Source`] from another thread. Cloning gives the same handle.
#[derive(Clone)]
pub struct StopHandle(Arc<dyn Fn() + Send + Sync>);

impl StopHandle {
    /// A handle that does `stop`.
    pub fn new(stop: impl Fn() + Send + Sync + 'static) -> StopHandle {
        StopHandle(Arc::new(stop))
    }

    /// Ends the source. May be called more than once.
    pub fn stop(&self) {
        (self.0)();
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopHandle")
    }
}

/// A line of the input that cannot be a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line, from 1.
    pub line: u64,
    /// Its place in the input, from 0, counted like [`Record::seq`].
    pub seq: u64,
    /// Its name; `None` if the name it gives belongs to another line.
    pub id: Option<RecordId>,
    /// What is wrong with it, one readable line.
    pub reason: String,
    /// The line as it was, for the failed file; `None` if it is too long to be kept.
    pub raw: Option<Bytes>,
    /// The run cannot go on: unusable input that may not be skipped, or an input that cannot be read any more.
    pub fatal: bool,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}
