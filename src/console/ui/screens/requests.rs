//! Screen 5: finished records, and why records failed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::lists::{RequestSort, request_key};
use crate::console::app::short_model;
use crate::console::ui::panels::class_role;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Panel, Table, Width};
use crate::console::ui::{fmt, layout};
use crate::engine::{LoadKind, RequestView};

const COLUMNS: [Column<'static>; 13] = [
    Column::new("UTC", Width::Fixed(8)).drop(2),
    Column::new("record", Width::Flex(14)).align(Align::Middle),
    Column::new("prio", Width::Fixed(6)).drop(5),
    Column::new("Region", Width::Fixed(10)).drop(3),
    Column::new("model", Width::Flex(12)).drop(8),
    Column::new("tries", Width::Fixed(5)).align(Align::Right),
    Column::new("attempt", Width::Fixed(7)).align(Align::Right),
    Column::new("response", Width::Fixed(8)).align(Align::Right).drop(6),
    Column::new("in", Width::Fixed(5)).align(Align::Right),
    Column::new("out", Width::Fixed(5)).align(Align::Right),
    Column::new("held", Width::Fixed(5)).align(Align::Right).drop(7),
    Column::new("price", Width::Fixed(8)).align(Align::Right).drop(4),
    Column::new("result", Width::Flex(14)),
];

/// What is worth its place among failed records only: the reason needs the room.
const OF_FAILURE: [usize; 7] = [0, 1, 3, 4, 5, 6, 12];

/// The columns shown.
fn shown(failed_only: bool) -> impl Iterator<Item = usize> {
    (0..COLUMNS.len()).filter(move |at| !failed_only || OF_FAILURE.contains(at))
}

/// A column; among failed records only the reason grows.
fn column(at: usize, failed_only: bool) -> Column<'static> {
    let column = COLUMNS[at];
    match column.width {
        Width::Flex(least) if failed_only && at + 1 < COLUMNS.len() => {
            Column { width: Width::Fixed(least + 6), ..column }
        }
        _ => column,
    }
}

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let requests = view.state.visible_requests();
    let at = view.state.requests.position(&requests, request_key);
    let reasons = &view.snap.failed_by_reason;
    let reason_rows = match reasons.len() {
        0 => 0,
        n => (n as u16 + 1).min(body.height / 4).max(2),
    };
    let body = match view.state.selected_request() {
        Some(request) if body.width >= super::BESIDE => {
            let [list, detail] = layout::columns(body, [5, 2]);
            super::request::render(view, request, 0, detail, buf);
            list
        }
        _ => body,
    };
    let [table, below] = layout::rows(body, [0, reason_rows]);
    let word = if view.state.failed_only { "failed, " } else { "" };
    let mut summary = Line::of(
        Role::Muted,
        format!(
            "{word}{} of the last {}, {} first",
            requests.len(),
            view.snap.recent.len(),
            view.state.requests_sort.name()
        ),
    );
    super::filter_words(&mut summary, view.state.filter());
    let inner = Panel::new("Finished records").ruled().summary(summary).render(table, buf, kit);
    let sorted = match view.state.requests_sort {
        RequestSort::Newest => 0,
        RequestSort::Slowest => 7,
        RequestSort::Tokens => 8,
        RequestSort::Attempts => 5,
    };
    let columns: Vec<Column<'_>> = shown(view.state.failed_only).map(|at| column(at, view.state.failed_only)).collect();
    let row = |at: usize| {
        let cells = cells(view, requests[at]);
        shown(view.state.failed_only).map(|at| cells[at].clone()).collect()
    };
    Table {
        columns: &columns,
        len: requests.len(),
        row: &row,
        selected: (!requests.is_empty()).then_some(at),
        top: 0,
        sorted: shown(view.state.failed_only).position(|at| at == sorted).map(|at| (at, true)),
        focused: true,
        empty: if view.snap.recent.is_empty() {
            "no record has finished yet"
        } else {
            "no record is kept by the filter"
        },
    }
    .render(inner, buf, kit);
    if reason_rows > 0 {
        let words = match view.snap.run.kind {
            LoadKind::File => " in the failed file, which is an input again",
            LoadKind::Synthetic | LoadKind::None => " failed",
        };
        let summary = Line::of(Role::Danger, fmt::exact(view.snap.run.failed)).muted(words);
        let inner = Panel::new("Failed by reason").ruled().summary(summary).render(below, buf, kit);
        for (at, (reason, count)) in reasons.iter().take(usize::from(inner.height)).enumerate() {
            let line = Line::of(Role::Danger, format!("{:>7} ", fmt::exact(*count))).text(fmt::sanitise(reason));
            line.render(Rect { y: inner.y + at as u16, height: 1, ..inner }, buf, kit);
        }
    }
}

fn cells<'a>(view: &View<'_>, request: &'a RequestView) -> Vec<Cell<'a>> {
    let g = view.kit.glyphs;
    let tokens = |n: Option<u64>| n.map_or(fmt::NONE.to_owned(), fmt::count);
    let result = match &request.failure {
        Some((class, message)) => {
            // The class says what the exception's name would say again.
            let words = message.split_once("Exception: ").map_or(message.as_str(), |(_, words)| words);
            Cell::new(class_role(*class), format!("{} {}: {}", g.danger, class.label(), fmt::sanitise(words)))
        }
        None => Cell::new(Role::Ok, format!("{} ok", g.ok)),
    };
    vec![
        Cell::new(Role::Muted, fmt::utc_time(request.utc_ms)),
        Cell::text(fmt::sanitise(request.id.as_str())),
        Cell::new(Role::Muted, request.priority.name()),
        Cell::text(request.route.region.as_str()),
        Cell::text(short_model(&request.route.model)),
        Cell::new(if request.attempts > 1 { Role::Warn } else { Role::Text }, request.attempts.to_string()),
        Cell::text(fmt::latency(request.attempt)),
        Cell::text(fmt::latency(request.response)),
        Cell::text(tokens(request.usage.map(|usage| usage.input + usage.cache_read + usage.cache_write))),
        Cell::text(tokens(request.usage.map(|usage| usage.output))),
        Cell::new(Role::Muted, fmt::count(request.reserved)),
        Cell::text(fmt::maybe_money(request.price)),
        result,
    ]
}
