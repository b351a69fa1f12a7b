//! The journal of a run: `OUT.run`, JSON lines.
//!
//! The first line says what the run is. Then comes a mark for each attempt that is about to be sent, with its worst cost,
//! and one for each that has ended, with its cost. OUT and the failed file say what is finished; this file adds what was
//! in flight and what was spent. It holds no prompt and no output. At the end of a run that is complete only the first
//! line and the total are left.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{ModelId, Region, Usd};

use super::append::{LineFile, named};
use super::blocks::{Blocks, Piece};
use super::paths::OutputError;
use super::seqs::SeqSet;
use super::{Input, Journal};

/// The format of the journal.
const FORMAT: u32 = 1;

/// What makes a run this run: with any of it changed, results would not belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunIdentity {
    /// Models of the routes.
    pub models: Vec<ModelId>,
    /// Regions of the routes: told in the journal, and free to change.
    pub regions: Vec<Region>,
    /// What else decides the results: option name and value.
    pub params: BTreeMap<String, String>,
    /// Where requests go: `sim`, `aws` with the account, or a URL. For a simulator in the process no port.
    pub target: String,
    /// Whether that is a simulator.
    pub simulated: bool,
}

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    #[serde(rename = "bedrock-top")]
    version: String,
    format: u32,
    /// When the run first began.
    pub begun: Timestamp,
    input: Option<InputMark>,
    failed: PathBuf,
    models: Vec<ModelId>,
    regions: Vec<Region>,
    params: BTreeMap<String, String>,
    target: String,
    /// Whether the target is a simulator.
    pub simulated: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct InputMark {
    path: PathBuf,
    digest: String,
    records: u64,
    bytes: u64,
}

impl Header {
    /// The header of a run that begins at `begun`.
    #[must_use]
    pub fn new(identity: &RunIdentity, input: Option<&Input>, failed: &Path, begun: Timestamp) -> Header {
        Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            format: FORMAT,
            begun,
            input: input.map(|input| InputMark {
                path: input.path().to_owned(),
                digest: input.summary().digest.clone(),
                records: input.summary().records,
                bytes: input.summary().bytes,
            }),
            failed: failed.to_owned(),
            models: identity.models.clone(),
            regions: identity.regions.clone(),
            params: identity.params.clone(),
            target: identity.target.clone(),
            simulated: identity.simulated,
        }
    }

    /// Compares it with that of the run that wants to go on.
    ///
    /// # Errors
    /// Names the first thing that differs, as it was and as it is.
    pub fn must_match(&self, now: &Header) -> Result<(), OutputError> {
        let kind = |simulated: bool| if simulated { "a simulator" } else { "real" };
        let models = |header: &Header| {
            let names: Vec<&str> = header.models.iter().map(ModelId::as_str).collect();
            names.join(", ")
        };
        let input = |header: &Header| match &header.input {
            Some(mark) => {
                let digest = mark.digest.get(..12).unwrap_or(&mark.digest);
                format!("{} ({} records, {} bytes, BLAKE3 {digest})", mark.path.display(), mark.records, mark.bytes)
            }
            None => "standard input".to_owned(),
        };
        let digest = |header: &Header| header.input.as_ref().map(|mark| mark.digest.clone());
        let differs =
            |what: &str, before: String, now: String| Err(OutputError::Changed { what: what.to_owned(), before, now });
        if self.simulated != now.simulated {
            return differs("the target", kind(self.simulated).to_owned(), kind(now.simulated).to_owned());
        }
        if self.target != now.target {
            return differs("the target", self.target.clone(), now.target.clone());
        }
        if digest(self) != digest(now) {
            return differs("the input", input(self), input(now));
        }
        if self.models != now.models {
            return differs("the model", models(self), models(now));
        }
        if self.failed != now.failed {
            let show = |header: &Header| header.failed.display().to_string();
            return differs("the failed file", show(self), show(now));
        }
        let names = self.params.keys().chain(now.params.keys());
        for name in names {
            let value = |header: &Header| header.params.get(name).cloned();
            if value(self) != value(now) {
                let show = |value: Option<String>| value.unwrap_or_else(|| "not given".to_owned());
                return differs(name, show(value(self)), show(value(now)));
            }
        }
        Ok(())
    }
}

/// Any other line.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Mark {
    started: Option<u64>,
    worst: i64,
    settled: Option<u64>,
    cost: i64,
    /// The time at which a later process went on.
    resumed: Option<Timestamp>,
    /// The time at which the run was complete.
    done: Option<Timestamp>,
    /// Spent until then, with what was in flight at its worst.
    spent: i64,
    /// Requests of all processes that may have been paid twice.
    twice: u64,
}

/// What a journal says.
#[derive(Debug)]
pub struct Marks {
    /// Its first line.
    pub header: Header,
    /// What has been settled, in all processes.
    pub spent: Usd,
    /// Attempts without a settlement, at their worst cost.
    pub open: HashMap<u64, Usd>,
    /// Records of the last process that had an attempt which cost something.
    pub paid: SeqSet,
    /// Requests that earlier resumes found to have been paid twice, perhaps.
    pub twice: u64,
    /// Where its whole lines end.
    pub end: u64,
}

impl Marks {
    /// Reads a journal; `None` if it has no whole first line, so that nothing was ever begun.
    ///
    /// # Errors
    /// If it cannot be read or is no journal.
    pub fn read(path: &Path, file: &File) -> Result<Option<Marks>, OutputError> {
        let mut marks: Option<Marks> = None;
        let mut blocks = Blocks::new(file);
        while let Some(piece) = blocks.next(|_| ()).map_err(OutputError::io(path))? {
            let bad = |line| OutputError::BadJournal { path: path.to_owned(), line };
            let block = match piece {
                Piece::Lines(block) => block,
                Piece::TooLong { line, .. } => return Err(bad(line)),
            };
            let whole = memchr::memrchr(b'\n', &block.bytes).map_or(0, |newline| newline + 1);
            for at in block.lines().take_while(|at| at.start < whole) {
                match &mut marks {
                    None => marks = Some(Marks::begin(path, at.bytes).ok_or_else(|| bad(at.line))??),
                    Some(marks) => marks.take(at.bytes).ok_or_else(|| bad(at.line))?,
                }
            }
            if let Some(marks) = &mut marks {
                marks.end = block.offset + whole as u64;
            }
        }
        Ok(marks)
    }

    fn begin(path: &Path, line: &[u8]) -> Option<Result<Marks, OutputError>> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(line).ok()?;
        if format != FORMAT {
            let path = path.to_owned();
            return Some(Err(OutputError::Format { path, found: format, known: FORMAT }));
        }
        let header = serde_json::from_slice(line).ok()?;
        let (spent, twice) = (Usd::ZERO, 0);
        Some(Ok(Marks { header, spent, open: HashMap::new(), paid: SeqSet::default(), twice, end: 0 }))
    }

    fn take(&mut self, line: &[u8]) -> Option<()> {
        let mark: Mark = serde_json::from_slice(line).ok()?;
        if let Some(seq) = mark.started {
            *self.open.entry(seq).or_default() += Usd(mark.worst);
        } else if let Some(seq) = mark.settled {
            self.open.remove(&seq);
            self.spent += Usd(mark.cost);
            if mark.cost > 0 {
                self.paid.insert(seq);
            }
        } else if mark.resumed.is_some() || mark.done.is_some() {
            self.open.clear();
            self.paid = SeqSet::default();
            self.spent = Usd(mark.spent);
            self.twice = mark.twice;
        } else {
            return None;
        }
        Some(())
    }
}

/// The journal of a running run.
#[derive(Debug)]
pub struct RunFile {
    lines: LineFile,
    header: Header,
    spent: Usd,
    open: HashMap<u64, Usd>,
    twice: u64,
}

impl RunFile {
    /// Begins a journal in `file`, which is empty.
    ///
    /// # Errors
    /// If its first line cannot be made durable.
    pub(super) fn begin(file: File, path: &Path, header: Header) -> io::Result<RunFile> {
        let mut lines = LineFile::new(file, path, 0);
        lines.push_now(&serde_json::to_vec(&header)?)?;
        lines.storage().sync_data().map_err(|e| named(path, &e))?;
        Ok(RunFile { lines, header, spent: Usd::ZERO, open: HashMap::new(), twice: 0 })
    }

    /// Goes on with a journal of which `marks` were read: `spent` so far, and `twice` requests that may have been paid
    /// twice.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn go_on(
        file: File,
        path: &Path,
        marks: Marks,
        spent: Usd,
        twice: u64,
        now: Timestamp,
    ) -> io::Result<RunFile> {
        file.set_len(marks.end).map_err(|e| named(path, &e))?;
        let mut lines = LineFile::new(file, path, marks.end);
        lines.push_now(format!(r#"{{"resumed":"{now}","spent":{},"twice":{twice}}}"#, spent.0).as_bytes())?;
        Ok(RunFile { lines, header: marks.header, spent, open: HashMap::new(), twice })
    }

    /// When the run first began.
    #[must_use]
    pub fn begun(&self) -> Timestamp {
        self.header.begun
    }

    /// Replaces the file by one with the first line and the total.
    fn compact(&mut self) -> io::Result<()> {
        let path = self.lines.path().to_owned();
        let spent = self.open.values().fold(self.spent, |sum, worst| sum + *worst);
        let mut text = serde_json::to_vec(&self.header)?;
        let now = Timestamp::now();
        write!(text, "\n{{\"done\":\"{now}\",\"spent\":{},\"twice\":{}}}\n", spent.0, self.twice)?;
        let mut new = path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        let replace = || -> io::Result<()> {
            let mut file = File::create(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        replace().map_err(|e| named(&path, &e))
    }
}

impl Drop for RunFile {
    /// A run that is dropped without an end still keeps its last settlements.
    fn drop(&mut self) {
        // Whoever could be told is gone; marks that are lost count as in flight.
        let _ = self.lines.flush();
    }
}

impl Journal for RunFile {
    fn started(&mut self, seq: u64, worst: Usd) -> io::Result<()> {
        self.lines.push_now(format!(r#"{{"started":{seq},"worst":{}}}"#, worst.0).as_bytes())?;
        *self.open.entry(seq).or_default() += worst;
        Ok(())
    }

    fn settled(&mut self, seq: u64, cost: Usd) -> io::Result<()> {
        self.open.remove(&seq);
        self.spent += cost;
        self.lines.push(format!(r#"{{"settled":{seq},"cost":{}}}"#, cost.0).as_bytes()).map(|_| ())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }

    fn finish(&mut self, complete: bool) -> io::Result<()> {
        self.lines.flush()?;
        self.lines.storage().sync_data().map_err(|e| named(self.lines.path(), &e))?;
        if complete { self.compact() } else { Ok(()) }
    }
}
