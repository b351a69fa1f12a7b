//! Where records come from and where results go: synthetic load, JSONL files, sinks, the journal of a run.

mod spec;

pub use spec::{Arrival, LoadSpec, Sizes};
