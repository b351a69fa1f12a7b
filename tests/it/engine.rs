//! The engine over real sockets: the simulator on one side, files or synthetic load on the other, and both sides' books
//! compared at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bedrock_top::bedrock::{Clients, ConnectionSettings, Target};
use bedrock_top::catalogue::Catalogue;
use bedrock_top::engine::{
    self, Command, EngineHandle, EngineSettings, EngineSetup, EngineSnapshot, FileLoad, Load, LoadState, RouteSetup,
    TargetInfo,
};
use bedrock_top::families::ApiChoice;
use bedrock_top::limiter::{QuotaLimit, ScopeQuota};
use bedrock_top::record::{FlowId, Micros, ModelId, Priority, Region, Route, ScopeKey, Usd};
use bedrock_top::sim::{QuotaSpec, Scenario, Simulator};
use bedrock_top::workload::{Existing, FileSource, Input, InputOptions, OutputPaths, Outputs, RunClock, RunIdentity};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wire::{LOOPBACK, fast};

mod bought;
mod faults;
mod health;
mod knobs;
mod minutes;
mod presets;

/// Its price is known and its output burns quota fivefold.
pub const MODEL: &str = "anthropic.claude-sonnet-4-6";
pub const EAST: &str = "us-east-1";
pub const WEST: &str = "us-west-2";
/// Whatever is waited for comes within this, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn trials() -> Vec<Trial> {
    let mut trials = bought::trials();
    trials.extend(faults::trials());
    trials.extend(health::trials());
    trials.extend(knobs::trials());
    trials.extend(minutes::trials());
    trials.extend(presets::trials());
    trials
}

/// A trial on a runtime of its own.
pub fn trial<F, Fut>(name: String, test: F) -> Trial
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    Trial::test(format!("engine::{name}"), move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.map_err(|error| Failed::from(error.to_string()))?.block_on(test());
        Ok(())
    })
}

/// A simulated account with these quotas, in which everything is fast.
pub fn account(quotas: Vec<QuotaSpec>) -> Scenario {
    Scenario {
        output_tokens: 20.0,
        output_sigma: 0.3,
        regions: vec![fast(EAST), fast(WEST)],
        quotas,
        ..Scenario::default()
    }
}

/// The quota of the trials' model in a Region.
pub fn quota(region: &str, rpm: Option<u64>, tpm: Option<u64>) -> QuotaSpec {
    QuotaSpec { region: region.into(), model: MODEL.into(), rpm, tpm, ..QuotaSpec::default() }
}

/// Retries, breakers and deadlines in a hurry.
pub fn hurried() -> EngineSettings {
    EngineSettings {
        max_attempts: 12,
        retry_base: Micros::from_millis(5),
        retry_cap: Micros::from_millis(60),
        retry_budget_percent: 400.0,
        breaker_open: Micros::from_millis(60),
        concurrency: 24,
        ..EngineSettings::default()
    }
}

/// A simulator, and what an engine needs to send load to it.
pub struct Rig {
    pub simulator: Simulator,
    pub settings: EngineSettings,
    routes: Vec<RouteSetup>,
    folder: TempDir,
}

impl Rig {
    /// Simulates `scenario`; the routes are those of its quotas, which the engine is told.
    pub fn new(scenario: Scenario, settings: EngineSettings) -> Rig {
        let limit = |value: Option<u64>| value.map_or(QuotaLimit::Absent, QuotaLimit::Limit);
        let route = |spec: &QuotaSpec| {
            let model = Catalogue::embedded().model(&spec.model).unwrap();
            RouteSetup {
                provisioned: None,
                route: Route::new(spec.region.as_str(), spec.model.as_str()),
                key: key(&spec.region),
                quota: ScopeQuota {
                    rpm: limit(spec.rpm),
                    tpm: limit(spec.tpm),
                    tpd: limit(spec.tpd),
                    burndown: model.burndown,
                },
                quota_source: "config".into(),
                model: Some(model),
            }
        };
        let routes = scenario.quotas.iter().map(route).collect();
        let simulator = Simulator::start(scenario, LOOPBACK).unwrap();
        Rig { simulator, settings, routes, folder: TempDir::new().unwrap() }
    }

    /// Starts an engine with `load`.
    pub async fn start(&self, load: Load) -> EngineHandle {
        let regions: Vec<Region> = self.routes.iter().map(|route| route.route.region.clone()).collect();
        let target = Target::Simulator { url: self.simulator.url().clone() };
        let clients = Clients::connect(&target, &regions, ConnectionSettings::default()).await.unwrap();
        let setup = EngineSetup {
            target: TargetInfo { simulated: true, name: "sim".into(), regions, ..TargetInfo::default() },
            clients: Arc::new(clients),
            routes: self.routes.clone(),
            settings: self.settings,
            load: Some(load),
            clock: RunClock::start(),
            seed: 7,
        };
        engine::start(setup, &tokio::runtime::Handle::current())
    }

    /// A file of `records` prompts of about `words` words as load.
    pub fn file(&self, records: usize, words: usize, stream: bool) -> Load {
        let clock = RunClock::start();
        let path = self.path("in.jsonl");
        let line = |n: usize| {
            let prompt = format!("{n} {}", "word ".repeat(words));
            json!({ "recordId": id(n), "prompt": prompt, "max_tokens": 60 }).to_string() + "\n"
        };
        std::fs::write(&path, (0..records).map(line).collect::<String>()).unwrap();
        let options = InputOptions {
            models: vec![ModelId::from(MODEL)],
            api: ApiChoice::Auto,
            max_tokens: None,
            priority: Priority::Medium,
            skip_invalid: false,
        };
        let input = Input::validate(&path, options, |_| ()).unwrap();
        let identity = RunIdentity {
            models: vec![ModelId::from(MODEL)],
            regions: Vec::new(),
            params: BTreeMap::new(),
            target: "sim".into(),
            simulated: true,
        };
        let paths = OutputPaths::new(&self.path("out.jsonl"), None);
        let Outputs { sink, journal, past } =
            Outputs::open(&paths, Existing::Refuse, &identity, Some(&input), false, clock).unwrap();
        let source = FileSource::new(input, &past.finished, FlowId::default(), clock, journal.begun());
        Load::File(FileLoad {
            total: Some(source.remaining()),
            source: Box::new(source),
            sink: Box::new(sink),
            journal: Box::new(journal),
            resumed: 0,
            stream,
            cap: None,
            spent_before: Usd::ZERO,
            label: "in.jsonl".into(),
            output: None,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// That each of `records` is exactly once in OUT or the failed file; how many are in each.
    pub fn exactly_once(&self, records: usize) -> (usize, usize) {
        let (out, failed) = (lines(&self.path("out.jsonl")), lines(&self.path("out.failed.jsonl")));
        assert!(out.iter().all(|line| line.get("modelOutput").is_some() && line.get("error").is_none()));
        assert!(failed.iter().all(|line| line.get("error").is_some() && line.get("modelOutput").is_none()));
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for line in out.iter().chain(&failed) {
            assert_eq!(line["simulated"], true, "{line}");
            *seen.entry(line["recordId"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let lost: Vec<String> = (0..records).map(id).filter(|id| !seen.contains_key(id)).collect();
        seen.retain(|_, times| *times > 1);
        assert!(lost.is_empty() && seen.is_empty(), "lost {lost:?}, more than once {seen:?}");
        (out.len(), failed.len())
    }
}

/// The scope of the trials' model in a Region.
pub fn key(region: &str) -> ScopeKey {
    ScopeKey { region: region.into(), bucket: MODEL.into() }
}

fn id(n: usize) -> String {
    format!("record-{n}")
}

/// The lines of a JSONL file; none if there is no file.
pub fn lines(path: &Path) -> Vec<Value> {
    match std::fs::read_to_string(path) {
        Ok(text) => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// Waits for a snapshot of which `test` is true.
pub async fn until(
    engine: &EngineHandle,
    what: &str,
    mut test: impl FnMut(&EngineSnapshot) -> bool,
) -> Arc<EngineSnapshot> {
    let mut snapshots = engine.snapshot();
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            if test(&snapshot) {
                return snapshot;
            }
            snapshots.changed().await.unwrap();
        }
    });
    match found.await {
        Ok(snapshot) => snapshot,
        Err(_) => panic!("{what} did not happen; {}", story(&engine.snapshot().borrow())),
    }
}

/// Waits for the end of the load. Whenever everything is parked, somebody asks to try again.
pub async fn finished(engine: &EngineHandle) -> Arc<EngineSnapshot> {
    let commands = engine.sender();
    until(engine, "the end", |snapshot| {
        if matches!(snapshot.state, LoadState::Parked { .. }) {
            commands.send(Command::Unpark);
        }
        snapshot.state == LoadState::Finished
    })
    .await
}

/// What a snapshot says of a Region's scope.
pub fn scope<'a>(snapshot: &'a EngineSnapshot, region: &str) -> &'a engine::ScopeView {
    snapshot.scopes.iter().find(|scope| scope.key.region.as_str() == region).unwrap()
}

/// Attempts sent to a Region so far.
pub fn sent(snapshot: &EngineSnapshot, region: &str) -> u64 {
    snapshot.scopes.iter().filter(|scope| scope.key.region.as_str() == region).map(|scope| scope.sent_total).sum()
}

/// Whether a mark with these words is on the charts.
pub fn marked(snapshot: &EngineSnapshot, words: &str) -> bool {
    snapshot.marks.iter().any(|mark| mark.what.contains(words))
}

/// The parts of a snapshot that explain a failed trial.
pub fn story(snapshot: &EngineSnapshot) -> String {
    let journal: Vec<&str> = snapshot.journal.iter().map(|line| line.text.as_str()).take(20).collect();
    format!(
        "state {:?}\nrun {:?}\nflow {:?}\nscopes {:#?}\njournal {journal:#?}",
        snapshot.state, snapshot.run, snapshot.flow, snapshot.scopes
    )
}
