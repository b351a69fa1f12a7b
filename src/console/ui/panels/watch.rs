//! The dashboard of an account without load of ours: its use against its quotas, by CloudWatch.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::usage::{self, Sort, UseRow};
use crate::console::app::watch::BucketUse;
use crate::console::app::{Hit, Panel, short_model, watch};
use crate::console::keys::Action;
use crate::console::ui::fmt;
use crate::console::ui::screens::use_detail;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Gauge, Line};
use crate::control::AccountUse;
use crate::engine::ScopeView;
use crate::record::MinuteUse;

use super::{below, calls, row, section, selected};

/// Cells of the words behind a gauge.
const WORDS: u16 = 34;
/// What was published for an older minute is not the present: CloudWatch is some minutes late.
const RECENT_MS: i64 = 5 * MinuteUse::LENGTH_MS;
/// Rows of a chart that says anything.
const CHART: u16 = 8;

/// Draws what the panel shows of the account; false: it shows the same with and without load.
pub(super) fn render(panel: Panel, view: &View<'_>, area: Rect, buf: &mut Buffer) -> bool {
    match panel {
        Panel::Quota => quota(view, area, buf),
        Panel::Chart => chart(view, area, buf),
        Panel::Flow => calls::counts(view, area, buf),
        Panel::Throttles => calls::throttles(view, area, buf),
        Panel::Regions => calls::regions(view, area, buf),
        Panel::Latency => calls::latency(view, area, buf),
        Panel::Run | Panel::Money | Panel::Verdict | Panel::Journal => return false,
    }
    true
}

fn rows<'a>(view: &View<'a>) -> Vec<UseRow<'a>> {
    let account = view.state.account();
    account.map(|account| usage::rows(account, view.snap, "", Sort::Fullest)).unwrap_or_default()
}

/// What the account's use says: sentence and advice.
pub(super) fn words(view: &View<'_>) -> (String, String) {
    view.state.account().map(|account| watch::verdict(account, &rows(view))).unwrap_or_default()
}

/// Why others are the reason of what our limiter finds, if they are.
pub(super) fn others(view: &View<'_>) -> Option<String> {
    let rows = rows(view);
    let (row, words) = rows.iter().find_map(|row| Some((row, usage::others_words(row)?)))?;
    // Of several scopes it must be said which one is meant.
    let name = || format!("{} in {}: ", short_model(&row.route().model), row.route().region);
    Some(if view.snap.scopes.len() > 1 { name() + &words } else { words })
}

/// The part of each scope's tokens that is not ours, at least, where CloudWatch has said anything of it.
pub(super) fn others_of(view: &View<'_>, scopes: &[ScopeView]) -> Vec<Option<f64>> {
    let rows = rows(view);
    let of = |scope: &ScopeView| rows.iter().find(|row| *row.route() == scope.route)?.reconciled.others_at_least;
    scopes.iter().map(of).collect()
}

/// What a bucket is called here.
pub(super) fn name(bucket: &BucketUse<'_>) -> String {
    let route = &bucket.limits.route;
    fmt::sanitise(&format!("{} {}", route.region, short_model(&route.model))).into_owned()
}

/// Whether a minute is the last one that can be published by now: without data, an old one is not the present.
pub(super) fn is_recent(view: &View<'_>, start_ms: i64) -> bool {
    view.state.service_ms().saturating_sub(start_ms) < RECENT_MS
}

/// The last published minute, if it is of now.
pub(super) fn recent<'a>(view: &View<'_>, used: &'a AccountUse) -> Option<&'a MinuteUse> {
    used.last().filter(|minute| is_recent(view, minute.start_ms))
}

/// A number, or that there is none.
pub(super) fn or_none(value: Option<u64>) -> String {
    value.map_or(fmt::NONE.to_owned(), fmt::count)
}

/// Says in the last row of `area` that some have no row; `None`: all have one. Gives how many have.
pub(super) fn shown(view: &View<'_>, len: usize, area: Rect, buf: &mut Buffer) -> usize {
    let room = usize::from(area.height);
    if len <= room {
        return len;
    }
    let shown = room.saturating_sub(1);
    if let Some(last) = row(area, area.height.saturating_sub(1)) {
        let key = view.state.keymap.key(Action::Account);
        Line::of(Role::Muted, format!("+ {} more on ", len - shown)).with(Role::Key, key).render(last, buf, view.kit);
    }
    shown
}

/// Each bucket: its last published minute against its quota.
fn quota(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let buckets = view.state.watched();
    let oldest = buckets.iter().filter_map(|bucket| bucket.used.as_ref()).map(|used| used.read_at_ms).min();
    let mut summary = Line::of(Role::Muted, "the account, by CloudWatch");
    if let Some(at) = oldest {
        summary.push(Role::Muted, format!(", read {}", fmt::age(view.state.since(at))));
    }
    let inner = section(Panel::Quota, summary, view, area, buf);
    let names: Vec<String> = buckets.iter().map(name).collect();
    // The pointer has a cell.
    let longest = names.iter().map(|name| fmt::width(name)).max().unwrap_or(0).min(usize::from(inner.width) / 2);
    let chosen = selected(Panel::Quota, view);
    let shown = shown(view, buckets.len(), inner, buf);
    for (at, (bucket, name)) in buckets.iter().zip(&names).enumerate().take(shown) {
        let Some(line) = row(inner, at as u16) else { return };
        view.kit.takes_clicks(line, Hit::PanelRow(Panel::Quota, at));
        if chosen == Some(at) {
            Line::of(Role::Focus, view.kit.glyphs.pointer).render(line, buf, view.kit);
        }
        let line = Rect { x: line.x + 2.min(line.width), width: line.width.saturating_sub(2), ..line };
        of_bucket(view, bucket, &fmt::left(name, longest, view.kit.glyphs), line, buf);
    }
    let rest = below(inner, shown as u16 + 1);
    if view.state.expanded == Some(Panel::Quota) && rest.height >= CHART {
        the_hour(view, rest, buf);
    }
}

fn of_bucket(view: &View<'_>, bucket: &BucketUse<'_>, name: &str, line: Rect, buf: &mut Buffer) {
    let Some(used) = &bucket.used else {
        Line::of(Role::Muted, name).with(Role::Warn, " not read yet").render(line, buf, view.kit);
        return;
    };
    let words = if line.width >= 108 { WORDS } else { 0 };
    let room = Rect { width: line.width - words, ..line };
    match recent(view, used) {
        Some(last) => Gauge {
            label: name,
            label_width: fmt::width(name) as u16,
            settled: last.quota_tokens as f64,
            held: 0.0,
            target: None,
            quota: bucket.tpm().map(|tpm| tpm as f64),
            no_quota: "quota unknown",
        }
        .render(room, buf, view.kit),
        None => {
            let quota = bucket.tpm().map_or(String::new(), |tpm| format!(" of {}", fmt::count(tpm)));
            Line::of(Role::Muted, format!("{name} {}{quota}, nothing published for 5 minutes", fmt::NONE))
                .render(room, buf, view.kit);
        }
    }
    if words > 0 {
        let throttles = bucket.hour(|minute| minute.throttles);
        let role = if throttles.is_some_and(|throttles| throttles > 0) { Role::Warn } else { Role::Muted };
        let said = format!("P90 {} peak {} ", or_none(used.p90_tpm()), or_none(used.peak_tpm()));
        let said = Line::of(Role::Muted, said).with(role, format!("429 {}", or_none(throttles)));
        said.render_right(Rect { x: line.right() - words, width: words, ..line }, buf, view.kit);
    }
}

/// The last hour of all buckets together, where anything is known of one of them.
fn chart(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let inner = section(Panel::Chart, Line::of(Role::Muted, "the account, all routes, by CloudWatch"), view, area, buf);
    the_hour(view, inner, buf);
}

fn the_hour(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let buckets = view.state.watched();
    let mut sums: BTreeMap<i64, MinuteUse> = BTreeMap::new();
    for minute in buckets.iter().flat_map(BucketUse::minutes) {
        let start_ms = minute.start_ms;
        sums.entry(start_ms).or_insert(MinuteUse { start_ms, ..MinuteUse::default() }).add(minute);
    }
    if sums.is_empty() {
        Line::of(Role::Muted, "Nothing was published for the last hour.").render(area, buf, view.kit);
        return;
    }
    // A sum with an unknown part is unknown.
    let quota = buckets.iter().map(BucketUse::tpm).sum::<Option<u64>>();
    let minutes: Vec<MinuteUse> = sums.into_values().collect();
    use_detail::hour_chart(view, &use_detail::tokens(quota), &minutes, &[], area, buf);
}
