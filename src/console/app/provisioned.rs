//! Screen 3: what the list of provisioned models is asked about, and what follows from each of them.

use std::cmp::{Ordering, Reverse};

use crate::console::ui::fmt;
use crate::control::{Commitment, ControlSnapshot, Idle, ProvisionedStatus, ProvisionedView, term_price};
use crate::engine::{EngineSnapshot, ScopeView};
use crate::record::{Micros, Usd};

use super::filter::{Field, FieldValue, Filter};
use super::lists::{List, RowKey};

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The screen's list and its order.
#[derive(Clone, Debug, Default)]
pub struct Provisioned {
    /// Filter and selection.
    pub list: List,
    /// The order.
    pub sort: Sort,
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Whose term ends first.
    #[default]
    Ends,
    /// The dearest first.
    Price,
    /// By name.
    Name,
    /// What needs attention first.
    Status,
}

impl Sort {
    /// The next order.
    #[must_use]
    pub const fn next(self) -> Sort {
        match self {
            Sort::Ends => Sort::Price,
            Sort::Price => Sort::Name,
            Sort::Name => Sort::Status,
            Sort::Status => Sort::Ends,
        }
    }

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Sort::Ends => "end of term",
            Sort::Price => "price",
            Sort::Name => "name",
            Sort::Status => "status",
        }
    }

    fn compare(self, a: &ProvisionedView, b: &ProvisionedView) -> Ordering {
        let by = match self {
            Sort::Ends => {
                let ends = |view: &ProvisionedView| view.model.expires_ms.unwrap_or(i64::MAX);
                ends(a).cmp(&ends(b))
            }
            // A price that is not known may be the highest.
            Sort::Price => {
                Reverse(a.hourly().unwrap_or(Usd(i64::MAX))).cmp(&Reverse(b.hourly().unwrap_or(Usd(i64::MAX))))
            }
            Sort::Name => Ordering::Equal,
            Sort::Status => rank(&a.model.status).cmp(&rank(&b.model.status)),
        };
        by.then_with(|| a.model.name.cmp(&b.model.name)).then_with(|| a.model.arn.cmp(&b.model.arn))
    }
}

const fn rank(status: &ProvisionedStatus) -> u8 {
    match status {
        ProvisionedStatus::Failed => 0,
        ProvisionedStatus::Other(_) => 1,
        ProvisionedStatus::Creating => 2,
        ProvisionedStatus::Updating => 3,
        ProvisionedStatus::InService => 4,
    }
}

/// What names a provisioned model in a list.
#[must_use]
pub fn key(view: &ProvisionedView) -> RowKey {
    (0, view.model.arn.clone())
}

/// The fields of provisioned models.
pub const FIELDS: &[Field<ProvisionedView>] = &[
    Field { name: "name", of: |view| view.model.name.as_str().into() },
    Field { name: "status", of: |view| status_word(&view.model.status).into() },
    Field { name: "region", of: |view| view.model.region.as_str().into() },
    Field { name: "model", of: |view| view.model.model_arn.as_str().into() },
    Field { name: "arn", of: |view| view.model.arn.as_str().into() },
    Field { name: "commitment", of: |view| commitment_word(view.model.commitment).into() },
    Field { name: "units", of: |view| FieldValue::Number(Some(f64::from(view.model.units))) },
];

/// The models that a filter keeps, as they come.
fn kept<'a>(snapshot: &'a ControlSnapshot, filter: &str) -> impl Iterator<Item = &'a ProvisionedView> {
    let filter = Filter::new(filter, FIELDS);
    snapshot.provisioned.iter().filter(move |view| filter.keeps(view))
}

/// The models that a filter keeps, in order.
#[must_use]
pub fn rows<'a>(snapshot: &'a ControlSnapshot, filter: &str, sort: Sort) -> Vec<&'a ProvisionedView> {
    let mut rows: Vec<&ProvisionedView> = kept(snapshot, filter).collect();
    rows.sort_by(|a, b| sort.compare(a, b));
    rows
}

impl Provisioned {
    /// The selected one of those that a filter keeps: the first in order if none is selected, or if that is gone.
    #[must_use]
    pub fn selected<'a>(&self, snapshot: &'a ControlSnapshot, filter: &str) -> Option<&'a ProvisionedView> {
        let chosen =
            self.list.selected.as_ref().and_then(|(_, arn)| kept(snapshot, filter).find(|one| one.model.arn == *arn));
        chosen.or_else(|| kept(snapshot, filter).min_by(|a, b| self.sort.compare(a, b)))
    }
}

/// A status in one word.
#[must_use]
pub fn status_word(status: &ProvisionedStatus) -> &str {
    match status {
        ProvisionedStatus::Creating => "creating",
        ProvisionedStatus::InService => "in service",
        ProvisionedStatus::Updating => "updating",
        ProvisionedStatus::Failed => "failed",
        ProvisionedStatus::Other(word) => word,
    }
}

/// A commitment in a word or two.
#[must_use]
pub const fn commitment_word(commitment: Commitment) -> &'static str {
    match commitment {
        Commitment::None => "none",
        Commitment::OneMonth => "1 month",
        Commitment::SixMonths => "6 months",
    }
}

/// What its whole term costs; `None` without a commitment, or where the price is not known.
#[must_use]
pub fn per_term(view: &ProvisionedView) -> Option<Usd> {
    term_price(view.unit_price, view.model.units, view.model.commitment)
}

/// All of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Models that cost.
    pub models: usize,
    /// Their units.
    pub units: u64,
    /// What those with a known price cost per hour.
    pub per_hour: Usd,
    /// Those whose price is not known.
    pub unpriced: usize,
    /// Those that take calls.
    pub in_service: usize,
}

/// What all provisioned models cost together; failed ones cost nothing.
#[must_use]
pub fn totals(snapshot: &ControlSnapshot) -> Totals {
    let mut totals = Totals::default();
    for view in &snapshot.provisioned {
        if view.model.status == ProvisionedStatus::Failed {
            continue;
        }
        totals.models += 1;
        totals.units += u64::from(view.model.units);
        totals.in_service += usize::from(view.model.status != ProvisionedStatus::Creating);
        match view.hourly() {
            Some(price) => totals.per_hour = Usd(totals.per_hour.0.saturating_add(price.0)),
            None => totals.unpriced += 1,
        }
    }
    totals
}

/// How urgent the end of a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermEnd {
    /// In 14 days or less.
    TwoWeeks,
    /// In 3 days or less.
    ThreeDays,
    /// It has ended.
    Over,
}

/// Whether the end of a term is near at `now_ms` (the service's time).
#[must_use]
pub fn term_end(view: &ProvisionedView, now_ms: i64) -> Option<TermEnd> {
    let left = view.model.expires_ms?.saturating_sub(now_ms);
    match left {
        ..=0 => Some(TermEnd::Over),
        left if left <= 3 * DAY_MS => Some(TermEnd::ThreeDays),
        left if left <= 14 * DAY_MS => Some(TermEnd::TwoWeeks),
        _ => None,
    }
}

/// Whether a commitment still binds at `now_ms`: Bedrock refuses to delete it before (facts §2.4).
#[must_use]
pub fn bound(view: &ProvisionedView, now_ms: i64) -> bool {
    view.model.commitment != Commitment::None && view.model.expires_ms.is_none_or(|ends| ends > now_ms)
}

/// What is known of its use by anybody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Use {
    /// Not known.
    Unknown,
    /// So many invocations in the last hour.
    Busy(u64),
    /// None in the last hour; since when and what it cost, once that is an hour.
    Idle(Option<Idle>),
}

/// What is known of its use at `now_ms` (the service's time).
#[must_use]
pub fn use_of(view: &ProvisionedView, now_ms: i64) -> Use {
    match view.last_hour {
        None => Use::Unknown,
        Some(0) if view.model.status == ProvisionedStatus::Creating => Use::Unknown,
        Some(0) => Use::Idle(view.idle(now_ms)),
        Some(calls) => Use::Busy(calls),
    }
}

/// How long it has been idle, in words: `6 h 2 min`, `at least 23 h 10 min`.
#[must_use]
pub fn idle_words(idle: Idle) -> String {
    let least = if idle.at_least { "at least " } else { "" };
    format!("{least}{}", fmt::long_span(Micros::from_millis(idle.for_ms.max(0).unsigned_abs())))
}

/// What was paid while it was idle, in words that follow the time.
#[must_use]
pub fn paid_words(idle: Idle) -> String {
    idle.paid.map_or(" at an unknown price".to_owned(), |paid| format!(", {} paid for it", fmt::dollars(paid)))
}

/// The scope through which our own load sends to it, if it does.
#[must_use]
pub fn our_scope<'a>(view: &ProvisionedView, engine: &'a EngineSnapshot) -> Option<&'a ScopeView> {
    let arn = view.model.arn.as_str();
    engine.scopes.iter().find(|scope| scope.route.model.as_str() == arn || scope.key.bucket.as_str() == arn)
}

/// What our own load used of its units in the last minute: of the fuller of its two meters, where both are known. `None`:
/// we do not send to it, or its capacity is not known.
#[must_use]
pub fn our_share(view: &ProvisionedView, engine: &EngineSnapshot) -> Option<f64> {
    let scope = our_scope(view, engine)?;
    let share = |settled: u64, capacity: Option<u64>| Some(settled as f64 / capacity.filter(|tpm| *tpm > 0)? as f64);
    let input = share(scope.limiter.settled_60s, view.input_tpm);
    let output = scope.output.as_ref().and_then(|output| share(output.settled_60s, view.output_tpm));
    input.into_iter().chain(output).reduce(f64::max)
}

/// The last part of an ARN, or the whole of what is not one.
#[must_use]
pub fn id_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;

    fn view(name: &str) -> (ProvisionedView, i64) {
        let (snapshot, now) = fixtures::account();
        (snapshot.provisioned.into_iter().find(|view| view.model.name == name).unwrap(), now)
    }

    #[test]
    fn a_term_warns_at_fourteen_three_and_no_days() {
        let (mut one, now) = view("chat-prod");
        for (left, expected) in [
            (15 * DAY_MS, None),
            (14 * DAY_MS, Some(TermEnd::TwoWeeks)),
            (3 * DAY_MS + 1, Some(TermEnd::TwoWeeks)),
            (3 * DAY_MS, Some(TermEnd::ThreeDays)),
            (1, Some(TermEnd::ThreeDays)),
            (0, Some(TermEnd::Over)),
            (-DAY_MS, Some(TermEnd::Over)),
        ] {
            one.model.expires_ms = Some(now + left);
            assert_eq!(term_end(&one, now), expected, "{left}");
            assert_eq!(bound(&one, now), left > 0);
        }
        one.model.expires_ms = None;
        assert_eq!(term_end(&one, now), None);
        assert!(bound(&one, now), "a commitment of unknown end still binds");
    }

    #[test]
    fn an_unknown_price_is_counted_and_never_added_as_nothing() {
        let (snapshot, _) = fixtures::account();
        let totals = totals(&snapshot);
        assert!(totals.unpriced > 0 && totals.per_hour > Usd::ZERO);
        let dearest = rows(&snapshot, "", Sort::Price);
        assert_eq!(dearest[0].hourly(), None, "an unknown price may be the highest");
    }

    #[test]
    fn a_clock_that_went_back_makes_nobody_idle() {
        let (mut one, now) = view("spare");
        assert!(matches!(use_of(&one, now), Use::Idle(Some(idle)) if idle.for_ms == 6 * HOUR_MS && !idle.at_least));
        one.last_used_ms = Some(now + HOUR_MS);
        assert_eq!(use_of(&one, now), Use::Idle(None));
        one.model.expires_ms = Some(i64::MIN);
        assert_eq!(term_end(&one, i64::MAX), Some(TermEnd::Over));
    }
}
