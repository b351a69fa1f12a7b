//! When an action can run, and the line that says why it cannot.

use crate::console::app::batch::status_word;
use crate::console::app::form::increase;
use crate::console::app::provisioned::bound;
use crate::console::app::{State, TuningRow, copy, usage};
use crate::control::{JobStatus, JobView, ProvisionedStatus, ProvisionedView};
use crate::engine::{KnobId, LoadKind, LoadState};
use crate::limiter::QuotaLimit;

use super::{Action, Place};

/// Whether an action can run; the error is one line for the status line.
pub type When = fn(&State) -> Result<(), String>;

fn no(why: &str) -> Result<(), String> {
    Err(why.to_owned())
}

/// As [`no`], with the key of an action in place of `{}`.
fn keyed(state: &State, why: &str, action: Action) -> Result<(), String> {
    Err(why.replace("{}", &state.keymap.key(action)))
}

pub(super) fn always(_: &State) -> Result<(), String> {
    Ok(())
}

pub(super) fn copyable(state: &State) -> Result<(), String> {
    if copy::copyable(state).is_some() { Ok(()) } else { no("nothing is selected that has an id") }
}

pub(super) fn plays(state: &State) -> Result<(), String> {
    if state.tape.plays() { Ok(()) } else { no("works in a replay: bedrock-top replay FILE") }
}

pub(super) fn charted(state: &State) -> Result<(), String> {
    if state.shown().series.rpm.len() < 2 {
        return no("there is no history yet: it begins with the first load");
    }
    if state.has_chart() {
        return Ok(());
    }
    if state.expanded.is_some() {
        return no("this panel has no chart; Tab goes to the next one");
    }
    no("no chart is on a screen of this size; Tab to a panel such as Flow, then e")
}

pub(super) fn pausable(state: &State) -> Result<(), String> {
    if state.leaving.is_some() {
        return no("the console is leaving");
    }
    match &state.live.state {
        LoadState::Running | LoadState::Pausing { .. } | LoadState::Paused => Ok(()),
        LoadState::Idle => keyed(state, "no load is running; {} starts one", Action::LoadForm),
        LoadState::Draining { .. } => no("the load is ending already"),
        LoadState::Parked { .. } => {
            keyed(state, "the load is parked and sends nothing; {} tries again", Action::Unpark)
        }
        LoadState::Finished => keyed(state, "the load has ended; {} starts another", Action::LoadForm),
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
        return keyed(state, "a file is being worked on; end it first ({})", Action::Stop);
    }
    Ok(())
}

pub(super) fn rated(state: &State) -> Result<(), String> {
    if state.leaving.is_some() {
        return no("the console is leaving");
    }
    if !loaded(state) {
        return keyed(state, "no load is running; {} starts one", Action::LoadForm);
    }
    match state.live.run.kind {
        LoadKind::Synthetic => Ok(()),
        LoadKind::File => {
            keyed(state, "a file goes as fast as its quota allows; tune share or concurrency ({})", Action::Tuning)
        }
        LoadKind::None => keyed(state, "no load is running; {} starts one", Action::LoadForm),
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
    if state.place_beneath() != Place::Tuning {
        return Ok(());
    }
    if state.frozen.is_some() {
        return keyed(state, "the display is frozen; {} shows the present values first", Action::Freeze);
    }
    let idle = |id| state.live.knobs.iter().any(|knob| knob.spec.id == id && !knob.active);
    if let Some(TuningRow::Knob(KnobId::ArrivalRate)) = state.tuning.selected_row(&state.live)
        && idle(KnobId::ArrivalRate)
    {
        return keyed(state, "no load with an arrival rate is running; {} starts one", Action::LoadForm);
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
    match state.place_beneath() {
        Place::Dashboard if state.dashboard_scope().is_none() && state.watched_route().is_none() => {
            no("no row is selected; Tab to Quota or Regions, then Up and Down")
        }
        Place::Warnings if state.selected_warning().is_none() => no("nothing is the matter"),
        Place::Requests if state.selected_request().is_none() => no("no record is selected"),
        Place::Provisioned if state.selected_provisioned().is_none() => no("there is no provisioned model in the list"),
        Place::Batch if state.selected_job().is_none() => no("there is no job in the list"),
        Place::Account if state.selected_use().is_none() => no("no route is in the list"),
        Place::Settings if state.selected_setting().is_none_or(|row| row.knob.is_none()) => {
            no("no knob turns it: say it by flag or in the file, and start again")
        }
        _ => Ok(()),
    }
}

pub(super) fn closable(state: &State) -> Result<(), String> {
    let top_level = matches!(
        state.place_beneath(),
        Place::Dashboard
            | Place::Tuning
            | Place::Provisioned
            | Place::Batch
            | Place::Requests
            | Place::Account
            | Place::Log
            | Place::Settings
    );
    if top_level && !state.warned.leads_back() && state.expanded.is_none() && state.filter().is_empty() {
        return keyed(state, "nothing is open; {} leaves", Action::Quit);
    }
    Ok(())
}

pub(super) fn warned(state: &State) -> Result<(), String> {
    if state.selected_warning().is_some() { Ok(()) } else { no("no warning is selected") }
}

pub(super) fn suspendable(state: &State) -> Result<(), String> {
    if state.leaving.is_some() { no("the console is leaving") } else { Ok(()) }
}

pub(super) fn managed(state: &State) -> Result<(), String> {
    if state.control.is_some() { Ok(()) } else { no("this console has no account to manage") }
}

/// Whether anything may be ordered of the account.
pub(super) fn orderable(state: &State) -> Result<(), String> {
    managed(state)?;
    if state.live.target.read_only {
        return no("READ-ONLY: nothing that creates, changes, stops or deletes is offered");
    }
    present(state)
}

/// What is ordered is ordered of what is there now, not of a picture of it.
fn present(state: &State) -> Result<(), String> {
    if state.leaving.is_some() {
        return no("the console is leaving");
    }
    if state.frozen.is_some() {
        return keyed(state, "the display is frozen; {} shows the present first", Action::Freeze);
    }
    Ok(())
}

fn provisioned(state: &State) -> Result<&ProvisionedView, String> {
    state.selected_provisioned().ok_or_else(|| "there is no provisioned model to do it with".to_owned())
}

pub(super) fn resizable(state: &State) -> Result<(), String> {
    orderable(state)?;
    provisioned(state).map(|_| ())
}

pub(super) fn changeable(state: &State) -> Result<(), String> {
    orderable(state)?;
    match provisioned(state)?.model.status {
        ProvisionedStatus::Creating => no("it is being set up; wait until it is in service"),
        ProvisionedStatus::Updating => no("it is being changed already"),
        ProvisionedStatus::Failed => no("it has failed and can only be deleted"),
        ProvisionedStatus::InService | ProvisionedStatus::Other(_) => Ok(()),
    }
}

pub(super) fn deletable(state: &State) -> Result<(), String> {
    orderable(state)?;
    if bound(provisioned(state)?, state.service_ms()) {
        return no("its commitment binds until the term ends: Bedrock refuses to delete it before");
    }
    Ok(())
}

pub(super) fn usable(state: &State) -> Result<(), String> {
    managed(state)?;
    present(state)?;
    let one = provisioned(state)?;
    let region = &one.model.region;
    if !state.live.target.regions.contains(region) {
        return Err(format!("the load does not go to {region}: start the program with --region {region}"));
    }
    one.unusable().map_or(Ok(()), Err)
}

pub(super) fn on_bought(state: &State) -> Result<(), String> {
    present(state)?;
    if state.live.scopes.iter().any(|scope| scope.route.model.as_str().contains(":provisioned-model/")) {
        Ok(())
    } else {
        no("the load goes on demand already")
    }
}

fn job(state: &State) -> Result<&JobView, String> {
    state.selected_job().ok_or_else(|| "there is no job to do it with".to_owned())
}

fn over(job: &JobView) -> Result<(), String> {
    if job.job.status.is_final() {
        return Ok(());
    }
    Err(format!("the job is not over yet: {}", status_word(&job.job.status)))
}

pub(super) fn job_stoppable(state: &State) -> Result<(), String> {
    orderable(state)?;
    let job = job(state)?;
    match &job.job.status {
        JobStatus::Stopping => no("it is being stopped already"),
        status if status.is_final() => Err(format!("the job is over: {}", status_word(status))),
        _ => Ok(()),
    }
}

/// Fetching changes nothing in the account: read-only takes it too.
pub(super) fn fetchable(state: &State) -> Result<(), String> {
    managed(state)?;
    present(state)?;
    let job = job(state)?;
    over(job)?;
    if job.job.status == JobStatus::Failed && job.job.counts.processed.unwrap_or(0) == 0 {
        return no("the job failed before it did a record: there is nothing to fetch");
    }
    Ok(())
}

pub(super) fn resubmittable(state: &State) -> Result<(), String> {
    orderable(state)?;
    let job = job(state)?;
    over(job)?;
    let counts = job.job.counts;
    if job.job.status == JobStatus::Completed && counts.failed == Some(0) && counts.processed == counts.total {
        return no("every record of it has a result: nothing is left to resubmit");
    }
    Ok(())
}

pub(super) fn copies_deletable(state: &State) -> Result<(), String> {
    orderable(state)?;
    over(job(state)?)
}

pub(super) fn checked(state: &State) -> Result<(), String> {
    orderable(state)?;
    if state.orders.checked.is_some() {
        Ok(())
    } else {
        keyed(state, "no input has been looked through; {} describes a job", Action::New)
    }
}

pub(super) fn dayable(state: &State) -> Result<(), String> {
    managed(state)?;
    if state.selected_use().is_some() { Ok(()) } else { no("no route is selected") }
}

/// Beginning to publish costs; ending it does not.
pub(super) fn publishable(state: &State) -> Result<(), String> {
    managed(state)?;
    let Some(now) = state.control.as_ref().and_then(|account| account.publishing.as_ref()) else {
        return no("there is no run here whose metrics could be published");
    };
    if now.on {
        return Ok(());
    }
    if state.live.target.read_only {
        return no("READ-ONLY: publishing costs, and is not offered");
    }
    if now.regions.is_empty() {
        return no("no model is in use: there is nothing to publish; name one with --model");
    }
    present(state)
}

/// On the dashboard of a load the account is not on the screen.
pub(super) fn askable(state: &State) -> Result<(), String> {
    if state.place_beneath() == Place::Dashboard && !state.watching() {
        return keyed(state, "the account is on {}", Action::Account);
    }
    managed(state)
}

pub(super) fn watchable(state: &State) -> Result<(), String> {
    if state.account().is_none_or(|account| account.limits.is_empty()) {
        return no("no account is watched");
    }
    match state.shown().state {
        LoadState::Finished => Ok(()),
        LoadState::Idle => no("nothing has run yet: this is the account"),
        _ => keyed(state, "a load is on; the account is on {}", Action::Account),
    }
}

pub(super) fn offered(state: &State) -> Result<(), String> {
    let (Some(account), Some(row)) = (state.account(), state.selected_use()) else { return no("no route is selected") };
    let offers = usage::offers(account, row.route());
    if offers.is_empty() {
        return no("the quotas of this route are those that the limiter knows");
    }
    let limits = offers.iter().any(|offer| matches!(offer.now, QuotaLimit::Limit(_)));
    if limits { Ok(()) } else { no("the quota is gone, and the limiter keeps what it knows; set it by hand on 2") }
}

pub(super) fn raisable(state: &State) -> Result<(), String> {
    orderable(state)?;
    let (Some(account), Some(row)) = (state.account(), state.selected_use()) else { return no("no route is selected") };
    increase::wanted(account, &row).map(|_| ())
}
