//! Screen 1: everything at a glance.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Breakpoint;
use crate::console::ui::layout::{self, Amounts};
use crate::console::ui::panels;
use crate::console::ui::view::View;

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    if let Some(panel) = view.state.expanded {
        panels::render(panel, view, body, buf);
        return;
    }
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let amounts = Amounts { scopes: count(view.snap.scopes.len()), regions: count(view.snap.regions.len()) };
    let screen = Rect { width: body.width + 2, height: body.height + 3, ..body };
    for (panel, area) in layout::dashboard(Breakpoint::of(screen.width, screen.height), body, &amounts) {
        panels::render(panel, view, area, buf);
    }
}
