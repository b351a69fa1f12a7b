use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::families::ApiChoice;
use crate::record::{ErrorClass, Failure, FlowId, Micros, ModelId, Priority, Record, Reply, Route, Usd};
use crate::workload::{FileSource, InputOptions, Journal, Source, StreamSource};

/// A folder with an input, and everything needed to run it.
struct Bench {
    dir: TempDir,
    clock: RunClock,
    identity: RunIdentity,
    ordered: bool,
}

fn options() -> InputOptions {
    InputOptions {
        models: Vec::new(),
        api: ApiChoice::Auto,
        max_tokens: None,
        priority: Priority::Medium,
        skip_invalid: true,
    }
}

/// How one process of a run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Finish,
    /// Everything written, but not finished.
    Stop,
    /// Killed: what was not flushed is lost.
    Kill,
}

impl Bench {
    /// An input of `n` records named `r0`, `r1`, ...; every seventh line is unusable, every fifth record fails.
    fn new(n: usize) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let line = |i: usize| match i % 7 {
            6 => format!("{{\"recordId\":\"r{i}\"}}\n"),
            2 => format!("{{\"recordId\":\"r{i}\",\"prompt\":\"p{i}\",\"priority\":\"high\"}}\n"),
            _ => format!("{{\"recordId\":\"r{i}\",\"prompt\":\"p{i}\"}}\n"),
        };
        fs::write(dir.path().join("in.jsonl"), (0..n).map(line).collect::<String>()).unwrap();
        let identity = RunIdentity {
            models: vec![ModelId::from("m")],
            regions: Vec::new(),
            params: BTreeMap::from([("--stream".to_owned(), "no".to_owned())]),
            target: "sim".to_owned(),
            simulated: true,
        };
        Bench { dir, clock: RunClock::start(), identity, ordered: false }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn paths(&self) -> OutputPaths {
        OutputPaths::new(&self.at("out.jsonl"), None)
    }

    fn input(&self) -> Input {
        Input::validate(&self.at("in.jsonl"), options(), |_| ()).unwrap()
    }

    fn open(&self, existing: Existing) -> Result<Outputs, OutputError> {
        Outputs::open(&self.paths(), existing, &self.identity, Some(&self.input()), self.ordered, self.clock)
    }

    fn finished(&self, record: Record, cost: Usd) -> Finished {
        let fails = record.seq % 5 == 4;
        let output = format!("{{\"of\":{}}}", record.seq).into();
        let reply =
            Reply { output, usage: None, stop_reason: None, stream: None, server_latency_ms: None, text_bytes: 0 };
        let failure = Failure {
            class: ErrorClass::Validation,
            code: "ValidationException".to_owned(),
            message: "no".to_owned(),
            status: Some(400),
            retry_after: None,
            maybe_billed: false,
            usage: None,
            text_bytes: 0,
        };
        Finished {
            record,
            result: if fails { Err(failure) } else { Ok(reply) },
            attempts: 1,
            route: Route::new("us-east-1", "m"),
            simulated: self.identity.simulated,
            cost: Some(cost),
            usage: None,
            attempt_latency: Micros::ZERO,
            response_time: Micros::ZERO,
            request_id: None,
        }
    }

    /// One process: sends up to `most` lines, flushing after every `flush` of them, and ends. What it sent.
    fn process(
        &self,
        existing: Existing,
        most: usize,
        flush: usize,
        end: End,
    ) -> Result<(Past, Vec<u64>), OutputError> {
        let input = self.input();
        let Outputs { mut sink, mut journal, past } =
            Outputs::open(&self.paths(), existing, &self.identity, Some(&input), self.ordered, self.clock)?;
        let begun = journal.begun();
        let source = FileSource::new(input, &past.finished, FlowId(0), self.clock, begun);
        let sent = self.send(source, &mut sink, &mut journal, most, flush, end);
        Ok((past, sent))
    }

    fn send(
        &self,
        mut source: impl Source,
        sink: &mut JsonlSink,
        journal: &mut RunFile,
        most: usize,
        flush: usize,
        end: End,
    ) -> Vec<u64> {
        let mut sent = Vec::new();
        for n in 0..most {
            match source.next() {
                None => break,
                Some(Err(bad)) => {
                    assert!(!bad.fatal, "{bad}");
                    sink.reject(&bad).unwrap();
                }
                Some(Ok(record)) => {
                    let seq = record.seq;
                    sent.push(seq);
                    journal.started(seq, Usd(100)).unwrap();
                    journal.settled(seq, Usd(60)).unwrap();
                    sink.write(&self.finished(record, Usd(60))).unwrap();
                }
            }
            if (n + 1) % flush == 0 {
                sink.flush().unwrap();
            }
        }
        if end != End::Kill {
            sink.flush().unwrap();
            journal.flush().unwrap();
        }
        if end == End::Finish {
            sink.finish().unwrap();
            journal.finish(true).unwrap();
        }
        sent
    }

    fn lines(&self, path: &Path) -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with('\n'), "whole lines");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Every line of the input has its one result in the file where it belongs.
    fn assert_complete(&self, n: usize) {
        let id = |value: &Value| value["recordId"].as_str().unwrap().to_owned();
        let out: Vec<String> = self.lines(&self.paths().out).iter().map(id).collect();
        let failed: Vec<String> = self.lines(&self.paths().failed).iter().map(id).collect();
        let (fail, succeed): (BTreeSet<usize>, BTreeSet<usize>) = (0..n).partition(|i| i % 7 == 6 || i % 5 == 4);
        let names = |set: BTreeSet<usize>| set.into_iter().map(|i| format!("r{i}")).collect::<BTreeSet<_>>();
        assert_eq!(out.len(), succeed.len(), "each once");
        assert_eq!(failed.len(), fail.len(), "each once");
        assert_eq!(out.into_iter().collect::<BTreeSet<_>>(), names(succeed));
        assert_eq!(failed.into_iter().collect::<BTreeSet<_>>(), names(fail));
    }

    fn cut(&self, path: &Path, keep: f64) {
        let length = fs::metadata(path).unwrap().len();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len((length as f64 * keep) as u64).unwrap();
    }
}

#[test]
fn a_run_puts_every_line_where_it_belongs() {
    let bench = Bench::new(40);
    let (past, sent) = bench.process(Existing::Refuse, 100, 3, End::Finish).unwrap();
    assert_eq!((past.begun, past.succeeded), (None, 0));
    assert_eq!(sent.len(), 35);
    bench.assert_complete(40);
    let bad = bench.lines(&bench.paths().failed).into_iter().find(|line| line["line"] == 7).unwrap();
    assert_eq!((&bad["recordId"], &bad["input"]["recordId"]), (&"r6".into(), &"r6".into()));
    let journal = fs::read_to_string(bench.paths().run).unwrap();
    assert_eq!(journal.lines().count(), 2, "marks are not kept: {journal}");
    assert!(journal.contains("\"spent\":2100"), "{journal}");
}

#[test]
fn a_complete_run_resumed_is_left_as_it_is() {
    let bench = Bench::new(30);
    bench.process(Existing::Refuse, 100, 3, End::Finish).unwrap();
    let before = fs::read(bench.paths().out).unwrap();
    let (past, sent) = bench.process(Existing::Resume, 100, 3, End::Finish).unwrap();
    assert!(sent.is_empty());
    assert_eq!((past.succeeded + past.failed, past.maybe_paid_twice), (30, 0));
    assert_eq!(past.spent, Usd(26 * 60));
    assert_eq!(fs::read(bench.paths().out).unwrap(), before);
    bench.assert_complete(30);
    let past = Outputs::past(&bench.paths(), &bench.identity, Some(&bench.input()), &bench.clock).unwrap();
    assert_eq!(past.spent, Usd(26 * 60), "and again");
}

#[test]
fn a_run_without_failures_leaves_no_failed_file() {
    let bench = Bench::new(3);
    bench.process(Existing::Refuse, 100, 3, End::Finish).unwrap();
    assert!(!bench.paths().failed.exists());
    bench.process(Existing::Resume, 100, 3, End::Finish).unwrap();
    assert!(!bench.paths().failed.exists());
}

#[test]
fn a_file_torn_at_any_byte_is_mended() {
    let bench = Bench::new(8);
    bench.process(Existing::Refuse, 100, 1, End::Stop).unwrap();
    let files = [bench.paths().out, bench.paths().failed, bench.paths().run];
    let whole: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let header = whole[2].iter().position(|byte| *byte == b'\n').unwrap();
    for (torn, path) in files.iter().enumerate() {
        let last_line = memchr::memrchr(b'\n', &whole[torn][..whole[torn].len() - 1]).unwrap();
        let first = if torn == 2 { header + 1 } else { 0 }; // a journal that never began while there is output: below
        for length in (first..last_line).step_by(29).chain(last_line..=whole[torn].len()) {
            files.iter().zip(&whole).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
            fs::write(path, &whole[torn][..length]).unwrap();
            bench.process(Existing::Resume, 100, 100, End::Stop).unwrap();
            bench.assert_complete(8);
        }
    }
}

#[test]
fn a_whole_line_that_only_lacks_its_newline_is_kept() {
    let bench = Bench::new(4);
    bench.process(Existing::Refuse, 100, 1, End::Stop).unwrap();
    let out = bench.paths().out;
    let text = fs::read_to_string(&out).unwrap();
    fs::write(&out, text.trim_end()).unwrap();
    let (_, sent) = bench.process(Existing::Resume, 100, 1, End::Finish).unwrap();
    assert!(sent.is_empty(), "it was paid for");
    assert_eq!(fs::read_to_string(&out).unwrap(), text);
}

#[test]
fn nothing_begun_is_begun_and_a_lost_journal_is_refused() {
    let bench = Bench::new(5);
    fs::write(bench.paths().run, "{\"bedrock-top\":\"0.1.0\",\"for").unwrap();
    bench.process(Existing::Resume, 2, 1, End::Stop).unwrap();
    fs::remove_file(bench.paths().run).unwrap();
    let error = bench.open(Existing::Resume).unwrap_err();
    assert!(matches!(error, OutputError::NoJournal { .. }), "{error}");
    bench.process(Existing::Replace, 100, 1, End::Finish).unwrap();
    bench.assert_complete(5);
}

#[test]
fn what_was_in_flight_counts_at_its_worst() {
    let bench = Bench::new(6);
    let Outputs { mut sink, mut journal, .. } = bench.open(Existing::Refuse).unwrap();
    let mut source = FileSource::new(bench.input(), &Default::default(), FlowId(0), bench.clock, journal.begun());
    let records: Vec<Record> = std::iter::from_fn(|| source.next()).map(Result::unwrap).collect();
    journal.started(2, Usd(100)).unwrap(); // in flight, no result
    journal.started(0, Usd(100)).unwrap(); // result written, settlement lost with the process
    journal.started(1, Usd(100)).unwrap(); // settled, result lost with the process
    journal.settled(1, Usd(70)).unwrap();
    journal.started(3, Usd(100)).unwrap(); // a throttle that cost nothing
    journal.settled(3, Usd(0)).unwrap();
    journal.flush().unwrap();
    sink.write(&bench.finished(records.iter().find(|r| r.seq == 0).unwrap().clone(), Usd(55))).unwrap();
    sink.flush().unwrap();
    drop((sink, journal));
    let Outputs { past, journal, sink } = bench.open(Existing::Resume).unwrap();
    assert_eq!(past.spent, Usd(100 + 55 + 70));
    assert_eq!(past.maybe_paid_twice, 2, "numbers 1 and 2");
    assert_eq!((past.succeeded, past.finished.contains(0)), (1, true));
    drop((sink, journal));
    let past = bench.open(Existing::Resume).unwrap().past;
    assert_eq!((past.spent, past.maybe_paid_twice), (Usd(225), 2), "a second resume adds nothing");
}

#[test]
fn another_run_is_refused_by_what_differs() {
    let bench = Bench::new(5);
    bench.process(Existing::Refuse, 2, 1, End::Stop).unwrap();
    let changed = |change: fn(&mut RunIdentity)| {
        let mut identity = bench.identity.clone();
        change(&mut identity);
        let input = bench.input();
        Outputs::open(&bench.paths(), Existing::Resume, &identity, Some(&input), false, bench.clock)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        changed(|identity| identity.simulated = false),
        "cannot resume: the target was a simulator and is now real"
    );
    assert_eq!(
        changed(|identity| identity.target = "http://x".to_owned()),
        "cannot resume: the target was sim and is now http://x"
    );
    assert_eq!(
        changed(|identity| identity.models.push(ModelId::from("n"))),
        "cannot resume: the model was m and is now m, n"
    );
    assert_eq!(
        changed(|identity| {
            identity.params.insert("--max-tokens".to_owned(), "9".to_owned());
        }),
        "cannot resume: --max-tokens was not given and is now 9"
    );
    let paths = OutputPaths::new(&bench.at("out.jsonl"), Some(&bench.at("elsewhere")));
    let input = bench.input();
    let error = Outputs::open(&paths, Existing::Resume, &bench.identity, Some(&input), false, bench.clock);
    assert!(error.unwrap_err().to_string().contains("the failed file was "));
    let mut other = bench.identity.clone();
    other.regions.push("eu-west-1".into());
    Outputs::open(&bench.paths(), Existing::Resume, &other, Some(&input), false, bench.clock).unwrap();
    fs::write(bench.at("in.jsonl"), "{\"prompt\":\"new\"}").unwrap();
    let error = bench.open(Existing::Resume).unwrap_err().to_string();
    assert!(error.starts_with("cannot resume: the input was ") && error.contains("(1 records, 16 bytes"), "{error}");
}

#[test]
fn lines_that_do_not_belong_are_refused() {
    let bench = Bench::new(5);
    bench.process(Existing::Refuse, 2, 1, End::Stop).unwrap();
    let out = bench.paths().out;
    let good = fs::read_to_string(&out).unwrap();
    let first = good.lines().next().unwrap().to_owned();
    for (line, reason) in [
        (first.clone(), ":3: a second result for the same record"),
        (
            first.replace("\"recordId\":\"r", "\"recordId\":\"other"),
            ":3: a result for a record that is not in the input",
        ),
        (first.replace("\"simulated\":true,", ""), ":3: does not come from a simulator"),
        ("{\"recordId\":\"r1\"}".to_owned(), ":3: not a result of a run"),
    ] {
        fs::write(&out, format!("{good}{line}\n")).unwrap();
        let error = bench.open(Existing::Resume).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    fs::write(bench.paths().run, "{\"format\":9}\n").unwrap();
    assert!(bench.open(Existing::Resume).unwrap_err().to_string().contains("format 9"));
    fs::write(bench.paths().run, "notes\n").unwrap();
    assert!(matches!(bench.open(Existing::Resume), Err(OutputError::BadJournal { line: 1, .. })));
}

#[test]
fn two_processes_cannot_write_one_run() {
    let bench = Bench::new(5);
    let first = bench.open(Existing::Refuse).unwrap();
    for existing in [Existing::Resume, Existing::Replace] {
        assert!(matches!(bench.open(existing), Err(OutputError::Busy(_))));
    }
    drop(first);
    bench.open(Existing::Resume).unwrap();
}

#[test]
fn ordered_results_come_in_the_order_of_the_input() {
    let bench = Bench { ordered: true, ..Bench::new(50) };
    bench.process(Existing::Refuse, 20, 1, End::Stop).unwrap();
    let seqs = |path: &Path| -> Vec<u64> {
        bench.lines(path).iter().map(|line| line["bedrockTop"]["seq"].as_u64().unwrap()).collect()
    };
    assert!(!seqs(&bench.paths().out).is_sorted(), "high priority goes first, and a killed run keeps that");
    bench.process(Existing::Resume, 100, 3, End::Finish).unwrap();
    bench.assert_complete(50);
    assert!(seqs(&bench.paths().out).is_sorted() && seqs(&bench.paths().failed).is_sorted());
    let names: HashSet<_> = fs::read_dir(bench.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "nothing is left behind: {names:?}");
    let (_, sent) = bench.process(Existing::Resume, 100, 3, End::Finish).unwrap();
    assert!(sent.is_empty());
}

#[test]
fn a_failed_file_is_an_input() {
    let bench = Bench::new(40);
    bench.process(Existing::Refuse, 100, 3, End::Finish).unwrap();
    let again = Input::validate(&bench.paths().failed, options(), |_| ()).unwrap();
    assert_eq!((again.summary().records, again.summary().invalid), (7, 5), "all but the unusable lines");
    assert_eq!(again.summary().by_priority, [1, 6, 0], "with their classes");
}

#[test]
fn a_stream_resumes_by_name() {
    let bench = Bench::new(30);
    let text = fs::read(bench.at("in.jsonl")).unwrap();
    let run = |existing, most, end| {
        let Outputs { mut sink, mut journal, past } =
            Outputs::open(&bench.paths(), existing, &bench.identity, None, false, bench.clock).unwrap();
        let stream = io::Cursor::new(text.clone());
        let source = StreamSource::new(stream, options(), past, FlowId(0), bench.clock, journal.begun());
        bench.send(source, &mut sink, &mut journal, most, 1, end)
    };
    assert_eq!(run(Existing::Refuse, 11, End::Kill).len(), 10);
    assert_eq!(run(Existing::Resume, 100, End::Finish).len(), 16);
    bench.assert_complete(30);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn however_often_it_is_killed_every_record_has_one_result(
        lives in prop::collection::vec((0usize..30, 1usize..12, 0.5..1.0f64, 0.5..1.0f64, any::<bool>()), 1..6),
        ordered in any::<bool>(),
    ) {
        let bench = Bench { ordered, ..Bench::new(45) };
        let mut existing = Existing::Refuse;
        for (most, flush, out, failed, torn) in lives {
            bench.process(existing, most, flush, End::Kill).unwrap();
            existing = Existing::Resume;
            if torn {
                bench.cut(&bench.paths().out, out);
                bench.cut(&bench.paths().failed, failed);
            }
        }
        bench.process(Existing::Resume, 1000, 7, End::Finish).unwrap();
        bench.assert_complete(45);
        let (past, sent) = bench.process(Existing::Resume, 1000, 7, End::Finish).unwrap();
        prop_assert!(sent.is_empty());
        prop_assert_eq!(past.succeeded + past.failed, 45);
    }
}
