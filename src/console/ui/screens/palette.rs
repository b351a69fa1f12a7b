//! The palette: a field, what fits it, and what the selected row does or why it cannot be done now.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::Hit;
use crate::console::app::palette::{self, Item};
use crate::console::ui::fmt;
use crate::console::ui::layout;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel, text};

/// Cells of the widest palette.
const WIDEST: u16 = 92;
/// Rows of what fits, where there is room.
const ROWS: u16 = 14;
/// Cells of the columns: key, title.
const KEY: usize = 9;
const TITLE: usize = 24;

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) -> Option<Position> {
    let kit = view.kit;
    let open = view.state.palette.as_ref()?;
    let items = palette::items(view.state);
    let at = open.cursor.min(items.len().saturating_sub(1));
    let width = WIDEST.min(body.width);
    // Field, blank, rows, blank, two lines on the selected row, and the frame.
    let height = (ROWS + 7).min(body.height);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y, width, height };
    text::fill(buf, area, kit.theme.ground().patch(kit.style(Role::Dialog)));
    let summary = Line::of(
        Role::Muted,
        match items.len() {
            0 => "nothing fits".to_owned(),
            n => format!("{} of {n}", at + 1),
        },
    );
    let inner = Panel::new("Palette").summary(summary).focused(true).render(area, buf, kit);
    let [field, _, list, _, about] = layout::rows(inner, [1, 1, 0, 1, 2]);
    let cursor = type_in(view, field, buf);
    let height = usize::from(list.height);
    // The selected row stays in the middle while there is something on both sides.
    let first = at.saturating_sub(height / 2).min(items.len().saturating_sub(height));
    for (offset, item) in items.iter().skip(first).take(height).enumerate() {
        let here = Rect { y: list.y + offset as u16, height: 1, ..list };
        row(view, item, first + offset == at, here, buf);
        kit.takes_clicks(here, Hit::Row(first + offset));
    }
    if let Some(item) = items.get(at) {
        selected(view, item, about, buf);
    }
    cursor
}

fn type_in(view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let input = &view.state.palette.as_ref()?.input;
    let used = Line::of(Role::Focus, format!("{} ", view.kit.glyphs.pointer)).render(area, buf, view.kit);
    let cells = usize::from(area.width.saturating_sub(used));
    let scroll = input.visual_scroll(cells.checked_sub(1)?);
    let shown: String = input.value().chars().skip(scroll).take(cells).collect();
    let at = Rect { x: area.x + used, width: area.width - used, ..area };
    Line::of(Role::FieldFocus, fmt::left(&shown, cells, view.kit.glyphs)).render(at, buf, view.kit);
    if input.value().is_empty() {
        let note = Line::of(Role::FieldFocus, "a few letters of an action, a screen, a scope, a knob or a theme");
        note.render(Rect { x: at.x + 2, width: at.width.saturating_sub(2), ..at }, buf, view.kit);
    }
    let cursor = input.visual_cursor().saturating_sub(scroll).min(cells - 1);
    Some(Position { x: at.x + cursor as u16, y: at.y })
}

fn row(view: &View<'_>, item: &Item, here: bool, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let able = item.blocked.is_none();
    let pick = |role| if able { role } else { Role::Disabled };
    let title = fmt::left(&fmt::sanitise(&item.title), TITLE, kit.glyphs);
    let line = Line::of(Role::Focus, if here { kit.glyphs.pointer } else { " " })
        .text(" ")
        .with(pick(if here { Role::Strong } else { Role::Text }), title)
        .text(" ")
        .with(pick(Role::Key), fmt::left(&item.key, KEY, kit.glyphs))
        .text(" ");
    let used = line.render(area, buf, kit);
    let rest = Rect { x: area.x + used, width: area.width.saturating_sub(used), ..area };
    let words = match &item.blocked {
        Some(why) => fmt::sanitise(why),
        None => fmt::sanitise(&item.name),
    };
    let mut words = Line::of(pick(Role::Muted), words);
    if item.recent {
        words.push(Role::Muted, ", chosen before");
    }
    words.render(rest, buf, kit);
}

/// What the selected row does; where it cannot be done now, why.
fn selected(view: &View<'_>, item: &Item, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let (role, said) = match &item.blocked {
        Some(why) => (Role::Warn, format!("{} Not now: {why}. {}", kit.glyphs.warn, item.help)),
        None => (Role::Text, item.help.clone()),
    };
    for (at, part) in fmt::wrap(&fmt::sanitise(&said), usize::from(area.width).max(8)).into_iter().enumerate() {
        let row = Rect { y: area.y + at as u16, height: 1, ..area };
        if row.y >= area.bottom() {
            return;
        }
        Line::of(role, part).render(row, buf, kit);
    }
}
