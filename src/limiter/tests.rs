//! What the limiter does, case by case.

use super::*;
use crate::record::Micros;

const MINUTE: Micros = Micros::from_secs(60);

fn at(seconds: f64) -> Micros {
    Micros::from_secs_f64(seconds)
}

/// A rate as it is shown: to a millionth.
fn shown(rate: Option<f64>) -> Option<f64> {
    rate.map(|rate| (rate * 1e6).round() / 1e6)
}

fn cost(hold: u64, expect: u64) -> Cost {
    Cost { hold, expect }
}

fn tokens(limit: u64) -> ScopeQuota {
    ScopeQuota { tpm: QuotaLimit::Limit(limit), rpm: QuotaLimit::Absent, ..ScopeQuota::default() }
}

fn limiter(preset: Preset, quota: ScopeQuota) -> (Limiter, ScopeId) {
    let mut limiter = Limiter::new(LimiterKnobs { preset, ..LimiterKnobs::default() });
    let scope = limiter.add_scope(quota, Micros::ZERO);
    (limiter, scope)
}

/// Sends whatever may go between two moments, each settled at once at its expectation; how many tokens that was.
fn press(limiter: &mut Limiter, scope: ScopeId, cost: Cost, from: Micros, to: Micros) -> u64 {
    let mut now = from;
    let mut sent = 0;
    loop {
        match limiter.decide(scope, cost, now) {
            Decision::Admit => {
                let ticket = limiter.admit(scope, cost, now);
                limiter.settle(ticket, cost.expect, now);
                sent += cost.expect;
            }
            Decision::Wait { until, .. } => now = until,
            Decision::Never { why } => panic!("never: {why:?}"),
        }
        if now >= to {
            return sent;
        }
    }
}

#[test]
fn a_bucket_waits_exactly_as_long_as_it_refills() {
    // 60,000 a minute: 1,000 a second, 15,000 at once.
    let (mut limiter, scope) = limiter(Preset::TokenBucket, tokens(60_000));
    limiter.admit(scope, cost(15_000, 15_000), Micros::ZERO);
    let wait = limiter.decide(scope, cost(2_500, 2_500), Micros::ZERO);
    assert_eq!(wait, Decision::Wait { until: at(2.5), why: Why::TpmHold });
    // Larger than the burst, not than the minute: it waits until the level is there.
    let wait = limiter.decide(scope, cost(20_000, 20_000), Micros::ZERO);
    assert_eq!(wait, Decision::Wait { until: at(20.0), why: Why::TpmHold });
    assert_eq!(limiter.decide(scope, cost(20_000, 20_000), at(20.0)), Decision::Admit);
}

#[test]
fn a_request_over_a_whole_minute_can_never_go() {
    for preset in Preset::ALL {
        let (mut limiter, scope) = limiter(preset, tokens(60_000));
        assert_eq!(limiter.decide(scope, cost(60_001, 100), at(1.0)), Decision::Never { why: Why::LargerThanBurst });
        let whole = limiter.decide(scope, cost(60_000, 100), at(1.0));
        assert!(!matches!(whole, Decision::Never { .. }), "{preset:?}");
    }
    let (mut unlimited, scope) = limiter(Preset::Adaptive, ScopeQuota::default());
    assert_eq!(
        unlimited.decide(scope, cost(10_000_000, 100), at(1.0)),
        Decision::Admit,
        "nothing is known to forbid it"
    );
}

#[test]
fn an_expected_debt_is_charged_before_it_is_billed() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(60_000));
    // Holds 1,000, will settle 10,000: ten seconds of the rate, of which two may be borrowed.
    let first = limiter.admit(scope, cost(1_000, 10_000), Micros::ZERO);
    let status = limiter.status(scope, Micros::ZERO);
    assert_eq!((status.held, status.debt), (1_000, 9_000));
    let wait = limiter.decide(scope, cost(1_000, 10_000), Micros::ZERO);
    assert_eq!(wait, Decision::Wait { until: at(8.0), why: Why::TpmDebt });
    // It turns out cheaper.
    limiter.settle(first, 2_000, at(0.5));
    assert_eq!(limiter.decide(scope, cost(1_000, 10_000), at(1.0)), Decision::Admit);
    let status = limiter.status(scope, at(1.0));
    assert_eq!((status.held, status.debt, status.settled_60s, status.reserved_60s), (0, 0, 2_000, 1_000));
}

/// What the mirror says is a belief: for minutes nobody is kept waiting by it, and what is accepted corrects it.
#[test]
fn a_mirror_that_says_no_for_long_is_put_to_the_test() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(60_000));
    // A minute's quota and 40 s more are held.
    for _ in 0..2 {
        limiter.admit(scope, cost(50_000, 100), Micros::ZERO);
    }
    let small = cost(1_000, 100);
    assert_eq!(limiter.decide(scope, small, Micros::ZERO), Decision::Wait { until: at(20.0), why: Why::TpmHold });
    let sent = limiter.admit(scope, small, at(20.0));
    let wait = limiter.decide(scope, small, at(20.0));
    assert_eq!(wait, Decision::Wait { until: at(40.0), why: Why::TpmHold }, "one, not all of them");
    limiter.settle(sent, 100, at(21.0));
    assert_eq!(limiter.decide(scope, small, at(21.0)), Decision::Admit, "there was room for it");
}

#[test]
fn a_stream_that_outgrows_its_hold_is_a_debt_already() {
    let (mut limiter, scope) = limiter(Preset::TokenBucket, tokens(60_000));
    let stream = limiter.admit(scope, cost(1_000, 1_000), Micros::ZERO);
    limiter.progress(stream, 500, Micros::ZERO);
    assert_eq!(limiter.status(scope, Micros::ZERO).tpm.level, 14_000.0);
    limiter.progress(stream, 6_000, Micros::ZERO);
    assert_eq!(limiter.status(scope, Micros::ZERO).tpm.level, 9_000.0);
    assert_eq!(limiter.status(scope, Micros::ZERO).held, 6_000);
    limiter.settle(stream, 7_000, Micros::ZERO);
    assert_eq!(limiter.status(scope, Micros::ZERO).tpm.level, 8_000.0);
}

#[test]
fn what_never_left_is_as_if_it_had_not_been() {
    for preset in Preset::ALL {
        let (mut limiter, scope) = limiter(preset, tokens(60_000));
        let before = limiter.status(scope, at(1.0));
        let ticket = limiter.admit(scope, cost(5_000, 9_000), at(1.0));
        limiter.release(ticket, at(1.0));
        assert_eq!(limiter.status(scope, at(1.0)), before, "{preset:?}");
        limiter.release(ticket, at(1.0));
        limiter.settle(ticket, 5_000, at(1.0));
        assert_eq!(limiter.status(scope, at(1.0)), before, "a ticket works once");
    }
}

#[test]
fn one_reaction_per_round_trip() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(600_000));
    press(&mut limiter, scope, cost(1_000, 1_000), Micros::ZERO, at(30.0));
    let volley = |limiter: &mut Limiter, now: Micros, known: Micros| {
        let volley: Vec<Ticket> = (0..20).map(|_| limiter.admit(scope, cost(1_000, 1_000), now)).collect();
        for ticket in volley {
            limiter.reject(ticket, Reject::Tpm, None, known);
        }
    };
    // The mirror was full: the bucket is shallower than a minute, which says nothing about its rate.
    let before = limiter.status(scope, at(30.0)).tpm.burst;
    volley(&mut limiter, at(30.0), at(30.2));
    let status = limiter.status(scope, at(30.2));
    assert_eq!((status.epochs, shown(status.tpm.target)), (1, Some(600_000.0)));
    assert!(status.tpm.burst < before, "{:?}", status.tpm.burst);
    // The mirror knows that it is empty: now the rate is to blame.
    volley(&mut limiter, at(30.2), at(30.4));
    let status = limiter.status(scope, at(30.4));
    assert_eq!((status.epochs, shown(status.tpm.target)), (2, Some(582_000.0)));
    assert_eq!(status.last_epochs[0].why, Why::TpmHold);
    assert!(status.tpm.level <= 0.0, "the server said that it was empty");
    // Back at the configured limit, and never above it.
    press(&mut limiter, scope, cost(1_000, 1_000), at(30.4), at(120.0));
    assert_eq!(shown(limiter.status(scope, at(120.0)).tpm.target), Some(600_000.0));
}

#[test]
fn an_rpm_throttle_leaves_the_token_rate_alone() {
    let quota = ScopeQuota { rpm: QuotaLimit::Limit(600), tpm: QuotaLimit::Limit(600_000), ..ScopeQuota::default() };
    let (mut limiter, scope) = limiter(Preset::Adaptive, quota);
    let ticket = limiter.admit(scope, cost(1_000, 1_000), at(1.0));
    let level = limiter.status(scope, at(1.2)).tpm.level;
    limiter.reject(ticket, Reject::Rpm, None, at(1.2));
    let status = limiter.status(scope, at(1.2));
    assert_eq!(shown(status.tpm.target), Some(600_000.0));
    assert_eq!((status.last_epochs[0].why, status.tpm.burst), (Why::Rpm, Some(600_000.0)));
    assert!(status.rpm.burst < Some(600.0), "{:?}", status.rpm.burst);
    assert!(status.tpm.level > level, "its hold was never charged");
    assert_eq!((status.requests_60s, status.reserved_60s, status.held), (1, 0, 0));
}

#[test]
fn an_unspecified_throttle_is_blamed_on_the_fuller_meter() {
    let quota = ScopeQuota { rpm: QuotaLimit::Limit(10), tpm: QuotaLimit::Limit(1_000_000), ..ScopeQuota::default() };
    let (mut limiter, scope) = limiter(Preset::Adaptive, quota);
    for _ in 0..5 {
        let ticket = limiter.admit(scope, cost(1_000, 1_000), at(1.0));
        limiter.settle(ticket, 1_000, at(1.0));
    }
    let ticket = limiter.admit(scope, cost(1_000, 1_000), at(1.0));
    limiter.reject(ticket, Reject::Unspecified, None, at(1.2));
    assert_eq!(limiter.status(scope, at(1.2)).last_epochs[0].why, Why::Rpm);
}

#[test]
fn an_rpm_quota_that_should_not_exist_is_believed_when_it_bites() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(100_000_000));
    for second in 0..60 {
        for _ in 0..5 {
            let ticket = limiter.admit(scope, cost(100, 100), at(f64::from(second)));
            limiter.settle(ticket, 100, at(f64::from(second)));
        }
    }
    assert_eq!(limiter.status(scope, at(60.0)).rpm.target, None);
    let ticket = limiter.admit(scope, cost(100, 100), at(60.0));
    limiter.reject(ticket, Reject::Rpm, None, at(60.1));
    let target = limiter.status(scope, at(60.1)).rpm.target.expect("it binds now");
    assert!((100.0..=300.0).contains(&target), "300 a minute went through, not {target}");
}

#[test]
fn a_used_up_day_is_tried_again_ever_more_rarely() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(600_000));
    let mut now = at(10.0);
    for minutes in [5, 10, 20, 40, 60, 60] {
        let ticket = limiter.admit(scope, cost(1_000, 1_000), now);
        let late = limiter.admit(scope, cost(1_000, 1_000), now);
        limiter.reject(ticket, Reject::Tpd, None, now);
        limiter.reject(late, Reject::Tpd, None, now);
        let until = now + Micros::from_secs(60 * minutes);
        assert_eq!(limiter.decide(scope, cost(1_000, 1_000), now), Decision::Wait { until, why: Why::Tpd });
        assert_eq!(limiter.status(scope, now).held_off_until, Some(until));
        now = until;
    }
    assert_eq!(shown(limiter.status(scope, now).tpm.target), Some(600_000.0), "no rate was cut for it");
    let ticket = limiter.admit(scope, cost(1_000, 1_000), now);
    limiter.settle(ticket, 1_000, now);
    let ticket = limiter.admit(scope, cost(1_000, 1_000), now);
    limiter.reject(ticket, Reject::Tpd, None, now);
    assert_eq!(limiter.status(scope, now).held_off_until, Some(now + Micros::from_secs(300)));
}

#[test]
fn a_day_ends_at_midnight_utc() {
    let quota = ScopeQuota { tpd: QuotaLimit::Limit(10_000), ..tokens(600_000) };
    let (mut limiter, scope) = limiter(Preset::Adaptive, quota);
    // The clock's zero is 23:50 UTC.
    limiter.set_day_start(Micros::from_secs(86_400 - 600));
    let ticket = limiter.admit(scope, cost(2_000, 9_000), at(1.0));
    limiter.settle(ticket, 9_500, at(2.0));
    assert_eq!(limiter.status(scope, at(60.0)).tpd_used, 9_500);
    let midnight = Micros::from_secs(600);
    let wait = limiter.decide(scope, cost(1_000, 1_000), at(60.0));
    assert_eq!(wait, Decision::Wait { until: midnight, why: Why::Tpd });
    assert_eq!(limiter.decide(scope, cost(1_000, 1_000), midnight), Decision::Admit);
    assert_eq!(limiter.status(scope, midnight).tpd_used, 0);
    assert_eq!(limiter.decide(scope, cost(1_000, 10_001), midnight), Decision::Never { why: Why::Tpd });
}

#[test]
fn a_retry_after_is_waited_for() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(600_000));
    let ticket = limiter.admit(scope, cost(1_000, 1_000), at(1.0));
    limiter.reject(ticket, Reject::Tpm, Some(at(30.0)), at(2.0));
    let wait = limiter.decide(scope, cost(1_000, 1_000), at(2.0));
    assert_eq!(wait, Decision::Wait { until: at(32.0), why: Why::HoldOff });
    limiter.hold_off(scope, Micros::MAX, at(2.0));
    let wait = limiter.decide(scope, cost(1_000, 1_000), at(2.0));
    assert_eq!(wait, Decision::Wait { until: at(3_602.0), why: Why::HoldOff }, "an hour at the most");
}

#[test]
fn classic_follows_the_documents() {
    let quota = ScopeQuota { rpm: QuotaLimit::Limit(60), ..ScopeQuota::default() };
    let (mut limiter, scope) = limiter(Preset::Classic, quota);
    let rate = |limiter: &Limiter| shown(limiter.status(scope, at(1.0)).rpm.target);
    assert_eq!(rate(&limiter), Some(60.0));
    let ticket = limiter.admit(scope, cost(1, 1), at(1.0));
    limiter.reject(ticket, Reject::Tpm, None, at(1.0));
    assert_eq!(rate(&limiter), Some(48.0));
    for _ in 0..10 {
        let ticket = limiter.admit(scope, cost(1, 1), at(1.0));
        limiter.settle(ticket, 1, at(1.0));
    }
    assert_eq!(rate(&limiter), Some(52.8));
    for _ in 0..100 {
        let ticket = limiter.admit(scope, cost(1, 1), at(1.0));
        limiter.reject(ticket, Reject::Unspecified, None, at(1.0));
    }
    assert_eq!(rate(&limiter), Some(6.0), "0.1 a second at the least");
    assert!(matches!(limiter.decide(scope, cost(1, 1), at(1.0)), Decision::Wait { why: Why::Rate, .. }));
}

#[test]
fn a_switch_of_the_rule_neither_bursts_nor_stalls() {
    let half = 300_000;
    for from in Preset::ALL {
        for to in Preset::ALL.into_iter().filter(|&to| to != from) {
            let quota = ScopeQuota { rpm: QuotaLimit::Limit(300), ..tokens(600_000) };
            let (mut limiter, scope) = limiter(from, quota);
            press(&mut limiter, scope, cost(2_000, 2_000), Micros::ZERO, at(300.0));
            let used = limiter.status(scope, at(300.0)).settled_60s;
            limiter.set_knobs(LimiterKnobs { preset: to, ..limiter.knobs() }, at(300.0));
            assert_eq!(limiter.status(scope, at(300.0)).settled_60s, used, "usage is kept");
            let sent = press(&mut limiter, scope, cost(2_000, 2_000), at(300.0), at(330.0));
            // `classic` does not look at tokens: ten requests a second are its own limit.
            let most = if to == Preset::Classic { 300 * 2_000 } else { half };
            assert!(sent <= most + 20_000, "{from:?} to {to:?}: {sent} in half a minute");
            // A window that has been filled evenly lets as much go as leaves it; `classic` has overfilled it.
            let least = if from == Preset::Classic && to == Preset::SlidingWindow { 0 } else { half * 9 / 10 };
            assert!(sent >= least, "{from:?} to {to:?}: {sent} in half a minute");
        }
    }
}

#[test]
fn a_share_and_a_quota_change_the_rate_at_once_and_forget_nothing() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(600_000));
    press(&mut limiter, scope, cost(1_000, 1_000), Micros::ZERO, MINUTE);
    limiter.set_knobs(LimiterKnobs { share: 0.5, ..limiter.knobs() }, MINUTE);
    let status = limiter.status(scope, MINUTE);
    assert_eq!(shown(status.tpm.target), Some(300_000.0));
    assert!(status.settled_60s > 590_000);
    let sent = press(&mut limiter, scope, cost(1_000, 1_000), MINUTE, MINUTE + MINUTE);
    assert!((295_000..=306_000).contains(&sent), "{sent}");
    limiter.set_quota(scope, tokens(1_200_000), MINUTE + MINUTE);
    assert_eq!(shown(limiter.status(scope, MINUTE + MINUTE).tpm.target), Some(600_000.0));
    // Unknown from now on: what was in force is where the search starts.
    limiter.set_quota(scope, ScopeQuota::default(), MINUTE + MINUTE);
    assert_eq!(shown(limiter.status(scope, MINUTE + MINUTE).tpm.target), Some(600_000.0));
}

#[test]
fn a_configured_quota_is_exceeded_only_where_that_is_wanted() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(600_000));
    press(&mut limiter, scope, cost(1_000, 1_000), Micros::ZERO, at(300.0));
    assert_eq!(shown(limiter.status(scope, at(300.0)).tpm.target), Some(600_000.0));
    assert_eq!(limiter.status(scope, at(300.0)).mood, "TPM: holding at the quota");
    limiter.set_knobs(LimiterKnobs { probe_above_quota: true, ..limiter.knobs() }, at(300.0));
    press(&mut limiter, scope, cost(1_000, 1_000), at(300.0), at(420.0));
    let status = limiter.status(scope, at(420.0));
    assert!(status.tpm.target > Some(700_000.0), "{:?}", status.tpm.target);
    assert!(status.mood.starts_with("TPM: probing +"), "{}", status.mood);
}

#[test]
fn an_idle_scope_does_not_raise_its_unknown_limit() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, ScopeQuota::default());
    for minute in 0..60 {
        let ticket = limiter.admit(scope, cost(1_000, 1_000), at(60.0 * f64::from(minute)));
        limiter.settle(ticket, 1_000, at(60.0 * f64::from(minute) + 1.0));
    }
    let status = limiter.status(scope, at(3_600.0));
    assert_eq!((shown(status.rpm.target), shown(status.tpm.target)), (Some(100.0), Some(10_000.0)));
}

#[test]
fn a_pinned_meter_is_forgotten_with_its_pin() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, tokens(60_000));
    let mut meters = Vec::new();
    for meter in [MeterPin::Window, MeterPin::Bucket, MeterPin::Auto] {
        let mut knobs = limiter.knobs();
        knobs.adaptive.meter = meter;
        limiter.set_knobs(knobs, Micros::ZERO);
        meters.push(limiter.status(scope, Micros::ZERO).tpm.meter);
    }
    assert_eq!(meters, [MeterBelief::Window, MeterBelief::Bucket, MeterBelief::Unsure]);
}

/// What may go at once is what the gate lets through, not what an unknown quota falls back on.
#[test]
fn a_window_of_unknown_size_shows_what_is_left_of_what_is_believed() {
    let (mut limiter, scope) = limiter(Preset::Adaptive, ScopeQuota { tpm: QuotaLimit::Unknown, ..tokens(1) });
    let mut knobs = limiter.knobs();
    knobs.adaptive.meter = MeterPin::Window;
    limiter.set_knobs(knobs, Micros::ZERO);
    let sent = press(&mut limiter, scope, cost(1_000, 1_000), Micros::ZERO, at(40.0));
    let status = limiter.status(scope, at(40.0)).tpm;
    assert!(sent > 10_000, "more than the fallback went: {sent}");
    assert!(status.level <= status.target.unwrap() - sent as f64 + 1.0, "{status:?}");
    let admitted = limiter.decide(scope, cost(1_000, 1_000), at(50.0)) == Decision::Admit;
    assert!(
        admitted && limiter.status(scope, at(50.0)).tpm.level >= 1_000.0,
        "{:?}",
        limiter.status(scope, at(50.0)).tpm
    );
}

#[test]
fn knobs_out_of_range_are_brought_into_it() {
    let wild = LimiterKnobs {
        share: f64::NAN,
        burst_factor: -3.0,
        classic: ClassicKnobs { decrease: 7.0, increase: 0.0, successes: 0, floor: f64::INFINITY, ceiling: f64::NAN },
        adaptive: AdaptiveKnobs {
            backoff: f64::NEG_INFINITY,
            return_seconds: 0.0,
            probe_seconds: f64::INFINITY,
            probe_growth: f64::NAN,
            requests_per_probe: -1.0,
            ..AdaptiveKnobs::default()
        },
        ..LimiterKnobs::default()
    };
    let knobs = Limiter::new(wild).knobs();
    assert_eq!((knobs.share, knobs.burst_factor), (1.0, 0.1));
    assert_eq!(
        knobs.classic,
        ClassicKnobs { decrease: 0.99, increase: 1.0, successes: 1, floor: 1_000.0, ceiling: 1_000.0 }
    );
    assert_eq!(
        knobs.adaptive,
        AdaptiveKnobs {
            backoff: 0.3,
            return_seconds: 1.0,
            probe_seconds: 3_600.0,
            probe_growth: 1.15,
            requests_per_probe: 1.0,
            meter: MeterPin::Auto,
        }
    );
}
