//! The form that asks AWS for more of a quota of a route.

use crate::catalogue::Metric;
use crate::console::ui::fmt;
use crate::control::{AccountUse, ControlSnapshot, Order, QuotaCell};
use crate::engine::EngineSnapshot;
use crate::limiter::QuotaLimit;
use crate::record::Region;

use super::super::entry::number;
use super::super::usage::{self, UseRow};
use super::{FieldId, Form, Kind, choice, text};

/// What is asked for beyond the busiest minute: room to grow.
const HEADROOM: f64 = 1.25;
/// The largest value that is taken: whole numbers are exact below it.
const MOST: f64 = 1e15;

/// A quota that can be asked for, and how much is needed of it. Values are in the unit of its row in Service Quotas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its code.
    pub code: String,
    /// What it counts, in a word.
    pub metric: &'static str,
    /// Its value now; `None`: not known.
    pub applied: Option<u64>,
    /// The value that is proposed.
    pub value: u64,
    /// Where that comes from.
    pub why: String,
}

/// What a quota counts, in a word.
pub(in crate::console) const fn metric_word(metric: Metric) -> &'static str {
    match metric {
        Metric::Rpm => "RPM",
        Metric::Tpm => "TPM",
        Metric::Tpd => "TPD",
    }
}

/// The value that the row of a quota has now.
pub(in crate::console) fn row_value(cell: &QuotaCell) -> Option<u64> {
    match (cell.row_value, cell.applied) {
        (Some(row), _) => Some(row.max(0.0) as u64),
        (None, QuotaLimit::Limit(value)) => Some(value),
        (None, QuotaLimit::Unknown | QuotaLimit::Absent) => None,
    }
}

/// The quotas of a route for which more can be asked, or why there are none.
///
/// # Errors
/// No quota with a code, none adjustable, or a request is open for each.
pub fn wanted(account: &ControlSnapshot, engine: &EngineSnapshot, row: &UseRow<'_>) -> Result<Vec<Wanted>, String> {
    let coded = usage::cells(account, row).into_iter().filter_map(|cell| Some((cell, cell.code.as_deref()?)));
    let coded: Vec<(&QuotaCell, &str)> = coded.collect();
    if coded.is_empty() {
        return Err("no quota of this route has a code in Service Quotas".to_owned());
    }
    let adjustable: Vec<_> = coded.into_iter().filter(|(cell, _)| cell.adjustable != Some(false)).collect();
    if adjustable.is_empty() {
        return Err("no quota of this route is adjustable: AWS raises it by a support case only".to_owned());
    }
    let open = |cell: &QuotaCell, code: &str| {
        account.increases.iter().any(|one| one.region == cell.region && one.code == code && one.state.is_open())
    };
    let free = adjustable.into_iter().filter(|(cell, code)| !open(cell, code));
    let wanted: Vec<Wanted> = free.map(|(cell, code)| proposed(engine, row, cell, code)).collect();
    if wanted.is_empty() {
        return Err("a request is open already: AWS takes another one once it is decided".to_owned());
    }
    Ok(wanted)
}

fn proposed(engine: &EngineSnapshot, row: &UseRow<'_>, cell: &QuotaCell, code: &str) -> Wanted {
    let (theirs, ours, what) = match cell.metric {
        Metric::Tpm => {
            let limiter = row.scope.map(|scope| &scope.limiter);
            // What is settled, and what is held by what is under way: what the quota has to bear at once.
            let ours = limiter.map_or(0, |limiter| limiter.settled_60s.saturating_add(limiter.held));
            (row.account.and_then(AccountUse::peak_tpm).unwrap_or(0), ours, "tokens in a minute")
        }
        Metric::Rpm => {
            let peak = row.account.and_then(|known| known.minutes.iter().map(|minute| minute.invocations).max());
            let ours = usage::our_minutes(engine, row.route()).last().map_or(0, |minute| minute.invocations);
            (peak.unwrap_or(0), ours, "requests in a minute")
        }
        Metric::Tpd => (row.account.and_then(|known| known.today).unwrap_or(0), 0, "tokens today"),
    };
    let applied = row_value(cell);
    let peak = theirs.max(ours);
    // A row that counts double for calls through a profile says half of what the bucket may use.
    let factor = match (cell.applied, cell.row_value) {
        (QuotaLimit::Limit(own), Some(value)) if own > 0 && value > 0.0 => own as f64 / value,
        _ => 1.0,
    };
    let needed = (peak as f64 * HEADROOM / factor).ceil() as u64;
    let who = if theirs >= ours { "by CloudWatch, the last hour" } else { "our own, settled and held" };
    let (value, why) = match (peak, applied) {
        (0, None) => (0, "neither its use nor its value is known: say what is needed".to_owned()),
        (0, Some(applied)) => {
            (applied.saturating_mul(2), "twice the applied value: no use of it is known yet".to_owned())
        }
        (_, Some(applied)) if needed <= applied => (
            (applied as f64 * HEADROOM).ceil() as u64,
            format!(
                "1.25 times the applied value, which is enough for the peak of {} {what} ({who})",
                fmt::exact(peak)
            ),
        ),
        _ => (needed, format!("1.25 times the peak of {} {what} ({who})", fmt::exact(peak))),
    };
    Wanted { code: code.to_owned(), metric: metric_word(cell.metric), applied, value, why }
}

/// The form for these quotas of a route.
#[must_use]
pub fn increase(region: Region, wanted: Vec<Wanted>) -> Form {
    let names: Vec<String> = wanted.iter().map(|one| format!("{} {}", one.metric, one.code)).collect();
    let value = wanted.first().map_or(0, |one| one.value);
    let fields = vec![choice(FieldId::Quota, names, 0), text(FieldId::Value, value)];
    Form::new(Kind::Increase { region, wanted }, fields)
}

/// The quota that is chosen.
#[must_use]
pub fn chosen(form: &Form) -> Option<&Wanted> {
    let Kind::Increase { wanted, .. } = &form.kind else { return None };
    wanted.get(form.chosen(FieldId::Quota))
}

pub(super) const fn words(id: FieldId) -> (&'static str, &'static str, &'static str) {
    match id {
        FieldId::Quota => ("Quota", "", "Left and Right change it"),
        FieldId::Value => ("Value asked for", "", "in the unit of its row in Service Quotas"),
        _ => ("", "", ""),
    }
}

/// What the form asks for. What is wrong is kept in its `errors`.
pub fn check(form: &mut Form) -> Option<Order> {
    let Kind::Increase { region, .. } = &form.kind else { return None };
    let (region, quota) = (region.clone(), chosen(form)?.clone());
    let mut errors = Vec::new();
    // Tokens of a day do not fit in the numbers that other forms take.
    let value = match number(form.text(FieldId::Value)) {
        Ok(value) if value.fract() == 0.0 && (1.0..=MOST).contains(&value) => value,
        Ok(_) => {
            errors.push((FieldId::Value, "a whole number above 0 is needed".to_owned()));
            1.0
        }
        Err(why) => {
            errors.push((FieldId::Value, why));
            1.0
        }
    };
    if let Some(applied) = quota.applied.filter(|applied| value <= *applied as f64)
        && errors.is_empty()
    {
        errors.push((FieldId::Value, format!("more than the applied {} is needed", fmt::exact(applied))));
    }
    form.judge(errors).then_some(Order::RequestQuota { region, code: quota.code, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::app::usage::{Sort, rows};
    use crate::console::ui::fixtures;

    fn proposals(change: impl Fn(&mut crate::control::ControlSnapshot)) -> Vec<Wanted> {
        let (mut account, _) = fixtures::used_account();
        change(&mut account);
        let engine = fixtures::running();
        let rows = rows(&account, &engine, "us-east-1 haiku", Sort::Model);
        let cells = account.cells.iter().filter(|cell| cell.region == rows[0].limits.key.region);
        let cells = cells.filter(|cell| cell.bucket == rows[0].limits.key.bucket);
        cells.map(|cell| proposed(&engine, &rows[0], cell, "L-1")).collect()
    }

    #[test]
    fn what_is_under_way_counts_once() {
        let engine = fixtures::running();
        let scope = engine.scopes.iter().find(|scope| scope.route.region.as_str() == "us-east-1").unwrap();
        let both = scope.limiter.settled_60s + scope.limiter.held;
        let wanted = proposals(|_| {});
        assert_eq!(wanted[0].value, (both as f64 * HEADROOM).ceil() as u64);
        assert!(both > 62_000 && wanted[0].why.contains("our own, settled and held"), "{}", wanted[0].why);
    }

    #[test]
    fn what_is_proposed_is_more_than_there_is() {
        let wanted = proposals(|account| {
            account.cells.iter_mut().for_each(|cell| {
                cell.applied = QuotaLimit::Limit(10_000_000);
                cell.row_value = Some(10_000_000.0);
            });
        });
        assert_eq!(wanted[0].value, 12_500_000);
        assert!(wanted[0].why.contains("enough for the peak"), "{}", wanted[0].why);
    }
}
