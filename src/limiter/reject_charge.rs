//! Whether rejected requests are charged, and how much (study §F.2: not documented, and seen both ways).
//!
//! Between two anchors with many rejects a bucket's rate is `(A + p R) / d`: `R` is what was rejected, `p` the part of it that
//! was charged. Between two anchors with few it is `A / d`, whatever `p` is. A quiet span soon after a noisy one gives `p`.

use crate::record::Micros;

use super::anchors::Anchor;

/// A span is noisy if at least this part of what it accepted was rejected ...
const NOISY: f64 = 0.3;
/// ... and quiet if no more than this was, ...
const QUIET: f64 = 0.05;
/// ... over at least so many seconds ...
const QUIET_SECONDS: f64 = 5.0;
/// ... in which at least so many requests were accepted.
const QUIET_REQUESTS: f64 = 20.0;
/// A noisy span is compared with a quiet one of the next minutes only: the quota may change.
const COMPARABLE: Micros = Micros::from_secs(180);
/// Weight of a new comparison.
const WEIGHT: f64 = 0.5;
/// A part that is smaller than this is taken for none: it is within what the spans are known to.
const LEAST: f64 = 0.15;

#[derive(Clone, Copy, Debug)]
struct Noisy {
    at: Micros,
    seconds: f64,
    /// Net charge, without what rejects were believed to be charged.
    charge: f64,
    rejected: f64,
}

/// The belief.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RejectCharge {
    part: f64,
    noisy: Option<Noisy>,
}

impl RejectCharge {
    /// Part of its reservation that a rejected request burns, 0 to 1.
    pub(super) fn part(&self) -> f64 {
        if self.part < LEAST { 0.0 } else { self.part.min(1.0) }
    }

    /// Two anchors, and nothing lost between them.
    pub(super) fn learn(&mut self, from: Anchor, to: Anchor) {
        let seconds = to.at.since(from.at).secs_f64();
        let rejected = to.posted.rejected_since(from.posted);
        let charge = to.posted.since(from.posted).0 - self.part() * rejected;
        if charge <= 0.0 || seconds <= 0.0 {
            return;
        }
        if rejected >= NOISY * charge {
            self.noisy.get_or_insert(Noisy { at: to.at, seconds, charge, rejected });
        } else if rejected <= QUIET * charge
            && seconds >= QUIET_SECONDS
            && charge >= QUIET_REQUESTS * to.hold
            && let Some(noisy) = self.noisy.take()
            && to.at.since(noisy.at) <= COMPARABLE
        {
            let missing = charge / seconds * noisy.seconds - noisy.charge;
            let seen = (missing / noisy.rejected).clamp(0.0, 1.0);
            self.part += WEIGHT * (seen - self.part);
        }
    }
}
