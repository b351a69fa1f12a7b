//! Each scope against its quota: what is settled, what is held, what the limiter aims at, what the service allows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Hit, Panel, short_model};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Gauge, Line};
use crate::console::ui::{fmt, words};
use crate::engine::{BreakerView, ScopeView};
use crate::limiter::{DimensionStatus, QuotaLimit};

use super::{history, section, selected};

/// Cells of a figure: `unknown`.
const FIGURE: usize = 7;
/// Narrowest bar that says anything.
const LEAST_BAR: u16 = 8;
/// Cells of the columns that come after the bar where there is room.
const PERCENT: usize = 6;
const EFFICIENCY: usize = 6;
const TPD: usize = 8;
const STATE: usize = 14;

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
        let extras = EFFICIENCY + TPD + STATE + 3 * 2;
        let least = usize::from(LEAST_BAR);
        let width = usize::from(width);
        let wide = width >= figures + extras + 16 + least;
        let rest = width.saturating_sub(figures + if wide { extras } else { 0 });
        // Where a bar leaves no room for the names, the names come first.
        let room = if rest < least + 16 { rest } else { rest - least };
        let name = longest.min(room);
        Columns { name, bar: rest.saturating_sub(name) as u16, wide }
    }
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let scopes = &view.snap.scopes;
    let total = &view.snap.total;
    let summary = Line::of(Role::Muted, "per minute, last 60 s ")
        .muted(view.kit.glyphs.separator)
        .muted(" limiter ")
        .text(view.snap.preset.name())
        .muted(format!(" {} held ", view.kit.glyphs.separator))
        .text(fmt::count(total.held));
    let inner = section(Panel::Quota, summary, view, area, buf);
    if scopes.is_empty() {
        Line::of(Role::Muted, "no route is in use").render(inner, buf, view.kit);
        return;
    }
    let longest = scopes.iter().map(|scope| fmt::width(&name_of(scope))).max().unwrap_or(0);
    let columns = Columns::of(inner.width, longest);
    head(view, &columns, inner, buf);
    let body = super::below(inner, 1);
    let all = scopes.len() as u16 * 2;
    history::beneath(view, super::below(body, all), buf, |view, area, buf| {
        super::chart::draw(view, view.state.sight(), area, buf);
    });
    let per_scope: u16 = if body.height >= scopes.len() as u16 * 2 { 2 } else { 1 };
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
        render_scope(view, scope, &columns, chosen == Some(at), rows, buf);
        view.kit.takes_clicks(rows, Hit::Row(at));
        if last && more > 0 {
            let note = Line::of(Role::Muted, format!(" {} {more} more ", view.kit.glyphs.descending));
            note.render_right(Rect { y: rows.bottom() - 1, height: 1, ..rows }, buf, view.kit);
        }
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
    let (name, figures) = cells(columns, "Region and model", "", figures, kit);
    let mut line = Line::of(Role::Head, format!("  {name}"));
    for figure in figures {
        line.push(Role::Head, figure);
    }
    line.push(Role::Head, " ".repeat(usize::from(columns.bar) + 1));
    line.push(Role::Head, format!(" {:>PERCENT$}", "used"));
    if columns.wide {
        line.push(Role::Head, format!("  {:>EFFICIENCY$}  {:>TPD$}    {}", "effic.", "TPD left", "state"));
    }
    line.render(area, buf, kit);
}

fn render_scope(view: &View<'_>, scope: &ScopeView, columns: &Columns, chosen: bool, rows: Rect, buf: &mut Buffer) {
    let kit = view.kit;
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
    let pointer = if chosen { kit.glyphs.pointer } else { " " };
    Line::of(Role::Focus, pointer).render(first, buf, kit);
    if columns.wide {
        extras(view, scope).render(Rect { x: end, width: first.right().saturating_sub(end), ..first }, buf, kit);
    }
    if rows.height > 1 {
        let rpm = Row { name: "", dimension: "RPM", settled: limiter.requests_60s, held: None, status: &limiter.rpm };
        let second = Rect { y: rows.y + 1, height: 1, ..rows };
        let end = rpm.render(view, columns, second, buf);
        if columns.wide {
            // Why it is in that state: the cause, or what the limiter's rule is doing.
            let line = match &scope.parked {
                Some((cause, remedy)) => {
                    Line::of(Role::Danger, fmt::sanitise(cause)).muted(format!("; {}", fmt::sanitise(remedy)))
                }
                None => Line::of(Role::Muted, limiter.mood.as_str()),
            };
            line.render(Rect { x: end + 2, width: second.right().saturating_sub(end + 2), ..second }, buf, kit);
        }
    }
}

/// Reservation efficiency, what is left of the day, whether it can send.
fn extras(view: &View<'_>, scope: &ScopeView) -> Line<'static> {
    let efficiency = fmt::maybe_percent(scope.reservation_efficiency);
    let role = match scope.reservation_efficiency {
        Some(share) if share < 0.5 => Role::Warn,
        _ => Role::Text,
    };
    let left = match scope.limiter.tpd {
        QuotaLimit::Limit(quota) => fmt::count(quota.saturating_sub(scope.limiter.tpd_used)),
        QuotaLimit::Unknown => "unknown".to_owned(),
        QuotaLimit::Absent => "no TPD".to_owned(),
    };
    let mut line = Line::of(role, format!("  {efficiency:>EFFICIENCY$}")).text(format!("  {left:>TPD$}  "));
    let g = view.kit.glyphs;
    match (&scope.parked, scope.breaker) {
        (Some(_), _) => line.push(Role::Danger, format!("{} parked", g.danger)),
        (None, BreakerView::Open { .. }) => line.push(Role::Danger, format!("{} breaker open", g.danger)),
        (None, BreakerView::HalfOpen) => line.push(Role::Warn, format!("{} probing", g.warn)),
        (None, BreakerView::Closed) if !scope.throttles_60s.is_empty() => {
            line.push(Role::Throttle, format!("{} throttled", g.warn));
        }
        (None, BreakerView::Closed) if scope.limiter.requests_60s == 0 => {
            line.push(Role::Muted, format!("{} quiet", g.ring));
        }
        (None, BreakerView::Closed) => line.push(Role::Ok, format!("{} sending", g.dot)),
    }
    line
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
