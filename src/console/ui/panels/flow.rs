//! Rates, errors, queue, and why its head waits.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Breakpoint, Panel};
use crate::console::ui::facts::{self, Fact};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;
use crate::console::ui::{fmt, words};
use crate::record::{ErrorClass, Priority};

use super::plots::{self, Curve, Plot};
use super::{below, history, row, section};

const LEAST: u16 = 24;

/// The role of an error class: our quota, the service's capacity, or a fault.
pub(in crate::console::ui) const fn class_role(class: ErrorClass) -> Role {
    if class.is_throttle() {
        Role::Throttle
    } else if matches!(class, ErrorClass::Capacity | ErrorClass::NotReady) {
        Role::Capacity
    } else {
        Role::Danger
    }
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let flow = &view.snap.flow;
    let summary = if flow.client_limited {
        Line::of(Role::Danger, format!("{} client-limited: this machine cannot keep up", view.kit.glyphs.danger))
    } else {
        Line::of(Role::Muted, "last 10 s")
    };
    let inner = section(Panel::Flow, summary, view, area, buf);
    let facts = rates(view);
    // What says why is more important than the last of the rates.
    let columns = ((inner.width + 3) / (LEAST + 3)).clamp(1, 4);
    let wanted = (facts.len() as u16).div_ceil(columns);
    let rates = Rect { height: wanted.min(inner.height.saturating_sub(3)).max(1).min(inner.height), ..inner };
    facts::render(&facts, LEAST, rates, buf, view.kit);
    let rest = below(inner, rates.height);
    // With less room than three rows the queue gives way: the head says most of it.
    let mut lines = vec![queue(view, usize::from(inner.width)), errors(view), waits(view)];
    if view.state.expanded.is_none() && view.state.breakpoint() == Breakpoint::Standard {
        // Where these have no panel of their own.
        lines.push(latency_and_regions(view));
    }
    let spared = usize::from(rest.height < 3);
    for (at, line) in lines.iter().skip(spared).enumerate() {
        if let Some(row) = row(rest, at as u16) {
            line.render(row, buf, view.kit);
        }
    }
    history::beneath(view, below(rest, 3), buf, |view, area, buf| plots::grid(view, &over_time(view), area, buf));
}

/// What was asked for against what was achieved, and what waits and is under way.
fn over_time<'a>(view: &View<'a>) -> Vec<Plot<'a>> {
    let (trends, series) = (&view.snap.trends, &view.snap.series);
    vec![
        Plot {
            title: "Rates".into(),
            unit: "per second",
            curves: vec![
                Curve::level("done", Role::SeriesC, plots::steps(view, &trends.done)),
                Curve::level("sent", Role::SeriesA, plots::steps(view, &trends.sent)),
                Curve::level("arrived", Role::SeriesB, plots::steps(view, &trends.arrived)),
                Curve::level("asked for", Role::SeriesD, plots::steps(view, &trends.requested)),
            ],
            levels: Vec::new(),
        },
        Plot {
            title: "Queue".into(),
            unit: "requests",
            curves: vec![
                Curve::level("waiting", Role::SeriesA, plots::seconds(view, &series.queue)).area(),
                Curve::level("in flight", Role::SeriesB, plots::seconds(view, &series.in_flight)),
            ],
            levels: Vec::new(),
        },
    ]
}

fn rates(view: &View<'_>) -> Vec<Fact<'static>> {
    let flow = &view.snap.flow;
    let rate = |value: f64| format!("{value:.2}");
    let arrivals = match flow.requested_rps {
        Some(asked) => {
            // What was asked for and is not made must stand out.
            let role = if flow.client_limited { Role::Danger } else { Role::Text };
            Fact {
                label: "arrivals",
                value: Line::of(role, rate(flow.arrived_rps)).muted(" of ").text(rate(asked)).muted(" /s"),
            }
        }
        None => Fact::new("arrivals", rate(flow.arrived_rps)).unit(" /s"),
    };
    let success = match flow.success_rate {
        Some(share) if share < 0.9 => Fact::with("success", Role::Warn, fmt::percent(share)),
        other => Fact::new("success", fmt::maybe_percent(other)),
    };
    vec![
        arrivals,
        success,
        Fact::with("done", Role::Strong, rate(flow.done_rps)).unit(" /s"),
        Fact {
            label: "in flight",
            value: Line::of(Role::Text, flow.in_flight.to_string()).muted(" of ").text(flow.concurrency.to_string()),
        },
        Fact::new("sent", rate(flow.sent_rps)).unit(" /s"),
        Fact::new("backing off", fmt::exact(flow.backing_off)),
    ]
}

/// Depth and age of each class.
fn queue(view: &View<'_>, cells: usize) -> Line<'static> {
    let whole = queue_line(view, |age| format!(" oldest {age}"));
    if whole.width() <= cells { whole } else { queue_line(view, |age| format!(" ({age})")) }
}

fn queue_line(view: &View<'_>, oldest: impl Fn(String) -> String) -> Line<'static> {
    let flow = &view.snap.flow;
    let mut line = label("queue");
    for priority in Priority::ALL {
        let at = priority.index();
        let gap = if at == 0 { "" } else { "   " };
        line.push(Role::Muted, format!("{gap}{} ", priority.name()));
        line.push(Role::Text, fmt::count(flow.queue_depth[at]));
        if let Some(age) = flow.queue_age[at] {
            line.push(Role::Muted, oldest(fmt::span(age)));
        }
    }
    line
}

fn errors(view: &View<'_>) -> Line<'static> {
    let flow = &view.snap.flow;
    let mut line = label("errors");
    if flow.errors_60s.is_empty() {
        return line.muted("none in 60 s");
    }
    for (class, count) in &flow.errors_60s {
        line.push(class_role(*class), fmt::exact(*count));
        line.push(Role::Muted, format!(" {}   ", class.label()));
    }
    line.muted("in 60 s")
}

fn waits<'a>(view: &View<'a>) -> Line<'a> {
    let mut line = label("head");
    match &view.snap.flow.head {
        Some(head) => line.parts.extend(words::head(view, head).parts),
        None => line.push(Role::Muted, "none: the queue is empty"),
    }
    line
}

/// Latency and Regions in a line.
fn latency_and_regions(view: &View<'_>) -> Line<'static> {
    let attempt = &view.snap.latency.attempt;
    let mut line = label("latency");
    for (name, value) in [("p50", attempt.p50), ("p90", attempt.p90), ("p99", attempt.p99)] {
        line.push(Role::Muted, format!("{name} "));
        line.push(Role::Text, format!("{:<8}", fmt::maybe_latency(value)));
    }
    let regions = &view.snap.regions;
    let (well, role) = match regions.iter().filter(|region| words::serves(view, region)).count() {
        all if all == regions.len() => (all, Role::Text),
        fewer => (fewer, Role::Warn),
    };
    line.with(role, format!("{well} of {}", regions.len())).muted(" Regions in service")
}

fn label(text: &str) -> Line<'static> {
    Line::of(Role::Muted, format!("{text:<8}"))
}
