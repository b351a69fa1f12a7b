//! The load form: a synthetic load, field by field, checked before it is started.

use tui_input::Input;

use crate::record::Usd;
use crate::workload::{Arrival, LoadSpec, Sizes};

use super::entry::number;

/// The arrival processes, as the form names them.
pub const ARRIVALS: [&str; 4] = ["constant", "Poisson", "ramp", "closed loop"];
/// The size distributions, as the form names them.
pub const SIZES: [&str; 4] = ["fixed", "uniform", "normal", "lognormal"];
const OFF_ON: [&str; 2] = ["off", "on"];

/// The highest rate that the form takes, per second.
const TOP_RATE: f64 = 10_000.0;
/// The largest request that the form takes, tokens.
const TOP_TOKENS: f64 = 1_000_000.0;

/// Names a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldId {
    /// Arrival process.
    Arrival,
    /// Rate, or the rate at which a ramp begins.
    Rate,
    /// The rate at which a ramp ends.
    To,
    /// How long a ramp lasts.
    Over,
    /// Workers of a closed loop.
    Workers,
    /// Distribution of input sizes.
    Sizes,
    /// Its first number.
    SizeA,
    /// Its second number.
    SizeB,
    /// `max_tokens`.
    MaxTokens,
    /// Shares of the priorities.
    Mix,
    /// Streamed replies.
    Stream,
    /// Seed.
    Seed,
    /// End after so many records.
    Records,
    /// End after so many seconds.
    Seconds,
    /// Spend cap.
    Cap,
    /// Models.
    Models,
    /// Regions.
    Regions,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// One of a few words.
    Choice {
        /// The words.
        options: &'static [&'static str],
        /// Which one.
        at: usize,
    },
    /// Typed text.
    Text(Input),
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub id: FieldId,
    /// What it holds.
    pub content: Content,
}

/// The form.
#[derive(Clone, Debug)]
pub struct LoadForm {
    fields: Vec<Field>,
    /// The field with the focus.
    pub focus: FieldId,
    /// What is wrong, by field, since the last submission or change.
    pub errors: Vec<(FieldId, String)>,
}

fn choice(id: FieldId, options: &'static [&'static str], at: usize) -> Field {
    Field { id, content: Content::Choice { options, at } }
}

fn text(id: FieldId, value: impl ToString) -> Field {
    Field { id, content: Content::Text(Input::new(value.to_string())) }
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl LoadForm {
    /// A form filled in with a load.
    #[must_use]
    pub fn new(spec: &LoadSpec) -> LoadForm {
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
            choice(FieldId::Arrival, &ARRIVALS, arrival),
            text(FieldId::Rate, rate),
            text(FieldId::To, to),
            text(FieldId::Over, over),
            text(FieldId::Workers, workers),
            choice(FieldId::Sizes, &SIZES, sizes),
            text(FieldId::SizeA, a),
            text(FieldId::SizeB, b),
            text(FieldId::MaxTokens, optional(spec.max_tokens)),
            text(FieldId::Mix, mix),
            choice(FieldId::Stream, &OFF_ON, usize::from(spec.stream)),
            text(FieldId::Seed, spec.seed),
            text(FieldId::Records, optional(spec.records)),
            text(FieldId::Seconds, optional(spec.seconds)),
            text(FieldId::Cap, optional(spec.cap.map(Usd::dollars))),
            text(FieldId::Models, list(spec.models.iter().map(|m| m.as_str()).collect())),
            text(FieldId::Regions, list(spec.regions.iter().map(|r| r.as_str()).collect())),
        ];
        LoadForm { fields, focus: FieldId::Arrival, errors: Vec::new() }
    }

    /// The fields that matter for the chosen arrival and sizes, in order.
    #[must_use]
    pub fn visible(&self) -> Vec<&Field> {
        let arrival = self.chosen(FieldId::Arrival);
        let sizes = self.chosen(FieldId::Sizes);
        self.fields
            .iter()
            .filter(|field| match field.id {
                FieldId::Rate => arrival != 3,
                FieldId::To | FieldId::Over => arrival == 2,
                FieldId::Workers => arrival == 3,
                FieldId::SizeB => sizes != 0,
                _ => true,
            })
            .collect()
    }

    /// A field's words: label, unit, and what may be said about it.
    #[must_use]
    pub fn words(&self, id: FieldId) -> (&'static str, &'static str, &'static str) {
        let ramp = self.chosen(FieldId::Arrival) == 2;
        let sizes = self.chosen(FieldId::Sizes).min(3);
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
        }
    }

    fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    fn chosen(&self, id: FieldId) -> usize {
        match self.field(id).map(|field| &field.content) {
            Some(Content::Choice { at, .. }) => *at,
            _ => 0,
        }
    }

    fn text(&self, id: FieldId) -> &str {
        match self.field(id).map(|field| &field.content) {
            Some(Content::Text(input)) => input.value().trim(),
            _ => "",
        }
    }

    /// The typed field with the focus, if it is one.
    pub fn focused_input(&mut self) -> Option<&mut Input> {
        let focus = self.focus;
        match self.fields.iter_mut().find(|field| field.id == focus).map(|field| &mut field.content) {
            Some(Content::Text(input)) => Some(input),
            _ => None,
        }
    }

    /// Whether the field with the focus is changed with Left and Right.
    #[must_use]
    pub fn focus_is_choice(&self) -> bool {
        matches!(self.field(self.focus).map(|field| &field.content), Some(Content::Choice { .. }))
    }

    /// Moves the focus over the visible fields, round at the ends.
    pub fn move_focus(&mut self, by: isize) {
        let ids: Vec<FieldId> = self.visible().iter().map(|field| field.id).collect();
        let at = ids.iter().position(|id| *id == self.focus).unwrap_or(0);
        let count = ids.len() as isize;
        self.focus = ids[((at as isize + by).rem_euclid(count)) as usize];
    }

    /// Changes the focused choice.
    pub fn turn(&mut self, up: bool) {
        let focus = self.focus;
        if let Some(Field { content: Content::Choice { options, at }, .. }) =
            self.fields.iter_mut().find(|field| field.id == focus)
        {
            *at = (*at + if up { 1 } else { options.len() - 1 }) % options.len();
        }
        self.errors.clear();
    }

    /// The load that the form describes. What is wrong is kept in `errors`, and the focus goes to the first of it.
    pub fn check(&mut self) -> Option<LoadSpec> {
        let mut errors = Vec::new();
        let spec = self.read(&mut errors);
        let visible: Vec<FieldId> = self.visible().iter().map(|field| field.id).collect();
        errors.retain(|(id, _)| visible.contains(id));
        self.errors = errors;
        match self.errors.first() {
            Some((id, _)) => {
                self.focus = *id;
                None
            }
            None => Some(spec),
        }
    }

    fn read(&self, errors: &mut Vec<(FieldId, String)>) -> LoadSpec {
        let mut take = |id: FieldId, low: f64, high: f64| match number(self.text(id)) {
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
        let shown = |id: FieldId| self.visible().iter().any(|field| field.id == id);
        let mut take_if = |id, low, high| if shown(id) { take(id, low, high) } else { low };
        let (rate, to) = (take_if(FieldId::Rate, 0.001, TOP_RATE), take_if(FieldId::To, 0.001, TOP_RATE));
        let over = take_if(FieldId::Over, 1.0, 86_400.0);
        let workers = take_if(FieldId::Workers, 1.0, 10_000.0) as u32;
        let (a, b) = (take_if(FieldId::SizeA, 1.0, TOP_TOKENS), take_if(FieldId::SizeB, 1.0, TOP_TOKENS));
        let seed = take_if(FieldId::Seed, 0.0, 9e15) as u64;
        let mut maybe = |id: FieldId, low, high| (!self.text(id).is_empty()).then(|| take(id, low, high));
        let max_tokens = maybe(FieldId::MaxTokens, 1.0, TOP_TOKENS).map(|n| n as u64);
        let records = maybe(FieldId::Records, 1.0, 1e9).map(|n| n as u64);
        let seconds = maybe(FieldId::Seconds, 1.0, 604_800.0);
        let cap = maybe(FieldId::Cap, 0.01, 1e6).map(Usd::from_dollars);
        let sizes = self.chosen(FieldId::Sizes);
        if matches!(sizes, 1 | 3) && b < a {
            errors.push((FieldId::SizeB, "must not be smaller than the field above".to_owned()));
        }
        let mix = self.mix().unwrap_or_else(|why| {
            errors.push((FieldId::Mix, why));
            [0.0, 1.0, 0.0]
        });
        LoadSpec {
            arrival: match self.chosen(FieldId::Arrival) {
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
            stream: self.chosen(FieldId::Stream) == 1,
            seed,
            records,
            seconds,
            cap,
            models: self.names(FieldId::Models).map(Into::into).collect(),
            regions: self.names(FieldId::Regions).map(Into::into).collect(),
        }
    }

    fn names(&self, id: FieldId) -> impl Iterator<Item = &str> {
        self.text(id).split([',', ' ']).filter(|name| !name.is_empty())
    }

    fn mix(&self) -> Result<[f64; 3], String> {
        let wrong = || "three shares are needed, for example 20 60 20".to_owned();
        let shares: Vec<f64> =
            self.names(FieldId::Mix).map(|share| number(share).map_err(|_| wrong())).collect::<Result<_, _>>()?;
        let sum: f64 = shares.iter().sum();
        match shares[..] {
            [high, medium, low] if sum > 0.0 && shares.iter().all(|share| *share >= 0.0) => {
                Ok([high / sum, medium / sum, low / sum])
            }
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(form: &mut LoadForm, id: FieldId, value: &str) {
        form.focus = id;
        *form.focused_input().unwrap() = Input::new(value.to_owned());
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
            assert_eq!(LoadForm::new(&load).check(), Some(load));
        }
    }

    #[test]
    fn every_wrong_field_is_named_and_the_first_gets_the_focus() {
        let mut form = LoadForm::new(&LoadSpec::default());
        set(&mut form, FieldId::Rate, "fast");
        set(&mut form, FieldId::SizeB, "1");
        set(&mut form, FieldId::Mix, "1 2");
        set(&mut form, FieldId::Cap, "-3");
        assert_eq!(form.check(), None);
        let wrong: Vec<FieldId> = form.errors.iter().map(|(id, _)| *id).collect();
        assert_eq!(form.focus, FieldId::Rate);
        for id in [FieldId::Rate, FieldId::SizeB, FieldId::Mix, FieldId::Cap] {
            assert!(wrong.contains(&id), "{id:?} in {wrong:?}");
        }
    }

    #[test]
    fn a_hidden_field_cannot_be_wrong() {
        let mut form = LoadForm::new(&LoadSpec::default());
        set(&mut form, FieldId::Workers, "none");
        assert!(form.check().is_some());
        form.focus = FieldId::Arrival;
        form.turn(false);
        form.turn(false);
        assert_eq!(form.check(), None, "a closed loop shows its workers");
    }

    #[test]
    fn the_focus_goes_round_over_visible_fields_only() {
        let mut form = LoadForm::new(&LoadSpec::default());
        let count = form.visible().len() as isize;
        form.move_focus(-1);
        assert_eq!(form.focus, FieldId::Regions);
        form.move_focus(1);
        form.move_focus(count);
        assert_eq!(form.focus, FieldId::Arrival);
    }
}
