//! When the arrivals of an open loop are due: a pure function of seed, rate and the changes made to the rate.
//!
//! Each gap is drawn as a *mass* (1 for even spacing, `Exp(1)` for Poisson): the next arrival is due when the integral
//! of the rate since the last one has reached it. A change of the rate therefore keeps what has already been waited
//! for, goes on from the moment of the change with the new rate, and owes nothing for the time before: no catch-up.
//! Due times are absolute; that somebody is late in asking delays none of them (study/load.md §D).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

use crate::record::Micros;

use super::Arrival;

/// The highest rate that is scheduled, arrivals per second.
pub const MAX_RATE: f64 = 100_000.0;
/// The most workers of a closed loop.
const MAX_WORKERS: f64 = 100_000.0;

/// The schedule of arrivals.
#[derive(Clone, Debug)]
pub struct Schedule {
    arrival: Arrival,
    /// Factor on the rate, or on the workers.
    scale: f64,
    /// Up to here the rate has been integrated, seconds.
    at: f64,
    /// Running time since the beginning, at `at`, seconds: a pause does not move a ramp.
    ran: f64,
    /// Mass still to be integrated from `at` to the next arrival.
    owed: f64,
    paused: bool,
    rng: ChaCha8Rng,
}

impl Schedule {
    /// The schedule of `arrival` that begins at `start`.
    #[must_use]
    pub fn new(arrival: Arrival, seed: u64, start: Micros) -> Schedule {
        let mut schedule = Schedule {
            arrival,
            scale: 1.0,
            at: start.secs_f64(),
            ran: 0.0,
            owed: 0.0,
            paused: false,
            rng: ChaCha8Rng::seed_from_u64(seed),
        };
        schedule.draw();
        schedule
    }

    /// When the next arrival is due; `None` while none is: paused, a rate of zero, or a closed loop.
    #[must_use]
    pub fn next_due(&self) -> Option<Micros> {
        if self.paused {
            return None;
        }
        self.span_of(self.owed).map(|span| Micros::from_secs_f64(self.at + span))
    }

    /// Takes the next arrival: the one after it counts from its due time.
    pub fn take(&mut self) {
        if let Some(span) = self.span_of(self.owed) {
            self.at += span;
            self.ran += span;
            self.draw();
        }
    }

    /// Moves the beginning to `now`, before anything was taken.
    pub fn begin(&mut self, now: Micros) {
        self.at = now.secs_f64();
    }

    /// Sets the rate (workers for a closed loop) from `now` on. A ramp ends: its arrivals stay Poisson.
    pub fn set_rate(&mut self, rate: f64, now: Micros) {
        self.integrate(now);
        self.scale = 1.0;
        self.arrival = match self.arrival {
            Arrival::Constant { .. } => Arrival::Constant { rate },
            Arrival::Poisson { .. } | Arrival::Ramp { .. } => Arrival::Poisson { rate },
            Arrival::Closed { .. } => Arrival::Closed { workers: clean(rate, MAX_WORKERS).round() as u32 },
        };
    }

    /// Multiplies the rate (workers for a closed loop) from `now` on.
    pub fn scale(&mut self, factor: f64, now: Micros) {
        self.integrate(now);
        if factor.is_finite() && factor >= 0.0 {
            self.scale = (self.scale * factor).clamp(1e-6, 1e6);
        }
    }

    /// Makes no arrivals from `now` on.
    pub fn pause(&mut self, now: Micros) {
        if !self.paused {
            self.integrate(now);
            self.paused = true;
        }
    }

    /// Goes on from `now`; what would have arrived in the meantime never does.
    pub fn resume(&mut self, now: Micros) {
        if self.paused {
            self.paused = false;
            self.at = now.secs_f64();
        }
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Arrivals per second asked for at `now`; `None` for a closed loop.
    #[must_use]
    pub fn requested_rate(&self, now: Micros) -> Option<f64> {
        let ran = if self.paused { self.ran } else { self.ran + (now.secs_f64() - self.at).max(0.0) };
        self.rate_at(ran)
    }

    /// How many records may be outstanding; `None` for an open loop.
    #[must_use]
    pub fn workers(&self) -> Option<u64> {
        match self.arrival {
            Arrival::Closed { workers } => {
                Some((f64::from(workers) * self.scale).clamp(1.0, MAX_WORKERS).round() as u64)
            }
            _ => None,
        }
    }

    fn draw(&mut self) {
        self.owed = match self.arrival {
            Arrival::Constant { .. } => 1.0,
            _ => Exp1.sample(&mut self.rng),
        };
    }

    /// Moves `at` on to `now` at the present rate.
    fn integrate(&mut self, now: Micros) {
        let span = now.secs_f64() - self.at;
        if self.paused || span <= 0.0 {
            return;
        }
        self.owed = (self.owed - self.mass_of(span)).max(0.0);
        self.ran += span;
        self.at = now.secs_f64();
    }

    /// The rate when it has run for `ran` seconds.
    fn rate_at(&self, ran: f64) -> Option<f64> {
        let rate = match self.arrival {
            Arrival::Constant { rate } | Arrival::Poisson { rate } => rate,
            Arrival::Ramp { from, to, over } if ran < over => from + (to - from) * (ran / over),
            Arrival::Ramp { to, .. } => to,
            Arrival::Closed { .. } => return None,
        };
        Some(clean(clean(rate, MAX_RATE) * self.scale, MAX_RATE))
    }

    /// What is left of the ramp: its length in seconds and its slope, arrivals per second².
    fn ramp(&self) -> (f64, f64) {
        match self.arrival {
            Arrival::Ramp { from, to, over } if self.ran < over => {
                (over - self.ran, (clean(to, MAX_RATE) - clean(from, MAX_RATE)) * self.scale / over)
            }
            _ => (0.0, 0.0),
        }
    }

    /// The integral of the rate over the next `span` seconds.
    fn mass_of(&self, span: f64) -> f64 {
        let Some(rate) = self.rate_at(self.ran) else { return 0.0 };
        let (left, slope) = self.ramp();
        let on_ramp = span.min(left);
        let after = if span > left { self.rate_at(self.ran + left).unwrap_or(0.0) * (span - left) } else { 0.0 };
        rate * on_ramp + slope * on_ramp * on_ramp / 2.0 + after
    }

    /// The seconds in which the integral of the rate reaches `mass`; `None` if it never does.
    fn span_of(&self, mass: f64) -> Option<f64> {
        let rate = self.rate_at(self.ran)?;
        let (left, slope) = self.ramp();
        let ramp_mass = rate * left + slope * left * left / 2.0;
        if left > 0.0 && mass <= ramp_mass {
            // The smaller root of slope/2·x² + rate·x = mass, in the form that loses no digits where slope is near 0.
            let root = (rate * rate + 2.0 * slope * mass).max(0.0).sqrt();
            let span = 2.0 * mass / (rate + root);
            return Some(if span.is_finite() { span.min(left) } else { 0.0 });
        }
        let after = self.rate_at(self.ran + left)?;
        (after > 0.0).then(|| left + (mass - ramp_mass) / after)
    }
}

/// Negative and NaN become zero.
fn clean(value: f64, max: f64) -> f64 {
    if value > 0.0 { value.min(max) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times(schedule: &mut Schedule, n: usize) -> Vec<f64> {
        (0..n)
            .map(|_| {
                let due = schedule.next_due().unwrap().secs_f64();
                schedule.take();
                due
            })
            .collect()
    }

    #[test]
    fn even_spacing_does_not_drift() {
        let mut schedule = Schedule::new(Arrival::Constant { rate: 3.0 }, 1, Micros::from_secs(10));
        let due = times(&mut schedule, 300_000);
        assert_eq!((due[2] * 1e6).round(), 11_000_000.0);
        assert!((due[299_999] - 100_010.0).abs() < 2e-6, "{}", due[299_999]);
    }

    #[test]
    fn poisson_has_its_mean_and_its_spread() {
        let mut schedule = Schedule::new(Arrival::Poisson { rate: 50.0 }, 7, Micros::ZERO);
        let due = times(&mut schedule, 20_000);
        let gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 0.02).abs() < 0.0005, "{mean}");
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "exponential gaps: sd = mean");
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals() {
        let arrival = Arrival::Ramp { from: 1.0, to: 40.0, over: 20.0 };
        let one = times(&mut Schedule::new(arrival, 3, Micros::ZERO), 500);
        assert_eq!(one, times(&mut Schedule::new(arrival, 3, Micros::ZERO), 500));
        assert_ne!(one, times(&mut Schedule::new(arrival, 4, Micros::ZERO), 500));
    }

    #[test]
    fn a_ramp_delivers_the_integral_of_its_rate() {
        for (from, to) in [(0.0, 100.0), (100.0, 0.0), (20.0, 20.0)] {
            let mut schedule = Schedule::new(Arrival::Ramp { from, to, over: 60.0 }, 11, Micros::ZERO);
            let mut n = 0;
            while schedule.next_due().is_some_and(|due| due <= Micros::from_secs(60)) {
                schedule.take();
                n += 1;
            }
            let expected = (from + to) / 2.0 * 60.0;
            assert!((f64::from(n) - expected).abs() < 4.0 * expected.sqrt(), "{from}->{to}: {n} for {expected}");
        }
        let mut ended = Schedule::new(Arrival::Ramp { from: 1.0, to: 0.0, over: 1e-3 }, 1, Micros::ZERO);
        while ended.next_due().is_some() {
            ended.take();
        }
        assert_eq!(ended.requested_rate(Micros::from_secs(1)), Some(0.0));
    }

    #[test]
    fn a_new_rate_holds_from_now_and_catches_nothing_up() {
        let mut schedule = Schedule::new(Arrival::Constant { rate: 1.0 }, 1, Micros::ZERO);
        schedule.set_rate(10.0, Micros::from_millis(500));
        assert_eq!(schedule.next_due(), Some(Micros::from_millis(550)), "half of the gap was waited for already");
        // Nobody asked for 30 s, then the rate changes: one arrival is overdue, not three hundred.
        schedule.scale(0.5, Micros::from_secs(30));
        assert_eq!(schedule.next_due(), Some(Micros::from_secs(30)));
        schedule.take();
        assert_eq!(schedule.next_due(), Some(Micros::from_millis(30_200)));
        assert_eq!(schedule.requested_rate(Micros::from_secs(31)), Some(5.0));
    }

    #[test]
    fn a_pause_moves_everything_by_its_length() {
        let arrival = Arrival::Ramp { from: 2.0, to: 30.0, over: 10.0 };
        let mut through = Schedule::new(arrival, 5, Micros::ZERO);
        let mut paused = through.clone();
        paused.pause(Micros::from_millis(100));
        assert_eq!(paused.next_due(), None);
        paused.resume(Micros::from_millis(5_100));
        for _ in 0..200 {
            let (a, b) = (through.next_due().unwrap(), paused.next_due().unwrap());
            assert!((b.secs_f64() - a.secs_f64() - 5.0).abs() < 1e-5, "{a:?} {b:?}");
            through.take();
            paused.take();
        }
    }

    #[test]
    fn a_rate_of_zero_waits_for_a_better_one() {
        let mut schedule = Schedule::new(Arrival::Poisson { rate: 0.0 }, 1, Micros::ZERO);
        assert_eq!(schedule.next_due(), None);
        schedule.set_rate(f64::NAN, Micros::from_secs(1));
        assert_eq!(schedule.next_due(), None);
        schedule.set_rate(1.0, Micros::from_secs(2));
        assert!(schedule.next_due().unwrap() > Micros::from_secs(2));
    }

    #[test]
    fn a_closed_loop_has_workers_and_no_rate() {
        let mut schedule = Schedule::new(Arrival::Closed { workers: 8 }, 1, Micros::ZERO);
        assert_eq!((schedule.next_due(), schedule.requested_rate(Micros::ZERO)), (None, None));
        schedule.scale(1.5, Micros::ZERO);
        assert_eq!(schedule.workers(), Some(12));
        schedule.set_rate(3.4, Micros::ZERO);
        assert_eq!(schedule.workers(), Some(3));
    }

    proptest! {
        #[test]
        fn due_times_never_go_back(
            from in 0.0..500.0f64, to in 0.1..500.0f64, over in 0.0..30.0f64, seed in any::<u64>(),
            changes in prop::collection::vec((0u64..3_000_000, 0u8..4, 0.1..4.0f64), 0..20),
        ) {
            let mut schedule = Schedule::new(Arrival::Ramp { from, to, over }, seed, Micros::ZERO);
            let mut now = Micros::ZERO;
            let mut last = Micros::ZERO;
            for (gap, what, value) in changes {
                now = now + Micros(gap);
                while let Some(due) = schedule.next_due().filter(|due| *due <= now) {
                    prop_assert!(due.0 + 1 >= last.0, "{due:?} after {last:?}");
                    last = due;
                    schedule.take();
                }
                match what {
                    0 => schedule.scale(value, now),
                    1 => schedule.set_rate(value * 50.0, now),
                    2 => schedule.pause(now),
                    _ => schedule.resume(now),
                }
                if let Some(due) = schedule.next_due() {
                    prop_assert!(due.0 + 1 >= now.0, "nothing is due before the change");
                }
            }
        }
    }
}
