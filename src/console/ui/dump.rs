//! A drawn screen as plain text with its styles: what tests compare and bug reports carry.
//!
//! ratatui's own snapshot leaves the colours out, and with them half of what a screen says.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::style::{Color, Modifier};

/// The rows of a screen as text, without what is blank at their ends.
#[must_use]
pub fn text_dump(buffer: &Buffer) -> String {
    rows(buffer).fold(String::new(), |mut out, row| {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        out.push_str(line.trim_end());
        out.push('\n');
        out
    })
}

/// Text rows between bars, then for each row that is not all plain the run lengths of its styles:
/// `03: 4 plain, 10 bold #7aa8ff on #1a1d29, 66 plain`.
#[must_use]
pub fn styled_dump(buffer: &Buffer) -> String {
    let mut out = format!("{}x{}\n", buffer.area.width, buffer.area.height);
    for row in rows(buffer) {
        out.push('|');
        out.extend(row.iter().map(|cell| cell.symbol()));
        out.push_str("|\n");
    }
    for (y, row) in rows(buffer).enumerate() {
        let mut runs: Vec<(usize, String)> = Vec::new();
        for cell in row {
            let style = style_words(cell);
            let width = usize::from(cell.cell_width().max(1));
            match runs.last_mut() {
                Some((count, last)) if *last == style => *count += width,
                _ => runs.push((width, style)),
            }
        }
        if runs.len() == 1 && runs[0].1 == PLAIN {
            continue;
        }
        let words: Vec<String> = runs.iter().map(|(count, style)| format!("{count} {style}")).collect();
        let _ = writeln!(out, "{y:02}: {}", words.join(", "));
    }
    out
}

const PLAIN: &str = "plain";

/// The cells of each row, without those that lie behind a wide character.
fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<&Cell>> {
    let width = usize::from(buffer.area.width).max(1);
    buffer.content.chunks(width).map(|row| {
        let mut cells = Vec::with_capacity(row.len());
        let mut x = 0;
        while let Some(cell) = row.get(x) {
            cells.push(cell);
            x += usize::from(cell.cell_width().max(1));
        }
        cells
    })
}

fn style_words(cell: &Cell) -> String {
    let mut words: Vec<String> = ATTRIBUTES
        .iter()
        .filter(|(modifier, _)| cell.modifier.contains(*modifier))
        .map(|(_, name)| (*name).to_owned())
        .collect();
    words.extend(colour_word(cell.fg));
    if let Some(colour) = colour_word(cell.bg) {
        words.push(format!("on {colour}"));
    }
    if words.is_empty() { PLAIN.to_owned() } else { words.join(" ") }
}

const ATTRIBUTES: [(Modifier, &str); 6] = [
    (Modifier::BOLD, "bold"),
    (Modifier::DIM, "dim"),
    (Modifier::ITALIC, "italic"),
    (Modifier::UNDERLINED, "underline"),
    (Modifier::REVERSED, "reverse"),
    (Modifier::CROSSED_OUT, "crossed"),
];

fn colour_word(colour: Color) -> Option<String> {
    match colour {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Indexed(n) => Some(format!("c{n}")),
        named => Some(named.to_string().to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn text_and_styles_are_both_in_it() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "ok", Style::new().bold().fg(Color::Rgb(1, 2, 3)));
        buffer.set_string(3, 0, "日本", Style::new().reversed());
        buffer.set_string(0, 1, "plain", Style::new());
        assert_eq!(text_dump(&buffer), "ok 日本\nplain\n");
        assert_eq!(
            styled_dump(&buffer),
            "12x2\n|ok 日本     |\n|plain       |\n00: 2 bold #010203, 1 plain, 4 reverse, 5 plain\n"
        );
    }

    #[test]
    fn a_screen_without_cells_is_a_screen() {
        assert_eq!(styled_dump(&Buffer::empty(Rect::ZERO)), "0x0\n");
    }
}
