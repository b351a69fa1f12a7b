//! Charts of the last hour below a panel that has the screen for itself, and the figures of the moment looked at.
//!
//! Levels (tokens, rates, queue, latency) are drawn as the mean of the seconds in a dot. Throttles and errors are drawn
//! as their maximum, so that a spike of one second is seen at every zoom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Sight;
use crate::console::keys::Action;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Axis, Bin, Chart, Line, Series, Shape, VerticalMark};
use crate::console::ui::{fmt, layout};
use crate::record::Micros;

/// Lowest chart that says anything: legend, axis and some rows between.
const LEAST: u16 = 6;

/// The time axis of a part of the history.
pub(super) fn axis(view: &View<'_>, sight: Sight) -> Axis {
    // A chart that is held tells the time of the clock even where its end is still the newest second.
    let past_utc_ms = sight.cursor.map(|_| utc(view, sight.end));
    Axis { last_second: sight.end, span: sight.span, past_utc_ms, cursor: sight.cursor }
}

/// What was changed, and when.
pub(super) fn marks<'a>(view: &View<'a>) -> Vec<VerticalMark<'a>> {
    view.snap.marks.iter().map(|mark| VerticalMark { second: mark.at.secs_f64(), label: &mark.what }).collect()
}

/// Says that the charts show the past, if they do.
pub(super) fn held(view: &View<'_>) -> Option<Line<'static>> {
    let sight = view.state.sight();
    sight.cursor?;
    let from = sight.end.saturating_sub(sight.span);
    let times = format!(" {} to {} UTC", fmt::utc_time(utc(view, from)), fmt::utc_time(utc(view, sight.end)));
    let ages = format!("PAST {} to {} ago", age(view, from), age(view, sight.end));
    Some(Line::of(Role::Warn, ages).text(times).muted(format!("; {}: now", view.state.keymap.key(Action::Newest))))
}

/// The figures of the moment looked at; an empty line while the charts follow the present.
pub(super) fn readout(view: &View<'_>) -> Line<'static> {
    let sight = view.state.sight();
    let Some(second) = sight.cursor else { return Line::new() };
    let history = &view.snap.series;
    let step = sight.step();
    // The seconds from one place of the cursor to the next.
    let of = |values: &[f32]| -> Vec<f32> {
        let newer = usize::try_from(history.last_second.saturating_sub(second)).unwrap_or(usize::MAX);
        let to = values.len().saturating_sub(newer);
        let from = to.saturating_sub(usize::try_from(step).unwrap_or(usize::MAX));
        values[from..to].iter().copied().filter(|value| value.is_finite()).collect()
    };
    let level = |values: &[f32]| {
        let values = of(values);
        let sum: f64 = values.iter().copied().map(f64::from).sum();
        if values.is_empty() { fmt::NONE.to_owned() } else { fmt::si(sum / values.len() as f64) }
    };
    let events = |values: &[f32]| of(values).iter().copied().map(f64::from).sum::<f64>();
    let mut line = Line::of(Role::Strong, format!("{} UTC", fmt::utc_time(utc(view, second))));
    line.push(Role::Muted, format!(" {} ago", age(view, second)));
    let mut add = |role: Role, value: String, unit: &'static str| {
        line.push(role, format!("  {value:>5}"));
        line.push(Role::Muted, unit);
    };
    add(Role::Text, level(&history.rpm), " RPM");
    add(Role::Settled, level(&history.tpm_settled), " TPM");
    add(Role::Held, level(&history.held), " held");
    let (throttles, errors) = (events(&history.throttles), events(&history.errors));
    add(if throttles > 0.0 { Role::Throttle } else { Role::Text }, fmt::si(throttles), " 429");
    add(if errors > 0.0 { Role::Danger } else { Role::Text }, fmt::si(errors), " err.");
    line.push(Role::Muted, format!(" in {}", fmt::span(Micros::from_secs(step))));
    line
}

/// Throttles and other errors of each second.
pub(super) fn failures(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let history = &view.snap.series;
    let events = |name, values, role| One { name, values, role, shape: Shape::Columns, bin: Bin::Max };
    let all = [
        events("throttles (429)", &history.throttles, Role::Throttle),
        events("other errors", &history.errors, Role::Danger),
    ];
    chart(view, &all, "per second, the most in each dot", area, buf);
}

/// Median latency over time.
pub(super) fn latency(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let p50 = One {
        name: "p50 attempt",
        values: &view.snap.series.p50_ms,
        role: Role::Info,
        shape: Shape::Line,
        bin: Bin::Mean,
    };
    chart(view, &[p50], "milliseconds, median of each second", area, buf);
}

/// Requests per minute, and what waits and is under way, below each other: their units differ.
pub(super) fn flow(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let history = &view.snap.series;
    let level = |name, values, role| One { name, values, role, shape: Shape::Line, bin: Bin::Mean };
    let rpm = [One { shape: Shape::Area, ..level("sent", &history.rpm, Role::Settled) }];
    let depth = [level("in flight", &history.in_flight, Role::Held), level("queue", &history.queue, Role::Target)];
    let half = if area.height >= LEAST * 2 { area.height / 2 } else { 0 };
    let [above, below] = layout::rows(area, [0, half]);
    chart(view, &rpm, "requests per minute", above, buf);
    chart(view, &depth, "requests", below, buf);
}

/// A chart with the moment looked at above it, in what a panel leaves when it has the screen for itself.
pub(super) fn beneath(view: &View<'_>, rest: Rect, buf: &mut Buffer, draw: impl FnOnce(&View<'_>, Rect, &mut Buffer)) {
    if view.state.expanded.is_none() || rest.height < LEAST + 2 || view.snap.series.rpm.len() < 2 {
        return;
    }
    let [line, area] = layout::rows(rest, [2, 0]);
    let row = Rect { y: line.y + 1, height: 1, ..line };
    let line = match view.state.sight().cursor {
        Some(_) => held(view).map_or_else(Line::new, |line| both(readout(view), line, row.width)),
        None => {
            let key = |action| view.state.keymap.key(action);
            let (past, closer, wider) = (key(Action::Earlier), key(Action::ZoomIn), key(Action::ZoomOut));
            Line::of(Role::Muted, format!("{past} looks at the past, {closer} and {wider} show less and more time"))
        }
    };
    line.render(row, buf, view.kit);
    draw(view, area, buf);
}

/// Two lines in one row, the second only where there is room.
fn both(mut first: Line<'static>, second: Line<'static>, width: u16) -> Line<'static> {
    if first.width() + second.width() + 3 <= usize::from(width) {
        first.push(Role::Muted, "   ");
        first.parts.extend(second.parts);
    }
    first
}

/// A series of the whole history.
#[derive(Clone, Copy)]
struct One<'a> {
    name: &'a str,
    values: &'a [f32],
    role: Role,
    shape: Shape,
    bin: Bin,
}

fn chart(view: &View<'_>, all: &[One<'_>], unit: &str, area: Rect, buf: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let sight = view.state.sight();
    let last = view.snap.series.last_second;
    let series: Vec<Series<'_>> = all
        .iter()
        .map(|one| Series {
            name: one.name,
            values: sight.of(one.values, last),
            role: one.role,
            shape: one.shape,
            bin: one.bin,
        })
        .collect();
    let chart =
        Chart { series: &series, levels: &[], marks: &marks(view), axis: axis(view, sight), unit, legend: true };
    chart.render(area, buf, view.kit);
}

/// UTC milliseconds of a second of the run.
fn utc(view: &View<'_>, second: u64) -> i64 {
    view.utc(Micros::from_secs(second))
}

/// How long ago a second of the run was, to the minute once it is that old.
fn age(view: &View<'_>, second: u64) -> String {
    let age = view.now.since(Micros::from_secs(second));
    let seconds = age.0 / 1_000_000;
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m", seconds / 60) }
}
