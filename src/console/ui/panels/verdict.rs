//! The bottleneck, in words, and what to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;
use crate::engine::{Bottleneck, LoadState};

use super::{chart, history, plots, row, section, watch};

/// Cells of the arrow before the advice.
const INDENT: u16 = 2;

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

/// What is the matter, and what to do about it. A parked load is its own verdict.
fn words(view: &View<'_>) -> (String, String) {
    let (what, remedy) = match &view.snap.state {
        LoadState::Parked { cause, remedy, .. } => (cause.clone(), remedy.clone()),
        _ if view.state.watching() => watch::words(view),
        _ => {
            let verdict = &view.snap.verdict;
            // Others on the account are no bottleneck of ours, but they are the reason of one.
            let others = watch::others(view).map(|others| format!("; {others}")).unwrap_or_default();
            (format!("{}{others}", verdict.sentence), verdict.advice.clone())
        }
    };
    let (what, remedy) = (fmt::sanitise(&what), fmt::sanitise(&remedy));
    if view.state.watching() {
        // It may begin with the id of a model.
        return (what.into_owned(), remedy.into_owned());
    }
    (sentence_case(&what), sentence_case(&remedy))
}

/// What stands alone begins with a capital.
fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// How many rows the words take in a panel of `width` cells.
pub(super) fn verdict_rows(view: &View<'_>, width: u16) -> u16 {
    let (sentence, advice) = words(view);
    let rows = |text: &str, width: u16| if text.is_empty() { 0 } else { fmt::wrap(text, usize::from(width)).len() };
    u16::try_from(rows(&sentence, width) + rows(&advice, width.saturating_sub(INDENT))).unwrap_or(u16::MAX)
}

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let inner = section(Panel::Verdict, summary(view), view, area, buf);
    let (sentence, advice) = words(view);
    // The sentence gives way so far that the advice has a row.
    let kept = inner.height.saturating_sub(u16::from(!advice.is_empty())).max(1.min(inner.height));
    let used = paragraph(view, &sentence, Role::Strong, Rect { height: kept, ..inner }, buf);
    let below = super::below(inner, used);
    if advice.is_empty() || below.height == 0 {
        return;
    }
    Line::of(Role::Accent, view.kit.glyphs.arrows[3]).render(below, buf, view.kit);
    let indented = Rect { x: below.x + INDENT, width: below.width.saturating_sub(INDENT), ..below };
    let rows = paragraph(view, &advice, Role::Text, indented, buf);
    history::beneath(view, super::below(below, rows), buf, |view, area, buf| {
        plots::grid(view, &[chart::plot(view), plots::failures(view)], area, buf);
    });
}

fn summary(view: &View<'_>) -> Line<'static> {
    if view.state.watching() {
        return Line::of(Role::Muted, "the account");
    }
    if matches!(view.snap.state, LoadState::Parked { .. }) {
        return Line::of(Role::Danger, format!("{} parked", view.kit.glyphs.danger));
    }
    let verdict = &view.snap.verdict;
    let (what, role) = name(verdict.what);
    let line = Line::of(role, what);
    match verdict.best_per_minute {
        Some(best) => {
            let now = view.snap.flow.done_per_minute.round();
            line.muted("   best possible ").text(fmt::si(best)).muted(" records/min, now ").text(fmt::si(now))
        }
        None => line,
    }
}

/// Draws wrapped text; the last row that there is room for carries the rest, cut. Returns the rows used.
fn paragraph(view: &View<'_>, text: &str, role: Role, area: Rect, buf: &mut Buffer) -> u16 {
    let lines = fmt::wrap(text, usize::from(area.width));
    let rows = usize::from(area.height).min(lines.len());
    for at in 0..rows {
        let text = if at + 1 == rows { lines[at..].join(" ") } else { lines[at].clone() };
        if let Some(row) = row(area, at as u16) {
            Line::of(role, text).render(row, buf, view.kit);
        }
    }
    rows as u16
}
