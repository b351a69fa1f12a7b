//! The theme picker: at the side, so that the screen behind it shows what a theme looks like.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::Hit;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel, text};

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) -> Option<Position> {
    let kit = view.kit;
    let names = &view.state.themes;
    let width = names.iter().map(|name| fmt::width(name)).max().unwrap_or(0).max(12) as u16 + 8;
    let height = (names.len() as u16 + 2).min(body.height);
    let area = Rect { x: body.right().saturating_sub(width), y: body.y, width: width.min(body.width), height };
    text::fill(buf, area, kit.theme.ground().patch(kit.style(Role::Dialog)));
    let inner = Panel::new("Theme").focused(true).render(area, buf, kit);
    let first = view.state.theme.saturating_sub(usize::from(inner.height).saturating_sub(1));
    for (at, name) in names.iter().enumerate().skip(first).take(usize::from(inner.height)) {
        let here = at == view.state.theme;
        let (pointer, role) = if here { (kit.glyphs.pointer, Role::Strong) } else { (" ", Role::Text) };
        let line = Line::of(Role::Focus, format!("{pointer} ")).with(role, name.as_str());
        let row = Rect { y: inner.y + (at - first) as u16, height: 1, ..inner };
        line.render(row, buf, kit);
        kit.takes_clicks(row, Hit::Row(at));
    }
    None
}
