//! One round of questions to each Region.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::bedrock::{Clients, FoundationModel, Identity, InferenceProfile, QuotaEntry};
use crate::catalogue::{Catalogue, QuotaMeaning};
use crate::record::{Failure, Region};

/// A quota that a Region lists, and what its name says.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedQuota {
    /// The row.
    pub entry: QuotaEntry,
    /// What it limits.
    pub meaning: QuotaMeaning,
}

/// What a Region answered. A question that failed keeps its failure: the others stand.
#[derive(Clone, Debug)]
pub struct RegionFacts {
    /// Foundation models.
    pub models: Result<Vec<FoundationModel>, Failure>,
    /// Inference profiles, of AWS and of the user.
    pub profiles: Result<Vec<InferenceProfile>, Failure>,
    /// Applied quotas of on-demand inference.
    pub quotas: Result<Vec<ListedQuota>, Failure>,
    /// The rows on model units and batch jobs. All others of Service Quotas are left out.
    pub capacity: Vec<QuotaEntry>,
    /// When the quotas were read, milliseconds since 1970.
    pub quotas_at_ms: i64,
}

/// What the account answered.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// Who we are.
    pub identity: Result<Identity, Failure>,
    /// When the credentials end.
    pub credentials_until: Option<SystemTime>,
    /// Each Region.
    pub regions: BTreeMap<Region, RegionFacts>,
    /// All of this was made by a simulator.
    pub simulated: bool,
}

/// Asks everything once, all Regions side by side. Takes as long as the slowest answer, at most the control timeout of
/// the connection settings for each page.
pub async fn discover(clients: &Clients) -> Discovery {
    // Once the identity is known, the credentials are there and cached for all the others.
    let identity = clients.identity().await;
    let mut regions = BTreeMap::new();
    for (region, facts) in join(clients.regions().map(|region| region_facts(clients, region))).await {
        regions.insert(region, facts);
    }
    let credentials_until = clients.credentials_until().await;
    Discovery { identity, credentials_until, regions, simulated: clients.simulated() }
}

async fn region_facts(clients: &Clients, region: &Region) -> (Region, RegionFacts) {
    let (models, profiles, quotas) =
        tokio::join!(clients.foundation_models(region), clients.inference_profiles(region), listed(clients, region));
    let (quotas, capacity) = match quotas {
        Ok((quotas, capacity)) => (Ok(quotas), capacity),
        Err(failure) => (Err(failure), Vec::new()),
    };
    (region.clone(), RegionFacts { models, profiles, quotas, capacity, quotas_at_ms: utc_ms(SystemTime::now()) })
}

/// The applied quotas of on-demand inference in `region`, and the rows on model units and batch jobs.
pub(super) async fn listed(clients: &Clients, region: &Region) -> Result<(Vec<ListedQuota>, Vec<QuotaEntry>), Failure> {
    let catalogue = Catalogue::embedded();
    let mut quotas = Vec::new();
    let mut capacity = Vec::new();
    for entry in clients.quotas(region).await? {
        if let Some(meaning) = catalogue.match_quota_name(&entry.name) {
            quotas.push(ListedQuota { entry, meaning });
        } else if is_capacity(&entry.name) {
            capacity.push(entry);
        }
    }
    Ok((quotas, capacity))
}

/// A row on model units or batch jobs.
#[must_use]
pub fn is_capacity(name: &str) -> bool {
    name.starts_with("Model units") || name.to_lowercase().contains("batch inference")
}

/// Waits for all of `futures` at once; their answers come in the order of the futures.
pub(super) async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, answer) in &mut running {
            if answer.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *answer = Some(ready),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, answer)| answer).collect()
}

/// Milliseconds since 1970.
pub(super) fn utc_ms(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
