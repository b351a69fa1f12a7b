//! The simulated account: its quotas as the server meters them, and the books on what happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalogue::{Catalogue, Metric, Model};
use crate::meter::{HoldId, MeterSpec, Rejected, ScopeSpec, ServerScope, TpdPool};
use crate::record::{Micros, Usage};

use super::ledger::{Ledger, ScopeLedger};
use super::route::Operation;
use super::scenario::{MeterKind, QuotaSpec, Scenario};

/// Access key ids and error names are kept apart up to this many: a hostile client may invent more.
const NAMES: usize = 64;

/// One account, in all its Regions.
pub(super) struct Account {
    scopes: Vec<Scope>,
    by_name: HashMap<String, HashMap<String, usize>>,
    pools: HashMap<String, TpdPool>,
    operations: BTreeMap<Operation, u64>,
    errors: BTreeMap<&'static str, u64>,
    access_keys: BTreeSet<String>,
    tpd: u64,
}

/// A request in flight, as the account knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    scope: usize,
    hold: HoldId,
}

struct Scope {
    region: String,
    bucket: String,
    meters: ServerScope,
    rpm_capacity: Option<f64>,
    tpm_capacity: Option<f64>,
    used: Usage,
    completed: u64,
    abandoned: u64,
}

impl Account {
    /// The account of a resolved scenario, of which nothing is used at `now`.
    pub(super) fn new(scenario: &Scenario, catalogue: &'static Catalogue, now: Micros) -> Account {
        let mut account = Account {
            scopes: Vec::new(),
            by_name: HashMap::new(),
            pools: HashMap::new(),
            operations: BTreeMap::new(),
            errors: BTreeMap::new(),
            access_keys: BTreeSet::new(),
            tpd: scenario.tpd,
        };
        for quota in &scenario.quotas {
            // A resolved scenario has routes only.
            let Ok(route) = catalogue.route(&quota.region, &quota.model) else { continue };
            let burndown = route.model.map_or(1, |model| model.burndown);
            account.open(&quota.region, route.bucket.as_str(), quota_spec(quota, burndown), now);
        }
        for tenant in &scenario.tenants {
            let Ok(route) = catalogue.route(&tenant.region, &tenant.model) else { continue };
            if let Some(scope) = account.find(&tenant.region, route.bucket.as_str()) {
                account.scopes[scope].meters.others(tenant.tokens_per_minute as u64, now);
            }
        }
        account
    }

    /// The scope of a bucket in a Region. One without a quota is opened at its first use: it meters nothing but the day.
    pub(super) fn scope(&mut self, region: &str, bucket: &str, model: &Model, now: Micros) -> usize {
        match self.find(region, bucket) {
            Some(scope) => scope,
            None => {
                let free = ScopeSpec { rpm: None, tpm: None, tpd: None, burndown: model.burndown, reject_charge: 0.0 };
                self.open(region, bucket, free, now)
            }
        }
    }

    /// How much of the scope's quota is in use, 0 to 1.
    pub(super) fn load(&mut self, scope: usize, now: Micros) -> f64 {
        let scope = &mut self.scopes[scope];
        let view = scope.meters.view(now);
        let used = |level: Option<i64>, capacity: Option<f64>| match (level, capacity) {
            (Some(level), Some(capacity)) if capacity > 0.0 => 1.0 - level as f64 / capacity,
            _ => 0.0,
        };
        used(view.rpm_level, scope.rpm_capacity).max(used(view.tpm_level, scope.tpm_capacity)).clamp(0.0, 1.0)
    }

    /// Admits a request or says which meter refuses.
    pub(super) fn admit(
        &mut self,
        scope: usize,
        input: u64,
        max_tokens: u64,
        now: Micros,
    ) -> Result<Admission, Rejected> {
        self.scopes[scope].meters.admit(input, 0, 0, max_tokens, now).map(|hold| Admission { scope, hold })
    }

    /// `output` tokens are out.
    pub(super) fn progress(&mut self, admission: Admission, output: u64, now: Micros) {
        self.scopes[admission.scope].meters.progress(admission.hold, output, now);
    }

    /// The request is over; `complete`: its reply was finished, otherwise the client left it.
    pub(super) fn settle(&mut self, admission: Admission, usage: &Usage, complete: bool, now: Micros) {
        let scope = &mut self.scopes[admission.scope];
        scope.meters.settle(admission.hold, usage, now);
        scope.used.input = scope.used.input.saturating_add(usage.input);
        scope.used.output = scope.used.output.saturating_add(usage.output);
        if complete {
            scope.completed += 1;
        } else {
            scope.abandoned += 1;
        }
    }

    /// A quota of a bucket is `limit` from now on. One that is not enforced stays so.
    pub(super) fn raise(&mut self, region: &str, bucket: &str, metric: Metric, limit: u64, now: Micros) {
        let Some(index) = self.find(region, bucket) else { return };
        let scope = &mut self.scopes[index];
        let mut spec = scope.meters.spec();
        match metric {
            Metric::Rpm => spec.rpm = spec.rpm.map(|meter| MeterSpec { per_minute: limit, ..meter }),
            Metric::Tpm => spec.tpm = spec.tpm.map(|meter| MeterSpec { per_minute: limit, ..meter }),
            Metric::Tpd => spec.tpd = spec.tpd.map(|_| limit),
        }
        scope.meters.retune(spec, now);
        scope.rpm_capacity = spec.rpm.map(capacity);
        scope.tpm_capacity = spec.tpm.map(capacity);
    }

    /// Counts a request that reached its operation.
    pub(super) fn count(&mut self, operation: Operation, access_key: &str) {
        *self.operations.entry(operation).or_default() += 1;
        if !access_key.is_empty() && self.access_keys.len() < NAMES && !self.access_keys.contains(access_key) {
            self.access_keys.insert(access_key.to_owned());
        }
    }

    /// Counts an error reply.
    pub(super) fn count_error(&mut self, code: &'static str) {
        *self.errors.entry(code).or_default() += 1;
    }

    /// The books as they stand.
    pub(super) fn ledger(&mut self, now: Micros) -> Ledger {
        let scopes = self.scopes.iter_mut().map(|scope| {
            let view = scope.meters.view(now);
            let [rejected_rpm, rejected_tpm, rejected_tpd] = view.rejected;
            ScopeLedger {
                region: scope.region.clone(),
                bucket: scope.bucket.clone(),
                admitted: view.admitted,
                completed: scope.completed,
                abandoned: scope.abandoned,
                in_flight: view.in_flight,
                rejected_rpm,
                rejected_tpm,
                rejected_tpd,
                settled: view.settled,
                held: view.held,
                used: scope.used,
                rpm_level: view.rpm_level,
                tpm_level: view.tpm_level,
                tpd_used: view.tpd_used,
            }
        });
        Ledger {
            scopes: scopes.collect(),
            operations: self.operations.clone(),
            errors: self.errors.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect(),
            access_keys: self.access_keys.clone(),
            watched: BTreeMap::new(),
        }
    }

    fn find(&self, region: &str, bucket: &str) -> Option<usize> {
        self.by_name.get(region)?.get(bucket).copied()
    }

    fn open(&mut self, region: &str, bucket: &str, spec: ScopeSpec, now: Micros) -> usize {
        let tpd = self.tpd;
        let pool = self.pools.entry(region.to_owned()).or_insert_with(|| TpdPool::new(tpd, now)).clone();
        self.scopes.push(Scope {
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            meters: ServerScope::new(spec, now).with_pool(pool),
            rpm_capacity: spec.rpm.map(capacity),
            tpm_capacity: spec.tpm.map(capacity),
            used: Usage::default(),
            completed: 0,
            abandoned: 0,
        });
        let index = self.scopes.len() - 1;
        self.by_name.entry(region.to_owned()).or_default().insert(bucket.to_owned(), index);
        index
    }
}

fn quota_spec(quota: &QuotaSpec, burndown: u32) -> ScopeSpec {
    let kind = match quota.meter {
        MeterKind::Bucket => crate::meter::MeterKind::Bucket { burst_seconds: quota.burst_seconds },
        MeterKind::Minute => crate::meter::MeterKind::Minute,
        MeterKind::Sliding => crate::meter::MeterKind::Sliding,
    };
    let meter = |per_minute| MeterSpec { kind, per_minute };
    ScopeSpec {
        rpm: quota.rpm.map(meter),
        tpm: quota.tpm.map(meter),
        tpd: quota.tpd,
        burndown,
        reject_charge: quota.reject_charge,
    }
}

/// What a meter holds when nothing is used.
fn capacity(meter: MeterSpec) -> f64 {
    match meter.kind {
        crate::meter::MeterKind::Bucket { burst_seconds } => meter.per_minute as f64 * burst_seconds / 60.0,
        crate::meter::MeterKind::Guarded => meter.per_minute as f64 / 30.0,
        crate::meter::MeterKind::Minute | crate::meter::MeterKind::Sliding => meter.per_minute as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SONNET: &str = "us.anthropic.claude-sonnet-4-6";

    fn account(quota: QuotaSpec) -> (Account, usize) {
        let scenario = Scenario {
            quotas: vec![QuotaSpec { region: "us-east-1".into(), model: SONNET.into(), ..quota }],
            tpd: 1_000_000,
            ..Scenario::default()
        };
        let mut account = Account::new(&scenario, Catalogue::embedded(), Micros::ZERO);
        let model = Catalogue::embedded().model(SONNET).unwrap();
        let scope = account.scope("us-east-1", SONNET, model, Micros::ZERO);
        (account, scope)
    }

    /// The worked example of the user guide, measured on Sonnet 4.6: 26 in and 1,203 out settle at 26 + 5 x 1,203.
    #[test]
    fn a_request_reserves_and_settles_as_the_service_says() {
        let (mut account, scope) = account(QuotaSpec { tpm: Some(60_000), ..QuotaSpec::default() });
        let hold = account.admit(scope, 26, 4_096, Micros::ZERO).unwrap();
        let level = |account: &mut Account| account.ledger(Micros::ZERO).scopes[0].tpm_level;
        assert_eq!(level(&mut account), Some(60_000 - 26 - 4_096));
        account.settle(hold, &Usage { input: 26, output: 1_203, ..Usage::default() }, true, Micros::ZERO);
        assert_eq!(level(&mut account), Some(60_000 - 6_041));
        let ledger = account.ledger(Micros::ZERO);
        assert_eq!((ledger.scopes[0].settled, ledger.scopes[0].completed), (6_041, 1));
    }

    #[test]
    fn each_meter_refuses_in_its_own_name() {
        let (mut by_rpm, scope) = account(QuotaSpec { rpm: Some(1), ..QuotaSpec::default() });
        by_rpm.admit(scope, 1, 1, Micros::ZERO).unwrap();
        assert_eq!(by_rpm.admit(scope, 1, 1, Micros::ZERO).unwrap_err(), Rejected::Rpm);
        let (mut by_tpm, scope) = account(QuotaSpec { tpm: Some(100), ..QuotaSpec::default() });
        assert_eq!(by_tpm.admit(scope, 50, 51, Micros::ZERO).unwrap_err(), Rejected::Tpm);
        let (mut by_pool, scope) = account(QuotaSpec::default());
        assert_eq!(by_pool.admit(scope, 1_000_000, 1, Micros::ZERO).unwrap_err(), Rejected::Tpd);
        let ledger = by_pool.ledger(Micros::ZERO);
        assert_eq!(ledger.scopes[0].rejected_tpd, 1);
    }

    #[test]
    fn a_raised_quota_admits_what_was_refused() {
        let (mut account, scope) = account(QuotaSpec { rpm: Some(1), tpm: Some(100), ..QuotaSpec::default() });
        account.admit(scope, 50, 50, Micros::ZERO).unwrap();
        assert_eq!(account.admit(scope, 50, 50, Micros::ZERO).unwrap_err(), Rejected::Rpm);
        account.raise("us-east-1", SONNET, Metric::Rpm, 10, Micros::ZERO);
        assert_eq!(account.admit(scope, 50, 50, Micros::ZERO).unwrap_err(), Rejected::Tpm);
        account.raise("us-east-1", SONNET, Metric::Tpm, 1_000, Micros::ZERO);
        account.raise("us-east-1", SONNET, Metric::Tpd, 1, Micros::ZERO);
        account.admit(scope, 50, 50, Micros::ZERO).unwrap();
        assert_eq!(account.load(scope, Micros::ZERO), 0.2, "what was used stays used");
    }

    #[test]
    fn base_and_profile_are_separate_scopes() {
        let (mut account, scope) = account(QuotaSpec { tpm: Some(100), ..QuotaSpec::default() });
        let model = Catalogue::embedded().model(SONNET).unwrap();
        let base = account.scope("us-east-1", "anthropic.claude-sonnet-4-6", model, Micros::ZERO);
        assert_ne!(base, scope);
        account.admit(base, 50_000, 50_000, Micros::ZERO).unwrap();
        account.admit(scope, 50, 50, Micros::ZERO).unwrap();
    }

    #[test]
    fn load_is_what_is_used() {
        let (mut account, scope) = account(QuotaSpec { tpm: Some(1_000), ..QuotaSpec::default() });
        assert_eq!(account.load(scope, Micros::ZERO), 0.0);
        account.admit(scope, 250, 500, Micros::ZERO).unwrap();
        assert_eq!(account.load(scope, Micros::ZERO), 0.75);
    }
}
