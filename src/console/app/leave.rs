//! Leaving and sleeping: no attempt and no order is abandoned without a word, and no key is needed twice by accident.

use crate::engine::{Command, LoadState};
use crate::record::Micros;

use super::steer::send;
use super::{Effect, Exit, Leaving, State, Suspending};

/// How long the console waits for the load to drain before it leaves all the same.
pub const DRAIN_PATIENCE: Micros = Micros::from_secs(10);

/// `q`, Ctrl-C, SIGTERM: leave if nothing is at work and no order is being done, else drain; asked again, leave at once.
pub(super) fn leave(state: &mut State, effects: &mut Vec<Effect>) {
    if state.leaving.is_some() {
        effects.push(Effect::Quit(Exit::Abandoned { in_flight: state.live.flow.in_flight }));
        return;
    }
    let idle = !state.at_work() && state.orders_under_way() == 0;
    if state.tape.plays() || idle {
        effects.push(Effect::Quit(Exit::Quit));
        return;
    }
    state.leaving = Some(Leaving { since: state.now });
    state.suspending = None;
    state.overlays.clear();
    state.entry = None;
    state.palette = None;
    send(state, Command::Drain, effects);
}

/// Ctrl-Z: sleep at once if nothing is at work, else pause first; asked again, sleep at once.
pub(super) fn suspend(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(suspending) = &mut state.suspending {
        suspending.asleep = true;
        effects.push(Effect::Suspend);
        return;
    }
    let plays = state.tape.plays();
    let resume = state.live.state == LoadState::Running && !plays;
    if resume {
        send(state, Command::Pause, effects);
    }
    let asleep = plays || !state.at_work();
    state.suspending = Some(Suspending { resume, asleep });
    if asleep {
        effects.push(Effect::Suspend);
    }
}

/// Continued: what this console paused goes on.
pub(super) fn resumed(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(Suspending { resume: true, .. }) = state.suspending.take() {
        send(state, Command::Resume, effects);
        state.say("the load goes on");
    }
    effects.push(Effect::Redraw);
}

/// Looks whether what was waited for has come.
pub(super) fn check(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(leaving) = state.leaving {
        let done = !state.at_work() && state.orders_under_way() == 0;
        let drained = done && state.live.at >= leaving.since;
        if drained {
            effects.push(Effect::Quit(Exit::Drained));
        } else if state.now.since(leaving.since) >= DRAIN_PATIENCE {
            effects.push(Effect::Quit(Exit::Abandoned { in_flight: state.live.flow.in_flight }));
        }
    }
    let at_work = state.at_work();
    if let Some(suspending) = &mut state.suspending
        && !suspending.asleep
        && !at_work
    {
        suspending.asleep = true;
        effects.push(Effect::Suspend);
    }
}

impl State {
    /// Orders to the account that are being done or wait for their turn: they end with the program.
    #[must_use]
    pub fn orders_under_way(&self) -> usize {
        let works = self.control.as_ref().map(|account| account.works.as_slice()).unwrap_or_default();
        works.iter().filter(|work| !work.stage.is_final()).count()
    }

    /// The time left until the console leaves a load that does not drain.
    #[must_use]
    pub fn leaves_in(&self) -> Option<Micros> {
        self.leaving.map(|leaving| (leaving.since + DRAIN_PATIENCE).since(self.now))
    }
}
