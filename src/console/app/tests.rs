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
    let keys = ["", "2", "5", "7", "Enter", "5 Enter", "?", "L", "2 + Enter", "t", "5 /"];
    keys.iter()
        .map(|keys| {
            let mut state = open(snapshot.clone());
            press(&mut state, keys);
            state
        })
        .collect()
}

// ---- the table ----

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
    let help = keys::doc::key_lines(200);
    for row in ACTIONS {
        let keys = keys::keys_of(row);
        let found = help
            .iter()
            .filter(|line| matches!(line, keys::doc::DocLine::Entry(k, text) if *k == keys && *text == row.help));
        assert_eq!(found.count(), 1, "{}", row.name);
    }
}

#[test]
fn every_action_in_every_place_can_run_or_says_why_not() {
    let mut seen = std::collections::BTreeSet::new();
    for (name, snapshot) in fixtures::all() {
        for state in places(&snapshot) {
            seen.insert(state.place());
            for row in ACTIONS {
                match keys::availability(&state, row.action) {
                    Ok(()) => assert!(row.places.contains(&state.place())),
                    Err(why) => assert!(why.len() > 8, "{} on {name}, {:?}: `{why}`", row.name, state.place()),
                }
            }
        }
    }
    let all: std::collections::BTreeSet<Place> =
        Place::ALL.into_iter().filter(|place| *place != Place::Dialog).collect();
    assert!(seen.is_superset(&all), "tried {seen:?}");
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
                if matches!(state.place(), Place::Entry | Place::Form) && !moves {
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

// ---- moving about ----

#[test]
fn digits_switch_screens_and_close_details() {
    let mut state = open(fixtures::running());
    for (digit, screen, _) in Screen::ALL {
        press(&mut state, "1 Enter");
        assert!(state.detail.is_some());
        press_chord(&mut state, Chord::char(digit));
        assert_eq!(state.screen, screen);
        assert!(state.detail.is_none());
    }
    press(&mut state, "3");
    assert_eq!(state.screen, Screen::Log);
    assert!(toast(&state).contains("3"), "{}", toast(&state));
}

#[test]
fn a_selected_row_stays_while_new_ones_come() {
    let mut state = open(fixtures::running());
    press(&mut state, "5 Down Down Down");
    let before = state.selected_request().unwrap().id.clone();
    let mut newer = fixtures::running();
    let mut recent = (*newer.recent).clone();
    recent.insert(0, recent[0].clone());
    recent[0].id = "syn-009999".into();
    recent[0].utc_ms += 5_000;
    newer.recent = Arc::new(recent);
    let at = newer.at;
    update(&mut state, Msg::Snapshot(Arc::new(newer)), at);
    assert_eq!(state.selected_request().unwrap().id, before);
    press(&mut state, "Home");
    assert_eq!(state.selected_request().unwrap().id.as_str(), "syn-009999");
}

#[test]
fn a_filter_works_while_typed_and_esc_takes_it_back() {
    let mut state = open(fixtures::running());
    press(&mut state, "5");
    let all = state.visible_requests().len();
    press(&mut state, "/");
    type_text(&mut state, "WEST-2 validation");
    let left = state.visible_requests().len();
    assert!(left > 0 && left < all);
    assert!(state.visible_requests().iter().all(|r| r.failure.is_some() && r.route.region.as_str() == "us-west-2"));
    press(&mut state, "Enter");
    assert_eq!(state.visible_requests().len(), left);
    press(&mut state, "/");
    type_text(&mut state, "nothing has this");
    assert!(state.visible_requests().is_empty());
    press(&mut state, "Esc");
    assert_eq!(state.visible_requests().len(), left, "Esc in the field takes the typing back");
    press(&mut state, "Esc");
    assert_eq!(state.visible_requests().len(), all, "Esc on the screen takes the filter off");
    press(&mut state, "x");
    assert!(state.visible_requests().iter().all(|request| request.failure.is_some()));
}

#[test]
fn the_log_can_be_narrowed_to_what_is_wrong() {
    let mut state = open(fixtures::running());
    press(&mut state, "7");
    let all = state.visible_lines().len();
    press(&mut state, "v");
    let warnings = state.visible_lines().len();
    press(&mut state, "v");
    let errors = state.visible_lines().len();
    assert!(all > warnings && warnings > errors && errors > 0);
    press(&mut state, "v");
    assert_eq!(state.visible_lines().len(), all);
}

#[test]
fn freezing_holds_the_display_and_not_the_load() {
    let mut state = open(fixtures::running());
    press(&mut state, "f");
    let shown = state.shown().clone();
    let mut newer = fixtures::finished();
    newer.at = newer.at + Micros::from_secs(5);
    let at = newer.at;
    update(&mut state, Msg::Snapshot(Arc::new(newer)), at);
    assert!(Arc::ptr_eq(state.shown(), &shown));
    assert_eq!(state.live.state, LoadState::Finished);
    assert!(state.age() >= Micros::from_secs(5));
    press(&mut state, "f");
    assert_eq!(state.shown().state, LoadState::Finished);
}

#[test]
fn themes_are_previewed_and_esc_goes_back() {
    let mut state = open(fixtures::idle());
    press(&mut state, "t Down");
    assert_eq!(state.theme_name(), "dawn");
    press(&mut state, "Esc");
    assert_eq!(state.theme_name(), "dusk");
    press(&mut state, "t Down Enter");
    assert_eq!(state.theme_name(), "dawn");
}

#[test]
fn an_expanded_panel_moves_on_and_goes_back() {
    let mut state = open(fixtures::running());
    press(&mut state, "e");
    assert_eq!(state.expanded, Some(Panel::Quota));
    press(&mut state, "Tab");
    assert_eq!(state.expanded, Some(state.focus));
    assert_ne!(state.focus, Panel::Quota);
    press(&mut state, "Esc");
    assert_eq!(state.expanded, None);
}

// ---- steering ----

#[test]
fn pause_and_resume_follow_the_engine() {
    let mut state = open(fixtures::running());
    assert_eq!(commands(press(&mut state, "p")), [Command::Pause]);
    let mut paused = fixtures::running();
    paused.state = LoadState::Paused;
    let at = paused.at;
    update(&mut state, Msg::Snapshot(Arc::new(paused)), at);
    assert_eq!(commands(press(&mut state, "p")), [Command::Resume]);
    let mut idle = open(fixtures::idle());
    assert!(press(&mut idle, "p").is_empty());
    assert!(toast(&idle).contains("no load is running"), "{}", toast(&idle));
}

#[test]
fn knobs_move_from_the_value_just_sent() {
    let mut state = open(fixtures::running());
    press(&mut state, "2 Down");
    let sent = commands(press(&mut state, "Right Right l h"));
    let values: Vec<f64> = sent
        .iter()
        .map(|command| match command {
            Command::SetKnob { knob: KnobId::Concurrency, value } => *value,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(values, [80.0, 100.0, 125.0, 100.0]);
    assert_eq!(state.tuning.changes, 4);
    assert_eq!(commands(press(&mut state, "u")), [Command::Undo]);
    assert_eq!(state.tuning.changes, 3);
}

#[test]
fn a_sent_value_is_forgotten_once_the_engine_shows_it_or_does_not() {
    let mut state = open(fixtures::running());
    press(&mut state, "2 Down Right");
    assert_eq!(state.tuning.pending.len(), 1);
    let mut seen = fixtures::running();
    seen.knobs[1].value = 80.0;
    let at = state.now;
    update(&mut state, Msg::Snapshot(Arc::new(seen)), at);
    assert!(state.tuning.pending.is_empty());
    press(&mut state, "Right");
    let late = state.now + Micros::from_secs(3);
    update(&mut state, Msg::Snapshot(Arc::new(fixtures::running())), late);
    assert!(state.tuning.pending.is_empty(), "an engine that clamps or refuses has the last word");
}

#[test]
fn every_row_of_the_tuning_screen_can_be_moved_or_says_why_not() {
    for (name, snapshot) in fixtures::all() {
        let mut state = open(snapshot.clone());
        press(&mut state, "2");
        for (at, (_, row)) in tuning::rows(&snapshot).iter().enumerate() {
            state.tuning.cursor = at;
            state.toast = None;
            state.overlays.clear();
            let effects = press(&mut state, "Right");
            let asked = matches!(state.overlays.last(), Some(Overlay::Dialog(_)));
            assert!(!effects.is_empty() || asked || !toast(&state).is_empty(), "{row:?} on {name}");
            let view = row.view(&snapshot, None);
            assert!(!view.label.is_empty() && !view.value.is_empty() && view.meaning.ends_with('.'), "{view:?}");
        }
    }
}

#[test]
fn typed_values_are_checked() {
    let mut state = open(fixtures::running());
    press(&mut state, "2 Down Enter");
    type_text(&mut state, "100000");
    assert!(press(&mut state, "Enter").is_empty());
    let error = state.entry.as_ref().unwrap().error.clone().unwrap();
    assert!(error.contains("5,000"), "{error}");
    press(&mut state, "C-u");
    type_text(&mut state, "200");
    assert_eq!(commands(press(&mut state, "Enter")), [Command::SetKnob { knob: KnobId::Concurrency, value: 200.0 }]);
    assert!(state.entry.is_none());
}

#[test]
fn the_cap_is_typed_raised_and_taken_off() {
    let mut state = open(fixtures::running());
    press(&mut state, "2");
    state.tuning.cursor = tuning::rows(&state.live).iter().position(|(_, row)| *row == TuningRow::Cap).unwrap();
    assert_eq!(commands(press(&mut state, "Right")), [Command::SetCap(Some(Usd::from_dollars(5.5)))]);
    press(&mut state, "Enter");
    type_text(&mut state, "none");
    assert_eq!(commands(press(&mut state, "Enter")), [Command::SetCap(None)]);
    press(&mut state, "Enter");
    type_text(&mut state, "-1");
    assert!(press(&mut state, "Enter").is_empty());
}

#[test]
fn presets_quotas_and_regions_are_rows_too() {
    let mut state = open(fixtures::running());
    press(&mut state, "2");
    let rows = tuning::rows(&state.live);
    let at = |want: &dyn Fn(&TuningRow) -> bool| rows.iter().position(|(_, row)| want(row)).unwrap();
    state.tuning.cursor = at(&|row| *row == TuningRow::Preset);
    assert_eq!(commands(press(&mut state, "Right")), [Command::SetPreset(Preset::Classic)]);
    state.tuning.cursor = at(&|row| matches!(row, TuningRow::Region(_)));
    assert_eq!(commands(press(&mut state, "Left")), [Command::DrainRegion { region: "us-east-1".into(), off: true }]);
    state.tuning.cursor = at(&|row| matches!(row, TuningRow::Tpm(_)));
    press(&mut state, "Enter");
    type_text(&mut state, "300k");
    let sent = commands(press(&mut state, "Enter"));
    assert!(matches!(&sent[..], [Command::SetQuota { rpm: None, tpm: Some(300_000), .. }]), "{sent:?}");
}

// ---- the gate ----

#[test]
fn on_a_simulator_a_load_starts_at_once() {
    let mut state = open(fixtures::idle());
    press(&mut state, "L");
    let sent = commands(press(&mut state, "Enter"));
    assert!(matches!(&sent[..], [Command::StartLoad(_)]));
    assert!(state.overlays.is_empty());
}

#[test]
fn on_aws_a_load_asks_first_and_cancel_has_the_focus() {
    let mut idle = fixtures::aws_read_only();
    idle.target.read_only = false;
    let mut state = open(idle);
    press(&mut state, "L");
    assert!(press(&mut state, "Enter").is_empty());
    let Some(Overlay::Dialog(dialog)) = state.overlays.last() else { panic!("no question") };
    assert_eq!(dialog.focus, Button::Cancel);
    let names: Vec<&str> = dialog.facts.iter().map(|(name, _)| *name).collect();
    for name in ["Account", "Regions", "Cost at most", "Share of quota", "Spend cap"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert!(press(&mut state, "Enter").is_empty(), "Enter on Cancel");
    assert!(matches!(state.overlays.last(), Some(Overlay::Form(_))), "back in the form");
    press(&mut state, "Enter");
    let sent = commands(press(&mut state, "Tab Enter"));
    assert!(matches!(&sent[..], [Command::StartLoad(_)]), "{sent:?}");
    assert!(state.overlays.is_empty());
    assert_eq!(state.agreed.unwrap().rate, Some(2.0));
}

#[test]
fn on_aws_raising_the_rate_above_the_agreement_asks_however_fast_the_keys_come() {
    let mut state = open(running_on_aws());
    assert_eq!(state.agreed.unwrap().rate, Some(4.0));
    assert_eq!(commands(press(&mut state, "-")), [Command::ScaleRate(0.8)], "lower never asks");
    assert_eq!(commands(press(&mut state, "+")), [Command::ScaleRate(1.25)], "back to what was agreed");
    assert!(commands(press(&mut state, "+")).is_empty());
    assert!(matches!(state.overlays.last(), Some(Overlay::Dialog(_))));
    assert_eq!(commands(press(&mut state, "Right Enter")), [Command::ScaleRate(1.25)]);
    assert_eq!(state.agreed.unwrap().rate, Some(5.0));
}

#[test]
fn on_aws_more_cap_more_share_and_probing_ask() {
    let snapshot = running_on_aws();
    let rows = tuning::rows(&snapshot);
    let wanted = [TuningRow::Cap, TuningRow::Knob(KnobId::Share), TuningRow::Knob(KnobId::ProbeAboveQuota)];
    for row in wanted {
        let mut state = open(snapshot.clone());
        press(&mut state, "2");
        state.tuning.cursor = rows.iter().position(|(_, other)| *other == row).unwrap();
        assert!(press(&mut state, "Right").is_empty(), "{row:?}");
        assert!(matches!(state.overlays.last(), Some(Overlay::Dialog(_))), "{row:?}");
        assert!(press(&mut state, "Esc").is_empty());
        assert!(state.overlays.is_empty());
        assert_eq!(commands(press(&mut state, "Right Tab Enter")).len(), 1, "{row:?}");
    }
}

#[test]
fn read_only_refuses_what_it_would_ask() {
    let mut state = open(fixtures::aws_read_only());
    assert!(press(&mut state, "L").is_empty());
    assert!(state.overlays.is_empty());
    assert!(toast(&state).contains("READ-ONLY"), "{}", toast(&state));
    let mut running = running_on_aws();
    running.target.read_only = true;
    let mut state = open(running);
    assert!(press(&mut state, "+").is_empty());
    assert!(state.overlays.is_empty());
    assert_eq!(commands(press(&mut state, "p")), [Command::Pause], "our own load can always be paused");
}

#[test]
fn a_file_in_work_is_not_replaced_by_a_synthetic_load() {
    let mut file = fixtures::running();
    file.run.kind = LoadKind::File;
    let mut state = open(file);
    press(&mut state, "L");
    assert!(state.overlays.is_empty());
    press(&mut state, "+");
    assert!(toast(&state).contains("file"), "{}", toast(&state));
}

// ---- leaving ----

fn exit(effects: &[Effect]) -> Option<Exit> {
    effects.iter().find_map(|effect| match effect {
        Effect::Quit(exit) => Some(*exit),
        _ => None,
    })
}

#[test]
fn leaving_without_work_is_immediate() {
    for snapshot in [fixtures::idle(), fixtures::finished(), fixtures::parked()] {
        let mut state = open(snapshot);
        assert_eq!(exit(&press(&mut state, "q")), Some(Exit::Quit));
    }
}

#[test]
fn leaving_at_work_drains_and_the_second_key_leaves_at_once() {
    for key in ["q", "C-c"] {
        let mut state = open(fixtures::running());
        let effects = press(&mut state, key);
        assert_eq!(exit(&effects), None);
        assert_eq!(commands(effects), [Command::Drain]);
        assert!(state.leaves_in().unwrap() > Micros::from_secs(9));
        assert_eq!(exit(&press(&mut state, key)), Some(Exit::Abandoned { in_flight: 14 }));
    }
}

#[test]
fn a_drained_load_ends_the_console_and_a_stuck_one_after_ten_seconds() {
    let mut state = open(fixtures::running());
    press(&mut state, "q");
    let mut done = fixtures::finished();
    done.at = state.now + Micros::from_secs(2);
    let at = done.at;
    assert_eq!(exit(&update(&mut state, Msg::Snapshot(Arc::new(done)), at)), Some(Exit::Drained));

    let mut state = open(fixtures::running());
    press(&mut state, "q");
    let before = state.now + Micros::from_millis(9_900);
    assert_eq!(exit(&update(&mut state, Msg::Tick, before)), None);
    let after = before + Micros::from_millis(200);
    assert_eq!(exit(&update(&mut state, Msg::Tick, after)), Some(Exit::Abandoned { in_flight: 14 }));
}

#[test]
fn a_hangup_leaves_the_load_to_the_caller() {
    let mut state = open(fixtures::running());
    let at = state.now;
    let effects = update(&mut state, Msg::Hangup, at);
    assert_eq!(exit(&effects), Some(Exit::Hangup));
    assert!(commands(effects).is_empty());
}

#[test]
fn sleeping_pauses_first_and_resumes_afterwards() {
    let mut state = open(fixtures::running());
    let effects = press(&mut state, "C-z");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Suspend)));
    assert_eq!(commands(effects), [Command::Pause]);
    let mut paused = fixtures::running();
    paused.state = LoadState::Paused;
    paused.flow.in_flight = 0;
    let at = state.now;
    let effects = update(&mut state, Msg::Snapshot(Arc::new(paused)), at);
    assert!(matches!(effects[..], [Effect::Suspend]));
    assert_eq!(commands(update(&mut state, Msg::Resumed, at)), [Command::Resume]);
    assert!(state.suspending.is_none());
}

// ---- the incident ----

#[test]
fn an_incident_tells_verdict_minutes_throttles_and_request_ids() {
    let mut state = open(fixtures::running());
    let effects = press(&mut state, "i");
    let [Effect::Write { name, text }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(name, "incident-20260823T141502Z.md");
    for part in ["SIMULATED", "bind through reservation", "| 14:14 |", "throttle TPM | 4 | 27", "2.9x", "us-west-2"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let failed = fixtures::running().recent.iter().find(|r| r.failure.is_some()).unwrap().clone();
    assert!(text.contains(&failed.request_id.unwrap()));
    let at = state.now;
    update(&mut state, Msg::Written(Ok("/tmp/x.md".into())), at);
    assert!(toast(&state).contains("/tmp/x.md"));
}

#[test]
fn an_incident_stays_a_table_whatever_the_service_says() {
    let mut snapshot = fixtures::running();
    let mut recent = (*snapshot.recent).clone();
    recent[5].failure.as_mut().unwrap().1 = "a | b\nc".into();
    snapshot.recent = Arc::new(recent);
    let text = incident::report(&snapshot);
    assert!(text.contains("a \\| b c"), "{text}");
}

// ---- whatever comes ----

fn any_key() -> impl Strategy<Value = Chord> {
    let special = prop::sample::select(vec![
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Backspace,
        Key::Delete,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::Home,
        Key::End,
        Key::PageUp,
        Key::PageDown,
    ])
    .prop_map(Chord::plain);
    let bound = prop::sample::select(ACTIONS.iter().flat_map(|row| row.keys.iter().copied()).collect::<Vec<_>>());
    prop_oneof![3 => bound, 2 => special, 1 => any::<char>().prop_map(Chord::char), 1 => prop::char::range('a', 'z').prop_map(Chord::ctrl)]
}

fn any_msg() -> impl Strategy<Value = Msg> {
    let snapshots: Vec<Arc<EngineSnapshot>> = fixtures::all().into_iter().map(|(_, s)| Arc::new(s)).collect();
    prop_oneof![
        12 => any_key().prop_map(Msg::Key),
        3 => prop::sample::select(snapshots).prop_map(Msg::Snapshot),
        1 => any::<(u16, u16)>().prop_map(|(w, h)| Msg::Resize(w, h)),
        1 => ".{0,40}".prop_map(Msg::Paste),
        1 => Just(Msg::Tick),
        1 => Just(Msg::Resumed),
        1 => Just(Msg::Terminate),
        1 => Just(Msg::Written(Err("disk full".into()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_sequence_of_messages_panics_or_spends_without_a_question(
        first in 0..5_usize,
        messages in prop::collection::vec((any_msg(), 0..4_000_000_u64), 0..80),
    ) {
        let mut state = open(fixtures::all().swap_remove(first).1);
        let mut now = state.now;
        for (msg, step) in messages {
            now = now + Micros(step);
            let in_dialog = state.place() == Place::Dialog;
            for effect in update(&mut state, msg, now) {
                if let Effect::Engine(confirmed) = effect {
                    check_consent(&state, in_dialog, &confirmed);
                }
            }
            prop_assert!(state.overlays.len() < 8, "overlays pile up");
            prop_assert!(keys::hints(&state).iter().all(|row| keys::availability(&state, row.action).is_ok()));
        }
    }
}

fn check_consent(state: &State, in_dialog: bool, confirmed: &Confirmed<Command>) {
    let starts = matches!(confirmed.get(), Command::StartLoad(_));
    assert!(!starts || !state.live.target.read_only, "a load was started read-only");
    assert!(!starts || state.live.target.simulated || in_dialog, "a load was started on AWS without a question");
}

#[test]
fn the_filter_field_remembers_what_was_there() {
    let mut state = open(fixtures::running());
    press(&mut state, "7 /");
    assert!(matches!(&state.entry.as_ref().unwrap().target, Target::Filter { before } if before.is_empty()));
    assert!(matches!(keys::lookup(&state, Chord::plain(Key::Enter)), Lookup::Do(Action::Submit)));
}
