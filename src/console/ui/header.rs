//! The rows on top of every screen: where we are and how it goes, which screen this is, and where there is room what is
//! the matter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::provisioned::id_of;
use crate::console::app::{Detail, Hit, Screen, Tape, short_model};
use crate::console::keys::Action;
use crate::record::Micros;
use crate::warnings::Standing;

use super::panels::level_look;
use super::theme::Role;
use super::view::View;
use super::widgets::{Kit, Line};
use super::{fmt, words};

/// Data older than this are not live any more.
const STALE: Micros = Micros::from_secs(3);
/// Cells of the name of a detail.
const NAME: usize = 44;
/// Credentials that end sooner than this want attention.
const SOON_MS: i64 = 10 * 60_000;

pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let inner = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
    let top = Rect { height: 1.min(inner.height), ..inner };
    let right = status(view);
    let right_width = (right.width() as u16).min(top.width);
    right.render_right(top, buf, kit);
    let left = Rect { width: top.width.saturating_sub(right_width + 2), ..top };
    let (identity, rest) = identity(view, usize::from(left.width));
    identity.render(left, buf, kit);
    if inner.height > 1 {
        tabs(view, &rest, Rect { y: inner.y + 1, height: 1, ..inner }, inner.height > 2, buf);
    }
    if inner.height > 2 {
        first_warning(view, Rect { y: inner.y + 2, height: 1, ..inner }, buf);
    }
}

/// What the first row has no room for: in full, and as short as it can be said.
#[derive(Default)]
struct Rest {
    long: Vec<String>,
    short: Vec<String>,
}

impl Rest {
    fn add(&mut self, long: String, short: String) {
        self.long.push(long);
        self.short.push(short);
    }
}

/// Badge, account, profile, Regions; the last ones give way first.
fn identity(view: &View<'_>, cells: usize) -> (Line<'static>, Rest) {
    let target = &view.snap.target;
    let badge = if target.simulated { (Role::BadgeSim, " SIM ") } else { (Role::BadgeAws, " AWS ") };
    let mut line = Line::of(badge.0, badge.1);
    if target.read_only {
        line.push(Role::Text, " ");
        line.push(Role::Warn, "READ-ONLY");
    }
    if view.state.private {
        line.push(Role::Text, " ");
        line.push(Role::Info, "PRIVATE");
    }
    tape(&view.state.tape, &mut line);
    line.push(Role::Text, " ");
    line.push(Role::Strong, words::account(target));
    let mut rest = Rest::default();
    if let Some(profile) = &target.profile {
        let profile = fmt::sanitise(profile);
        if !add(&mut line, "profile ", &profile, cells, view.kit) {
            rest.add(format!("profile {profile}"), profile.into_owned());
        }
    }
    let names: Vec<&str> = target.regions.iter().map(|region| region.as_str()).collect();
    let all = names.join(" ");
    if !all.is_empty() && !add(&mut line, "", &all, cells, view.kit) {
        let count = if names.len() == 1 { all.clone() } else { format!("{} Regions", names.len()) };
        rest.add(all, count);
    }
    (line, rest)
}

/// Whether what is seen is recorded, or is a recording.
fn tape(tape: &Tape, line: &mut Line<'static>) {
    let (role, text) = match tape {
        Tape::None => return,
        Tape::Recording { stopped: Some(_), .. } => (Role::Warn, "REC stopped".to_owned()),
        Tape::Recording { lost: 0, .. } => (Role::Danger, "REC".to_owned()),
        Tape::Recording { lost, .. } => (Role::Warn, format!("REC {} lost", fmt::count(*lost))),
        Tape::Replay(playback) => {
            let how = match playback {
                _ if playback.ended => "ended".to_owned(),
                _ if playback.paused => "held".to_owned(),
                _ if playback.speed.is_infinite() => "to the end".to_owned(),
                _ => format!("x{}", playback.speed),
            };
            (Role::Warn, format!("REPLAY {how}"))
        }
    };
    line.push(Role::Text, " ");
    line.push(role, text);
}

/// Adds it if there is room.
fn add(line: &mut Line<'static>, label: &'static str, text: &str, cells: usize, kit: Kit<'_>) -> bool {
    let fits = line.width() + 3 + fmt::width(label) + fmt::width(text) <= cells;
    if fits {
        line.push(Role::Muted, format!(" {} {label}", kit.glyphs.separator));
        line.push(Role::Text, text.to_owned());
    }
    fits
}

/// Load state, age of the data, UTC.
fn status(view: &View<'_>) -> Line<'static> {
    let kit = view.kit;
    let (glyph, text, role) = if view.state.watching() {
        (kit.glyphs.ring, "WATCHING".to_owned(), Role::Info)
    } else {
        words::load_state(&view.snap.state, kit.glyphs)
    };
    let mut line = Line::of(role, format!("{glyph} {text}"));
    let gap = format!(" {} ", kit.glyphs.separator);
    let age = view.state.age();
    if view.state.frozen.is_some() {
        line.push(Role::Muted, gap.clone());
        line.push(Role::Warn, format!("FROZEN {}", fmt::span(age)));
    } else if age >= STALE {
        line.push(Role::Muted, gap.clone());
        line.push(Role::Warn, format!("data {}", fmt::age(age)));
    } else {
        line.push(Role::Muted, format!("{gap}{}", if view.state.tape.plays() { "recorded" } else { "data live" }));
    }
    line.push(Role::Muted, gap);
    line.push(Role::Text, fmt::utc_time(view.state.utc_ms()));
    line.push(Role::Muted, " UTC");
    line
}

fn tabs(view: &View<'_>, unsaid: &Rest, row: Rect, warned: bool, buf: &mut Buffer) {
    let kit = view.kit;
    let room = usize::from(row.width);
    // The gaps give way first, then the names of the other screens.
    let line = [(3, true), (2, true), (2, false)]
        .into_iter()
        .map(|(gap, names)| tab_line(view, gap, names))
        .find(|(line, _)| line.width() <= room)
        .unwrap_or_else(|| tab_line(view, 1, false));
    let (line, tabs) = line;
    let used = line.render(row, buf, kit);
    for (from, to, screen) in tabs.into_iter().filter(|(_, to, _)| *to <= room) {
        let tab = Rect { x: row.x + from as u16, width: (to - from) as u16, ..row };
        kit.takes_clicks(tab, Hit::Tab(screen));
    }
    let rest = Rect { x: row.x + used, width: row.width.saturating_sub(used), ..row };
    let fits = |line: &Line<'_>| line.width() < usize::from(rest.width);
    if let Some(line) = asides(view, unsaid, at_the_right(view, warned)).into_iter().find(fits) {
        line.render_right(rest, buf, kit);
    }
}

/// Warnings, where they have no row of their own, and the time left of the credentials; from in full to as short as it
/// can be said.
fn at_the_right(view: &View<'_>, warned: bool) -> Vec<Line<'static>> {
    let credentials = credentials(view);
    let Some([long, short]) = warnings(view).filter(|_| !warned) else {
        return credentials.into_iter().flatten().collect();
    };
    let Some([all, little]) = credentials else { return vec![long, short] };
    let beside = |left: &Line<'static>, right: &Line<'static>| {
        let mut line = left.clone();
        line.push(Role::Muted, format!(" {} ", view.kit.glyphs.separator));
        line.parts.extend(right.parts.iter().cloned());
        line
    };
    vec![beside(&long, &all), beside(&long, &little), beside(&short, &all), beside(&short, &little), little, short]
}

/// How many warnings stand: in words with the key that lists them, and the number alone.
fn warnings(view: &View<'_>) -> Option<[Line<'static>; 2]> {
    let shown = view.state.warned.shown();
    let first = shown.heard().next()?;
    let count = shown.heard().count();
    let (role, glyph) = level_look(view, first.warning.name.level());
    let words = if count == 1 { "warning" } else { "warnings" };
    let key = view.state.keymap.key(Action::Warnings);
    let number = Line::of(role, format!("{glyph} {count}"));
    Some([number.clone().with(role, format!(" {words}")).muted(format!(" ({key})")), number])
}

/// The row below the tabs, empty while nothing is the matter: how many warnings stand, and the first in words.
fn first_warning(view: &View<'_>, row: Rect, buf: &mut Buffer) {
    let Some([mut line, _]) = warnings(view) else { return };
    if let Some(Standing { warning, .. }) = view.state.first_warning() {
        line.push(Role::Muted, format!(" {} ", view.kit.glyphs.separator));
        line.push(Role::Text, warning.name.word());
        line.push(Role::Muted, format!(": {}", fmt::sanitise(&warning.words)));
    }
    line.render(row, buf, view.kit);
    view.kit.takes_clicks(row, Hit::Hint(Action::Warnings));
}

/// What had no room in the first row before what stands at the right of the tabs anyway, from in full to as short as it
/// can be said.
fn asides(view: &View<'_>, unsaid: &Rest, others: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let gap = format!(" {} ", view.kit.glyphs.separator);
    let beside = |names: &[String], other: Option<&Line<'static>>| {
        let mut line = Line::of(Role::Text, names.join(&gap));
        if let Some(other) = other {
            line.push(Role::Muted, gap.clone());
            line.parts.extend(other.parts.iter().cloned());
        }
        line
    };
    let mut all = Vec::new();
    if !unsaid.long.is_empty() {
        all.push(beside(&unsaid.long, others.first()));
        all.push(beside(&unsaid.short, others.first()));
        all.extend(others.iter().skip(1).map(|other| beside(&unsaid.short, Some(other))));
    }
    all.extend(others);
    all
}

/// The tabs with so many blanks between, and which cells of the line each has.
fn tab_line(view: &View<'_>, gap: usize, names: bool) -> (Line<'static>, Vec<(usize, usize, Screen)>) {
    let kit = view.kit;
    let mut line = Line::new();
    let mut tabs = Vec::new();
    for (at, (screen, name)) in Screen::ALL.into_iter().map(|(_, screen, name)| (screen, name)).enumerate() {
        let here = screen == view.state.screen;
        line.push(Role::Text, " ".repeat(if at == 0 { 0 } else { gap }));
        let before = line.width();
        line.push(Role::Key, view.state.keymap.key(screen.action()));
        if here || names {
            line.push(if here { Role::Focus } else { Role::Muted }, format!(" {name}"));
        }
        if here && let Some(detail) = &view.state.detail {
            line.push(Role::Muted, format!(" {} ", kit.glyphs.choice[1]));
            line.push(Role::Strong, fmt::truncate(&detail_name(view, detail), NAME, kit.glyphs).into_owned());
        }
        tabs.push((before, line.width(), screen));
    }
    (line, tabs)
}

/// What a detail is about, in a word.
fn detail_name(view: &View<'_>, detail: &Detail) -> String {
    let name = match detail {
        Detail::Scope { key, .. } => format!("{} {}", key.region, short_model(&key.bucket)),
        Detail::Request { request, .. } => request.id.to_string(),
        Detail::Provisioned { arn, .. } => {
            let model = view.state.selected_provisioned().map(|view| view.model.name.clone());
            model.unwrap_or_else(|| id_of(arn).to_owned())
        }
        Detail::Account { route, .. } => format!("{} {}", route.region, short_model(&route.model)),
        Detail::Recipe { .. } => "role recipe".to_owned(),
        Detail::Increases { .. } => "requests for quota".to_owned(),
        Detail::Ways { .. } => "ways to buy".to_owned(),
        Detail::Job { arn, .. } => {
            let job = view.state.selected_job().map(|view| view.job.name.clone());
            job.unwrap_or_else(|| id_of(arn).to_owned())
        }
    };
    fmt::sanitise(&name).into_owned()
}

/// Time left of the credentials, if they end: in full, and as short as it can be said.
fn credentials(view: &View<'_>) -> Option<[Line<'static>; 2]> {
    let left = view.snap.target.credentials_until_ms?.saturating_sub(view.state.utc_ms());
    if left <= 0 {
        let said = |words: &str| Line::of(Role::Danger, format!("{} {words}", view.kit.glyphs.danger));
        return Some([said("credentials expired"), said("expired")]);
    }
    let text = fmt::span(Micros::from_millis(left.unsigned_abs()));
    let role = if left < SOON_MS { Role::Warn } else { Role::Text };
    let long = Line::of(Role::Muted, "credentials ").with(role, text.clone()).muted(" left");
    Some([long, Line::of(Role::Muted, "cred. ").with(role, text)])
}
