//! Screen 4: what the list of batch jobs is asked about, and what follows from each of them.

use std::cmp::{Ordering, Reverse};

use crate::control::{ControlSnapshot, JobStatus, JobView};

use super::filter::{Field, Filter};
use super::lists::{List, RowKey};

/// The screen's list and its order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Filter and selection.
    pub list: List,
    /// The order.
    pub sort: Sort,
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// At work first, then what ended badly.
    Status,
    /// Most errors first.
    Errors,
    /// By name.
    Name,
}

impl Sort {
    /// The next order.
    #[must_use]
    pub const fn next(self) -> Sort {
        match self {
            Sort::Newest => Sort::Status,
            Sort::Status => Sort::Errors,
            Sort::Errors => Sort::Name,
            Sort::Name => Sort::Newest,
        }
    }

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Sort::Newest => "age",
            Sort::Status => "status",
            Sort::Errors => "errors",
            Sort::Name => "name",
        }
    }

    fn compare(self, a: &JobView, b: &JobView) -> Ordering {
        let by = match self {
            Sort::Newest => Ordering::Equal,
            Sort::Status => rank(&a.job.status).cmp(&rank(&b.job.status)),
            Sort::Errors => {
                let errors = |view: &JobView| error_share(view).unwrap_or(-1.0);
                errors(b).total_cmp(&errors(a))
            }
            Sort::Name => a.job.name.cmp(&b.job.name),
        };
        let newest = Reverse(a.job.submitted_ms).cmp(&Reverse(b.job.submitted_ms));
        by.then(newest).then_with(|| a.job.arn.cmp(&b.job.arn))
    }
}

const fn rank(status: &JobStatus) -> u8 {
    match status {
        JobStatus::InProgress => 0,
        JobStatus::Stopping => 1,
        JobStatus::Submitted | JobStatus::Validating | JobStatus::Scheduled => 2,
        JobStatus::Other(_) => 3,
        JobStatus::Failed | JobStatus::Expired => 4,
        JobStatus::PartiallyCompleted | JobStatus::Stopped => 5,
        JobStatus::Completed => 6,
    }
}

/// What names a job in a list.
#[must_use]
pub fn key(view: &JobView) -> RowKey {
    (0, view.job.arn.clone())
}

/// The fields of jobs.
pub const FIELDS: &[Field<JobView>] = &[
    Field { name: "name", of: |view| view.job.name.as_str().into() },
    Field { name: "status", of: |view| status_word(&view.job.status).into() },
    Field { name: "region", of: |view| view.job.region.as_str().into() },
    Field { name: "model", of: |view| view.job.model.as_str().into() },
    Field { name: "arn", of: |view| view.job.arn.as_str().into() },
    Field { name: "message", of: |view| view.job.message.as_deref().unwrap_or("").into() },
    Field { name: "from", of: |view| if view.ours { "here" } else { "elsewhere" }.into() },
];

/// The jobs that a filter keeps, as they come.
fn kept<'a>(snapshot: &'a ControlSnapshot, filter: &str) -> impl Iterator<Item = &'a JobView> {
    let filter = Filter::new(filter, FIELDS);
    snapshot.jobs.iter().filter(move |view| filter.keeps(view))
}

/// The jobs that a filter keeps, in order.
#[must_use]
pub fn rows<'a>(snapshot: &'a ControlSnapshot, filter: &str, sort: Sort) -> Vec<&'a JobView> {
    let mut rows: Vec<&JobView> = kept(snapshot, filter).collect();
    rows.sort_by(|a, b| sort.compare(a, b));
    rows
}

impl Batch {
    /// The selected one of those that a filter keeps: the first in order if none is selected, or if that is gone.
    #[must_use]
    pub fn selected<'a>(&self, snapshot: &'a ControlSnapshot, filter: &str) -> Option<&'a JobView> {
        let chosen =
            self.list.selected.as_ref().and_then(|(_, arn)| kept(snapshot, filter).find(|one| one.job.arn == *arn));
        chosen.or_else(|| kept(snapshot, filter).min_by(|a, b| self.sort.compare(a, b)))
    }
}

/// A status in one word or two.
#[must_use]
pub fn status_word(status: &JobStatus) -> &str {
    match status {
        JobStatus::Submitted => "submitted",
        JobStatus::Validating => "validating",
        JobStatus::Scheduled => "scheduled",
        JobStatus::InProgress => "in progress",
        JobStatus::Completed => "completed",
        JobStatus::PartiallyCompleted => "partial",
        JobStatus::Failed => "failed",
        JobStatus::Stopping => "stopping",
        JobStatus::Stopped => "stopped",
        JobStatus::Expired => "expired",
        JobStatus::Other(word) => word,
    }
}

/// The part of the processed records that carry an error; `None` where the service counts none.
#[must_use]
pub fn error_share(view: &JobView) -> Option<f64> {
    let counts = view.job.counts;
    let processed = counts.processed.filter(|processed| *processed > 0)?;
    Some(counts.failed? as f64 / processed as f64)
}

/// The part of the records that is done; `None` where the service does not count them (yet).
#[must_use]
pub fn done_share(view: &JobView) -> Option<f64> {
    let counts = view.job.counts;
    let total = counts.total.filter(|total| *total > 0)?;
    Some((counts.processed? as f64 / total as f64).clamp(0.0, 1.0))
}

/// Jobs of all Regions, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub jobs: usize,
    /// Those that are not over.
    pub at_work: usize,
    /// Those that failed or expired.
    pub failed: usize,
    /// Records done by those that are not over.
    pub done: u64,
    /// Records of those that are not over, as far as they are counted.
    pub total: u64,
    /// Jobs of ours that wait here for a slot.
    pub waiting: u64,
}

/// All jobs together.
#[must_use]
pub fn totals(snapshot: &ControlSnapshot) -> Totals {
    let mut totals = Totals { jobs: snapshot.jobs.len(), ..Totals::default() };
    for view in &snapshot.jobs {
        if view.job.status.is_final() {
            totals.failed += usize::from(matches!(view.job.status, JobStatus::Failed | JobStatus::Expired));
        } else {
            totals.at_work += 1;
            totals.done = totals.done.saturating_add(view.job.counts.processed.unwrap_or(0));
            totals.total = totals.total.saturating_add(view.job.counts.total.unwrap_or(0));
        }
    }
    totals.waiting = snapshot.job_slots.iter().map(|slots| u64::from(slots.waiting)).sum();
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;

    #[test]
    fn shares_are_not_made_of_absent_counts() {
        let (snapshot, _) = fixtures::account();
        let mut job = snapshot.jobs[0].clone();
        job.job.counts = Default::default();
        assert_eq!((done_share(&job), error_share(&job)), (None, None));
        job.job.counts.total = Some(0);
        job.job.counts.processed = Some(0);
        job.job.counts.failed = Some(3);
        assert_eq!((done_share(&job), error_share(&job)), (None, None));
        job.job.counts.total = Some(10);
        job.job.counts.processed = Some(40);
        assert_eq!(done_share(&job), Some(1.0), "more done than there are");
    }

    #[test]
    fn what_is_selected_is_the_row_that_is_marked() {
        let (snapshot, _) = fixtures::account();
        let mut batch = Batch::default();
        for filter in ["", "us-east", "nothing at all"] {
            for selected in [None, Some(key(&snapshot.jobs[2])), Some((0, "gone".to_owned()))] {
                batch.list.selected = selected;
                let rows = rows(&snapshot, filter, batch.sort);
                let marked = rows.get(batch.list.position(&rows, key)).copied();
                assert_eq!(batch.selected(&snapshot, filter), marked, "{filter}");
            }
        }
    }

    #[test]
    fn every_order_keeps_every_row() {
        let (snapshot, _) = fixtures::account();
        let mut sort = Sort::default();
        for _ in 0..4 {
            assert_eq!(rows(&snapshot, "", sort).len(), snapshot.jobs.len());
            sort = sort.next();
        }
        assert_eq!(sort, Sort::default());
        assert!(rows(&snapshot, "in progress", sort).iter().all(|view| view.job.status == JobStatus::InProgress));
    }
}
