//! The palette: it finds, and leaves what may cost to its gate.

use super::super::palette::{Choice, Item, items};
use super::*;

fn type_in(state: &mut State, text: &str) {
    press(state, ":");
    assert_eq!(state.place(), Place::Palette);
    type_text(state, text);
}

/// The best row for what is typed.
fn first(text: &str) -> Item {
    let mut state = open(fixtures::running());
    type_in(&mut state, text);
    items(&state).swap_remove(0)
}

#[test]
fn a_few_letters_find_actions_screens_scopes_knobs_and_themes() {
    let action = |text: &str| match first(text).choice {
        Choice::Action(action) => action,
        other => panic!("{text}: {other:?}"),
    };
    for (text, expected) in [
        ("pause", Action::Pause),
        ("load.pause", Action::Pause),
        ("pau", Action::Pause),
        ("batch", Action::Batch),
        ("dash", Action::Dashboard),
        ("slower", Action::RateDown),
        ("incid", Action::Incident),
        ("resub", Action::Resubmit),
        ("quit", Action::Quit),
    ] {
        assert_eq!(action(text), expected, "{text}");
    }
    assert_eq!(first("theme dawn").choice, Choice::Theme("dawn".to_owned()));
    assert!(matches!(first("share").choice, Choice::Knob(TuningRow::Knob(KnobId::Share))));
    let state = open(fixtures::running());
    let key = &state.live.scopes[0].key;
    assert_eq!(first(&format!("scope {} {}", key.region, key.bucket)).choice, Choice::Scope(key.clone()));
    assert_eq!(first("region us-west").choice, Choice::Region("us-west-2".into()));
}

#[test]
fn what_is_chosen_is_done_as_by_its_key() {
    let mut state = open(fixtures::running());
    type_in(&mut state, "pause");
    let effects = press(&mut state, "Enter");
    assert_eq!(commands(effects), [Command::Pause]);
    assert!(state.palette.is_none());

    type_in(&mut state, "theme dawn");
    press(&mut state, "Enter");
    assert_eq!(state.theme_name(), "dawn");

    type_in(&mut state, "share");
    press(&mut state, "Enter");
    assert_eq!(state.screen, Screen::Tuning);
    assert_eq!(state.tuning.selected_row(&state.live), Some(TuningRow::Knob(KnobId::Share)));

    let key = state.live.scopes[1].key.clone();
    type_in(&mut state, &format!("scope {} {}", key.region, key.bucket));
    press(&mut state, "Enter");
    assert!(matches!(&state.detail, Some(Detail::Scope { key: shown, .. }) if *shown == key));
    assert_eq!(state.place(), Place::Scope);

    type_in(&mut state, "region us-west");
    press(&mut state, "Enter");
    assert_eq!((state.screen, state.focus, state.place()), (Screen::Dashboard, Panel::Regions, Place::Dashboard));
}

#[test]
fn what_cannot_be_done_says_why_and_the_palette_stays() {
    let mut state = open(fixtures::idle());
    type_in(&mut state, "pause");
    assert_eq!(items(&state)[0].blocked.as_deref(), Some("no load is running; L starts one"));
    assert!(press(&mut state, "Enter").is_empty());
    assert_eq!(toast(&state), "pause: no load is running; L starts one");
    assert_eq!(state.place(), Place::Palette);

    type_text(&mut state, "zzzz");
    assert!(press(&mut state, "Enter").is_empty() && items(&state).is_empty());
    assert!(toast(&state).contains("fewer find more"));
    press(&mut state, "Esc");
    assert_eq!(state.place(), Place::Dashboard);
}

#[test]
fn an_action_of_another_screen_goes_there_and_does_nothing_unseen() {
    // Harmless: done at once.
    let mut state = open(fixtures::running());
    type_in(&mut state, "requests.failed");
    press(&mut state, "Enter");
    assert!(state.screen == Screen::Requests && state.failed_only);
    // What changes something waits for its key, with the row in sight.
    for (name, screen) in
        [("provisioned.use", Screen::Provisioned), ("batch.stop", Screen::Batch), ("tune.default", Screen::Tuning)]
    {
        let mut state = open(fixtures::running());
        type_in(&mut state, name);
        assert!(press(&mut state, "Enter").is_empty(), "{name}");
        assert_eq!(state.screen, screen, "{name}");
        assert!(
            state.overlays.is_empty() && toast(&state).contains("for the selected row"),
            "{name}: {}",
            toast(&state)
        );
    }
    // Two screens have it: nobody can tell which is meant.
    let mut state = open(fixtures::running());
    type_in(&mut state, "account.new");
    assert!(press(&mut state, "Enter").is_empty());
    assert!(toast(&state).contains("not here"), "{}", toast(&state));
}

#[test]
fn what_may_cost_passes_its_gate() {
    let mut state = open(running_on_aws());
    type_in(&mut state, "load.faster");
    assert!(commands(press(&mut state, "Enter")).is_empty());
    assert_eq!(state.place(), Place::Dialog);
}

#[test]
fn what_was_chosen_comes_first_where_nothing_is_typed() {
    let mut state = open(fixtures::running());
    press(&mut state, ":");
    let all = items(&state).len();
    assert_eq!(items(&state)[0].choice, Choice::Action(Action::Dashboard));
    type_text(&mut state, "freeze");
    press(&mut state, "Enter");
    for _ in 0..2 {
        type_in(&mut state, "theme dawn");
        press(&mut state, "Enter");
    }
    press(&mut state, ":");
    let now = items(&state);
    assert_eq!(now.len(), all);
    assert_eq!([&now[0].choice, &now[1].choice], [&Choice::Theme("dawn".to_owned()), &Choice::Action(Action::Freeze)]);
    assert!(now[0].recent && now[1].recent && !now[2].recent);
    for theme in 0..20 {
        state.chosen.insert(0, Choice::Theme(format!("{theme}")));
        type_in_open(&mut state, "freeze");
    }
    assert!(state.chosen.len() <= 7);
}

fn type_in_open(state: &mut State, text: &str) {
    state.palette = None;
    type_in(state, text);
    press(state, "Enter");
}

#[test]
fn the_selection_goes_round_and_back_to_the_top_when_typing() {
    let mut state = open(fixtures::running());
    type_in(&mut state, "load");
    let count = items(&state).len();
    press(&mut state, "Up");
    assert_eq!(state.palette.as_ref().unwrap().cursor, count - 1);
    press(&mut state, "Down Down Tab");
    assert_eq!(state.palette.as_ref().unwrap().cursor, 2);
    press(&mut state, ".");
    assert_eq!(state.palette.as_ref().unwrap().cursor, 0);
    let now = state.now;
    update(&mut state, Msg::Paste("pa\nuse".into()), now);
    assert_eq!(state.palette.as_ref().unwrap().input.value(), "load.pause");
}

#[test]
fn changed_keys_are_what_the_console_hears_and_says() {
    let keys = [("load.pause".to_owned(), vec!["F5".to_owned()]), ("quit".to_owned(), vec!["Q".to_owned()])];
    let mut state = open(fixtures::running());
    state.keymap = keys::Keymap::new(&keys.into_iter().collect()).unwrap();
    assert!(press(&mut state, "p").is_empty());
    assert!(toast(&state).contains("does nothing here"), "{}", toast(&state));
    assert_eq!(commands(press_chord(&mut state, Chord::plain(Key::F(5)))), [Command::Pause]);
    assert!(state.leaving.is_none());
    press(&mut state, "q");
    assert!(state.leaving.is_none());
    type_in(&mut state, "load.pause");
    assert_eq!(items(&state)[0].key, "F5");
    press(&mut state, "Esc Q");
    assert!(state.leaving.is_some());
}
