//! The `classic` rule: requests per second, cut on every throttle, raised after a run of successes; blind to tokens.

use crate::record::Micros;

use super::knobs::ClassicKnobs;
use super::rate::{MICRO, Rate, units};
use super::{QuotaLimit, ScopeQuota};

/// Where it starts without an RPM quota: the fallback of 100 a minute (PRODUCT.md, A1).
const START: f64 = 100.0 / 60.0;

/// Its state. The bucket holds one request: sends are spaced evenly.
#[derive(Clone)]
pub(super) struct Classic {
    rate: f64,
    level: i64,
    carry: u32,
    at: Micros,
    successes: u32,
}

impl Classic {
    pub(super) fn new(quota: ScopeQuota, share: f64, knobs: &ClassicKnobs, now: Micros) -> Classic {
        let start = match quota.rpm {
            QuotaLimit::Limit(limit) => limit as f64 * share / 60.0,
            QuotaLimit::Unknown | QuotaLimit::Absent => START,
        };
        Classic { rate: start.clamp(knobs.floor, knobs.ceiling), level: MICRO, carry: 0, at: now, successes: 0 }
    }

    /// New knobs; `switched`: the rule comes into force or goes out of it, and its bucket starts empty next time.
    pub(super) fn retune(&mut self, switched: bool, knobs: &ClassicKnobs) {
        self.rate = self.rate.clamp(knobs.floor, knobs.ceiling);
        if switched {
            self.level = 0;
        }
    }

    pub(super) fn advance(&mut self, now: Micros) {
        let gain = Rate::per_second(self.rate).gain(now.since(self.at), &mut self.carry);
        self.at = self.at.max(now);
        self.level = self.level.saturating_add(gain).min(MICRO);
    }

    /// When the next request may go: `None` now.
    pub(super) fn gate(&self) -> Option<Micros> {
        let need = MICRO.saturating_sub(self.level);
        (need > 0).then(|| self.at + Rate::per_second(self.rate).wait(need, self.carry))
    }

    pub(super) fn charge(&mut self) {
        self.level = self.level.saturating_sub(MICRO);
    }

    pub(super) fn refund(&mut self) {
        self.level = self.level.saturating_add(MICRO).min(MICRO);
    }

    pub(super) fn success(&mut self, knobs: &ClassicKnobs) {
        self.successes += 1;
        if self.successes >= knobs.successes {
            self.successes = 0;
            self.rate = (self.rate * knobs.increase).min(knobs.ceiling);
        }
    }

    /// Every throttle cuts, as the documents have it: n attempts in flight may cut n times.
    pub(super) fn throttle(&mut self, knobs: &ClassicKnobs) {
        self.successes = 0;
        self.rate = (self.rate * knobs.decrease).max(knobs.floor);
    }

    /// Requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Requests that could go now.
    pub(super) fn level(&self) -> f64 {
        units(self.level)
    }

    /// Successes of the present run.
    pub(super) fn successes(&self) -> u32 {
        self.successes
    }
}
