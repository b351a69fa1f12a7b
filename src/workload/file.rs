//! A validated file as a source of records.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use jiff::Timestamp;

use crate::record::{FlowId, Record, RecordId};

use super::index::{Entry, Index};
use super::input::{Input, Reader, look, name, read_at, repeat_reason, too_long};
use super::line::{MAX_LINE, Reason};
use super::seqs::SeqSet;
use super::{BadLine, RunClock, Source, StopHandle};

/// Reads the records of an [`Input`] by position: unusable lines first (as errors, for the failed file), then by class,
/// deadline and place in the file. Each line is judged again as it is read, so a file that is changed under the run
/// stops it instead of sending something else.
pub struct FileSource {
    path: PathBuf,
    reader: Reader,
    index: Index,
    order: std::vec::IntoIter<u32>,
    flow: FlowId,
    clock: RunClock,
    begun: Timestamp,
    stopped: Arc<AtomicBool>,
}

impl FileSource {
    /// The lines of `input` that are not in `finished`. `begun` is when the run began, its first start if it was
    /// resumed: deadlines that are spans count from there.
    #[must_use]
    pub fn new(input: Input, finished: &SeqSet, flow: FlowId, clock: RunClock, begun: Timestamp) -> FileSource {
        let (path, reader, index) = input.into_parts();
        let order = index.order(|deadline| deadline.on(&clock, begun).0, |seq| finished.contains(u64::from(seq)));
        FileSource {
            path,
            reader,
            index,
            order: order.into_iter(),
            flow,
            clock,
            begun,
            stopped: Arc::new(AtomicBool::new(false)),
        }
    }

    /// How many lines are still to come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.order.len() as u64
    }

    fn read(&self, seq: u32, entry: &Entry) -> Result<Record, BadLine> {
        let line = u64::from(entry.line);
        let fatal = |what: String| BadLine {
            line,
            seq: u64::from(seq),
            id: None,
            reason: format!("{}: {what}", self.path.display()),
            raw: None,
            fatal: true,
        };
        let changed = || fatal("the file was changed while the run was reading it".to_owned());
        let bytes = Bytes::from(read_at(&self.reader.file, entry).map_err(|e| fatal(e.to_string()))?);
        let shape = look(&bytes);
        let (id, given) = name(&shape, line);
        if !self.reader.is_named(seq, &id) {
            return Err(changed());
        }
        let Some(facts) = entry.facts else {
            let own = shape.and_then(|shape| self.reader.judge.facts(&shape)).err();
            return Err(self.bad(seq, entry, own, &bytes, &id, given));
        };
        let body = shape.and_then(|shape| self.reader.judge.body(&bytes, &shape, &facts)).map_err(|_| changed())?;
        Ok(Record {
            id: RecordId::from(id),
            seq: u64::from(seq),
            flow: self.flow,
            priority: facts.priority,
            deadline: facts.deadline.map(|deadline| deadline.on(&self.clock, self.begun)),
            due: self.clock.now(),
            body,
        })
    }

    /// What is wrong with an unusable line: found out again, rather than kept for every line.
    fn bad(&self, seq: u32, entry: &Entry, own: Option<Reason>, bytes: &Bytes, id: &str, given: bool) -> BadLine {
        let repeat = self.index.repeat_of(seq);
        let reason = match (own, repeat) {
            // A line that was too long to read has no length in the index.
            _ if entry.length == 0 => too_long(MAX_LINE as u64 + 1),
            (Some(reason), _) => reason,
            (None, Some(earlier)) => repeat_reason(id, given, u64::from(earlier)),
            (None, None) => "unusable when the file was validated".to_owned(),
        };
        BadLine {
            line: u64::from(entry.line),
            seq: u64::from(seq),
            id: repeat.is_none().then(|| RecordId::from(id)),
            reason,
            raw: (!bytes.is_empty()).then(|| bytes.clone()),
            fatal: false,
        }
    }
}

impl Source for FileSource {
    fn next(&mut self) -> Option<Result<Record, BadLine>> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let seq = self.order.next()?;
        let record = self.read(seq, &self.index.get(seq));
        if record.as_ref().is_err_and(|bad| bad.fatal) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        Some(record)
    }

    fn stop(&self) -> StopHandle {
        let stopped = Arc::clone(&self.stopped);
        StopHandle::new(move || stopped.store(true, Ordering::Relaxed))
    }
}
