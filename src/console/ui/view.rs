//! What every screen and panel is drawn from.

use crate::console::app::State;
use crate::engine::EngineSnapshot;
use crate::record::Micros;

use super::widgets::Kit;

/// The console, the snapshot on display, and what to draw with.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// The console.
    pub state: &'a State,
    /// The snapshot on display.
    pub snap: &'a EngineSnapshot,
    /// Theme and glyphs.
    pub kit: Kit<'a>,
    /// The moment on display, run's clock.
    pub now: Micros,
}

impl<'a> View<'a> {
    pub fn new(state: &'a State, kit: Kit<'a>) -> View<'a> {
        View { state, snap: state.shown(), kit, now: state.shown_at() }
    }

    /// UTC milliseconds of a moment on the run's clock.
    pub fn utc(&self, at: Micros) -> i64 {
        let millis = |micros: Micros| i64::try_from(micros.0 / 1_000).unwrap_or(i64::MAX);
        self.snap.utc_ms.saturating_sub(millis(self.snap.at)).saturating_add(millis(at))
    }

    /// The time until a moment on the run's clock.
    pub fn until(&self, at: Micros) -> Micros {
        at.since(self.now)
    }
}
