//! Screens, lists, panels.

use super::*;

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
    press(&mut state, "9");
    assert_eq!(state.screen, Screen::Settings);
    assert!(toast(&state).contains("9"), "{}", toast(&state));
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
