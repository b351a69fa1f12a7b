//! The named warnings: since when, what is the matter, and of the selected one what to do and where Enter goes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{List, warned};
use crate::console::keys::Action;
use crate::console::ui::panels::level_look;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Panel, Table, Width};
use crate::console::ui::{fmt, layout};
use crate::warnings::Standing;

const COLUMNS: [Column<'static>; 5] = [
    Column::new("", Width::Fixed(1)),
    Column::new("since", Width::Fixed(8)),
    Column::new("name", Width::Fixed(16)),
    Column::new("about", Width::Fixed(26)).align(Align::Middle).drop(1),
    Column::new("what is the matter", Width::Flex(30)),
];
/// Rows of what is told in full.
const FULL: u16 = 8;

pub(in crate::console::ui) fn render(view: &View<'_>, list: &List, body: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let rows = view.state.visible_warnings();
    let at = list.position(&rows, warned::key);
    let [table, full] = layout::rows(body, [0, FULL.min(body.height / 2)]);
    let inner = Panel::new("Warnings").ruled().summary(summary(view)).render(table, buf, kit);
    let row = |at: usize| {
        let Standing { warning, since_utc_ms, .. } = rows[at];
        let (glyph, role) = look(view, rows[at]);
        let words = if role == Role::Disabled { Role::Disabled } else { Role::Text };
        vec![
            Cell::new(role, glyph),
            Cell::new(Role::Muted, fmt::utc_time(*since_utc_ms)),
            Cell::new(role, warning.name.word()),
            Cell::new(words, fmt::sanitise(&warned::about(&warning.about)).into_owned()),
            Cell::new(words, fmt::sanitise(&warning.words)),
        ]
    };
    Table {
        columns: &COLUMNS,
        len: rows.len(),
        row: &row,
        selected: (!rows.is_empty()).then_some(at),
        top: 0,
        sorted: None,
        focused: true,
        empty: "nothing is the matter",
    }
    .render(inner, buf, kit);
    in_full(view, rows.get(at).copied(), full, buf);
}

/// The glyph of a warning, and the role that colours it; a muted one is grey and has no glyph of its own.
fn look(view: &View<'_>, one: &Standing) -> (&'static str, Role) {
    let name = one.warning.name;
    if view.state.warned.shown().is_muted(name) {
        return (view.kit.glyphs.ring, Role::Disabled);
    }
    let (role, glyph) = level_look(view, name.level());
    (glyph, role)
}

fn summary(view: &View<'_>) -> Line<'static> {
    let shown = view.state.warned.shown();
    let heard = shown.heard().count();
    let muted = shown.all().len() - heard;
    let mut line = Line::of(Role::Muted, format!("{heard} standing"));
    if muted > 0 {
        line.push(Role::Muted, format!(", {muted} muted"));
    }
    line
}

fn in_full(view: &View<'_>, one: Option<&Standing>, area: Rect, buf: &mut Buffer) {
    let Some(one) = one else { return };
    let kit = view.kit;
    let warning = &one.warning;
    let since = view.now.since(one.since);
    let summary = Line::of(Role::Muted, format!("{} for {}", warning.name.word(), fmt::span(since)));
    let inner = Panel::new("In full").ruled().summary(summary).render(area, buf, kit);
    let muted = view.state.warned.shown().is_muted(warning.name);
    let key = |action| view.state.keymap.key(action);
    let place = warned::place(view.state, &warning.about);
    let about = warned::about(&warning.about);
    let ways = format!(
        "{}: {place}. {}: {}.",
        key(Action::Open),
        key(Action::Mute),
        if muted { "hear it again" } else { "mute this name for the session" }
    );
    let arrow = kit.glyphs.arrows[3];
    let said = [
        (Role::Strong, "", fmt::sanitise(&warning.words).into_owned()),
        (Role::Text, arrow, fmt::sanitise(&warning.remedy).into_owned()),
        (Role::Muted, "", format!("{}. {}", fmt::sanitise(&about), warning.name.meaning())),
        (Role::Muted, "", ways),
    ];
    let mut y = inner.y;
    for (role, mark, text) in said {
        let indent = if mark.is_empty() { 0 } else { 2 };
        for (at, part) in
            fmt::wrap(&text, usize::from(inner.width.saturating_sub(indent)).max(8)).into_iter().enumerate()
        {
            if y >= inner.bottom() {
                return;
            }
            if at == 0 && indent > 0 {
                Line::of(Role::Accent, mark).render(Rect { y, height: 1, ..inner }, buf, kit);
            }
            let row = Rect { x: inner.x + indent, y, width: inner.width.saturating_sub(indent), height: 1 };
            Line::of(role, part).render(row, buf, kit);
            y += 1;
        }
    }
}
