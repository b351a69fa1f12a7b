//! The ports through which results and their cost go out.

use std::io;

use crate::record::{Failure, Micros, Record, Reply, Route, Usage, UsageSource, Usd};

use super::BadLine;

/// A record whose result is final.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What was asked.
    pub record: Record,
    /// The reply, or the failure that ended it.
    pub result: Result<Reply, Failure>,
    /// Attempts made.
    pub attempts: u32,
    /// Where the last attempt went.
    pub route: Route,
    /// Whether it came from a simulator: then its output line says so.
    pub simulated: bool,
    /// What all its attempts cost; `None` where no price is known.
    pub cost: Option<Usd>,
    /// Token counts and where they came from.
    pub usage: Option<(Usage, UsageSource)>,
    /// Duration of the last attempt.
    pub attempt_latency: Micros,
    /// Due time to final result.
    pub response_time: Micros,
    /// The service's request id of the last attempt.
    pub request_id: Option<String>,
}

/// Where results go. Every record is written exactly once.
///
/// An `Err` means that lines could not be brought to their file (disk full, device gone); the error names the file.
/// **Nothing is lost and nothing may be written twice:** what was handed over is kept, in memory, and tried again by the
/// next [`Sink::flush`]. Stop handing over more until a flush succeeds.
pub trait Sink: Send {
    /// Takes the result of a record.
    fn write(&mut self, finished: &Finished) -> io::Result<()>;

    /// Takes a line of the input that could not be a record.
    fn reject(&mut self, bad: &BadLine) -> io::Result<()>;

    /// Hands everything to the operating system, in whole lines. To be called when idle and at least every 100 ms.
    fn flush(&mut self) -> io::Result<()>;

    /// Ends it: flushes, makes it durable, and puts it in order if that was asked for.
    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// What a resumed run must know beyond the results: which attempts were in flight, and what was spent.
pub trait Journal: Send {
    /// An attempt for record `seq` is about to be sent and may cost up to `worst`. When this returns `Ok` the mark has
    /// reached the operating system, so that a killed process forgets no attempt. On `Err` do not send; the mark is not
    /// kept, call again.
    fn started(&mut self, seq: u64, worst: Usd) -> io::Result<()>;

    /// The attempt has ended and cost this (zero if it was not billed). May stay in memory until the next `started` or
    /// `flush`: a mark lost in between counts as in flight at its worst case. On `Err` the mark is kept.
    fn settled(&mut self, seq: u64, cost: Usd) -> io::Result<()>;

    /// Hands everything to the operating system.
    fn flush(&mut self) -> io::Result<()>;

    /// The load has ended; `complete` if no record is left to send.
    fn finish(&mut self, complete: bool) -> io::Result<()>;
}
