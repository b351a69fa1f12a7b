//! What the `adaptive` rule believes the rate of one meter to be, and how that belief moves.
//!
//! This is the seat of the estimator. It keeps one *anchor*: the send of the last rejected request that opened an epoch.
//! At an anchor the server's level is in `[0, h)`, so that between two of them, `d` seconds apart with a net charge of `A`,
//! the server's rate is `A/d` within `h/d` (study §E.4). Several anchors with change points, meter hypotheses and burst
//! learning belong here too.

use std::f64::consts::LN_2;

use crate::record::Micros;

use super::knobs::AdaptiveKnobs;

/// An unknown quota: the rate doubles in this many seconds until the first reject.
const RAMP_DOUBLING: f64 = 3.0;
/// After the first reject the rate is known to a factor of about 6 (whatever the burst was): this many seconds to double.
const SEEK_DOUBLING: f64 = 20.0;
/// Shortest time in which a rate that was backed off returns to where it was (study §E.4, K).
const RECOVER_SECONDS: f64 = 15.0;
/// ... and no shorter than this many requests of the size that was rejected.
const RECOVER_REQUESTS: f64 = 20.0;
/// Probes that keep confirming the same rate become this many times rarer at most.
const MOST_PATIENCE: f64 = 16.0;
/// One reaction never cuts deeper than this.
const DEEPEST_CUT: f64 = 0.4;
/// The rate never falls below one rejected request in this many seconds: no request waits for ever.
const SLOWEST: f64 = 120.0;

/// Exponential growth up to a cap, in closed form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    /// Units per second at the start.
    rate: f64,
    /// Logarithmic growth per second.
    speed: f64,
    /// Units per second at the end.
    cap: f64,
}

impl Growth {
    /// Rate after `seconds`.
    fn after(self, seconds: f64) -> f64 {
        (self.rate * (self.speed * seconds).exp()).min(self.cap)
    }

    fn seconds_to_cap(self) -> f64 {
        (self.cap / self.rate).ln().max(0.0) / self.speed
    }

    /// Units gained in `seconds`.
    pub(super) fn gain(self, seconds: f64) -> f64 {
        let growing = seconds.min(self.seconds_to_cap());
        self.rate * (self.speed * growing).exp_m1() / self.speed + self.cap.min(f64::MAX) * (seconds - growing)
    }

    /// Seconds until `need` units are gained, but for rounding.
    pub(super) fn wait(self, need: f64) -> f64 {
        let whole = (self.cap - self.rate).max(0.0) / self.speed;
        if need <= whole {
            (need * self.speed / self.rate).ln_1p() / self.speed
        } else {
            self.seconds_to_cap() + (need - whole) / self.cap
        }
    }
}

/// What the belief is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// At the configured ceiling.
    Hold,
    /// Unknown quota, no reject yet.
    Ramp,
    /// After the first reject: somewhere above this rate.
    Seek,
    /// Returning to the rate at which it was rejected.
    Recover { to: f64, speed: f64 },
    /// Looking for more, since this rate and for so many seconds: the longer without a reject, the faster.
    Probe { from: f64, since: f64 },
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Micros,
    order: u64,
    posted: i64,
}

/// A reject that opens an epoch, as the estimator sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// Send time of the rejected request.
    pub(super) at: Micros,
    /// Its place among all sends.
    pub(super) order: u64,
    /// Net charge posted before it, in units, modulo 2^64.
    pub(super) posted: i64,
    /// Net charge of the 60 s before it.
    pub(super) window: f64,
    /// Seconds of load before it, at most 60.
    pub(super) loaded: f64,
    /// Its own hold.
    pub(super) hold: f64,
}

/// The belief about one meter's rate.
#[derive(Clone, Debug)]
pub(super) struct RateEstimate {
    rate: f64,
    ceiling: f64,
    phase: Phase,
    anchor: Option<Anchor>,
    /// A rate that the first reject has proven, and until when nothing that follows from the same burst may deny it.
    proven: Option<(f64, Micros)>,
    interval: Option<(f64, f64)>,
    patience: f64,
    knobs: AdaptiveKnobs,
}

impl RateEstimate {
    /// Starts at `rate` units per second, which is `believed` or only a start, and never exceeds `ceiling`.
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

    /// Units per second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The interval, units per second, in which the last two epochs put the server's rate.
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
        self.rate = self.rate.min(self.ceiling);
        self.phase = if self.rate >= self.ceiling { Phase::Hold } else { Phase::Probe { from: self.rate, since: 0.0 } };
    }

    /// How the rate grows while this meter is what holds the queue; `None` if it does not.
    pub(super) fn growth(&self) -> Option<Growth> {
        let (speed, cap) = match self.phase {
            Phase::Hold => return None,
            Phase::Ramp => (LN_2 / RAMP_DOUBLING, self.ceiling),
            Phase::Seek => (LN_2 / SEEK_DOUBLING, self.ceiling),
            Phase::Recover { to, speed } => (speed, to),
            Phase::Probe { since, .. } => {
                let pace = 2.0 * self.knobs.growth_per_minute.ln() / 3_600.0;
                (pace * (since + 1.0), self.ceiling)
            }
        };
        (speed > 0.0 && self.rate < cap).then_some(Growth { rate: self.rate, speed, cap })
    }

    /// The meter held the queue for `seconds`.
    pub(super) fn grow(&mut self, seconds: f64) {
        if let Some(growth) = self.growth() {
            self.rate = growth.after(seconds);
        }
        if let Phase::Probe { since, .. } = &mut self.phase {
            *since += seconds;
        }
        if self.rate >= self.ceiling {
            self.rate = self.ceiling;
            self.phase = Phase::Hold;
        } else if matches!(self.phase, Phase::Recover { to, .. } if self.rate >= to) {
            self.phase = Phase::Probe { from: self.rate, since: 0.0 };
        }
    }

    /// The load stopped pressing against this meter: the server's level may have run into its burst, so that the next
    /// interval proves nothing.
    pub(super) fn idle(&mut self) {
        self.anchor = None;
    }

    /// A charge that was posted at `order` never reached the server's level.
    pub(super) fn unpost(&mut self, order: u64, charge: i64) {
        if let Some(anchor) = self.anchor.as_mut().filter(|anchor| order < anchor.order) {
            anchor.posted = anchor.posted.wrapping_sub(charge);
        }
    }

    /// A reject that opens an epoch. True if nothing was accepted since the last one: the server is blocked, which says
    /// nothing about its rate.
    pub(super) fn reject(&mut self, seen: Evidence) -> bool {
        let before = self.rate;
        let slowest = (seen.hold / SLOWEST).min(before);
        let previous = self.anchor.replace(Anchor { at: seen.at, order: seen.order, posted: seen.posted });
        if self.phase == Phase::Ramp {
            // A full bucket of one minute gave `window = B + r * loaded` with B = 60 r; every smaller burst means a higher
            // rate, and Seek finds it.
            self.rate = (seen.window / (60.0 + seen.loaded)).clamp(slowest, before * self.knobs.backoff);
            self.phase = Phase::Seek;
            self.proven = Some((self.rate, seen.at + Micros::from_secs(75)));
            return false;
        }
        let cut = before * self.knobs.backoff;
        let mut new = cut;
        if let Some(anchor) = previous {
            let span = seen.at.since(anchor.at).secs_f64();
            let charge = seen.posted.wrapping_sub(anchor.posted) as f64;
            if charge <= 2.0 * seen.hold {
                return true;
            }
            if span > 0.0 {
                let (low, high) = (((charge - seen.hold) / span).max(0.0), (charge + seen.hold) / span);
                self.interval = Some((low, high));
                if high < cut {
                    new = ((charge + seen.hold / 2.0) / span).max(DEEPEST_CUT * before);
                }
            }
        }
        if let Some((rate, until)) = self.proven
            && seen.at < until
        {
            new = new.max(rate);
        }
        new = new.max(slowest);
        self.patience = if new < cut { 1.0 } else { (self.patience * 2.0).min(MOST_PATIENCE) };
        self.rate = new.min(self.ceiling);
        let to = before.min(self.rate / self.knobs.backoff).min(self.ceiling);
        let seconds = (RECOVER_SECONDS * self.patience).max(RECOVER_REQUESTS * seen.hold / self.rate);
        let speed = (to / self.rate).ln().max(1e-9) / seconds;
        self.phase =
            if to > self.rate { Phase::Recover { to, speed } } else { Phase::Probe { from: self.rate, since: 0.0 } };
        false
    }
}
