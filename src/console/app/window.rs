//! The part of the last hour that the charts show, and the moment in it that is looked at.
//!
//! A chart follows the present until it is scrolled. From then on it is held: its end is a fixed second of the run, so
//! that new data do not move it, and a cursor stands in it at the moment whose figures are read out. Nothing else on
//! the screen is held.

use super::{Breakpoint, Panel, State};

/// Widths to choose from, seconds.
pub const ZOOMS: [u64; 6] = [60, 120, 300, 900, 1_800, 3_600];
/// While nothing is sent, charts move in steps of so many seconds: each step is thousands of bytes for a slow link.
const QUIET: u64 = 60;
/// Steps of the cursor across a chart.
const STEPS: u64 = 60;

/// Which time the charts show. Seconds are those of the run's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The width, seconds; `None`: what fits.
    pub zoom: Option<u64>,
    /// Where the charts are held; `None`: they follow the present.
    pub held: Option<Held>,
}

/// A part of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The last second in sight.
    pub end: u64,
    /// The second that is looked at.
    pub cursor: u64,
}

/// What a chart is to show: `span` seconds up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The last second in sight.
    pub end: u64,
    /// How many seconds.
    pub span: u64,
    /// The second that is looked at, if the chart is held.
    pub cursor: Option<u64>,
}

impl Sight {
    /// The part of a history that is in sight, one value a second up to second `last`. A few values more at the left
    /// let a chart finish its first cell.
    #[must_use]
    pub fn of<'a>(&self, values: &'a [f32], last: u64) -> &'a [f32] {
        let newer = usize::try_from(last.saturating_sub(self.end)).unwrap_or(usize::MAX);
        let to = values.len().saturating_sub(newer);
        let wanted = usize::try_from(self.span + self.span / 4 + 8).unwrap_or(usize::MAX);
        &values[to.saturating_sub(wanted)..to]
    }

    /// Seconds between two places of the cursor.
    #[must_use]
    pub fn step(&self) -> u64 {
        (self.span / STEPS).max(1)
    }
}

/// Seconds that fit a chart of `width` cells with `length` seconds of history: all of it in round steps while it is
/// young, later the last ten minutes or five seconds a cell.
#[must_use]
pub fn fitting(width: u16, length: usize) -> u64 {
    let most = (u64::from(width) * 5).clamp(600, 3_600);
    let young = [120, 300, 600].into_iter().find(|step| *step >= length as u64);
    young.map_or(most, |step| step.min(most))
}

/// A way to move the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Earlier,
    Later,
    Oldest,
    Newest,
}

impl State {
    /// Whether the dashboard shows a chart now.
    #[must_use]
    pub fn has_chart(&self) -> bool {
        match self.expanded {
            Some(panel) => panel.charts(),
            None => Panel::shown(self.breakpoint()).contains(&Panel::Chart),
        }
    }

    /// What the dashboard's charts show.
    #[must_use]
    pub fn sight(&self) -> Sight {
        let series = &self.shown().series;
        // All charts of the dashboard show the same time: as wide as the screen without its margins, or half of it.
        let halves = self.expanded.is_none() && self.breakpoint() == Breakpoint::Huge;
        let width = if halves { self.size.0 / 2 } else { self.size.0.saturating_sub(2) };
        let auto = fitting(width, series.rpm.len());
        let span = self.window.zoom.unwrap_or(auto);
        let last = series.last_second;
        match self.window.held {
            Some(held) => Sight { end: held.end.min(last), span, cursor: Some(held.cursor.min(held.end).min(last)) },
            None => self.present(span),
        }
    }

    /// The newest `span` seconds.
    #[must_use]
    pub fn present(&self, span: u64) -> Sight {
        let last = self.shown().series.last_second;
        let since = self.rests_since.filter(|since| *since <= last);
        let end = since.map_or(last, |since| last - (last - since) % QUIET);
        Sight { end, span, cursor: None }
    }
}

/// One step closer or wider. The moment looked at stays in sight.
pub(super) fn zoom(state: &mut State, closer: bool) {
    let sight = state.sight();
    let next = if closer {
        ZOOMS.iter().rev().find(|zoom| **zoom < sight.span)
    } else {
        ZOOMS.iter().find(|zoom| **zoom > sight.span)
    };
    let Some(span) = next.copied() else {
        return state.say(if closer { "one minute is the closest" } else { "the history is one hour" });
    };
    state.window.zoom = Some(span);
    if let Some(cursor) = sight.cursor {
        let last = state.shown().series.last_second;
        // The cursor keeps its place across the chart.
        let before = (sight.end - cursor).saturating_mul(span) / sight.span.max(1);
        state.window.held = Some(Held { end: (cursor + before).min(last), cursor });
    }
    state.say(format!("charts show {} min", span / 60));
}

/// Moves the cursor. At the edges the chart goes along, and past the newest second it follows the present again.
pub(super) fn shift(state: &mut State, to: Move) {
    let sight = state.sight();
    let series = &state.shown().series;
    let (last, length) = (series.last_second, series.rpm.len() as u64);
    let oldest = (last + 1).saturating_sub(length);
    let cursor = sight.cursor.unwrap_or(sight.end);
    let cursor = match to {
        Move::Newest => {
            state.window.held = None;
            return;
        }
        Move::Later if cursor + sight.step() > last => {
            if state.window.held.take().is_some() {
                state.say("the charts follow the present again");
            }
            return;
        }
        Move::Later => cursor + sight.step(),
        Move::Earlier => cursor.saturating_sub(sight.step()).max(oldest),
        Move::Oldest => oldest,
    };
    // As little as brings the cursor into sight, and never beyond the history.
    let first_end = (oldest + sight.span - 1).min(last);
    let end = sight.end.min(cursor + sight.span - 1).max(cursor).max(first_end);
    state.window.held = Some(Held { end, cursor });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::console::ui::fixtures;
    use crate::engine::Series;

    fn with_history(last: u64, seconds: usize) -> State {
        let mut snapshot = fixtures::idle();
        snapshot.series =
            Arc::new(Series { last_second: last, rpm: (0..seconds).map(|i| i as f32).collect(), ..Series::default() });
        State::new(Arc::new(snapshot), (120, 40), Vec::new(), "dusk")
    }

    fn age(state: &mut State, by: u64) {
        let mut snapshot = (*state.live).clone();
        let series = Arc::make_mut(&mut snapshot.series);
        series.last_second += by;
        series.rpm.extend(std::iter::repeat_n(0.0, by as usize));
        state.live = Arc::new(snapshot);
    }

    #[test]
    fn a_scrolled_chart_stays_where_it_is() {
        let mut state = with_history(3_000, 3_000);
        let live = state.sight();
        assert_eq!((live.end, live.cursor), (3_000, None));
        shift(&mut state, Move::Earlier);
        let held = state.sight();
        assert_eq!((held.end, held.cursor), (3_000, Some(3_000 - held.step())));
        age(&mut state, 100);
        assert_eq!(state.sight(), held);
        shift(&mut state, Move::Newest);
        assert_eq!(state.sight().end, 3_100);
    }

    #[test]
    fn later_than_the_newest_second_is_the_present() {
        let mut state = with_history(500, 500);
        shift(&mut state, Move::Earlier);
        shift(&mut state, Move::Later);
        assert!(state.window.held.is_some(), "the newest second itself can be looked at");
        shift(&mut state, Move::Later);
        assert_eq!(state.window.held, None);
    }

    #[test]
    fn home_shows_the_oldest_second_at_the_left() {
        let mut state = with_history(5_000, 3_600);
        state.window.zoom = Some(300);
        shift(&mut state, Move::Oldest);
        assert_eq!(state.sight(), Sight { end: 1_700, span: 300, cursor: Some(1_401) });
        let series = &state.live.series;
        assert_eq!(state.sight().of(&series.rpm, 5_000).first(), Some(&0.0));
    }

    #[test]
    fn zooming_goes_by_steps_and_ends() {
        let mut state = with_history(3_600, 3_600);
        let mut seen = Vec::new();
        for _ in 0..9 {
            zoom(&mut state, true);
            seen.push(state.sight().span);
        }
        assert_eq!(seen, [300, 120, 60, 60, 60, 60, 60, 60, 60]);
        for _ in 0..9 {
            zoom(&mut state, false);
        }
        assert_eq!(state.sight().span, 3_600);
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_in_sight_and_in_the_history(
            last in 0u64..8_000,
            seconds in 0usize..3_600,
            keys in prop::collection::vec(0..7u8, 0..200),
        ) {
            let seconds = seconds.min(last as usize + 1);
            let mut state = with_history(last, seconds);
            for key in keys {
                match key {
                    0 => zoom(&mut state, true),
                    1 => zoom(&mut state, false),
                    2 => shift(&mut state, Move::Oldest),
                    3 => shift(&mut state, Move::Later),
                    4 => shift(&mut state, Move::Newest),
                    5 => age(&mut state, 7),
                    _ => shift(&mut state, Move::Earlier),
                }
                let (sight, last) = (state.sight(), state.live.series.last_second);
                prop_assert!(sight.end <= last && sight.span >= 60 && sight.span <= 3_600);
                if let Some(cursor) = sight.cursor {
                    prop_assert!(cursor <= sight.end && sight.end - cursor < sight.span);
                }
                prop_assert!(sight.of(&state.live.series.rpm, last).len() as u64 <= sight.span * 5 / 4 + 8);
            }
        }
    }
}
