//! Drives a limiter, or a clairvoyant client, against the server: a discrete-event loop on a virtual clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::Cell;
use super::server::{Meter, Server};
use crate::limiter::{Cost, Decision, Limiter, LimiterKnobs, Reject, ScopeId, ScopeQuota, Ticket};
use crate::record::Micros;

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
    /// The limiter said to ask again.
    Wake,
    /// The request reaches the server.
    Arrive(Request, Option<Ticket>),
    /// The 429 reaches the client.
    Rejected(Request, Option<Ticket>, Reject),
    /// The server settles a request that it took at this time.
    Served(Request, f64),
    /// The reply reaches the client.
    Done(Request, Option<Ticket>),
    /// The server's quotas are multiplied.
    Step(f64),
}

/// What came of it, over the second half of the run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) settled: f64,
    pub(super) attempts: f64,
    pub(super) rejected: f64,
    /// Throttle epochs over the whole run.
    pub(super) epochs: u64,
}

impl Outcome {
    /// 429s per attempt.
    pub(super) fn share(&self) -> f64 {
        self.rejected / self.attempts.max(1.0)
    }
}

/// Requests of a cell, the same for every client.
struct Work {
    rng: ChaCha8Rng,
    input: LogNormal<f64>,
    output: LogNormal<f64>,
    mean_output: f64,
    largest: u64,
    next: u64,
    max_tokens: u64,
    burndown: u64,
}

impl Work {
    fn new(cell: &Cell) -> Work {
        let output = LogNormal::new(cell.output.ln(), 0.8).unwrap();
        let mut sample = ChaCha8Rng::seed_from_u64(99);
        let mean_output =
            (0..4_000).map(|_| output.sample(&mut sample).min(cell.max_tokens as f64)).sum::<f64>() / 4_000.0;
        // A request larger than the burst could never go, under any rule.
        let burst = if let Meter::Bucket(seconds) = cell.meter { seconds } else { 60.0 };
        Work {
            rng: ChaCha8Rng::seed_from_u64(cell.seed ^ 0xabcd),
            input: LogNormal::new(7.0, 0.8).unwrap(),
            output,
            mean_output,
            largest: (0.8 * cell.tpm / 60.0 * burst) as u64,
            next: 0,
            max_tokens: cell.max_tokens,
            burndown: cell.burndown,
        }
    }

    fn draw(&mut self) -> Request {
        let input = (self.input.sample(&mut self.rng) as u64).clamp(1, self.largest - self.max_tokens);
        let output = (self.output.sample(&mut self.rng) as u64).clamp(1, self.max_tokens);
        self.next += 1;
        Request {
            id: self.next,
            hold: input + self.max_tokens,
            expect: input + (self.burndown as f64 * self.mean_output) as u64,
            charge: input + self.burndown * output,
            takes: 0.5 + output as f64 / 80.0,
        }
    }
}

struct Drive<'a> {
    cell: &'a Cell,
    rng: ChaCha8Rng,
    work: Work,
    server: Server,
    limiter: Option<(Limiter, ScopeId)>,
    due: BinaryHeap<Reverse<(Micros, u64)>>,
    events: BTreeMap<u64, Event>,
    number: u64,
    retry: VecDeque<Request>,
    head: Option<Request>,
    in_flight: usize,
    wake: Micros,
    outcome: Outcome,
}

/// Runs a cell under a limiter, or clairvoyantly without one.
pub(super) fn run(cell: &Cell, limited: Option<(LimiterKnobs, ScopeQuota)>) -> Outcome {
    let limiter = limited.map(|(knobs, quota)| {
        let mut limiter = Limiter::new(knobs);
        let scope = limiter.add_scope(quota, Micros::ZERO);
        (limiter, scope)
    });
    let mut drive = Drive {
        cell,
        rng: ChaCha8Rng::seed_from_u64(cell.seed),
        work: Work::new(cell),
        server: Server::new(cell),
        limiter,
        due: BinaryHeap::new(),
        events: BTreeMap::new(),
        number: 0,
        retry: VecDeque::new(),
        head: None,
        in_flight: 0,
        wake: Micros::MAX,
        outcome: Outcome::default(),
    };
    for &(at, factor) in &cell.steps {
        drive.later(Micros::from_secs_f64(at), Event::Step(factor));
    }
    drive.later(Micros::ZERO, Event::Wake);
    drive.run();
    drive.outcome
}

impl Drive<'_> {
    fn later(&mut self, at: Micros, event: Event) {
        self.number += 1;
        self.due.push(Reverse((at, self.number)));
        self.events.insert(self.number, event);
    }

    fn run(&mut self) {
        let end = Micros::from_secs_f64(self.cell.seconds);
        while let Some(Reverse((now, number))) = self.due.pop() {
            if now > end {
                break;
            }
            let event = self.events.remove(&number).unwrap();
            self.happen(event, now);
            while self.in_flight < self.cell.workers && self.send(now) {}
        }
        if let Some((limiter, scope)) = &self.limiter {
            self.outcome.epochs = limiter.status(*scope, end).epochs;
        }
    }

    fn happen(&mut self, event: Event, now: Micros) {
        let at = now.secs_f64();
        let scored = at >= self.cell.seconds / 2.0;
        match event {
            Event::Wake if self.wake <= now => self.wake = Micros::MAX,
            Event::Wake => {}
            Event::Step(factor) => self.server.step(factor, at),
            Event::Arrive(request, ticket) => match self.server.offer(request.id, request.hold as f64, at) {
                Some(why) => {
                    let back = now + Micros(self.rng.random_range(50_000..300_000));
                    self.later(back, Event::Rejected(request, ticket, why));
                }
                None => self.accepted(request, ticket, now),
            },
            Event::Rejected(request, ticket, why) => {
                self.in_flight -= 1;
                self.outcome.rejected += f64::from(u8::from(scored));
                if let (Some((limiter, _)), Some(ticket)) = (&mut self.limiter, ticket) {
                    limiter.reject(ticket, why, None, now);
                }
                self.retry.push_back(request);
            }
            Event::Served(request, sent) => {
                self.server.settle(request.id, sent, request.hold as f64, request.charge as f64, at);
            }
            Event::Done(request, ticket) => {
                self.in_flight -= 1;
                if scored {
                    self.outcome.settled += request.charge as f64;
                }
                if let (Some((limiter, _)), Some(ticket)) = (&mut self.limiter, ticket) {
                    limiter.settle(ticket, request.charge, now);
                }
            }
        }
    }

    fn accepted(&mut self, request: Request, ticket: Option<Ticket>, now: Micros) {
        let served = now + Micros::from_secs_f64(request.takes);
        self.later(served, Event::Served(request, now.secs_f64()));
        self.later(served + Micros::from_millis(20), Event::Done(request, ticket));
    }

    /// Sends the head if it may go.
    fn send(&mut self, now: Micros) -> bool {
        let request = match self.head.take().or_else(|| self.retry.pop_front()) {
            Some(request) => request,
            None => self.work.draw(),
        };
        if let Some(until) = self.offer(request, now) {
            self.head = Some(request);
            if until < self.wake {
                self.wake = until;
                self.later(until, Event::Wake);
            }
            return false;
        }
        self.in_flight += 1;
        self.outcome.attempts += f64::from(u8::from(now.secs_f64() >= self.cell.seconds / 2.0));
        true
    }

    /// Sends it now (`None`), or says when to try again.
    fn offer(&mut self, request: Request, now: Micros) -> Option<Micros> {
        let Some((limiter, scope)) = &mut self.limiter else {
            if self.server.offer(request.id, request.hold as f64, now.secs_f64()).is_some() {
                return Some(now + Micros::from_millis(20));
            }
            self.accepted(request, None, now);
            return None;
        };
        let cost = Cost { hold: request.hold, expect: request.expect };
        match limiter.decide(*scope, cost, now) {
            Decision::Admit => {
                let ticket = limiter.admit(*scope, cost, now);
                let arrives = now + Micros(self.rng.random_range(5_000..30_000));
                self.later(arrives, Event::Arrive(request, Some(ticket)));
                None
            }
            Decision::Wait { until, .. } => {
                assert!(until > now);
                Some(until)
            }
            Decision::Never { why } => panic!("never: {why:?}"),
        }
    }
}
