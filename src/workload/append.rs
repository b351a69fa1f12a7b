//! A file that grows by whole lines.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// From here on waiting lines are written without being asked.
const ENOUGH: usize = 256 * 1024;
/// Room that is kept for waiting lines; more, needed once for a huge line, is given back.
const KEPT: usize = 4 * 1024 * 1024;

/// What a [`LineFile`] needs of a file.
pub trait Storage {
    /// Writes some of `bytes` at `offset`; how many.
    ///
    /// # Errors
    /// Those of the operating system.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Cuts it to `length`.
    ///
    /// # Errors
    /// Those of the operating system.
    fn cut(&self, length: u64) -> io::Result<()>;
}

impl Storage for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Appends whole lines. Lines wait in memory until [`LineFile::flush`] or until there are enough of them; one write then
/// takes them all, so that a killed process leaves at most one torn line, the last. A line that could not be written
/// whole stays here, what was written of it is cut off again, and the next flush begins at the same place.
#[derive(Debug)]
pub struct LineFile<S = File> {
    storage: S,
    path: PathBuf,
    /// Where the file's whole lines end.
    end: u64,
    waiting: Vec<u8>,
}

impl<S: Storage> LineFile<S> {
    /// Appends to `storage`, whose whole lines end at `end`. `path` is for messages.
    pub fn new(storage: S, path: &Path, end: u64) -> LineFile<S> {
        LineFile { storage, path: path.to_owned(), end, waiting: Vec::new() }
    }

    /// Adds a line, without its newline; it holds none. Where in the file it is, or will be.
    ///
    /// # Errors
    /// If lines had to be written and could not be. All of them, this one too, are kept for the next flush.
    pub fn push(&mut self, line: &[u8]) -> io::Result<u64> {
        let at = self.len();
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        if self.waiting.len() >= ENOUGH {
            self.flush()?;
        }
        Ok(at)
    }

    /// Adds a line and writes it at once, with all that waits.
    ///
    /// # Errors
    /// If it could not be written: then this line, and only this one, is forgotten.
    pub fn push_now(&mut self, line: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        let written = self.flush();
        if written.is_err() {
            // What waits ends with this line, which is not whole in the file.
            self.waiting.truncate(self.waiting.len().saturating_sub(line.len() + 1));
        }
        written
    }

    /// Writes all lines that wait.
    ///
    /// # Errors
    /// If they cannot all be written; names the file. Nothing is lost.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        while written < self.waiting.len() {
            let error = match self.storage.write_at(&self.waiting[written..], self.end + written as u64) {
                Ok(0) => io::Error::from(io::ErrorKind::WriteZero),
                Ok(n) => {
                    written += n;
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => e,
            };
            let whole = memchr::memrchr(b'\n', &self.waiting[..written]).map_or(0, |newline| newline + 1);
            self.waiting.drain(..whole);
            self.end += whole as u64;
            if whole < written {
                // If this fails too the torn line stays until the next flush writes over it, or a resume cuts it off.
                let _ = self.storage.cut(self.end);
            }
            return Err(named(&self.path, &error));
        }
        self.end += written as u64;
        self.waiting.clear();
        self.waiting.shrink_to(KEPT);
        Ok(())
    }

    /// The length of the file with the lines that wait.
    pub fn len(&self) -> u64 {
        self.end + self.waiting.len() as u64
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself.
    pub fn storage(&self) -> &S {
        &self.storage
    }
}

/// An error that names its file.
pub fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;

    /// A disk that takes as many bytes as it is told, then is full until it is given more.
    #[derive(Default)]
    struct Disk {
        bytes: RefCell<Vec<u8>>,
        room: RefCell<usize>,
        cuts: bool,
    }

    impl Storage for Disk {
        fn write_at(&self, from: &[u8], offset: u64) -> io::Result<usize> {
            let mut room = self.room.borrow_mut();
            let n = from.len().min(*room);
            if n == 0 {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            *room -= n;
            let mut bytes = self.bytes.borrow_mut();
            let offset = offset as usize;
            assert!(offset <= bytes.len(), "no holes");
            bytes.truncate(offset);
            bytes.extend_from_slice(&from[..n]);
            Ok(n)
        }

        fn cut(&self, length: u64) -> io::Result<()> {
            if self.cuts {
                self.bytes.borrow_mut().truncate(length as usize);
                Ok(())
            } else {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
        }
    }

    #[test]
    fn an_error_names_the_file() {
        let mut file = LineFile::new(Disk::default(), Path::new("/data/out.jsonl"), 0);
        file.push(b"one").unwrap();
        let error = file.flush().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().starts_with("/data/out.jsonl: "), "{error}");
    }

    #[test]
    fn what_must_be_written_now_is_forgotten_if_it_cannot_be() {
        let disk = Disk { room: RefCell::new(6), cuts: true, ..Disk::default() };
        let mut file = LineFile::new(disk, Path::new("x"), 0);
        file.push(b"one").unwrap();
        assert!(file.push_now(b"two").is_err());
        *file.storage.room.borrow_mut() = 100;
        file.push_now(b"three").unwrap();
        assert_eq!(file.storage.bytes.borrow().as_slice(), b"one\nthree\n");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_written_twice(
            lines in prop::collection::vec("[a-z]{0,9}", 0..30),
            rooms in prop::collection::vec(0usize..25, 0..40),
            cuts in any::<bool>(),
        ) {
            let mut file = LineFile::new(Disk { cuts, ..Disk::default() }, Path::new("x"), 0);
            let mut rooms = rooms.into_iter();
            for line in &lines {
                file.push(line.as_bytes()).unwrap();
                *file.storage.room.borrow_mut() = rooms.next().unwrap_or(0);
                let flushed = file.flush();
                let on_disk = file.storage.bytes.borrow().clone();
                prop_assert_eq!(flushed.is_ok(), file.waiting.is_empty());
                if cuts {
                    prop_assert!(on_disk.is_empty() || on_disk.ends_with(b"\n"), "whole lines alone");
                }
            }
            *file.storage.room.borrow_mut() = usize::MAX;
            file.flush().unwrap();
            let expected: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let on_disk = file.storage.bytes.borrow().clone();
            prop_assert_eq!(on_disk, expected.as_bytes());
            prop_assert_eq!(file.len(), expected.len() as u64);
        }
    }
}
