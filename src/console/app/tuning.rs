//! The tuning screen's rows: every knob, the preset, the cap, quotas by hand, Regions.

use crate::engine::{Command, EngineSnapshot, KnobGroup, KnobId, KnobKind, KnobSpec, KnobView};
use crate::limiter::{Preset, QuotaLimit};
use crate::record::{Micros, Region, ScopeKey, Usd};

use super::{entry, short_model};

/// How long a value that was sent is shown while no snapshot has it yet.
const PATIENCE: Micros = Micros::from_millis(1_500);
/// One key press on a quota or a cap.
const QUOTA_STEP: f64 = 1.1;
/// Where the cap starts when there is none.
const FIRST_CAP: f64 = 1.0;

/// A row of the tuning screen.
#[derive(Clone, Debug, PartialEq)]
pub enum TuningRow {
    /// A knob.
    Knob(KnobId),
    /// The limiter's rule.
    Preset,
    /// The spend cap.
    Cap,
    /// A Region: sending or drained.
    Region(Region),
    /// A scope's requests per minute, by hand.
    Rpm(ScopeKey),
    /// A scope's tokens per minute, by hand.
    Tpm(ScopeKey),
}

/// The tuning screen's state.
#[derive(Clone, Debug, Default)]
pub struct Tuning {
    /// The selected row.
    pub cursor: usize,
    /// Changes made from this console that can still be undone.
    pub changes: u32,
    /// Values sent and not yet seen in a snapshot: a second key press must start from them.
    pub pending: Vec<(TuningRow, f64, Micros)>,
}

/// A row as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Two or three words.
    pub label: String,
    /// Value with its unit.
    pub value: String,
    /// Smallest and largest value, or the choices.
    pub range: String,
    /// Value at the start; empty if that means nothing.
    pub default: String,
    /// One line: what it does.
    pub meaning: String,
    /// Whether it has any effect now.
    pub active: bool,
    /// Whether it differs from the value at the start.
    pub changed: bool,
}

/// The rows in order, each with the heading of its group.
#[must_use]
pub fn rows(snapshot: &EngineSnapshot) -> Vec<(&'static str, TuningRow)> {
    let knobs = |group: KnobGroup, heading: &'static str| {
        snapshot
            .knobs
            .iter()
            .filter(move |knob| knob.spec.group == group)
            .map(move |knob| (heading, TuningRow::Knob(knob.spec.id)))
    };
    let mut rows: Vec<(&'static str, TuningRow)> = knobs(KnobGroup::Load, "Load").collect();
    rows.push(("Load", TuningRow::Cap));
    rows.push(("Limiter", TuningRow::Preset));
    rows.extend(knobs(KnobGroup::Limiter, "Limiter"));
    rows.extend(knobs(KnobGroup::Rules, "Limiter, other rules"));
    rows.extend(knobs(KnobGroup::Retry, "Retry"));
    rows.extend(knobs(KnobGroup::Routing, "Routing"));
    rows.extend(snapshot.regions.iter().map(|region| ("Regions", TuningRow::Region(region.region.clone()))));
    for scope in &snapshot.scopes {
        rows.push(("Quota by hand", TuningRow::Rpm(scope.key.clone())));
        rows.push(("Quota by hand", TuningRow::Tpm(scope.key.clone())));
    }
    rows
}

impl Tuning {
    /// The selected row.
    #[must_use]
    pub fn selected_row(&self, snapshot: &EngineSnapshot) -> Option<TuningRow> {
        let mut rows = rows(snapshot);
        let at = self.cursor.min(rows.len().checked_sub(1)?);
        Some(rows.swap_remove(at).1)
    }

    /// A value that was sent and is not in the snapshot yet.
    #[must_use]
    pub fn pending(&self, row: &TuningRow) -> Option<f64> {
        self.pending.iter().find(|(of, ..)| of == row).map(|&(_, value, _)| value)
    }

    /// Remembers a value that was sent.
    pub fn sent(&mut self, row: TuningRow, value: f64, now: Micros) {
        self.pending.retain(|(of, ..)| *of != row);
        self.pending.push((row, value, now));
    }

    /// Forgets values that a snapshot confirms, and those that it has had time enough to show.
    pub fn settle(&mut self, snapshot: &EngineSnapshot, now: Micros) {
        self.pending.retain(|(row, value, at)| {
            let seen = row.number(snapshot).is_some_and(|number| (number - value).abs() <= value.abs() * 1e-9);
            !seen && now.since(*at) < PATIENCE
        });
    }
}

impl TuningRow {
    /// Its number in a snapshot, if it has one.
    #[must_use]
    pub fn number(&self, snapshot: &EngineSnapshot) -> Option<f64> {
        match self {
            TuningRow::Knob(id) => find(snapshot, *id).map(|knob| knob.value),
            TuningRow::Preset => Preset::ALL.iter().position(|p| *p == snapshot.preset).map(|at| at as f64),
            TuningRow::Cap => snapshot.money.cap.map(Usd::dollars),
            TuningRow::Region(region) => snapshot
                .regions
                .iter()
                .find(|view| view.region == *region)
                .map(|view| if view.drained { 0.0 } else { 1.0 }),
            TuningRow::Rpm(_) | TuningRow::Tpm(_) => match self.quota(snapshot) {
                Some(QuotaLimit::Limit(limit)) => Some(limit as f64),
                _ => None,
            },
        }
    }

    fn quota(&self, snapshot: &EngineSnapshot) -> Option<QuotaLimit> {
        let of = |key: &ScopeKey| snapshot.scopes.iter().find(|scope| scope.key == *key);
        match self {
            TuningRow::Rpm(key) => of(key).map(|scope| scope.limiter.rpm.quota),
            TuningRow::Tpm(key) => of(key).map(|scope| scope.limiter.tpm.quota),
            _ => None,
        }
    }

    /// Whether a value can be typed.
    #[must_use]
    pub fn takes_text(&self, snapshot: &EngineSnapshot) -> bool {
        match self {
            TuningRow::Knob(id) => {
                find(snapshot, *id).is_some_and(|knob| matches!(knob.spec.kind, KnobKind::Ratio | KnobKind::Linear))
            }
            TuningRow::Cap | TuningRow::Rpm(_) | TuningRow::Tpm(_) => true,
            TuningRow::Preset | TuningRow::Region(_) => false,
        }
    }

    /// The order for one step up or down, and the new number. Switches and choices go round.
    ///
    /// # Errors
    /// One line that says why there is nothing to step.
    pub fn step(&self, snapshot: &EngineSnapshot, pending: Option<f64>, up: bool) -> Result<(Command, f64), String> {
        let now = pending.filter(|value| value.is_finite()).or_else(|| self.number(snapshot));
        let times = |value: f64, step: f64| if up { value * step } else { value / step };
        let value = match self {
            TuningRow::Knob(id) => {
                let knob = find(snapshot, *id).ok_or("this knob is gone")?;
                step_knob(knob.spec, now.unwrap_or(knob.value), up)
            }
            TuningRow::Preset => cycle(now.unwrap_or(0.0), Preset::ALL.len(), up),
            TuningRow::Region(_) => 1.0 - now.unwrap_or(1.0),
            TuningRow::Cap => now.map_or(FIRST_CAP, |cap| cents(times(cap, QUOTA_STEP), up)),
            TuningRow::Rpm(key) | TuningRow::Tpm(key) => {
                let known = now.or_else(|| self.believed(snapshot, key));
                let known = known.ok_or_else(|| self.why_no_number(snapshot))?;
                let value = times(known, QUOTA_STEP);
                if up { value.ceil() } else { value.floor() }
            }
        };
        self.set(snapshot, value)
    }

    /// The limiter's own belief, where no quota is known.
    fn believed(&self, snapshot: &EngineSnapshot, key: &ScopeKey) -> Option<f64> {
        if self.quota(snapshot) != Some(QuotaLimit::Unknown) {
            return None;
        }
        let scope = snapshot.scopes.iter().find(|scope| scope.key == *key)?;
        match self {
            TuningRow::Rpm(_) => scope.limiter.rpm.target,
            _ => scope.limiter.tpm.target,
        }
    }

    fn why_no_number(&self, snapshot: &EngineSnapshot) -> String {
        match self.quota(snapshot) {
            Some(QuotaLimit::Absent) => "there is no such quota here; Enter types one".to_owned(),
            _ => "not known yet; Enter types one".to_owned(),
        }
    }

    /// The order for a typed value, and the new number.
    ///
    /// # Errors
    /// One line that says what is allowed.
    pub fn typed(&self, snapshot: &EngineSnapshot, text: &str) -> Result<(Command, f64), String> {
        if *self == TuningRow::Cap && matches!(text.trim(), "" | "none" | "off") {
            return Ok((Command::SetCap(None), f64::NAN));
        }
        let value = entry::number(text)?;
        if let TuningRow::Knob(id) = self {
            let spec = find(snapshot, *id).ok_or("this knob is gone")?.spec;
            if value < spec.min || value > spec.max {
                return Err(format!("{} to {} is allowed", plain_number(spec.min), knob_text(spec, spec.max)));
            }
        } else if value <= 0.0 {
            return Err("more than 0 is needed".to_owned());
        }
        self.set(snapshot, value)
    }

    /// The order that gives it a value, and the value it then has.
    fn set(&self, snapshot: &EngineSnapshot, value: f64) -> Result<(Command, f64), String> {
        Ok(match self {
            TuningRow::Knob(id) => {
                let spec = find(snapshot, *id).ok_or("this knob is gone")?.spec;
                let value = value.clamp(spec.min, spec.max);
                (Command::SetKnob { knob: *id, value }, value)
            }
            TuningRow::Preset => {
                let at = (value.max(0.0) as usize).min(Preset::ALL.len() - 1);
                (Command::SetPreset(Preset::ALL[at]), at as f64)
            }
            TuningRow::Cap => {
                let cap = Usd::from_dollars(value.clamp(0.01, 1e6));
                (Command::SetCap(Some(cap)), cap.dollars())
            }
            TuningRow::Region(region) => (Command::DrainRegion { region: region.clone(), off: value < 0.5 }, value),
            TuningRow::Rpm(scope) => {
                let limit = value.clamp(1.0, 1e12) as u64;
                (Command::SetQuota { scope: scope.clone(), rpm: Some(limit), tpm: None }, limit as f64)
            }
            TuningRow::Tpm(scope) => {
                let limit = value.clamp(1.0, 1e15) as u64;
                (Command::SetQuota { scope: scope.clone(), rpm: None, tpm: Some(limit) }, limit as f64)
            }
        })
    }

    /// The row as it is shown; `pending` is a value on its way to the engine.
    #[must_use]
    pub fn view(&self, snapshot: &EngineSnapshot, pending: Option<f64>) -> Value {
        let number = pending.or_else(|| self.number(snapshot));
        match self {
            TuningRow::Knob(id) => match find(snapshot, *id) {
                Some(knob) => knob_view(knob, number.unwrap_or(knob.value)),
                None => Value::plain("gone", String::new(), ""),
            },
            TuningRow::Preset => {
                let preset = Preset::ALL.get(number.unwrap_or(0.0) as usize).copied().unwrap_or_default();
                let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
                Value {
                    range: names.join(", "),
                    ..Value::plain("preset", preset.name().to_owned(), preset_meaning(preset))
                }
            }
            TuningRow::Cap => {
                let value = number.filter(|n| n.is_finite()).map_or("none".to_owned(), |cap| format!("${cap:.2}"));
                let meaning =
                    "The load stops before it has spent more than this, in-flight work at its worst case included.";
                Value { range: "$0.01 to $1,000,000, or none".to_owned(), ..Value::plain("spend cap", value, meaning) }
            }
            TuningRow::Region(region) => {
                let on = number != Some(0.0);
                let value = if on { "sending" } else { "drained" };
                let meaning = "A drained Region gets no new attempts; what is in flight there finishes.";
                Value {
                    range: "sending, drained".to_owned(),
                    changed: !on,
                    ..Value::plain(region.as_str(), value.to_owned(), meaning)
                }
            }
            TuningRow::Rpm(key) | TuningRow::Tpm(key) => {
                let unit = if matches!(self, TuningRow::Rpm(_)) { "RPM" } else { "TPM" };
                let value = match (number, self.quota(snapshot)) {
                    (Some(number), _) => format!("{} {unit}", plain_number(number)),
                    (None, Some(QuotaLimit::Absent)) => format!("no {unit} quota"),
                    (None, _) => format!("{unit} unknown"),
                };
                let source = snapshot.scopes.iter().find(|scope| scope.key == *key).map_or("", |s| &s.quota_source);
                Value {
                    range: format!("1 {unit} and more"),
                    ..Value::plain(
                        &format!("{} {}", key.region, short_model(&key.bucket)),
                        value,
                        &format!("This scope's quota as the limiter believes it (now from: {source})."),
                    )
                }
            }
        }
    }
}

impl Value {
    fn plain(label: &str, value: String, meaning: &str) -> Value {
        Value {
            label: label.to_owned(),
            value,
            range: String::new(),
            default: String::new(),
            meaning: meaning.to_owned(),
            active: true,
            changed: false,
        }
    }
}

const fn preset_meaning(preset: Preset) -> &'static str {
    match preset {
        Preset::Adaptive => "Mirrors the service's accounting and finds the real limit by itself.",
        Preset::Classic => "Requests per second down on a throttle, up after a run of successes; blind to tokens.",
        Preset::TokenBucket => "RPM and TPM buckets at the share of the quota; never adapts.",
        Preset::SlidingWindow => "RPM and TPM over the last 60 s at the share of the quota; never adapts.",
    }
}

fn find(snapshot: &EngineSnapshot, id: KnobId) -> Option<&KnobView> {
    snapshot.knobs.iter().find(|knob| knob.spec.id == id)
}

fn knob_view(knob: &KnobView, value: f64) -> Value {
    let spec = knob.spec;
    let range = match spec.kind {
        KnobKind::Switch => "off, on".to_owned(),
        KnobKind::Choice => spec.choices.join(", "),
        KnobKind::Ratio | KnobKind::Linear => {
            format!("{} to {}", plain_number(spec.min), knob_text(spec, spec.max))
        }
    };
    Value {
        label: spec.label.to_owned(),
        value: knob_text(spec, value),
        range,
        default: knob_text(spec, knob.default),
        meaning: spec.meaning.to_owned(),
        active: knob.active,
        changed: (value - knob.default).abs() > 1e-9 * knob.default.abs().max(1.0),
    }
}

/// A knob's value with its unit.
#[must_use]
pub fn knob_text(spec: &KnobSpec, value: f64) -> String {
    match spec.kind {
        KnobKind::Switch => if value >= 0.5 { "on" } else { "off" }.to_owned(),
        KnobKind::Choice => spec.choices.get(value.max(0.0) as usize).unwrap_or(&"?").to_string(),
        KnobKind::Ratio | KnobKind::Linear if spec.unit.is_empty() => plain_number(value),
        KnobKind::Ratio | KnobKind::Linear => format!("{} {}", plain_number(value), spec.unit),
    }
}

/// A number with as many places as its size deserves and thousands apart: `0.05`, `1.5`, `12`, `100,000`.
#[must_use]
pub fn plain_number(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    // Not rounded to what it has not reached: 0.999 is not 1.
    let places = if value.abs() < 1.0 && value.abs() > 0.99 { 3 } else { places };
    let text = format!("{value:.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

fn step_knob(spec: &KnobSpec, now: f64, up: bool) -> f64 {
    let value = match spec.kind {
        KnobKind::Switch => return if now >= 0.5 { 0.0 } else { 1.0 },
        KnobKind::Choice => return cycle(now, spec.choices.len(), up),
        KnobKind::Ratio if up => now * spec.step,
        KnobKind::Ratio => now / spec.step,
        KnobKind::Linear if up => now + spec.step,
        KnobKind::Linear => now - spec.step,
    };
    let counted = matches!(
        spec.id,
        KnobId::Concurrency | KnobId::MaxAttempts | KnobId::ClassicSuccesses | KnobId::AdaptiveRequestsPerProbe
    );
    let value = match spec.kind {
        // A sum of steps must not show its rounding, a count moves by one at least.
        KnobKind::Linear => (value / spec.step).round() * spec.step,
        _ if counted && up => value.round().max(now + 1.0),
        _ if counted => value.round().min(now - 1.0),
        _ => value,
    };
    value.clamp(spec.min, spec.max)
}

fn cycle(now: f64, choices: usize, up: bool) -> f64 {
    let count = choices.max(1);
    let at = now.max(0.0) as usize;
    (if up { (at + 1) % count } else { (at + count - 1) % count }) as f64
}

fn cents(dollars: f64, up: bool) -> f64 {
    let cents = dollars * 100.0;
    (if up { cents.ceil() } else { cents.floor() }).max(1.0) / 100.0
}
