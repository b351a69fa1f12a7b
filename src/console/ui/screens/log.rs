//! Screen 7: the journal, and what was changed in the account.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::lists::{level_name, line_key};
use crate::console::ui::panels::level_look;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Cell, Column, Line, Panel, Table, Width};
use crate::console::ui::{fmt, layout};
use crate::engine::Level;

const COLUMNS: [Column<'static>; 4] = [
    Column::new("UTC", Width::Fixed(8)),
    Column::new("", Width::Fixed(1)),
    Column::new("level", Width::Fixed(7)),
    Column::new("what happened", Width::Flex(20)),
];

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let lines = view.state.visible_lines();
    let at = view.state.log.position(&lines, line_key);
    let least = match view.state.level {
        Level::Info => "all levels",
        Level::Warning => "warnings and errors",
        Level::Error => "errors only",
    };
    let warned = view.state.warned.lines(view.state.shown_utc_ms()).count();
    let all = view.snap.journal.len() + view.state.changes.len() + warned;
    let mut summary = Line::of(Role::Muted, format!("{} of {all} lines, {least}", lines.len()));
    super::filter_words(&mut summary, view.state.filter());
    let [table, detail] = layout::rows(body, [0, 4]);
    let inner = Panel::new("Log").ruled().summary(summary).render(table, buf, kit);
    let row = |at: usize| {
        let line = lines[at];
        let (role, glyph) = level_look(view, line.level);
        vec![
            Cell::new(Role::Muted, fmt::utc_time(line.utc_ms)),
            Cell::new(role, glyph),
            Cell::new(role, level_name(line.level)),
            Cell::text(fmt::sanitise(&line.text)),
        ]
    };
    Table {
        columns: &COLUMNS,
        len: lines.len(),
        row: &row,
        selected: (!lines.is_empty()).then_some(at),
        top: 0,
        sorted: None,
        focused: true,
        empty: "no line is kept by the filter",
    }
    .render(inner, buf, kit);
    // A long line is told in full below.
    let whole = lines.get(at).map(|line| fmt::sanitise(&line.text).into_owned()).unwrap_or_default();
    let when = lines.get(at).map(|line| fmt::utc_date_time(line.utc_ms)).unwrap_or_default();
    let inner = Panel::new("In full").ruled().summary(Line::of(Role::Muted, when)).render(detail, buf, kit);
    for (at, part) in fmt::wrap(&whole, usize::from(inner.width)).iter().take(usize::from(inner.height)).enumerate() {
        Line::of(Role::Text, part.as_str()).render(Rect { y: inner.y + at as u16, height: 1, ..inner }, buf, kit);
    }
}
