//! A circuit breaker per scope: opens on an outage, probes one request at a time, closes when the probes succeed.
//!
//! Only failures of the *service* count (capacity, server, connection, timeout): a quota throttle is not ill health,
//! and a refused record says nothing about the Region (study/limiter.md §E.5).

use std::collections::VecDeque;

use crate::record::{ErrorClass, Micros};

use super::BreakerView;

/// Outcomes older than this no longer count.
const WINDOW: Micros = Micros::from_secs(10);
/// Fewer outcomes than this in the window open nothing: one bad reply of two is not an outage.
const MIN_OUTCOMES: usize = 8;
/// So many failures in a row open it however few they are: an idle Region that goes down must not eat twenty records.
const FAILURES_IN_A_ROW: u32 = 5;
/// The pause between probes doubles up to this.
const LONGEST_OPEN: Micros = Micros::from_secs(60);
/// Outcomes remembered at most.
const MAX_OUTCOMES: usize = 512;

/// What a breaker opens on and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Share of failures in the window that opens it, 0 to 1.
    pub threshold: f64,
    /// The first pause before a probe.
    pub open_for: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Closed,
    Open { until: Micros },
    HalfOpen { probing: bool },
}

/// What changed at an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerChange {
    /// It opened.
    Opened,
    /// It closed.
    Closed,
}

/// The breaker of one scope.
#[derive(Clone, Debug)]
pub struct Breaker {
    phase: Phase,
    outcomes: VecDeque<(Micros, bool)>,
    failures_in_a_row: u32,
    pause: Micros,
}

impl Default for Breaker {
    fn default() -> Self {
        Breaker { phase: Phase::Closed, outcomes: VecDeque::new(), failures_in_a_row: 0, pause: Micros::ZERO }
    }
}

impl Breaker {
    /// Whether this class of failure says that the service is unwell.
    #[must_use]
    pub const fn counts(class: ErrorClass) -> bool {
        matches!(
            class,
            ErrorClass::Capacity
                | ErrorClass::Server
                | ErrorClass::Connection
                | ErrorClass::Timeout
                | ErrorClass::Truncated
                | ErrorClass::Malformed
                | ErrorClass::NotReady
        )
    }

    /// `None`: may send now. `Some(t)`: not before `t` (`Micros::MAX`: not before the probe in flight is back).
    #[must_use]
    pub fn wait_until(&self, now: Micros) -> Option<Micros> {
        match self.phase {
            Phase::Closed | Phase::HalfOpen { probing: false } => None,
            Phase::Open { until } => (now < until).then_some(until),
            Phase::HalfOpen { probing: true } => Some(Micros::MAX),
        }
    }

    /// Whether the next request sent would be a probe.
    #[must_use]
    pub fn wants_probe(&self, now: Micros) -> bool {
        match self.phase {
            Phase::Closed | Phase::HalfOpen { probing: true } => false,
            Phase::HalfOpen { probing: false } => true,
            Phase::Open { until } => now >= until,
        }
    }

    /// A request was sent. Returns whether it is a probe.
    pub fn sent(&mut self, now: Micros) -> bool {
        match self.phase {
            Phase::Open { until } if now >= until => {
                self.phase = Phase::HalfOpen { probing: true };
                true
            }
            Phase::HalfOpen { probing: false } => {
                self.phase = Phase::HalfOpen { probing: true };
                true
            }
            _ => false,
        }
    }

    /// A probe came back with an outcome that says nothing about health (a throttle, a refused record): the next
    /// request may probe.
    pub fn probe_undecided(&mut self, was_probe: bool) {
        if was_probe && self.phase == (Phase::HalfOpen { probing: true }) {
            self.phase = Phase::HalfOpen { probing: false };
        }
    }

    /// An attempt ended, well or with a failure that [`Breaker::counts`].
    pub fn outcome(
        &mut self,
        ok: bool,
        was_probe: bool,
        settings: BreakerSettings,
        now: Micros,
    ) -> Option<BreakerChange> {
        match self.phase {
            Phase::HalfOpen { .. } if was_probe => {
                if ok {
                    *self = Breaker::default();
                    return Some(BreakerChange::Closed);
                }
                self.pause = (self.pause + self.pause).min(LONGEST_OPEN).max(settings.open_for);
                self.phase = Phase::Open { until: now + self.pause };
                None
            }
            // Stragglers of before the opening say nothing new.
            Phase::HalfOpen { .. } | Phase::Open { .. } => None,
            Phase::Closed => {
                self.failures_in_a_row = if ok { 0 } else { self.failures_in_a_row + 1 };
                self.outcomes.push_back((now, ok));
                while self.outcomes.len() > MAX_OUTCOMES
                    || self.outcomes.front().is_some_and(|(at, _)| now.since(*at) > WINDOW)
                {
                    self.outcomes.pop_front();
                }
                let failed = self.outcomes.iter().filter(|(_, ok)| !ok).count();
                let many = self.outcomes.len() >= MIN_OUTCOMES
                    && failed as f64 > settings.threshold * self.outcomes.len() as f64;
                if !ok && (many || self.failures_in_a_row >= FAILURES_IN_A_ROW) {
                    self.pause = settings.open_for;
                    self.phase = Phase::Open { until: now + self.pause };
                    self.outcomes.clear();
                    return Some(BreakerChange::Opened);
                }
                None
            }
        }
    }

    /// For the snapshot.
    #[must_use]
    pub fn view(&self, now: Micros) -> BreakerView {
        match self.phase {
            Phase::Closed => BreakerView::Closed,
            Phase::Open { until } if now < until => BreakerView::Open { until },
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerView::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings { threshold: 0.5, open_for: Micros::from_secs(5) };

    fn second(s: u64) -> Micros {
        Micros::from_secs(s)
    }

    #[test]
    fn opens_on_an_outage_probes_once_and_closes_on_success() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.outcome(false, false, SETTINGS, second(1)), None);
        }
        assert_eq!(breaker.outcome(false, false, SETTINGS, second(1)), Some(BreakerChange::Opened));
        assert_eq!(breaker.wait_until(second(2)), Some(second(6)));
        assert_eq!(breaker.wait_until(second(6)), None);
        assert!(breaker.sent(second(6)));
        assert_eq!(breaker.wait_until(second(6)), Some(Micros::MAX), "one probe at a time");
        assert_eq!(breaker.outcome(true, true, SETTINGS, second(7)), Some(BreakerChange::Closed));
        assert_eq!(breaker.wait_until(second(7)), None);
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_up_to_a_minute() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.outcome(false, false, SETTINGS, second(0));
        }
        let mut now = second(5);
        for pause in [10, 20, 40, 60, 60] {
            assert!(breaker.sent(now));
            breaker.outcome(false, true, SETTINGS, now);
            assert_eq!(breaker.wait_until(now), Some(now + second(pause)));
            now = now + second(pause);
        }
    }

    #[test]
    fn a_fifth_of_failures_opens_nothing_and_old_failures_are_forgotten() {
        let mut breaker = Breaker::default();
        for i in 0..100 {
            assert_eq!(breaker.outcome(i % 5 != 0, false, SETTINGS, second(1)), None);
        }
        let mut breaker = Breaker::default();
        for i in 0..200 {
            assert_eq!(breaker.outcome(i % 2 == 0, false, SETTINGS, second(30 * i)), None, "never eight in one window");
        }
    }

    #[test]
    fn stragglers_neither_close_nor_extend() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.outcome(false, false, SETTINGS, second(0));
        }
        assert_eq!(breaker.outcome(true, false, SETTINGS, second(1)), None);
        assert_eq!(breaker.outcome(false, false, SETTINGS, second(2)), None);
        assert_eq!(breaker.wait_until(second(3)), Some(second(5)));
    }
}
