//! From a key to an action, and from an action to "yes" or "why not".

use crate::console::app::State;

use super::{ACTIONS, Action, ActionSpec, Chord, Place, Risk};

/// What a key means now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// This action, and it can run.
    Do(Action),
    /// This action, but not now: one line that says why.
    Disabled(Action, String),
    /// Nothing here; one line that says where it works, if anywhere.
    Unbound(String),
}

/// What `chord` means where the keyboard is now.
#[must_use]
pub fn lookup(state: &State, chord: Chord) -> Lookup {
    let place = state.place();
    let mut elsewhere = None;
    for row in state.keymap.rows(chord) {
        if row.places.contains(&place) {
            return match availability(state, row.action) {
                Ok(()) => Lookup::Do(row.action),
                Err(why) => Lookup::Disabled(row.action, format!("{chord} ({}): {why}", row.title)),
            };
        }
        elsewhere.get_or_insert(row);
    }
    Lookup::Unbound(match elsewhere {
        Some(row) => format!("{chord} ({}) works on {}, not here", row.title, state.keymap.place(row.places[0])),
        None => format!("{chord} does nothing here: {} shows the keys", state.keymap.key(Action::Help)),
    })
}

/// Whether an action can run where the keyboard is now.
///
/// # Errors
/// One line that says why not.
pub fn availability(state: &State, action: Action) -> Result<(), String> {
    available_at(state, action, state.place())
}

/// Whether an action could run if the keyboard were at `place`: below the palette, say.
///
/// # Errors
/// One line that says why not.
pub fn available_at(state: &State, action: Action, place: Place) -> Result<(), String> {
    let row = action.spec();
    if !row.places.contains(&place) {
        return Err(format!("works on {}, not here", state.keymap.place(row.places[0])));
    }
    can(state, row, place)
}

/// What a replay allows although it may cost elsewhere: there is no engine behind it.
const IN_REPLAY: [Action; 4] = [Action::Submit, Action::Suspend, Action::Quit, Action::Interrupt];

/// Whether a row can run now.
fn can(state: &State, row: &ActionSpec, place: Place) -> Result<(), String> {
    // Conditions are about what lies below the palette; the palette itself can always be closed.
    if place == Place::Palette && row.action == Action::Back {
        return Ok(());
    }
    if state.tape.plays() && row.risk != Risk::None && !IN_REPLAY.contains(&row.action) {
        return Err("a replay sends nothing".to_owned());
    }
    (row.when)(state)
}

/// The rows of the hint bar, most useful first. Actions that cannot run now or have no key are left out of the bar, never
/// of the help.
#[must_use]
pub fn hints(state: &State) -> Vec<&'static ActionSpec> {
    let place = state.place();
    let bound = |row: &&ActionSpec| !state.keymap.of(row.action).is_empty();
    let mut rows: Vec<&'static ActionSpec> = ACTIONS
        .iter()
        .filter(|row| row.hint > 0 && row.places.contains(&place) && can(state, row, place).is_ok())
        .filter(bound)
        .collect();
    rows.sort_by_key(|row| row.hint);
    rows
}
