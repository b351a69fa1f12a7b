//! `kill -9` at seeded random points, then `--resume`: nothing is lost, nothing is there twice.

use std::fs::OpenOptions;

use bedrock_top::sim::{RegionSpec, Scenario};
use libtest_mimic::Trial;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;

use super::{EAST, Folder, MODEL, at, exists, finish, signal, simple, simulator, trial, until};

const RECORDS: u64 = 400;
const ROUNDS: usize = 6;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("killed_again_and_again_every_record_comes_once", || killed(1, false, &[])),
        trial("killed_while_streaming_every_record_comes_once", || killed(2, true, &["--stream"])),
        trial("killed_with_ordered_results_every_record_comes_once", || killed(3, false, &["--ordered"])),
        trial("an_interrupt_keeps_what_is_finished", interrupted),
        trial("a_termination_drains", terminated),
        trial("resume_refuses_what_has_changed", resume_refuses_changes),
    ]
}

fn brisk() -> Scenario {
    // Slow enough to be killed halfway, fast enough not to wait for.
    let region = RegionSpec { name: EAST.into(), ttft_ms: 60.0, tokens_per_second: 2_000.0 };
    Scenario { regions: vec![region], ..simple() }
}

fn killed(seed: u64, stream: bool, more: &[&str]) {
    let folder = Folder::new();
    folder.input(RECORDS as usize);
    let (server, url) = simulator(brisk());
    let target = at(&url);
    let args = |resume: bool| {
        let mut args: Vec<&str> = target.to_vec();
        args.extend(more);
        args.extend(resume.then_some("--resume"));
        args
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let admitted = || server.ledger().scope(EAST, MODEL).map_or(0, |scope| scope.admitted);
    for round in 0..ROUNDS {
        let child = folder.run_command(&args(round > 0)).spawn().unwrap();
        // It is killed when it has sent so many more.
        let point = admitted() + rng.random_range(0..RECORDS / 8);
        until("the point of death", || admitted() >= point);
        signal(&child, Signal::KILL);
        assert_eq!(finish(child).code, None, "it was too fast to be killed");
        if rng.random::<bool>() && exists(&folder.path("out.jsonl")) {
            // The kernel may keep any part of what was last written.
            let file = OpenOptions::new().write(true).open(folder.path("out.jsonl")).unwrap();
            let length = file.metadata().unwrap().len();
            file.set_len(length - length.min(rng.random_range(0..200))).unwrap();
        }
    }
    let last = folder.run(&args(true)).expect(0);
    folder.exactly_once(RECORDS as usize);
    assert_eq!(folder.out().len() as u64, RECORDS);
    let summary = last.summary();
    assert_eq!((&summary["total"], &summary["unsent"]), (&RECORDS.into(), &0.into()), "{last}");
    assert_eq!(summary["succeeded"].as_u64().unwrap() + summary["resumed"].as_u64().unwrap(), RECORDS, "{last}");
    // Whatever the server did more than once is counted.
    let twice = summary["maybe_paid_twice"].as_u64().unwrap();
    let more_than_once = admitted() - RECORDS;
    assert!(more_than_once > 0 && twice >= more_than_once, "{more_than_once} were done twice, {twice} counted");
    assert!(twice <= ROUNDS as u64 * 80, "only what was in flight, and what a cut took away: {twice}");
    if more.contains(&"--ordered") {
        let seqs: Vec<u64> = folder.out().iter().map(|line| line["bedrockTop"]["seq"].as_u64().unwrap()).collect();
        assert!(seqs.is_sorted(), "{seqs:?}");
    }
    assert_eq!(stream, folder.out()[0]["bedrockTop"].get("ttftMs").is_some());
    // Once more: there is nothing left to do.
    let before = admitted();
    let again = folder.run(&args(true)).expect(0);
    assert_eq!((&again.summary()["succeeded"], admitted()), (&0.into(), before), "{again}");
}

fn interrupted() {
    let folder = Folder::new();
    folder.input(600);
    let (server, url) = simulator(brisk());
    let child = folder.run_command(&at(&url)).spawn().unwrap();
    until("some results", || server.ledger().scope(EAST, MODEL).is_some_and(|scope| scope.completed > 20));
    signal(&child, Signal::INT);
    let done = finish(child).expect(130);
    let summary = done.summary();
    let finished = folder.out().len() as u64;
    assert!(finished >= 20 && summary["succeeded"] == finished, "{finished} {done}");
    assert_eq!(summary["unsent"].as_u64().unwrap() + finished, 600, "{done}");
    assert!(summary["resume"].as_str().unwrap().ends_with("--resume"), "{done}");
    let rest = folder.run(&[&at(&url)[..], &["--resume"]].concat()).expect(0);
    folder.exactly_once(600);
    assert_eq!(rest.summary()["maybe_paid_twice"], 0, "an interrupt waits for what is in flight: {rest}");
    assert_eq!(server.ledger().scope(EAST, MODEL).unwrap().completed, 600);
}

fn terminated() {
    let folder = Folder::new();
    folder.input(600);
    let (server, url) = simulator(brisk());
    let child = folder.run_command(&at(&url)).spawn().unwrap();
    until("some results", || server.ledger().scope(EAST, MODEL).is_some_and(|scope| scope.completed > 20));
    signal(&child, Signal::TERM);
    let done = finish(child).expect(3);
    assert_eq!(done.summary()["unsent"].as_u64().unwrap() + folder.out().len() as u64, 600, "{done}");
}

fn resume_refuses_changes() {
    let folder = Folder::new();
    folder.input(30);
    let (server, url) = simulator(simple());
    folder.run(&at(&url)).expect(0);
    let admitted = || server.ledger().scope(EAST, MODEL).unwrap().admitted;
    let sent = admitted();
    let before = folder.read("out.jsonl");
    let refused = |args: &[&str], what: &str| {
        let done = folder.run(&[args, &["--resume"]].concat()).expect(2);
        done.says(&["cannot resume", what]);
    };
    let target = at(&url);
    refused(&[&target[..4], &["--model", "amazon.nova-lite-v1:0"]].concat(), "model");
    refused(&[&target[..], &["--max-tokens", "17"]].concat(), "--max-tokens");
    refused(&[&target[..], &["--stream"]].concat(), "--stream");
    refused(&["--target", "sim", "--region", EAST, "--model", MODEL], "target");
    let input = folder.read("in.jsonl");
    folder.write("in.jsonl", &input.replace("number 7", "number 8"));
    refused(&target, "input");
    folder.write("in.jsonl", &input);
    assert_eq!((folder.read("out.jsonl"), admitted()), (before, sent), "a refusal changes nothing");
    folder.run(&[&target[..], &["--resume"]].concat()).expect(0);
}
