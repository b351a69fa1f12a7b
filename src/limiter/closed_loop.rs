//! The limiter against a server of our own making, in virtual time: what the rule is worth.
//!
//! The server shares no code with the limiter. Workers always have work (closed loop); the optimum is a clairvoyant client
//! that reads the server's true level and sends the moment it fits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::*;
use crate::record::Micros;

/// How the server meters tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meter {
    /// Refilled continuously, initially full, this many seconds deep.
    Bucket(f64),
    /// A calendar minute, at this phase (seconds).
    Minute(f64),
    /// A log of the last 60 s.
    Sliding,
}

/// A cell of the table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) tpm: f64,
    pub(super) rpm: Option<f64>,
    pub(super) meter: Meter,
    pub(super) burndown: u64,
    /// `max_tokens` of every request.
    pub(super) max_tokens: u64,
    /// Median output.
    pub(super) output: f64,
    /// Times at which the server's quota is multiplied.
    pub(super) steps: Vec<(f64, f64)>,
    /// Tokens per minute that others take from the same meter.
    pub(super) others: f64,
    pub(super) seconds: f64,
    pub(super) workers: usize,
    pub(super) seed: u64,
}

impl Default for Cell {
    fn default() -> Self {
        Cell {
            tpm: 2e6,
            rpm: None,
            meter: Meter::Bucket(60.0),
            burndown: 5,
            max_tokens: 1_024,
            output: 220.0,
            steps: Vec::new(),
            others: 0.0,
            seconds: 900.0,
            workers: 400,
            seed: 1,
        }
    }
}

struct Server {
    meter: Meter,
    rate: f64,
    others: f64,
    level: f64,
    at: f64,
    minute: i64,
    used: f64,
    log: VecDeque<(f64, u64, f64)>,
    logged: f64,
    requests: Option<(f64, f64, f64)>,
}

impl Server {
    fn new(cell: &Cell) -> Server {
        let rate = cell.tpm / 60.0;
        let level = if let Meter::Bucket(seconds) = cell.meter { rate * seconds } else { 0.0 };
        Server {
            meter: cell.meter,
            rate,
            others: cell.others / 60.0,
            level,
            at: 0.0,
            minute: i64::MIN,
            used: 0.0,
            log: VecDeque::new(),
            logged: 0.0,
            requests: cell.rpm.map(|rpm| (rpm / 60.0, rpm, 0.0)),
        }
    }

    fn advance(&mut self, now: f64) {
        let span = (now - self.at).max(0.0);
        self.at = self.at.max(now);
        match self.meter {
            Meter::Bucket(seconds) => {
                self.level = (self.level + (self.rate - self.others) * span).min(self.rate * seconds);
            }
            Meter::Minute(phase) => {
                let minute = ((now + phase) / 60.0).floor() as i64;
                if minute != self.minute {
                    self.minute = minute;
                    self.used = 0.0;
                }
                self.used += self.others * span;
            }
            Meter::Sliding => {
                while self.log.front().is_some_and(|&(at, ..)| at <= now - 60.0) {
                    self.logged -= self.log.pop_front().map_or(0.0, |(.., amount)| amount);
                }
            }
        }
        if let Some((rate, level, at)) = self.requests.as_mut() {
            *level = (*level + *rate * (now - *at)).min(*rate * 60.0);
            *at = now;
        }
    }

    /// `None`: accepted; else which meter rejects.
    fn offer(&mut self, id: u64, hold: f64, now: f64) -> Option<Reject> {
        self.advance(now);
        if self.requests.is_some_and(|(_, level, _)| level < 1.0) {
            return Some(Reject::Rpm);
        }
        let quota = self.rate * 60.0;
        let fits = match self.meter {
            Meter::Bucket(_) => self.level >= hold,
            Meter::Minute(_) => self.used + hold <= quota,
            Meter::Sliding => self.logged + self.others * 60.0 + hold <= quota,
        };
        if !fits {
            return Some(Reject::Tpm);
        }
        match self.meter {
            Meter::Bucket(_) => self.level -= hold,
            Meter::Minute(_) => self.used += hold,
            Meter::Sliding => {
                self.log.push_back((now, id, hold));
                self.logged += hold;
            }
        }
        if let Some((_, level, _)) = self.requests.as_mut() {
            *level -= 1.0;
        }
        None
    }

    fn settle(&mut self, id: u64, sent: f64, hold: f64, charged: f64, now: f64) {
        self.advance(now);
        let delta = charged - hold;
        match self.meter {
            Meter::Bucket(seconds) => self.level = (self.level - delta).min(self.rate * seconds),
            Meter::Minute(phase) => {
                if delta > 0.0 || ((sent + phase) / 60.0).floor() as i64 == self.minute {
                    self.used += delta;
                }
            }
            Meter::Sliding => {
                if delta > 0.0 {
                    self.log.push_back((now, id, delta));
                    self.logged += delta;
                } else if let Some(entry) = self.log.iter_mut().find(|entry| entry.1 == id) {
                    entry.2 += delta;
                    self.logged += delta;
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Request {
    id: u64,
    hold: u64,
    expect: u64,
    charge: u64,
    /// Seconds of generation.
    takes: f64,
}

enum Event {
    Wake,
    Arrive(Request, Option<Ticket>),
    Rejected(Request, Option<Ticket>, Reject),
    Served(Request, f64),
    Done(Request, Option<Ticket>),
    Step(f64),
}

/// What came of it, over the second half of the run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) settled: f64,
    pub(super) attempts: f64,
    pub(super) rejected: f64,
    /// Over the whole run.
    pub(super) all_attempts: f64,
    pub(super) all_rejected: f64,
    /// Rejects after the last step of the quota.
    pub(super) epochs: u64,
    /// Final target, tokens per minute.
    pub(super) target: f64,
}

impl Outcome {
    pub(super) fn share(&self) -> f64 {
        self.rejected / self.attempts.max(1.0)
    }
}

/// Runs a cell under a limiter, or clairvoyantly without one.
pub(super) fn run(cell: &Cell, limited: Option<(LimiterKnobs, ScopeQuota)>) -> Outcome {
    let mut rng = ChaCha8Rng::seed_from_u64(cell.seed);
    let mut sizes = ChaCha8Rng::seed_from_u64(cell.seed ^ 0xabcd);
    let input = LogNormal::new(7.0, 0.8).unwrap();
    let output = LogNormal::new(cell.output.ln(), 0.8).unwrap();
    let mean_output = {
        let mut sample = ChaCha8Rng::seed_from_u64(99);
        (0..4_000).map(|_| output.sample(&mut sample).min(cell.max_tokens as f64)).sum::<f64>() / 4_000.0
    };
    // A request larger than the burst could never go, under any rule.
    let largest = match cell.meter {
        Meter::Bucket(seconds) => (0.8 * cell.tpm / 60.0 * seconds) as u64,
        Meter::Minute(_) | Meter::Sliding => (0.8 * cell.tpm) as u64,
    };
    let mut next_id = 0u64;
    let mut draw = || {
        let tokens = (input.sample(&mut sizes) as u64).clamp(1, largest - cell.max_tokens);
        let out = (output.sample(&mut sizes) as u64).clamp(1, cell.max_tokens);
        next_id += 1;
        Request {
            id: next_id,
            hold: tokens + cell.max_tokens,
            expect: tokens + (cell.burndown as f64 * mean_output) as u64,
            charge: tokens + cell.burndown * out,
            takes: 0.5 + out as f64 / 80.0,
        }
    };
    let mut server = Server::new(cell);
    let mut limiter = limited.map(|(knobs, quota)| {
        let mut limiter = Limiter::new(knobs);
        let scope = limiter.add_scope(quota, Micros::ZERO);
        (limiter, scope)
    });
    let mut events: BinaryHeap<Reverse<(Micros, u64)>> = BinaryHeap::new();
    let mut bodies: std::collections::HashMap<u64, Event> = std::collections::HashMap::new();
    let mut number = 0u64;
    let mut at = |events: &mut BinaryHeap<Reverse<(Micros, u64)>>,
                  bodies: &mut std::collections::HashMap<u64, Event>,
                  time: f64,
                  event: Event| {
        number += 1;
        events.push(Reverse((Micros::from_secs_f64(time), number)));
        bodies.insert(number, event);
    };
    for &(time, factor) in &cell.steps {
        at(&mut events, &mut bodies, time, Event::Step(factor));
    }
    at(&mut events, &mut bodies, 0.0, Event::Wake);
    let mut retry: VecDeque<Request> = VecDeque::new();
    let mut head: Option<Request> = None;
    let mut in_flight = 0usize;
    let mut outcome = Outcome::default();
    let mut wake_at = Micros::MAX;
    let end = Micros::from_secs_f64(cell.seconds);
    let half = cell.seconds / 2.0;
    while let Some(Reverse((now, number))) = events.pop() {
        if now > end {
            break;
        }
        let secs = now.secs_f64();
        match bodies.remove(&number).unwrap() {
            Event::Wake => {
                if wake_at <= now {
                    wake_at = Micros::MAX;
                }
            }
            Event::Step(factor) => {
                server.advance(secs);
                server.rate *= factor;
                server.advance(secs);
            }
            Event::Arrive(request, ticket) => match server.offer(request.id, request.hold as f64, secs) {
                Some(why) => {
                    let back = secs + rng.random_range(0.05..0.3);
                    at(&mut events, &mut bodies, back, Event::Rejected(request, ticket, why));
                }
                None => {
                    at(&mut events, &mut bodies, secs + request.takes, Event::Served(request, secs));
                    at(&mut events, &mut bodies, secs + request.takes + 0.02, Event::Done(request, ticket));
                }
            },
            Event::Rejected(request, ticket, why) => {
                in_flight -= 1;
                outcome.all_rejected += 1.0;
                if secs >= half {
                    outcome.rejected += 1.0;
                }
                if let (Some((limiter, limited_scope)), Some(ticket)) = (limiter.as_mut(), ticket) {
                    let limited_scope = *limited_scope;
                    let before = limiter.status(limited_scope, now).epochs;
                    limiter.reject(ticket, why, None, now);
                    let status = limiter.status(limited_scope, now);
                    if std::env::var("TRACE").is_ok() && status.epochs > before {
                        println!(
                            "{secs:8.2} hold {} level {:?} estimate {:?} {} target {:.3} off {:?}",
                            request.hold,
                            status.tpm.level,
                            status.tpm.estimate,
                            status.mood,
                            status.tpm.target.unwrap_or(0.0) / cell.tpm,
                            status.held_off_until
                        );
                    }
                }
                retry.push_back(request);
            }
            Event::Served(request, sent) => {
                server.settle(request.id, sent, request.hold as f64, request.charge as f64, secs);
            }
            Event::Done(request, ticket) => {
                in_flight -= 1;
                if secs >= half {
                    outcome.settled += request.charge as f64;
                }
                if let (Some((limiter, _)), Some(ticket)) = (limiter.as_mut(), ticket) {
                    limiter.settle(ticket, request.charge, now);
                }
            }
        }
        while in_flight < cell.workers {
            let request = *head.get_or_insert_with(|| retry.pop_front().unwrap_or_else(&mut draw));
            let ticket = match limiter.as_mut() {
                Some((limiter, scope)) => {
                    let cost = Cost { hold: request.hold, expect: request.expect };
                    match limiter.decide(*scope, cost, now) {
                        Decision::Admit => Some(limiter.admit(*scope, cost, now)),
                        Decision::Wait { until, .. } => {
                            assert!(until > now);
                            if until < wake_at {
                                wake_at = until;
                                at(&mut events, &mut bodies, until.secs_f64(), Event::Wake);
                            }
                            break;
                        }
                        Decision::Never { why } => panic!("never: {why:?}"),
                    }
                }
                None => {
                    if server.offer(request.id, request.hold as f64, secs).is_some() {
                        if wake_at == Micros::MAX {
                            wake_at = now + Micros::from_millis(20);
                            at(&mut events, &mut bodies, wake_at.secs_f64(), Event::Wake);
                        }
                        break;
                    }
                    at(&mut events, &mut bodies, secs + request.takes, Event::Served(request, secs));
                    at(&mut events, &mut bodies, secs + request.takes, Event::Done(request, None));
                    None
                }
            };
            head = None;
            in_flight += 1;
            outcome.all_attempts += 1.0;
            if secs >= half {
                outcome.attempts += 1.0;
            }
            if limiter.is_some() {
                let arrive = secs + rng.random_range(0.005..0.03);
                at(&mut events, &mut bodies, arrive, Event::Arrive(request, ticket));
            }
        }
    }
    if let Some((limiter, scope)) = &limiter {
        let status = limiter.status(*scope, end);
        outcome.target = status.tpm.target.unwrap_or(0.0);
        outcome.epochs = status.epochs;
    }
    outcome
}

fn configured(cell: &Cell) -> ScopeQuota {
    ScopeQuota {
        rpm: cell.rpm.map_or(QuotaLimit::Absent, |rpm| QuotaLimit::Limit(rpm as u64)),
        tpm: QuotaLimit::Limit(cell.tpm as u64),
        ..ScopeQuota::default()
    }
}

fn unknown(cell: &Cell) -> ScopeQuota {
    ScopeQuota {
        rpm: if cell.rpm.is_some() { QuotaLimit::Unknown } else { QuotaLimit::Absent },
        ..ScopeQuota::default()
    }
}

#[test]
fn table() {
    let meters = [Meter::Bucket(60.0), Meter::Bucket(10.0), Meter::Minute(17.0), Meter::Sliding];
    println!("{:?}", configured(&Cell::default()));
    for (name, burndown, max_tokens, output) in [
        ("chat b1", 1, 1_024, 220.0),
        ("chat b5", 5, 1_024, 220.0),
        ("chat b15", 15, 1_024, 220.0),
        ("heavy b15", 15, 8_000, 2_500.0),
        ("over 16k", 5, 16_000, 200.0),
    ] {
        for tpm in [2e6, 2e5] {
            for meter in meters {
                let mut line = format!("{name:10} {tpm:>9} {meter:14?}");
                for known in [true, false] {
                    let (mut ratio, mut share, mut whole, mut epochs) = (vec![], vec![], vec![], vec![]);
                    for seed in 1..=3 {
                        let cell = Cell { tpm, meter, burndown, max_tokens, output, seed, ..Cell::default() };
                        let best = run(&cell, None);
                        let quota = if known { configured(&cell) } else { unknown(&cell) };
                        let ours = run(&cell, Some((LimiterKnobs::default(), quota)));
                        ratio.push(ours.settled / best.settled.min(tpm / 60.0 * cell.seconds / 2.0));
                        share.push(ours.share());
                        whole.push(ours.all_rejected / ours.all_attempts);
                        epochs.push(ours.epochs as f64);
                    }
                    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
                    line += &format!(
                        " | {} goodput {:.3} 429 {:5.2} % all {:5.2} % epochs {:4.0}",
                        if known { "known  " } else { "unknown" },
                        mean(&ratio),
                        100.0 * mean(&share),
                        100.0 * mean(&whole),
                        mean(&epochs)
                    );
                }
                println!("{line}");
            }
        }
    }
}

#[test]
#[ignore = "prints"]
fn trace() {
    let get = |name: &str, or: f64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let meter = match std::env::var("M").unwrap_or_default().as_str() {
        "minute" => Meter::Minute(17.0),
        "sliding" => Meter::Sliding,
        other => Meter::Bucket(other.parse().unwrap_or(60.0)),
    };
    let cell = Cell {
        tpm: get("TPM", 2e6),
        meter,
        burndown: get("B", 1.0) as u64,
        max_tokens: get("MAX", 1024.0) as u64,
        output: get("OUT", 220.0),
        seconds: get("S", 900.0),
        ..Cell::default()
    };
    let quota = if get("KNOWN", 0.0) > 0.0 { configured(&cell) } else { unknown(&cell) };
    let ours = run(&cell, Some((LimiterKnobs::default(), quota)));
    println!("{ours:?}");
}
