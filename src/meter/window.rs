//! A fixed window: a calendar minute, or a UTC day. Each window starts from nothing.

use crate::record::Micros;

#[derive(Clone, Debug)]
pub(super) struct Window {
    length: Micros,
    limit: i128,
    used: i128,
    /// What others take, units per microsecond.
    others: i128,
    at: Micros,
}

impl Window {
    /// `length` may not be zero; `limit` is in units.
    pub fn new(length: Micros, limit: i128, now: Micros) -> Window {
        Window { length: length.max(Micros(1)), limit, used: 0, others: 0, at: now }
    }

    /// A new limit; what was used stays used.
    pub fn retune(&mut self, limit: i128, now: Micros) {
        self.advance(now);
        self.limit = limit;
    }

    pub fn set_others(&mut self, per_minute: u64, now: Micros) {
        self.advance(now);
        self.others = i128::from(per_minute);
    }

    pub fn advance(&mut self, now: Micros) {
        if now <= self.at {
            return;
        }
        let mut since = self.at;
        if self.number(now) != self.number(self.at) {
            self.used = 0;
            since = Micros(now.0 - now.0 % self.length.0);
        }
        self.at = now;
        // Others are refused at the limit as everybody is.
        let taken = self.others.saturating_mul(i128::from(now.since(since).0)).min(self.limit - self.used);
        self.used += taken.max(0);
    }

    fn number(&self, moment: Micros) -> u64 {
        moment.0 / self.length.0
    }

    pub fn level(&self) -> i128 {
        self.limit.saturating_sub(self.used)
    }

    pub fn used(&self) -> i128 {
        self.used
    }

    pub fn limit(&self) -> i128 {
        self.limit
    }

    /// Takes units, beyond the limit if need be.
    pub fn charge(&mut self, amount: i128) {
        self.used = self.used.saturating_add(amount);
    }

    /// Puts back units taken at `taken`; a window that is over has nothing to gain from it.
    pub fn give_back(&mut self, amount: i128, taken: Micros) {
        if self.number(taken) >= self.number(self.at) {
            self.used = self.used.saturating_sub(amount).max(0);
        }
    }

    /// Microseconds until `amount` units are free; `None`: never.
    pub fn wait(&self, amount: i128) -> Option<i128> {
        if amount > self.limit {
            None
        } else if amount <= self.level() {
            Some(0)
        } else {
            Some(i128::from(self.length.0 - self.at.0 % self.length.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::units;
    use super::*;

    fn minute(limit: u64, now: Micros) -> Window {
        Window::new(Micros::from_secs(60), units(limit), now)
    }

    #[test]
    fn a_new_minute_starts_from_nothing() {
        let mut window = minute(100, Micros::from_secs(50));
        window.charge(units(250));
        assert_eq!(window.level(), units(100) - units(250));
        assert_eq!(window.wait(units(1)), Some(10_000_000));
        window.advance(Micros::from_secs(60));
        assert_eq!(window.level(), units(100));
    }

    #[test]
    fn a_refund_goes_to_the_minute_it_was_taken_in() {
        let mut window = minute(100, Micros::from_secs(50));
        window.charge(units(80));
        window.give_back(units(30), Micros::from_secs(50));
        assert_eq!(window.level(), units(50));
        window.advance(Micros::from_secs(61));
        window.charge(units(10));
        window.give_back(units(50), Micros::from_secs(50));
        assert_eq!(window.level(), units(90));
    }

    #[test]
    fn others_use_it_evenly_up_to_the_limit() {
        let mut window = minute(100, Micros::ZERO);
        window.set_others(60, Micros::ZERO);
        window.advance(Micros::from_secs(30));
        assert_eq!(window.level(), units(70));
        window.set_others(6_000, Micros::from_secs(30));
        window.advance(Micros::from_secs(59));
        assert_eq!(window.level(), 0);
        window.advance(Micros::from_secs(60));
        assert_eq!(window.level(), units(100));
    }
}
