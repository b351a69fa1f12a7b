//! Throttles by cause, and what else went wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Lane, Line, Look};
use crate::console::ui::{fmt, layout};
use crate::engine::{Cause, Level, Trends};
use crate::record::ErrorClass;

use super::flow::class_role;
use super::{below, chart, history, journal, plots, row, section};

/// Cells of the names and of each figure.
const NAME: usize = 18;
const FIGURE: usize = 7;

/// The throttles always stand in the same rows; other classes follow once they have happened.
fn classes(view: &View<'_>) -> Vec<ErrorClass> {
    let fixed = [ErrorClass::ThrottleRpm, ErrorClass::ThrottleTpm, ErrorClass::ThrottleTpd];
    let happened = view.snap.flow.errors_total.iter().map(|(class, _)| *class);
    fixed.into_iter().chain(happened.filter(|class| !fixed.contains(class))).collect()
}

/// Rows that it has something for.
pub(super) fn rows(view: &View<'_>) -> u16 {
    classes(view).len() as u16
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let flow = &view.snap.flow;
    let recent: u64 = flow.errors_60s.iter().filter(|(class, _)| class.is_throttle()).map(|(_, n)| n).sum();
    let share = match view.snap.total.requests {
        0 => Line::of(Role::Muted, "429 by cause"),
        requests => {
            let role = if recent > 0 { Role::Throttle } else { Role::Text };
            Line::of(role, fmt::percent(recent as f64 / requests as f64)).muted(" of attempts, 60 s")
        }
    };
    let inner = section(Panel::Throttles, share, view, area, buf);
    if let Some(row) = row(inner, 0) {
        let head = format!("{:<NAME$}{:>FIGURE$}{:>FIGURE$}  ", "cause", "60 s", "total");
        Line::of(Role::Head, head).with(Role::Head, "where").render(row, buf, view.kit);
    }
    let classes = classes(view);
    let known = 1 + classes.len() as u16;
    // The lanes below need two rows at least.
    let alone = view.state.expanded.is_some();
    let table = if alone || inner.height > known + 2 { known } else { inner.height };
    for (at, class) in (1..table.min(inner.height)).zip(classes) {
        if let Some(row) = row(inner, at) {
            line_of(view, class).render(row, buf, view.kit);
        }
    }
    let rest = below(inner, known);
    if alone {
        history::beneath(view, rest, buf, by_cause);
    } else if rest.height >= LANES {
        cause_lanes(view, rest, buf);
    } else if rest.height >= 2 {
        let throttles = plots::seconds(view, &view.snap.series.throttles);
        let lane = Lane { label: "429 per s".into(), values: throttles, look: EVENTS, note: Line::new() };
        plots::lanes(view, &[lane], rest, buf);
    }
}

const EVENTS: Look = Look::Columns { role: Role::Throttle, top: None };

/// Rows for the last events: as many as the lanes leave to them, and at least so many below a chart.
const EVENTS_ROWS: u16 = 7;
const LEAST_EVENTS: u16 = 4;
/// Rows of a lane for each cause and the axis.
const LANES: u16 = 6;

/// Each cause and each Region over time, what happened last, and where there is room what was sent.
fn by_cause(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let [title, area] = layout::rows(area, [1, 0]);
    let words = format!(", in {} s, the most in each cell; Regions: 429", Trends::STEP);
    Line::of(Role::Strong, "By cause and Region").muted(words).render(title, buf, view.kit);
    let mut histories = causes(view);
    let regions = &view.snap.trends.regions;
    histories.extend(regions.iter().map(|region| History {
        name: region.region.as_str(),
        values: plots::steps(view, &region.throttles),
        role: Role::Throttle,
    }));
    let (upper, _) = layout::stack(area, [if area.height >= 2 * EVENTS_ROWS { EVENTS_ROWS } else { 0 }]);
    let rest = below(area, plots::lanes(view, &lanes(&histories), upper, buf));
    // Beside what was refused stands what was sent, where there is room: they explain each other.
    let chart = if rest.height > LEAST_EVENTS + LANES { rest.height - LEAST_EVENTS.max(rest.height / 3) } else { 0 };
    let [sent, events] = layout::rows(rest, [chart, rest.height - chart]);
    plots::grid(view, &[chart::plot(view)], sent, buf);
    last_events(view, events, buf);
}

/// Each cause over time.
fn cause_lanes(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    plots::lanes(view, &lanes(&causes(view)), area, buf);
}

/// What happened how often.
struct History<'a> {
    name: &'a str,
    values: Vec<f32>,
    role: Role,
}

fn causes<'a>(view: &View<'a>) -> Vec<History<'a>> {
    let all = [
        (Cause::Rpm, "RPM", Role::Throttle),
        (Cause::Tpm, "TPM", Role::Throttle),
        (Cause::Tpd, "TPD", Role::Throttle),
        (Cause::Unnamed, "cause not said", Role::Throttle),
        (Cause::Capacity, "capacity", Role::Capacity),
        (Cause::Other, "other errors", Role::Danger),
    ];
    let history = |(cause, name, role)| {
        let values = plots::steps(view, view.snap.trends.causes.get(&cause)?);
        // A throttle that does not say its meter is rare: it has a lane only once it has happened.
        let shown = cause != Cause::Unnamed || values.iter().any(|value| *value > 0.0);
        shown.then_some(History { name, values, role })
    };
    all.into_iter().filter_map(history).collect()
}

fn lanes<'a>(histories: &'a [History<'_>]) -> Vec<Lane<'a>> {
    let lane = |history: &'a History<'_>| Lane {
        label: history.name.into(),
        values: &history.values,
        look: Look::Columns { role: history.role, top: None },
        note: note(&history.values),
    };
    histories.iter().map(lane).collect()
}

/// The largest number in sight, and of a held chart the one looked at.
fn note(values: &[f32]) -> Line<'static> {
    let most = values.iter().copied().filter(|value| value.is_finite()).fold(f32::NAN, f32::max);
    Line::of(Role::Muted, "most ").text(format!("{:>3}", fmt::si(f64::from(most))))
}

/// The last lines of the journal that are no good news.
fn last_events(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let Some(title) = row(area, 0) else { return };
    Line::of(Role::Strong, "Last events").muted(", warnings and errors").render(title, buf, view.kit);
    let lines = view.snap.journal.iter().filter(|line| line.level >= Level::Warning);
    for (at, entry) in (1..area.height).zip(lines) {
        if let Some(row) = row(area, at) {
            journal::line(view, entry).render(row, buf, view.kit);
        }
    }
}

fn line_of(view: &View<'_>, class: ErrorClass) -> Line<'static> {
    let of = |counts: &[(ErrorClass, u64)]| counts.iter().find(|(c, _)| *c == class).map_or(0, |(_, n)| *n);
    let (recent, total) = (of(&view.snap.flow.errors_60s), of(&view.snap.flow.errors_total));
    let quiet = |n: u64| if n > 0 { class_role(class) } else { Role::Muted };
    let places: Vec<&str> = view
        .snap
        .scopes
        .iter()
        .filter(|scope| scope.throttles_60s.iter().any(|(c, _)| *c == class))
        .map(|scope| scope.key.region.as_str())
        .collect();
    Line::of(if total > 0 { Role::Text } else { Role::Muted }, format!("{:<NAME$}", class.label()))
        .with(quiet(recent), format!("{:>FIGURE$}", fmt::exact(recent)))
        .with(if total > 0 { Role::Text } else { Role::Muted }, format!("{:>FIGURE$}", fmt::count(total)))
        .muted(format!("  {}", places.join(" ")))
}
