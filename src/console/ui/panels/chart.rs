//! Tokens per minute over time: settled and held against target and quota, with what was changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Axis, Bin, Chart, Level, Line, Series, Shape, VerticalMark};
use crate::limiter::QuotaLimit;

use super::section;

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let summary = match view.snap.marks.last() {
        Some(mark) => Line::of(Role::Muted, "last change ")
            .text(fmt::sanitise(&mark.what))
            .muted(format!(" {}", fmt::age(view.now.since(mark.at)))),
        None => Line::of(Role::Muted, "all scopes"),
    };
    let inner = section(Panel::Chart, summary, view, area, buf);
    tokens_per_minute(view, inner, buf);
}

/// Seconds shown while the load is young: all of its life.
const YOUNG: [u64; 5] = [60, 120, 180, 300, 600];
/// Seconds shown later: no more than there are, so that no part of the chart is empty for long.
const GROWN: [u64; 2] = [3_600, 1_800];

/// Seconds of a chart over a history of so many seconds.
fn span(seconds: usize) -> u64 {
    let seconds = seconds as u64;
    let young = YOUNG.into_iter().find(|span| *span >= seconds);
    young.or_else(|| GROWN.into_iter().find(|span| *span <= seconds)).unwrap_or(600)
}

/// Draws the chart without a heading.
pub(in crate::console::ui) fn tokens_per_minute(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let history = &view.snap.series;
    if history.tpm_settled.len() < 2 {
        Line::of(Role::Muted, "The history begins with the first load.").render(area, buf, view.kit);
        return;
    }
    let line = |name, values, role| Series { name, values, role, shape: Shape::Line, bin: Bin::Mean };
    // What is held lies on top of what is settled: their sum is what the target and the quota limit.
    let used: Vec<f32> = history.tpm_settled.iter().zip(&history.held).map(|(settled, held)| settled + held).collect();
    let series = [
        Series { shape: Shape::Area, ..line("settled", &history.tpm_settled[..], Role::Settled) },
        line("with held", &used[..], Role::Held),
        line("target", &history.target_tpm[..], Role::Target),
    ];
    let quotas: Option<Vec<u64>> = view
        .snap
        .scopes
        .iter()
        .map(|scope| match scope.limiter.tpm.quota {
            QuotaLimit::Limit(quota) => Some(quota),
            QuotaLimit::Unknown | QuotaLimit::Absent => None,
        })
        .collect();
    // A sum with an unknown part is unknown.
    let levels: Vec<Level<'_>> = quotas
        .filter(|quotas| !quotas.is_empty())
        .map(|quotas| Level { name: "quota", value: quotas.iter().sum::<u64>() as f64, role: Role::Quota })
        .into_iter()
        .collect();
    let marks: Vec<VerticalMark<'_>> =
        view.snap.marks.iter().map(|mark| VerticalMark { second: mark.at.secs_f64(), label: &mark.what }).collect();
    let chart = Chart {
        series: &series,
        levels: &levels,
        marks: &marks,
        axis: Axis { last_second: history.last_second, span: span(history.tpm_settled.len()) },
        unit: "quota tokens per minute, all scopes",
        legend: true,
    };
    chart.render(area, buf, view.kit);
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_young_load_is_shown_whole_and_an_old_one_fills_the_chart() {
        let seconds = [0, 40, 60, 61, 125, 299, 600, 601, 1_799, 1_800, 3_599, 3_600, 90_000];
        let spans = [60, 60, 60, 120, 180, 300, 600, 600, 600, 1_800, 1_800, 3_600, 3_600];
        assert_eq!(seconds.map(span), spans);
    }
}
