//! What the limiter and the queue cost: time per request, memory per scope and per waiting request.
//!
//! Beside it in the same run, round by round: a pair of limiters, requests and tokens per minute, of `governor` and of
//! `leaky-bucket`. They do less: they take what they are told and never learn what it came to, so there is nothing that
//! could be settled. `governor` gets a clock that is only a number, as ours; `leaky-bucket` has no other clock than its
//! own, so a look at that is part of its figure and given apart.

use std::hint::black_box;
use std::io;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bedrock_top::limiter::{Cost, Limiter, LimiterKnobs, QuotaLimit, ScopeQuota};
use bedrock_top::queue::{Item, Queue};
use bedrock_top::record::{FlowId, Micros, Priority};
use governor::clock::FakeRelativeClock;

use super::measure::{Row, median, memory};

/// Requests and tokens per minute that a pair allows: more than is asked for, so that every request is admitted.
const PAIR: [u32; 2] = [1_500_000, 1_800_000_000];

const REQUESTS: u64 = 2_000_000;
const IN_FLIGHT: usize = 64;
const ROUNDS: usize = 5;
const SCOPES: u64 = 20_000;
const QUEUED: u64 = 1_000_000;

const COST: Cost = Cost { hold: 1_200, expect: 900 };

fn quota() -> ScopeQuota {
    let per_minute = QuotaLimit::Limit(1_000_000_000);
    ScopeQuota { rpm: per_minute, tpm: QuotaLimit::Limit(1_000_000_000_000), tpd: QuotaLimit::Absent, burndown: 5 }
}

pub fn measure() -> io::Result<Vec<Row>> {
    let rounds: Vec<[f64; 4]> =
        (0..ROUNDS).map(|_| [acquire_and_settle(), governor_pair(), leaky_bucket_pair(), clock_pair()]).collect();
    let middle = |of: fn(&[f64; 4]) -> f64| median(rounds.iter().map(of).collect()).unwrap_or(f64::NAN);
    let (scope, busy) = (bytes_per_scope(), bytes_per_busy_scope());
    let queued = bytes_per_queued();
    Ok(vec![
        Row::new("acquire + settle", format!("{:.0} ns", middle(|round| round[0])), "<= 200 ns"),
        Row::new(
            "governor, RPM and TPM: acquire alone",
            format!("{:.0} ns, ours {:.2}x", middle(|round| round[1]), middle(|round| round[0] / round[1])),
            "",
        ),
        Row::new(
            "leaky-bucket, RPM and TPM: acquire alone",
            format!("{:.0} ns, ours {:.2}x", middle(|round| round[2]), middle(|round| round[0] / round[2])),
            "",
        ),
        Row::new("of that, two looks at the clock", format!("{:.0} ns", middle(|round| round[3])), ""),
        Row::new("a scope, new", format!("{scope} B"), "<= 16 KiB"),
        Row::new("a scope after ten minutes of work", format!("{busy} B"), "<= 16 KiB"),
        Row::new("the queue's own memory per waiting request", format!("{queued} B"), "<= 160 B"),
    ])
}

/// Nanoseconds per request: ask, admit, and settle the oldest of 64 in flight. The clock moves on 50 us each time.
fn acquire_and_settle() -> f64 {
    let mut limiter = Limiter::new(LimiterKnobs::default());
    let scope = limiter.add_scope(quota(), Micros::ZERO);
    let mut now = Micros::from_secs(1);
    let mut flying: Vec<_> = (0..IN_FLIGHT).map(|_| limiter.admit(scope, COST, now)).collect();
    let started = Instant::now();
    for turn in 0..REQUESTS {
        now = now + Micros(50);
        black_box(limiter.decide(scope, black_box(COST), now));
        let ticket = limiter.admit(scope, COST, now);
        let oldest = std::mem::replace(&mut flying[turn as usize % IN_FLIGHT], ticket);
        limiter.settle(oldest, 800 + turn % 200, now);
    }
    started.elapsed().as_nanos() as f64 / REQUESTS as f64
}

/// The same requests at the same moments, asked of two limiters of `governor`.
fn governor_pair() -> f64 {
    let clock = FakeRelativeClock::default();
    let pair = PAIR.map(|per_minute| {
        let quota = governor::Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        governor::RateLimiter::direct_with_clock(quota, clock.clone())
    });
    let costs = [1, COST.hold as u32].map(|cost| NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN));
    let mut admitted = 0;
    let started = Instant::now();
    for _ in 0..REQUESTS {
        clock.advance(Duration::from_micros(50));
        let all = pair.iter().zip(costs).all(|(limiter, cost)| matches!(limiter.check_n(black_box(cost)), Ok(Ok(()))));
        admitted += u64::from(all);
    }
    per_request(started, admitted)
}

/// And of two of `leaky-bucket`, without its asynchronous part.
fn leaky_bucket_pair() -> f64 {
    let pair = PAIR.map(|per_minute| {
        let per_minute = per_minute as usize;
        leaky_bucket::RateLimiter::builder()
            .max(per_minute * 10)
            .initial(per_minute * 10)
            .interval(Duration::from_millis(10))
            .refill(per_minute / 6_000)
            .build()
    });
    let costs = [1, COST.hold as usize];
    let mut admitted = 0;
    let started = Instant::now();
    for _ in 0..REQUESTS {
        admitted += u64::from(pair.iter().zip(costs).all(|(limiter, cost)| limiter.try_acquire(black_box(cost))));
    }
    per_request(started, admitted)
}

fn clock_pair() -> f64 {
    let started = Instant::now();
    for _ in 0..REQUESTS {
        black_box((Instant::now(), Instant::now()));
    }
    per_request(started, REQUESTS)
}

/// Nanoseconds per request; no figure if a refusal, which is cheaper, was among what was measured.
fn per_request(started: Instant, admitted: u64) -> f64 {
    if admitted == REQUESTS { started.elapsed().as_nanos() as f64 / REQUESTS as f64 } else { f64::NAN }
}

fn bytes_per_scope() -> u64 {
    let before = resident();
    let mut limiter = Limiter::new(LimiterKnobs::default());
    for _ in 0..SCOPES {
        limiter.add_scope(quota(), Micros::ZERO);
    }
    let grown = resident().saturating_sub(before);
    black_box(limiter.knobs());
    grown / SCOPES
}

/// Whatever a scope remembers, it has it after ten minutes with a request in each second.
fn bytes_per_busy_scope() -> u64 {
    let scopes = SCOPES / 20;
    let before = resident();
    let mut limiter = Limiter::new(LimiterKnobs::default());
    let ids: Vec<_> = (0..scopes).map(|_| limiter.add_scope(quota(), Micros::ZERO)).collect();
    for second in 1..=600 {
        let now = Micros::from_secs(second);
        for id in &ids {
            let ticket = limiter.admit(*id, COST, now);
            limiter.settle(ticket, 900, now + Micros::from_millis(700));
        }
    }
    let grown = resident().saturating_sub(before);
    black_box(limiter.knobs());
    grown / scopes
}

/// Everything but the value, which is a pointer here as in the engine.
fn bytes_per_queued() -> u64 {
    let before = resident();
    let mut queue = Queue::new();
    for seq in 0..QUEUED {
        queue.push(Item {
            value: seq,
            priority: Priority::ALL[seq as usize % 3],
            flow: FlowId::default(),
            seq,
            cost: 1_000,
            deadline: None,
            queued: Micros(seq),
        });
    }
    let grown = resident().saturating_sub(before);
    black_box(queue.len());
    grown / QUEUED
}

fn resident() -> u64 {
    memory("self", "VmRSS").unwrap_or(0)
}
