//! One meter of any kind.

use crate::record::Micros;

use super::bucket::Bucket;
use super::sliding::Sliding;
use super::window::Window;
use super::{tokens, units};

/// The length of a fixed or sliding window.
const MINUTE: Micros = Micros::from_secs(60);
/// What the guard against bunches holds.
const GUARD: Micros = Micros::from_secs(1);

/// How a quota per minute is metered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MeterKind {
    /// Continuously refilled, initially full; holds this many seconds of the rate, at least one token.
    Bucket {
        /// Capacity in seconds of the rate.
        burst_seconds: f64,
    },
    /// A bucket of a minute behind a guard against bunches: a second bucket that refills at twice the rate and holds one
    /// second of that. Bunches were throttled far below the quota (study/limiter.md §C.4); how is not documented.
    Guarded,
    /// A fixed calendar minute, from nothing at each full minute.
    Minute,
    /// The last 60 seconds.
    Sliding,
}

/// A quota and how it is metered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeterSpec {
    /// The kind of meter.
    pub kind: MeterKind,
    /// Requests or tokens per minute.
    pub per_minute: u64,
}

/// A meter of requests or tokens per minute.
///
/// A refund returns to where it was taken: into the bucket as far as it has room, into the same minute if that is not
/// over, into the same moment of the sliding window. A charge falls due now.
#[derive(Clone, Debug)]
pub struct Meter {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Bucket(Bucket),
    Guarded { bucket: Bucket, guard: Bucket },
    Minute(Window),
    Sliding(Sliding),
}

impl Meter {
    /// A meter of which nothing is used.
    #[must_use]
    pub fn new(spec: MeterSpec, now: Micros) -> Meter {
        let state = match spec.kind {
            MeterKind::Bucket { burst_seconds } => {
                State::Bucket(Bucket::new(spec.per_minute, Micros::from_secs_f64(burst_seconds), now))
            }
            MeterKind::Guarded => State::Guarded {
                bucket: Bucket::new(spec.per_minute, MINUTE, now),
                guard: Bucket::new(spec.per_minute.saturating_mul(2), GUARD, now),
            },
            MeterKind::Minute => State::Minute(Window::new(MINUTE, units(spec.per_minute), now)),
            MeterKind::Sliding => State::Sliding(Sliding::new(units(spec.per_minute), now)),
        };
        Meter { state }
    }

    /// A new quota. What was used stays used, unless the kind changes: then the meter starts anew.
    pub fn retune(&mut self, spec: MeterSpec, now: Micros) {
        match (&mut self.state, spec.kind) {
            (State::Bucket(bucket), MeterKind::Bucket { burst_seconds }) => {
                bucket.retune(spec.per_minute, Micros::from_secs_f64(burst_seconds), now);
            }
            (State::Guarded { bucket, guard }, MeterKind::Guarded) => {
                bucket.retune(spec.per_minute, MINUTE, now);
                guard.retune(spec.per_minute.saturating_mul(2), GUARD, now);
            }
            (State::Minute(window), MeterKind::Minute) => window.retune(units(spec.per_minute), now),
            (State::Sliding(log), MeterKind::Sliding) => log.retune(units(spec.per_minute), now),
            _ => *self = Meter::new(spec, now),
        }
    }

    /// Others drain this much evenly from now on. They are refused as everybody is when nothing is left.
    pub fn set_others(&mut self, per_minute: u64, now: Micros) {
        match &mut self.state {
            State::Bucket(bucket) => bucket.set_others(per_minute, now),
            State::Guarded { bucket, guard } => {
                bucket.set_others(per_minute, now);
                guard.set_others(per_minute, now);
            }
            State::Minute(window) => window.set_others(per_minute, now),
            State::Sliding(log) => log.set_others(per_minute, now),
        }
    }

    /// Takes `amount` if it is there.
    pub fn try_take(&mut self, amount: u64, now: Micros) -> bool {
        let fits = self.fits(amount, now);
        if fits {
            self.charge(amount, now);
        }
        fits
    }

    /// Whether `amount` is there.
    pub fn fits(&mut self, amount: u64, now: Micros) -> bool {
        self.advance(now);
        self.units_left() >= units(amount)
    }

    /// Takes `amount`, into debt if need be: a settlement above its reservation.
    pub fn charge(&mut self, amount: u64, now: Micros) {
        self.advance(now);
        self.charge_units(units(amount));
    }

    /// Puts back `amount` of what was taken at `taken`.
    pub fn give_back(&mut self, amount: u64, taken: Micros, now: Micros) {
        self.advance(now);
        let amount = units(amount);
        match &mut self.state {
            State::Bucket(bucket) => bucket.give_back(amount),
            State::Guarded { bucket, guard } => {
                bucket.give_back(amount);
                guard.give_back(amount);
            }
            State::Minute(window) => window.give_back(amount, taken),
            State::Sliding(log) => log.give_back(amount, taken),
        }
    }

    /// Takes `ppm` millionths of `amount` for a refused request. The debt that this makes is bounded by one whole burst:
    /// without a bound a client that hammers would never be served again.
    pub fn burn(&mut self, amount: u64, ppm: u32, now: Micros) {
        self.advance(now);
        let room = self.units_left().saturating_add(self.units_full()).max(0);
        self.charge_units((units(amount) / 1_000_000).saturating_mul(i128::from(ppm)).min(room));
    }

    /// Whole tokens left, rounded down; negative: debt.
    pub fn level(&mut self, now: Micros) -> i64 {
        self.advance(now);
        tokens(self.units_left())
    }

    /// Whole tokens that can be there at most.
    #[must_use]
    pub fn capacity(&self) -> i64 {
        tokens(self.units_full())
    }

    /// How long until `amount` is there if nobody but the others takes any. `None`: never.
    pub fn wait(&mut self, amount: u64, now: Micros) -> Option<Micros> {
        self.advance(now);
        let amount = units(amount);
        let wait = match &self.state {
            State::Bucket(bucket) => bucket.wait(amount),
            State::Guarded { bucket, guard } => match (bucket.wait(amount), guard.wait(amount)) {
                (Some(bucket), Some(guard)) => Some(bucket.max(guard)),
                _ => None,
            },
            State::Minute(window) => window.wait(amount),
            State::Sliding(log) => log.wait(amount),
        };
        wait.map(|micros| Micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    fn advance(&mut self, now: Micros) {
        match &mut self.state {
            State::Bucket(bucket) => bucket.advance(now),
            State::Guarded { bucket, guard } => {
                bucket.advance(now);
                guard.advance(now);
            }
            State::Minute(window) => window.advance(now),
            State::Sliding(log) => log.advance(now),
        }
    }

    fn charge_units(&mut self, amount: i128) {
        match &mut self.state {
            State::Bucket(bucket) => bucket.charge(amount),
            State::Guarded { bucket, guard } => {
                bucket.charge(amount);
                guard.charge(amount);
            }
            State::Minute(window) => window.charge(amount),
            State::Sliding(log) => log.charge(amount),
        }
    }

    fn units_left(&self) -> i128 {
        match &self.state {
            State::Bucket(bucket) => bucket.level(),
            State::Guarded { bucket, guard } => bucket.level().min(guard.level()),
            State::Minute(window) => window.level(),
            State::Sliding(log) => log.level(),
        }
    }

    fn units_full(&self) -> i128 {
        match &self.state {
            State::Bucket(bucket) => bucket.capacity(),
            State::Guarded { bucket, guard } => bucket.capacity().min(guard.capacity()),
            State::Minute(window) => window.limit(),
            State::Sliding(log) => log.limit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meter(kind: MeterKind, per_minute: u64) -> Meter {
        Meter::new(MeterSpec { kind, per_minute }, Micros::ZERO)
    }

    const BUCKET: MeterKind = MeterKind::Bucket { burst_seconds: 60.0 };

    #[test]
    fn what_is_larger_than_the_whole_never_fits() {
        for kind in [BUCKET, MeterKind::Minute, MeterKind::Sliding] {
            let mut meter = meter(kind, 100);
            assert_eq!((meter.capacity(), meter.level(Micros::ZERO)), (100, 100));
            assert_eq!(meter.wait(101, Micros::ZERO), None);
            assert!(!meter.try_take(101, Micros::ZERO));
            assert!(meter.try_take(100, Micros::ZERO));
            assert!(!meter.try_take(1, Micros::ZERO));
        }
    }

    #[test]
    fn a_quota_of_nothing_admits_nothing() {
        for kind in [BUCKET, MeterKind::Minute, MeterKind::Sliding] {
            let mut meter = meter(kind, 0);
            assert!(!meter.try_take(1, Micros::from_secs(86_400)));
            assert_eq!(meter.wait(1, Micros::from_secs(86_400)), None);
        }
    }

    #[test]
    fn the_kinds_differ_after_a_full_burst() {
        let half_past = Micros::from_secs(30);
        let after = |kind| {
            let mut meter = meter(kind, 600);
            meter.charge(600, half_past);
            [45, 61, 91].map(|second| meter.level(Micros::from_secs(second)))
        };
        assert_eq!(after(BUCKET), [150, 310, 600]);
        assert_eq!(after(MeterKind::Minute), [0, 600, 600]);
        assert_eq!(after(MeterKind::Sliding), [0, 0, 600]);
    }

    #[test]
    fn absurd_bursts_are_survived() {
        for burst_seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -5.0] {
            let mut meter = meter(MeterKind::Bucket { burst_seconds }, u64::MAX);
            meter.charge(u64::MAX, Micros::MAX);
            meter.give_back(u64::MAX, Micros::MAX, Micros::ZERO);
            assert!(meter.level(Micros::MAX) <= meter.capacity());
        }
    }

    proptest! {
        /// A day of traffic leaves no residue: once idle for a minute and a bin, a meter without others is as new.
        #[test]
        fn a_day_leaves_no_residue(
            kind in prop_oneof![Just(BUCKET), Just(MeterKind::Guarded), Just(MeterKind::Minute), Just(MeterKind::Sliding)],
            per_minute in 1u64..10_000_000,
            takes in proptest::collection::vec((1u64..3_000_000_000, 1u64..1_000_000, 0u64..1_000_000), 1..100),
        ) {
            let mut meter = meter(kind, per_minute);
            let mut now = Micros::ZERO;
            for (pause, amount, back) in takes {
                now = now + Micros(pause);
                if meter.try_take(amount, now) {
                    let taken = now;
                    now = now + Micros(pause / 7);
                    meter.give_back(back.min(amount), taken, now);
                }
            }
            now = now + Micros(60_250_000);
            prop_assert_eq!(meter.level(now), meter.capacity());
        }

        /// What fits after the wait, fits.
        #[test]
        fn the_wait_leads_to_admission(
            kind in prop_oneof![Just(BUCKET), Just(MeterKind::Guarded), Just(MeterKind::Minute), Just(MeterKind::Sliding)],
            others in 0u64..900, used in 0u64..5_000, amount in 1u64..1_000, at in 0u64..120_000_000,
        ) {
            let mut meter = meter(kind, 1_000);
            meter.set_others(others, Micros::ZERO);
            meter.charge(used, Micros(at));
            if let Some(wait) = meter.wait(amount, Micros(at)) {
                prop_assert!(meter.try_take(amount, Micros(at) + wait));
            } else {
                let too_large = i128::from(amount) > i128::from(meter.capacity());
                prop_assert!(kind == MeterKind::Sliding || too_large, "only the sliding log gives up");
            }
        }
    }
}
