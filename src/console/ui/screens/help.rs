//! Keys and terms, from the action table and the glossary.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::keys::doc::{self, DocLine};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let (keys, terms) = doc::columns(usize::from(body.width));
    let left = Rect { width: keys as u16, ..body };
    let mut lines = column(doc::key_lines(&view.state.keymap, keys), doc::KEYS);
    match terms {
        Some(terms) => {
            let right = Rect { x: body.right() - terms as u16, width: terms as u16, ..body };
            super::scrolled(&column(doc::term_lines(terms), doc::TERMS), scroll, right, buf, view.kit);
        }
        None => {
            lines.push(Line::new());
            lines.extend(column(doc::term_lines(keys), doc::TERMS));
        }
    }
    super::scrolled(&lines, scroll, left, buf, view.kit);
}

fn column(lines: Vec<DocLine>, names: usize) -> Vec<Line<'static>> {
    lines
        .into_iter()
        .map(|line| match line {
            DocLine::Blank => Line::new(),
            DocLine::Heading(text) => Line::of(Role::Title, text),
            DocLine::Entry(name, text) => Line::of(Role::Key, format!("{name:<names$} ")).text(text),
        })
        .collect()
}
