//! Screen 8 and privacy, from outside.

use super::*;
use crate::config::{Config, Layers, Origin};
use crate::console::app::settings::rows;

fn with(text: &str, snapshot: EngineSnapshot) -> State {
    let mut state = open(snapshot);
    let layers = Layers { file: Config::parse("c.toml", text, |_| Vec::new()).unwrap().source, ..Layers::default() };
    state.settings.values = layers.effective();
    state
}

fn origin(state: &State, key: &str) -> (String, String) {
    let row = rows(state).into_iter().find(|row| row.value.key == key).unwrap();
    (row.value.value, row.value.origin.to_string())
}

#[test]
fn a_knob_that_was_turned_says_so_and_the_others_who_said_them() {
    let state = with("[limits]\nshare = 80\n\n[retry]\nmax_attempts = 6\n", fixtures::running());
    assert_eq!(origin(&state, "limits.share"), ("70".into(), "session (changed live)".into()));
    assert_eq!(origin(&state, "retry.max_attempts"), ("6".into(), "c.toml:5".into()));
    assert_eq!(origin(&state, "retry.cap_s"), ("20".into(), "default".into()));
    assert_eq!(origin(&state, "limits.routing"), ("least-wait".into(), "default".into()));
    assert_eq!(origin(&state, "limits.spill"), ("false".into(), "default".into()));
}

#[test]
fn every_knob_is_among_the_settings_and_every_row_is_told_apart() {
    let state = with("", fixtures::running());
    let rows = rows(&state);
    for knob in state.live.knobs.iter().filter(|knob| knob.spec.id != KnobId::ArrivalRate) {
        let found = rows.iter().filter(|row| row.knob == Some(TuningRow::Knob(knob.spec.id))).count();
        assert_eq!(found, 1, "{}", knob.spec.label);
    }
    let mut keys: Vec<_> = rows.iter().map(crate::console::app::settings::row_key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), rows.len());
    // The defaults of the table are those of the engine.
    for row in rows.iter().filter(|row| row.value.origin != Origin::Session && row.knob.is_some()) {
        assert!(!matches!(&row.value.origin, Origin::Found(from) if from.starts_with("preset")), "{row:?}");
    }
}

#[test]
fn enter_goes_to_the_knob_and_y_copies_the_line() {
    let mut state = with("[limits]\nconcurrency = 96\n", fixtures::running());
    press(&mut state, "8 /");
    type_text(&mut state, "concurrency");
    press(&mut state, "Enter");
    let effects = press(&mut state, "y");
    assert!(
        matches!(&effects[..], [Effect::Copy { what: "setting", text }] if text == "[limits]\nconcurrency = 64"),
        "{effects:?}"
    );
    press(&mut state, "Enter");
    assert_eq!(state.screen, Screen::Tuning);
    assert_eq!(state.tuning.selected_row(&state.live), Some(TuningRow::Knob(KnobId::Concurrency)));
    press(&mut state, "8 Home");
    assert_eq!(state.filter(), "concurrency");
    press(&mut state, "Esc /");
    type_text(&mut state, "read_only");
    press(&mut state, "Enter Enter");
    assert_eq!(state.screen, Screen::Settings);
    assert!(toast(&state).contains("no knob turns it"), "{}", toast(&state));
}

#[test]
fn a_theme_that_is_taken_is_kept_and_one_that_is_looked_at_is_not() {
    let mut state = open(fixtures::running());
    assert!(press(&mut state, "t Down Esc").is_empty());
    assert_eq!(state.kept_theme, None);
    let effects = press(&mut state, "t Down Enter");
    assert!(matches!(effects[..], [Effect::Remember]));
    assert_eq!(state.kept_theme.as_deref(), Some("dawn"));
}

#[test]
fn privacy_says_that_what_is_copied_is_exact() {
    let mut state = open(fixtures::running());
    press(&mut state, "*");
    assert!(state.private);
    let now = state.now;
    update(&mut state, Msg::Copied(Ok("ARN".to_owned())), now);
    assert!(toast(&state).contains("not masked"), "{}", toast(&state));
    update(&mut state, Msg::Written(Ok("x/incident.md".to_owned())), now);
    assert!(toast(&state).contains("not masked"));
    press(&mut state, "*");
    assert!(!state.private);
}
