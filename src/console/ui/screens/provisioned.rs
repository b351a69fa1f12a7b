//! Screen 3: provisioned throughput of all Regions. What is forgotten somewhere bills as well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::confirm::unit_quota;
use crate::console::app::provisioned::{self, HOUR_MS, Sort, TermEnd, Use};
use crate::console::app::short_model;
use crate::console::keys::Action;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Panel, Table, Width};
use crate::console::ui::{account, fmt, layout, words};
use crate::control::{Commitment, ControlSnapshot, ProvisionedView};

/// From this width on there is room for what can be worked out.
const WIDE: u16 = 110;

/// The columns; the Region's is as wide as its Regions.
fn columns(region: u16) -> [Column<'static>; 10] {
    [
        Column::new("name", Width::Flex(12)).align(Align::Middle),
        Column::new("Region", Width::Fixed(region)).align(Align::Middle),
        Column::new("model", Width::Flex(14)).drop(5),
        Column::new("MU", Width::Fixed(3)).align(Align::Right),
        Column::new("status", Width::Fixed(12)),
        Column::new("term", Width::Fixed(8)).drop(4),
        Column::new("ends in", Width::Fixed(11)).align(Align::Right).drop(2),
        Column::new("$/h", Width::Fixed(8)).align(Align::Right),
        Column::new("$/term", Width::Fixed(8)).align(Align::Right).drop(6),
        Column::new("use", Width::Fixed(10)).align(Align::Right).drop(1),
    ]
}

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    // Where there is room, the detail of the selected one stands beside the list.
    if view.state.account().is_some() && body.width >= super::BESIDE {
        let [list, detail] = layout::columns(body, [5, 3]);
        list_of(view, list, false, buf);
        super::provisioned_model::render(view, 0, detail, buf);
    } else {
        list_of(view, body, true, buf);
    }
}

/// The list, and below it what goes with it; `with_selected`: a few lines on the selected one too.
fn list_of(view: &View<'_>, body: Rect, with_selected: bool, buf: &mut Buffer) {
    let Some(known) = view.state.account() else {
        return super::no_account("Provisioned throughput", view, body, buf);
    };
    let rows = view.state.visible_provisioned();
    let at = view.state.provisioned.list.position(&rows, provisioned::key);
    let selected = rows.get(at).copied().filter(|_| with_selected);
    let attention = account::provisioned_attention(view, known);
    let works = account::works(view, known);
    let about = selected.map(|one| about(view, one)).unwrap_or_default();
    let tall = body.height >= 18;
    let (list, [attention_area, works_area, about_area]) = layout::stack(
        body,
        [
            account::section_rows(attention.len(), if tall { body.height / 6 } else { 2 }),
            account::section_rows(works.len(), if tall { body.height / 9 } else { 1 }),
            if tall { account::section_rows(about.len(), 4) } else { 0 },
        ],
    );
    let count = known.provisioned.len();
    let shown = if rows.len() == count { format!("{count}") } else { format!("{} of {count}", rows.len()) };
    let mut summary = account::age(view, &known.provisioned_read_ms);
    let sort = view.state.provisioned.sort.name();
    summary.push(Role::Muted, format!(" {} {shown}, by {sort}", view.kit.glyphs.separator));
    super::filter_words(&mut summary, view.state.filter());
    let inner = Panel::new("Provisioned throughput").ruled().summary(summary).render(list, buf, view.kit);
    totals(view, known, inner.width).render(inner, buf, view.kit);
    let below = Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(1), ..inner };
    table(view, &rows, at, below, buf);
    account::section("Look at", &attention, attention_area, buf, view);
    account::section("Orders", &works, works_area, buf, view);
    if let Some(one) = selected {
        account::section(&fmt::sanitise(&one.model.name), &about, about_area, buf, view);
    }
}

/// All of it per hour and day, and the units that are allowed.
fn totals(view: &View<'_>, known: &ControlSnapshot, cells: u16) -> Line<'static> {
    if known.provisioned_read_ms.is_empty() {
        return Line::of(Role::Muted, "what there is and what it costs is not known yet");
    }
    let totals = provisioned::totals(known);
    let mut line = Line::of(Role::Muted, "together ");
    line.parts.extend(account::price(&totals).parts);
    if totals.per_hour.0 > 0 && cells >= WIDE {
        line.push(Role::Muted, format!(", {} a day", fmt::dollars(totals.per_hour.scaled(24.0))));
    }
    line.push(Role::Muted, format!(", {} MU", totals.units));
    // Quotas of which nothing is used say nothing here; a purchase shows its own.
    for quota in known.unit_quotas.iter().filter(|quota| quota.used > 0) {
        let role = if quota.used >= quota.allowed { Role::Warn } else { Role::Text };
        let place = fmt::sanitise(quota.region.as_str()).into_owned();
        line.push(Role::Muted, format!(" {} {place} ", view.kit.glyphs.separator));
        line.push(role, format!("{} of {} MU", quota.used, quota.allowed));
        line.push(Role::Muted, format!(", {}", unit_quota(&quota.name)));
    }
    line
}

fn table(view: &View<'_>, rows: &[&ProvisionedView], at: usize, area: Rect, buf: &mut Buffer) {
    let region = super::region_width(rows.iter().map(|one| &one.model.region), area.width);
    let columns = columns(region);
    let sorted = match view.state.provisioned.sort {
        Sort::Name => (0, false),
        Sort::Status => (4, false),
        Sort::Ends => (6, false),
        Sort::Price => (7, true),
    };
    let row = |at: usize| cells(view, rows[at]);
    let none = format!("there is none in these Regions; {} buys some", view.state.keymap.key(Action::New));
    let empty = match view.state.account() {
        Some(known) if known.provisioned.is_empty() && known.provisioned_read_ms.is_empty() => "",
        Some(known) if known.provisioned.is_empty() => none.as_str(),
        _ => "none is kept by the filter",
    };
    Table {
        columns: &columns,
        len: rows.len(),
        row: &row,
        selected: (!rows.is_empty()).then_some(at),
        top: 0,
        sorted: Some(sorted),
        focused: true,
        empty,
    }
    .render(area, buf, view.kit);
}

fn cells<'a>(view: &View<'_>, one: &'a ProvisionedView) -> Vec<Cell<'a>> {
    let model = &one.model;
    let now = view.state.service_ms();
    let (glyph, word, role) = words::provisioned(&model.status, view.kit.glyphs);
    let units = if model.units == model.desired_units {
        model.units.to_string()
    } else {
        format!("{}>{}", model.units, model.desired_units)
    };
    let left = model.expires_ms.map(|ends| ends.saturating_sub(now));
    let (end_role, ends) = match (provisioned::term_end(one, now), left) {
        (Some(TermEnd::Over), _) => (Role::Danger, "ended".to_owned()),
        (Some(TermEnd::ThreeDays), Some(left)) => (Role::Warn, fmt::long_span(account::millis(left))),
        (_, Some(left)) => (Role::Text, fmt::long_span(account::millis(left))),
        (_, None) => (Role::Muted, fmt::NONE.to_owned()),
    };
    let price = |price: Option<_>| match price {
        Some(price) => Cell::text(fmt::money(price)),
        None => Cell::new(Role::Warn, "unknown"),
    };
    let term = match model.commitment {
        Commitment::None => Cell::new(Role::Muted, fmt::NONE),
        Commitment::OneMonth | Commitment::SixMonths => price(provisioned::per_term(one)),
    };
    let used = match (provisioned::our_share(one, view.snap), provisioned::use_of(one, now)) {
        (Some(share), _) => Cell::text(format!("ours {}", fmt::percent(share))),
        (None, Use::Busy(calls)) => Cell::text(format!("{} /h", fmt::count(calls))),
        (None, Use::Idle(Some(idle))) => {
            // Nobody looks further back than a day: hours say it all.
            let hours = idle.for_ms / HOUR_MS;
            let time = if idle.at_least { format!(">{hours}h") } else { fmt::span(account::millis(idle.for_ms)) };
            Cell::new(Role::Warn, format!("idle {time}"))
        }
        (None, Use::Idle(None)) => Cell::new(Role::Warn, "idle"),
        (None, Use::Unknown) => Cell::new(Role::Muted, "unknown"),
    };
    vec![
        Cell::new(Role::Strong, fmt::sanitise(&model.name)),
        Cell::text(fmt::sanitise(model.region.as_str())),
        Cell::text(fmt::sanitise(&short_model(&model.model_arn.as_str().into())).into_owned()),
        Cell::text(units),
        Cell::new(role, format!("{glyph} {word}")),
        Cell::text(provisioned::commitment_word(model.commitment)),
        Cell::new(end_role, ends),
        price(one.hourly()),
        term,
        used,
    ]
}

/// The selected one in a few lines: what the table has no room for.
fn about(view: &View<'_>, one: &ProvisionedView) -> Vec<Line<'static>> {
    let model = &one.model;
    let now = view.state.service_ms();
    let muted = |text: &str| Line::of(Role::Muted, text.to_owned());
    let id = provisioned::id_of(&model.model_arn);
    let mut first = muted("model ").text(fmt::sanitise(id).into_owned());
    if model.desired_model_arn != model.model_arn && !model.desired_model_arn.is_empty() {
        first =
            first.muted(", becoming ").text(fmt::sanitise(provisioned::id_of(&model.desired_model_arn)).into_owned());
    }
    first = first.muted(" in ").text(fmt::sanitise(model.region.as_str()).into_owned());
    let labelled = |label: &str, line: Line<'static>| {
        let mut all = muted(label);
        all.parts.extend(line.parts);
        all
    };
    let term = labelled("term ", term_line(one, now));
    vec![first, term, labelled("capacity ", capacity_line(one)), labelled("use ", use_line(view, one, now))]
}

/// Commitment, its end and its price.
pub(super) fn term_line(one: &ProvisionedView, now: i64) -> Line<'static> {
    let model = &one.model;
    let mut line = Line::of(Role::Text, provisioned::commitment_word(model.commitment));
    if let Some(term) = provisioned::per_term(one) {
        line = line.muted(", about ").text(fmt::dollars(term)).muted(" in all");
    } else if one.hourly().is_none() {
        line.push(Role::Warn, ", price unknown");
    }
    if let Some(ends) = model.expires_ms {
        let left = ends.saturating_sub(now);
        line = line.muted(if left > 0 { ", ends in " } else { ", ended " });
        line.push(Role::Text, fmt::long_span(account::millis(left.saturating_abs())));
        if left <= 0 {
            line.push(Role::Text, " ago");
        }
        line.push(Role::Muted, format!(", {} UTC", fmt::utc_date_time(ends)));
    }
    line
}

/// What its units take and give in a minute.
pub(super) fn capacity_line(one: &ProvisionedView) -> Line<'static> {
    let tokens = |n: Option<u64>| n.map_or("unknown".to_owned(), fmt::count);
    Line::of(Role::Text, tokens(one.input_tpm))
        .muted(" input, ")
        .text(tokens(one.output_tpm))
        .muted(" output tokens a minute, assumed")
}

/// Who uses it.
pub(super) fn use_line(view: &View<'_>, one: &ProvisionedView, now: i64) -> Line<'static> {
    let line = match provisioned::use_of(one, now) {
        Use::Busy(calls) => {
            Line::of(Role::Text, fmt::exact(calls)).muted(" invocations by all callers in the last hour")
        }
        Use::Idle(Some(idle)) => {
            Line::of(Role::Warn, format!("idle {}", provisioned::idle_words(idle))).text(provisioned::paid_words(idle))
        }
        Use::Idle(None) => Line::of(Role::Warn, "idle").muted(": no invocation by anybody in the last hour"),
        Use::Unknown => {
            let why = one.use_unknown.as_deref().unwrap_or("CloudWatch was not asked yet");
            Line::of(Role::Muted, "unknown: ").text(fmt::sanitise(why).into_owned())
        }
    };
    // CloudWatch is asked less often than the list is read.
    let line = match one.use_read_ms.filter(|_| one.last_hour.is_some()) {
        Some(at) => line.muted(format!(" (read {})", fmt::age(view.state.since(at)))),
        None => line,
    };
    match provisioned::our_scope(one, view.snap) {
        Some(scope) => line.muted(", our load ").text(format!(
            "{} tokens in the last minute, {} in flight",
            fmt::count(scope.limiter.settled_60s),
            scope.in_flight
        )),
        None => line,
    }
}
