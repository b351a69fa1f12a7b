//! The account without load of ours: what its use by everybody says, in words. Pure, from what CloudWatch counted.

use crate::control::ControlSnapshot;
use crate::engine::LoadState;

use super::State;
use super::names::short_model;
use super::usage::UseRow;

/// From this part of a quota on a minute is near it.
const NEAR: f64 = 0.8;

impl State {
    /// Nothing of ours runs, and the account's use is watched: the dashboard is the account's.
    #[must_use]
    pub fn watching(&self) -> bool {
        let idle = matches!(self.shown().state, LoadState::Idle);
        idle && self.account().is_some_and(|account| !account.limits.is_empty())
    }
}

/// What is the matter with the account, and what to do about it: a sentence each; no advice where nothing is to be done.
#[must_use]
pub fn verdict(account: &ControlSnapshot, rows: &[UseRow<'_>]) -> (String, String) {
    let read = || rows.iter().filter_map(|row| Some((row, row.account?)));
    if read().next().is_none() {
        let asked = account.problems.iter().find(|problem| problem.question == crate::control::Question::Use);
        return match asked {
            Some(problem) => ("The account's use is not known".to_owned(), problem.message.clone()),
            None => ("CloudWatch is being asked what the account uses".to_owned(), String::new()),
        };
    }
    let name = |row: &UseRow<'_>| format!("{} in {}", short_model(&row.route().model), row.route().region);
    let throttled = read()
        .map(|(row, used)| {
            let calls: u64 = used.minutes.iter().map(|minute| minute.invocations).sum();
            let refused: u64 = used.minutes.iter().map(|minute| minute.throttles).sum();
            (row, refused, refused as f64 / (calls + refused).max(1) as f64)
        })
        .filter(|(_, refused, _)| *refused > 0)
        .max_by(|a, b| a.2.total_cmp(&b.2));
    if let Some((row, refused, share)) = throttled {
        let peak = row.account.and_then(|used| used.peak_tpm()).and_then(|peak| row.part(peak));
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
                _ if read().count() < rows.len() => {
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
    use super::super::usage::{self, Sort};
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
