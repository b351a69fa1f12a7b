//! What the workload at hand costs bought in each way, as a table and as curves over the rate.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::catalogue::Tier;
use crate::console::app::short_model;
use crate::console::app::ways::{Compared, compared};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Curve, Curves, Line, Panel, Post, Table, Width};
use crate::console::ui::{fmt, layout};
use crate::record::{Micros, ModelId, Usd};
use crate::report::{UnitWay, Way, Ways, tier_word};

/// Rows below which curves say nothing.
const LEAST_CHART: u16 = 6;
const UNKNOWN: &str = "unknown";

const COLUMNS: [Column<'static>; 7] = [
    Column::new("bought as", Width::Fixed(19)).align(Align::Middle),
    Column::new("1,000 requests", Width::Fixed(14)).align(Align::Right).drop(2),
    Column::new("per hour", Width::Fixed(10)).align(Align::Right),
    Column::new("what is left", Width::Fixed(12)).align(Align::Right),
    Column::new("time", Width::Fixed(9)).align(Align::Right),
    Column::new("pays above", Width::Fixed(10)).align(Align::Right),
    Column::new("needs", Width::Flex(30)).drop(1),
];

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let compared = compared(view.state);
    let summary = match &compared {
        Some(compared) => Line::of(Role::Muted, format!("prices of {}; Esc goes back", compared.ways.as_of)),
        None => super::way_back(view),
    };
    let inner = Panel::new("Ways to buy").ruled().summary(summary).render(body, buf, view.kit);
    let Some(compared) = compared else {
        let words = "Nothing is known of the workload yet: no request of ours is done, and CloudWatch has none.";
        Line::of(Role::Muted, words).render(inner, buf, view.kit);
        return;
    };
    let rows = rows(&compared.ways);
    let heads = heads(&compared, inner.width >= super::WIDE);
    let heads_area = Rect { height: (heads.len() as u16).min(inner.height), ..inner };
    for (line, y) in heads.iter().zip(heads_area.top()..heads_area.bottom()) {
        line.render(Rect { y, height: 1, ..heads_area }, buf, view.kit);
    }
    let below = Rect { y: heads_area.bottom(), height: inner.height - heads_area.height, ..inner };
    let wanted = rows.len() as u16 + 1;
    let chart = below.height.saturating_sub(wanted + 1);
    let chart = if chart >= LEAST_CHART { chart } else { 0 };
    let (table, [chart]) = layout::stack(below, [chart]);
    let row = |at: usize| rows[at].clone();
    let columns = if table.width >= 100 { &COLUMNS[..] } else { &COLUMNS[..6] };
    Table {
        columns,
        len: rows.len(),
        row: &row,
        selected: None,
        top: usize::from(scroll),
        sorted: None,
        focused: false,
        empty: "",
    }
    .render(table, buf, view.kit);
    if chart.height > 0 {
        curves(&compared.ways, chart, buf, view);
    }
}

fn money(usd: Option<f64>) -> Cell<'static> {
    match usd {
        Some(usd) => Cell::text(fmt::money(Usd::from_dollars(usd))),
        None => Cell::new(Role::Muted, UNKNOWN),
    }
}

fn none() -> Cell<'static> {
    Cell::new(Role::Muted, fmt::NONE)
}

fn span(seconds: f64) -> String {
    fmt::span(Micros::from_secs_f64(seconds))
}

/// The work, and what the figures rest on.
fn heads(compared: &Compared, wide: bool) -> Vec<Line<'static>> {
    let work = compared.ways.work;
    let tokens = |value: f64| fmt::count(value.round().max(0.0) as u64);
    let mut line = Line::of(Role::Strong, fmt::sanitise(&compared.about).into_owned());
    line.push(
        Role::Text,
        format!(": {} input, {} output tokens a request, ", tokens(work.input), tokens(work.output[1])),
    );
    line.push(Role::Muted, work.by.words());
    let mut second = Line::new();
    if let Some(left) = work.requests {
        second.push(Role::Text, format!("{} requests left, ", fmt::exact(left)));
    }
    match work.per_hour {
        Some(rate) => second.push(Role::Text, format!("{} requests/h", tokens(rate))),
        None => second.push(Role::Muted, "the rate is not known"),
    }
    if !compared.ways.units.is_empty() {
        second.push(Role::Muted, "; what a MU does is assumed");
    }
    // Prices that rest on another model's are never shown without that word.
    let tiers = "flex and priority as published for Nova Pro alone";
    if wide {
        second.push(Role::Muted, format!("; {tiers}"));
        return vec![line, second];
    }
    vec![line, second, Line::of(Role::Muted, tiers)]
}

fn rows(ways: &Ways) -> Vec<Vec<Cell<'static>>> {
    let mut rows: Vec<Vec<Cell<'static>>> = ways.ways.iter().map(|way| by_token(ways, way)).collect();
    for unit in &ways.units {
        rows.extend(by_hour(ways, unit));
    }
    if ways.units.is_empty() {
        let mut row = vec![Cell::new(Role::Muted, "provisioned")];
        row.resize_with(COLUMNS.len() - 1, none);
        row.push(Cell::new(Role::Muted, "no model unit of this model is known"));
        rows.push(row);
    }
    rows
}

fn by_token(ways: &Ways, way: &Way) -> Vec<Cell<'static>> {
    let left = if ways.work.requests.is_some() { money(way.usd.map(|usd| usd[1])) } else { none() };
    let time = match (way.tier, way.seconds) {
        (Tier::Batch, _) => Cell::new(Role::Muted, "to 24 h"),
        (_, Some((_, seconds))) => Cell::text(span(seconds)),
        (_, None) => none(),
    };
    vec![
        Cell::new(if way.tier == Tier::Standard { Role::Strong } else { Role::Text }, tier_word(way.tier)),
        money(way.usd_per_request.map(|usd| usd * 1_000.0)),
        if ways.work.per_hour.is_some() { money(way.usd_per_hour) } else { none() },
        left,
        time,
        none(),
        Cell::new(Role::Muted, way.needs.clone()),
    ]
}

/// A row for each price of the units that is known, else one that says it is not.
fn by_hour(ways: &Ways, unit: &UnitWay) -> Vec<Vec<Cell<'static>>> {
    let name = |term: &str| {
        let units = unit.units;
        match unit.offer.variant.rsplit_once(':').filter(|_| ways.units.len() > 1) {
            Some((model, _)) => format!("{units} MU {}, {term}", short_model(&ModelId::from(model))),
            None => format!("{units} MU, {term}"),
        }
    };
    let time = unit.seconds.map_or_else(none, |seconds| Cell::text(span(seconds)));
    let row = |term: &str, hourly: Option<f64>, left: Cell<'static>, pays: Cell<'static>, needs: String| {
        // What a request costs in a fully used hour.
        let each = hourly.zip(unit.requests_per_hour).map(|(usd, most)| usd / (most * unit.units as f64) * 1_000.0);
        vec![
            Cell::text(name(term)),
            money(each),
            money(hourly),
            left,
            time.clone(),
            pays,
            Cell::new(Role::Muted, needs),
        ]
    };
    if unit.units_usd_per_hour.is_empty() {
        let worth = unit.break_even_usd_per_hour.map_or(UNKNOWN.to_owned(), |usd| {
            format!("worth it below {} /h and MU, full", fmt::money(Usd::from_dollars(usd)))
        });
        let left = if ways.work.requests.is_some() { money(None) } else { none() };
        return vec![row("price unknown", None, left, Cell::new(Role::Muted, UNKNOWN), worth)];
    }
    let each = unit.units_usd_per_hour.iter().map(|(term, hourly)| {
        let find = |of: &[(&'static str, f64)]| of.iter().find(|(known, _)| known == term).map(|(_, value)| *value);
        let pays = match find(&unit.break_even_use) {
            Some(share) if share <= 1.0 => Cell::new(Role::Ok, format!("{} use", fmt::percent(share).trim())),
            Some(_) => Cell::new(Role::Warn, "never"),
            None => Cell::new(Role::Muted, UNKNOWN),
        };
        let open = *term == "none";
        let left = match (ways.work.requests, open) {
            (Some(_), true) => money(find(&unit.usd)),
            (Some(_), false) => Cell::new(Role::Muted, "whole term"),
            (None, _) => none(),
        };
        let needs = if open { unit.needs.clone() } else { format!("{}, the whole term", unit.needs) };
        row(if open { "no term" } else { term }, Some(*hourly), left, pays, needs)
    });
    each.collect()
}

/// What an hour costs at each rate: by the token a line, by the hour stairs.
fn curves(ways: &Ways, area: Rect, buf: &mut Buffer, view: &View<'_>) {
    let rate = ways.work.per_hour;
    let unit = ways.units.first();
    let capacity = unit.and_then(|unit| unit.requests_per_hour);
    let most = match (capacity, rate) {
        (Some(capacity), Some(rate)) if rate > 6.0 * capacity => 1.25 * rate,
        (Some(capacity), rate) => (2.2 * capacity).max(1.25 * rate.unwrap_or(0.0)),
        (None, Some(rate)) => 2.0 * rate,
        (None, None) => return,
    };
    let by_token = |tier: Tier| {
        let usd = ways.ways.iter().find(|way| way.tier == tier).and_then(|way| way.usd_per_request);
        move |rate: f64| usd.map(|usd| usd * rate)
    };
    let (on_demand, half) = (by_token(Tier::Standard), by_token(Tier::Flex));
    // The cheapest price that is known without a term, else whichever is.
    let bought = unit.and_then(|unit| {
        let of = |term: &str| unit.offer.usd_per_hour.iter().find(|(known, _)| *known == term);
        let (term, usd) = of("none").or(unit.offer.usd_per_hour.first())?;
        Some((unit, *term, *usd))
    });
    let stairs = |rate: f64| bought.and_then(|(unit, _, usd)| unit.stairs(usd, rate));
    let mut all = Vec::new();
    if on_demand(1.0).is_some() {
        all.push(Curve { name: "on demand".to_owned(), at: &on_demand, role: Role::Settled });
    }
    if let Some((_, term, _)) = bought {
        let term = if term == "none" { "no term" } else { term };
        all.push(Curve { name: format!("provisioned, {term}"), at: &stairs, role: Role::Target });
    }
    if half(1.0).is_some() {
        all.push(Curve { name: "flex, batch".to_owned(), at: &half, role: Role::Held });
    }
    if all.is_empty() {
        let words = "No price is known: there is nothing to draw.";
        Line::of(Role::Muted, words).render(Rect { height: 1, ..area }, buf, view.kit);
        return;
    }
    let mut posts = Vec::new();
    if let Some(rate) = rate {
        posts.push(Post { at: rate, name: format!("now {}", fmt::si(rate)) });
    }
    if let (Some(capacity), None) = (capacity, bought) {
        posts.push(Post { at: capacity, name: "1 MU is full".to_owned() });
    }
    Curves { curves: &all, posts: &posts, most, along: "requests/h", unit: "$ /h" }.render(area, buf, view.kit);
}
