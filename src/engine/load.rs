//! The load at hand: where its records come from, how far it is, how it ends.

use std::cell::Cell;

use tokio::sync::oneshot;

use crate::limiter::Why;
use crate::record::{Failure, Micros, Record, Route, Usd};
use crate::workload::{Journal, RateControl};

use super::delivery::Delivery;
use super::intake::Intake;
use super::{LoadKind, RunView};

/// Taken for the reply of a record that sets no limit, and the most that any is taken for.
const UNLIMITED_REPLY: u64 = 1_000;
const LONG_REPLY: u64 = 100_000;

/// How a load is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// When its source is exhausted and everything is finished.
    Natural,
    /// As soon as what is in flight is finished.
    Draining,
    /// It has ended.
    Over,
}

/// A record on its way to its result.
#[derive(Debug)]
pub struct Work {
    /// What the user gave.
    pub record: Record,
    /// The load it belongs to.
    pub load: u32,
    /// Attempts sent.
    pub attempts: u32,
    /// Attempts that count against the limit of attempts.
    pub counted: u32,
    /// When the first attempt was sent.
    pub first_sent: Option<Micros>,
    /// When it was queued, in this process.
    pub queued: Micros,
    /// The limiter once told it to wait: its lateness is the quota's, not the client's.
    pub told_to_wait: Cell<bool>,
    /// Token throttles with nothing else in flight in the scope: how many, and since when.
    pub lonely_throttles: Option<(u32, Micros)>,
    /// What all attempts cost so far, where the price is known.
    pub cost: Usd,
    /// The last failure, and where.
    pub last: Option<(Route, Failure)>,
}

impl Work {
    /// What the queue's fairness counts for it until it is known: its input and half of what it may answer.
    #[must_use]
    pub fn queue_cost(&self) -> u64 {
        let output = self.record.body.max_tokens.unwrap_or(UNLIMITED_REPLY).min(LONG_REPLY);
        self.record.body.raw_input.saturating_add(output / 2)
    }

    /// A record that has just arrived.
    #[must_use]
    pub fn new(record: Record, load: u32, now: Micros) -> Work {
        Work {
            record,
            load,
            attempts: 0,
            counted: 0,
            first_sent: None,
            queued: now,
            told_to_wait: Cell::new(false),
            lonely_throttles: None,
            cost: Usd::ZERO,
            last: None,
        }
    }
}

/// The load at hand.
pub struct ActiveLoad {
    /// Distinguishes it from an earlier load whose last attempts are still in flight.
    pub id: u32,
    /// Its records.
    pub intake: Intake,
    /// Its results' way to the sink (files only).
    pub delivery: Option<Delivery>,
    /// Results handed over and not yet on file.
    pub undelivered: u64,
    /// What a resume needs (files only).
    pub journal: Option<Box<dyn Journal>>,
    /// The arrival rate, where there is one to turn.
    pub rate: Option<RateControl>,
    /// Rate or workers at the start.
    pub rate_at_start: f64,
    /// Whether arrivals come at their own time (else each waits for an earlier one to end).
    pub open_loop: bool,
    /// Whether replies are streamed.
    pub stream: bool,
    /// How it is to end.
    pub ending: Ending,
    /// When it began.
    pub started: Micros,
    /// When it ended.
    pub ended: Option<Micros>,
    /// Its progress; `unsent`, `elapsed` and `eta` are filled in when published.
    pub view: RunView,
}

impl ActiveLoad {
    /// Waits until every result handed over is on file, and ends the journal. Returns what could not be put in order:
    /// results are stored and the run can be resumed all the same.
    pub fn close(&mut self, complete: bool) -> Option<std::io::Error> {
        self.intake.end();
        let stored = self.delivery.take().map_or(Ok(()), Delivery::close);
        let marked = self.journal.take().map_or(Ok(()), |mut journal| journal.finish(complete));
        stored.and(marked).err()
    }

    /// Whether records of it may still be taken in.
    #[must_use]
    pub fn takes_in(&self) -> bool {
        self.ending == Ending::Natural && !self.intake.exhausted()
    }

    /// The arrival rate now, or the workers of a closed loop; `None` where there is nothing to turn.
    #[must_use]
    pub fn rate_now(&self) -> Option<f64> {
        let rate = self.rate.as_ref()?;
        rate.requested_rate().or_else(|| rate.workers().map(|workers| workers as f64))
    }

    /// Records finished in this process.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.view.succeeded + self.view.failed
    }

    /// Whether its records come from a file: then they wait there, and each is owed a result.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.view.kind == LoadKind::File
    }
}

/// Who waits for the load's end.
pub type Waiter = oneshot::Sender<std::sync::Arc<super::EngineSnapshot>>;

/// A request that the service refuses so often, for so long, with nothing else in flight in its scope, is larger than
/// what the scope's meter ever holds.
const LONELY_THROTTLES: u32 = 8;
const LONELY_FOR: Micros = Micros::from_secs(120);

impl Work {
    /// Counts a token throttle with nothing else in flight. True: it will never be admitted.
    pub fn throttled_alone(&mut self, now: Micros) -> bool {
        let (count, since) = self.lonely_throttles.map_or((1, now), |(count, since)| (count + 1, since));
        self.lonely_throttles = Some((count, since));
        count >= LONELY_THROTTLES && now.since(since) >= LONELY_FOR
    }
}

/// The advice for a request that can never be admitted.
#[must_use]
pub fn never_advice(why: Why, hold: u64, max_tokens: Option<u64>) -> String {
    let lever = if max_tokens.is_none() {
        "set max_tokens (unset, the model's maximum is reserved)"
    } else {
        "lower max_tokens or split the prompt"
    };
    match why {
        Why::LargerThanBurst => {
            format!("it would reserve {hold} quota tokens, more than the whole quota of this scope holds: {lever}")
        }
        _ => format!("it can never be admitted ({hold} quota tokens): {lever}"),
    }
}
