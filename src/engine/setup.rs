//! What a run needs to start.

use std::sync::Arc;

use crate::bedrock::Clients;
use crate::catalogue::Model;
use crate::limiter::ScopeQuota;
use crate::record::{Route, ScopeKey, Usd};
use crate::workload::{Journal, LoadSpec, RunClock, Sink, Source};

use super::{EngineSettings, TargetInfo};

/// Everything an engine is made of.
pub struct EngineSetup {
    /// Where the load goes, for the header.
    pub target: TargetInfo,
    /// The AWS edge.
    pub clients: Arc<Clients>,
    /// The routes that exist, with what is known of their quotas.
    pub routes: Vec<RouteSetup>,
    /// Settings at the start.
    pub settings: EngineSettings,
    /// The first load, if it begins at once.
    pub load: Option<Load>,
    /// The run's clock.
    pub clock: RunClock,
    /// Seed of the jitter.
    pub seed: u64,
}

/// One route.
#[derive(Clone, Debug)]
pub struct RouteSetup {
    /// Where it leads.
    pub route: Route,
    /// What is metered there.
    pub key: ScopeKey,
    /// What is known of the quota.
    pub quota: ScopeQuota,
    /// Where that came from, in a few words.
    pub quota_source: String,
    /// The catalogue's row, if the model is in it.
    pub model: Option<&'static Model>,
}

/// Work to be done.
pub enum Load {
    /// A file of records, each with exactly one result.
    File(FileLoad),
    /// Synthetic prompts; results are counted and dropped.
    Synthetic(LoadSpec),
}

/// A file of records.
pub struct FileLoad {
    /// Where records come from.
    pub source: Box<dyn Source>,
    /// Where results go.
    pub sink: Box<dyn Sink>,
    /// What a resume needs to know.
    pub journal: Box<dyn Journal>,
    /// Records to be done in this process, if known.
    pub total: Option<u64>,
    /// Records that an earlier run finished.
    pub resumed: u64,
    /// Whether replies are streamed.
    pub stream: bool,
    /// Stop before this much is spent, over all resumes.
    pub cap: Option<Usd>,
    /// What earlier runs spent, at worst case where it is not known.
    pub spent_before: Usd,
    /// The input's name.
    pub label: String,
    /// The output's name.
    pub output: Option<String>,
}
