//! The dashboard's panels. Each draws its own heading and fills the area that it is given, however small.

mod calls;
mod chart;
mod flow;
mod history;
mod journal;
mod latency;
mod money;
mod plots;
mod quota;
mod regions;
mod run;
mod throttles;
mod verdict;
mod watch;

pub(super) use chart::tokens_per_minute;
pub(super) use flow::class_role;
pub(super) use journal::level_look;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Breakpoint, Hit, Panel, Screen};

use super::layout::{self, Amounts};
use super::view::View;
use super::widgets::{Line, Panel as Section};
use verdict::verdict_rows;

/// Draws one panel.
pub(super) fn render(panel: Panel, view: &View<'_>, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    view.kit.takes_clicks(area, Hit::Panel(panel));
    if view.state.watching() && watch::render(panel, view, area, buf) {
        return;
    }
    match panel {
        Panel::Run => run::render(view, area, buf),
        Panel::Money => money::render(view, area, buf),
        Panel::Quota => quota::render(view, area, buf),
        Panel::Verdict => verdict::render(view, area, buf),
        Panel::Flow => flow::render(view, area, buf),
        Panel::Chart => chart::render(view, area, buf),
        Panel::Throttles => throttles::render(view, area, buf),
        Panel::Regions => regions::render(view, area, buf),
        Panel::Latency => latency::render(view, area, buf),
        Panel::Journal => journal::render(view, area, buf),
    }
}

/// How much the panels have to show on a screen of `width` cells.
pub(super) fn amounts(view: &View<'_>, at: Breakpoint, width: u16) -> Amounts {
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let area = Rect { width, ..Rect::default() };
    let [run, money, verdict] = match at {
        Breakpoint::Huge => layout::columns(area, layout::TOP).map(|column| column.width),
        Breakpoint::Large => {
            let [run, money] = layout::columns(area, [4, 3]);
            [run.width, money.width, width]
        }
        _ => {
            let [run, money] = layout::columns(area, [1, 1]);
            [run.width, money.width, width]
        }
    };
    let regions = &view.snap.regions;
    // A bucket of the watched account has one row, a scope of a load has two.
    let scopes = if view.state.watching() { view.state.watched().len().div_ceil(2) } else { view.snap.scopes.len() };
    Amounts {
        scopes: count(scopes),
        top: run::rows(view, run).max(money::rows(view, money)),
        regions: count(regions.len() + regions.iter().filter(|region| region.last_error.is_some()).count().min(2)),
        causes: throttles::rows(view),
        latencies: latency::rows(view),
        verdict: verdict_rows(view, verdict),
    }
}

/// Draws a panel's heading and returns the area below it.
fn section(panel: Panel, summary: Line<'_>, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    titled(panel, panel.title(), summary, view, area, buf)
}

/// The same under a heading of its own.
fn titled(panel: Panel, title: &str, summary: Line<'_>, view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let focused = view.state.screen == Screen::Dashboard && view.state.focus == panel;
    Section::new(title).ruled().summary(summary).focused(focused).render(area, buf, view.kit)
}

/// The selected row of a panel, if it has the focus.
fn selected(panel: Panel, view: &View<'_>) -> Option<usize> {
    (view.state.expanded.unwrap_or(view.state.focus) == panel).then_some(view.state.row)
}

/// The row `at` of `area`, if it is inside.
fn row(area: Rect, at: u16) -> Option<Rect> {
    (at < area.height).then(|| Rect { y: area.y + at, height: 1, ..area })
}

/// `area` without its first `rows` rows.
fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}
