//! The last lines of the journal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;
use crate::engine::{JournalLine, Level};

use super::{row, section};

/// A level's role and the glyph that stands for it.
pub(in crate::console::ui) fn level_look(view: &View<'_>, level: Level) -> (Role, &'static str) {
    let g = view.kit.glyphs;
    match level {
        Level::Info => (Role::Muted, g.separator),
        Level::Warning => (Role::Warn, g.warn),
        Level::Error => (Role::Danger, g.danger),
    }
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let inner = section(Panel::Journal, Line::of(Role::Muted, "newest first"), view, area, buf);
    for (at, entry) in view.snap.journal.iter().take(usize::from(inner.height)).enumerate() {
        if let Some(row) = row(inner, at as u16) {
            line(view, entry).render(row, buf, view.kit);
        }
    }
}

/// When, how it is meant, what happened.
pub(super) fn line<'a>(view: &View<'a>, entry: &'a JournalLine) -> Line<'a> {
    let (role, glyph) = level_look(view, entry.level);
    let text = fmt::sanitise(&entry.text);
    Line::of(Role::Muted, fmt::utc_time(entry.utc_ms)).with(role, format!(" {glyph} ")).text(text)
}
