//! The time of a scope: it never runs backwards, whatever the clock does that it is read from.

use crate::record::Micros;

/// A clock that falls back by more than this has jumped; by less, events were reported out of order.
const JUMP: Micros = Micros::from_secs(5);
/// The longest step that is believed: a hundred years.
const LONGEST_STEP: Micros = Micros::from_secs(100 * 366 * 86_400);

/// Two readings of the same moment: as it was given to us, and in the scope's own time, in which all ledgers are kept.
/// The own time advances with the given one and stands still while that falls back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    given: Micros,
    own: Micros,
}

impl Clock {
    pub(super) fn new(now: Micros) -> Clock {
        Clock { given: now, own: Micros::ZERO }
    }

    /// It is `now` by the given clock: the own time.
    pub(super) fn read(&mut self, now: Micros) -> Micros {
        if now >= self.given {
            self.own = self.own + now.since(self.given).min(LONGEST_STEP);
            self.given = now;
        } else if self.given.since(now) > JUMP {
            self.given = now;
        }
        self.own
    }

    /// The own time when last read.
    pub(super) fn own(&self) -> Micros {
        self.own
    }

    /// The given time when last read.
    pub(super) fn given(&self) -> Micros {
        self.given
    }

    /// A moment to come, by the given clock.
    pub(super) fn to_given(self, own: Micros) -> Micros {
        self.given + own.since(self.own)
    }

    /// A moment to come, in own time.
    pub(super) fn to_own(self, given: Micros) -> Micros {
        self.own + given.since(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_time_never_runs_backwards_and_goes_on_after_a_jump() {
        let mut clock = Clock::new(Micros::from_secs(100));
        assert_eq!(clock.read(Micros::from_secs(110)), Micros::from_secs(10));
        assert_eq!(clock.read(Micros::from_secs(108)), Micros::from_secs(10), "out of order");
        assert_eq!(clock.read(Micros::from_secs(111)), Micros::from_secs(11), "not counted twice");
        assert_eq!(clock.read(Micros::from_secs(3)), Micros::from_secs(11), "a jump");
        assert_eq!(clock.read(Micros::from_secs(4)), Micros::from_secs(12));
        assert_eq!(clock.to_given(Micros::from_secs(20)), Micros::from_secs(12));
        assert_eq!(clock.to_own(Micros::from_secs(12)), Micros::from_secs(20));
        clock.read(Micros::MAX);
        clock.read(Micros::ZERO);
        let before = clock.own();
        assert!(clock.read(Micros::from_secs(1)) > before, "time goes on even after the end of time");
    }
}
