//! The detail of one batch job.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::batch;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::console::ui::{account, fmt, words};
use crate::control::{InvocationType, JobView};

use super::Facts;

/// Errors that are named; the rest is in the files.
const REASONS: usize = 8;

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let inner = Panel::new("Batch job").ruled().summary(super::way_back(view)).render(body, buf, view.kit);
    let lines = match view.state.selected_job() {
        Some(one) => lines(view, one, usize::from(inner.width)),
        None => vec![super::gone(view)],
    };
    super::scrolled(&lines, scroll, inner, buf, view.kit);
}

fn lines(view: &View<'_>, one: &JobView, width: usize) -> Vec<Line<'static>> {
    let job = &one.job;
    let now = view.state.service_ms();
    let (glyph, word, role) = words::job(&job.status, view.kit.glyphs);
    let mut facts = Facts::new(width);
    facts.add("name", Role::Strong, &job.name);
    facts.add("ARN", Role::Text, &job.arn);
    facts.add("status", role, &format!("{glyph} {word}"));
    if let Some(message) = &job.message {
        facts.add("message", Role::Danger, message);
    }
    facts.add("model", Role::Text, &job.model);
    facts.add("Region", Role::Text, job.region.as_str());
    facts.blank();
    records(&mut facts, one);
    for (at, (reason, count)) in one.reasons.iter().take(REASONS).enumerate() {
        let name = if at == 0 { "errors" } else { "" };
        facts.add(name, Role::Warn, &format!("{} x {reason}", fmt::exact(*count)));
    }
    facts.blank();
    times(&mut facts, one, now);
    facts.blank();
    facts.add("input", Role::Text, &job.input);
    facts.add("output", Role::Text, &job.output);
    facts.add("role", Role::Text, &job.role_arn);
    let bodies = match job.invocation {
        InvocationType::InvokeModel => "InvokeModel, in the model's own form",
        InvocationType::Converse => "Converse",
    };
    facts.add("bodies", Role::Text, bodies);
    facts.add("started", Role::Text, if one.ours { "here" } else { "elsewhere" });
    if let Some(parent) = &one.parent {
        facts.add("resubmits", Role::Text, &format!("{parent}, generation {}", one.generation));
    }
    match &one.fetched_to {
        Some(folder) => facts.add("fetched to", Role::Text, folder),
        None => facts.add("fetched", Role::Muted, "not by this program"),
    }
    facts.lines
}

fn records(facts: &mut Facts, one: &JobView) {
    let counts = one.job.counts;
    let count = |n: Option<u64>| n.map_or("not told".to_owned(), fmt::exact);
    let share = batch::done_share(one).map_or(String::new(), |share| format!(", {}", fmt::percent(share)));
    facts.add("records", Role::Text, &format!("{} done of {}{share}", count(counts.processed), count(counts.total)));
    let share = batch::error_share(one).map_or(String::new(), |share| format!(", {}", fmt::percent(share)));
    facts.add("succeeded", Role::Ok, &count(counts.succeeded));
    let role = if counts.failed.unwrap_or(0) > 0 { Role::Danger } else { Role::Text };
    facts.add("with an error", role, &format!("{}{share}", count(counts.failed)));
    if let Some(pace) = one.per_minute {
        facts.add("pace", Role::Text, &format!("{} records a minute", fmt::si(pace)));
    }
    match one.manifest_tokens {
        Some((input, output)) => {
            facts.add(
                "manifest",
                Role::Text,
                &format!("{} input, {} output tokens", fmt::exact(input), fmt::exact(output)),
            );
        }
        None => facts.add("manifest", Role::Muted, "not fetched"),
    }
}

fn times(facts: &mut Facts, one: &JobView, now: i64) {
    let job = &one.job;
    let utc = |at: i64| format!("{} UTC", fmt::utc_date_time(at));
    let age = fmt::long_span(account::millis(now.saturating_sub(job.submitted_ms)));
    facts.add("submitted", Role::Text, &format!("{}, {age} ago", utc(job.submitted_ms)));
    if let Some(at) = job.modified_ms {
        facts.add("changed", Role::Text, &utc(at));
    }
    if let Some(at) = job.ended_ms {
        facts.add("over", Role::Text, &utc(at));
    }
    let in_words = |at: i64| fmt::long_span(account::millis(at.saturating_sub(now)));
    if let Some(at) = one.done_at_ms.filter(|_| !job.status.is_final()) {
        facts.add("done at", Role::Text, &format!("{}, in {} at this pace", utc(at), in_words(at)));
    }
    if let Some(at) = job.expires_ms {
        let limit = job.timeout_hours.map_or(String::new(), |hours| format!(", {hours} h after it was submitted"));
        let left = if job.status.is_final() { String::new() } else { format!(", in {}", in_words(at)) };
        facts.add("expires", Role::Text, &format!("{}{left}{limit}", utc(at)));
    }
}
