//! A progress bar: how much of a known whole is done, and how much more is under way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::glyphs::Glyphs;
use super::theme::Role;
use super::widgets::{Kit, Line};

/// A part of a whole; all in the same unit.
pub(super) struct Progress {
    /// Done for good.
    pub done: f64,
    /// Under way.
    pub under_way: f64,
    /// The whole.
    pub whole: f64,
}

impl Progress {
    /// Draws it on the first row of `area`: in half cells, and what is there at all is seen.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let halves = usize::from(area.width) * 2;
        let part = |amount: f64| {
            let share = if self.whole > 0.0 { (amount / self.whole).clamp(0.0, 1.0) } else { 1.0 };
            ((share * halves as f64) as usize).max(usize::from(amount > 0.0)).min(halves)
        };
        let done = part(self.done);
        let reached = part(self.done + self.under_way).max(done);
        let g = kit.glyphs;
        let full = done / 2;
        let half = done % 2;
        let ahead = reached.div_ceil(2).saturating_sub(full + half);
        let empty = usize::from(area.width).saturating_sub(full + half + ahead);
        Line::of(Role::Settled, g.bar_full.repeat(full))
            .with(Role::Settled, if half == 1 { g.bar_half } else { "" })
            .with(Role::Held, g.bar_held.repeat(ahead))
            .with(Role::Track, g.bar_empty.repeat(empty))
            .render(area, buf, kit);
    }
}

/// A bar of one colour as text: `share` of 0 to 1 in `cells` cells, in half cells.
pub(super) fn bar_text(share: f64, cells: usize, g: &Glyphs) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let halves = ((share * (cells * 2) as f64) as usize).max(usize::from(share > 0.0)).min(cells * 2);
    let (full, half) = (halves / 2, halves % 2);
    let half_glyph = if half == 1 { g.bar_half } else { "" };
    format!("{}{half_glyph}{}", g.bar_full.repeat(full), g.bar_empty.repeat(cells.saturating_sub(full + half)))
}

/// The same as part of a line.
pub(super) fn bar(share: f64, cells: usize, g: &Glyphs) -> Line<'static> {
    Line::of(Role::Settled, bar_text(share, cells, g))
}
