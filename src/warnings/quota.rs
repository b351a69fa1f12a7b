//! About the quota of a scope.

use crate::control::{QuotaSource, RouteLimits};
use crate::engine::{EngineSnapshot, ScopeView};
use crate::limiter::QuotaLimit;
use crate::record::{ErrorClass, reconcile};
use crate::report::count;

use super::{About, ENOUGH, Moment, Name, Warning, clock_time};

/// Below this part of the quota nobody should be throttled.
const EARLY: f64 = 0.6;
/// Fewer throttles in a minute may be chance.
const THROTTLES: u64 = 3;
/// Others that use less than this are not worth a word.
const OTHERS: f64 = 0.02;
const DAY_MS: i64 = 86_400_000;

pub(super) fn find(moment: &Moment<'_>, found: &mut Vec<Warning>) {
    for scope in &moment.engine.scopes {
        let here = |name, (words, remedy)| Warning { name, about: About::Scope(scope.key.clone()), words, remedy };
        found.extend(over_reserved(scope).map(|said| here(Name::OverReserved, said)));
        found.extend(throttled_early(moment, scope).map(|said| here(Name::ThrottledEarly, said)));
        found.extend(day_runs_out(moment.engine, scope).map(|said| here(Name::DayRunsOut, said)));
        found.extend(quota_assumed(moment, scope).map(|said| here(Name::QuotaAssumed, said)));
    }
}

/// The engine words it: it knows the replies.
fn over_reserved(scope: &ScopeView) -> Option<(String, String)> {
    let remedy = "max_tokens stands in the records, in run --max-tokens, or in the load form";
    Some((scope.advice.clone()?, remedy.to_owned()))
}

const fn limit(quota: QuotaLimit) -> Option<u64> {
    match quota {
        QuotaLimit::Limit(limit) if limit > 0 => Some(limit),
        _ => None,
    }
}

fn throttled_early(moment: &Moment<'_>, scope: &ScopeView) -> Option<(String, String)> {
    let limiter = &scope.limiter;
    let counted = scope.throttles_60s.iter().filter(|(class, _)| *class != ErrorClass::ThrottleTpd);
    let throttles: u64 = counted.map(|(_, n)| n).sum();
    if throttles < THROTTLES || limiter.requests_60s < ENOUGH {
        return None;
    }
    let part = |used: u64, quota: u64| used as f64 / quota as f64;
    // Holds are what the service counts first; some of them were given back within the minute.
    let tokens = part(limiter.reserved_60s.max(limiter.settled_60s), limit(limiter.tpm.quota)?);
    let requests = limit(limiter.rpm.quota).map_or(0.0, |rpm| part(limiter.requests_60s, rpm));
    let used = tokens.max(requests);
    if used >= EARLY {
        return None;
    }
    let why = match others(moment, scope) {
        Some(others) => format!("others use at least {:.0} % of what the account settles", others * 100.0),
        None => "others on the account, or a limit lower than the quota".to_owned(),
    };
    Some((
        format!("{throttles} throttles in the last minute at {:.0} % of the quota: {why}", used * 100.0),
        "see who else calls (account screen, CloudWatch); lower the share of the quota, or ask for more".to_owned(),
    ))
}

/// The part of what the account settles at a scope's route that is not ours, by CloudWatch.
fn others(moment: &Moment<'_>, scope: &ScopeView) -> Option<f64> {
    // Where the service's minutes are shorter than ours, they are not the same minutes.
    let account = moment.account.filter(|account| account.clock_speed.is_none())?;
    let theirs = account.account_use.iter().find(|known| known.route == scope.route)?;
    let engine = moment.engine;
    let found = reconcile(engine.minutes_over(&scope.route), &theirs.minutes, engine.began_ms());
    found.others_at_least.filter(|share| *share >= OTHERS)
}

fn day_runs_out(engine: &EngineSnapshot, scope: &ScopeView) -> Option<(String, String)> {
    let limiter = &scope.limiter;
    let quota = limit(limiter.tpd)?;
    let left = quota.checked_sub(limiter.tpd_used).filter(|left| *left > 0)?;
    if limiter.requests_60s < ENOUGH || limiter.settled_60s == 0 {
        return None;
    }
    let left_ms = (left as f64 / limiter.settled_60s as f64 * 60_000.0) as i64;
    let ends = engine.utc_ms.saturating_add(left_ms);
    let midnight = engine.utc_ms.div_euclid(DAY_MS).saturating_add(1).saturating_mul(DAY_MS);
    (ends < midnight).then(|| {
        (
            format!(
                "the tokens of the day run out at {}: {} of {} used by us, {} a minute",
                clock_time(ends),
                count(limiter.tpd_used),
                count(quota),
                count(limiter.settled_60s)
            ),
            "send less, send to another Region or model, or use batch jobs, which have their own quota".to_owned(),
        )
    })
}

fn quota_assumed(moment: &Moment<'_>, scope: &ScopeView) -> Option<(String, String)> {
    if scope.sent_total < ENOUGH {
        return None;
    }
    let listed = moment.account.and_then(|account| account.limits.iter().find(|limits| limits.key == scope.key));
    let words = match scope.limiter.tpm.quota {
        QuotaLimit::Unknown => "its TPM quota is not known: the limiter looks for it".to_owned(),
        QuotaLimit::Limit(tpm) => {
            let year = defaulted(listed?, tpm)?;
            format!("its TPM quota, {}, is the default published in {year}, not what the account has", count(tpm))
        }
        QuotaLimit::Absent => return None,
    };
    let remedy = match listed.and_then(|limits| limits.quota.problem.as_deref()) {
        Some(problem) => {
            format!("let Service Quotas be read ({problem}), or say tpm under [[quota]] in the configuration")
        }
        None => "say tpm under [[quota]] in the configuration if you know it".to_owned(),
    };
    Some((words, remedy))
}

/// The year of the published default, if the limiter goes by it.
fn defaulted(limits: &RouteLimits, tpm: u64) -> Option<u16> {
    match &limits.quota.tpm {
        (QuotaLimit::Limit(default), QuotaSource::Default { year, .. }) if *default == tpm => Some(*year),
        _ => None,
    }
}
