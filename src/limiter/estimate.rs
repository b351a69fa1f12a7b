//! What the `adaptive` rule believes the rate of one meter to be, and how that belief moves.
//!
//! Rejects measure the rate (`anchors`); between them it climbs back to what was measured and then beyond, slowly first
//! and ever faster (the shape of CUBIC, RFC 9438, with a convex branch that is exponential, so that a limit that has
//! doubled is found within a minute). A probe that only confirms the limit makes the next one rarer, down to one reject in
//! some hundreds of requests; a contradiction makes them frequent again.
//!
//! The rate moves only while the meter holds the queue, never with time alone, and only when something is sent: a wait is
//! exact because the rate stands still meanwhile.

use std::f64::consts::LN_2;

use crate::record::Micros;

use super::anchors::{Anchor, Anchors};
use super::flight::Posted;
use super::knobs::AdaptiveKnobs;
use super::reject_charge::RejectCharge;

/// An unknown quota: the rate doubles in so many seconds until the first reject.
const RAMP_DOUBLING: f64 = 3.0;
/// ... from a floor of one request in so many seconds, whatever its size.
const RAMP_FIRST: f64 = 12.0;
/// After the first reject the rate is known to a factor, whatever the burst was: so many seconds to double.
const SEEK_DOUBLING: f64 = 20.0;
/// ... and no fewer requests.
const SEEK_REQUESTS: f64 = 8.0;
/// Seconds of debts outstanding from which on it is not sought so boldly.
const SEEK_LAG: f64 = 5.0;
/// Seconds of its rate that a server's burst is at least believed to hold (study §D.1 has no smaller).
const SMALLEST_BURST: f64 = 2.0;
/// It is never so low that a return takes fewer requests than this ...
const REQUESTS_A_RETURN: f64 = 40.0;
/// ... nor higher than this.
const MOST_PATIENCE: f64 = 60.0;
/// A probe goes no further than so many times what was charged in the last minute.
const MOST_AHEAD: f64 = 2.5;
/// A probe that got so far above what was measured has found another quota.
const NEWS: f64 = 1.3;
/// Two rejects say how fast the meter is if they are so far apart that the fate of everything before the second one is
/// known (a 429 takes 0.3 s at most, study §D.1) ...
const SETTLED: Micros = Micros::from_millis(800);
/// ... and so many times the rejected request was accepted in between.
const MEASURES: f64 = 6.0;
/// The fate of what was sent in so many seconds before it is not known yet when the first reject arrives.
const UNKNOWN_SECONDS: f64 = 0.35;
/// Seconds that a window takes to answer a probe.
const WINDOW_LAG: f64 = 20.0;
/// A window gives back what it holds only as that gets old, and a minute all at once: a probe costs a few rejects there,
/// and is made so many times more rarely.
const WINDOW_CYCLES: f64 = 2.0;
/// While there are urgent requests, the limit is probed so many times more rarely.
const URGENT_CYCLES: f64 = 3.0;
/// Part of a window's limit by which a reject moves it back.
const WINDOW_BACKOFF: f64 = 0.995;
/// What was accepted before says more than a server that is blocked: the rate is bounded no lower than this part of it.
const DEEPEST_BOUND: f64 = 0.05;
/// Weight of the newest request in their mean.
const REQUEST_WEIGHT: f64 = 0.05;
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
    /// On the way from `from` to `to`, the rate that was measured, and beyond; `done`: 0 to 1 on the way back, more beyond.
    Climb { from: f64, to: f64, done: f64 },
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
    /// The meter counts a window: the most that it was seen to hold, 0 if that is not known.
    pub(super) slides: Option<f64>,
    /// The meter is known to refill.
    pub(super) refills: bool,
    /// Since the last anchor there was so much room that the bucket may have run over: what it then lost is not counted.
    pub(super) ran_over: bool,
    /// What is still to be billed above the holds.
    pub(super) debt: f64,
    /// There are urgent requests, which a reject and what follows it hold up.
    pub(super) urgent: bool,
    /// The least that may be asked for every [`SLOWEST`] seconds.
    pub(super) least: f64,
}

/// The belief about one meter's rate, in units per second.
#[derive(Clone, Debug)]
pub(super) struct RateEstimate {
    rate: f64,
    ceiling: f64,
    phase: Phase,
    anchors: Anchors,
    /// A rate that the first reject has proven, and until when what follows from the same burst may not deny it.
    proven: Option<(f64, Micros)>,
    charges: RejectCharge,
    /// What the window held at the first reject, and after how many seconds of load, until the rate is known.
    first: Option<(f64, f64)>,
    /// Seconds of the rate that the burst is known to hold.
    burst_seconds: f64,
    /// When the request was sent whose reject opened the last epoch.
    last_epoch: Option<Micros>,
    interval: Option<(f64, f64)>,
    /// What a request is charged, on average.
    request: f64,
    /// How many times slower than at first it returns and probes.
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
                (true, None) => climb(rate, rate),
                (false, _) => Phase::Ramp,
            },
            anchors: Anchors::default(),
            proven: None,
            charges: RejectCharge::default(),
            first: None,
            burst_seconds: 0.0,
            last_epoch: None,
            interval: None,
            request: 0.0,
            patience: 1.0,
            knobs,
        }
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// The rate without what a probe goes beyond it.
    pub(super) fn believed(&self) -> f64 {
        match self.phase {
            Phase::Climb { to, .. } => self.rate.min(to),
            _ => self.rate,
        }
    }

    /// How many times slower than at first it returns and probes.
    pub(super) fn patience(&self) -> f64 {
        self.patience
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// The interval in which the epochs of the present regime put the server's rate.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        self.interval
    }

    /// A reject has been seen: the level is worth mirroring even without a configured quota.
    pub(super) fn measured(&self) -> bool {
        self.phase != Phase::Ramp
    }

    /// Seconds of the rate that the burst is at least known to hold.
    pub(super) fn burst_seconds(&self) -> f64 {
        self.burst_seconds.max(SMALLEST_BURST)
    }

    /// Part of its reservation that a rejected request is believed to burn.
    pub(super) fn reject_charge(&self) -> f64 {
        self.charges.part()
    }

    /// New knobs, and a new ceiling: what was learned scales with it, as does the operator's intent.
    pub(super) fn retune(&mut self, rate: f64, ceiling: Option<f64>, knobs: AdaptiveKnobs) {
        self.knobs = knobs;
        let before = self.ceiling;
        self.ceiling = ceiling.unwrap_or(f64::MAX);
        if before == self.ceiling {
            return;
        }
        self.anchors.clear();
        self.proven = None;
        self.interval = None;
        self.patience = 1.0;
        match (before == f64::MAX, ceiling) {
            (true, Some(_)) => self.rate = rate,
            (false, Some(new)) => self.rate *= new / before,
            (_, None) => {}
        }
        self.phase = climb(self.rate, self.rate);
        self.hold_at_ceiling();
    }

    fn hold_at_ceiling(&mut self) {
        if self.rate >= self.ceiling {
            self.rate = self.ceiling;
            self.phase = Phase::Hold;
        }
    }

    /// `charge` is sent: where nothing is known, one such request in twelve seconds is not too much to begin with.
    pub(super) fn begin(&mut self, charge: f64) {
        if self.phase == Phase::Ramp {
            self.rate = self.rate.max(charge / RAMP_FIRST).min(self.ceiling);
        }
        self.request =
            if self.request == 0.0 { charge } else { self.request + REQUEST_WEIGHT * (charge - self.request) };
    }

    /// This meter has held the queue for `pressed` seconds, and now something is sent; `window` is the net charge of the last
    /// minute. `lag` seconds of the rate are debts that are still to be billed: the limit is not sought faster than they
    /// come in. What `slides` answers a probe late.
    pub(super) fn grow(&mut self, pressed: f64, lag: f64, window: f64, slides: bool) {
        let request = self.request;
        let lag = if slides { lag + WINDOW_LAG } else { lag };
        match &mut self.phase {
            Phase::Hold => return,
            Phase::Ramp => self.rate *= (LN_2 * (pressed / RAMP_DOUBLING.max(lag)).min(1.0)).exp(),
            Phase::Seek { to } => {
                let to = *to;
                self.rate = (self.rate
                    * (LN_2
                        * (pressed / SEEK_DOUBLING.max(SEEK_REQUESTS * request / self.rate).max(3.0 * lag)).min(1.0))
                    .exp())
                .min(to);
                if self.rate >= to {
                    self.phase = climb(to, to);
                }
            }
            Phase::Climb { from, to, done } => {
                let (back, probe) = (self.knobs.return_seconds, self.knobs.probe_seconds);
                let patience = self.patience.max((REQUESTS_A_RETURN * request / *to / back).min(MOST_PATIENCE));
                let seconds = if *done < 1.0 { back + lag } else { probe + 2.0 * lag };
                *done += pressed.min(30.0) / seconds / patience;
                let next = if *done < 1.0 {
                    *to - (*to - *from) * (1.0 - *done).powi(3)
                } else {
                    *to * (self.knobs.probe_growth.ln() * (*done - 1.0).powi(5)).min(20.0).exp()
                };
                // Never far beyond what was taken of late: where the meter has something in store, rejects come late.
                let most = MOST_AHEAD * (window / 60.0).max(*to);
                self.rate = next.min(2.0 * self.rate).min(most.max(self.rate.min(*to)));
            }
        }
        self.hold_at_ceiling();
    }

    /// The load stopped pressing against this meter: the server's level may have run into its burst, so that the next
    /// interval proves nothing.
    pub(super) fn idle(&mut self) {
        self.anchors.clear();
    }

    /// An attempt sent at `order` was never charged by the server.
    pub(super) fn unpost(&mut self, order: u64, hold: u64, charge: u64) {
        self.anchors.unpost(order, hold, charge);
    }

    /// Next to nothing was accepted since `from`: a bucket that had something then, and is still empty, refills no faster
    /// than this. What is settled above its reservation meanwhile counts, so that debts do not look like slowness.
    fn bound(&mut self, from: Anchor, to: Anchor, seen: Evidence, slowest: f64) {
        let span = to.at.since(from.at);
        if !seen.refills || seen.ran_over || span < SETTLED {
            return;
        }
        let (charge, _) = to.posted.since(from.posted);
        let high = (charge + to.hold.max(from.hold)).max(0.0) / span.secs_f64();
        if high < self.rate {
            let back = if let Phase::Climb { to, .. } = self.phase { self.rate.max(to) } else { self.rate };
            self.rate = high.max(slowest).max(DEEPEST_BOUND * back);
            self.phase = climb(self.rate, back);
        }
    }

    /// A reject that opens an epoch. True if next to nothing was accepted since the last one: the server is blocked, which
    /// says nothing about its rate.
    pub(super) fn reject(&mut self, seen: Evidence) -> bool {
        let before = self.rate;
        let slowest = (seen.hold.max(seen.least) / SLOWEST).min(before);
        let anchor = Anchor { at: seen.at, order: seen.order, posted: seen.posted, hold: seen.hold };
        if self.phase == Phase::Ramp {
            self.anchors.add(anchor);
            // A full bucket of B = 60 r gave `window = B + r * loaded`. Every smaller burst means a higher rate, within the
            // smallest burst, and Seek finds it; a window or a minute lies between.
            let at_most = before * self.knobs.backoff;
            self.rate = (seen.window / (60.0 + seen.loaded)).max(slowest).min(at_most);
            let to = (seen.window / (SMALLEST_BURST + seen.loaded)).min(at_most).max(self.rate);
            // With debts outstanding a rate that is too high shows late, and all that was sent by then is owed.
            self.phase =
                if seen.debt < SEEK_LAG * self.rate { Phase::Seek { to } } else { climb(self.rate, self.rate) };
            self.proven = Some((self.rate, seen.at + PROVEN_FOR));
            self.first = Some((seen.window, seen.loaded));
            return false;
        }
        let last = self.last_epoch.replace(seen.at);
        if let Some(from) = self.anchors.last().copied() {
            let (_, admitted) = seen.posted.since(from.posted);
            let unknown = UNKNOWN_SECONDS * before;
            if last.is_some_and(|last| seen.at.since(last) < SETTLED) || admitted <= MEASURES * seen.hold + unknown {
                self.bound(from, anchor, seen, slowest);
                return true;
            }
        }
        if let Some(from) = self.anchors.last().copied().filter(|_| !seen.ran_over) {
            self.charges.learn(from, anchor);
        }
        if let Phase::Climb { to, .. } = self.phase
            && before > NEWS * to
        {
            // The quota has grown: what the anchors measured is over.
            self.anchors.clear();
        }
        let charge = self.anchors.last().map_or(0.0, |from| seen.posted.since(from.posted).0);
        if seen.ran_over || charge < MEASURES / 2.0 * seen.hold {
            // More came back than was taken: what did not fit into the bucket is in no account.
            self.anchors.clear();
        }
        let regime = self.anchors.add(anchor);
        if let (Some(regime), Some((window, loaded))) = (regime, self.first.take()) {
            // The first reject came when the whole burst and what came in meanwhile was used up.
            self.burst_seconds = ((window - regime.high * loaded) / regime.high).clamp(0.0, 60.0);
        }
        // What a probe went beyond the measured rate was a question, not a belief.
        let believed = match self.phase {
            Phase::Climb { to, .. } if before <= NEWS * to => before.min(to),
            _ => before,
        };
        let cut = believed * self.knobs.backoff;
        let (mut from, mut to) = (cut, believed);
        let mut cycles = if seen.urgent { URGENT_CYCLES } else { 1.0 };
        if let Some(most) = seen.slides {
            // It holds less than what was asked for, and at least what it was seen to hold.
            let asked = (seen.window + seen.hold) / 60.0;
            to = asked.min((most / 60.0).max(asked - seen.hold / 240.0)).min(before);
            from = to * WINDOW_BACKOFF;
            self.interval = Some((to, asked));
            cycles *= WINDOW_CYCLES;
        } else if let Some(regime) = regime {
            self.interval = Some((regime.low, regime.high));
            if regime.high < cut {
                // Less than was believed: straight to what was measured.
                let (mean, error) = ((regime.low + regime.high) / 2.0, (regime.high - regime.low) / 2.0);
                from = (mean + error / 2.0).max(DEEPEST_BOUND * believed);
                to = from;
                self.patience = 1.0;
            } else {
                to = before.clamp(believed, regime.high.max(believed));
                from = to * self.knobs.backoff;
            }
        }
        if let Some((rate, _)) = self.proven.filter(|&(_, until)| seen.at < until) {
            from = from.max(rate);
        }
        from = from.max(slowest).min(self.ceiling);
        to = to.max(from).min(self.ceiling);
        self.rate = from;
        let cycle = self.knobs.return_seconds + 0.75 * self.knobs.probe_seconds;
        let most = cycles * self.knobs.requests_per_probe * self.request / self.rate.max(1e-9) / cycle;
        self.patience = (self.patience * 2.0).min(most.clamp(1.0, MOST_PATIENCE));
        self.phase = climb(from, to);
        self.hold_at_ceiling();
        false
    }
}

fn climb(from: f64, to: f64) -> Phase {
    Phase::Climb { from, to, done: 0.0 }
}
