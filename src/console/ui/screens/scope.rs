//! A scope from inside: what the limiter believes and why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::console::ui::{fmt, words};
use crate::engine::{BreakerView, ScopeView};
use crate::limiter::{DimensionStatus, Epoch, QuotaLimit};
use crate::record::ScopeKey;

/// Cells of the names.
const NAME: usize = 21;

pub(in crate::console::ui) fn render(view: &View<'_>, key: &ScopeKey, scroll: u16, body: Rect, buf: &mut Buffer) {
    let summary = Line::of(Role::Muted, "Esc goes back");
    let inner = Panel::new("Scope").ruled().summary(summary).render(body, buf, view.kit);
    match view.snap.scopes.iter().find(|scope| scope.key == *key) {
        Some(scope) => super::scrolled(&lines(view, scope), scroll, inner, buf, view.kit),
        None => {
            Line::of(Role::Muted, "This scope is not in use any more.").render(inner, buf, view.kit);
        }
    }
}

fn fact(name: &str, role: Role, value: impl Into<String>) -> Line<'static> {
    Line::of(Role::Muted, format!("{name:<NAME$}")).with(role, value.into())
}

fn lines(view: &View<'_>, scope: &ScopeView) -> Vec<Line<'static>> {
    let limiter = &scope.limiter;
    let mut lines = vec![
        fact("Region", Role::Strong, scope.key.region.to_string()),
        fact("metered as", Role::Strong, fmt::sanitise(scope.key.bucket.as_str())),
        fact("quotas from", Role::Text, fmt::sanitise(&scope.quota_source)),
        fact("limiter", Role::Text, format!("{}, {}", view.snap.preset.name(), limiter.mood)),
        health(view, scope),
    ];
    if let Some((cause, remedy)) = &scope.parked {
        lines.push(fact("parked", Role::Danger, fmt::sanitise(cause)));
        lines.push(fact("", Role::Text, fmt::sanitise(remedy)));
    }
    if let Some(until) = limiter.held_off_until.filter(|until| *until > view.now) {
        let text = format!("{} more, a pause after a throttle", words::countdown(view.until(until)));
        lines.push(fact("sends nothing for", Role::Warn, text));
    }
    lines.push(Line::new());
    let head = format!(
        "{:<NAME$}{:>8}{:>8}{:>19}{:>9}{:>11}",
        "per minute", "quota", "target", "real limit within", "burst", "level now"
    );
    lines.push(Line::of(Role::Head, head));
    lines.push(dimension("tokens (TPM)", &limiter.tpm));
    lines.push(dimension("requests (RPM)", &limiter.rpm));
    lines.push(Line::new());
    lines.push(fact("requests, last 60 s", Role::Text, fmt::exact(limiter.requests_60s)));
    lines.push(fact("settled, last 60 s", Role::Settled, format!("{} quota tokens", fmt::exact(limiter.settled_60s))));
    lines.push(fact("reserved, last 60 s", Role::Held, format!("{} quota tokens", fmt::exact(limiter.reserved_60s))));
    lines.push(fact("efficiency", Role::Text, fmt::maybe_percent(scope.reservation_efficiency)));
    lines.push(fact(
        "held now",
        Role::Held,
        format!("{} quota tokens, {} in flight", fmt::exact(limiter.held), scope.in_flight),
    ));
    let debt = if limiter.debt > 0 { Role::Warn } else { Role::Text };
    lines.push(fact("debt", debt, format!("{} quota tokens", fmt::exact(limiter.debt))));
    lines.push(fact("this UTC day", Role::Text, today(limiter.tpd, limiter.tpd_used)));
    lines.push(Line::new());
    epochs(view, limiter.epochs, &limiter.last_epochs, &mut lines);
    lines
}

fn health(view: &View<'_>, scope: &ScopeView) -> Line<'static> {
    let g = view.kit.glyphs;
    match scope.breaker {
        BreakerView::Closed => fact("breaker", Role::Ok, format!("{} closed", g.dot)),
        BreakerView::HalfOpen => fact("breaker", Role::Warn, format!("{} half open, probing", g.warn)),
        BreakerView::Open { until } => fact(
            "breaker",
            Role::Danger,
            format!("{} open, probes in {}", g.danger, words::countdown(view.until(until))),
        ),
    }
}

fn dimension(name: &str, status: &DimensionStatus) -> Line<'static> {
    let figure = |value: Option<f64>| value.map_or(fmt::NONE.to_owned(), fmt::si);
    let between = match status.estimate {
        Some((low, high)) => format!("{} to {}", fmt::si(low), fmt::si(high)),
        None => fmt::NONE.to_owned(),
    };
    let level = if status.level < 0.0 { Role::Warn } else { Role::Text };
    Line::of(Role::Text, format!("{name:<NAME$}"))
        .with(Role::Quota, format!("{:>8}", words::quota(status.quota)))
        .with(Role::Target, format!("{:>8}", figure(status.target)))
        .text(format!("{between:>19}{:>9}", figure(status.burst)))
        .with(level, format!("{:>11}", fmt::si(status.level)))
}

fn today(quota: QuotaLimit, used: u64) -> String {
    match quota {
        QuotaLimit::Limit(quota) => {
            let left = quota.saturating_sub(used);
            format!("{} of {} quota tokens by us, {} left", fmt::exact(used), fmt::exact(quota), fmt::count(left))
        }
        QuotaLimit::Unknown => format!("{} quota tokens by us; the quota is unknown", fmt::exact(used)),
        QuotaLimit::Absent => format!("{} quota tokens by us; there is no daily quota", fmt::exact(used)),
    }
}

fn epochs(view: &View<'_>, count: u64, last: &[Epoch], lines: &mut Vec<Line<'static>>) {
    let head =
        format!("{:<NAME$}{:>10}{:>9}{:>9}", format!("throttle epochs: {}", fmt::exact(count)), "blamed", "from", "to");
    lines.push(Line::of(Role::Head, head));
    if last.is_empty() {
        lines.push(Line::of(Role::Muted, "none yet"));
    }
    for epoch in last {
        let when = format!("{} UTC", fmt::utc_time(view.utc(epoch.at)));
        let from_to = format!("{:>9}{:>9}", fmt::si(epoch.from), fmt::si(epoch.to));
        let line = Line::of(Role::Text, format!("{when:<NAME$}"))
            .with(Role::Throttle, format!("{:>10}", words::why_short(epoch.why)))
            .text(from_to);
        lines.push(line);
    }
}
