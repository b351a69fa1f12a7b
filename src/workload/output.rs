//! The output files of a run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::append::{LineFile, named};
use super::paths::{Existing, OutputError, OutputPaths};
use super::result_line;
use super::resume::{Found, Past, Remains};
use super::run_file::{Header, RunFile, RunIdentity};
use super::{BadLine, Finished, Input, RunClock, Sink};

/// Results and failures as JSON lines.
#[derive(Debug)]
pub struct JsonlSink {
    out: ResultFile,
    failed: ResultFile,
    simulated: bool,
    clock: RunClock,
    line: Vec<u8>,
}

/// The open output of a run.
#[derive(Debug)]
pub struct Outputs {
    /// Where results go.
    pub sink: JsonlSink,
    /// Where marks of attempts go.
    pub journal: RunFile,
    /// What earlier processes of this run did.
    pub past: Past,
}

impl Outputs {
    /// What earlier processes of this run have done, without changing or locking anything: for a plan that sends
    /// nothing.
    ///
    /// # Errors
    /// As for [`Outputs::open`].
    pub fn past(
        paths: &OutputPaths,
        identity: &RunIdentity,
        input: Option<&Input>,
        clock: &RunClock,
    ) -> Result<Past, OutputError> {
        let header = Header::new(identity, input, &paths.failed, clock.utc_now());
        Ok(Remains::read(paths, &header, input)?.map(|remains| remains.past).unwrap_or_default())
    }

    /// Opens the files of a run and locks them against other processes. With [`Existing::Resume`] torn last lines are
    /// cut off and the run goes on; if nothing was begun it begins. `ordered`: at the end results are put in the order of
    /// the input. That takes 16 bytes a record while the run goes on, and once more the space of the output at its end.
    ///
    /// # Errors
    /// If files may not or cannot be written, or belong to another run.
    pub fn open(
        paths: &OutputPaths,
        existing: Existing,
        identity: &RunIdentity,
        input: Option<&Input>,
        ordered: bool,
        clock: RunClock,
    ) -> Result<Outputs, OutputError> {
        paths.check(input.map(Input::path), existing)?;
        let header = Header::new(identity, input, &paths.failed, clock.utc_now());
        let run = lock(&paths.run)?;
        let remains = match existing {
            Existing::Resume => Remains::read(paths, &header, input)?,
            Existing::Refuse | Existing::Replace => None,
        };
        let sink = |out, failed| JsonlSink { out, failed, simulated: identity.simulated, clock, line: Vec::new() };
        if let Some(Remains { past, marks, out, failed }) = remains {
            let out = ResultFile::open(&paths.out, out, ordered)?;
            let failed = ResultFile::open(&paths.failed, failed, ordered)?;
            let journal = RunFile::go_on(run, &paths.run, marks, past.spent, past.maybe_paid_twice, clock.utc_now())
                .map_err(OutputError::io(&paths.run))?;
            return Ok(Outputs { sink: sink(out, failed), journal, past });
        }
        // The results are empty before the journal says whose they are.
        let out = ResultFile::open(&paths.out, Found::default(), ordered)?;
        let failed = ResultFile::open(&paths.failed, Found::default(), ordered)?;
        run.set_len(0).map_err(OutputError::io(&paths.run))?;
        let journal = RunFile::begin(run, &paths.run, header).map_err(OutputError::io(&paths.run))?;
        Ok(Outputs { sink: sink(out, failed), journal, past: Past::default() })
    }
}

/// Opens the journal and locks it; the lock ends with the process, however it ends. Where the file system knows no
/// locks there is none.
fn lock(path: &Path) -> Result<File, OutputError> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = open().map_err(OutputError::io(path))?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(OutputError::Busy(path.to_owned()));
    }
    // A run that ends replaces its journal: then the lock is on a file that nobody sees any more.
    let inode = |meta: fs::Metadata| (meta.dev(), meta.ino());
    let locked = file.metadata().map(inode).map_err(OutputError::io(path))?;
    if fs::metadata(path).map(inode).ok() != Some(locked) {
        return Err(OutputError::Busy(path.to_owned()));
    }
    Ok(file)
}

impl Sink for JsonlSink {
    fn write(&mut self, finished: &Finished) -> io::Result<()> {
        self.line.clear();
        result_line::write(&mut self.line, finished, &self.clock)?;
        let file = if finished.result.is_ok() { &mut self.out } else { &mut self.failed };
        file.push(&self.line, finished.record.seq)
    }

    fn reject(&mut self, bad: &BadLine) -> io::Result<()> {
        self.line.clear();
        result_line::write_bad(&mut self.line, bad, self.simulated)?;
        self.failed.push(&self.line, bad.seq)
    }

    fn flush(&mut self) -> io::Result<()> {
        // One full disk must not keep the other file's lines from theirs.
        let (out, failed) = (self.out.lines.flush(), self.failed.lines.flush());
        out.and(failed)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.out.finish()?;
        self.failed.finish()?;
        if self.failed.lines.len() == 0 {
            fs::remove_file(self.failed.lines.path()).map_err(|e| named(self.failed.lines.path(), &e))?;
        }
        Ok(())
    }
}

/// One of the two result files.
#[derive(Debug)]
struct ResultFile {
    lines: LineFile,
    /// Place in the input and in the file of each line, in the file's order; `None` if order does not matter.
    order: Option<Vec<(u64, u64)>>,
}

impl ResultFile {
    /// Opens a file of which `found` is to be kept.
    fn open(path: &Path, found: Found, ordered: bool) -> Result<ResultFile, OutputError> {
        let io = OutputError::io(path);
        let open = || -> io::Result<LineFile> {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            file.set_len(found.end)?;
            let mut end = found.end;
            if found.unended {
                file.write_all_at(b"\n", end)?;
                end += 1;
            }
            Ok(LineFile::new(file, path, end))
        };
        Ok(ResultFile { lines: open().map_err(io)?, order: ordered.then_some(found.lines) })
    }

    fn push(&mut self, line: &[u8], seq: u64) -> io::Result<()> {
        if let Some(order) = &mut self.order {
            order.push((seq, self.lines.len()));
        }
        self.lines.push(line).map(|_| ())
    }

    /// Makes it durable, and puts it in order.
    fn finish(&mut self) -> io::Result<()> {
        let path = self.lines.path().to_owned();
        let finish = || -> io::Result<()> {
            self.lines.storage().sync_data()?;
            match self.order.as_deref() {
                Some(order) if !order.is_sorted_by_key(|(seq, _)| *seq) => self.reorder(order),
                _ => Ok(()),
            }
        };
        finish().map_err(|e| named(&path, &e))?;
        self.order = None;
        Ok(())
    }

    /// Writes the lines in the order of the input to a new file, which then takes the place of this one. If that fails
    /// or is killed this one is as it was.
    fn reorder(&self, order: &[(u64, u64)]) -> io::Result<()> {
        let ends = order.iter().skip(1).map(|(_, start)| *start).chain([self.lines.len()]);
        let mut lines: Vec<(u64, u64, u64)> =
            order.iter().zip(ends).map(|((seq, start), end)| (*seq, *start, end - *start)).collect();
        lines.sort_unstable();
        let path = self.lines.path();
        let mut new = path.as_os_str().to_owned();
        new.push(".ordering");
        let new = PathBuf::from(new);
        let copy = || -> io::Result<()> {
            let old = self.lines.storage();
            let mut file = BufWriter::with_capacity(1024 * 1024, File::create(&new)?);
            let mut line = Vec::new();
            for (_, start, length) in &lines {
                line.resize(usize::try_from(*length).unwrap_or(usize::MAX), 0);
                old.read_exact_at(&mut line, *start)?;
                file.write_all(&line)?;
            }
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.set_permissions(old.metadata()?.permissions())?;
            file.sync_all()?;
            fs::rename(&new, path)
        };
        copy().inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })
    }
}

#[cfg(test)]
mod tests;
