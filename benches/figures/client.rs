//! CPU of the client per Converse: the engine, and the whole of `run`, beside a bare loop over the SDK.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_bedrockruntime as runtime;
use bedrock_top::engine::{self, FileLoad, Load};
use bedrock_top::families::{self, ApiChoice};
use bedrock_top::record::{Body, Family, FlowId, Priority, Record, Usd};
use bedrock_top::workload::{BadLine, Finished, Journal, RunClock, Sink, Source, StopHandle};
use runtime::config::{BehaviorVersion, Credentials};
use runtime::types::{ContentBlock, ConversationRole, InferenceConfiguration, Message};

use super::measure::{Row, cpu_time, median};
use super::simulator::{MODEL, REGION, Simulator};

const REQUESTS: u64 = 10_000;
const CONCURRENCY: u32 = 64;
const ROUNDS: usize = 5;
const MAX_TOKENS: u64 = 200;

/// About 2.5 KB.
fn prompt() -> String {
    "The pump was replaced yesterday, but the pressure still drops after midnight. ".repeat(32)
}

pub fn measure() -> io::Result<Vec<Row>> {
    let simulator = Simulator::start()?;
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bare = bare_client(&simulator.url);
    // Connections, caches and the allocator come to rest before anything counts.
    tokio.block_on(bare_loop(&bare, REQUESTS / 5))?;
    tokio.block_on(engine_run(&simulator, REQUESTS / 5))?;
    let (mut loops, mut engines, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = cpu_time();
        tokio.block_on(bare_loop(&bare, REQUESTS))?;
        let between = cpu_time();
        tokio.block_on(engine_run(&simulator, REQUESTS))?;
        let after = cpu_time();
        let (by_loop, by_engine) = (between - before, after - between);
        loops.push(by_loop);
        engines.push(by_engine);
        ratios.push(by_engine.as_secs_f64() / by_loop.as_secs_f64());
    }
    let each = |spent: Vec<Duration>| {
        let spent = median(spent).unwrap_or_default();
        format!("{:.0} us", spent.as_secs_f64() * 1e6 / REQUESTS as f64)
    };
    Ok(vec![
        Row::new("client CPU per Converse, bare SDK loop", each(loops), ""),
        Row::new("client CPU per Converse, engine", each(engines), ""),
        Row::new("engine / bare loop", format!("{:.2}x", median(ratios).unwrap_or_default()), "<= 1.25x"),
    ])
}

/// A client as anybody would make it.
fn bare_client(url: &str) -> runtime::Client {
    let config = runtime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(runtime::config::Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("AKIDBENCH", "no-secret", None, None, "bench"))
        .retry_config(runtime::config::retry::RetryConfig::disabled())
        .build();
    runtime::Client::from_conf(config)
}

/// As many tasks as there may be attempts in flight, each sending one request after the other.
async fn bare_loop(client: &runtime::Client, requests: u64) -> io::Result<()> {
    let left = Arc::new(AtomicU64::new(requests));
    let text = prompt();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (client, left, text) = (client.clone(), Arc::clone(&left), text.clone());
        tasks.spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                let content = ContentBlock::Text(text.clone());
                let message = Message::builder().role(ConversationRole::User).content(content);
                let message = message.build().map_err(io::Error::other)?;
                let limit = InferenceConfiguration::builder().max_tokens(MAX_TOKENS as i32).build();
                let request = client.converse().model_id(MODEL).messages(message).inference_config(limit);
                let reply = request.send().await.map_err(io::Error::other)?;
                std::hint::black_box(reply.usage().map(|usage| usage.output_tokens()));
            }
            Ok::<_, io::Error>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    Ok(())
}

/// The same requests through queue, router, limiter, estimator, statistics and accounting; results are counted.
async fn engine_run(simulator: &Simulator, requests: u64) -> io::Result<()> {
    let clock = RunClock::start();
    let json = families::converse_body(&prompt(), Some(MAX_TOKENS)).to_string();
    let found = families::inspect(MODEL, ApiChoice::Converse, json.as_bytes()).map_err(io::Error::other)?.estimate();
    let body = Body {
        family: Family::Converse,
        json: json.into(),
        max_tokens: Some(MAX_TOKENS),
        raw_input: found.tokens,
        text_kind: found.kind.index(),
    };
    let written = Arc::new(AtomicU64::new(0));
    let load = FileLoad {
        source: Box::new(Repeated { body, clock, next: 0, end: requests }),
        sink: Box::new(Counter(Arc::clone(&written))),
        journal: Box::new(NoJournal),
        total: Some(requests),
        resumed: 0,
        stream: false,
        cap: None,
        spent_before: Usd::ZERO,
        label: "bench".to_string(),
        output: None,
    };
    let setup = simulator.engine(CONCURRENCY, Load::File(load), clock).await?;
    let engine = engine::start(setup, &tokio::runtime::Handle::current());
    let last = engine.load_finished().await;
    engine.shutdown().await;
    if last.run.succeeded == requests && written.load(Ordering::Relaxed) == requests {
        Ok(())
    } else {
        Err(io::Error::other(format!("{} of {requests} succeeded", last.run.succeeded)))
    }
}

/// The same body over and over.
struct Repeated {
    body: Body,
    clock: RunClock,
    next: u64,
    end: u64,
}

impl Source for Repeated {
    fn next(&mut self) -> Option<Result<Record, BadLine>> {
        let seq = self.next;
        self.next += 1;
        (seq < self.end).then(|| {
            Ok(Record {
                id: seq.to_string().into(),
                seq,
                flow: FlowId::default(),
                priority: Priority::Medium,
                deadline: None,
                due: self.clock.now(),
                body: self.body.clone(),
            })
        })
    }

    fn stop(&self) -> StopHandle {
        StopHandle::new(|| ())
    }
}

struct Counter(Arc<AtomicU64>);

impl Sink for Counter {
    fn write(&mut self, finished: &Finished) -> io::Result<()> {
        self.0.fetch_add(u64::from(finished.result.is_ok()), Ordering::Relaxed);
        Ok(())
    }

    fn reject(&mut self, bad: &BadLine) -> io::Result<()> {
        Err(io::Error::other(bad.to_string()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct NoJournal;

impl Journal for NoJournal {
    fn started(&mut self, _: u64, _: Usd) -> io::Result<()> {
        Ok(())
    }

    fn settled(&mut self, _: u64, _: Usd) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }
}
