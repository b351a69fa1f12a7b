//! Leaving and sleeping.

use super::*;

/// A console on whose account nothing is being done.
fn open(snapshot: EngineSnapshot) -> State {
    let mut state = super::open(snapshot);
    let at = state.now;
    update(&mut state, Msg::Control(Arc::new(fixtures::nothing().0)), at);
    state
}

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

#[test]
fn an_order_under_way_is_waited_for() {
    let (mut account, _) = fixtures::account();
    assert!(!account.works[0].stage.is_final());
    let mut state = super::open(fixtures::idle());
    let effects = press(&mut state, "q");
    assert!(effects.iter().all(|effect| !matches!(effect, Effect::Quit(_))), "an upload is under way");
    assert!(state.leaving.is_some());
    account.works.remove(0);
    let now = state.now + Micros::from_millis(50);
    let effects = update(&mut state, Msg::Control(Arc::new(account)), now);
    assert!(effects.iter().all(|effect| !matches!(effect, Effect::Quit(Exit::Abandoned { .. }))));
    let now = state.now + Micros::from_secs(11);
    assert!(matches!(&update(&mut state, Msg::Tick, now)[..], [] | [Effect::Quit(_)]));
}
