//! A file of records: one validating pass before anything is sent, then reads by position.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use serde::Serialize;

use crate::families::TextKind;
use crate::record::RecordId;

use super::BadLine;
use super::blocks::{Block, Blocks, Piece};
use super::ids::IdIndex;
use super::index::{Entry, Index, MAX_LINES};
use super::line::{Facts, InputOptions, Judge, MAX_LINE, Reason, Shape, quoted, text};

/// How many errors are told in full.
const TOLD: usize = 20;
/// How much of the file may be between reader and checkers.
const IN_FLIGHT: usize = 8 * 1024 * 1024;
/// More checking threads than this bring nothing: the reader (one hash over everything) is then the slowest.
const MOST_CHECKERS: usize = 4;

/// A validated file.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    file: File,
    judge: Judge,
    index: Index,
    ids: IdIndex,
    summary: InputSummary,
}

/// What is in an input. Token counts are raw estimates, before any learning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InputSummary {
    /// Usable records.
    pub records: u64,
    /// Lines that cannot be records.
    pub invalid: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Records by class: high, medium, low.
    pub by_priority: [u64; 3],
    /// Records with a deadline.
    pub with_deadline: u64,
    /// Input tokens, all kinds of text.
    pub input_tokens: u64,
    /// Input tokens by the kind of text that the record consists of; see [`TextKind`].
    pub input_tokens_by_kind: [u64; TextKind::COUNT],
    /// Input tokens of the largest record, and its line.
    pub largest: Option<(u64, u64)>,
    /// Records without an output limit: the model's maximum will be reserved for each of them.
    pub without_max_tokens: u64,
    /// Sum of the output limits of the others.
    pub max_tokens: u64,
    /// BLAKE3 of the whole file, hexadecimal.
    pub digest: String,
}

impl InputSummary {
    fn add(&mut self, facts: &Facts, line: u64) {
        self.records += 1;
        self.by_priority[facts.priority.index()] += 1;
        self.with_deadline += u64::from(facts.deadline.is_some());
        self.input_tokens += facts.raw_input;
        self.input_tokens_by_kind[usize::from(facts.text_kind)] += facts.raw_input;
        if self.largest.is_none_or(|(tokens, _)| facts.raw_input > tokens) {
            self.largest = Some((facts.raw_input, line));
        }
        match facts.max_tokens {
            Some(n) => self.max_tokens = self.max_tokens.saturating_add(n),
            None => self.without_max_tokens += 1,
        }
    }
}

/// How far validation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub done: u64,
    /// Bytes in the file when it was opened.
    pub total: u64,
}

/// Why an input cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device: a file is read more than once.
    #[error("{}: not a regular file; a stream is read from standard input, named `-`", .0.display())]
    NotAFile(PathBuf),
    /// It has more lines than can be numbered.
    #[error("{}: more than {MAX_LINES} lines; split it", .0.display())]
    TooManyLines(PathBuf),
    /// Some of its lines are unusable.
    #[error(transparent)]
    Invalid(#[from] InvalidLines),
}

/// The unusable lines of an input: the first of them, and how many there are.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidLines {
    /// The input.
    pub path: PathBuf,
    /// The first ones.
    pub first: Vec<BadLine>,
    /// How many in all.
    pub count: u64,
}

impl std::error::Error for InvalidLines {}

impl fmt::Display for InvalidLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let lines =
            if self.count == 1 { "1 unusable line".to_owned() } else { format!("{} unusable lines", self.count) };
        write!(f, "{path}: {lines}; nothing was sent (--skip-invalid puts them in the failed file and goes on)")?;
        for bad in &self.first {
            write!(f, "\n  {path}:{}: {}", bad.line, bad.reason)?;
        }
        match self.count - self.first.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n  ... and {more} more"),
        }
    }
}

/// What a checker found out about a line.
struct Checked {
    start: usize,
    length: usize,
    line: u64,
    id_hash: u64,
    facts: Result<Facts, Reason>,
}

/// Checks a line: its name's hash, and what its record needs or what is wrong with it.
fn check(judge: &Judge, hasher: &RandomState, line: u64, bytes: &[u8]) -> (u64, Result<Facts, Reason>) {
    let unnamed = || hasher.hash_one(line.to_string().as_str());
    let shape = match look(bytes) {
        Ok(shape) => shape,
        Err(reason) => return (unnamed(), Err(reason)),
    };
    let hash = match shape.id() {
        Ok(Some(id)) => hasher.hash_one(&*id),
        _ => unnamed(),
    };
    (hash, judge.facts(&shape))
}

/// The outline of a line of bytes.
pub(super) fn look(bytes: &[u8]) -> Result<Shape<'_>, Reason> {
    if bytes.len() > MAX_LINE {
        return Err(too_long(bytes.len() as u64));
    }
    Shape::read(text(bytes)?)
}

pub(super) fn too_long(length: u64) -> Reason {
    format!("{:.1} MB long; at most {} MB are taken", length as f64 / 1_048_576.0, MAX_LINE / 1_048_576)
}

/// The name of a line: what it gives, or its number; and whether it gives one.
pub(super) fn name(look: &Result<Shape<'_>, Reason>, line: u64) -> (String, bool) {
    match look.as_ref().map(Shape::id) {
        Ok(Ok(Some(id))) => (id.into_owned(), true),
        _ => (line.to_string(), false),
    }
}

pub(super) fn repeat_reason(name: &str, given: bool, earlier: u64) -> Reason {
    if given {
        format!("recordId {} is already taken by line {earlier}", quoted(name))
    } else {
        format!("has no recordId, and its line number is already taken as one by line {earlier}")
    }
}

impl Input {
    /// Reads the whole file once and judges every line, before anything is sent. Memory stays within a few blocks plus
    /// some 45 bytes a record, whatever the size. `progress` is called after each block.
    ///
    /// # Errors
    /// If the file cannot be read, or holds unusable lines and `options` do not say to skip them.
    pub fn validate(
        path: &Path,
        options: InputOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<Input, InputError> {
        let io = |source| InputError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        if !meta.is_file() {
            return Err(InputError::NotAFile(path.to_owned()));
        }
        let mut pass = Pass {
            input: Input {
                path: path.to_owned(),
                file,
                judge: Judge::new(options),
                index: Index::default(),
                ids: IdIndex::default(),
                summary: InputSummary::default(),
            },
            bad: Vec::new(),
        };
        pass.run(|done| progress(Progress { done, total: meta.len().max(done) }))?;
        let Pass { input, bad } = pass;
        if input.summary.invalid > 0 && !input.judge.options().skip_invalid {
            let path = path.to_owned();
            return Err(InvalidLines { path, first: bad, count: input.summary.invalid }.into());
        }
        Ok(input)
    }

    /// What is in it.
    #[must_use]
    pub fn summary(&self) -> &InputSummary {
        &self.summary
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many lines can have a result: records and, if they are skipped, unusable lines.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.index.len() as u64
    }

    /// The `seq` of the line with this name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn find(&self, id: &str) -> io::Result<Option<u64>> {
        for seq in self.ids.candidates(self.ids.hash(id)) {
            if self.index.repeat_of(seq).is_none() && self.name_of(seq)? == id {
                return Ok(Some(u64::from(seq)));
            }
        }
        Ok(None)
    }

    /// The `seq` of the line with this number, if it is not blank.
    #[must_use]
    pub fn at_line(&self, line: u64) -> Option<u64> {
        self.index.find_line(line).map(u64::from)
    }

    pub(super) fn into_parts(self) -> (PathBuf, Reader, Index) {
        let (hasher, hashes) = self.ids.into_hashes();
        (self.path, Reader { file: self.file, judge: self.judge, hasher, hashes }, self.index)
    }

    fn name_of(&self, seq: u32) -> io::Result<String> {
        let entry = self.index.get(seq);
        Ok(name(&look(&read_at(&self.file, &entry)?), u64::from(entry.line)).0)
    }
}

/// The bytes of a line.
pub(super) fn read_at(file: &File, entry: &Entry) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; entry.length as usize];
    file.read_exact_at(&mut bytes, entry.offset)?;
    Ok(bytes)
}

/// What is needed to read the lines of a validated file again.
#[derive(Debug)]
pub(super) struct Reader {
    pub file: File,
    pub judge: Judge,
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl Reader {
    /// Whether line `seq` still has the name that it had when the file was validated.
    pub fn is_named(&self, seq: u32, id: &str) -> bool {
        self.hashes.get(seq as usize) == Some(&self.hasher.hash_one(id))
    }
}

/// The validating pass.
struct Pass {
    input: Input,
    bad: Vec<BadLine>,
}

impl Pass {
    /// This thread reads, hashes and collects; checkers judge the blocks. What they find is taken in the file's order.
    fn run(&mut self, mut progress: impl FnMut(u64)) -> Result<(), InputError> {
        let path = self.input.path.clone();
        let io = |source| InputError::Io { path: path.clone(), source };
        let file = self.input.file.try_clone().map_err(io)?;
        let judge = self.input.judge.clone();
        let hasher = self.input.ids.hasher();
        let checkers = thread::available_parallelism().map_or(1, usize::from).clamp(1, MOST_CHECKERS);

        let (give, given) = mpsc::channel::<(u64, Block)>();
        let (tell, told) = mpsc::sync_channel(checkers);
        let given = Mutex::new(given);
        thread::scope(|scope| {
            for _ in 0..checkers {
                let (given, tell, judge, hasher) = (&given, tell.clone(), &judge, &hasher);
                scope.spawn(move || checker(given, &tell, judge, hasher));
            }
            drop(tell);
            // Dropped before the scope ends, in every case: that is what lets the checkers end.
            let (give, told) = (give, told);
            let mut blocks = Blocks::new(file);
            let mut digest = blake3::Hasher::new();
            let mut waiting: BTreeMap<u64, Found> = BTreeMap::new();
            let (mut given, mut taken, mut in_flight, mut done) = (0, 0, 0, 0);
            let mut ended = false;
            while !ended || taken < given {
                if !ended && (in_flight == 0 || in_flight < IN_FLIGHT) {
                    let piece = blocks.next(|bytes| {
                        digest.update(bytes);
                        done += bytes.len() as u64;
                    });
                    match piece.map_err(io)? {
                        None => ended = true,
                        Some(Piece::Lines(block)) => {
                            in_flight += block.bytes.len();
                            // A checker that is gone shows when its results are missed, below.
                            let _ = give.send((given, block));
                            given += 1;
                        }
                        Some(Piece::TooLong { line, offset, length }) => {
                            waiting.insert(given, Found::TooLong { line, offset, length });
                            given += 1;
                        }
                    }
                } else if let Ok((number, block, checked)) = told.recv() {
                    waiting.insert(number, Found::Block(block, checked));
                } else {
                    return Err(io(io::Error::other("a validating thread has ended early")));
                }
                while let Some(found) = waiting.remove(&taken) {
                    taken += 1;
                    if let Found::Block(block, _) = &found {
                        in_flight -= block.bytes.len();
                    }
                    self.take(found)?;
                    progress(done);
                }
            }
            self.input.summary.bytes = done;
            self.input.summary.digest = digest.finalize().to_hex().to_string();
            Ok(())
        })
    }

    fn take(&mut self, found: Found) -> Result<(), InputError> {
        match found {
            Found::Block(block, checked) => {
                for line in checked {
                    let bytes = &block.bytes[line.start..line.start + line.length];
                    self.line(block.offset + line.start as u64, bytes, line.line, line.id_hash, line.facts)?;
                }
                Ok(())
            }
            Found::TooLong { line, offset, length } => {
                let hash = self.input.ids.hash(&line.to_string());
                // Its length in the index is 0: it is not read again.
                self.line(offset, &[], line, hash, Err(too_long(length)))
            }
        }
    }

    fn line(
        &mut self,
        offset: u64,
        bytes: &[u8],
        line: u64,
        id_hash: u64,
        facts: Result<Facts, Reason>,
    ) -> Result<(), InputError> {
        let input = &mut self.input;
        let (seq, Ok(number)) = (input.index.len(), u32::try_from(line)) else {
            return Err(InputError::TooManyLines(input.path.clone()));
        };
        if seq >= MAX_LINES {
            return Err(InputError::TooManyLines(input.path.clone()));
        }
        let mut repeat = None;
        for earlier in input.ids.candidates(id_hash) {
            // Equal hashes are nearly always equal names; the file tells.
            let (name, given) = name(&look(bytes), line);
            let path = &input.path;
            let other = input.name_of(earlier).map_err(|source| InputError::Io { path: path.clone(), source })?;
            if other == name {
                let earlier = input.index.get(earlier).line;
                repeat = Some((earlier, repeat_reason(&name, given, u64::from(earlier))));
                break;
            }
        }
        input.ids.push(id_hash);
        let usable = facts.as_ref().ok().copied();
        input.index.push(&Entry { offset, length: bytes.len() as u32, line: number, facts: usable });
        let repeats = repeat.is_some();
        if let Some((earlier, _)) = repeat {
            input.index.mark_repeat(earlier);
        }
        let reason = match (facts, repeat) {
            (Ok(facts), None) => {
                input.summary.add(&facts, line);
                return Ok(());
            }
            (Err(reason), _) | (Ok(_), Some((_, reason))) => reason,
        };
        input.summary.invalid += 1;
        if self.bad.len() < TOLD {
            let id = (!repeats).then(|| RecordId::from(name(&look(bytes), line).0));
            let raw = (!bytes.is_empty()).then(|| Bytes::copy_from_slice(bytes));
            self.bad.push(BadLine { line, seq: seq as u64, id, reason, raw, fatal: false });
        }
        Ok(())
    }
}

enum Found {
    Block(Block, Vec<Checked>),
    TooLong { line: u64, offset: u64, length: u64 },
}

/// Judges blocks until there are no more.
fn checker(
    given: &Mutex<Receiver<(u64, Block)>>,
    tell: &SyncSender<(u64, Block, Vec<Checked>)>,
    judge: &Judge,
    hasher: &RandomState,
) {
    loop {
        let next = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, block)) = next else { return };
        let checked = block
            .lines()
            .map(|at| {
                let (id_hash, facts) = check(judge, hasher, at.line, at.bytes);
                Checked { start: at.start, length: at.bytes.len(), line: at.line, id_hash, facts }
            })
            .collect();
        if tell.send((number, block, checked)).is_err() {
            return;
        }
    }
}
