//! Charts of the last hour, as many as there is room for.
//!
//! Levels (tokens, rates, queue, latency) are drawn as the mean of the seconds in a dot. Throttles and errors are drawn
//! as their maximum, so that a spike of one second is seen at every zoom.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Sight;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Bin, Chart, Lane, Lanes, Level, Line, Series, Shape};
use crate::console::ui::{fmt, layout};
use crate::engine::{Trend, Trends};

use super::{below, history, row};

/// From this width on two charts may stand beside each other, and from this one on they do.
const TWO: [u16; 2] = [100, 150];
/// Charts below each other that are lower than this rather stand beside each other.
const LOW: u16 = 10;
/// Rows of a chart with its title.
const LEAST: u16 = history::LEAST + 1;
/// What tells curves apart that mean the same.
pub(super) const ROLES: [Role; 4] = [Role::SeriesA, Role::SeriesB, Role::SeriesC, Role::SeriesD];

/// One curve.
pub(super) struct Curve<'a> {
    name: Cow<'a, str>,
    values: Cow<'a, [f32]>,
    role: Role,
    shape: Shape,
    bin: Bin,
}

impl<'a> Curve<'a> {
    /// A level, a value a second up to the end of what is in sight.
    pub fn level(name: impl Into<Cow<'a, str>>, role: Role, values: impl Into<Cow<'a, [f32]>>) -> Curve<'a> {
        Curve { name: name.into(), values: values.into(), role, shape: Shape::Line, bin: Bin::Mean }
    }

    /// The same, filled.
    pub fn area(self) -> Curve<'a> {
        Curve { shape: Shape::Area, ..self }
    }

    /// Events.
    pub fn events(name: &'a str, role: Role, values: &'a [f32]) -> Curve<'a> {
        Curve { name: name.into(), values: values.into(), role, shape: Shape::Columns, bin: Bin::Max }
    }

    fn has_data(&self) -> bool {
        self.values.iter().any(|value| value.is_finite())
    }
}

/// A chart.
pub(super) struct Plot<'a> {
    /// What it shows.
    pub title: Cow<'a, str>,
    /// The unit of its values.
    pub unit: &'a str,
    /// The most important first.
    pub curves: Vec<Curve<'a>>,
    /// Levels across it.
    pub levels: Vec<Level<'a>>,
}

impl Plot<'_> {
    fn render(&self, view: &View<'_>, area: Rect, buf: &mut Buffer) {
        let Some(title) = row(area, 0) else { return };
        let name = fmt::sanitise(&self.title);
        Line::of(Role::Strong, name).muted(format!(", {}", self.unit)).render(title, buf, view.kit);
        let sight = view.state.sight();
        // What there is nothing of has no place in the legend, unless there is nothing at all.
        let none = !self.curves.iter().any(Curve::has_data);
        let shown = self.curves.iter().filter(|curve| none || curve.has_data());
        let series: Vec<Series<'_>> = shown
            .map(|curve| Series {
                name: &curve.name,
                values: &curve.values,
                role: curve.role,
                shape: curve.shape,
                bin: curve.bin,
            })
            .collect();
        let chart = Chart {
            series: &series,
            levels: &self.levels,
            marks: &history::marks(view),
            axis: history::axis(view, sight),
            unit: "",
            legend: true,
        };
        chart.render(below(area, 1), buf, view.kit);
    }
}

/// Draws the first of `plots`, as many as there is room for, below and where it is wide beside each other.
pub(super) fn grid(view: &View<'_>, plots: &[Plot<'_>], area: Rect, buf: &mut Buffer) {
    let low = usize::from(area.height) < plots.len() * usize::from(LOW);
    let wide = area.width >= if low { TWO[0] } else { TWO[1] };
    let columns = if wide && plots.len() > 1 { 2 } else { 1 };
    let rows = plots.len().div_ceil(columns).min(usize::from(area.height / LEAST)).max(1);
    if area.height < history::LEAST {
        return;
    }
    let mut plots = plots.iter().take(rows * columns);
    let mut top = area.y;
    for at in 0..rows {
        let left = area.bottom() - top;
        let height = if at + 1 == rows { left } else { left / (rows - at) as u16 };
        let line = Rect { y: top, height, ..area };
        // One that stands alone in its row has all of it.
        match (columns, plots.next(), if columns == 2 { plots.next() } else { None }) {
            (_, Some(one), None) => one.render(view, line, buf),
            (_, Some(one), Some(other)) => {
                let [left, right] = layout::columns(line, [1, 1]);
                one.render(view, left, buf);
                other.render(view, right, buf);
            }
            _ => return,
        }
        top += height;
    }
}

/// Throttles and other errors of each second.
pub(super) fn failures<'a>(view: &View<'a>) -> Plot<'a> {
    let series = &view.snap.series;
    Plot {
        title: "Refused and failed".into(),
        unit: "attempts per second, the most in each dot",
        curves: vec![
            Curve::events("throttles (429)", Role::Throttle, seconds(view, &series.throttles)),
            Curve::events("other errors", Role::Danger, seconds(view, &series.errors)),
        ],
        levels: Vec::new(),
    }
}

/// Lanes over the time in sight; returns the rows used.
pub(super) fn lanes(view: &View<'_>, lanes: &[Lane<'_>], area: Rect, buf: &mut Buffer) -> u16 {
    let axis = history::axis(view, view.state.sight());
    let marks = history::marks(view);
    let lanes = Lanes { lanes, marks: &marks, axis };
    let rows = lanes.rows(area.height);
    lanes.render(Rect { height: rows, ..area }, buf, view.kit);
    rows
}

/// The part in sight of a history that has a value a second.
pub(super) fn seconds<'a>(view: &View<'a>, values: &'a [f32]) -> &'a [f32] {
    view.state.sight().of(values, view.snap.series.last_second)
}

/// The part in sight of a history in steps, a value a second.
pub(super) fn steps(view: &View<'_>, trend: &Trend) -> Vec<f32> {
    spread(&view.snap.trends, trend, view.state.sight())
}

fn spread(trends: &Trends, trend: &Trend, sight: Sight) -> Vec<f32> {
    let wanted = sight.span + sight.span / 4 + 8;
    let first = (sight.end + 1).saturating_sub(wanted);
    let value_at = |second: u64| {
        // The newest value stands until the next is due.
        let newer = second.saturating_sub(trends.last_second);
        let back = trends.last_second.saturating_sub(second) / Trends::STEP;
        let back = usize::try_from(back).ok().filter(|_| newer <= Trends::STEP)?;
        trend.0.len().checked_sub(back + 1).and_then(|at| trend.0.get(at)).copied()
    };
    (first..=sight.end).map(|second| value_at(second).unwrap_or(f32::NAN)).collect()
}

/// The value of a history in steps at the moment looked at, or the newest.
pub(super) fn value(view: &View<'_>, values: &[f32]) -> f32 {
    let sight = view.state.sight();
    let back = sight.cursor.map_or(0, |cursor| sight.end.saturating_sub(cursor));
    let at = usize::try_from(back).ok().and_then(|back| values.len().checked_sub(back + 1));
    at.and_then(|at| values.get(at)).copied().unwrap_or(f32::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_stands_for_its_seconds_and_no_others() {
        let trends = Trends { last_second: 20, ..Trends::default() };
        let trend = Trend(vec![1.0, f32::NAN, 3.0]);
        let sight = Sight { end: 26, span: 4, cursor: None };
        let values = spread(&trends, &trend, sight);
        let known: Vec<i32> = values.iter().map(|v| if v.is_finite() { *v as i32 } else { 0 }).collect();
        // Seconds 14 to 26: step 11 to 15 has no data, 16 to 20 has, and stands until 25.
        assert_eq!(known, [0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0]);
        let whole = spread(&trends, &trend, Sight { end: 20, span: 20, cursor: None });
        assert_eq!(whole.iter().filter(|v| **v == 1.0).count(), 5);
    }
}
