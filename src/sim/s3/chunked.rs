//! The `aws-chunked` coding, in which SDKs wrap an upload whose checksum they learn only while they send it.
//!
//! `SIZE[;chunk-signature=...] CRLF data CRLF`, ..., `0[;chunk-signature=...] CRLF`, trailing headers, an empty line. The
//! sizes are hexadecimal. Signatures are not verified: any credentials are accepted.

use bytes::Bytes;

/// The longest line between the data: a size with its signature, or a trailing header.
const LINE: usize = 4_096;
/// Trailing headers of a body.
const TRAILERS: usize = 16;

/// The body is not what the coding says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadChunk;

/// Unwraps a body that comes in pieces of any size, without copying its data.
#[derive(Debug)]
pub(super) struct Unchunker {
    input: Bytes,
    line: Vec<u8>,
    state: State,
    trailers: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A chunk's size comes.
    Size,
    /// So many bytes of data come.
    Data(u64),
    /// The end of a chunk's last line comes.
    AfterData,
    /// A trailing header or the empty line comes.
    Trailer,
    /// All is said.
    Done,
}

impl Unchunker {
    pub(super) fn new() -> Unchunker {
        Unchunker { input: Bytes::new(), line: Vec::new(), state: State::Size, trailers: Vec::new() }
    }

    /// More of the body. What came before must have been taken by [`Unchunker::take`].
    pub(super) fn give(&mut self, input: Bytes) {
        debug_assert!(self.input.is_empty() || self.state == State::Done);
        self.input = input;
    }

    /// The next piece of data, if what came has one.
    pub(super) fn take(&mut self) -> Result<Option<Bytes>, BadChunk> {
        loop {
            if let State::Data(left) = self.state {
                if self.input.is_empty() {
                    return Ok(None);
                }
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.input.len());
                let left = left - here as u64;
                self.state = if left == 0 { State::AfterData } else { State::Data(left) };
                return Ok(Some(self.input.split_to(here)));
            }
            if self.state == State::Done || !self.complete_line()? {
                return Ok(None);
            }
            let line = std::mem::take(&mut self.line);
            let line = std::str::from_utf8(&line).map_err(|_| BadChunk)?.trim_end_matches('\r');
            self.state = match self.state {
                State::Size => match size(line)? {
                    0 => State::Trailer,
                    size => State::Data(size),
                },
                State::AfterData if line.is_empty() => State::Size,
                State::Trailer if line.is_empty() => State::Done,
                State::Trailer if self.trailers.len() < TRAILERS => {
                    let (name, value) = line.split_once(':').ok_or(BadChunk)?;
                    self.trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                    State::Trailer
                }
                _ => return Err(BadChunk),
            };
        }
    }

    /// Whether the body has come to its end.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The value of a trailing header.
    pub(super) fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Moves input into the line until the line ends; false if the input ended first.
    fn complete_line(&mut self) -> Result<bool, BadChunk> {
        let end = memchr::memchr(b'\n', &self.input);
        let part = self.input.split_to(end.unwrap_or(self.input.len()));
        if self.line.len() + part.len() > LINE {
            return Err(BadChunk);
        }
        self.line.extend_from_slice(&part);
        if end.is_some() {
            let _newline = self.input.split_to(1);
        }
        Ok(end.is_some())
    }
}

fn size(line: &str) -> Result<u64, BadChunk> {
    let digits = line.split(';').next().unwrap_or_default().trim();
    // `from_str_radix` would take a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(BadChunk);
    }
    u64::from_str_radix(digits, 16).map_err(|_| BadChunk)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Unwraps `wire`, cut into pieces of `step` bytes.
    fn unwrap(wire: &[u8], step: usize) -> Result<(Vec<u8>, Unchunker), BadChunk> {
        let mut unchunker = Unchunker::new();
        let mut data = Vec::new();
        for piece in wire.chunks(step) {
            unchunker.give(Bytes::copy_from_slice(piece));
            while let Some(piece) = unchunker.take()? {
                data.extend_from_slice(&piece);
            }
        }
        Ok((data, unchunker))
    }

    #[test]
    fn a_signed_body_with_a_trailer_comes_out_plain() {
        let wire = b"5;chunk-signature=00ff\r\nhello\r\n1;chunk-signature=00ff\r\n!\r\n0;chunk-signature=00ff\r\n\
                     x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:00ff\r\n\r\n";
        let (data, unchunker) = unwrap(wire, wire.len()).unwrap();
        assert_eq!((data.as_slice(), unchunker.is_done()), (&b"hello!"[..], true));
        assert_eq!(unchunker.trailer("x-amz-checksum-crc32"), Some("AAAAAA=="));
        assert_eq!(unchunker.trailer("x-amz-checksum-sha1"), None);
    }

    #[test]
    fn what_is_not_the_coding_is_refused() {
        for wire in [
            &b"hello\r\n"[..],
            b"+5\r\nhello\r\n0\r\n\r\n",
            b"5\r\nhello!\r\n0\r\n\r\n",
            b"0\r\nno colon\r\n\r\n",
            b"11111111111111111\r\n",
            b"\r\n",
            &[b'1'; LINE + 1],
        ] {
            assert_eq!(unwrap(wire, 3).unwrap_err(), BadChunk, "{wire:?}");
        }
        let (_, cut) = unwrap(b"5\r\nhello\r\n0\r\n", 4).unwrap();
        assert!(!cut.is_done());
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_data_is_the_same(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..8),
            step in 1_usize..400,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\na:b\r\n\r\n");
            let (data, unchunker) = unwrap(&wire, step).unwrap();
            prop_assert_eq!(data, chunks.concat());
            prop_assert!(unchunker.is_done());
            prop_assert_eq!(unchunker.trailer("a"), Some("b"));
        }
    }
}
