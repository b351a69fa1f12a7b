//! Fields to fill in.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::Kit;
use super::text::put;
use crate::console::app::Hit;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// What a field holds.
#[derive(Clone, Debug)]
pub enum FieldValue<'a> {
    /// Text that can be edited.
    Input(&'a Input),
    /// One of several, changed with the arrow keys.
    Choice(&'a str),
    /// On or off.
    Switch(bool),
    /// Cannot be changed here.
    Fixed(&'a str),
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// What is asked.
    pub label: &'a str,
    /// What it holds.
    pub value: FieldValue<'a>,
    /// The unit behind it.
    pub unit: &'a str,
    /// What is wrong with it.
    pub error: Option<&'a str>,
    /// What may be said about it; shown while it has the focus.
    pub hint: &'a str,
}

impl<'a> Field<'a> {
    /// A field without unit, error and hint.
    #[must_use]
    pub fn new(label: &'a str, value: FieldValue<'a>) -> Field<'a> {
        Field { label, value, unit: "", error: None, hint: "" }
    }
}

/// Fields below each other, one of them with the focus.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// The fields.
    pub fields: &'a [Field<'a>],
    /// Which one has the focus.
    pub focus: Option<usize>,
    /// Cells for what is typed in.
    pub value_width: u16,
}

impl Form<'_> {
    /// Rows that it wants: one a field, and one below the focused field for its error or hint.
    #[must_use]
    pub fn height(&self) -> u16 {
        u16::try_from(self.rows().count()).unwrap_or(u16::MAX)
    }

    /// Draws it, the focused field kept in sight. Returns where the cursor belongs.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) -> Option<Position> {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return None;
        }
        let label_width = self.fields.iter().map(|field| fmt::width(field.label)).max().unwrap_or(0);
        let label_width = u16::try_from(label_width).unwrap_or(u16::MAX).min(area.width / 2);
        let height = usize::from(area.height);
        let rows: Vec<Row> = self.rows().collect();
        let focus_row = rows.iter().position(|row| matches!(row, Row::Field(i) if Some(*i) == self.focus)).unwrap_or(0);
        // The note below the focused field comes into sight with it.
        let wanted = (focus_row + 2).min(rows.len());
        let first = wanted.saturating_sub(height).min(focus_row);
        let mut cursor = None;
        for (offset, row) in rows.iter().skip(first).take(height).enumerate() {
            let at = Rect { y: area.y + offset as u16, height: 1, ..area };
            match row {
                Row::Field(index) => {
                    kit.takes_clicks(at, Hit::Field(*index));
                    cursor = cursor.or(self.render_field(*index, at, label_width, buf, kit));
                }
                Row::Note(index) => self.render_note(*index, at, label_width, buf, kit),
            }
        }
        cursor
    }

    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.fields.iter().enumerate().flat_map(|(index, field)| {
            let focused = self.focus == Some(index);
            let note = field.error.is_some() || (focused && !field.hint.is_empty());
            [Some(Row::Field(index)), note.then_some(Row::Note(index))].into_iter().flatten()
        })
    }

    fn render_field(
        &self,
        index: usize,
        row: Rect,
        label_width: u16,
        buf: &mut Buffer,
        kit: Kit<'_>,
    ) -> Option<Position> {
        let field = &self.fields[index];
        let focused = self.focus == Some(index);
        let g = kit.glyphs;
        let pointer = if focused { g.pointer } else { " " };
        let x = put(buf, row.x, row, pointer, kit.style(Role::Focus));
        let label = fmt::left(field.label, usize::from(label_width), g);
        let role = if focused { Role::Strong } else { Role::Muted };
        let x = put(buf, x + 1, row, &label, kit.style(role)) + 2;
        let room = row.right().saturating_sub(x);
        let role = if focused { Role::FieldFocus } else { Role::Field };
        let mut cursor = None;
        let x = match field.value {
            FieldValue::Input(input) => {
                let cells = usize::from(self.value_width.min(room));
                if cells < 2 {
                    return None;
                }
                let scroll = input.visual_scroll(cells - 1);
                // What is not being typed shows both its ends; what is, what is around the cursor.
                let shown = match focused {
                    true => skip_cells(input.value(), scroll),
                    false => fmt::truncate_middle(input.value(), cells, g).into_owned(),
                };
                if focused {
                    let at = input.visual_cursor().saturating_sub(scroll).min(cells - 1);
                    cursor = Some(Position { x: x + at as u16, y: row.y });
                }
                // Without an ellipsis: the text under the cursor must be what is there.
                let width = fmt::width(&shown);
                let text = format!("{shown}{:fill$}", "", fill = cells.saturating_sub(width));
                put(buf, x, Rect { width: (x - row.x) + cells as u16, ..row }, &text, kit.style(role))
            }
            FieldValue::Choice(value) => {
                let cells = usize::from(self.value_width.min(room)).saturating_sub(4);
                let text = format!("{} {} {}", g.choice[0], fmt::left(value, cells, g), g.choice[1]);
                put(buf, x, row, &text, kit.style(role))
            }
            FieldValue::Switch(on) => {
                let text = format!("{} {}", g.switch[usize::from(on)], if on { "on " } else { "off" });
                put(buf, x, row, &text, kit.style(role))
            }
            FieldValue::Fixed(value) => {
                put(buf, x, row, &fmt::truncate(value, usize::from(room), g), kit.style(Role::Text))
            }
        };
        let x = put(buf, x + 1, row, field.unit, kit.style(Role::Muted));
        if field.error.is_some() {
            put(buf, x + 1, row, g.danger, kit.style(Role::Danger));
        }
        cursor
    }

    fn render_note(&self, index: usize, row: Rect, label_width: u16, buf: &mut Buffer, kit: Kit<'_>) {
        let field = &self.fields[index];
        let (role, text) = match field.error {
            Some(error) => (Role::Danger, error),
            None => (Role::Muted, field.hint),
        };
        let x = row.x + 2 + label_width + 2;
        let room = usize::from(row.right().saturating_sub(x));
        put(buf, x, row, &fmt::truncate(text, room, kit.glyphs), kit.style(role));
    }
}

enum Row {
    Field(usize),
    Note(usize),
}

fn skip_cells(text: &str, cells: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|c| {
            let skip = skipped < cells;
            skipped += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            skip
        })
        .collect()
}
