//! Arrivals and returns: how records get into the queue, for the first time and again.

use std::cmp::Reverse;

use crate::queue::Item;
use crate::record::{Micros, Record};
use crate::workload::BadLine;

use super::delivery::Parcel;
use super::dispatcher::{Dispatcher, utc_ms};
use super::load::{Ending, Work};
use super::text::sanitise;
use super::{Level, LoadKind};

/// Records of a file that wait in memory at most; the rest waits in the file.
const FILE_LOOKAHEAD: usize = 1_024;
/// Bytes of bodies that wait in memory at most, however few records they are.
const FILE_LOOKAHEAD_BYTES: usize = 48 << 20;
/// Synthetic records that wait at most; arrivals beyond are dropped, counted and shown.
const SYNTHETIC_QUEUE: usize = 50_000;
/// Arrivals taken in one go before outcomes are looked at again.
const ARRIVALS_AT_ONCE: usize = 64;

impl Dispatcher {
    /// Whether another arrival may be taken in. Synthetic arrivals are always taken, so that their lateness is ours to
    /// see and what does not fit is dropped in the open.
    pub(super) fn has_room(&self) -> bool {
        self.load.as_ref().is_some_and(|load| {
            load.takes_in()
                && (!load.is_file() || (self.queue.len() < FILE_LOOKAHEAD && self.queued_bytes < FILE_LOOKAHEAD_BYTES))
        })
    }

    pub(super) fn arrivals(&mut self, first: Option<Result<Record, BadLine>>) {
        let mut next = first;
        for taken in 1..=ARRIVALS_AT_ONCE {
            let now = self.clock.now();
            match next {
                Some(Ok(record)) => self.arrive(record, now),
                Some(Err(bad)) => self.refuse(bad),
                None => break,
            }
            // What is taken from the intake is owed a result: take nothing that the loop would not look at.
            if taken == ARRIVALS_AT_ONCE || !self.has_room() {
                break;
            }
            next = self.load.as_mut().and_then(|load| load.intake.try_next());
        }
    }

    fn arrive(&mut self, record: Record, now: Micros) {
        let Some(load) = self.load.as_mut() else { return };
        self.window.at(now).arrived += 1;
        if load.view.kind == LoadKind::Synthetic && self.queue.len() >= SYNTHETIC_QUEUE {
            load.view.dropped += 1;
            return;
        }
        let work = Work::new(record, load.id, now);
        self.calibrate(&work.record);
        // Whoever arrives behind others waits for what they wait for.
        work.told_to_wait.set(self.queue.len() > 0);
        self.enqueue(work);
    }

    /// A line that turned out to be unusable after the run began.
    fn refuse(&mut self, bad: BadLine) {
        let utc = utc_ms(&self.clock);
        self.chronicle.line(utc, Level::Error, sanitise(&bad.to_string()));
        let Some(load) = self.load.as_mut() else { return };
        if bad.fatal {
            load.view.fatal = Some(bad.to_string());
            load.ending = Ending::Draining;
            return;
        }
        load.view.failed += 1;
        if let Some(delivery) = &load.delivery {
            load.undelivered += 1;
            delivery.send(Parcel::Rejected(bad));
        }
    }

    /// Puts work in the queue, at its own place.
    pub(super) fn enqueue(&mut self, work: Work) {
        self.queued_bytes += work.record.body.json.len();
        let cost = work.record.body.raw_input + work.record.body.max_tokens.unwrap_or(1_000).min(100_000) / 2;
        let item = Item {
            priority: work.record.priority,
            flow: work.record.flow,
            seq: work.record.seq,
            cost,
            deadline: work.record.deadline,
            queued: work.queued,
            value: Box::new(work),
        };
        self.queue.push(item);
    }

    /// Retries that are due and paid for go back to their place in the queue.
    pub(super) fn wake_retries(&mut self, now: Micros) -> Micros {
        while let Some(Reverse(next)) = self.retries.peek() {
            if next.due > now {
                return next.due;
            }
            match self.budget.take(now) {
                Ok(()) => {
                    if let Some(Reverse(retry)) = self.retries.pop() {
                        self.enqueue(retry.work);
                    }
                }
                Err(until) => return until,
            }
        }
        Micros::MAX
    }
}
