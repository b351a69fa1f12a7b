//! A scope from inside: what the limiter believes and why.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::usage::{self, Sort};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::console::ui::{fmt, words};
use crate::engine::{BreakerView, HeadView, HeadWhy, ScopeView};
use crate::limiter::{DimensionStatus, Epoch, QuotaLimit, Why};
use crate::record::{Micros, ScopeKey};

/// Cells of the names.
const NAME: usize = 21;
/// Cells of a column of the two dimensions.
const COLUMN: usize = 28;

pub(in crate::console::ui) fn render(view: &View<'_>, key: &ScopeKey, scroll: u16, body: Rect, buf: &mut Buffer) {
    let summary = Line::of(Role::Muted, "Esc goes back");
    let inner = Panel::new("Scope").ruled().summary(summary).render(body, buf, view.kit);
    match view.snap.scopes.iter().find(|scope| scope.key == *key) {
        Some(scope) => super::scrolled(&lines(view, scope, inner.width), scroll, inner, buf, view.kit),
        None => {
            Line::of(Role::Muted, "This scope is not in use any more.").render(inner, buf, view.kit);
        }
    }
}

fn fact(name: &str, role: Role, value: impl Into<String>) -> Line<'static> {
    Line::of(Role::Muted, format!("{name:<NAME$}")).with(role, value.into())
}

fn lines(view: &View<'_>, scope: &ScopeView, width: u16) -> Vec<Line<'static>> {
    let limiter = &scope.limiter;
    let mut lines = vec![
        fact("scope", Role::Strong, format!("{}, {}", scope.key.region, fmt::sanitise(scope.key.bucket.as_str()))),
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
    head(view, scope, &mut lines);
    let others = others(view, scope).map(|words| fmt::wrap(&words, usize::from(width).saturating_sub(NAME)));
    for (at, line) in others.into_iter().flatten().enumerate() {
        lines.push(fact(if at == 0 { "others" } else { "" }, Role::Warn, line));
    }
    lines.push(Line::new());
    dimensions(scope, &mut lines);
    lines.push(Line::new());
    let reserved = format!("{} quota tokens at admission", fmt::exact(limiter.reserved_60s));
    lines.push(fact("held, last 60 s", Role::Held, reserved));
    of_hold(scope, &mut lines);
    wasted(scope, usize::from(width), &mut lines);
    let debt = match limiter.debt {
        0 => fact("outstanding debt", Role::Text, "none"),
        debt => {
            let text = format!("{} quota tokens will settle above their hold", fmt::exact(debt));
            fact("outstanding debt", Role::Warn, text)
        }
    };
    lines.push(debt);
    lines.push(fact("this UTC day", Role::Text, today(limiter.tpd, limiter.tpd_used)));
    lines.push(Line::new());
    epochs(view, limiter.epochs, &limiter.last_epochs, &mut lines);
    lines
}

/// Why the limiter finds less than the quota, if that is the others' use.
fn others(view: &View<'_>, scope: &ScopeView) -> Option<String> {
    let rows = usage::rows(view.state.account()?, view.snap, "", Sort::Model);
    usage::others_words(rows.iter().find(|row| row.limits.key == scope.key)?)
}

/// Why the head of the queue waits here and until when, and what has kept it waiting here so far.
fn head(view: &View<'_>, scope: &ScopeView, lines: &mut Vec<Line<'static>>) {
    let waiting = view.snap.flow.head.as_ref();
    match (scope.head(waiting), waiting) {
        (Some((head, why)), _) => {
            let (what, because) = words::why(why);
            let left = head.until.filter(|until| *until > view.now).map(|until| {
                format!(", {} more, until {} UTC", words::countdown(view.until(until)), fmt::utc_time(view.utc(until)))
            });
            lines.push(fact("head waits for", Role::Strong, what).with(Role::Text, left.unwrap_or_default()));
            lines.push(fact("", Role::Muted, because));
        }
        (None, Some(HeadView { why: HeadWhy::Limiter(_), route: Some(route), .. })) => {
            lines.push(fact("head waits for", Role::Muted, format!("{}, where it can go sooner", route.region)));
        }
        (None, Some(_)) => lines.push(fact("head waits for", Role::Muted, "nothing of this scope")),
        (None, None) => lines.push(fact("head waits for", Role::Muted, "nothing: the queue is empty or moving")),
    }
    let mut waited: Vec<(Why, Micros)> = scope.head_waited.clone();
    waited.retain(|(_, waited)| *waited >= Micros::from_secs(1));
    waited.sort_by_key(|(_, waited)| Reverse(*waited));
    if !waited.is_empty() {
        let part = |(why, waited): &(Why, Micros)| format!("{} {}", words::why_short(*why), fmt::span(*waited));
        let parts: Vec<String> = waited.iter().map(part).collect();
        lines.push(fact("waited here so far", Role::Text, parts.join(", ")));
    }
}

/// Tokens and requests side by side: the quota, what is used of it, and what the limiter makes of it.
fn dimensions(scope: &ScopeView, lines: &mut Vec<Line<'static>>) {
    let limiter = &scope.limiter;
    let of_quota = |text: String, used: u64, status: &DimensionStatus| match status.quota {
        QuotaLimit::Limit(quota) if quota > 0 => {
            format!("{text}, {} of quota", fmt::percent(used as f64 / quota as f64))
        }
        _ => text,
    };
    let (tpm, rpm) = (&limiter.tpm, &limiter.rpm);
    let in_use = [limiter.settled_60s + limiter.held, limiter.requests_60s];
    let mut row = |name: &str, roles: [Role; 2], [tokens, requests]: [String; 2]| {
        let line = Line::of(Role::Muted, format!("{name:<NAME$}"));
        lines.push(line.with(roles[0], format!("{tokens:>COLUMN$}")).with(roles[1], format!("{requests:>COLUMN$}")));
    };
    let both = |of: fn(&DimensionStatus) -> String| [of(tpm), of(rpm)];
    row("", [Role::Head; 2], ["quota tokens (TPM)".to_owned(), "requests (RPM)".to_owned()]);
    row("quota, per minute", [Role::Quota; 2], both(|status| words::quota(status.quota)));
    row(
        "settled, last 60 s",
        [Role::Settled; 2],
        [
            of_quota(fmt::exact(limiter.settled_60s), limiter.settled_60s, tpm),
            of_quota(format!("{} sent", fmt::exact(limiter.requests_60s)), limiter.requests_60s, rpm),
        ],
    );
    row(
        "held now",
        [Role::Held; 2],
        [of_quota(fmt::exact(limiter.held), limiter.held, tpm), format!("{} in flight", scope.in_flight)],
    );
    row("believed, per minute", [Role::Text; 2], [believed(tpm, in_use[0]), believed(rpm, in_use[1])]);
    row("target, per minute", [Role::Target; 2], [target(tpm, in_use[0]), target(rpm, in_use[1])]);
    row(
        "real limit within",
        [Role::Text; 2],
        both(|status| match (status.estimate, status.target) {
            (Some((low, high)), _) => format!("{} to {}", fmt::si(low), fmt::si(high)),
            (None, Some(_)) => "not measured yet".to_owned(),
            (None, None) => fmt::NONE.to_owned(),
        }),
    );
    row("burst", [Role::Text; 2], both(burst));
    row("the service's meter", [Role::Text; 2], both(meter));
    // Only the rule that adapts believes anything.
    if tpm.believed.is_some() || rpm.believed.is_some() {
        row("returns and probes", [Role::Text; 2], both(patience));
    }
    let short = |status: &DimensionStatus| if status.level < 0.0 { Role::Warn } else { Role::Text };
    let whole = DimensionStatus { level: rpm.level.floor(), ..*rpm };
    row("could go at once", [short(tpm), short(rpm)], [level(tpm), level(&whole)]);
    for (status, of) in [(tpm, "their reservation (TPM)"), (rpm, "a request (RPM)")] {
        if status.reject_charge > 0.0 {
            let text = format!("seem to cost {} of {of}", fmt::percent(status.reject_charge));
            lines.push(fact("rejected requests", Role::Warn, text));
        }
    }
}

fn in_use(used: u64, rate: f64) -> String {
    if rate > 0.0 { format!("{}, {} in use", fmt::si(rate), fmt::percent(used as f64 / rate)) } else { fmt::si(rate) }
}

/// The rate that is believed in, and how much of it is in use.
fn believed(status: &DimensionStatus, used: u64) -> String {
    status.believed.map_or(fmt::NONE.to_owned(), |rate| in_use(used, rate))
}

/// The rate that is aimed at: with what a probe goes beyond the believed one, or how much of it is in use.
fn target(status: &DimensionStatus, used: u64) -> String {
    match (status.target, status.believed) {
        (None, _) => fmt::NONE.to_owned(),
        (Some(target), None) => in_use(used, target),
        (Some(target), Some(believed)) if target > believed * 1.0005 => {
            format!("{}, a probe of +{}", fmt::si(target), fmt::percent(target / believed - 1.0))
        }
        (Some(target), Some(_)) => fmt::si(target),
    }
}

fn level(status: &DimensionStatus) -> String {
    match status.level {
        // Where there is no quota the level says nothing.
        _ if status.quota == QuotaLimit::Absent => fmt::NONE.to_owned(),
        level if level < 0.0 => format!("nothing, {} short", fmt::si(-level)),
        level => fmt::si(level),
    }
}

fn meter(status: &DimensionStatus) -> String {
    // What does not bind is not asked how it is metered.
    if status.target.is_some() { words::meter(status.meter).to_owned() } else { fmt::NONE.to_owned() }
}

/// How fast it returns and probes.
fn patience(status: &DimensionStatus) -> String {
    match (status.believed, status.patience) {
        (None, _) => fmt::NONE.to_owned(),
        (Some(_), patience) if patience > 1.05 => format!("{patience:.1}x slower than at first"),
        (Some(_), _) => "as often as at first".to_owned(),
    }
}

fn burst(status: &DimensionStatus) -> String {
    let rate = status.believed.or(status.target).filter(|rate| *rate > 0.0);
    match (status.burst, rate) {
        (None, _) => fmt::NONE.to_owned(),
        (Some(burst), None) => fmt::si(burst),
        (Some(burst), Some(rate)) => {
            // What nothing was measured of is what is assumed of any bucket.
            let assumed = status.believed.is_some() && status.estimate.is_none();
            let of = if assumed { ", assumed" } else { " of the rate" };
            format!("{}, {} s{of}", fmt::si(burst), fmt::si((burst / rate * 600.0).round() / 10.0))
        }
    }
}

/// What was settled for what ended in the last minute as a part of what had been held for it, and why it differs.
fn of_hold(scope: &ScopeView, lines: &mut Vec<Line<'static>>) {
    let Some(share) = scope.reservation_efficiency else {
        lines.push(fact("settled of hold", Role::Muted, "- (nothing ended in the last 60 s)"));
        return;
    };
    let role = if share < 0.5 { Role::Warn } else { Role::Text };
    let text = format!("{} of what was held for the replies of the last 60 s", fmt::percent(share));
    lines.push(fact("settled of hold", role, text));
    let counts = scope.burndown;
    let why = match share {
        share if share > 1.0 && counts > 1 => {
            format!("above 100%: an output token settles as {counts}, the hold counts it once")
        }
        share if share > 1.0 => "above 100%: the input was estimated too low".to_owned(),
        share if share < 0.5 => "the rest was held by max_tokens and not used".to_owned(),
        _ if counts > 1 => format!("an output token settles as {counts}, the hold counts it once"),
        _ => return,
    };
    lines.push(fact("", Role::Muted, why));
}

/// What `max_tokens` reserved and nothing used, and what to do about it.
fn wasted(scope: &ScopeView, width: usize, lines: &mut Vec<Line<'static>>) {
    let name = "wasted by max_tokens";
    if scope.wasted_60s == 0 {
        lines.push(fact(name, Role::Text, "nothing"));
        return;
    }
    let share = scope.wasted_share().map(|share| format!(", {} of the quota", fmt::percent(share)));
    let text = format!("{} quota tokens, last 60 s{}", fmt::exact(scope.wasted_60s), share.unwrap_or_default());
    let role = if scope.advice.is_some() { Role::Warn } else { Role::Text };
    lines.push(fact(name, role, text));
    let advice = scope.advice.as_deref().map_or_else(Vec::new, |text| fmt::wrap(text, width.saturating_sub(NAME)));
    lines.extend(advice.into_iter().map(|text| fact("", Role::Strong, text)));
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
