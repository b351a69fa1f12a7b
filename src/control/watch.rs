//! Keeps the snapshot fresh.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::bedrock::Clients;
use crate::catalogue::{BucketKind, Catalogue, base_id, bucket_kind};
use crate::record::{Failure, Region};

use super::discovery::{Discovery, join, listed, utc_ms};
use super::quota::quota_of;
use super::routes::PlannedRoute;
use super::snapshot::{ControlProblem, ControlSnapshot, QuotaLine, RouteLimits, bucket_of};

/// Who we are and how long the credentials last: once a minute, which costs a call only while the identity is unknown.
const IDENTITY_EVERY: Duration = Duration::from_secs(60);
/// Quotas change by a request that takes hours to days; Service Quotas allows few calls.
const QUOTAS_EVERY: Duration = Duration::from_secs(15 * 60);
/// After a failure, sooner.
const QUOTAS_AFTER_FAILURE: Duration = Duration::from_secs(120);

/// The watch over the account. Dropping it ends the watch.
#[derive(Debug)]
pub struct ControlHandle {
    snapshot: watch::Receiver<Arc<ControlSnapshot>>,
    task: AbortHandle,
}

impl ControlHandle {
    /// The latest snapshot, and the news of each later one.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Arc<ControlSnapshot>> {
        self.snapshot.clone()
    }
}

impl Drop for ControlHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Publishes what `discovery` found about `routes`, and keeps asking: identity and credentials once a minute, quotas every 15 minutes.
#[must_use]
pub fn start(
    clients: Arc<Clients>,
    routes: Vec<PlannedRoute>,
    discovery: Discovery,
    runtime: &Handle,
) -> ControlHandle {
    let mut watcher = Watcher { clients, routes, discovery, stale: BTreeMap::new(), asked_at: SystemTime::now() };
    let (publish, snapshot) = watch::channel(Arc::new(watcher.snapshot()));
    let task = runtime.spawn(async move {
        let mut quotas_due = Instant::now() + watcher.quotas_again();
        let mut identity_due = Instant::now() + IDENTITY_EVERY;
        while !publish.is_closed() {
            tokio::time::sleep_until(quotas_due.min(identity_due)).await;
            if Instant::now() >= identity_due {
                watcher.ask_identity().await;
                identity_due = Instant::now() + IDENTITY_EVERY;
            }
            if Instant::now() >= quotas_due {
                watcher.ask_quotas().await;
                quotas_due = Instant::now() + watcher.quotas_again();
            }
            publish.send_replace(Arc::new(watcher.snapshot()));
        }
    });
    ControlHandle { snapshot, task: task.abort_handle() }
}

struct Watcher {
    clients: Arc<Clients>,
    routes: Vec<PlannedRoute>,
    discovery: Discovery,
    /// Regions whose quotas could not be read again.
    stale: BTreeMap<Region, Failure>,
    asked_at: SystemTime,
}

impl Watcher {
    fn quotas_again(&self) -> Duration {
        let failed = !self.stale.is_empty() || self.discovery.regions.values().any(|facts| facts.quotas.is_err());
        if failed { QUOTAS_AFTER_FAILURE } else { QUOTAS_EVERY }
    }

    async fn ask_identity(&mut self) {
        if self.discovery.identity.is_err() {
            self.discovery.identity = self.clients.identity().await;
            self.asked_at = SystemTime::now();
        }
        self.discovery.credentials_until = self.clients.credentials_until().await;
    }

    async fn ask_quotas(&mut self) {
        let clients = &self.clients;
        let answers = join(self.discovery.regions.keys().map(|region| listed(clients, region))).await;
        self.asked_at = SystemTime::now();
        self.stale.clear();
        for ((region, facts), answer) in self.discovery.regions.iter_mut().zip(answers) {
            match answer {
                Ok(quotas) => {
                    facts.quotas = Ok(quotas);
                    facts.quotas_at_ms = utc_ms(self.asked_at);
                }
                // What was read before still holds, and shows its age.
                Err(failure) if facts.quotas.is_ok() => {
                    self.stale.insert(region.clone(), failure);
                }
                Err(failure) => facts.quotas = Err(failure),
            }
        }
    }

    fn snapshot(&self) -> ControlSnapshot {
        let simulated = self.discovery.simulated;
        let limits = self.routes.iter().map(|planned| RouteLimits {
            route: planned.route.clone(),
            key: planned.key.clone(),
            quota: quota_of(planned, self.discovery.regions.get(&planned.key.region), simulated),
        });
        ControlSnapshot {
            at_ms: utc_ms(SystemTime::now()),
            simulated,
            identity: self.discovery.identity.as_ref().ok().cloned(),
            credentials_until_ms: self.discovery.credentials_until.map(utc_ms),
            limits: limits.collect(),
            quotas: self.table(),
            problems: self.problems(),
            ..ControlSnapshot::default()
        }
    }

    /// The quotas of the models in use, and of the account.
    fn table(&self) -> Vec<QuotaLine> {
        let catalogue = Catalogue::embedded();
        let mut lines = Vec::new();
        for (region, facts) in &self.discovery.regions {
            let here = self.routes.iter().filter(|planned| planned.key.region == *region);
            let used: BTreeSet<(&str, BucketKind)> = here
                .map(|planned| {
                    let base = base_id(planned.key.bucket.as_str());
                    let base = catalogue.model(base).map_or(base, |model| model.id.as_str());
                    (base, bucket_kind(planned.key.bucket.as_str()))
                })
                .collect();
            let listed = facts.quotas.as_deref().unwrap_or_default();
            let first = lines.len();
            lines.extend(listed.iter().filter_map(|quota| {
                let of_model = |id: &String| used.iter().any(|(base, _)| *base == id);
                let account = quota.meaning.model_ids.is_empty() && quota.meaning.model.is_empty();
                if !account && !quota.meaning.model_ids.iter().any(of_model) {
                    return None;
                }
                let row = catalogue.quotas().iter().find(|row| row.code.as_deref() == Some(&quota.entry.code));
                let counts = |(base, kind): &(&str, BucketKind)| {
                    quota.meaning.factor(*kind).is_some() && quota.meaning.model_ids.iter().any(|id| id == base)
                };
                Some(QuotaLine {
                    region: region.clone(),
                    code: quota.entry.code.clone(),
                    name: quota.entry.name.clone(),
                    metric: quota.meaning.metric,
                    bucket: bucket_of(quota.meaning.applies),
                    value: quota.entry.value,
                    default: row.and_then(|row| row.default_in(region.as_str())).map(|default| default.value),
                    adjustable: quota.entry.adjustable,
                    read_at_ms: facts.quotas_at_ms,
                    in_use: account || used.iter().any(counts),
                })
            }));
            lines[first..].sort_by(|a, b| a.name.cmp(&b.name));
        }
        lines
    }

    fn problems(&self) -> Vec<ControlProblem> {
        let at_ms = utc_ms(self.asked_at);
        let problem =
            |region: Option<_>, failure: &Failure| ControlProblem { region, message: failure.message.clone(), at_ms };
        let mut problems: Vec<_> =
            self.discovery.identity.as_ref().err().map(|failure| problem(None, failure)).into_iter().collect();
        for (region, facts) in &self.discovery.regions {
            let failures = [facts.models.as_ref().err(), facts.profiles.as_ref().err(), facts.quotas.as_ref().err()];
            let failures = failures.into_iter().chain([self.stale.get(region)]).flatten();
            problems.extend(failures.map(|failure| problem(Some(region.clone()), failure)));
        }
        problems
    }
}
