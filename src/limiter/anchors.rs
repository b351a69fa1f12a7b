//! Rate by exact accounting between rejects (study §E.4).
//!
//! At the send of a rejected request that opens an epoch, the *anchor*, the server's level lies in `[0, h)`, where `h` is
//! the reservation that did not fit. Between two anchors, `d` seconds apart with a net charge of `A`, a bucket's rate is
//! therefore `A/d` within `h/d`: two rejects half a minute apart fix it to about a percent. Pairs from the newest anchor
//! backwards are intersected until they contradict: there the quota changed, and what is older is forgotten.

use std::collections::VecDeque;

use crate::record::Micros;

use super::flight::Posted;

/// Anchors kept.
const KEPT: usize = 16;

/// The send of a rejected request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    /// When it was sent.
    pub(super) at: Micros,
    /// Its place among all sends.
    pub(super) order: u64,
    /// What had been posted before it.
    pub(super) posted: Posted,
    /// What it would have reserved.
    pub(super) hold: f64,
}

/// What the anchors of the present regime say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Regime {
    /// The rate lies between these, units per second.
    pub(super) low: f64,
    pub(super) high: f64,
    /// An older anchor contradicted: the quota has changed since.
    pub(super) changed: bool,
}

/// The anchors of the present regime, newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Anchors {
    kept: VecDeque<Anchor>,
}

impl Anchors {
    /// Forgets them: the level has run into its burst since, or the limit is another one.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    /// The newest.
    pub(super) fn last(&self) -> Option<&Anchor> {
        self.kept.back()
    }

    /// An attempt sent at `order` was never charged by the server.
    pub(super) fn unpost(&mut self, order: u64, hold: u64, charge: u64) {
        for anchor in self.kept.iter_mut().filter(|anchor| order < anchor.order) {
            anchor.posted.unpost(hold, charge);
        }
    }

    /// Takes a new anchor in; what it says together with the others.
    pub(super) fn add(&mut self, new: Anchor) -> Option<Regime> {
        let mut regime: Option<Regime> = None;
        let mut contradicts = None;
        for (index, anchor) in self.kept.iter().enumerate().rev() {
            let span = new.at.since(anchor.at).secs_f64();
            if span <= 0.0 {
                continue;
            }
            let (charge, _) = new.posted.since(anchor.posted);
            let error = new.hold.max(anchor.hold);
            let (low, high) = (((charge - error) / span).max(0.0), ((charge + error) / span).max(0.0));
            let so_far = regime.unwrap_or(Regime { low: 0.0, high: f64::MAX, changed: false });
            let both = Regime { low: so_far.low.max(low), high: so_far.high.min(high), changed: false };
            if both.low > both.high {
                contradicts = Some(index);
                break;
            }
            regime = Some(both);
        }
        if let Some(index) = contradicts {
            self.kept.drain(..=index);
            regime = regime.map(|regime| Regime { changed: true, ..regime });
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(new);
        regime
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is sent to a bucket that does not run over: the truth lies within what the anchors say, and two of
        /// them are off by a reservation at most.
        #[test]
        fn the_true_rate_lies_between_the_bounds(
            rate in 100.0f64..1_000_000.0, work in vec((0.0f64..3.0, 0.01f64..1.0), 2..200), level in 0.0f64..0.1,
        ) {
            // As much as is gained in a minute, never full: there is always more to send than it gains.
            let mut level = level * rate;
            let (mut anchors, mut posted) = (Anchors::default(), Posted::default());
            let mut seconds = 0.0;
            for (order, (span, part)) in (1u64..).zip(work) {
                seconds += span;
                level += rate * span;
                // The load presses: it takes all but less than one more request.
                let hold = (rate * part).max(1.0).floor();
                let before = (level / hold).floor();
                posted.send((before * hold) as u64);
                level -= before * hold;
                let at = Micros::from_secs_f64(seconds);
                let found = anchors.add(Anchor { at, order, posted, hold });
                if let Some(regime) = found {
                    // A microsecond is as near as moments are known.
                    let slack = rate * 1e-3;
                    prop_assert!(regime.low <= rate + slack && rate <= regime.high + slack, "{:?} for {}", regime, rate);
                    prop_assert!(!regime.changed);
                }
            }
        }
    }
}
