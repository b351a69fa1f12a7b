//! Throttles by cause, and what else went wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Spark};
use crate::console::ui::{fmt, layout};
use crate::record::ErrorClass;

use super::flow::class_role;
use super::{below, history, row, section};

/// Cells of the names and of each figure.
const NAME: usize = 18;
const FIGURE: usize = 7;

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let flow = &view.snap.flow;
    let recent: u64 = flow.errors_60s.iter().filter(|(class, _)| class.is_throttle()).map(|(_, n)| n).sum();
    let share = match view.snap.total.requests {
        0 => Line::of(Role::Muted, "429 by cause"),
        requests => {
            let role = if recent > 0 { Role::Throttle } else { Role::Text };
            Line::of(role, fmt::percent(recent as f64 / requests as f64)).muted(" of attempts, 60 s")
        }
    };
    let inner = section(Panel::Throttles, share, view, area, buf);
    if let Some(row) = row(inner, 0) {
        let head = format!("{:<NAME$}{:>FIGURE$}{:>FIGURE$}  ", "cause", "60 s", "total");
        Line::of(Role::Head, head).with(Role::Head, "where").render(row, buf, view.kit);
    }
    // The throttles always stand in the same rows; other classes follow once they have happened.
    let fixed = [ErrorClass::ThrottleRpm, ErrorClass::ThrottleTpm, ErrorClass::ThrottleTpd];
    let others = flow.errors_total.iter().map(|(class, _)| *class).filter(|class| !fixed.contains(class));
    let known = 1 + fixed.len() as u16 + others.clone().count() as u16;
    if view.state.expanded.is_some() && inner.height > known + 9 {
        for (at, class) in (1..).zip(fixed.into_iter().chain(others)) {
            if let Some(row) = row(inner, at) {
                line_of(view, class).render(row, buf, view.kit);
            }
        }
        history::beneath(view, below(inner, known), buf, |view, area, buf| {
            // Beside what was refused stands what was sent: they explain each other.
            let sent = if area.height >= 14 { area.height * 3 / 5 } else { 0 };
            let (refused, [sent]) = layout::stack(area, [sent]);
            history::failures(view, refused, buf);
            if sent.height > 0 {
                super::chart::draw(view, view.state.sight(), sent, buf);
            }
        });
        return;
    }
    let spark_row = inner.height.saturating_sub(1);
    let with_spark = spark_row > 4;
    let rows = if with_spark { spark_row } else { inner.height };
    for (at, class) in fixed.into_iter().chain(others).enumerate() {
        let at = at as u16 + 1;
        match row(inner, at) {
            Some(row) if at < rows => line_of(view, class).render(row, buf, view.kit),
            _ => break,
        };
    }
    if with_spark && let Some(row) = row(inner, spark_row) {
        let used = Line::of(Role::Muted, format!("{:<NAME$}", "429 per second")).render(row, buf, view.kit);
        let rest = Rect { x: row.x + used, width: row.width.saturating_sub(used), ..row };
        Spark { values: &view.snap.series.throttles, top: None, role: Role::Throttle }.render(rest, buf, view.kit);
    }
}

fn line_of(view: &View<'_>, class: ErrorClass) -> Line<'static> {
    let of = |counts: &[(ErrorClass, u64)]| counts.iter().find(|(c, _)| *c == class).map_or(0, |(_, n)| *n);
    let (recent, total) = (of(&view.snap.flow.errors_60s), of(&view.snap.flow.errors_total));
    let quiet = |n: u64| if n > 0 { class_role(class) } else { Role::Muted };
    let places: Vec<&str> = view
        .snap
        .scopes
        .iter()
        .filter(|scope| scope.throttles_60s.iter().any(|(c, _)| *c == class))
        .map(|scope| scope.key.region.as_str())
        .collect();
    Line::of(if total > 0 { Role::Text } else { Role::Muted }, format!("{:<NAME$}", class.label()))
        .with(quiet(recent), format!("{:>FIGURE$}", fmt::exact(recent)))
        .with(if total > 0 { Role::Text } else { Role::Muted }, format!("{:>FIGURE$}", fmt::count(total)))
        .muted(format!("  {}", places.join(" ")))
}
