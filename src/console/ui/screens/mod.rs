//! The screens, and what lies over them.

pub(super) mod confirm;
pub(super) mod dashboard;
pub(super) mod form;
pub(super) mod help;
pub(super) mod log;
pub(super) mod request;
pub(super) mod requests;
pub(super) mod scope;
pub(super) mod themes;
pub(super) mod tuning;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Role;
use super::widgets::{Kit, Line};

/// Says which filter a list has.
fn filter_words(summary: &mut Line<'_>, filter: &str) {
    if !filter.is_empty() {
        summary.push(Role::Muted, ", filter ");
        summary.push(Role::Accent, super::fmt::sanitise(filter).into_owned());
    }
}

/// Draws lines from the first one in sight; never past the last page.
fn scrolled(lines: &[Line<'_>], scroll: u16, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
    let first = usize::from(scroll).min(lines.len().saturating_sub(usize::from(area.height)));
    for (at, line) in lines.iter().skip(first).take(usize::from(area.height)).enumerate() {
        line.render(Rect { y: area.y + at as u16, height: 1, ..area }, buf, kit);
    }
    let more = lines.len().saturating_sub(first + usize::from(area.height));
    if more > 0 && area.height > 0 {
        let note = Line::of(Role::Accent, format!(" {} ", kit.glyphs.descending)).muted(format!("{more} more "));
        note.render_right(Rect { y: area.bottom() - 1, height: 1, ..area }, buf, kit);
    }
}
