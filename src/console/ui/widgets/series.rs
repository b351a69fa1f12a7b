//! The time-series chart.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
pub use super::axis::Axis;
pub use super::chart::Bin;
use super::chart::{Bins, Dots, Scale, ascii_marker, dots_per_cell};
use super::text::{Line, put};
use crate::console::term::{ColourDepth, GlyphLevel};
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

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
        // The first series to touch a cell owns it; fillings take what is left.
        for (owner, (series, values)) in (0u8..=u8::MAX).zip(self.series.iter().zip(&dotted)) {
            // Without colour the lines differ by their dashes, as ASCII ones do by their letters.
            let dashed = kit.theme.depth() == ColourDepth::Mono && level != GlyphLevel::Ascii;
            let every = if dashed { usize::from(owner) + 1 } else { 1 };
            draw_series(&mut dots, series.shape, values, scale, Stroke { owner, every });
        }
        for (owner, (series, values)) in (0u8..=u8::MAX).zip(self.series.iter().zip(&dotted)) {
            if series.shape == Shape::Area {
                fill_area(&mut dots, values, scale, owner);
            }
        }

        if gutter > 0 {
            self.render_scale(Rect { x: area.x, width: gutter, ..plot }, scale, buf, kit);
        }
        self.render_grid(plot, scale, buf, kit);
        self.render_marks(plot, axis_row, &bins, buf, kit);
        self.render_levels(plot, scale, buf, kit);
        for y in 0..plot.height {
            for x in 0..plot.width {
                if let Some((glyph, owner)) = dots.glyph(x, y) {
                    let style = kit.style(self.series[usize::from(owner)].role);
                    let at = Rect { x: plot.x + x, y: plot.y + y, width: 1, height: 1 };
                    put(buf, at.x, at, glyph, style);
                }
            }
        }
        self.render_cursor(plot, &bins, buf, kit);
        self.render_level_names(plot, scale, buf, kit);
        self.render_mark_label(plot, &bins, &dots, buf, kit);
        if let Some(row) = axis_row {
            let row = Rect { x: plot.x, width: plot.width, ..row };
            self.axis.render(row, buf, kit);
        }
    }

    /// Holds all values, and those levels that do not dwarf them.
    fn scale(&self, dotted: &[Vec<f32>], rows: u16) -> Scale {
        let values = dotted.iter().flatten().copied().filter(|value| value.is_finite());
        let max = f64::from(values.fold(0.0, f32::max));
        let levels = self.levels.iter().map(|level| level.value).filter(|value| value.is_finite());
        let reach = if max > 0.0 { max * 4.0 } else { f64::INFINITY };
        let max = levels.filter(|value| *value <= reach).fold(max, f64::max);
        Scale::to_hold(max, rows)
    }

    fn render_scale(&self, area: Rect, scale: Scale, buf: &mut Buffer, kit: Kit<'_>) {
        for (row, tick) in scale.ticks() {
            let y = area.y + row;
            let text = format!("{:>5}", fmt::si(tick));
            put(buf, area.x, Rect { y, height: 1, ..area }, &text, kit.style(Role::Muted));
        }
    }

    fn render_grid(&self, plot: Rect, scale: Scale, buf: &mut Buffer, kit: Kit<'_>) {
        for (row, _) in scale.ticks() {
            let y = plot.y + row;
            for x in (plot.left()..plot.right()).step_by(4) {
                put(buf, x, Rect { y, height: 1, ..plot }, kit.glyphs.grid, kit.style(Role::Track));
            }
        }
    }

    fn render_levels(&self, plot: Rect, scale: Scale, buf: &mut Buffer, kit: Kit<'_>) {
        for level in self.levels {
            let Some(row) = scale.row(level.value) else { continue };
            let at = Rect { y: plot.y + row, height: 1, ..plot };
            put(buf, plot.x, at, &kit.glyphs.level_line.repeat(usize::from(plot.width)), kit.style(level.role));
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
            let row = if above { 0 } else { scale.row(level.value).unwrap_or(0) };
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
        let style = kit.style(Role::Mark);
        for mark in self.marks {
            let Some(column) = mark_column(mark, bins, kit) else { continue };
            let x = plot.x + column;
            for y in plot.top()..plot.bottom() {
                put(buf, x, Rect { y, height: 1, ..plot }, kit.glyphs.mark, style);
            }
            if let Some(row) = axis_row {
                put(buf, x, row, kit.glyphs.mark_foot, style);
            }
        }
    }

    /// The line at the moment that is looked at; what is drawn there shines through.
    fn render_cursor(&self, plot: Rect, bins: &Bins, buf: &mut Buffer, kit: Kit<'_>) {
        let Some(dot) = self.axis.cursor.and_then(|second| bins.dot_of(second as f64)) else { return };
        let (across, _) = dots_per_cell(kit.glyphs.level);
        let Ok(column) = u16::try_from(dot / across as usize) else { return };
        let (x, style) = (plot.x + column, kit.style(Role::Focus));
        for y in plot.top()..plot.bottom() {
            let under = buf[(x, y)].symbol();
            if under == " " || under == kit.glyphs.grid {
                put(buf, x, Rect { y, height: 1, ..plot }, kit.glyphs.mark, style);
            }
        }
    }

    /// The latest mark's label, beside it, on the first row where it hides nothing.
    fn render_mark_label(&self, plot: Rect, bins: &Bins, dots: &Dots, buf: &mut Buffer, kit: Kit<'_>) {
        let latest = self.marks.iter().filter_map(|mark| Some((mark_column(mark, bins, kit)?, mark)));
        let Some((column, mark)) = latest.max_by(|a, b| a.1.second.total_cmp(&b.1.second)) else { return };
        let width = u16::try_from(fmt::width(mark.label)).unwrap_or(u16::MAX);
        let right = (plot.width.saturating_sub(column + 2) >= width).then_some(column + 2);
        let left = column.checked_sub(width.saturating_add(1));
        let Some(from) = right.or(left).filter(|_| width > 0) else { return };
        let is_free = |row: u16| {
            (from..from + width).all(|x| {
                let under = buf[(plot.x + x, plot.y + row)].symbol();
                dots.glyph(x, row).is_none() && (under == " " || under == kit.glyphs.grid)
            })
        };
        if let Some(row) = (0..plot.height).find(|row| is_free(*row)) {
            put(buf, plot.x + from, Rect { y: plot.y + row, height: 1, ..plot }, mark.label, kit.style(Role::Mark));
        }
    }

    fn render_legend(&self, row: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let mut line = Line::new();
        for (index, series) in self.series.iter().enumerate() {
            let back = self.axis.cursor.map_or(0, |second| self.axis.last_second.saturating_sub(second));
            let at = usize::try_from(back).ok().and_then(|back| series.values.len().checked_sub(back + 1));
            let last = at.and_then(|at| series.values.get(at)).copied().unwrap_or(f32::NAN);
            let g = kit.glyphs;
            let glyph = match series.shape {
                _ if g.level == GlyphLevel::Ascii => ascii_marker(index),
                Shape::Line if index > 0 && kit.theme.depth() == ColourDepth::Mono => g.bar_held,
                Shape::Line => g.bar_full,
                Shape::Area => g.column(1.0),
                Shape::Columns => g.column(0.7),
            };
            if index > 0 {
                line.push(Role::Muted, "   ");
            }
            line.push(series.role, glyph);
            line.push(Role::Muted, format!(" {} ", series.name));
            line.push(Role::Text, format!("{:>5}", fmt::si(f64::from(last))));
        }
        let used = line.render(row, buf, kit);
        let rest = row.width.saturating_sub(used);
        if usize::from(rest) > fmt::width(self.unit) + 2 {
            Line::of(Role::Muted, self.unit).render_right(Rect { x: row.right() - rest, width: rest, ..row }, buf, kit);
        }
    }
}

/// The column of cells in which a mark stands; `None` outside the chart.
fn mark_column(mark: &VerticalMark<'_>, bins: &Bins, kit: Kit<'_>) -> Option<u16> {
    let (across, _) = dots_per_cell(kit.glyphs.level);
    u16::try_from(bins.dot_of(mark.second)? / across as usize).ok()
}

/// How a series leaves its dots.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub(super) owner: u8,
    /// Only every so-manieth column of dots is drawn.
    pub(super) every: usize,
}

pub(super) fn draw_series(dots: &mut Dots, shape: Shape, values: &[f32], scale: Scale, stroke: Stroke) {
    let (rows, down) = (dots.rows(), dots.down());
    let mut set = |column: usize, row: usize| {
        if column.is_multiple_of(stroke.every) {
            dots.set(column, row, stroke.owner);
        }
    };
    let mut before: Option<usize> = None;
    for (column, value) in values.iter().enumerate() {
        if !value.is_finite() {
            before = None;
            continue;
        }
        let row = scale.dot_row(*value, down);
        match shape {
            Shape::Columns => {
                if *value > 0.0 {
                    // Something that happened is at least one dot high.
                    (row.min(rows.saturating_sub(1))..rows).for_each(|y| set(column, y));
                }
            }
            Shape::Line | Shape::Area => {
                // Half of a jump is drawn in each of its two columns, so that a line is never interrupted.
                if let Some(from) = before {
                    let middle = from.midpoint(row);
                    (from.min(middle)..=from.max(middle)).for_each(|y| set(column - 1, y));
                    (row.min(middle)..=row.max(middle)).for_each(|y| set(column, y));
                }
                set(column, row);
                before = Some(row);
            }
        }
    }
}

fn fill_area(dots: &mut Dots, values: &[f32], scale: Scale, owner: u8) {
    let down = dots.down();
    for (column, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite() && **value > 0.0) {
        dots.fill_below(column, scale.dot_row(*value, down), owner);
    }
}
