//! Screen 4: batch jobs of all Regions, whoever started them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::batch::{self, Sort};
use crate::console::app::provisioned::id_of;
use crate::console::app::short_model;
use crate::console::keys::Action;
use crate::console::ui::progress::bar_text;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Panel, Table, Width};
use crate::console::ui::{account, fmt, layout, words};
use crate::control::{ControlSnapshot, JobView};

/// From this width on there is room for longer bars.
const WIDE: u16 = 110;

/// The columns; the Region's is as wide as its Regions.
fn columns(region: u16, bar: u16) -> [Column<'static>; 12] {
    [
        Column::new("name", Width::Flex(12)).align(Align::Middle),
        Column::new("Region", Width::Fixed(region)).align(Align::Middle).drop(5),
        Column::new("model", Width::Flex(12)).drop(6),
        Column::new("status", Width::Fixed(13)),
        Column::new("age", Width::Fixed(6)).align(Align::Right).drop(3),
        Column::new("done/total", Width::Fixed(11)).align(Align::Right),
        Column::new("", Width::Fixed(bar)).drop(2),
        Column::new("errors", Width::Fixed(6)).align(Align::Right),
        Column::new("/min", Width::Fixed(5)).align(Align::Right).drop(1),
        Column::new("left", Width::Fixed(6)).align(Align::Right),
        Column::new("expires", Width::Fixed(7)).align(Align::Right).drop(4),
        Column::new("started", Width::Fixed(9)).drop(7),
    ]
}

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    // Where there is room, the detail of the selected one stands beside the list.
    if view.state.account().is_some() && body.width >= super::BESIDE {
        let [list, detail] = layout::columns(body, [5, 3]);
        list_of(view, list, false, buf);
        super::job::render(view, 0, detail, buf);
    } else {
        list_of(view, body, true, buf);
    }
}

/// The list, and below it what goes with it; `with_selected`: a few lines on the selected one too.
fn list_of(view: &View<'_>, body: Rect, with_selected: bool, buf: &mut Buffer) {
    let Some(known) = view.state.account() else {
        return super::no_account("Batch jobs", view, body, buf);
    };
    let rows = view.state.visible_jobs();
    let at = view.state.batch.list.position(&rows, batch::key);
    let selected = rows.get(at).copied().filter(|_| with_selected);
    let attention = account::batch_attention(view, known);
    let works = account::works(view, known);
    let about = selected.map(|one| about(view, one)).unwrap_or_default();
    let tall = body.height >= 18;
    let (list, [attention_area, works_area, about_area]) = layout::stack(
        body,
        [
            account::section_rows(attention.len(), if tall { body.height / 7 } else { 2 }),
            account::section_rows(works.len(), if tall { body.height / 6 } else { 2 }),
            if tall { account::section_rows(about.len(), 3) } else { 0 },
        ],
    );
    let count = known.jobs.len();
    let shown = if rows.len() == count { format!("{count}") } else { format!("{} of {count}", rows.len()) };
    let mut summary = account::age(view, &known.jobs_read_ms);
    let sort = view.state.batch.sort.name();
    summary.push(Role::Muted, format!(" {} {shown}, by {sort}", view.kit.glyphs.separator));
    super::filter_words(&mut summary, view.state.filter());
    let inner = Panel::new("Batch jobs").ruled().summary(summary).render(list, buf, view.kit);
    totals(view, known).render(inner, buf, view.kit);
    let below = Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(1), ..inner };
    table(view, &rows, at, below, buf);
    account::section("Look at", &attention, attention_area, buf, view);
    account::section("Orders", &works, works_area, buf, view);
    if let Some(one) = selected {
        account::section(&fmt::sanitise(&one.job.name), &about, about_area, buf, view);
    }
}

/// Jobs and records at work, and the slots.
fn totals(view: &View<'_>, known: &ControlSnapshot) -> Line<'static> {
    if known.jobs_read_ms.is_empty() {
        return Line::of(Role::Muted, "what is at work is not known yet");
    }
    let totals = batch::totals(known);
    let mut line = Line::of(Role::Strong, totals.at_work.to_string()).muted(" at work");
    if totals.total > 0 {
        line = line.muted(", ").text(fmt::count(totals.done)).muted(" of ").text(fmt::count(totals.total));
        line = line.muted(" records");
    }
    if totals.failed > 0 {
        line.push(Role::Warn, format!(", {} {} failed", view.kit.glyphs.warn, totals.failed));
    }
    // Free slots say nothing; a submission shows its own.
    for slots in known.job_slots.iter().filter(|slots| slots.used > 0 || slots.waiting > 0) {
        let model = short_model(&slots.model.as_str().into());
        let place = format!("{} {model}", slots.region);
        line.push(Role::Muted, format!(" {} slots {} ", view.kit.glyphs.separator, fmt::sanitise(&place)));
        let full = slots.allowed.is_some_and(|allowed| slots.used >= allowed);
        let allowed = slots.allowed.map_or("unknown".to_owned(), |allowed| allowed.to_string());
        line.push(if full { Role::Warn } else { Role::Text }, format!("{} of {allowed}", slots.used));
        if slots.waiting > 0 {
            line.push(Role::Warn, format!(", {} wait here", slots.waiting));
        }
    }
    line
}

fn table(view: &View<'_>, rows: &[&JobView], at: usize, area: Rect, buf: &mut Buffer) {
    let region = super::region_width(rows.iter().map(|one| &one.job.region), area.width);
    let bar = if area.width >= WIDE { 8 } else { 5 };
    let columns = columns(region, bar);
    let sorted = match view.state.batch.sort {
        Sort::Name => (0, false),
        Sort::Status => (3, false),
        Sort::Newest => (4, false),
        Sort::Errors => (7, true),
    };
    let row = |at: usize| cells(view, rows[at], usize::from(bar));
    let none = format!("there is none in these Regions; {} describes one", view.state.keymap.key(Action::New));
    let empty = match view.state.account() {
        Some(known) if known.jobs.is_empty() && known.jobs_read_ms.is_empty() => "",
        Some(known) if known.jobs.is_empty() => none.as_str(),
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

fn cells<'a>(view: &View<'_>, one: &'a JobView, bar: usize) -> Vec<Cell<'a>> {
    let job = &one.job;
    let now = view.state.service_ms();
    let (glyph, word, role) = words::job(&job.status, view.kit.glyphs);
    let count = |n: Option<u64>| n.map_or(fmt::NONE.to_owned(), fmt::count);
    let errors = match batch::error_share(one) {
        Some(0.0) => Cell::text("0%"),
        Some(share) => Cell::new(if share >= 0.05 { Role::Danger } else { Role::Warn }, fmt::percent(share)),
        None => Cell::new(Role::Muted, fmt::NONE),
    };
    let over = job.status.is_final();
    let until = |at: Option<i64>| match at {
        Some(at) if !over => fmt::span(account::millis(at.saturating_sub(now))),
        _ => fmt::NONE.to_owned(),
    };
    let late = matches!((one.done_at_ms, job.expires_ms), (Some(done), Some(ends)) if done > ends);
    vec![
        Cell::new(Role::Strong, fmt::sanitise(&job.name)),
        Cell::text(fmt::sanitise(job.region.as_str())),
        Cell::text(fmt::sanitise(&short_model(&job.model.as_str().into())).into_owned()),
        Cell::new(role, format!("{glyph} {word}")),
        Cell::new(Role::Muted, fmt::span(account::millis(now.saturating_sub(job.submitted_ms)))),
        Cell::text(format!("{}/{}", count(job.counts.processed), count(job.counts.total))),
        Cell::new(
            Role::Settled,
            batch::done_share(one).map_or(String::new(), |share| bar_text(share, bar, view.kit.glyphs)),
        ),
        errors,
        Cell::text(one.per_minute.filter(|_| !over).map_or(fmt::NONE.to_owned(), fmt::si)),
        Cell::new(if late && !over { Role::Warn } else { Role::Text }, until(one.done_at_ms)),
        Cell::text(until(job.expires_ms)),
        Cell::new(Role::Muted, if one.ours { "here" } else { "elsewhere" }),
    ]
}

/// The selected one in a few lines: what the table has no room for.
fn about(view: &View<'_>, one: &JobView) -> Vec<Line<'static>> {
    let job = &one.job;
    let now = view.state.service_ms();
    let safe = |text: &str| fmt::sanitise(text).into_owned();
    let mut first =
        Line::of(Role::Muted, "model ").text(safe(id_of(&job.model))).muted(" in ").text(safe(job.region.as_str()));
    first = first.muted(if one.ours { ", started here" } else { ", started elsewhere" });
    if one.generation > 1 {
        first.push(Role::Text, format!(", generation {}", one.generation));
    }
    let mut second = Line::of(Role::Muted, "submitted ").text(format!("{} UTC", fmt::utc_date_time(job.submitted_ms)));
    match (job.ended_ms, job.expires_ms) {
        (Some(ended), _) => {
            let took = fmt::long_span(account::millis(ended.saturating_sub(job.submitted_ms)));
            second = second.muted(", over after ").text(took);
        }
        (None, Some(ends)) if !job.status.is_final() => {
            second = second.muted(", expires in ").text(fmt::long_span(account::millis(ends.saturating_sub(now))));
        }
        _ => {}
    }
    let third = match (&job.message, one.reasons.first(), &one.fetched_to) {
        (Some(message), ..) => Line::of(Role::Danger, safe(message)),
        (None, Some((reason, count)), _) => {
            Line::of(Role::Warn, format!("{} x ", fmt::exact(*count))).text(safe(reason))
        }
        (None, None, Some(folder)) => Line::of(Role::Muted, "fetched to ").text(safe(folder)),
        (None, None, None) if job.status.is_final() => Line::of(Role::Muted, "not fetched yet: d fetches the results"),
        (None, None, None) => Line::of(Role::Muted, "input ").text(safe(&job.input)),
    };
    vec![first, second, third]
}
