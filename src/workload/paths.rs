//! The files of a run, and the rule that none is ever written over by mistake.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What may be done with output files that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing: they are an error.
    Refuse,
    /// They are emptied (`--force`).
    Replace,
    /// They are the beginning of this run, which goes on (`--resume`). If there are none it begins.
    Resume,
}

/// The output files of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPaths {
    /// Results.
    pub out: PathBuf,
    /// Failures; a valid input for another run.
    pub failed: PathBuf,
    /// The journal, `OUT.run`.
    pub run: PathBuf,
}

/// Why the output files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// One of them cannot be opened or created.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two of input, output, failed file and journal are the same file.
    #[error("{one} and {other} are the same file: {}", path.display())]
    SameFile {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It is there already.
    #[error("{} exists; --resume goes on with it, --force replaces it", .0.display())]
    Exists(PathBuf),
    /// It is a folder, a device or a pipe.
    #[error("{}: not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// Another process is writing it.
    #[error("{}: another run is writing these files", .0.display())]
    Busy(PathBuf),
    /// There is output but no journal that says what it belongs to.
    #[error("{} is missing, so nobody can tell what {} belongs to; use another -o, or --force to replace it", run.display(), out.display())]
    NoJournal {
        /// The journal that is missing.
        run: PathBuf,
        /// The output that is there.
        out: PathBuf,
    },
    /// The journal cannot be read.
    #[error("{}: line {line} is not a journal line; the file was changed by something else", path.display())]
    BadJournal {
        /// The journal.
        path: PathBuf,
        /// Which line.
        line: u64,
    },
    /// It was written by a version whose journal this one cannot read.
    #[error("{}: journal format {found}, this version reads {known}", path.display())]
    Format {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The run that is there is another one.
    #[error("cannot resume: {what} was {before} and is now {now}")]
    Changed {
        /// What differs.
        what: String,
        /// As it was when the run began.
        before: String,
        /// As it is now.
        now: String,
    },
    /// A line of the output does not belong there.
    #[error("cannot resume: {}:{line}: {reason}", path.display())]
    BadResult {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Why.
        reason: String,
    },
}

impl OutputError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> OutputError {
        let path = path.to_owned();
        move |source| OutputError::Io { path, source }
    }
}

impl OutputPaths {
    /// The files of a run that writes `out`. Without a name the failed file is `OUT.failed.jsonl`: `results.jsonl`
    /// has `results.failed.jsonl`.
    #[must_use]
    pub fn new(out: &Path, failed: Option<&Path>) -> OutputPaths {
        // A link stays a link: what it leads to is written, and replaced when results are put in order.
        let out = resolve(out);
        let failed = resolve(&failed.map_or_else(|| default_failed(&out), Path::to_owned));
        let mut run = OsString::from(&out);
        run.push(".run");
        OutputPaths { out, failed, run: PathBuf::from(run) }
    }

    /// Refuses what must not be written, without touching anything. To be called before the input is validated; opening
    /// checks again.
    ///
    /// # Errors
    /// If two files are the same (also through links), one is no regular file, or one exists and may not.
    pub fn check(&self, input: Option<&Path>, existing: Existing) -> Result<(), OutputError> {
        let files = [("the input", input), ("the output", Some(&*self.out)), ("the failed file", Some(&*self.failed))];
        let files = files.into_iter().chain([("the journal", Some(&*self.run))]);
        let named: Vec<(&'static str, &Path)> = files.filter_map(|(name, path)| Some((name, path?))).collect();
        for (i, (one, path)) in named.iter().enumerate() {
            for (other, other_path) in &named[i + 1..] {
                if identity(path).map_err(OutputError::io(path))?
                    == identity(other_path).map_err(OutputError::io(other_path))?
                {
                    return Err(OutputError::SameFile { one, other, path: (*path).to_owned() });
                }
            }
        }
        for path in [&self.out, &self.failed, &self.run] {
            match fs::metadata(path) {
                Ok(meta) if !meta.is_file() => return Err(OutputError::NotAFile(path.clone())),
                Ok(_) if existing == Existing::Refuse => return Err(OutputError::Exists(path.clone())),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The whole name of a file, the same before and after it exists: a run that is resumed must recognise its files.
fn resolve(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match (fs::canonicalize(folder), path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        }
    })
}

fn default_failed(out: &Path) -> PathBuf {
    let stem = match out.extension() {
        Some(extension) if extension == "jsonl" => out.file_stem(),
        _ => out.file_name(),
    };
    let mut name = stem.map(OsString::from).unwrap_or_default();
    name.push(".failed.jsonl");
    out.with_file_name(name)
}

/// What makes a file this file: device and inode, or, while it does not exist, its name in its folder.
#[derive(PartialEq, Eq)]
enum Identity {
    There(u64, u64),
    NotYet(PathBuf, OsString),
}

fn identity(path: &Path) -> io::Result<Identity> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Identity::There(meta.dev(), meta.ino())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
            Ok(Identity::NotYet(fs::canonicalize(folder)?, name.to_owned()))
        }
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_files_are_named_after_the_output() {
        let dir = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(dir.path()).unwrap();
        for (out, failed) in [("r.jsonl", "r.failed.jsonl"), ("r.json", "r.json.failed.jsonl"), ("r", "r.failed.jsonl")]
        {
            let paths = OutputPaths::new(&dir.path().join(out), None);
            assert_eq!(paths.failed, folder.join(failed));
            assert_eq!(paths.run, folder.join(format!("{out}.run")));
        }
        let named = OutputPaths::new(&dir.path().join("a"), Some(&dir.path().join("b")));
        assert_eq!(named.failed, folder.join("b"));
    }

    #[test]
    fn an_existing_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let paths = OutputPaths::new(&dir.path().join("o.jsonl"), None);
        paths.check(None, Existing::Refuse).unwrap();
        for path in [&paths.failed, &paths.run, &paths.out] {
            fs::write(path, "x").unwrap();
            let error = paths.check(None, Existing::Refuse).unwrap_err();
            assert!(matches!(&error, OutputError::Exists(found) if found == path), "{error}");
            paths.check(None, Existing::Replace).unwrap();
            paths.check(None, Existing::Resume).unwrap();
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn the_same_file_twice_is_refused_however_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("in.jsonl"), "x").unwrap();
        std::os::unix::fs::symlink(at("in.jsonl"), at("link.jsonl")).unwrap();
        fs::hard_link(at("in.jsonl"), at("hard.jsonl")).unwrap();
        fs::create_dir(at("sub")).unwrap();
        for out in ["in.jsonl", "link.jsonl", "hard.jsonl", "sub/../in.jsonl"] {
            let error = OutputPaths::new(&at(out), None).check(Some(&at("in.jsonl")), Existing::Replace).unwrap_err();
            assert!(matches!(error, OutputError::SameFile { one: "the input", .. }), "{out}: {error}");
        }
        let paths = OutputPaths::new(&at("new.jsonl"), Some(&at("sub/../new.jsonl")));
        let error = paths.check(None, Existing::Refuse).unwrap_err();
        assert!(matches!(error, OutputError::SameFile { one: "the output", other: "the failed file", .. }), "{error}");
    }

    #[test]
    fn a_folder_or_a_device_is_no_output() {
        let dir = tempfile::tempdir().unwrap();
        let error = OutputPaths::new(dir.path(), None).check(None, Existing::Replace).unwrap_err();
        assert!(matches!(error, OutputError::NotAFile(_)), "{error}");
        let error = OutputPaths::new(Path::new("/no/such/folder/o"), None).check(None, Existing::Refuse).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder/o: "), "{error}");
    }
}
