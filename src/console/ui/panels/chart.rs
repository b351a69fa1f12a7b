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

/// Lengths of time that a chart shows, seconds.
const SPANS: [u64; 6] = [60, 120, 300, 600, 1_800, 3_600];

/// The shortest length that covers `seconds` of history; of a longer one the last hour.
fn span(seconds: usize) -> u64 {
    SPANS.into_iter().find(|span| *span >= seconds as u64).unwrap_or(SPANS[SPANS.len() - 1])
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
