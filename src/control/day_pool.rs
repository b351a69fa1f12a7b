//! The tokens of a day that all models of a Region share, and when they run out.

use serde::{Deserialize, Serialize};

use crate::catalogue::Metric;
use crate::record::{MinuteUse, Region};

use super::snapshot::ControlSnapshot;

/// The tokens of the day that all models of a Region share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Where.
    pub region: Region,
    /// Allowed a day.
    pub quota: u64,
    /// Used since midnight UTC at the routes in use that were read, by CloudWatch; the pool weighs by price, and other models
    /// count as well. `None`: none was read.
    pub used: Option<u64>,
    /// Routes in use that were not read.
    pub unread: usize,
    /// When it runs out at the rate of the last minutes, UTC milliseconds; `None`: not before midnight.
    pub ends_ms: Option<i64>,
}

const DAY_MS: i64 = 86_400_000;
/// The time over which a rate is taken.
const RATE_MS: i64 = 5 * MinuteUse::LENGTH_MS;
/// CloudWatch is some minutes late; what is older is over.
const STALE_MS: i64 = 10 * MinuteUse::LENGTH_MS;

/// The pools of all Regions in use. `now_ms` is the service's.
#[must_use]
pub fn pools(account: &ControlSnapshot, now_ms: i64) -> Vec<Pool> {
    let shared = account.quotas.iter().filter(|line| line.metric == Metric::Tpd && line.bucket.is_none());
    let shared = shared.filter(|line| line.name.to_lowercase().contains("cross-model"));
    let mut pools = Vec::new();
    for line in shared {
        let here = || account.account_use.iter().filter(|known| known.route.region == line.region);
        let routes = account.limits.iter().filter(|limits| limits.route.region == line.region).count();
        let read = here().filter_map(|known| known.today).count();
        if (routes == 0 && read == 0) || line.value <= 0.0 {
            continue;
        }
        let known: u64 = here().filter_map(|known| known.today).fold(0, u64::saturating_add);
        let (used, unread) = ((read > 0).then_some(known), routes.saturating_sub(read));
        let published = || here().flat_map(|known| known.minutes.iter());
        // The five minutes up to the newest that is published; an old one is no rate of today.
        let newest = published().map(|minute| minute.start_ms).max().filter(|newest| now_ms - newest < STALE_MS);
        let rated = published().filter(|minute| newest.is_some_and(|newest| minute.start_ms > newest - RATE_MS));
        let recent: u64 = rated.map(|minute| minute.quota_tokens).sum();
        let quota = line.value as u64;
        let left_ms = quota.saturating_sub(known) as f64 / recent as f64 * RATE_MS as f64;
        let ends = now_ms.saturating_add(if left_ms.is_finite() { left_ms as i64 } else { i64::MAX / 2 });
        let midnight = now_ms - now_ms.rem_euclid(DAY_MS) + DAY_MS;
        let ends_ms = (used.is_some() && ends < midnight).then_some(ends);
        pools.push(Pool { region: line.region.clone(), quota, used, unread, ends_ms });
    }
    pools
}
