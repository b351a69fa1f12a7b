//! Screen 8: every value in force, who said it, and how the file would say it. Knobs are turned on screen 2.

use crate::config::{Effective, Origin};
use crate::engine::{EngineSnapshot, KnobId, KnobKind, KnobSpec, KnobView};
use crate::limiter::QuotaLimit;

use super::filter::{Field, FieldValue, Filter};
use super::lists::{List, RowKey};
use super::tuning::{knob_text, plain_number};
use super::{Screen, State, TuningRow, short_model};

/// The screen's list, and what was in force at the start.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Filter and selection.
    pub list: List,
    /// What flags, file, environment and defaults came to.
    pub values: Vec<Effective>,
}

/// A row: a value, and the knob that turns it.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingRow {
    /// The value in force.
    pub value: Effective,
    /// Where it is turned live.
    pub knob: Option<TuningRow>,
}

/// The heading of quotas.
const QUOTAS: &str = "Quotas in force";
/// The heading of what only the tuning screen turns.
const LIVE: &str = "Only live (2)";

/// The knob behind a key of the file.
fn knob_of(key: &str) -> Option<TuningRow> {
    Some(TuningRow::Knob(match key {
        "limits.preset" => return Some(TuningRow::Preset),
        "limits.share" => KnobId::Share,
        "limits.concurrency" => KnobId::Concurrency,
        "limits.probe_above_quota" => KnobId::ProbeAboveQuota,
        "limits.spill" => KnobId::Spill,
        "limits.routing" => KnobId::Routing,
        "limits.adaptive.backoff" => KnobId::AdaptiveBackoff,
        "limits.adaptive.return_s" => KnobId::AdaptiveReturnTime,
        "limits.adaptive.probe_s" => KnobId::AdaptiveProbeTime,
        "limits.adaptive.probe_growth_percent" => KnobId::AdaptiveProbeGrowth,
        "limits.adaptive.requests_per_probe" => KnobId::AdaptiveRequestsPerProbe,
        "limits.adaptive.meter" => KnobId::AdaptiveMeter,
        "retry.max_attempts" => KnobId::MaxAttempts,
        "retry.base_s" => KnobId::RetryBase,
        "retry.cap_s" => KnobId::RetryCap,
        "retry.budget_percent" => KnobId::RetryBudget,
        "connection.attempt_timeout_s" => KnobId::AttemptTimeout,
        "connection.stream_gap_s" => KnobId::StreamGap,
        _ => return None,
    }))
}

/// Every value in force now, in the order of the file; then what the file has no key for.
#[must_use]
pub fn rows(state: &State) -> Vec<SettingRow> {
    let snapshot = state.shown();
    let mut rows: Vec<SettingRow> = state
        .settings
        .values
        .iter()
        .map(|value| {
            let knob = knob_of(&value.key);
            SettingRow { value: in_force(state, snapshot, value.clone(), knob.as_ref()), knob }
        })
        .collect();
    for scope in &snapshot.scopes {
        let limiter = &scope.limiter;
        let place = format!("{} {}", scope.key.region, short_model(&scope.key.bucket));
        let quotas = [
            ("RPM", limiter.rpm.quota, Some(TuningRow::Rpm(scope.key.clone()))),
            ("TPM", limiter.tpm.quota, Some(TuningRow::Tpm(scope.key.clone()))),
            ("TPD", limiter.tpd, None),
        ];
        for (unit, quota, knob) in quotas {
            let (value, unit_shown) = match quota {
                QuotaLimit::Limit(limit) => (plain_number(limit as f64), unit),
                QuotaLimit::Absent => ("no such quota".to_owned(), ""),
                QuotaLimit::Unknown => ("unknown".to_owned(), ""),
            };
            let mut row = without_key(QUOTAS, format!("{place} {unit}"), value, unit_shown);
            row.origin = Origin::Found(scope.quota_source.clone());
            row.meaning = "What the limiter takes this scope's quota to be.".to_owned();
            row.allowed = "1 and more".to_owned();
            rows.push(SettingRow { value: row, knob });
        }
    }
    let keyless = snapshot.knobs.iter().filter(|knob| {
        !rows.iter().any(|row| row.knob == Some(TuningRow::Knob(knob.spec.id))) && knob.spec.id != KnobId::ArrivalRate
    });
    let keyless: Vec<SettingRow> = keyless.map(of_knob).collect();
    rows.extend(keyless);
    rows
}

fn without_key(group: &str, name: String, value: String, unit: &str) -> Effective {
    Effective {
        key: String::new(),
        name,
        group: group.to_owned(),
        value,
        unit: unit.to_owned(),
        origin: Origin::Default,
        meaning: String::new(),
        allowed: String::new(),
        default: String::new(),
        quoted: false,
    }
}

fn of_knob(knob: &KnobView) -> SettingRow {
    let spec = knob.spec;
    let mut value = without_key(LIVE, spec.label.to_owned(), said(spec, knob.value), spec.unit);
    value.default = said(spec, knob.default);
    value.meaning = spec.meaning.to_owned();
    value.allowed = allowed(spec);
    if changed(knob) {
        value.origin = Origin::Session;
    }
    SettingRow { value, knob: Some(TuningRow::Knob(spec.id)) }
}

/// Whether two lists of names name the same, in whatever order.
fn same_names(a: &str, b: &str) -> bool {
    let names = |text: &str| {
        let mut names: Vec<String> = text.split([',', '[', ']', '"', ' ']).map(str::to_owned).collect();
        names.retain(|name| !name.is_empty());
        names.sort();
        names.dedup();
        names
    };
    names(a) == names(b)
}

fn allowed(spec: &KnobSpec) -> String {
    match spec.kind {
        KnobKind::Switch => "false, true".to_owned(),
        KnobKind::Choice => spec.choices.join(", "),
        KnobKind::Ratio | KnobKind::Linear => format!("{} to {}", plain_number(spec.min), knob_text(spec, spec.max)),
    }
}

fn changed(knob: &KnobView) -> bool {
    !same(knob.value, knob.default)
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

/// A knob's value as the file says it.
fn said(spec: &KnobSpec, value: f64) -> String {
    match spec.kind {
        KnobKind::Switch => (value >= 0.5).to_string(),
        KnobKind::Choice => {
            let word = spec.choices.get(value.max(0.0) as usize).copied().unwrap_or_default();
            word.replace(' ', "-")
        }
        // Without the rounding of binary fractions.
        KnobKind::Ratio | KnobKind::Linear => ((value * 1e6).round() / 1e6).to_string(),
    }
}

/// What has become of a value since the start.
fn in_force(state: &State, snapshot: &EngineSnapshot, mut row: Effective, knob: Option<&TuningRow>) -> Effective {
    let live = match knob {
        Some(TuningRow::Preset) => {
            // The rule has no value at the start of its own: what differs from it was switched.
            let now = snapshot.preset.name().to_owned();
            let switched = now != row.value;
            Some((now, switched))
        }
        Some(TuningRow::Knob(id)) => snapshot
            .knobs
            .iter()
            .find(|knob| knob.spec.id == *id)
            .map(|knob| (said(knob.spec, knob.value), changed(knob))),
        _ => match row.key.as_str() {
            "theme" => Some((state.theme_name().to_owned(), state.theme_name() != row.value)),
            "warnings.mute" => {
                let muted: Vec<String> = state.warned.muted().map(|name| format!("\"{name}\"")).collect();
                let now = if muted.is_empty() { "none".to_owned() } else { format!("[{}]", muted.join(", ")) };
                Some((now.clone(), !same_names(&now, &row.value)))
            }
            "publish.enabled" => {
                let publishing = state.account().and_then(|account| account.publishing.as_ref());
                publishing.map(|now| (now.on.to_string(), now.on.to_string() != row.value))
            }
            "console.privacy" => Some((state.private.to_string(), state.private.to_string() != row.value)),
            _ => None,
        },
    };
    let Some((now, session)) = live else { return row };
    if session {
        let kept = row.key == "theme" && state.kept_theme.as_deref() == Some(now.as_str());
        row.origin = if kept { Origin::Found("kept from the last time".to_owned()) } else { Origin::Session };
    } else if now != row.value && row.origin == Origin::Default && row.default.parse::<f64>().is_ok() {
        // A preset brings numbers of its own.
        row.origin = Origin::Found(format!("preset {}", snapshot.preset.name()));
    }
    row.value = now;
    row
}

/// The key of a row.
#[must_use]
pub fn row_key(row: &SettingRow) -> RowKey {
    (0, format!("{} {}", row.value.group, row.value.name))
}

/// What a filter knows of a setting.
pub const FIELDS: &[Field<SettingRow>] = &[
    Field { name: "key", of: |row| row.value.key.as_str().into() },
    Field { name: "name", of: |row| row.value.name.as_str().into() },
    Field { name: "group", of: |row| row.value.group.as_str().into() },
    Field { name: "value", of: |row| row.value.value.as_str().into() },
    Field { name: "meaning", of: |row| row.value.meaning.as_str().into() },
    Field { name: "origin", of: |row| FieldValue::Text(row.value.origin.to_string().into()) },
];

impl State {
    /// The settings on display.
    #[must_use]
    pub fn visible_settings(&self) -> Vec<SettingRow> {
        let filter = Filter::new(self.filter_of(Screen::Settings), FIELDS);
        let mut all = rows(self);
        all.retain(|row| filter.keeps(row));
        all
    }

    /// The selected setting.
    #[must_use]
    pub fn selected_setting(&self) -> Option<SettingRow> {
        let rows = self.visible_settings();
        let at = self.settings.list.position(&rows.iter().collect::<Vec<_>>(), row_key);
        rows.into_iter().nth(at)
    }
}

/// Enter: to the knob of the selected setting.
pub(super) fn open(state: &mut State) {
    let Some(knob) = state.selected_setting().and_then(|row| row.knob) else { return };
    if let Some(at) = super::tuning::rows(&state.live).iter().position(|(_, row)| *row == knob) {
        state.screen = Screen::Tuning;
        state.tuning.cursor = at;
    }
}
