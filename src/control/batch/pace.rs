//! How often a job is looked at, how fast it is, and when it will be done. Pure: readings in, numbers out.

use std::collections::VecDeque;
use std::time::Duration;

use crate::bedrock::BatchJob;

/// The first readings, and those near the end.
const FAST: Duration = Duration::from_secs(2);
/// The others, at most.
const SLOW: Duration = Duration::from_secs(60);
/// After failures, at most.
const SLOWEST: Duration = Duration::from_secs(300);
/// So long everything is looked at often, milliseconds.
const NEW_MS: i64 = 20_000;
/// Readings that the slope rests on.
const READINGS: usize = 12;
/// A slope over less than this says nothing, milliseconds.
const SHORTEST_MS: i64 = 2_000;

/// A moment on both clocks, milliseconds since 1970. A simulator's clock may run faster than ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The service's.
    pub service_ms: i64,
    /// Ours.
    pub ours_ms: i64,
}

/// Watches one job.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Time and records processed, in the order of time.
    readings: VecDeque<(i64, u64)>,
    first: Option<Moment>,
    last: Option<Moment>,
    failures: u32,
}

impl Pace {
    /// Takes a reading made at `now`.
    pub fn read(&mut self, job: &BatchJob, now: Moment) {
        self.failures = 0;
        self.first.get_or_insert(now);
        self.last = Some(now);
        let Some(processed) = job.counts.processed else { return };
        let now_ms = now.service_ms;
        if self.readings.back().is_some_and(|(at, before)| *before > processed || *at > now_ms) {
            self.readings.clear();
        }
        // A counter that stands still makes the last reading later, and the slope lower.
        let several = self.readings.len() > 1;
        match self.readings.back_mut() {
            Some((at, before)) if several && *before == processed => *at = now_ms,
            // Before the first record is done nothing is known of the pace.
            Some((at, before)) if *before == 0 && processed == 0 => *at = now_ms,
            _ => self.readings.push_back((now_ms, processed)),
        }
        if self.readings.len() > READINGS {
            self.readings.pop_front();
        }
    }

    /// Notes that a reading failed.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Records a minute, from the slope of the last readings; `None`: too early to tell.
    #[must_use]
    pub fn per_minute(&self) -> Option<f64> {
        let ((from, first), (to, last)) = (self.readings.front()?, self.readings.back()?);
        let span = to.saturating_sub(*from);
        (span >= SHORTEST_MS && last > first).then(|| (last - first) as f64 * 60_000.0 / span as f64)
    }

    /// When all records will be done at that slope, milliseconds since 1970.
    #[must_use]
    pub fn done_at_ms(&self, job: &BatchJob, now_ms: i64) -> Option<i64> {
        let left = job.counts.total?.checked_sub(job.counts.processed?)?;
        let minutes = left as f64 / self.per_minute()?;
        // A year is as good as never.
        (minutes < 525_600.0).then(|| now_ms.saturating_add((minutes * 60_000.0) as i64))
    }

    /// How many times as fast as ours the service's clock runs; 1 unless it is a simulator's.
    fn ratio(&self) -> f64 {
        let (Some(first), Some(last)) = (self.first, self.last) else { return 1.0 };
        let ours = last.ours_ms.saturating_sub(first.ours_ms);
        if ours < SHORTEST_MS {
            return 1.0;
        }
        (last.service_ms.saturating_sub(first.service_ms) as f64 / ours as f64).clamp(1.0, 1e6)
    }

    /// How long to wait for the next reading: little at first and near the end, up to a minute in between, longer and
    /// longer after failures.
    #[must_use]
    pub fn next(&self, job: Option<&BatchJob>) -> Duration {
        if self.failures > 0 {
            return FAST.saturating_mul(1 << self.failures.min(10)).min(SLOWEST);
        }
        let (Some(job), Some(first), Some(last)) = (job, self.first, self.last) else { return FAST };
        if last.ours_ms.saturating_sub(first.ours_ms) < NEW_MS {
            return FAST;
        }
        // A tenth of what is left: the end is seen within a tenth of the time that it took. A twentieth of its age, as
        // long as nobody knows what is left.
        let service_ms = match self.done_at_ms(job, last.service_ms) {
            Some(done) => done.saturating_sub(last.service_ms) / 10,
            None => last.service_ms.saturating_sub(job.submitted_ms) / 20,
        };
        Duration::from_millis((service_ms.max(0) as f64 / self.ratio()) as u64).clamp(FAST, SLOW)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bedrock::{InvocationType, JobCounts, JobStatus};
    use crate::record::Region;

    fn job(processed: u64, total: u64) -> BatchJob {
        BatchJob {
            region: Region::from("us-east-1"),
            arn: "arn:aws:bedrock:us-east-1:1:model-invocation-job/abc".to_owned(),
            name: "n".to_owned(),
            model: "m".to_owned(),
            client_token: None,
            role_arn: String::new(),
            status: JobStatus::InProgress,
            message: None,
            submitted_ms: 0,
            modified_ms: None,
            ended_ms: None,
            expires_ms: None,
            timeout_hours: None,
            input: String::new(),
            output: String::new(),
            invocation: InvocationType::Converse,
            counts: JobCounts { total: Some(total), processed: Some(processed), succeeded: None, failed: None },
        }
    }

    #[test]
    fn the_slope_gives_rate_and_end() {
        let mut pace = Pace::default();
        assert_eq!(pace.per_minute(), None);
        for step in 0..5 {
            pace.read(&job(step * 100, 1_000), at(step as i64 * 60_000));
        }
        let last = job(400, 1_000);
        assert_eq!(pace.per_minute(), Some(100.0));
        assert_eq!(pace.done_at_ms(&last, 240_000), Some(240_000 + 6 * 60_000));
        assert_eq!(pace.next(Some(&last)), Duration::from_secs(36));
    }

    #[test]
    fn a_simulator_in_a_hurry_is_looked_at_more_often() {
        let mut pace = Pace::default();
        for step in 0..5 {
            let service_ms = step * 60_000;
            pace.read(&job(step as u64 * 100, 1_000), Moment { service_ms, ours_ms: service_ms / 10 });
        }
        assert_eq!(pace.next(Some(&job(400, 1_000))), Duration::from_millis(3_600));
    }

    #[test]
    fn it_looks_often_at_first_and_near_the_end_and_seldom_after_failures() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(None), FAST);
        pace.read(&job(0, 0), at(36_000_000));
        assert_eq!(pace.next(Some(&job(0, 0))), FAST);
        pace.read(&job(0, 0), at(36_000_000 + NEW_MS));
        assert_eq!(pace.next(Some(&job(0, 0))), SLOW);
        let mut pace = Pace::default();
        pace.read(&job(1, 1_000), at(0));
        pace.read(&job(990, 1_000), at(600_000));
        assert_eq!(pace.next(Some(&job(990, 1_000))), FAST);
        (0..3).for_each(|_| pace.failed());
        assert_eq!(pace.next(None), Duration::from_secs(16));
        (0..30).for_each(|_| pace.failed());
        assert_eq!(pace.next(None), SLOWEST);
        pace.read(&job(991, 1_000), at(600_100));
        assert_eq!(pace.next(Some(&job(991, 1_000))), FAST);
    }

    fn at(ms: i64) -> Moment {
        Moment { service_ms: ms, ours_ms: ms }
    }

    proptest! {
        #[test]
        fn whatever_the_service_says_the_interval_is_bounded(
            readings in prop::collection::vec((any::<u64>(), any::<u64>(), any::<i64>(), any::<i64>()), 0..40),
            now in any::<i64>(),
        ) {
            let mut pace = Pace::default();
            for (processed, total, service_ms, ours_ms) in readings {
                let job = job(processed, total);
                pace.read(&job, Moment { service_ms, ours_ms });
                let next = pace.next(Some(&job));
                prop_assert!(next >= FAST && next <= SLOW);
                prop_assert!(pace.per_minute().is_none_or(|rate| rate.is_finite() && rate > 0.0));
                prop_assert!(pace.done_at_ms(&job, now).is_none_or(|done| done >= now));
            }
        }
    }
}
