//! The account without load of ours: what its use by everybody is and says, in words. Pure, from what CloudWatch counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::control::{AccountUse, ControlSnapshot, RouteLimits};
use crate::engine::LoadState;
use crate::record::{MinuteUse, Route};

use super::names::short_model;
use super::usage::{self, Sort, UseRow};
use super::{Panel, State};

/// From this part of a quota on a minute is near it.
const NEAR: f64 = 0.8;

impl State {
    /// Nothing of ours runs, and the account's use is watched: the dashboard is the account's. After a load it is the load's
    /// until the account is asked for.
    #[must_use]
    pub fn watching(&self) -> bool {
        let nothing_runs = match self.shown().state {
            LoadState::Idle => true,
            LoadState::Finished => self.after_load,
            _ => false,
        };
        nothing_runs && self.account().is_some_and(|account| !account.limits.is_empty())
    }

    /// The buckets of the account on display, the fullest first.
    #[must_use]
    pub fn watched(&self) -> Vec<BucketUse<'_>> {
        let rows = self.account().map(|account| usage::rows(account, self.shown(), "", Sort::Fullest));
        buckets(&rows.unwrap_or_default())
    }

    /// The route of the selected row of the account's dashboard.
    #[must_use]
    pub fn watched_route(&self) -> Option<Route> {
        let buckets = self.watching().then(|| self.watched())?;
        let bucket = match self.expanded.unwrap_or(self.focus) {
            Panel::Quota => buckets.get(self.row),
            Panel::Regions => {
                let region = &self.shown().regions.get(self.row)?.region;
                buckets.iter().find(|bucket| bucket.limits.key.region == *region)
            }
            _ => None,
        };
        bucket.map(|bucket| bucket.limits.route.clone())
    }
}

/// What all routes to one bucket of quota use of it together.
#[derive(Clone, Debug)]
pub struct BucketUse<'a> {
    /// What limits it, by the first of its routes.
    pub limits: &'a RouteLimits,
    /// What CloudWatch counted at those of its routes that were read; `None`: at none.
    pub used: Option<AccountUse>,
    /// Routes that were not read.
    pub unread: usize,
    tpm: Option<u64>,
}

impl BucketUse<'_> {
    /// Tokens per minute that are allowed, if that is known.
    #[must_use]
    pub const fn tpm(&self) -> Option<u64> {
        self.tpm
    }

    /// A number of quota tokens in a minute as a part of the quota.
    #[must_use]
    pub fn part(&self, tokens: u64) -> Option<f64> {
        self.tpm.filter(|tpm| *tpm > 0).map(|tpm| tokens as f64 / tpm as f64)
    }

    /// The published minutes of the last hour.
    #[must_use]
    pub fn minutes(&self) -> &[MinuteUse] {
        self.used.as_ref().map(|used| used.minutes.as_slice()).unwrap_or_default()
    }

    /// A sum over the last hour; `None`: nothing is published for it.
    #[must_use]
    pub fn hour(&self, of: impl Fn(&MinuteUse) -> u64) -> Option<u64> {
        let minutes = self.minutes();
        (!minutes.is_empty()).then(|| minutes.iter().map(of).fold(0, u64::saturating_add))
    }

    fn peak_part(&self) -> Option<f64> {
        self.part(self.used.as_ref()?.peak_tpm()?)
    }
}

/// The buckets behind some routes, each once, the fullest first and what is unread last.
#[must_use]
pub fn buckets<'a>(rows: &[UseRow<'a>]) -> Vec<BucketUse<'a>> {
    let mut buckets: Vec<BucketUse<'a>> = Vec::new();
    for row in rows {
        let unread = usize::from(row.account.is_none());
        match buckets.iter_mut().find(|bucket| bucket.limits.key == row.limits.key) {
            Some(bucket) => {
                bucket.unread += unread;
                bucket.used = match (bucket.used.take(), row.account) {
                    (Some(known), Some(more)) => Some(together(&known, more)),
                    (known, more) => known.or_else(|| more.cloned()),
                };
            }
            None => {
                let used = row.account.cloned();
                buckets.push(BucketUse { limits: row.limits, used, unread, tpm: row.tpm() });
            }
        }
    }
    buckets.sort_by(|a, b| b.peak_part().partial_cmp(&a.peak_part()).unwrap_or(std::cmp::Ordering::Equal));
    buckets
}

/// The use of two routes to one bucket as one. Of how long their calls took the longer holds.
fn together(one: &AccountUse, other: &AccountUse) -> AccountUse {
    let mut minutes: BTreeMap<i64, MinuteUse> = BTreeMap::new();
    for minute in one.minutes.iter().chain(other.minutes.iter()) {
        let start_ms = minute.start_ms;
        minutes.entry(start_ms).or_insert(MinuteUse { start_ms, ..MinuteUse::default() }).add(minute);
    }
    let mut latency: BTreeMap<i64, crate::control::MinuteLatency> = BTreeMap::new();
    for minute in one.latency.iter().chain(other.latency.iter()) {
        let longest = latency.entry(minute.start_ms).or_insert(*minute);
        longest.p50_ms = longest.p50_ms.max(minute.p50_ms);
        longest.p99_ms = longest.p99_ms.max(minute.p99_ms);
    }
    AccountUse {
        minutes: Arc::new(minutes.into_values().collect()),
        latency: Arc::new(latency.into_values().collect()),
        today: one.today.zip(other.today).map(|(one, other)| one.saturating_add(other)),
        day: None,
        read_at_ms: one.read_at_ms.min(other.read_at_ms),
        ..one.clone()
    }
}

/// What is the matter with the account, and what to do about it: a sentence each; no advice where nothing is to be done.
#[must_use]
pub fn verdict(account: &ControlSnapshot, rows: &[UseRow<'_>]) -> (String, String) {
    let buckets = buckets(rows);
    let read = || buckets.iter().filter_map(|bucket| Some((bucket, bucket.used.as_ref()?)));
    if read().next().is_none() {
        let asked = account.problems.iter().find(|problem| problem.question == crate::control::Question::Use);
        return match asked {
            Some(problem) => ("The account's use is not known".to_owned(), problem.message.clone()),
            None => ("CloudWatch is being asked what the account uses".to_owned(), String::new()),
        };
    }
    let name = |bucket: &BucketUse<'_>| {
        let route = &bucket.limits.route;
        format!("{} in {}", short_model(&route.model), route.region)
    };
    let throttled = read()
        .map(|(row, used)| {
            let calls: u64 = used.minutes.iter().map(|minute| minute.invocations).sum();
            let refused: u64 = used.minutes.iter().map(|minute| minute.throttles).sum();
            (row, refused, refused as f64 / (calls + refused).max(1) as f64)
        })
        .filter(|(_, refused, _)| *refused > 0)
        .max_by(|a, b| a.2.total_cmp(&b.2));
    if let Some((row, refused, share)) = throttled {
        let peak = row.peak_part();
        let sentence = format!(
            "{}: {:.0} % of the calls of the last hour were throttled ({refused}); its busiest minute settled {}",
            name(row),
            share * 100.0,
            peak.map_or("an unknown part of its quota".to_owned(), |peak| format!("{:.0} % of its TPM", peak * 100.0))
        );
        let advice = if peak.is_some_and(|peak| peak < NEAR) {
            "What is settled does not explain it: reservations do, which CloudWatch does not show; lower max_tokens"
        } else {
            "Ask for quota, lower max_tokens, or send to a Region that has room"
        };
        return (sentence, advice.to_owned());
    }
    let fullest =
        read().filter_map(|(row, used)| Some((row, row.part(used.peak_tpm()?)?))).max_by(|a, b| a.1.total_cmp(&b.1));
    match fullest {
        Some((row, part)) if part >= NEAR => (
            format!(
                "{}: {:.0} % of its TPM in the busiest minute of the last hour, nothing throttled",
                name(row),
                part * 100.0
            ),
            "There is little room: reservations need it as well".to_owned(),
        ),
        Some((row, part)) => (
            format!(
                "Nothing throttled in the last hour; the fullest is {}, {:.0} % of its TPM",
                name(row),
                part * 100.0
            ),
            String::new(),
        ),
        None => {
            // Without a quota there is no part of it, but there may be use.
            let busiest = read().filter_map(|(row, used)| Some((row, used.peak_tpm()?))).max_by_key(|(_, peak)| *peak);
            let sentence = match busiest {
                Some((row, peak)) if peak > 0 => {
                    format!(
                        "Nothing throttled in the last hour; the busiest minute of {} used {peak} tokens of an unknown quota",
                        name(row)
                    )
                }
                _ if buckets.iter().any(|bucket| bucket.unread > 0) => {
                    "Nothing is published for the last hour where CloudWatch was read; not all was".to_owned()
                }
                _ => "CloudWatch has nothing for the last hour: no calls by anybody, or not published yet".to_owned(),
            };
            (sentence, String::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;

    fn said(change: impl Fn(&mut ControlSnapshot)) -> (String, String) {
        let (mut account, _) = fixtures::used_account();
        change(&mut account);
        let engine = fixtures::idle();
        let rows = usage::rows(&account, &engine, "", Sort::Fullest);
        verdict(&account, &rows)
    }

    #[test]
    fn throttles_come_first_then_the_fullest_then_peace() {
        let (sentence, advice) = said(|_| {});
        assert!(sentence.starts_with("us.claude-sonnet-4-5 in us-east-1:"), "{sentence}");
        assert!(sentence.contains("were throttled (91)") && advice.contains("Ask for quota"), "{sentence} {advice}");
        let calm = |account: &mut ControlSnapshot| {
            for used in &mut account.account_use {
                let mut minutes = used.minutes.to_vec();
                minutes.iter_mut().for_each(|minute| minute.throttles = 0);
                used.minutes = minutes.into();
            }
        };
        let (sentence, _) = said(calm);
        assert!(sentence.contains("104 % of its TPM") && sentence.contains("nothing throttled"), "{sentence}");
        let (sentence, advice) = said(|account| {
            calm(account);
            account.account_use.retain(|used| used.route.region.as_str() == "us-west-2");
        });
        assert!(sentence.contains("the fullest is claude-3-haiku in us-west-2") && advice.is_empty(), "{sentence}");
    }

    #[test]
    fn two_routes_to_one_bucket_count_once() {
        let (mut account, _) = fixtures::used_account();
        let before = buckets(&usage::rows(&account, &fixtures::idle(), "", Sort::Fullest)).len();
        let haiku = account.limits.iter().position(|limits| limits.route.region.as_str() == "us-west-2").unwrap();
        let mut again = account.limits[haiku].clone();
        again.route.model = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/other".into();
        let known = account.account_use.iter().find(|used| used.route == account.limits[haiku].route).unwrap();
        let used = AccountUse { route: again.route.clone(), ..known.clone() };
        let alone = known.peak_tpm().unwrap();
        account.limits.push(again);
        let engine = fixtures::idle();
        let of_haiku = |account: &ControlSnapshot| {
            let rows = usage::rows(account, &engine, "", Sort::Fullest);
            let buckets = buckets(&rows);
            assert_eq!(buckets.len(), before, "no bucket twice");
            let bucket = buckets.iter().find(|bucket| bucket.limits.key == account.limits[haiku].key).unwrap();
            (bucket.used.as_ref().unwrap().peak_tpm().unwrap(), bucket.tpm(), bucket.unread)
        };
        assert_eq!(of_haiku(&account), (alone, Some(100_000), 1));
        account.account_use.push(used);
        assert_eq!(of_haiku(&account), (2 * alone, Some(100_000), 0), "both of one quota");
    }

    #[test]
    fn what_is_not_known_says_why() {
        let (sentence, advice) = said(|account| account.account_use.clear());
        assert!(sentence.contains("not known") && advice.contains("GetMetricData"), "{sentence} {advice}");
        let (sentence, _) = said(|account| {
            account.account_use.clear();
            account.problems.clear();
        });
        assert!(sentence.contains("being asked"), "{sentence}");
    }

    #[test]
    fn use_of_an_unknown_quota_is_use() {
        let (sentence, _) = said(|account| {
            for used in &mut account.account_use {
                let mut minutes = used.minutes.to_vec();
                minutes.iter_mut().for_each(|minute| minute.throttles = 0);
                used.minutes = minutes.into();
            }
            account.limits.iter_mut().for_each(|limits| limits.quota.tpm.0 = crate::limiter::QuotaLimit::Unknown);
        });
        assert!(sentence.contains("of an unknown quota"), "{sentence}");
    }

    #[test]
    fn throttles_far_below_the_quota_are_reservations() {
        let (_, advice) = said(|account| {
            account.limits.iter_mut().for_each(|limits| {
                limits.quota.tpm.0 = crate::limiter::QuotaLimit::Limit(1_000_000);
            });
        });
        assert!(advice.contains("max_tokens") && advice.contains("does not show"), "{advice}");
    }
}
