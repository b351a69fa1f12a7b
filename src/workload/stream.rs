//! Standard input, or any stream, as a source of records.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;
use jiff::Timestamp;

use crate::record::{FlowId, Record, RecordId};

use super::blocks::{Blocks, Piece};
use super::input::{look, name, repeat_reason, too_long};
use super::line::{InputOptions, Judge, Reason};
use super::resume::Past;
use super::{BadLine, RunClock, Source, StopHandle};

/// Pieces that may wait to be taken; one is usually a block of 1 MiB, or what a writer gave at once.
const MOST_WAITING: usize = 2;

/// A name as a stream remembers it: a stream cannot be read again to compare names, so 128 bits of a cryptographic hash
/// must do (two different names meet with a chance of 2⁻⁸⁸ among a million).
pub type NameDigest = [u8; 16];

/// The digest of a name.
#[must_use]
pub fn name_digest(name: &str) -> NameDigest {
    let hash = blake3::hash(name.as_bytes());
    let mut digest = NameDigest::default();
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}

/// Judges lines as they arrive. A thread of its own reads ahead by a few blocks and no more, so that the writer feels
/// when we are slower; it is left behind if the stream is stopped while it waits for the writer. It remembers the names
/// of all lines (about 30 bytes each), to find repeated ones.
pub struct StreamSource {
    shared: Arc<Shared>,
    judge: Judge,
    ready: VecDeque<Line>,
    names: HashMap<NameDigest, u64>,
    past: Past,
    seq: u64,
    flow: FlowId,
    clock: RunClock,
    begun: Timestamp,
    ended: bool,
}

/// A line with its number.
struct Line {
    number: u64,
    bytes: Result<Bytes, Reason>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pieces: VecDeque<io::Result<Piece>>,
    ended: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until the stream ends or is stopped.
    fn read(&self, stream: impl Read) {
        let mut blocks = Blocks::new(stream);
        loop {
            let next = blocks.next(|_| ()).transpose();
            let mut state = self.lock();
            while state.pieces.len() >= MOST_WAITING && !state.stopped {
                state = self.wait(state);
            }
            state.ended = !matches!(next, Some(Ok(_)));
            state.pieces.extend(next);
            self.changed.notify_all();
            if state.ended || state.stopped {
                return;
            }
        }
    }

    /// The next piece; `None` at the end, or when stopped.
    fn take(&self) -> Option<io::Result<Piece>> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(piece) = state.pieces.pop_front() {
                self.changed.notify_all();
                return Some(piece);
            }
            if state.ended {
                return None;
            }
            state = self.wait(state);
        }
    }
}

impl StreamSource {
    /// Reads records from `stream`, leaving out those that are finished in `past` (the stream must then begin again from
    /// its beginning). `begun` as for [`super::FileSource::new`].
    #[must_use]
    pub fn new(
        stream: impl Read + Send + 'static,
        options: InputOptions,
        past: Past,
        flow: FlowId,
        clock: RunClock,
        begun: Timestamp,
    ) -> StreamSource {
        let shared = Arc::new(Shared::default());
        let reader = Arc::clone(&shared);
        let thread = thread::Builder::new().name("read-input".to_owned()).spawn(move || reader.read(stream));
        if let Err(e) = thread {
            // Told by the first `next`, like any other failure to read.
            shared.lock().pieces.push_back(Err(e));
        }
        StreamSource {
            shared,
            judge: Judge::new(options),
            ready: VecDeque::new(),
            names: HashMap::new(),
            past,
            seq: 0,
            flow,
            clock,
            begun,
            ended: false,
        }
    }

    fn piece(&mut self, piece: Piece) {
        match piece {
            // Copied, because a record that waits long would keep its whole block in memory.
            Piece::Lines(block) => self
                .ready
                .extend(block.lines().map(|at| Line { number: at.line, bytes: Ok(Bytes::copy_from_slice(at.bytes)) })),
            Piece::TooLong { line, length, .. } => {
                self.ready.push_back(Line { number: line, bytes: Err(too_long(length)) });
            }
        }
    }

    /// The record of a line; `None` if it has its result already.
    fn line(&mut self, line: Line) -> Option<Result<Record, BadLine>> {
        let seq = self.seq;
        self.seq += 1;
        let (bytes, long) = match line.bytes {
            Ok(bytes) => (bytes, None),
            Err(reason) => (Bytes::new(), Some(reason)),
        };
        let shape = long.map_or_else(|| look(&bytes), Err);
        let (id, given) = name(&shape, line.number);
        let digest = name_digest(&id);
        let earlier = match self.names.entry(digest) {
            Entry::Occupied(earlier) => Some(*earlier.get()),
            Entry::Vacant(free) => {
                free.insert(line.number);
                None
            }
        };
        if earlier.is_none() && self.past.names.contains(&digest) || self.past.bad_lines.contains(&line.number) {
            return None;
        }
        let judged = shape.and_then(|shape| {
            let facts = self.judge.facts(&shape)?;
            Ok((facts, self.judge.body(&bytes, &shape, &facts)?))
        });
        let reason = match (judged, earlier) {
            (Ok((facts, body)), None) => {
                return Some(Ok(Record {
                    id: RecordId::from(id),
                    seq,
                    flow: self.flow,
                    priority: facts.priority,
                    deadline: facts.deadline.map(|deadline| deadline.on(&self.clock, self.begun)),
                    due: self.clock.now(),
                    body,
                }));
            }
            (Err(reason), _) => reason,
            (Ok(_), Some(earlier)) => repeat_reason(&id, given, earlier),
        };
        let fatal = !self.judge.options().skip_invalid;
        self.ended = fatal;
        Some(Err(BadLine {
            line: line.number,
            seq,
            id: earlier.is_none().then(|| RecordId::from(id)),
            reason,
            raw: (!bytes.is_empty()).then_some(bytes),
            fatal,
        }))
    }
}

impl Source for StreamSource {
    fn next(&mut self) -> Option<Result<Record, BadLine>> {
        while !self.ended && !self.shared.lock().stopped {
            if let Some(line) = self.ready.pop_front() {
                if let Some(record) = self.line(line) {
                    return Some(record);
                }
                continue;
            }
            match self.shared.take()? {
                Ok(piece) => self.piece(piece),
                Err(e) => {
                    self.ended = true;
                    return Some(Err(BadLine {
                        line: self.seq + 1,
                        seq: self.seq,
                        id: None,
                        reason: format!("the input cannot be read: {e}"),
                        raw: None,
                        fatal: true,
                    }));
                }
            }
        }
        None
    }

    fn stop(&self) -> StopHandle {
        let shared = Arc::clone(&self.shared);
        StopHandle::new(move || {
            shared.lock().stopped = true;
            shared.changed.notify_all();
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::families::ApiChoice;
    use crate::record::Priority;

    fn options(skip_invalid: bool) -> InputOptions {
        InputOptions {
            models: Vec::new(),
            api: ApiChoice::Auto,
            max_tokens: None,
            priority: Priority::Low,
            skip_invalid,
        }
    }

    fn source(text: &str, skip_invalid: bool, past: Past) -> StreamSource {
        let clock = RunClock::start();
        let stream = io::Cursor::new(text.to_owned().into_bytes());
        StreamSource::new(stream, options(skip_invalid), past, FlowId(2), clock, clock.utc_now())
    }

    fn all(mut source: StreamSource) -> Vec<Result<Record, BadLine>> {
        std::iter::from_fn(|| source.next()).collect()
    }

    const TEXT: &str =
        "{\"prompt\":\"a\"}\n\nnonsense\n{\"recordId\":\"x\",\"prompt\":\"b\"}\n{\"recordId\":\"1\",\"prompt\":\"c\"}";

    #[test]
    fn lines_become_records_or_bad_lines() {
        let found = all(source(TEXT, true, Past::default()));
        let record = found[0].as_ref().unwrap();
        assert_eq!((record.id.as_str(), record.seq, record.priority, record.flow), ("1", 0, Priority::Low, FlowId(2)));
        let bad = found[1].as_ref().unwrap_err();
        assert_eq!((bad.line, bad.seq, bad.id.as_ref().unwrap().as_str(), bad.fatal), (3, 1, "3", false));
        assert_eq!(found[2].as_ref().unwrap().id.as_str(), "x");
        let repeat = found[3].as_ref().unwrap_err();
        assert_eq!((repeat.line, repeat.id.as_ref()), (5, None));
        assert_eq!(repeat.reason, "recordId \"1\" is already taken by line 1");
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn without_leave_to_skip_a_bad_line_ends_it() {
        let found = all(source(TEXT, false, Past::default()));
        assert_eq!(found.len(), 2);
        assert!(found[1].as_ref().unwrap_err().fatal);
    }

    #[test]
    fn what_is_finished_does_not_come_again() {
        let past = Past { names: [name_digest("1")].into(), bad_lines: [3].into(), ..Past::default() };
        let found = all(source(TEXT, true, past));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].as_ref().unwrap().seq, 2, "places are those of the whole stream");
        assert!(found[1].is_err());
    }

    /// A writer that gives what it is sent, and never ends by itself.
    struct Writer(mpsc::Receiver<&'static [u8]>);

    impl Read for Writer {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Ok(bytes) = self.0.recv() else { return Err(io::Error::other("the writer is gone")) };
            into[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }

    fn written() -> (mpsc::Sender<&'static [u8]>, StreamSource) {
        let (write, read) = mpsc::channel();
        let clock = RunClock::start();
        let past = Past::default();
        let source = StreamSource::new(Writer(read), options(true), past, FlowId(0), clock, clock.utc_now());
        (write, source)
    }

    #[test]
    fn a_record_comes_as_soon_as_its_line_is_there() {
        let (write, mut source) = written();
        write.send(b"{\"prompt\":\"a").unwrap();
        write.send(b"\"}\n{\"pro").unwrap();
        assert_eq!(source.next().unwrap().unwrap().id.as_str(), "1");
        write.send(b"mpt\":\"b\"}\n").unwrap();
        assert_eq!(source.next().unwrap().unwrap().id.as_str(), "2");
        drop(write);
        let bad = source.next().unwrap().unwrap_err();
        assert!(bad.fatal && bad.reason.contains("the writer is gone"), "{bad}");
        assert!(source.next().is_none());
    }

    #[test]
    fn stop_ends_a_source_that_waits_for_its_writer() {
        let (_write, mut source) = written();
        let stop = source.stop();
        let waiting = thread::spawn(move || source.next().is_none());
        stop.stop();
        assert!(waiting.join().unwrap());
    }
}
