//! Curves over something other than time: what something costs at each rate.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
use super::chart::{Dots, Scale, ascii_marker, dots_per_cell};
use super::series::{Shape, Stroke, draw_series};
use super::text::{Line, put};
use crate::console::term::{ColourDepth, GlyphLevel};
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// Cells of the scale at the left: five for the number and one blank.
const GUTTER: u16 = 6;

/// One curve. Earlier curves lie on top of later ones.
pub struct Curve<'a> {
    /// Its name in the legend.
    pub name: String,
    /// Its value at a place of the axis; what is not a number is a gap.
    pub at: &'a dyn Fn(f64) -> Option<f64>,
    /// What it means.
    pub role: Role,
}

/// A place on the axis that has a name.
pub struct Post {
    /// Where.
    pub at: f64,
    /// Its name, printed beside it.
    pub name: String,
}

/// A chart of curves from nothing to `most`.
pub struct Curves<'a> {
    /// The curves, the most important first.
    pub curves: &'a [Curve<'a>],
    /// Places with a name.
    pub posts: &'a [Post],
    /// The end of the axis.
    pub most: f64,
    /// The unit of the axis, at its end.
    pub along: &'a str,
    /// The unit of the values, in the legend.
    pub unit: &'a str,
}

impl Curves<'_> {
    /// Draws it. Small areas lose the scale first.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let area = area.intersection(buf.area);
        if area.height < 4 || area.width < 16 || !self.most.is_finite() || self.most <= 0.0 {
            return;
        }
        self.render_legend(Rect { height: 1, ..area }, buf, kit);
        let gutter = if area.width >= GUTTER * 3 { GUTTER } else { 0 };
        let plot = Rect { x: area.x + gutter, y: area.y + 1, width: area.width - gutter, height: area.height - 2 };
        let level = kit.glyphs.level;
        let (across, _) = dots_per_cell(level);
        let count = u64::from(plot.width) * across;
        // The middle of each column of dots.
        let place = |dot: u64| (dot as f64 + 0.5) / count as f64 * self.most;
        let value = |curve: &Curve<'_>, dot| (curve.at)(place(dot)).map_or(f32::NAN, |value| value as f32);
        let values: Vec<Vec<f32>> =
            self.curves.iter().map(|curve| (0..count).map(|dot| value(curve, dot)).collect()).collect();
        let most = values.iter().flatten().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
        let scale = Scale::to_hold(f64::from(most), plot.height);
        let mut dots = Dots::new(level, plot.width, plot.height);
        for (owner, values) in (0u8..=u8::MAX).zip(&values) {
            // Without colour the lines differ by their dashes, as ASCII ones do by their letters.
            let dashed = kit.theme.depth() == ColourDepth::Mono && level != GlyphLevel::Ascii;
            let every = if dashed { usize::from(owner) + 1 } else { 1 };
            draw_series(&mut dots, Shape::Line, values, scale, Stroke { owner, every });
        }
        for (row, tick) in scale.ticks() {
            let y = plot.y + row;
            if gutter > 0 {
                let at = Rect { x: area.x, y, width: gutter, height: 1 };
                put(buf, at.x, at, &format!("{:>5}", fmt::si(tick)), kit.style(Role::Muted));
            }
            for x in (plot.left()..plot.right()).step_by(4) {
                put(buf, x, Rect { y, height: 1, ..plot }, kit.glyphs.grid, kit.style(Role::Track));
            }
        }
        self.render_posts(plot, &dots, buf, kit);
        for y in 0..plot.height {
            for x in 0..plot.width {
                let Some((glyph, owner)) = dots.glyph(x, y) else { continue };
                let at = Rect { x: plot.x + x, y: plot.y + y, width: 1, height: 1 };
                put(buf, at.x, at, glyph, kit.style(self.curves[usize::from(owner)].role));
            }
        }
        self.render_axis(Rect { y: plot.bottom(), height: 1, ..plot }, buf, kit);
    }

    fn render_legend(&self, row: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let mut line = Line::new();
        for (index, curve) in self.curves.iter().enumerate() {
            let g = kit.glyphs;
            let glyph = match g.level {
                GlyphLevel::Ascii => ascii_marker(index),
                _ if index > 0 && kit.theme.depth() == ColourDepth::Mono => g.bar_held,
                _ => g.bar_full,
            };
            if index > 0 {
                line.push(Role::Muted, "   ");
            }
            line.push(curve.role, glyph);
            line.push(Role::Text, format!(" {}", curve.name));
        }
        let used = line.render(row, buf, kit);
        let rest = row.width.saturating_sub(used);
        if usize::from(rest) > fmt::width(self.unit) + 2 {
            Line::of(Role::Muted, self.unit).render_right(Rect { x: row.right() - rest, width: rest, ..row }, buf, kit);
        }
    }

    /// The places with a name: a line up, the name beside it where nothing is hidden.
    fn render_posts(&self, plot: Rect, dots: &Dots, buf: &mut Buffer, kit: Kit<'_>) {
        let style = kit.style(Role::Mark);
        for post in self.posts.iter().filter(|post| post.at.is_finite() && (0.0..=self.most).contains(&post.at)) {
            let column = ((post.at / self.most * f64::from(plot.width)) as u16).min(plot.width - 1);
            for y in plot.top()..plot.bottom() {
                put(buf, plot.x + column, Rect { y, height: 1, ..plot }, kit.glyphs.mark, style);
            }
            let cells = u16::try_from(fmt::width(&post.name)).unwrap_or(u16::MAX);
            let right = (plot.width.saturating_sub(column + 2) >= cells).then_some(column + 2);
            let Some(from) = right.or(column.checked_sub(cells.saturating_add(1))) else { continue };
            let is_free = |row: u16| {
                (from..from + cells).all(|x| {
                    let under = buf[(plot.x + x, plot.y + row)].symbol();
                    dots.glyph(x, row).is_none() && (under == " " || under == kit.glyphs.grid)
                })
            };
            if let Some(row) = (0..plot.height).find(|row| is_free(*row)) {
                put(buf, plot.x + from, Rect { y: plot.y + row, height: 1, ..plot }, &post.name, style);
            }
        }
    }

    /// Nothing at the left, the half in the middle, the end and the unit at the right.
    fn render_axis(&self, row: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let style = kit.style(Role::Muted);
        put(buf, row.x, row, "0", style);
        let end = format!("{} {}", fmt::si(self.most), self.along);
        Line::of(Role::Muted, end.clone()).render_right(row, buf, kit);
        let middle = fmt::si(self.most / 2.0);
        let x = row.x + row.width / 2 - (fmt::width(&middle) / 2).min(usize::from(row.width / 2)) as u16;
        let free = usize::from(row.right().saturating_sub(x)) > fmt::width(&middle) + fmt::width(&end) + 2;
        if free {
            put(buf, x, row, &middle, style);
        }
    }
}
