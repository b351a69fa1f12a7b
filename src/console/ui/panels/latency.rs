//! Latency distributions of the last 60 s.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Table, Width};
use crate::engine::Percentiles;

use super::{below, history, section};

const COLUMNS: [Column<'static>; 6] = [
    Column::new("", Width::Flex(10)),
    Column::new("p50", Width::Fixed(6)).align(Align::Right),
    Column::new("p90", Width::Fixed(6)).align(Align::Right).drop(1),
    Column::new("p99", Width::Fixed(6)).align(Align::Right),
    Column::new("max", Width::Fixed(6)).align(Align::Right).drop(2),
    Column::new("n", Width::Fixed(5)).align(Align::Right).drop(3),
];

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let inner = section(Panel::Latency, Line::of(Role::Muted, "last 60 s"), view, area, buf);
    let latency = &view.snap.latency;
    let all = [
        ("attempt", &latency.attempt),
        ("logical", &latency.logical),
        ("response", &latency.response),
        ("queue wait", &latency.queue_wait),
        ("TTFT", &latency.ttft),
        ("TPOT", &latency.tpot),
    ];
    // Streamed times have a row only where something is streamed.
    let shown: Vec<(&str, &Percentiles)> =
        all.into_iter().filter(|(name, p)| p.n > 0 || !matches!(*name, "TTFT" | "TPOT")).collect();
    let row = |at: usize| {
        let (name, p) = shown[at];
        let cell = |value| Cell::new(if p.n > 0 { Role::Text } else { Role::Muted }, fmt::maybe_latency(value));
        vec![
            Cell::new(Role::Text, name),
            cell(p.p50),
            cell(p.p90),
            cell(p.p99),
            cell(p.max),
            Cell::new(Role::Muted, fmt::count(p.n)),
        ]
    };
    let table = Table {
        columns: &COLUMNS,
        len: shown.len(),
        row: &row,
        selected: None,
        top: 0,
        sorted: None,
        focused: false,
        empty: "",
    };
    table.render(inner, buf, view.kit);
    history::beneath(view, below(inner, shown.len() as u16 + 1), buf, history::latency);
}
