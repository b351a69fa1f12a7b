//! A console at rest draws little.
//!
//! While nothing is sent, the sums of the last minute fade from second to second and what waits grows older. Nothing
//! happens, but each snapshot differs from the one before, and over a slow link that would be all that is ever written.
//! So the display goes on in steps as long as nothing has happened.

use crate::engine::EngineSnapshot;
use crate::record::Micros;

use super::State;

/// How long the display stands while nothing happens.
const STEP: Micros = Micros::from_secs(10);

/// Shows the latest snapshot, or leaves the one on display if nothing has happened since.
pub(super) fn follow(state: &mut State) {
    let stands = state
        .resting
        .as_ref()
        .is_some_and(|shown| state.live.at.since(shown.at) < STEP && nothing_happened(shown, &state.live));
    if state.at_work() {
        state.resting = None;
        state.rests_since = None;
        return;
    }
    // What the charts show when it comes to rest stays in sight.
    state.rests_since = state.rests_since.or(Some(state.live.series.last_second));
    if !stands {
        state.resting = Some(state.live.clone());
    }
}

/// Whether two snapshots differ by nothing but the time that has passed.
fn nothing_happened(before: &EngineSnapshot, now: &EngineSnapshot) -> bool {
    let health = |snapshot: &EngineSnapshot| {
        let regions = snapshot.regions.iter().map(|region| (region.breaker, region.drained));
        regions.collect::<Vec<_>>()
    };
    let parked = |snapshot: &EngineSnapshot| {
        let scopes = snapshot.scopes.iter().map(|scope| (scope.route.clone(), scope.parked.clone()));
        scopes.collect::<Vec<_>>()
    };
    before.at <= now.at
        && before.state == now.state
        && before.target == now.target
        && before.preset == now.preset
        && before.knobs == now.knobs
        && before.money.cap == now.money.cap
        && before.money.spent == now.money.spent
        && (before.run.succeeded, before.run.failed, before.run.total)
            == (now.run.succeeded, now.run.failed, now.run.total)
        && before.flow.queue_depth == now.flow.queue_depth
        && before.journal.first() == now.journal.first()
        && health(before) == health(now)
        && parked(before) == parked(now)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Msg, update};
    use super::*;
    use crate::console::ui::fixtures;
    use crate::engine::LoadState;

    fn later(snapshot: &EngineSnapshot, seconds: u64) -> EngineSnapshot {
        let mut later = snapshot.clone();
        later.at = snapshot.at + Micros::from_secs(seconds);
        later.total.settled -= seconds;
        later
    }

    fn take(state: &mut State, snapshot: EngineSnapshot) {
        let at = snapshot.at;
        update(state, Msg::Snapshot(Arc::new(snapshot)), at);
    }

    #[test]
    fn at_rest_the_display_goes_on_in_steps_and_at_once_when_something_happens() {
        let mut first = fixtures::running();
        first.state = LoadState::Paused;
        first.flow.in_flight = 0;
        let mut state = State::new(Arc::new(first.clone()), (120, 40), Vec::new(), "dusk");
        take(&mut state, first.clone());
        let shown = |state: &State| state.shown().at.since(first.at).0 / 1_000_000;
        take(&mut state, later(&first, 2));
        take(&mut state, later(&first, 9));
        assert_eq!((shown(&state), state.age()), (0, Micros::ZERO), "old figures, but the engine lives");
        take(&mut state, later(&first, 10));
        assert_eq!(shown(&state), 10);
        let mut changed = later(&first, 11);
        changed.money.cap = None;
        take(&mut state, changed);
        assert_eq!(shown(&state), 11);
        let mut running = later(&first, 12);
        running.state = LoadState::Running;
        take(&mut state, running.clone());
        take(&mut state, later(&running, 1));
        assert_eq!(shown(&state), 13);
    }
}
