//! The question before AWS is asked for more of a quota.

use crate::console::ui::fmt;
use crate::control::{ControlSnapshot, QuotaCell};
use crate::record::Region;
use crate::report::{metric_word, row_value};

use super::control::{Account, Question};

/// # Errors
/// Why it is not asked for: one is open, it is not adjustable, or the value is not above the applied one.
pub(super) fn request(region: &Region, code: &str, value: f64, now: &Account<'_>) -> Result<Question, String> {
    let known = now.control;
    if known.increases.iter().any(|one| one.region == *region && one.code == code && one.state.is_open()) {
        return Err(format!("a request for {code} is open already: AWS takes another one once it is decided"));
    }
    let fits = |cell: &&QuotaCell| cell.region == *region && cell.code.as_deref() == Some(code);
    // Several models may share a code: the one that is meant is the one that the form was about.
    let meant = now.draft.and_then(|draft| draft.quota.as_ref()).filter(fits);
    let same =
        |cell: &&QuotaCell| meant.is_none_or(|meant| (&meant.bucket, meant.metric) == (&cell.bucket, cell.metric));
    let cell = known.cells.iter().filter(fits).find(same);
    let cell = cell.ok_or_else(|| format!("{code} is not among the quotas of {region} any more"))?;
    if cell.adjustable == Some(false) {
        return Err(format!("{code} is not adjustable"));
    }
    let applied = row_value(cell);
    if !value.is_finite() || applied.is_some_and(|applied| value <= applied as f64) {
        return Err(format!("{value} is not above the applied value of {code}"));
    }
    let mut ask = Question::new("Ask AWS for a higher quota?", "Ask for it").at(now, region);
    let name = cell.name.clone().unwrap_or_else(|| "its name is not known".to_owned());
    ask.text("Model", cell.bucket.to_string());
    if let Some(others) = sharing(known, cell) {
        ask.alarm("Shared", others);
    }
    ask.text("Quota", format!("{}, {code}: {name}", metric_word(cell.metric)));
    let from = applied.map_or("unknown".to_owned(), fmt::exact);
    ask.text("Value", format!("{from} -> {}", fmt::exact(value as u64)));
    if let Some(default) = cell.default.filter(|default| value <= *default) {
        let default = fmt::exact(default.max(0.0) as u64);
        ask.alarm("Default", format!("{default}: Service Quotas takes only values above it"));
    }
    let text = now.draft.and_then(|draft| draft.text.as_deref());
    figures(&mut ask, text);
    ask.warning =
        "Asking costs nothing and cannot be taken back. The whole text goes to a file, for a support case.".to_owned();
    Ok(ask)
}

/// The other models behind the same code, in words.
fn sharing(known: &ControlSnapshot, cell: &QuotaCell) -> Option<String> {
    let same = known.cells.iter().filter(|other| other.region == cell.region && other.code == cell.code);
    let mut others: Vec<&str> =
        same.map(|other| other.bucket.as_str()).filter(|other| *other != cell.bucket.as_str()).collect();
    others.sort_unstable();
    others.dedup();
    (!others.is_empty()).then(|| format!("the code is also that of {}", others.join(", ")))
}

/// What AWS support asks for: the lines of the text, in short.
fn figures(ask: &mut Question, text: Option<&str>) {
    let Some(text) = text else { return ask.text("Figures", "none are known") };
    let lines = || text.lines().filter_map(|line| line.split_once(": "));
    let find = |wanted: &str| lines().find(|(name, _)| *name == wanted).map(|(_, words)| words);
    for (name, of) in [
        ("Use case", "Use case"),
        ("Work", "Work"),
        ("Steady", "Steady state"),
        ("Peak", "Peak"),
        ("Growth", "Expected growth"),
        ("Because", "How the value comes about"),
    ] {
        if let Some(words) = find(of) {
            ask.text(name, words);
        }
        if name == "Peak"
            && let (Some(input), Some(output)) =
                (find("Average input tokens per request"), find("Average output tokens per request"))
        {
            ask.text("Average", averages(input, output));
        }
    }
}

/// `1,000 (by one)` and `300 (by one)` in a line.
fn averages(input: &str, output: &str) -> String {
    match (input.split_once(" ("), output.split_once(" (")) {
        (Some((input, one)), Some((output, other))) if one == other => {
            format!("{input} input, {output} output tokens, {}", one.trim_end_matches(')'))
        }
        _ => format!("input {input}, output {output}"),
    }
}
