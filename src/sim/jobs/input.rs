//! The input of a job: its files in S3, line by line with bounded memory.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::objects::{Object, Objects, Reader};
use super::super::payload::BODY_LIMIT;
use super::limits::Limits;
use super::place::Place;

/// A line holds a body and little beside it.
const LONGEST_LINE: u64 = BODY_LIMIT as u64 + (1 << 20);
/// Files of a prefix that are looked at. More would take a job of its own to list.
const MOST_FILES: usize = 10_000;

/// One line of an input file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(default)]
    pub record_id: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    pub model_input: &'a RawValue,
}

impl<'a> Line<'a> {
    /// Reads a line; why not, without a word of what it says.
    pub(super) fn parse(line: &'a [u8]) -> Result<Line<'a>, &'static str> {
        let parsed: Line<'a> = serde_json::from_slice(line).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "expected an object with a string recordId and an object modelInput",
            _ => "it is not JSON",
        })?;
        if parsed.model_input.get().starts_with('{') { Ok(parsed) } else { Err("modelInput must be an object") }
    }
}

/// The input files of a job. They stay readable as they are, whatever becomes of the objects.
pub(super) struct Input {
    pub files: Vec<(String, Object)>,
}

impl Input {
    /// The one object, or all `.jsonl` files under the prefix.
    pub(super) fn find(objects: &Objects, place: &Place, limits: &Limits) -> Result<Input, String> {
        let uri = || format!("s3://{}/{}", place.bucket, place.key);
        let files = match objects.get(&place.bucket, &place.key) {
            Some(object) => vec![(place.key.clone(), object)],
            None => {
                let all = objects.list(&place.bucket, &place.key);
                let all = all.ok_or_else(|| format!("The input bucket {} can't be accessed.", place.bucket))?;
                all.into_iter().filter(|(key, _)| key.ends_with(".jsonl")).take(MOST_FILES + 1).collect()
            }
        };
        if files.is_empty() || files.len() > MOST_FILES {
            let found = if files.is_empty() { "no" } else { "too many" };
            return Err(format!("There are {found} input files at {}: .jsonl files are expected.", uri()));
        }
        if let Some((key, object)) = files.iter().find(|(_, object)| object.size > limits.file_bytes) {
            let (size, most) = (object.size, limits.file_bytes);
            return Err(format!("The input file {key} has {size} bytes; at most {most} are allowed."));
        }
        let bytes: u64 = files.iter().map(|(_, object)| object.size).sum();
        if bytes > limits.job_bytes {
            let most = limits.job_bytes;
            return Err(format!("The input has {bytes} bytes; a job may have at most {most}."));
        }
        Ok(Input { files })
    }

    /// Opens a file, from its first line.
    pub(super) fn open(&self, file: usize) -> io::Result<Lines> {
        let Some((_, object)) = self.files.get(file) else { return Err(io::ErrorKind::NotFound.into()) };
        Ok(Lines { reader: BufReader::with_capacity(64 << 10, object.open()?), number: 0 })
    }
}

/// The lines of one file.
pub(super) struct Lines {
    reader: BufReader<Reader>,
    number: u64,
}

impl Lines {
    /// The next line that is not blank, into `line`; false after the last.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            line.clear();
            let read = self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', line)?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            if read as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
            }
            if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                return Ok(true);
            }
        }
    }

    /// The number of the line that was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

/// The look through an input before a job begins, a slice at a time.
pub(super) struct Validation {
    file: usize,
    lines: Option<Lines>,
    line: Vec<u8>,
    in_file: u64,
    records: u64,
}

/// How far it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is more to look at.
    More,
    /// The input is in order and has so many records.
    Good(u64),
    /// It is not, in the words of the job's `message`. The service's own are not published (facts §5).
    Bad(String),
}

impl Validation {
    pub(super) fn new() -> Validation {
        Validation { file: 0, lines: None, line: Vec::new(), in_file: 0, records: 0 }
    }

    /// Records seen so far.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Looks at `most` more lines.
    pub(super) fn advance(&mut self, input: &Input, limits: &Limits, most: usize) -> Verdict {
        for _ in 0..most {
            let Some((key, _)) = input.files.get(self.file) else {
                if self.records < limits.least_records {
                    return Verdict::Bad(format!(
                        "The input has {} records; a job of this model must have at least {}.",
                        self.records, limits.least_records
                    ));
                }
                return Verdict::Good(self.records);
            };
            let lines = match &mut self.lines {
                Some(lines) => lines,
                none => match input.open(self.file) {
                    Ok(lines) => none.insert(lines),
                    Err(_) => return Verdict::Bad(format!("The input file {key} can't be read.")),
                },
            };
            match lines.next(&mut self.line) {
                Ok(true) => {}
                Ok(false) => {
                    (self.lines, self.in_file) = (None, 0);
                    self.file += 1;
                    continue;
                }
                Err(error) => return Verdict::Bad(format!("Line {} of {key} can't be read: {error}.", lines.number())),
            }
            if let Err(why) = Line::parse(&self.line) {
                return Verdict::Bad(format!("Line {} of {key} is malformed: {why}.", lines.number()));
            }
            self.in_file += 1;
            self.records += 1;
            if self.in_file > limits.file_records {
                return Verdict::Bad(format!("The input file {key} has more than {} records.", limits.file_records));
            }
            if self.records > limits.job_records {
                return Verdict::Bad(format!("The input has more than {} records.", limits.job_records));
            }
        }
        Verdict::More
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::record::Micros;

    use super::*;

    const LIMITS: Limits =
        Limits { least_records: 2, job_records: 5, file_records: 4, file_bytes: 200, job_bytes: 300, jobs: 20 };
    const GOOD: &str = r#"{"recordId":"a","modelInput":{}}"#;

    fn verdict(files: &[(&str, &str)], uri: &str) -> Result<u64, String> {
        let objects = Objects::new();
        for (key, text) in files {
            let mut draft = objects.draft().unwrap();
            draft.write_all(text.as_bytes()).unwrap();
            objects.put("bucket", key, draft, "e".into(), Vec::new(), Micros::ZERO).unwrap();
        }
        let input = Input::find(&objects, &Place::parse(uri).unwrap(), &LIMITS)?;
        let mut validation = Validation::new();
        loop {
            match validation.advance(&input, &LIMITS, 1) {
                Verdict::More => {}
                Verdict::Good(records) => return Ok(records),
                Verdict::Bad(why) => return Err(why),
            }
        }
    }

    fn lines(count: usize) -> String {
        format!("{GOOD}\n").repeat(count)
    }

    #[test]
    fn a_file_or_a_prefix_is_read_whole() {
        let three = format!("\n{GOOD}\r\n\n{}", lines(2).trim_end());
        assert_eq!(verdict(&[("in/a.jsonl", &three)], "s3://bucket/in/a.jsonl"), Ok(3));
        let files = [("in/a.jsonl", &*lines(2)), ("in/b.jsonl", &*lines(3)), ("in/c.txt", "no"), ("x.jsonl", "no")];
        assert_eq!(verdict(&files, "s3://bucket/in/"), Ok(5));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let of = |text: &str| verdict(&[("a.jsonl", text)], "s3://bucket/a.jsonl").unwrap_err();
        assert!(of(&lines(1)).contains("1 records; a job of this model must have at least 2"));
        assert!(of(&lines(5)).contains("more than 4 records"));
        assert!(of(&format!("{}{{", lines(1))).starts_with("Line 2 of a.jsonl is malformed: it is not JSON"));
        for bad in [r#"{"recordId":7,"modelInput":{}}"#, r#"{"modelInput":[]}"#, "[]", r#"{"recordId":"a"}"#] {
            assert!(of(bad).starts_with("Line 1 of a.jsonl is malformed:"), "{bad}");
        }
        assert!(of(&"x".repeat(201)).contains("201 bytes; at most 200"));
        assert!(verdict(&[("a.jsonl", GOOD)], "s3://other/").unwrap_err().contains("can't be accessed"));
        assert!(verdict(&[("a.txt", GOOD)], "s3://bucket/in/").unwrap_err().contains("no input files"));
        let long = [("in/a.jsonl", &*lines(4)), ("in/b.jsonl", &*lines(2))];
        assert!(verdict(&long, "s3://bucket/in/").unwrap_err().contains("more than 5 records"));
    }
}
