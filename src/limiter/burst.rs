//! How much a bucket holds at most (study §E.4).
//!
//! While the load leaves room, a bucket runs over: what it gains above its capacity is lost, and a mirror that believes in
//! a larger one believes in tokens that are not there. Measured is the *drawdown*: how far below its fullest moment the
//! mirror stood when a request was refused for which it still saw room. The capacity is less than that. Where rejects
//! stay away, the belief creeps back up.

use super::rate::{Rate, micro, units};

/// Seconds of the rate that any bucket is believed to hold (study §D.1 has no smaller).
pub(super) const LEAST_SECONDS: f64 = 2.0;
/// ... and none more than this: a minute (study §C.4).
pub(super) const MOST_SECONDS: f64 = 60.0;
/// The mirror is off by a request or two at any time: only what is many times this is a matter of the bucket.
const LEAST_REQUESTS: i64 = 6;
/// Part of the drawdown at which it was refused that is used from then on.
const MARGIN: f64 = 0.95;
/// Seconds in which the belief doubles while it keeps requests waiting that may well fit.
const DOUBLING: f64 = 240.0;

/// The belief about a bucket's capacity, in units; `None`: a minute of whatever the rate is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Burst {
    most: Option<f64>,
}

impl Burst {
    /// The capacity at this rate, in micro-units.
    pub(super) fn capacity(&self, rate: Rate) -> i64 {
        let (least, most) = (rate.over(LEAST_SECONDS), rate.over(MOST_SECONDS));
        match self.most {
            Some(units) => ((units * 1e6) as i64).clamp(least, most.max(least)),
            None => most,
        }
    }

    /// A request that holds `hold` was refused while the mirror, `level`, saw room; its fullest was `peak`. True if that
    /// may be because the bucket is smaller than believed: it had the time to run over.
    pub(super) fn refused(&mut self, hold: u64, level: i64, peak: i64, rate: Rate) -> bool {
        if level < micro(hold) || peak < rate.over(LEAST_SECONDS).max(micro(hold).saturating_mul(LEAST_REQUESTS)) {
            return false;
        }
        let drawdown = units(peak.saturating_sub(level)) + hold as f64;
        let most = MARGIN * drawdown;
        if self.most.is_none_or(|known| most < known) {
            self.most = Some(most);
        }
        true
    }

    /// The mirror has kept the queue waiting for so many seconds, and nothing was refused.
    pub(super) fn creep(&mut self, seconds: f64) {
        if let Some(most) = &mut self.most {
            *most *= (seconds.min(10.0) / DOUBLING).exp2();
        }
    }

    /// Forgets: another quota.
    pub(super) fn forget(&mut self) {
        self.most = None;
    }
}
