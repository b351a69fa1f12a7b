//! Tokens per minute over time: settled and held against target and quota, with what was changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Panel, Sight, fitting};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Bin, Chart, Level, Line, Series, Shape};
use crate::console::ui::{fmt, layout};
use crate::limiter::QuotaLimit;

use super::plots::{self, Curve, Plot};
use super::{below, history, section};

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let summary = history::held(view).unwrap_or_else(|| match view.snap.marks.last() {
        Some(mark) => Line::of(Role::Muted, "last change ")
            .text(fmt::sanitise(&mark.what))
            .muted(format!(" {}", fmt::age(view.now.since(mark.at)))),
        None => Line::of(Role::Muted, "all scopes"),
    });
    let inner = section(Panel::Chart, summary, view, area, buf);
    let looked_at = u16::from(view.state.window.held.is_some()).min(inner.height);
    history::readout(view).render(Rect { height: looked_at, ..inner }, buf, view.kit);
    // Alone on the screen there is room for what was refused, below what was sent.
    let alone = view.state.expanded.is_some() && inner.height >= 20;
    let (chart, [errors]) = layout::stack(below(inner, looked_at), [if alone { inner.height / 4 } else { 0 }]);
    draw(view, view.state.sight(), chart, buf);
    plots::grid(view, &[plots::failures(view)], errors, buf);
}

/// The same as one of several charts.
pub(super) fn plot<'a>(view: &View<'a>) -> Plot<'a> {
    let series = &view.snap.series;
    let [settled, held, target] =
        [&series.tpm_settled, &series.held, &series.target_tpm].map(|values| plots::seconds(view, values));
    let used: Vec<f32> = settled.iter().zip(held).map(|(settled, held)| settled + held).collect();
    Plot {
        title: "Tokens per minute".into(),
        unit: "quota tokens, all scopes",
        curves: vec![
            Curve::level("settled", Role::Settled, settled).area(),
            Curve::level("with held", Role::Held, used),
            Curve::level("target", Role::Target, target),
        ],
        levels: quota(view),
    }
}

/// Draws the present without a heading.
pub(in crate::console::ui) fn tokens_per_minute(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let history = &view.snap.series;
    let span = fitting(area.width, history.tpm_settled.len());
    draw(view, view.state.present(span), area, buf);
}

/// Draws a part of the history without a heading.
pub(super) fn draw(view: &View<'_>, sight: Sight, area: Rect, buf: &mut Buffer) {
    let history = &view.snap.series;
    if history.tpm_settled.len() < 2 {
        Line::of(Role::Muted, "The history begins with the first load.").render(area, buf, view.kit);
        return;
    }
    let line = |name, values, role| Series { name, values, role, shape: Shape::Line, bin: Bin::Mean };
    let [settled, held, target] =
        [&history.tpm_settled, &history.held, &history.target_tpm].map(|values| sight.of(values, history.last_second));
    // What is held lies on top of what is settled: their sum is what the target and the quota limit.
    let used: Vec<f32> = settled.iter().zip(held).map(|(settled, held)| settled + held).collect();
    let series = [
        Series { shape: Shape::Area, ..line("settled", settled, Role::Settled) },
        line("with held", &used[..], Role::Held),
        line("target", target, Role::Target),
    ];
    let levels = quota(view);
    let chart = Chart {
        series: &series,
        levels: &levels,
        marks: &history::marks(view),
        axis: history::axis(view, sight),
        unit: "quota tokens per minute, all scopes",
        legend: true,
    };
    chart.render(area, buf, view.kit);
}

/// The quota of all scopes together; a sum with an unknown part is unknown.
fn quota(view: &View<'_>) -> Vec<Level<'static>> {
    let quotas = view.snap.scopes.iter().map(|scope| match scope.limiter.tpm.quota {
        QuotaLimit::Limit(quota) => Some(quota),
        QuotaLimit::Unknown | QuotaLimit::Absent => None,
    });
    let sum = quotas.sum::<Option<u64>>().filter(|sum| *sum > 0);
    sum.map(|sum| Level { name: "quota", value: sum as f64, role: Role::Quota }).into_iter().collect()
}
