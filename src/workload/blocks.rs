//! Cuts a stream of bytes into blocks of whole lines, in bounded memory.

use std::io::{self, Read};

use super::line::MAX_LINE;

/// How much is read at a time.
const BLOCK: usize = 1024 * 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A piece of a stream.
#[derive(Debug)]
pub enum Piece {
    /// Whole lines; the last of the stream may lack its newline.
    Lines(Block),
    /// A line longer than what is read; its bytes are gone.
    TooLong {
        /// Its number, from 1.
        line: u64,
        /// Where it begins.
        offset: u64,
        /// Its length in bytes.
        length: u64,
    },
}

/// Consecutive whole lines.
#[derive(Debug)]
pub struct Block {
    /// The bytes, newlines included.
    pub bytes: Vec<u8>,
    /// Where in the stream they begin.
    pub offset: u64,
    /// The number of the first line, from 1.
    pub first_line: u64,
}

/// A line within a block.
#[derive(Clone, Copy, Debug)]
pub struct LineAt<'a> {
    /// Its bytes without the newline.
    pub bytes: &'a [u8],
    /// Where in the block it begins.
    pub start: usize,
    /// Its number, from 1.
    pub line: u64,
}

impl Block {
    /// The lines that are not blank.
    pub fn lines(&self) -> impl Iterator<Item = LineAt<'_>> {
        let mut start = 0;
        let mut line = self.first_line;
        std::iter::from_fn(move || {
            let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let at = LineAt { bytes: &rest[..length], start, line };
            start += length + 1;
            line += 1;
            Some(at)
        })
        .filter(|at| !is_blank(at.bytes))
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Reads pieces. At any time it holds at most one line and one block.
#[derive(Debug)]
pub struct Blocks<R> {
    input: R,
    /// The beginning of a line whose end has not been read yet.
    rest: Vec<u8>,
    offset: u64,
    line: u64,
    longest: usize,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// Reads `input` from its beginning; a byte order mark there is passed over.
    pub fn new(input: R) -> Blocks<R> {
        Blocks { input, rest: Vec::new(), offset: 0, line: 1, longest: MAX_LINE, ended: false }
    }

    /// Takes lines of up to `longest` bytes.
    #[must_use]
    pub fn longest_line(self, longest: usize) -> Blocks<R> {
        Blocks { longest, ..self }
    }

    /// The next piece, as soon as a whole line is there; `None` at the end. `seen` gets every byte in order.
    ///
    /// # Errors
    /// If reading fails.
    pub fn next(&mut self, mut seen: impl FnMut(&[u8])) -> io::Result<Option<Piece>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut searched = 0;
        loop {
            if let Some(last) = memchr::memrchr(b'\n', &bytes[searched..]) {
                self.rest = bytes.split_off(searched + last + 1);
                return Ok(Some(self.lines(bytes)));
            }
            searched = bytes.len();
            if self.ended {
                return Ok((!bytes.is_empty()).then(|| self.lines(bytes)));
            }
            if bytes.len() > self.longest {
                let length = bytes.len() as u64;
                drop(bytes);
                return self.skip(length, seen).map(Some);
            }
            self.ended = self.read(&mut bytes)? == 0;
            seen(&bytes[searched..]);
            if self.offset == 0 && bytes.starts_with(BOM) {
                bytes.drain(..BOM.len());
                self.offset = BOM.len() as u64;
                searched = 0;
            }
        }
    }

    fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let had = bytes.len();
        bytes.resize(had + BLOCK, 0);
        let read = loop {
            match self.input.read(&mut bytes[had..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        bytes.truncate(had + *read.as_ref().unwrap_or(&0));
        read
    }

    fn lines(&mut self, bytes: Vec<u8>) -> Piece {
        let block = Block { offset: self.offset, first_line: self.line, bytes };
        self.offset += block.bytes.len() as u64;
        self.line += memchr::memchr_iter(b'\n', &block.bytes).count() as u64;
        Piece::Lines(block)
    }

    /// Reads on to the end of a line that is too long to keep, of which `length` bytes have been read.
    fn skip(&mut self, mut length: u64, mut seen: impl FnMut(&[u8])) -> io::Result<Piece> {
        let (line, offset) = (self.line, self.offset);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            self.ended = self.read(&mut bytes)? == 0;
            seen(&bytes);
            let end = memchr::memchr(b'\n', &bytes);
            length += end.unwrap_or(bytes.len()) as u64;
            match end {
                Some(end) => {
                    self.rest = bytes.split_off(end + 1);
                    self.offset += length + 1;
                    self.line += 1;
                }
                None if self.ended => self.offset += length,
                None => continue,
            }
            return Ok(Piece::TooLong { line, offset, length });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives its bytes in pieces of the wanted sizes, like a pipe.
    struct Pipe<'a> {
        bytes: &'a [u8],
        sizes: Vec<usize>,
    }

    impl Read for Pipe<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let size = self.sizes.pop().unwrap_or(usize::MAX).min(into.len()).min(self.bytes.len());
            into[..size].copy_from_slice(&self.bytes[..size]);
            self.bytes = &self.bytes[size..];
            Ok(size)
        }
    }

    type Found = Vec<(u64, u64, Option<Vec<u8>>)>;

    /// Line number, offset and bytes (`None`: too long) of every line that is not blank.
    fn read(bytes: &[u8], sizes: Vec<usize>, longest: usize) -> Found {
        let mut blocks = Blocks::new(Pipe { bytes, sizes }).longest_line(longest);
        let mut seen = Vec::new();
        let mut found = Vec::new();
        while let Some(piece) = blocks.next(|bytes| seen.extend_from_slice(bytes)).unwrap() {
            match piece {
                Piece::Lines(block) => found
                    .extend(block.lines().map(|at| (at.line, block.offset + at.start as u64, Some(at.bytes.to_vec())))),
                Piece::TooLong { line, offset, .. } => found.push((line, offset, None)),
            }
        }
        assert_eq!(seen, bytes, "every byte is seen once, in order");
        found
    }

    #[test]
    fn blank_lines_marks_and_a_missing_newline() {
        let found = read(b"\xef\xbb\xbfone\r\n\n \t\r\ntwo", vec![4, 1, 1], 100);
        assert_eq!(found, [(1, 3, Some(b"one\r".to_vec())), (4, 13, Some(b"two".to_vec()))]);
        assert!(read(b"", vec![], 100).is_empty());
        assert!(read(b"\n\n", vec![], 100).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut bytes = b"a\n".to_vec();
        bytes.extend(vec![b'x'; 3 * BLOCK]);
        bytes.extend(b"\nb\nc");
        let found = read(&bytes, vec![], 1000);
        let after = 2 + 3 * BLOCK as u64 + 1;
        assert_eq!(
            found,
            [
                (1, 0, Some(b"a".to_vec())),
                (2, 2, None),
                (3, after, Some(b"b".to_vec())),
                (4, after + 2, Some(b"c".to_vec()))
            ]
        );
        bytes.truncate(BLOCK);
        assert_eq!(read(&bytes, vec![], 1000)[1], (2, 2, None), "also at the end of the stream");
    }

    proptest! {
        #[test]
        fn cutting_is_the_same_however_the_bytes_come(
            lines in prop::collection::vec("[ a-c\r]{0,12}", 0..20),
            newline in any::<bool>(), bom in any::<bool>(),
            sizes in prop::collection::vec(1usize..9, 0..80),
        ) {
            let mut text = if bom { "\u{feff}".to_owned() } else { String::new() };
            text.push_str(&lines.join("\n"));
            if newline {
                text.push('\n');
            }
            let expected: Vec<(u64, Vec<u8>)> = lines.iter().enumerate()
                .filter(|(_, line)| !line.bytes().all(|b| b == b' ' || b == b'\r'))
                .map(|(i, line)| (i as u64 + 1, line.as_bytes().to_vec()))
                .collect();
            let found = read(text.as_bytes(), sizes, 1000);
            for (_, offset, bytes) in &found {
                let bytes = bytes.as_ref().unwrap();
                prop_assert!(text.as_bytes()[*offset as usize..].starts_with(bytes), "offsets are the stream's");
            }
            let found: Vec<_> = found.into_iter().map(|(line, _, bytes)| (line, bytes.unwrap())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
