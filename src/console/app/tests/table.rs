//! The action table: complete, free of conflicts, and never silent.

use super::*;

#[test]
fn every_action_has_exactly_one_row_and_words() {
    for row in ACTIONS {
        assert_eq!(ACTIONS.iter().filter(|other| other.action == row.action).count(), 1, "{}", row.name);
        assert_eq!(ACTIONS.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
        assert!(!row.title.is_empty() && row.help.ends_with('.') && !row.keys.is_empty() && !row.places.is_empty());
        assert_eq!(row.action.spec().name, row.name);
    }
}

#[test]
fn no_key_means_two_things_in_one_place() {
    for place in Place::ALL {
        let here: Vec<_> = ACTIONS.iter().filter(|row| row.places.contains(&place)).collect();
        for (at, row) in here.iter().enumerate() {
            for other in &here[at + 1..] {
                for key in row.keys {
                    assert!(!other.keys.contains(key), "{key} is {} and {} in {place:?}", row.name, other.name);
                }
            }
        }
    }
}

#[test]
fn every_action_and_every_key_of_it_is_in_help() {
    let help = keys::doc::key_lines(&keys::Keymap::default(), 200);
    for row in ACTIONS {
        let keys = keys::Keymap::default().text(row.action);
        let found = help
            .iter()
            .filter(|line| matches!(line, keys::doc::DocLine::Entry(k, text) if *k == keys && *text == row.help));
        assert_eq!(found.count(), 1, "{}", row.name);
    }
}

/// A question.
fn asked() -> State {
    let mut state = open(running_on_aws());
    press(&mut state, "+");
    assert_eq!(state.place(), Place::Dialog);
    state
}

/// All that a key can change, but for time and what the engine and the account say.
fn face(state: &State) -> String {
    let account = (&state.provisioned, &state.batch, &state.usage);
    let lists = (account, &state.requests, &state.log, state.failed_only, state.level);
    let over = (&state.overlays, &state.entry, &state.palette, &state.toast);
    let view =
        (state.screen, &state.detail, state.focus, state.expanded, state.row, state.theme, state.frozen.is_some());
    format!(
        "{view:?} {over:?} {lists:?} {:?} {:?}",
        (&state.tuning, state.window),
        (state.leaving, state.suspending, &state.warned)
    )
}

/// What may be where it leads already: on the first row, the only panel, the only choice, its own screen, the present.
fn may_stand_still(row: &keys::ActionSpec) -> bool {
    row.name.starts_with("move.")
        || row.name.starts_with("screen.")
        || matches!(row.action, Action::Decrease | Action::Increase | Action::Later | Action::Newest)
}

#[test]
fn every_action_that_can_run_in_a_place_does_something_there() {
    for (name, snapshot) in [("running", fixtures::running()), ("parked", fixtures::parked())] {
        for at in 0..=places(&snapshot).len() {
            for row in ACTIONS.iter().filter(|row| !may_stand_still(row)) {
                let mut all = places(&snapshot);
                all.push(asked());
                let mut state = all.swap_remove(at);
                let place = state.place();
                // Keys that the place's field takes are not the action's there.
                let Some(chord) = row.keys.iter().find(|chord| match place {
                    Place::Entry | Place::Palette | Place::Form | Place::Dialog => chord.typed().is_none(),
                    _ => true,
                }) else {
                    continue;
                };
                state.toast = None;
                if !matches!(keys::lookup(&state, *chord), Lookup::Do(action) if action == row.action) {
                    continue;
                }
                let before = face(&state);
                let effects = press_chord(&mut state, *chord);
                assert!(!effects.is_empty() || face(&state) != before, "{} in {place:?} on {name}", row.name);
            }
        }
    }
}

#[test]
fn every_action_in_every_place_can_run_or_says_why_not() {
    let mut seen = std::collections::BTreeSet::new();
    for (name, snapshot) in fixtures::all() {
        for state in places(&snapshot).into_iter().chain([asked()]) {
            seen.insert(state.place());
            for row in ACTIONS {
                match keys::availability(&state, row.action) {
                    Ok(()) => assert!(row.places.contains(&state.place())),
                    Err(why) => assert!(why.len() > 8, "{} on {name}, {:?}: `{why}`", row.name, state.place()),
                }
            }
        }
    }
    assert_eq!(seen, Place::ALL.into_iter().collect(), "places tried");
}

#[test]
fn a_key_that_can_run_does_something_and_one_that_cannot_only_talks() {
    for (name, snapshot) in fixtures::all() {
        for (at, _) in places(&snapshot).iter().enumerate() {
            for row in ACTIONS {
                let mut state = places(&snapshot).swap_remove(at);
                // A field takes what is typed into it before any action is looked up.
                let moves =
                    matches!(row.keys[0].key, Key::Enter | Key::Esc | Key::Tab | Key::BackTab | Key::Up | Key::Down);
                if matches!(state.place(), Place::Entry | Place::Form | Place::Palette) && !moves {
                    continue;
                }
                state.toast = None;
                let looked_up = keys::lookup(&state, row.keys[0]);
                let effects = press_chord(&mut state, row.keys[0]);
                if let Lookup::Disabled(_, why) | Lookup::Unbound(why) = looked_up {
                    assert!(effects.is_empty(), "{} on {name}", row.name);
                    assert_eq!(toast(&state), why, "{} on {name}", row.name);
                }
            }
        }
    }
}

#[test]
fn hints_are_of_this_place_and_can_run() {
    for state in fixtures::all().iter().flat_map(|(_, snapshot)| places(snapshot)) {
        let hints = keys::hints(&state);
        assert!(!hints.is_empty(), "{:?}", state.place());
        assert!(hints.iter().all(|row| keys::availability(&state, row.action).is_ok()));
    }
}

/// What the key of an action does in `state`: what it wants of the world, where it leads, what it says.
fn outcome(state: &mut State, chord: Chord) -> String {
    state.toast = None;
    let (place, before) = (state.place(), face(state));
    let effects = press_chord(state, chord);
    let mut parts: Vec<String> = effects.into_iter().map(wish).collect();
    if state.place() != place {
        parts.push(format!("to {:?}", state.place()));
    }
    if let Some(toast) = &state.toast {
        parts.push(format!("says `{}`", toast.text));
    }
    if parts.is_empty() {
        parts.push(if face(state) == before { "is there already" } else { "moves" }.to_owned());
    }
    parts.join(", ")
}

fn wish(effect: Effect) -> String {
    match effect {
        Effect::Engine(order) => format!("engine {:?}", order.into_inner()),
        Effect::Control(order) => {
            let order = format!("{:?}", order.into_inner());
            format!("account {}", order.split([' ', '(', '{']).next().unwrap_or_default())
        }
        Effect::Write { name, .. } => format!("write {name}"),
        Effect::Picture { name } => format!("picture {name}"),
        Effect::Copy { what, .. } => format!("copy the {what}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The whole table, a file for each moment: every action in every place that has it, whether it can run, what it then
/// does, and why not. `BLESS=1 cargo test screens` writes it anew; a change of it is a change of what a key does.
#[test]
fn every_action_on_all_screens_does_what_it_last_did() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/actions");
    let bless = std::env::var_os("BLESS").is_some();
    let mut changed = Vec::new();
    for (name, snapshot) in fixtures::all() {
        let mut table = std::collections::BTreeMap::new();
        for row in ACTIONS {
            for mut state in places(&snapshot).into_iter().chain([asked()]) {
                let place = state.place();
                if !row.places.contains(&place) {
                    continue;
                }
                let field = matches!(place, Place::Entry | Place::Palette | Place::Form | Place::Dialog);
                let key = row.keys.iter().find(|chord| !field || chord.typed().is_none());
                let says = match (keys::availability(&state, row.action), key) {
                    (Err(why), _) => format!("no   {why}"),
                    (Ok(()), Some(chord)) => format!("yes  {}", outcome(&mut state, *chord)),
                    (Ok(()), None) => "yes  (its key is text here)".to_owned(),
                };
                let key = key.map_or_else(|| "-".to_owned(), ToString::to_string);
                let line =
                    format!("  {:<26} {key:<10} {:<10} {says}", row.name, format!("{:?}", row.risk).to_lowercase());
                let lines: &mut Vec<String> = table.entry(place).or_default();
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        let mut text = String::new();
        for (place, lines) in table {
            text += &format!("{place:?}\n{}\n\n", lines.join("\n"));
        }
        let file = folder.join(format!("{name}.txt"));
        if bless {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        let other = text.lines().filter(|line| !known.lines().any(|known| known == *line));
        changed.extend(other.map(|line| format!("{name}: {line}")));
        if known != text && changed.is_empty() {
            changed.push(format!("{name}: lines are gone or elsewhere"));
        }
    }
    assert!(changed.is_empty(), "look at them, then BLESS=1:\n{}", changed.join("\n"));
}
