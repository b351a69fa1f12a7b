//! A line made of parts, each with a role.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::Kit;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// Text with one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The text; control characters are not drawn.
    pub text: Cow<'a, str>,
    /// Its meaning.
    pub role: Role,
}

/// Parts one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line<'a> {
    /// The parts.
    pub parts: Vec<Part<'a>>,
}

impl<'a> Line<'a> {
    /// An empty line.
    #[must_use]
    pub fn new() -> Line<'a> {
        Line::default()
    }

    /// A line of one part.
    #[must_use]
    pub fn of(role: Role, text: impl Into<Cow<'a, str>>) -> Line<'a> {
        Line::new().with(role, text)
    }

    /// This line and one more part.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<Cow<'a, str>>) -> Line<'a> {
        self.push(role, text);
        self
    }

    /// This line and a part of ordinary text.
    #[must_use]
    pub fn text(self, text: impl Into<Cow<'a, str>>) -> Line<'a> {
        self.with(Role::Text, text)
    }

    /// This line and a part that need not be read.
    #[must_use]
    pub fn muted(self, text: impl Into<Cow<'a, str>>) -> Line<'a> {
        self.with(Role::Muted, text)
    }

    /// Adds a part.
    pub fn push(&mut self, role: Role, text: impl Into<Cow<'a, str>>) {
        self.parts.push(Part { text: text.into(), role });
    }

    /// Its width in cells.
    #[must_use]
    pub fn width(&self) -> usize {
        self.parts.iter().map(|part| fmt::width(&part.text)).sum()
    }

    /// Draws it on the first row of `area`, cut with an ellipsis if it is too long. Returns the cells used.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) -> u16 {
        let cells = usize::from(area.width);
        let too_long = self.width() > cells;
        let mut left = if too_long { cells.saturating_sub(1) } else { cells };
        let mut x = area.x;
        for part in &self.parts {
            let shown = fmt::head(&part.text, left);
            x = put(buf, x, area, shown, kit.style(part.role));
            left -= fmt::width(shown);
            if shown.len() < part.text.len() {
                x = put(buf, x, area, kit.glyphs.ellipsis, kit.style(part.role));
                break;
            }
        }
        x - area.x
    }

    /// As [`Line::render`], but ending at the right edge of `area`.
    pub fn render_right(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) -> u16 {
        let width = u16::try_from(self.width()).unwrap_or(u16::MAX).min(area.width);
        self.render(Rect { x: area.right() - width, width, ..area }, buf, kit)
    }
}

/// Draws `text` from `x` on the first row of `area`, cut hard at its right edge. Returns the column behind it.
/// The background of what was there shines through, its attributes do not.
pub(super) fn put(buf: &mut Buffer, x: u16, area: Rect, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() || x < area.x || x >= area.right() {
        return x;
    }
    let style = style.remove_modifier(Modifier::all().difference(style.add_modifier));
    buf.set_stringn(x, area.y, text, usize::from(area.right() - x), style).0
}

/// Fills `area` with blanks of `style`, forgetting what was there.
pub fn fill(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for position in area.positions() {
        let cell = &mut buf[position];
        cell.reset();
        cell.set_style(style);
    }
}
