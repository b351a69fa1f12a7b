//! Orders to the engine: every one of them goes through the gate here.

use crate::console::keys::Action;
use crate::engine::{Command, KnobId, LoadState};
use crate::workload::LoadSpec;

use super::confirm::{self, Agreement, Answer, Button, Circumstance, Gate};
use super::entry::{Entry, Target};
use super::form::{Kind, load};
use super::{Effect, Overlay, State, TuningRow, orders};

/// One press of `+`.
const FASTER: f64 = 1.25;
/// One press of `-`: exactly takes back one of `+`.
const SLOWER: f64 = 0.8;

/// Whether an order is a tuning change that `u` can take back.
const fn is_tuning(command: &Command) -> bool {
    matches!(
        command,
        Command::ScaleRate(_)
            | Command::SetKnob { .. }
            | Command::SetPreset(_)
            | Command::SetQuota { .. }
            | Command::DrainRegion { .. }
            | Command::UseProvisioned(_)
            | Command::SetCap(_)
    )
}

/// Gives an order if the gate lets it through; else asks, or says why not. Returns whether it went out.
pub(super) fn send(state: &mut State, command: Command, effects: &mut Vec<Effect>) -> bool {
    let live = state.live.clone();
    let now = Circumstance { snapshot: &live, agreed: state.agreed, rate: state.rate_now(), prices: &state.prices };
    match confirm::gate(command, &now) {
        Gate::Go(confirmed) => {
            if is_tuning(confirmed.get()) {
                state.tuning.changes = state.tuning.changes.saturating_add(1);
            }
            if matches!(confirmed.get(), Command::StartLoad(_)) {
                // A new load is a new agreement (on a simulator nobody has to be asked for it).
                let agreed = state.agreed.unwrap_or_else(|| Agreement::of(&live));
                state.agreed = Some(agreed.with(confirmed.get(), None));
            }
            effects.push(Effect::Engine(confirmed));
            true
        }
        Gate::Ask(dialog) => {
            state.overlays.push(Overlay::Dialog(dialog));
            false
        }
        Gate::Refuse(why) => {
            state.complain(why);
            false
        }
    }
}

/// The answer to the question on top. What cannot be accepted yet stays there with the reason.
pub(super) fn answer(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Overlay::Dialog(dialog)) = state.overlays.last_mut() else { return };
    if dialog.focus != Button::Cancel
        && let Some(why) = dialog.why_not()
    {
        state.complain(why);
        return;
    }
    if dialog.focus == Button::Field {
        dialog.focus = Button::Accept;
        return;
    }
    let Some(Overlay::Dialog(dialog)) = state.overlays.pop() else { return };
    match dialog.answer(&state.live) {
        Ok(Some(answer)) => {
            match answer {
                Answer::Engine(confirmed, agreement) => {
                    state.agreed = Some(agreement);
                    if is_tuning(confirmed.get()) {
                        state.tuning.changes = state.tuning.changes.saturating_add(1);
                    }
                    state.say(format!("{}: sent to the engine", name(confirmed.get())));
                    effects.push(Effect::Engine(confirmed));
                }
                Answer::Control(confirmed) => orders::obey(state, confirmed, effects),
            }
            // The form that asked has done its work.
            state.overlays.retain(|overlay| !matches!(overlay, Overlay::Form(_)));
        }
        Ok(None) => state.say("left as it was"),
        Err(why) => state.complain(why),
    }
}

/// What an order is, in a word or two.
const fn name(command: &Command) -> &'static str {
    match command {
        Command::StartLoad(_) => "load",
        Command::ScaleRate(_) | Command::SetKnob { knob: KnobId::ArrivalRate, .. } => "arrival rate",
        Command::SetCap(_) => "spend cap",
        Command::UseProvisioned(_) => "on demand",
        _ => "change",
    }
}

/// `p`: stop admitting, or admit again.
pub(super) fn pause(state: &mut State, effects: &mut Vec<Effect>) {
    match state.live.state {
        LoadState::Running => {
            send(state, Command::Pause, effects);
            state.say("pausing: nothing new is sent, what is in flight goes on");
        }
        LoadState::Pausing { .. } | LoadState::Paused => {
            send(state, Command::Resume, effects);
            state.say("resuming");
        }
        _ => {}
    }
}

/// `S`: end the load.
pub(super) fn stop(state: &mut State, effects: &mut Vec<Effect>) {
    send(state, Command::Drain, effects);
    state.say("ending the load: nothing new is sent, what is in flight finishes");
}

/// `+` and `-`.
pub(super) fn scale(state: &mut State, up: bool, effects: &mut Vec<Effect>) {
    let factor = if up { FASTER } else { SLOWER };
    let rate = state.rate_now();
    if send(state, Command::ScaleRate(factor), effects)
        && let Some(rate) = rate
    {
        state.tuning.sent(TuningRow::Knob(KnobId::ArrivalRate), rate * factor, state.now);
        state.say(format!("arrival rate {:.2} -> {:.2} /s", rate, rate * factor));
    }
}

/// `u`.
pub(super) fn undo(state: &mut State, effects: &mut Vec<Effect>) {
    send(state, Command::Undo, effects);
    state.tuning.changes -= 1;
    state.tuning.pending.clear();
    state.say("taking the last tuning change back");
}

/// `r`.
pub(super) fn unpark(state: &mut State, effects: &mut Vec<Effect>) {
    send(state, Command::Unpark, effects);
    state.say("trying what is parked again");
}

/// Left and Right on the tuning screen.
pub(super) fn step(state: &mut State, up: bool, effects: &mut Vec<Effect>) {
    let Some(row) = state.tuning.selected_row(&state.live) else { return };
    match row.step(&state.live, state.tuning.pending(&row), up) {
        Ok((command, value)) => order_value(state, row, command, value, effects),
        Err(why) => state.complain(why),
    }
}

/// `d` on the tuning screen.
pub(super) fn reset(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(TuningRow::Knob(id)) = state.tuning.selected_row(&state.live) else { return };
    let Some(default) = state.live.knobs.iter().find(|knob| knob.spec.id == id).map(|knob| knob.default) else {
        return;
    };
    order_value(state, TuningRow::Knob(id), Command::SetKnob { knob: id, value: default }, default, effects);
}

fn order_value(state: &mut State, row: TuningRow, command: Command, value: f64, effects: &mut Vec<Effect>) {
    if send(state, command, effects) {
        state.tuning.sent(row, value, state.now);
    }
}

/// Opens the field for a value of the tuning screen.
pub(super) fn edit(state: &mut State) {
    if let Some(row) = state.tuning.selected_row(&state.live) {
        state.entry = Some(Entry { target: Target::Value(row), input: tui_input::Input::default(), error: None });
    }
}

/// Takes a typed value; a wrong one stays in its field with the reason.
pub(super) fn submit_value(state: &mut State, mut entry: Entry, row: TuningRow, effects: &mut Vec<Effect>) {
    match row.typed(&state.live, entry.input.value()) {
        Ok((command, value)) => order_value(state, row, command, value, effects),
        Err(why) => {
            entry.error = Some(why);
            state.entry = Some(entry);
        }
    }
}

/// `U` on a provisioned model: the load goes there. When it is full, it waits.
pub(super) fn use_provisioned(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(one) = state.selected_provisioned() else { return };
    let name = one.model.name.clone();
    let route = Box::new(one.route());
    if send(state, Command::UseProvisioned(Some(route)), effects) {
        let (tuning, undo) = (state.keymap.key(Action::Tuning), state.keymap.key(Action::Undo));
        state.say(format!(
            "the load goes to {name}; when it is full it waits (knob spill, {tuning}); {undo} takes it back"
        ));
    }
}

/// `O`: the load goes on demand again.
pub(super) fn use_on_demand(state: &mut State, effects: &mut Vec<Effect>) {
    if send(state, Command::UseProvisioned(None), effects) {
        state.say("the load goes on demand");
    }
}

/// Opens the load form. On `aws` it proposes a cap: a load without one must be a decision.
pub(super) fn open_form(state: &mut State) {
    let mut spec = LoadSpec::default();
    if !state.live.target.simulated {
        spec.cap = Some(state.live.money.cap.unwrap_or(crate::record::Usd::from_dollars(1.0)));
    }
    state.overlays.push(Overlay::Form(Box::new(load::form(&spec))));
}

/// Starts the load that the form describes, if the form is right.
pub(super) fn submit_form(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    if form.kind != Kind::Load {
        return orders::submit_form(state, effects);
    }
    let Some(spec) = load::check(form) else {
        let count = form.errors.len();
        state.complain(format!("{count} {} not right yet", if count == 1 { "field is" } else { "fields are" }));
        return;
    };
    let line = confirm::describe(&spec);
    if send(state, Command::StartLoad(Box::new(spec)), effects) {
        state.overlays.pop();
        state.say(format!("starting {line}"));
    }
}
