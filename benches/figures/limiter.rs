//! What the limiter and the queue cost: time per request, memory per scope and per waiting request.

use std::hint::black_box;
use std::io;
use std::time::Instant;

use bedrock_top::limiter::{Cost, Limiter, LimiterKnobs, QuotaLimit, ScopeQuota};
use bedrock_top::queue::{Item, Queue};
use bedrock_top::record::{FlowId, Micros, Priority};

use super::measure::{Row, median, memory};

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
    let times = (0..ROUNDS).map(|_| acquire_and_settle()).collect();
    let (scope, busy) = (bytes_per_scope(), bytes_per_busy_scope());
    let queued = bytes_per_queued();
    Ok(vec![
        Row::new("acquire + settle", format!("{:.0} ns", median(times).unwrap_or(f64::NAN)), "<= 200 ns"),
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
