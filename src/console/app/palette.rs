//! The palette: everything there is to do and to go to, found by a few letters.
//!
//! It only finds. What is chosen is done by the same functions as a key does it, and what may cost passes its gate there.

use tui_input::Input;

use crate::console::keys::{self, ACTIONS, Action, ActionSpec, Chord, Place, Risk};
use crate::record::{Region, ScopeKey};

use super::update::{act, go};
use super::{Detail, Effect, Panel, Screen, State, TuningRow, entry, fuzzy, short_model, tuning};

/// Choices that are remembered.
pub(super) const REMEMBERED: usize = 6;

/// The palette while it is open.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub input: Input,
    /// The selected row.
    pub cursor: usize,
}

impl Palette {
    /// Lets the field have a key. Returns whether it took it.
    pub(super) fn type_key(&mut self, chord: Chord) -> bool {
        let before = self.input.value().to_owned();
        let taken = entry::type_key(&mut self.input, chord);
        if self.input.value() != before {
            self.cursor = 0;
        }
        taken
    }

    /// Puts pasted text into the field.
    pub(super) fn paste(&mut self, text: &str) {
        entry::paste(&mut self.input, text);
        self.cursor = 0;
    }
}

/// What can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// An action; the screens are actions too.
    Action(Action),
    /// A scope's detail.
    Scope(ScopeKey),
    /// A Region's row of the dashboard.
    Region(Region),
    /// A row of the tuning screen.
    Knob(TuningRow),
    /// A theme.
    Theme(String),
}

/// A row of the palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub choice: Choice,
    /// Its name: what is typed finds it first here.
    pub name: String,
    /// A few words.
    pub title: String,
    /// One sentence.
    pub help: String,
    /// The key that does the same; empty if there is none.
    pub key: String,
    /// It was chosen before.
    pub recent: bool,
    /// Why it cannot be done now, if it cannot.
    pub blocked: Option<String>,
}

/// The rows that fit what is typed, the best first; where nothing is typed, what was chosen lately and then everything.
#[must_use]
pub fn items(state: &State) -> Vec<Item> {
    let typed = state.palette.as_ref().map_or("", |palette| palette.input.value());
    let all = everything(state);
    if typed.trim().is_empty() {
        let recent = |item: &Item| state.chosen.iter().position(|chosen| *chosen == item.choice);
        let mut first: Vec<(usize, Item)> =
            all.iter().filter_map(|item| Some((recent(item)?, Item { recent: true, ..item.clone() }))).collect();
        first.sort_by_key(|(at, _)| *at);
        let rest = all.iter().filter(|item| recent(item).is_none()).cloned();
        return first.into_iter().map(|(_, item)| item).chain(rest).collect();
    }
    let mut found: Vec<(i32, Item)> = all.into_iter().filter_map(|item| Some((fit(typed, &item)?, item))).collect();
    // The sort is stable: what fits equally well stays in the order of the table.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, item)| item).collect()
}

/// How well a row fits: by its title or name, else by its sentence, which counts less.
fn fit(typed: &str, item: &Item) -> Option<i32> {
    let short = fuzzy::score(typed, &item.title).max(fuzzy::score(typed, &item.name));
    let whole = fuzzy::score(typed, &format!("{} {}", item.name, item.title));
    // Letters scattered over a sentence are in nearly every one: only its words count.
    let lower = item.help.to_lowercase();
    let said = typed.split_whitespace().all(|word| lower.contains(&word.to_lowercase()));
    // A whole name counts more than a beginning.
    let exact = [&item.title, &item.name].iter().any(|text| text.eq_ignore_ascii_case(typed.trim()));
    let bonus = if exact { 1_000 } else { 0 };
    short.map(|score| score + bonus).max(whole).or(said.then_some(0))
}

fn everything(state: &State) -> Vec<Item> {
    let beneath = state.place_beneath();
    let mut all: Vec<Item> =
        ACTIONS.iter().filter(|row| row.action != Action::Palette).map(|row| of_action(state, row, beneath)).collect();
    let shown = state.shown();
    let item = |choice, name: String, title: String, help: &str| Item {
        choice,
        name,
        title,
        help: help.to_owned(),
        key: String::new(),
        recent: false,
        blocked: None,
    };
    for (_, row) in tuning::rows(&state.live) {
        let value = row.view(&state.live, None);
        let title = match &row {
            TuningRow::Rpm(_) => format!("{} RPM", value.label),
            TuningRow::Tpm(_) => format!("{} TPM", value.label),
            _ => value.label,
        };
        all.push(item(Choice::Knob(row), format!("knob {title}"), title, &value.meaning));
    }
    for scope in &shown.scopes {
        let title = format!("{} {}", scope.key.region, short_model(&scope.key.bucket));
        let name = format!("scope {} {}", scope.key.region, scope.key.bucket);
        all.push(item(Choice::Scope(scope.key.clone()), name, title, "Show this scope's limiter from inside."));
    }
    for region in &shown.regions {
        let (name, title) = (format!("region {}", region.region), region.region.to_string());
        all.push(item(Choice::Region(region.region.clone()), name, title, "Show this Region's row on the dashboard."));
    }
    for theme in &state.themes {
        all.push(item(Choice::Theme(theme.clone()), format!("theme {theme}"), theme.clone(), "Wear this theme."));
    }
    all
}

fn of_action(state: &State, row: &'static ActionSpec, beneath: Place) -> Item {
    let keys = state.keymap.of(row.action);
    let blocked = match way(row, beneath) {
        Way::Here => keys::available_at(state, row.action, beneath).err(),
        Way::Over(_) => None,
        Way::None => Some(format!("works on {}, not here", state.keymap.place(row.places[0]))),
    };
    Item {
        choice: Choice::Action(row.action),
        name: row.name.to_owned(),
        title: row.title.to_owned(),
        help: row.help.to_owned(),
        key: keys.first().map(ToString::to_string).unwrap_or_default(),
        recent: false,
        blocked,
    }
}

/// How an action is reached from where the keyboard is.
enum Way {
    /// It works here.
    Here,
    /// It works on this one screen.
    Over(Screen),
    /// It works elsewhere, and nobody can tell where it is meant.
    None,
}

fn way(row: &ActionSpec, beneath: Place) -> Way {
    if row.places.contains(&beneath) {
        return Way::Here;
    }
    let mut screens = row.places.iter().filter_map(|place| place.screen());
    match (screens.next(), screens.next()) {
        (Some(screen), None) if beneath.is_view() => Way::Over(screen),
        _ => Way::None,
    }
}

/// Moves the selection, round at the ends.
pub(super) fn shift(state: &mut State, by: isize) {
    let count = items(state).len() as isize;
    if let Some(palette) = &mut state.palette
        && count > 0
    {
        palette.cursor = (palette.cursor as isize + by).rem_euclid(count) as usize;
    }
}

/// Does what is selected. What cannot be done says why, and the palette stays.
pub(super) fn take(state: &mut State, effects: &mut Vec<Effect>) {
    let cursor = state.palette.as_ref().map_or(0, |palette| palette.cursor);
    let mut items = items(state);
    if items.is_empty() {
        return state.complain("nothing has these letters in this order; fewer find more");
    }
    let Item { choice, blocked, title, .. } = items.swap_remove(cursor.min(items.len() - 1));
    if let Some(why) = blocked {
        return state.complain(format!("{title}: {why}"));
    }
    state.palette = None;
    state.chosen.retain(|known| *known != choice);
    state.chosen.insert(0, choice.clone());
    state.chosen.truncate(REMEMBERED);
    match choice {
        Choice::Action(action) => start(state, action, effects),
        Choice::Scope(key) => {
            go(state, Screen::Dashboard);
            focus(state, Panel::Quota, state.shown().scopes.iter().position(|scope| scope.key == key));
            state.detail = Some(Detail::Scope { key, scroll: 0 });
        }
        Choice::Region(region) => {
            go(state, Screen::Dashboard);
            focus(state, Panel::Regions, state.shown().regions.iter().position(|view| view.region == region));
        }
        Choice::Knob(row) => {
            go(state, Screen::Tuning);
            let at = tuning::rows(&state.live).iter().position(|(_, other)| *other == row);
            state.tuning.cursor = at.unwrap_or(state.tuning.cursor);
        }
        Choice::Theme(name) => {
            state.theme = state.themes.iter().position(|theme| *theme == name).unwrap_or(state.theme);
            state.kept_theme = Some(name.clone());
            state.say(format!("theme: {name}"));
            effects.push(Effect::Remember);
        }
    }
}

/// Starts an action as its key would. One of another screen goes there first; what may cost is left to its key there,
/// with what it is about in sight.
fn start(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let row = action.spec();
    if let Way::Over(screen) = way(row, state.place()) {
        go(state, screen);
        if row.risk != Risk::None {
            return match state.keymap.of(action).first() {
                Some(key) => state.say(format!("{key} is {}, for the selected row", row.title)),
                None => state.say(format!("{}: once more from here, for the selected row", row.title)),
            };
        }
    }
    match keys::availability(state, action) {
        Ok(()) => act(state, action, effects),
        Err(why) => state.complain(format!("{}: {why}", row.title)),
    }
}

/// Puts the focus on a row of a panel of the dashboard; a panel that has no room beside the others is shown alone.
fn focus(state: &mut State, panel: Panel, row: Option<usize>) {
    state.focus = panel;
    state.row = row.unwrap_or(0);
    state.expanded = (!Panel::shown(state.breakpoint()).contains(&panel)).then_some(panel);
}
