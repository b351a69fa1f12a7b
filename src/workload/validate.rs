//! The validating pass over a file: one thread reads and hashes, others judge.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bytes::Bytes;

use crate::record::RecordId;

use super::BadLine;
use super::blocks::{Block, Blocks, Piece};
use super::index::{Entry, MAX_LINES};
use super::input::{Input, InputError, look, name, repeat_reason, too_long};
use super::line::{Facts, Judge, Reason};

/// How many errors are told in full.
const TOLD: usize = 20;
/// How much of the file may be between reader and checkers.
const IN_FLIGHT: usize = 8 * 1024 * 1024;
/// More checking threads than this bring nothing: the reader (one hash over everything) is then the slowest.
const MOST_CHECKERS: usize = 4;

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

/// Judges every line of `input` and fills in what was found; the first of the unusable lines.
///
/// # Errors
/// If the file cannot be read, or has too many lines.
pub fn run(input: &mut Input, progress: impl FnMut(u64)) -> Result<Vec<BadLine>, InputError> {
    let mut pass = Pass { input, bad: Vec::new() };
    pass.run(progress)?;
    Ok(pass.bad)
}

struct Pass<'a> {
    input: &'a mut Input,
    bad: Vec<BadLine>,
}

impl Pass<'_> {
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
        let input = &mut *self.input;
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
