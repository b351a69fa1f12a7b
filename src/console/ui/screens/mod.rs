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

/// Draws lines from the first one in sight; never past the last page. Where they do not all fit, the last row says how
/// many are below.
fn scrolled(lines: &[Line<'_>], scroll: u16, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
    let all = usize::from(area.height);
    let page = if lines.len() > all { all.saturating_sub(1) } else { all };
    let first = usize::from(scroll).min(lines.len().saturating_sub(page));
    for (at, line) in lines.iter().skip(first).take(page).enumerate() {
        line.render(Rect { y: area.y + at as u16, height: 1, ..area }, buf, kit);
    }
    let more = lines.len().saturating_sub(first + page);
    if more > 0 && area.height > 0 {
        let note = Line::of(Role::Accent, kit.glyphs.descending).muted(format!(" {more} more"));
        note.render_right(Rect { y: area.bottom() - 1, height: 1, ..area }, buf, kit);
    }
}
