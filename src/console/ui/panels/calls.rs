//! The account's calls by CloudWatch, whoever made them: counts, throttles, Regions, how long they took.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::Panel;
use crate::console::app::watch::BucketUse;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Spark, Table, Width};
use crate::record::{Micros, MinuteUse, Region};

use super::watch::{is_recent, name, or_none, recent, shown};
use super::{below, row, selected, titled};

/// Cells of the names and of each figure.
const NAME: usize = 16;
const FIGURE: usize = 16;
/// Cells of a figure beside the name of a bucket.
const NARROW: usize = 9;
/// Minutes of the throttles over time.
const MINUTES: i64 = 60;

/// The start of the last minute that is published for any of the buckets, if it is of now.
fn last_minute(view: &View<'_>, buckets: &[BucketUse<'_>]) -> Option<i64> {
    let used = buckets.iter().filter_map(|bucket| bucket.used.as_ref());
    used.filter_map(|used| recent(view, used)).map(|minute| minute.start_ms).max()
}

/// A sum over the buckets in one minute. A bucket without data in a minute that is published had no calls in it.
fn in_minute<'a, 'b: 'a>(
    mut buckets: impl Iterator<Item = &'a BucketUse<'b>>,
    minute: Option<i64>,
    of: impl Fn(&MinuteUse) -> u64,
) -> Option<u64> {
    let start_ms = minute?;
    let of_bucket = |bucket: &BucketUse<'_>| Some(bucket.used.as_ref()?.at(start_ms).map_or(0, &of));
    buckets.try_fold(None, |sum: Option<u64>, bucket| {
        Some(of_bucket(bucket).map_or(sum, |count| Some(sum.unwrap_or(0).saturating_add(count))))
    })?
}

/// A sum over the buckets in the last hour; `None`: nothing is published for any.
fn in_hour<'a, 'b: 'a>(
    buckets: impl Iterator<Item = &'a BucketUse<'b>>,
    of: impl Fn(&MinuteUse) -> u64,
) -> Option<u64> {
    buckets.filter_map(|bucket| bucket.hour(&of)).reduce(u64::saturating_add)
}

fn by_cloudwatch(minute: Option<i64>) -> Line<'static> {
    match minute {
        Some(start_ms) => Line::of(Role::Muted, format!("by CloudWatch, {} UTC", &fmt::utc_time(start_ms)[..5])),
        None => Line::of(Role::Muted, "by CloudWatch, nothing published for 5 minutes"),
    }
}

type Count = fn(&MinuteUse) -> u64;

/// What was called, and what came of it.
pub(super) fn counts(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let buckets = view.state.watched();
    let minute = last_minute(view, &buckets);
    let inner = titled(Panel::Flow, "Calls", by_cloudwatch(minute), view, area, buf);
    let cells = |name: &str, last: String, hour: String| format!("{name:<NAME$}{last:>FIGURE$}{hour:>FIGURE$}");
    if let Some(row) = row(inner, 0) {
        let head = cells("the account", "last minute".into(), "last hour".into());
        Line::of(Role::Head, head).render(row, buf, view.kit);
    }
    let both = |of: Count| (in_minute(buckets.iter(), minute, of), in_hour(buckets.iter(), of));
    let rows: [(&str, Count, Role); 4] = [
        ("invocations", |minute| minute.invocations, Role::Text),
        ("throttles", |minute| minute.throttles, Role::Throttle),
        ("client errors", |minute| minute.client_errors, Role::Warn),
        ("server errors", |minute| minute.server_errors, Role::Danger),
    ];
    for (at, (name, of, bad)) in (1..).zip(rows) {
        let Some(row) = row(inner, at) else { return };
        let (last, hour) = both(of);
        let role = if hour.is_some_and(|count| count > 0) { bad } else { Role::Text };
        Line::of(role, cells(name, or_none(last), or_none(hour))).render(row, buf, view.kit);
    }
    if let Some(row) = row(inner, 5) {
        let (input, output) = (both(|minute| minute.input), both(|minute| minute.output));
        let pair = |input, output| format!("{} / {}", or_none(input), or_none(output));
        let line = cells("tokens in / out", pair(input.0, output.0), pair(input.1, output.1));
        Line::of(Role::Text, line).render(row, buf, view.kit);
    }
}

/// Where calls were throttled.
pub(super) fn throttles(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let buckets = view.state.watched();
    let throttles: Count = |minute| minute.throttles;
    let summary = match (in_hour(buckets.iter(), throttles), in_hour(buckets.iter(), |minute| minute.invocations)) {
        (Some(throttled), Some(calls)) => {
            let share = throttled as f64 / (throttled.saturating_add(calls)).max(1) as f64;
            let role = if throttled > 0 { Role::Throttle } else { Role::Text };
            Line::of(role, fmt::percent(share)).muted(" of calls, last hour")
        }
        _ => Line::of(Role::Muted, "nothing published"),
    };
    let inner = titled(Panel::Throttles, "Throttles", summary, view, area, buf);
    let minute = last_minute(view, &buckets);
    let wide = usize::from(inner.width).saturating_sub(3 * NARROW);
    let cells = |name: &str, figures: [String; 3]| {
        let name = fmt::left(name, wide, view.kit.glyphs);
        figures.iter().fold(name, |line, figure| format!("{line}{figure:>NARROW$}"))
    };
    if let Some(row) = row(inner, 0) {
        let head = cells("quota", ["minute", "hour", "of calls"].map(str::to_owned));
        Line::of(Role::Head, head).render(row, buf, view.kit);
    }
    let mut throttled: Vec<_> = buckets
        .iter()
        .filter_map(|bucket| Some((bucket, bucket.hour(throttles).filter(|count| *count > 0)?)))
        .collect();
    throttled.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let spark = u16::from(inner.height > 4 && !throttled.is_empty());
    let list = below(Rect { height: inner.height.saturating_sub(spark), ..inner }, 1);
    if throttled.is_empty() {
        let known = in_hour(buckets.iter(), throttles).is_some();
        let words = if known { "none in the last hour" } else { fmt::NONE };
        Line::of(Role::Muted, words).render(list, buf, view.kit);
        return;
    }
    let rows = shown(view, throttled.len(), list, buf);
    for (at, (bucket, count)) in (0..).zip(throttled.iter().take(rows)) {
        let Some(row) = row(list, at) else { break };
        let calls = bucket.hour(|minute| minute.invocations).unwrap_or(0).saturating_add(*count);
        let last = in_minute(std::iter::once(*bucket), minute, throttles);
        let figures = [or_none(last), fmt::count(*count), fmt::percent(*count as f64 / calls.max(1) as f64)];
        Line::of(Role::Throttle, cells(&name(bucket), figures)).render(row, buf, view.kit);
    }
    if let Some(row) = row(inner, inner.height.saturating_sub(1)).filter(|_| spark > 0) {
        let used = Line::of(Role::Muted, format!("{:<NAME$}", "429 per minute")).render(row, buf, view.kit);
        let rest = Rect { x: row.x + used, width: row.width.saturating_sub(used), ..row };
        let values = by_minute(&buckets, throttles);
        Spark { values: &values, top: None, role: Role::Throttle }.render(rest, buf, view.kit);
    }
}

/// A sum over the buckets in each minute of the hour that ends with the last published one.
fn by_minute(buckets: &[BucketUse<'_>], of: Count) -> Vec<f32> {
    let all = || buckets.iter().flat_map(BucketUse::minutes);
    let Some(last) = all().map(|minute| minute.start_ms).max() else { return Vec::new() };
    let mut values = vec![f32::NAN; MINUTES as usize];
    for minute in all() {
        let back = last.saturating_sub(minute.start_ms) / MinuteUse::LENGTH_MS;
        if (0..MINUTES).contains(&back) {
            let value = &mut values[(MINUTES - 1 - back) as usize];
            *value = if value.is_nan() { 0.0 } else { *value } + of(minute) as f32;
        }
    }
    values
}

const REGIONS: [Column<'static>; 7] = [
    Column::new("", Width::Fixed(1)),
    Column::new("Region", Width::Fixed(14)),
    Column::new("calls/min", Width::Fixed(9)).align(Align::Right),
    Column::new("TPM", Width::Fixed(6)).align(Align::Right),
    Column::new("429 /h", Width::Fixed(6)).align(Align::Right),
    Column::new("err. /h", Width::Fixed(7)).align(Align::Right).drop(2),
    Column::new("read", Width::Fixed(8)).align(Align::Right).drop(1),
];

/// The account in each Region.
pub(super) fn regions(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let buckets = view.state.watched();
    let minute = last_minute(view, &buckets);
    let inner = titled(Panel::Regions, "Regions", by_cloudwatch(minute), view, area, buf);
    let regions = &view.snap.regions;
    let chosen = selected(Panel::Regions, view);
    let list = below(inner, 1);
    let rows = shown(view, regions.len(), list, buf);
    let row = |at: usize| of_region(view, &buckets, &regions[at].region, minute, chosen == Some(at));
    Table {
        columns: &REGIONS,
        len: rows,
        row: &row,
        selected: chosen.filter(|at| *at < rows),
        top: 0,
        sorted: None,
        focused: false,
        empty: "no Region is in use",
    }
    .render(Rect { height: 1 + rows as u16, ..inner }.intersection(inner), buf, view.kit);
}

fn of_region<'a>(
    view: &View<'a>,
    buckets: &[BucketUse<'_>],
    region: &'a Region,
    minute: Option<i64>,
    chosen: bool,
) -> Vec<Cell<'a>> {
    let here = || buckets.iter().filter(|bucket| bucket.limits.key.region == *region);
    let number = |value: Option<u64>, bad: Role| match value {
        Some(count) if count > 0 => Cell::new(bad, fmt::count(count)),
        Some(_) => Cell::text("0"),
        None => Cell::new(Role::Muted, fmt::NONE),
    };
    let read = here().filter_map(|bucket| bucket.used.as_ref()).map(|used| used.read_at_ms).min();
    let g = view.kit.glyphs;
    let throttles = in_hour(here(), |minute| minute.throttles);
    let errors = in_hour(here(), |minute| minute.client_errors.saturating_add(minute.server_errors));
    let (glyph, role) = match (read, throttles) {
        (None, _) => (g.ring, Role::Muted),
        (Some(_), Some(1..)) => (g.warn, Role::Throttle),
        (Some(_), _) => (g.dot, Role::Ok),
    };
    vec![
        if chosen { Cell::new(Role::Focus, g.pointer) } else { Cell::new(role, glyph) },
        Cell::new(Role::Strong, region.as_str()),
        number(in_minute(here(), minute, |minute| minute.invocations), Role::Text),
        number(in_minute(here(), minute, |minute| minute.quota_tokens), Role::Text),
        number(throttles, Role::Throttle),
        number(errors, Role::Warn),
        match read {
            Some(at) => Cell::new(Role::Muted, fmt::age(view.state.since(at))),
            None => Cell::new(Role::Warn, "not yet"),
        },
    ]
}

/// How long the calls took.
pub(super) fn latency(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let buckets = view.state.watched();
    let inner = titled(Panel::Latency, "Latency", Line::of(Role::Muted, "by CloudWatch"), view, area, buf);
    let wide = usize::from(inner.width).saturating_sub(3 * NARROW);
    let cells = |name: &str, figures: [String; 3]| {
        let name = fmt::left(name, wide, view.kit.glyphs);
        figures.iter().fold(name, |line, figure| format!("{line}{figure:>NARROW$}"))
    };
    if let Some(row) = row(inner, 0) {
        let head = cells("last minute", ["p50", "p99", "p99 hour"].map(str::to_owned));
        Line::of(Role::Head, head).render(row, buf, view.kit);
    }
    let list = below(inner, 1);
    let rows = shown(view, buckets.len(), list, buf);
    for (at, bucket) in (0..).zip(buckets.iter().take(rows)) {
        let Some(row) = row(list, at) else { return };
        let minutes = bucket.used.as_ref().map(|used| used.latency.as_slice()).unwrap_or_default();
        let last = minutes.last().filter(|minute| is_recent(view, minute.start_ms));
        let time = |ms: Option<u64>| fmt::maybe_latency(ms.map(Micros::from_millis));
        let longest = minutes.iter().map(|minute| minute.p99_ms).max();
        let figures = [time(last.map(|minute| minute.p50_ms)), time(last.map(|minute| minute.p99_ms)), time(longest)];
        let role = if minutes.is_empty() { Role::Muted } else { Role::Text };
        Line::of(role, cells(&name(bucket), figures)).render(row, buf, view.kit);
    }
}
