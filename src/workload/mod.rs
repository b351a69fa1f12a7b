//! Where records come from and where results go: JSONL files and standard input, synthetic load and its pacer, output
//! files, the journal of a run, and the run's clock.
//!
//! This room reads and writes what the user named and decides *when* work arrives. It knows request bodies (through
//! [`crate::families`]) but no limiter, no queue, no AWS and no async runtime: sources block on threads of their own.

mod append;
mod batch_line;
mod blocks;
mod clock;
mod file;
mod ids;
mod index;
mod input;
mod line;
mod output;
mod paths;
mod phrases;
mod prompt;
mod result_line;
mod resume;
mod run_file;
mod schedule;
mod seqs;
mod sink;
mod source;
mod spec;
mod stream;
mod synthetic;
mod validate;

pub use batch_line::{BatchJudge, BatchRecord, Lines, Unusable, write_batch_line};
pub use clock::RunClock;
pub use file::FileSource;
pub use input::{Input, InputError, InputSummary, InvalidLines, LARGE_RECORD, Progress};
pub use line::{Deadline, InputOptions};
pub use output::{JsonlSink, Outputs};
pub use paths::{Existing, OutputError, OutputPaths};
pub use resume::Past;
pub use run_file::{RunFile, RunIdentity};
pub use seqs::SeqSet;
pub use sink::{Finished, Journal, Sink};
pub use source::{BadLine, Source, StopHandle};
pub use spec::{Arrival, LoadSpec, Sizes};
pub use stream::StreamSource;
pub use synthetic::{RateControl, Synthetic};
