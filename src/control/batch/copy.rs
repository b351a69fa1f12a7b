//! The copy of a local input: every line in the batch form, every record with a name, cut into files and pieces.

use std::path::Path;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::bedrock::Address;
use crate::workload::{BatchJudge, Lines, write_batch_line};

use super::check::unreadable;
use super::source::{Source, Stop};
use super::trouble::Trouble;

/// A piece of the copy.
pub(super) enum Piece {
    Bytes(Bytes),
    EndOfFile,
}

/// Cuts the copy into pieces and files.
pub(super) struct Cutter {
    give: mpsc::Sender<Piece>,
    part: usize,
    buffer: Vec<u8>,
    file_bytes: u64,
    file_records: u64,
    most_bytes: u64,
    most_records: u64,
}

impl Cutter {
    /// Cuts into pieces of about `part` bytes, and files within these limits.
    pub fn new(give: mpsc::Sender<Piece>, part: usize, most_bytes: u64, most_records: u64) -> Cutter {
        Cutter { give, part, buffer: Vec::new(), file_bytes: 0, file_records: 0, most_bytes, most_records }
    }

    fn line(&mut self, line: &[u8]) -> std::io::Result<()> {
        let full = self.file_records >= self.most_records || self.file_bytes + line.len() as u64 > self.most_bytes;
        if full && self.file_records > 0 {
            self.end_file()?;
        }
        self.buffer.extend_from_slice(line);
        self.file_bytes += line.len() as u64;
        self.file_records += 1;
        if self.buffer.len() >= self.part { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let bytes = std::mem::replace(&mut self.buffer, Vec::with_capacity(self.part + self.part / 8));
        self.send(Piece::Bytes(bytes.into()))
    }

    fn end_file(&mut self) -> std::io::Result<()> {
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        (self.file_bytes, self.file_records) = (0, 0);
        self.send(Piece::EndOfFile)
    }

    fn send(&self, piece: Piece) -> std::io::Result<()> {
        self.give.blocking_send(piece).map_err(|_| std::io::Error::other("the upload has ended"))
    }
}

/// Writes the copy. The end of the last file is told only if the input was still the one that was checked.
pub(super) fn write_copy(
    source: Source,
    judge: &BatchJudge,
    digest: &str,
    stop: &Stop,
    mut cutter: Cutter,
) -> Result<(), Trouble> {
    let mut seen = blake3::Hasher::new();
    let mut line_out = Vec::new();
    let label = source.label;
    let changed = || Trouble::unusable(format!("{label}: the file was changed after it was checked"));
    let read = Lines::new(source.reader).each(
        |bytes| {
            seen.update(bytes);
        },
        |line, text| {
            stop.check()?;
            let text = text.map_err(std::io::Error::other)?;
            let Ok(record) = judge.record(&text) else {
                return Err(std::io::Error::other("the file was changed after it was checked"));
            };
            let name = record.id.as_deref().map_or_else(|| line.to_string(), str::to_owned);
            line_out.clear();
            write_batch_line(&mut line_out, &name, &record.body)?;
            cutter.line(&line_out)
        },
    );
    read.map_err(|error| unreadable(&label, stop, &error))?;
    if seen.finalize().to_hex().as_str() != digest {
        return Err(changed());
    }
    cutter.end_file().map_err(|error| unreadable(&label, stop, &error))
}

/// The name of the copy: that of the file, in letters that every tool takes.
pub(super) fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = stem.chars().map(plain).take(80).collect();
    if name.is_empty() { "input".to_owned() } else { name }
}

/// Whether `at` is a copy that this program made: such a one may be deleted, and its lines are numbered as ours are.
pub(super) fn is_copy(at: &Address) -> bool {
    let mut parts = at.key.split('/').skip_while(|part| *part != "bedrock-top").skip(1);
    parts.next().is_some_and(|digest| digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::super::super::desk::Desk;
    use super::*;

    /// The files into which these lines are cut, each as one text.
    fn cut(lines: &[&str], part: usize, most_bytes: u64, most_records: u64) -> Vec<String> {
        let (give, mut pieces) = mpsc::channel(100);
        let mut cutter = Cutter::new(give, part, most_bytes, most_records);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                lines.iter().for_each(|line| cutter.line(line.as_bytes()).unwrap());
                cutter.end_file().unwrap();
            });
        });
        let (mut files, mut file) = (Vec::new(), String::new());
        while let Ok(piece) = pieces.try_recv() {
            match piece {
                Piece::Bytes(bytes) => file += std::str::from_utf8(&bytes).unwrap(),
                Piece::EndOfFile => files.push(std::mem::take(&mut file)),
            }
        }
        assert!(file.is_empty());
        files
    }

    #[test]
    fn copies_are_cut_where_the_limits_are() {
        let lines = ["aaaa\n", "bbbb\n", "cccc\n", "dddd\n", "eeee\n"];
        let whole = lines.concat();
        assert_eq!(cut(&lines, 7, u64::MAX, u64::MAX), [whole.as_str()]);
        assert_eq!(cut(&lines, 100, u64::MAX, 2), ["aaaa\nbbbb\n", "cccc\ndddd\n", "eeee\n"]);
        assert_eq!(cut(&lines, 3, 14, u64::MAX), ["aaaa\nbbbb\n", "cccc\ndddd\n", "eeee\n"]);
        assert_eq!(cut(&lines, 100, 1, u64::MAX).len(), 5, "a line is never cut");
    }

    #[test]
    fn copies_are_known_by_their_keys() {
        let storage = Address::parse("s3://bucket/a/").unwrap();
        let prefix = Desk::copy_prefix(&storage, &"0123456789abcdef".repeat(4));
        assert!(is_copy(&prefix) && is_copy(&prefix.join("x.jsonl")));
        for other in ["s3://bucket/bedrock-top/mine.jsonl", "s3://bucket/a/x.jsonl", "s3://bucket"] {
            assert!(!is_copy(&Address::parse(other).unwrap()), "{other}");
        }
        assert_eq!(stem(Path::new("/x/My file (1).jsonl")), "My-file--1-");
        assert_eq!(stem(Path::new("/")), "input");
    }
}
