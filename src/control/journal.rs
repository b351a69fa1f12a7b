//! The file in which every call that changed something stands: one JSON line for each.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::change::Change;

/// How much of the end of the file is looked at for the newest changes.
const TAIL: u64 = 512 << 10;

/// The journal of changes, `changes.jsonl` in the state folder. Several programs may write to it at a time: each line is
/// written whole, at the end. A line that was torn by a crash is skipped by whoever reads, and ended by whoever writes.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal in the folder `state`. Made with the first change.
    #[must_use]
    pub fn within(state: &Path) -> Journal {
        Journal { path: state.join("changes.jsonl") }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a change.
    ///
    /// # Errors
    /// The operating system's.
    pub fn append(&self, change: &Change) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        let mut line = Vec::new();
        if !ends_whole(&mut file)? {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, change)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// The newest `most` changes, newest first. Lines that are no change are left out.
    ///
    /// # Errors
    /// The operating system's; a journal that is not there is empty.
    pub fn newest(&self, most: usize) -> io::Result<Vec<Change>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail)?;
        // Where the tail begins within a line, what is left of that line is no JSON.
        let changes = tail.split(|byte| *byte == b'\n').rev().filter_map(|line| serde_json::from_slice(line).ok());
        Ok(changes.take(most).collect())
    }
}

fn ends_whole(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(subject: &str) -> Change {
        Change {
            at_ms: 1,
            caller: None,
            region: "us-east-1".into(),
            operation: "CreateProvisionedModelThroughput".into(),
            subject: subject.into(),
            request_id: Some("r-1".into()),
            failure: None,
        }
    }

    fn subjects(journal: &Journal, most: usize) -> Vec<String> {
        journal.newest(most).unwrap().into_iter().map(|change| change.subject).collect()
    }

    #[test]
    fn a_torn_last_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::within(&folder.path().join("state"));
        assert!(subjects(&journal, 9).is_empty());
        journal.append(&change("one")).unwrap();
        journal.append(&change("two")).unwrap();
        let text = std::fs::read(journal.path()).unwrap();
        std::fs::write(journal.path(), &text[..text.len() - 9]).unwrap();
        assert_eq!(subjects(&journal, 9), ["one"]);
        journal.append(&change("three")).unwrap();
        assert_eq!(subjects(&journal, 9), ["three", "one"]);
        assert_eq!(subjects(&journal, 1), ["three"]);
    }

    #[test]
    fn a_large_journal_is_read_from_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::within(folder.path());
        let line = serde_json::to_string(&change(&"x".repeat(1_000))).unwrap() + "\n";
        std::fs::write(journal.path(), line.repeat(2_000)).unwrap();
        journal.append(&change("last")).unwrap();
        let newest = subjects(&journal, 10_000);
        assert_eq!(newest[0], "last");
        assert!((100..1_000).contains(&newest.len()), "{}", newest.len());
    }

    #[test]
    fn it_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::within(folder.path());
        journal.append(&change("one")).unwrap();
        assert_eq!(std::fs::metadata(journal.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
