//! What a chart is made of: scales, bins of time, dots. Pure arithmetic, no glyph of its own beyond dot patterns.

use crate::console::term::GlyphLevel;

/// A vertical scale from zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The value at the top.
    pub top: f64,
    /// The distance of the ticks.
    pub step: f64,
}

impl Scale {
    /// The smallest scale with round ticks that holds `max`, with at most `ticks` ticks above zero.
    #[must_use]
    pub fn to_hold(max: f64, ticks: u16) -> Scale {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let ticks = f64::from(ticks.max(1));
        let rough = max / ticks;
        let power = 10f64.powf(rough.log10().floor());
        // 1, 2, 2.5, 5 and 10 times a power of ten; the tolerance keeps 0.3 / 0.1 from being 4 ticks.
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| step * ticks >= max * (1.0 - 1e-9))
            .unwrap_or(power * 10.0);
        let top = step * (max / step * (1.0 - 1e-9)).ceil().max(1.0);
        Scale { top, step }
    }

    /// The ticks, zero first.
    pub fn ticks(self) -> impl Iterator<Item = f64> {
        let count = (self.top / self.step).round().clamp(0.0, 64.0) as u32;
        (0..=count).map(move |i| f64::from(i) * self.step)
    }
}

/// How time is cut into dots. Bins begin at multiples of a cell's time, so that a chart moves by whole cells and keeps
/// its pattern while it moves: few cells change between frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bins {
    /// Seconds in a dot, if a dot is a second or more; else 1.
    seconds: u64,
    /// Dots in a second, if a second is more than a dot; else 1.
    dots: u64,
    /// Dots in all.
    count: usize,
    /// The second behind the last dot.
    end: u64,
}

impl Bins {
    /// `span` seconds up to and with second `last`, in `cells` cells of `per_cell` dots.
    #[must_use]
    pub fn new(last: u64, span: u64, cells: u16, per_cell: u64) -> Bins {
        let count = u64::from(cells) * per_cell;
        let span = span.max(1);
        let (seconds, dots) = if span >= count { (span.div_ceil(count.max(1)), 1) } else { (1, count / span) };
        // Whole cells only: with an odd number of dots in a second a cell would not begin with a second.
        let dots = if dots > 1 { (dots / per_cell).max(1) * per_cell } else { 1 };
        let cell_seconds = if dots > 1 { 1 } else { seconds * per_cell };
        let end = (last + 1).next_multiple_of(cell_seconds.max(1));
        Bins { seconds: seconds.max(1), dots: dots.max(1), count: count as usize, end }
    }

    /// How many dots.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Seconds from the first dot to the end.
    #[must_use]
    pub fn span(&self) -> f64 {
        self.count as f64 * self.seconds as f64 / self.dots as f64
    }

    /// The dot that shows second `at`; `None` outside.
    #[must_use]
    pub fn dot_of(&self, at: f64) -> Option<usize> {
        let back = (self.end as f64 - at) * self.dots as f64 / self.seconds as f64;
        let dot = self.count as f64 - back;
        (dot >= 0.0 && dot < self.count as f64).then_some(dot as usize)
    }

    /// The values of each dot: `values` has one a second, the last for second `last`. Seconds without data do not
    /// count; a dot without any is not a number.
    #[must_use]
    pub fn collect(&self, values: &[f32], last: u64, how: Bin) -> Vec<f32> {
        // Seconds of `values`: first ..= last.
        let first = (last + 1).saturating_sub(values.len() as u64);
        let values = &values[values.len().saturating_sub((last + 1 - first) as usize)..];
        let at = |second: u64| second.checked_sub(first).and_then(|i| values.get(i as usize)).copied();
        (0..self.count as u64)
            .map(|dot| {
                let back = (self.count as u64 - dot) * self.seconds;
                let Some(begin) = self.end.checked_sub(back.div_ceil(self.dots)) else { return f32::NAN };
                let mut sum = 0.0;
                let mut max = f32::NEG_INFINITY;
                let mut n = 0u32;
                for value in (begin..begin + self.seconds).filter_map(at).filter(|value| value.is_finite()) {
                    sum += f64::from(value);
                    max = max.max(value);
                    n += 1;
                }
                match (n, how) {
                    (0, _) => f32::NAN,
                    (_, Bin::Mean) => (sum / f64::from(n)) as f32,
                    (_, Bin::Max) => max,
                }
            })
            .collect()
    }
}

/// How the seconds in a dot become one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bin {
    /// Their mean: rates and levels.
    #[default]
    Mean,
    /// The largest: events that must not be lost.
    Max,
}

/// A grid of dots over cells; each cell has one owner, whose colour it takes.
#[derive(Clone, Debug)]
pub struct Dots {
    level: GlyphLevel,
    width: u16,
    height: u16,
    cells: Vec<DotCell>,
}

/// The dots of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DotCell {
    mask: u8,
    /// The series that owns it.
    pub owner: Option<u8>,
}

/// Dots in a cell, across and down.
#[must_use]
pub const fn dots_per_cell(level: GlyphLevel) -> (u64, u64) {
    match level {
        GlyphLevel::Braille => (2, 4),
        GlyphLevel::Block | GlyphLevel::Ascii => (1, 2),
    }
}

/// Braille bits by column and row (Unicode chapter 21.1: dots 1 2 3 7 and 4 5 6 8 down the columns).
const BRAILLE_BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

impl Dots {
    /// An empty grid of `width` by `height` cells.
    #[must_use]
    pub fn new(level: GlyphLevel, width: u16, height: u16) -> Dots {
        let cells = vec![DotCell::default(); usize::from(width) * usize::from(height)];
        Dots { level, width, height, cells }
    }

    /// Dots down the grid.
    #[must_use]
    pub fn rows(&self) -> usize {
        usize::from(self.height) * dots_per_cell(self.level).1 as usize
    }

    /// Sets a dot, `row` from the top. In a cell of another owner the dots are added and the first owner's colour
    /// stays, unless `yields`: then the cell is left alone.
    pub fn set(&mut self, column: usize, row: usize, owner: u8, yields: bool) {
        let (across, down) = dots_per_cell(self.level);
        let (x, y) = (column / across as usize, row / down as usize);
        if x >= usize::from(self.width) || y >= usize::from(self.height) {
            return;
        }
        let bit = match self.level {
            GlyphLevel::Braille => BRAILLE_BITS[column % 2][row % 4],
            GlyphLevel::Block | GlyphLevel::Ascii => 1 << (row % 2),
        };
        let cell = &mut self.cells[y * usize::from(self.width) + x];
        match cell.owner {
            Some(first) if first != owner && yields => {}
            _ => {
                cell.mask |= bit;
                cell.owner.get_or_insert(owner);
            }
        }
    }

    /// The glyph and owner of a cell; `None` if it is empty.
    #[must_use]
    pub fn glyph(&self, x: u16, y: u16) -> Option<(char, u8)> {
        let cell = self.cells.get(usize::from(y) * usize::from(self.width) + usize::from(x))?;
        let owner = cell.owner?;
        let glyph = match (self.level, cell.mask) {
            (GlyphLevel::Braille, mask) => char::from_u32(0x2800 + u32::from(mask))?,
            (GlyphLevel::Block, 1) => '▀',
            (GlyphLevel::Block, 2) => '▄',
            (GlyphLevel::Block, _) => '█',
            (GlyphLevel::Ascii, 1) => '\'',
            (GlyphLevel::Ascii, 2) => '.',
            (GlyphLevel::Ascii, _) => ':',
        };
        Some((glyph, owner))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scales_are_round() {
        let scale = |max, ticks| {
            let scale = Scale::to_hold(max, ticks);
            (scale.top, scale.step)
        };
        assert_eq!(scale(100_000.0, 5), (100_000.0, 20_000.0));
        assert_eq!(scale(101_000.0, 5), (125_000.0, 25_000.0));
        assert_eq!(scale(60.0, 3), (60.0, 20.0));
        assert_eq!(scale(7.0, 4), (8.0, 2.0));
        assert_eq!(scale(1.0, 1), (1.0, 1.0));
        assert_eq!(scale(0.0, 4), (1.0, 0.25));
        assert_eq!(scale(f64::NAN, 4), (1.0, 0.25));
    }

    #[test]
    fn values_move_by_whole_cells_and_keep_their_pattern() {
        let values: Vec<f32> = (0..600).map(|i| i as f32).collect();
        // 300 s in 20 cells of 2 dots: 8 s a dot, 16 s a cell.
        let early = Bins::new(500, 300, 20, 2).collect(&values[..=500], 500, Bin::Mean);
        let same = Bins::new(505, 300, 20, 2).collect(&values[..=505], 505, Bin::Mean);
        let moved = Bins::new(515, 300, 20, 2).collect(&values[..=515], 515, Bin::Mean);
        assert_eq!(early[..36], same[..36]);
        assert_eq!(early[2..36], moved[..34]);
    }

    #[test]
    fn gaps_stay_gaps_and_maxima_are_kept() {
        let mut values = vec![0.0f32; 100];
        values[42] = 9.0;
        values[60..80].fill(f32::NAN);
        let bins = Bins::new(99, 100, 5, 2);
        let max = bins.collect(&values, 99, Bin::Max);
        let mean = bins.collect(&values, 99, Bin::Mean);
        assert_eq!(max.len(), 10);
        assert_eq!(max[4], 9.0);
        assert!((mean[4] - 0.9).abs() < 1e-6);
        assert!(max[6].is_nan() && max[7].is_nan() && !max[8].is_nan());
        assert_eq!(bins.dot_of(42.0), Some(4));
        assert_eq!(bins.dot_of(-1.0), None);
        assert_eq!(bins.dot_of(100.0), None);
    }

    #[test]
    fn a_short_history_is_at_the_right_and_a_short_span_is_stretched() {
        let dots = Bins::new(9, 60, 30, 2).collect(&[1.0; 10], 9, Bin::Mean);
        assert_eq!(dots.iter().filter(|value| value.is_finite()).count(), 10);
        assert!(dots[59].is_finite() && dots[49].is_nan());
        let stretched = Bins::new(9, 10, 20, 2).collect(&(0..10).map(|i| i as f32).collect::<Vec<_>>(), 9, Bin::Mean);
        assert_eq!(stretched.len(), 40);
        assert_eq!((stretched[0], stretched[3], stretched[4], stretched[39]), (0.0, 0.0, 1.0, 9.0));
    }

    proptest! {
        #[test]
        fn a_scale_holds_its_maximum_with_few_ticks(max in 1e-9f64..1e15, ticks in 1u16..12) {
            let scale = Scale::to_hold(max, ticks);
            prop_assert!(scale.top >= max * (1.0 - 1e-6));
            prop_assert!(scale.top <= max * 10.0);
            prop_assert!(scale.ticks().count() <= usize::from(ticks) + 1);
        }

        #[test]
        fn bins_never_panic(last in 0u64..10_000, span in 0u64..10_000, cells in 0u16..400, per_cell in 1u64..3, n in 0usize..4000) {
            let bins = Bins::new(last, span, cells, per_cell);
            let dots = bins.collect(&vec![1.0; n], last, Bin::Mean);
            prop_assert_eq!(dots.len(), bins.count());
            prop_assert!(bins.span() >= span as f64 || cells == 0 || bins.dots > 1);
        }
    }
}
