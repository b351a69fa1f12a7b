//! The simulator in a process of its own: its work is not the client's.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bedrock_top::bedrock::{Clients, ConnectionSettings, Target};
use bedrock_top::catalogue::Catalogue;
use bedrock_top::engine::{EngineSettings, EngineSetup, Load, RouteSetup, TargetInfo};
use bedrock_top::limiter::{QuotaLimit, ScopeQuota};
use bedrock_top::record::{Region, Route, ScopeKey};
use bedrock_top::workload::RunClock;

pub const REGION: &str = "us-east-1";
pub const MODEL: &str = "us.anthropic.claude-sonnet-4-6";

/// Answers at once, and as much as it likes: all that is left to measure is the client.
const SCENARIO: &str = r#"
output_tokens = 60
tpd = 1000000000000
[[region]]
name = "us-east-1"
ttft_ms = 0.0
tokens_per_second = 1000000.0
[[quota]]
region = "us-east-1"
model = "us.anthropic.claude-sonnet-4-6"
"#;

/// A running `bedrock-top sim`.
pub struct Simulator {
    child: Child,
    pub url: String,
    /// The scenario file lives as long as the process.
    _scenario: tempfile::NamedTempFile,
}

impl Simulator {
    pub fn start() -> io::Result<Simulator> {
        let scenario = tempfile::Builder::new().suffix(".toml").tempfile()?;
        std::fs::write(scenario.path(), SCENARIO)?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_bedrock-top"))
            .args(["sim", "--scenario"])
            .arg(scenario.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let url = line.trim().strip_prefix("listening on ").map(str::to_string);
        let url = url.ok_or_else(|| io::Error::other(format!("the simulator said {line:?}")))?;
        Ok(Simulator { child, url, _scenario: scenario })
    }

    /// An engine on it, with quotas that never bind but are kept count of.
    pub async fn engine(&self, concurrency: u32, load: Load, clock: RunClock) -> io::Result<EngineSetup> {
        let url = self.url.parse().map_err(io::Error::other)?;
        let region = Region::from(REGION);
        let target = Target::Simulator { url };
        let clients = Clients::connect(&target, std::slice::from_ref(&region), ConnectionSettings::default()).await;
        let route = RouteSetup {
            provisioned: None,
            route: Route::new(REGION, MODEL),
            key: ScopeKey { region: region.clone(), bucket: MODEL.into() },
            quota: ScopeQuota {
                rpm: QuotaLimit::Limit(100_000_000),
                tpm: QuotaLimit::Limit(1_000_000_000_000),
                tpd: QuotaLimit::Absent,
                burndown: 5,
            },
            quota_source: "by hand".to_string(),
            model: Catalogue::embedded().model(MODEL),
        };
        let regions = vec![region];
        Ok(EngineSetup {
            target: TargetInfo { simulated: true, name: self.url.clone(), regions, ..TargetInfo::default() },
            clients: Arc::new(clients.map_err(io::Error::other)?),
            routes: vec![route],
            settings: EngineSettings { concurrency, ..EngineSettings::default() },
            load: Some(load),
            clock,
            seed: 7,
        })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
