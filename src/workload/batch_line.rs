//! Records as a batch inference job takes them, read from any stream of lines: a file here, an object of S3.

use std::borrow::Cow;
use std::io::{self, Read};

use bytes::Bytes;

use crate::families::ApiChoice;
use crate::record::{Api, ModelId, Priority};

use super::blocks::{Block, Blocks, Piece};
use super::input::{look, too_long};
use super::line::{InputOptions, Judge, Reason};
use super::result_line::embed;

/// Judges records of a batch job.
#[derive(Debug)]
pub struct BatchJudge {
    judge: Judge,
}

/// A usable record of a batch job.
#[derive(Debug)]
pub struct BatchRecord<'a> {
    /// Its name, if the line gives one.
    pub id: Option<Cow<'a, str>>,
    /// The line gives a prompt, of which the body was made.
    pub is_prompt: bool,
    /// What the body is for.
    pub api: Api,
    /// The body, as it is to be sent.
    pub body: Bytes,
    /// Its own output limit.
    pub max_tokens: Option<u64>,
    /// The estimate of its input tokens, before any learning.
    pub input_tokens: u64,
}

/// A line that cannot be a record. Its name is told if it has one: a repeat is one also of an unusable line.
#[derive(Debug)]
pub struct Unusable<'a> {
    /// Its name, if the line gives one.
    pub id: Option<Cow<'a, str>>,
    /// Why, without a word of the prompt.
    pub reason: Reason,
}

impl BatchJudge {
    /// For jobs of `model`.
    #[must_use]
    pub fn new(model: &str, api: ApiChoice) -> BatchJudge {
        let options = InputOptions {
            models: vec![ModelId::from(model)],
            api,
            max_tokens: None,
            priority: Priority::default(),
            skip_invalid: true,
        };
        BatchJudge { judge: Judge::new(options).for_batch() }
    }

    /// The record of a line.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub fn record<'a>(&self, line: &'a Bytes) -> Result<BatchRecord<'a>, Unusable<'a>> {
        let shape = look(line).map_err(|reason| Unusable { id: None, reason })?;
        let id = shape.id().map_err(|reason| Unusable { id: None, reason })?;
        let judged = self.judge.facts(&shape).and_then(|facts| {
            let body = self.judge.body(line, &shape, &facts)?;
            Ok((facts, body))
        });
        match judged {
            Ok((facts, body)) => Ok(BatchRecord {
                id,
                is_prompt: shape.is_prompt(),
                api: facts.family.api(),
                body: body.json,
                max_tokens: facts.max_tokens,
                input_tokens: facts.raw_input,
            }),
            Err(reason) => Err(Unusable { id, reason }),
        }
    }
}

/// Writes a record in the batch form, with its newline.
///
/// # Errors
/// None in practice: memory is written to.
pub fn write_batch_line(out: &mut Vec<u8>, id: &str, body: &[u8]) -> io::Result<()> {
    out.extend_from_slice(b"{\"recordId\":");
    serde_json::to_writer(&mut *out, id)?;
    out.extend_from_slice(b",\"modelInput\":");
    embed(out, body);
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// The lines of a stream that are not blank, with their numbers, in the memory of one block and one line.
#[derive(Debug)]
pub struct Lines<R> {
    blocks: Blocks<R>,
}

impl<R: Read> Lines<R> {
    /// Of this stream.
    pub fn new(input: R) -> Lines<R> {
        Lines { blocks: Blocks::new(input) }
    }

    /// Takes lines of up to `longest` bytes.
    #[must_use]
    pub fn longest_line(self, longest: usize) -> Lines<R> {
        Lines { blocks: self.blocks.longest_line(longest) }
    }

    /// Hands every line to `take` (its number from 1, and its bytes or why they are not there), until one is refused.
    /// `seen` gets every byte of the stream in order.
    ///
    /// # Errors
    /// If the stream cannot be read, and the refusal of `take`.
    pub fn each(
        mut self,
        mut seen: impl FnMut(&[u8]),
        mut take: impl FnMut(u64, Result<Bytes, Reason>) -> io::Result<()>,
    ) -> io::Result<()> {
        while let Some(piece) = self.blocks.next(&mut seen)? {
            match piece {
                Piece::TooLong { line, length, .. } => take(line, Err(too_long(length)))?,
                Piece::Lines(Block { bytes, first_line, .. }) => {
                    let bytes = Bytes::from(bytes);
                    let mut start = 0;
                    let mut line = first_line;
                    while start < bytes.len() {
                        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
                        let text = bytes.slice(start..end);
                        if !text.iter().all(u8::is_ascii_whitespace) {
                            take(line, Ok(text))?;
                        }
                        start = end + 1;
                        line += 1;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";

    fn judged(line: &str) -> Result<(Option<String>, Api, String), String> {
        let line = Bytes::copy_from_slice(line.as_bytes());
        let judge = BatchJudge::new(HAIKU, ApiChoice::Auto);
        match judge.record(&line) {
            Ok(record) => {
                let body = String::from_utf8(record.body.to_vec()).unwrap();
                Ok((record.id.map(Cow::into_owned), record.api, body))
            }
            Err(unusable) => Err(unusable.reason),
        }
    }

    #[test]
    fn both_forms_become_the_batch_form() {
        let body = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
        let batch = judged(&format!(r#"{{"recordId":"a","modelInput":{body}}}"#)).unwrap();
        assert_eq!(batch, (Some("a".to_owned()), Api::Converse, body.to_owned()));
        assert_eq!(judged(r#"{"prompt":"hi"}"#).unwrap(), (None, Api::Converse, body.to_owned()));
        let mut out = Vec::new();
        write_batch_line(&mut out, "a \"b\"", b"{\n}").unwrap();
        assert_eq!(out, b"{\"recordId\":\"a \\\"b\\\"\",\"modelInput\":{}}\n");
    }

    #[test]
    fn what_batch_refuses_is_refused() {
        let tools = r#"{"recordId":"a","modelInput":{"messages":[{"role":"user","content":[{"text":"x"}]}],
                       "toolConfig":{"tools":[]}}}"#
            .replace('\n', "");
        let reason = judged(&tools).unwrap_err();
        assert!(reason.contains("`toolConfig`: batch inference takes neither tools"), "{reason}");
        assert!(judged("{\"recordId\":1}").unwrap_err().contains("recordId"));
    }

    #[test]
    fn lines_come_with_their_numbers() {
        let mut found = Vec::new();
        let mut bytes = 0;
        let lines = Lines::new(&b"a\n\n b\r\nc"[..]);
        lines
            .each(
                |seen| bytes += seen.len(),
                |line, text| {
                    found.push((line, String::from_utf8(text.unwrap().to_vec()).unwrap()));
                    Ok(())
                },
            )
            .unwrap();
        assert_eq!(found, [(1, "a".to_owned()), (3, " b\r".to_owned()), (4, "c".to_owned())]);
        assert_eq!(bytes, 8);
    }
}
