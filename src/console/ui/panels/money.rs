//! Spend against its cap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Panel, short_model};
use crate::console::ui::facts::{self, Fact};
use crate::console::ui::fmt;
use crate::console::ui::progress::Progress;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::Line;
use crate::record::{Micros, Usd};

use super::{below, row, section};

const LEAST: u16 = 17;

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let money = &view.snap.money;
    let word = if view.snap.target.simulated { "simulated, " } else { "" };
    let summary = match money.cap {
        Some(cap) => Line::of(Role::Muted, word).muted("cap ").text(fmt::money(cap)),
        None => Line::of(Role::Muted, word).muted("no cap"),
    };
    let inner = section(Panel::Money, summary, view, area, buf);
    let rest = match (money.cap, row(inner, 0)) {
        (Some(cap), Some(bar)) => {
            against_cap(view, cap, bar, buf);
            below(inner, 1)
        }
        _ => inner,
    };
    facts::render(&values(view), LEAST, rest, buf, view.kit);
}

fn against_cap(view: &View<'_>, cap: Usd, bar: Rect, buf: &mut Buffer) {
    let money = &view.snap.money;
    let used = (money.spent + money.in_flight).dollars();
    let share = if cap > Usd::ZERO { used / cap.dollars() } else { 1.0 };
    let role = if share >= 0.9 { Role::Warn } else { Role::Strong };
    let figures = Line::of(role, format!("{:>6}", fmt::percent(share))).muted(" of cap");
    let width = (figures.width() as u16 + 1).min(bar.width);
    figures.render_right(Rect { x: bar.right() - width, width, ..bar }, buf, view.kit);
    let left = Rect { width: bar.width.saturating_sub(width), ..bar };
    let (done, under_way) = (money.spent.dollars(), money.in_flight.dollars());
    Progress { done, under_way, whole: cap.dollars() }.render(left, buf, view.kit);
}

fn values<'a>(view: &View<'a>) -> Vec<Fact<'a>> {
    let money = &view.snap.money;
    let unpriced = money.unpriced.first().map(|first| {
        let more = money.unpriced.len() - 1;
        let first = short_model(&first.as_str().into());
        Fact::with("no price", Role::Warn, if more > 0 { format!("{first} +{more}") } else { first })
    });
    // A price that is not known is unknown, never nothing.
    if unpriced.is_some() && money.spent + money.in_flight == Usd::ZERO {
        return std::iter::once(Fact::with("spent", Role::Warn, "unknown")).chain(unpriced).collect();
    }
    let mut facts = vec![
        Fact::with("spent", Role::Strong, known(money.spent, view)),
        Fact::new("rate", known(money.per_hour, view)).unit(" /h"),
        Fact::new("in flight", known(money.in_flight, view)),
    ];
    if let Some(cap) = money.cap {
        facts.push(Fact::new("cap in", cap_in(cap, money.spent + money.in_flight, money.per_hour)));
    }
    let done = view.snap.run.succeeded;
    if done > 0 {
        facts.push(Fact::new("a record", known(Usd(money.spent.0 / done as i64), view)));
    }
    if money.estimated > Usd::ZERO {
        facts.push(Fact::new("estimate", format!("{}{}", view.kit.glyphs.about, fmt::money(money.estimated))));
    }
    if let Some(unpriced) = unpriced {
        facts.insert(0, unpriced);
    }
    facts
}

/// An amount; nothing at all is not zero where a model in use has no known price.
fn known(amount: Usd, view: &View<'_>) -> String {
    let unknown = amount == Usd::ZERO && !view.snap.money.unpriced.is_empty();
    if unknown { fmt::NONE.to_owned() } else { fmt::money(amount) }
}

/// The time until the cap at the present rate.
fn cap_in(cap: Usd, used: Usd, per_hour: Usd) -> String {
    if used >= cap {
        return "reached".to_owned();
    }
    if per_hour <= Usd::ZERO {
        return fmt::NONE.to_owned();
    }
    fmt::span(Micros::from_secs_f64((cap - used).dollars() / per_hour.dollars() * 3_600.0))
}
