//! Synthetic load: prompts that arrive at absolute times.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::families::{self, ApiChoice};
use crate::record::{Body, Family, FlowId, Micros, Record, RecordId};

use super::prompt::Prompts;
use super::schedule::Schedule;
use super::{BadLine, LoadSpec, RunClock, Source, StopHandle};

/// A [`Source`] of synthetic records.
///
/// [`Source::next`] sleeps until the next record is due and returns it with that due time, so that whatever comes after
/// (a slow engine, a late wake-up) is measured and never hidden; a late caller gets what is overdue at once. What a
/// record contains depends on the seed and its number alone, when it comes on the seed and the rate alone.
pub struct Synthetic {
    clock: RunClock,
    control: RateControl,
    prompts: Prompts,
    flow: FlowId,
    max_tokens: Option<u64>,
    records: Option<u64>,
    seconds: Option<f64>,
    ends: Option<Micros>,
    begun: bool,
    seq: u64,
}

impl Synthetic {
    /// The load that `spec` describes, as Converse requests. Its time begins with the first call of `next`.
    #[must_use]
    pub fn new(spec: &LoadSpec, flow: FlowId, clock: RunClock) -> Synthetic {
        let schedule = Schedule::new(spec.arrival, spec.seed, clock.now());
        Synthetic {
            clock,
            control: RateControl::new(schedule, clock),
            prompts: Prompts::new(spec.seed, spec.input, spec.mix),
            flow,
            max_tokens: spec.max_tokens,
            records: spec.records,
            seconds: spec.seconds,
            ends: None,
            begun: false,
            seq: 0,
        }
    }

    /// The handle that changes the rate while it runs.
    #[must_use]
    pub fn control(&self) -> RateControl {
        self.control.clone()
    }

    /// Waits for the next arrival; its due time.
    fn wait(&mut self) -> Option<Micros> {
        let mut pace = self.control.lock();
        if !self.begun {
            self.begun = true;
            let now = self.clock.now();
            pace.schedule.begin(now);
            self.ends = self.seconds.map(|seconds| now + Micros::from_secs_f64(seconds));
        }
        loop {
            if pace.stopped || self.records.is_some_and(|records| self.seq >= records) {
                return None;
            }
            let now = self.clock.now();
            let due = match pace.schedule.workers() {
                Some(workers) => (!pace.schedule.is_paused() && pace.issued - pace.completed < workers).then_some(now),
                None => pace.schedule.next_due(),
            };
            let due = due.filter(|due| self.ends.is_none_or(|ends| *due < ends));
            match due {
                Some(due) if due <= now => {
                    pace.schedule.take();
                    pace.issued += 1;
                    return Some(due);
                }
                None if self.ends.is_some_and(|ends| now >= ends) => return None,
                _ => pace = self.control.sleep(pace, due.or(self.ends)),
            }
        }
    }
}

impl Source for Synthetic {
    fn next(&mut self) -> Option<Result<Record, BadLine>> {
        let due = self.wait()?;
        let seq = self.seq;
        self.seq += 1;
        let prompt = self.prompts.get(seq);
        let json = families::converse_body(&prompt.text, self.max_tokens).to_string();
        let estimate = families::inspect("", ApiChoice::Converse, json.as_bytes())
            .map_or_else(|_| families::raw_tokens(&prompt.text), |found| found.estimate());
        Some(Ok(Record {
            id: RecordId::from(format!("synthetic-{seq}")),
            seq,
            flow: self.flow,
            priority: prompt.priority,
            deadline: None,
            due,
            body: Body {
                family: Family::Converse,
                json: json.into(),
                max_tokens: self.max_tokens,
                raw_input: estimate.tokens,
                text_kind: estimate.kind.index(),
            },
        }))
    }

    fn stop(&self) -> StopHandle {
        let control = self.control.clone();
        StopHandle::new(move || control.stop())
    }
}

/// Changes the rate of a running [`Synthetic`] from other threads. Cloning gives the same control.
#[derive(Clone)]
pub struct RateControl {
    shared: Arc<(Mutex<Pace>, Condvar)>,
    clock: RunClock,
}

struct Pace {
    schedule: Schedule,
    issued: u64,
    completed: u64,
    stopped: bool,
}

impl RateControl {
    fn new(schedule: Schedule, clock: RunClock) -> RateControl {
        let pace = Pace { schedule, issued: 0, completed: 0, stopped: false };
        RateControl { shared: Arc::new((Mutex::new(pace), Condvar::new())), clock }
    }

    /// Sets arrivals per second (workers for a closed loop), from now on.
    pub fn set_rate(&self, rate: f64) {
        self.change(|pace, now| pace.schedule.set_rate(rate, now));
    }

    /// Multiplies the rate (workers for a closed loop), from now on.
    pub fn scale(&self, factor: f64) {
        self.change(|pace, now| pace.schedule.scale(factor, now));
    }

    /// No more arrivals until [`RateControl::resume`].
    pub fn pause(&self) {
        self.change(|pace, now| pace.schedule.pause(now));
    }

    /// Arrivals go on; those of the pause never come.
    pub fn resume(&self) {
        self.change(|pace, now| pace.schedule.resume(now));
    }

    /// A record of this load has got its final result, or was given up: a closed loop issues the next one.
    pub fn completed(&self) {
        self.change(|pace, _| pace.completed = (pace.completed + 1).min(pace.issued));
    }

    /// Arrivals per second asked for now; `None` for a closed loop.
    #[must_use]
    pub fn requested_rate(&self) -> Option<f64> {
        let now = self.clock.now();
        self.lock().schedule.requested_rate(now)
    }

    /// How many records a closed loop keeps outstanding; `None` for an open loop.
    #[must_use]
    pub fn workers(&self) -> Option<u64> {
        self.lock().schedule.workers()
    }

    /// Ends the load.
    pub fn stop(&self) {
        self.change(|pace, _| pace.stopped = true);
    }

    fn change(&self, change: impl FnOnce(&mut Pace, Micros)) {
        let now = self.clock.now();
        change(&mut self.lock(), now);
        self.shared.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Pace> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until a change or until `until`. A condition variable of the standard library wakes as precisely as
    /// `thread::sleep` does (one timer of the kernel, ~0.1 ms late), and a change of the rate can end it.
    fn sleep<'a>(&self, pace: MutexGuard<'a, Pace>, until: Option<Micros>) -> MutexGuard<'a, Pace>
    where
        Self: 'a,
    {
        let span = until.map_or(Duration::from_secs(3_600), |until| {
            self.clock.instant(until).saturating_duration_since(Instant::now())
        });
        // The source owns a clone of this control, whose condition variable is the same.
        let (guard, _) = self.shared.1.wait_timeout(pace, span).unwrap_or_else(PoisonError::into_inner);
        guard
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::workload::{Arrival, Sizes};

    fn spec(arrival: Arrival) -> LoadSpec {
        LoadSpec { arrival, input: Sizes::Fixed { tokens: 20.0 }, ..LoadSpec::default() }
    }

    fn source(spec: &LoadSpec) -> Synthetic {
        Synthetic::new(spec, FlowId(3), RunClock::start())
    }

    fn all(mut source: Synthetic) -> Vec<Record> {
        std::iter::from_fn(|| source.next()).map(Result::unwrap).collect()
    }

    #[test]
    fn records_come_with_the_due_times_of_the_schedule() {
        let spec = LoadSpec { records: Some(40), ..spec(Arrival::Poisson { rate: 2_000.0 }) };
        let records = all(source(&spec));
        assert_eq!(records.len(), 40);
        let mut schedule = Schedule::new(spec.arrival, spec.seed, Micros::ZERO);
        schedule.take();
        let first = records[0].due;
        let offset = Schedule::new(spec.arrival, spec.seed, Micros::ZERO).next_due().unwrap();
        for record in &records[1..] {
            let expected = schedule.next_due().unwrap().since(offset);
            assert!(record.due.since(first).0.abs_diff(expected.0) <= 2, "due times are the schedule's own");
            schedule.take();
        }
        assert_eq!(records[7].seq, 7);
        assert_eq!(records[7].flow, FlowId(3));
        assert_eq!(records[7].body.family, Family::Converse);
        assert!(records[7].body.raw_input > 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_bodies() {
        let spec = LoadSpec { records: Some(30), ..spec(Arrival::Constant { rate: 50_000.0 }) };
        let bodies = |seed| -> Vec<_> {
            all(source(&LoadSpec { seed, ..spec.clone() })).into_iter().map(|r| (r.body.json, r.priority)).collect()
        };
        assert_eq!(bodies(1), bodies(1));
        assert_ne!(bodies(1), bodies(2));
        let different: HashSet<_> = bodies(1).into_iter().map(|(json, _)| json).collect();
        assert_eq!(different.len(), 30, "no two prompts are the same: a cache would answer for the model");
    }

    #[test]
    fn a_time_limit_ends_it_even_without_arrivals() {
        let spec = LoadSpec { seconds: Some(0.01), ..spec(Arrival::Constant { rate: 0.0 }) };
        assert!(all(source(&spec)).is_empty());
        let spec = LoadSpec { seconds: Some(0.01), ..spec };
        let busy = LoadSpec { arrival: Arrival::Constant { rate: 1_000.0 }, ..spec };
        let n = all(source(&busy)).len();
        assert!((9..=10).contains(&n), "{n}: due times before the end, however late the thread is");
    }

    #[test]
    fn stop_wakes_a_sleeping_source() {
        let mut source = source(&spec(Arrival::Constant { rate: 0.0 }));
        let stop = source.stop();
        let waiting = thread::spawn(move || source.next().is_none());
        stop.stop();
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn a_new_rate_wakes_a_sleeping_source() {
        let mut source = source(&spec(Arrival::Constant { rate: 1e-6 }));
        let control = source.control();
        let waiting = thread::spawn(move || source.next().is_some());
        control.set_rate(10_000.0);
        assert!(waiting.join().unwrap());
        assert_eq!(control.requested_rate(), Some(10_000.0));
    }

    #[test]
    fn a_closed_loop_waits_for_credits() {
        let mut source = source(&spec(Arrival::Closed { workers: 3 }));
        let control = source.control();
        let stop = source.stop();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            while let Some(Ok(record)) = source.next() {
                tell.send(record.seq).unwrap();
            }
        });
        assert_eq!((0..3).map(|_| told.recv().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
        control.pause();
        control.completed();
        assert!(told.try_recv().is_err());
        control.resume();
        assert_eq!(told.recv().unwrap(), 3, "one credit, one record");
        control.scale(4.0 / 3.0);
        assert_eq!(told.recv().unwrap(), 4, "one more worker");
        assert_eq!(control.workers(), Some(4));
        stop.stop();
        thread.join().unwrap();
        assert!(told.recv().is_err(), "nothing more came");
    }
}
