//! The gate to the engine: what may pass at once, what is asked first, what is refused.

use crate::engine::{Command, EngineSnapshot, KnobId, LoadKind};
use crate::record::Usd;
use crate::workload::{Arrival, LoadSpec};

use super::super::price::{self, ModelPrice};
use super::super::tuning;
use super::{Asked, Confirmed, Dialog, Fact, Gate, READ_ONLY, account};

/// What the operator has agreed to: raising any of it asks again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Arrivals per second (or workers of a closed loop); `None`: no such rate.
    pub rate: Option<f64>,
    /// The spend cap; `None`: without one.
    pub cap: Option<Usd>,
    /// Part of each quota, in the knob's unit.
    pub share: Option<f64>,
}

impl Agreement {
    /// What is in force in a snapshot.
    #[must_use]
    pub fn of(snapshot: &EngineSnapshot) -> Agreement {
        Agreement { rate: rate(snapshot), cap: snapshot.money.cap, share: knob(snapshot, KnobId::Share) }
    }

    /// The agreement after the operator said yes to `command` (`rate` is the rate before it).
    #[must_use]
    pub fn with(mut self, command: &Command, rate: Option<f64>) -> Agreement {
        match command {
            Command::StartLoad(spec) => {
                self.rate = spec_rate(spec);
                self.cap = spec.cap;
            }
            Command::ScaleRate(factor) => self.rate = rate.map(|rate| rate * factor),
            Command::SetKnob { knob: KnobId::ArrivalRate, value } => self.rate = Some(*value),
            Command::SetKnob { knob: KnobId::Share, value } => self.share = Some(*value),
            Command::SetCap(cap) => self.cap = *cap,
            _ => {}
        }
        self
    }
}

/// The arrival rate in a snapshot: the knob's where a load turns it, else what is asked of the engine.
#[must_use]
pub fn rate(snapshot: &EngineSnapshot) -> Option<f64> {
    let turned = snapshot.knobs.iter().find(|knob| knob.spec.id == KnobId::ArrivalRate && knob.active);
    turned.map(|knob| knob.value).or(snapshot.flow.requested_rps)
}

/// The value of a knob, if there is one.
#[must_use]
pub fn knob(snapshot: &EngineSnapshot, id: KnobId) -> Option<f64> {
    snapshot.knobs.iter().find(|knob| knob.spec.id == id).map(|knob| knob.value)
}

fn spec_rate(spec: &LoadSpec) -> Option<f64> {
    match spec.arrival {
        Arrival::Closed { workers } => Some(f64::from(workers)),
        ref open => price::top_rate(open),
    }
}

/// All that the gate looks at.
pub struct Circumstance<'a> {
    /// The engine now.
    pub snapshot: &'a EngineSnapshot,
    /// What was agreed to so far.
    pub agreed: Option<Agreement>,
    /// The arrival rate now, changes under way included.
    pub rate: Option<f64>,
    /// Prices of the models in use.
    pub prices: &'a [ModelPrice],
}

/// Decides whether an order passes, is asked about, or is refused.
#[must_use]
pub fn gate(command: Command, now: &Circumstance<'_>) -> Gate<Command> {
    let target = &now.snapshot.target;
    if target.read_only && matches!(command, Command::StartLoad(_)) {
        return Gate::Refuse("READ-ONLY: no load can be started".to_owned());
    }
    if target.simulated || !raises(&command, now) {
        return Gate::Go(Confirmed(command));
    }
    if target.read_only {
        return Gate::Refuse(READ_ONLY.to_owned());
    }
    Gate::Ask(Box::new(question(command, now)))
}

/// Whether an order may spend more, or take more from others, than was agreed to.
fn raises(command: &Command, now: &Circumstance<'_>) -> bool {
    let agreed = now.agreed;
    // Without an agreement nothing above zero has been agreed to; a hair's breadth is rounding, not a raise.
    let above = |value: f64, limit: Option<f64>| limit.is_none_or(|limit| value > limit * (1.0 + 1e-9));
    match command {
        Command::StartLoad(_) => true,
        Command::ScaleRate(factor) => {
            let rate = now.rate.unwrap_or(f64::INFINITY);
            *factor > 1.0 && above(rate * factor, agreed.and_then(|a| a.rate))
        }
        Command::SetKnob { knob: KnobId::ArrivalRate, value } => above(*value, agreed.and_then(|a| a.rate)),
        Command::SetKnob { knob: KnobId::Share, value } => {
            let before = knob(now.snapshot, KnobId::Share).unwrap_or(0.0);
            *value > before && above(*value, agreed.and_then(|a| a.share))
        }
        Command::SetKnob { knob: id @ (KnobId::ProbeAboveQuota | KnobId::Spill), value } => {
            *value > 0.0 && knob(now.snapshot, *id) == Some(0.0)
        }
        // What bought capacity took without a price by the token is billed by the token from now on.
        Command::UseProvisioned(None) => true,
        Command::SetCap(cap) => match agreed {
            // No load, nothing agreed: a cap is only ever a limit then.
            None => now.snapshot.run.kind != LoadKind::None && raises_cap(*cap, now.snapshot.money.cap),
            Some(agreed) => raises_cap(*cap, agreed.cap),
        },
        _ => false,
    }
}

fn raises_cap(cap: Option<Usd>, limit: Option<Usd>) -> bool {
    match (cap, limit) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(cap), Some(limit)) => cap > limit,
    }
}

fn question(command: Command, now: &Circumstance<'_>) -> Dialog {
    let snapshot = now.snapshot;
    let mut facts = place(snapshot);
    let share = knob_text(snapshot, KnobId::Share);
    let (title, accept, warning);
    match &command {
        Command::StartLoad(spec) => {
            title = "Start load on AWS?".to_owned();
            accept = "Start load";
            facts.push(("Load", Fact::Text(describe(spec))));
            facts.push((
                "Cost at most",
                match price::estimate(spec, now.prices) {
                    Ok(estimate) => Fact::Cost(estimate),
                    Err(models) => Fact::Text(format!("unknown: no price for {}", models.join(", "))),
                },
            ));
            facts.push(("Share of quota", Fact::Text(share)));
            facts.push((
                "Spend cap",
                match spec.cap {
                    Some(cap) => Fact::Money("stops before ", cap, ""),
                    None => Fact::Text("none: it ends only when you end it".to_owned()),
                },
            ));
            warning = "Every request is billed to this account and takes quota from whoever shares it.".to_owned();
        }
        Command::SetCap(cap) => {
            title = "Raise the spend cap?".to_owned();
            accept = "Raise cap";
            facts.push(("Spend cap", Fact::Cap(snapshot.money.cap, *cap)));
            facts.push(("Spent so far", Fact::Money("", snapshot.money.spent, "")));
            facts.push(("Rate now", Fact::Money("", snapshot.money.per_hour, " /h")));
            warning = "The load goes on spending up to the new cap.".to_owned();
        }
        Command::SetKnob { knob: KnobId::ProbeAboveQuota, .. } => {
            title = "Probe above the configured quota?".to_owned();
            accept = "Allow probing";
            facts.push(("Share of quota", Fact::Text(share)));
            warning =
                "The limiter will try more than the known quota: others on this account may be throttled.".to_owned();
        }
        Command::SetKnob { knob: KnobId::Spill, .. } => {
            title = "Let it spill to on demand?".to_owned();
            accept = "Allow spilling";
            facts.push(("Spend cap", Fact::Cap(snapshot.money.cap, snapshot.money.cap)));
            warning = "What bought capacity has no room for is sent on demand and billed by the token.".to_owned();
        }
        Command::UseProvisioned(None) => {
            title = "Send the load on demand again?".to_owned();
            accept = "Go on demand";
            facts.push(("Spend cap", Fact::Cap(snapshot.money.cap, snapshot.money.cap)));
            warning = "Every request is billed by the token from then on.".to_owned();
        }
        Command::SetKnob { knob: KnobId::Share, value } => {
            title = "Use a larger share of the quota?".to_owned();
            accept = "Raise share";
            let to = knob_value_text(snapshot, KnobId::Share, *value);
            facts.push(("Share of quota", Fact::Text(format!("{share} -> {to}"))));
            facts.push(("Rate now", Fact::Money("", snapshot.money.per_hour, " /h")));
            warning = "What this process takes, others on this account cannot have.".to_owned();
        }
        other => {
            title = "Raise the arrival rate?".to_owned();
            accept = "Raise rate";
            let to = match other {
                Command::ScaleRate(factor) => now.rate.map(|rate| rate * factor),
                Command::SetKnob { value, .. } => Some(*value),
                _ => None,
            };
            let say = |rate: Option<f64>| rate.map_or("unknown".to_owned(), |rate| format!("{rate:.2}"));
            facts.push(("Arrival rate", Fact::Text(format!("{} -> {} /s", say(now.rate), say(to)))));
            if let (Some(from), Some(to)) = (now.rate.filter(|rate| *rate > 0.0), to) {
                let hour = Usd::from_dollars(snapshot.money.per_hour.dollars() * to / from);
                facts.push(("Cost then", Fact::Money("about ", hour, " /h, if the quota allows")));
            }
            facts.push(("Spend cap", Fact::Cap(snapshot.money.cap, snapshot.money.cap)));
            warning = "More requests are billed per hour than you agreed to.".to_owned();
        }
    }
    let agreed = now.agreed.unwrap_or_else(|| Agreement::of(snapshot));
    let agreement = agreed.with(&command, now.rate);
    Dialog::new(title, facts, warning, accept, Asked::Engine { command, agreement })
}

fn place(snapshot: &EngineSnapshot) -> Vec<(&'static str, Fact)> {
    let mut facts = account(snapshot);
    let regions = snapshot.target.regions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    facts.push((if snapshot.target.regions.len() == 1 { "Region" } else { "Regions" }, Fact::Text(regions)));
    facts
}

fn knob_text(snapshot: &EngineSnapshot, id: KnobId) -> String {
    knob(snapshot, id).map_or("unknown".to_owned(), |value| knob_value_text(snapshot, id, value))
}

fn knob_value_text(snapshot: &EngineSnapshot, id: KnobId, value: f64) -> String {
    snapshot
        .knobs
        .iter()
        .find(|knob| knob.spec.id == id)
        .map_or_else(|| format!("{value}"), |knob| tuning::knob_text(knob.spec, value))
}

/// A load in one line, as the engine's label has it, with what shapes its cost.
#[must_use]
pub fn describe(spec: &LoadSpec) -> String {
    let arrival = match spec.arrival {
        Arrival::Constant { rate } => format!("constant {rate:.2}/s"),
        Arrival::Poisson { rate } => format!("Poisson {rate:.2}/s"),
        Arrival::Ramp { from, to, over } => format!("ramp {from:.2} to {to:.2}/s over {over:.0} s"),
        Arrival::Closed { workers } => format!("{workers} workers"),
    };
    let max = spec.max_tokens.map_or("no max_tokens".to_owned(), |max| format!("max_tokens {max}"));
    let input = price::mean_tokens(&spec.input);
    let mut text = format!("{arrival}, input {input:.0} tokens on average, {max}");
    if let Some(records) = spec.records {
        text.push_str(&format!(", {records} records"));
    }
    if let Some(seconds) = spec.seconds {
        text.push_str(&format!(", {seconds:.0} s"));
    }
    text
}
