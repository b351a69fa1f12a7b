//! States in words, each with the role that colours it and the glyph that stands for it without colour.

use crate::console::app::batch;
use crate::console::app::provisioned::status_word;
use crate::control::{JobStatus, ProvisionedStatus};
use crate::engine::{BreakerView, HeadView, HeadWhy, LoadState, RegionView, TargetInfo};
use crate::limiter::{MeterBelief, QuotaLimit, Why};
use crate::record::Micros;

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

/// A provisioned model's status: glyph, words, role.
pub(super) fn provisioned(status: &ProvisionedStatus, g: &Glyphs) -> (&'static str, String, Role) {
    let word = fmt::sanitise(status_word(status)).into_owned();
    let (glyph, role) = match status {
        ProvisionedStatus::Creating => (g.ring, Role::Info),
        ProvisionedStatus::InService => (g.dot, Role::Ok),
        ProvisionedStatus::Updating => (g.ring, Role::Warn),
        ProvisionedStatus::Failed => (g.danger, Role::Danger),
        ProvisionedStatus::Other(_) => (g.warn, Role::Warn),
    };
    (glyph, word, role)
}

/// A job's status: glyph, words, role.
pub(super) fn job(status: &JobStatus, g: &Glyphs) -> (&'static str, String, Role) {
    let word = fmt::sanitise(batch::status_word(status)).into_owned();
    let (glyph, role) = match status {
        JobStatus::Submitted | JobStatus::Validating | JobStatus::Scheduled => (g.ring, Role::Info),
        JobStatus::InProgress => (g.dot, Role::Ok),
        JobStatus::Completed => (g.ok, Role::Ok),
        JobStatus::PartiallyCompleted => (g.warn, Role::Warn),
        JobStatus::Failed | JobStatus::Expired => (g.danger, Role::Danger),
        JobStatus::Stopping | JobStatus::Stopped => (g.paused, Role::Muted),
        JobStatus::Other(_) => (g.warn, Role::Warn),
    };
    (glyph, word, role)
}

/// The account as people call it, then its number.
pub(super) fn account(target: &TargetInfo) -> String {
    match (&target.account_label, &target.account) {
        (Some(label), Some(id)) => format!("{} ({id})", fmt::sanitise(label)),
        (Some(one), None) | (None, Some(one)) => fmt::sanitise(one).into_owned(),
        (None, None) => "account unknown".to_owned(),
    }
}

/// What holds the limiter: the dimension, and why.
pub(super) const fn why(why: Why) -> (&'static str, &'static str) {
    match why {
        Why::Rpm => ("RPM", "its requests per minute are used up"),
        Why::TpmHold => ("TPM (hold)", "its hold does not fit yet"),
        Why::TpmDebt => ("TPM (debt)", "what is in flight will settle above its hold"),
        Why::Rate => ("the rule's rate", "so many requests per second and no more"),
        Why::Tpd => ("TPD", "the day's tokens are used up"),
        Why::HoldOff => ("a pause", "the service throttled or named a time"),
        Why::LargerThanBurst => ("ever", "it is larger than the whole burst"),
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

/// How the service is believed to meter.
pub(super) const fn meter(meter: MeterBelief) -> &'static str {
    match meter {
        MeterBelief::Unsure => "not known yet: as a bucket",
        MeterBelief::Bucket => "refills (bucket)",
        MeterBelief::Window => "counts the last 60 s",
        MeterBelief::Minute => "starts afresh each minute",
    }
}

/// A countdown: tenths while it is short, else as a span.
pub(super) fn countdown(left: Micros) -> String {
    if left.0 < 10_000_000 { format!("{:.1}s", (left.secs_f64() * 10.0).ceil() / 10.0) } else { fmt::span(left) }
}

/// Why the head of the queue waits and until when.
pub(super) fn head<'a>(view: &View<'a>, head: &'a HeadView) -> Line<'a> {
    let mut line =
        Line::of(Role::Strong, fmt::sanitise(head.record.as_str())).muted(format!(" {}", head.priority.name()));
    let (what, because) = match head.why {
        HeadWhy::Limiter(inner) => why(inner),
        HeadWhy::Concurrency => ("a free place", "the concurrency limit is reached"),
        HeadWhy::Breakers => ("a breaker", "all of them are open"),
        HeadWhy::Parked => ("a scope", "every one is parked or drained"),
        HeadWhy::Cap => ("the spend cap", "it would be passed"),
        HeadWhy::Paused => ("you", "paused"),
    };
    line.push(Role::Muted, " waits");
    // A moment that has just passed is about to be dealt with: no time is left to name.
    if let Some(until) = head.until.filter(|until| *until > view.now) {
        line.push(Role::Text, format!(" {}", countdown(view.until(until))));
    }
    line.push(Role::Muted, " for ");
    line.push(Role::Strong, what);
    if let Some(route) = &head.route {
        line.push(Role::Muted, format!(" in {}", route.region));
    }
    line.push(Role::Muted, ": ");
    line.push(Role::Text, because);
    line
}

/// Whether a Region can be sent to.
pub(super) fn serves(view: &View<'_>, region: &RegionView) -> bool {
    !region.drained && health(view, region).2 != Role::Danger
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
