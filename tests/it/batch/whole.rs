//! The whole way on the simulator's own jobs, in service time that runs fast.

use std::io::{BufRead, BufReader};

use super::*;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("the_whole_way_on_the_simulator", whole_way),
        trial("what_the_simulator_refuses_is_said_before_by_check", too_small),
        trial("a_hundred_thousand_records_take_little_memory", hundred_thousand),
    ]
}

fn simulator() -> Simulator {
    let scenario = Scenario {
        regions: vec![fast(EAST)],
        speed: 60.0,
        batch_error_rate: 0.3,
        output_tokens: 10.0,
        ..Scenario::default()
    };
    Simulator::start(scenario, LOOPBACK).unwrap()
}

fn run(folder: &Folder, simulator: &Simulator, args: &[&str]) -> Done {
    let url = simulator.url().to_string();
    let args = [&["batch"], args, &["--target", &url, "--region", EAST]].concat();
    finish(folder.program(&args).spawn().unwrap())
}

fn whole_way() {
    const RECORDS: usize = 600;
    let folder = Folder::new();
    let simulator = simulator();
    input(&folder, RECORDS, 40);
    // Bedrock takes buckets that exist; the simulator makes one by the first put.
    run(&folder, &simulator, &[&SUBMIT[..], &["--yes", "--watch"]].concat()).expect(1);
    run(&folder, &simulator, &["fetch", "job"]).expect(1);
    let [ok, failed, missing] = exactly_once(&folder, "job", RECORDS);
    assert!(ok > 300 && failed > 100 && missing == 0, "{ok} {failed} {missing}");
    run(&folder, &simulator, &["resubmit", "job", "--yes", "--watch"]).expect(1);
    run(&folder, &simulator, &["fetch", "job", "--merge", "--folder", "all"]).expect(1);
    let [merged, left, missing] = exactly_once(&folder, "all/job", RECORDS);
    assert!(merged > ok && left < failed && missing == 0, "{merged} {left} {missing}");
    let listed = run(&folder, &simulator, &["list", "--json"]).expect(0).summary();
    assert_eq!(listed["jobs"][0]["generation"], 2, "{listed}");
    run(&folder, &simulator, &["fetch", "job", "--merge", "--folder", "all", "--force", "--delete-copies", "--yes"])
        .expect(1);
    run(&folder, &simulator, &["fetch", "job", "--force"]).expect(2).says(&["are not in S3 any more"]);
}

fn too_small() {
    let folder = Folder::new();
    let simulator = simulator();
    input(&folder, 30, 40);
    run(&folder, &simulator, &[&SUBMIT[..], &["--yes"]].concat()).expect(2).says(&["at least 100"]);
}

/// The whole of a large job, on a simulator in its own process: what it holds at most is that process's, and nobody
/// else's.
fn hundred_thousand() {
    const RECORDS: usize = 100_000;
    let folder = Folder::new();
    let scenario = "speed = 1000.0\noutput_tokens = 10\n\
        [[region]]\nname = \"us-east-1\"\n\
        # Records per job and per input file of Claude 3 Haiku.\n\
        [[service_quota]]\ncode = \"L-1F644C2A\"\nvalue = 100000\n\
        [[service_quota]]\ncode = \"L-EBB72C32\"\nvalue = 100000\n";
    folder.write("scenario.toml", scenario);
    let mut server = folder.program(&["sim", "--scenario", "scenario.toml"]).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let url = said.trim().strip_prefix("listening on ").unwrap().to_owned();
    let run = |args: &[&str]| {
        let args = [&["batch"], args, &["--target", &url, "--region", EAST]].concat();
        finish(folder.program(&args).spawn().unwrap())
    };
    input(&folder, RECORDS, 20);
    run(&[&SUBMIT[..], &["--yes", "--watch"]].concat()).expect(0);
    run(&["fetch", "job"]).expect(0);
    assert_eq!(exactly_once(&folder, "job", RECORDS), [RECORDS, 0, 0]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    server.kill().unwrap();
    server.wait().unwrap();
    assert!((5_000..100_000).contains(&peak.unwrap()), "{peak:?} KB");
}
