//! Screen 1: everything at a glance.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::ui::layout::{self, Amounts};
use crate::console::ui::panels;
use crate::console::ui::view::View;

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    if let Some(panel) = view.state.expanded {
        panels::render(panel, view, body, buf);
        return;
    }
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let amounts = Amounts {
        scopes: count(view.snap.scopes.len()),
        regions: count(view.snap.regions.len()),
        verdict: panels::verdict_rows(view, body.width),
    };
    for (panel, area) in layout::dashboard(view.state.breakpoint(), body, &amounts) {
        panels::render(panel, view, area, buf);
    }
}
