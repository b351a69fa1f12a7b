//! Properties of the limiter, for any load (study §E.13).

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::record::Micros;

const PRESETS: [Preset; 4] = Preset::ALL;

fn knobs(preset: Preset) -> LimiterKnobs {
    LimiterKnobs { preset, ..LimiterKnobs::default() }
}

fn tokens(limit: u64) -> ScopeQuota {
    ScopeQuota { tpm: QuotaLimit::Limit(limit), rpm: QuotaLimit::Absent, ..ScopeQuota::default() }
}

fn even(hold: u64) -> Cost {
    Cost { hold, expect: hold }
}

/// One call, with times relative to the last.
#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Back(u64),
    Ask(u64, u64),
    Send(u64, u64),
    Settle(usize, u64),
    Progress(usize, u64),
    Reject(usize, u8, Option<u64>),
    Release(usize),
    HoldOff(u64),
    Preset(usize),
    Share(f64),
    Quota(u8, u64),
}

/// Mostly sensible amounts, sometimes any.
fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0u64..200_000, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0u64..20_000_000, 1 => 0u64..100_000_000_000, 1 => any::<u64>()]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => span().prop_map(Step::Pass),
        1 => span().prop_map(Step::Back),
        4 => (amount(), amount()).prop_map(|(hold, expect)| Step::Ask(hold, expect)),
        6 => (amount(), amount()).prop_map(|(hold, expect)| Step::Send(hold, expect)),
        4 => (any::<usize>(), amount()).prop_map(|(which, charged)| Step::Settle(which, charged)),
        2 => (any::<usize>(), amount()).prop_map(|(which, charged)| Step::Progress(which, charged)),
        3 => (any::<usize>(), 0u8..4, prop::option::of(span())).prop_map(|(which, why, after)| Step::Reject(which, why, after)),
        1 => any::<usize>().prop_map(Step::Release),
        1 => span().prop_map(Step::HoldOff),
        1 => (0usize..4).prop_map(Step::Preset),
        1 => any::<f64>().prop_map(Step::Share),
        1 => (0u8..3, amount()).prop_map(|(kind, limit)| Step::Quota(kind, limit)),
    ]
}

/// Plays the steps; returns everything that was answered, and the limiter.
fn play(steps: &[Step], start: Preset) -> (Vec<Decision>, String, Limiter, ScopeId, Micros) {
    let mut now = Micros::ZERO;
    let mut limiter = Limiter::new(knobs(start));
    let scope = limiter.add_scope(ScopeQuota::default(), now);
    let mut flight: Vec<Ticket> = Vec::new();
    let mut answers = Vec::new();
    let pick = |flight: &[Ticket], which: usize| flight.get(which % flight.len().max(1)).copied();
    for step in steps {
        match *step {
            Step::Pass(span) => now = now + Micros(span),
            Step::Back(span) => now = now - Micros(span),
            Step::Ask(hold, expect) => answers.push(limiter.decide(scope, Cost { hold, expect }, now)),
            Step::Send(hold, expect) => flight.push(limiter.admit(scope, Cost { hold, expect }, now)),
            Step::Settle(which, charged) => {
                if let Some(ticket) = pick(&flight, which) {
                    limiter.settle(ticket, charged, now);
                }
            }
            Step::Progress(which, charged) => {
                if let Some(ticket) = pick(&flight, which) {
                    limiter.progress(ticket, charged, now);
                }
            }
            Step::Reject(which, why, after) => {
                let why = [Reject::Rpm, Reject::Tpm, Reject::Tpd, Reject::Unspecified][usize::from(why)];
                if let Some(ticket) = pick(&flight, which) {
                    limiter.reject(ticket, why, after.map(Micros), now);
                }
            }
            Step::Release(which) => {
                if let Some(ticket) = pick(&flight, which) {
                    limiter.release(ticket, now);
                }
            }
            Step::HoldOff(span) => limiter.hold_off(scope, now + Micros(span), now),
            Step::Preset(which) => {
                limiter.set_knobs(LimiterKnobs { preset: PRESETS[which], ..limiter.knobs() }, now);
            }
            Step::Share(share) => limiter.set_knobs(LimiterKnobs { share, ..limiter.knobs() }, now),
            Step::Quota(kind, limit) => {
                let limit = [QuotaLimit::Unknown, QuotaLimit::Limit(limit), QuotaLimit::Absent][usize::from(kind)];
                limiter.set_quota(scope, ScopeQuota { rpm: limit, tpm: limit, tpd: limit, burndown: 5 }, now);
            }
        }
    }
    let status = format!("{:?}", limiter.status(scope, now));
    (answers, status, limiter, scope, now)
}

proptest! {
    #[test]
    fn nothing_panics_and_the_same_calls_give_the_same_answers(steps in vec(step(), 0..80), start in 0usize..4) {
        let (answers, status, ..) = play(&steps, PRESETS[start]);
        let (again, status_again, ..) = play(&steps, PRESETS[start]);
        prop_assert_eq!(answers, again);
        prop_assert_eq!(status, status_again);
    }

    /// Whatever happened before: the answer to a wait is exact, later than now, and within a day and a bit.
    #[test]
    fn a_wait_ends_when_it_was_said_to_end(
        steps in vec(step(), 0..60), start in 0usize..4, hold in 1u64..50_000, expect in 1u64..100_000,
    ) {
        let (_, _, mut limiter, scope, now) = play(&steps, PRESETS[start]);
        limiter.set_quota(scope, ScopeQuota { tpm: QuotaLimit::Limit(100_000), ..ScopeQuota::default() }, now);
        // A clock near its end has no later to wait for.
        if now.0 > u64::MAX / 2 {
            return Ok(());
        }
        let cost = Cost { hold, expect };
        if let Decision::Wait { until, .. } = limiter.decide(scope, cost, now) {
            prop_assert!(until > now);
            // Debts of hostile size may take centuries; a scope does not believe such a step of the clock.
            if until.since(now) < Micros::from_secs(86_400 * 365) {
                prop_assert_eq!(limiter.decide(scope, cost, until), Decision::Admit, "at {:?}", until);
            }
        }
    }

    #[test]
    fn a_bucket_or_a_window_opens_not_a_moment_late(
        sends in vec((0u64..5_000_000, 1u64..40_000, any::<bool>()), 1..40), window: bool, hold in 1u64..60_000,
    ) {
        let preset = if window { Preset::SlidingWindow } else { Preset::TokenBucket };
        let mut limiter = Limiter::new(knobs(preset));
        let scope = limiter.add_scope(tokens(100_000), Micros::ZERO);
        let mut now = Micros::ZERO;
        for (span, amount, settled) in sends {
            now = now + Micros(span);
            let ticket = limiter.admit(scope, even(amount), now);
            if settled {
                limiter.settle(ticket, amount / 2, now);
            }
        }
        if let Decision::Wait { until, .. } = limiter.decide(scope, even(hold), now) {
            let before = Micros(until.0 - 1);
            prop_assert_ne!(limiter.decide(scope, even(hold), before.max(now)), Decision::Admit);
            prop_assert_eq!(limiter.decide(scope, even(hold), until), Decision::Admit);
        }
    }

    /// No time passes: what left the level is what is charged, in whatever order it came, and retuning changes nothing.
    #[test]
    fn the_level_is_conserved(
        sends in vec((1u64..5_000, 0u64..20_000, 0u8..5), 1..40), order: u64, shares in vec(0.02f64..1.0, 0..4),
    ) {
        let now = Micros::from_secs(100);
        let mut limiter = Limiter::new(knobs(Preset::TokenBucket));
        let scope = limiter.add_scope(tokens(1_000_000), now);
        // Far below every capacity, so that nothing is clipped.
        let _drain = limiter.admit(scope, even(1_000_000), now);
        let before = limiter.status(scope, now).tpm.level;
        let mut flight: Vec<(Ticket, u64, u64, u8)> = sends
            .iter()
            .map(|&(hold, charged, end)| (limiter.admit(scope, even(hold), now), hold, charged, end))
            .collect();
        flight.rotate_left(order as usize % sends.len());
        let mut charged_in_all = 0;
        let mut shares = shares.into_iter();
        for (ticket, hold, charged, end) in flight {
            match end {
                0 => charged_in_all += hold,
                1 => limiter.release(ticket, now),
                2 => {
                    limiter.settle(ticket, charged, now);
                    limiter.settle(ticket, charged, now);
                    charged_in_all += charged;
                }
                3 => {
                    limiter.progress(ticket, charged, now);
                    limiter.settle(ticket, charged, now);
                    charged_in_all += charged;
                }
                _ => limiter.reject(ticket, Reject::Rpm, None, now),
            }
            if let Some(share) = shares.next() {
                limiter.set_knobs(LimiterKnobs { share, ..limiter.knobs() }, now);
            }
        }
        let after = limiter.status(scope, now).tpm.level;
        prop_assert!((before - after - charged_in_all as f64).abs() < 1e-3, "{} to {}: {}", before, after, charged_in_all);
    }

    /// Any stretch of time: what was admitted, less what was given back, is at most the burst and the rate.
    #[test]
    fn a_token_bucket_admits_at_most_burst_and_rate(
        work in vec((0u64..3_000_000, 1u64..40_000, 0u64..100, 0u64..8_000_000), 1..80),
    ) {
        let (rate, burst) = (100_000.0 / 60.0, 25_000.0f64);
        let mut limiter = Limiter::new(knobs(Preset::TokenBucket));
        let scope = limiter.add_scope(tokens(100_000), Micros::ZERO);
        let mut now = Micros::ZERO;
        // (moment, change of the charge)
        let mut posts: Vec<(Micros, f64)> = Vec::new();
        let mut open: Vec<(Micros, Ticket, u64, u64)> = Vec::new();
        let mut largest = burst;
        for (span, hold, percent, takes) in work {
            now = now + Micros(span);
            open.sort_by_key(|done| done.0);
            while open.first().is_some_and(|done| done.0 <= now) {
                let (at, ticket, hold, charged) = open.remove(0);
                limiter.settle(ticket, charged, at);
                posts.push((at, charged as f64 - hold as f64));
            }
            // For a hold larger than the burst the level may rise as far as that.
            largest = largest.max(hold as f64);
            if limiter.decide(scope, even(hold), now) == Decision::Admit {
                let charged = hold * percent / 100;
                open.push((now + Micros(takes), limiter.admit(scope, even(hold), now), hold, charged));
                posts.push((now, hold as f64));
            }
        }
        for from in 0..posts.len() {
            let mut sum = 0.0;
            for &(at, change) in &posts[from..] {
                sum += change;
                let seconds = at.since(posts[from].0).secs_f64();
                prop_assert!(sum <= largest + rate * seconds + 1.0, "{} in {} s", sum, seconds);
            }
        }
    }

    /// At every send, the 60 s before it and it hold at most the limit.
    #[test]
    fn a_sliding_window_is_never_exceeded(
        work in vec((0u64..4_000_000, 1u64..30_000, 0u64..150, 0u64..30_000_000), 1..80),
    ) {
        let limit = 100_000u64;
        let mut limiter = Limiter::new(knobs(Preset::SlidingWindow));
        let scope = limiter.add_scope(tokens(limit), Micros::ZERO);
        let mut now = Micros::ZERO;
        // (sent, done, hold, charged)
        let mut sent: Vec<(Micros, Micros, u64, u64)> = Vec::new();
        let mut open: Vec<(Micros, Ticket, u64)> = Vec::new();
        for (span, hold, percent, takes) in work {
            now = now + Micros(span);
            open.sort_by_key(|done| done.0);
            while open.first().is_some_and(|done| done.0 <= now) {
                let (at, ticket, charged) = open.remove(0);
                limiter.settle(ticket, charged, at);
            }
            if limiter.decide(scope, even(hold), now) == Decision::Admit {
                let charged = hold * percent / 100;
                let done = now + Micros(takes);
                open.push((done, limiter.admit(scope, even(hold), now), charged));
                sent.push((now, done, hold, charged));
                let recent = sent.iter().filter(|send| now.since(send.0) < Micros::from_secs(60));
                let charge: u64 = recent
                    .map(|&(_, done, hold, charged)| if done <= now { charged } else { hold })
                    .sum();
                prop_assert!(charge <= limit, "{} at {:?}", charge, now);
            }
        }
    }

    /// However often it is rejected, a request that fits its quota is sent again within the hour.
    #[test]
    fn no_request_waits_for_ever(rejects in 1usize..60, hold in 1u64..80_000, known: bool, which in 0u8..3) {
        let mut limiter = Limiter::new(LimiterKnobs::default());
        let quota = if known { tokens(100_000) } else { ScopeQuota::default() };
        let scope = limiter.add_scope(quota, Micros::ZERO);
        let why = [Reject::Rpm, Reject::Tpm, Reject::Unspecified][usize::from(which)];
        let mut now = Micros::ZERO;
        for _ in 0..rejects {
            let mut asked = 0;
            let start = now;
            while let Decision::Wait { until, .. } = limiter.decide(scope, even(hold), now) {
                now = until;
                asked += 1;
                prop_assert!(asked < 4);
            }
            prop_assert!(now.since(start) <= Micros::from_secs(3_600 * 2), "{:?}", now.since(start));
            let ticket = limiter.admit(scope, even(hold), now);
            now = now + Micros::from_millis(200);
            limiter.reject(ticket, why, None, now);
        }
    }
}
