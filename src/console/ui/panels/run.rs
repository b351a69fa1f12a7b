//! Progress of the load.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::keys::Action;
use crate::console::ui::facts::{self, Fact};
use crate::console::ui::fmt;
use crate::console::ui::progress::Progress;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;
use crate::engine::LoadKind;
use crate::record::Micros;

use super::{below, row, section};

/// Least cells of a labelled value: `deadline 14:32:12`.
const LEAST: u16 = 17;

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let run = &view.snap.run;
    let summary = match run.kind {
        LoadKind::None => Line::of(Role::Muted, "no load"),
        LoadKind::File => Line::of(Role::Muted, "file ").text(fmt::sanitise(&run.label)),
        LoadKind::Synthetic => Line::of(Role::Text, fmt::sanitise(&run.label)),
    };
    let inner = section(Panel::Run, summary, view, area, buf);
    if run.kind == LoadKind::None {
        let key = view.state.keymap.key(Action::LoadForm);
        let keys =
            Line::of(Role::Muted, "Nothing runs. ").with(Role::Key, key).muted(" describes a load and starts it.");
        let refused = Line::of(Role::Muted, "Nothing runs, and READ-ONLY: no load can be started here.");
        let line = if view.snap.target.read_only { refused } else { keys };
        line.render(inner, buf, view.kit);
        return;
    }
    let done = run.succeeded + run.failed + run.resumed;
    let rest = match (run.total, row(inner, 0)) {
        (Some(total), Some(bar)) => {
            progress(view, done, total, bar, buf);
            below(inner, 1)
        }
        _ => inner,
    };
    facts::render(&values(view, done), LEAST, rest, buf, view.kit);
}

fn progress(view: &View<'_>, done: u64, total: u64, bar: Rect, buf: &mut Buffer) {
    let share = if total == 0 { 1.0 } else { done as f64 / total as f64 };
    let figures =
        Line::of(Role::Strong, format!("{:>6}", fmt::percent(share))).muted(format!(" of {}", fmt::exact(total)));
    let width = (figures.width() as u16 + 1).min(bar.width);
    figures.render_right(Rect { x: bar.right() - width, width, ..bar }, buf, view.kit);
    let left = Rect { width: bar.width.saturating_sub(width), ..bar };
    Progress { done: done as f64, under_way: 0.0, whole: total as f64 }.render(left, buf, view.kit);
}

fn values(view: &View<'_>, done: u64) -> Vec<Fact<'static>> {
    let run = &view.snap.run;
    let failed = if run.failed > 0 { Role::Danger } else { Role::Text };
    let mut facts = vec![
        Fact::new("done", fmt::exact(done)),
        Fact::with("failed", failed, fmt::exact(run.failed)),
        Fact::new("not sent", fmt::exact(run.unsent)),
    ];
    if let Some(eta) = run.eta {
        facts.push(Fact::new("left", fmt::span(eta)));
        facts.push(Fact::new("finish", fmt::utc_time(view.utc(view.snap.at + eta))));
    }
    facts.push(Fact::new("elapsed", fmt::span(run.elapsed)));
    if let Some(deadline) = run.next_deadline {
        facts.push(Fact::new("deadline", fmt::utc_time(view.utc(deadline))));
        facts.push(spare(view.snap.at, run.eta, deadline));
    }
    if run.late > 0 {
        facts.push(Fact::with("late", Role::Warn, fmt::exact(run.late)));
    }
    if run.resumed > 0 {
        facts.push(Fact::new("resumed", fmt::exact(run.resumed)));
    }
    if run.dropped > 0 {
        facts.push(Fact::with("dropped", Role::Warn, fmt::exact(run.dropped)));
    }
    facts.push(Fact::new("retries", fmt::exact(run.retries)));
    facts.push(Fact::new("attempts", fmt::exact(run.attempts)));
    facts
}

/// The finish against the deadline.
fn spare(now: Micros, eta: Option<Micros>, deadline: Micros) -> Fact<'static> {
    match eta {
        Some(eta) if now + eta > deadline => {
            Fact::with("late by", Role::Danger, fmt::span((now + eta).since(deadline)))
        }
        Some(eta) => Fact::with("to spare", Role::Ok, fmt::span(deadline.since(now + eta))),
        None => Fact::new("due in", fmt::span(deadline.since(now))),
    }
}
