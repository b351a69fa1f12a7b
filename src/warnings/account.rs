//! About the account: credentials, clock, what is bought, what is batched.

use crate::control::{Commitment, JobStatus, JobView, ProvisionedStatus, ProvisionedView};
use crate::engine::LoadState;
use crate::report::{count, money};

use super::{About, Moment, Name, Warning, clock_time, span_ms};

/// Credentials that end within this want attention where the end of the load is not known.
const SOON_MS: i64 = 15 * 60_000;
/// A clock may be off by less than this.
const CLOCK_MS: i64 = 60_000;
/// What failed earlier is no news.
const NEWS_MS: i64 = 24 * 3_600_000;

pub(super) fn find(moment: &Moment<'_>, found: &mut Vec<Warning>) {
    found.extend(credentials_end(moment));
    let Some(account) = moment.account else { return };
    // A simulator's clock runs in its own time.
    if !account.simulated && account.clock_offset_ms.saturating_abs() >= CLOCK_MS {
        found.push(clock_off(account.clock_offset_ms));
    }
    let now = moment.service_ms();
    found.extend(account.provisioned.iter().filter_map(|view| provisioned_idle(view, now)));
    let resubmitted = |view: &&JobView| account.jobs.iter().any(|other| other.parent.as_deref() == Some(view.job.id()));
    let left = account.jobs.iter().filter(|view| !resubmitted(view));
    found.extend(left.filter_map(|view| batch_failed(view, now)));
}

fn credentials_end(moment: &Moment<'_>) -> Option<Warning> {
    let engine = moment.engine;
    let target = &engine.target;
    let ends = moment.account.and_then(|account| account.credentials_until_ms).or(target.credentials_until_ms)?;
    let left = ends.saturating_sub(engine.utc_ms);
    let over = matches!(engine.state, LoadState::Idle | LoadState::Finished);
    let needed = engine.run.eta.filter(|_| !over).map(|eta| i64::try_from(eta.0 / 1_000).unwrap_or(i64::MAX));
    let words = match needed {
        _ if left <= 0 => format!("credentials ended at {}", clock_time(ends)),
        Some(needed) if left < needed => {
            format!("credentials end in {}, the load in {}", span_ms(left), span_ms(needed))
        }
        None if left < SOON_MS => format!("credentials end in {}", span_ms(left)),
        _ => return None,
    };
    let profile = target.profile.as_deref().map_or(String::new(), |profile| format!(" --profile {profile}"));
    Some(Warning {
        name: Name::CredentialsEnd,
        about: About::Account,
        words,
        remedy: format!("renew them, e.g. `aws sso login{profile}`; a load that they stop is parked and loses nothing"),
    })
}

fn clock_off(offset_ms: i64) -> Warning {
    let way = if offset_ms > 0 { "behind" } else { "ahead of" };
    let off = span_ms(offset_ms.saturating_abs());
    Warning {
        name: Name::ClockOff,
        about: About::Account,
        words: format!("this machine's clock is {off} {way} the service's"),
        remedy: "set it (`timedatectl set-ntp true`): AWS refuses signatures that are 5 minutes off".to_owned(),
    }
}

fn provisioned_idle(view: &ProvisionedView, now: i64) -> Option<Warning> {
    let model = &view.model;
    if model.status != ProvisionedStatus::InService {
        return None;
    }
    let idle = view.idle(now).map(|idle| {
        let least = if idle.at_least { "at least " } else { "" };
        let paid = idle.paid.map_or(String::new(), |paid| format!(", {} paid meanwhile", money(paid)));
        format!("nobody used it for {least}{}{paid}", span_ms(idle.for_ms))
    });
    let expires = model.expires_ms.filter(|_| model.commitment != Commitment::None);
    let over = expires
        .filter(|ends| *ends <= now)
        .map(|ends| format!("its commitment ended {} ago and billing goes on", span_ms(now.saturating_sub(ends))));
    let words = match (idle, over) {
        (None, None) => return None,
        (Some(one), None) | (None, Some(one)) => one,
        (Some(idle), Some(over)) => format!("{idle}; {over}"),
    };
    let units = if model.units == 1 { "1 MU".to_owned() } else { format!("{} MU", model.units) };
    let remedy = match expires.filter(|ends| *ends > now) {
        Some(ends) => format!("it cannot be deleted for {}: send load to it", span_ms(ends.saturating_sub(now))),
        None => "delete it, or send load to it".to_owned(),
    };
    Some(Warning {
        name: Name::ProvisionedIdle,
        about: About::Provisioned { arn: model.arn.clone(), place: format!("{} {}", model.region, model.name) },
        words: format!("{} ({units}): {words}", model.name),
        remedy,
    })
}

fn batch_failed(view: &JobView, now: i64) -> Option<Warning> {
    let job = &view.job;
    let ended = job.ended_ms.or(job.modified_ms).unwrap_or(job.submitted_ms);
    if now.saturating_sub(ended) > NEWS_MS {
        return None;
    }
    let what = match job.status {
        JobStatus::Failed => "failed",
        JobStatus::Expired => "expired before it was done",
        JobStatus::PartiallyCompleted => "completed in part",
        _ => return None,
    };
    let counts = job.counts;
    let undone = counts.total.zip(counts.succeeded).map(|(total, done)| total.saturating_sub(done));
    let undone = undone.filter(|undone| *undone > 0);
    let records = undone.map_or(String::new(), |undone| {
        format!(", {} of {} records without a result", count(undone), count(counts.total.unwrap_or(undone)))
    });
    let why = job.message.as_deref().map_or(String::new(), |message| format!(": {message}"));
    let remedy = if undone.is_some() {
        "fetch what there is, then resubmit what can be retried and what is missing"
    } else {
        "put right what the service says, then submit the input again"
    };
    Some(Warning {
        name: Name::BatchFailed,
        about: About::Job { arn: job.arn.clone(), place: format!("{} {}", job.region, job.name) },
        words: format!("job {} {what}{records}{why}", job.name),
        remedy: remedy.to_owned(),
    })
}
