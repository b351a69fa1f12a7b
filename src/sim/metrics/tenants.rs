//! What the others on the account publish: a tenant of the scenario calls as CloudWatch would count it.
//!
//! A tenant uses its tokens by its shape, in short calls of [`CALL`] quota tokens. It is written into the books when
//! somebody looks at them: whole calls up to then, each in the minute in which it ended.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::record::Micros;
use crate::sim::shape::MINUTE;
use crate::sim::world::World;

use super::traffic;

/// Quota tokens of one call of a tenant.
const CALL: u64 = 1_000;
/// Output tokens of it: much is read and little said.
const OUTPUT: u64 = 10;
/// Minutes that are made up for at once: what nobody has looked at for a day is not seen any more.
const LONGEST: u64 = 1_500;

/// How far the books are, service time.
#[derive(Debug, Default)]
pub(in crate::sim) struct Written(Mutex<Option<Micros>>);

/// Writes what the tenants have used up to now.
pub(in crate::sim) fn catch_up(world: &World) {
    let now = world.service_time();
    let mut written = world.tenants.0.lock().unwrap_or_else(PoisonError::into_inner);
    let began = world.began();
    let from = written.unwrap_or(began).max(Micros(now.0.saturating_sub(LONGEST * MINUTE)));
    *written = Some(now);
    for (index, tenant) in world.scenario.tenants.iter().enumerate() {
        let seed = world.scenario.tenant_seed(index);
        let Ok(route) = world.catalogue.route(&tenant.region, &tenant.model) else { continue };
        let burndown = route.model.map_or(1, |model| u64::from(model.burndown));
        let output = OUTPUT.min(CALL / burndown.max(1) / 2);
        // Quotas are in real time, the books in service time.
        let calls_a_minute = tenant.tokens_per_minute / world.scenario.speed / CALL as f64;
        let used_before = tenant.shape.used(seed, began);
        let calls_until = |at: Micros| ((tenant.shape.used(seed, at) - used_before) * calls_a_minute) as u64;
        let mut at = from;
        while at < now {
            let end = Micros((at.0 / MINUTE + 1) * MINUTE).min(now);
            let calls = calls_until(end).saturating_sub(calls_until(at));
            let call = traffic::Call { input: CALL - output * burndown, output, quota: CALL };
            traffic::of_tenant(world, &tenant.region, &tenant.model, at, calls, call);
            at = end;
        }
    }
}
