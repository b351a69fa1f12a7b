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

/// Seconds shown of a history of `length` seconds in a chart of `width` cells: all of it in round steps while it is
/// young, later the last ten minutes or five seconds a cell.
fn span(width: u16, length: usize) -> u64 {
    let most = (u64::from(width) * 5).clamp(600, 3_600);
    let young = [120, 300, 600].into_iter().find(|step| *step >= length as u64);
    young.map_or(most, |step| step.min(most))
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
        axis: Axis { last_second: history.last_second, span: span(area.width, history.tpm_settled.len()) },
        unit: "quota tokens per minute, all scopes",
        legend: true,
    };
    chart.render(area, buf, view.kit);
}
