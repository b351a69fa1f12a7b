//! One run of one cell under one client: a discrete-event loop on a virtual clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::limiter::Generation;
use crate::meter::HoldId;
use crate::queue::{Item, Queue};
use crate::record::{FlowId, Micros};

use super::cell::{Cell, Happening};
use super::policy::{Answer, Ask, Next, Policy, Refused, Served};
use super::score::Score;
use super::server::Server;
use super::work::{Arrivals, Job, Means, Work};

/// Seconds between client and server, one way, from and to.
const WAY: (f64, f64) = (0.005, 0.03);
/// How often a reply in progress is told of, in seconds.
const PROGRESS: f64 = 0.5;
/// Requests that may be under way, in times of what the quota keeps under way.
const ROOM: f64 = 8.0;
/// Requests that wait at most: beyond, arrivals are turned away (an overload of hours must end somewhere).
const LONGEST_QUEUE: usize = 200_000;
/// A clairvoyant that cannot go looks again after this, at the latest.
const LOOK: Micros = Micros::from_millis(250);

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A burst or a request arrives.
    Arrive,
    /// The client wanted to look again.
    Wake,
    /// An attempt reaches its Region.
    Reach { job: u32, region: usize },
    /// The refusal reaches the client.
    Refused { job: u32, region: usize, why: Refused },
    /// Output so far.
    Progress { job: u32, region: usize, hold: HoldId, tick: u32 },
    /// The server settles.
    Settle { job: u32, region: usize, hold: HoldId },
    /// The reply is complete at the client.
    Reply { job: u32, sent: Micros },
    /// A retry is due.
    Retry { job: u32 },
    /// Something happens, by its place in the cell's list.
    Happen { index: usize },
}

/// Who sends.
pub enum Client {
    /// A real one, which learns from outcomes.
    Real(Box<dyn Policy>),
    /// One that reads the server's level and sends the moment it fits: the optimum that still pays the holds.
    Clairvoyant,
}

/// What waits.
enum Line {
    Classes(Box<Queue<u32>>),
    Plain(VecDeque<u32>),
}

/// A request that is not done.
struct Known {
    /// Its number among all: how clients know it.
    id: u32,
    job: Job,
    attempts: u32,
    /// When the attempt under way was sent.
    sent: Micros,
}

struct Drive<'a> {
    cell: &'a Cell,
    means: Means,
    client: Client,
    work: Work,
    /// Everything random about service and way.
    rng: ChaCha8Rng,
    servers: Vec<Server>,
    due: BinaryHeap<Reverse<(Micros, u64)>>,
    events: Vec<Event>,
    spare: Vec<u32>,
    number: u64,
    jobs: Vec<Known>,
    /// Places of requests that are done: a client that gives up at once goes through millions.
    vacant: Vec<u32>,
    drawn: u32,
    line: Line,
    /// Sent and not answered.
    in_flight: usize,
    /// Waiting for their own retry.
    away: usize,
    room: usize,
    backlog: usize,
    wake: Micros,
    /// Added to the time that the client sees.
    jump: f64,
    turns: u32,
    /// What ours knows of how long replies take: none of them is streamed.
    generation: Generation,
    /// What the client believes is of interest.
    watched: bool,
    score: Score,
}

/// Runs the cell.
#[must_use]
pub fn run(cell: &Cell, client: Client, seed: u64) -> Score {
    let service = cell.service;
    let weight = service.hold_weight();
    let lowest = cell.quota_factors().fold(1.0, f64::min);
    // What a smaller quota would never admit is not asked for in the first place.
    let largest = (service.burst() as f64 * lowest) as u64;
    let means = Means::of(cell.shape, largest, weight, service.burndown);
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_0000);
    let rate = service.tpm as f64 / 60.0 * service.regions as f64 / means.charge;
    let highest = cell.quota_factors().fold(1.0, f64::max);
    let usual = (rate * highest * means.seconds).max(1.0);
    let line = match &client {
        Client::Real(policy) if policy.has_classes() => {
            let mut queue = Queue::new();
            for flow in 0..cell.crowd.flows {
                queue.set_weight(FlowId(flow), cell.crowd.weight(flow));
            }
            Line::Classes(Box::new(queue))
        }
        _ => Line::Plain(VecDeque::new()),
    };
    let servers = (0..service.regions)
        .map(|_| Server::new(service, Micros::from_secs_f64(rng.random_range(0.0..60.0))))
        .collect();
    let mut drive = Drive {
        cell,
        means,
        client,
        work: Work::new(cell.shape, cell.crowd, largest, weight, seed),
        rng,
        servers,
        due: BinaryHeap::new(),
        events: Vec::new(),
        spare: Vec::new(),
        number: 0,
        jobs: Vec::new(),
        vacant: Vec::new(),
        drawn: 0,
        line,
        in_flight: 0,
        away: 0,
        room: (ROOM * usual).ceil() as usize + 16,
        backlog: (4.0 * usual).ceil() as usize + 8,
        wake: Micros::MAX,
        jump: 0.0,
        turns: 0,
        generation: Generation::default(),
        watched: cell.happenings.iter().any(|&(_, what)| matches!(what, Happening::Latency(_))),
        score: Score::new(cell, means),
    };
    drive.begin();
    drive.run();
    drive.score.book = std::mem::take(&mut drive.servers).into_iter().map(|server| server.book).collect();
    drive.score
}

impl Drive<'_> {
    fn begin(&mut self) {
        for (index, &(at, _)) in self.cell.happenings.iter().enumerate() {
            self.later(Micros::from_secs_f64(at), Event::Happen { index });
        }
        match self.cell.arrivals {
            Arrivals::Backlog => {}
            _ => self.later(Micros::ZERO, Event::Arrive),
        }
        self.later(Micros::ZERO, Event::Wake);
    }

    fn later(&mut self, at: Micros, event: Event) {
        let slot = self.spare.pop().unwrap_or_else(|| {
            self.events.push(event);
            self.events.len() as u32 - 1
        });
        self.events[slot as usize] = event;
        // The order of equal moments is the order in which they were planned.
        self.number += 1;
        self.due.push(Reverse((at, self.number << 24 | u64::from(slot))));
    }

    fn run(&mut self) {
        let end = Micros::from_secs_f64(self.cell.seconds);
        while let Some(Reverse((now, key))) = self.due.pop() {
            if now > end {
                break;
            }
            let slot = (key & 0xff_ffff) as u32;
            let event = self.events[slot as usize];
            self.spare.push(slot);
            self.happen(event, now);
            self.fill(now);
            while self.in_flight < self.room && self.send(now) {
                self.fill(now);
            }
        }
    }

    /// The time as the client sees it.
    fn seen(&self, now: Micros) -> Micros {
        let jumped = now.secs_f64() + self.jump;
        if self.jump == 0.0 { now } else { Micros::from_secs_f64(jumped) }
    }

    fn happen(&mut self, event: Event, now: Micros) {
        match event {
            Event::Wake if self.wake <= now => self.wake = Micros::MAX,
            Event::Wake => {}
            Event::Arrive => self.arrive(now),
            Event::Reach { job, region } => self.reach(job, region, now),
            Event::Refused { job, region, why } => self.refused(job, region, why, now),
            Event::Progress { job, region, hold, tick } => self.progress(job, region, hold, tick, now),
            Event::Settle { job, region, hold } => {
                let job = self.jobs[job as usize].job;
                self.servers[region].settle(hold, &job, now);
            }
            Event::Reply { job, sent } => self.reply(job, sent, now),
            Event::Retry { job } => {
                self.away -= 1;
                self.put_back(job);
            }
            Event::Happen { index } => self.change(self.cell.happenings[index].1, now),
        }
    }

    fn change(&mut self, happening: Happening, now: Micros) {
        match happening {
            Happening::Quota(factor) => self.servers.iter_mut().for_each(|server| server.set_quota(factor, now)),
            Happening::Others(part) => self.servers.iter_mut().for_each(|server| server.set_others(part, now)),
            Happening::Latency(factor) => self.servers.iter_mut().for_each(|server| server.slowness = factor),
            Happening::Failing { region, part } => self.servers[region].failing = part,
            Happening::Retune => {
                let (turn, seen) = (self.turns, self.seen(now));
                self.turns += 1;
                if let Client::Real(policy) = &mut self.client {
                    policy.retune(turn, seen);
                }
            }
            Happening::ClockJump(seconds) => self.jump += seconds,
        }
    }

    fn arrive(&mut self, now: Micros) {
        let rate = self.cell.service.tpm as f64 / 60.0 * self.cell.service.regions as f64;
        match self.cell.arrivals {
            Arrivals::Backlog => {}
            Arrivals::Poisson(load) => {
                self.draw(now);
                let gap = self.work.gap() * self.means.charge / (rate * load);
                self.later(now + Micros::from_secs_f64(gap), Event::Arrive);
            }
            Arrivals::Tide(load) => {
                self.draw(now);
                let swing = 1.0 + 0.5 * (now.secs_f64() * std::f64::consts::TAU / 600.0).sin();
                let gap = self.work.gap() * self.means.charge / (rate * load * swing);
                self.later(now + Micros::from_secs_f64(gap), Event::Arrive);
            }
            Arrivals::Bursts { size, every } => {
                let mut tokens = 0.0;
                while tokens < size * rate {
                    tokens += self.draw(now).charge(self.cell.service.burndown) as f64;
                }
                self.later(now + Micros::from_secs_f64(every), Event::Arrive);
            }
        }
    }

    /// A closed loop: whoever is done asks again.
    fn fill(&mut self, now: Micros) {
        if self.cell.arrivals == Arrivals::Backlog {
            while self.waiting() + self.in_flight + self.away < self.backlog {
                self.draw(now);
            }
        }
    }

    fn waiting(&self) -> usize {
        match &self.line {
            Line::Classes(queue) => queue.len(),
            Line::Plain(line) => line.len(),
        }
    }

    fn draw(&mut self, now: Micros) -> Job {
        let job = self.work.draw(now);
        if self.waiting() >= LONGEST_QUEUE {
            return job;
        }
        let known = Known { id: self.drawn, job, attempts: 0, sent: now };
        self.drawn += 1;
        let place = if let Some(place) = self.vacant.pop() {
            self.jobs[place as usize] = known;
            place
        } else {
            self.jobs.push(known);
            self.jobs.len() as u32 - 1
        };
        let item = self.item(place);
        match &mut self.line {
            Line::Classes(queue) => {
                queue.push(item);
            }
            Line::Plain(line) => line.push_back(place),
        }
        job
    }

    /// Back to its old place.
    fn put_back(&mut self, place: u32) {
        let item = self.item(place);
        match &mut self.line {
            Line::Classes(queue) => {
                queue.put_back(item);
            }
            Line::Plain(line) => line.push_front(place),
        }
    }

    fn item(&self, place: u32) -> Item<u32> {
        let Known { id, job, .. } = &self.jobs[place as usize];
        Item {
            value: place,
            priority: job.priority,
            flow: FlowId(job.flow),
            seq: u64::from(*id),
            cost: queue_cost(job, self.means),
            deadline: None,
            queued: job.arrived,
        }
    }

    fn ask(&self, place: u32) -> Ask {
        let Known { id, job, attempts, .. } = &self.jobs[place as usize];
        let mut input = job.input + job.cached;
        if self.cell.input_error != 1.0 {
            input = (input as f64 * self.cell.input_error).round().max(1.0) as u64;
        }
        Ask { id: *id, input, max_tokens: job.max_tokens, priority: job.priority, attempts: *attempts }
    }

    /// Sends the head if it may go.
    fn send(&mut self, now: Micros) -> bool {
        let seen = self.seen(now);
        let (key, id) = match &mut self.line {
            Line::Classes(queue) => match queue.head(seen) {
                Some((key, item)) => (Some(key), item.value),
                None => return false,
            },
            Line::Plain(line) => match line.front() {
                Some(&id) => (None, id),
                None => return false,
            },
        };
        let mut ask = self.ask(id);
        if let Line::Classes(queue) = &self.line {
            // As urgent as the most urgent that waits behind it.
            ask.priority = queue.highest().unwrap_or(ask.priority);
        }
        let region = match &mut self.client {
            Client::Clairvoyant => match self.foresee(id, now) {
                Ok(region) => region,
                Err(until) => {
                    self.wake_at(until, now);
                    return false;
                }
            },
            Client::Real(policy) => match policy.ask(&ask, seen) {
                Answer::Go { region } => {
                    policy.sent(&ask, region, seen);
                    region
                }
                Answer::Wait(until) => {
                    let until = Micros::from_secs_f64((until.secs_f64() - self.jump).min(1e12));
                    // Rounding may not turn a wait into none.
                    self.wake_at(until.max(now + Micros(1)), now);
                    return false;
                }
            },
        };
        match (&mut self.line, key) {
            (Line::Classes(queue), Some(key)) => {
                queue.take(key);
            }
            (Line::Plain(line), _) => {
                line.pop_front();
            }
            (Line::Classes(_), None) => {}
        }
        self.in_flight += 1;
        let known = &mut self.jobs[id as usize];
        known.attempts += 1;
        known.sent = now;
        self.score.sent(now);
        if matches!(self.client, Client::Clairvoyant) {
            self.reach(id, region, now);
        } else {
            let way = self.rng.random_range(WAY.0..WAY.1);
            self.later(now + Micros::from_secs_f64(way), Event::Reach { job: id, region });
        }
        true
    }

    /// The Region that the clairvoyant sends to, or when to look again.
    fn foresee(&mut self, id: u32, now: Micros) -> Result<usize, Micros> {
        let job = self.jobs[id as usize].job;
        let mut soonest = now + LOOK;
        for (region, server) in self.servers.iter_mut().enumerate() {
            if server.failing > 0.0 {
                continue;
            }
            match server.wait(&job, now) {
                Some(Micros::ZERO) => return Ok(region),
                Some(wait) => soonest = soonest.min(now + wait),
                None => {}
            }
        }
        Err(soonest)
    }

    fn wake_at(&mut self, until: Micros, now: Micros) {
        let until = until.max(now + Micros(1));
        if until < self.wake {
            self.wake = until;
            self.later(until, Event::Wake);
        }
    }

    fn reach(&mut self, id: u32, region: usize, now: Micros) {
        let Known { job, sent, .. } = self.jobs[id as usize];
        match self.servers[region].offer(&job, now, &mut self.rng) {
            Ok(hold) => {
                self.score.accepted(&job, sent);
                let takes = self.servers[region].takes(&job, job.output);
                let done = now + Micros::from_secs_f64(takes);
                self.later(done, Event::Settle { job: id, region, hold });
                let way = self.rng.random_range(WAY.0..WAY.1);
                self.later(done + Micros::from_secs_f64(way), Event::Reply { job: id, sent });
                if self.cell.service.progressive && PROGRESS < takes {
                    self.later(
                        now + Micros::from_secs_f64(PROGRESS),
                        Event::Progress { job: id, region, hold, tick: 1 },
                    );
                }
            }
            Err(why) => {
                let takes = self.servers[region].refusal_takes(&mut self.rng);
                self.later(now + Micros::from_secs_f64(takes), Event::Refused { job: id, region, why });
            }
        }
    }

    fn refused(&mut self, id: u32, region: usize, why: Refused, now: Micros) {
        self.in_flight -= 1;
        let Known { job, sent, .. } = self.jobs[id as usize];
        self.score.refused(&job, why, sent, now);
        let (ask, seen) = (self.ask(id), self.seen(now));
        let _ = region;
        let Client::Real(policy) = &mut self.client else {
            self.put_back(id);
            return;
        };
        match policy.refused(&ask, why, seen, &mut self.rng) {
            Next::Requeue => self.put_back(id),
            Next::After(span) => {
                self.away += 1;
                self.later(now + span, Event::Retry { job: id });
            }
            Next::GiveUp => {
                self.score.failed(now);
                self.vacant.push(id);
            }
        }
    }

    fn progress(&mut self, id: u32, region: usize, hold: HoldId, tick: u32, now: Micros) {
        let Known { job, sent, .. } = self.jobs[id as usize];
        let server = &mut self.servers[region];
        let generating = f64::from(tick) * PROGRESS / server.slowness - job.first_token;
        let output = ((generating.max(0.0) * job.speed) as u64).min(job.output);
        if output >= job.output {
            return;
        }
        server.progress(hold, output, now);
        let takes = server.takes(&job, job.output);
        let (ask, seen) = (self.ask(id), self.seen(now));
        let known = self.generation.so_far(now.since(sent)).map(|output| output.min(job.max_tokens));
        if let (Client::Real(policy), Some(output)) = (&mut self.client, known) {
            policy.progress(&ask, output, seen);
        }
        // None after the last token: by then its place may be another's.
        if f64::from(tick + 1) * PROGRESS < takes {
            self.later(
                now + Micros::from_secs_f64(PROGRESS),
                Event::Progress { job: id, region, hold, tick: tick + 1 },
            );
        }
    }

    fn reply(&mut self, id: u32, sent: Micros, now: Micros) {
        self.in_flight -= 1;
        let Known { job, .. } = self.jobs[id as usize];
        let charge = job.charge(self.cell.service.burndown);
        self.score.served(&job, charge, now);
        if let Line::Classes(queue) = &mut self.line {
            let taken_for = queue_cost(&job, self.means);
            queue.correct(FlowId(job.flow), job.priority, charge as i64 - taken_for as i64);
        }
        let usage = self.cell.no_usage == 0.0 || self.rng.random::<f64>() >= self.cell.no_usage;
        let (ask, seen) = (self.ask(id), self.seen(now));
        if usage {
            self.generation.observe(job.output, now.since(sent));
        }
        let served = Served {
            input: job.input + job.cached,
            output: usage.then_some(job.output),
            charged: usage.then_some(charge),
            latency: now.since(sent),
        };
        if let Client::Real(policy) = &mut self.client {
            policy.served(&ask, served, seen);
            if self.watched {
                self.score.believes(policy.believes(seen), now);
            }
        }
        self.vacant.push(id);
    }
}

/// What a request is expected to cost, for the order of the queue: its prompt and a reply of the usual length.
fn queue_cost(job: &Job, means: Means) -> u64 {
    job.input + means.reply as u64
}
