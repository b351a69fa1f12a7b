//! Screen 1: everything at a glance.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Breakpoint;
use crate::console::ui::account;
use crate::console::ui::layout;
use crate::console::ui::panels;
use crate::console::ui::view::View;

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    if let Some(panel) = view.state.expanded {
        panels::render(panel, view, body, buf);
        return;
    }
    let at = view.state.breakpoint();
    // Where there is room, the last row tells of what is bought and what is batched.
    let line = if at >= Breakpoint::Large { account::summary(view) } else { None };
    let [body, last] = layout::rows(body, [0, u16::from(line.is_some())]);
    if let Some(line) = line {
        line.render(last, buf, view.kit);
    }
    let amounts = panels::amounts(view, at, body.width);
    for (panel, area) in layout::dashboard(at, body, &amounts) {
        panels::render(panel, view, area, buf);
    }
}
