//! What an account needs before its first batch job: a bucket and a role, as commands to look at and run elsewhere.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::role_recipe;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let note = Line::of(Role::Muted, "y copies it; `bedrock-top batch submit` without --role prints it");
    let inner = Panel::new("A role for batch jobs").ruled().summary(note).render(body, buf, view.kit);
    let width = usize::from(inner.width);
    let lines: Vec<Line<'_>> = role_recipe(view.state)
        .lines()
        .flat_map(|line| fmt::wrap(&fmt::sanitise(line), width))
        .map(|line| Line::of(Role::Text, line))
        .collect();
    super::scrolled(&lines, scroll, inner, buf, view.kit);
}
