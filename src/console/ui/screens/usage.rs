//! Screen 6: the account. Which quota is really applied, what is used of it and by whom, and for how long the day lasts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::short_model;
use crate::console::app::usage::{self, Pool, Sort, UseRow};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Panel, Table, Width};
use crate::console::ui::{account, fmt, layout};
use crate::control::{ControlSnapshot, Question, QuotaOffer, QuotaSource};
use crate::limiter::QuotaLimit;

/// Cells of the gauge of the last minute against the quota.
const GAUGE: usize = 8;
/// Most rows for what stands in the way of publishing.
const PROBLEM_ROWS: usize = 3;

/// The columns; those with the higher numbers give way first.
fn columns(region: u16) -> [Column<'static>; 15] {
    let number = |title, width| Column::new(title, Width::Fixed(width)).align(Align::Right);
    [
        Column::new("model", Width::Flex(20)).align(Align::Middle),
        Column::new("Region", Width::Fixed(region)).align(Align::Middle),
        Column::new("bucket", Width::Fixed(6)).drop(5),
        number("TPM", 6),
        number("RPM", 6).drop(7),
        Column::new("from", Width::Fixed(10)).drop(8),
        number("ours", 6).drop(4),
        number("reserved", 8).drop(3),
        number("last", 6),
        Column::new("of TPM", Width::Fixed(GAUGE as u16)).drop(6),
        number("P90", 6).drop(9),
        number("peak", 11),
        number("others", 6),
        number("429/h", 5).drop(1),
        number("read", 4).drop(2),
    ]
}

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    if view.state.account().is_some() && body.width >= super::BESIDE {
        let [list, detail] = layout::columns(body, [5, 4]);
        list_of(view, list, buf);
        super::use_detail::render(view, 0, detail, buf);
    } else {
        list_of(view, body, buf);
    }
}

fn list_of(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    let Some(known) = view.state.account() else {
        return super::no_account("Account", view, body, buf);
    };
    let rows = view.state.visible_use();
    let at = view.state.usage.list.position(&rows.iter().collect::<Vec<_>>(), |row| usage::key(row));
    let tall = body.height >= 18;
    let attention = attention(view, known);
    let days = days(view, known);
    let works = account::works(view, known);
    let (list, [attention_area, days_area, works_area]) = layout::stack(
        body,
        [
            account::section_rows(attention.len(), if tall { body.height / 5 } else { 2 }),
            account::section_rows(days.len(), if tall { 4 } else { 2 }),
            account::section_rows(works.len(), if tall { body.height / 9 } else { 1 }),
        ],
    );
    let count = known.limits.len();
    let shown = if rows.len() == count { format!("{count}") } else { format!("{} of {count}", rows.len()) };
    let read: Vec<_> = known.account_use.iter().map(|known| (known.route.region.clone(), known.read_at_ms)).collect();
    let mut summary = Line::of(Role::Muted, "CloudWatch ");
    summary.parts.extend(account::age(view, &by_region(read)).parts);
    summary.push(Role::Muted, format!(" {} {shown}, by {}", view.kit.glyphs.separator, view.state.usage.sort.name()));
    super::filter_words(&mut summary, view.state.filter());
    let inner = Panel::new("Account").ruled().summary(summary).render(list, buf, view.kit);
    let mut above = vec![head(view, known)];
    if let Some((line, problem)) = account::publishing(view) {
        above.push(line);
        // What to do stands at the end of the service's words.
        let words = problem.map_or(Vec::new(), |problem| fmt::wrap(&problem, usize::from(inner.width)));
        above.extend(words.into_iter().take(PROBLEM_ROWS).map(|words| Line::of(Role::Text, words)));
    }
    for (y, line) in (inner.top()..inner.bottom()).zip(&above) {
        line.render(Rect { y, height: 1, ..inner }, buf, view.kit);
    }
    let above = u16::try_from(above.len()).unwrap_or(u16::MAX).min(inner.height);
    let below = Rect { y: inner.y + above, height: inner.height - above, ..inner };
    table(view, known, &rows, at, below, buf);
    account::section("Look at", &attention, attention_area, buf, view);
    account::section("Tokens per day", &days, days_area, buf, view);
    account::section("Orders", &works, works_area, buf, view);
}

/// The oldest reading of each Region.
fn by_region(read: Vec<(crate::record::Region, i64)>) -> Vec<(crate::record::Region, i64)> {
    let mut oldest: Vec<(crate::record::Region, i64)> = Vec::new();
    for (region, at) in read {
        match oldest.iter_mut().find(|(known, _)| *known == region) {
            Some((_, known)) => *known = (*known).min(at),
            None => oldest.push((region, at)),
        }
    }
    oldest
}

/// What the figures are, and what reading them costs.
fn head(view: &View<'_>, known: &ControlSnapshot) -> Line<'static> {
    let mut line =
        Line::of(Role::Muted, "tokens a minute: ours settled and reserved, the account's by CloudWatch, last hour");
    let cost = known.metric_cost;
    if cost.per_hour.0 > 0 {
        line.push(Role::Muted, format!(" {} reading costs ", view.kit.glyphs.separator));
        line.push(Role::Text, format!("{} /h", fmt::dollars(cost.per_hour)));
        line.push(Role::Muted, format!(", {} so far", fmt::dollars(cost.spent)));
    }
    line
}

fn table(view: &View<'_>, known: &ControlSnapshot, rows: &[UseRow<'_>], at: usize, area: Rect, buf: &mut Buffer) {
    let region = super::region_width(rows.iter().map(|row| &row.route().region), area.width);
    let columns = columns(region);
    let sorted = match view.state.usage.sort {
        Sort::Fullest => (11, true),
        Sort::Model => (0, false),
        Sort::Region => (1, false),
        Sort::Others => (12, true),
        Sort::Use => (8, true),
        Sort::Throttles => (13, true),
    };
    let row = |at: usize| cells(view, &rows[at]);
    Table {
        columns: &columns,
        len: rows.len(),
        row: &row,
        selected: (!rows.is_empty()).then_some(at),
        top: 0,
        sorted: Some(sorted),
        focused: true,
        empty: if known.limits.is_empty() { "no route is in use" } else { "none is kept by the filter" },
    }
    .render(area, buf, view.kit);
}

/// A limit, in a few cells.
pub(super) fn limit_word(limit: QuotaLimit) -> String {
    match limit {
        QuotaLimit::Limit(value) => fmt::count(value),
        QuotaLimit::Absent => "none".to_owned(),
        QuotaLimit::Unknown => "?".to_owned(),
    }
}

/// Who said so, short.
pub(super) fn source_word(source: &QuotaSource) -> String {
    match source {
        QuotaSource::ServiceQuotas { .. } => "Quotas API".to_owned(),
        QuotaSource::Default { year, .. } => format!("default {year}"),
        QuotaSource::Units => "MU".to_owned(),
        QuotaSource::Absent => fmt::NONE.to_owned(),
        QuotaSource::Unknown => "unknown".to_owned(),
    }
}

/// How a part of a quota is to be taken.
pub(super) fn part_role(part: Option<f64>) -> Role {
    match part {
        Some(part) if part >= 1.0 => Role::Danger,
        Some(part) if part >= 0.8 => Role::Warn,
        _ => Role::Text,
    }
}

fn cells<'a>(view: &View<'_>, row: &UseRow<'a>) -> Vec<Cell<'a>> {
    let route = row.limits.route.clone();
    let none = || Cell::new(Role::Muted, fmt::NONE);
    let tokens = |value: Option<u64>| value.map_or_else(none, |value| Cell::text(fmt::count(value)));
    let last = row.account.and_then(|known| known.last()).map(|minute| minute.quota_tokens);
    let peak = row.account.and_then(|known| known.peak_tpm());
    let peak_cell = match (peak, peak.and_then(|peak| row.part(peak))) {
        (Some(peak), Some(part)) => {
            Cell::new(part_role(Some(part)), format!("{} {:>4}", fmt::count(peak), fmt::percent(part)))
        }
        (Some(peak), None) => Cell::text(fmt::count(peak)),
        (None, _) => none(),
    };
    let others = match row.others() {
        Some(share) => Cell::new(
            if share >= 0.2 { Role::Warn } else { Role::Text },
            format!("{}{:>3.0} %", view.kit.glyphs.bounds[0], share * 100.0),
        ),
        None => none(),
    };
    let throttles = match row.throttles() {
        Some(0) => Cell::text("0"),
        Some(count) => Cell::new(Role::Warn, fmt::count(count)),
        None => none(),
    };
    vec![
        Cell::new(Role::Strong, fmt::sanitise(&short_model(&route.model)).into_owned()),
        Cell::text(fmt::sanitise(route.region.as_str()).into_owned()),
        Cell::new(Role::Muted, usage::bucket(row.limits)),
        Cell::text(limit_word(row.limits.quota.tpm.0)),
        Cell::text(limit_word(row.limits.quota.rpm.0)),
        Cell::new(Role::Muted, source_word(&row.limits.quota.tpm.1)),
        tokens(row.scope.map(|scope| scope.limiter.settled_60s)),
        tokens(row.scope.map(|scope| scope.limiter.reserved_60s)),
        tokens(last),
        last.and_then(|last| row.part(last)).map_or_else(none, |part| gauge(view, part)),
        tokens(row.account.and_then(|known| known.p90_tpm())),
        peak_cell,
        others,
        throttles,
        match row.account {
            Some(known) => Cell::new(Role::Muted, short_age(view, known.read_at_ms)),
            None => none(),
        },
    ]
}

/// A part of the quota as a bar; what is more than all of it is full.
fn gauge<'a>(view: &View<'_>, part: f64) -> Cell<'a> {
    let g = view.kit.glyphs;
    let halves = ((part * 2.0 * GAUGE as f64).round() as usize).clamp(usize::from(part > 0.0), 2 * GAUGE);
    let half = if halves % 2 == 1 { g.bar_half } else { "" };
    let empty = GAUGE - halves.div_ceil(2);
    let role = match part_role(Some(part)) {
        Role::Text => Role::Settled,
        role => role,
    };
    Cell::new(role, format!("{}{half}{}", g.bar_full.repeat(halves / 2), g.bar_empty.repeat(empty)))
}

/// How long ago something was read, in four cells.
fn short_age(view: &View<'_>, at_ms: i64) -> String {
    match view.state.since(at_ms).0 / 1_000_000 {
        seconds @ ..100 => format!("{seconds}s"),
        seconds @ ..6_000 => format!("{}m", seconds / 60),
        seconds @ ..360_000 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", (seconds / 86_400).min(999)),
    }
}

/// What wants attention: offers, unread Regions, routes at their quota.
fn attention(view: &View<'_>, known: &ControlSnapshot) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = known.offers.iter().map(|offer| offer_line(view, offer)).collect();
    if let Some(speed) = known.clock_speed {
        let words = format!("the service's clock runs {speed:.0} times as fast as ours: its minutes are ");
        let words = format!("{words}shorter, and ours cannot be compared with them");
        lines.push(Line::of(Role::Info, format!("{} ", view.kit.glyphs.dot)).text(words));
    }
    lines.extend(account::problems(view, known, &[Question::Provisioned, Question::Jobs]));
    lines.extend(view.state.visible_use().iter().filter_map(|row| {
        let words = usage::others_words(row)?;
        let route = row.route();
        let name = format!("{} in {}", short_model(&route.model), route.region);
        Some(
            Line::of(Role::Warn, format!("{} ", view.kit.glyphs.warn))
                .with(Role::Strong, name)
                .text(format!(": {words}")),
        )
    }));
    for request in known.increases.iter().filter(|request| request.state.is_open()) {
        let line = Line::of(Role::Info, format!("{} ", view.kit.glyphs.dot));
        let asked = format!(
            "{} of {}: {}",
            fmt::count(request.value as u64),
            fmt::sanitise(&request.name),
            request.state.word()
        );
        lines.push(line.text(asked).muted(format!(", {}", fmt::sanitise(request.region.as_str()))));
    }
    lines
}

/// An offer in a line.
pub(super) fn offer_line(view: &View<'_>, offer: &QuotaOffer) -> Line<'static> {
    let metric = match offer.metric {
        crate::catalogue::Metric::Rpm => "RPM",
        crate::catalogue::Metric::Tpm => "TPM",
        crate::catalogue::Metric::Tpd => "TPD",
    };
    let name = format!("{} in {}", short_model(&offer.route.model), fmt::sanitise(offer.route.region.as_str()));
    Line::of(Role::Accent, format!("{} ", view.kit.glyphs.dot))
        .with(Role::Strong, name)
        .text(match offer.was {
            QuotaLimit::Unknown => format!(": {metric} is known now, {}; ", limit_word(offer.now)),
            was => format!(": {metric} {} now, was {}; ", limit_word(offer.now), limit_word(was)),
        })
        .with(Role::Key, view.state.keymap.key(crate::console::keys::Action::TakeOffer))
        .muted(" gives it to the limiter")
        .muted(format!(", seen {}", fmt::age(view.state.since(offer.seen_ms))))
}

/// The pools of the day, a line each.
fn days(view: &View<'_>, known: &ControlSnapshot) -> Vec<Line<'static>> {
    let line = |pool: &Pool| {
        let part = pool.used.map(|used| used as f64 / pool.quota.max(1) as f64);
        let line = Line::of(Role::Muted, format!("{} ", fmt::sanitise(pool.region.as_str())))
            .with(part_role(part), fmt::maybe_percent(part))
            .text(format!(" of {}, ", fmt::count(pool.quota)));
        let Some(used) = pool.used else { return line.with(Role::Warn, "its use was not read yet") };
        let line = match pool.ends_ms {
            Some(ends) => line.with(Role::Warn, format!("runs out at {} UTC", fmt::utc_time(ends))),
            None => line.muted("lasts the day at this rate"),
        };
        let line = match pool.unread {
            0 => line,
            unread => line.with(Role::Warn, format!("; at least: {unread} in use not read")),
        };
        line.muted(format!("; {} by the models in use since midnight UTC", fmt::count(used)))
    };
    usage::pools(known, view.state.service_ms()).iter().map(line).collect()
}
