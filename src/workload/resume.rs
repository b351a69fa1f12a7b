//! What an earlier process of the same run has left behind.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::record::Usd;

use super::Input;
use super::blocks::{Blocks, LineAt, Piece};
use super::paths::{OutputError, OutputPaths};
use super::result_line::Written;
use super::run_file::{Header, Marks};
use super::seqs::SeqSet;
use super::stream::{NameDigest, name_digest};

/// The longest result that is read: a request and a reply of the largest size, and room.
const LONGEST_RESULT: usize = 256 * 1024 * 1024;

/// What is done and what was spent before this process.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// When the run first began; `None` if it begins now.
    pub begun: Option<Timestamp>,
    /// Lines of the input that have their result.
    pub finished: SeqSet,
    /// How many of them succeeded.
    pub succeeded: u64,
    /// How many failed.
    pub failed: u64,
    /// What was spent; attempts that were in flight count at their worst.
    pub spent: Usd,
    /// Requests that were in flight when a process ended, or whose result was lost with it: they are sent again and may
    /// be paid twice. In all processes of the run.
    pub maybe_paid_twice: u64,
    /// For standard input, whose lines cannot be found again by their place: names that have their result.
    pub(super) names: HashSet<NameDigest>,
    /// For standard input: unusable lines that are in the failed file.
    pub(super) bad_lines: HashSet<u64>,
}

/// A result file as it was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Where its whole lines end: what follows is a torn line.
    pub end: u64,
    /// The last whole line lacks its newline.
    pub unended: bool,
    /// Place in the input and place in the file of each line.
    pub lines: Vec<(u64, u64)>,
}

/// All that was found.
pub(super) struct Remains {
    pub past: Past,
    pub marks: Marks,
    pub out: Found,
    pub failed: Found,
}

impl Remains {
    /// Reads the files of a run, changing nothing. `now` is what the run that wants to go on would write as its header.
    /// `None` if nothing was begun.
    pub fn read(paths: &OutputPaths, now: &Header, input: Option<&Input>) -> Result<Option<Remains>, OutputError> {
        let journal = open(&paths.run)?;
        let marks = match &journal {
            Some(file) => Marks::read(&paths.run, file)?,
            None => None,
        };
        let Some(marks) = marks else {
            for path in [&paths.out, &paths.failed] {
                let file = open(path)?;
                let length = file.map_or(Ok(0), |file| file.metadata().map(|meta| meta.len()));
                if length.map_err(OutputError::io(path))? > 0 {
                    return Err(OutputError::NoJournal { run: paths.run.clone(), out: path.clone() });
                }
            }
            return Ok(None);
        };
        marks.header.must_match(now)?;
        let past = Past { begun: Some(marks.header.begun), ..Past::default() };
        let mut reading = Reading { input, marks, past };
        let out = reading.results(&paths.out, true)?;
        let failed = reading.results(&paths.failed, false)?;
        let Reading { marks, mut past, .. } = reading;
        past.spent = marks.open.values().fold(marks.spent, |sum, worst| sum + *worst);
        let mut lost = marks.paid.clone();
        marks.open.keys().for_each(|seq| {
            lost.insert(*seq);
        });
        past.maybe_paid_twice = marks.twice + lost.count_without(&past.finished);
        Ok(Some(Remains { past, marks, out, failed }))
    }
}

/// Opens a file that may be missing.
fn open(path: &Path) -> Result<Option<File>, OutputError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(OutputError::io(path)(e)),
    }
}

struct Reading<'a> {
    input: Option<&'a Input>,
    marks: Marks,
    past: Past,
}

impl Reading<'_> {
    /// Reads a result file. Its last line may be torn; any other line must be a result of this run.
    fn results(&mut self, path: &Path, is_out: bool) -> Result<Found, OutputError> {
        let mut found = Found::default();
        let Some(file) = open(path)? else { return Ok(found) };
        let mut blocks = Blocks::new(file).longest_line(LONGEST_RESULT);
        while let Some(piece) = blocks.next(|_| ()).map_err(OutputError::io(path))? {
            let block = match piece {
                Piece::Lines(block) => block,
                Piece::TooLong { line, .. } => return Err(bad(path, line, "too long for a result")),
            };
            let whole = memchr::memrchr(b'\n', &block.bytes).map_or(0, |newline| newline + 1);
            found.end = block.offset + whole as u64;
            for at in block.lines() {
                let ended = at.start < whole;
                match Written::read(at.bytes) {
                    Some(written) => {
                        let seq = self.result(path, &at, &written, is_out)?;
                        found.lines.push((seq, block.offset + at.start as u64));
                        if !ended {
                            found.end = block.offset + block.bytes.len() as u64;
                            found.unended = true;
                        }
                    }
                    None if ended => return Err(bad(path, at.line, "not a result of a run")),
                    None => {}
                }
            }
        }
        Ok(found)
    }

    fn result(&mut self, path: &Path, at: &LineAt<'_>, written: &Written, is_out: bool) -> Result<u64, OutputError> {
        if written.simulated != self.marks.header.simulated {
            let what = if written.simulated { "comes from a simulator" } else { "does not come from a simulator" };
            return Err(bad(path, at.line, &format!("{what}, but the run is another kind")));
        }
        let seq = self.place(path, at.line, written)?;
        if !self.past.finished.insert(seq) {
            return Err(bad(path, at.line, "a second result for the same record"));
        }
        if is_out {
            self.past.succeeded += 1;
        } else {
            self.past.failed += 1;
        }
        // The mark of its last attempt may have been lost with the process; the result knows the cost.
        if let (Some(worst), Some(cost)) = (self.marks.open.get_mut(&seq), written.cost()) {
            *worst = cost.min(*worst);
        }
        Ok(seq)
    }

    /// The place in the input of the record that a result is for.
    fn place(&mut self, path: &Path, line: u64, written: &Written) -> Result<u64, OutputError> {
        let unknown = || bad(path, line, "a result for a record that is not in the input");
        match (self.input, written.line, &written.record_id) {
            (Some(input), Some(of), _) => input.at_line(of).ok_or_else(unknown),
            (Some(input), None, Some(id)) => {
                input.find(id.as_str()).map_err(OutputError::io(input.path()))?.ok_or_else(unknown)
            }
            (None, Some(of), _) => {
                self.past.bad_lines.insert(of);
                written.seq().ok_or_else(unknown)
            }
            (None, None, Some(id)) => {
                self.past.names.insert(name_digest(id.as_str()));
                written.seq().ok_or_else(unknown)
            }
            (_, None, None) => Err(unknown()),
        }
    }
}

fn bad(path: &Path, line: u64, reason: &str) -> OutputError {
    OutputError::BadResult { path: path.to_owned(), line, reason: reason.to_owned() }
}
