//! Whatever comes.

use super::*;
use crate::control::Order;

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
    let accounts =
        [fixtures::account(), fixtures::nothing(), fixtures::failing(), fixtures::hostile()].map(|(s, _)| Arc::new(s));
    let snapshots: Vec<Arc<EngineSnapshot>> = fixtures::all().into_iter().map(|(_, s)| Arc::new(s)).collect();
    prop_oneof![
        12 => any_key().prop_map(Msg::Key),
        3 => prop::sample::select(snapshots).prop_map(Msg::Snapshot),
        3 => prop::sample::select(accounts.to_vec()).prop_map(Msg::Control),
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
                match effect {
                    Effect::Engine(confirmed) => check_consent(&state, in_dialog, &confirmed),
                    Effect::Control(confirmed) => check_account_consent(&state, in_dialog, &confirmed.get().order),
                    _ => {}
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

fn check_account_consent(state: &State, in_dialog: bool, order: &Order) {
    let changes = order.changes();
    assert!(!changes || !state.live.target.read_only, "{order:?} was given read-only");
    assert!(!changes || in_dialog, "{order:?} was given without a question");
}

#[test]
fn the_filter_field_remembers_what_was_there() {
    let mut state = open(fixtures::running());
    press(&mut state, "7 /");
    assert!(matches!(&state.entry.as_ref().unwrap().target, Target::Filter { before } if before.is_empty()));
    assert!(matches!(keys::lookup(&state, Chord::plain(Key::Enter)), Lookup::Do(Action::Submit)));
}
