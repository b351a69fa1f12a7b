//! Tokens per day: what this process used in the present UTC day, and the pause when the pool is used up.

use crate::record::Micros;

use super::QuotaLimit;

const DAY: Micros = Micros::from_secs(86_400);
/// The pool is tried again after this long, twice as long after each refusal (study §C.3) ...
const FIRST_PAUSE: Micros = Micros::from_secs(300);
/// ... but within this.
const LONGEST_PAUSE: Micros = Micros::from_secs(3_600);

/// The daily ledger of a scope.
#[derive(Clone)]
pub(super) struct Day {
    limit: QuotaLimit,
    /// UTC time of day at the clock's zero.
    offset: Micros,
    day: u64,
    used: u64,
    /// What the attempts in flight are expected to use.
    pending: u64,
    pause: Micros,
    /// Attempts sent before this one are part of the last refusal.
    epoch_order: u64,
}

impl Day {
    pub(super) fn new(limit: QuotaLimit, offset: Micros, now: Micros) -> Day {
        let mut day = Day { limit, offset, day: 0, used: 0, pending: 0, pause: FIRST_PAUSE, epoch_order: 0 };
        day.day = day.index(now);
        day
    }

    fn index(&self, now: Micros) -> u64 {
        (now + self.offset).0 / DAY.0
    }

    pub(super) fn set_limit(&mut self, limit: QuotaLimit) {
        self.limit = limit;
    }

    pub(super) fn set_offset(&mut self, offset: Micros, now: Micros) {
        self.offset = offset;
        self.day = self.index(now);
    }

    pub(super) fn advance(&mut self, now: Micros) {
        let day = self.index(now);
        if day > self.day {
            self.used = 0;
        }
        self.day = day;
    }

    pub(super) fn limit(&self) -> QuotaLimit {
        self.limit
    }

    /// Used in the day of `now`.
    pub(super) fn used(&self, now: Micros) -> u64 {
        if self.index(now) == self.day { self.used } else { 0 }
    }

    /// More than a whole day's quota.
    pub(super) fn never(&self, expect: u64) -> bool {
        matches!(self.limit, QuotaLimit::Limit(limit) if expect > limit || limit == 0)
    }

    /// When there is room for `expect`: `None` now, else the next midnight.
    pub(super) fn gate(&self, expect: u64, share: f64, now: Micros) -> Option<Micros> {
        let QuotaLimit::Limit(limit) = self.limit else { return None };
        let taken = self.used.saturating_add(self.pending);
        let ours = (limit as f64 * share) as u64;
        if taken == 0 || taken.saturating_add(expect) <= ours {
            return None;
        }
        Some(now + DAY - Micros((now + self.offset).0 % DAY.0))
    }

    pub(super) fn send(&mut self, expect: u64) {
        self.pending = self.pending.saturating_add(expect);
    }

    /// An attempt is no longer in flight.
    pub(super) fn land(&mut self, expect: u64) {
        self.pending = self.pending.saturating_sub(expect);
    }

    pub(super) fn settle(&mut self, charged: u64, order: u64) {
        self.used = self.used.saturating_add(charged);
        if order >= self.epoch_order {
            self.pause = FIRST_PAUSE;
        }
    }

    /// The pool is used up: how long to send nothing. `None` if the attempt was sent before the last refusal.
    pub(super) fn refuse(&mut self, order: u64, next_order: u64) -> Option<Micros> {
        if order < self.epoch_order {
            return None;
        }
        self.epoch_order = next_order;
        let pause = self.pause;
        self.pause = Micros(pause.0 * 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}
