//! The dashboard of an account without load of ours: its use against its quotas, by CloudWatch.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::usage::{self, Sort, UseRow};
use crate::console::app::{Panel, short_model, watch};
use crate::console::keys::Action;
use crate::console::ui::fmt;
use crate::console::ui::screens::use_detail;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Gauge, Line};

use crate::record::MinuteUse;

use super::{row, section};

/// Cells of the words behind a gauge.
const WORDS: u16 = 34;
/// What was published for an older minute is not the present: CloudWatch is some minutes late.
const RECENT_MS: i64 = 5 * MinuteUse::LENGTH_MS;

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
    rows(view).iter().find_map(usage::others_words)
}

/// Each route: its last published minute against its quota.
pub(super) fn quota(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let rows = rows(view);
    let oldest = rows.iter().filter_map(|row| row.account).map(|used| used.read_at_ms).min();
    let mut summary = Line::of(Role::Muted, "the account, by CloudWatch");
    if let Some(at) = oldest {
        summary.push(Role::Muted, format!(", read {}", fmt::age(view.state.since(at))));
    }
    let inner = section(Panel::Quota, summary, view, area, buf);
    let names: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.route().region, fmt::sanitise(&short_model(&row.route().model))))
        .collect();
    let longest = names.iter().map(|name| fmt::width(name)).max().unwrap_or(0).min(usize::from(inner.width) / 2);
    let words = if inner.width >= 110 { WORDS } else { 0 };
    let hidden = rows.len().saturating_sub(usize::from(inner.height));
    for (at, (one, name)) in rows.iter().zip(&names).enumerate() {
        let Some(line) = row(inner, at as u16) else { return };
        if hidden > 0 && at + 1 == usize::from(inner.height) {
            let key = view.state.keymap.key(Action::Account);
            let more = format!("{} more routes on ", hidden + 1);
            Line::of(Role::Muted, more).with(Role::Key, key).render(line, buf, view.kit);
            return;
        }
        let Some(used) = one.account else {
            let unread = Line::of(Role::Muted, fmt::left(name, longest, view.kit.glyphs));
            unread.with(Role::Warn, " not read yet").render(line, buf, view.kit);
            continue;
        };
        // A minute without data had no calls: an old one is not the present.
        let recent = |minute: &&MinuteUse| view.state.service_ms().saturating_sub(minute.start_ms) < RECENT_MS;
        let last = used.last().filter(recent).map_or(0, |minute| minute.quota_tokens);
        let gauge = Gauge {
            label: name,
            label_width: longest as u16,
            settled: last as f64,
            held: 0.0,
            target: None,
            quota: one.tpm().map(|tpm| tpm as f64),
            no_quota: "quota unknown",
        };
        gauge.render(Rect { width: line.width - words, ..line }, buf, view.kit);
        if words > 0 {
            let tokens = |value: Option<u64>| value.map_or(fmt::NONE.to_owned(), fmt::count);
            let throttles = one.throttles();
            let role = if throttles.is_some_and(|throttles| throttles > 0) { Role::Warn } else { Role::Muted };
            let said =
                Line::of(Role::Muted, format!("P90 {} peak {} ", tokens(used.p90_tpm()), tokens(used.peak_tpm())))
                    .with(role, format!("429 {}", tokens(throttles)));
            said.render_right(Rect { x: line.right() - words, width: words, ..line }, buf, view.kit);
        }
    }
}

/// The last hour of all routes together, where anything is known of one of them.
pub(super) fn chart(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let rows = rows(view);
    let mut sums: BTreeMap<i64, MinuteUse> = BTreeMap::new();
    for minute in rows.iter().filter_map(|row| row.account).flat_map(|used| used.minutes.iter()) {
        let sum =
            sums.entry(minute.start_ms).or_insert(MinuteUse { start_ms: minute.start_ms, ..MinuteUse::default() });
        sum.quota_tokens = sum.quota_tokens.saturating_add(minute.quota_tokens);
    }
    let inner = section(Panel::Chart, Line::of(Role::Muted, "the account, all routes, by CloudWatch"), view, area, buf);
    if sums.is_empty() {
        Line::of(Role::Muted, "Nothing was published for the last hour.").render(inner, buf, view.kit);
        return;
    }
    // Routes to the same bucket share its quota; a sum with an unknown part is unknown.
    let quotas: BTreeMap<_, _> = rows.iter().map(|row| (&row.limits.key, row.tpm())).collect();
    let quota = quotas.into_values().sum::<Option<u64>>();
    let minutes: Vec<MinuteUse> = sums.into_values().collect();
    use_detail::hour_chart(view, &minutes, &[], quota, inner, buf);
}
