//! What a chart is made of: scales, bins of time, dots. Pure arithmetic, no glyph of its own beyond dot patterns.

use crate::console::term::GlyphLevel;

/// A vertical scale from zero, in rows of cells. Ticks are a whole number of rows apart, so that they look even.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The value of the top row.
    pub top: f64,
    /// The distance of the ticks.
    pub step: f64,
    /// The same, in rows.
    pub rows_per_step: u16,
    /// Rows in all.
    rows: u16,
}

/// Distances of ticks, times a power of ten, and how little they are liked.
const STEPS: [(f64, f64); 8] =
    [(1.0, 0.0), (2.0, 0.0), (2.5, 0.05), (3.0, 0.08), (4.0, 0.05), (5.0, 0.0), (6.0, 0.08), (8.0, 0.08)];

impl Scale {
    /// The scale that holds `max` in `rows` rows with round ticks and little room wasted.
    #[must_use]
    pub fn to_hold(max: f64, rows: u16) -> Scale {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let gaps = rows.saturating_sub(1).max(1);
        let mut best = (f64::INFINITY, Scale { top: max, step: max, rows_per_step: gaps, rows });
        for rows_per_step in 2.min(gaps)..=5.min(gaps) {
            let least = max * f64::from(rows_per_step) / f64::from(gaps);
            let power = 10f64.powf(least.log10().floor());
            let steps = STEPS.iter().map(|(factor, dislike)| (factor * power, dislike)).chain([(10.0 * power, &0.0)]);
            // The tolerance keeps rounding from calling 0.3 more than 3 times 0.1.
            let Some((step, dislike)) = steps.into_iter().find(|(step, _)| *step >= least * (1.0 - 1e-9)) else {
                continue;
            };
            let top = step * f64::from(gaps) / f64::from(rows_per_step);
            let cost = top / max + dislike + 0.03 * f64::from(rows_per_step.abs_diff(3));
            if cost < best.0 {
                best = (cost, Scale { top, step, rows_per_step, rows });
            }
        }
        best.1
    }

    /// The ticks with their rows, counted from the top; zero first.
    pub fn ticks(self) -> impl Iterator<Item = (u16, f64)> {
        let last = self.rows.saturating_sub(1);
        (0..self.rows)
            .map_while(move |i| last.checked_sub(i.checked_mul(self.rows_per_step)?).map(|row| (row, i)))
            .map(move |(row, i)| (row, f64::from(i) * self.step))
    }

    /// The row of a value, from the top; `None` above the scale.
    #[must_use]
    pub fn row(self, value: f64) -> Option<u16> {
        if self.rows == 0 || !value.is_finite() || value > self.top * (1.0 + 1e-9) {
            return None;
        }
        Some((self.rows_below_top(value).round() as u16).min(self.rows - 1))
    }

    /// The row of dots of a value, from the top, with `down` dots in a row of cells. A tick's value lies in the middle
    /// of its row, where level lines run.
    #[must_use]
    pub fn dot_row(self, value: f32, down: u64) -> usize {
        let down = down as f64;
        (self.rows_below_top(f64::from(value)) * down + (down - 1.0) / 2.0).round() as usize
    }

    fn rows_below_top(self, value: f64) -> f64 {
        (1.0 - (value / self.top).clamp(0.0, 1.0)) * f64::from(self.rows.saturating_sub(1))
    }
}

/// How time is cut into dots. Dots begin at fixed moments of the clock and the chart moves by whole cells: it keeps its
/// pattern while it moves, and few cells change between frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bins {
    /// `count` dots for `span` seconds.
    span: u64,
    count: u64,
    /// The dot behind the last one, counted from second zero of the clock.
    end: u64,
}

impl Bins {
    /// `span` seconds up to second `last`, in `cells` cells of `per_cell` dots.
    #[must_use]
    pub fn new(last: u64, span: u64, cells: u16, per_cell: u64) -> Bins {
        let (span, count) = (span.max(1), u64::from(cells) * per_cell);
        // Behind the dot of the last second; if a second has several dots, behind all of them.
        let behind = if span >= count {
            last.saturating_mul(count) / span + 1
        } else {
            (last + 1).saturating_mul(count).div_ceil(span)
        };
        Bins { span, count, end: behind.next_multiple_of(per_cell.max(1)) }
    }

    /// How many dots.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// The dot that shows second `at`; `None` outside.
    #[must_use]
    pub fn dot_of(&self, at: f64) -> Option<usize> {
        let begin = self.end as f64 - self.count as f64;
        let dot = (at * self.count as f64 / self.span as f64).floor() - begin;
        (dot >= 0.0 && dot < self.count as f64).then_some(dot as usize)
    }

    /// The values of each dot: `values` has one a second, the last for second `last`. Seconds without data do not
    /// count; a dot without any is not a number.
    #[must_use]
    pub fn collect(&self, values: &[f32], last: u64, how: Bin) -> Vec<f32> {
        // Second `first` is values[0]; there may be more values than seconds.
        let seconds = (values.len() as u64).min(last + 1);
        let first = last + 1 - seconds;
        let values = &values[values.len() - seconds as usize..];
        let value_at = |second: u64| second.checked_sub(first).and_then(|i| values.get(i as usize)).copied();
        (0..self.count)
            .map(|index| {
                let Some(dot) = (self.end + index).checked_sub(self.count) else { return f32::NAN };
                let begin = dot * self.span;
                let (from, to) = if self.span >= self.count {
                    (begin.div_ceil(self.count), (begin + self.span).div_ceil(self.count))
                } else {
                    // More dots than seconds: each second is shown by several.
                    (begin / self.count, begin / self.count + 1)
                };
                how.of((from..to).filter_map(value_at).filter(|value| value.is_finite()))
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

impl Bin {
    fn of(self, values: impl Iterator<Item = f32>) -> f32 {
        let mut sum = 0.0;
        let mut max = f32::NEG_INFINITY;
        let mut n = 0u32;
        for value in values {
            sum += f64::from(value);
            max = max.max(value);
            n += 1;
        }
        match (n, self) {
            (0, _) => f32::NAN,
            (_, Bin::Mean) => (sum / f64::from(n)) as f32,
            (_, Bin::Max) => max,
        }
    }
}

/// A grid of dots over cells; each cell has one owner, whose colour it takes.
#[derive(Clone, Debug)]
pub struct Dots {
    level: GlyphLevel,
    width: u16,
    height: u16,
    cells: Vec<DotCell>,
}

/// What is in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct DotCell {
    mask: u8,
    filled: bool,
    owner: Option<u8>,
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

/// All 256 patterns in the order of their bits, three bytes each.
const BRAILLE_GLYPHS: &str = "\
    ⠀⠁⠂⠃⠄⠅⠆⠇⠈⠉⠊⠋⠌⠍⠎⠏⠐⠑⠒⠓⠔⠕⠖⠗⠘⠙⠚⠛⠜⠝⠞⠟\
    ⠠⠡⠢⠣⠤⠥⠦⠧⠨⠩⠪⠫⠬⠭⠮⠯⠰⠱⠲⠳⠴⠵⠶⠷⠸⠹⠺⠻⠼⠽⠾⠿\
    ⡀⡁⡂⡃⡄⡅⡆⡇⡈⡉⡊⡋⡌⡍⡎⡏⡐⡑⡒⡓⡔⡕⡖⡗⡘⡙⡚⡛⡜⡝⡞⡟\
    ⡠⡡⡢⡣⡤⡥⡦⡧⡨⡩⡪⡫⡬⡭⡮⡯⡰⡱⡲⡳⡴⡵⡶⡷⡸⡹⡺⡻⡼⡽⡾⡿\
    ⢀⢁⢂⢃⢄⢅⢆⢇⢈⢉⢊⢋⢌⢍⢎⢏⢐⢑⢒⢓⢔⢕⢖⢗⢘⢙⢚⢛⢜⢝⢞⢟\
    ⢠⢡⢢⢣⢤⢥⢦⢧⢨⢩⢪⢫⢬⢭⢮⢯⢰⢱⢲⢳⢴⢵⢶⢷⢸⢹⢺⢻⢼⢽⢾⢿\
    ⣀⣁⣂⣃⣄⣅⣆⣇⣈⣉⣊⣋⣌⣍⣎⣏⣐⣑⣒⣓⣔⣕⣖⣗⣘⣙⣚⣛⣜⣝⣞⣟\
    ⣠⣡⣢⣣⣤⣥⣦⣧⣨⣩⣪⣫⣬⣭⣮⣯⣰⣱⣲⣳⣴⣵⣶⣷⣸⣹⣺⣻⣼⣽⣾⣿\
";

/// What stands for a series where there are neither dots nor, perhaps, colours.
#[must_use]
pub fn ascii_marker(series: usize) -> &'static str {
    ["*", "+", "o", "x"][series % 4]
}

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
        usize::from(self.height) * self.down() as usize
    }

    /// Dots down a cell.
    #[must_use]
    pub fn down(&self) -> u64 {
        dots_per_cell(self.level).1
    }

    /// Sets a dot, `row` from the top. A cell keeps its first owner; the dots of others are added to it.
    pub fn set(&mut self, column: usize, row: usize, owner: u8) {
        let (across, down) = dots_per_cell(self.level);
        let bit = match self.level {
            GlyphLevel::Braille => BRAILLE_BITS[column % 2][row % 4],
            GlyphLevel::Block | GlyphLevel::Ascii => 1 << (row % 2),
        };
        if let Some(cell) = self.cell(column / across as usize, row / down as usize)
            && !cell.filled
        {
            cell.mask |= bit;
            cell.owner.get_or_insert(owner);
        }
    }

    /// Fills what is below a dot with a light pattern, as far as the cells are free.
    pub fn fill_below(&mut self, column: usize, row: usize, owner: u8) {
        let (across, down) = dots_per_cell(self.level);
        for y in row / down as usize..usize::from(self.height) {
            if let Some(cell) = self.cell(column / across as usize, y)
                && cell.owner.is_none()
            {
                *cell = DotCell { mask: 0, filled: true, owner: Some(owner) };
            }
        }
    }

    fn cell(&mut self, x: usize, y: usize) -> Option<&mut DotCell> {
        let inside = x < usize::from(self.width) && y < usize::from(self.height);
        if inside { self.cells.get_mut(y * usize::from(self.width) + x) } else { None }
    }

    /// The glyph and owner of a cell; `None` if it is empty.
    #[must_use]
    pub fn glyph(&self, x: u16, y: u16) -> Option<(&'static str, u8)> {
        let cell = self.cells.get(usize::from(y) * usize::from(self.width) + usize::from(x))?;
        let owner = cell.owner?;
        let glyph = match (self.level, cell.filled, cell.mask) {
            (GlyphLevel::Braille, true, _) => "⠡",
            (GlyphLevel::Braille, false, mask) => {
                BRAILLE_GLYPHS.get(usize::from(mask) * 3..usize::from(mask) * 3 + 3)?
            }
            (GlyphLevel::Block, true, _) => "░",
            (GlyphLevel::Block, false, 1) => "▀",
            (GlyphLevel::Block, false, 2) => "▄",
            (GlyphLevel::Block, false, _) => "█",
            (GlyphLevel::Ascii, true, _) => ".",
            (GlyphLevel::Ascii, false, _) => ascii_marker(usize::from(owner)),
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
        let scale = |max, rows| {
            let scale = Scale::to_hold(max, rows);
            (scale.top, scale.step, scale.rows_per_step)
        };
        assert_eq!(scale(100_000.0, 16), (100_000.0, 20_000.0, 3));
        assert_eq!(scale(100_000.0, 11), (100_000.0, 20_000.0, 2));
        assert_eq!(scale(68.0, 6), (75.0, 30.0, 2));
        assert_eq!(scale(1.0, 2), (1.0, 1.0, 1));
        assert_eq!(scale(f64::NAN, 4), scale(1.0, 4));
        assert_eq!(scale(0.0, 4), scale(1.0, 4));
    }

    #[test]
    fn the_patterns_are_in_the_order_of_their_bits() {
        assert_eq!(BRAILLE_GLYPHS.chars().count(), 256);
        assert!((0x2800..).zip(BRAILLE_GLYPHS.chars()).all(|(code, c)| code == c as u32));
    }

    #[test]
    fn ticks_and_dots_meet() {
        let scale = Scale::to_hold(100_000.0, 16);
        let rows: Vec<u16> = scale.ticks().map(|(row, _)| row).collect();
        assert_eq!(rows, [15, 12, 9, 6, 3, 0]);
        for (row, tick) in scale.ticks() {
            assert_eq!(scale.row(tick), Some(row));
            assert_eq!(scale.dot_row(tick as f32, 4) / 4, usize::from(row));
        }
        assert_eq!(scale.row(100_001.0), None);
        assert_eq!(scale.dot_row(1e9, 4) / 4, 0);
    }

    #[test]
    fn values_move_by_whole_cells_and_keep_their_pattern() {
        let values: Vec<f32> = (0..700).map(|i| i as f32).collect();
        let at = |last: u64| Bins::new(last, 300, 20, 2).collect(&values[..=last as usize], last, Bin::Mean);
        // 40 dots for 300 s: 7.5 s a dot, 15 s a cell. All dots but the growing last ones stay what they were.
        let early = at(510);
        assert_eq!(early[..37], at(515)[..37]);
        assert_eq!(early[2..37], at(527)[..35]);
        assert_eq!(early.len(), 40);
        assert!(early[0] >= 210.0);
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
        fn a_scale_holds_its_maximum_without_much_waste(max in 1e-9f64..1e15, rows in 0u16..60) {
            let scale = Scale::to_hold(max, rows);
            prop_assert!(scale.top >= max * (1.0 - 1e-6));
            prop_assert!(scale.top <= max * 2.6);
            prop_assert!(scale.ticks().all(|(row, tick)| row < rows && tick <= scale.top * 1.000_001));
        }

        #[test]
        fn no_spike_is_lost_and_no_gap_is_filled_at_any_zoom(
            last in 300u64..9_000,
            cells in 8u16..300,
            per_cell in 1u64..3,
            zoom in prop::sample::select(vec![60u64, 120, 300, 900, 1_800, 3_600]),
            back in 0u64..30,
            hole in 0u64..3_000,
        ) {
            let bins = Bins::new(last, zoom, cells, per_cell);
            let mut values = vec![0.0f32; 3_600];
            let spike = last - back;
            values[3_599 - back as usize] = 7.0;
            // Nothing is known before the hole's end.
            let known = back.max(hole);
            values[..3_599 - known as usize].fill(f32::NAN);
            let dots = bins.collect(&values, last, Bin::Max);
            let dot = bins.dot_of(spike as f64).unwrap();
            // Where a second has several dots, the first may begin within it.
            prop_assert!(dots[dot..].iter().take(2).any(|value| *value == 7.0), "dot {dot}");
            for (at, value) in dots.iter().enumerate() {
                let seconds = (last.saturating_sub(known)..=last).filter(|second| bins.dot_of(*second as f64) == Some(at));
                let repeated = zoom < bins.count() as u64;
                prop_assert!(repeated || value.is_finite() == (seconds.count() > 0), "dot {at}: {value}");
            }
        }

        #[test]
        fn each_second_is_in_one_dot(last in 0u64..100_000, span in 1u64..4000, cells in 1u16..300, per_cell in 1u64..3) {
            let bins = Bins::new(last, span, cells, per_cell);
            let values = vec![1.0; 5000];
            let dots = bins.collect(&values, last, Bin::Mean);
            prop_assert_eq!(dots.len(), bins.count());
            // The newest second is shown, and in the last cell.
            let dot = bins.dot_of(last as f64);
            prop_assert!(dot.is_some());
            if span >= bins.count() as u64 {
                prop_assert!(bins.count() - dot.unwrap() <= per_cell as usize);
            }
        }

        #[test]
        fn bins_never_panic(last in 0u64..10_000, span in 0u64..10_000, cells in 0u16..400, per_cell in 1u64..3, n in 0usize..4000) {
            let bins = Bins::new(last, span, cells, per_cell);
            prop_assert_eq!(bins.collect(&vec![1.0; n], last, Bin::Max).len(), bins.count());
        }
    }
}
