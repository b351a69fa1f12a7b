//! The time-series chart.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
pub use super::chart::Bin;
use super::chart::{Bins, Dots, Scale, dots_per_cell};
use super::text::{Line, put};
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::record::Micros;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// A line.
    #[default]
    Line,
    /// A line with everything below it filled; other series lie on top of the filling.
    Area,
    /// Columns from the ground where there is something: events.
    Columns,
}

/// One series. Earlier series lie on top of later ones.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// One value a second, oldest first, the last for [`Axis::last_second`]. What is not a number is a gap.
    pub values: &'a [f32],
    /// What it means.
    pub role: Role,
    /// How it is drawn.
    pub shape: Shape,
    /// How several seconds become one dot.
    pub bin: Bin,
}

/// A level: a quota, a target.
#[derive(Clone, Copy, Debug)]
pub struct Level<'a> {
    /// Its name, printed on the line with its value.
    pub name: &'a str,
    /// Where it is.
    pub value: f64,
    /// What it means.
    pub role: Role,
}

/// A moment: a tuning change.
#[derive(Clone, Copy, Debug)]
pub struct VerticalMark<'a> {
    /// When, in seconds of the same clock as [`Axis::last_second`].
    pub second: f64,
    /// What happened; printed beside the latest mark if there is room.
    pub label: &'a str,
}

/// The time that is shown.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// The second of the last value.
    pub last_second: u64,
    /// How many seconds are to be seen; the chart shows at least as many, in round steps.
    pub span: u64,
}

/// A chart of values over time.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The series, the most important first.
    pub series: &'a [Series<'a>],
    /// Levels across the chart.
    pub levels: &'a [Level<'a>],
    /// Moments.
    pub marks: &'a [VerticalMark<'a>],
    /// The time that is shown.
    pub axis: Axis,
    /// The unit, printed in the legend.
    pub unit: &'a str,
    /// Whether names and last values stand above the chart.
    pub legend: bool,
}

/// Cells of the scale at the left: five for the number and one blank.
const GUTTER: u16 = 6;

impl Chart<'_> {
    /// Draws it. Small areas lose the legend first, then the axis, then the scale.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let mut plot = area.intersection(buf.area);
        if plot.is_empty() {
            return;
        }
        if self.legend && plot.height >= 5 {
            self.render_legend(Rect { height: 1, ..plot }, buf, kit);
            plot.y += 1;
            plot.height -= 1;
        }
        let axis_row = (plot.height >= 4).then(|| {
            plot.height -= 1;
            Rect { y: plot.bottom(), height: 1, ..plot }
        });
        let gutter = if plot.width >= GUTTER * 3 { GUTTER } else { 0 };
        plot.x += gutter;
        plot.width -= gutter;

        let level = kit.glyphs.level;
        let (across, _) = dots_per_cell(level);
        let bins = Bins::new(self.axis.last_second, self.axis.span, plot.width, across);
        let dotted: Vec<Vec<f32>> =
            self.series.iter().map(|series| bins.collect(series.values, self.axis.last_second, series.bin)).collect();
        let scale = self.scale(&dotted, plot.height);
        let mut dots = Dots::new(level, plot.width, plot.height);
        // On top first: the first series to touch a cell owns it.
        for (index, (series, values)) in self.series.iter().zip(&dotted).enumerate().take(usize::from(u8::MAX)) {
            draw_series(&mut dots, series.shape, values, scale, index as u8);
        }
        for (index, (series, values)) in self.series.iter().zip(&dotted).enumerate().take(usize::from(u8::MAX)) {
            if series.shape == Shape::Area {
                fill_area(&mut dots, values, scale, index as u8);
            }
        }

        if gutter > 0 {
            self.render_scale(Rect { x: area.x, width: gutter, ..plot }, scale, buf, kit);
        }
        self.render_grid(plot, scale, buf, kit);
        self.render_marks(plot, axis_row, &bins, buf, kit);
        self.render_levels(plot, scale, &dots, buf, kit);
        for y in 0..plot.height {
            for x in 0..plot.width {
                if let Some((glyph, owner)) = dots.glyph(x, y) {
                    let role = self.series[usize::from(owner)].role;
                    buf[(plot.x + x, plot.y + y)].reset_keeping_ground(glyph, kit.style(role));
                }
            }
        }
        self.render_level_names(plot, scale, buf, kit);
        if let Some(row) = axis_row {
            self.render_axis(Rect { x: plot.x, width: plot.width, ..row }, &bins, buf, kit);
        }
    }

    /// Holds all values, and those levels that do not dwarf them.
    fn scale(&self, dotted: &[Vec<f32>], rows: u16) -> Scale {
        let values = dotted.iter().flatten().copied().filter(|value| value.is_finite());
        let max = f64::from(values.fold(0.0, f32::max));
        let levels = self.levels.iter().map(|level| level.value).filter(|value| value.is_finite());
        let reach = if max > 0.0 { max * 4.0 } else { f64::INFINITY };
        let max = levels.filter(|value| *value <= reach).fold(max, f64::max);
        Scale::to_hold(max, (rows / 2).clamp(1, 6))
    }

    fn render_scale(&self, area: Rect, scale: Scale, buf: &mut Buffer, kit: Kit<'_>) {
        for (y, tick) in ticks_by_row(area, scale) {
            let text = format!("{:>5}", fmt::si(tick));
            put(buf, area.x, Rect { y, height: 1, ..area }, &text, kit.style(Role::Muted));
        }
    }

    fn render_grid(&self, plot: Rect, scale: Scale, buf: &mut Buffer, kit: Kit<'_>) {
        for (y, _) in ticks_by_row(plot, scale) {
            for x in (plot.left()..plot.right()).step_by(4) {
                put(buf, x, Rect { y, height: 1, ..plot }, kit.glyphs.separator, kit.style(Role::Track));
            }
        }
    }

    fn render_levels(&self, plot: Rect, scale: Scale, dots: &Dots, buf: &mut Buffer, kit: Kit<'_>) {
        for level in self.levels {
            let Some(row) = row_of(level.value, scale, plot.height) else { continue };
            for x in 0..plot.width {
                if dots.glyph(x, row).is_none() {
                    let at = Rect { y: plot.y + row, height: 1, ..plot };
                    put(buf, plot.x + x, at, kit.glyphs.level_line, kit.style(level.role));
                }
            }
        }
    }

    /// Names stand at the left, on the oldest part of the line, where they hide least.
    fn render_level_names(&self, plot: Rect, scale: Scale, buf: &mut Buffer, kit: Kit<'_>) {
        if plot.width < 24 {
            return;
        }
        let mut used: Vec<(u16, u16)> = Vec::new();
        for level in self.levels {
            let above = level.value > scale.top;
            let row = if above { 0 } else { row_of(level.value, scale, plot.height).unwrap_or(0) };
            let from = used.iter().filter(|(y, _)| *y == row).map(|(_, x)| *x).max().unwrap_or(plot.x + 1);
            let arrow = if above { kit.glyphs.arrows[0] } else { "" };
            let text = format!(" {}{} {} ", arrow, level.name, fmt::si(level.value));
            let at = Rect { y: plot.y + row, height: 1, ..plot };
            if usize::from(at.right().saturating_sub(from)) < fmt::width(&text) {
                continue;
            }
            let end = put(buf, from, at, &text, kit.style(level.role));
            used.push((row, end + 1));
        }
    }

    fn render_marks(&self, plot: Rect, axis_row: Option<Rect>, bins: &Bins, buf: &mut Buffer, kit: Kit<'_>) {
        let (across, _) = dots_per_cell(kit.glyphs.level);
        let columns = self.marks.iter().filter_map(|mark| {
            let dot = bins.dot_of(mark.second)?;
            Some((plot.x + (dot / across as usize) as u16, mark))
        });
        let style = kit.style(Role::Mark);
        let mut latest = None;
        for (x, mark) in columns {
            for y in plot.top()..plot.bottom() {
                put(buf, x, Rect { y, height: 1, ..plot }, kit.glyphs.mark, style);
            }
            if let Some(row) = axis_row {
                put(buf, x, row, kit.glyphs.mark_foot, style);
            }
            if latest.is_none_or(|(_, at)| mark.second >= at) {
                latest = Some((x, mark.second));
                self.render_mark_label(x, mark, plot, buf, kit);
            }
        }
    }

    fn render_mark_label(&self, x: u16, mark: &VerticalMark<'_>, plot: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let row = Rect { height: 1, ..plot };
        let width = u16::try_from(fmt::width(mark.label)).unwrap_or(u16::MAX);
        if mark.label.is_empty() || plot.height < 3 {
            return;
        }
        if row.right().saturating_sub(x + 1) > width {
            put(buf, x + 1, row, mark.label, kit.style(Role::Mark));
        } else if x.saturating_sub(row.x) > width {
            put(buf, x - width, row, mark.label, kit.style(Role::Mark));
        }
    }

    fn render_legend(&self, row: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let mut line = Line::new();
        for series in self.series {
            let last = series.values.last().copied().unwrap_or(f32::NAN);
            let glyph = match series.shape {
                Shape::Line => kit.glyphs.bar_full,
                Shape::Area => kit.glyphs.column(1.0),
                Shape::Columns => kit.glyphs.column(0.7),
            };
            line.push(series.role, glyph);
            line.push(Role::Muted, format!(" {} ", series.name));
            line.push(Role::Text, format!("{:>5}", fmt::si(f64::from(last))));
            line.push(Role::Muted, "   ");
        }
        let used = line.render(row, buf, kit);
        let rest = row.width.saturating_sub(used);
        if usize::from(rest) > fmt::width(self.unit) {
            Line::of(Role::Muted, self.unit).render_right(Rect { x: row.right() - rest, width: rest, ..row }, buf, kit);
        }
    }

    fn render_axis(&self, row: Rect, bins: &Bins, buf: &mut Buffer, kit: Kit<'_>) {
        const NOW: &str = "now";
        let style = kit.style(Role::Muted);
        let width = f64::from(row.width);
        let span = bins.span();
        if usize::from(row.width) < NOW.len() + 8 {
            return;
        }
        // One label for about every 14 cells.
        let Some(step) = STEPS.into_iter().find(|step| *step as f64 / span * width >= 14.0) else {
            put(buf, row.right() - NOW.len() as u16, row, NOW, style);
            return;
        };
        let mut ago = step;
        while (ago as f64) <= span {
            let text = format!("-{}", short_span(ago));
            // Centred below its moment; the first one begins at the edge.
            let centre = width * (1.0 - ago as f64 / span);
            let x = (centre - text.len() as f64 / 2.0).round().max(0.0) as u16;
            put(buf, row.x + x, row, &text, style);
            ago += step;
        }
        put(buf, row.right() - NOW.len() as u16, row, NOW, style);
    }
}

/// Distances of the labels on the time axis, seconds.
const STEPS: [u64; 15] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/// `30s`, `5m`, `1h`, `90s`: without a second unit that is zero.
fn short_span(seconds: u64) -> String {
    match seconds {
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s if s < 60 => format!("{s}s"),
        s => fmt::span(Micros::from_secs(s)),
    }
}

/// Rows of the ticks, from the bottom; at most one tick a row.
fn ticks_by_row(area: Rect, scale: Scale) -> impl Iterator<Item = (u16, f64)> {
    let mut last = None;
    scale.ticks().filter_map(move |tick| {
        let row = area.y + row_of(tick, scale, area.height)?;
        (last != Some(row)).then(|| {
            last = Some(row);
            (row, tick)
        })
    })
}

/// The row of cells, from the top, in which a value lies; `None` above the scale.
fn row_of(value: f64, scale: Scale, height: u16) -> Option<u16> {
    if height == 0 || !value.is_finite() || value > scale.top * (1.0 + 1e-9) {
        return None;
    }
    let from_top = ((1.0 - value.max(0.0) / scale.top) * f64::from(height - 1)).round();
    Some((from_top as u16).min(height - 1))
}

/// The row of dots, from the top.
fn dot_row(value: f32, scale: Scale, rows: usize) -> usize {
    let part = (f64::from(value) / scale.top).clamp(0.0, 1.0);
    ((1.0 - part) * (rows.saturating_sub(1)) as f64).round() as usize
}

fn draw_series(dots: &mut Dots, shape: Shape, values: &[f32], scale: Scale, owner: u8) {
    let rows = dots.rows();
    if rows == 0 {
        return;
    }
    let mut before: Option<usize> = None;
    for (column, value) in values.iter().enumerate() {
        if !value.is_finite() {
            before = None;
            continue;
        }
        let row = dot_row(*value, scale, rows);
        match shape {
            Shape::Columns => {
                if *value > 0.0 {
                    // Something that happened is at least one dot high.
                    (row.min(rows - 1)..rows).for_each(|y| dots.set(column, y, owner, false));
                }
            }
            Shape::Line | Shape::Area => {
                // Half of a jump is drawn in each of its two columns, so that a line is never interrupted.
                if let Some(from) = before {
                    let middle = from.midpoint(row);
                    (from.min(middle)..=from.max(middle)).for_each(|y| dots.set(column - 1, y, owner, false));
                    (row.min(middle)..=row.max(middle)).for_each(|y| dots.set(column, y, owner, false));
                }
                dots.set(column, row, owner, false);
                before = Some(row);
            }
        }
    }
}

fn fill_area(dots: &mut Dots, values: &[f32], scale: Scale, owner: u8) {
    let rows = dots.rows();
    for (column, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite() && **value > 0.0) {
        (dot_row(*value, scale, rows)..rows).for_each(|y| dots.set(column, y, owner, true));
    }
}

/// A dot replaces whatever grid or mark was in its cell, and stands on the ground that was there.
trait OnGround {
    fn reset_keeping_ground(&mut self, glyph: char, style: ratatui::style::Style);
}

impl OnGround for ratatui::buffer::Cell {
    fn reset_keeping_ground(&mut self, glyph: char, style: ratatui::style::Style) {
        let ground = self.bg;
        self.reset();
        self.set_char(glyph);
        self.set_bg(ground);
        self.set_style(style);
    }
}
