//! `bedrock-top run` and the headless console: the real program in a folder of its own, its files and exit codes, and
//! what a simulator that it was pointed at has seen.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bedrock_top::sim::{Operation, Scenario, Simulator};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::engine::{EAST, MODEL, account, lines, quota};
use super::wire::LOOPBACK;

mod canary;
mod kill;
mod parked;
mod provisioned;
mod refusals;
mod results;

/// Whatever a run does is over within this, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(90);

pub fn trials() -> Vec<Trial> {
    let mut trials = canary::trials();
    trials.extend(kill::trials());
    trials.extend(parked::trials());
    trials.extend(provisioned::trials());
    trials.extend(refusals::trials());
    trials.extend(results::trials());
    trials
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(format!("run::{name}"), move || {
        test();
        Ok::<_, Failed>(())
    })
}

/// A folder, and the program in it: nothing of the environment of the tests reaches it.
pub struct Folder {
    dir: TempDir,
}

/// How the program ended.
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    pub fn new() -> Folder {
        let folder = Folder { dir: TempDir::new().unwrap() };
        // Retries in a hurry, and as many as the trials' troubles take.
        folder.write(
            "home/.config/bedrock-top/config.toml",
            "[retry]\nmax_attempts = 12\nbase_s = 0.05\ncap_s = 1.0\nbudget_percent = 100.0\n",
        );
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `in.jsonl` with `records` prompts, named `record-0` and so on.
    fn input(&self, records: usize) {
        let line = |n: usize| {
            let prompt = format!("number {n}: {}", "say something about it ".repeat(1 + n % 7));
            json!({ "recordId": format!("record-{n}"), "prompt": prompt, "max_tokens": 64 }).to_string() + "\n"
        };
        self.write("in.jsonl", &(0..records).map(line).collect::<String>());
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dir.path()).env_clear();
        command.env("HOME", self.path("home")).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn program(&self, args: &[&str]) -> Command {
        self.command(env!("CARGO_BIN_EXE_bedrock-top"), args)
    }

    /// `run in.jsonl -o out.jsonl --json` and more.
    fn run_command(&self, more: &[&str]) -> Command {
        self.program(&[&["run", "in.jsonl", "-o", "out.jsonl", "--json"], more].concat())
    }

    fn run(&self, more: &[&str]) -> Done {
        finish(self.run_command(more).spawn().unwrap())
    }

    fn out(&self) -> Vec<Value> {
        lines(&self.path("out.jsonl"))
    }

    fn failed(&self) -> Vec<Value> {
        lines(&self.path("out.failed.jsonl"))
    }

    /// That each of `records` is exactly once in OUT or the failed file, and every line says that it is simulated.
    fn exactly_once(&self, records: usize) {
        let (out, failed) = (self.out(), self.failed());
        let all = || out.iter().chain(&failed);
        assert!(all().all(|line| line["simulated"] == true));
        let ids: BTreeSet<&str> = all().map(|line| line["recordId"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), all().count()), (records, records), "lost or twice");
        assert!((0..records).all(|n| ids.contains(format!("record-{n}").as_str())));
    }
}

impl Done {
    /// What `--json` prints, one after the other.
    fn objects(&self) -> Vec<Value> {
        let objects = serde_json::Deserializer::from_str(&self.stdout).into_iter();
        objects.map(|object| object.unwrap_or_else(|error| panic!("{error}: {self}"))).collect()
    }

    /// The summary, which comes last.
    pub fn summary(&self) -> Value {
        self.objects().pop().unwrap_or_else(|| panic!("no summary: {self}"))
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Done {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// That standard error holds all of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Done {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing: {self}");
        }
        self
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr)
    }
}

pub fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Waits for the end of the program; one that hangs is killed and fails the trial.
pub fn finish(child: Child) -> Done {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    let output = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        kill_process(pid, Signal::KILL).unwrap();
        let output = receiver.recv().unwrap();
        panic!("it hangs: {}", String::from_utf8_lossy(&output.stderr))
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Waits until `test` is true of what another process did, which nothing tells us of: looks again and again.
pub fn until(what: &str, mut test: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !test() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// An account of one Region in which everything is fast.
fn simple() -> Scenario {
    account(vec![quota(EAST, Some(60_000), Some(6_000_000))])
}

/// The same as the scenario file `s.toml`, with more at its end.
fn scenario_file(folder: &Folder, more: &str) {
    let text = format!(
        "output_tokens = 20\noutput_sigma = 0.3\n[[region]]\nname = \"{EAST}\"\nttft_ms = 5\ntokens_per_second = 50000\n\
         [[quota]]\nregion = \"{EAST}\"\nmodel = \"{MODEL}\"\nrpm = 60000\ntpm = 6000000\n{more}"
    );
    folder.write("s.toml", &text);
}

/// A simulator for `--target`, and its URL.
fn simulator(scenario: Scenario) -> (Simulator, String) {
    let simulator = Simulator::start(scenario, LOOPBACK).unwrap();
    let url = simulator.url().to_string();
    (simulator, url)
}

/// The arguments that lead to it.
fn at(url: &str) -> [&str; 6] {
    ["--target", url, "--region", EAST, "--model", MODEL]
}

fn inference(simulator: &Simulator) -> u64 {
    let ledger = simulator.ledger();
    let operations = [
        Operation::Converse,
        Operation::ConverseStream,
        Operation::InvokeModel,
        Operation::InvokeModelWithResponseStream,
        Operation::CountTokens,
    ];
    operations.into_iter().map(|operation| ledger.requests(operation)).sum()
}

/// Feeds the program's standard input and closes it.
fn feed(child: &mut Child, text: &str) {
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
}

fn exists(path: &Path) -> bool {
    path.exists()
}
