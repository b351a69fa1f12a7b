//! What a run needs to start.

use std::sync::Arc;

use crate::bedrock::Clients;
use crate::catalogue::{Catalogue, Model, cost};
use crate::limiter::{QuotaLimit, ScopeQuota};
use crate::record::{ModelId, ProvisionedRoute, Route, ScopeKey, Usage, Usd};
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
    /// Its capacity was bought.
    pub provisioned: Option<ProvisionedRoute>,
}

impl RouteSetup {
    /// A route to bought capacity: a scope of its own, with input and output metered apart where they are known.
    #[must_use]
    pub fn bought(provisioned: ProvisionedRoute) -> RouteSetup {
        let limit = |tpm: Option<u64>| tpm.map_or(QuotaLimit::Unknown, QuotaLimit::Limit);
        let route = provisioned.route.clone();
        RouteSetup {
            key: ScopeKey { region: route.region.clone(), bucket: route.model.clone() },
            route,
            quota: ScopeQuota {
                rpm: QuotaLimit::Absent,
                // Without the one the other means nothing: then all tokens count, and the limiter finds how many.
                tpm: limit(provisioned.output_tpm.and(provisioned.input_tpm)),
                tpd: QuotaLimit::Absent,
                burndown: 1,
            },
            quota_source: match (provisioned.input_tpm, provisioned.output_tpm) {
                (Some(_), Some(output)) => format!("model units: input; output {output} TPM (both assumed)"),
                _ => "model units: unknown capacity".to_string(),
            },
            model: Catalogue::embedded().model(provisioned.model.as_str()),
            provisioned: Some(provisioned),
        }
    }

    /// The id that tells what bodies it takes and how its tokens count.
    #[must_use]
    pub fn model_id(&self) -> &ModelId {
        self.provisioned.as_ref().map_or(&self.route.model, |provisioned| &provisioned.model)
    }

    /// What a request costs by its tokens: nothing where the hours are paid; `None`: not known.
    #[must_use]
    pub fn price(&self, usage: &Usage) -> Option<Usd> {
        if self.provisioned.is_some() {
            return Some(Usd::ZERO);
        }
        self.model.and_then(|model| cost::price(model, self.route.model.as_str(), usage))
    }

    /// What it costs if the reply is as long as it may be; `None`: not known.
    #[must_use]
    pub fn worst_price(&self, input: u64, max_tokens: u64) -> Option<Usd> {
        if self.provisioned.is_some() {
            return Some(Usd::ZERO);
        }
        self.model.and_then(|model| cost::worst_price(model, self.route.model.as_str(), input, max_tokens))
    }
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
