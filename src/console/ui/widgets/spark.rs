//! A trend in one row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
use super::text::put;
use crate::console::ui::theme::Role;

/// The last values as small columns, newest on the right. A value that is not a number is a gap.
#[derive(Clone, Copy, Debug)]
pub struct Spark<'a> {
    /// The values, oldest first; the last ones that fit are shown, one a cell.
    pub values: &'a [f32],
    /// What a full column stands for; `None`: the largest value shown.
    pub top: Option<f32>,
    /// What the values mean.
    pub role: Role,
}

impl Spark<'_> {
    /// Draws it on the first row of `area`.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let area = area.intersection(buf.area);
        let shown = &self.values[self.values.len().saturating_sub(usize::from(area.width))..];
        let largest = shown.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
        let top = f64::from(self.top.filter(|top| top.is_finite() && *top > 0.0).unwrap_or(largest));
        let mut x = area.right() - shown.len() as u16;
        for value in shown {
            let part = if top > 0.0 { f64::from(*value) / top } else { 0.0 };
            x = put(buf, x, area, kit.glyphs.column(part), kit.style(self.role)).max(x + 1);
        }
    }
}
