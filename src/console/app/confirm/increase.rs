//! The question before AWS is asked for more of a quota.

use crate::console::ui::fmt;
use crate::control::AccountUse;
use crate::record::Region;

use super::super::form::increase::{metric_word, row_value};
use super::control::{Account, Question};

/// # Errors
/// Why it is not asked for: one is open, it is not adjustable, or the value is not above the applied one.
pub(super) fn request(region: &Region, code: &str, value: f64, now: &Account<'_>) -> Result<Question, String> {
    let known = now.control;
    if known.increases.iter().any(|one| one.region == *region && one.code == code && one.state.is_open()) {
        return Err(format!("a request for {code} is open already: AWS takes another one once it is decided"));
    }
    let cell = known.cells.iter().find(|cell| cell.region == *region && cell.code.as_deref() == Some(code));
    let cell = cell.ok_or_else(|| format!("{code} is not among the quotas of {region} any more"))?;
    if cell.adjustable == Some(false) {
        return Err(format!("{code} is not adjustable"));
    }
    let applied = row_value(cell);
    if !value.is_finite() || applied.is_some_and(|applied| value <= applied as f64) {
        return Err(format!("{value} is not above the applied value of {code}"));
    }
    let mut ask = Question::new("Ask AWS for a higher quota?", "Ask for it").at(now, region);
    let name = cell.name.clone().unwrap_or_else(|| format!("{} of {}", metric_word(cell.metric), cell.bucket));
    ask.text("Quota", format!("{name} ({code})"));
    let from = applied.map_or("unknown".to_owned(), fmt::exact);
    ask.text("Value", format!("{from} -> {}", fmt::exact(value as u64)));
    if let Some(default) = cell.default.filter(|default| value <= *default) {
        let default = fmt::exact(default.max(0.0) as u64);
        ask.alarm("Default", format!("{default}: Service Quotas takes only values above it"));
    }
    let here = |used: &&AccountUse| used.key.region == *region && used.key.bucket == cell.bucket;
    match known.account_use.iter().find(here).filter(|used| !used.minutes.is_empty()) {
        Some(used) => figures(&mut ask, used),
        None => ask.text("Figures", "CloudWatch has none of the last hour"),
    }
    ask.warning = "Asking costs nothing. AWS may open a support case and ask for these figures and the use case. A \
                   request cannot be taken back."
        .to_owned();
    Ok(ask)
}

/// What AWS support asks for, of the published minutes of the last hour.
fn figures(ask: &mut Question, used: &AccountUse) {
    let minutes = &used.minutes;
    let sum = |of: fn(&crate::record::MinuteUse) -> u64| minutes.iter().map(of).fold(0u64, u64::saturating_add);
    let count = (minutes.len() as u64).max(1);
    let calls = sum(|minute| minute.invocations);
    let peak = minutes.iter().map(|minute| minute.invocations).max().unwrap_or(0);
    let words = |tokens: u64, calls: u64| format!("{} TPM, {} RPM", fmt::exact(tokens), fmt::exact(calls));
    ask.text("Steady", format!("{} (CloudWatch)", words(sum(|minute| minute.quota_tokens) / count, calls / count)));
    ask.text("Peak", words(used.peak_tpm().unwrap_or(0), peak));
    let each = |tokens: u64| tokens.checked_div(calls).map_or("unknown".to_owned(), fmt::exact);
    let (input, output) = (each(sum(|minute| minute.input)), each(sum(|minute| minute.output)));
    ask.text("Average", format!("{input} input, {output} output tokens a request"));
}
