//! Everything that has to be known before a run, in one go.

use crate::bedrock::{Clients, Identity};
use crate::catalogue::Model;
use crate::limiter::ScopeQuota;
use crate::record::{ErrorClass, Failure, ModelId, Region, Route, ScopeKey};

use super::discovery::{Discovery, discover, utc_ms};
use super::quota::quota_of;
use super::routes::{PlannedRoute, Refusal, expand_routes};

/// A route, ready for a limiter.
#[derive(Clone, Debug)]
pub struct FoundRoute {
    /// Where it leads.
    pub route: Route,
    /// What is metered there.
    pub key: ScopeKey,
    /// What is known of the quota.
    pub quota: ScopeQuota,
    /// Where that came from, with quota codes.
    pub quota_source: String,
    /// The catalogue's row, if the model is in it.
    pub model: Option<&'static Model>,
}

/// What was found for `--model` x `--region`.
#[derive(Clone, Debug)]
pub struct Found {
    /// The routes that exist.
    pub routes: Vec<FoundRoute>,
    /// The same routes, as [`super::start`] takes them.
    pub planned: Vec<PlannedRoute>,
    /// Those that do not, and what to use instead.
    pub refusals: Vec<Refusal>,
    /// What could not be asked, and what follows from that: one line each.
    pub notes: Vec<String>,
    /// Who we are.
    pub identity: Option<Identity>,
    /// Why the credentials cannot be used, if that is why there is no identity.
    pub credentials: Option<Failure>,
    /// When the credentials end, milliseconds since 1970.
    pub credentials_until_ms: Option<i64>,
    /// All the answers, as [`super::start`] takes them.
    pub discovery: Discovery,
}

/// Asks the account, expands the routes and finds the quota of each. Never fails as a whole: without permission for one
/// question the next best source answers, and a note says so.
pub async fn find_routes(clients: &Clients, models: &[ModelId], regions: &[Region]) -> Found {
    let discovery = discover(clients).await;
    let models: Vec<String> = models.iter().map(ToString::to_string).collect();
    let expansion = expand_routes(&models, regions, &discovery.regions);
    let routes = expansion.routes.iter().map(|planned| {
        let quota = quota_of(planned, discovery.regions.get(&planned.key.region), discovery.simulated);
        FoundRoute {
            route: planned.route.clone(),
            key: planned.key.clone(),
            quota: quota.scope_quota(),
            quota_source: quota.source(),
            model: planned.model,
        }
    });
    let mut notes = Vec::new();
    let failure = discovery.identity.as_ref().err();
    notes.extend(failure.map(|failure| failure.message.clone()));
    for (region, facts) in &discovery.regions {
        let failures = [facts.models.as_ref().err(), facts.profiles.as_ref().err(), facts.quotas.as_ref().err()];
        notes.extend(failures.into_iter().flatten().map(|failure| format!("{region}: {}", failure.message)));
    }
    Found {
        routes: routes.collect(),
        planned: expansion.routes,
        refusals: expansion.refusals,
        notes,
        identity: discovery.identity.as_ref().ok().cloned(),
        credentials: failure.filter(|failure| failure.class == ErrorClass::Credentials).cloned(),
        credentials_until_ms: discovery.credentials_until.map(utc_ms),
        discovery,
    }
}
