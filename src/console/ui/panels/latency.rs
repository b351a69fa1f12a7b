//! Latency distributions of the last 60 s.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Table, Width};
use crate::engine::{LatencyTrend, Percentiles};

use super::plots::{self, Curve, Plot};
use super::{below, history, section};

const COLUMNS: [Column<'static>; 7] = [
    Column::new("", Width::Flex(10)),
    Column::new("p50", Width::Fixed(6)).align(Align::Right),
    Column::new("p90", Width::Fixed(6)).align(Align::Right).drop(1),
    Column::new("p99", Width::Fixed(6)).align(Align::Right),
    Column::new("max", Width::Fixed(6)).align(Align::Right).drop(2),
    Column::new("n", Width::Fixed(5)).align(Align::Right).drop(3),
    // What it measures, where it stands alone.
    Column::new("", Width::Flex(0)).drop(4),
];

/// Each distribution and what it measures. Streamed times have a row only where something is streamed.
fn shown<'a>(view: &View<'a>) -> Vec<(&'static str, &'a Percentiles, &'static str)> {
    let latency = &view.snap.latency;
    let all = [
        ("attempt", &latency.attempt, "one HTTP exchange, send to end"),
        ("logical", &latency.logical, "first send to result, retries included"),
        ("response", &latency.response, "due to result"),
        ("queue wait", &latency.queue_wait, "due to first send"),
        ("TTFT", &latency.ttft, "send to first token (streams)"),
        ("TPOT", &latency.tpot, "each further token (streams)"),
    ];
    all.into_iter().filter(|(name, p, _)| p.n > 0 || !matches!(*name, "TTFT" | "TPOT")).collect()
}

/// Rows that it has something for.
pub(super) fn rows(view: &View<'_>) -> u16 {
    shown(view).len() as u16
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let inner = section(Panel::Latency, Line::of(Role::Muted, "last 60 s"), view, area, buf);
    let shown = shown(view);
    let mut columns = COLUMNS;
    let alone = view.state.expanded.is_some();
    if alone {
        columns[0].width = Width::Fixed(10);
    }
    let row = |at: usize| {
        let (name, p, what) = shown[at];
        let cell = |value| Cell::new(if p.n > 0 { Role::Text } else { Role::Muted }, fmt::maybe_latency(value));
        vec![
            Cell::new(Role::Text, name),
            cell(p.p50),
            cell(p.p90),
            cell(p.p99),
            cell(p.max),
            Cell::new(Role::Muted, fmt::count(p.n)),
            Cell::new(Role::Muted, format!("  {what}")),
        ]
    };
    let table = Table {
        columns: if alone { &columns } else { &columns[..6] },
        len: shown.len(),
        row: &row,
        selected: None,
        top: 0,
        sorted: None,
        focused: false,
        empty: "",
    };
    table.render(inner, buf, view.kit);
    history::beneath(view, below(inner, shown.len() as u16 + 1), buf, |view, area, buf| {
        plots::grid(view, &over_time(view), area, buf);
    });
}

/// Each distribution over time.
fn over_time<'a>(view: &View<'a>) -> Vec<Plot<'a>> {
    let trends = &view.snap.trends;
    let all = [
        ("Attempt latency", &trends.attempt),
        ("Logical latency", &trends.logical),
        ("Time to first token", &trends.ttft),
    ];
    let streamed = |(name, trend): &(&str, &LatencyTrend)| *name != "Time to first token" || trend.p50.has_data();
    let plot = |(name, trend): (&'a str, &LatencyTrend)| Plot {
        title: name.into(),
        unit: "seconds, over 60 s each",
        curves: vec![
            Curve::level("p50", Role::SeriesA, plots::steps(view, &trend.p50)),
            Curve::level("p90", Role::SeriesB, plots::steps(view, &trend.p90)),
            Curve::level("p99", Role::SeriesD, plots::steps(view, &trend.p99)),
        ],
        levels: Vec::new(),
    };
    all.into_iter().filter(streamed).map(plot).collect()
}
