//! The last row: what is typed, what is said, or which keys work here.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::confirm::Button;
use crate::console::app::entry::{Entry, Target};
use crate::console::app::form::Kind;
use crate::console::app::{Hit, Overlay, State};
use crate::console::keys::{self, Action};
use crate::engine::LoadState;

use super::theme::Role;
use super::view::View;
use super::widgets::{Hint, Hints, Line};
use super::{fmt, words};

/// Draws it. Returns where the cursor belongs, if something is typed here.
pub(super) fn render(view: &View<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let state = view.state;
    let row = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
    if let Some(line) = leaving(view) {
        line.render(row, buf, view.kit);
    } else if let Some(entry) = state.entry.as_ref().filter(|_| state.palette.is_none()) {
        return field(view, entry, row, buf);
    } else if let Some(toast) = &state.toast {
        let g = view.kit.glyphs;
        let (glyph, role) = if toast.bad { (g.warn, Role::Warn) } else { (g.ok, Role::Info) };
        let line = Line::of(role, format!("{glyph} ")).text(fmt::sanitise(&toast.text));
        line.render(row, buf, view.kit);
    } else {
        hints(view, row, buf);
    }
    None
}

fn leaving(view: &View<'_>) -> Option<Line<'static>> {
    let in_flight = view.state.live.flow.in_flight;
    let g = view.kit.glyphs;
    if let Some(left) = view.state.leaves_in() {
        let orders = match view.state.orders_under_way() {
            0 => String::new(),
            1 => ", 1 order under way".to_owned(),
            n => format!(", {n} orders under way"),
        };
        let line = Line::of(Role::Warn, format!("{} Leaving: {in_flight} in flight{orders}", g.paused));
        return Some(line.muted(format!(
            ", {} at most; {} again leaves at once, billed or not",
            words::countdown(left),
            view.state.keymap.key(Action::Quit)
        )));
    }
    if view.state.suspending.is_some() {
        let line = Line::of(Role::Warn, format!("{} Suspending: {in_flight} in flight", g.paused));
        return Some(line.muted(format!(
            "; {} again suspends at once, and they may time out",
            view.state.keymap.key(Action::Suspend)
        )));
    }
    None
}

fn field(view: &View<'_>, entry: &Entry, row: Rect, buf: &mut Buffer) -> Option<Position> {
    // A value is a short number: what is wrong with it needs the room more.
    let (label, note, room) = match &entry.target {
        Target::Filter { .. } => {
            let (Ok(remark) | Err(remark)) = view.state.filter_remark();
            ("filter ".to_owned(), remark, 24.max(row.width / 3).min(40))
        }
        Target::Value(of) => {
            let value = of.view(&view.state.live, None);
            (format!("{} ", value.label), value.range, 14)
        }
    };
    let used = Line::of(Role::Strong, label).render(row, buf, view.kit);
    let cells = row.width.saturating_sub(used).min(room);
    if cells < 4 {
        return None;
    }
    let scroll = entry.input.visual_scroll(usize::from(cells) - 1);
    let shown: String = entry.input.value().chars().skip(scroll).take(usize::from(cells)).collect();
    let at = Rect { x: row.x + used, width: cells, ..row };
    Line::of(Role::FieldFocus, fmt::left(&shown, usize::from(cells), view.kit.glyphs)).render(at, buf, view.kit);
    let rest = Rect { x: at.right() + 2, width: row.right().saturating_sub(at.right() + 2), ..row };
    let said = match &entry.error {
        Some(error) => Line::of(Role::Danger, format!("{} {error}", view.kit.glyphs.danger)),
        None => Line::of(Role::Muted, note),
    };
    said.render(rest, buf, view.kit);
    let cursor = entry.input.visual_cursor().saturating_sub(scroll).min(usize::from(cells) - 1);
    Some(Position { x: at.x + cursor as u16, y: row.y })
}

fn hints(view: &View<'_>, row: Rect, buf: &mut Buffer) {
    let rows = keys::hints(view.state);
    let texts: Vec<(String, &str, Action)> = rows
        .iter()
        .filter_map(|row| {
            let both = row.action == Action::Increase && view.state.overlays.last().is_some();
            let key = view.state.keymap.key(row.action);
            let key = if both { format!("{} {key}", view.state.keymap.key(Action::Decrease)) } else { key };
            Some((key, label(view.state, row.action)?, row.action))
        })
        .collect();
    let hints: Vec<Hint<'_>> = texts
        .iter()
        .map(|(key, label, action)| Hint { key, label, enabled: true, hit: Some(Hit::Hint(*action)) })
        .collect();
    Hints { hints: &hints }.render(row, buf, view.kit);
}

/// An action's words now: what pressing the key would do. `None`: not worth its place here.
fn label(state: &State, action: Action) -> Option<&'static str> {
    let top = state.overlays.last();
    if state.palette.is_some() {
        return match action {
            Action::Submit => Some("do it"),
            Action::Back => Some("close"),
            Action::Next => Some("next row"),
            other => Some(other.spec().title),
        };
    }
    Some(match action {
        Action::Pause if matches!(state.live.state, LoadState::Paused | LoadState::Pausing { .. }) => "resume",
        Action::Freeze if state.frozen.is_some() => "live",
        Action::Expand if state.expanded.is_some() => "all panels",
        Action::WatchAccount if state.after_load => "the load",
        Action::FailedOnly if state.failed_only => "all records",
        Action::Help if matches!(top, Some(Overlay::Help { .. })) => "back",
        Action::Open if matches!(top, Some(Overlay::Warnings(_))) => "go there",
        Action::Mute if state.selected_warning().is_some_and(|one| state.warned.shown().is_muted(one.warning.name)) => {
            "hear it again"
        }
        // The two arrows of a choice are one thing.
        Action::Decrease if top.is_some() => return None,
        Action::Increase => match top {
            Some(Overlay::Dialog(_)) => return None,
            Some(Overlay::Form(form)) if form.focus_is_choice() => "choice",
            Some(Overlay::Form(_)) => return None,
            _ => Action::Increase.spec().title,
        },
        Action::Next => match top {
            Some(Overlay::Dialog(_)) => "other button",
            Some(Overlay::Form(_)) => "next field",
            _ => "next panel",
        },
        Action::Submit => match top {
            Some(Overlay::Dialog(dialog)) if dialog.focus == Button::Accept => dialog.accept,
            Some(Overlay::Dialog(dialog)) if dialog.focus == Button::Field => "go on",
            Some(Overlay::Dialog(_)) => "cancel",
            Some(Overlay::Form(form)) if form.kind == Kind::Submit => "check the input",
            Some(Overlay::Form(form)) if matches!(form.kind, Kind::Fetch { .. }) => "fetch",
            Some(Overlay::Form(form)) if form.kind == Kind::Load && state.live.target.simulated => "start",
            Some(Overlay::Form(_)) => "go on",
            Some(Overlay::Themes { .. }) => "keep",
            _ => "take",
        },
        other => other.spec().title,
    })
}
