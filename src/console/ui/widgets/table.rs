//! A table: columns that give way when the screen is narrow, a selected row, a mark on the sorted column.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Kit;
use super::text::put;
use crate::console::app::Hit;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// At the left, cut at the end: words.
    #[default]
    Left,
    /// At the right: numbers.
    Right,
    /// At the left, cut in the middle: ARNs, paths, ids.
    Middle,
}

/// How wide a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Always so many cells.
    Fixed(u16),
    /// At least so many cells, and a share of what is left over.
    Flex(u16),
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Its head.
    pub title: &'a str,
    /// Its width.
    pub width: Width,
    /// Where its text stands.
    pub align: Align,
    /// Columns with the highest number are dropped first; 0 is never dropped.
    pub drop: u8,
}

impl<'a> Column<'a> {
    /// A column of words.
    #[must_use]
    pub const fn new(title: &'a str, width: Width) -> Column<'a> {
        Column { title, width, align: Align::Left, drop: 0 }
    }

    /// The same, aligned otherwise.
    #[must_use]
    pub const fn align(self, align: Align) -> Column<'a> {
        Column { align, ..self }
    }

    /// The same, dropped when the screen is narrow: highest number first.
    #[must_use]
    pub const fn drop(self, drop: u8) -> Column<'a> {
        Column { drop, ..self }
    }

    fn least(&self) -> u16 {
        match self.width {
            Width::Fixed(cells) | Width::Flex(cells) => cells,
        }
    }
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Its text.
    pub text: Cow<'a, str>,
    /// Its meaning.
    pub role: Role,
}

impl<'a> Cell<'a> {
    /// A cell.
    #[must_use]
    pub fn new(role: Role, text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell { text: text.into(), role }
    }

    /// A cell of ordinary text.
    #[must_use]
    pub fn text(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell::new(Role::Text, text)
    }
}

/// A table. Only the rows in sight are asked for.
pub struct Table<'a> {
    /// The columns.
    pub columns: &'a [Column<'a>],
    /// How many rows there are.
    pub len: usize,
    /// The cells of a row, as many as columns.
    pub row: &'a dyn Fn(usize) -> Vec<Cell<'a>>,
    /// The selected row.
    pub selected: Option<usize>,
    /// The first row in sight, as the caller wishes; the selected row is kept in sight.
    pub top: usize,
    /// The column by which it is sorted, and whether the largest comes first.
    pub sorted: Option<(usize, bool)>,
    /// It has the focus.
    pub focused: bool,
    /// What to say when there are no rows.
    pub empty: &'a str,
}

impl Table<'_> {
    /// The first row in sight when `height` rows are.
    #[must_use]
    pub fn first_row(top: usize, selected: Option<usize>, len: usize, height: usize) -> usize {
        let last_top = len.saturating_sub(height);
        let top = top.min(last_top);
        match selected {
            Some(row) if row < top => row,
            Some(row) if row < len && row >= top + height => (row + 1).saturating_sub(height),
            _ => top,
        }
    }

    /// Draws it: heads on the first row, rows below. Returns the first row in sight.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) -> usize {
        let area = area.intersection(buf.area);
        let height = usize::from(area.height.saturating_sub(1));
        let first = Table::first_row(self.top, self.selected, self.len, height);
        if area.is_empty() {
            return first;
        }
        let scrolls = self.len > height;
        let width = area.width - u16::from(scrolls && area.width > 1);
        let widths = layout(self.columns, width);
        self.render_head(Rect { height: 1, width, ..area }, &widths, buf, kit);
        if self.len == 0 && height > 0 {
            let row = Rect { y: area.y + 1, height: 1, ..area };
            put(
                buf,
                row.x,
                row,
                &fmt::truncate(self.empty, usize::from(row.width), kit.glyphs),
                kit.style(Role::Muted),
            );
        }
        for (offset, index) in (first..self.len).take(height).enumerate() {
            let row = Rect { x: area.x, y: area.y + 1 + offset as u16, width, height: 1 };
            self.render_row(index, row, &widths, buf, kit);
            kit.takes_clicks(row, Hit::Row(index));
        }
        if scrolls && area.width > 1 {
            let bar = Rect { x: area.right() - 1, y: area.y + 1, width: 1, height: area.height - 1 };
            self.render_scroll_bar(bar, first, buf, kit);
        }
        first
    }

    fn render_head(&self, row: Rect, widths: &[u16], buf: &mut Buffer, kit: Kit<'_>) {
        let mut x = row.x;
        for (index, (column, &cells)) in self.columns.iter().zip(widths).enumerate() {
            if cells == 0 {
                continue;
            }
            let (role, title) = match self.sorted {
                Some((sorted, largest_first)) if sorted == index => {
                    let mark = if largest_first { kit.glyphs.descending } else { kit.glyphs.ascending };
                    (Role::Accent, Cow::Owned(format!("{}{mark}", column.title)))
                }
                _ => (Role::Head, Cow::Borrowed(column.title)),
            };
            put(buf, x, row, &fit(&title, cells, column.align, kit), kit.style(role));
            x = x.saturating_add(cells + GAP);
        }
    }

    fn render_row(&self, index: usize, row: Rect, widths: &[u16], buf: &mut Buffer, kit: Kit<'_>) {
        let cells = (self.row)(index);
        let mut x = row.x;
        for ((column, &width), cell) in self.columns.iter().zip(widths).zip(&cells) {
            if width == 0 {
                continue;
            }
            put(buf, x, row, &fit(&cell.text, width, column.align, kit), kit.style(cell.role));
            x = x.saturating_add(width + GAP);
        }
        if self.focused && self.selected == Some(index) {
            // The whole row changes its background or is reversed; the cells keep the colours that mean something.
            let style = kit.style(Role::Selection);
            let fg = if style.bg.is_some() { None } else { style.fg };
            buf.set_style(row, Style { fg, ..style });
        }
    }

    fn render_scroll_bar(&self, bar: Rect, first: usize, buf: &mut Buffer, kit: Kit<'_>) {
        let height = usize::from(bar.height);
        if height == 0 || self.len == 0 {
            return;
        }
        let thumb = (height * height / self.len).max(1);
        let room = height - thumb.min(height);
        let start = (first * room).div_ceil((self.len - height).max(1)).min(room);
        for offset in 0..height {
            let inside = (start..start + thumb).contains(&offset);
            let (glyph, role) =
                if inside { (kit.glyphs.thumb, Role::Muted) } else { (kit.glyphs.vertical, Role::Track) };
            put(buf, bar.x, Rect { y: bar.y + offset as u16, height: 1, ..bar }, glyph, kit.style(role));
        }
    }
}

/// Cells between columns.
const GAP: u16 = 2;

/// The width of each column; 0 for those that are dropped.
fn layout(columns: &[Column<'_>], total: u16) -> Vec<u16> {
    let mut kept: Vec<bool> = vec![true; columns.len()];
    let need = |kept: &[bool]| {
        let (count, cells) = columns
            .iter()
            .zip(kept)
            .filter(|(_, kept)| **kept)
            .fold((0u32, 0u32), |(count, cells), (column, _)| (count + 1, cells + u32::from(column.least())));
        cells + count.saturating_sub(1) * u32::from(GAP)
    };
    while need(&kept) > u32::from(total) {
        let next = (0..columns.len()).filter(|&i| kept[i] && columns[i].drop > 0).max_by_key(|&i| (columns[i].drop, i));
        match next {
            Some(index) => kept[index] = false,
            None => break,
        }
    }
    let left_over = u32::from(total).saturating_sub(need(&kept));
    let flexible = columns.iter().zip(&kept).filter(|(c, kept)| **kept && matches!(c.width, Width::Flex(_))).count();
    let mut share = 0;
    let widths = columns.iter().zip(&kept).map(|(column, kept)| match (kept, column.width) {
        (false, _) => 0,
        (true, Width::Fixed(cells)) => cells,
        (true, Width::Flex(cells)) => {
            // The first ones get the cells that cannot be divided.
            let extra = left_over / flexible as u32 + u32::from(share < left_over % flexible as u32);
            share += 1;
            cells + u16::try_from(extra).unwrap_or(0)
        }
    });
    widths.collect()
}

fn fit(text: &str, cells: u16, align: Align, kit: Kit<'_>) -> String {
    let cells = usize::from(cells);
    match align {
        Align::Left => fmt::left(text, cells, kit.glyphs),
        Align::Right => fmt::right(text, cells, kit.glyphs),
        Align::Middle => fmt::left(&fmt::truncate_middle(text, cells, kit.glyphs), cells, kit.glyphs),
    }
}
