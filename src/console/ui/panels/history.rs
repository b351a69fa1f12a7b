//! The time that charts show, and the figures of the moment looked at.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Sight;
use crate::console::keys::Action;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Axis, Line, VerticalMark};
use crate::console::ui::{fmt, layout};
use crate::record::Micros;

use super::below;

/// Lowest chart that says anything: legend, axis and some rows between.
pub(super) const LEAST: u16 = 6;

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

/// Charts in what a panel leaves: below the moment that is looked at, or how to look at one, where the panel has the
/// screen for itself.
pub(super) fn beneath(view: &View<'_>, rest: Rect, buf: &mut Buffer, draw: impl FnOnce(&View<'_>, Rect, &mut Buffer)) {
    if rest.height < LEAST || view.snap.series.rpm.len() < 2 {
        return;
    }
    if view.state.expanded.is_none() {
        return draw(view, rest, buf);
    }
    // A blank row above it where there is room for one.
    let blank = u16::from(rest.height >= 2 * LEAST);
    let [row, area] = layout::rows(below(rest, blank), [1, 0]);
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
