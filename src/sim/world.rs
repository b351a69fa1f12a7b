//! What all connections of one simulator share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::HeaderMap;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use crate::catalogue::Catalogue;
use crate::record::Micros;

use super::account::Account;
use super::increases::{self, Increases};
use super::jobs::{self, Jobs};
use super::metrics::{Metrics, Written};
use super::objects::Objects;
use super::provisioned::Shelf;
use super::quotas::Row;
use super::s3::Uploads;
use super::scenario::{RegionSpec, Scenario};
use super::text::Speaker;

/// Request bodies of all connections together may take up this much memory.
const BODY_MEMORY: usize = 512 << 20;

/// The simulated account, its clock and its chance.
pub(super) struct World {
    pub scenario: Scenario,
    pub catalogue: &'static Catalogue,
    pub speaker: Speaker,
    /// The account's S3.
    pub objects: Objects,
    /// What is on its way into it in parts.
    pub uploads: Uploads,
    /// The account's CloudWatch.
    pub metrics: Metrics,
    /// How far the tenants are in it.
    pub tenants: Written,
    /// The account's batch jobs.
    pub jobs: Jobs,
    started: Instant,
    unix_start: Micros,
    account: Mutex<Account>,
    provisioned: Mutex<Shelf>,
    arrivals: AtomicU64,
    body_bytes: AtomicUsize,
    watching: AtomicBool,
    watched: Mutex<BTreeMap<String, u64>>,
    /// What Service Quotas lists, by Region.
    pub quota_rows: Mutex<BTreeMap<String, Arc<Vec<Row<'static>>>>>,
    increases: Mutex<Increases>,
    /// When the next increase comes into force, service time; `u64::MAX`: none is expected.
    next_increase: AtomicU64,
}

/// One request's own share of time and chance.
pub(super) struct Arrival {
    pub at: Instant,
    pub rng: ChaCha8Rng,
    /// The `x-amzn-RequestId`.
    pub request_id: String,
}

impl World {
    pub(super) fn new(scenario: Scenario, catalogue: &'static Catalogue) -> World {
        let unix_start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().into();
        let account = Account::new(&scenario, catalogue, unix_start);
        let metrics = Metrics::new(Micros::from_secs_f64(scenario.metric_delay_s));
        let jobs = jobs::beginning(&scenario, catalogue, unix_start);
        let provisioned = Shelf::of(&scenario, catalogue, unix_start);
        World {
            scenario,
            catalogue,
            speaker: Speaker::new(),
            objects: Objects::new(),
            jobs,
            uploads: Uploads::default(),
            metrics,
            tenants: Written::default(),
            started: Instant::now(),
            unix_start,
            account: Mutex::new(account),
            provisioned: Mutex::new(provisioned),
            arrivals: AtomicU64::new(0),
            body_bytes: AtomicUsize::new(0),
            watching: AtomicBool::new(false),
            watched: Mutex::new(BTreeMap::new()),
            quota_rows: Mutex::new(BTreeMap::new()),
            increases: Mutex::default(),
            next_increase: AtomicU64::new(u64::MAX),
        }
    }

    /// The simulator's own time: zero at its start.
    pub(super) fn time(&self, at: Instant) -> Micros {
        at.saturating_duration_since(self.started).into()
    }

    /// Unix time, which the meters need for their minutes and days. It runs evenly: the wall clock is read once.
    pub(super) fn unix(&self) -> Micros {
        self.unix_start + self.time(Instant::now())
    }

    /// Unix time as the control plane lives it: jobs, provisioning and approvals run `speed` times as fast.
    pub(super) fn service_time(&self) -> Micros {
        let passed = self.time(Instant::now()).secs_f64() * self.scenario.speed;
        self.unix_start + Micros::from_secs_f64(passed)
    }

    /// Requests for higher quotas.
    pub(super) fn increases(&self) -> MutexGuard<'_, Increases> {
        self.increases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next of them comes into force.
    pub(super) fn expect_increase(&self, at: Option<Micros>) {
        self.next_increase.store(at.map_or(u64::MAX, |at| at.0), Ordering::Relaxed);
    }

    /// Puts in force what has been granted by now. Costs nothing while nothing is expected.
    pub(super) fn grant_increases(&self) {
        let next = self.next_increase.load(Ordering::Relaxed);
        if next != u64::MAX && self.service_time().0 >= next {
            increases::grant_due(self);
        }
    }

    /// Service time when the simulator began.
    pub(super) fn began(&self) -> Micros {
        self.unix_start
    }

    /// A request has arrived: the n-th of a seed always draws the same.
    pub(super) fn arrive(&self) -> Arrival {
        let number = self.arrivals.fetch_add(1, Ordering::Relaxed);
        let mut rng = ChaCha8Rng::seed_from_u64(self.scenario.seed);
        rng.set_stream(number);
        let id: u128 = rng.random();
        Arrival { at: Instant::now(), rng, request_id: uuid(id) }
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        // The account is consistent after each of its methods, so a panic elsewhere does not spoil it.
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.follow_others(self.unix());
        account
    }

    /// The provisioned models.
    pub(super) fn provisioned(&self) -> MutexGuard<'_, Shelf> {
        self.provisioned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Region of this name, if the scenario has it.
    pub(super) fn region(&self, name: &str) -> Option<&RegionSpec> {
        self.scenario.regions.iter().find(|region| region.name == name)
    }

    /// Sets memory for `bytes` of a request body aside; none if too much is in use.
    pub(super) fn claim(self: &Arc<World>, bytes: usize) -> Option<Claim> {
        let mut claim = Claim { world: Arc::clone(self), bytes: 0 };
        claim.grow(bytes).then_some(claim)
    }

    /// Counts from now on the requests of which a header value contains `needle`.
    pub(super) fn watch(&self, needle: &str) {
        self.watched_needles().entry(needle.to_owned()).or_default();
        self.watching.store(true, Ordering::Relaxed);
    }

    /// Looks for the watched needles in a request's headers and query.
    pub(super) fn look(&self, headers: &HeaderMap, target: &str) {
        if !self.watching.load(Ordering::Relaxed) {
            return;
        }
        for (needle, seen) in self.watched_needles().iter_mut() {
            let wanted = needle.as_bytes();
            let found = headers.values().any(|value| memchr::memmem::find(value.as_bytes(), wanted).is_some())
                || target.contains(needle.as_str());
            *seen += u64::from(found);
        }
    }

    pub(super) fn watched_needles(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory set aside for a request body; given back when dropped.
pub(super) struct Claim {
    world: Arc<World>,
    bytes: usize,
}

impl Claim {
    /// Sets more aside; false if too much is in use.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let before = self.world.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > BODY_MEMORY {
            self.world.body_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Claim {
    /// Gives everything back.
    pub(super) fn release(&mut self) {
        self.world.body_bytes.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.release();
    }
}

/// 128 bits in the form of a version 4 UUID.
fn uuid(bits: u128) -> String {
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 64) & 0xffff,
        (bits >> 48) & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_have_the_form_of_a_uuid() {
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn the_nth_arrival_of_a_seed_draws_the_same() {
        let draw = || {
            let world = World::new(Scenario::demo(), Catalogue::embedded());
            let ids: Vec<String> = (0..3).map(|_| world.arrive().request_id).collect();
            ids
        };
        let ids = draw();
        assert_eq!(ids, draw());
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    }

    #[test]
    fn body_memory_is_bounded_and_given_back() {
        let world = Arc::new(World::new(Scenario::demo(), Catalogue::embedded()));
        let mut claim = world.claim(BODY_MEMORY - 10).unwrap();
        assert!(world.claim(11).is_none());
        assert!(claim.grow(10));
        assert!(!claim.grow(1));
        drop(claim);
        assert!(world.claim(BODY_MEMORY).is_some());
    }
}
