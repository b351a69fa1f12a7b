//! What an account needs before its first batch job: a bucket and a role, as commands to look at and run elsewhere.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::control::batch::role_recipe;

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let note = Line::of(Role::Muted, "to copy it: `bedrock-top batch submit` without --role prints it");
    let inner = Panel::new("A role for batch jobs").ruled().summary(note).render(body, buf, view.kit);
    let width = usize::from(inner.width);
    let lines: Vec<Line<'_>> = text(view)
        .lines()
        .flat_map(|line| fmt::wrap(&fmt::sanitise(line), width))
        .map(|line| Line::of(Role::Text, line))
        .collect();
    super::scrolled(&lines, scroll, inner, buf, view.kit);
}

/// The recipe for the first Region, with the bucket of the latest job if there was one.
fn text(view: &View<'_>) -> String {
    let regions = view.state.regions();
    let region = regions.first().cloned().unwrap_or_else(|| "REGION".into());
    let output = view.state.account().and_then(|account| account.jobs.first()).map(|view| view.job.output.as_str());
    let bucket = output.and_then(|output| output.strip_prefix("s3://")?.split('/').next());
    role_recipe(view.snap.target.account.as_deref(), &region, bucket)
}
