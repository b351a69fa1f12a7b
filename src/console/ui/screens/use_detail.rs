//! One route of the account: its quotas, its last hour, our part in it, its last day.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::usage::{self, UseRow};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Axis, Bin, Chart, Level, Line, Panel, Series, Shape};
use crate::console::ui::{fmt, layout};
use crate::control::{ControlSnapshot, DayUse, QuotaCell};
use crate::control::{QuotaRequest, RequestState};
use crate::limiter::QuotaLimit;
use crate::record::{MinuteUse, Reconciled};

use super::Facts;
use super::usage::{limit_word, offer_line, part_role, source_word};

/// Seconds of the chart.
const HOUR: u64 = 3_600;
/// Rows of the chart with its legend and axis.
const CHART: u16 = 9;
/// Cells of an hour in the day.
const HOUR_CELLS: usize = 3;

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let inner = Panel::new("Account").ruled().summary(super::way_back(view)).render(body, buf, view.kit);
    let (Some(account), Some(row)) = (view.state.account(), view.state.selected_use()) else {
        return super::scrolled(&[super::gone(view)], scroll, inner, buf, view.kit);
    };
    // Calls and throttles have charts of their own where the facts keep room.
    let chart = match inner.height {
        height if height >= 5 * CHART => 3 * CHART,
        height if height >= 2 * CHART => CHART,
        _ => 0,
    };
    let (facts, [hour]) = layout::stack(inner, [chart]);
    super::scrolled(&lines(view, account, &row, usize::from(facts.width)), scroll, facts, buf, view.kit);
    if chart > 0 {
        the_hour(view, &row, hour, buf);
    }
}

/// What a chart of the hour shows of each minute.
pub(in crate::console::ui) struct Shown {
    /// The number.
    of: fn(&MinuteUse) -> u64,
    /// Its unit.
    unit: &'static str,
    /// What is allowed of it, if that is known.
    quota: Option<u64>,
}

/// Quota tokens against their quota.
pub(in crate::console::ui) fn tokens(tpm: Option<u64>) -> Shown {
    Shown { of: |minute| minute.quota_tokens, unit: "quota tokens per minute", quota: tpm }
}

/// A number of each second of the hour that ends with the present minute; seconds of minutes without data are none.
fn seconds(of: fn(&MinuteUse) -> u64, minutes: &[MinuteUse], first_ms: i64) -> Vec<f32> {
    let mut values = vec![f32::NAN; HOUR as usize];
    for minute in minutes {
        let from = minute.start_ms.saturating_sub(first_ms).div_euclid(1_000);
        for second in from.max(0)..from.saturating_add(60).min(HOUR as i64) {
            values[second as usize] = of(minute) as f32;
        }
    }
    values
}

fn the_hour(view: &View<'_>, row: &UseRow<'_>, area: Rect, buf: &mut Buffer) {
    let theirs = row.account.map(|known| known.minutes.as_slice()).unwrap_or_default();
    // Minutes of another length cannot stand beside each other.
    let apart = view.state.account().is_some_and(|account| account.clock_speed.is_some());
    let ours = if apart { &[] } else { view.snap.minutes_over(row.route()) };
    let rpm = match row.limits.quota.rpm.0 {
        QuotaLimit::Limit(rpm) => Some(rpm),
        QuotaLimit::Unknown | QuotaLimit::Absent => None,
    };
    let calls = Shown { of: |minute| minute.invocations, unit: "invocations per minute", quota: rpm };
    let throttles = Shown { of: |minute| minute.throttles, unit: "throttles per minute", quota: None };
    let all = [tokens(row.tpm()), calls, throttles];
    let (first, rest) = layout::stack(area, [CHART, CHART].map(|rows| if area.height >= 3 * CHART { rows } else { 0 }));
    for (shown, area) in all.iter().zip([first].into_iter().chain(rest)) {
        if area.height > 0 {
            hour_chart(view, shown, theirs, ours, area, buf);
        }
    }
}

/// Minutes of everybody with ours beside them, up to the last one that is published: of later ones there is no news of
/// anybody.
pub(in crate::console::ui) fn hour_chart(
    view: &View<'_>,
    shown: &Shown,
    theirs: &[MinuteUse],
    ours: &[MinuteUse],
    area: Rect,
    buf: &mut Buffer,
) {
    let last = theirs.last().map(|minute| minute.start_ms);
    let end_ms = last.unwrap_or_else(|| MinuteUse::start_of(view.state.service_ms())) + MinuteUse::LENGTH_MS;
    let first_ms = end_ms - 1_000 * HOUR as i64;
    let (theirs, ours) = (seconds(shown.of, theirs, first_ms), seconds(shown.of, ours, first_ms));
    let all = Series { name: "the account", values: &theirs, role: Role::Settled, shape: Shape::Area, bin: Bin::Max };
    let part = Series { name: "ours", values: &ours, role: Role::Target, shape: Shape::Line, bin: Bin::Max };
    let both = [all, part];
    let sent = ours.iter().any(|value| value.is_finite());
    let level = |quota: u64| Level { name: "quota", value: quota as f64, role: Role::Quota };
    let levels: Vec<Level<'_>> = shown.quota.map(level).into_iter().collect();
    Chart {
        series: if sent { &both } else { &both[..1] },
        levels: &levels,
        marks: &[],
        axis: Axis { past_utc_ms: Some(end_ms - 1_000), ..Axis::live(HOUR - 1, HOUR) },
        unit: shown.unit,
        legend: true,
    }
    .render(area, buf, view.kit);
}

fn lines(view: &View<'_>, account: &ControlSnapshot, row: &UseRow<'_>, width: usize) -> Vec<Line<'static>> {
    let route = row.route();
    let mut facts = Facts::new(width);
    facts.add("model", Role::Strong, route.model.as_str());
    facts.add("Region", Role::Text, &format!("{}, bucket {}", route.region, usage::bucket(row.limits)));
    for cell in usage::cells(account, row) {
        facts.line(quota_name(cell), quota_line(view, cell));
    }
    let cells = usage::cells(account, row);
    let asked = account.increases.iter().filter(|one| {
        one.region == row.limits.key.region && cells.iter().any(|cell| cell.code.as_deref() == Some(one.code.as_str()))
    });
    for request in asked {
        facts.line("asked for", increase_line(view, request));
    }
    for offer in usage::offers(account, route) {
        facts.line("offer", offer_line(view, offer));
    }
    facts.line("last hour", hour_line(view, row));
    if let Some(scope) = row.scope {
        let limiter = &scope.limiter;
        let mut line = Line::of(
            Role::Text,
            format!("{} settled, {} reserved", fmt::count(limiter.settled_60s), fmt::count(limiter.reserved_60s)),
        );
        line.push(Role::Muted, " in 60 s");
        if let Some((low, high)) = limiter.tpm.estimate {
            line.push(Role::Muted, format!("; the limiter believes in {} to {} TPM", fmt::si(low), fmt::si(high)));
        }
        facts.line("ours", line);
    }
    if let Some(words) = usage::others_words(row) {
        facts.add("others", Role::Warn, &words);
    }
    for line in reconciled(&row.reconciled, account.clock_speed) {
        facts.line(line.0, line.1);
    }
    match row.account.and_then(|known| known.day.as_ref()) {
        Some(day) => facts.lines.extend(day_lines(view, day, row.tpm())),
        None => {
            let key = view.state.keymap.key(crate::console::keys::Action::ReadDay);
            facts.line("24 hours", Line::of(Role::Key, key).muted(" reads them from CloudWatch: two metrics"));
        }
    }
    facts.lines
}

fn quota_name(cell: &QuotaCell) -> &'static str {
    match cell.metric {
        crate::catalogue::Metric::Rpm => "RPM",
        crate::catalogue::Metric::Tpm => "TPM",
        crate::catalogue::Metric::Tpd if cell.scope.is_none() => "TPD, all models",
        crate::catalogue::Metric::Tpd => "TPD",
    }
}

fn quota_line(view: &View<'_>, cell: &QuotaCell) -> Line<'static> {
    let mut line = Line::of(Role::Strong, limit_word(cell.applied));
    if let Some(default) = cell.default {
        line.push(Role::Muted, format!(", default {}", fmt::count(default.max(0.0) as u64)));
    }
    line.push(Role::Muted, format!(", {}", source_word(&cell.source)));
    if let Some(code) = &cell.code {
        line.push(Role::Muted, format!(" {}", fmt::sanitise(code)));
    }
    match cell.adjustable {
        Some(true) => line.push(Role::Text, ", adjustable"),
        Some(false) => line.push(Role::Muted, ", not adjustable"),
        None => {}
    }
    if let Some(read) = cell.read_at_ms {
        line.push(Role::Muted, format!(", read {}", fmt::age(view.state.since(read))));
    }
    line
}

/// A request for more: value, what became of it, case, age.
fn increase_line(view: &View<'_>, request: &QuotaRequest) -> Line<'static> {
    let role = match &request.state {
        RequestState::Approved => Role::Ok,
        state if state.is_refusal() => Role::Danger,
        state if state.is_open() => Role::Info,
        _ => Role::Muted,
    };
    let mut line = Line::of(Role::Strong, fmt::count(request.value.max(0.0) as u64))
        .muted(format!(" {}, ", fmt::sanitise(&request.code)))
        .with(role, fmt::sanitise(request.state.word()).into_owned());
    if let Some(case) = &request.case {
        line.push(Role::Muted, format!(", case {}", fmt::sanitise(case)));
    }
    if let Some(created) = request.created_ms {
        line.push(Role::Muted, format!(", {}", fmt::age(view.state.since(created))));
    }
    line
}

fn hour_line(view: &View<'_>, row: &UseRow<'_>) -> Line<'static> {
    let Some(known) = row.account else { return Line::of(Role::Muted, "CloudWatch was not read yet") };
    let Some(last) = known.last() else {
        return Line::of(Role::Muted, "nothing is published for it: no calls, or not yet");
    };
    let at = format!("at {} UTC", fmt::utc_time(last.start_ms));
    let part = row.part(last.quota_tokens);
    let mut line =
        Line::of(part_role(part), fmt::count(last.quota_tokens)).muted(format!(" in the last minute ({at}), "));
    line.push(Role::Text, format!("P90 {}, ", fmt::count(known.p90_tpm().unwrap_or(0))));
    let peak = known.peak_tpm().unwrap_or(0);
    line.push(part_role(row.part(peak)), format!("peak {}", fmt::count(peak)));
    let throttles = row.throttles().unwrap_or(0);
    line.push(Role::Muted, ", ");
    line.push(if throttles > 0 { Role::Warn } else { Role::Text }, format!("{} throttled", fmt::exact(throttles)));
    line.push(Role::Muted, format!(", read {}", fmt::age(view.state.since(known.read_at_ms))));
    line
}

/// Our counts, CloudWatch's and the difference, for the same minutes.
fn reconciled(found: &Reconciled, clock_speed: Option<f64>) -> Vec<(&'static str, Line<'static>)> {
    if let Some(speed) = clock_speed {
        let words = format!("the service's clock runs {speed:.0} times as fast as ours: its minutes are not ours");
        return vec![("ours beside it", Line::of(Role::Muted, words))];
    }
    if found.minutes == 0 {
        return vec![("ours beside it", Line::of(Role::Muted, "no minute yet that both sides have whole"))];
    }
    let heads = ["", "ours", "CloudWatch", "difference"];
    let cells = |cells: [String; 4]| {
        let [name, rest @ ..] = cells;
        let rest: String = rest.iter().map(|cell| format!("{cell:>13}")).collect();
        format!("{name:<14}{rest}")
    };
    let (ours, theirs, by) = (&found.ours, &found.theirs, &found.difference);
    let rows = [
        ("invocations", ours.invocations, theirs.invocations, by.invocations),
        ("throttles", ours.throttles, theirs.throttles, by.throttles),
        ("input tokens", ours.input, theirs.input, by.input),
        ("output tokens", ours.output, theirs.output, by.output),
        ("quota tokens", ours.quota_tokens, theirs.quota_tokens, by.quota_tokens),
    ];
    let signed = |value: i64| {
        if value > 0 {
            format!("+{}", fmt::exact(value.unsigned_abs()))
        } else if value < 0 {
            format!("-{}", fmt::exact(value.unsigned_abs()))
        } else {
            "0".to_owned()
        }
    };
    let minutes = format!("{} min", found.minutes);
    let mut lines = vec![(
        "same minutes",
        Line::of(Role::Muted, cells([minutes, heads[1].into(), heads[2].into(), heads[3].into()])),
    )];
    for (name, ours, theirs, by) in rows {
        let role = if by == 0 { Role::Text } else { Role::Warn };
        lines.push(("", Line::of(role, cells([name.into(), fmt::exact(ours), fmt::exact(theirs), signed(by)]))));
    }
    let words = match found.others_at_least {
        Some(share) if share > 0.0 => format!(
            "others use at least {:.0} %: what they reserve beyond that, CloudWatch does not show",
            share * 100.0
        ),
        _ => "nobody else: what they might reserve, CloudWatch does not show".to_owned(),
    };
    lines.push(("", Line::of(Role::Muted, words)));
    lines
}

/// The day as hours beside each other, ten minutes below each other: how full the busiest minute of each was.
fn day_lines(view: &View<'_>, day: &DayUse, tpm: Option<u64>) -> Vec<Line<'static>> {
    let g = view.kit.glyphs;
    let most = day.pieces.iter().map(|piece| piece.peak_tpm).max().unwrap_or(0);
    // Without a quota the fullest piece is the measure.
    let full = tpm.unwrap_or(most).max(1);
    let scale = if tpm.is_some() { "of the quota" } else { "of the busiest minute" };
    let title = format!("busiest minute of each ten, {scale}; read {}", fmt::age(view.state.since(day.read_at_ms)));
    let mut lines = vec![Line::of(Role::Muted, "24 hours        ").muted(title)];
    let hours: Vec<_> = day.pieces.chunks(6).collect();
    let mut head = Line::of(Role::Muted, "UTC  ");
    for hour in &hours {
        let word = hour.first().map_or(String::new(), |piece| fmt::utc_time(piece.start_ms)[..2].to_owned());
        head.push(Role::Muted, format!("{word:<HOUR_CELLS$}"));
    }
    lines.push(head);
    for tenth in 0..6 {
        let minute = hours
            .first()
            .and_then(|hour| hour.get(tenth))
            .map_or(String::new(), |piece| fmt::utc_time(piece.start_ms)[2..5].to_owned());
        let mut line = Line::of(Role::Muted, format!("{minute:<5}"));
        for piece in hours.iter().filter_map(|hour| hour.get(tenth)) {
            let part = piece.peak_tpm as f64 / full as f64;
            let levels = g.columns.len() - 1;
            let glyph = match (piece.measured, piece.throttles) {
                (false, _) => g.grid,
                (true, 1..) => g.danger,
                (true, 0) if piece.peak_tpm == 0 => g.none,
                (true, 0) => g.columns[((part * levels as f64).ceil() as usize).clamp(1, levels)],
            };
            let role = match (piece.measured, piece.throttles) {
                (false, _) => Role::Muted,
                (true, 1..) => Role::Danger,
                (true, 0) => part_role(Some(part)),
            };
            line.push(role, format!("{glyph}{glyph}{:<pad$}", "", pad = HOUR_CELLS - 2));
        }
        lines.push(line);
    }
    let legend = format!(
        "{} no data  {} nothing used  {} little  {} full  {} throttled",
        g.grid,
        g.none,
        g.columns[1],
        g.columns[g.columns.len() - 1],
        g.danger
    );
    lines.push(Line::of(Role::Muted, "     ").muted(legend));
    lines
}
