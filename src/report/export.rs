//! What a load came to, for other programs and for people: JSON, CSV with a row for each scope, Markdown.

use std::fmt::Write as _;
use std::path::Path;

use crate::limiter::QuotaLimit;
use crate::record::Usd;

use super::Summary;
use super::scope::ScopeSummary;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The whole summary.
    Json,
    /// A row for each scope, the run's totals on each.
    Csv,
    /// Two tables.
    Markdown,
}

impl Form {
    /// By the end of a file's name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Form> {
        match path.extension()?.to_str()? {
            "json" => Some(Form::Json),
            "csv" => Some(Form::Csv),
            "md" => Some(Form::Markdown),
            _ => None,
        }
    }
}

/// The summary in a form.
#[must_use]
pub fn export(summary: &Summary, form: Form) -> String {
    match form {
        // A summary is plain data: it can always be written.
        Form::Json => serde_json::to_string_pretty(summary).unwrap_or_default() + "\n",
        Form::Csv => csv(summary),
        Form::Markdown => markdown(summary),
    }
}

fn number(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

fn dollars(usd: Usd) -> String {
    number(usd.dollars(), 6)
}

/// A quota: a number, `none` where there is no such quota, nothing where it is not known.
fn quota(limit: QuotaLimit) -> String {
    match limit {
        QuotaLimit::Limit(limit) => limit.to_string(),
        QuotaLimit::Absent => "none".to_owned(),
        QuotaLimit::Unknown => String::new(),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| number(share * 100.0, 2))
}

/// The totals of a run: column and value.
fn totals(summary: &Summary) -> Vec<(&'static str, String)> {
    let usage = &summary.usage;
    let throttled: u64 = summary.failed_attempts.iter().filter(|(class, _)| class.is_throttle()).map(|(_, n)| n).sum();
    let unknown = summary.money.spent == Usd::ZERO && !summary.money.unpriced.is_empty();
    let spent = |usd| if unknown { "unknown".to_owned() } else { dollars(usd) };
    vec![
        ("simulated", summary.simulated.to_string()),
        ("target", summary.target.clone()),
        ("load", summary.load.clone()),
        ("run_seconds", number(summary.seconds, 3)),
        ("run_succeeded_records", summary.succeeded.to_string()),
        ("run_failed_records", summary.failed.to_string()),
        ("run_resumed_records", summary.resumed.to_string()),
        ("run_unsent_records", summary.unsent.to_string()),
        ("run_attempts", summary.attempts.to_string()),
        ("run_retries", summary.retries.to_string()),
        ("run_throttled_attempts", throttled.to_string()),
        ("run_input_tokens", (usage.input + usage.cache_read + usage.cache_write).to_string()),
        ("run_output_tokens", usage.output.to_string()),
        ("run_spent_usd", spent(summary.money.spent)),
        ("run_estimated_part_usd", spent(summary.money.estimated)),
    ]
}

/// The figures of a scope: column and value.
fn figures(scope: &ScopeSummary) -> Vec<(&'static str, String)> {
    let limiter = &scope.limiter;
    let rate = |value: Option<f64>| value.map_or_else(String::new, |value| number(value, 1));
    let waited: f64 = scope.head_waited.iter().map(|(_, seconds)| seconds).sum();
    vec![
        ("scope", scope.scope.clone()),
        ("quota_source", scope.quota_source.clone()),
        ("scope_requests", scope.requests.to_string()),
        ("scope_settled_tokens", scope.settled.to_string()),
        ("rpm_quota_requests_per_minute", quota(limiter.rpm.quota)),
        ("rpm_target_requests_per_minute", rate(limiter.rpm.target)),
        ("rpm_used_percent", percent(scope.rpm_use)),
        ("tpm_quota_tokens_per_minute", quota(limiter.tpm.quota)),
        ("tpm_target_tokens_per_minute", rate(limiter.tpm.target)),
        ("tpm_used_percent", percent(scope.tpm_use)),
        ("tpd_quota_tokens_per_day", quota(limiter.tpd)),
        ("tpd_used_tokens", limiter.tpd_used.to_string()),
        ("throttle_epochs", limiter.epochs.to_string()),
        ("head_waited_seconds", number(waited, 1)),
        ("wasted_tokens_last_60s", scope.wasted_60s.to_string()),
    ]
}

fn csv(summary: &Summary) -> String {
    let totals = totals(summary);
    let scopes: Vec<_> = summary.scopes.iter().map(figures).collect();
    let mut names: Vec<&str> = totals.iter().map(|(name, _)| *name).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let left = || totals.iter().map(|(_, value)| value.clone());
    names.extend(scopes.first().into_iter().flatten().map(|(name, _)| *name));
    for scope in &scopes {
        rows.push(left().chain(scope.iter().map(|(_, value)| value.clone())).collect());
    }
    if rows.is_empty() {
        rows.push(left().collect());
    }
    let mut out = names.join(",") + "\n";
    for row in rows {
        let fields: Vec<String> = row.iter().map(|value| field(value)).collect();
        out.push_str(&fields.join(","));
        out.push('\n');
    }
    out
}

/// A field as RFC 4180 writes it; what a spreadsheet would take for a formula is made text.
fn field(value: &str) -> String {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']) && value.parse::<f64>().is_err();
    let value = if formula { format!("'{value}") } else { value.to_owned() };
    if value.contains([',', '"', '\n', '\r']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value }
}

fn markdown(summary: &Summary) -> String {
    let mut out = String::new();
    let simulated = if summary.simulated { " (simulated)" } else { "" };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# {}{simulated}\n", cell(&summary.load));
    let _ = writeln!(out, "| | |\n|---|---:|");
    for (name, value) in totals(summary) {
        let _ = writeln!(out, "| {} | {} |", name.replace('_', " "), cell(&value));
    }
    for scope in &summary.scopes {
        let _ = writeln!(out, "\n## {}\n\n| | |\n|---|---:|", cell(&scope.scope));
        for (name, value) in figures(scope).into_iter().skip(1) {
            let value = if value.is_empty() { "unknown".to_owned() } else { cell(&value) };
            let _ = writeln!(out, "| {} | {value} |", name.replace('_', " "));
        }
        if let Some(advice) = &scope.advice {
            let _ = writeln!(out, "\n{}", cell(advice));
        }
    }
    if !summary.failed_by_reason.is_empty() {
        let _ = writeln!(out, "\n## Failed\n\n| reason | records |\n|---|---:|");
        for (reason, n) in &summary.failed_by_reason {
            let _ = writeln!(out, "| {} | {n} |", cell(reason));
        }
    }
    out
}

/// A cell of a table: one line, no markup that would break it.
fn cell(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;
    use crate::report::summary;

    #[test]
    fn a_row_for_each_scope_with_units_in_the_names() {
        let csv = export(&summary(&fixtures::running(), 0, None), Form::Csv);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 3, "{csv}");
        assert!(lines[0].contains("tpm_quota_tokens_per_minute") && lines[0].contains("run_spent_usd"));
        // Outside of quotes, a comma between two fields.
        let commas = |line: &str| line.split('"').step_by(2).map(|part| part.matches(',').count()).sum::<usize>();
        assert!(lines.iter().all(|line| commas(line) == commas(lines[0])), "{csv}");
        assert!(lines[2].contains("us-west-2") && lines[2].contains(",200000,"), "{csv}");
    }

    #[test]
    fn a_run_that_sent_nothing_is_a_row() {
        let csv = export(&summary(&fixtures::idle(), 0, None), Form::Csv);
        assert_eq!(csv.lines().count(), 2, "{csv}");
    }

    #[test]
    fn fields_are_quoted_and_no_formula_gets_through() {
        assert_eq!(field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(field("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(field("-3.5"), "-3.5");
    }

    #[test]
    fn markdown_has_both_tables_and_json_is_the_summary() {
        let summary = summary(&fixtures::running(), 0, None);
        let text = export(&summary, Form::Markdown);
        assert!(text.starts_with("# ") && text.contains("(simulated)"), "{text}");
        assert!(text.contains("| run succeeded records |") && text.contains("\n## us-east-1 "), "{text}");
        let json: serde_json::Value = serde_json::from_str(&export(&summary, Form::Json)).unwrap();
        assert_eq!(json["simulated"], true);
    }

    #[test]
    fn the_form_is_in_the_name() {
        assert_eq!(Form::of(Path::new("a/b.csv")), Some(Form::Csv));
        assert_eq!(Form::of(Path::new("b.md")), Some(Form::Markdown));
        assert_eq!(Form::of(Path::new("csv")), None);
    }
}
