//! Orders to the engine, and the incident report.

use super::*;
use crate::warnings::Warnings;

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
    let (account, _) = fixtures::used_account();
    let text = incident::report(&snapshot, Some(&account), &Warnings::default());
    for part in ["## The account, by CloudWatch", "| us-west-2 amazon.nova-lite-v1:0 | 400000 |", "at least"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!incident::report(&snapshot, None, &Warnings::default()).contains("CloudWatch"));
    assert!(text.contains("a \\| b c"), "{text}");
}
