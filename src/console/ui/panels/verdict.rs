//! The bottleneck, in words, and what to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;
use crate::engine::{Bottleneck, LoadState};

use super::{row, section};

/// A bottleneck in a word or two, and how bad it is.
const fn name(what: Bottleneck) -> (&'static str, Role) {
    match what {
        Bottleneck::NotEnoughData => ("not enough data", Role::Muted),
        Bottleneck::Demand => ("below every limit", Role::Ok),
        Bottleneck::Rpm => ("RPM", Role::Warn),
        Bottleneck::TpmSettled => ("TPM, settled", Role::Info),
        Bottleneck::TpmReserved => ("TPM, reserved", Role::Warn),
        Bottleneck::Tpd => ("TPD", Role::Warn),
        Bottleneck::Concurrency => ("concurrency", Role::Warn),
        Bottleneck::Capacity => ("service capacity", Role::Capacity),
        Bottleneck::Client => ("this client", Role::Danger),
    }
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let verdict = &view.snap.verdict;
    let g = view.kit.glyphs;
    let (summary, lines) = if let LoadState::Parked { cause, remedy, .. } = &view.snap.state {
        let summary = Line::of(Role::Danger, format!("{} parked", g.danger));
        (summary, [(Role::Strong, fmt::sanitise(cause)), (Role::Text, fmt::sanitise(remedy))])
    } else {
        let (what, role) = name(verdict.what);
        let mut summary = Line::of(role, what);
        if let Some(best) = verdict.best_per_minute {
            let now = view.snap.flow.done_rps * 60.0;
            summary = summary
                .muted("   best possible ")
                .text(fmt::si(best))
                .muted(" records/min, now ")
                .text(fmt::si(now.round()));
        }
        (summary, [(Role::Strong, fmt::sanitise(&verdict.sentence)), (Role::Text, fmt::sanitise(&verdict.advice))])
    };
    let inner = section(Panel::Verdict, summary, view, area, buf);
    // Sentence, then advice behind an arrow; both wrap where there is room.
    let mut at = 0;
    let rows = usize::from(inner.height);
    for (index, (role, text)) in lines.iter().enumerate().filter(|(_, (_, text))| !text.is_empty()) {
        let indent: u16 = if index == 1 { 2 } else { 0 };
        let reserve = usize::from(index == 0 && !lines[1].1.is_empty());
        let wrapped = fmt::wrap(text, usize::from(inner.width.saturating_sub(indent)));
        for (n, part) in wrapped.iter().enumerate() {
            if at + reserve >= rows && n > 0 {
                break;
            }
            let Some(area) = row(inner, at as u16) else { return };
            // The last row that there is room for carries the rest, cut with an ellipsis.
            let last = at + 1 + reserve >= rows;
            let part = if last { wrapped[n..].join(" ") } else { part.clone() };
            let line = if indent > 0 && n == 0 {
                Line::of(Role::Accent, format!("{} ", g.arrows[3])).with(*role, part)
            } else if indent > 0 {
                Line::of(*role, format!("  {part}"))
            } else {
                Line::of(*role, part)
            };
            line.render(area, buf, view.kit);
            at += 1;
            if last {
                break;
            }
        }
    }
}
