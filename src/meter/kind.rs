//! One meter of any kind.

use crate::record::Micros;

use super::bucket::Bucket;
use super::sliding::Sliding;
use super::window::Window;
use super::{tokens, units};

/// The length of a fixed or sliding window.
const MINUTE: Micros = Micros::from_secs(60);

/// How a quota per minute is metered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MeterKind {
    /// Continuously refilled, initially full; holds this many seconds of the rate, at least one token.
    Bucket {
        /// Capacity in seconds of the rate.
        burst_seconds: f64,
    },
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
            (State::Minute(window), MeterKind::Minute) => window.retune(units(spec.per_minute), now),
            (State::Sliding(log), MeterKind::Sliding) => log.retune(units(spec.per_minute), now),
            _ => *self = Meter::new(spec, now),
        }
    }

    /// Others drain this much evenly from now on. They are refused as everybody is when nothing is left.
    pub fn set_others(&mut self, per_minute: u64, now: Micros) {
        match &mut self.state {
            State::Bucket(bucket) => bucket.set_others(per_minute, now),
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
            State::Minute(window) => window.wait(amount),
            State::Sliding(log) => log.wait(amount),
        };
        wait.map(|micros| Micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    fn advance(&mut self, now: Micros) {
        match &mut self.state {
            State::Bucket(bucket) => bucket.advance(now),
            State::Minute(window) => window.advance(now),
            State::Sliding(log) => log.advance(now),
        }
    }

    fn charge_units(&mut self, amount: i128) {
        match &mut self.state {
            State::Bucket(bucket) => bucket.charge(amount),
            State::Minute(window) => window.charge(amount),
            State::Sliding(log) => log.charge(amount),
        }
    }

    fn units_left(&self) -> i128 {
        match &self.state {
            State::Bucket(bucket) => bucket.level(),
            State::Minute(window) => window.level(),
            State::Sliding(log) => log.level(),
        }
    }

    fn units_full(&self) -> i128 {
        match &self.state {
            State::Bucket(bucket) => bucket.capacity(),
            State::Minute(window) => window.limit(),
            State::Sliding(log) => log.limit(),
        }
    }
}
