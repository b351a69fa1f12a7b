//! What becomes of a batch job in time. Pure: a function of what happened when, and of now.
//!
//! The worker reports what it has done; everything else follows from the moments.

use crate::record::Micros;

/// How long a job waits for validation.
pub(super) const SUBMITTED: Micros = Micros::from_secs(10);
/// How long validation takes whatever the input: seconds to minutes in reality.
pub(super) const VALIDATING: Micros = Micros::from_secs(45);
/// What each record adds to that.
pub(super) const VALIDATING_RECORD: Micros = Micros::from_millis(1);
/// How long a validated job waits for its turn. Hours happen in reality; here somebody is watching.
pub(super) const SCHEDULED: Micros = Micros::from_secs(45);
/// Records per second of one job: 1,500 a minute, so that a demo moves and 100,000 take somewhat over an hour. Real rates
/// are not published.
pub(super) const RECORDS_PER_SECOND: u64 = 25;
/// How long a job takes to stop.
pub(super) const STOPPING: Micros = Micros::from_secs(20);

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Status {
    Submitted,
    Validating,
    Scheduled,
    InProgress,
    Completed,
    PartiallyCompleted,
    Failed,
    Stopping,
    Stopped,
    Expired,
}

impl Status {
    /// All of them, as the service writes them.
    pub(super) const NAMES: [&'static str; 10] = [
        "Submitted",
        "Validating",
        "Scheduled",
        "InProgress",
        "Completed",
        "PartiallyCompleted",
        "Failed",
        "Stopping",
        "Stopped",
        "Expired",
    ];

    /// As the service writes it.
    pub(super) fn name(self) -> &'static str {
        Status::NAMES[self as usize]
    }

    /// Nothing changes any more.
    pub(super) fn is_final(self) -> bool {
        matches!(
            self,
            Status::Completed | Status::PartiallyCompleted | Status::Failed | Status::Stopped | Status::Expired
        )
    }
}

/// Record counts. `total` is 0 until the input is validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub total: u64,
    pub succeeded: u64,
    pub failed: u64,
}

impl Counts {
    /// Records done, well or not.
    pub(super) fn processed(&self) -> u64 {
        self.succeeded + self.failed
    }
}

/// This cannot happen to the job in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotNow(pub Status);

/// The moments and the counts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lifecycle {
    submitted: Micros,
    deadline: Micros,
    validated: Option<Micros>,
    stop_asked: Option<Micros>,
    ended: Option<(Micros, Status)>,
    counts: Counts,
}

impl Lifecycle {
    /// Submitted at `submitted`, with so much time.
    pub(super) fn new(submitted: Micros, hours: u64) -> Lifecycle {
        let deadline = submitted + Micros::from_secs(hours * 3_600);
        Lifecycle { submitted, deadline, validated: None, stop_asked: None, ended: None, counts: Counts::default() }
    }

    /// Where it stands.
    pub(super) fn status(&self, now: Micros) -> Status {
        match (self.ended, self.stop_asked, self.validated) {
            (Some((_, status)), _, _) => status,
            (None, Some(_), _) => Status::Stopping,
            (None, None, Some(validated)) if now < validated + SCHEDULED => Status::Scheduled,
            (None, None, Some(_)) => Status::InProgress,
            (None, None, None) if now < self.submitted + SUBMITTED => Status::Submitted,
            (None, None, None) => Status::Validating,
        }
    }

    pub(super) fn submitted(&self) -> Micros {
        self.submitted
    }

    /// When it runs out of its time.
    pub(super) fn deadline(&self) -> Micros {
        self.deadline
    }

    pub(super) fn ended(&self) -> Option<Micros> {
        self.ended.map(|(at, _)| at)
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// When its turn comes, once it is validated.
    pub(super) fn starts(&self) -> Option<Micros> {
        self.validated.map(|validated| validated + SCHEDULED)
    }

    /// When it has been asked to stop.
    pub(super) fn stop_asked(&self) -> Option<Micros> {
        self.stop_asked
    }

    /// The last change of its state before `now`.
    pub(super) fn modified(&self, now: Micros) -> Micros {
        let validating = self.submitted + SUBMITTED;
        let moments = [Some(validating), self.validated, self.starts(), self.stop_asked, self.ended()];
        moments.into_iter().flatten().filter(|at| *at <= now).max().unwrap_or(self.submitted)
    }

    /// When validation of so many records is over.
    pub(super) fn validation_ends(&self, records: u64) -> Micros {
        self.submitted + SUBMITTED + VALIDATING + Micros(VALIDATING_RECORD.0.saturating_mul(records))
    }

    /// Records that may be done by `now`, by the job's rate.
    pub(super) fn allowance(&self, now: Micros) -> u64 {
        let Some(starts) = self.starts() else { return 0 };
        let passed = u128::from(now.since(starts).0);
        let records = passed * u128::from(RECORDS_PER_SECOND) / 1_000_000;
        u64::try_from(records).unwrap_or(u64::MAX).min(self.counts.total)
    }

    /// When the `n`th record may be done.
    pub(super) fn due(&self, n: u64) -> Option<Micros> {
        let after = u128::from(n) * 1_000_000 / u128::from(RECORDS_PER_SECOND) + 1;
        Some(self.starts()? + Micros(u64::try_from(after).unwrap_or(u64::MAX)))
    }

    /// The input is in order and has so many records.
    pub(super) fn validate(&mut self, total: u64, now: Micros) -> Result<(), NotNow> {
        self.only_if(now, |status| status == Status::Validating)?;
        self.validated = Some(now);
        self.counts.total = total;
        Ok(())
    }

    /// So many more records are done.
    pub(super) fn progress(&mut self, succeeded: u64, failed: u64, now: Micros) -> Result<(), NotNow> {
        let room = self.counts.total - self.counts.processed();
        let fits = succeeded.checked_add(failed).is_some_and(|more| more <= room);
        // What was done while the job is being stopped counts: it is in the output and is billed.
        self.only_if(now, |status| fits && matches!(status, Status::InProgress | Status::Stopping))?;
        self.counts.succeeded += succeeded;
        self.counts.failed += failed;
        Ok(())
    }

    /// Somebody wants it to stop. Possible until it is final, and once.
    pub(super) fn stop(&mut self, now: Micros) -> Result<(), NotNow> {
        self.only_if(now, |status| !status.is_final() && status != Status::Stopping)?;
        self.stop_asked = Some(now);
        Ok(())
    }

    /// It is over.
    pub(super) fn end(&mut self, end: Status, now: Micros) -> Result<(), NotNow> {
        let counts = self.counts;
        let late = now >= self.deadline;
        self.only_if(now, |status| match end {
            Status::Completed => status == Status::InProgress && counts.processed() == counts.total,
            // Whether a job without any output expires, and one with some is partially completed, is not documented in
            // these words: a guess from the descriptions of the two.
            Status::PartiallyCompleted => !status.is_final() && late && counts.processed() > 0,
            Status::Expired => !status.is_final() && late && counts.processed() == 0,
            Status::Stopped => status == Status::Stopping,
            Status::Failed => !status.is_final(),
            Status::Submitted | Status::Validating | Status::Scheduled | Status::InProgress | Status::Stopping => false,
        })?;
        self.ended = Some((now, end));
        Ok(())
    }

    fn only_if(&self, now: Micros, fits: impl Fn(Status) -> bool) -> Result<(), NotNow> {
        let status = self.status(now);
        if fits(status) { Ok(()) } else { Err(NotNow(status)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Micros {
        Micros::from_secs(seconds)
    }

    #[test]
    fn a_job_from_submission_to_completion() {
        let mut job = Lifecycle::new(Micros::ZERO, 24);
        assert_eq!((job.status(at(9)), job.status(at(10))), (Status::Submitted, Status::Validating));
        let validated = job.validation_ends(100);
        job.validate(100, validated).unwrap();
        assert_eq!(job.status(validated), Status::Scheduled);
        let starts = job.starts().unwrap();
        assert_eq!(
            (job.status(starts), job.allowance(starts), job.due(25)),
            (Status::InProgress, 0, Some(starts + at(1) + Micros(1)))
        );
        assert_eq!(job.allowance(starts + at(2)), 50);
        job.progress(49, 1, starts + at(2)).unwrap();
        assert_eq!(job.end(Status::Completed, starts + at(2)), Err(NotNow(Status::InProgress)));
        job.progress(50, 0, starts + at(4)).unwrap();
        job.end(Status::Completed, starts + at(4)).unwrap();
        assert_eq!(job.stop(starts + at(5)), Err(NotNow(Status::Completed)));
        assert_eq!(job.modified(starts + at(5)), starts + at(4));
    }

    #[test]
    fn time_runs_out_in_two_ways() {
        let hours = at(24 * 3_600);
        let mut idle = Lifecycle::new(Micros::ZERO, 24);
        assert!(idle.end(Status::Expired, at(60)).is_err());
        idle.end(Status::Expired, hours).unwrap();
        let mut busy = Lifecycle::new(Micros::ZERO, 24);
        busy.validate(10, at(100)).unwrap();
        busy.progress(1, 0, at(1_000)).unwrap();
        assert!(busy.end(Status::Expired, hours).is_err());
        busy.end(Status::PartiallyCompleted, hours).unwrap();
    }

    #[derive(Clone, Debug)]
    enum Step {
        Validate(u64),
        Progress(u64, u64),
        Stop,
        End(Status),
    }

    fn step() -> impl Strategy<Value = Step> {
        use Status::*;
        prop_oneof![
            (1u64..50).prop_map(Step::Validate),
            (0u64..20, 0u64..5).prop_map(|(good, bad)| Step::Progress(good, bad)),
            Just(Step::Stop),
            proptest::sample::select(vec![
                Completed,
                PartiallyCompleted,
                Failed,
                Stopped,
                Expired,
                InProgress,
                Stopping
            ])
            .prop_map(Step::End),
        ]
    }

    fn follows(before: Status, after: Status) -> bool {
        use Status::*;
        match (before, after) {
            (a, b) if a == b => true,
            (end, _) if end.is_final() => false,
            (Stopping, end) => matches!(end, Stopped | Failed | PartiallyCompleted | Expired),
            (_, Stopping | Failed | Expired) => true,
            (Submitted, Validating) | (Validating, Scheduled) | (Scheduled, InProgress) => true,
            (InProgress, Completed | PartiallyCompleted) => true,
            _ => false,
        }
    }

    proptest! {
        /// Whatever is reported and asked when: no illegal transition, counts only grow and add up, and what is over
        /// stays as it is.
        #[test]
        fn no_sequence_leads_astray(steps in proptest::collection::vec((0u64..40_000, step()), 1..80)) {
            let mut job = Lifecycle::new(Micros::ZERO, 24);
            let mut now = Micros::ZERO;
            let mut last = (job.status(now), job.counts());
            for (pause, step) in steps {
                now = now + Micros::from_secs(pause);
                for _ in 0..2 {
                    let (status, counts) = (job.status(now), job.counts());
                    prop_assert!(follows(last.0, status), "{:?} to {status:?}", last.0);
                    prop_assert!(counts.total >= last.1.total || last.1.total == 0);
                    prop_assert!(counts.succeeded >= last.1.succeeded && counts.failed >= last.1.failed);
                    prop_assert!(counts.processed() <= counts.total);
                    prop_assert!(counts.total == 0 || !matches!(status, Status::Submitted | Status::Validating));
                    prop_assert!(job.modified(now) <= now && job.allowance(now) <= counts.total);
                    prop_assert_eq!(job.ended().is_some(), status.is_final());
                    if last.0.is_final() {
                        prop_assert_eq!(last, (status, counts));
                    }
                    last = (status, counts);
                    match step {
                        Step::Validate(total) => drop(job.validate(total, now)),
                        Step::Progress(good, bad) => drop(job.progress(good, bad, now)),
                        Step::Stop => drop(job.stop(now)),
                        Step::End(end) => drop(job.end(end, now)),
                    }
                }
            }
        }
    }
}
