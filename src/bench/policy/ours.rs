//! Our limiter, as the engine drives it: ask, admit, settle; a throttled request goes back to its place.
//!
//! `adaptive` is the contestant. `classic` is the rule of the field's documents, with their retry: ten attempts, full
//! jitter, 2 s base, 60 s cap (PRODUCT.md, A6).

use std::collections::HashMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::limiter::{
    Cost, Decision, Limiter, LimiterKnobs, Preset, QuotaLimit, Reject, ScopeId, ScopeQuota, SettlementGuess, Ticket,
};
use crate::record::Micros;

use super::{Answer, Ask, Next, Policy, Refused, Served, Told};

/// The one model of a run.
const MODEL: &str = "model";
/// Attempts of `classic`.
const ATTEMPTS: u32 = 10;
/// Its backoff: base and cap, in seconds.
const BACKOFF: (f64, f64) = (2.0, 60.0);
/// A Region that answered 503 is left alone for this long, twice as long each time, at most a minute.
const FIRST_PAUSE: f64 = 1.0;
const LONGEST_PAUSE: f64 = 60.0;
/// A wait that never ends is asked about again after this.
const NEVER: Micros = Micros::from_secs(60);

/// The product's limiter under one of its presets.
pub struct Ours {
    limiter: Limiter,
    regions: Vec<Region>,
    outputs: SettlementGuess,
    burndown: u32,
    flying: HashMap<u32, (usize, Ticket)>,
    adaptive: bool,
    next: usize,
}

struct Region {
    scope: ScopeId,
    ill_until: Micros,
    pause: f64,
}

impl Ours {
    /// `adaptive` or `classic`, with default knobs.
    #[must_use]
    pub fn new(preset: Preset, told: Told) -> Ours {
        let mut limiter = Limiter::new(LimiterKnobs { preset, ..LimiterKnobs::default() });
        let known = |limit: Option<u64>| limit.map_or(QuotaLimit::Unknown, QuotaLimit::Limit);
        let rpm = if told.has_rpm { known(told.rpm) } else { QuotaLimit::Absent };
        let quota = ScopeQuota { rpm, tpm: known(told.tpm), tpd: QuotaLimit::Unknown, burndown: told.burndown };
        let regions = (0..told.regions.max(1))
            .map(|_| Region {
                scope: limiter.add_scope(quota, Micros::ZERO),
                ill_until: Micros::ZERO,
                pause: FIRST_PAUSE,
            })
            .collect();
        Ours {
            limiter,
            regions,
            outputs: SettlementGuess::default(),
            burndown: told.burndown,
            flying: HashMap::new(),
            adaptive: preset == Preset::Adaptive,
            next: 0,
        }
    }

    fn cost(&self, ask: &Ask) -> Cost {
        let output = self.outputs.output(MODEL, ask.max_tokens);
        Cost {
            hold: ask.input + ask.max_tokens,
            expect: self.outputs.prompt(MODEL, ask.input) + output * u64::from(self.burndown),
        }
    }

    /// The limiter of a scope, explained: for looking at a run.
    #[must_use]
    pub fn status(&self, now: Micros) -> crate::limiter::ScopeStatus {
        self.limiter.status(self.regions[0].scope, now)
    }
}

impl Policy for Ours {
    fn ask(&mut self, ask: &Ask, now: Micros) -> Answer {
        let cost = self.cost(ask);
        let mut soonest = Micros::MAX;
        for turn in 0..self.regions.len() {
            let index = (self.next + turn) % self.regions.len();
            let region = &self.regions[index];
            if region.ill_until > now {
                soonest = soonest.min(region.ill_until);
                continue;
            }
            match self.limiter.decide_for(region.scope, cost, ask.priority, now) {
                Decision::Admit => return Answer::Go { region: index },
                Decision::Wait { until, .. } => soonest = soonest.min(until),
                Decision::Never { .. } => soonest = soonest.min(now + NEVER),
            }
        }
        Answer::Wait(soonest)
    }

    fn sent(&mut self, ask: &Ask, region: usize, now: Micros) {
        let ticket = self.limiter.admit(self.regions[region].scope, self.cost(ask), now);
        self.flying.insert(ask.id, (region, ticket));
        self.next = (region + 1) % self.regions.len();
    }

    fn served(&mut self, ask: &Ask, served: Served, now: Micros) {
        let Some((region, ticket)) = self.flying.remove(&ask.id) else { return };
        self.regions[region].pause = FIRST_PAUSE;
        if let (Some(output), Some(charged)) = (served.output, served.charged) {
            let prompt = charged.saturating_sub(output * u64::from(self.burndown));
            self.outputs.observe(MODEL, output, prompt as f64 / served.input.max(1) as f64);
        }
        // Without usage the expectation is all there is.
        let charged = served.charged.unwrap_or_else(|| self.cost(ask).expect);
        self.limiter.settle(ticket, charged, now);
    }

    fn refused(&mut self, ask: &Ask, why: Refused, now: Micros, rng: &mut ChaCha8Rng) -> Next {
        let Some((region, ticket)) = self.flying.remove(&ask.id) else { return Next::Requeue };
        let reject = match why {
            Refused::Rpm => Reject::Rpm,
            Refused::Tpm => Reject::Tpm,
            Refused::Tpd => Reject::Tpd,
            Refused::Capacity => {
                self.limiter.release(ticket, now);
                let region = &mut self.regions[region];
                if region.ill_until <= now {
                    region.ill_until = now + Micros::from_secs_f64(region.pause);
                    region.pause = (region.pause * 2.0).min(LONGEST_PAUSE);
                }
                return Next::Requeue;
            }
        };
        self.limiter.reject(ticket, reject, None, now);
        if self.adaptive {
            return Next::Requeue;
        }
        if ask.attempts >= ATTEMPTS {
            return Next::GiveUp;
        }
        let most = (BACKOFF.0 * 2f64.powi(ask.attempts.min(30) as i32 - 1)).min(BACKOFF.1);
        Next::After(Micros::from_secs_f64(rng.random::<f64>() * most))
    }

    fn progress(&mut self, ask: &Ask, output: u64, now: Micros) {
        if let Some(&(_, ticket)) = self.flying.get(&ask.id) {
            self.limiter.progress(ticket, ask.input + output * u64::from(self.burndown), now);
        }
    }

    fn retune(&mut self, turn: u32, now: Micros) {
        let knobs = self.limiter.knobs();
        // Every knob in turn, out and back.
        let share = if turn.is_multiple_of(2) { 0.8 } else { 1.0 };
        let mut changed = knobs;
        match turn / 2 % 3 {
            0 => changed.share = share,
            1 => changed.adaptive.backoff = if share < 1.0 { 0.9 } else { LimiterKnobs::default().adaptive.backoff },
            _ => changed.preset = if share < 1.0 { Preset::TokenBucket } else { Preset::Adaptive },
        }
        self.limiter.set_knobs(changed, now);
    }

    fn believes(&self, now: Micros) -> Option<f64> {
        self.status(now).tpm.believed
    }

    fn has_classes(&self) -> bool {
        true
    }
}
