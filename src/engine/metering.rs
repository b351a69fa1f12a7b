//! The meters of a route: one scope of the limiter, or two where capacity was bought.
//!
//! A provisioned model meters input and output apart: so many input tokens and so many output tokens a minute for each
//! model unit (PRODUCT A5). Each is a scope of its own in the limiter, of which only the tokens count: a request goes when
//! both admit it. How the service reserves output is not published; here a request holds its whole `max_tokens` until it is
//! settled at what it really wrote, which is the careful reading. What it takes in the long run is the same either way.

use crate::catalogue::cost;
use crate::limiter::{Cost, Decision, Limiter, QuotaLimit, Reject, ScopeId, ScopeQuota, ScopeStatus, Ticket};
use crate::record::{Micros, Priority, Usage};

use super::RouteSetup;

/// The scopes of a route.
#[derive(Clone, Copy, Debug)]
pub struct Meters {
    /// All quota tokens; of a provisioned model the input.
    pub main: ScopeId,
    /// The output of a provisioned model.
    pub output: Option<ScopeId>,
}

/// What a request takes of each meter.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// Of the main one.
    pub main: Cost,
    /// Of the output's.
    pub output: Option<Cost>,
}

impl Costs {
    /// What is held in all.
    #[must_use]
    pub fn hold(&self) -> u64 {
        self.main.hold.saturating_add(self.output.map_or(0, |output| output.hold))
    }
}

/// An attempt's tickets.
#[derive(Clone, Copy, Debug)]
pub struct Tickets {
    main: Ticket,
    output: Option<Ticket>,
}

impl Meters {
    /// The meters of a new route.
    pub fn new(setup: &RouteSetup, limiter: &mut Limiter, now: Micros) -> Meters {
        let main = limiter.add_scope(setup.quota, now);
        let apart = setup.provisioned.as_ref().and_then(|bought| bought.input_tpm.and(bought.output_tpm));
        let output = apart.map(|tpm| {
            let quota = ScopeQuota {
                rpm: QuotaLimit::Absent,
                tpm: QuotaLimit::Limit(tpm),
                tpd: QuotaLimit::Absent,
                ..setup.quota
            };
            limiter.add_scope(quota, now)
        });
        Meters { main, output }
    }

    /// Whether all of them admit a request now; else the later moment.
    pub fn decide(&self, limiter: &mut Limiter, costs: &Costs, priority: Priority, now: Micros) -> Decision {
        let main = limiter.decide_for(self.main, costs.main, priority, now);
        let (Some(scope), Some(cost)) = (self.output, costs.output) else { return main };
        match (main, limiter.decide_for(scope, cost, priority, now)) {
            (never @ Decision::Never { .. }, _) | (_, never @ Decision::Never { .. }) => never,
            (Decision::Wait { until, why }, Decision::Wait { until: other, why: other_why }) => {
                let (until, why) = if other > until { (other, other_why) } else { (until, why) };
                Decision::Wait { until, why }
            }
            (wait @ Decision::Wait { .. }, Decision::Admit) | (Decision::Admit, wait @ Decision::Wait { .. }) => wait,
            (Decision::Admit, Decision::Admit) => Decision::Admit,
        }
    }

    /// A request is sent.
    pub fn admit(&self, limiter: &mut Limiter, costs: &Costs, now: Micros) -> Tickets {
        let main = limiter.admit(self.main, costs.main, now);
        let output = self.output.zip(costs.output).map(|(scope, cost)| limiter.admit(scope, cost, now));
        Tickets { main, output }
    }

    /// Nothing is sent before `until`.
    pub fn hold_off(&self, limiter: &mut Limiter, until: Micros, now: Micros) {
        limiter.hold_off(self.main, until, now);
    }

    /// A throttle does not say which of two meters was full: the fuller one, by what was reserved in the last minute.
    fn output_is_fuller(&self, limiter: &Limiter, now: Micros) -> bool {
        let fullness = |scope: ScopeId| {
            let status: ScopeStatus = limiter.status(scope, now);
            match status.tpm.quota {
                QuotaLimit::Limit(quota) => status.reserved_60s as f64 / quota.max(1) as f64,
                QuotaLimit::Unknown | QuotaLimit::Absent => 0.0,
            }
        };
        self.output.is_some_and(|output| fullness(output) > fullness(self.main))
    }
}

impl Tickets {
    /// The reply is whole, or is settled at its estimate. Returns what was charged in all.
    pub fn settle(self, limiter: &mut Limiter, usage: &Usage, burndown: u32, now: Micros) -> u64 {
        let Some(output) = self.output else {
            let charged = cost::settle(usage, burndown).0;
            limiter.settle(self.main, charged, now);
            return charged;
        };
        let input = cost::settle(&Usage { output: 0, ..*usage }, 1).0;
        limiter.settle(self.main, input, now);
        limiter.settle(output, usage.output, now);
        input.saturating_add(usage.output)
    }

    /// A stream has written so many tokens so far.
    pub fn progress(self, limiter: &mut Limiter, input: u64, output: u64, burndown: u32, now: Micros) {
        match self.output {
            Some(ticket) => limiter.progress(ticket, output, now),
            None => limiter.progress(self.main, input + output * u64::from(burndown), now),
        }
    }

    /// It never reached the service.
    pub fn release(self, limiter: &mut Limiter, now: Micros) {
        limiter.release(self.main, now);
        if let Some(output) = self.output {
            limiter.release(output, now);
        }
    }

    /// The service refused it for a quota: the fuller meter is to blame, the other was not charged.
    pub fn reject(self, meters: &Meters, limiter: &mut Limiter, why: Reject, retry_after: Option<Micros>, now: Micros) {
        let Some(output) = self.output else { return limiter.reject(self.main, why, retry_after, now) };
        let (blamed, other) =
            if meters.output_is_fuller(limiter, now) { (output, self.main) } else { (self.main, output) };
        limiter.reject(blamed, why, retry_after, now);
        limiter.release(other, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::LimiterKnobs;
    use crate::record::{ProvisionedRoute, Route};

    fn meters(limiter: &mut Limiter) -> Meters {
        let bought = ProvisionedRoute {
            route: Route::new("us-east-1", "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl"),
            model: "amazon.nova-pro-v1:0".into(),
            input_tpm: Some(60_000),
            output_tpm: Some(6_000),
            usd_per_hour: None,
        };
        Meters::new(&RouteSetup::bought(bought), limiter, Micros::ZERO)
    }

    fn costs(input: u64, max_tokens: u64) -> Costs {
        let cost = |hold| Cost { hold, expect: hold };
        Costs { main: cost(input), output: Some(cost(max_tokens)) }
    }

    #[test]
    fn a_request_goes_when_both_meters_admit_it() {
        let mut limiter = Limiter::new(LimiterKnobs::default());
        let meters = meters(&mut limiter);
        let now = Micros::ZERO;
        let mut ask = |costs: Costs| meters.decide(&mut limiter, &costs, Priority::Medium, now);
        assert_eq!(ask(costs(100, 100)), Decision::Admit);
        assert!(matches!(ask(costs(100, 1_000_000)), Decision::Never { .. }), "output");
        assert!(matches!(ask(costs(1_000_000, 100)), Decision::Never { .. }), "input");
        while meters.decide(&mut limiter, &costs(10, 200), Priority::Medium, now) == Decision::Admit {
            meters.admit(&mut limiter, &costs(10, 200), now);
        }
        // The output is used up, the input hardly.
        assert!(matches!(limiter.decide(meters.main, Cost { hold: 200, expect: 200 }, now), Decision::Admit));
        assert!(meters.output_is_fuller(&limiter, now));
    }

    #[test]
    fn each_meter_is_settled_with_its_own_tokens() {
        let mut limiter = Limiter::new(LimiterKnobs::default());
        let meters = meters(&mut limiter);
        let tickets = meters.admit(&mut limiter, &costs(500, 300), Micros::ZERO);
        let usage = Usage { input: 480, output: 40, cache_read: 100, cache_write: 20 };
        let second = Micros::from_secs(1);
        assert_eq!(tickets.settle(&mut limiter, &usage, 5, second), 540);
        let settled = |scope, limiter: &Limiter| limiter.status(scope, second).settled_60s;
        assert_eq!(settled(meters.main, &limiter), 500);
        assert_eq!(settled(meters.output.unwrap(), &limiter), 40);
        let tickets = meters.admit(&mut limiter, &costs(500, 300), second);
        tickets.release(&mut limiter, second);
        assert_eq!(limiter.status(meters.main, second).held, 0);
    }

    #[test]
    fn a_throttle_is_blamed_on_the_fuller_meter() {
        let mut limiter = Limiter::new(LimiterKnobs::default());
        let meters = meters(&mut limiter);
        let tickets = meters.admit(&mut limiter, &costs(100, 2_000), Micros::ZERO);
        tickets.reject(&meters, &mut limiter, Reject::Tpm, None, Micros::from_millis(50));
        let held = |scope| limiter.status(scope, Micros::from_millis(50)).held;
        assert_eq!((held(meters.main), held(meters.output.unwrap())), (0, 0));
    }
}
