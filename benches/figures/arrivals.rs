//! How late requests are sent at 500 seeded Poisson arrivals a second, beside how late the pacer alone wakes up.

use std::io;

use bedrock_top::engine::{self, Load};
use bedrock_top::record::{FlowId, Micros};
use bedrock_top::workload::{Arrival, LoadSpec, RunClock, Sizes, Source, Synthetic};

use super::measure::{Row, median};
use super::simulator::Simulator;

const RATE: f64 = 500.0;
const SECONDS: f64 = 15.0;
const ROUNDS: usize = 3;

fn spec() -> LoadSpec {
    LoadSpec {
        arrival: Arrival::Poisson { rate: RATE },
        input: Sizes::Fixed { tokens: 500.0 },
        max_tokens: Some(200),
        seconds: Some(SECONDS),
        ..LoadSpec::default()
    }
}

pub fn measure() -> io::Result<Vec<Row>> {
    let simulator = Simulator::start()?;
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (mut alone, mut sent, mut middle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(pacer_alone());
        let (p50, p99) = tokio.block_on(through_the_engine(&simulator))?;
        middle.push(p50);
        sent.push(p99);
    }
    let value = |of: Vec<Micros>| format!("{:.2} ms", median(of).unwrap_or_default().secs_f64() * 1e3);
    Ok(vec![
        Row::new(format!("lateness at {RATE:.0}/s, p99, the pacer alone"), value(alone), ""),
        Row::new(format!("schedule_delay at {RATE:.0}/s, p50, through the engine"), value(middle), ""),
        Row::new(format!("schedule_delay at {RATE:.0}/s, p99, through the engine"), value(sent), "<= 2 ms"),
    ])
}

/// The same arrivals, with nothing to do.
fn pacer_alone() -> Micros {
    let clock = RunClock::start();
    let mut source = Synthetic::new(&spec(), FlowId::default(), clock);
    let mut late = Vec::new();
    while let Some(Ok(record)) = source.next() {
        late.push(clock.now().since(record.due));
    }
    late.sort_unstable();
    late.get(late.len() * 99 / 100).copied().unwrap_or_default()
}

/// p50 and p99 as the engine itself tells them.
async fn through_the_engine(simulator: &Simulator) -> io::Result<(Micros, Micros)> {
    let setup = simulator.engine(1_000, Load::Synthetic(spec()), RunClock::start()).await?;
    let engine = engine::start(setup, &tokio::runtime::Handle::current());
    let last = engine.load_finished().await;
    engine.shutdown().await;
    let delay = last.client.schedule_delay;
    match (delay.p50, delay.p99) {
        (Some(p50), Some(p99)) if last.run.failed == 0 => Ok((p50, p99)),
        _ => Err(io::Error::other(format!("{} failed, {} measured", last.run.failed, delay.n))),
    }
}
