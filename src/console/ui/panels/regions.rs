//! Each Region's health.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Table, Width};
use crate::console::ui::{fmt, words};
use crate::engine::RegionView;

use super::{below, section, selected};

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
    let serves = |region: &&RegionView| !region.drained && words::health(view, region).2 != Role::Danger;
    let well = regions.iter().filter(serves).count();
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
    // The last errors have the rows that no Region needs.
    let mut rest = below(inner, 1 + regions.len() as u16);
    for region in regions {
        let Some(error) = &region.last_error else { continue };
        if rest.height == 0 {
            return;
        }
        let line = Line::of(Role::Muted, format!("  {} ", region.region)).muted(fmt::sanitise(error));
        line.render(rest, buf, view.kit);
        rest = below(rest, 1);
    }
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
