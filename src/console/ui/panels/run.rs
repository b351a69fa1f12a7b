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
use crate::console::ui::widgets::{Level, Line};
use crate::engine::LoadKind;
use crate::record::Micros;

use super::plots::{self, Curve, Plot};
use super::{below, history, row, section};

/// Least cells of a labelled value: `deadline 14:32:12`.
const LEAST: u16 = 17;

/// Rows that it has something for.
pub(super) fn rows(view: &View<'_>, width: u16) -> u16 {
    let run = &view.snap.run;
    if run.kind == LoadKind::None {
        return 1;
    }
    let done = run.succeeded + run.failed + run.resumed;
    facts::rows(values(view, done).len(), LEAST, width) + u16::from(run.total.is_some())
}

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
    let facts = values(view, done);
    if view.state.expanded.is_none() {
        return facts::render(&facts, LEAST, rest, buf, view.kit);
    }
    let rows = facts::rows(facts.len(), LEAST, rest.width).min(rest.height);
    facts::render(&facts, LEAST, Rect { height: rows, ..rest }, buf, view.kit);
    let rest = below(rest, rows);
    let used = why_failed(view, below(rest, 1), buf);
    let rest = below(rest, if used > 0 { used + 1 } else { 0 });
    history::beneath(view, rest, buf, |view, area, buf| plots::grid(view, &over_time(view, done), area, buf));
}

/// Why records failed for good, the most frequent first; returns the rows used.
fn why_failed(view: &View<'_>, area: Rect, buf: &mut Buffer) -> u16 {
    let mut reasons: Vec<&(String, u64)> = view.snap.failed_by_reason.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    // The charts keep most of the screen.
    let rows = (area.height / 4).min(reasons.len() as u16);
    for (at, (reason, count)) in (0..rows).zip(reasons) {
        let line = Line::of(Role::Danger, format!("{:>7}", fmt::exact(*count))).muted(" failed: ");
        if let Some(row) = row(area, at) {
            line.text(fmt::sanitise(reason)).render(row, buf, view.kit);
        }
    }
    rows
}

/// Records done against what the deadline needs, and what was refused and failed.
fn over_time<'a>(view: &View<'a>, done: u64) -> Vec<Plot<'a>> {
    let run = &view.snap.run;
    let per_minute = |trend| plots::steps(view, trend).into_iter().map(|rate| rate * 60.0).collect::<Vec<f32>>();
    let needed = run.total.zip(run.next_deadline).and_then(|(total, deadline)| {
        let minutes = deadline.since(view.snap.at).secs_f64() / 60.0;
        let left = total.saturating_sub(done) as f64;
        (minutes > 0.0 && left > 0.0).then(|| left / minutes)
    });
    let needed = needed.map(|value| Level { name: "needed for the deadline", value, role: Role::Quota });
    vec![
        Plot {
            title: "Records".into(),
            unit: "per minute",
            curves: vec![
                Curve::level("done", Role::SeriesC, per_minute(&view.snap.trends.done)).area(),
                Curve::level("arrived", Role::SeriesB, per_minute(&view.snap.trends.arrived)),
            ],
            levels: needed.into_iter().collect(),
        },
        plots::failures(view),
    ]
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
    // The finish against the deadline comes before what only tells how it went.
    if let Some(eta) = run.eta {
        facts.push(Fact::new("finish", fmt::utc_time(view.utc(view.snap.at + eta))));
    }
    if let Some(deadline) = run.next_deadline {
        facts.push(Fact::new("deadline", fmt::utc_time(view.utc(deadline))));
        facts.push(spare(view.snap.at, run.eta, deadline));
    }
    if let Some(eta) = run.eta {
        facts.push(Fact::new("left", fmt::span(eta)));
    }
    facts.push(Fact::new("elapsed", fmt::span(run.elapsed)));
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
