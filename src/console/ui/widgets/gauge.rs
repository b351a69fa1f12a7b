//! A quota as a bar: what is settled, what is held, what the limiter aims at, what the service allows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
use super::text::{Line, put};
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// A quota bar of one or two rows. All amounts are in the same unit.
///
/// ```text
/// TPM  ━━━━━━━━━━━━━━━━━━━━╍╍╍╍╍╍╍╍╍─────┃────┤   92.1k of  100k  92.1%
///      ━ settled 72.1k   ╍ held 20.0k   ┃ target 90.0k
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauge<'a> {
    /// What it measures.
    pub label: &'a str,
    /// Cells for the label, so that bars below each other begin in the same column.
    pub label_width: u16,
    /// Used up for good.
    pub settled: f64,
    /// Reserved by what is in flight.
    pub held: f64,
    /// What the limiter allows itself.
    pub target: Option<f64>,
    /// What the service allows; `None`: unknown or absent.
    pub quota: Option<f64>,
    /// What to say where there is no quota (`unknown`, `no quota`).
    pub no_quota: &'a str,
}

/// Cells of the figures behind the bar: ` 92.1k of  100k  92.1%`.
const FIGURES: u16 = 22;

impl Gauge<'_> {
    /// Draws it on the first row of `area`, and its figures in words on the second if there is one.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let row = Rect { height: 1, ..area };
        let label = fmt::left(self.label, usize::from(self.label_width), kit.glyphs);
        let x = put(buf, row.x, row, &label, kit.style(Role::Muted));
        let gap = u16::from(self.label_width > 0);
        let body = Rect { x: x + gap, width: row.right().saturating_sub(x + gap), ..row };
        // On a narrow screen the figures matter more than the bar.
        let figures = FIGURES.min(body.width);
        let bar = Rect { width: body.width - figures, ..body };
        if bar.width >= 4 {
            self.render_bar(bar, buf, kit);
        }
        self.figures(kit).render_right(Rect { x: body.right() - figures, width: figures, ..body }, buf, kit);
        if area.height > 1 {
            let below = Rect { y: area.y + 1, ..body };
            self.words(below.width, kit).render(below, buf, kit);
        }
    }

    fn used(&self) -> f64 {
        clean(self.settled) + clean(self.held)
    }

    /// The amount at the right end of the bar.
    fn full(&self) -> f64 {
        let known = [self.quota, self.target].into_iter().flatten().map(clean).fold(self.used(), f64::max);
        if known > 0.0 { known } else { 1.0 }
    }

    /// Draws the bar alone into the row `bar`: for tables that print the figures in columns of their own.
    pub fn render_bar(&self, bar: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let g = kit.glyphs;
        let cells = usize::from(bar.width);
        if self.quota.is_none() && self.target.is_none() {
            // Without anything to measure by, a length would mean nothing.
            for x in (bar.left()..bar.right()).step_by(2) {
                put(buf, x, bar, g.grid, kit.style(Role::Track));
            }
            return;
        }
        let full = self.full();
        // Half cells; what is there at all is seen.
        let halves = |amount: f64| {
            let exact = (clean(amount) / full * cells as f64 * 2.0).round() as usize;
            exact.clamp(usize::from(amount > 0.0), cells * 2)
        };
        let settled = halves(self.settled);
        let used = if self.held > 0.0 { halves(self.used()).max(settled + 1).min(cells * 2) } else { settled };
        let quota = self.quota.map(clean);
        let over = quota.map_or(cells * 2, |quota| (quota / full * cells as f64 * 2.0).round() as usize);
        let cell_of = |amount: f64| ((clean(amount) / full * cells as f64) as usize).min(cells - 1);
        for index in 0..cells {
            let (begin, end) = (index * 2, index * 2 + 2);
            let (glyph, role) = if end <= settled {
                (g.bar_full, Role::Settled)
            } else if begin < settled {
                (if used > settled { g.bar_full } else { g.bar_half }, Role::Settled)
            } else if end <= used {
                (g.bar_held, Role::Held)
            } else if begin < used {
                (g.bar_held_half, Role::Held)
            } else {
                (g.bar_empty, Role::Track)
            };
            let role = if begin >= over && begin < used { Role::Danger } else { role };
            put(buf, bar.x + index as u16, bar, glyph, kit.style(role));
        }
        if let Some(target) = self.target.filter(|target| *target > 0.0) {
            put(buf, bar.x + cell_of(target) as u16, bar, g.target, kit.style(Role::Target));
        }
        if let Some(quota) = quota {
            put(buf, bar.x + cell_of(quota) as u16, bar, g.quota, kit.style(Role::Quota));
        }
    }

    /// ` 92.1k of  100k  92.1%`, each number at its place.
    fn figures(&self, kit: Kit<'_>) -> Line<'static> {
        let used = self.used();
        let mut line = Line::of(Role::Strong, format!("{:>6}", fmt::si(used)));
        match self.quota.map(clean) {
            Some(quota) => {
                let share = if quota > 0.0 { used / quota } else { f64::NAN };
                let (role, mark) = if used > quota {
                    (Role::Danger, kit.glyphs.danger)
                } else if share >= 0.9 {
                    (Role::Warn, " ")
                } else {
                    (Role::Text, " ")
                };
                line.push(Role::Muted, format!(" of {:>5}", fmt::si(quota)));
                line.push(role, format!("{mark}{:>6}", fmt::percent(share)));
            }
            None => line.push(Role::Muted, format!(" {}", fmt::right(self.no_quota, 15, kit.glyphs))),
        }
        line
    }

    /// `━ settled 72.1k   ╍ held 20.0k   ┃ target 95.0k`: whole items, as many as fit.
    fn words(&self, cells: u16, kit: Kit<'_>) -> Line<'static> {
        let g = kit.glyphs;
        let items = [
            Some((Role::Settled, g.bar_full, "settled", self.settled)),
            Some((Role::Held, g.bar_held, "held", self.held)),
            self.target.map(|target| (Role::Target, g.target, "target", target)),
        ];
        let mut line = Line::new();
        for (role, glyph, name, amount) in items.into_iter().flatten() {
            let gap = if line.parts.is_empty() { "" } else { "   " };
            let item = Line::of(Role::Muted, gap)
                .with(role, glyph)
                .muted(format!(" {name} "))
                .text(format!("{:>5}", fmt::si(clean(amount))));
            if line.width() + item.width() > usize::from(cells) {
                break;
            }
            line.parts.extend(item.parts);
        }
        line
    }
}

fn clean(amount: f64) -> f64 {
    if amount.is_finite() { amount.max(0.0) } else { 0.0 }
}
