//! Each scope against its quota: what is settled, what is held, what the limiter aims at, what the service allows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Hit, Panel, short_model};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Gauge, Level, Line};
use crate::console::ui::{fmt, words};
use crate::engine::{BreakerView, ScopeView, Trend};
use crate::limiter::{DimensionStatus, QuotaLimit};

use super::plots::{self, Curve, Plot};
use super::{history, section, selected, watch};

/// Cells of a figure: `unknown`.
const FIGURE: usize = 7;
/// Narrowest bar that says anything.
const LEAST_BAR: u16 = 8;
/// Cells of the columns that come after the bar where there is room.
const PERCENT: usize = 6;
const OF_HOLD: usize = 7;
const TPD: usize = 8;
const STATE: usize = 14;
/// Longer bars say nothing more.
const LONGEST_BAR: u16 = 40;
/// From so many cells on the name's column can say whole words below it.
const WORDS: usize = 27;

/// Which columns have room, and how wide the others are.
struct Columns {
    name: usize,
    bar: u16,
    wide: bool,
}

impl Columns {
    /// For a panel of `width` cells whose longest name has `longest`.
    fn of(width: u16, longest: usize) -> Columns {
        // The pointer, the dimension, the figures, blanks around the bar.
        let figures = 2 + 4 + 4 * (FIGURE + 1) + 1 + 1 + PERCENT;
        let extras = OF_HOLD + TPD + STATE + 3 * 2;
        let least = usize::from(LEAST_BAR);
        let width = usize::from(width);
        let wide = width >= figures + extras + 16 + least;
        let rest = width.saturating_sub(figures + if wide { extras } else { 0 });
        // Where a bar leaves no room for the names, the names come first.
        let room = if rest < least + 16 { rest } else { rest - least };
        let name = longest.min(room);
        Columns { name, bar: (rest.saturating_sub(name) as u16).min(LONGEST_BAR), wide }
    }
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let scopes = &view.snap.scopes;
    let inner_rows = area.height.saturating_sub(2);
    let per_scope: u16 = if inner_rows >= scopes.len() as u16 * 2 { 2 } else { 1 };
    let longest = scopes.iter().map(|scope| fmt::width(&name_of(scope))).max().unwrap_or(0);
    let columns = Columns::of(area.width, longest);
    let others = watch::others_of(view, scopes);
    let summary = summary(view, &columns, &others, per_scope, area.width);
    let inner = section(Panel::Quota, summary, view, area, buf);
    if scopes.is_empty() {
        Line::of(Role::Muted, "no route is in use").render(inner, buf, view.kit);
        return;
    }
    head(view, &columns, inner, buf);
    let body = super::below(inner, 1);
    let all = scopes.len() as u16 * 2;
    history::beneath(view, super::below(body, all), buf, |view, area, buf| {
        // Where not all fit, the selected one and those after it.
        let from = selected(Panel::Quota, view).unwrap_or(0).min(scopes.len().saturating_sub(1));
        let (before, after) = scopes.split_at(from);
        let plots: Vec<Plot<'_>> = after.iter().chain(before).map(|scope| over_time(view, scope)).collect();
        plots::grid(view, &plots, area, buf);
    });
    let fit = usize::from(body.height / per_scope).max(1);
    let chosen = selected(Panel::Quota, view);
    let first = chosen.unwrap_or(0).saturating_sub(fit - 1).min(scopes.len().saturating_sub(fit));
    for (at, scope) in scopes.iter().enumerate().skip(first).take(fit) {
        let y = body.y + (at - first) as u16 * per_scope;
        let rows = Rect { y, height: per_scope.min(body.bottom().saturating_sub(y)), ..body };
        if rows.height == 0 {
            break;
        }
        let more = scopes.len() - (first + fit).min(scopes.len());
        let last = at + 1 == first + fit;
        let shown = Shown { scope, others: others.get(at).copied().flatten(), chosen: chosen == Some(at) };
        render_scope(view, &shown, &columns, rows, buf);
        view.kit.takes_clicks(rows, Hit::Row(at));
        if last && more > 0 {
            let note = Line::of(Role::Muted, format!(" {} {more} more ", view.kit.glyphs.descending));
            note.render_right(Rect { y: rows.bottom() - 1, height: 1, ..rows }, buf, view.kit);
        }
    }
}

/// What is true of all scopes; what no row has room for comes first.
fn summary(view: &View<'_>, columns: &Columns, others: &[Option<f64>], per_scope: u16, width: u16) -> Line<'static> {
    let (scopes, g) = (&view.snap.scopes, view.kit.glyphs);
    let mut items: Vec<(String, String)> = Vec::new();
    if !columns.wide {
        let most = others.iter().flatten().copied().reduce(f64::max);
        let most = most.map_or(fmt::NONE.to_owned(), |share| format!("{}{:.0}%", g.bounds[0], share * 100.0));
        items.push(("others ".to_owned(), most));
        if per_scope < 2 {
            items.push(("of hold ".to_owned(), fmt::maybe_percent(of_hold(scopes))));
            let left = scopes.iter().filter_map(tpd_left).min();
            let left = left.map_or(fmt::NONE.to_owned(), |left| format!("{}{}", g.bounds[0], fmt::count(left)));
            items.push(("TPD left ".to_owned(), left));
        }
    }
    items.push(("limiter ".to_owned(), view.snap.preset.name().to_owned()));
    items.push(("held ".to_owned(), fmt::count(view.snap.total.held)));
    items.push(("per minute, last 60 s".to_owned(), String::new()));
    let room = usize::from(width).saturating_sub(fmt::width(Panel::Quota.title()) + 3);
    let mut line = Line::new();
    for (name, value) in items {
        let gap = if line.parts.is_empty() { String::new() } else { format!(" {} ", g.separator) };
        let item = Line::of(Role::Muted, format!("{gap}{name}")).text(value);
        if line.width() + item.width() <= room {
            line.parts.extend(item.parts);
        }
    }
    line
}

/// What all of them settled as a part of what they had held for it.
fn of_hold(scopes: &[ScopeView]) -> Option<f64> {
    let parts = scopes.iter().filter_map(|scope| {
        let (settled, share) = (scope.limiter.settled_60s as f64, scope.reservation_efficiency?);
        (share > 0.0).then(|| (settled, settled / share))
    });
    let (settled, held) = parts.fold((0.0, 0.0), |(a, b), (settled, held)| (a + settled, b + held));
    (held > 0.0).then(|| settled / held)
}

/// Quota tokens left of the UTC day, if it has a quota that is known.
fn tpd_left(scope: &ScopeView) -> Option<u64> {
    match scope.limiter.tpd {
        QuotaLimit::Limit(quota) => Some(quota.saturating_sub(scope.limiter.tpd_used)),
        QuotaLimit::Unknown | QuotaLimit::Absent => None,
    }
}

fn tpd_words(scope: &ScopeView) -> String {
    match scope.limiter.tpd {
        QuotaLimit::Limit(_) => tpd_left(scope).map_or(fmt::NONE.to_owned(), fmt::count),
        QuotaLimit::Unknown => "unknown".to_owned(),
        QuotaLimit::Absent => "no TPD".to_owned(),
    }
}

/// What stands below a scope's name where no column has it: its state if it needs words, else how much of its holds is
/// settled and what is left of the day.
fn below_name(view: &View<'_>, scope: &ScopeView, cells: usize) -> Line<'static> {
    let mut line = Line::new();
    match state(view, scope) {
        (Role::Ok | Role::Muted, _) => {}
        (Role::Throttle, _) => line.push(Role::Throttle, format!("{} ", view.kit.glyphs.warn)),
        (role, words) => return Line::of(role, words),
    }
    let share = scope.reservation_efficiency;
    let settled = share.map_or(fmt::NONE.to_owned(), |share| format!("{:.0}%", share * 100.0));
    let role = if share.is_some_and(|share| share < 0.5) { Role::Warn } else { Role::Text };
    let name = if scope.limiter.tpd == QuotaLimit::Absent {
        ", "
    } else if cells >= WORDS + line.width() {
        " of hold, TPD left "
    } else {
        " of hold, TPD "
    };
    line.with(role, settled).muted(name).text(tpd_words(scope))
}

/// A scope's tokens against its target and its quota.
fn over_time<'a>(view: &View<'a>, scope: &'a ScopeView) -> Plot<'a> {
    let trend = view.snap.trends.scopes.iter().find(|trend| trend.key == scope.key);
    let of = |trend: Option<&Trend>| trend.map_or_else(Vec::new, |trend| plots::steps(view, trend));
    let settled = of(trend.map(|trend| &trend.settled));
    let held = of(trend.map(|trend| &trend.held));
    let used: Vec<f32> = settled.iter().zip(held).map(|(settled, held)| settled + held).collect();
    let quota = match scope.limiter.tpm.quota {
        QuotaLimit::Limit(quota) => Some(Level { name: "quota", value: quota as f64, role: Role::Quota }),
        QuotaLimit::Unknown | QuotaLimit::Absent => None,
    };
    Plot {
        title: name_of(scope).into(),
        unit: "quota tokens per minute",
        curves: vec![
            Curve::level("settled", Role::Settled, settled).area(),
            Curve::level("with held", Role::Held, used),
            Curve::level("target", Role::Target, of(trend.map(|trend| &trend.target))),
        ],
        levels: quota.into_iter().collect(),
    }
}

fn name_of(scope: &ScopeView) -> String {
    format!("{} {}", scope.key.region, short_model(&scope.key.bucket))
}

/// A row: the name, the dimension, four figures, the bar, the share of the quota; then what there is room for.
fn cells(
    columns: &Columns,
    name: &str,
    dimension: &str,
    figures: [String; 4],
    kit: crate::console::ui::widgets::Kit<'_>,
) -> (String, [String; 4]) {
    let name = fmt::left(name, columns.name, kit.glyphs);
    (format!("{name} {dimension:<3}"), figures.map(|figure| format!(" {figure:>FIGURE$}")))
}

fn head(view: &View<'_>, columns: &Columns, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let figures = ["settled", "held", "target", "quota"].map(str::to_owned);
    let title = if columns.wide || columns.name < 24 { "Region and model" } else { "route, of hold, TPD left" };
    let (name, figures) = cells(columns, title, "", figures, kit);
    let mut line = Line::of(Role::Head, format!("  {name}"));
    for figure in figures {
        line.push(Role::Head, figure);
    }
    line.push(Role::Head, " ".repeat(usize::from(columns.bar) + 1));
    line.push(Role::Head, format!(" {:>PERCENT$}", "used"));
    if columns.wide {
        line.push(Role::Head, format!("  {:>OF_HOLD$}  {:>TPD$}    {}", "of hold", "TPD left", "state"));
    }
    line.render(area, buf, kit);
}

/// A scope as it is shown.
struct Shown<'a> {
    scope: &'a ScopeView,
    others: Option<f64>,
    chosen: bool,
}

fn render_scope(view: &View<'_>, shown: &Shown<'_>, columns: &Columns, rows: Rect, buf: &mut Buffer) {
    let (kit, scope) = (view.kit, shown.scope);
    let limiter = &scope.limiter;
    let name = name_of(scope);
    let tpm = Row {
        name: &name,
        dimension: "TPM",
        settled: limiter.settled_60s,
        held: Some(limiter.held),
        status: &limiter.tpm,
    };
    let first = Rect { height: 1, ..rows };
    let end = tpm.render(view, columns, first, buf);
    let pointer = if shown.chosen { kit.glyphs.pointer } else { " " };
    Line::of(Role::Focus, pointer).render(first, buf, kit);
    if columns.wide {
        extras(view, scope).render(Rect { x: end, width: first.right().saturating_sub(end), ..first }, buf, kit);
    }
    if rows.height > 1 {
        let rpm = Row { name: "", dimension: "RPM", settled: limiter.requests_60s, held: None, status: &limiter.rpm };
        let second = Rect { y: rows.y + 1, height: 1, ..rows };
        let end = rpm.render(view, columns, second, buf);
        if !columns.wide {
            let name = Rect { x: second.x + 2, width: columns.name as u16, ..second };
            below_name(view, scope, columns.name).render(name.intersection(second), buf, kit);
        } else {
            // Why it is in that state: the cause, or what the limiter's rule is doing.
            let line = match &scope.parked {
                Some((cause, remedy)) => {
                    Line::of(Role::Danger, fmt::sanitise(cause)).muted(format!("; {}", fmt::sanitise(remedy)))
                }
                None => {
                    let mut line = Line::new();
                    if let Some(share) = shown.others {
                        line.push(Role::Text, format!("others {}{:.0}%, ", kit.glyphs.bounds[0], share * 100.0));
                    }
                    line.muted(limiter.mood.as_str())
                }
            };
            line.render(Rect { x: end + 2, width: second.right().saturating_sub(end + 2), ..second }, buf, kit);
        }
    }
}

/// What of its holds is settled, what is left of the day, whether it can send.
fn extras(view: &View<'_>, scope: &ScopeView) -> Line<'static> {
    let settled = fmt::maybe_percent(scope.reservation_efficiency);
    let role = match scope.reservation_efficiency {
        Some(share) if share < 0.5 => Role::Warn,
        _ => Role::Text,
    };
    let line = Line::of(role, format!("  {settled:>OF_HOLD$}")).text(format!("  {:>TPD$}  ", tpd_words(scope)));
    let (role, words) = state(view, scope);
    line.with(role, words)
}

/// Whether a scope can send, in a word or two.
fn state(view: &View<'_>, scope: &ScopeView) -> (Role, String) {
    let g = view.kit.glyphs;
    match (&scope.parked, scope.breaker) {
        (Some(_), _) => (Role::Danger, format!("{} parked", g.danger)),
        (None, BreakerView::Open { .. }) => (Role::Danger, format!("{} breaker open", g.danger)),
        (None, BreakerView::HalfOpen) => (Role::Warn, format!("{} probing", g.warn)),
        (None, BreakerView::Closed) if !scope.throttles_60s.is_empty() => {
            (Role::Throttle, format!("{} throttled", g.warn))
        }
        (None, BreakerView::Closed) if scope.limiter.requests_60s == 0 => (Role::Muted, format!("{} quiet", g.ring)),
        (None, BreakerView::Closed) => (Role::Ok, format!("{} sending", g.dot)),
    }
}

struct Row<'a> {
    name: &'a str,
    dimension: &'a str,
    settled: u64,
    held: Option<u64>,
    status: &'a DimensionStatus,
}

impl Row<'_> {
    /// Draws it and returns the column behind it.
    fn render(&self, view: &View<'_>, columns: &Columns, area: Rect, buf: &mut Buffer) -> u16 {
        let kit = view.kit;
        let held = self.held.map_or(String::new(), fmt::count);
        let target = self.status.target.map_or(fmt::NONE.to_owned(), fmt::si);
        let figures = [fmt::count(self.settled), held, target, words::quota(self.status.quota)];
        let (name, [settled, held, target, quota]) = cells(columns, self.name, self.dimension, figures, kit);
        let line = Line::of(Role::Strong, format!("  {}", &name[..name.len() - 3]))
            .muted(&name[name.len() - 3..])
            .with(Role::Settled, settled)
            .with(Role::Held, held)
            .with(Role::Target, target)
            .with(Role::Quota, quota);
        let x = area.x + line.render(area, buf, kit) + 1;
        let bar = Rect { x, width: columns.bar.min(area.right().saturating_sub(x)), ..area };
        let quota = match self.status.quota {
            QuotaLimit::Limit(quota) => Some(quota as f64),
            QuotaLimit::Unknown | QuotaLimit::Absent => None,
        };
        let gauge = Gauge {
            settled: self.settled as f64,
            held: self.held.unwrap_or(0) as f64,
            target: self.status.target,
            quota,
            ..Gauge::default()
        };
        // Without a quota and a target there is nothing to measure against.
        let measurable = quota.is_some() || self.status.target.is_some();
        if measurable && bar.width >= 4 {
            gauge.render_bar(bar, buf, kit);
        }
        let used = (self.settled + self.held.unwrap_or(0)) as f64;
        let share = quota.filter(|quota| *quota > 0.0).map(|quota| used / quota);
        let role = match share {
            Some(share) if share > 1.0 => Role::Danger,
            Some(share) if share >= 0.9 => Role::Warn,
            _ => Role::Text,
        };
        let text = format!(" {:>PERCENT$}", fmt::maybe_percent(share));
        let end = Rect { x: bar.right(), width: area.right().saturating_sub(bar.right()), ..area };
        bar.right() + Line::of(role, text).render(end, buf, kit)
    }
}
