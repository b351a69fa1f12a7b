//! A token bucket: continuously refilled, initially full.

use crate::record::Micros;

use super::TOKEN;

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Units per microsecond.
    rate: i128,
    capacity: i128,
    level: i128,
    /// What others take, units per microsecond.
    others: i128,
    at: Micros,
}

impl Bucket {
    pub fn new(per_minute: u64, burst: Micros, now: Micros) -> Bucket {
        let mut bucket = Bucket { rate: 0, capacity: 0, level: i128::MAX, others: 0, at: now };
        bucket.retune(per_minute, burst, now);
        bucket
    }

    /// New numbers; what is in the bucket stays there as far as it still has room.
    pub fn retune(&mut self, per_minute: u64, burst: Micros, now: Micros) {
        self.advance(now);
        self.rate = i128::from(per_minute);
        // A burst too short to hold one token would refuse everything for ever.
        self.capacity = self.rate.saturating_mul(i128::from(burst.0)).max(if per_minute > 0 { TOKEN } else { 0 });
        self.level = self.level.min(self.capacity);
    }

    pub fn set_others(&mut self, per_minute: u64, now: Micros) {
        self.advance(now);
        self.others = i128::from(per_minute);
    }

    pub fn advance(&mut self, now: Micros) {
        let mut span = i128::from(now.since(self.at).0);
        self.at = self.at.max(now);
        if self.level < 0 {
            // In debt everybody is refused, the others too: the whole rate pays it back.
            let paid = span.min(self.payback());
            self.level = self.level.saturating_add(self.rate.saturating_mul(paid)).min(self.capacity);
            span -= paid;
        }
        if span > 0 {
            let net = (self.rate - self.others).saturating_mul(span);
            self.level = self.level.saturating_add(net).clamp(0, self.capacity);
        }
    }

    /// Microseconds until a debt is paid.
    fn payback(&self) -> i128 {
        if self.rate == 0 { i128::MAX } else { div_up(self.level.min(0).saturating_neg(), self.rate) }
    }

    pub fn level(&self) -> i128 {
        self.level
    }

    pub fn capacity(&self) -> i128 {
        self.capacity
    }

    /// Takes units, into debt if need be.
    pub fn charge(&mut self, amount: i128) {
        self.level = self.level.saturating_sub(amount);
    }

    /// Puts units back; what does not fit runs over.
    pub fn give_back(&mut self, amount: i128) {
        self.level = self.level.saturating_add(amount).min(self.capacity);
    }

    /// Microseconds until `amount` units are there; `None`: never.
    pub fn wait(&self, amount: i128) -> Option<i128> {
        if amount > self.capacity || (self.level < amount && self.rate == 0) {
            return None;
        }
        if self.level >= amount {
            return Some(0);
        }
        let paid = self.payback();
        let level = self.level + self.rate.saturating_mul(paid);
        let missing = amount - level;
        if missing <= 0 {
            return Some(paid);
        }
        let net = self.rate - self.others;
        (net > 0).then(|| paid.saturating_add(div_up(missing, net)))
    }
}

/// Division rounded up, of what is not negative by what is positive.
fn div_up(amount: i128, by: i128) -> i128 {
    amount / by + i128::from(amount % by != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::units;
    use super::*;

    const MINUTE: Micros = Micros::from_secs(60);

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(600, MINUTE, Micros::ZERO);
        assert_eq!(bucket.level(), units(600));
        bucket.charge(units(600));
        bucket.advance(Micros::from_secs(1));
        assert_eq!(bucket.level(), units(10));
        bucket.advance(Micros::from_secs(3_600));
        assert_eq!(bucket.level(), units(600));
    }

    #[test]
    fn debt_is_paid_before_others_drain_again() {
        let mut bucket = Bucket::new(600, MINUTE, Micros::ZERO);
        bucket.set_others(300, Micros::ZERO);
        bucket.charge(units(700));
        bucket.advance(Micros::from_secs(10));
        assert_eq!(bucket.level(), 0, "100 owed, 10 a second");
        bucket.advance(Micros::from_secs(20));
        assert_eq!(bucket.level(), units(50), "half of the rate is left");
    }

    #[test]
    fn others_empty_the_bucket_and_no_more() {
        let mut bucket = Bucket::new(600, MINUTE, Micros::ZERO);
        bucket.set_others(1_200, Micros::ZERO);
        bucket.advance(Micros::from_secs(30));
        assert_eq!(bucket.level(), units(300));
        bucket.advance(Micros::from_secs(3_600));
        assert_eq!(bucket.level(), 0);
    }

    #[test]
    fn a_burst_of_nothing_still_holds_one() {
        let mut bucket = Bucket::new(6, Micros::ZERO, Micros::ZERO);
        assert_eq!(bucket.level(), units(1));
        bucket.charge(units(1));
        assert_eq!(bucket.wait(units(1)), Some(10_000_000));
        assert_eq!(bucket.wait(units(2)), None);
    }

    proptest! {
        /// 24 hours in any steps end where one jump ends.
        #[test]
        fn steps_do_not_drift(
            rate in 0u64..5_000_000, others in 0u64..6_000_000, debt in 0u64..10_000_000,
            steps in proptest::collection::vec(1u64..10_000_000_000, 1..60),
        ) {
            let mut stepped = Bucket::new(rate, MINUTE, Micros::ZERO);
            stepped.set_others(others, Micros::ZERO);
            stepped.charge(units(debt));
            let mut jumped = stepped.clone();
            let mut now = Micros::ZERO;
            for step in steps {
                now = now + Micros(step);
                stepped.advance(now);
            }
            jumped.advance(now);
            prop_assert_eq!(stepped.level(), jumped.level());
        }

        /// The wait is exact: enough then, not enough a microsecond before.
        #[test]
        fn the_wait_is_exact(rate in 1u64..100_000, others in 0u64..100_000, debt in 0u64..300_000, amount in 1u64..100_000) {
            let mut bucket = Bucket::new(rate, MINUTE, Micros::ZERO);
            bucket.set_others(others, Micros::ZERO);
            bucket.charge(units(debt));
            let amount = units(amount);
            match bucket.wait(amount) {
                Some(0) => prop_assert!(bucket.level() >= amount),
                Some(wait) => {
                    let wait = u64::try_from(wait).unwrap();
                    let mut early = bucket.clone();
                    early.advance(Micros(wait - 1));
                    prop_assert!(early.level() < amount);
                    bucket.advance(Micros(wait));
                    prop_assert!(bucket.level() >= amount);
                }
                None => {
                    bucket.advance(Micros::from_secs(86_400));
                    prop_assert!(bucket.level() < amount || others >= rate);
                }
            }
        }
    }
}
