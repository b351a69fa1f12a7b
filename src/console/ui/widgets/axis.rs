//! The time below a chart.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
use super::text::put;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::record::Micros;

/// The time that is shown.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// The second of the last value.
    pub last_second: u64,
    /// How many seconds are to be seen; the chart shows at least as many, in round steps.
    pub span: u64,
    /// UTC milliseconds of that second if it is in the past: then the axis tells times instead of ages.
    pub past_utc_ms: Option<i64>,
    /// The second that is looked at: a line across the chart, and the legend tells its values.
    pub cursor: Option<u64>,
}

impl Axis {
    /// `span` seconds up to now.
    #[must_use]
    pub const fn live(last_second: u64, span: u64) -> Axis {
        Axis { last_second, span, past_utc_ms: None, cursor: None }
    }

    /// Draws its labels into `row`: ages while it ends now, times of the clock while it is in the past.
    pub fn render(&self, row: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        match self.past_utc_ms {
            Some(end) => self.render_times(row, end, buf, kit),
            None => self.render_ages(row, buf, kit),
        }
    }

    fn render_ages(&self, row: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        const NOW: &str = "now";
        let style = kit.style(Role::Muted);
        let width = f64::from(row.width);
        let span = self.span.max(1) as f64;
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

    /// Times of the clock below a part of the past that ends at `end`, UTC milliseconds.
    fn render_times(&self, row: Rect, end: i64, buf: &mut Buffer, kit: Kit<'_>) {
        let style = kit.style(Role::Muted);
        let (width, span) = (f64::from(row.width), self.span.max(1) as f64);
        let Some(step) = STEPS.into_iter().find(|step| *step as f64 / span * width >= 14.0) else { return };
        let (end, step) = (end.div_euclid(1_000), i64::try_from(step).unwrap_or(i64::MAX));
        let mut at = end - end.rem_euclid(step);
        let mut free = row.right();
        while (end - at) as f64 <= span {
            let time = fmt::utc_time(at.saturating_mul(1_000));
            let text = if step % 60 == 0 { time.get(..5).unwrap_or(&time) } else { &time };
            let half = text.len() as f64 / 2.0;
            let x = (width * (1.0 - (end - at) as f64 / span) - half).round().max(0.0);
            let x = row.x.saturating_add(x as u16).min(row.right().saturating_sub(text.len() as u16));
            if x + (text.len() as u16) < free {
                put(buf, x, row, text, style);
                free = x;
            }
            at -= step;
        }
        let unit = "UTC";
        if usize::from(free.saturating_sub(row.x)) > unit.len() + 1 {
            put(buf, row.x, row, unit, style);
        }
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
