//! One meter of a scope: requests per minute or tokens per minute.
//!
//! Two ledgers run side by side under one rate:
//!
//! - the *mirror* is what we believe the server's level to be: a hold is posted when the request is sent, the difference
//!   to what was charged when it is done (which may be a debt);
//! - the *pace* is charged with the **expected settlement** at once, so that a burndown that settles far above its hold
//!   cannot overrun the rate one latency later (study §E.2). It may burst little: even spacing.

use crate::record::Micros;

use super::burst::{Burst, MOST_SECONDS};
use super::estimate::{Evidence, Phase, RateEstimate};
use super::flight::{Attempt, Mark, Posted};
use super::metering::Metering;
use super::rate::{Rate, micro, units};
use super::unit::Unit;
use super::window::Window;
use super::{Cost, DimensionStatus, LimiterKnobs, Preset, QuotaLimit};

/// Seconds of its rate that the pace may burst: the least that any meter is believed to hold.
const PACE_SECONDS: f64 = 2.0;
/// Seconds of its rate that the pace may save while the mirror holds the queue.
const HELD_SECONDS: f64 = 20.0;
/// A limit is sought so many times more slowly while reservations, not charges, hold the queue: each step up takes hold
/// of more than it will be charged, and that has to be earned first.
const HELD_GROWTH: f64 = 0.25;
/// Much is given back if it is so many seconds of the rate.
const COMES_BACK_SECONDS: f64 = 4.0;
/// Rejects in a row after which there is a pause all the same.
const LONGEST_EAGER_STREAK: u32 = 6;
/// Seconds of the rate that urgent requests may borrow from the pace ...
const BORROWED_SECONDS: f64 = 2.0;
/// ... and that the others leave for them in the level, for so long after the last one.
const SPARE_SECONDS: f64 = 1.0;
const URGENT_FOR: Micros = Micros::from_secs(10);
/// Unit of the burst factor of `token-bucket`: ten seconds of the rate.
const BURST_UNIT_SECONDS: f64 = 10.0;
/// The load has stopped pressing against the meter when its gate has been open for so long.
const IDLE: Micros = Micros::from_secs(2);
/// Where another ledger keeps the limit exactly, the pace only keeps it from being used up at once, and gains this part
/// more: the window of one that counts the last minute, the mirror where most of what is reserved comes back.
const EAGER_PART: i64 = 5;
/// ... and so much more where it is a window: what leaves it has room at once.
const WINDOW_EAGER_PART: i64 = 2;
/// So many seconds of a configured quota that the load left unused are made up for, as eagerly: the mirror knows what is left
/// of them.
const MISSED_SECONDS: f64 = 20.0;
/// Seconds of its rate that the pace may burst there: what leaves a window leaves it in lumps.
const WINDOW_PACE_SECONDS: f64 = 10.0;
/// A bucket refills so many requests while a meter that is blocked until the minute is over takes none.
const BLOCKED_REQUESTS: f64 = 3.0;
/// After so long without a send, or what the rate gains so many holds in, one goes all the same, whatever the mirror says:
/// a refusal shows that it is right, an answer that it is not.
const LONGEST_HELD: f64 = 20.0;
const LONGEST_HELD_HOLDS: f64 = 3.0;
/// What keeps a gate closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The expected settlements.
    Pace,
    /// The reservation.
    Hold,
}

/// A reaction to a throttle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaction {
    /// Units per second before.
    pub(super) from: f64,
    /// Units per second after.
    pub(super) to: f64,
    /// How many epochs in a row came with nothing accepted in between, if a pause is of use.
    pub(super) streak: u32,
    /// When the meter starts afresh, if it does so every minute.
    pub(super) turns: Option<Micros>,
}

/// One meter.
#[derive(Clone)]
pub(super) struct Dimension {
    unit: Unit,
    quota: QuotaLimit,
    /// The service blamed this meter although it should not exist.
    contradicted: bool,
    estimate: RateEstimate,
    rate: Rate,
    carry: u32,
    at: Micros,
    pace: i64,
    pace_cap: i64,
    mirror: i64,
    mirror_cap: i64,
    /// The fullest that the mirror was since the last reject.
    peak: i64,
    /// It was so full since the last anchor that the bucket may have run over.
    ran_over: bool,
    burst: Burst,
    metering: Metering,
    /// The mirror, not the pace, held the queue when it was last asked.
    held: bool,
    /// Seconds of the rate that are still to be billed above the holds.
    lag: f64,
    /// Much of what is reserved in flight will be given back.
    comes_back: bool,
    /// What a configured quota gained while the load left room, and its bucket may still have.
    missed: i64,
    /// A waiting hold that is larger than the capacity: the level may rise up to it.
    wanted: i64,
    /// The gate was last seen closed until here.
    limited_until: Micros,
    /// Until then some room is left for what is urgent.
    urgent_until: Micros,
    /// When something was sent last.
    sent_at: Micros,
    /// Since when it has held the queue, if it was closed when it was last asked.
    pressed: Option<Micros>,
    /// Rejects followed each other: nothing is sent, and nothing learned, before this.
    paused_until: Micros,
    posted: Posted,
    /// Attempts sent before this one are part of what the last reaction already answered.
    epoch_order: u64,
}

impl Dimension {
    pub(super) fn new(unit: Unit, quota: QuotaLimit, knobs: &LimiterKnobs, now: Micros) -> Dimension {
        let (rate, ceiling) = believed(unit, quota, knobs);
        let mut dimension = Dimension {
            unit,
            quota,
            contradicted: false,
            estimate: RateEstimate::new(rate, ceiling, matches!(quota, QuotaLimit::Limit(_)), knobs.adaptive),
            rate: Rate::default(),
            carry: 0,
            at: now,
            pace: i64::MAX,
            pace_cap: 0,
            mirror: i64::MAX,
            mirror_cap: 0,
            peak: 0,
            ran_over: false,
            burst: Burst::default(),
            held: false,
            lag: 0.0,
            comes_back: false,
            missed: 0,
            wanted: 0,
            limited_until: now,
            metering: Metering::new(),
            urgent_until: now,
            sent_at: now,
            pressed: None,
            paused_until: now,
            posted: Posted::default(),
            epoch_order: 0,
        };
        dimension.fit(knobs);
        dimension.pace = dimension.pace_cap;
        dimension.mirror = dimension.mirror_cap;
        dimension
    }

    /// Takes rate and capacities from the rule in force.
    fn fit(&mut self, knobs: &LimiterKnobs) {
        self.metering.pin(knobs.adaptive.meter);
        let fixed = believed(self.unit, self.quota, knobs).0;
        let rate = if knobs.preset == Preset::Adaptive { self.estimate.rate() } else { fixed };
        self.rate = Rate::per_second(rate);
        let window = knobs.preset == Preset::Adaptive && self.metering.is_window();
        self.pace_cap = self.rate.over(if window || self.comes_back { WINDOW_PACE_SECONDS } else { PACE_SECONDS });
        self.mirror_cap = match (knobs.preset, self.quota) {
            (Preset::TokenBucket, _) => self.rate.over(BURST_UNIT_SECONDS * knobs.burst_factor),
            (Preset::Adaptive, QuotaLimit::Limit(_)) => {
                // The server's burst does not shrink because we are careful.
                self.burst.capacity(Rate::per_second(fixed.max(self.estimate.believed())))
            }
            (Preset::Adaptive, _) => self.burst.capacity(Rate::per_second(self.estimate.believed())),
            _ => self.rate.over(MOST_SECONDS),
        };
    }

    /// Levels stay as they are, but for what no longer fits.
    fn clip(&mut self) {
        self.pace = self.pace.min(self.pace_cap);
        self.mirror = self.mirror.min(self.mirror_cap.max(self.wanted));
    }

    /// What the bucket is at least known to hold.
    fn deep(&self) -> i64 {
        Rate::per_second(self.estimate.believed()).over(self.estimate.burst_seconds())
    }

    /// Whether this meter has a say at all.
    fn binds(&self) -> bool {
        self.quota != QuotaLimit::Absent || self.contradicted
    }

    /// A request that is larger than a whole minute of the known quota can never go.
    pub(super) fn never(&self, hold: u64) -> bool {
        matches!(self.quota, QuotaLimit::Limit(limit) if hold > limit || limit == 0)
    }

    /// New knobs, another rule than `before` or a new quota, from now on: what was used stays used.
    pub(super) fn retune(&mut self, quota: QuotaLimit, before: Preset, knobs: &LimiterKnobs) {
        if quota != self.quota {
            self.contradicted = false;
            self.burst.forget();
            self.metering.forget();
        }
        self.quota = quota;
        let (rate, ceiling) = believed(self.unit, quota, knobs);
        self.estimate.retune(rate, ceiling, knobs.adaptive);
        self.pressed = None;
        let capacity = self.mirror_cap;
        self.fit(knobs);
        if before != knobs.preset {
            self.switched(before, capacity, knobs);
        }
        self.clip();
    }

    /// Another rule than `before`, whose bucket had this capacity, is in force.
    fn switched(&mut self, before: Preset, capacity: i64, knobs: &LimiterKnobs) {
        // A rule that did not ask a ledger may have driven it into a debt that no server has.
        self.pace = self.pace.max(0);
        if before == Preset::Classic {
            self.mirror = self.mirror.max(0);
        }
        // What is in use of one rule's bucket is in use of the other's, but that makes no debt where there was none; and
        // the burst of the new one must be earned.
        let kept = self.mirror.saturating_add(self.mirror_cap - capacity);
        self.mirror = kept.max(self.mirror.min(0));
        if knobs.preset == Preset::TokenBucket {
            self.mirror = self.mirror.min(self.pace_cap);
        }
    }

    pub(super) fn advance(&mut self, now: Micros) {
        let span = now.since(self.at);
        if span == Micros::ZERO {
            return;
        }
        self.at = now;
        let gain = self.rate.gain(span, &mut self.carry);
        // While the mirror holds the queue, the server gains what we may not use yet: it is not lost.
        let saved = if self.held { self.rate.over(HELD_SECONDS) } else { 0 };
        let eager = self.eager().map_or(0, |part| gain / part);
        let capacity = self.pace_cap.saturating_add(saved);
        if matches!(self.quota, QuotaLimit::Limit(_)) {
            let over = self.pace.saturating_add(gain).saturating_sub(capacity).clamp(0, gain);
            self.missed =
                self.missed.saturating_add(over).saturating_sub(eager).clamp(0, self.rate.over(MISSED_SECONDS));
        }
        refill(&mut self.pace, capacity, gain.saturating_add(eager));
        refill(&mut self.mirror, self.mirror_cap.max(self.wanted), gain);
    }

    /// When a request with this hold may go: `None` now, else not before that moment.
    /// What is `urgent` may borrow from the pace, and while some is about, the rest leaves room for it.
    pub(super) fn gate(
        &mut self,
        hold: u64,
        urgent: bool,
        window: &Window,
        knobs: &LimiterKnobs,
    ) -> Option<(Micros, By)> {
        if !self.binds() {
            return None;
        }
        let gate = match knobs.preset {
            Preset::Classic => None,
            Preset::SlidingWindow => self.slides(hold, window, knobs),
            Preset::TokenBucket => {
                self.wanted = micro(hold);
                self.after(micro(hold).saturating_sub(self.mirror)).map(|until| (until, By::Hold))
            }
            Preset::Adaptive => self.adapts(hold, urgent, window, knobs),
        };
        if let Some((until, _)) = gate {
            self.limited_until = until;
            self.pressed.get_or_insert(self.at.max(self.paused_until));
        }
        gate
    }

    fn adapts(&mut self, hold: u64, urgent: bool, window: &Window, knobs: &LimiterKnobs) -> Option<(Micros, By)> {
        if urgent {
            self.urgent_until = self.at + URGENT_FOR;
        }
        let spare = if !urgent && self.at < self.urgent_until { self.rate.over(SPARE_SECONDS) } else { 0 };
        let borrowed = if urgent { self.rate.over(BORROWED_SECONDS) } else { 0 };
        let pace = self.pace_lacks(borrowed);
        let known = self.estimate.measured() || matches!(self.quota, QuotaLimit::Limit(_));
        let mirrored = known && !self.metering.is_window();
        self.wanted = micro(hold).saturating_add(spare);
        let room = if mirrored { self.wanted.saturating_sub(self.mirror) } else { 0 };
        self.held = room > pace.max(0);
        let longest = LONGEST_HELD.max(LONGEST_HELD_HOLDS * hold as f64 / self.estimate.rate());
        let longest = self.sent_at + Micros::from_secs_f64(longest);
        let roomy = self.after(room).map(|until| until.min(longest)).filter(|&until| until > self.at);
        let slow = self.after(pace).max(roomy);
        let slid = if self.metering.is_window() {
            self.slides(hold.saturating_add(units(spare) as u64), window, knobs)
        } else {
            None
        };
        match (slow, slid) {
            (Some(until), Some(other)) if other.0 > until => Some(other),
            (Some(until), _) => Some((until, if pace >= room { By::Pace } else { By::Hold })),
            (None, slid) => slid,
        }
    }

    /// A window of 60 s: what was charged in it and this hold fit the limit; a larger hold waits until it is empty.
    fn slides(&self, hold: u64, window: &Window, knobs: &LimiterKnobs) -> Option<(Micros, By)> {
        let limit = match knobs.preset {
            Preset::Adaptive => self.estimate.rate() * 60.0,
            _ => believed(self.unit, self.quota, knobs).0 * 60.0,
        };
        let room = (limit as i64).saturating_sub(i64::try_from(hold).unwrap_or(i64::MAX)).max(0);
        if self.unit.wide(window) <= room {
            return None;
        }
        let until = match self.unit {
            Unit::Requests => window.requests_at_most(room),
            Unit::Tokens => window.tokens_at_most(room),
        };
        Some((until, By::Hold))
    }

    /// The part of its gain that the pace gains on top, if it does.
    fn eager(&self) -> Option<i64> {
        if self.metering.is_window() {
            Some(WINDOW_EAGER_PART)
        } else {
            (self.comes_back || self.missed > 0).then_some(EAGER_PART)
        }
    }

    /// Micro-units to be gained until the pace lets a request through, as the mirror gains them.
    fn pace_lacks(&self, borrowed: i64) -> i64 {
        let lacks = self.pace.saturating_add(borrowed).saturating_neg();
        match self.eager() {
            Some(part) if lacks > 0 => lacks - lacks / (part + 1) + 1,
            _ => lacks,
        }
    }

    /// When `need` more micro-units will have been gained.
    fn after(&self, need: i64) -> Option<Micros> {
        (need > 0).then(|| self.at + self.rate.wait(need, self.carry))
    }

    /// A request is sent, while so much is still to be billed above the holds, and so much to be given back of them.
    pub(super) fn charge(&mut self, cost: Cost, debt: u64, excess: u64, window: &Window, knobs: &LimiterKnobs) -> Mark {
        let Cost { hold, expect } = cost;
        self.lag = debt as f64 / self.estimate.rate();
        self.comes_back = excess as f64 > self.estimate.rate() * COMES_BACK_SECONDS;
        self.peak = self.peak.max(self.mirror);
        self.ran_over |= self.mirror > self.deep();
        let mark = Mark {
            level: self.mirror,
            posted: self.posted,
            window: self.unit.window(window),
            wide: self.unit.wide(window),
        };
        if self.at.since(self.limited_until) > IDLE {
            self.estimate.idle();
            self.pressed = None;
        }
        if knobs.preset == Preset::Adaptive {
            self.estimate.begin(expect as f64);
            if let Some(since) = self.pressed {
                let mut seconds = self.at.since(since).secs_f64();
                if self.held {
                    self.burst.creep(seconds);
                    seconds *= HELD_GROWTH;
                }
                self.estimate.grow(seconds, self.lag, self.unit.window(window) as f64, self.metering.is_window());
            }
            self.fit(knobs);
        }
        self.pressed = None;
        self.sent_at = self.at;
        self.held = false;
        self.wanted = 0;
        self.pace = self.pace.saturating_sub(micro(expect));
        self.mirror = self.mirror.saturating_sub(micro(hold));
        self.posted.send(hold);
        mark
    }

    /// The server's charge for an attempt moves from `posted` to `charged`, ours for its pace from `paced` to `charged`.
    pub(super) fn correct(&mut self, posted: u64, paced: u64, charged: u64) {
        let cap = self.mirror_cap.max(self.wanted).max(self.mirror);
        self.mirror = self.mirror.saturating_add(micro(posted) - micro(charged)).min(cap);
        self.pace = self.pace.saturating_add(micro(paced) - micro(charged));
        self.posted.correct(posted, charged);
    }

    /// A stream in flight used more than it was charged so far.
    pub(super) fn post(&mut self, posted: u64, paced: u64) {
        self.mirror = self.mirror.saturating_sub(micro(posted));
        self.pace = self.pace.saturating_sub(micro(paced));
        self.posted.correct(0, posted);
    }

    /// The server never charged this attempt.
    pub(super) fn refund(&mut self, attempt: &Attempt) {
        self.take_back(attempt, 0);
    }

    /// The server rejected this attempt, and kept the part of its hold that it is believed to keep.
    pub(super) fn rejected(&mut self, attempt: &Attempt) {
        let hold = self.unit.hold(attempt);
        let kept = (hold as f64 * self.estimate.reject_charge()) as u64;
        self.take_back(attempt, kept);
        self.posted.reject(hold, kept);
    }

    fn take_back(&mut self, attempt: &Attempt, kept: u64) {
        let posted = self.unit.posted(attempt);
        // What was sent before the last reaction is not in the mirror any more: it was set to what the server said.
        let mirrored = if attempt.order >= self.epoch_order { micro(posted) } else { 0 };
        let cap = self.mirror_cap.max(self.wanted).max(self.mirror);
        self.mirror = self.mirror.saturating_add(mirrored - micro(kept)).min(cap);
        self.pace = self.pace.saturating_add(micro(self.unit.paced(attempt)) - micro(kept));
        let hold = self.unit.hold(attempt);
        self.posted.unpost(hold, posted);
        self.estimate.unpost(attempt.order, hold, posted.saturating_sub(kept));
    }

    /// How full a minute of this meter is, 0 to 1 and above: what an unspecified throttle is blamed by.
    pub(super) fn pressure(&self, window: &Window) -> f64 {
        if !self.binds() {
            return -1.0;
        }
        self.unit.window(window) as f64 / (self.rate.value() * 60.0)
    }

    /// A throttle blames this meter. One reaction per round trip: `None` if the attempt was sent before the last one.
    pub(super) fn react(
        &mut self,
        attempt: &Attempt,
        next_order: u64,
        loaded: f64,
        knobs: &LimiterKnobs,
    ) -> Option<Reaction> {
        self.metering.rejected(self.at);
        if attempt.order < self.epoch_order {
            return None;
        }
        self.epoch_order = next_order;
        let mark = self.unit.mark(attempt);
        if self.quota == QuotaLimit::Absent && !self.contradicted {
            self.contradicted = true;
            let sustained = (mark.window as f64 / loaded.max(1.0)).max(self.estimate.rate());
            self.estimate = RateEstimate::new(sustained, None, false, knobs.adaptive);
        }
        let hold = self.unit.hold(attempt);
        let from = self.estimate.rate();
        self.pace = self.pace.min(0);
        let asked = mark.wide as f64 + hold as f64;
        let window = self.metering.is_window();
        self.metering.refused(asked, 60.0 * self.estimate.believed(), !self.estimate.measured());
        if window && !self.metering.is_window() {
            // Nobody has asked the mirror.
            self.mirror = self.mirror.max(0);
        }
        self.ran_over |= self.peak.max(self.mirror) > self.deep();
        let shallow = !self.metering.is_window()
            && self.estimate.measured()
            // While it probes, the mirror is fuller than it knows.
            && self.estimate.rate() <= self.estimate.believed()
            && self.burst.refused(hold, mark.level, self.peak, Rate::per_second(self.estimate.believed()));
        self.peak = 0;
        self.mirror = self.mirror.min(0);
        if shallow {
            // Not slower than believed, but shallower.
            self.estimate.idle();
            self.pressed = None;
            self.fit(knobs);
            self.clip();
            return Some(Reaction { from, to: from, streak: 0, turns: None });
        }
        let blocked = self.estimate.reject(Evidence {
            at: attempt.sent,
            order: attempt.order,
            posted: mark.posted,
            window: mark.wide as f64,
            loaded,
            hold: hold as f64,
            slides: self.metering.fitted(),
            ran_over: self.ran_over,
            debt: self.lag * from,
            urgent: self.at < self.urgent_until,
            refills: self.metering.refills_while_blocked(),
            least: self.unit.least(),
        });
        if blocked {
            // It waited for as much as was lacking: if that is lost, the reject was charged.
            self.mirror = self.mirror.min(-micro(hold));
            let refill = BLOCKED_REQUESTS * hold as f64 / self.estimate.believed();
            self.metering.blocked(attempt.sent, Micros::from_secs_f64(refill));
        } else {
            self.metering.flows();
            self.ran_over = false;
        }
        self.pressed = None;
        self.fit(knobs);
        self.clip();
        let streak = self.metering.streak();
        // Nothing is to be gained by a pause where what is given back meanwhile would run over.
        let runs_over = self.comes_back && !self.metering.is_window() && streak <= LONGEST_EAGER_STREAK;
        let streak = if runs_over { 0 } else { streak };
        Some(Reaction { from, to: self.estimate.rate(), streak, turns: self.metering.turns(self.at) })
    }

    /// An attempt was accepted: what a window would have held with it, and the least that a bucket held before it.
    pub(super) fn accepted(&mut self, attempt: &Attempt, knobs: &LimiterKnobs) {
        let held = self.unit.mark(attempt).window as f64 + self.unit.hold(attempt) as f64;
        let news = attempt.order >= self.epoch_order && self.estimate.measured();
        self.metering.accepted(held, attempt.sent, news);
        let level = self.unit.mark(attempt).level;
        let hold = micro(self.unit.hold(attempt));
        if news && level < hold && knobs.preset == Preset::Adaptive {
            // There was room for it, whatever the mirror said. Others that went on the same grounds say it again and may
            // raise it too far: a reject sets that right.
            self.mirror = self.mirror.saturating_add(hold - level).min(self.mirror_cap.max(self.mirror));
        }
    }

    /// The queue is held back by a pause: the meter goes on being pressed.
    pub(super) fn paused(&mut self, until: Micros) {
        self.limited_until = self.limited_until.max(until);
        self.paused_until = until;
        self.pressed = None;
        // What the pause lets in is not sent in one go: a reject then tells how much it was.
        let missed = self.rate.over(until.since(self.at).secs_f64());
        self.pace = self.pace.min(0).saturating_sub(missed);
    }

    /// What the adaptive rule believes, units per second.
    pub(super) fn believed_rate(&self) -> f64 {
        self.estimate.rate()
    }

    /// Until when the gate was last seen closed.
    pub(super) fn limited_until(&self) -> Micros {
        self.limited_until
    }

    /// What the belief is doing, for the mood.
    pub(super) fn phase(&self) -> Phase {
        self.estimate.phase()
    }

    /// Whether it is taken to slide.
    pub(super) fn sliding(&self) -> bool {
        self.metering.is_window()
    }

    /// For the status; `charged` is the window's net charge now.
    pub(super) fn status(&self, charged: u64, knobs: &LimiterKnobs) -> DimensionStatus {
        let limit = believed(self.unit, self.quota, knobs).0 * 60.0;
        let (target, burst, level) = match knobs.preset {
            Preset::Adaptive => {
                // As `slides` has it: what is believed, not what was configured or fallen back on.
                let level = if self.sliding() { self.estimate.rate() * 60.0 - charged as f64 } else { f64::MAX };
                let level = level.min(units(self.mirror)).min(units(self.pace));
                (Some(self.estimate.rate() * 60.0), Some(units(self.mirror_cap)), level)
            }
            Preset::TokenBucket => (Some(limit), Some(units(self.mirror_cap)), units(self.mirror)),
            Preset::SlidingWindow => (Some(limit), Some(limit), limit - charged as f64),
            Preset::Classic => (None, None, units(self.mirror)),
        };
        DimensionStatus {
            quota: self.quota,
            target: target.filter(|_| self.binds()),
            estimate: self.estimate.interval().map(|(low, high)| (low * 60.0, high * 60.0)),
            burst: burst.filter(|_| self.binds()),
            meter: self.metering.belief(),
            believed: (knobs.preset == Preset::Adaptive && self.binds()).then(|| self.estimate.believed() * 60.0),
            patience: self.estimate.patience(),
            reject_charge: self.estimate.reject_charge(),
            level,
        }
    }
}

/// The rate that a quota means for us, units per second, and what the adaptive rule may not exceed.
fn believed(unit: Unit, quota: QuotaLimit, knobs: &LimiterKnobs) -> (f64, Option<f64>) {
    match quota {
        QuotaLimit::Limit(limit) => {
            let rate = units(micro(limit)) * knobs.share / 60.0;
            (rate, (!knobs.probe_above_quota).then_some(rate))
        }
        QuotaLimit::Unknown | QuotaLimit::Absent => (unit.fallback() as f64 / 60.0, None),
    }
}

/// Time refills a level up to its capacity; what refunds raised above it stays.
fn refill(level: &mut i64, capacity: i64, gain: i64) {
    if *level < capacity {
        *level = level.saturating_add(gain).min(capacity);
    }
}
