//! A scope: all its meters under one decision.

use std::collections::VecDeque;

use crate::record::Micros;

use super::classic::Classic;
use super::clock::Clock;
use super::day::Day;
use super::dimension::{By, Dimension, Reaction};
use super::flight::Attempt;
use super::rate::LARGEST;
use super::unit::Unit;
use super::window::Window;
use super::{Cost, Decision, Epoch, LimiterKnobs, Preset, Reject, ScopeQuota, Why};

/// Epochs kept for the status.
const EPOCHS: usize = 8;
/// Rules that never adapt pause this long after a throttle, or they would send the same request again at once.
const PAUSE: Micros = Micros::from_secs(1);
/// Pause after the first throttle that follows another with little accepted in between.
const FIRST_PAUSE: Micros = Micros::from_millis(200);
/// The next one when throttles follow each other with nothing accepted in between; doubles each time ...
const BLOCKED_PAUSE: Micros = Micros::from_secs(1);
/// ... but within this.
const LONGEST_BLOCKED_PAUSE: Micros = Micros::from_secs(8);
/// ... while no more were refused in a row than in a minute that is used up. Whatever refuses more is no window: asking may be
/// what keeps it empty, if it charges for what it refuses.
const LONGEST_ROW: u32 = 12;
/// Longest Retry-After that is honoured: no request waits for ever.
const LONGEST_HOLD_OFF: Micros = Micros::from_secs(3_600);

/// The meters of one scope.
pub(super) struct Scope {
    quota: ScopeQuota,
    pub(super) clock: Clock,
    pub(super) requests: Dimension,
    pub(super) tokens: Dimension,
    pub(super) classic: Classic,
    pub(super) window: Window,
    pub(super) day: Day,
    /// Number of the next send.
    order: u64,
    first_send: Option<Micros>,
    /// Sends nothing before this, and why.
    pub(super) off_until: Micros,
    pub(super) off_why: Why,
    pub(super) held: u64,
    pub(super) debt: u64,
    /// What the attempts in flight are expected to give back of their holds.
    excess: u64,
    pub(super) epochs: u64,
    pub(super) last_epochs: VecDeque<Epoch>,
}

impl Scope {
    pub(super) fn new(quota: ScopeQuota, day_start: Micros, knobs: &LimiterKnobs, now: Micros) -> Scope {
        let clock = Clock::new(now);
        let own = clock.own();
        Scope {
            quota,
            clock,
            requests: Dimension::new(Unit::Requests, quota.rpm, knobs, own),
            tokens: Dimension::new(Unit::Tokens, quota.tpm, knobs, own),
            classic: Classic::new(quota, knobs.share, &knobs.classic, own),
            window: Window::new(own),
            day: Day::new(quota.tpd, day_start, now),
            order: 0,
            first_send: None,
            off_until: Micros::ZERO,
            off_why: Why::HoldOff,
            held: 0,
            debt: 0,
            excess: 0,
            epochs: 0,
            last_epochs: VecDeque::with_capacity(EPOCHS),
        }
    }

    /// Brings every ledger to `now`; the scope's own time.
    fn tick(&mut self, now: Micros) -> Micros {
        let own = self.clock.read(now);
        self.requests.advance(own);
        self.tokens.advance(own);
        self.classic.advance(own);
        self.window.advance(own);
        self.day.advance(self.clock.given());
        own
    }

    pub(super) fn retune(&mut self, quota: ScopeQuota, before: Preset, knobs: &LimiterKnobs, now: Micros) {
        self.tick(now);
        self.quota = quota;
        self.requests.retune(quota.rpm, before, knobs);
        self.tokens.retune(quota.tpm, before, knobs);
        self.classic.retune(knobs.preset != before, &knobs.classic);
        self.day.set_limit(quota.tpd);
    }

    pub(super) fn quota(&self) -> ScopeQuota {
        self.quota
    }

    pub(super) fn set_day_start(&mut self, day_start: Micros) {
        self.day.set_offset(day_start, self.clock.given());
    }

    pub(super) fn hold_off(&mut self, until: Micros, now: Micros) {
        self.tick(now);
        let until = self.clock.to_own(until);
        self.pause(until.since(self.clock.own()), Why::HoldOff);
    }

    fn pause(&mut self, span: Micros, why: Why) {
        let until = self.clock.own() + span.min(LONGEST_HOLD_OFF);
        if until > self.off_until {
            self.off_until = until;
            self.off_why = why;
        }
    }

    pub(super) fn decide(&mut self, cost: Cost, urgent: bool, now: Micros, knobs: &LimiterKnobs) -> Decision {
        let cost = sane(cost);
        let own = self.tick(now);
        if self.tokens.never(cost.hold) || self.requests.never(1) {
            return Decision::Never { why: Why::LargerThanBurst };
        }
        if self.day.never(cost.expect) {
            return Decision::Never { why: Why::Tpd };
        }
        let mut latest: Option<(Micros, Why)> = None;
        let mut closed = |until: Micros, why: Why| {
            if latest.is_none_or(|(before, _)| until > before) {
                latest = Some((until, why));
            }
        };
        if self.off_until > own {
            closed(self.off_until, self.off_why);
        }
        if let Some(until) = self.day.gate(cost.expect, knobs.share, self.clock.given()) {
            closed(self.clock.to_own(until), Why::Tpd);
        }
        if knobs.preset == Preset::Classic
            && let Some(until) = self.classic.gate()
        {
            closed(until, Why::Rate);
        }
        if let Some((until, _)) = self.requests.gate(1, urgent, &self.window, knobs) {
            closed(until, Why::Rpm);
        }
        if let Some((until, by)) = self.tokens.gate(cost.hold, urgent, &self.window, knobs) {
            let indebted = by == By::Pace && self.debt > 0;
            closed(until, if indebted { Why::TpmDebt } else { Why::TpmHold });
        }
        match latest {
            None => Decision::Admit,
            Some((until, why)) => Decision::Wait { until: self.clock.to_given(until.max(own + Micros(1))), why },
        }
    }

    /// Posts a request that is sent now, whatever was decided.
    pub(super) fn admit(&mut self, scope: u32, cost: Cost, now: Micros, knobs: &LimiterKnobs) -> Attempt {
        let cost = sane(cost);
        let own = self.tick(now);
        let requests = self.requests.charge(Cost { hold: 1, expect: 1 }, 0, 0, &self.window, knobs);
        let tokens = self.tokens.charge(cost, self.debt, self.excess, &self.window, knobs);
        if knobs.preset == Preset::Classic {
            self.classic.charge();
        }
        self.window.send(cost.hold, own);
        self.day.send(cost.expect);
        self.first_send.get_or_insert(own);
        self.held = self.held.saturating_add(cost.hold);
        self.debt = self.debt.saturating_add(cost.expect.saturating_sub(cost.hold));
        self.excess = self.excess.saturating_add(cost.hold.saturating_sub(cost.expect));
        let order = self.order;
        self.order += 1;
        Attempt {
            scope,
            order,
            sent: own,
            hold: cost.hold,
            expect: cost.expect,
            posted: cost.hold,
            paced: cost.expect,
            tokens,
            requests,
        }
    }

    /// The attempt is no longer in flight.
    fn land(&mut self, attempt: &Attempt) {
        self.held = self.held.saturating_sub(attempt.posted);
        self.debt = self.debt.saturating_sub(attempt.expect.saturating_sub(attempt.posted));
        self.excess = self.excess.saturating_sub(attempt.hold.saturating_sub(attempt.expect));
        self.day.land(attempt.expect);
    }

    pub(super) fn settle(&mut self, attempt: &Attempt, charged: u64, now: Micros, knobs: &LimiterKnobs) {
        let charged = charged.min(LARGEST);
        let own = self.tick(now);
        self.land(attempt);
        self.requests.accepted(attempt, knobs);
        self.tokens.accepted(attempt, knobs);
        self.tokens.correct(attempt.posted, attempt.paced, charged);
        self.window.correct(attempt.posted, charged, attempt.sent, own);
        self.window.settle(charged, own);
        self.day.settle(charged, attempt.order);
        if knobs.preset == Preset::Classic {
            self.classic.success(&knobs.classic);
        }
    }

    /// A stream has used `charged` so far. What exceeds its hold is a debt already; what it has not used yet stays held
    /// until the end, since how fast a server gives it back is not documented.
    pub(super) fn progress(&mut self, attempt: &mut Attempt, charged: u64, now: Micros) {
        let charged = charged.min(LARGEST);
        if charged <= attempt.posted {
            return;
        }
        let own = self.tick(now);
        let paced = attempt.paced.max(charged);
        self.held = self.held.saturating_add(charged - attempt.posted);
        let (before, after) = (attempt.expect.saturating_sub(attempt.posted), attempt.expect.saturating_sub(charged));
        self.debt = self.debt.saturating_sub(before - after);
        self.tokens.post(charged - attempt.posted, paced - attempt.paced);
        self.window.correct(attempt.posted, charged, attempt.sent, own);
        attempt.posted = charged;
        attempt.paced = paced;
    }

    pub(super) fn release(&mut self, attempt: &Attempt, now: Micros, knobs: &LimiterKnobs) {
        self.tick(now);
        self.land(attempt);
        self.tokens.refund(attempt);
        self.requests.refund(attempt);
        if knobs.preset == Preset::Classic {
            self.classic.refund();
        }
        self.window.take_back(attempt.hold, attempt.posted, attempt.sent, true);
    }

    pub(super) fn reject(
        &mut self,
        attempt: &Attempt,
        why: Reject,
        retry_after: Option<Micros>,
        now: Micros,
        knobs: &LimiterKnobs,
    ) {
        self.tick(now);
        self.land(attempt);
        self.window.take_back(attempt.hold, attempt.posted, attempt.sent, false);
        self.tokens.rejected(attempt);
        self.requests.rejected(attempt);
        if let Some(after) = retry_after {
            self.pause(after, Why::HoldOff);
        }
        if why == Reject::Tpd {
            if let Some(pause) = self.day.refuse(attempt.order, self.order) {
                self.pause(pause, Why::Tpd);
                self.note(Why::Tpd, 0.0, 0.0);
            }
            return;
        }
        let before = self.classic.rate();
        if knobs.preset == Preset::Classic {
            self.classic.throttle(&knobs.classic);
        }
        let requests = match why {
            Reject::Rpm => true,
            Reject::Unspecified => self.requests.pressure(&self.window) > self.tokens.pressure(&self.window),
            Reject::Tpm | Reject::Tpd => false,
        };
        let loaded = self.first_send.map_or(0.0, |first| attempt.sent.since(first).secs_f64().min(60.0));
        let blamed = if requests { &mut self.requests } else { &mut self.tokens };
        let Some(reaction) = blamed.react(attempt, self.order, loaded, knobs) else { return };
        let why = if requests { Why::Rpm } else { Why::TpmHold };
        match knobs.preset {
            Preset::Adaptive => self.pause_if_blocked(reaction),
            Preset::Classic => return self.note(why, before * 60.0, self.classic.rate() * 60.0),
            Preset::TokenBucket | Preset::SlidingWindow => {
                self.pause(PAUSE, Why::HoldOff);
            }
        }
        self.note(why, reaction.from * 60.0, reaction.to * 60.0);
    }

    /// Throttle after throttle with nothing accepted in between: ask less and less often.
    fn pause_if_blocked(&mut self, reaction: Reaction) {
        if let Some(turns) = reaction.turns {
            let own = self.clock.own();
            return self.pause(turns.since(own), Why::HoldOff);
        }
        if reaction.streak > 0 {
            // The second in a row may be chance; then it is asked less and less often.
            let pause = match reaction.streak {
                1 => FIRST_PAUSE,
                more if more <= LONGEST_ROW => Micros(BLOCKED_PAUSE.0 << (more - 2).min(10)).min(LONGEST_BLOCKED_PAUSE),
                more => Micros(LONGEST_BLOCKED_PAUSE.0 << (more - LONGEST_ROW).min(4)),
            };
            self.pause(pause, Why::HoldOff);
            self.requests.paused(self.off_until);
            self.tokens.paused(self.off_until);
        }
    }

    fn note(&mut self, why: Why, from: f64, to: f64) {
        self.epochs += 1;
        self.last_epochs.truncate(EPOCHS - 1);
        self.last_epochs.push_front(Epoch { at: self.clock.given(), why, from, to });
    }
}

fn sane(cost: Cost) -> Cost {
    Cost { hold: cost.hold.min(LARGEST), expect: cost.expect.min(LARGEST) }
}
