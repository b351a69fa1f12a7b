//! Quotas that have changed since the session began: offered to the limiter, never imposed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::catalogue::Metric;
use crate::limiter::QuotaLimit;
use crate::record::ScopeKey;

use super::account_use::QuotaOffer;
use super::snapshot::{ControlSnapshot, RouteLimits};

/// What the limiter was told of each quota: at the start, or when an offer was taken.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeMap<(ScopeKey, Metric), QuotaLimit>>);

impl Told {
    /// The offers that follow from what applies now; those that were made before keep their time.
    pub(super) fn offers(&self, limits: &[RouteLimits], before: &[QuotaOffer], now_ms: i64) -> Vec<QuotaOffer> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut offers: Vec<QuotaOffer> = Vec::new();
        for limit in limits {
            for (metric, now) in [(Metric::Rpm, limit.quota.rpm.0), (Metric::Tpm, limit.quota.tpm.0)] {
                let was = *told.entry((limit.key.clone(), metric)).or_insert(now);
                let same = |offer: &&QuotaOffer| offer.key == limit.key && offer.metric == metric;
                // A quota that cannot be read any more is no news of the quota.
                if was == now || now == QuotaLimit::Unknown || offers.iter().any(|offer| same(&offer)) {
                    continue;
                }
                let known = before.iter().find(same).filter(|offer| offer.now == now);
                offers.push(QuotaOffer {
                    key: limit.key.clone(),
                    route: limit.route.clone(),
                    metric,
                    was,
                    now,
                    seen_ms: known.map_or(now_ms, |offer| offer.seen_ms),
                });
            }
        }
        offers
    }

    /// The limiter has been told what was offered: that is what it knows from now on.
    pub(super) fn take(&self, snapshot: &mut ControlSnapshot, key: &ScopeKey, metric: Metric) {
        let taken = |offer: &QuotaOffer| offer.key == *key && offer.metric == metric;
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offer) = snapshot.offers.iter().find(|offer| taken(offer)) {
            told.insert((key.clone(), metric), offer.now);
        }
        snapshot.offers.retain(|offer| !taken(offer));
    }
}

#[cfg(test)]
mod tests {
    use super::super::quota::{QuotaSource, RouteQuota};
    use super::*;
    use crate::record::Route;

    fn limits(tpm: QuotaLimit) -> Vec<RouteLimits> {
        let route = Route { region: "us-east-1".into(), model: "anthropic.claude-3-haiku-20240307-v1:0".into() };
        let key = ScopeKey { region: route.region.clone(), bucket: route.model.clone() };
        let unknown = || (QuotaLimit::Unknown, QuotaSource::Unknown);
        let tpm = (tpm, QuotaSource::Unknown);
        let quota = RouteQuota { rpm: unknown(), tpm, tpd: unknown(), burndown: 1, problem: None };
        vec![RouteLimits { route, key, quota }]
    }

    #[test]
    fn what_was_unread_at_first_is_offered_as_what_it_is() {
        let told = Told::default();
        assert_eq!(told.offers(&limits(QuotaLimit::Unknown), &[], 1), []);
        let offers = told.offers(&limits(QuotaLimit::Limit(400)), &[], 2);
        assert_eq!((offers[0].was, offers[0].now), (QuotaLimit::Unknown, QuotaLimit::Limit(400)));
        assert_eq!(told.offers(&limits(QuotaLimit::Unknown), &offers, 3), [], "unread again");
    }

    #[test]
    fn a_change_is_offered_until_it_is_taken_or_goes_back() {
        let told = Told::default();
        assert_eq!(told.offers(&limits(QuotaLimit::Limit(100)), &[], 1), []);
        let offers = told.offers(&limits(QuotaLimit::Limit(400)), &[], 2);
        assert_eq!(
            (offers[0].was, offers[0].now, offers[0].seen_ms),
            (QuotaLimit::Limit(100), QuotaLimit::Limit(400), 2)
        );
        assert_eq!(told.offers(&limits(QuotaLimit::Limit(400)), &offers, 3)[0].seen_ms, 2, "the same offer");
        assert_eq!(told.offers(&limits(QuotaLimit::Unknown), &offers, 4), [], "unread is no change");
        assert_eq!(told.offers(&limits(QuotaLimit::Limit(100)), &offers, 5), [], "it went back");
        let mut snapshot = ControlSnapshot { offers: offers.clone(), ..ControlSnapshot::default() };
        told.take(&mut snapshot, &offers[0].key, Metric::Tpm);
        assert_eq!(snapshot.offers, []);
        assert_eq!(told.offers(&limits(QuotaLimit::Limit(400)), &[], 6), []);
        assert_eq!(told.offers(&limits(QuotaLimit::Limit(100)), &[], 7)[0].was, QuotaLimit::Limit(400));
    }
}
