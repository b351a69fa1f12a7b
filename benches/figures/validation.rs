//! A file of a million records: how fast it is judged, what that takes, and how soon the first request goes out.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bedrock_top::families::ApiChoice;
use bedrock_top::record::Priority;
use bedrock_top::workload::{Input, InputOptions};

use super::measure::{Row, cpu_time, median, memory};
use super::simulator::{MODEL, REGION, Simulator};

const RECORDS: u64 = 1_000_000;
const ROUNDS: usize = 3;
/// Longer than any of this takes: a hang is an error, not a figure.
const PATIENCE: Duration = Duration::from_secs(300);

pub fn measure() -> io::Result<Vec<Row>> {
    let simulator = Simulator::start()?;
    let folder = tempfile::tempdir()?;
    let mut rows = Vec::new();
    for size in [300, 2_500] {
        let path = folder.path().join("input.jsonl");
        write_input(&path, size)?;
        let bytes = fs::metadata(&path)?.len();
        let name = format!("1,000,000 records, {:.1} GB of {size} B lines", bytes as f64 / 1e9);
        let (mut speeds, mut by_cpu) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (started, before) = (Instant::now(), cpu_time());
            let input = Input::validate(&path, options(), |_| ()).map_err(io::Error::other)?;
            assert_eq!(input.summary().records, RECORDS);
            let megabytes = bytes as f64 / 1e6;
            speeds.push(megabytes / started.elapsed().as_secs_f64());
            by_cpu.push(megabytes / (cpu_time() - before).as_secs_f64());
        }
        let mut begins = Vec::new();
        for _ in 0..ROUNDS {
            // A folder of its own each time: an older journal would be taken for the new one.
            let outputs = tempfile::tempdir_in(folder.path())?;
            begins.push(begin_a_run(&path, &outputs.path().join("out.jsonl"), &simulator.url)?);
        }
        let first = median(begins.iter().map(|begin| begin.first_request).collect()).unwrap_or_default();
        let peak = begins.iter().map(|begin| begin.peak).max().unwrap_or(0);
        let speed = median(speeds).unwrap_or(f64::NAN);
        rows.push(Row::new(format!("{name}: validated at"), format!("{speed:.0} MB/s"), ">= 200 MB/s"));
        // Other work on the machine slows the clock on the wall, and hardly this one.
        let by_cpu = median(by_cpu).unwrap_or(f64::NAN);
        rows.push(Row::new("  per second of CPU", format!("{by_cpu:.0} MB"), ""));
        rows.push(Row::new("  peak resident, `run`", format!("{:.0} MB", peak as f64 / 1e6), "<= 150 MB"));
        rows.push(Row::new("  first request after validation", format!("{} ms", first.as_millis()), "<= 200 ms"));
        fs::remove_file(&path)?;
    }
    Ok(rows)
}

fn options() -> InputOptions {
    InputOptions {
        models: vec![MODEL.into()],
        api: ApiChoice::Auto,
        max_tokens: None,
        priority: Priority::Medium,
        skip_invalid: false,
    }
}

/// Lines of about `size` bytes; no two alike.
fn write_input(path: &Path, size: usize) -> io::Result<()> {
    let filler = "Two of the three sensors agree; the third has been off since spring. ".repeat(size / 60 + 1);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for number in 0..RECORDS {
        let head = format!(
            r#"{{"recordId": "r-{number:07}", "modelInput": {{"messages": [{{"role": "user", "content": [{{"text": "{number} "#
        );
        let tail = r#""}]}], "inferenceConfig": {"maxTokens": 256}}}"#;
        let text = &filler[..size.saturating_sub(head.len() + tail.len() + 1)];
        writeln!(out, "{head}{text}{tail}")?;
    }
    out.flush()
}

/// How a run of the real program began.
struct Begin {
    /// From the plan, which is told when the file is judged, to the journal's first mark, which precedes a request.
    first_request: Duration,
    /// Most memory until then and a second longer.
    peak: u64,
}

fn begin_a_run(input: &Path, output: &Path, url: &str) -> io::Result<Begin> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bedrock-top"))
        .args(["run", "--target", url, "--region", REGION, "--model", MODEL])
        .arg(input)
        .arg("-o")
        .arg(output)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let (tell, told) = mpsc::channel();
    if let Some(errors) = child.stderr.take() {
        thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                // Nobody listens any more once the plan has been seen.
                let _ = tell.send((Instant::now(), line));
            }
        });
    }
    let journal = output.with_extension("jsonl.run");
    let judged = loop {
        let (at, line) = told.recv_timeout(PATIENCE).map_err(io::Error::other)?;
        if line.contains("records") {
            break at;
        }
    };
    let first = loop {
        let text = fs::read(&journal).unwrap_or_default();
        if text.windows(9).any(|word| word == b"\"started\"") {
            break Instant::now();
        }
        if judged.elapsed() > PATIENCE || child.try_wait()?.is_some() {
            return Err(io::Error::other("the run sent nothing"));
        }
        thread::sleep(Duration::from_millis(1));
    };
    thread::sleep(Duration::from_secs(1));
    let peak = memory(&child.id().to_string(), "VmHWM").unwrap_or(0);
    child.kill()?;
    child.wait()?;
    Ok(Begin { first_request: first - judged, peak })
}
