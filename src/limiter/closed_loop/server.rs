//! A server of our own making: it shares no code with the limiter, nor with the simulator's meters.

use std::collections::VecDeque;

use super::Cell;
use crate::limiter::Reject;

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

pub(super) struct Server {
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
    pub(super) fn new(cell: &Cell) -> Server {
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

    pub(super) fn step(&mut self, factor: f64, now: f64) {
        self.advance(now);
        self.rate *= factor;
        if let Some((rate, ..)) = self.requests.as_mut() {
            *rate *= factor;
        }
        self.advance(now);
    }

    /// `None`: accepted; else which meter rejects.
    pub(super) fn offer(&mut self, id: u64, hold: f64, now: f64) -> Option<Reject> {
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

    pub(super) fn settle(&mut self, id: u64, sent: f64, hold: f64, charged: f64, now: f64) {
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
