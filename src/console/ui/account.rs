//! What the two screens of the account have in common: the age of what they show, what is wrong, what is being done.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::batch;
use crate::console::app::provisioned::{self, TermEnd};
use crate::control::{ControlSnapshot, FetchReport, JobStatus, Outcome, ProvisionedStatus, Question, Stage, Work};
use crate::record::{Micros, Region};

use super::fmt;
use super::progress;
use super::theme::Role;
use super::view::View;
use super::widgets::{Line, Panel};

/// Regions whose readings are no further apart than this are told together.
const TOGETHER_MS: i64 = 5_000;
/// Readings older than this want attention.
const STALE: Micros = Micros::from_secs(10 * 60);
/// Regions that are told one by one.
const APART: usize = 3;

/// A span of milliseconds that cannot be negative.
pub(super) fn millis(ms: i64) -> Micros {
    Micros::from_millis(ms.max(0).unsigned_abs())
}

/// How old what is shown is: once, or by Region if they differ. A Region of the target that was never read is named.
pub(super) fn age(view: &View<'_>, read: &[(Region, i64)]) -> Line<'static> {
    let unread = |region: &&Region| !read.iter().any(|(known, _)| known == *region);
    let mut line = known_age(view, read);
    if !read.is_empty() {
        for region in view.snap.target.regions.iter().filter(unread).take(APART) {
            line.push(Role::Warn, format!(", {} not read yet", fmt::sanitise(region.as_str())));
        }
    }
    line
}

fn known_age(view: &View<'_>, read: &[(Region, i64)]) -> Line<'static> {
    let mut read: Vec<(&Region, i64)> = read.iter().map(|(region, at)| (region, *at)).collect();
    read.sort_by_key(|&(_, at)| at);
    let (Some(&(oldest, first)), Some(&(_, last))) = (read.first(), read.last()) else {
        return Line::of(Role::Warn, "not read yet");
    };
    let said = |at: i64| match view.state.since(at) {
        age if age.0 < 2_000_000 => "now".to_owned(),
        age => format!("{} ago", fmt::long_span(age)),
    };
    let role = |at: i64| if view.state.since(at) > STALE { Role::Warn } else { Role::Text };
    if last.saturating_sub(first) <= TOGETHER_MS {
        return Line::of(Role::Muted, "read ").with(role(first), said(first));
    }
    if read.len() > APART {
        let oldest = fmt::sanitise(oldest.as_str()).into_owned();
        return Line::of(Role::Muted, format!("read {oldest} ")).with(role(first), said(first)).muted(", others later");
    }
    let mut line = Line::of(Role::Muted, "read");
    for (at, (region, ms)) in read.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        line.push(Role::Muted, format!("{comma} {} ", fmt::sanitise(region.as_str())));
        line.push(role(*ms), said(*ms));
    }
    line
}

/// Questions that were not answered, in words; those of the other screen are told there.
pub(super) fn problems(view: &View<'_>, account: &ControlSnapshot, not: &[Question]) -> Vec<Line<'static>> {
    let danger = view.kit.glyphs.danger;
    account
        .problems
        .iter()
        .filter(|problem| !not.contains(&problem.question))
        .map(|problem| {
            let place = problem.region.as_ref().map_or(String::new(), |region| format!("{region}: "));
            let age = fmt::age(view.state.since(problem.at_ms));
            Line::of(Role::Danger, danger)
                .text(format!(" {}", fmt::sanitise(&format!("{place}{}", problem.message))))
                .muted(format!(", {age}"))
        })
        .collect()
}

/// What wants attention on the screen of provisioned throughput, the worst first.
pub(super) fn provisioned_attention(view: &View<'_>, account: &ControlSnapshot) -> Vec<Line<'static>> {
    let g = view.kit.glyphs;
    let now = view.state.service_ms();
    let mut lines = problems(view, account, &[Question::Jobs, Question::Use, Question::Increases]);
    let mut ends: Vec<_> =
        account.provisioned.iter().filter_map(|one| Some((provisioned::term_end(one, now)?, one))).collect();
    ends.sort_by_key(|(end, one)| (std::cmp::Reverse(*end), one.model.expires_ms));
    for (end, one) in ends {
        let left = one.model.expires_ms.unwrap_or(now).saturating_sub(now);
        let (role, words) = match end {
            TermEnd::Over => {
                (Role::Danger, format!("its term ended {} ago, and it goes on billing", fmt::long_span(millis(-left))))
            }
            TermEnd::ThreeDays => (Role::Warn, format!("its term ends in {}", fmt::long_span(millis(left)))),
            TermEnd::TwoWeeks => (Role::Info, format!("its term ends in {}", fmt::long_span(millis(left)))),
        };
        let then = if end == TermEnd::Over { ": D deletes it" } else { "; it bills on until it is deleted" };
        let glyph = if end == TermEnd::Over { g.danger } else { g.warn };
        lines.push(
            Line::of(role, format!("{glyph} "))
                .with(Role::Strong, fmt::sanitise(&one.model.name).into_owned())
                .text(format!(": {words}{then}")),
        );
    }
    for one in &account.provisioned {
        let name = fmt::sanitise(&one.model.name).into_owned();
        if one.model.status == ProvisionedStatus::Failed {
            let why = one.model.failure.as_deref().unwrap_or("the service says no more");
            let line = Line::of(Role::Danger, format!("{} ", g.danger)).with(Role::Strong, name);
            lines.push(line.text(format!(" failed: {}", fmt::sanitise(why))));
        } else if let provisioned::Use::Idle(idle) = provisioned::use_of(one, now) {
            // The first hour without a call is no news.
            let Some(idle) = idle else { continue };
            let (time, paid) = (provisioned::idle_words(idle), provisioned::paid_words(idle));
            let line = Line::of(Role::Warn, format!("{} ", g.warn)).with(Role::Strong, name);
            lines.push(line.text(format!(": idle {time}{paid}")));
        }
    }
    lines
}

/// What wants attention on the screen of batch jobs.
pub(super) fn batch_attention(view: &View<'_>, account: &ControlSnapshot) -> Vec<Line<'static>> {
    let mut lines = problems(view, account, &[Question::Provisioned, Question::Use, Question::Increases]);
    for one in account.jobs.iter().filter(|one| one.job.status == JobStatus::InProgress) {
        if let (Some(done), Some(ends)) = (one.done_at_ms, one.job.expires_ms)
            && done > ends
        {
            let late = fmt::long_span(millis(done.saturating_sub(ends)));
            lines.push(
                Line::of(Role::Warn, format!("{} ", view.kit.glyphs.warn))
                    .with(Role::Strong, fmt::sanitise(&one.job.name).into_owned())
                    .text(format!(": at this pace it expires {late} before it would be done")),
            );
        }
    }
    lines
}

/// Draws lines under a heading; what does not fit is counted.
pub(super) fn section(title: &str, lines: &[Line<'_>], area: Rect, buf: &mut Buffer, view: &View<'_>) {
    if area.height < 2 {
        return;
    }
    let room = usize::from(area.height - 1);
    let hidden = lines.len().saturating_sub(room);
    let summary = if hidden > 0 { Line::of(Role::Muted, format!("{hidden} more")) } else { Line::new() };
    let inner = Panel::new(title).ruled().summary(summary).render(area, buf, view.kit);
    for (at, line) in lines.iter().take(room).enumerate() {
        line.render(Rect { y: inner.y + at as u16, height: 1, ..inner }, buf, view.kit);
    }
}

/// Rows that lines under a heading want, at most `most` lines.
pub(super) fn section_rows(lines: usize, most: u16) -> u16 {
    match u16::try_from(lines).unwrap_or(u16::MAX).min(most) {
        0 => 0,
        rows => rows + 1,
    }
}

/// The works, those that are not over first, each in a line.
pub(super) fn works(view: &View<'_>, account: &ControlSnapshot) -> Vec<Line<'static>> {
    let (now, over): (Vec<&Work>, Vec<&Work>) = account.works.iter().partition(|work| !work.stage.is_final());
    now.into_iter().chain(over).map(|work| work_line(view, work)).collect()
}

/// Cells of the title of a work, and of its progress bar.
const TITLE: usize = 24;
const BAR: usize = 12;

fn work_line(view: &View<'_>, work: &Work) -> Line<'static> {
    let g = view.kit.glyphs;
    let title = fmt::left(&fmt::sanitise(&work.title), TITLE, g);
    let since = fmt::age(view.state.since(work.since_ms));
    let start = |role, glyph: &str| Line::of(role, format!("{glyph} ")).with(Role::Strong, title.clone()).text(" ");
    match &work.stage {
        Stage::Waiting { reason } => {
            start(Role::Muted, g.paused).text(format!("waits: {}", fmt::sanitise(reason))).muted(format!(", {since}"))
        }
        Stage::Busy { doing, done, total } => {
            let mut line = start(Role::Ok, g.dot).text(fmt::sanitise(doing).into_owned());
            let amount = |n: u64| if in_bytes(doing) { fmt::bytes(n) } else { fmt::exact(n) };
            if *total > 0 {
                line.push(Role::Text, " ");
                line.parts.extend(progress::bar(*done as f64 / *total as f64, BAR, g).parts);
                line.push(Role::Text, format!(" {} of {}", amount(*done), amount(*total)));
            } else if *done > 0 {
                line.push(Role::Text, format!(" {}", amount(*done)));
            }
            line.muted(format!(", {since}"))
        }
        Stage::Done(outcome) => start(Role::Ok, g.ok).text(outcome_words(outcome)).muted(format!(", {since}")),
        Stage::Failed { reason, kept } => {
            let kept = kept.as_ref().map_or(String::new(), |kept| format!(" ({kept})"));
            start(Role::Danger, g.danger).text(fmt::sanitise(&format!("{reason}{kept}")).into_owned())
        }
    }
}

/// Whether what is counted are bytes: whoever moves or reads a file counts them, whoever deletes counts files.
fn in_bytes(doing: &str) -> bool {
    doing.contains("load") || doing.contains("check")
}

/// What came of an order, in a few words.
fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Changed { arn } => format!("done: {}", fmt::sanitise(provisioned::id_of(arn))),
        Outcome::Asked => "asked".to_owned(),
        Outcome::Publishing { on: true } => "on".to_owned(),
        Outcome::Publishing { on: false } => "off".to_owned(),
        Outcome::Requested(request) => format!("requested: {} of {}", request.value, fmt::sanitise(&request.name)),
        Outcome::Checked(report) if report.error_count > 0 => {
            let first = report.errors.first().map_or("", String::as_str);
            format!("{} lines cannot be run: {}", fmt::exact(report.error_count), fmt::sanitise(first))
        }
        Outcome::Checked(report) => format!("{} records, nothing in the way", fmt::exact(report.records)),
        Outcome::Fetched(report) => fetched_words(report),
    }
}

fn fetched_words(report: &FetchReport) -> String {
    let FetchReport { ok, retryable, permanent, missing, warnings, .. } = report;
    let warning = warnings.first().map_or(String::new(), |warning| format!("; {}", fmt::sanitise(warning)));
    let [ok, retryable, permanent, missing] = [ok, retryable, permanent, missing].map(|n| fmt::exact(*n));
    format!("{ok} ok, {retryable} to retry, {permanent} failed for good, {missing} missing{warning}")
}

/// How publishing our own metrics stands, and what stands in its way; `None`: it is off and never was on.
pub(super) fn publishing(view: &View<'_>) -> Option<(Line<'static>, Option<String>)> {
    let now = view.state.account()?.publishing.as_ref()?;
    let namespace = fmt::sanitise(&now.namespace).into_owned();
    let put = |line: Line<'static>| match now.last_ms {
        0 => line.muted(", the first minute is not over"),
        last => line.muted(format!(", last put {}", fmt::age(view.state.since(last)))),
    };
    let lost = |line: Line<'static>| match now.lost {
        0 => line.muted(", 0 lost"),
        lost => line.with(Role::Warn, format!(", {} lost", fmt::exact(lost))),
    };
    let line = match (&now.problem, now.on) {
        (Some(_), true) => {
            lost(Line::of(Role::Danger, format!("{} publishing to {namespace} fails", view.kit.glyphs.danger)))
        }
        (None, true) => lost(put(Line::of(Role::Muted, format!("publishing {} metrics to {namespace}", now.metrics)))),
        (_, false) if now.sent + now.lost > 0 => {
            let minutes = if now.sent == 1 { "minute" } else { "minutes" };
            let sent = fmt::exact(now.sent);
            lost(Line::of(Role::Muted, format!("published {sent} {minutes} to {namespace}, off now")))
        }
        (_, false) => return None,
    };
    Some((line, now.problem.as_deref().map(|problem| fmt::sanitise(problem).into_owned())))
}

/// One line for jobs and provisioned throughput, on the dashboard. `None`: there is nothing to tell.
pub(super) fn summary(view: &View<'_>) -> Option<Line<'static>> {
    let account = view.state.account()?;
    let g = view.kit.glyphs;
    let bought = provisioned::totals(account);
    let jobs = batch::totals(account);
    let mut line = Line::new();
    if !account.provisioned.is_empty() {
        line = line.with(Role::Key, "3").muted(" Provisioned ");
        line.push(Role::Text, format!("{} in service, {} MU, ", bought.in_service, bought.units));
        line.parts.extend(price(&bought).parts);
        let near = account.provisioned.iter().filter_map(|one| provisioned::term_end(one, view.state.service_ms()));
        match near.max() {
            Some(TermEnd::Over) => line.push(Role::Danger, format!(", {} term over", g.danger)),
            Some(TermEnd::ThreeDays) => line.push(Role::Warn, format!(", {} term ends in 3 d", g.warn)),
            Some(TermEnd::TwoWeeks) => line.push(Role::Text, ", term ends in 14 d"),
            None => {}
        }
    }
    if !account.jobs.is_empty() || jobs.waiting > 0 {
        if !line.parts.is_empty() {
            line.push(Role::Muted, format!("  {}  ", g.separator));
        }
        line = line.with(Role::Key, "4").muted(" Batch ");
        line.push(Role::Text, format!("{} at work", jobs.at_work));
        if jobs.total > 0 {
            line.push(Role::Text, format!(", {}/{}", fmt::count(jobs.done), fmt::count(jobs.total)));
        }
        if jobs.waiting > 0 {
            line.push(Role::Text, format!(", {} wait for a slot", jobs.waiting));
        }
        if jobs.failed > 0 {
            line.push(Role::Warn, format!(", {} {} failed", g.warn, jobs.failed));
        }
    }
    if let Some((publishing, problem)) = publishing(view) {
        // What fails comes first: it is what the row may not lose.
        let (mut first, second) = if problem.is_some() { (publishing, line) } else { (line, publishing) };
        if !first.parts.is_empty() && !second.parts.is_empty() {
            first.push(Role::Muted, format!("  {}  ", g.separator));
        }
        first.parts.extend(second.parts);
        line = first;
    }
    (!line.parts.is_empty()).then_some(line)
}

/// What all provisioned models cost per hour; unknown prices are named, never counted as nothing.
pub(super) fn price(totals: &provisioned::Totals) -> Line<'static> {
    let known = totals.unpriced < totals.models || totals.models == 0;
    let mut line = Line::new();
    if known {
        line = line.with(Role::Strong, fmt::money(totals.per_hour)).text(" /h");
    }
    if totals.unpriced > 0 {
        let words = if known { format!(" + {} unpriced", totals.unpriced) } else { "an unknown price".to_owned() };
        line.push(Role::Warn, words);
    }
    line
}
