//! Where everything that is known of the account comes together and is published.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::record::{Failure, Region};

use super::change::Change;
use super::discovery::utc_ms;
use super::snapshot::{ControlProblem, ControlSnapshot, Question};
use super::work::{Stage, Work};

/// Works that are kept; what is not finished is kept beyond it.
const MOST_WORKS: usize = 50;
/// Changes that are kept; the whole journal is a file.
pub(super) const MOST_CHANGES: usize = 200;

/// The one snapshot, and who listens to it. Each poller edits its own part; whoever reads sees whole edits only.
#[derive(Debug)]
pub(super) struct Board {
    publish: watch::Sender<Arc<ControlSnapshot>>,
}

impl Board {
    /// Begins with `snapshot`.
    pub(super) fn new(snapshot: ControlSnapshot) -> Board {
        Board { publish: watch::channel(Arc::new(snapshot)).0 }
    }

    /// The latest snapshot, and the news of each later one.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<ControlSnapshot>> {
        self.publish.subscribe()
    }

    /// The latest snapshot.
    pub(super) fn now(&self) -> Arc<ControlSnapshot> {
        Arc::clone(&self.publish.borrow())
    }

    /// Changes the snapshot and publishes it.
    pub(super) fn edit(&self, change: impl FnOnce(&mut ControlSnapshot)) {
        self.publish.send_modify(|shared| {
            let snapshot = Arc::make_mut(shared);
            change(snapshot);
            snapshot.at_ms = utc_ms(SystemTime::now());
        });
    }

    /// `question` was answered, or failed again.
    pub(super) fn answered(&self, question: Question, region: Option<&Region>, failure: Option<&Failure>) {
        self.edit(|snapshot| snapshot.answered(question, region, failure.map(|failure| failure.message.clone())));
    }

    /// An order was taken.
    pub(super) fn begin(&self, id: u64, title: String) {
        let since_ms = utc_ms(SystemTime::now());
        let stage = Stage::Busy { doing: "starting".to_owned(), done: 0, total: 0 };
        self.edit(|snapshot| {
            snapshot.works.insert(0, Work { id, title, since_ms, stage });
            let mut kept = 0;
            snapshot.works.retain(|work| {
                kept += usize::from(work.stage.is_final());
                !work.stage.is_final() || kept <= MOST_WORKS
            });
        });
    }

    /// How far an order is.
    pub(super) fn stage(&self, id: u64, stage: Stage) {
        self.edit(|snapshot| {
            if let Some(work) = snapshot.works.iter_mut().find(|work| work.id == id) {
                work.stage = stage;
            }
        });
    }

    /// Something was changed in the account.
    pub(super) fn changed(&self, change: Change) {
        self.edit(|snapshot| {
            snapshot.changes.insert(0, change);
            snapshot.changes.truncate(MOST_CHANGES);
        });
    }
}

impl ControlSnapshot {
    /// Notes that `question` was answered (`None`), or what went wrong with it: one problem for each question and Region.
    pub(super) fn answered(&mut self, question: Question, region: Option<&Region>, failure: Option<String>) {
        let same = |problem: &ControlProblem| problem.question == question && problem.region.as_ref() == region;
        let at_ms = utc_ms(SystemTime::now());
        match (self.problems.iter_mut().find(|problem| same(problem)), failure) {
            (Some(problem), Some(message)) => {
                problem.message = message;
                problem.at_ms = at_ms;
            }
            (None, Some(message)) => {
                self.problems.push(ControlProblem { question, region: region.cloned(), message, at_ms });
            }
            (_, None) => self.problems.retain(|problem| !same(problem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_gone_once_its_question_is_answered() {
        let mut snapshot = ControlSnapshot::default();
        let east: Region = "us-east-1".into();
        snapshot.answered(Question::Provisioned, Some(&east), Some("denied".into()));
        snapshot.answered(Question::Provisioned, Some(&east), Some("throttled".into()));
        snapshot.answered(Question::Provisioned, Some(&"us-west-2".into()), Some("denied".into()));
        snapshot.answered(Question::Quotas, Some(&east), None);
        let said: Vec<_> = snapshot.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(said, ["throttled", "denied"]);
        snapshot.answered(Question::Provisioned, Some(&east), None);
        assert_eq!(snapshot.problems.len(), 1);
    }

    #[test]
    fn finished_works_are_bounded_and_running_ones_stay() {
        let board = Board::new(ControlSnapshot::default());
        board.begin(0, "upload".into());
        for id in 1..=200 {
            board.begin(id, "work".into());
            board.stage(id, Stage::Failed { reason: "no".into(), kept: None });
        }
        let works = board.now().works.clone();
        assert!(works.len() <= MOST_WORKS + 2, "{}", works.len());
        assert_eq!((works[0].id, works.last().unwrap().id), (200, 0));
        board.stage(999, Stage::Failed { reason: "nobody".into(), kept: None });
    }
}
