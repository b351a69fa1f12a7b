//! When a meter that starts afresh every calendar minute does so.
//!
//! Such a meter, used up, refuses everything until the minute is over and then nothing: the moment lies between the last
//! request that was refused and the first that was accepted. Moments that agree modulo a minute show the meter for what
//! it is, the sooner the narrower they are.

use crate::record::Micros;

const MINUTE: f64 = 60.0;
/// Moments are known to this: a request takes some time to the server.
const ERROR: f64 = 0.05;
/// An end that is known no better than this says nothing.
const WIDEST: f64 = 20.0;
/// So little chance that the agreement is chance, and it is believed.
const DOUBT: f64 = 0.002;

/// Where in the minute it turns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Boundary {
    /// From and to, in seconds of the scope's own time, the first time it was seen to lie there.
    span: Option<(f64, f64)>,
    /// The chance that what agreed so far did so by chance.
    doubt: f64,
}

impl Boundary {
    /// Whether the meter turns with the minute, as far as one can tell.
    pub(super) fn known(&self) -> bool {
        self.span.is_some() && self.doubt < DOUBT
    }

    /// Whether a turn that was seen once was seen again.
    pub(super) fn suspected(&self) -> bool {
        self.span.is_some() && self.doubt < 1.0
    }

    /// Everything was refused up to `refused`, and something sent at `accepted` was not.
    pub(super) fn turned(&mut self, refused: Micros, accepted: Micros) {
        let (from, to) = (refused.secs_f64() - ERROR, accepted.secs_f64() + ERROR);
        if to - from > WIDEST {
            return;
        }
        if let Some((known_from, known_to)) = self.span {
            let minutes = ((from + to - known_from - known_to) / 2.0 / MINUTE).round() * MINUTE;
            let both = (known_from.max(from - minutes), known_to.min(to - minutes));
            if both.0 <= both.1 {
                // Two spans thrown at random into a minute touch with this chance.
                self.doubt *= ((known_to - known_from + to - from) / MINUTE).min(1.0);
                self.span = Some(both);
                return;
            }
        }
        self.span = Some((from, to));
        self.doubt = 1.0;
    }

    /// The next turn after `now`, if it is known.
    pub(super) fn next(&self, now: Micros) -> Option<Micros> {
        let (_, to) = self.span.filter(|_| self.known())?;
        let minutes = ((now.secs_f64() - to) / MINUTE).ceil().max(0.0);
        Some(Micros::from_secs_f64(to + minutes * MINUTE).max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Micros {
        Micros::from_secs_f64(seconds)
    }

    #[test]
    fn turns_that_agree_are_believed_and_narrowed() {
        let mut boundary = Boundary::default();
        boundary.turned(at(40.0), at(44.0));
        assert!(!boundary.suspected());
        boundary.turned(at(102.0), at(103.0));
        assert!(boundary.suspected() && !boundary.known());
        boundary.turned(at(282.5), at(282.8));
        assert!(!boundary.known(), "one in 500 is not enough");
        boundary.turned(at(342.6), at(342.7));
        assert!(boundary.known());
        let next = boundary.next(at(350.0)).unwrap().secs_f64();
        assert!((402.6..403.0).contains(&next), "{next}");
        boundary.turned(at(300.0), at(301.0));
        assert!(!boundary.suspected(), "another moment of the minute");
    }

    #[test]
    fn a_wide_end_says_nothing() {
        let mut boundary = Boundary::default();
        boundary.turned(at(10.0), at(45.0));
        boundary.turned(at(70.0), at(105.0));
        assert!(!boundary.suspected());
    }
}
