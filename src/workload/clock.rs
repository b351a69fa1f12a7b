//! The one real clock of a run.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::record::Micros;

/// Monotonic time since the clock was made, tied to UTC at that moment. Everything that is timed in a run is timed in
/// these [`Micros`]; UTC is only for people and for deadlines that were given in it. A step of the system's clock
/// therefore moves neither waits nor measurements.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    origin: Instant,
    origin_utc: Timestamp,
}

impl RunClock {
    /// A clock that reads zero now.
    #[must_use]
    pub fn start() -> RunClock {
        RunClock { origin: Instant::now(), origin_utc: Timestamp::now() }
    }

    /// The time since the clock was made.
    #[must_use]
    pub fn now(&self) -> Micros {
        Micros::from(self.origin.elapsed())
    }

    /// The instant at which this clock reads `at`; used to sleep until then. Saturates at 30 years from the origin.
    #[must_use]
    pub fn instant(&self, at: Micros) -> Instant {
        const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
        let span = Duration::from(at).min(FAR);
        self.origin.checked_add(span).unwrap_or(self.origin)
    }

    /// UTC now, by this clock.
    #[must_use]
    pub fn utc_now(&self) -> Timestamp {
        self.utc(self.now())
    }

    /// The UTC time at which this clock reads `at`.
    #[must_use]
    pub fn utc(&self, at: Micros) -> Timestamp {
        let span = SignedDuration::from_micros(i64::try_from(at.0).unwrap_or(i64::MAX));
        self.origin_utc.checked_add(span).unwrap_or(Timestamp::MAX)
    }

    /// What this clock reads at a UTC time; zero for anything before it was made.
    #[must_use]
    pub fn at_utc(&self, utc: Timestamp) -> Micros {
        let micros = utc.duration_since(self.origin_utc).as_micros();
        Micros(u64::try_from(micros.max(0)).unwrap_or(u64::MAX))
    }
}

impl Default for RunClock {
    fn default() -> Self {
        RunClock::start()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_and_back_is_the_same_moment() {
        let clock = RunClock::start();
        let at = Micros::from_secs(3_600);
        assert_eq!(clock.at_utc(clock.utc(at)), at);
        assert_eq!(clock.instant(at) - clock.instant(Micros::ZERO), Duration::from_secs(3_600));
    }

    #[test]
    fn the_past_and_the_far_future_saturate() {
        let clock = RunClock::start();
        assert_eq!(clock.at_utc(Timestamp::UNIX_EPOCH), Micros::ZERO);
        assert_eq!(clock.utc(Micros::MAX), Timestamp::MAX);
        let _ = clock.instant(Micros::MAX);
    }

    #[test]
    fn it_never_goes_back() {
        let clock = RunClock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
