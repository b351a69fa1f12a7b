//! Each warning appears, stays a little, and goes; and no snapshot is too odd.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::control::{ControlSnapshot, JobStatus, QuotaSource, RouteLimits, RouteQuota};
use crate::engine::{BreakerView, EngineSnapshot, HeadView, HeadWhy, LoadState, RequestView, Series};
use crate::limiter::{QuotaLimit, Why};
use crate::record::{ErrorClass, Micros, Priority, Usage};

/// A run and an account with which nothing is the matter.
fn calm() -> (EngineSnapshot, ControlSnapshot) {
    let mut engine = fixtures::running();
    for scope in &mut engine.scopes {
        scope.advice = None;
        scope.throttles_60s.clear();
        scope.quota_source = "service quotas".into();
        scope.limiter.rpm.quota = QuotaLimit::Limit(600);
        scope.limiter.reserved_60s = 60_000;
        scope.limiter.settled_60s = 20_000;
    }
    engine.series = Arc::new(Series::default());
    (engine, fixtures::nothing().0)
}

fn recent(engine: &mut EngineSnapshot, change: impl Fn(usize, &mut RequestView)) {
    let mut all = engine.recent.to_vec();
    all.iter_mut().enumerate().for_each(|(at, request)| change(at, request));
    engine.recent = Arc::new(all);
}

/// A queue that has grown by `a_second` for the last five minutes.
fn queue(engine: &mut EngineSnapshot, a_second: f32) {
    let queue = (0..300).map(|second| second as f32 * a_second).collect();
    engine.series = Arc::new(Series { queue, ..Series::default() });
}

/// What the account says of the first scope's quota.
fn limits(engine: &EngineSnapshot, source: QuotaSource) -> RouteLimits {
    let scope = &engine.scopes[0];
    let tpm = (scope.limiter.tpm.quota, source);
    let unknown = (QuotaLimit::Unknown, QuotaSource::Unknown);
    let problem = Some("servicequotas:ListServiceQuotas is not allowed".to_owned());
    let quota = RouteQuota { rpm: unknown.clone(), tpm, tpd: unknown, burndown: 1, problem };
    RouteLimits { route: scope.route.clone(), key: scope.key.clone(), quota }
}

type Change = fn(&mut EngineSnapshot, &mut ControlSnapshot);

/// The warning, what makes it, words that it then says, and what of it is not enough.
struct Case {
    name: Name,
    makes: Change,
    says: &'static [&'static str],
    spares: Change,
}

fn cases() -> Vec<Case> {
    let case = |name, makes, says, spares| Case { name, makes, says, spares };
    vec![
        case(
            Name::OverReserved,
            |engine, _| {
                engine.scopes[1].advice = Some("reservation is 9x what you use: lower max_tokens to 700".into());
            },
            &["reservation is 9x what you use: lower max_tokens to 700", "--max-tokens"],
            |engine, _| engine.scopes[1].advice = None,
        ),
        case(
            Name::NoMaxTokens,
            |engine, _| {
                recent(engine, |at, request| {
                    if at % 2 == 0 {
                        request.max_tokens = None;
                        request.reserved = 8_400;
                    }
                });
            },
            &["of the last 37 records set no max_tokens", "8,400 quota tokens", "--max-tokens"],
            |engine, _| {
                recent(engine, |at, request| request.max_tokens = (at != 0).then_some(1_024));
            },
        ),
        case(
            Name::RepliesCut,
            |engine, _| recent(engine, |at, request| request.max_tokens = Some(if at % 2 == 0 { 80 } else { 4_096 })),
            &["replies ended at max_tokens (80 at most)", "raise max_tokens"],
            |engine, _| {
                // Nine requests say nothing.
                engine.recent = Arc::new(engine.recent.iter().take(9).cloned().collect());
                recent(engine, |_, request| request.max_tokens = Some(1));
            },
        ),
        case(
            Name::LongContext,
            |engine, _| {
                recent(engine, |at, request| {
                    request.usage = request.usage.map(|usage| Usage {
                        input: if at == 3 { 90_000 } else { usage.input },
                        cache_read: if at == 3 { 42_000 } else { 0 },
                        ..usage
                    });
                });
            },
            &["1 of the last 37 requests had more than 100,000 input tokens, the largest 132,000", "split"],
            |engine, _| {
                recent(engine, |_, request| {
                    request.usage = request.usage.map(|usage| Usage { input: 132_000, ..usage });
                    // Long ago.
                    request.utc_ms -= 6 * 60_000;
                });
            },
        ),
        case(
            Name::EstimateOff,
            |engine, _| engine.estimator.bias = -0.31,
            &["31 % too low, over 1,939 requests", "share"],
            |engine, _| (engine.estimator.bias, engine.estimator.n) = (-0.31, 9),
        ),
        case(
            Name::ClientLimited,
            |engine, _| (engine.flow.client_limited, engine.flow.arrived_rps) = (true, 2.5),
            &[
                "4.0/s were asked for, this machine makes 2.5/s; one in a hundred is 1 ms late or more",
                "lower the arrival rate",
            ],
            |engine, _| (engine.flow.client_limited, engine.run.attempts) = (true, 9),
        ),
        case(
            Name::QueueGrows,
            |engine, _| queue(engine, 1.4),
            &["the queue grew by 154 to 213 in 2 minutes: 4.0/s arrive, 2.6/s are done", "lower the arrival rate, or "],
            |engine, _| {
                queue(engine, 1.4);
                engine.flow.requested_rps = None;
            },
        ),
        case(
            Name::QueueGrows,
            |engine, _| engine.run.dropped = 12,
            &["12 arrivals were dropped"],
            |engine, _| queue(engine, 0.1),
        ),
        case(
            Name::DeadlineLate,
            |engine, _| {
                engine.run.late = 3;
                engine.flow.head = Some(HeadView {
                    record: "doc-7".into(),
                    priority: Priority::Medium,
                    why: HeadWhy::Limiter(Why::TpmHold),
                    route: None,
                    until: Some(engine.at + Micros::from_secs(40)),
                    deadline: Some(engine.at + Micros::from_secs(12)),
                });
            },
            &["3 records came after their deadlines", "doc-7 is due in 12.0 s and waits 40.0 s"],
            |engine, _| {
                let head = engine.flow.head.as_mut().unwrap();
                head.deadline = Some(engine.at + Micros::from_secs(12));
            },
        ),
        case(
            Name::ThrottledEarly,
            |engine, _| engine.scopes[0].throttles_60s = vec![(ErrorClass::ThrottleTpm, 9)],
            &["9 throttles in the last minute at 30 % of the quota: others", "account screen"],
            |engine, _| {
                engine.scopes[0].throttles_60s = vec![(ErrorClass::ThrottleTpm, 9)];
                engine.scopes[0].limiter.reserved_60s = 190_000;
            },
        ),
        case(
            Name::DayRunsOut,
            |engine, _| {
                engine.scopes[0].limiter.tpd = QuotaLimit::Limit(5_000_000);
                engine.scopes[0].limiter.tpd_used = 4_000_000;
            },
            // A million tokens at 20,000 a minute is fifty minutes, and it is 14:15.
            &["run out at 15:05 UTC: 4,000,000 of 5,000,000 used by us, 20,000 a minute", "batch"],
            |engine, _| engine.scopes[0].limiter.tpd_used = 4_000_000,
        ),
        case(
            Name::QuotaAssumed,
            |engine, account| {
                let source = QuotaSource::Default { code: None, year: 2_026 };
                account.limits.push(limits(engine, source));
            },
            &["200,000, is the default published in 2026", "ListServiceQuotas is not allowed", "[[quota]]"],
            |engine, account| {
                account.limits.push(limits(engine, QuotaSource::Units));
            },
        ),
        case(
            Name::QuotaAssumed,
            |engine, _| engine.scopes[1].limiter.tpm.quota = QuotaLimit::Unknown,
            &["its TPM quota is not known"],
            |engine, _| {
                engine.scopes[1].limiter.tpm.quota = QuotaLimit::Unknown;
                engine.scopes[1].sent_total = 9;
            },
        ),
        case(
            Name::BreakerOpen,
            |engine, _| {
                engine.regions[1].breaker = BreakerView::Open { until: engine.at + Micros::from_secs(9) };
                engine.regions[1].last_error = Some("ServiceUnavailableException: down".into());
            },
            &["the breaker of us-west-2 is open: ServiceUnavailableException: down", "1 other Region takes the load"],
            |engine, _| {
                engine.regions[1].breaker = BreakerView::HalfOpen;
                engine.regions[1].drained = true;
            },
        ),
        case(
            Name::ScopeParked,
            |engine, _| engine.scopes[1].parked = Some(("no access to the model".into(), "ask for access".into())),
            &["nothing is sent to us-west-2: no access to the model", "ask for access"],
            |_, _| {},
        ),
        case(
            Name::CredentialsEnd,
            |engine, _| engine.target.credentials_until_ms = Some(engine.utc_ms + 5 * 60_000),
            &["credentials end in 5m 00s, the load in 13m 12s", "aws sso login"],
            |engine, _| {
                engine.target.credentials_until_ms = Some(engine.utc_ms + 20 * 60_000);
                engine.state = LoadState::Finished;
            },
        ),
        case(
            Name::CredentialsEnd,
            |engine, account| {
                engine.target.profile = Some("prod".into());
                engine.state = LoadState::Idle;
                account.credentials_until_ms = Some(engine.utc_ms - 1);
            },
            &["credentials ended at 14:15 UTC", "aws sso login --profile prod"],
            |engine, _| engine.target.credentials_until_ms = Some(engine.utc_ms + 60 * 60_000),
        ),
        case(
            Name::ClockOff,
            |_, account| (account.simulated, account.clock_offset_ms) = (false, -200_000),
            &["this machine's clock is 3m 20s ahead of the service's", "timedatectl"],
            // A simulator's clock runs as fast as its scenario says.
            |_, account| (account.simulated, account.clock_offset_ms) = (true, -200_000),
        ),
        case(
            Name::ProvisionedIdle,
            |_, account| account.provisioned = fixtures::failing().0.provisioned,
            &[
                "spare (1 MU): nobody used it for",
                "paid meanwhile; its commitment ended",
                "ago and billing goes on",
                "delete it",
            ],
            |_, account| {
                account.provisioned = fixtures::account().0.provisioned;
                account.provisioned.retain(|view| view.model.name != "spare");
            },
        ),
        case(
            Name::BatchFailed,
            |_, account| account.jobs = fixtures::failing().0.jobs,
            &["job archive expired before it was done, 28,802 of 90,000 records without a result", "resubmit"],
            |_, account| {
                account.jobs = fixtures::failing().0.jobs;
                account.jobs.retain(|view| matches!(view.job.status, JobStatus::Expired | JobStatus::InProgress));
                // Another job goes on with what it left.
                let id = account.jobs.iter().find(|view| view.job.name == "archive").unwrap().job.id().to_owned();
                account.jobs[0].parent = Some(id);
            },
        ),
    ]
}

fn words(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(|w| format!("{}, {}: {}; {}", w.name.word(), w.about.text(), w.words, w.remedy)).collect()
}

#[test]
fn nothing_is_the_matter_with_a_calm_run() {
    let (engine, account) = calm();
    let found = find(&Moment { engine: &engine, account: Some(&account) });
    assert_eq!(words(&found), Vec::<String>::new());
}

#[test]
fn each_warning_appears_with_its_figures_stays_a_little_and_goes() {
    for case in cases() {
        let name = case.name.word();
        let (before, quiet) = calm();
        let (mut engine, mut account) = calm();
        (case.makes)(&mut engine, &mut account);
        let mut warnings = Warnings::default();
        let at = |warnings: &mut Warnings, engine, account, seconds| {
            warnings.look(&Moment { engine, account: Some(account) }, before.at + Micros::from_secs(seconds))
        };
        assert!(at(&mut warnings, &before, &quiet, 0).is_empty(), "{name}");
        let appeared = at(&mut warnings, &engine, &account, 10);
        assert!(appeared.iter().any(|warning| warning.name == case.name), "{name}: {:?}", words(&appeared));
        assert!(appeared.iter().all(|warning| warning.name == case.name), "{name}: {:?}", words(&appeared));
        let said = words(&appeared);
        for part in case.says {
            assert!(said.iter().any(|said| said.contains(part)), "{name} says {said:?}, not `{part}`");
        }
        // Found again it is no news; not found, it stays at first; found once more it has stood all the time.
        assert!(at(&mut warnings, &engine, &account, 11).is_empty(), "{name} appears twice");
        assert!(at(&mut warnings, &before, &quiet, 24).is_empty());
        assert_eq!(warnings.all().len(), appeared.len(), "{name} flickers");
        assert!(at(&mut warnings, &engine, &account, 25).is_empty(), "{name} appears twice");
        assert!(warnings.all().iter().all(|one| one.since == before.at + Micros::from_secs(10)), "{name}");
        at(&mut warnings, &before, &quiet, 40);
        assert!(warnings.all().is_empty(), "{name} does not go");
        let (mut engine, mut account) = calm();
        (case.spares)(&mut engine, &mut account);
        let found = find(&Moment { engine: &engine, account: Some(&account) });
        assert!(found.iter().all(|warning| warning.name != case.name), "{name}: {:?}", words(&found));
    }
}

#[test]
fn every_name_has_a_case() {
    for named in &NAMES {
        assert!(cases().iter().any(|case| case.name == named.name), "{}", named.word);
    }
}

#[test]
fn others_are_named_where_cloudwatch_tells_of_them() {
    let (mut engine, _) = calm();
    let (account, _) = fixtures::used_account();
    engine.scopes[0].throttles_60s = vec![(ErrorClass::ThrottleTpm, 9)];
    let found = find(&Moment { engine: &engine, account: Some(&account) });
    let early = found.iter().find(|warning| warning.name == Name::ThrottledEarly).unwrap();
    assert!(early.words.ends_with("others use at least 38 % of what the account settles"), "{}", early.words);
    // Minutes are the service's: a clock of ours that is off changes nothing.
    let words = early.words.clone();
    (engine.utc_ms, engine.clock_offset_ms) = (engine.utc_ms - 200_000, 200_000);
    let found = find(&Moment { engine: &engine, account: Some(&account) });
    assert!(found.iter().any(|warning| warning.words == words), "{found:?}");
}

#[test]
fn what_is_muted_is_kept_but_not_heard() {
    let (mut engine, account) = calm();
    engine.scopes[1].parked = Some(("no access".into(), "ask".into()));
    engine.estimator.bias = 0.5;
    let moment = Moment { engine: &engine, account: Some(&account) };
    let mut warnings = Warnings::new([Name::ScopeParked]);
    let appeared = warnings.look(&moment, engine.at);
    assert_eq!(appeared.iter().map(|warning| warning.name).collect::<Vec<_>>(), [Name::EstimateOff]);
    let names = |warnings: &Warnings| warnings.all().iter().map(|one| one.warning.name).collect::<Vec<_>>();
    assert_eq!(names(&warnings), [Name::EstimateOff, Name::ScopeParked]);
    assert_eq!(warnings.heard().count(), 1);
    // Heard again, the gravest comes first.
    assert!(!warnings.mute(Name::ScopeParked));
    assert_eq!(names(&warnings), [Name::ScopeParked, Name::EstimateOff]);
    assert_eq!(warnings.heard().count(), 2);
}

fn odd_number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(0.0), -10.0..1e12_f64]
}

proptest! {
    #[test]
    fn no_snapshot_panics_or_says_too_much(
        engines in prop::collection::vec(0..5_usize, 1..6),
        account in 0..5_usize,
        odd in (odd_number(), odd_number(), odd_number()),
        counts in prop::array::uniform8(prop_oneof![any::<u64>(), 0..20_u64]),
        moments in (any::<i64>(), any::<i64>(), any::<i64>(), any::<u64>()),
        queue in prop::collection::vec(any::<f32>(), 0..200),
    ) {
        let mut account = match account {
            0 => fixtures::account().0,
            1 => fixtures::failing().0,
            2 => fixtures::hostile().0,
            3 => fixtures::used_account().0,
            _ => fixtures::nothing().0,
        };
        account.clock_offset_ms = moments.0;
        account.simulated = counts[0] % 2 == 0;
        account.credentials_until_ms = Some(moments.1);
        let mut warnings = Warnings::default();
        let mut at = Micros(moments.3 / 2);
        for (step, which) in engines.into_iter().enumerate() {
            let mut engine = fixtures::all().swap_remove(which).1;
            engine.utc_ms = if step % 2 == 0 { moments.2 } else { engine.utc_ms };
            engine.estimator.bias = odd.0;
            engine.estimator.n = counts[1];
            engine.flow.requested_rps = Some(odd.1);
            engine.flow.arrived_rps = odd.2;
            engine.flow.client_limited = true;
            engine.run.dropped = counts[2];
            engine.run.late = counts[3];
            engine.run.eta = Some(Micros(counts[4]));
            engine.target.credentials_until_ms = Some(moments.0);
            engine.series = Arc::new(Series { queue: queue.clone(), ..Series::default() });
            for scope in &mut engine.scopes {
                scope.limiter.tpd = QuotaLimit::Limit(counts[5]);
                scope.limiter.tpd_used = counts[6];
                scope.limiter.settled_60s = counts[7];
                scope.limiter.requests_60s = counts[1];
                scope.limiter.tpm.quota = QuotaLimit::Limit(counts[2]);
                scope.throttles_60s = vec![(ErrorClass::ThrottleOther, counts[3] / 2)];
            }
            recent(&mut engine, |at, request| {
                request.max_tokens = (at % 3 > 0).then_some(counts[at % 8]);
                request.reserved = counts[(at + 1) % 8];
                request.usage = Some(Usage { input: counts[(at + 2) % 8], cache_read: counts[at % 8], ..Usage::default() });
            });
            let appeared = warnings.look(&Moment { engine: &engine, account: Some(&account) }, at);
            for warning in appeared {
                prop_assert!(!warning.words.is_empty() && !warning.remedy.is_empty());
                prop_assert!(!warning.words.contains('\n'), "{}", warning.words);
            }
            prop_assert!(warnings.all().len() <= 64);
            at = Micros(at.0.saturating_add(counts[0] / 4));
        }
    }
}
