//! What a job wrote, joined with what it was given, on recordId.
//!
//! Output comes in any order, from one job or from several generations. Each record ends in exactly one place: with a
//! result, with an error, or missing; a result goes before an error, a later answer before an earlier one. Bodies pass
//! through and are never kept.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::families::ApiChoice;
use crate::workload::{BatchJudge, Lines, write_batch_line};

use super::super::work::{FetchReport, Stage};
use super::check::{Teller, unreadable};
use super::names::Names;
use super::outcome::{self, Went};
use super::source::{Source, Stop};
use super::trouble::Trouble;

/// The longest line of output: the largest input and the largest reply.
const LONGEST: usize = 96 << 20;
/// Different errors that are counted; more than that are variations of one.
const MOST_REASONS: usize = 1_000;
/// The most frequent errors that are told.
const TOLD_REASONS: usize = 10;

/// What is read.
pub(super) struct Reading {
    /// The outputs of each generation, newest first.
    pub outputs: Vec<Vec<Source>>,
    /// The original input; `None`: it cannot be had, and nobody knows what is missing.
    pub input: Option<Vec<Source>>,
    /// For judging input lines.
    pub model: String,
    /// Lines without a recordId have their line number as one: so it is in copies of ours, and in local files.
    pub numbered: bool,
    /// Results were made by a simulator, and say so.
    pub simulated: bool,
}

/// Where what is found goes; `None`: nowhere.
#[derive(Default)]
pub(super) struct Into {
    pub ok: Option<Output>,
    pub failed: Option<Output>,
    pub missing: Option<Output>,
    /// What is worth sending again, as an input.
    pub again: Option<Output>,
}

/// A file under a temporary name until it is whole.
pub(super) struct Output {
    part: PathBuf,
    whole: PathBuf,
    writer: BufWriter<File>,
    lines: u64,
}

impl Output {
    /// Begins `whole`, in whose folder there must be room.
    pub fn begin(whole: PathBuf) -> io::Result<Output> {
        let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let part = whole.with_file_name(format!(".{name}.part-{}", std::process::id()));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        Ok(Output { part, whole, writer: BufWriter::with_capacity(256 << 10, file), lines: 0 })
    }

    fn line(&mut self, line: &[u8], simulated: bool) -> io::Result<()> {
        self.lines += 1;
        let line = line.trim_ascii();
        let written = match line.strip_suffix(b"}") {
            Some(open) if simulated && open.len() > 1 => {
                self.writer.write_all(open).and_then(|()| self.writer.write_all(b",\"simulated\":true}\n"))
            }
            _ => self.writer.write_all(line).and_then(|()| self.writer.write_all(b"\n")),
        };
        // A full disk here is not the fault of what is being read.
        written.map_err(|error| io::Error::new(error.kind(), format!("writing {}: {error}", self.whole.display())))
    }

    /// Gives the file its name, over what is there. One without a line is not made, and removes what is there.
    pub fn end(mut self) -> io::Result<Option<PathBuf>> {
        self.writer.flush()?;
        if self.lines == 0 {
            match fs::remove_file(&self.whole) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return Ok(None),
            }
        }
        self.writer.get_ref().sync_all()?;
        fs::rename(&self.part, &self.whole)?;
        Ok(Some(self.whole.clone()))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // It has its name, or is not wanted.
        let _ = fs::remove_file(&self.part);
    }
}

/// Marks of a name: done, or failed in a generation.
const DONE: u32 = 0;

fn failed_mark(generation: usize, went: Went) -> u32 {
    let generation = u32::try_from(generation).unwrap_or(u32::MAX / 4).min(u32::MAX / 4);
    1 + generation * 2 + u32::from(went == Went::Permanent)
}

/// Joins. The files are complete afterwards, under their temporary names.
///
/// `spool` is a path for errors on their way: which of them stand is known only at the end.
pub(super) fn join(
    reading: Reading,
    into: &mut Into,
    spool: &Path,
    stop: &Stop,
    tell: impl FnMut(Stage),
) -> Result<FetchReport, Trouble> {
    let Reading { outputs, input, model, numbered, simulated } = reading;
    let sizes = |sources: &[Source]| sources.iter().map(|source| source.bytes).sum::<u64>();
    let total = outputs.iter().map(|sources| sizes(sources)).sum::<u64>() + input.as_deref().map_or(0, sizes);
    let mut teller = Teller::new("downloading and joining", total, tell);
    let disk = |error: io::Error| Trouble::passing(format!("{}: {error}", spool.display()));
    let mut errors = Output::begin(spool.to_owned()).map_err(disk)?;
    let mut names = Names::default();
    let mut report = FetchReport::default();
    let mut unreadable_lines = 0u64;
    for (generation, sources) in outputs.into_iter().enumerate() {
        for source in sources {
            let label = source.label;
            let read = Lines::new(source.reader).longest_line(LONGEST).each(
                |seen| teller.add(seen.len() as u64),
                |_, text| {
                    stop.check()?;
                    let Ok(text) = text else {
                        unreadable_lines += 1;
                        return Ok(());
                    };
                    let Some(line) = outcome::read(&text) else {
                        unreadable_lines += 1;
                        return Ok(());
                    };
                    match (line.went, names.get(&line.id)) {
                        (_, Some(DONE)) | (Went::Retryable | Went::Permanent, Some(_)) => {}
                        (Went::Well, _) => {
                            names.set(&line.id, DONE);
                            report.ok += 1;
                            if let Some(ok) = &mut into.ok {
                                ok.line(&text, simulated)?;
                            }
                        }
                        (went, None) => {
                            names.set(&line.id, failed_mark(generation, went));
                            errors.line(&text, false)?;
                        }
                    }
                    Ok(())
                },
            );
            read.map_err(|error| unreadable(&label, stop, &error))?;
        }
    }
    let in_output = names.len() as u64;
    standing_errors(errors, &names, into, simulated, stop, &mut report)?;
    if unreadable_lines > 0 {
        report
            .warnings
            .push(format!("{unreadable_lines} lines of the output are no results; their records count as missing"));
    }
    match input {
        Some(sources) => {
            let missing = Missing { judge: BatchJudge::new(&model, ApiChoice::Auto), numbered, in_output };
            missing.find(sources, &names, into, stop, &mut teller, &mut report)?;
        }
        None => report.warnings.push("the input cannot be read any more: what is missing cannot be told".to_owned()),
    }
    Ok(report)
}

/// Errors that no other generation has made good.
fn standing_errors(
    mut errors: Output,
    names: &Names,
    into: &mut Into,
    simulated: bool,
    stop: &Stop,
    report: &mut FetchReport,
) -> Result<(), Trouble> {
    let path = errors.part.clone();
    let disk = |error: io::Error| unreadable(&path.display().to_string(), stop, &error);
    errors.writer.flush().map_err(disk)?;
    let mut reasons: HashMap<String, u64> = HashMap::new();
    let file = File::open(&path).map_err(disk)?;
    let read = Lines::new(file).longest_line(LONGEST).each(
        |_| {},
        |_, text| {
            stop.check()?;
            let text = text.map_err(io::Error::other)?;
            let Some(line) = outcome::read(&text) else { return Ok(()) };
            if names.get(&line.id) == Some(DONE) {
                return Ok(());
            }
            match line.went {
                Went::Permanent => report.permanent += 1,
                _ => report.retryable += 1,
            }
            let reason = line.reason.unwrap_or_default();
            if reasons.len() < MOST_REASONS || reasons.contains_key(&reason) {
                *reasons.entry(reason).or_default() += 1;
            } else {
                *reasons.entry("others".to_owned()).or_default() += 1;
            }
            if let Some(failed) = &mut into.failed {
                failed.line(&text, simulated)?;
            }
            if let Some(again) = into.again.as_mut().filter(|_| line.went == Went::Retryable) {
                again.line(&text, false)?;
            }
            Ok(())
        },
    );
    read.map_err(disk)?;
    report.reasons = reasons.into_iter().collect();
    report.reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    report.reasons.truncate(TOLD_REASONS);
    Ok(())
}

/// Finds the records of which the output says nothing.
struct Missing {
    judge: BatchJudge,
    numbered: bool,
    /// Names in the output.
    in_output: u64,
}

impl Missing {
    fn find(
        &self,
        sources: Vec<Source>,
        names: &Names,
        into: &mut Into,
        stop: &Stop,
        teller: &mut Teller<impl FnMut(Stage)>,
        report: &mut FetchReport,
    ) -> Result<(), Trouble> {
        let (mut found, mut unnamed) = (0u64, 0u64);
        let mut line_out = Vec::new();
        for source in sources {
            let label = source.label;
            let read = Lines::new(source.reader).each(
                |seen| teller.add(seen.len() as u64),
                |line, text| {
                    stop.check()?;
                    let text = text.map_err(io::Error::other)?;
                    let record = self.judge.record(&text);
                    let id = match &record {
                        Ok(record) => &record.id,
                        Err(unusable) => &unusable.id,
                    };
                    let name = match id {
                        Some(id) => id.to_string(),
                        None if self.numbered => line.to_string(),
                        None => {
                            unnamed += 1;
                            return Ok(());
                        }
                    };
                    if names.get(&name).is_some() {
                        found += 1;
                        return Ok(());
                    }
                    report.missing += 1;
                    line_out.clear();
                    match &record {
                        Ok(record) => write_batch_line(&mut line_out, &name, &record.body)?,
                        // A body that the model does not take: as it stands.
                        Err(_) => line_out.extend_from_slice(&text),
                    }
                    for output in [&mut into.missing, &mut into.again].into_iter().flatten() {
                        output.line(&line_out, false)?;
                    }
                    Ok(())
                },
            );
            read.map_err(|error| unreadable(&label, stop, &error))?;
        }
        // The service named these itself: they can only be counted.
        let nameless = unnamed.saturating_sub(self.in_output.saturating_sub(found));
        if nameless > 0 {
            report.missing += nameless;
            report.warnings.push(format!(
                "{nameless} of the missing records had no recordId in the input: which ones they are cannot be told"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn source(lines: &[String]) -> Source {
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        Source { label: "x".to_owned(), bytes: text.len() as u64, reader: Box::new(io::Cursor::new(text)) }
    }

    const BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;

    fn input_line(id: usize) -> String {
        format!(r#"{{"recordId":"r{id}","modelInput":{BODY}}}"#)
    }

    fn output_line(id: usize, code: Option<u16>) -> String {
        match code {
            None => format!(r#"{{"modelOutput":{{"x":1}},"modelInput":{BODY},"recordId":"r{id}"}}"#),
            Some(code) => format!(
                r#"{{"recordId":"r{id}","modelInput":{BODY},"error":{{"errorCode":{code},"errorMessage":"no {id}"}}}}"#
            ),
        }
    }

    fn joined(input: usize, outputs: &[Vec<(usize, Option<u16>)>]) -> (FetchReport, [Vec<String>; 4]) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let begin = |name: &str| Some(Output::begin(path(name)).unwrap());
        let mut into =
            Into { ok: begin("ok"), failed: begin("failed"), missing: begin("missing"), again: begin("again") };
        let lines = |answers: &Vec<(usize, Option<u16>)>| {
            vec![source(&answers.iter().map(|(id, code)| output_line(*id, *code)).collect::<Vec<_>>())]
        };
        let reading = Reading {
            outputs: outputs.iter().map(lines).collect(),
            input: Some(vec![source(&(0..input).map(input_line).collect::<Vec<_>>())]),
            model: "anthropic.claude-3-haiku-20240307-v1:0".to_owned(),
            numbered: true,
            simulated: true,
        };
        let report = join(reading, &mut into, &path("spool"), &Stop::default(), |_| {}).unwrap();
        let outputs = [into.ok.take(), into.failed.take(), into.missing.take(), into.again.take()];
        let read = outputs.map(|output| match output.unwrap().end().unwrap() {
            Some(path) => fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect(),
            None => Vec::new(),
        });
        assert!(fs::read_dir(folder.path()).unwrap().all(|entry| !entry.unwrap().path().ends_with(".part")));
        (report, read)
    }

    fn ids(lines: &[String]) -> Vec<String> {
        let id = |line: &String| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["modelInput"].is_object(), "{line}");
            value["recordId"].as_str().unwrap().to_owned()
        };
        lines.iter().map(id).collect()
    }

    #[test]
    fn every_record_ends_in_one_place() {
        let newest = vec![(1, Some(400)), (2, Some(503)), (3, None)];
        let oldest = vec![(0, None), (1, Some(429)), (2, None), (3, Some(500)), (4, Some(429))];
        let (report, [ok, failed, missing, again]) = joined(6, &[newest, oldest]);
        assert_eq!((report.ok, report.retryable, report.permanent, report.missing), (3, 1, 1, 1));
        assert_eq!(ids(&ok), ["r3", "r0", "r2"]);
        assert_eq!(ids(&failed), ["r1", "r4"]);
        assert_eq!(ids(&missing), ["r5"]);
        assert_eq!(ids(&again), ["r4", "r5"]);
        assert!(failed[0].contains("\"errorCode\":400") && failed[0].ends_with(",\"simulated\":true}"), "{failed:?}");
        assert_eq!(report.reasons, [("400: no #".to_owned(), 1), ("429: no #".to_owned(), 1)]);
    }

    proptest! {
        #[test]
        fn the_best_answer_wins_whatever_the_order(
            input in 0usize..20,
            outputs in prop::collection::vec(
                prop::collection::vec((0usize..20, prop::option::of(prop::sample::select(vec![400u16, 429, 503]))), 0..30),
                0..4,
            ),
        ) {
            let known = |answers: &Vec<(usize, Option<u16>)>| -> Vec<_> {
                answers.iter().copied().filter(|(id, _)| *id < input).collect()
            };
            let outputs: Vec<Vec<(usize, Option<u16>)>> = outputs.iter().map(known).collect();
            let mut best: BTreeMap<usize, Option<u16>> = BTreeMap::new();
            for (id, code) in outputs.iter().flatten() {
                let there = best.entry(*id).or_insert(*code);
                if code.is_none() {
                    *there = None;
                }
            }
            let (report, [ok, failed, missing, again]) = joined(input, &outputs);
            let wanted = |test: &dyn Fn(Option<&Option<u16>>) -> bool| -> BTreeSet<String> {
                (0..input).filter(|id| test(best.get(id))).map(|id| format!("r{id}")).collect()
            };
            let set = |lines: &[String]| { let ids = ids(lines); let n = ids.len(); let set: BTreeSet<_> = ids.into_iter().collect(); assert_eq!(set.len(), n, "twice"); set };
            prop_assert_eq!(set(&ok), wanted(&|answer| answer == Some(&None)));
            prop_assert_eq!(set(&failed), wanted(&|answer| matches!(answer, Some(Some(_)))));
            prop_assert_eq!(set(&missing), wanted(&|answer| answer.is_none()));
            prop_assert_eq!(set(&again), wanted(&|answer| !matches!(answer, Some(None) | Some(Some(400)))));
            prop_assert_eq!(report.ok + report.retryable + report.permanent + report.missing, input as u64);
        }
    }
}
