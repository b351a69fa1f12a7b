//! Keys and terms, from the action table and the glossary.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::keys::doc::{self, DocLine};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let (keys, terms) = doc::columns(usize::from(body.width) + 2);
    let mut lines = doc::key_lines(keys);
    if let Some(terms) = terms {
        let right = doc::term_lines(terms);
        let x = body.x + keys as u16 + 4;
        let beside = Rect { x, width: body.right().saturating_sub(x), ..body };
        column(view, &right, doc::TERMS, scroll, beside, buf);
    } else {
        lines.push(DocLine::Blank);
        lines.extend(doc::term_lines(keys));
    }
    // Without columns beside each other the terms have the wider names.
    column(
        view,
        &lines,
        if terms.is_some() { doc::KEYS } else { doc::TERMS },
        scroll,
        Rect { width: (keys as u16).min(body.width), ..body },
        buf,
    );
}

fn column(view: &View<'_>, lines: &[DocLine], names: usize, scroll: u16, area: Rect, buf: &mut Buffer) {
    let last = lines.len().saturating_sub(usize::from(area.height));
    let first = usize::from(scroll).min(last);
    for (at, line) in lines.iter().skip(first).take(usize::from(area.height)).enumerate() {
        let row = Rect { y: area.y + at as u16, height: 1, ..area };
        let line = match line {
            DocLine::Blank => continue,
            DocLine::Heading(text) => Line::of(Role::Title, *text),
            DocLine::Entry(name, text) => Line::of(Role::Key, format!("{name:<names$} ")).text(text.as_str()),
        };
        line.render(row, buf, view.kit);
    }
}
