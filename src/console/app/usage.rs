//! Screen 6: the quotas of the routes in use, what we use of them, and what the account does.

use std::cmp::{Ordering, Reverse};

use crate::catalogue::{BucketKind, Catalogue, bucket_kind};
use crate::control::{AccountUse, ControlSnapshot, QuotaCell, QuotaOffer, RouteLimits};
use crate::engine::{EngineSnapshot, ScopeView};
use crate::limiter::QuotaLimit;
use crate::record::{Reconciled, Route, reconcile};
use crate::report::Allowed;

use super::filter::{Field, FieldValue, Filter};
use super::lists::{List, RowKey};
use super::names::short_model;

pub use crate::control::{Pool, pools};

/// The screen's list and its order.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Filter and selection.
    pub list: List,
    /// The order.
    pub sort: Sort,
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The fullest quota first.
    #[default]
    Fullest,
    /// By model, then Region.
    Model,
    /// By Region, then model.
    Region,
    /// Most used by others first.
    Others,
    /// Most used in the last minute first.
    Use,
    /// Most throttles of the last hour first.
    Throttles,
}

impl Sort {
    /// The next order.
    #[must_use]
    pub const fn next(self) -> Sort {
        match self {
            Sort::Fullest => Sort::Model,
            Sort::Model => Sort::Region,
            Sort::Region => Sort::Others,
            Sort::Others => Sort::Use,
            Sort::Use => Sort::Throttles,
            Sort::Throttles => Sort::Fullest,
        }
    }

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Sort::Fullest => "peak use",
            Sort::Model => "name",
            Sort::Region => "Region",
            Sort::Others => "others' part",
            Sort::Use => "last minute",
            Sort::Throttles => "throttles",
        }
    }
}

/// One route of the account: its quota, its use by everybody, our part in it.
#[derive(Clone, Debug)]
pub struct UseRow<'a> {
    /// What limits it.
    pub limits: &'a RouteLimits,
    /// What CloudWatch counted; `None`: it was not read yet.
    pub account: Option<&'a AccountUse>,
    /// Our own limiter there, if we send there.
    pub scope: Option<&'a ScopeView>,
    /// Our counts beside CloudWatch's, for the same minutes.
    pub reconciled: Reconciled,
}

impl UseRow<'_> {
    /// The route.
    #[must_use]
    pub const fn route(&self) -> &Route {
        &self.limits.route
    }

    /// Tokens per minute that are allowed, if that is known.
    #[must_use]
    pub const fn tpm(&self) -> Option<u64> {
        tpm(self.limits)
    }

    /// A number of quota tokens in a minute as a part of the quota.
    #[must_use]
    pub fn part(&self, tokens: u64) -> Option<f64> {
        self.tpm().filter(|tpm| *tpm > 0).map(|tpm| tokens as f64 / tpm as f64)
    }

    /// Throttles of the last hour, whoever was refused; `None`: nothing is published for it.
    #[must_use]
    pub fn throttles(&self) -> Option<u64> {
        self.account.and_then(AccountUse::throttles)
    }

    /// Part of the tokens of the compared minutes that is not ours, 0 to 1; all of it where we send nothing.
    #[must_use]
    pub fn others(&self) -> Option<f64> {
        match (self.account, self.scope.map_or(0, |scope| scope.sent_total)) {
            (Some(account), 0) => account.minutes.iter().any(|minute| minute.quota_tokens > 0).then_some(1.0),
            _ => self.reconciled.others_at_least,
        }
    }
}

/// The row of a route.
fn row<'a>(account: &'a ControlSnapshot, engine: &'a EngineSnapshot, limits: &'a RouteLimits) -> UseRow<'a> {
    let known = account.account_use.iter().find(|known| known.route == limits.route);
    let theirs = known.map(|known| known.minutes.as_slice()).unwrap_or_default();
    UseRow {
        limits,
        account: known,
        scope: engine.scopes.iter().find(|scope| scope.route == limits.route),
        // Where the service's minutes are shorter than ours, they are not the same minutes.
        reconciled: match account.clock_speed {
            None => reconcile(engine.minutes_over(&limits.route), theirs, engine.began_ms()),
            Some(_) => Reconciled::default(),
        },
    }
}

/// What names a row.
#[must_use]
pub fn key(row: &UseRow<'_>) -> RowKey {
    (0, format!("{} {}", row.route().region, row.route().model))
}

/// What a filter knows of a route.
pub const FIELDS: &[Field<RouteLimits>] = &[
    Field { name: "region", of: |limits| limits.route.region.as_str().into() },
    Field { name: "model", of: |limits| limits.route.model.as_str().into() },
    Field { name: "name", of: |limits| FieldValue::Text(short_model(&limits.route.model).into()) },
    Field { name: "bucket", of: |limits| bucket(limits).into() },
    Field { name: "tpm", of: |limits| FieldValue::Number(tpm(limits).map(|tpm| tpm as f64)) },
];

/// Which of the model's buckets a route counts against, in a word.
#[must_use]
pub fn bucket(limits: &RouteLimits) -> &'static str {
    match bucket_kind(limits.key.bucket.as_str()) {
        BucketKind::Base => "base",
        BucketKind::Geo => "geo",
        BucketKind::Global => "global",
    }
}

/// Tokens per minute that a route is allowed, if that is known.
const fn tpm(limits: &RouteLimits) -> Option<u64> {
    match limits.quota.tpm.0 {
        QuotaLimit::Limit(tpm) => Some(tpm),
        QuotaLimit::Unknown | QuotaLimit::Absent => None,
    }
}

/// The routes that a filter keeps, in order.
#[must_use]
pub fn rows<'a>(account: &'a ControlSnapshot, engine: &'a EngineSnapshot, filter: &str, sort: Sort) -> Vec<UseRow<'a>> {
    let filter = Filter::new(filter, FIELDS);
    let kept = account.limits.iter().filter(|limits| filter.keeps(limits));
    let mut rows: Vec<UseRow<'_>> = kept.map(|limits| row(account, engine, limits)).collect();
    rows.sort_by(|a, b| compare(sort, a, b));
    rows
}

fn compare(sort: Sort, a: &UseRow<'_>, b: &UseRow<'_>) -> Ordering {
    let place = |row: &UseRow<'_>| (row.route().region.clone(), row.route().model.clone());
    let by = match sort {
        Sort::Fullest => {
            // What is known goes before what is not.
            let peak = |row: &UseRow<'_>| row.account.and_then(AccountUse::peak_tpm).and_then(|peak| row.part(peak));
            peak(b).partial_cmp(&peak(a)).unwrap_or(Ordering::Equal)
        }
        Sort::Model => a.route().model.cmp(&b.route().model),
        Sort::Region => a.route().region.cmp(&b.route().region),
        Sort::Others => b.others().partial_cmp(&a.others()).unwrap_or(Ordering::Equal),
        Sort::Use => {
            let last = |row: &UseRow<'_>| row.account.and_then(AccountUse::last).map(|minute| minute.quota_tokens);
            Reverse(last(a)).cmp(&Reverse(last(b)))
        }
        Sort::Throttles => Reverse(a.throttles()).cmp(&Reverse(b.throttles())),
    };
    by.then_with(|| place(a).cmp(&place(b)))
}

/// The quotas of the bucket behind a route, as the table of quotas has them.
#[must_use]
pub fn cells<'a>(account: &'a ControlSnapshot, row: &UseRow<'_>) -> Vec<&'a QuotaCell> {
    let key = &row.limits.key;
    let here = account.cells.iter().filter(|cell| cell.region == key.region);
    here.filter(|cell| cell.bucket == key.bucket || cell.scope.is_none()).collect()
}

/// What a route is allowed, as the need for quota is reckoned with.
#[must_use]
pub fn allowed(limits: &RouteLimits) -> Allowed {
    let model = Catalogue::embedded().model(limits.key.bucket.as_str());
    Allowed { key: limits.key.clone(), quota: limits.quota.scope_quota(), model }
}

/// The offers for a route.
#[must_use]
pub fn offers<'a>(account: &'a ControlSnapshot, route: &Route) -> Vec<&'a QuotaOffer> {
    account.offers.iter().filter(|offer| offer.route == *route).collect()
}

/// What an estimate may be off without a reason, as a part of the quota.
const WITHIN: f64 = 0.05;
/// Others who use less than this part of what is missing do not explain it.
const EXPLAINS: f64 = 0.25;

/// Why a limiter believes in less than the quota, if the others are the reason: one sentence.
#[must_use]
pub fn others_words(row: &UseRow<'_>) -> Option<String> {
    let (scope, quota) = (row.scope?, row.tpm()?);
    let others = row.reconciled.others_at_least?;
    let minutes = row.reconciled.minutes.max(1);
    let tokens = row.reconciled.difference.quota_tokens.max(0).unsigned_abs() / minutes;
    let tpm = &scope.limiter.tpm;
    let believed = tpm.estimate.map(|(low, high)| (low + high) / 2.0).or(tpm.believed)?;
    let missing = quota as f64 - believed;
    let explained = tokens as f64 / missing;
    (missing > quota as f64 * WITHIN && explained >= EXPLAINS).then(|| {
        let si = crate::console::ui::fmt::si;
        let part = if explained < 1.0 { format!("{:.0} %", explained * 100.0) } else { "all".to_owned() };
        format!(
            "the limiter finds {} of {} TPM: others use at least {} a minute ({:.0} % of the account's use), {part} of what is missing; what they reserve beyond that is invisible",
            si(believed),
            si(quota as f64),
            si(tokens as f64),
            others * 100.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;

    #[test]
    fn the_fullest_quota_stands_first_and_what_is_unread_last() {
        let (account, _) = fixtures::used_account();
        let engine = fixtures::running();
        let rows = rows(&account, &engine, "", Sort::Fullest);
        let parts: Vec<Option<f64>> =
            rows.iter().map(|row| row.account.and_then(AccountUse::peak_tpm).and_then(|peak| row.part(peak))).collect();
        assert!(parts.windows(2).all(|pair| pair[0] >= pair[1]), "{parts:?}");
        assert_eq!(parts.last(), Some(&None));
    }

    #[test]
    fn a_filter_keeps_what_has_its_words() {
        let (account, _) = fixtures::used_account();
        let engine = fixtures::running();
        let all = rows(&account, &engine, "", Sort::Model).len();
        let west = rows(&account, &engine, "west-2 HAIKU", Sort::Model);
        assert!(!west.is_empty() && west.len() < all, "{} of {all}", west.len());
        assert!(west.iter().all(|row| row.route().region.as_str() == "us-west-2"));
    }

    #[test]
    fn the_pool_ends_at_the_rate_of_the_last_minutes_or_lasts_the_day() {
        let (account, now) = fixtures::used_account();
        let pools = pools(&account, now);
        assert_eq!(pools.len(), 1, "{pools:?}");
        let pool = &pools[0];
        let ends = pool.ends_ms.unwrap();
        let here = || account.account_use.iter().filter(|known| known.route.region == pool.region);
        let rate: u64 =
            here().flat_map(|known| known.minutes.iter().rev().take(5)).map(|minute| minute.quota_tokens).sum();
        let expected = now + ((pool.quota - pool.used.unwrap()) as f64 / (rate as f64 / 5.0) * 60_000.0) as i64;
        assert!(ends.abs_diff(expected) < 2, "{ends} {expected}");
        let mut calm = account.clone();
        calm.account_use.iter_mut().for_each(|known| known.minutes = std::sync::Arc::default());
        assert_eq!(super::pools(&calm, now)[0].ends_ms, None);
        assert_eq!(super::pools(&account, now + 3 * 3_600_000)[0].ends_ms, None, "a rate of long ago");
    }

    #[test]
    fn a_route_that_is_not_read_hides_no_pool() {
        let (mut account, now) = fixtures::used_account();
        let all = pools(&account, now)[0].clone();
        assert_eq!((all.used, all.unread), (Some(300_000_000), 0));
        account.account_use[0].today = None;
        let some = pools(&account, now)[0].clone();
        assert_eq!((some.used, some.unread), (Some(150_000_000), 1));
        account.account_use.clear();
        let none = pools(&account, now)[0].clone();
        assert_eq!((none.used, none.unread, none.ends_ms), (None, 2, None));
        account.limits.clear();
        assert_eq!(pools(&account, now), []);
    }

    fn haiku(account: &ControlSnapshot, engine: &EngineSnapshot) -> Reconciled {
        rows(account, engine, "us-east-1 haiku", Sort::Model)[0].reconciled
    }

    #[test]
    fn minutes_are_compared_by_the_services_clock() {
        let (account, _) = fixtures::used_account();
        let engine = fixtures::running();
        let right = haiku(&account, &engine);
        assert!(right.minutes > 0 && right.difference.quota_tokens > 0, "{right:?}");
        // Our own clock goes wrong by minutes: what was counted by the service's stays what it was.
        for wrong in [-190_000, 200_000] {
            let engine = EngineSnapshot { utc_ms: engine.utc_ms - wrong, clock_offset_ms: wrong, ..engine.clone() };
            assert_eq!(haiku(&account, &engine), right, "{wrong}");
        }
    }

    #[test]
    fn minutes_of_another_length_are_not_compared() {
        let (mut account, _) = fixtures::used_account();
        account.clock_speed = Some(60.0);
        let engine = fixtures::running();
        assert_eq!(haiku(&account, &engine), Reconciled::default());
        let rows = rows(&account, &engine, "us-east-1 haiku", Sort::Model);
        assert_eq!(rows[0].others(), None, "nothing is said of the others");
    }

    #[test]
    fn others_explain_an_estimate_with_their_numbers_or_say_nothing() {
        let (account, _) = fixtures::used_account();
        let mut engine = fixtures::running();
        let words = |engine: &EngineSnapshot| {
            let rows = rows(&account, engine, "us-east-1 haiku", Sort::Model);
            others_words(&rows[0])
        };
        let at = engine.scopes.iter().position(|scope| scope.route.region.as_str() == "us-east-1").unwrap();
        let mut believes = |low: f64, high: f64| {
            engine.scopes[at].limiter.tpm.estimate = Some((low, high));
            words(&engine)
        };
        let said = believes(60_000.0, 64_000.0).unwrap();
        for word in ["62.0k of 100k TPM", "others use at least", "38 % of the account's use", "of what is missing"] {
            assert!(said.contains(word), "{said}");
        }
        assert_eq!(believes(96_000.0, 100_000.0), None, "as good as the quota");
        assert_eq!(believes(1_000.0, 3_000.0), None, "so little explains nothing of so much");
    }

    #[test]
    fn every_order_is_an_order() {
        let (account, _) = fixtures::used_account();
        let engine = fixtures::running();
        let mut sort = Sort::default();
        let mut names = Vec::new();
        loop {
            names.push(sort.name());
            let rows = rows(&account, &engine, "", sort);
            match sort {
                Sort::Others => assert!(rows.windows(2).all(|pair| pair[0].others() >= pair[1].others())),
                Sort::Use => {
                    let last = |row: &UseRow<'_>| row.account.and_then(AccountUse::last).map(|last| last.quota_tokens);
                    assert!(rows.windows(2).all(|pair| last(&pair[0]) >= last(&pair[1])));
                }
                _ => assert_eq!(rows.len(), account.limits.len()),
            }
            sort = sort.next();
            if sort == Sort::default() {
                break;
            }
        }
        assert_eq!(names.len(), 6, "{names:?}");
    }
}
