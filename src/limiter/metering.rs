//! How a server is taken to meter: by a bucket that refills, or by a window, of the last 60 s or of calendar minutes.
//!
//! A bucket that refused a request has room for it again after a while. A window that is used up has none until what it
//! holds gets old, and what fits it is known to a request. So a bucket shows by taking more than a window that refused
//! less; a window by rejects in a row, after which it takes just what fits it; a calendar minute by the moment at which
//! such a row ends (`boundary`).

use crate::record::Micros;

use super::boundary::Boundary;
use super::{MeterBelief, MeterPin};

/// What a window holds is known within this: its bins and ours do not turn at the same moments.
const WINDOW_ERROR: f64 = 0.005;
/// Refused with no more than this part of it in use, a window is none.
const NO_WINDOW: f64 = 0.5;
/// Only what came as close as this to what was refused says that it fits a window.
const WINDOW_CLOSE: f64 = 0.93;
/// So many requests that fit, after rejects that a bucket would not have made, and the meter is taken for a window.
const WINDOW_FITS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Not known yet: as a bucket.
    Unsure,
    /// It refills.
    Bucket,
    /// It counts the last minute, or a calendar minute. What fits the first fits the second, and is as much.
    Window,
}

/// The belief, and what it rests on.
#[derive(Clone)]
pub(super) struct Metering {
    kind: Kind,
    /// How the operator says that it is metered.
    pinned: MeterPin,
    /// The least that a window was refused, and the most that it was seen to hold, since the last contradiction.
    refused: f64,
    fitted: f64,
    /// Requests that fitted a window while it is not known whether there is one.
    fits: u32,
    /// Rejects in a row with next to nothing accepted in between.
    streak: u32,
    /// There has been such a row.
    streak_seen: bool,
    /// The send of the first reject of the row.
    streak_since: Option<Micros>,
    /// The send of its last, if a bucket would have refilled by then, until something is accepted.
    blocked_at: Option<Micros>,
    /// When the last reject was known.
    rejected_at: Option<Micros>,
    boundary: Boundary,
}

impl Metering {
    pub(super) fn new() -> Metering {
        Metering {
            kind: Kind::Unsure,
            pinned: MeterPin::Auto,
            refused: f64::MAX,
            fitted: 0.0,
            fits: 0,
            streak: 0,
            streak_seen: false,
            streak_since: None,
            blocked_at: None,
            rejected_at: None,
            boundary: Boundary::default(),
        }
    }

    /// It slides, or starts afresh with the minute.
    pub(super) fn is_window(&self) -> bool {
        self.kind == Kind::Window
    }

    /// It refills, although it has refused some in a row: nothing speaks for a calendar minute.
    pub(super) fn refills_while_blocked(&self) -> bool {
        self.kind == Kind::Bucket && self.streak > 1 && !self.boundary.suspected()
    }

    /// The most that the window was seen to hold, 0 if that is not known; `None`: it is taken for no window.
    pub(super) fn fitted(&self) -> Option<f64> {
        self.is_window().then_some(self.fitted)
    }

    /// Rejects in a row with next to nothing accepted in between.
    pub(super) fn streak(&self) -> u32 {
        self.streak
    }

    /// When it starts afresh, if it does so every minute.
    pub(super) fn turns(&self, now: Micros) -> Option<Micros> {
        self.boundary.next(now)
    }

    /// In the words of the status.
    pub(super) fn belief(&self) -> MeterBelief {
        match self.kind {
            Kind::Unsure => MeterBelief::Unsure,
            Kind::Bucket => MeterBelief::Bucket,
            Kind::Window if self.boundary.known() => MeterBelief::Minute,
            Kind::Window => MeterBelief::Window,
        }
    }

    /// The operator says how it is metered. What was said is forgotten when it is no longer said.
    pub(super) fn pin(&mut self, pin: MeterPin) {
        if std::mem::replace(&mut self.pinned, pin) != pin {
            self.kind = Kind::Unsure;
            self.fits = 0;
        }
        match pin {
            MeterPin::Auto => {}
            MeterPin::Bucket => self.kind = Kind::Bucket,
            MeterPin::Window => self.kind = Kind::Window,
        }
    }

    /// Another quota, and perhaps another meter: how much fitted says nothing any more.
    pub(super) fn forget(&mut self) {
        *self = Metering { pinned: self.pinned, rejected_at: self.rejected_at, ..Metering::new() };
    }

    /// A reject is known, of whatever it was.
    pub(super) fn rejected(&mut self, now: Micros) {
        self.rejected_at = Some(now);
    }

    /// A request that would have made the window `asked` was refused; `limit` is what a window is believed to hold, and
    /// `first` that nothing was measured before.
    pub(super) fn refused(&mut self, asked: f64, limit: f64, first: bool) {
        // What a meter gives in a part of each minute may look like a far higher rate than it has.
        let limit = if self.boundary.known() { limit.min(self.fitted) } else { limit };
        if self.kind == Kind::Window && asked < NO_WINDOW * limit {
            // Refused with half of the window free: it is none, or another one altogether.
            self.kind = Kind::Unsure;
            self.boundary = Boundary::default();
        }
        if asked < self.fitted * (1.0 - WINDOW_ERROR) {
            self.fitted = 0.0;
        }
        self.refused = self.refused.min(asked);
        if first {
            self.refused = asked;
            self.fits = 0;
        }
    }

    /// Something was accepted between the last two rejects: they are no row.
    pub(super) fn flows(&mut self) {
        self.streak = 0;
        self.streak_since = None;
    }

    /// The reject of what was sent then is one of a row; a bucket would have had room for it again after `refill`, a minute
    /// has none until it is over.
    pub(super) fn blocked(&mut self, sent: Micros, refill: Micros) {
        self.streak = self.streak.saturating_add(1);
        self.streak_seen = true;
        let since = *self.streak_since.get_or_insert(sent);
        self.blocked_at = (sent.since(since) > refill).then_some(sent);
    }

    /// What was sent then was accepted, and a window held `held` with it; `news`: it was sent after the last reaction, with
    /// something measured.
    pub(super) fn accepted(&mut self, held: f64, sent: Micros, news: bool) {
        // What was sent before a reject was known was counted with what was rejected.
        if self.rejected_at.is_some_and(|rejected| sent <= rejected) {
            return;
        }
        self.fitted = self.fitted.max(held);
        if let Some(refused) = self.blocked_at.filter(|&refused| sent > refused) {
            self.blocked_at = None;
            self.boundary.turned(refused, sent);
            if self.boundary.known() {
                self.kind = Kind::Window;
            }
        }
        if !news || self.kind != Kind::Unsure {
            return;
        }
        if held > self.refused * (1.0 + WINDOW_ERROR) {
            self.kind = Kind::Bucket;
        } else if self.streak_seen && held > self.refused * WINDOW_CLOSE {
            self.fits += 1;
            if self.fits >= WINDOW_FITS {
                self.kind = Kind::Window;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Micros {
        Micros::from_secs(seconds)
    }

    #[test]
    fn more_than_was_refused_shows_a_bucket() {
        let mut metering = Metering::new();
        metering.refused(1_000.0, 1_000.0, true);
        metering.accepted(990.0, at(1), true);
        assert_eq!(metering.belief(), MeterBelief::Unsure);
        metering.accepted(1_100.0, at(2), true);
        assert_eq!(metering.belief(), MeterBelief::Bucket);
    }

    #[test]
    fn a_row_of_rejects_and_then_just_what_fits_shows_a_window() {
        let mut metering = Metering::new();
        metering.refused(1_000.0, 1_000.0, true);
        metering.blocked(at(1), at(60));
        for second in 2..5 {
            metering.accepted(980.0, at(second), true);
        }
        assert_eq!((metering.belief(), metering.fitted()), (MeterBelief::Window, Some(980.0)));
        metering.refused(400.0, 1_000.0, false);
        assert_eq!(metering.belief(), MeterBelief::Unsure, "refused with more than half of it free");
    }

    #[test]
    fn another_quota_forgets_what_fitted_the_last_one() {
        let mut metering = Metering::new();
        metering.refused(1_000.0, 1_000.0, true);
        metering.forget();
        metering.accepted(5_000.0, at(1), true);
        assert_eq!(metering.belief(), MeterBelief::Unsure, "more than the old quota is no bucket");
    }
}
