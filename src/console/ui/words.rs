//! States in words, each with the role that colours it and the glyph that stands for it without colour.

use crate::engine::{BreakerView, HeadView, HeadWhy, LoadState, RegionView, TargetInfo};
use crate::limiter::{QuotaLimit, Why};
use crate::record::{Micros, ModelId};

use super::fmt;
use super::glyphs::Glyphs;
use super::theme::Role;
use super::view::View;
use super::widgets::Line;

/// The load's state: glyph, words, role.
pub(super) fn load_state(state: &LoadState, g: &Glyphs) -> (&'static str, String, Role) {
    match state {
        LoadState::Idle => (g.ring, "IDLE".to_owned(), Role::Muted),
        LoadState::Running => (g.dot, "RUNNING".to_owned(), Role::Ok),
        LoadState::Pausing { in_flight } => (g.paused, format!("PAUSING {in_flight} in flight"), Role::Warn),
        LoadState::Paused => (g.paused, "PAUSED".to_owned(), Role::Warn),
        LoadState::Draining { in_flight } => (g.paused, format!("DRAINING {in_flight} in flight"), Role::Warn),
        LoadState::Parked { .. } => (g.danger, "PARKED".to_owned(), Role::Danger),
        LoadState::Finished => (g.ok, "FINISHED".to_owned(), Role::Ok),
    }
}

/// The account as people call it, then its number.
pub(super) fn account(target: &TargetInfo) -> String {
    match (&target.account_label, &target.account) {
        (Some(label), Some(id)) => format!("{} ({id})", fmt::sanitise(label)),
        (Some(one), None) | (None, Some(one)) => fmt::sanitise(one).into_owned(),
        (None, None) => "account unknown".to_owned(),
    }
}

/// A model's name without its provider and version, for narrow columns: `claude-3-haiku`; a geography stays.
pub(super) fn short_model(model: &ModelId) -> String {
    let id = model.as_str();
    // An ARN's last part names it best.
    let id = id.rsplit('/').next().unwrap_or(id);
    let mut parts: Vec<&str> = id.split('.').collect();
    let profile =
        parts.first().filter(|p| matches!(**p, "us" | "eu" | "apac" | "jp" | "au" | "ca" | "us-gov" | "global"));
    let profile = profile.copied();
    let base = if parts.len() > 1 {
        parts.split_off(if profile.is_some() { 2.min(parts.len() - 1) } else { 1 }).join(".")
    } else {
        id.to_owned()
    };
    let base = base.split(':').next().unwrap_or(&base);
    // `-v1` and a date say which build it is, not which model.
    let base = base.strip_suffix("-v1").or_else(|| base.strip_suffix("-v2")).unwrap_or(base);
    let dated = base.rsplit_once('-').filter(|(_, date)| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
    let base = dated.map_or(base, |(name, _)| name);
    profile.map_or_else(|| base.to_owned(), |profile| format!("{profile}.{base}"))
}

/// What holds the limiter, for the end of "waits for ...".
pub(super) const fn why(why: Why) -> &'static str {
    match why {
        Why::Rpm => "RPM: its requests per minute are used up",
        Why::TpmHold => "TPM: its reservation does not fit yet",
        Why::TpmDebt => "TPM: what is in flight will settle above its hold",
        Why::Rate => "the rule's own request rate",
        Why::Tpd => "TPD: the day's tokens are used up",
        Why::HoldOff => "the pause after a throttle",
        Why::LargerThanBurst => "ever: it is larger than the whole burst",
    }
}

/// What holds the limiter, in a word or two.
pub(super) const fn why_short(why: Why) -> &'static str {
    match why {
        Why::Rpm => "RPM",
        Why::TpmHold => "TPM hold",
        Why::TpmDebt => "TPM debt",
        Why::Rate => "rate",
        Why::Tpd => "TPD",
        Why::HoldOff => "hold-off",
        Why::LargerThanBurst => "too large",
    }
}

/// A countdown: tenths while it is short, else as a span.
pub(super) fn countdown(left: Micros) -> String {
    if left.0 < 10_000_000 { format!("{:.1}s", left.secs_f64()) } else { fmt::span(left) }
}

/// Why the head of the queue waits and until when.
pub(super) fn head<'a>(view: &View<'a>, head: &'a HeadView) -> Line<'a> {
    let mut line =
        Line::of(Role::Strong, fmt::sanitise(head.record.as_str())).muted(format!(" {}", head.priority.name()));
    let reason = match head.why {
        HeadWhy::Limiter(inner) => why(inner),
        HeadWhy::Concurrency => "the concurrency limit",
        HeadWhy::Breakers => "a breaker to close: all are open",
        HeadWhy::Parked => "what is parked or drained",
        HeadWhy::Cap => "the spend cap: it would be passed",
        HeadWhy::Paused => "you: paused",
    };
    line.push(Role::Muted, " waits");
    if let Some(until) = head.until {
        line.push(Role::Text, format!(" {}", countdown(view.until(until))));
    }
    line.push(Role::Muted, " for ");
    line.push(Role::Text, reason);
    if let Some(route) = &head.route {
        line.push(Role::Muted, format!(" in {}", route.region));
    }
    line
}

/// A Region's health: glyph, words, role.
pub(super) fn health(view: &View<'_>, region: &RegionView) -> (&'static str, String, Role) {
    let g = view.kit.glyphs;
    if region.drained {
        return (g.paused, "drained".to_owned(), Role::Warn);
    }
    match region.breaker {
        BreakerView::Open { until } => (g.danger, format!("open {}", countdown(view.until(until))), Role::Danger),
        BreakerView::HalfOpen => (g.warn, "probing".to_owned(), Role::Warn),
        BreakerView::Closed => match region.success_rate {
            None => (g.ring, "quiet".to_owned(), Role::Muted),
            Some(rate) if rate < 0.9 => (g.warn, "failing".to_owned(), Role::Warn),
            Some(_) => (g.dot, "healthy".to_owned(), Role::Ok),
        },
    }
}

/// A quota as a figure.
pub(super) fn quota(limit: QuotaLimit) -> String {
    match limit {
        QuotaLimit::Unknown => "unknown".to_owned(),
        QuotaLimit::Absent => "none".to_owned(),
        QuotaLimit::Limit(value) => fmt::count(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_keep_what_tells_them_apart() {
        for (id, short) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.claude-sonnet-4-5"),
            ("global.anthropic.claude-opus-4-6-v1", "global.claude-opus-4-6"),
            ("amazon.nova-micro-v1:0", "nova-micro"),
            ("meta.llama3-1-8b-instruct-v1:0", "llama3-1-8b-instruct"),
            ("ai21.jamba-1-5-mini-v1:0", "jamba-1-5-mini"),
            ("deepseek.v3.2", "v3.2"),
            ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123", "abc123"),
            ("odd", "odd"),
            ("us.odd", "us.odd"),
            ("", ""),
        ] {
            assert_eq!(short_model(&id.into()), short, "{id}");
        }
    }
}
