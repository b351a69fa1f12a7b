//! Which route the head of the queue takes: the one that can send now and has the most room, else the shortest wait.

use std::collections::HashMap;

use crate::catalogue::{Model, cost};
use crate::limiter::{Cost, Decision, Generation, Limiter, QuotaLimit, Why};
use crate::record::{Micros, ModelId, Priority, Region, Route, Usage, Usd};

use super::breaker::Breaker;
use super::estimate::Estimator;
use super::illness::Illness;
use super::load::Work;
use super::metering::{Costs, Meters};
use super::stats::{Latency, Window};
use super::{ParkKind, RouteSetup};
use crate::limiter::SettlementGuess;

/// Reserved for a model of which nothing is known: the commonest default maximum of older models (facts §2.2).
const UNKNOWN_DEFAULT_MAX_TOKENS: u64 = 4_096;

/// Why a scope is parked.
#[derive(Clone, Debug)]
pub struct Parked {
    /// What kind of cause.
    pub kind: ParkKind,
    /// What happened.
    pub cause: String,
    /// What to do.
    pub remedy: String,
    /// The next attempt to find out whether the cause is gone.
    pub probe_at: Micros,
    /// That attempt is in flight.
    pub probing: bool,
    /// The pause before the next one.
    pub pause: Micros,
}

/// A route at work.
pub struct RouteState {
    /// What it is.
    pub setup: RouteSetup,
    /// Its scopes in the limiter.
    pub meters: Meters,
    /// Its breaker.
    pub breaker: Breaker,
    /// Why it is parked, if it is.
    pub parked: Option<Parked>,
    /// Attempts in flight.
    pub in_flight: u32,
    /// The largest reservation that the service has accepted here.
    pub largest_accepted: u64,
    /// Attempts sent since the start.
    pub sent: u64,
    /// Quota tokens settled since the start.
    pub settled: u64,
    /// Spent since the start.
    pub spent: Usd,
    /// How long the head of the queue has waited here since the start, by reason.
    pub head_waited: Vec<(Why, Micros)>,
    /// Seconds of its life.
    pub window: Window,
    /// Its attempts' latency.
    pub latency: Latency,
    /// How long its replies take by their length, those that were not streamed.
    pub generation: Generation,
    /// Its last error, one line.
    pub last_error: Option<String>,
    /// How ill it has been of late.
    pub illness: Illness,
}

impl RouteState {
    /// A route that has sent nothing yet.
    #[must_use]
    pub fn new(setup: RouteSetup, meters: Meters) -> RouteState {
        RouteState {
            meters,
            setup,
            breaker: Breaker::default(),
            parked: None,
            in_flight: 0,
            largest_accepted: 0,
            sent: 0,
            settled: 0,
            spent: Usd::ZERO,
            head_waited: Vec::new(),
            window: Window::default(),
            latency: Latency::default(),
            generation: Generation::default(),
            last_error: None,
            illness: Illness::default(),
        }
    }

    /// The output multiplier at settlement.
    #[must_use]
    pub fn burndown(&self) -> u32 {
        self.setup.quota.burndown
    }

    /// Whether it is known what it costs.
    #[must_use]
    pub fn has_price(&self) -> bool {
        self.setup.price(&Usage::default()).is_some()
    }
}

/// What sending a record on a route would take.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
    /// For the limiter.
    pub costs: Costs,
    /// Input tokens expected.
    pub input: u64,
    /// Output tokens expected.
    pub output: u64,
    /// Price if the reply is as long as it may be; zero where the price is unknown.
    pub worst: Usd,
}

/// What a record would hold, settle and cost on a route.
#[must_use]
pub fn quote(work: &Work, route: &RouteState, estimator: &Estimator, outputs: &SettlementGuess) -> Quote {
    let id = route.setup.model_id().as_str();
    let model: Option<&Model> = route.setup.model;
    let body = &work.record.body;
    let estimate = estimator.corrected(id, body.text_kind, body.raw_input);
    let max_tokens =
        body.max_tokens.unwrap_or_else(|| model.map_or(UNKNOWN_DEFAULT_MAX_TOKENS, |model| model.default_max_output));
    let output = outputs.output(id, max_tokens);
    let prompt = outputs.prompt(id, estimate.mean);
    let apart = route.setup.provisioned.as_ref().and_then(|bought| bought.input_tpm.zip(bought.output_tpm));
    let costs = if let Some((input_tpm, output_tpm)) = apart {
        // What model units take is assumed: nothing is too large by an assumption, it goes when they are idle.
        let main = Cost { hold: estimate.reserve.min(input_tpm), expect: prompt };
        Costs { main, output: Some(Cost { hold: max_tokens.min(output_tpm), expect: output }) }
    } else {
        let hold = cost::reserve(estimate.reserve, 0, 0, max_tokens).0;
        let expect = prompt.saturating_add(output.saturating_mul(u64::from(route.burndown())));
        Costs { main: Cost { hold, expect }, output: None }
    };
    let worst = route.setup.worst_price(estimate.reserve, max_tokens).unwrap_or_default();
    Quote { costs, input: estimate.mean, output, worst }
}

/// What the router says of the head of the queue.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Send it on this route.
    Send {
        /// Index of the route.
        route: usize,
        /// What it takes there.
        quote: Quote,
    },
    /// Not yet.
    Wait {
        /// Index of the route with the shortest wait.
        route: usize,
        /// What it waits for there.
        why: Why,
        /// Until when.
        until: Micros,
    },
    /// It fits no scope, ever.
    Never {
        /// Index of a route.
        route: usize,
        /// Why.
        why: Why,
        /// What it would hold.
        hold: u64,
    },
    /// Every route's breaker is open, until the first of them is probed.
    Breakers {
        /// The first probe; `Micros::MAX` while a probe is in flight.
        until: Micros,
    },
    /// Every route is parked or drained.
    Parked {
        /// The next probe of a parked one.
        until: Micros,
    },
}

/// What is known beside the routes themselves.
pub struct Known<'a> {
    /// How many tokens texts have.
    pub estimator: &'a Estimator,
    /// How long replies are.
    pub outputs: &'a SettlementGuess,
    /// Each route in turn instead of the least used.
    pub round_robin: bool,
    /// What bought capacity has no room for goes on demand.
    pub spill: bool,
    /// The highest class that waits: the head is in its way.
    pub urgency: Priority,
}

/// Chooses.
#[derive(Debug, Default)]
pub struct Router {
    next: usize,
    /// Regions that the operator drained.
    pub drained: HashMap<Region, bool>,
    /// Routes that the load at hand does not use.
    unused: Vec<usize>,
    /// Of bought capacity, the routes in use.
    bought: Vec<usize>,
}

/// Which routes are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Bought,
    OnDemand,
}

impl Router {
    /// Keeps the load to these models and Regions; empty lists allow all.
    ///
    /// # Errors
    /// No route would be left.
    pub fn restrict(&mut self, routes: &[RouteState], models: &[ModelId], regions: &[Region]) -> Result<(), String> {
        let allowed = |route: &RouteState| {
            let Route { region, model } = &route.setup.route;
            (models.is_empty() || models.contains(model)) && (regions.is_empty() || regions.contains(region))
        };
        let unused: Vec<usize> = (0..routes.len()).filter(|index| !allowed(&routes[*index])).collect();
        if unused.len() == routes.len() {
            return Err("no route of this session leads to the models and Regions asked for".to_string());
        }
        self.unused = unused;
        Ok(())
    }

    /// Whether a Region is drained.
    #[must_use]
    pub fn is_drained(&self, region: &Region) -> bool {
        self.drained.get(region).copied().unwrap_or(false)
    }

    /// Of bought capacity these routes are used from now on. Returns those that were.
    pub fn use_bought(&mut self, routes: Vec<usize>) -> Vec<usize> {
        std::mem::replace(&mut self.bought, routes)
    }

    /// The route for `work`: bought capacity first, where some is in use. What it has no room for waits for it, or goes on
    /// demand if that is wanted: there it is paid by the token.
    pub fn choose(
        &mut self,
        work: &Work,
        routes: &[RouteState],
        limiter: &mut Limiter,
        known: &Known<'_>,
        now: Micros,
    ) -> Choice {
        let in_use =
            |index: &usize| !self.unused.contains(index) && !self.is_drained(&routes[*index].setup.route.region);
        let (first, wait) =
            if self.bought.iter().any(in_use) { (Part::Bought, !known.spill) } else { (Part::OnDemand, true) };
        let choice = self.choose_of(first, work, routes, limiter, known, now);
        if wait || matches!(choice, Choice::Send { .. }) {
            return choice;
        }
        let other = self.choose_of(Part::OnDemand, work, routes, limiter, known, now);
        match (&choice, &other) {
            (_, Choice::Send { .. }) | (Choice::Never { .. }, _) => other,
            (Choice::Wait { until, .. }, Choice::Wait { until: sooner, .. }) if sooner < until => other,
            (Choice::Breakers { .. } | Choice::Parked { .. }, Choice::Wait { .. }) => other,
            _ => choice,
        }
    }

    /// The best route of a part for `work`: by turns, of those that can send, the next; else the one whose scope would be least used,
    /// with ill routes counted as fuller than they are (E.7, without queueing behind a scope: a record is bound to a
    /// route only at the moment it is sent).
    fn choose_of(
        &mut self,
        part: Part,
        work: &Work,
        routes: &[RouteState],
        limiter: &mut Limiter,
        known: &Known<'_>,
        now: Micros,
    ) -> Choice {
        let mut best: Option<(f64, usize, Quote)> = None;
        let mut wait: Option<(Micros, usize, Why)> = None;
        let mut never: Option<(usize, Why, u64)> = None;
        let mut breakers: Option<Micros> = None;
        let mut parked: Option<Micros> = None;
        let sooner = |known: Option<Micros>, new: Micros| Some(known.map_or(new, |known| known.min(new)));

        for turn in 0..routes.len() {
            let index = (self.next + turn) % routes.len();
            let route = &routes[index];
            let of_part = match part {
                Part::Bought => self.bought.contains(&index),
                Part::OnDemand => route.setup.provisioned.is_none(),
            };
            if !of_part || self.is_drained(&route.setup.route.region) || self.unused.contains(&index) {
                continue;
            }
            if let Some(park) = &route.parked
                && (park.probing || park.probe_at > now)
            {
                parked = sooner(parked, if park.probing { Micros::MAX } else { park.probe_at });
                continue;
            }
            if let Some(until) = route.breaker.wait_until(now) {
                breakers = sooner(breakers, until);
                continue;
            }
            let quote = quote(work, route, known.estimator, known.outputs);
            match route.meters.decide(limiter, &quote.costs, known.urgency, now) {
                Decision::Admit => {
                    if known.round_robin {
                        best = Some((0.0, index, quote));
                        break;
                    }
                    // A breaker that is due for its probe comes first: while others have room, nothing else would find
                    // out that the outage is over.
                    let score = if route.breaker.wants_probe(now) {
                        f64::NEG_INFINITY
                    } else {
                        fullness(route, quote.costs.hold(), now) + 4.0 * route.illness.level(now)
                    };
                    if best.as_ref().is_none_or(|(lowest, ..)| score < *lowest) {
                        best = Some((score, index, quote));
                    }
                }
                Decision::Wait { until, why } => {
                    if wait.is_none_or(|(soonest, ..)| until < soonest) {
                        wait = Some((until, index, why));
                    }
                }
                Decision::Never { why } => never = Some((index, why, quote.costs.hold())),
            }
        }
        if let Some((_, route, quote)) = best {
            self.next = (route + 1) % routes.len();
            return Choice::Send { route, quote };
        }
        if let Some((until, route, why)) = wait {
            return Choice::Wait { route, why, until };
        }
        // A record that is too large for the scopes that answer may fit one that is ill or parked now.
        if let Some(until) = breakers {
            return Choice::Breakers { until: parked.map_or(until, |parked| until.min(parked)) };
        }
        if let Some(until) = parked {
            return Choice::Parked { until };
        }
        match never {
            Some((route, why, hold)) => Choice::Never { route, why, hold },
            None => Choice::Parked { until: Micros::MAX },
        }
    }
}

/// How full a scope would be, 0 to about 1: what was reserved there in the last minute over its quota; without a known
/// quota, by what is in flight there (Little's law: a slow scope fills up by itself).
fn fullness(route: &RouteState, hold: u64, now: Micros) -> f64 {
    match (route.setup.quota.tpm, route.setup.quota.rpm) {
        (QuotaLimit::Limit(limit), _) => {
            let reserved = route.window.sum(60, now, |second| second.reserved) + hold;
            reserved as f64 / limit.max(1) as f64
        }
        (_, QuotaLimit::Limit(limit)) => {
            let sent = route.window.sum(60, now, |second| u64::from(second.sent)) + 1;
            sent as f64 / limit.max(1) as f64
        }
        _ => f64::from(route.in_flight) / 100.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::{LimiterKnobs, ScopeQuota};
    use crate::record::{Body, Family, FlowId, Priority, ProvisionedRoute, Record, ScopeKey};

    const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
    const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl";

    fn on_demand() -> RouteSetup {
        let route = Route::new("us-east-1", HAIKU);
        RouteSetup {
            key: ScopeKey { region: route.region.clone(), bucket: route.model.clone() },
            route,
            quota: ScopeQuota { tpm: QuotaLimit::Limit(10_000_000), rpm: QuotaLimit::Absent, ..ScopeQuota::default() },
            quota_source: String::new(),
            model: None,
            provisioned: None,
        }
    }

    fn bought() -> RouteSetup {
        RouteSetup::bought(ProvisionedRoute {
            route: Route::new("us-east-1", ARN),
            model: HAIKU.into(),
            input_tpm: Some(60_000),
            output_tpm: Some(12_000),
            usd_per_hour: None,
        })
    }

    struct Rig {
        routes: Vec<RouteState>,
        limiter: Limiter,
        router: Router,
    }

    /// The on-demand route first, then the bought one, whose output is used up.
    fn full() -> Rig {
        let mut limiter = Limiter::new(LimiterKnobs::default());
        let routes: Vec<RouteState> = [on_demand(), bought()]
            .into_iter()
            .map(|setup| {
                let meters = Meters::new(&setup, &mut limiter, Micros::ZERO);
                RouteState::new(setup, meters)
            })
            .collect();
        let mut rig = Rig { routes, limiter, router: Router::default() };
        rig.router.use_bought(vec![1]);
        while let Choice::Send { route: 1, quote } = rig.choose(false) {
            rig.routes[1].meters.admit(&mut rig.limiter, &quote.costs, Micros::ZERO);
        }
        rig
    }

    impl Rig {
        fn choose(&mut self, spill: bool) -> Choice {
            let json = bytes::Bytes::from_static(b"{}");
            let body = Body { family: Family::Converse, json, max_tokens: Some(400), raw_input: 50, text_kind: 0 };
            let record = Record {
                id: "a".to_owned().into(),
                seq: 0,
                flow: FlowId::default(),
                priority: Priority::Medium,
                deadline: None,
                due: Micros::ZERO,
                body,
            };
            let work = Work::new(record, 0, Micros::ZERO);
            let (estimator, outputs) = (Estimator::default(), SettlementGuess::default());
            let known = Known {
                estimator: &estimator,
                outputs: &outputs,
                round_robin: false,
                spill,
                urgency: Priority::Medium,
            };
            self.router.choose(&work, &self.routes, &mut self.limiter, &known, Micros::ZERO)
        }
    }

    #[test]
    fn what_bought_capacity_has_no_room_for_waits_unless_it_may_spill() {
        let mut rig = full();
        assert!(matches!(rig.choose(false), Choice::Wait { route: 1, .. }));
        assert!(matches!(rig.choose(true), Choice::Send { route: 0, .. }));
        // With room again it goes where the hours are paid.
        let later = rig.routes[1].meters;
        rig.routes[1].meters = Meters::new(&bought(), &mut rig.limiter, Micros::ZERO);
        assert!(matches!(rig.choose(true), Choice::Send { route: 1, .. }));
        rig.routes[1].meters = later;
        assert_eq!(rig.router.use_bought(Vec::new()), [1]);
        assert!(matches!(rig.choose(false), Choice::Send { route: 0, .. }));
    }

    #[test]
    fn nothing_is_too_large_by_an_assumed_capacity() {
        let mut rig = full();
        let quote = {
            rig.routes[1].setup.provisioned.as_mut().unwrap().output_tpm = Some(100);
            rig.routes[1].meters = Meters::new(&rig.routes[1].setup, &mut rig.limiter, Micros::ZERO);
            rig.choose(false)
        };
        assert!(matches!(quote, Choice::Send { route: 1, .. }), "{quote:?}");
    }
}
