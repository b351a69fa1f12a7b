//! What a run leaves behind.

use std::process::Stdio;

use libtest_mimic::Trial;
use serde_json::Value;

use super::{EAST, Folder, at, feed, finish, scenario_file, simple, simulator, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("every_record_of_a_file_comes_back", whole_file),
        trial("standard_input_is_a_file_too", standard_input),
        trial("ordered_results_are_in_the_order_of_the_input", ordered),
        trial("a_failed_file_is_an_input", failed_file_is_an_input),
        trial("a_headless_console_ends_with_a_summary", headless),
        trial("bodies_of_the_batch_format_are_sent_as_they_are", batch_format),
    ]
}

fn whole_file() {
    let folder = Folder::new();
    folder.input(120);
    scenario_file(&folder, "[[fault]]\nkind = \"throttle\"\nrate = 0.1\n");
    let done = folder.run(&["--scenario", "s.toml"]).expect(0);
    folder.exactly_once(120);
    let summary = done.summary();
    assert_eq!((&summary["simulated"], &summary["succeeded"]), (&true.into(), &120.into()), "{done}");
    assert!(summary["attempts"].as_u64().unwrap() > 120 && summary["retries"].as_u64().unwrap() > 0, "{done}");
    assert!(!folder.path("out.failed.jsonl").exists());
    let line = &folder.out()[0];
    assert!(line["modelInput"].is_object() && line["modelOutput"].is_object(), "{line}");
    assert!(line["bedrockTop"]["usage"]["outputTokens"].as_u64().unwrap() > 0, "{line}");
    // For people: the target first, and that it was simulated at the end.
    let text = finish(folder.program(&["run", "in.jsonl", "-o", "two.jsonl", "--scenario", "s.toml"]).spawn().unwrap())
        .expect(0);
    assert!(text.stderr.starts_with("target sim (simulated)"), "{text}");
    assert!(text.stdout.contains("SIMULATED") && text.stdout.contains("120 succeeded"), "{text}");
}

fn standard_input() {
    let folder = Folder::new();
    folder.input(60);
    let (_server, url) = simulator(simple());
    let mut command = folder.program(&[&["run", "-", "-o", "out.jsonl", "--json"], &at(&url)[..]].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    feed(&mut child, &folder.read("in.jsonl"));
    let done = finish(child).expect(0);
    folder.exactly_once(60);
    assert_eq!(done.summary()["succeeded"], 60);
    // A bad line ends it: what came before is kept, the reason is told.
    let mut command = folder.program(&[&["run", "-", "-o", "bad.jsonl", "--json"], &at(&url)[..]].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    feed(&mut child, "{\"prompt\":\"x\",\"max_tokens\":9}\nnonsense\n");
    let done = finish(child).expect(2);
    assert!(done.summary()["fatal"].as_str().unwrap().contains('2'), "{done}");
}

fn ordered() {
    let folder = Folder::new();
    folder.input(150);
    scenario_file(&folder, "[[fault]]\nkind = \"capacity\"\nrate = 0.2\n");
    folder.run(&["--scenario", "s.toml", "--ordered"]).expect(0);
    let ids: Vec<String> = folder.out().iter().map(|line| line["recordId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..150).map(|n| format!("record-{n}")).collect::<Vec<_>>());
}

/// Records that the service refuses go to the failed file, which is the input of the next run.
fn failed_file_is_an_input() {
    let folder = Folder::new();
    folder.input(12);
    let lines: String = folder
        .read("in.jsonl")
        .lines()
        .enumerate()
        // More than the model can: the service's own refusal.
        .map(|(n, line)| if n % 3 == 0 { line.replace("\"max_tokens\":64", "\"max_tokens\":99999999") } else { line.into() } + "\n")
        .collect();
    folder.write("in.jsonl", &lines);
    let (_server, url) = simulator(simple());
    let done = folder.run(&at(&url)).expect(1);
    folder.exactly_once(12);
    assert_eq!((folder.out().len(), folder.failed().len()), (8, 4), "{done}");
    assert!(folder.failed().iter().all(|line| line["error"]["errorMessage"].is_string()));
    assert_eq!(done.summary()["failed"], 4);
    // The failed file lowers nothing by itself; the option does.
    let mut again = folder.program(
        &[&["run", "out.failed.jsonl", "-o", "again.jsonl", "--json", "--max-tokens", "50"], &at(&url)[..]].concat(),
    );
    let done = finish(again.spawn().unwrap()).expect(0);
    let again: Vec<Value> = super::lines(&folder.path("again.jsonl"));
    assert_eq!(again.len(), 4, "{done}");
    assert!(again.iter().all(|line| line["modelOutput"].is_object()));
}

fn headless() {
    let folder = Folder::new();
    let done = finish(folder.program(&["--duration", "2s", "--json"]).spawn().unwrap()).expect(0);
    let summary = done.summary();
    assert_eq!(summary["simulated"], true, "{done}");
    assert!(summary["attempts"].as_u64().unwrap() > 0, "{done}");
    scenario_file(&folder, "");
    let done = finish(folder.program(&["--duration", "1s", "--scenario", "s.toml", "--region", EAST]).spawn().unwrap())
        .expect(0);
    assert!(done.stdout.contains("SIMULATED"), "{done}");
    assert!(!done.stdout.contains('\x1b') && !done.stderr.contains('\x1b'), "no terminal, no escapes: {done}");
}

fn batch_format() {
    let folder = Folder::new();
    let (_server, url) = simulator(simple());
    let body = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":40,"messages":[{"role":"user","content":[{"type":"text","text":"caf\u00e9"}]}]}"#;
    folder.write("in.jsonl", &format!("{{\"recordId\":\"record-0\",\"modelInput\":{body}}}\n"));
    for stream in [&[][..], &["--stream"]] {
        folder.run(&[&at(&url)[..], stream, &["--force"]].concat()).expect(0);
        folder.exactly_once(1);
        let out = folder.read("out.jsonl");
        assert!(out.contains(body), "{out}");
        assert!(folder.out()[0]["modelOutput"]["content"][0]["text"].is_string(), "{out}");
    }
}
