//! The one function that changes the state.

use crate::console::keys::{self, Action, Chord, Lookup};
use crate::engine::{Level, LoadKind, LoadState};
use crate::record::Micros;

use super::confirm::Agreement;
use super::entry::{self, Entry, Target};
use super::lists::{line_key, request_key};
use super::window::{self, Move};
use super::{
    Detail, Effect, Exit, Msg, Overlay, Panel, Screen, State, account, batch, click, copy, header_rows, incident,
    increases, leave, orders, palette, provisioned, rest, settings, steer, tape, tuning, usage, warned, ways,
};

/// The most that a detail can be scrolled: on the lowest screen no detail has more lines below its end.
const DETAIL_LINES: usize = 32;
/// How long a line for the operator stays.
const TOAST: Micros = Micros::from_secs(5);

/// Takes in one thing that happened at `now` (run's clock) and says what is to be done about it.
pub fn update(state: &mut State, msg: Msg, now: Micros) -> Vec<Effect> {
    let mut effects = Vec::new();
    state.now = state.now.max(now);
    if state.toast.as_ref().is_some_and(|toast| state.now.since(toast.at) >= TOAST) {
        state.toast = None;
    }
    match msg {
        Msg::Key(chord) => key(state, chord, &mut effects),
        Msg::Paste(text) => paste(state, &text),
        Msg::Resize(width, height) => state.size = (width, height),
        Msg::Snapshot(snapshot) => {
            // Consent that was given before the console opened (the command line, the config) is what it found running.
            if state.agreed.is_none() && snapshot.run.kind != LoadKind::None {
                state.agreed = Some(Agreement::of(&snapshot));
            }
            state.now = state.now.max(snapshot.at);
            state.after_load &= snapshot.state == LoadState::Finished;
            state.live = snapshot;
            rest::follow(state);
            let (live, now) = (state.live.clone(), state.now);
            state.tuning.settle(&live, now);
            orders::check_held(state, &mut effects);
            orders::settle_offers(state, &mut effects);
            clamp(state);
            warned::look(state);
        }
        Msg::Control(snapshot) => {
            orders::news(state, snapshot);
            warned::look(state);
        }
        Msg::Tick => {}
        // A report is for support, who need what it is about; a picture is what was seen.
        Msg::Written(Ok(path)) if state.private && path.ends_with(".md") => {
            state.say(format!("written, not masked: {path}"));
        }
        Msg::Written(Ok(path)) => state.say(format!("written: {path}")),
        Msg::Written(Err(why)) => state.complain(format!("not written: {why}")),
        Msg::Copied(Ok(what)) if state.private => {
            state.say(format!("{what} sent to the terminal's clipboard (OSC 52), not masked"));
        }
        Msg::Copied(Ok(what)) => state.say(format!("{what} sent to the terminal's clipboard (OSC 52)")),
        Msg::Copied(Err(why)) => state.complain(why),
        Msg::Wheel(down) => wheel(state, down),
        Msg::Click(hit) => click::click(state, hit, &mut effects),
        Msg::Stop => act(state, Action::Suspend, &mut effects),
        Msg::Resumed => leave::resumed(state, &mut effects),
        Msg::Terminate => leave::leave(state, &mut effects),
        Msg::Hangup => effects.push(Effect::Quit(Exit::Hangup)),
    }
    leave::check(state, &mut effects);
    effects
}

/// Keeps selections on rows that exist.
fn clamp(state: &mut State) {
    state.row = state.row.min(state.dashboard_rows().saturating_sub(1));
    let rows = tuning::rows(&state.live).len();
    state.tuning.cursor = state.tuning.cursor.min(rows.saturating_sub(1));
}

fn key(state: &mut State, chord: Chord, effects: &mut Vec<Effect>) {
    if let Some(palette) = &mut state.palette {
        if palette.type_key(chord) {
            return;
        }
    } else if let Some(entry) = &mut state.entry {
        if entry::type_key(&mut entry.input, chord) {
            entry.error = None;
            typed_filter(state);
            return;
        }
    } else {
        let taken = match state.overlays.last_mut() {
            Some(Overlay::Form(form)) => form.type_key(chord),
            Some(Overlay::Dialog(dialog)) => dialog.type_key(chord),
            _ => false,
        };
        if taken {
            return;
        }
    }
    match keys::lookup(state, chord) {
        Lookup::Do(action) => act(state, action, effects),
        Lookup::Disabled(_, why) | Lookup::Unbound(why) => state.complain(why),
    }
}

fn paste(state: &mut State, text: &str) {
    let taken = if let Some(palette) = &mut state.palette {
        palette.paste(text);
        true
    } else if let Some(entry) = &mut state.entry {
        entry::paste(&mut entry.input, text);
        typed_filter(state);
        true
    } else {
        match state.overlays.last_mut() {
            Some(Overlay::Form(form)) => form.paste(text),
            Some(Overlay::Dialog(dialog)) => dialog.paste(text),
            _ => false,
        }
    };
    if !taken {
        state.complain("nothing to paste into: open a field first");
    }
}

/// A filter works while it is typed: the selection goes to the top of what is left.
fn typed_filter(state: &mut State) {
    if let Some(Entry { target: Target::Filter { .. }, input, .. }) = &state.entry {
        let text = input.value().to_owned();
        if let Some(list) = list(state) {
            list.filter = text;
            list.selected = None;
        }
    }
}

fn list(state: &mut State) -> Option<&mut super::List> {
    match state.screen {
        Screen::Provisioned => Some(&mut state.provisioned.list),
        Screen::Batch => Some(&mut state.batch.list),
        Screen::Requests => Some(&mut state.requests),
        Screen::Account => Some(&mut state.usage.list),
        Screen::Log => Some(&mut state.log),
        Screen::Settings => Some(&mut state.settings.list),
        _ => None,
    }
}

pub(super) fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Dashboard => go(state, Screen::Dashboard),
        Action::Tuning => go(state, Screen::Tuning),
        Action::Provisioned => go(state, Screen::Provisioned),
        Action::Batch => go(state, Screen::Batch),
        Action::Requests => go(state, Screen::Requests),
        Action::Account => go(state, Screen::Account),
        Action::Log => go(state, Screen::Log),
        Action::Settings => go(state, Screen::Settings),
        Action::Help => match state.overlays.last() {
            Some(Overlay::Help { .. }) => drop(state.overlays.pop()),
            _ => {
                state.overlays.retain(|overlay| !matches!(overlay, Overlay::Help { .. }));
                state.overlays.push(Overlay::Help { scroll: 0 });
            }
        },
        Action::Warnings => warned::toggle(state),
        Action::Mute => warned::mute(state),
        Action::Palette => state.palette = Some(palette::Palette::default()),
        Action::Quit | Action::Interrupt => leave::leave(state, effects),
        Action::Suspend => leave::suspend(state, effects),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Pause => steer::pause(state, effects),
        Action::Stop => steer::stop(state, effects),
        Action::RateUp => steer::scale(state, true, effects),
        Action::RateDown => steer::scale(state, false, effects),
        Action::Undo => steer::undo(state, effects),
        Action::Unpark => steer::unpark(state, effects),
        Action::LoadForm => steer::open_form(state),
        Action::Freeze => freeze(state),
        Action::Privacy => privacy(state),
        Action::Expand => {
            state.expanded = if state.expanded.is_some() { None } else { Some(state.focus) };
        }
        Action::WatchAccount => state.after_load = !state.after_load,
        Action::Themes => state.overlays.push(Overlay::Themes { before: state.theme }),
        Action::Incident => write_incident(state, effects),
        Action::Picture => effects.push(Effect::Picture { name: incident::picture_name(state.utc_ms()) }),
        Action::Copy => {
            effects.extend(copy::copyable(state).map(|(what, text)| Effect::Copy { what, text }));
        }
        Action::Up => shift(state, -1),
        Action::Down => shift(state, 1),
        Action::PageUp => shift(state, -page(state)),
        Action::PageDown => shift(state, page(state)),
        Action::First => shift(state, isize::MIN / 2),
        Action::Last => shift(state, isize::MAX / 2),
        Action::Open => open(state),
        Action::Back => back(state),
        Action::Next => next(state, 1),
        Action::Previous => next(state, -1),
        Action::Decrease => turn(state, false, effects),
        Action::Increase => turn(state, true, effects),
        Action::Edit => steer::edit(state),
        Action::Default => steer::reset(state, effects),
        Action::ZoomIn => window::zoom(state, true),
        Action::ZoomOut => window::zoom(state, false),
        Action::Earlier => window::shift(state, Move::Earlier),
        Action::Later => window::shift(state, Move::Later),
        Action::Oldest => window::shift(state, Move::Oldest),
        Action::Newest => window::shift(state, Move::Newest),
        Action::Filter => {
            let before = state.filter().to_owned();
            let input = tui_input::Input::new(before.clone());
            state.entry = Some(Entry { target: Target::Filter { before }, input, error: None });
        }
        Action::FailedOnly => {
            state.failed_only = !state.failed_only;
            state.requests.selected = None;
        }
        Action::Level => {
            state.level = match state.level {
                Level::Info => Level::Warning,
                Level::Warning => Level::Error,
                Level::Error => Level::Info,
            };
            state.log.selected = None;
        }
        Action::Submit => submit(state, effects),
        Action::PlayPause | Action::PlayStep | Action::PlaySlower | Action::PlayFaster => tape::play(state, action),
        Action::Sort => sort(state),
        Action::Refresh => orders::refresh(state, effects),
        Action::New => orders::new(state),
        Action::Resize => orders::resize(state),
        Action::Change => orders::change(state),
        Action::Delete => orders::delete(state, effects),
        Action::UseForLoad => steer::use_provisioned(state, effects),
        Action::OnDemand => steer::use_on_demand(state, effects),
        Action::GoOn => orders::ask_submit(state, effects),
        Action::Fetch => orders::fetch(state),
        Action::StopJob => orders::on_job(state, orders::stop, effects),
        Action::Resubmit => orders::on_job(state, orders::resubmit, effects),
        Action::DeleteCopies => orders::on_job(state, orders::delete_copies, effects),
        Action::Recipe => orders::recipe(state),
        Action::ReadDay => orders::read_day(state, effects),
        Action::RequestQuota => orders::request_quota(state),
        Action::Increases => increases::open(state),
        Action::Ways => ways::open(state),
        Action::Publish => orders::publish(state, effects),
        Action::TakeOffer => orders::take_offer(state, effects),
    }
}

pub(super) fn go(state: &mut State, screen: Screen) {
    state.screen = screen;
    state.detail = None;
    state.overlays.clear();
    state.warned.stay();
}

fn privacy(state: &mut State) {
    state.private = !state.private;
    state.say(if state.private {
        "account, caller, profile and buckets are masked on screen and in pictures; what is copied or reported is exact"
    } else {
        "nothing is masked"
    });
}

fn freeze(state: &mut State) {
    state.warned.freeze(state.frozen.is_none());
    if state.frozen.take().is_some() {
        state.frozen_control = None;
        state.changes = state.control.as_deref().map(account::change_lines).unwrap_or_default();
        state.say("the display is live again");
        clamp(state);
    } else {
        state.frozen = Some(state.live.clone());
        state.frozen_control = state.control.clone();
        let key = state.keymap.key(Action::Freeze);
        state.say(format!("the display is frozen, the load goes on; {key} again goes back to live"));
    }
}

fn write_incident(state: &mut State, effects: &mut Vec<Effect>) {
    let snapshot = state.shown().clone();
    effects.push(Effect::Write {
        name: incident::file_name(snapshot.utc_ms),
        text: incident::report(&snapshot, state.account(), state.warned.shown()),
    });
}

/// Rows of one page, whatever the screen has above and below its list.
fn page(state: &State) -> isize {
    isize::try_from(state.size.1.saturating_sub(8).max(1)).unwrap_or(1)
}

pub(super) fn shift(state: &mut State, by: isize) {
    if state.palette.is_some() {
        return palette::shift(state, by.signum());
    }
    match state.overlays.last_mut() {
        Some(Overlay::Help { scroll }) => {
            // A blank column at either side; header, footer and the line that says how much more there is.
            let lines = keys::doc::height(&state.keymap, usize::from(state.size.0.saturating_sub(2)));
            let page = state.size.1.saturating_sub(header_rows(state.size.1) + 2);
            return scroll_by(scroll, by, lines.saturating_sub(usize::from(page)));
        }
        Some(Overlay::Form(form)) => return form.move_focus(by.signum()),
        Some(Overlay::Warnings(_)) => return warned::shift(state, by),
        Some(Overlay::Themes { .. }) => {
            let count = state.themes.len().max(1) as isize;
            state.theme = (state.theme as isize + by.signum()).rem_euclid(count) as usize;
            return;
        }
        Some(Overlay::Dialog(_)) | None => {}
    }
    match &mut state.detail {
        Some(
            Detail::Scope { scroll, .. }
            | Detail::Request { scroll, .. }
            | Detail::Provisioned { scroll, .. }
            | Detail::Job { scroll, .. }
            | Detail::Account { scroll, .. }
            | Detail::Recipe { scroll }
            | Detail::Ways { scroll, .. },
        ) => {
            return scroll_by(scroll, by, DETAIL_LINES);
        }
        Some(Detail::Increases { .. }) => return increases::shift(state, by),
        None => {}
    }
    match state.screen {
        Screen::Dashboard => {
            let last = state.dashboard_rows().saturating_sub(1);
            state.row = state.row.saturating_add_signed(by).min(last);
        }
        Screen::Tuning => {
            let last = tuning::rows(&state.live).len().saturating_sub(1);
            state.tuning.cursor = state.tuning.cursor.saturating_add_signed(by).min(last);
        }
        Screen::Provisioned => {
            let mut list = state.provisioned.list.clone();
            list.shift(&state.visible_provisioned(), provisioned::key, by);
            state.provisioned.list = list;
        }
        Screen::Batch => {
            let mut list = state.batch.list.clone();
            list.shift(&state.visible_jobs(), batch::key, by);
            state.batch.list = list;
        }
        Screen::Account => {
            let mut list = state.usage.list.clone();
            list.shift(&state.visible_use().iter().collect::<Vec<_>>(), |row| usage::key(row), by);
            state.usage.list = list;
        }
        Screen::Requests => {
            let mut list = std::mem::take(&mut state.requests);
            // The rows are looked up with the filter in place, so it is put back first.
            state.requests.filter.clone_from(&list.filter);
            list.shift(&state.visible_requests(), request_key, by);
            state.requests = list;
        }
        Screen::Log => {
            let mut list = std::mem::take(&mut state.log);
            state.log.filter.clone_from(&list.filter);
            list.shift(&state.visible_lines(), line_key, by);
            state.log = list;
        }
        Screen::Settings => {
            let rows = state.visible_settings();
            state.settings.list.shift(&rows.iter().collect::<Vec<_>>(), settings::row_key, by);
        }
    }
}

/// `o`: the next order of the list on screen.
fn sort(state: &mut State) {
    let name = match state.screen {
        Screen::Provisioned => {
            state.provisioned.sort = state.provisioned.sort.next();
            state.provisioned.sort.name()
        }
        Screen::Batch => {
            state.batch.sort = state.batch.sort.next();
            state.batch.sort.name()
        }
        Screen::Account => {
            state.usage.sort = state.usage.sort.next();
            state.usage.sort.name()
        }
        Screen::Requests => {
            state.requests_sort = state.requests_sort.next();
            state.requests_sort.name()
        }
        _ => return,
    };
    state.say(format!("sorted by {name}"));
}

/// A notch of the wheel is three rows, where there are rows.
fn wheel(state: &mut State, down: bool) {
    if state.entry.is_none() && keys::availability(state, Action::Down).is_ok() {
        let notch =
            if matches!(state.overlays.last(), Some(Overlay::Form(_) | Overlay::Themes { .. })) { 1 } else { 3 };
        shift(state, if down { notch } else { -notch });
    }
}

fn scroll_by(scroll: &mut u16, by: isize, most: usize) {
    let last = isize::try_from(most).unwrap_or(isize::MAX);
    *scroll =
        u16::try_from(isize::try_from(*scroll).unwrap_or(0).saturating_add(by).clamp(0, last)).unwrap_or(u16::MAX);
}

fn open(state: &mut State) {
    if let Some(Overlay::Warnings(_)) = state.overlays.last() {
        return warned::open(state);
    }
    match state.screen {
        Screen::Dashboard => {
            if let Some(route) = state.watched_route() {
                state.detail = Some(Detail::Account { route, scroll: 0 });
            } else if let Some(key) = state.dashboard_scope().cloned() {
                state.detail = Some(Detail::Scope { key, scroll: 0 });
            }
        }
        Screen::Requests => {
            if let Some(request) = state.selected_request().cloned() {
                // Coming back, the selection is on the record that was opened, whatever has finished meanwhile.
                state.requests.selected = Some(request_key(&request));
                state.detail = Some(Detail::Request { request: Box::new(request), scroll: 0 });
            }
        }
        Screen::Account => {
            if let Some(route) = state.selected_use().map(|row| row.route().clone()) {
                state.detail = Some(Detail::Account { route, scroll: 0 });
            }
        }
        Screen::Provisioned | Screen::Batch => orders::open(state),
        Screen::Settings => settings::open(state),
        _ => {}
    }
}

pub(super) fn back(state: &mut State) {
    if state.palette.take().is_some() {
        return;
    }
    if let Some(entry) = state.entry.take() {
        if let (Target::Filter { before }, Some(list)) = (entry.target, list(state)) {
            list.filter = before;
            list.selected = None;
        }
    } else if let Some(overlay) = state.overlays.pop() {
        match overlay {
            Overlay::Themes { before } => state.theme = before,
            Overlay::Dialog(_) => state.say("left as it was"),
            Overlay::Help { .. } | Overlay::Warnings(_) | Overlay::Form(_) => {}
        }
    } else if state.detail.is_some() && !state.warned.leads_back() {
        state.detail = None;
    } else if !warned::come_back(state)
        && state.expanded.take().is_none()
        && let Some(list) = list(state)
    {
        list.filter.clear();
        list.selected = None;
    }
}

fn next(state: &mut State, by: isize) {
    if state.palette.is_some() {
        return palette::shift(state, by);
    }
    match state.overlays.last_mut() {
        Some(Overlay::Form(form)) => return form.move_focus(by),
        Some(Overlay::Dialog(dialog)) => return dialog.switch(by < 0),
        _ => {}
    }
    // Alone on the screen any panel can be shown, side by side only those that fit.
    let panels = if state.expanded.is_some() { &Panel::ALL[..] } else { Panel::shown(state.breakpoint()) };
    if panels.is_empty() {
        return;
    }
    let at = panels.iter().position(|panel| *panel == state.focus).unwrap_or(0) as isize;
    state.focus = panels[(at + by).rem_euclid(panels.len() as isize) as usize];
    if state.expanded.is_some() {
        state.expanded = Some(state.focus);
    }
    state.row = 0;
}

fn turn(state: &mut State, up: bool, effects: &mut Vec<Effect>) {
    match state.overlays.last_mut() {
        Some(Overlay::Form(form)) => form.turn(up),
        Some(Overlay::Dialog(dialog)) => dialog.switch(!up),
        _ => steer::step(state, up, effects),
    }
}

fn submit(state: &mut State, effects: &mut Vec<Effect>) {
    if state.palette.is_some() {
        return palette::take(state, effects);
    }
    if let Some(entry) = state.entry.take() {
        match entry.target.clone() {
            Target::Value(row) => steer::submit_value(state, entry, row, effects),
            Target::Filter { .. } => {
                if let Err(why) = state.filter_remark() {
                    state.complain(why);
                }
            }
        }
        return;
    }
    match state.overlays.last() {
        Some(Overlay::Form(_)) => steer::submit_form(state, effects),
        Some(Overlay::Dialog(_)) => steer::answer(state, effects),
        Some(Overlay::Themes { .. }) => {
            state.overlays.pop();
            state.kept_theme = Some(state.theme_name().to_owned());
            state.say(format!("theme: {}", state.theme_name()));
            effects.push(Effect::Remember);
        }
        _ => {}
    }
}
