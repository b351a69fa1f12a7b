//! A sliding 60 s log, kept in bins so that its memory is bounded.

use crate::record::Micros;

/// The width of a bin.
const BIN: u64 = 250_000;
/// 60 s of bins and the one that is only partly inside: a bin counts until all of it is out of the window, so that no
/// 60 s ever see more than the limit.
const BINS: usize = 241;

#[derive(Clone, Debug)]
pub(super) struct Sliding {
    limit: i128,
    /// A ring, by bin number modulo its length.
    bins: Box<[i128]>,
    sum: i128,
    /// What others take, units per microsecond.
    others: i128,
    at: Micros,
}

impl Sliding {
    pub fn new(limit: i128, now: Micros) -> Sliding {
        Sliding { limit, bins: vec![0; BINS].into(), sum: 0, others: 0, at: now }
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
        let oldest = (now.0 / BIN).saturating_sub(BINS as u64);
        if self.at.0 / BIN < oldest {
            // Everything recorded is out of the window.
            self.bins.fill(0);
            self.sum = 0;
            self.at = Micros(oldest * BIN);
        }
        while self.at.0 / BIN < now.0 / BIN {
            let next = Micros((self.at.0 / BIN + 1) * BIN);
            self.drain(next);
            let slot = slot(next);
            self.sum = self.sum.saturating_sub(self.bins[slot]);
            self.bins[slot] = 0;
            self.at = next;
        }
        self.drain(now);
        self.at = now;
    }

    /// What others take until `until`, within the present bin; at the limit they are refused as everybody is.
    fn drain(&mut self, until: Micros) {
        let wanted = self.others.saturating_mul(i128::from(until.since(self.at).0));
        self.charge(wanted.min(self.level()).max(0));
    }

    pub fn level(&self) -> i128 {
        self.limit.saturating_sub(self.sum)
    }

    pub fn limit(&self) -> i128 {
        self.limit
    }

    /// Takes units, beyond the limit if need be.
    pub fn charge(&mut self, amount: i128) {
        let bin = &mut self.bins[slot(self.at)];
        *bin = bin.saturating_add(amount);
        self.sum = self.sum.saturating_add(amount);
    }

    /// Puts back units taken at `taken`, unless they are out of the window already. What that moment's bin does not
    /// hold was charged later: it comes back from the newest bins.
    pub fn give_back(&mut self, mut amount: i128, taken: Micros) {
        let taken = taken.min(self.at);
        let age = self.at.0 / BIN - taken.0 / BIN;
        if age >= BINS as u64 {
            return;
        }
        let newest = slot(self.at);
        let later = (0..age as usize).map(|back| (newest + BINS - back) % BINS);
        for slot in std::iter::once(slot(taken)).chain(later) {
            let part = amount.min(self.bins[slot]);
            self.bins[slot] -= part;
            self.sum -= part;
            amount -= part;
            if amount <= 0 {
                return;
            }
        }
    }

    /// Microseconds until `amount` units are free; `None`: never, or not within two windows.
    pub fn wait(&self, amount: i128) -> Option<i128> {
        if amount > self.limit {
            return None;
        }
        let mut ahead = self.clone();
        for _ in 0..=2 * BINS {
            if ahead.level() >= amount {
                return Some(i128::from(ahead.at.since(self.at).0));
            }
            let next = Micros((ahead.at.0 / BIN).checked_add(1)?.checked_mul(BIN)?);
            ahead.advance(next);
        }
        None
    }
}

fn slot(moment: Micros) -> usize {
    (moment.0 / BIN % BINS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::super::{tokens, units};
    use super::*;

    #[test]
    fn what_was_used_counts_for_sixty_seconds() {
        let mut log = Sliding::new(units(100), Micros::ZERO);
        log.charge(units(100));
        assert_eq!(log.wait(units(1)), Some(60_250_000));
        log.advance(Micros::from_secs(60));
        assert_eq!(log.level(), 0);
        log.advance(Micros(60_250_000));
        assert_eq!(log.level(), units(100));
    }

    #[test]
    fn a_refund_frees_the_bin_it_was_taken_from() {
        let mut log = Sliding::new(units(100), Micros::ZERO);
        log.charge(units(80));
        log.advance(Micros::from_secs(30));
        log.charge(units(20));
        log.give_back(units(50), Micros::ZERO);
        assert_eq!(log.level(), units(50));
        log.advance(Micros::from_secs(61));
        assert_eq!(log.level(), units(80));
        log.give_back(units(30), Micros::ZERO);
        assert_eq!(log.level(), units(80), "its bin is gone");
    }

    #[test]
    fn a_refund_above_the_first_charge_comes_from_the_later_ones() {
        let mut log = Sliding::new(units(100), Micros::ZERO);
        log.charge(units(10));
        log.advance(Micros::from_secs(30));
        log.charge(units(60));
        log.give_back(units(40), Micros::ZERO);
        assert_eq!(log.level(), units(70));
        log.advance(Micros::from_secs(61));
        assert_eq!(log.level(), units(70), "the first bin was emptied before it ran out");
        log.give_back(units(1_000), Micros::from_secs(60));
        assert_eq!(log.level(), units(70), "nobody gets back what is not there");
    }

    #[test]
    fn others_use_it_evenly_up_to_the_limit() {
        let mut log = Sliding::new(units(100), Micros::ZERO);
        log.set_others(60, Micros::ZERO);
        log.advance(Micros::from_secs(30));
        assert_eq!(log.level(), units(70));
        log.advance(Micros::from_secs(3_600));
        // Sixty seconds of them and the part of a bin that still counts.
        assert!(log.level() <= units(40) && log.level() >= units(39));
        log.set_others(6_000, Micros::from_secs(3_600));
        log.advance(Micros::from_secs(3_660));
        assert_eq!(tokens(log.level()), 0);
        assert_eq!(log.wait(units(50)), None, "they take all that comes free");
    }

    #[test]
    fn a_jump_of_the_clock_costs_no_time() {
        let mut log = Sliding::new(units(100), Micros::ZERO);
        log.charge(units(100));
        log.advance(Micros::MAX);
        assert_eq!(log.level(), units(100));
        log.charge(units(100));
        assert_eq!(log.wait(units(1)), None);
    }
}
