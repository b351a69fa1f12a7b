//! `bedrock-top batch`: the real program, a simulated account, and everything that can go wrong between them.

use std::collections::BTreeSet;
use std::process::Child;

use bedrock_top::sim::{Fault, FaultKind, Operation, Scenario, Simulator};
use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::engine::{EAST, lines};
use super::run::{Done, Folder, finish, signal, until};
use super::wire::{LOOPBACK, fast};

mod stand_in;
mod transfers;
mod troubles;
mod whole;

use stand_in::{Plan, Record, StandIn};

const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const STORAGE: &str = "s3://trial-bucket/work/";
const ROLE: &str = "arn:aws:iam::123456789012:role/batch";
/// Must be in no log, journal, error or state file.
const SECRET: &str = "canary-7f3a";

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("check_names_every_line_that_is_wrong", check_tells),
        trial("a_large_input_takes_little_memory", little_memory),
        trial("a_job_from_file_to_results", from_file_to_results),
        trial("the_same_input_is_not_uploaded_twice", uploaded_once),
        trial("generations_are_merged_and_every_record_comes_once", generations),
        trial("too_few_records_go_on_demand", too_few),
        trial("a_job_of_somebody_else_can_be_fetched", foreign),
        trial("nothing_costs_without_consent", consent),
        trial("a_stop_is_a_stop", stopped),
        trial("without_the_copy_the_file_tells_what_is_missing", without_copy),
        trial("copies_are_deleted_and_nothing_else", deleted),
    ];
    trials.extend(transfers::trials());
    trials.extend(troubles::trials());
    trials.extend(whole::trials());
    trials
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(format!("batch::{name}"), move || {
        test();
        Ok::<_, Failed>(())
    })
}

/// An account in which S3 has these troubles: kind, operation, share of the calls, for how many seconds.
fn account(troubles: &[(FaultKind, &str, f64, Option<f64>)]) -> StandIn {
    let fault = |(kind, operation, rate, for_s): &(FaultKind, &str, f64, Option<f64>)| Fault {
        region: None,
        kind: *kind,
        service: Some("s3".into()),
        operation: Some((*operation).into()),
        model: None,
        at_s: 0.0,
        for_s: *for_s,
        rate: *rate,
    };
    let scenario =
        Scenario { regions: vec![fast(EAST)], faults: troubles.iter().map(fault).collect(), ..Scenario::default() };
    StandIn::new(Simulator::start(scenario, LOOPBACK).unwrap())
}

/// `in.jsonl` with `records` prompts of about `size` bytes, named `r-0` and so on.
fn input(folder: &Folder, records: usize, size: usize) {
    let line = |n: usize| {
        let prompt = format!("{SECRET} {n} {}", "x".repeat(size));
        json!({ "recordId": format!("r-{n}"), "prompt": prompt, "max_tokens": 64 }).to_string() + "\n"
    };
    folder.write("in.jsonl", &(0..records).map(line).collect::<String>());
}

/// The command line of `batch ...` on this account.
fn command(folder: &Folder, account: &StandIn, args: &[&str]) -> std::process::Command {
    let url = account.url();
    folder.program(&[&["batch"], args, &["--target", &url, "--region", EAST]].concat())
}

fn batch(folder: &Folder, account: &StandIn, args: &[&str]) -> Done {
    let done = finish(command(folder, account, args).spawn().unwrap());
    assert!(!done.stderr.contains(SECRET) && !done.stdout.contains(SECRET), "a prompt was told: {done}");
    done
}

const SUBMIT: [&str; 10] =
    ["submit", "in.jsonl", "--model", HAIKU, "--storage", STORAGE, "--role", ROLE, "--name", "job"];

fn submit(folder: &Folder, account: &StandIn, more: &[&str]) -> Done {
    batch(folder, account, &[&SUBMIT, more].concat())
}

fn submit_spawned(folder: &Folder, account: &StandIn) -> Child {
    command(folder, account, &[&SUBMIT[..], &["--yes"]].concat()).spawn().unwrap()
}

fn ids(folder: &Folder, name: &str) -> Vec<String> {
    let path = folder.path(name);
    if !path.exists() {
        return Vec::new();
    }
    let id = |line: Value| {
        assert!(line["modelInput"].is_object(), "{line}");
        line["recordId"].as_str().unwrap().to_owned()
    };
    lines(&path).into_iter().map(id).collect()
}

/// That each of `records` is in exactly one of the three files; how many are in each.
fn exactly_once(folder: &Folder, stem: &str, records: usize) -> [usize; 3] {
    let parts = ["ok", "failed", "missing"].map(|part| ids(folder, &format!("{stem}.{part}.jsonl")));
    let all: Vec<&String> = parts.iter().flatten().collect();
    let set: BTreeSet<&String> = all.iter().copied().collect();
    assert_eq!((set.len(), all.len()), (records, records), "lost or twice");
    assert!((0..records).all(|n| set.contains(&format!("r-{n}"))));
    parts.map(|part| part.len())
}

fn uploads(account: &StandIn) -> u64 {
    let ledger = account.simulator.ledger();
    ledger.requests(Operation::PutObject) + ledger.requests(Operation::CreateMultipartUpload)
}

/// Every file that the program keeps for itself.
fn state(folder: &Folder) -> String {
    let mut text = String::new();
    let mut folders = vec![folder.path("home/.local/state")];
    while let Some(path) = folders.pop() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                text += &std::fs::read_to_string(entry.path()).unwrap();
            }
        }
    }
    text
}

fn check_tells() {
    let folder = Folder::new();
    let tools = r#"{"recordId":"t","modelInput":{"messages":[{"role":"user","content":[{"text":"x"}]}],"toolConfig":{"tools":[]}}}"#;
    let invoke = r#"{"recordId":"i","modelInput":{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"x"}]}}"#;
    let lines = [
        "{\"recordId\":\"a\",\"prompt\":\"x\"}",
        "{\"recordId\":\"a\",\"prompt\":\"y\"}",
        "nonsense",
        "",
        tools,
        invoke,
    ];
    folder.write("in.jsonl", &lines.join("\n"));
    let check = |more: &[&str]| {
        let args = [&["batch", "check", "in.jsonl", "--model", HAIKU], more].concat();
        finish(folder.program(&args).spawn().unwrap())
    };
    let done = check(&[]).expect(2);
    for words in [
        "in.jsonl:2: recordId \"a\" is already taken by line 1",
        "in.jsonl:3: not a JSON object",
        "in.jsonl:5: `toolConfig`: batch inference takes neither tools nor structured output",
        "1 Converse bodies (line 1) and 1 InvokeModel bodies (line 6): a job takes one kind",
        "2 records; a batch job of",
    ] {
        assert!(done.stdout.contains(words), "`{words}` is missing: {done}");
    }
    let report = check(&["--json"]).expect(2).summary();
    assert_eq!((&report["error_count"], &report["records"]), (&json!(5), &json!(2)), "{report}");
    input(&folder, 120, 40);
    let report = check(&["--json"]).expect(0).summary();
    assert_eq!((&report["error_count"], &report["ids_assigned"]), (&json!(0), &json!(0)), "{report}");
    assert!(report["batch_usd"][1].as_f64().unwrap() * 2.0 - report["on_demand_usd"][1].as_f64().unwrap() < 1e-9);
    finish(folder.program(&["batch", "list"]).spawn().unwrap()).expect(2).says(&["needs an account that outlives it"]);
}

fn little_memory() {
    let folder = Folder::new();
    input(&folder, 120, 1_000_000);
    let child = folder.program(&["batch", "check", "in.jsonl", "--model", HAIKU]).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let peak = || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"))?.to_owned();
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let ended = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let over = std::sync::Arc::clone(&ended);
    let waiting = std::thread::spawn(move || {
        let done = finish(child);
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        done
    });
    until("the end", || {
        most = most.max(peak().unwrap_or(0));
        ended.load(std::sync::atomic::Ordering::Relaxed)
    });
    waiting.join().unwrap().expect(0);
    assert!((1_000..70_000).contains(&most), "{most} KB for 120 MB");
}

fn from_file_to_results() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan = Plan {
        readings: 2,
        record: |n, _| match n {
            3 => Record::Error(400),
            5 => Record::Error(429),
            7 => Record::Nothing,
            _ => Record::Well,
        },
        ..Plan::default()
    };
    input(&folder, 150, 60);
    let done = submit(&folder, &account, &["--yes", "--json"]).expect(0);
    let arn = done.summary()["arn"].as_str().unwrap().to_owned();
    assert_eq!(done.summary()["simulated"], true);
    {
        let state = account.state();
        assert_eq!((state.creates, state.jobs.len()), (1, 1));
        let order = &state.jobs[0].order;
        assert_eq!((&order["jobName"], &order["modelInvocationType"]), (&json!("job"), &json!("Converse")), "{order}");
        assert_eq!(state.jobs[0].tag("bedrock-top:generation"), Some("1"));
        let copy = account.object(order["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].as_str().unwrap());
        let first: Value = serde_json::from_slice(copy.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
        assert_eq!(first["recordId"], "r-0");
        assert_eq!(first["modelInput"]["inferenceConfig"]["maxTokens"], 64, "always the batch form: {first}");
    }
    batch(&folder, &account, &["fetch", "job"]).expect(2).says(&["is InProgress", "batch watch"]);
    let watched = batch(&folder, &account, &["watch", "job"]).expect(1);
    assert!(watched.stdout.contains("147 of 150 records succeeded, 2 failed"), "{watched}");
    let done = batch(&folder, &account, &["fetch", "job", "--folder", "out", "--json"]).expect(1);
    assert_eq!(exactly_once(&folder, "out/job", 150), [147, 2, 1]);
    let report = &done.summary()["report"];
    assert_eq!((&report["retryable"], &report["permanent"]), (&json!(1), &json!(1)), "{report}");
    assert!(lines(&folder.path("out/job.ok.jsonl")).iter().all(|line| line["simulated"] == true));
    batch(&folder, &account, &["fetch", &arn, "--folder", "out"]).expect(2).says(&["exists; --force"]);
    batch(&folder, &account, &["fetch", &arn, "--folder", "out", "--force"]).expect(1);
    let listed = batch(&folder, &account, &["list", "--json"]).expect(0).summary();
    assert_eq!((&listed["jobs"][0]["ours"], &listed["jobs"][0]["fetched_to"]), (&json!(true), &json!("out")));
    let state = state(&folder);
    assert!(state.contains("CreateModelInvocationJob") && state.contains("request-1"), "{state}");
    assert!(!state.contains(SECRET), "a prompt is in the journal");
}

fn uploaded_once() {
    let folder = Folder::new();
    let account = account(&[]);
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes"]).expect(0);
    assert_eq!(uploads(&account), 1);
    submit(&folder, &account, &["--yes"]).expect(2).says(&["a job named job exists already"]);
    let mut other = SUBMIT;
    other[9] = "other";
    let again = batch(&folder, &account, &[&other[..], &["--yes"]].concat()).expect(0);
    again.says(&["the same input was submitted as job"]);
    assert_eq!((uploads(&account), account.state().jobs.len()), (1, 2));
}

fn generations() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan.record = |n, generation| match (n % 4, generation) {
        (0, 1) => Record::Error(429),
        (1, 1) => Record::Nothing,
        (2, _) if n % 100 == 2 => Record::Error(400),
        (0, 2) if n % 8 == 0 => Record::Error(503),
        _ => Record::Well,
    };
    account.state().plan.end = "Expired";
    input(&folder, 1_000, 30);
    submit(&folder, &account, &["--yes", "--watch"]).expect(3);
    account.state().plan.end = "Completed";
    batch(&folder, &account, &["resubmit", "job", "--folder", "again", "--yes", "--watch"]).expect(1);
    {
        let state = account.state();
        let [first, second] = state.jobs.as_slice() else { panic!("two jobs") };
        assert_eq!(second.tag("bedrock-top:parent"), first.arn.rsplit('/').next());
        assert_eq!(second.tag("bedrock-top:input"), first.tag("bedrock-top:input"));
        assert_eq!((second.tag("bedrock-top:generation"), &second.order["jobName"]), (Some("2"), &json!("job-r2")));
    }
    assert_eq!(ids(&folder, "again/job-r2.jsonl").len(), 500, "what may succeed, and what is missing");
    // A second operator, on another machine, sees the same generations.
    let second = Folder::new();
    batch(&second, &account, &["fetch", "job-r2", "--merge", "--folder", "all"]).expect(1);
    assert_eq!(exactly_once(&second, "all/job", 1_000), [865, 135, 0]);
    let listed = batch(&second, &account, &["list", "--json"]).expect(0).summary();
    assert_eq!((&listed["jobs"][0]["generation"], &listed["jobs"][0]["ours"]), (&json!(2), &json!(false)));
    batch(&second, &account, &["resubmit", "job", "--folder", "all", "--yes", "--watch"]).expect(0);
    batch(&second, &account, &["fetch", "job", "--merge", "--folder", "all", "--force"]).expect(1);
    assert_eq!(exactly_once(&second, "all/job", 1_000), [990, 10, 0]);
    let done = batch(&second, &account, &["resubmit", "job", "--folder", "all", "--yes"]).expect(0);
    done.says(&["no record is left that may succeed"]);
    assert_eq!(account.state().jobs.len(), 3);
}

fn too_few() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan.record = |n, _| if n < 7 { Record::Error(429) } else { Record::Well };
    input(&folder, 150, 30);
    submit(&folder, &account, &["--yes", "--watch"]).expect(1);
    let done = batch(&folder, &account, &["resubmit", "job", "--yes"]).expect(1);
    assert!(
        done.stdout.starts_with("bedrock-top run ./job-r2.jsonl -o ./job-r2.results.jsonl --target http://"),
        "{done}"
    );
    assert_eq!((ids(&folder, "job-r2.jsonl").len(), account.state().jobs.len()), (7, 1));
}

fn foreign() {
    let folder = Folder::new();
    let account = account(&[]);
    let line = |n: usize| {
        format!(
            "{{\"recordId\":\"r-{n}\",\"modelInput\":{{\"messages\":[{{\"role\":\"user\",\"content\":[{{\"text\":\"{n}\"}}]}}]}}}}\n"
        )
    };
    account.put("s3://trial-bucket/theirs/a.jsonl", (0..60).map(line).collect::<String>().as_bytes());
    account.put("s3://trial-bucket/theirs/b.jsonl", (60..120).map(line).collect::<String>().as_bytes());
    let args = ["submit", "s3://trial-bucket/theirs/", "--model", HAIKU, "--storage", STORAGE, "--role", ROLE, "--yes"];
    batch(&folder, &account, &args).expect(0);
    account.state().jobs[0].order["tags"] = json!([]);
    account.state().plan.record = |n, _| if n == 100 { Record::Nothing } else { Record::Well };
    let name = account.state().jobs[0].order["jobName"].as_str().unwrap().to_owned();
    assert!(name.starts_with("theirs-"), "{name}");
    let other = Folder::new();
    batch(&other, &account, &["watch", &name]).expect(1);
    batch(&other, &account, &["fetch", &name]).expect(1);
    assert_eq!(exactly_once(&other, &name, 120), [119, 0, 1]);
    let earlier = ["submit", "s3://trial-bucket/theirs/", "--model", HAIKU, "--name", "mine"];
    batch(&other, &account, &earlier).expect(2).says(&[ROLE, "was submitted as", "consent is: --yes"]);
}

fn consent() {
    let folder = Folder::new();
    let account = account(&[]);
    input(&folder, 120, 40);
    let done = submit(&folder, &account, &[]).expect(2);
    done.says(&["account 123456789012", "us-east-1", "batch ", "consent is: --yes"]);
    submit(&folder, &account, &["--yes", "--read-only"]).expect(2).says(&["read-only"]);
    let bare = batch(&folder, &account, &["submit", "in.jsonl", "--model", HAIKU, "--yes"]).expect(2);
    bare.says(&["aws iam create-role", "bedrock.amazonaws.com"]);
    let unknown =
        ["submit", "in.jsonl", "--model", "some.new-model-v1:0", "--storage", STORAGE, "--role", ROLE, "--yes"];
    batch(&folder, &account, &unknown).expect(2).says(&["unknown", "--accept-unknown-price"]);
    assert_eq!((uploads(&account), account.state().creates), (0, 0));
    submit(&folder, &account, &["--yes"]).expect(0);
    batch(&folder, &account, &["stop", "job"]).expect(2).says(&["consent is: --yes"]);
    batch(&folder, &account, &["stop", "job", "--yes", "--read-only"]).expect(2);
    assert_eq!(account.state().jobs[0].status, "InProgress");
}

fn stopped() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan.record = |n, _| if n < 50 { Record::Well } else { Record::Nothing };
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes"]).expect(0);
    batch(&folder, &account, &["stop", "job", "--yes"]).expect(0);
    batch(&folder, &account, &["watch", "job"]).expect(3);
    batch(&folder, &account, &["fetch", "job"]).expect(1);
    assert_eq!(exactly_once(&folder, "job", 120), [50, 0, 70]);
    assert!(state(&folder).contains("StopModelInvocationJob"));
}

fn without_copy() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan.record = |n, _| if n == 9 { Record::Nothing } else { Record::Well };
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes", "--watch"]).expect(1);
    for key in account.keys("trial-bucket", "work/bedrock-top/").iter().filter(|key| !key.contains("/output/")) {
        account.delete(&format!("s3://trial-bucket/{key}"));
    }
    batch(&folder, &account, &["fetch", "job"]).expect(1);
    assert_eq!(exactly_once(&folder, "job", 120), [119, 0, 1]);
    input(&folder, 119, 40);
    let done = batch(&folder, &account, &["fetch", "job", "--force"]).expect(0);
    assert!(done.stdout.contains("the input cannot be read any more"), "{done}");
}

fn deleted() {
    let folder = Folder::new();
    let account = account(&[]);
    account.put("s3://trial-bucket/work/mine.jsonl", b"precious");
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes", "--watch"]).expect(0);
    batch(&folder, &account, &["fetch", "job", "--delete-copies"]).expect(2).says(&["consent is: --yes"]);
    assert_eq!(account.keys("trial-bucket", "work/").len(), 4);
    batch(&folder, &account, &["fetch", "job", "--force", "--delete-copies", "--yes"]).expect(0);
    assert_eq!(account.keys("trial-bucket", "work/"), ["work/mine.jsonl"]);
    assert!(state(&folder).contains("DeleteObject"));
    // What is gone is not taken for what was never done: nothing is overwritten, nothing is sent again.
    batch(&folder, &account, &["fetch", "job", "--force"]).expect(2).says(&["are not in S3 any more"]);
    batch(&folder, &account, &["resubmit", "job", "--yes"]).expect(2).says(&["are not in S3 any more"]);
    assert_eq!(exactly_once(&folder, "job", 120), [120, 0, 0]);
}
