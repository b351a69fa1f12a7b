//! Every glyph that is not a letter or digit, with the form it takes on terminals that lack it.

use crate::console::term::GlyphLevel;

/// The glyphs of one level. Each is one cell wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// The level they are of.
    pub level: GlyphLevel,
    /// Horizontal rule, corner, vertical rule of a panel.
    pub horizontal: &'static str,
    /// Vertical rule.
    pub vertical: &'static str,
    /// Corners of a frame: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Rule with a branch: down, up, left, right.
    pub tee: [&'static str; 4],
    /// Gauge: the settled part, its last half cell, the held part, the empty part.
    pub bar_full: &'static str,
    /// Half a cell of the settled part.
    pub bar_half: &'static str,
    /// The held part of a gauge.
    pub bar_held: &'static str,
    /// Half a cell of the held part.
    pub bar_held_half: &'static str,
    /// The empty part of a gauge.
    pub bar_empty: &'static str,
    /// The limiter's target on a gauge.
    pub target: &'static str,
    /// The end of the quota on a gauge.
    pub quota: &'static str,
    /// A dashed level line of a chart.
    pub level_line: &'static str,
    /// A point of the grid behind a chart.
    pub grid: &'static str,
    /// A vertical mark in a chart.
    pub mark: &'static str,
    /// The foot of a mark, on the axis.
    pub mark_foot: &'static str,
    /// Levels of a column, empty first, full last.
    pub columns: &'static [&'static str],
    /// Something good.
    pub ok: &'static str,
    /// Something to look at.
    pub warn: &'static str,
    /// Something wrong.
    pub danger: &'static str,
    /// On, present, running.
    pub dot: &'static str,
    /// Off, absent, idle.
    pub ring: &'static str,
    /// Paused.
    pub paused: &'static str,
    /// The selected row.
    pub pointer: &'static str,
    /// Ascending sort.
    pub ascending: &'static str,
    /// Descending sort.
    pub descending: &'static str,
    /// Up, down, left, right.
    pub arrows: [&'static str; 4],
    /// Text was cut here.
    pub ellipsis: &'static str,
    /// Between the parts of a line.
    pub separator: &'static str,
    /// The moving part of a scroll bar.
    pub thumb: &'static str,
    /// A choice that can be changed.
    pub choice: [&'static str; 2],
    /// A switch: off, on.
    pub switch: [&'static str; 2],
    /// Times, as in `x5`.
    pub times: &'static str,
    /// Micro, as in `µs`.
    pub micro: &'static str,
    /// A value that rests on an estimate.
    pub about: &'static str,
    /// At least, at most.
    pub bounds: [&'static str; 2],
    /// Infinity.
    pub infinity: &'static str,
    /// No value.
    pub none: &'static str,
}

const BRAILLE: Glyphs = Glyphs {
    level: GlyphLevel::Braille,
    horizontal: "─",
    vertical: "│",
    corners: ["╭", "╮", "╰", "╯"],
    tee: ["┬", "┴", "┤", "├"],
    bar_full: "━",
    bar_half: "╸",
    bar_held: "╍",
    bar_held_half: "╍",
    bar_empty: "─",
    target: "┃",
    quota: "┤",
    level_line: "╌",
    grid: "·",
    mark: "┊",
    mark_foot: "▴",
    columns: &[" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    ok: "✓",
    warn: "▲",
    danger: "✗",
    dot: "●",
    ring: "○",
    paused: "‖",
    pointer: "▸",
    ascending: "▴",
    descending: "▾",
    arrows: ["↑", "↓", "←", "→"],
    ellipsis: "…",
    separator: "·",
    thumb: "┃",
    choice: ["‹", "›"],
    switch: ["○", "●"],
    times: "×",
    micro: "µ",
    about: "~",
    bounds: ["≥", "≤"],
    infinity: "∞",
    none: "–",
};

const BLOCK: Glyphs = Glyphs {
    level: GlyphLevel::Block,
    corners: ["┌", "┐", "└", "┘"],
    bar_full: "█",
    bar_half: "▌",
    bar_held: "▒",
    bar_held_half: "▒",
    bar_empty: "─",
    target: "│",
    quota: "┤",
    level_line: "-",
    mark: "│",
    mark_foot: "+",
    columns: &[" ", "▄", "█"],
    ok: "+",
    warn: "!",
    danger: "x",
    dot: "■",
    ring: "·",
    paused: "=",
    pointer: ">",
    ascending: "^",
    descending: "v",
    ellipsis: "~",
    separator: "·",
    thumb: "█",
    choice: ["<", ">"],
    switch: ["·", "■"],
    times: "x",
    none: "-",
    bounds: [">", "<"],
    infinity: "~",
    ..BRAILLE
};

const ASCII: Glyphs = Glyphs {
    level: GlyphLevel::Ascii,
    horizontal: "-",
    vertical: "|",
    corners: ["+", "+", "+", "+"],
    tee: ["+", "+", "+", "+"],
    bar_full: "#",
    bar_half: "#",
    bar_held: "=",
    bar_held_half: "=",
    bar_empty: ".",
    target: "|",
    quota: "]",
    level_line: "-",
    grid: ".",
    mark: ":",
    mark_foot: "^",
    columns: &[" ", ".", ":", "|", "#"],
    ok: "+",
    warn: "!",
    danger: "x",
    dot: "*",
    ring: "o",
    paused: "=",
    pointer: ">",
    ascending: "+",
    descending: "-",
    arrows: ["^", "v", "<", ">"],
    ellipsis: "~",
    separator: "|",
    thumb: "#",
    choice: ["<", ">"],
    switch: ["o", "*"],
    times: "x",
    micro: "u",
    about: "~",
    bounds: [">", "<"],
    infinity: "~",
    none: "-",
};

impl Glyphs {
    /// The glyphs of a level.
    #[must_use]
    pub const fn of(level: GlyphLevel) -> &'static Glyphs {
        match level {
            GlyphLevel::Braille => &BRAILLE,
            GlyphLevel::Block => &BLOCK,
            GlyphLevel::Ascii => &ASCII,
        }
    }

    /// The glyph of a column filled to `part` (0 to 1). Anything above nothing is visible.
    #[must_use]
    pub fn column(&self, part: f64) -> &'static str {
        let top = self.columns.len() - 1;
        let index = if part > 0.0 { ((part * top as f64).round() as usize).clamp(1, top) } else { 0 };
        self.columns[index]
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn all(g: &Glyphs) -> Vec<&'static str> {
        let mut all = vec![
            g.horizontal,
            g.vertical,
            g.bar_full,
            g.bar_half,
            g.bar_held,
            g.bar_held_half,
            g.bar_empty,
            g.target,
            g.quota,
            g.level_line,
            g.grid,
            g.mark,
            g.mark_foot,
            g.ok,
            g.warn,
            g.danger,
            g.dot,
            g.ring,
            g.paused,
            g.pointer,
            g.ascending,
            g.descending,
            g.ellipsis,
            g.separator,
            g.thumb,
            g.times,
            g.micro,
            g.about,
            g.infinity,
            g.none,
        ];
        for group in [&g.corners[..], &g.tee, g.columns, &g.arrows, &g.choice, &g.switch, &g.bounds] {
            all.extend(group);
        }
        all
    }

    #[test]
    fn every_glyph_is_one_cell_and_ascii_is_ascii() {
        for level in [GlyphLevel::Ascii, GlyphLevel::Block, GlyphLevel::Braille] {
            for glyph in all(Glyphs::of(level)) {
                assert_eq!(glyph.width(), 1, "{level:?} {glyph}");
                assert!(level != GlyphLevel::Ascii || glyph.is_ascii(), "{glyph}");
            }
        }
    }

    #[test]
    fn states_differ_by_glyph_too() {
        for level in [GlyphLevel::Ascii, GlyphLevel::Block, GlyphLevel::Braille] {
            let g = Glyphs::of(level);
            let states = [g.ok, g.warn, g.danger, g.dot, g.ring];
            for (i, a) in states.iter().enumerate() {
                assert!(!states[i + 1..].contains(a), "{level:?} {a}");
            }
            assert_ne!(g.bar_full, g.bar_held);
        }
    }

    #[test]
    fn a_column_shows_the_least_thing_and_never_overflows() {
        for level in [GlyphLevel::Ascii, GlyphLevel::Block, GlyphLevel::Braille] {
            let g = Glyphs::of(level);
            assert_eq!(g.column(0.0), " ");
            assert_eq!(g.column(f64::NAN), " ");
            assert_ne!(g.column(1e-9), " ");
            assert_eq!(g.column(7.0), g.columns[g.columns.len() - 1]);
        }
    }
}
