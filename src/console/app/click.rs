//! The mouse: what was clicked on is known to whoever drew it; what a click on it does is said here.
//!
//! A click moves the focus and does what a hint says. It never answers a question with yes: that takes a key.

use serde::{Deserialize, Serialize};

use crate::console::keys::{self, Action, Place};

use super::confirm::Button;
use super::lists::{line_key, request_key};
use super::update::{act, back, go, shift};
use super::{Detail, Effect, Overlay, Panel, Screen, State, batch, provisioned, tuning, usage, warned};

/// Something on the screen that takes a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hit {
    /// A hint of the last row.
    Hint(Action),
    /// The name of a screen.
    Tab(Screen),
    /// A panel of the dashboard.
    Panel(Panel),
    /// A row of the list that is on the screen or on top of it.
    Row(usize),
    /// A row of a panel of the dashboard.
    PanelRow(Panel, usize),
    /// A field of a form or a question.
    Field(usize),
    /// A button of a question: 0 leaves everything as it is.
    Button(usize),
}

pub(super) fn click(state: &mut State, hit: Hit, effects: &mut Vec<Effect>) {
    match hit {
        Hit::Hint(Action::Submit) if state.place() == Place::Dialog => match state.overlays.last() {
            Some(Overlay::Dialog(dialog)) if dialog.focus == Button::Cancel => back(state),
            _ => state.complain("a question is not answered by a click: Enter does it"),
        },
        Hit::Hint(action) => match keys::availability(state, action) {
            Ok(()) => act(state, action, effects),
            Err(why) => state.complain(format!("{}: {why}", action.spec().title)),
        },
        Hit::Tab(screen) if state.place().is_view() => go(state, screen),
        Hit::Panel(panel) if state.place() == Place::Dashboard => focus(state, panel),
        Hit::PanelRow(panel, row) if state.place() == Place::Dashboard => {
            focus(state, panel);
            state.row = row.min(state.dashboard_rows().saturating_sub(1));
        }
        Hit::Row(row) | Hit::PanelRow(_, row) => select(state, row),
        Hit::Field(at) => match state.overlays.last_mut() {
            Some(Overlay::Form(form)) => {
                let id = form.visible().get(at).map(|field| field.id);
                form.focus = id.unwrap_or(form.focus);
            }
            Some(Overlay::Dialog(dialog)) if dialog.typed.is_some() => dialog.focus = Button::Field,
            _ => {}
        },
        Hit::Button(at) => match state.overlays.last_mut() {
            Some(Overlay::Dialog(_)) if at == 0 => back(state),
            Some(Overlay::Dialog(dialog)) => dialog.focus = Button::Accept,
            _ => {}
        },
        Hit::Tab(_) | Hit::Panel(_) => {}
    }
}

fn focus(state: &mut State, panel: Panel) {
    if state.expanded.is_none() && state.focus != panel {
        state.focus = panel;
        state.row = 0;
    }
}

/// Moves the selection of the list to a row, as so many presses of Up or Down would.
fn select(state: &mut State, row: usize) {
    let at = match state.place() {
        Place::Palette => {
            if let Some(palette) = &mut state.palette {
                palette.cursor = row;
            }
            return;
        }
        Place::Themes => {
            state.theme = row.min(state.themes.len().saturating_sub(1));
            return;
        }
        Place::Tuning => {
            state.tuning.cursor = row.min(tuning::rows(&state.live).len().saturating_sub(1));
            return;
        }
        Place::Provisioned => state.provisioned.list.position(&state.visible_provisioned(), provisioned::key),
        Place::Batch => state.batch.list.position(&state.visible_jobs(), batch::key),
        Place::Requests => state.requests.position(&state.visible_requests(), request_key),
        Place::Account => {
            state.usage.list.position(&state.visible_use().iter().collect::<Vec<_>>(), |row| usage::key(row))
        }
        Place::Warnings => match state.overlays.last() {
            Some(Overlay::Warnings(list)) => list.position(&state.visible_warnings(), warned::key),
            _ => return,
        },
        Place::Increases => match &state.detail {
            Some(Detail::Increases { at }) => *at,
            _ => return,
        },
        Place::Log => state.log.position(&state.visible_lines(), line_key),
        _ => return,
    };
    let steps = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
    shift(state, steps(row).saturating_sub(steps(at)));
}
