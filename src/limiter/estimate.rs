//! What the `adaptive` rule believes the rate of one meter to be, and how that belief moves.
//!
//! This is the seat of the estimator. It keeps one *anchor*: the send of the last rejected request that opened an epoch.
//! At an anchor the server's level is in `[0, h)`, so that between two of them, `d` seconds apart with a net charge of `A`,
//! the server's rate is `A/d` within `h/d` (study §E.4). Several anchors with change points and meter hypotheses belong
//! here too.
//!
//! The rate grows with what is *sent* while the meter holds the queue, never with time alone: no growth without
//! evidence, and a wait is exact because the rate stands still meanwhile.

use std::f64::consts::LN_2;

use crate::record::Micros;

use super::flight::Posted;
use super::knobs::AdaptiveKnobs;

/// An unknown quota: the rate doubles in so many seconds until the first reject.
const RAMP_DOUBLING: f64 = 3.0;
/// ... from a floor of one request in so many seconds, whatever its size.
const RAMP_FIRST: f64 = 12.0;
/// After the first reject the rate is known to a factor, whatever the burst was: so many seconds to double.
const SEEK_DOUBLING: f64 = 20.0;
/// Seconds of its rate that a server's burst is at least believed to hold (study §D.1 has no smaller).
const SMALLEST_BURST: f64 = 2.0;
/// Shortest time in which a rate that was backed off returns to where it was (study §E.4, K) ...
const RECOVER_SECONDS: f64 = 15.0;
/// ... and no shorter than this many requests of the size that was rejected.
const RECOVER_REQUESTS: f64 = 20.0;
/// Probes that keep confirming the same rate become this many times rarer at most.
const MOST_PATIENCE: f64 = 16.0;
/// One reaction never cuts deeper than this.
const DEEPEST_CUT: f64 = 0.4;
/// The rate never falls below one rejected request in this many seconds.
const SLOWEST: f64 = 120.0;
/// What the first reject proved stands this long: what a window saw of the first burst is gone then.
const PROVEN_FOR: Micros = Micros::from_secs(75);

/// What the belief is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// At the configured ceiling.
    Hold,
    /// Unknown quota, no reject yet.
    Ramp,
    /// After the first reject: somewhere between this rate and `to`.
    Seek { to: f64 },
    /// Returning to the rate at which it was rejected.
    Recover { to: f64, speed: f64 },
    /// Looking for more, since this rate and for so many seconds: the longer without a reject, the faster.
    Probe { from: f64, since: f64 },
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Micros,
    order: u64,
    posted: Posted,
}

/// A reject that opens an epoch, as the estimator sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// Send time of the rejected request.
    pub(super) at: Micros,
    /// Its place among all sends.
    pub(super) order: u64,
    /// What had been posted before it.
    pub(super) posted: Posted,
    /// Net charge of the 60 s before it.
    pub(super) window: f64,
    /// Seconds of load before it, at most 60.
    pub(super) loaded: f64,
    /// Its own hold.
    pub(super) hold: f64,
    /// The least that may be asked for every [`SLOWEST`] seconds.
    pub(super) least: f64,
}

/// The belief about one meter's rate, in units per second.
#[derive(Clone, Debug)]
pub(super) struct RateEstimate {
    rate: f64,
    ceiling: f64,
    phase: Phase,
    anchor: Option<Anchor>,
    /// A rate that the first reject has proven, and until when what follows from the same burst may not deny it.
    proven: Option<(f64, Micros)>,
    interval: Option<(f64, f64)>,
    patience: f64,
    knobs: AdaptiveKnobs,
}

impl RateEstimate {
    /// Starts at `rate`, which is `believed` or only a start, and never exceeds `ceiling`.
    pub(super) fn new(rate: f64, ceiling: Option<f64>, believed: bool, knobs: AdaptiveKnobs) -> RateEstimate {
        RateEstimate {
            rate,
            ceiling: ceiling.unwrap_or(f64::MAX),
            phase: match (believed, ceiling) {
                (true, Some(_)) => Phase::Hold,
                (true, None) => Phase::Probe { from: rate, since: 0.0 },
                (false, _) => Phase::Ramp,
            },
            anchor: None,
            proven: None,
            interval: None,
            patience: 1.0,
            knobs,
        }
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The interval in which the last two epochs put the server's rate.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        self.interval
    }

    /// A reject has been seen: the level is worth mirroring even without a configured quota.
    pub(super) fn measured(&self) -> bool {
        self.phase != Phase::Ramp
    }

    /// New knobs, and a new ceiling: what was learned scales with it, as does the operator's intent.
    pub(super) fn retune(&mut self, rate: f64, ceiling: Option<f64>, knobs: AdaptiveKnobs) {
        self.knobs = knobs;
        let before = self.ceiling;
        self.ceiling = ceiling.unwrap_or(f64::MAX);
        if before == self.ceiling {
            return;
        }
        self.anchor = None;
        self.proven = None;
        self.interval = None;
        self.patience = 1.0;
        match (before == f64::MAX, ceiling) {
            (true, Some(_)) => self.rate = rate,
            (false, Some(new)) => self.rate *= new / before,
            (_, None) => {}
        }
        self.settle_phase();
    }

    fn settle_phase(&mut self) {
        self.rate = self.rate.min(self.ceiling);
        self.phase = if self.rate >= self.ceiling { Phase::Hold } else { Phase::Probe { from: self.rate, since: 0.0 } };
    }

    /// `charge` is sent: where nothing is known, one such request in twelve seconds is not too much to begin with.
    pub(super) fn begin(&mut self, charge: f64) {
        if self.phase == Phase::Ramp {
            self.rate = self.rate.max(charge / RAMP_FIRST).min(self.ceiling);
        }
    }

    /// `charge` was sent while this meter held the queue. `lag` seconds of the rate are debts that are still to be billed:
    /// the limit is not sought faster than they come in.
    pub(super) fn grow(&mut self, charge: f64, lag: f64) {
        let seconds = charge / self.rate;
        let factor = match &mut self.phase {
            Phase::Hold => return,
            Phase::Ramp => (LN_2 * (seconds / RAMP_DOUBLING.max(lag)).min(1.0)).exp(),
            Phase::Seek { to } => (LN_2 * (seconds / SEEK_DOUBLING.max(3.0 * lag)).min(1.0)).exp().min(*to / self.rate),
            Phase::Recover { to, speed } => (*speed * seconds).exp().min(*to / self.rate),
            Phase::Probe { since, .. } => {
                // exp(1/2 (t/T)^2), with T such that the first minute gives the knob's growth.
                let before = *since;
                *since += seconds.min(30.0);
                (self.knobs.growth_per_minute.ln() * (*since * *since - before * before)
                    / 3_600.0
                    / self.patience.sqrt())
                .exp()
            }
        };
        self.rate *= factor;
        match self.phase {
            Phase::Recover { to, .. } | Phase::Seek { to } if self.rate >= to * (1.0 - 1e-9) => self.settle_phase(),
            _ if self.rate >= self.ceiling => self.settle_phase(),
            _ => {}
        }
    }

    /// The load stopped pressing against this meter: the server's level may have run into its burst, so that the next
    /// interval proves nothing.
    pub(super) fn idle(&mut self) {
        self.anchor = None;
    }

    /// An attempt sent at `order` was never charged by the server.
    pub(super) fn unpost(&mut self, order: u64, hold: u64, charge: u64) {
        if let Some(anchor) = self.anchor.as_mut().filter(|anchor| order < anchor.order) {
            anchor.posted.unpost(hold, charge);
        }
    }

    /// A reject that opens an epoch. True if next to nothing was accepted since the last one: the server is blocked, which
    /// says nothing about its rate.
    pub(super) fn reject(&mut self, seen: Evidence) -> bool {
        let before = self.rate;
        let slowest = (seen.hold.max(seen.least) / SLOWEST).min(before);
        let previous = self.anchor.replace(Anchor { at: seen.at, order: seen.order, posted: seen.posted });
        if self.phase == Phase::Ramp {
            // A full bucket of B = 60 r gave `window = B + r * loaded`. Every smaller burst means a higher rate, within the
            // smallest burst, and Seek finds it; a window or a minute lies between.
            let at_most = before * self.knobs.backoff;
            self.rate = (seen.window / (60.0 + seen.loaded)).max(slowest).min(at_most);
            let to = (seen.window / (SMALLEST_BURST + seen.loaded)).min(at_most).max(self.rate);
            self.phase = Phase::Seek { to };
            self.proven = Some((self.rate, seen.at + PROVEN_FOR));
            return false;
        }
        let cut = before * self.knobs.backoff;
        let mut new = cut;
        if let Some(anchor) = previous {
            let span = seen.at.since(anchor.at).secs_f64();
            let (charge, admitted) = seen.posted.since(anchor.posted);
            if admitted <= 2.0 * seen.hold {
                return true;
            }
            if span > 0.0 {
                let (low, high) = (((charge - seen.hold) / span).max(0.0), ((charge + seen.hold) / span).max(0.0));
                self.interval = Some((low, high));
                if high < cut {
                    new = ((charge + seen.hold / 2.0) / span).max(DEEPEST_CUT * before);
                }
            }
        }
        if let Some((rate, _)) = self.proven.filter(|&(_, until)| seen.at < until) {
            new = new.max(rate);
        }
        new = new.max(slowest);
        self.patience = if new < cut { 1.0 } else { (self.patience * 2.0).min(MOST_PATIENCE) };
        self.rate = new.min(self.ceiling);
        self.recover(before, seen);
        false
    }

    /// Sets out for the rate that was rejected. What the last minute as a whole took is worth more than what was taken in
    /// the last seconds of it: a meter that slides, or starts afresh every minute, blocks for a while and is not slower
    /// for that.
    fn recover(&mut self, before: f64, seen: Evidence) {
        let best = if let Phase::Recover { to, .. } = self.phase { before.max(to) } else { before };
        let sustained = (seen.window / seen.loaded.max(1.0)).min(best);
        let to = (self.rate / self.knobs.backoff).min(before).max(sustained).min(self.ceiling);
        if to <= self.rate {
            self.phase = Phase::Probe { from: self.rate, since: 0.0 };
            return;
        }
        let seconds = self.patience * RECOVER_SECONDS.max(RECOVER_REQUESTS * seen.hold / self.rate);
        self.phase = Phase::Recover { to, speed: (to / self.rate).ln() / seconds };
    }
}
