//! Runs that cannot go on for a while, or until somebody says so.

use libtest_mimic::Trial;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{EAST, Folder, MODEL, at, finish, scenario_file, signal, simple, simulator, trial, until};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("expired_credentials_park_the_run_and_it_goes_on", expired),
        trial("a_spend_cap_stops_and_a_higher_one_finishes", spend_cap),
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
