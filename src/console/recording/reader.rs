//! Reads a recording, as far as it can be read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use serde::Deserialize;

use crate::console::app::Msg;
use crate::record::Micros;

use super::line::{Decoder, FORMAT, Header};

/// The longest line that is read: an hour of history of many scopes has less than a tenth of it.
const LONGEST_LINE: u64 = 64 << 20;

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It is something else.
    #[error("{path}: not a recording of bedrock-top (`bedrock-top --record FILE` makes one)")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was made by another version.
    #[error(
        "{path}: recorded in format {format} by bedrock-top {program}; this is {}, which reads format {FORMAT}",
        env!("CARGO_PKG_VERSION")
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The version that wrote it.
        program: String,
    },
    /// It has a header and no snapshot.
    #[error("{path}: nothing was recorded in it")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// How a recording ends if not as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// In the middle of a line: the program was killed.
    Torn,
    /// In something that cannot be read.
    Damaged(String),
}

/// A recording that is being read.
pub struct Recording {
    path: PathBuf,
    lines: Box<dyn BufRead + Send>,
    decoder: Decoder,
    header: Header,
    broken: Option<Broken>,
    over: bool,
}

impl Recording {
    /// Opens a recording, compressed or not.
    ///
    /// # Errors
    /// The file cannot be read, is no recording, or one of another format.
    pub fn open(path: &Path) -> Result<Recording, RecordingError> {
        let io = |error| RecordingError::Io { path: path.to_owned(), error };
        let mut file = BufReader::new(File::open(path).map_err(io)?);
        let packed = file.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]);
        let lines: Box<dyn BufRead + Send> =
            if packed { Box::new(BufReader::new(GzDecoder::new(file))) } else { Box::new(file) };
        let header = Header::new(0, (0, 0), "");
        let mut recording =
            Recording { path: path.to_owned(), lines, decoder: Decoder::default(), header, broken: None, over: false };
        recording.header = recording.read_header()?;
        Ok(recording)
    }

    fn read_header(&mut self) -> Result<Header, RecordingError> {
        #[derive(Deserialize)]
        struct Version {
            recording: u32,
            #[serde(default)]
            program: String,
        }
        let path = self.path.clone();
        let foreign = || RecordingError::Foreign { path: path.clone() };
        let Ok(Some(line)) = self.line() else { return Err(foreign()) };
        let version: Version = serde_json::from_str(&line).map_err(|_| foreign())?;
        if version.recording != FORMAT {
            let program = version.program.chars().filter(|c| !c.is_control()).take(32).collect();
            return Err(RecordingError::Version { path, format: version.recording, program });
        }
        serde_json::from_str(&line).map_err(|_| foreign())
    }

    /// What the console started from.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with its end, once that was reached.
    #[must_use]
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// The next line, without its end; `None` at the end.
    fn line(&mut self) -> Result<Option<String>, Broken> {
        let mut line = Vec::new();
        let read = Read::take(&mut self.lines, LONGEST_LINE).read_until(b'\n', &mut line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                String::from_utf8(line).map(Some).map_err(|_| Broken::Damaged("it is not text".to_owned()))
            }
            Ok(n) if n as u64 == LONGEST_LINE => Err(Broken::Damaged("a line has no end".to_owned())),
            Ok(_) => Err(Broken::Torn),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Broken::Torn),
            Err(error) => Err(Broken::Damaged(error.to_string())),
        }
    }
}

impl Iterator for Recording {
    type Item = (Micros, Msg);

    /// The next message. After what cannot be read nothing is: what follows builds on it.
    fn next(&mut self) -> Option<(Micros, Msg)> {
        if self.over {
            return None;
        }
        let next = match self.line() {
            Ok(None) => None,
            Ok(Some(line)) => match self.decoder.msg(&line) {
                Ok(msg) => Some(msg),
                Err(why) => {
                    self.broken = Some(Broken::Damaged(why));
                    None
                }
            },
            Err(broken) => {
                self.broken = Some(broken);
                None
            }
        };
        self.over = next.is_none();
        next
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::console::recording::Recorder;
    use crate::console::ui::fixtures;

    fn recorded() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.rec");
        let recorder = Recorder::create(&path).unwrap();
        recorder.begin(Header::new(5, (80, 24), "dusk"));
        for (at, (_, snapshot)) in fixtures::all().into_iter().enumerate() {
            recorder.take(Micros(at as u64), &Msg::Snapshot(Arc::new(snapshot)));
        }
        drop(recorder);
        let bytes = fs::read(&path).unwrap();
        (folder, path, bytes)
    }

    #[test]
    fn a_torn_tail_loses_the_tail_only() {
        let (_folder, path, bytes) = recorded();
        for keep in [bytes.len() - 3, bytes.len() - 12, bytes.len() / 2, bytes.len() / 20] {
            fs::write(&path, &bytes[..keep]).unwrap();
            match Recording::open(&path) {
                Ok(mut recording) => {
                    let messages = recording.by_ref().count();
                    assert!(messages <= fixtures::all().len());
                    assert_eq!(recording.broken(), Some(&Broken::Torn), "{keep}");
                }
                Err(error) => assert!(matches!(error, RecordingError::Foreign { .. }), "{error}"),
            }
        }
    }

    #[test]
    fn damage_in_the_middle_is_said() {
        let (_folder, path, mut bytes) = recorded();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 40].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        let mut recording = Recording::open(&path).unwrap();
        assert!(recording.by_ref().count() < fixtures::all().len());
        assert!(matches!(recording.broken(), Some(Broken::Damaged(_) | Broken::Torn)));
    }

    #[test]
    fn other_files_and_other_formats_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert!(Recording::open(&path).err().unwrap().to_string().contains("No such file"));
        for (text, sign) in [
            ("", "not a recording"),
            ("{\"recordId\":\"1\"}\n", "not a recording"),
            ("\u{1f}\u{8b}", "not a recording"),
            ("{\"recording\":7,\"program\":\"3.0\\u001b\"}\n", "format 7 by bedrock-top 3.0;"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Recording::open(&path).err().unwrap().to_string();
            assert!(error.contains(sign), "{error}");
        }
    }
}
