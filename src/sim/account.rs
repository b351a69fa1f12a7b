//! The simulated account: its quotas as the server meters them, and the books on what happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalogue::{Catalogue, Metric, Model};
use crate::meter::{HoldId, MeterSpec, Rejected, ScopeSpec, ServerScope, TpdPool};
use crate::record::{Micros, Usage};

use super::ledger::{Ledger, ScopeLedger};
use super::provisioned::Serving;
use super::route::Operation;
use super::scenario::{MeterKind, QuotaSpec, Scenario, Shape};
use super::shape::MINUTE;

/// Access key ids and error names are kept apart up to this many: a hostile client may invent more.
const NAMES: usize = 64;
/// Minutes of others' use that are made up for at once: meters that nobody has asked for longer know no more of it.
const LONGEST: u64 = 1_500;

/// One account, in all its Regions.
pub(super) struct Account {
    scopes: Vec<Scope>,
    by_name: HashMap<String, HashMap<String, usize>>,
    pools: HashMap<String, TpdPool>,
    operations: BTreeMap<Operation, u64>,
    errors: BTreeMap<&'static str, u64>,
    access_keys: BTreeSet<String>,
    tpd: u64,
    others: Vec<Others>,
    clock: OthersClock,
}

/// What one of the others uses.
#[derive(Clone, Copy, Debug)]
struct Others {
    scope: usize,
    tokens_per_minute: f64,
    shape: Shape,
    seed: u64,
}

/// The minutes by which others change what they use: the service's, which runs `speed` times as fast as the meters'.
#[derive(Clone, Copy, Debug)]
struct OthersClock {
    began: Micros,
    speed: f64,
    /// The last one that the meters know of.
    minute: u64,
    /// Whether any of them ever changes it.
    changes: bool,
}

impl OthersClock {
    /// The service's minute at `now`.
    fn minute_at(&self, now: Micros) -> u64 {
        (self.began + Micros::from_secs_f64(now.since(self.began).secs_f64() * self.speed)).0 / MINUTE
    }

    /// When a minute of the service begins.
    fn start_of(&self, minute: u64) -> Micros {
        let since = Micros(minute.saturating_mul(MINUTE)).since(self.began);
        self.began + Micros::from_secs_f64(since.secs_f64() / self.speed)
    }
}

/// A request in flight, as the account knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    scope: usize,
    hold: HoldId,
    /// Where output is metered apart.
    output: Option<HoldId>,
}

struct Scope {
    region: String,
    bucket: String,
    meters: ServerScope,
    /// Of provisioned capacity: `meters` has the input, this the output.
    output: Option<ServerScope>,
    output_capacity: u64,
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
            others: Vec::new(),
            clock: OthersClock { began: now, speed: scenario.speed, minute: now.0 / MINUTE, changes: false },
        };
        for quota in &scenario.quotas {
            // A resolved scenario has routes only.
            let Ok(route) = catalogue.route(&quota.region, &quota.model) else { continue };
            let burndown = route.model.map_or(1, |model| model.burndown);
            account.open(&quota.region, route.bucket.as_str(), quota_spec(quota, burndown), now);
        }
        for (index, tenant) in scenario.tenants.iter().enumerate() {
            let Ok(route) = catalogue.route(&tenant.region, &tenant.model) else { continue };
            let Some(scope) = account.find(&tenant.region, route.bucket.as_str()) else { continue };
            let (tokens_per_minute, shape, seed) =
                (tenant.tokens_per_minute, tenant.shape, scenario.tenant_seed(index));
            account.others.push(Others { scope, tokens_per_minute, shape, seed });
        }
        account.clock.changes = account.others.iter().any(|others| others.shape != Shape::Steady);
        account.set_others(account.clock.minute, now);
        account
    }

    /// Lets the others use what they use up to `now`.
    pub(super) fn follow_others(&mut self, now: Micros) {
        if !self.clock.changes {
            return;
        }
        let present = self.clock.minute_at(now);
        for minute in (self.clock.minute + 1).max(present.saturating_sub(LONGEST))..=present {
            self.set_others(minute, self.clock.start_of(minute).min(now));
            self.clock.minute = minute;
        }
    }

    /// What others use in a minute of the service's, from `at` on.
    fn set_others(&mut self, minute: u64, at: Micros) {
        let level = |others: &Others| others.tokens_per_minute * others.shape.level(others.seed, minute);
        for (index, scope) in self.scopes.iter_mut().enumerate() {
            let mut here = self.others.iter().filter(|others| others.scope == index).peekable();
            if here.peek().is_some() {
                scope.meters.others(here.map(level).sum::<f64>().round() as u64, at);
            }
        }
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

    /// The scope of a provisioned model: so many input and output tokens per minute, and nothing of the day's. Output is
    /// not weighed: burndown is a rule of the on-demand quotas.
    pub(super) fn bought(&mut self, region: &str, arn: &str, serving: Serving, now: Micros) -> usize {
        if let Some(scope) = self.find(region, arn) {
            return scope;
        }
        let meter = |per_unit: u64| MeterSpec {
            kind: crate::meter::MeterKind::Bucket { burst_seconds: 60.0 },
            per_minute: per_unit.saturating_mul(serving.units),
        };
        let free = ScopeSpec { rpm: None, tpm: None, tpd: None, burndown: 1, reject_charge: 0.0 };
        let output = meter(serving.variant.output_tpm);
        let index =
            self.place(region, arn, ScopeSpec { tpm: Some(meter(serving.variant.input_tpm)), ..free }, None, now);
        self.scopes[index].output = Some(ServerScope::new(ScopeSpec { tpm: Some(output), ..free }, now));
        self.scopes[index].output_capacity = output.per_minute;
        index
    }

    /// How much of the scope's quota is in use, 0 to 1.
    pub(super) fn load(&mut self, scope: usize, now: Micros) -> f64 {
        let scope = &mut self.scopes[scope];
        let view = scope.meters.view(now);
        let used = |level: Option<i64>, capacity: Option<f64>| match (level, capacity) {
            (Some(level), Some(capacity)) if capacity > 0.0 => 1.0 - level as f64 / capacity,
            _ => 0.0,
        };
        let output = scope
            .output
            .as_mut()
            .map_or(0.0, |output| used(output.view(now).tpm_level, Some(scope.output_capacity as f64)));
        used(view.rpm_level, scope.rpm_capacity)
            .max(used(view.tpm_level, scope.tpm_capacity))
            .max(output)
            .clamp(0.0, 1.0)
    }

    /// Admits a request or says which meter refuses.
    pub(super) fn admit(
        &mut self,
        scope: usize,
        input: u64,
        max_tokens: u64,
        now: Micros,
    ) -> Result<Admission, Rejected> {
        let place = &mut self.scopes[scope];
        let Some(output) = &mut place.output else {
            return place.meters.admit(input, 0, 0, max_tokens, now).map(|hold| Admission {
                scope,
                hold,
                output: None,
            });
        };
        // Held is at most what the output's meter can hold: a request that sets no limit of its own would otherwise wait
        // for ever, which capacity of one's own surely does not do. Neither is published.
        let hold = place.meters.admit(input, 0, 0, 0, now)?;
        match output.admit(0, 0, 0, max_tokens.min(place.output_capacity), now) {
            Ok(output) => Ok(Admission { scope, hold, output: Some(output) }),
            Err(why) => {
                place.meters.cancel(hold, now);
                Err(why)
            }
        }
    }

    /// `output` tokens are out.
    pub(super) fn progress(&mut self, admission: Admission, output: u64, now: Micros) {
        let scope = &mut self.scopes[admission.scope];
        match (&mut scope.output, admission.output) {
            (Some(meter), Some(hold)) => meter.progress(hold, output, now),
            _ => scope.meters.progress(admission.hold, output, now),
        }
    }

    /// The request is over; `complete`: its reply was finished, otherwise the client left it.
    pub(super) fn settle(&mut self, admission: Admission, usage: &Usage, complete: bool, now: Micros) {
        let scope = &mut self.scopes[admission.scope];
        match (&mut scope.output, admission.output) {
            (Some(meter), Some(hold)) => {
                scope.meters.settle(admission.hold, &Usage { output: 0, ..*usage }, now);
                meter.settle(hold, &Usage { output: usage.output, ..Usage::default() }, now);
            }
            _ => scope.meters.settle(admission.hold, usage, now),
        }
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
            let output = scope.output.as_mut().map(|output| output.view(now));
            let also = output.unwrap_or_default();
            ScopeLedger {
                region: scope.region.clone(),
                bucket: scope.bucket.clone(),
                // The output is asked after the input.
                admitted: output.map_or(view.admitted, |output| output.admitted),
                completed: scope.completed,
                abandoned: scope.abandoned,
                in_flight: view.in_flight,
                rejected_rpm,
                rejected_tpm: rejected_tpm + also.rejected[1],
                rejected_tpd,
                settled: view.settled.saturating_add(also.settled),
                held: view.held.saturating_add(also.held),
                used: scope.used,
                rpm_level: view.rpm_level,
                tpm_level: view.tpm_level,
                output_tpm_level: also.tpm_level,
                tpd_used: view.tpd_used,
            }
        });
        Ledger {
            scopes: scopes.collect(),
            operations: self.operations.clone(),
            errors: self.errors.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect(),
            access_keys: self.access_keys.clone(),
            watched: BTreeMap::new(),
            batch: Vec::new(),
        }
    }

    fn find(&self, region: &str, bucket: &str) -> Option<usize> {
        self.by_name.get(region)?.get(bucket).copied()
    }

    fn open(&mut self, region: &str, bucket: &str, spec: ScopeSpec, now: Micros) -> usize {
        let tpd = self.tpd;
        let pool = self.pools.entry(region.to_owned()).or_insert_with(|| TpdPool::new(tpd, now)).clone();
        self.place(region, bucket, spec, Some(pool), now)
    }

    fn place(&mut self, region: &str, bucket: &str, spec: ScopeSpec, pool: Option<TpdPool>, now: Micros) -> usize {
        let meters = ServerScope::new(spec, now);
        self.scopes.push(Scope {
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            meters: match pool {
                Some(pool) => meters.with_pool(pool),
                None => meters,
            },
            output: None,
            output_capacity: 0,
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
        MeterKind::Guarded => crate::meter::MeterKind::Guarded,
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

    /// An account in which others have these shapes and tokens a minute, and how much of the quota is in use at the end
    /// of each of the next minutes.
    fn loads(tpm: u64, tenants: &[(Shape, f64)], minutes: u64) -> Vec<f64> {
        let tenants = tenants.iter().map(|(shape, tokens_per_minute)| crate::sim::TenantSpec {
            region: "us-east-1".into(),
            model: SONNET.into(),
            tokens_per_minute: *tokens_per_minute,
            shape: *shape,
        });
        let quota =
            QuotaSpec { region: "us-east-1".into(), model: SONNET.into(), tpm: Some(tpm), ..QuotaSpec::default() };
        let scenario = Scenario { quotas: vec![quota], tenants: tenants.collect(), ..Scenario::default() };
        let began = Micros(15 * 60 * MINUTE);
        let mut account = Account::new(&scenario, Catalogue::embedded(), began);
        let ends = (1..=minutes).map(|minute| began + Micros(minute * MINUTE - 1));
        ends.map(|end| {
            account.follow_others(end);
            account.load(0, end)
        })
        .collect()
    }

    #[test]
    fn bursts_take_the_quota_in_one_minute_of_five_and_leave_it_in_the_others() {
        let loads = loads(10_000, &[(Shape::Bursts, 4_000.0)], 50);
        for span in loads.chunks(5) {
            let busy = span.iter().filter(|load| **load > 0.99).count();
            let calm = span.iter().filter(|load| **load < 0.01).count();
            assert_eq!((busy, calm), (1, 4), "{span:?}");
        }
    }

    #[test]
    fn others_at_the_same_quota_add_up_whatever_their_shapes() {
        let half = (Shape::Steady, 6_000.0);
        assert_eq!(loads(10_000, &[half], 3), [0.0; 3]);
        assert!(loads(10_000, &[half, half], 6)[5] > 0.9, "twelve of ten");
        // At the busiest of its day it takes 1.8 times its mean.
        assert!(loads(10_000, &[(Shape::Day, 6_000.0)], 20)[19] > 0.9);
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

    /// Each meter refuses for itself, and a refusal by the second leaves nothing with the first.
    #[test]
    fn provisioned_capacity_meters_input_and_output_apart() {
        let catalogue = Catalogue::embedded();
        let variant = catalogue.provisioned_variant("amazon.nova-pro-v1:0:24k").unwrap();
        let (input, output) = (2 * variant.input_tpm, 2 * variant.output_tpm);
        let mut account = Account::new(&Scenario { tpd: 0, ..Scenario::default() }, catalogue, Micros::ZERO);
        let scope = account.bought("us-east-1", "arn", Serving { variant, units: 2 }, Micros::ZERO);
        let ledger = |account: &mut Account| account.ledger(Micros::ZERO).scopes.pop().unwrap();
        let first = account.admit(scope, 1_000, output - 100, Micros::ZERO).unwrap();
        assert_eq!(account.admit(scope, 1_000, 101, Micros::ZERO).unwrap_err(), Rejected::Tpm);
        assert_eq!(account.admit(scope, input, 1, Micros::ZERO).unwrap_err(), Rejected::Tpm);
        let seen = ledger(&mut account);
        assert_eq!((seen.admitted, seen.rejected_tpm, seen.in_flight), (1, 2, 1));
        assert_eq!((seen.tpm_level, seen.output_tpm_level), (Some(input as i64 - 1_000), Some(100)));
        account.settle(first, &Usage { input: 1_000, output: 40, ..Usage::default() }, true, Micros::ZERO);
        let seen = ledger(&mut account);
        assert_eq!((seen.settled, seen.held, seen.output_tpm_level), (1_040, 0, Some(output as i64 - 40)));
        // More than the whole capacity holds the whole capacity, once all of it is there.
        let minute = Micros::from_secs(60);
        account.admit(scope, 1, output * 10, minute).unwrap();
        assert_eq!(account.admit(scope, 1, 1, minute).unwrap_err(), Rejected::Tpm);
    }

    #[test]
    fn a_raised_quota_admits_what_was_refused() {
        let (mut account, scope) = account(QuotaSpec { rpm: Some(1), tpm: Some(100), ..QuotaSpec::default() });
        account.admit(scope, 50, 50, Micros::ZERO).unwrap();
        assert_eq!(account.admit(scope, 50, 50, Micros::ZERO).unwrap_err(), Rejected::Rpm);
        account.raise("us-east-1", SONNET, Metric::Rpm, 10, Micros::ZERO);
        // A bucket keeps its level and fills at the new rate: a request in six seconds.
        let later = Micros::from_secs(6);
        assert_eq!(account.admit(scope, 50, 50, later).unwrap_err(), Rejected::Tpm);
        account.raise("us-east-1", SONNET, Metric::Tpm, 1_000, later);
        account.raise("us-east-1", SONNET, Metric::Tpd, 1, later);
        account.admit(scope, 50, 50, Micros::from_secs(12)).unwrap();
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
