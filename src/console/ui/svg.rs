//! A drawn screen as a picture: a terminal window in SVG, on an exact grid.
//!
//! Letters are text in the reader's monospace font; lines, blocks and braille are drawn as shapes, as good terminals
//! do, because fonts disagree about them and a chart made of letters from three fonts falls apart.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::style::Modifier;

use super::cell_shapes::{CELL_HEIGHT, CELL_WIDTH, shape};
use super::theme::colour::Rgb;
use super::theme::{Role, Theme};

/// Space around the cells, and height of the title bar.
const PADDING: u32 = 14;
const TITLE_BAR: u32 = 34;
/// Fits 9 px cells: the advance of the usual monospace fonts is 0.6 of their size.
const FONT_SIZE: u32 = 15;
/// From the top of a cell to the base line.
const BASE_LINE: u32 = 15;
const FONTS: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, &quot;DejaVu Sans Mono&quot;, monospace";

/// Colours of a cell as they appear.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    fg: Rgb,
    bg: Rgb,
    modifier: Modifier,
}

/// The screen as a picture of a terminal window. `title` stands in its title bar.
#[must_use]
pub fn svg(buffer: &Buffer, theme: &Theme, title: &str) -> String {
    let colours = Ground::of(theme);
    let (columns, rows) = (u32::from(buffer.area.width), u32::from(buffer.area.height));
    let width = columns * CELL_WIDTH + 2 * PADDING;
    let height = rows * CELL_HEIGHT + TITLE_BAR + PADDING;
    let mut out = String::with_capacity(64 * 1024);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"{FONTS}\" font-size=\"{FONT_SIZE}\" role=\"img\" aria-label=\"{label}\">",
        label = escape(title),
    );
    window(&mut out, width, height, title, &colours);
    let _ = writeln!(out, "<g transform=\"translate({PADDING} {TITLE_BAR})\" shape-rendering=\"auto\">");
    for (y, row) in buffer.content.chunks(usize::from(buffer.area.width).max(1)).enumerate() {
        draw_row(&mut out, row, y as u32 * CELL_HEIGHT, &colours);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// What the terminal's own colours are in the picture.
struct Ground {
    fg: Rgb,
    bg: Rgb,
    muted: Rgb,
}

impl Ground {
    fn of(theme: &Theme) -> Ground {
        let (fg, bg) = if theme.dark() {
            (Rgb(0xd8, 0xd8, 0xd8), Rgb(0x16, 0x16, 0x18))
        } else {
            (Rgb(0x22, 0x22, 0x22), Rgb(0xff, 0xff, 0xff))
        };
        let fg = theme.style(Role::Text).fg.and_then(Rgb::of).unwrap_or(fg);
        let muted = theme.style(Role::Muted).fg.and_then(Rgb::of).unwrap_or(fg);
        Ground { fg, bg: theme.ground().bg.and_then(Rgb::of).unwrap_or(bg), muted }
    }

    fn see(&self, cell: &Cell) -> Seen {
        let mut fg = Rgb::of(cell.fg).unwrap_or(self.fg);
        let mut bg = Rgb::of(cell.bg).unwrap_or(self.bg);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut fg, &mut bg);
        }
        if cell.modifier.contains(Modifier::DIM) {
            fg = between(fg, bg);
        }
        let modifier = cell.modifier & (Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED);
        Seen { fg, bg, modifier }
    }
}

fn between(a: Rgb, b: Rgb) -> Rgb {
    let mean = |a: u8, b: u8| a.midpoint(b);
    Rgb(mean(a.0, b.0), mean(a.1, b.1), mean(a.2, b.2))
}

fn hex(Rgb(r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn window(out: &mut String, width: u32, height: u32, title: &str, colours: &Ground) {
    let (ground, muted) = (hex(colours.bg), hex(colours.muted));
    let _ = writeln!(out, "<rect width=\"{width}\" height=\"{height}\" rx=\"9\" fill=\"{ground}\"/>");
    let _ = writeln!(
        out,
        "<rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8.5\" fill=\"none\" stroke=\"{muted}\" stroke-opacity=\".3\"/>",
        width - 1,
        height - 1
    );
    for (index, colour) in ["#ec6a5e", "#f4bf4f", "#61c554"].iter().enumerate() {
        let _ = writeln!(out, "<circle cx=\"{}\" cy=\"17\" r=\"5.5\" fill=\"{colour}\"/>", 20 + 19 * index);
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"22\" text-anchor=\"middle\" font-size=\"13\" fill=\"{muted}\">{}</text>",
        width / 2,
        escape(title)
    );
}

/// Column, width, look and symbol of a cell.
type SeenCell<'a> = (u32, u32, Seen, &'a str);

/// One row: grounds first, then runs of letters, then shapes, each run in one element.
fn draw_row(out: &mut String, row: &[Cell], top: u32, colours: &Ground) {
    let mut cells: Vec<SeenCell<'_>> = Vec::with_capacity(row.len());
    let mut x = 0usize;
    while let Some(cell) = row.get(x) {
        let width = usize::from(cell.cell_width().max(1));
        cells.push((x as u32, width as u32, colours.see(cell), cell.symbol()));
        x += width;
    }
    for run in cells.chunk_by(|a, b| a.2.bg == b.2.bg) {
        let (first, seen) = (run[0].0, run[0].2);
        if seen.bg != colours.bg {
            let width: u32 = run.iter().map(|cell| cell.1).sum();
            let _ = writeln!(
                out,
                "<rect x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{CELL_HEIGHT}\" fill=\"{}\"/>",
                first * CELL_WIDTH,
                width * CELL_WIDTH,
                hex(seen.bg)
            );
        }
    }
    for run in cells.chunk_by(|a, b| a.2.fg == b.2.fg) {
        let mut path = String::new();
        for (x, _, _, symbol) in run {
            if let Some(c) = single(symbol) {
                shape(&mut path, c, x * CELL_WIDTH, top);
            }
        }
        if !path.is_empty() {
            let _ = writeln!(out, "<path fill=\"{}\" d=\"{}\"/>", hex(run[0].2.fg), path.trim_end());
        }
    }
    // Only ASCII is sure to be as wide as a cell in every font; everything else gets a place of its own.
    let joins = |a: &SeenCell<'_>, b: &SeenCell<'_>| a.2 == b.2 && a.3.is_ascii() && b.3.is_ascii();
    for run in cells.chunk_by(joins) {
        if run.len() == 1 && single(run[0].3).is_some_and(super::cell_shapes::has_shape) {
            continue;
        }
        let text: String = run.iter().map(|cell| cell.3).collect();
        for (at, word) in words(&text, run[0].2.modifier.contains(Modifier::UNDERLINED)) {
            let width = if word.is_ascii() { word.len() as u32 } else { run[0].1 };
            draw_text(out, word, (run[0].0 + at as u32) * CELL_WIDTH, top, width * CELL_WIDTH, run[0].2);
        }
    }
}

/// A run of letters cut at its wider gaps, with the cell at which each piece begins: a font whose letters are not quite
/// as wide as a cell cannot drift far. An underline has no gaps.
fn words(text: &str, underlined: bool) -> Vec<(usize, &str)> {
    if underlined {
        return vec![(0, text)];
    }
    let mut at = 0;
    let pieces = text.split("  ").map(|piece| {
        let begin = at + piece.len() - piece.trim_start().len();
        at += piece.len() + 2;
        (begin, piece.trim())
    });
    pieces.filter(|(_, piece)| !piece.is_empty()).collect()
}

fn draw_text(out: &mut String, text: &str, x: u32, top: u32, width: u32, seen: Seen) {
    let mut attributes = String::new();
    if seen.modifier.contains(Modifier::BOLD) {
        attributes.push_str(" font-weight=\"bold\"");
    }
    if seen.modifier.contains(Modifier::ITALIC) {
        attributes.push_str(" font-style=\"italic\"");
    }
    let fill = hex(seen.fg);
    if !text.trim().is_empty() {
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" textLength=\"{width}\" fill=\"{fill}\"{attributes} xml:space=\"preserve\">{}</text>",
            top + BASE_LINE,
            escape(text)
        );
    }
    if seen.modifier.contains(Modifier::UNDERLINED) {
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"1\" fill=\"{fill}\"/>",
            top + BASE_LINE + 2
        );
    }
}

fn single(symbol: &str) -> Option<char> {
    let mut chars = symbol.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no way to write most control characters.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    use super::*;
    use crate::console::term::ColourDepth;
    use crate::console::ui::theme::DEFAULT;

    fn picture(draw: impl FnOnce(&mut Buffer)) -> String {
        let theme = Theme::embedded(DEFAULT, ColourDepth::TrueColour).unwrap().unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 3));
        draw(&mut buffer);
        svg(&buffer, &theme, "a <title>")
    }

    #[test]
    fn letters_are_text_and_lines_are_shapes() {
        let svg = picture(|buffer| {
            buffer.set_string(2, 1, "a<b & c", Style::new().fg(Color::Rgb(1, 2, 3)));
            buffer.set_string(10, 1, "─⣿", Style::new());
        });
        assert!(svg.contains(">a&lt;b &amp; c</text>"), "{svg}");
        assert!(svg.contains("x=\"18\"") && svg.contains("fill=\"#010203\""));
        assert!(svg.contains("<path ") && !svg.contains('─') && !svg.contains('⣿'));
        assert!(svg.contains("a &lt;title&gt;") && !svg.contains("<title>"));
    }

    #[test]
    fn reverse_and_backgrounds_are_seen() {
        let svg = picture(|buffer| {
            buffer.set_string(0, 0, "x", Style::new().fg(Color::Rgb(9, 9, 9)).add_modifier(Modifier::REVERSED));
            buffer.set_style(Rect::new(4, 2, 5, 1), Style::new().bg(Color::Rgb(7, 7, 7)));
        });
        assert!(svg.contains("width=\"9\" height=\"20\" fill=\"#090909\""));
        assert!(svg.contains("x=\"36\" y=\"40\" width=\"45\" height=\"20\" fill=\"#070707\""));
    }

    #[test]
    fn the_smallest_and_strangest_screens_have_a_picture() {
        let theme = Theme::embedded("mono", ColourDepth::Mono).unwrap().unwrap();
        for area in [Rect::ZERO, Rect::new(0, 0, 1, 1), Rect::new(0, 0, 3, 2)] {
            let mut buffer = Buffer::empty(area);
            for cell in &mut buffer.content {
                cell.set_symbol("日");
            }
            assert!(svg(&buffer, &theme, "").ends_with("</svg>\n"));
        }
    }
}
