//! The limiter: its scopes, its knobs, its attempts in flight.

use crate::record::{Micros, Priority};

use super::flight::Flight;
use super::scope::Scope;
use super::{Cost, Decision, LimiterKnobs, Reject, ScopeId, ScopeQuota, ScopeStatus, Ticket};

/// Admission control for any number of scopes under one set of knobs.
///
/// ```
/// use bedrock_top::limiter::{Cost, Decision, Limiter, LimiterKnobs, QuotaLimit, ScopeQuota};
/// use bedrock_top::record::Micros;
///
/// let mut limiter = Limiter::new(LimiterKnobs::default());
/// let quota = ScopeQuota { tpm: QuotaLimit::Limit(60_000), rpm: QuotaLimit::Absent, ..ScopeQuota::default() };
/// let scope = limiter.add_scope(quota, Micros::ZERO);
/// // Two seconds' worth may go at once.
/// let cost = Cost { hold: 3_000, expect: 2_500 };
/// assert_eq!(limiter.decide(scope, cost, Micros::ZERO), Decision::Admit);
/// let ticket = limiter.admit(scope, cost, Micros::ZERO);
/// assert!(matches!(limiter.decide(scope, cost, Micros::ZERO), Decision::Wait { .. }));
/// limiter.settle(ticket, 1_000, Micros::from_secs(1));
/// assert_eq!(limiter.decide(scope, cost, Micros::from_secs(1)), Decision::Admit);
/// ```
pub struct Limiter {
    knobs: LimiterKnobs,
    scopes: Vec<Scope>,
    flight: Flight,
    day_start: Micros,
}

impl Limiter {
    /// A limiter without scopes. Knobs out of range are brought into it.
    #[must_use]
    pub fn new(knobs: LimiterKnobs) -> Limiter {
        Limiter { knobs: knobs.sane(), scopes: Vec::new(), flight: Flight::new(), day_start: Micros::ZERO }
    }

    /// Adds a scope whose meters are believed full.
    pub fn add_scope(&mut self, quota: ScopeQuota, now: Micros) -> ScopeId {
        let id = ScopeId(u32::try_from(self.scopes.len()).unwrap_or(u32::MAX));
        self.scopes.push(Scope::new(quota, self.day_start, &self.knobs, now));
        id
    }

    /// UTC time of day at the zero of the clock that `now` is read from: where the day of the TPD ledger begins.
    pub fn set_day_start(&mut self, time_of_day: Micros) {
        self.day_start = time_of_day;
        for scope in &mut self.scopes {
            scope.set_day_start(time_of_day);
        }
    }

    /// New quotas for a scope, from now on. What was used stays used; a rate that had been learned below the old limit
    /// scales with the new one.
    pub fn set_quota(&mut self, scope: ScopeId, quota: ScopeQuota, now: Micros) {
        let knobs = self.knobs;
        self.scope(scope).retune(quota, knobs.preset, &knobs, now);
    }

    /// The quotas of a scope.
    #[must_use]
    pub fn quota(&self, scope: ScopeId) -> ScopeQuota {
        self.scopes[scope.0 as usize].quota()
    }

    /// New knobs, from now on: the time until now counts at the old rates, and no usage is forgotten.
    pub fn set_knobs(&mut self, knobs: LimiterKnobs, now: Micros) {
        let (before, knobs) = (self.knobs.preset, knobs.sane());
        self.knobs = knobs;
        for scope in &mut self.scopes {
            scope.retune(scope.quota(), before, &knobs, now);
        }
    }

    /// The knobs in force.
    #[must_use]
    pub fn knobs(&self) -> LimiterKnobs {
        self.knobs
    }

    /// May a request of this cost be sent to `scope` now? Asking changes no ledger.
    pub fn decide(&mut self, scope: ScopeId, cost: Cost, now: Micros) -> Decision {
        self.decide_for(scope, cost, Priority::Medium, now)
    }

    /// The same for a request of this class: under `adaptive`, high ones may borrow from the pace, and while there are
    /// some, the others leave room for them (study §E.6).
    pub fn decide_for(&mut self, scope: ScopeId, cost: Cost, priority: Priority, now: Micros) -> Decision {
        let knobs = self.knobs;
        self.scope(scope).decide(cost, priority == Priority::High, now, &knobs)
    }

    /// The request is sent now: its hold is posted. Works whatever was decided; the level may go negative.
    pub fn admit(&mut self, scope: ScopeId, cost: Cost, now: Micros) -> Ticket {
        let knobs = self.knobs;
        let attempt = self.scope(scope).admit(scope.0, cost, now, &knobs);
        self.flight.insert(attempt)
    }

    /// The attempt succeeded, or its outcome is unknown and it is settled at its estimate: `charged` quota tokens.
    pub fn settle(&mut self, ticket: Ticket, charged: u64, now: Micros) {
        if let Some(attempt) = self.flight.remove(ticket) {
            self.scopes[attempt.scope as usize].settle(&attempt, charged, now, &self.knobs);
        }
    }

    /// A stream in flight has used `charged_so_far` quota tokens, as settlement counts them.
    pub fn progress(&mut self, ticket: Ticket, charged_so_far: u64, now: Micros) {
        if let Some(attempt) = self.flight.get_mut(ticket) {
            self.scopes[attempt.scope as usize].progress(attempt, charged_so_far, now);
        }
    }

    /// The service rejected the attempt for a quota: its charge is taken back, and the blamed meter reacts once per round
    /// trip.
    pub fn reject(&mut self, ticket: Ticket, why: Reject, retry_after: Option<Micros>, now: Micros) {
        if let Some(attempt) = self.flight.remove(ticket) {
            self.scopes[attempt.scope as usize].reject(&attempt, why, retry_after, now, &self.knobs);
        }
    }

    /// The attempt never reached the service: everything is refunded, as if it had not been admitted.
    pub fn release(&mut self, ticket: Ticket, now: Micros) {
        if let Some(attempt) = self.flight.remove(ticket) {
            self.scopes[attempt.scope as usize].release(&attempt, now, &self.knobs);
        }
    }

    /// Sends nothing to `scope` before `until` (at most an hour from now).
    pub fn hold_off(&mut self, scope: ScopeId, until: Micros, now: Micros) {
        self.scope(scope).hold_off(until, now);
    }

    /// The scope, explained.
    #[must_use]
    pub fn status(&self, scope: ScopeId, now: Micros) -> ScopeStatus {
        self.scopes[scope.0 as usize].status(now, &self.knobs)
    }

    /// A `ScopeId` comes only from this limiter's `add_scope`, and scopes are never removed.
    fn scope(&mut self, scope: ScopeId) -> &mut Scope {
        &mut self.scopes[scope.0 as usize]
    }
}
