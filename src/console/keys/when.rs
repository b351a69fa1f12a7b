//! When an action can run, and the line that says why it cannot.

use crate::console::app::{State, TuningRow};
use crate::engine::{KnobId, LoadKind, LoadState};

use super::Place;

/// Whether an action can run; the error is one line for the status line.
pub type When = fn(&State) -> Result<(), String>;

fn no(why: &str) -> Result<(), String> {
    Err(why.to_owned())
}

pub(super) fn always(_: &State) -> Result<(), String> {
    Ok(())
}

pub(super) fn pausable(state: &State) -> Result<(), String> {
    if state.leaving.is_some() {
        return no("the console is leaving");
    }
    match &state.live.state {
        LoadState::Running | LoadState::Pausing { .. } | LoadState::Paused => Ok(()),
        LoadState::Idle => no("no load is running; L starts one"),
        LoadState::Draining { .. } => no("the load is ending already"),
        LoadState::Parked { .. } => no("the load is parked and sends nothing; r tries again"),
        LoadState::Finished => no("the load has ended; L starts another"),
    }
}

pub(super) fn stoppable(state: &State) -> Result<(), String> {
    match &state.live.state {
        LoadState::Idle => no("no load is running"),
        LoadState::Draining { .. } => no("the load is ending already"),
        LoadState::Finished => no("the load has ended already"),
        _ => Ok(()),
    }
}

/// Whether a load is there that is not over.
fn loaded(state: &State) -> bool {
    !matches!(state.live.state, LoadState::Idle | LoadState::Finished)
}

pub(super) fn loadable(state: &State) -> Result<(), String> {
    if state.live.target.read_only {
        return no("READ-ONLY: nothing that may cost is offered");
    }
    if state.leaving.is_some() {
        return no("the console is leaving");
    }
    if loaded(state) && state.live.run.kind == LoadKind::File {
        return no("a file is being worked on; end it first (S)");
    }
    Ok(())
}

pub(super) fn rated(state: &State) -> Result<(), String> {
    if state.leaving.is_some() {
        return no("the console is leaving");
    }
    if !loaded(state) {
        return no("no load is running; L starts one");
    }
    match state.live.run.kind {
        LoadKind::Synthetic => Ok(()),
        LoadKind::File => no("a file goes as fast as its quota allows; tune share or concurrency (2)"),
        LoadKind::None => no("no load is running; L starts one"),
    }
}

pub(super) fn parked(state: &State) -> Result<(), String> {
    let any = matches!(state.live.state, LoadState::Parked { .. })
        || state.live.scopes.iter().any(|scope| scope.parked.is_some());
    if any { Ok(()) } else { no("nothing is parked") }
}

pub(super) fn undoable(state: &State) -> Result<(), String> {
    if state.tuning.changes == 0 { no("nothing has been changed here yet") } else { Ok(()) }
}

pub(super) fn adjustable(state: &State) -> Result<(), String> {
    if state.place() != Place::Tuning {
        return Ok(());
    }
    if state.frozen.is_some() {
        return no("the display is frozen; f shows the present values first");
    }
    let idle = |id| state.live.knobs.iter().any(|knob| knob.spec.id == id && !knob.active);
    if let Some(TuningRow::Knob(KnobId::ArrivalRate)) = state.tuning.selected_row(&state.live)
        && idle(KnobId::ArrivalRate)
    {
        return no("no load with an arrival rate is running; L starts one");
    }
    Ok(())
}

pub(super) fn editable(state: &State) -> Result<(), String> {
    adjustable(state)?;
    match state.tuning.selected_row(&state.live) {
        Some(row) if row.takes_text(&state.live) => Ok(()),
        _ => no("this one has no number to type; Left and Right change it"),
    }
}

pub(super) fn resettable(state: &State) -> Result<(), String> {
    adjustable(state)?;
    match state.tuning.selected_row(&state.live) {
        Some(TuningRow::Knob(_)) => Ok(()),
        _ => no("only knobs have a value at the start"),
    }
}

pub(super) fn openable(state: &State) -> Result<(), String> {
    match state.place() {
        Place::Dashboard if state.dashboard_scope().is_none() => {
            no("no row is selected; Tab to Quota or Regions, then Up and Down")
        }
        Place::Requests if state.selected_request().is_none() => no("no record is selected"),
        _ => Ok(()),
    }
}

pub(super) fn closable(state: &State) -> Result<(), String> {
    let top_level = matches!(state.place(), Place::Dashboard | Place::Tuning | Place::Requests | Place::Log);
    if top_level && state.expanded.is_none() && state.filter().is_empty() {
        return no("nothing is open; q leaves");
    }
    Ok(())
}

pub(super) fn suspendable(state: &State) -> Result<(), String> {
    if state.leaving.is_some() { no("the console is leaving") } else { Ok(()) }
}
