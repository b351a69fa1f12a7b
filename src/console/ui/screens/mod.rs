//! The screens, and what lies over them.

pub(super) mod batch;
pub(super) mod confirm;
pub(super) mod dashboard;
pub(super) mod form;
pub(super) mod help;
pub(super) mod increases;
pub(super) mod job;
pub(super) mod log;
pub(super) mod palette;
pub(super) mod provisioned;
pub(super) mod provisioned_model;
pub(super) mod recipe;
pub(super) mod request;
pub(super) mod requests;
pub(super) mod scope;
pub(super) mod settings;
pub(super) mod themes;
pub(super) mod tuning;
pub(super) mod usage;
pub(super) mod use_detail;
pub(super) mod warnings;
pub(super) mod ways;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::record::Region;

use super::fmt;
use super::theme::Role;
use super::view::View;
use super::widgets::{Kit, Line, Panel};

/// Cells of the names of facts.
const NAME: usize = 16;
/// Lines that one fact takes at most: a service may say anything.
const LONGEST: usize = 8;
/// From this width on a Region is shown in full.
const WIDE: u16 = 100;

/// From this width on a detail fits beside its list.
const BESIDE: u16 = 170;

/// Facts of a detail, a line or more each.
struct Facts {
    lines: Vec<Line<'static>>,
    width: usize,
}

impl Facts {
    /// None yet, for `width` cells.
    fn new(width: usize) -> Facts {
        Facts { lines: Vec::new(), width }
    }

    /// A name and what it stands for, wrapped.
    fn add(&mut self, name: &str, role: Role, value: &str) {
        let mut name = name;
        let parts = fmt::wrap(&fmt::sanitise(value), self.width.saturating_sub(NAME).max(8));
        for part in parts.into_iter().take(LONGEST) {
            self.lines.push(Line::of(Role::Muted, format!("{name:<NAME$}")).with(role, part));
            name = "";
        }
    }

    /// A name and a line as it is.
    fn line(&mut self, name: &str, line: Line<'static>) {
        let mut all = Line::of(Role::Muted, format!("{name:<NAME$}"));
        all.parts.extend(line.parts);
        self.lines.push(all);
    }

    fn blank(&mut self) {
        self.lines.push(Line::new());
    }
}

/// How a detail is left, if it was opened.
fn way_back(view: &View<'_>) -> Line<'static> {
    let opened = view.state.detail.is_some();
    Line::of(Role::Muted, if opened { "Esc goes back" } else { "the selected one" })
}

/// What stands where there is nothing to detail.
fn gone(view: &View<'_>) -> Line<'static> {
    if view.state.detail.is_some() {
        Line::of(Role::Warn, "It is not in the list any more.")
    } else {
        Line::of(Role::Muted, "Nothing is selected.")
    }
}

/// The screen of an account where there is none.
fn no_account(title: &str, view: &View<'_>, body: Rect, buf: &mut Buffer) {
    let inner = Panel::new(title).ruled().render(body, buf, view.kit);
    Line::of(Role::Muted, "This console has no account to manage.").render(inner, buf, view.kit);
}

/// Cells for the names of these Regions.
fn region_width<'a>(regions: impl Iterator<Item = &'a Region>, width: u16) -> u16 {
    let longest = regions.map(|region| fmt::width(region.as_str())).max().unwrap_or(0);
    u16::try_from(longest).unwrap_or(u16::MAX).clamp(9, if width >= WIDE { 14 } else { 9 })
}

/// Says which filter a list has.
fn filter_words(summary: &mut Line<'_>, filter: &str) {
    if !filter.is_empty() {
        summary.push(Role::Muted, ", filter ");
        summary.push(Role::Accent, fmt::sanitise(filter).into_owned());
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
