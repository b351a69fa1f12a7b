use proptest::prelude::*;

use super::super::MeterKind;
use super::*;

const START: Micros = Micros::ZERO;

fn bucket(per_minute: u64) -> Option<MeterSpec> {
    Some(MeterSpec { kind: MeterKind::Bucket { burst_seconds: 60.0 }, per_minute })
}

fn spec(rpm: Option<MeterSpec>, tpm: Option<MeterSpec>) -> ScopeSpec {
    ScopeSpec { rpm, tpm, tpd: None, burndown: 5, reject_charge: 0.0 }
}

fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64) -> Usage {
    Usage { input, output, cache_read, cache_write }
}

#[test]
fn a_request_is_reserved_and_then_settled() {
    let mut scope = ServerScope::new(spec(bucket(10), bucket(100_000)), START);
    let hold = scope.admit(1_000, 500, 200, 4_000, START).unwrap();
    let view = scope.view(START);
    assert_eq!((view.rpm_level, view.tpm_level, view.in_flight, view.held), (Some(9), Some(94_300), 1, 5_700));
    scope.settle(hold, &usage(1_000, 300, 500, 200), START);
    let view = scope.view(START);
    assert_eq!((view.rpm_level, view.tpm_level, view.in_flight, view.held), (Some(9), Some(97_300), 0, 0));
    assert_eq!((view.settled, view.admitted, view.tpd_used), (2_700, 1, 2_700));
}

/// The burndown of 15 of the study of the limiter, §C.2: the bill comes later and is six times the reservation.
#[test]
fn a_settlement_above_its_reservation_leaves_debt() {
    let mut scope = ServerScope::new(ScopeSpec { burndown: 15, ..spec(None, bucket(6_000)) }, START);
    let hold = scope.admit(1_000, 0, 0, 4_096, START).unwrap();
    scope.settle(hold, &usage(1_000, 2_000, 0, 0), START);
    assert_eq!(scope.view(START).tpm_level, Some(6_000 - 31_000));
    assert_eq!(scope.admit(1, 0, 0, 1, Micros::from_secs(250)), Err(Rejected::Tpm));
    assert!(scope.admit(1, 0, 0, 1, Micros::from_secs(251)).is_ok());
}

#[test]
fn a_refusal_by_one_quota_takes_nothing_from_the_others() {
    let mut scope = ServerScope::new(spec(bucket(2), bucket(1_000)), START);
    assert_eq!(scope.admit(1_000, 0, 0, 1, START), Err(Rejected::Tpm));
    assert_eq!(scope.view(START).rpm_level, Some(2));
    assert!(scope.admit(1, 0, 0, 1, START).is_ok());
    assert!(scope.admit(1, 0, 0, 1, START).is_ok());
    assert_eq!(scope.admit(1, 0, 0, 1, START), Err(Rejected::Rpm));
    let view = scope.view(START);
    assert_eq!((view.tpm_level, view.rejected), (Some(996), [1, 1, 0]));
}

#[test]
fn a_refused_request_burns_its_share_down_to_one_burst_of_debt() {
    let mut scope = ServerScope::new(ScopeSpec { reject_charge: 0.5, ..spec(bucket(4), bucket(1_000)) }, START);
    assert_eq!(scope.admit(1_200, 0, 0, 0, START), Err(Rejected::Tpm));
    let view = scope.view(START);
    assert_eq!((view.rpm_level, view.tpm_level), (Some(3), Some(400)), "half a request, 600 tokens");
    for _ in 0..1_000 {
        assert!(scope.admit(u64::MAX, 0, 0, 0, START).is_err());
    }
    let view = scope.view(START);
    assert_eq!((view.rpm_level, view.tpm_level), (Some(-4), Some(-1_000)));
}

#[test]
fn the_hold_moves_towards_the_settlement() {
    let mut scope = ServerScope::new(spec(None, bucket(100_000)), START);
    let hold = scope.admit(1_000, 1_000, 0, 1_000, START).unwrap();
    let mut levels = Vec::new();
    for output in [0, 250, 500, 1_000, 5_000] {
        scope.progress(hold, output, START);
        levels.push(scope.view(START).held);
    }
    assert_eq!(levels, [3_000, 3_750, 4_500, 6_000, 6_000]);
    scope.settle(hold, &usage(1_000, 1_000, 1_000, 0), START);
    assert_eq!(scope.view(START).tpm_level, Some(94_000), "all generated: nothing moves at the end");
}

#[test]
fn a_finished_hold_does_nothing_any_more() {
    let mut scope = ServerScope::new(spec(bucket(10), bucket(1_000)), START);
    let first = scope.admit(100, 0, 0, 0, START).unwrap();
    scope.cancel(first, START);
    let second = scope.admit(200, 0, 0, 0, START).unwrap();
    assert_ne!(first, second);
    scope.cancel(first, START);
    scope.settle(first, &usage(9, 9, 9, 9), START);
    scope.progress(first, 9, START);
    let view = scope.view(START);
    assert_eq!((view.rpm_level, view.tpm_level, view.in_flight), (Some(9), Some(800), 1));
}

#[test]
fn the_day_of_the_scope_ends_at_midnight() {
    let mut scope = ServerScope::new(ScopeSpec { tpd: Some(1_000), burndown: 1, ..spec(None, None) }, START);
    let evening = Micros::from_secs(86_390);
    let hold = scope.admit(900, 0, 0, 100, evening).unwrap();
    assert_eq!(scope.admit(1, 0, 0, 0, evening), Err(Rejected::Tpd));
    let morning = Micros::from_secs(86_400);
    assert!(scope.admit(1_000, 0, 0, 0, morning).is_ok());
    scope.settle(hold, &usage(900, 0, 0, 0), morning);
    assert_eq!(scope.view(morning).tpd_used, 1_000, "what came back belonged to yesterday");
}

#[test]
fn scopes_share_the_accounts_day() {
    let pool = TpdPool::new(1_000, START);
    let scope = || ServerScope::new(ScopeSpec { burndown: 1, ..spec(bucket(10), None) }, START).with_pool(pool.clone());
    let (mut base, mut geo) = (scope(), scope());
    let hold = base.admit(500, 0, 0, 300, START).unwrap();
    assert_eq!(geo.admit(300, 0, 0, 0, START), Err(Rejected::Tpd));
    assert_eq!(geo.view(START).rpm_level, Some(10));
    base.settle(hold, &usage(500, 100, 0, 0), START);
    assert_eq!(pool.used(START), 600);
    assert!(geo.admit(400, 0, 0, 0, START).is_ok());
    pool.set_limit(2_000, START);
    assert_eq!((pool.limit(), pool.used(START)), (2_000, 1_000));
    assert_eq!(pool.used(Micros::from_secs(86_400)), 0);
}

#[test]
fn others_of_the_account_count_everywhere() {
    let pool = TpdPool::new(1_000_000, START);
    let mut scope = ServerScope::new(spec(None, bucket(1_000)), START).with_pool(pool.clone());
    scope.others(600, START);
    let later = Micros::from_secs(120);
    assert_eq!(scope.view(later).tpm_level, Some(1_000), "the rest of the rate refills it");
    assert_eq!(pool.used(later), 1_200);
    scope.others(1_500, later);
    assert_eq!(scope.view(Micros::from_secs(600)).tpm_level, Some(0));
    scope.others(0, Micros::from_secs(600));
    assert_eq!(scope.view(Micros::from_secs(630)).tpm_level, Some(500));
}

#[test]
fn a_granted_increase_keeps_what_was_used() {
    let mut scope = ServerScope::new(spec(bucket(10), bucket(1_000)), START);
    scope.admit(600, 0, 0, 0, START).unwrap();
    scope.retune(spec(None, bucket(2_000)), START);
    let view = scope.view(START);
    assert_eq!((view.rpm_level, view.tpm_level), (None, Some(400)));
    assert_eq!(scope.view(Micros::from_secs(60)).tpm_level, Some(2_000));
    let sliding = Some(MeterSpec { kind: MeterKind::Sliding, per_minute: 500 });
    scope.retune(spec(bucket(10), sliding), Micros::from_secs(60));
    let view = scope.view(Micros::from_secs(60));
    assert_eq!((view.rpm_level, view.tpm_level), (Some(10), Some(500)));
}

fn any_kind() -> impl Strategy<Value = MeterKind> {
    prop_oneof![
        (0.0..120.0).prop_map(|burst_seconds| MeterKind::Bucket { burst_seconds }),
        Just(MeterKind::Guarded),
        Just(MeterKind::Minute),
        Just(MeterKind::Sliding),
    ]
}

/// Small numbers most of the time, hostile ones now and then.
fn hostile() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..10_000, 1 => Just(u64::MAX), 1 => any::<u64>()]
}

#[derive(Clone, Debug)]
enum Step {
    Admit(u64, u64, u64, u64),
    Progress(usize, u64),
    Settle(usize, u64, u64, u64, u64),
    Cancel(usize),
    Others(u64),
    Retune(MeterKind, u64),
    View,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (hostile(), hostile(), hostile(), hostile()).prop_map(|(a, b, c, d)| Step::Admit(a, b, c, d)),
        (any::<usize>(), hostile()).prop_map(|(i, n)| Step::Progress(i, n)),
        (any::<usize>(), hostile(), hostile(), hostile(), hostile())
            .prop_map(|(i, a, b, c, d)| Step::Settle(i, a, b, c, d)),
        any::<usize>().prop_map(Step::Cancel),
        hostile().prop_map(Step::Others),
        (any_kind(), hostile()).prop_map(|(kind, n)| Step::Retune(kind, n)),
        Just(Step::View),
    ]
}

proptest! {
    /// Before any settlement no window of any length sees more than the burst and what came in meanwhile; and no fixed
    /// minute, no 60 sliding seconds more than the quota.
    #[test]
    fn never_admits_more_than_the_quota(
        kind in any_kind(), per_minute in 1u64..50_000,
        requests in proptest::collection::vec((0u64..5_000_000, 1u64..20_000), 1..120),
    ) {
        let tpm = MeterSpec { kind, per_minute };
        let mut scope = ServerScope::new(spec(None, Some(tpm)), START);
        let mut now = START;
        let mut admitted = Vec::new();
        for (pause, size) in requests {
            now = now + Micros(pause);
            if scope.admit(size, 0, 0, 0, now).is_ok() {
                admitted.push((now, size));
            }
        }
        for (first, &(from, _)) in admitted.iter().enumerate() {
            let mut sum = 0;
            for &(to, size) in &admitted[first..] {
                sum += size;
                let span = to.since(from);
                match kind {
                    MeterKind::Bucket { burst_seconds } => {
                        let burst = (per_minute as f64 * burst_seconds / 60.0).max(1.0);
                        let allowed = burst + per_minute as f64 * span.secs_f64() / 60.0;
                        prop_assert!(sum as f64 <= allowed + 1e-3, "{sum} > {allowed}");
                    }
                    MeterKind::Guarded => {
                        // No bunch exceeds what the guard lets through, nor a minute what the bucket does.
                        let rate = per_minute as f64 / 60.0;
                        let guarded = (2.0 * rate).max(1.0) + 2.0 * rate * span.secs_f64();
                        let allowed = guarded.min(60.0 * rate + rate * span.secs_f64());
                        prop_assert!(sum as f64 <= allowed + 1e-3, "{sum} > {allowed}");
                    }
                    MeterKind::Minute => {
                        prop_assert!(from.0 / 60_000_000 != to.0 / 60_000_000 || sum <= per_minute);
                    }
                    MeterKind::Sliding => prop_assert!(span > Micros::from_secs(60) || sum <= per_minute),
                }
            }
        }
    }

    /// At one moment, reservations come back to the token, whatever happens to them in whatever order, and only what
    /// is settled stays charged.
    #[test]
    fn holds_come_back_exactly_in_any_order(
        kind in any_kind(),
        requests in proptest::collection::vec(
            (0u64..1_000, 0u64..1_000, 0u64..1_000, 0u64..1_000, proptest::option::of(0u64..1_000), 0u64..2_000), 1..20),
        order in any::<prop::sample::Index>(),
    ) {
        let kind = match kind {
            MeterKind::Bucket { .. } | MeterKind::Guarded => MeterKind::Bucket { burst_seconds: 60.0 },
            window => window,
        };
        let meter = |per_minute| Some(MeterSpec { kind, per_minute });
        let pool = TpdPool::new(10_000_000, START);
        let spec = ScopeSpec { tpd: Some(10_000_000), ..spec(meter(1_000), meter(1_000_000)) };
        let mut scope = ServerScope::new(spec, START).with_pool(pool.clone());
        let mut holds = Vec::new();
        for request in &requests {
            let &(input, cache_read, cache_write, max_tokens, ..) = request;
            holds.push((scope.admit(input, cache_read, cache_write, max_tokens, START).unwrap(), request));
        }
        let turn = order.index(holds.len());
        holds.rotate_left(turn);
        let (mut settled, mut served) = (0, 0);
        for (hold, &(input, cache_read, cache_write, max_tokens, output, progress)) in holds {
            scope.progress(hold, progress, START);
            match output {
                Some(output) => {
                    let usage = usage(input, output.min(max_tokens), cache_read, cache_write);
                    settled += cost::settle(&usage, spec.burndown).0;
                    served += 1;
                    scope.settle(hold, &usage, START);
                }
                None => scope.cancel(hold, START),
            }
        }
        let view = scope.view(START);
        prop_assert_eq!(view.tpm_level, Some(1_000_000 - settled as i64));
        prop_assert_eq!(view.rpm_level, Some(1_000 - served));
        prop_assert_eq!((view.tpd_used, pool.used(START), view.settled), (settled, settled, settled));
        prop_assert_eq!((view.in_flight, view.held), (0, 0));
    }

    /// Nothing that a caller or a clock can do panics, and the levels never pass the capacity.
    #[test]
    fn hostile_callers_and_clocks_are_survived(
        kind in any_kind(), quotas in (hostile(), hostile(), hostile()), burndown in any::<u32>(),
        reject_charge in prop_oneof![0.0..1.0f64, Just(f64::NAN), Just(f64::INFINITY), Just(-1.0)],
        steps in proptest::collection::vec((hostile(), any::<bool>(), step()), 1..80),
    ) {
        let meter = |per_minute| Some(MeterSpec { kind, per_minute });
        let spec = ScopeSpec { rpm: meter(quotas.0), tpm: meter(quotas.1), tpd: Some(quotas.2), burndown, reject_charge };
        let mut scope = ServerScope::new(spec, START).with_pool(TpdPool::new(quotas.2, START));
        let mut now = START;
        let mut holds = Vec::new();
        for (span, back, step) in steps {
            now = if back { now - Micros(span) } else { now + Micros(span) };
            match step {
                Step::Admit(a, b, c, d) => holds.extend(scope.admit(a, b, c, d, now)),
                Step::Others(n) => scope.others(n, now),
                Step::Retune(kind, n) => {
                    scope.retune(ScopeSpec { tpm: Some(MeterSpec { kind, per_minute: n }), ..spec }, now);
                }
                Step::View => {
                    let view = scope.view(now);
                    prop_assert!(view.in_flight <= holds.len() as u64);
                }
                Step::Progress(at, n) if !holds.is_empty() => scope.progress(holds[at % holds.len()], n, now),
                Step::Settle(at, a, b, c, d) if !holds.is_empty() => {
                    scope.settle(holds[at % holds.len()], &usage(a, b, c, d), now);
                }
                Step::Cancel(at) if !holds.is_empty() => scope.cancel(holds[at % holds.len()], now),
                _ => {}
            }
            for meter in scope.rpm.iter_mut().chain(&mut scope.tpm) {
                prop_assert!(meter.level(now) <= meter.capacity());
            }
        }
    }

    /// A clock that goes backwards changes nothing until it has caught up.
    #[test]
    fn a_clock_going_backwards_stands_still(kind in any_kind(), back in 1u64..600_000_000, size in 1u64..900) {
        let tpm = Some(MeterSpec { kind, per_minute: 60_000 });
        let mut scope = ServerScope::new(spec(None, tpm), START);
        let now = Micros::from_secs(600);
        scope.view(now);
        let hold = scope.admit(size, 0, 0, 0, now);
        let level = scope.view(now).tpm_level;
        prop_assert_eq!(scope.view(now - Micros(back)).tpm_level, level);
        prop_assert_eq!(scope.view(now).tpm_level, level);
        if let Ok(hold) = hold {
            scope.cancel(hold, now - Micros(back));
            prop_assert!(scope.view(now).tpm_level >= level.map(|level| level + size as i64));
        }
    }
}
