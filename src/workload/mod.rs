//! Where records come from and where results go: JSONL files and standard input, synthetic load and its pacer, output
//! files, the journal of a run, and the run's clock.
//!
//! This room reads and writes what the user named and decides *when* work arrives. It knows request bodies (through
//! [`crate::families`]) but no limiter, no queue, no AWS and no async runtime: sources block on threads of their own.

mod clock;
mod sink;
mod source;
mod spec;

pub use clock::RunClock;
pub use sink::{Finished, Journal, Sink};
pub use source::{BadLine, Source, StopHandle};
pub use spec::{Arrival, LoadSpec, Sizes};
