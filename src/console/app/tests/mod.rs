//! The console's mind, from outside: a key in, effects out.

mod account;
mod anything;
mod gate;
mod leaving;
mod moving;
mod palette;
mod settings;
mod steering;
mod table;
mod warned;

use std::sync::Arc;

use proptest::prelude::*;

use super::confirm::{Button, Confirmed};
use super::entry::Target;
use super::*;
use crate::console::keys::{self, ACTIONS, Action, Chord, Key, Lookup, Place};
use crate::console::ui::fixtures;
use crate::engine::{Command, EngineSnapshot, KnobId, LoadKind, LoadState};
use crate::limiter::Preset;
use crate::record::{Micros, Usd};

fn open(snapshot: EngineSnapshot) -> State {
    let snapshot = Arc::new(snapshot);
    let themes = vec!["dusk".to_owned(), "dawn".to_owned()];
    let mut state = State::new(snapshot.clone(), (120, 40), themes, "dusk");
    let at = snapshot.at;
    update(&mut state, Msg::Snapshot(snapshot), at);
    update(&mut state, Msg::Control(Arc::new(fixtures::used_account().0)), at);
    state
}

/// As the fixture, but a synthetic load on a real account.
fn running_on_aws() -> EngineSnapshot {
    let mut snapshot = fixtures::running();
    snapshot.target = fixtures::parked().target;
    snapshot
}

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    keys.split_whitespace().flat_map(|key| press_chord(state, chord(key))).collect()
}

fn press_chord(state: &mut State, chord: Chord) -> Vec<Effect> {
    let now = state.now + Micros::from_millis(50);
    update(state, Msg::Key(chord), now)
}

fn chord(name: &str) -> Chord {
    let key = match name {
        "Enter" => Key::Enter,
        "Esc" => Key::Esc,
        "Tab" => Key::Tab,
        "Up" => Key::Up,
        "Down" => Key::Down,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "Home" => Key::Home,
        "End" => Key::End,
        "PgDn" => Key::PageDown,
        "Backspace" => Key::Backspace,
        _ if name.starts_with("C-") => return Chord::ctrl(name.chars().last().unwrap()),
        _ => Key::Char(name.chars().next().unwrap()),
    };
    Chord::plain(key)
}

fn type_text(state: &mut State, text: &str) {
    for c in text.chars() {
        press_chord(state, Chord::char(c));
    }
}

fn commands(effects: Vec<Effect>) -> Vec<Command> {
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Engine(confirmed) => Some(confirmed.into_inner()),
            _ => None,
        })
        .collect()
}

fn toast(state: &State) -> &str {
    state.toast.as_ref().map_or("", |toast| &toast.text)
}

/// A state in each place of the keyboard.
fn places(snapshot: &EngineSnapshot) -> Vec<State> {
    let keys = [
        "",
        "2",
        "5",
        "7",
        "8",
        "Enter",
        "5 Enter",
        "?",
        "L",
        "2 + Enter",
        "t",
        "5 /",
        "3",
        "4",
        "3 Enter",
        "4 Enter",
        "4 P",
        "6",
        "6 Enter",
        "w",
        "6 A",
        "$",
        ":",
    ];
    keys.iter()
        .map(|keys| {
            let mut state = open(snapshot.clone());
            press(&mut state, keys);
            state
        })
        .collect()
}
