use std::collections::BTreeSet;
use std::io::Write;

use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;
use crate::families::ApiChoice;
use crate::record::{FlowId, Micros, Priority, Record};
use crate::workload::{FileSource, RunClock, SeqSet, Source};

fn options(skip_invalid: bool) -> InputOptions {
    InputOptions {
        models: Vec::new(),
        api: ApiChoice::Auto,
        max_tokens: None,
        priority: Priority::Medium,
        skip_invalid,
    }
}

fn file(text: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}

fn validate(file: &NamedTempFile, skip_invalid: bool) -> Result<Input, InputError> {
    Input::validate(file.path(), options(skip_invalid), |_| ())
}

fn invalid(file: &NamedTempFile) -> InvalidLines {
    match validate(file, false) {
        Err(InputError::Invalid(lines)) => lines,
        other => panic!("{other:?}"),
    }
}

fn all(input: Input) -> Vec<Result<Record, BadLine>> {
    let clock = RunClock::start();
    let mut source = FileSource::new(input, &SeqSet::default(), FlowId(1), clock, clock.utc(Micros::ZERO));
    std::iter::from_fn(|| source.next()).collect()
}

fn ids(input: Input) -> Vec<String> {
    all(input).into_iter().map(|record| record.unwrap().id.to_string()).collect()
}

#[test]
fn a_file_is_counted_and_hashed() {
    let text = "\u{feff}{\"prompt\":\"one two\",\"max_tokens\":5,\"priority\":\"high\"}\r\n\r\n\
        {\"recordId\":\"b\",\"modelInput\":{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"日本語の文章です\"}]}]}}\n\
        {\"prompt\":\"three\",\"deadline\":\"90s\",\"priority\":\"low\",\"max_tokens\":7}";
    let file = file(text);
    let mut seen = Vec::new();
    let input = Input::validate(file.path(), options(false), |progress| seen.push(progress)).unwrap();
    let summary = input.summary();
    assert_eq!((summary.records, summary.invalid, summary.bytes), (3, 0, text.len() as u64));
    assert_eq!((summary.by_priority, summary.with_deadline), ([1, 1, 1], 1));
    assert_eq!((summary.without_max_tokens, summary.max_tokens), (1, 12));
    assert_eq!(summary.digest, blake3::hash(text.as_bytes()).to_hex().to_string());
    assert_eq!(summary.input_tokens, summary.input_tokens_by_kind.iter().sum::<u64>());
    assert!(summary.input_tokens_by_kind[usize::from(TextKind::Japanese.index())] > 0);
    assert_eq!(summary.largest.unwrap().1, 3);
    let total = text.len() as u64;
    assert_eq!(seen.last(), Some(&Progress { done: total, total }));
    assert_eq!(ids(input), ["1", "b", "4"], "a missing name is the line's number");
}

#[test]
fn records_come_by_class_deadline_and_place() {
    let line = |id: &str, rest: &str| format!("{{\"recordId\":\"{id}\",\"prompt\":\"x\"{rest}}}\n");
    let text = [
        line("a", ""),
        line("b", r#","deadline":"1h""#),
        line("c", r#","priority":"low","deadline":"1s""#),
        line("d", r#","priority":"high""#),
        line("e", r#","deadline":"2999-01-01T00:00:00Z""#),
        line("f", r#","deadline":"90s""#),
        line("g", r#","priority":"high""#),
        "nonsense\n".to_owned(),
    ];
    let file = file(text.concat());
    let found = all(validate(&file, true).unwrap());
    let order: Vec<String> = found
        .iter()
        .map(|record| record.as_ref().map_or_else(|bad| bad.line.to_string(), |r| r.id.to_string()))
        .collect();
    assert_eq!(order, ["8", "d", "g", "f", "b", "e", "a", "c"]);
    assert_eq!(found[3].as_ref().unwrap().deadline, Some(Micros::from_secs(90)));
    assert_eq!(found[7].as_ref().unwrap().seq, 2);
}

#[test]
fn errors_are_told_with_their_lines_and_counted() {
    let mut text = "{\"prompt\":\"fine\"}\n".to_owned();
    (0..30).for_each(|_| text.push_str("{\"prompt\":7}\n"));
    let file = file(text);
    let lines = invalid(&file);
    assert_eq!((lines.count, lines.first.len()), (30, 20));
    assert_eq!(lines.first[0].to_string(), "line 2: `prompt` must be a string, not a number");
    let told = lines.to_string();
    let path = file.path().display();
    assert!(told.contains("30 unusable lines") && told.contains("... and 10 more"), "{told}");
    assert!(told.contains(&format!("{path}:21: ")) && !told.contains(&format!("{path}:22: ")), "{told}");
}

#[test]
fn repeated_names_are_found_across_blocks_with_both_lines() {
    let filler = "y".repeat(40_000);
    let mut text = String::new();
    for i in 0..100 {
        text.push_str(&format!("{{\"prompt\":\"{filler}\",\"recordId\":\"id-{}\"}}\n", i % 97));
    }
    let reasons: Vec<String> = invalid(&file(text)).first.iter().map(BadLine::to_string).collect();
    assert_eq!(
        reasons,
        [
            "line 98: recordId \"id-0\" is already taken by line 1",
            "line 99: recordId \"id-1\" is already taken by line 2",
            "line 100: recordId \"id-2\" is already taken by line 3",
        ]
    );
}

#[test]
fn a_line_number_is_a_name_like_any_other() {
    let named = "{\"recordId\":\"2\",\"prompt\":\"x\"}\n";
    let unnamed = "{\"prompt\":\"x\"}\n";
    let lines = invalid(&file([named, unnamed].concat()));
    assert_eq!(
        lines.first[0].to_string(),
        "line 2: has no recordId, and its line number is already taken as one by line 1"
    );
    assert_eq!(lines.first[0].id, None);
    let named = named.replace('2', "1");
    let lines = invalid(&file([unnamed, &named].concat()));
    assert_eq!(lines.first[0].to_string(), "line 2: recordId \"1\" is already taken by line 1");
    let escaped = "{\"recordId\":\"\\u0031\",\"prompt\":\"x\"}\n";
    assert_eq!(invalid(&file([unnamed, escaped].concat())).count, 1, "names are compared as they are meant");
}

#[test]
fn a_huge_line_is_refused_and_the_next_one_read() {
    let mut text = "{\"prompt\":\"x".to_owned();
    text.push_str(&"x".repeat(MAX_LINE));
    text.push_str("\"}\n{\"prompt\":\"y\"}\n");
    let file = file(&text);
    let lines = invalid(&file);
    assert_eq!((lines.count, lines.first[0].line), (1, 1));
    assert!(lines.first[0].reason.starts_with("25.0 MB long; at most 25 MB"), "{}", lines.first[0]);
    let found = all(validate(&file, true).unwrap());
    assert!(found[0].as_ref().unwrap_err().reason.contains("at most 25 MB"));
    assert_eq!(found[1].as_ref().unwrap().id.as_str(), "2");
}

#[test]
fn only_a_regular_file_is_read() {
    let missing = Input::validate(Path::new("/no/such/file"), options(false), |_| ()).unwrap_err();
    assert!(missing.to_string().starts_with("/no/such/file: "), "{missing}");
    for path in ["/", "/dev/null"] {
        let error = Input::validate(Path::new(path), options(false), |_| ()).unwrap_err();
        assert!(matches!(error, InputError::NotAFile(_)), "{error}");
    }
    let input = validate(&file(""), false).unwrap();
    assert_eq!((input.summary().records, input.lines()), (0, 0));
}

#[test]
fn a_file_that_changes_under_the_run_stops_it() {
    let file = file("{\"recordId\":\"a\",\"prompt\":\"x\"}\n{\"recordId\":\"b\",\"prompt\":\"x\"}\n");
    let input = validate(&file, false).unwrap();
    file.as_file().write_all_at(b"c", 43).unwrap();
    let found = all(input);
    assert_eq!(found.len(), 2, "nothing comes after it");
    assert!(found[0].is_ok());
    let bad = found[1].as_ref().unwrap_err();
    assert!(bad.fatal && bad.reason.contains("changed while the run was reading it"), "{bad}");
    let cut = validate(&file, false).unwrap();
    file.as_file().set_len(10).unwrap();
    assert!(all(cut)[0].as_ref().unwrap_err().fatal);
}

#[test]
fn lines_are_found_again_by_name_and_number() {
    let file = file(
        "{\"recordId\":\"a\",\"prompt\":\"x\"}\n\nbad\n{\"recordId\":\"a\",\"prompt\":\"x\"}\n{\"prompt\":\"x\"}\n",
    );
    let input = validate(&file, true).unwrap();
    assert_eq!(input.lines(), 4);
    let find = |name| input.find(name).unwrap();
    assert_eq!((find("a"), find("3"), find("5"), find("4"), find("b")), (Some(0), Some(1), Some(3), None, None));
    assert_eq!((input.at_line(1), input.at_line(2), input.at_line(4)), (Some(0), None, Some(2)));
}

/// A line and, if it is usable, whether it has a name.
fn line() -> impl Strategy<Value = (String, Option<Option<String>>)> {
    let name = prop::sample::select(vec!["a", "b", "2", "3", "é\\u0041", "long-name-0123456789"]);
    let named = (name, "[a-z ]{1,30}").prop_map(|(name, prompt)| {
        let meant = name.replace("\\u0041", "A");
        (format!("{{\"prompt\":\"x{prompt}\",\"recordId\":\"{name}\"}}"), Some(Some(meant)))
    });
    let unnamed = "[a-zäß日]{1,20}".prop_map(|prompt| (format!("{{\"prompt\":\"{prompt}\"}}"), Some(None)));
    let broken =
        prop::sample::select(vec!["{", "nul", "[]", "{\"prompt\":1}", "{\"recordId\":\"x\"}", "\"a\"", "{}{}"]);
    prop_oneof![4 => named, 4 => unnamed, 1 => broken.prop_map(|text| (text.to_owned(), None)),
                1 => Just((" \t".to_owned(), None))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_line_is_a_record_or_told(
        lines in prop::collection::vec(line(), 0..40), crlf in any::<bool>(), last in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text: String = lines.iter().map(|(line, _)| format!("{line}{end}")).collect();
        if !last {
            text.truncate(text.len().saturating_sub(end.len()));
        }
        // What should come out, by the book.
        let mut taken = BTreeSet::new();
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (i, (line, usable)) in lines.iter().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let number = (i + 1).to_string();
            let own = match usable {
                Some(Some(name)) => name.clone(),
                None if line.contains("recordId") => "x".to_owned(),
                _ => number,
            };
            match (taken.insert(own.clone()), usable) {
                (true, Some(_)) => good.push(own),
                (free, _) => bad.push((i as u64 + 1, free.then_some(own))),
            }
        }
        let file = file(&text);
        let input = validate(&file, true).unwrap();
        prop_assert_eq!(input.summary().records, good.len() as u64);
        prop_assert_eq!(input.summary().invalid, bad.len() as u64);
        let found = all(input);
        let (found_bad, found_good): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_err);
        let found_bad: Vec<BadLine> = found_bad.into_iter().map(Result::unwrap_err).collect();
        let names: Vec<String> = found_good.into_iter().map(|record| record.unwrap().id.to_string()).collect();
        prop_assert_eq!(names, good);
        let told: Vec<_> = found_bad.iter().map(|bad| (bad.line, bad.id.as_ref().map(ToString::to_string))).collect();
        prop_assert_eq!(&told, &bad);
        match validate(&file, false) {
            Ok(_) => prop_assert!(bad.is_empty()),
            Err(InputError::Invalid(lines)) => {
                prop_assert_eq!(&lines.first[..], &found_bad[..found_bad.len().min(20)], "told before as in the run");
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
