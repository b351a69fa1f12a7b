//! The load form: a synthetic load, field by field, checked before it is started.

use crate::record::Usd;
use crate::workload::{Arrival, LoadSpec, Sizes};

use super::super::entry::number;
use super::{FieldId, Form, Kind, choice, optional, text};

/// The arrival processes, as the form names them.
pub const ARRIVALS: [&str; 4] = ["constant", "Poisson", "ramp", "closed loop"];
/// The size distributions, as the form names them.
pub const SIZES: [&str; 4] = ["fixed", "uniform", "normal", "lognormal"];
const OFF_ON: [&str; 2] = ["off", "on"];

/// The highest rate that the form takes, per second.
const TOP_RATE: f64 = 10_000.0;
/// The largest request that the form takes, tokens.
const TOP_TOKENS: f64 = 1_000_000.0;

/// A form filled in with a load.
#[must_use]
pub fn form(spec: &LoadSpec) -> Form {
    let (arrival, rate, to, over, workers) = match spec.arrival {
        Arrival::Constant { rate } => (0, rate, rate * 2.0, 60.0, 8),
        Arrival::Poisson { rate } => (1, rate, rate * 2.0, 60.0, 8),
        Arrival::Ramp { from, to, over } => (2, from, to, over, 8),
        Arrival::Closed { workers } => (3, 2.0, 4.0, 60.0, workers),
    };
    let (sizes, a, b) = match spec.input {
        Sizes::Fixed { tokens } => (0, tokens, tokens * 10.0),
        Sizes::Uniform { min, max } => (1, min, max),
        Sizes::Normal { mean, sd } => (2, mean, sd),
        Sizes::LogNormal { p50, p99 } => (3, p50, p99),
    };
    let mix = spec.mix.map(|share| format!("{:.0}", share * 100.0)).join(" ");
    let list = |names: Vec<&str>| names.join(", ");
    let fields = vec![
        choice(FieldId::Arrival, ARRIVALS, arrival),
        text(FieldId::Rate, rate),
        text(FieldId::To, to),
        text(FieldId::Over, over),
        text(FieldId::Workers, workers),
        choice(FieldId::Sizes, SIZES, sizes),
        text(FieldId::SizeA, a),
        text(FieldId::SizeB, b),
        text(FieldId::MaxTokens, optional(spec.max_tokens)),
        text(FieldId::Mix, mix),
        choice(FieldId::Stream, OFF_ON, usize::from(spec.stream)),
        text(FieldId::Seed, spec.seed),
        text(FieldId::Records, optional(spec.records)),
        text(FieldId::Seconds, optional(spec.seconds)),
        text(FieldId::Cap, optional(spec.cap.map(Usd::dollars))),
        text(FieldId::Models, list(spec.models.iter().map(|m| m.as_str()).collect())),
        text(FieldId::Regions, list(spec.regions.iter().map(|r| r.as_str()).collect())),
    ];
    Form::new(Kind::Load, fields)
}

/// Whether a field matters for the chosen arrival and sizes.
pub(super) fn shows(form: &Form, id: FieldId) -> bool {
    let arrival = form.chosen(FieldId::Arrival);
    match id {
        FieldId::Rate => arrival != 3,
        FieldId::To | FieldId::Over => arrival == 2,
        FieldId::Workers => arrival == 3,
        FieldId::SizeB => form.chosen(FieldId::Sizes) != 0,
        _ => true,
    }
}

/// A field's words: label, unit, and what may be said about it.
pub(super) fn words(form: &Form, id: FieldId) -> (&'static str, &'static str, &'static str) {
    let ramp = form.chosen(FieldId::Arrival) == 2;
    let sizes = form.chosen(FieldId::Sizes).min(3);
    match id {
        FieldId::Arrival => ("Arrivals", "", "evenly, at random, rising, or one when one is done"),
        FieldId::Rate if ramp => ("From", "/s", "the rate at which the ramp begins"),
        FieldId::Rate => ("Rate", "/s", "records per second"),
        FieldId::To => ("To", "/s", "the rate at which the ramp ends, and stays"),
        FieldId::Over => ("Over", "s", "how long the ramp lasts"),
        FieldId::Workers => ("Workers", "", "records outstanding at once"),
        FieldId::Sizes => ("Input sizes", "", "how long the prompts are"),
        FieldId::SizeA => (["Tokens", "Smallest", "Mean", "Median"][sizes], "tokens", ""),
        FieldId::SizeB => (["", "Largest", "Deviation", "99th percentile"][sizes], "tokens", ""),
        FieldId::MaxTokens => ("max_tokens", "tokens", "empty: the model's maximum is reserved for every request"),
        FieldId::Mix => ("Priorities", "shares", "of high, medium and low"),
        FieldId::Stream => ("Stream", "", "replies as events: TTFT and TPOT are measured"),
        FieldId::Seed => ("Seed", "", "the same seed gives the same arrivals and prompts"),
        FieldId::Records => ("End after", "records", "empty: no end"),
        FieldId::Seconds => ("End after", "s", "empty: no end"),
        FieldId::Cap => ("Spend cap", "USD", "empty: no cap"),
        FieldId::Models => ("Models", "", "separated by commas; empty keeps those in use"),
        FieldId::Regions => ("Regions", "", "separated by commas; empty keeps those in use"),
        _ => ("", "", ""),
    }
}

/// The load that the form describes. What is wrong is kept in its `errors`, and the focus goes to the first of it.
pub fn check(form: &mut Form) -> Option<LoadSpec> {
    let mut errors = Vec::new();
    let spec = read(form, &mut errors);
    form.judge(errors).then_some(spec)
}

fn read(form: &Form, errors: &mut Vec<(FieldId, String)>) -> LoadSpec {
    let mut take = |id: FieldId, low: f64, high: f64| match number(form.text(id)) {
        Ok(value) if (low..=high).contains(&value) => value,
        Ok(_) => {
            errors.push((id, format!("{low} to {high} is allowed")));
            low
        }
        Err(why) => {
            errors.push((id, why));
            low
        }
    };
    let shown = |id: FieldId| form.shows(id);
    let mut take_if = |id, low, high| if shown(id) { take(id, low, high) } else { low };
    let (rate, to) = (take_if(FieldId::Rate, 0.001, TOP_RATE), take_if(FieldId::To, 0.001, TOP_RATE));
    let over = take_if(FieldId::Over, 1.0, 86_400.0);
    let workers = take_if(FieldId::Workers, 1.0, 10_000.0) as u32;
    let (a, b) = (take_if(FieldId::SizeA, 1.0, TOP_TOKENS), take_if(FieldId::SizeB, 1.0, TOP_TOKENS));
    let seed = take_if(FieldId::Seed, 0.0, 9e15) as u64;
    let mut maybe = |id: FieldId, low, high| (!form.text(id).is_empty()).then(|| take(id, low, high));
    let max_tokens = maybe(FieldId::MaxTokens, 1.0, TOP_TOKENS).map(|n| n as u64);
    let records = maybe(FieldId::Records, 1.0, 1e9).map(|n| n as u64);
    let seconds = maybe(FieldId::Seconds, 1.0, 604_800.0);
    let cap = maybe(FieldId::Cap, 0.01, 1e6).map(Usd::from_dollars);
    let sizes = form.chosen(FieldId::Sizes);
    if matches!(sizes, 1 | 3) && b < a {
        errors.push((FieldId::SizeB, "must not be smaller than the field above".to_owned()));
    }
    let mix = mix(form).unwrap_or_else(|why| {
        errors.push((FieldId::Mix, why));
        [0.0, 1.0, 0.0]
    });
    LoadSpec {
        arrival: match form.chosen(FieldId::Arrival) {
            0 => Arrival::Constant { rate },
            1 => Arrival::Poisson { rate },
            2 => Arrival::Ramp { from: rate, to, over },
            _ => Arrival::Closed { workers },
        },
        input: match sizes {
            0 => Sizes::Fixed { tokens: a },
            1 => Sizes::Uniform { min: a, max: b },
            2 => Sizes::Normal { mean: a, sd: b },
            _ => Sizes::LogNormal { p50: a, p99: b },
        },
        max_tokens,
        mix,
        stream: form.chosen(FieldId::Stream) == 1,
        seed,
        records,
        seconds,
        cap,
        models: form.names(FieldId::Models).map(Into::into).collect(),
        regions: form.names(FieldId::Regions).map(Into::into).collect(),
    }
}

fn mix(form: &Form) -> Result<[f64; 3], String> {
    let wrong = || "three shares are needed, for example 20 60 20".to_owned();
    let shares: Vec<f64> =
        form.names(FieldId::Mix).map(|share| number(share).map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let sum: f64 = shares.iter().sum();
    match shares[..] {
        [high, medium, low] if sum > 0.0 && shares.iter().all(|share| *share >= 0.0) => {
            Ok([high / sum, medium / sum, low / sum])
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Chord;

    fn set(form: &mut Form, id: FieldId, value: &str) {
        form.focus = id;
        form.type_key(Chord::ctrl('u'));
        form.paste(value);
    }

    #[test]
    fn a_form_gives_back_the_load_that_filled_it() {
        let loads = [
            LoadSpec::default(),
            LoadSpec { arrival: Arrival::Constant { rate: 0.5 }, max_tokens: None, ..LoadSpec::default() },
            LoadSpec {
                arrival: Arrival::Ramp { from: 1.0, to: 20.0, over: 90.0 },
                input: Sizes::Normal { mean: 500.0, sd: 100.0 },
                stream: true,
                cap: Some(Usd::from_dollars(2.5)),
                ..LoadSpec::default()
            },
            LoadSpec {
                arrival: Arrival::Closed { workers: 32 },
                input: Sizes::Uniform { min: 10.0, max: 90.0 },
                records: Some(1_000),
                seconds: Some(60.0),
                models: vec!["a.b".into(), "c.d".into()],
                regions: vec!["us-east-1".into()],
                ..LoadSpec::default()
            },
        ];
        for load in loads {
            assert_eq!(check(&mut form(&load)), Some(load));
        }
    }

    #[test]
    fn every_wrong_field_is_named_and_the_first_gets_the_focus() {
        let mut form = super::form(&LoadSpec::default());
        set(&mut form, FieldId::Rate, "fast");
        set(&mut form, FieldId::SizeB, "1");
        set(&mut form, FieldId::Mix, "1 2");
        set(&mut form, FieldId::Cap, "-3");
        assert_eq!(check(&mut form), None);
        let wrong: Vec<FieldId> = form.errors.iter().map(|(id, _)| *id).collect();
        assert_eq!(form.focus, FieldId::Rate);
        for id in [FieldId::Rate, FieldId::SizeB, FieldId::Mix, FieldId::Cap] {
            assert!(wrong.contains(&id), "{id:?} in {wrong:?}");
        }
    }

    #[test]
    fn a_hidden_field_cannot_be_wrong() {
        let mut form = super::form(&LoadSpec::default());
        set(&mut form, FieldId::Workers, "none");
        assert!(check(&mut form).is_some());
        form.focus = FieldId::Arrival;
        form.turn(false);
        form.turn(false);
        assert_eq!(check(&mut form), None, "a closed loop shows its workers");
    }

    #[test]
    fn the_focus_goes_round_over_visible_fields_only() {
        let mut form = super::form(&LoadSpec::default());
        let count = form.visible().len() as isize;
        form.move_focus(-1);
        assert_eq!(form.focus, FieldId::Regions);
        form.move_focus(1);
        form.move_focus(count);
        assert_eq!(form.focus, FieldId::Arrival);
    }
}
