//! The limiter over HTTP beside the same limiter on the virtual clock: `cargo bench --bench wire`, or
//! `cargo bench --bench wire -- 5` for five minutes instead of twenty.
//!
//! `bedrock-top run` as a process against a simulator each, all meters side by side in real time, quotas unknown: enforced
//! but not listed. What was settled and refused is read from the simulator's own books, over the second half, as the
//! bench scores it. Each run needs as long as it says; nothing is asserted.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bedrock_top::bench::cell::{Cell, Meter};
use bedrock_top::bench::contestant::Contestant;
use bedrock_top::bench::drive::run;
use bedrock_top::bench::figure::Figure;
use bedrock_top::bench::work::CHAT;
use bedrock_top::sim::{MeterKind, QuotaSpec, Scenario, ScopeLedger, Simulator};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

const MODEL: &str = "anthropic.claude-sonnet-4-6";
const REGION: &str = "us-east-1";
const TPM: u64 = 2_000_000;
/// Paired seeds of the bench beside it.
const SEEDS: u64 = 20;

fn main() -> io::Result<()> {
    let minutes: f64 = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(20.0);
    let seconds = minutes * 60.0;
    let place = tempfile::tempdir()?;
    let input = place.path().join("in.jsonl");
    prompts(&input, (TPM as f64 * minutes / 2_000.0) as usize)?;
    let config = place.path().join("config.toml");
    std::fs::write(&config, "[limits]\nconcurrency = 1000\n")?;

    let mut wires = Vec::new();
    for meter in Meter::ALL {
        let simulator = Simulator::start(scenario(meter), SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let output = place.path().join(meter.name().replace(' ', "-"));
        let child = client(simulator.url().as_str(), &input, &output, &config)?;
        wires.push(Wire { meter, simulator, child });
    }
    let began = Instant::now();
    sleep_until(began + Duration::from_secs_f64(seconds / 2.0));
    let half: Vec<ScopeLedger> = wires.iter().map(Wire::books).collect();
    sleep_until(began + Duration::from_secs_f64(seconds));
    let whole: Vec<ScopeLedger> = wires.iter().map(Wire::books).collect();
    for wire in &mut wires {
        wire.child.kill()?;
        wire.child.wait()?;
    }

    println!("{TPM} TPM of {MODEL}, quotas unknown, {minutes} minutes, the second half scored");
    println!("{:<18}{:>16}{:>28}{:>10}{:>26}", "meter", "goodput, wire", "bench", "429, wire", "bench");
    for ((wire, half), whole) in wires.iter().zip(&half).zip(&whole) {
        let (goodput, throttles) = bench(&cell(wire.meter, seconds));
        let granted = TPM as f64 / 60.0 * seconds / 2.0;
        let settled = (whole.settled - half.settled) as f64 / granted;
        let refused = (whole.rejected() - half.rejected()) as f64;
        let share = refused / ((whole.admitted - half.admitted) as f64 + refused).max(1.0);
        let shown = |figure: Figure, unit: f64, digits: usize| {
            let of = |value: f64| format!("{:.digits$}", value * unit);
            format!("{} ({} to {})", of(figure.median), of(figure.low), of(figure.high))
        };
        println!(
            "{:<12}{:>16.3}{:>28}{:>10}{:>26}",
            wire.meter.name(),
            settled,
            shown(goodput, 1.0, 3),
            format!("{:.2} %", 100.0 * share),
            shown(throttles, 100.0, 2)
        );
    }
    Ok(())
}

/// What the bench has for this cell, in times of what is granted, as the wire is counted: goodput and 429s per attempt.
fn bench(cell: &Cell) -> (Figure, Figure) {
    let next = AtomicU64::new(1);
    let found = Mutex::new((Vec::new(), Vec::new()));
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > SEEDS {
                        return;
                    }
                    let score = run(cell, Contestant::Ours.client(cell), seed);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.0.push(score.settled / cell.granted_while_scored());
                    found.1.push(score.throttle_share());
                }
            });
        }
    });
    let (goodput, throttles) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    (Figure::of(goodput), Figure::of(throttles))
}

/// The bench's chats at this quota, for as long as the wire is tried; charged on the way, as the simulator does it.
fn cell(meter: Meter, seconds: f64) -> Cell {
    let mut cell = Cell { seconds, scored_from: seconds / 2.0, ..Cell::constant("wire", TPM, meter) };
    cell.service.progressive = true;
    cell
}

/// The same service over HTTP.
fn scenario(meter: Meter) -> Scenario {
    let (kind, burst_seconds) = match meter {
        Meter::Minute => (MeterKind::Minute, 60.0),
        Meter::Sliding => (MeterKind::Sliding, 60.0),
        Meter::Guarded => (MeterKind::Guarded, 60.0),
        bucket => (MeterKind::Bucket, bucket.depth()),
    };
    let quota = QuotaSpec {
        region: REGION.into(),
        model: MODEL.into(),
        tpm: Some(TPM),
        published: false,
        meter: kind,
        burst_seconds,
        ..QuotaSpec::default()
    };
    // The median of the bench's replies, which are given by their mean.
    Scenario { output_tokens: CHAT.output / (0.8f64 * 0.8 / 2.0).exp(), quotas: vec![quota], ..Scenario::default() }
}

/// Prompts of the bench's sizes, in words: about one token each.
fn prompts(file: &Path, count: usize) -> io::Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let words =
        LogNormal::new(CHAT.input.ln() - CHAT.spread * CHAT.spread / 2.0, CHAT.spread).map_err(io::Error::other)?;
    let mut out = BufWriter::new(File::create(file)?);
    for id in 0..count {
        let words: f64 = words.sample(&mut rng);
        let prompt = "meter ".repeat(words.clamp(1.0, 100_000.0) as usize);
        writeln!(out, "{{\"recordId\":\"{id}\",\"prompt\":\"{prompt}\"}}")?;
    }
    out.flush()
}

/// `bedrock-top run` against a simulator.
fn client(target: &str, input: &Path, output: &Path, config: &Path) -> io::Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_bedrock-top"))
        .args(["run", "--json", "--target", target, "--model", MODEL, "--region", REGION])
        .args(["--max-tokens", &CHAT.max_tokens.to_string()])
        .arg("--config")
        .arg(config)
        .arg("--output")
        .arg(output)
        .arg(input)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// One client and its service.
struct Wire {
    meter: Meter,
    simulator: Simulator,
    child: Child,
}

impl Wire {
    fn books(&self) -> ScopeLedger {
        self.simulator.ledger().scope(REGION, MODEL).cloned().unwrap_or_default()
    }
}

fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}
