//! Spend against its cap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{Panel, short_model};
use crate::console::ui::facts::{self, Fact};
use crate::console::ui::fmt;
use crate::console::ui::progress::Progress;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Level, Line, Table, Width};
use crate::engine::{ScopeView, Trend};
use crate::record::{Micros, Usd};

use super::plots::{self, Curve, Plot};
use super::{below, history, row, section};

const LEAST: u16 = 17;

/// Rows that it has something for.
pub(super) fn rows(view: &View<'_>, width: u16) -> u16 {
    facts::rows(values(view).len(), LEAST, width) + u16::from(view.snap.money.cap.is_some())
}

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
    let facts = values(view);
    if view.state.expanded.is_none() {
        return facts::render(&facts, LEAST, rest, buf, view.kit);
    }
    let rows = facts::rows(facts.len(), LEAST, rest.width).min(rest.height);
    facts::render(&facts, LEAST, Rect { height: rows, ..rest }, buf, view.kit);
    let rest = below(rest, rows + 1);
    let used = by_route(view, rest, buf);
    history::beneath(view, below(rest, used), buf, |view, area, buf| plots::grid(view, &over_time(view), area, buf));
}

const ROUTES: [Column<'static>; 5] = [
    Column::new("Region", Width::Fixed(14)),
    Column::new("model", Width::Flex(16)),
    Column::new("$ per hour", Width::Fixed(12)).align(Align::Right),
    Column::new("spent", Width::Fixed(12)).align(Align::Right),
    Column::new("share", Width::Fixed(8)).align(Align::Right),
];
/// Wider, its figures would be too far from their names.
const WIDEST: u16 = 90;

/// What each route costs, the dearest first; returns the rows used.
fn by_route(view: &View<'_>, area: Rect, buf: &mut Buffer) -> u16 {
    let mut scopes: Vec<&ScopeView> = view.snap.scopes.iter().collect();
    scopes.sort_by_key(|scope| std::cmp::Reverse((scope.per_hour, scope.spent_total)));
    let all: Usd = scopes.iter().map(|scope| scope.spent_total).fold(Usd::ZERO, |sum, spent| sum + spent);
    let row = |at: usize| {
        let scope = scopes[at];
        let share = (all > Usd::ZERO).then(|| scope.spent_total.dollars() / all.dollars());
        let spent = if scope.per_hour.is_none() {
            Cell::new(Role::Warn, "no price")
        } else {
            Cell::text(fmt::money(scope.spent_total))
        };
        vec![
            Cell::new(Role::Strong, scope.route.region.as_str()),
            Cell::text(fmt::sanitise(&short_model(&scope.route.model)).into_owned()),
            Cell::new(Role::Strong, scope.per_hour.map_or_else(|| fmt::NONE.to_owned(), fmt::money)),
            spent,
            Cell::text(fmt::maybe_percent(share)),
        ]
    };
    // The charts keep half of the screen.
    let fit = usize::from(area.height / 2).saturating_sub(1).max(1);
    let len = scopes.len().min(fit);
    let table = Table {
        columns: &ROUTES,
        len,
        row: &row,
        selected: None,
        top: 0,
        sorted: None,
        focused: false,
        empty: "no route is in use",
    };
    let used = (len as u16 + 1).min(area.height);
    table.render(Rect { height: used, width: area.width.min(WIDEST), ..area }, buf, view.kit);
    used
}

/// Spend per hour by model and by Region, and what was spent against the cap.
fn over_time<'a>(view: &View<'a>) -> Vec<Plot<'a>> {
    let trends = &view.snap.trends;
    let total = || Curve::level("all", Role::Strong, plots::steps(view, &trends.per_hour));
    let parts = |named: Vec<(String, &Trend)>| {
        // One part is all there is.
        let several = named.len() > 1;
        let parts = named.into_iter().zip(plots::ROLES);
        let parts = parts.map(|((name, trend), role)| Curve::level(name, role, plots::steps(view, trend)));
        let mut curves: Vec<Curve<'a>> = parts.collect();
        if several {
            curves.push(total());
        }
        curves
    };
    let models = trends.models.iter().map(|model| (short_model(&model.model.as_str().into()), &model.per_hour));
    let regions = trends.regions.iter().map(|region| (region.region.to_string(), &region.per_hour));
    let cap = view.snap.money.cap.map(|cap| Level { name: "cap", value: cap.dollars(), role: Role::Quota });
    vec![
        Plot { title: "By model".into(), unit: "$ per hour", curves: parts(models.collect()), levels: Vec::new() },
        Plot { title: "By Region".into(), unit: "$ per hour", curves: parts(regions.collect()), levels: Vec::new() },
        Plot {
            title: "Spent".into(),
            unit: "$",
            curves: vec![Curve::level("spent", Role::SeriesA, plots::steps(view, &trends.spent)).area()],
            levels: cap.into_iter().collect(),
        },
    ]
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
