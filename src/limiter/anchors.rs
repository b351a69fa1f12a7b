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
