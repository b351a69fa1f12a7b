//! Several histories below each other over one time axis: for what is compared by when it happened rather than by how much.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::axis::Axis;
use super::chart::{Bin, Bins};
use super::text::{Line, put};
use super::{Kit, VerticalMark};
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// How the values of a lane are drawn.
#[derive(Clone, Copy)]
pub enum Look {
    /// Columns up to `top`, or up to the largest value in sight.
    Columns {
        /// What the values mean.
        role: Role,
        /// What a full column stands for.
        top: Option<f64>,
    },
    /// A glyph with its meaning for each value.
    States(fn(f32, Kit<'_>) -> (&'static str, Role)),
}

/// One history.
pub struct Lane<'a> {
    /// What it is.
    pub label: Cow<'a, str>,
    /// One value a second, the last for the last second of the axis. What is not a number is a gap.
    pub values: &'a [f32],
    /// How it is drawn.
    pub look: Look,
    /// What stands at its right end.
    pub note: Line<'a>,
}

/// Lanes below each other.
pub struct Lanes<'a> {
    /// From the top.
    pub lanes: &'a [Lane<'a>],
    /// Moments.
    pub marks: &'a [VerticalMark<'a>],
    /// The time that is shown.
    pub axis: Axis,
}

/// The tallest lane.
const TALLEST: u16 = 3;

impl Lanes<'_> {
    /// Rows of a lane where all of them have `height`: states take one, columns share the others.
    fn each(&self, height: u16) -> impl Fn(&Lane<'_>) -> u16 {
        let columns = self.lanes.iter().filter(|lane| matches!(lane.look, Look::Columns { .. })).count();
        let (all, columns) = (self.lanes.len() as u16, columns as u16);
        let left = height.saturating_sub(1 + all.saturating_sub(columns));
        let tall = left.checked_div(columns).unwrap_or(1).clamp(1, TALLEST);
        move |lane| if matches!(lane.look, Look::States(_)) { 1 } else { tall }
    }

    /// Rows that they take of `height`, the axis included.
    #[must_use]
    pub fn rows(&self, height: u16) -> u16 {
        let sum: u16 = self.lanes.iter().map(self.each(height)).sum();
        (sum + 1).min(height)
    }

    /// Draws as many as there is room for, and the time below them.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let area = area.intersection(buf.area);
        if area.height < 2 || area.width < 16 || self.lanes.is_empty() {
            return;
        }
        let cells = |widths: &mut dyn Iterator<Item = usize>| widths.max().map_or(0, |most| most as u16);
        let label = cells(&mut self.lanes.iter().map(|lane| fmt::width(&lane.label))).min(area.width / 3) + 1;
        let note = cells(&mut self.lanes.iter().map(|lane| lane.note.width())).min(area.width / 4) + 1;
        let plot = Rect { x: area.x + label, width: area.width.saturating_sub(label + note), ..area };
        let rows_of = self.each(area.height);
        // A chart has more dots across than these lanes have cells: both begin their cells at the same moments.
        let bins = Bins::new(self.axis.last_second, self.axis.span, plot.width, 1);
        let mut y = area.y;
        for lane in self.lanes {
            let each = rows_of(lane);
            if y + each + 1 > area.bottom() {
                break;
            }
            let rows = Rect { y, height: each, ..plot };
            let base = Rect { y: rows.bottom() - 1, height: 1, ..area };
            let text = fmt::left(&lane.label, usize::from(label) - 1, kit.glyphs);
            put(buf, base.x, base, &text, kit.style(Role::Muted));
            lane.render(rows, &bins, &self.axis, buf, kit);
            lane.note.render_right(Rect { x: plot.right() + 1, width: note - 1, ..base }, buf, kit);
            y += each;
        }
        let rows = Rect { height: y - area.y, ..plot };
        self.render_moments(rows, &bins, buf, kit);
        self.axis.render(Rect { y, height: 1, ..plot }, buf, kit);
    }

    /// The marks and the moment that is looked at, where nothing is drawn.
    fn render_moments(&self, rows: Rect, bins: &Bins, buf: &mut Buffer, kit: Kit<'_>) {
        let marks = self.marks.iter().map(|mark| (mark.second, Role::Mark));
        let cursor = self.axis.cursor.map(|second| (second as f64, Role::Focus));
        for (second, role) in marks.chain(cursor) {
            let Some(column) = bins.dot_of(second).and_then(|dot| u16::try_from(dot).ok()) else { continue };
            for y in rows.top()..rows.bottom() {
                let at = Rect { x: rows.x + column, y, width: 1, height: 1 };
                let under = buf[(at.x, y)].symbol();
                if under == " " || under == kit.glyphs.bar_empty {
                    put(buf, at.x, at, kit.glyphs.mark, kit.style(role));
                }
            }
        }
    }
}

impl Lane<'_> {
    fn render(&self, rows: Rect, bins: &Bins, axis: &Axis, buf: &mut Buffer, kit: Kit<'_>) {
        let values = bins.collect(self.values, axis.last_second, Bin::Max);
        let most = values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
        for (x, value) in (rows.left()..rows.right()).zip(values) {
            if !value.is_finite() {
                continue;
            }
            let base = Rect { x, y: rows.bottom() - 1, width: 1, height: 1 };
            match self.look {
                Look::States(look) => {
                    let (glyph, role) = look(value, kit);
                    put(buf, x, base, glyph, kit.style(role));
                }
                Look::Columns { role, top } => {
                    let top = top.unwrap_or(f64::from(most));
                    let part = if top > 0.0 { f64::from(value.max(0.0)) / top } else { 0.0 };
                    if part <= 0.0 {
                        // Nothing happened, and that is known.
                        put(buf, x, base, kit.glyphs.bar_empty, kit.style(Role::Track));
                        continue;
                    }
                    let full = part.min(1.0) * f64::from(rows.height);
                    for (row, y) in (0u16..).zip((rows.top()..rows.bottom()).rev()) {
                        let part = full - f64::from(row);
                        if part > 0.0 {
                            put(buf, x, Rect { y, ..base }, kit.glyphs.column(part.min(1.0)), kit.style(role));
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::term::{ColourDepth, GlyphLevel};
    use crate::console::ui::dump::text_dump;
    use crate::console::ui::glyphs::Glyphs;
    use crate::console::ui::theme::Theme;

    #[test]
    fn what_happened_what_did_not_and_what_is_not_known_differ() {
        let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
        let kit = Kit::new(&theme, Glyphs::of(GlyphLevel::Braille));
        let mut values = vec![f32::NAN; 20];
        values.extend([0.0; 10]);
        values.extend([4.0; 10]);
        values.extend([8.0; 10]);
        let look = Look::Columns { role: Role::Throttle, top: None };
        let lane =
            |label: &'static str| Lane { label: label.into(), values: &values, look, note: Line::of(Role::Text, "8") };
        let lanes = [lane("TPM"), lane("RPM")];
        let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width: 46, height: 5 });
        let area = buffer.area;
        Lanes { lanes: &lanes, marks: &[], axis: Axis::live(50, 40) }.render(area, &mut buffer, kit);
        let text = text_dump(&buffer);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(lines[1].starts_with("TPM ") && lines[1].ends_with('8'), "{text}");
        assert!(lines[1].contains("          ──────────██████████"), "{text}");
        assert!(lines[0].contains("██████████") && !lines[0].contains('─'), "{text}");
        assert!(lines[4].contains("now"), "{text}");
    }
}
