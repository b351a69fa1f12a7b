//! Named warnings in the console: the list, the ways from it and back, muting, the log.

use super::*;
use crate::engine::Level;
use crate::warnings::Name;

/// A parked file on `aws`: credentials, a parked scope, an open breaker; and an account with an idle model.
fn trouble() -> State {
    open(fixtures::parked())
}

fn select(state: &mut State, name: Name) {
    while state.selected_warning().unwrap().warning.name != name {
        let before = state.selected_warning().unwrap().clone();
        press(state, "Down");
        assert_ne!(*state.selected_warning().unwrap(), before, "{} is not in the list", name.word());
    }
}

#[test]
fn what_appears_is_one_line_of_the_log_and_no_toast() {
    let mut state = trouble();
    assert_eq!(toast(&state), "");
    let lines = |state: &State| {
        let of = |line: &&crate::engine::JournalLine| line.text.starts_with("breaker-open, us-west-2: ");
        state.visible_lines().into_iter().filter(of).count()
    };
    press(&mut state, "7");
    assert_eq!(lines(&state), 1);
    let again = state.live.clone();
    for _ in 0..5 {
        let now = state.now;
        update(&mut state, Msg::Snapshot(again.clone()), now);
    }
    assert_eq!(lines(&state), 1);
    let line = state.visible_lines().into_iter().find(|line| line.text.starts_with("breaker-open")).unwrap();
    assert_eq!(line.level, Level::Error);
}

#[test]
fn enter_goes_to_what_a_warning_is_about_and_esc_comes_back() {
    for (name, place) in [
        (Name::ScopeParked, Place::Scope),
        (Name::BreakerOpen, Place::Scope),
        (Name::CredentialsEnd, Place::Account),
        (Name::ProvisionedIdle, Place::ProvisionedModel),
    ] {
        let mut state = trouble();
        press(&mut state, "7 w");
        assert_eq!(state.place(), Place::Warnings);
        select(&mut state, name);
        press(&mut state, "Enter");
        assert_eq!(state.place(), place, "{}", name.word());
        press(&mut state, "Esc");
        assert_eq!(state.place(), Place::Warnings);
        assert_eq!(state.selected_warning().unwrap().warning.name, name);
        press(&mut state, "Esc");
        assert_eq!((state.place(), state.screen), (Place::Log, Screen::Log));
    }
    // Whoever goes elsewhere does not come back.
    let mut state = trouble();
    press(&mut state, "w Enter 5 Enter Esc Esc");
    assert_eq!(state.place(), Place::Requests);
}

#[test]
fn arrivals_lead_to_their_knob_and_failed_jobs_to_their_detail() {
    let mut snapshot = fixtures::running();
    snapshot.flow.client_limited = true;
    let mut state = open(snapshot);
    let now = state.now;
    update(&mut state, Msg::Control(Arc::new(fixtures::failing().0)), now);
    press(&mut state, "w");
    select(&mut state, Name::ClientLimited);
    press(&mut state, "Enter");
    assert_eq!(state.screen, Screen::Tuning);
    assert_eq!(state.tuning.selected_row(&state.live), Some(TuningRow::Knob(KnobId::ArrivalRate)));
    press(&mut state, "Esc");
    select(&mut state, Name::BatchFailed);
    press(&mut state, "Enter");
    assert_eq!(state.place(), Place::Job);
    assert_eq!(state.selected_job().unwrap().job.name, "tiny-test");
}

#[test]
fn a_name_is_muted_for_the_session_and_heard_again() {
    let mut state = trouble();
    let heard = |state: &State| state.warned.shown().heard().count();
    let all = heard(&state);
    press(&mut state, "w");
    select(&mut state, Name::ScopeParked);
    press(&mut state, "m");
    assert!(
        toast(&state).starts_with("scope-parked is muted for this session") && toast(&state).contains("[warnings]")
    );
    assert_eq!(heard(&state), all - 1);
    assert_eq!(state.selected_warning().unwrap().warning.name, Name::ScopeParked, "the selection goes with the row");
    assert_eq!(state.warned.muted().collect::<Vec<_>>(), ["scope-parked"]);
    press(&mut state, "m");
    assert_eq!((heard(&state), state.warned.muted().count()), (all, 0));
}

#[test]
fn a_frozen_display_keeps_its_warnings() {
    let mut state = trouble();
    let before = state.warned.shown().all().to_vec();
    press(&mut state, "f");
    let mut calm = fixtures::finished();
    calm.at = state.now + Micros::from_secs(60);
    let at = calm.at;
    update(&mut state, Msg::Snapshot(Arc::new(calm)), at);
    assert_eq!(state.warned.shown().all(), before);
    press(&mut state, "f");
    assert!(state.warned.shown().all().iter().all(|one| one.warning.name != Name::ScopeParked));
}

#[test]
fn help_and_the_list_do_not_pile_up_and_without_warnings_it_says_so() {
    let mut state = trouble();
    press(&mut state, "w ? w ? w ?");
    assert_eq!(state.overlays.len(), 2);
    let mut state = State::new(Arc::new(fixtures::idle()), (80, 24), vec!["dusk".to_owned()], "dusk");
    press(&mut state, "w Enter");
    assert!(toast(&state).contains("nothing is the matter"), "{}", toast(&state));
    press(&mut state, "w");
    assert_eq!(state.place(), Place::Dashboard);
}

#[test]
fn the_incident_report_has_them_muted_or_not() {
    let mut state = trouble();
    press(&mut state, "w");
    select(&mut state, Name::ScopeParked);
    press(&mut state, "m Esc");
    let effects = press(&mut state, "i");
    let Some(Effect::Write { text, .. }) = effects.first() else { panic!("no report") };
    assert!(text.contains("## Warnings\n\n| since, UTC | name |"), "{text}");
    assert!(text.contains("| breaker-open | error | us-west-2 | the breaker of us-west-2 is open: "), "{text}");
    assert!(text.contains("| scope-parked | error, muted |"), "{text}");
}
