//! Screen 2: every knob, with its effect beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Breakpoint, Hit, TuningRow, Value, tuning};
use crate::console::ui::facts::{self, Fact};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::console::ui::{fmt, layout, panels};
use crate::limiter::QuotaLimit;

/// Cells of the columns: value, value at the start.
const VALUE: usize = 17;
const START: usize = 10;
/// Least cells of a labelled figure of the effect.
const LEAST: u16 = 19;

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    let rows = tuning::rows(view.snap);
    let at = view.state.tuning.cursor.min(rows.len().saturating_sub(1));
    let wide = Breakpoint::of(body.width + 2, body.height + 3) >= Breakpoint::Large;
    if wide {
        let [main, detail] = layout::rows(body, [0, 4]);
        let [left, right] = layout::columns(main, [8, 7]);
        knobs(view, &rows, at, left, buf);
        effect(view, right, buf);
        selected(view, rows.get(at), detail, buf);
    } else {
        let figures = if body.height >= 20 { 3 } else { 2 };
        let [list, detail, effect] = layout::rows(body, [0, 4, 1 + figures]);
        knobs(view, &rows, at, list, buf);
        selected(view, rows.get(at), detail, buf);
        let inner = effect_heading(view, effect, buf);
        facts::render(&figures_of(view), LEAST, inner, buf, view.kit);
    }
}

fn value(view: &View<'_>, row: &TuningRow) -> Value {
    row.view(view.snap, view.state.tuning.pending(row).filter(|_| view.state.frozen.is_none()))
}

fn knobs(view: &View<'_>, rows: &[(&'static str, TuningRow)], at: usize, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let changed = view.snap.knobs.iter().filter(|knob| (knob.value - knob.default).abs() > 1e-9).count();
    let summary = match changed {
        0 => Line::of(Role::Muted, "all as at the start"),
        n => Line::of(Role::Accent, n.to_string()).muted(" not as at the start"),
    };
    let inner = Panel::new("Knobs").ruled().summary(summary).focused(true).render(area, buf, kit);
    // A line for each heading and each row.
    let mut lines: Vec<(Option<usize>, &str)> = Vec::new();
    let mut group = "";
    for (index, (heading, _)) in rows.iter().enumerate() {
        if *heading != group {
            if !group.is_empty() && usize::from(inner.height) > rows.len() + 12 {
                lines.push((None, ""));
            }
            lines.push((None, *heading));
            group = *heading;
        }
        lines.push((Some(index), ""));
    }
    let height = usize::from(inner.height);
    let cursor = lines.iter().position(|(row, _)| *row == Some(at)).unwrap_or(0);
    // The cursor stays in the middle while there is something on both sides.
    let first = cursor.saturating_sub(height / 2).min(lines.len().saturating_sub(height));
    for (offset, (row, heading)) in lines.iter().skip(first).take(height).enumerate() {
        let y = Rect { y: inner.y + offset as u16, height: 1, ..inner };
        match row {
            None => {
                Line::of(Role::Title, *heading).render(y, buf, kit);
            }
            Some(index) => {
                knob(view, &rows[*index].1, *index == at, y, buf);
                kit.takes_clicks(y, Hit::Row(*index));
            }
        }
    }
    if first + height < lines.len() {
        let left = lines.len() - first - height;
        let note = Line::of(Role::Muted, format!(" {} {left} more", kit.glyphs.descending));
        note.render_right(Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }, buf, kit);
    }
}

fn knob(view: &View<'_>, row: &TuningRow, here: bool, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let value = value(view, row);
    let with_start = area.width >= 50;
    let tail = VALUE + 4 + if with_start { START + 2 } else { 0 };
    let name = usize::from(area.width).saturating_sub(tail + 2);
    let (label_role, value_role) = match (value.active, here) {
        (false, _) => (Role::Disabled, Role::Disabled),
        (true, true) => (Role::Strong, Role::Strong),
        (true, false) => (Role::Text, Role::Text),
    };
    let on_its_way = view.state.tuning.pending(row).is_some();
    let value_role = if on_its_way || (value.changed && value.active) { Role::Accent } else { value_role };
    let [open, close] = if here { kit.glyphs.choice } else { [" ", " "] };
    let label = fmt::truncate_middle(&value.label, name, kit.glyphs);
    let shown = fmt::truncate(&value.value, VALUE, kit.glyphs);
    let blank = " ".repeat(VALUE - fmt::width(&shown));
    let mut line = Line::of(Role::Focus, if here { kit.glyphs.pointer } else { " " })
        .with(label_role, format!(" {}{blank}", fmt::left(&label, name, kit.glyphs)))
        .with(Role::Key, format!("{open} "))
        .with(value_role, shown)
        .with(Role::Key, format!(" {close}"));
    if with_start {
        // The value at the start is worth its place only where it is another one.
        let start =
            if value.changed && !value.default.is_empty() { format!("was {}", value.default) } else { String::new() };
        line.push(Role::Muted, format!(" {}", fmt::left(&start, START, kit.glyphs)));
    }
    line.render(area, buf, kit);
    if here {
        let style = kit.style(Role::Selection);
        buf.set_style(area, ratatui::style::Style { fg: None, ..style });
    }
}

/// What the selected knob does and what it may be.
fn selected(view: &View<'_>, row: Option<&(&'static str, TuningRow)>, area: Rect, buf: &mut Buffer) {
    let Some((heading, row)) = row else { return };
    let kit = view.kit;
    let value = value(view, row);
    let mut summary = Line::of(Role::Muted, *heading);
    if !value.active {
        summary.push(Role::Warn, "  no effect under the present preset and load");
    }
    let inner = Panel::new(&value.label).ruled().summary(summary).render(area, buf, kit);
    let mut range = Line::of(Role::Muted, "may be ").text(value.range.as_str());
    if !value.default.is_empty() {
        range = range
            .muted("   at the start ")
            .text(value.default.as_str())
            .muted("   ")
            .with(Role::Key, "d")
            .muted(" sets it back");
    }
    let mut parts: Vec<Line<'_>> = fmt::wrap(&value.meaning, usize::from(inner.width))
        .into_iter()
        .map(|text| Line::of(Role::Text, text))
        .collect();
    parts.truncate(usize::from(inner.height).saturating_sub(1).max(1));
    parts.push(range);
    for (at, line) in parts.iter().take(usize::from(inner.height)).enumerate() {
        line.render(Rect { y: inner.y + at as u16, height: 1, ..inner }, buf, kit);
    }
}

fn effect_heading(view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let summary = match view.snap.marks.last() {
        Some(mark) => {
            let line = Line::of(Role::Text, fmt::sanitise(&mark.what))
                .muted(format!(" {}", fmt::age(view.now.since(mark.at))));
            // Beside the heading and its rule; the change itself needs the room more than its label.
            let mut labelled = Line::of(Role::Muted, "last change ");
            labelled.parts.extend(line.parts.iter().cloned());
            if labelled.width() + 12 <= usize::from(area.width) { labelled } else { line }
        }
        None => Line::of(Role::Muted, "no change yet"),
    };
    Panel::new("Effect").ruled().summary(summary).render(area, buf, view.kit)
}

fn effect(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let inner = effect_heading(view, area, buf);
    let [chart, _, figures] = layout::rows(inner, [0, 1, 7]);
    panels::tokens_per_minute(view, chart, buf);
    facts::render(&figures_of(view), LEAST, figures, buf, view.kit);
}

/// The figures that the knobs move.
fn figures_of(view: &View<'_>) -> Vec<Fact<'static>> {
    let snap = view.snap;
    let target: Option<f64> = snap.scopes.iter().map(|scope| scope.limiter.tpm.target).sum();
    let quota: Option<u64> = snap
        .scopes
        .iter()
        .map(|scope| match scope.limiter.tpm.quota {
            QuotaLimit::Limit(quota) => Some(quota),
            QuotaLimit::Unknown | QuotaLimit::Absent => None,
        })
        .sum();
    let throttles: u64 = snap.flow.errors_60s.iter().filter(|(class, _)| class.is_throttle()).map(|(_, n)| n).sum();
    let depth: u64 = snap.flow.queue_depth.iter().sum();
    let oldest = snap.flow.queue_age.iter().flatten().max().copied();
    let rate = |value: f64| format!("{value:.2}");
    vec![
        Fact::with("target", Role::Target, target.map_or("unknown".to_owned(), fmt::si)).unit(" TPM"),
        Fact::with("quota", Role::Quota, quota.map_or("unknown".to_owned(), fmt::count)).unit(" TPM"),
        Fact::with("settled", Role::Settled, fmt::count(snap.total.settled)).unit(" TPM"),
        Fact::with("held", Role::Held, fmt::count(snap.total.held)),
        Fact::with("throttles", if throttles > 0 { Role::Throttle } else { Role::Text }, fmt::exact(throttles))
            .unit(" /60 s"),
        Fact::new("success", fmt::maybe_percent(snap.flow.success_rate)),
        Fact::new("sent", rate(snap.flow.sent_rps)).unit(" /s"),
        Fact::with("done", Role::Strong, rate(snap.flow.done_rps)).unit(" /s"),
        Fact::new("in flight", snap.flow.in_flight.to_string()).unit(""),
        Fact::new("queue", fmt::count(depth)),
        Fact::new("oldest", fmt::maybe_span(oldest)),
        Fact::new("p50 attempt", fmt::maybe_latency(snap.latency.attempt.p50)),
        Fact::new("p99 response", fmt::maybe_latency(snap.latency.response.p99)),
        Fact::new("spend", fmt::money(snap.money.per_hour)).unit(" /h"),
    ]
}
