//! Each Region's health.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Kit, Lane, Line, Look, Table, Width};
use crate::console::ui::{fmt, layout, words};
use crate::engine::{RegionState, RegionView};

use super::plots::{self, Curve, Plot};
use super::{below, history, section, selected};

const COLUMNS: [Column<'static>; 8] = [
    Column::new("", Width::Fixed(1)),
    Column::new("Region", Width::Fixed(14)),
    Column::new("state", Width::Fixed(9)),
    Column::new("/s", Width::Fixed(5)).align(Align::Right),
    Column::new("flight", Width::Fixed(6)).align(Align::Right).drop(2),
    Column::new("ok", Width::Fixed(6)).align(Align::Right).drop(3),
    Column::new("p50", Width::Fixed(6)).align(Align::Right).drop(4),
    Column::new("TPM", Width::Fixed(5)).align(Align::Right),
];

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let regions = &view.snap.regions;
    let well = regions.iter().filter(|region| words::serves(view, region)).count();
    let summary = Line::of(Role::Muted, format!("{well} of {} in service", regions.len()));
    let inner = section(Panel::Regions, summary, view, area, buf);
    let chosen = selected(Panel::Regions, view);
    let row = |at: usize| cells(view, &regions[at], chosen == Some(at));
    Table {
        columns: &COLUMNS,
        len: regions.len(),
        row: &row,
        selected: chosen,
        top: 0,
        sorted: None,
        focused: false,
        empty: "no Region is in use",
    }
    .render(inner, buf, view.kit);
    let rest = below(inner, 1 + regions.len() as u16);
    let rest = below(rest, last_errors(view, rest, buf));
    if view.state.expanded.is_some() {
        history::beneath(view, rest, buf, over_time);
    }
}

/// The last errors have rows that no Region needs; returns how many.
fn last_errors(view: &View<'_>, area: Rect, buf: &mut Buffer) -> u16 {
    let mut rest = area;
    let regions = &view.snap.regions;
    for region in regions {
        let Some(error) = region.last_error.as_ref().filter(|_| rest.height > 0) else { continue };
        let line = Line::of(Role::Muted, format!("   {} ", region.region)).muted(fmt::sanitise(error));
        line.render(rest, buf, view.kit);
        rest = below(rest, 1);
    }
    area.height - rest.height
}

/// Whether a Region can be sent to, as a glyph.
fn state_look(value: f32, kit: Kit<'_>) -> (&'static str, Role) {
    let g = kit.glyphs;
    match RegionState::of(value) {
        None | Some(RegionState::Open) => (g.bar_full, Role::Ok),
        Some(RegionState::Drained) => (g.paused, Role::Warn),
        Some(RegionState::Probing) => (g.warn, Role::Warn),
        Some(RegionState::Broken) => (g.danger, Role::Danger),
    }
}

/// Each Region: breaker, success, latency, throttles; then the latencies beside each other.
fn over_time(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let trends = &view.snap.trends;
    let regions: Vec<[Vec<f32>; 4]> = trends
        .regions
        .iter()
        .map(|one| {
            let failed = plots::steps(view, &one.success).into_iter().map(|share| (1.0 - share) * 100.0).collect();
            let [state, p50, throttles] = [&one.state, &one.p50, &one.throttles].map(|trend| plots::steps(view, trend));
            [state, failed, p50, throttles]
        })
        .collect();
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for (one, [state, failed, p50, throttles]) in trends.regions.iter().zip(&regions) {
        let columns = |role, top| Look::Columns { role, top };
        let name = one.region.as_str();
        let now = |values: &[f32]| plots::value(view, values);
        let said = |value: f32, unit: &'static str| {
            Line::of(Role::Text, fmt::si((f64::from(value) * 100.0).round() / 100.0)).muted(unit)
        };
        let (state_word, role) = match RegionState::of(now(state)) {
            None => (fmt::NONE, Role::Muted),
            Some(RegionState::Open) => ("closed", Role::Ok),
            Some(RegionState::Drained) => ("drained", Role::Warn),
            Some(RegionState::Probing) => ("probing", Role::Warn),
            Some(RegionState::Broken) => ("open", Role::Danger),
        };
        let mut lane = |what: &str, values, look, note| {
            lanes.push(Lane { label: format!("{name} {what}").into(), values, look, note });
        };
        lane("breaker", state, Look::States(state_look), Line::of(role, state_word));
        lane("failed", failed, columns(Role::Danger, Some(100.0)), said(now(failed), " %"));
        lane("p50", p50, columns(Role::Info, None), said(now(p50), " s"));
        lane("429", throttles, columns(Role::Throttle, None), said(now(throttles), " /5 s"));
    }
    let [title, area] = layout::rows(area, [1, 0]);
    let words = ": breaker, failed attempts, latency, throttles; each to its own scale";
    Line::of(Role::Strong, "Health over time").muted(words).render(title, buf, view.kit);
    let used = plots::lanes(view, &lanes, area, buf);
    let curves = trends.regions.iter().zip(&regions).zip(plots::ROLES);
    let latency = Plot {
        title: "Attempt latency".into(),
        unit: "seconds, median over 60 s",
        curves: curves
            .map(|((one, [_, _, p50, _]), role)| Curve::level(one.region.as_str(), role, p50.as_slice()))
            .collect(),
        levels: Vec::new(),
    };
    plots::grid(view, &[latency], below(area, used), buf);
}

fn cells<'a>(view: &View<'a>, region: &'a RegionView, chosen: bool) -> Vec<Cell<'a>> {
    let (glyph, words, role) = words::health(view, region);
    let success = match region.success_rate {
        Some(share) if share < 0.9 => Role::Warn,
        _ => Role::Text,
    };
    vec![
        if chosen { Cell::new(Role::Focus, view.kit.glyphs.pointer) } else { Cell::new(role, glyph) },
        Cell::new(Role::Strong, region.region.as_str()),
        Cell::new(role, words),
        Cell::text(format!("{:.2}", region.rps)),
        Cell::text(region.in_flight.to_string()),
        Cell::new(success, fmt::maybe_percent(region.success_rate)),
        Cell::text(fmt::maybe_latency(region.p50)),
        Cell::text(fmt::count(region.settled)),
    ]
}
