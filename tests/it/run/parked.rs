//! Runs that cannot go on for a while, or until somebody says so.

use bedrock_top::sim::Scenario;
use libtest_mimic::Trial;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{EAST, Folder, MODEL, at, finish, scenario_file, signal, simple, simulator, trial, until};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("expired_credentials_park_the_run_and_it_goes_on", expired),
        trial("a_spend_cap_stops_and_a_higher_one_finishes", spend_cap),
        trial("each_change_of_state_explains_the_scopes_in_json", status_lines),
        trial("a_full_disk_parks_the_run_and_room_lets_it_finish", full_disk_then_room),
        trial("a_full_disk_does_not_keep_a_run_from_ending", full_disk_then_interrupt),
    ]
}

fn expired() {
    let folder = Folder::new();
    folder.input(80);
    scenario_file(&folder, "[[fault]]\nkind = \"expired\"\nfor_s = 2.0\n");
    let done = folder.run(&["--scenario", "s.toml"]).expect(0);
    folder.exactly_once(80);
    assert_eq!(done.summary()["succeeded"], 80, "{done}");
    done.says(&["PARKED", "ExpiredToken"]);
}

fn spend_cap() {
    let folder = Folder::new();
    folder.input(300);
    let (server, url) = simulator(simple());
    let capped =
        |cap: &'static str, more: &[&'static str]| folder.run(&[&at(&url)[..], &["--max-cost", cap], more].concat());
    // One record costs about 64 output tokens at its worst (a tenth of a cent), and a third of that really.
    let done = capped("0.03", &[]).expect(3);
    let summary = done.summary();
    let spent = |summary: &serde_json::Value| summary["money"]["spent"].clone();
    let first = folder.out().len();
    assert!(first > 10 && first < 300 && summary["unsent"].as_u64().unwrap() > 0, "{first} {done}");
    assert!(done.stderr.contains("spend cap"), "{done}");
    assert!(summary["resume"].as_str().unwrap().contains("--resume"), "{done}");
    // The same cap again: it is over all resumes, so hardly anything fits.
    let again = capped("0.03", &["--resume"]).expect(3);
    assert!(folder.out().len() < first + 10, "{again}");
    let last = capped("5", &["--resume"]).expect(0);
    folder.exactly_once(300);
    assert_ne!(spent(&last.summary()), spent(&summary), "{last}");
    assert_eq!(server.ledger().scope(EAST, MODEL).unwrap().completed, 300);
}

/// `--json`: an object a line on each change of state, and then the summary.
fn status_lines() {
    let folder = Folder::new();
    folder.input(300);
    // 64 tokens are too few for what this simulator has to say.
    let (_server, url) = simulator(Scenario { output_tokens: 300.0, ..simple() });
    let done = folder.run(&[&at(&url)[..], &["--max-cost", "0.03"]].concat()).expect(3);
    assert!(done.stdout.lines().all(|line| line.starts_with('{')), "{done}");
    let mut objects = done.objects();
    let summary = objects.pop().unwrap();
    assert!(summary["status"].is_null() && summary["scopes"].is_array(), "{done}");
    let states: Vec<&str> = objects.iter().map(|line| line["status"]["state"].as_str().unwrap()).collect();
    assert!(states.contains(&"running") && states.contains(&"parked"), "{states:?}");
    let parked = objects.iter().map(|line| &line["status"]).find(|status| status["state"] == "parked").unwrap();
    assert_eq!((&parked["simulated"], &parked["kind"]), (&true.into(), &"cap".into()), "{parked}");
    assert!(parked["cause"].is_string() && parked["remedy"].is_string(), "{parked}");
    assert!(parked["run"]["succeeded"].as_u64() > Some(0), "{parked}");
    let scope = &parked["scopes"][0];
    assert!(scope["requests"].as_u64() > Some(0), "{parked}");
    let tpm = &scope["limiter"]["tpm"];
    assert_eq!(tpm["quota"]["value"], 6_000_000, "{scope}");
    assert!(tpm["target"].is_number() && tpm["meter"].is_string() && scope["limiter"]["debt"].is_number(), "{scope}");
    assert!(scope["head_waited"].is_array() && scope["wasted_60s"].is_number(), "{scope}");
    let warnings = parked["warnings"].as_array().unwrap();
    let cut = warnings.iter().find(|warning| warning["name"] == "replies-cut").unwrap();
    assert!(cut["words"].as_str().unwrap().contains("ended at max_tokens (64 at most)"), "{cut}");
    assert!(cut["remedy"].is_string() && cut["since_ms"].is_number() && cut["about"] == "requests", "{cut}");
    done.says(&[": replies-cut"]);
}

/// A process that may write only small files: its disk is full.
fn with_full_disk(folder: &Folder, url: &str) -> std::process::Child {
    let program = env!("CARGO_BIN_EXE_bedrock-top");
    // An ignored signal stays ignored: the write then fails instead of ending the process.
    let script = "trap '' XFSZ; ulimit -S -f 40; exec \"$0\" \"$@\"";
    let mut args = vec!["-c", script, program, "run", "in.jsonl", "-o", "out.jsonl", "--json"];
    args.extend(at(url));
    folder.command("/bin/sh", &args).spawn().unwrap()
}

fn full_disk_then_room() {
    let folder = Folder::new();
    folder.input(200);
    let (server, url) = simulator(simple());
    let child = with_full_disk(&folder, &url);
    until("a full disk", || disk_is_full(&folder, &server));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    let done = finish(child).expect(0);
    folder.exactly_once(200);
    assert_eq!(server.ledger().scope(EAST, MODEL).unwrap().completed, 200, "nothing was paid twice: {done}");
    done.says(&["PARKED", "cannot be stored"]);
}

fn full_disk_then_interrupt() {
    let folder = Folder::new();
    folder.input(200);
    let (server, url) = simulator(simple());
    let child = with_full_disk(&folder, &url);
    until("a full disk", || disk_is_full(&folder, &server));
    signal(&child, rustix::process::Signal::INT);
    // Somebody who is asked twice goes at once.
    signal(&child, rustix::process::Signal::INT);
    let done = finish(child).expect(130);
    assert!(done.summary()["unsent"].as_u64().unwrap() > 0, "{done}");
    folder.run(&[&at(&url)[..], &["--resume"]].concat()).expect(0);
    folder.exactly_once(200);
}

/// OUT has reached the limit and the server has done more than OUT can hold.
fn disk_is_full(folder: &Folder, server: &bedrock_top::sim::Simulator) -> bool {
    let length = std::fs::metadata(folder.path("out.jsonl")).map_or(0, |meta| meta.len());
    length >= 19 << 10 && server.ledger().scope(EAST, MODEL).is_some_and(|scope| scope.completed > 60)
}
