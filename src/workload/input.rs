//! A file of records: one validating pass before anything is sent, then reads by position.

use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::families::TextKind;

use super::BadLine;
use super::ids::IdIndex;
use super::index::{Entry, Index, MAX_LINES};
use super::line::{Facts, InputOptions, Judge, MAX_LINE, Reason, Shape, quoted, text};
use super::validate;

/// A validated file.
#[derive(Debug)]
pub struct Input {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) judge: Judge,
    pub(super) index: Index,
    pub(super) ids: IdIndex,
    pub(super) summary: InputSummary,
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
    /// Records of more than [`LARGE_RECORD`] input tokens.
    pub large: u64,
    /// Records without an output limit: the model's maximum will be reserved for each of them.
    pub without_max_tokens: u64,
    /// Sum of the output limits of the others.
    pub max_tokens: u64,
    /// BLAKE3 of the whole file, hexadecimal.
    pub digest: String,
}

/// Input tokens above which AWS support counts a request as large when more quota is asked for.
pub const LARGE_RECORD: u64 = 25_000;

impl InputSummary {
    pub(super) fn add(&mut self, facts: &Facts, line: u64) {
        self.records += 1;
        self.by_priority[facts.priority.index()] += 1;
        self.with_deadline += u64::from(facts.deadline.is_some());
        self.input_tokens += facts.raw_input;
        self.input_tokens_by_kind[usize::from(facts.text_kind)] += facts.raw_input;
        self.large += u64::from(facts.raw_input > LARGE_RECORD);
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
        let mut input = Input {
            path: path.to_owned(),
            file,
            judge: Judge::new(options),
            index: Index::default(),
            ids: IdIndex::default(),
            summary: InputSummary::default(),
        };
        let bad = validate::run(&mut input, |done| progress(Progress { done, total: meta.len().max(done) }))?;
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

    pub(super) fn name_of(&self, seq: u32) -> io::Result<String> {
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

#[cfg(test)]
mod tests;
