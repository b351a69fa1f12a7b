//! Keeps identity, credentials and quotas in the snapshot fresh.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::catalogue::{BucketKind, Catalogue, base_id, bucket_kind};
use crate::record::{Failure, Region};

use super::desk::Desk;
use super::discovery::{Discovery, join, listed, utc_ms};
use super::quota::quota_of;
use super::quota_table::quota_table;
use super::routes::PlannedRoute;
use super::snapshot::{ControlSnapshot, Question, QuotaLine, RouteLimits, bucket_of};

/// Who we are and how long the credentials last: once a minute, which costs a call only while the identity is unknown.
const IDENTITY_EVERY: Duration = Duration::from_secs(60);
/// Quotas change by a request that takes hours to days; Service Quotas allows few calls.
const QUOTAS_EVERY: Duration = Duration::from_secs(15 * 60);
/// On demand, not more often than this.
const QUOTAS_AT_MOST: Duration = Duration::from_secs(20);
/// After a failure, sooner.
const QUOTAS_AFTER_FAILURE: Duration = Duration::from_secs(120);

/// Asks for identity, credentials and quotas, and publishes what follows for the routes in use.
pub(super) struct Watcher {
    desk: Arc<Desk>,
    routes: Vec<PlannedRoute>,
    discovery: Discovery,
    /// Regions whose quotas could not be read again.
    stale: BTreeMap<Region, Failure>,
}

impl Watcher {
    /// With what `discovery` found about `routes`.
    pub(super) fn new(desk: Arc<Desk>, routes: Vec<PlannedRoute>, discovery: Discovery) -> Watcher {
        Watcher { desk, routes, discovery, stale: BTreeMap::new() }
    }

    /// Keeps asking: identity and credentials once a minute, quotas every 15 minutes; both on demand.
    pub(super) async fn watch(mut self) {
        let mut wishes = self.desk.wishes();
        // They were read when the session began.
        let mut quotas_asked = Instant::now();
        let mut quotas_due = quotas_asked + self.quotas_again();
        let mut identity_due = Instant::now() + IDENTITY_EVERY;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(quotas_due.min(identity_due)) => {}
                Ok(()) = wishes.changed() => {
                    identity_due = Instant::now();
                    quotas_due = quotas_due.min(quotas_asked + QUOTAS_AT_MOST);
                }
            }
            if Instant::now() >= identity_due {
                self.ask_identity().await;
                identity_due = Instant::now() + IDENTITY_EVERY;
            }
            if Instant::now() >= quotas_due {
                self.ask_quotas().await;
                quotas_asked = Instant::now();
                quotas_due = Instant::now() + self.quotas_again();
            }
            self.publish();
        }
    }

    fn quotas_again(&self) -> Duration {
        let failed = !self.stale.is_empty() || self.discovery.regions.values().any(|facts| facts.quotas.is_err());
        if failed { QUOTAS_AFTER_FAILURE } else { QUOTAS_EVERY }
    }

    async fn ask_identity(&mut self) {
        if self.discovery.identity.is_err() {
            self.discovery.identity = self.desk.clients.identity().await;
        }
        self.discovery.credentials_until = self.desk.clients.credentials_until().await;
    }

    async fn ask_quotas(&mut self) {
        let clients = &self.desk.clients;
        let answers = join(self.discovery.regions.keys().map(|region| listed(clients, region))).await;
        let at_ms = utc_ms(SystemTime::now());
        self.stale.clear();
        for ((region, facts), answer) in self.discovery.regions.iter_mut().zip(answers) {
            match answer {
                Ok((quotas, capacity)) => {
                    facts.quotas = Ok(quotas);
                    facts.capacity = capacity;
                    facts.quotas_at_ms = at_ms;
                }
                // What was read before still holds, and shows its age.
                Err(failure) if facts.quotas.is_ok() => {
                    self.stale.insert(region.clone(), failure);
                }
                Err(failure) => facts.quotas = Err(failure),
            }
        }
    }

    /// Puts on the board what is known.
    pub(super) fn publish(&self) {
        let simulated = self.discovery.simulated;
        let limits = self.routes.iter().map(|planned| RouteLimits {
            route: planned.route.clone(),
            key: planned.key.clone(),
            quota: quota_of(planned, self.discovery.regions.get(&planned.key.region), simulated),
        });
        let limits: Vec<RouteLimits> = limits.collect();
        let models: Vec<String> = self.routes.iter().map(|planned| planned.route.model.to_string()).collect();
        let cells = quota_table(&models, &self.discovery.regions, simulated, false);
        for (region, facts) in &self.discovery.regions {
            self.desk.set_capacity_rows(region, &facts.capacity);
        }
        let quotas = self.table();
        self.desk.board.edit(|snapshot| {
            snapshot.identity = self.discovery.identity.as_ref().ok().cloned();
            snapshot.credentials_until_ms = self.discovery.credentials_until.map(utc_ms);
            snapshot.offers = self.desk.told.offers(&limits, &snapshot.offers, utc_ms(SystemTime::now()));
            snapshot.limits = limits;
            snapshot.quotas = quotas;
            snapshot.cells = cells;
            self.desk.tell_time(snapshot);
            self.problems(snapshot);
        });
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

    fn problems(&self, snapshot: &mut ControlSnapshot) {
        let words = |failure: Option<&Failure>| failure.map(|failure| failure.message.clone());
        snapshot.answered(Question::Identity, None, words(self.discovery.identity.as_ref().err()));
        for (region, facts) in &self.discovery.regions {
            snapshot.answered(Question::Models, Some(region), words(facts.models.as_ref().err()));
            snapshot.answered(Question::Profiles, Some(region), words(facts.profiles.as_ref().err()));
            let quotas = facts.quotas.as_ref().err().or_else(|| self.stale.get(region));
            snapshot.answered(Question::Quotas, Some(region), words(quotas));
        }
    }
}
