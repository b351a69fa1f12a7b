//! Labelled values in a grid: labels at the left of their cell, values at its right, so that a changing number never
//! moves anything.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Role;
use super::widgets::{Kit, Line};

/// Blank cells between two columns of the grid.
const GAP: u16 = 3;

/// A labelled value.
pub(super) struct Fact<'a> {
    /// What it is.
    pub label: &'a str,
    /// The value with its unit.
    pub value: Line<'a>,
}

impl<'a> Fact<'a> {
    /// A value of ordinary weight.
    pub fn new(label: &'a str, value: impl Into<std::borrow::Cow<'a, str>>) -> Fact<'a> {
        Fact { label, value: Line::of(Role::Text, value) }
    }

    /// A value with a meaning.
    pub fn with(label: &'a str, role: Role, value: impl Into<std::borrow::Cow<'a, str>>) -> Fact<'a> {
        Fact { label, value: Line::of(role, value) }
    }

    /// The same with a muted unit behind it.
    pub fn unit(mut self, unit: &'a str) -> Fact<'a> {
        self.value = self.value.muted(unit);
        self
    }
}

/// How many columns of at least `least` cells fit into `width`.
fn columns(least: u16, width: u16) -> u16 {
    ((width + GAP) / (least + GAP)).clamp(1, 4)
}

/// How many rows so many facts take.
pub(super) fn rows(facts: usize, least: u16, width: u16) -> u16 {
    u16::try_from(facts).unwrap_or(u16::MAX).div_ceil(columns(least, width))
}

/// Draws facts row by row, the most important first, in as many columns of at least `least` cells as fit. What does
/// not fit below is left out.
pub(super) fn render(facts: &[Fact<'_>], least: u16, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
    let columns = columns(least, area.width);
    let width = (area.width + GAP) / columns - GAP.min(area.width);
    for (at, fact) in facts.iter().enumerate() {
        let (row, column) = (at as u16 / columns, at as u16 % columns);
        if row >= area.height {
            return;
        }
        let x = area.x + column * (width + GAP);
        // The last column ends with the area.
        let width = if column + 1 == columns { area.right().saturating_sub(x) } else { width };
        let cell = Rect { x, y: area.y + row, width, height: 1 };
        let used = Line::of(Role::Muted, fact.label).render(cell, buf, kit);
        let rest = Rect { x: cell.x + used + 1, width: cell.width.saturating_sub(used + 1), ..cell };
        fact.value.render_right(rest, buf, kit);
    }
}
