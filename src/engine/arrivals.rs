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
    /// see and what does not fit is dropped in the open. A file waits until the queue is half empty again: its reader is
    /// then woken once for hundreds of records and not for each.
    pub(super) fn has_room(&mut self) -> bool {
        let Some(load) = self.load.as_ref().filter(|load| load.takes_in()) else { return false };
        if !load.is_file() {
            return true;
        }
        if self.queue.len() >= FILE_LOOKAHEAD || self.queued_bytes >= FILE_LOOKAHEAD_BYTES {
            self.reading = false;
        } else if self.queue.len() <= FILE_LOOKAHEAD / 2 && self.queued_bytes <= FILE_LOOKAHEAD_BYTES / 2 {
            self.reading = true;
        }
        self.reading
    }

    pub(super) fn arrivals(&mut self, first: Option<Result<Record, BadLine>>) {
        let mut next = first;
        let mut left = ARRIVALS_AT_ONCE;
        while let Some(arrival) = next {
            let now = self.clock.now();
            match arrival {
                Ok(record) => self.arrive(record, now),
                Err(bad) => self.refuse(bad),
            }
            left -= 1;
            // What is taken from the intake is gone from it: only what the next turn deals with may be taken.
            next = if left > 0 && self.has_room() {
                self.load.as_mut().and_then(|load| load.intake.try_next())
            } else {
                None
            };
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
        if let Some(window) = self.window_exceeded(&work) {
            let tokens = work.record.body.raw_input;
            let advice =
                format!("about {tokens} input tokens, more than the context window of {window}: split the prompt");
            return self.fail_unsent(work, 0, 0, advice, now);
        }
        self.calibrate(&work.record);
        // Whoever arrives behind others waits for what they wait for.
        work.told_to_wait.set(!self.queue.is_empty());
        self.enqueue(work);
    }

    /// The largest context window of the routes, if a record is far beyond it. Near it the service decides: an estimate
    /// may be half as large again as the truth (study/load.md §B2).
    fn window_exceeded(&self, work: &Work) -> Option<u64> {
        let windows = self.routes.iter().map(|route| route.setup.model.map(|model| model.context_window));
        let largest = windows.collect::<Option<Vec<u64>>>()?.into_iter().max()?;
        (work.record.body.raw_input > largest.saturating_mul(8) / 5).then_some(largest)
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

    /// Puts work in the queue for the first time.
    pub(super) fn enqueue(&mut self, work: Work) {
        let item = self.item(work);
        self.queue.push(item);
    }

    /// Puts work that was taken out back at its old place, as if it had not been served.
    pub(super) fn put_back(&mut self, work: Work) {
        if self.is_current(&work) {
            let item = self.item(work);
            self.queue.put_back(item);
        }
    }

    fn item(&mut self, work: Work) -> Item<Box<Work>> {
        self.queued_bytes += work.record.body.json.len();
        Item {
            priority: work.record.priority,
            flow: work.record.flow,
            seq: work.record.seq,
            cost: work.queue_cost(),
            deadline: work.record.deadline,
            queued: work.queued,
            value: Box::new(work),
        }
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
                        self.put_back(retry.work);
                    }
                }
                Err(until) => return until,
            }
        }
        Micros::MAX
    }
}
