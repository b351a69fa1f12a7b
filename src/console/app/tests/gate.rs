//! What may spend asks first.

use super::*;

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

#[test]
fn a_question_that_stood_while_the_account_became_read_only_is_not_answered() {
    let mut state = open(running_on_aws());
    press(&mut state, "+");
    assert_eq!(state.place(), Place::Dialog);
    let mut read_only = running_on_aws();
    read_only.target.read_only = true;
    let at = state.now;
    update(&mut state, Msg::Snapshot(Arc::new(read_only)), at);
    assert!(commands(press(&mut state, "Right Enter")).is_empty());
    assert!(toast(&state).contains("READ-ONLY"), "{}", toast(&state));
}
