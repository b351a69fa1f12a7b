//! What the engine remembers to tell: journal lines, marks on the charts, the last finished records. Bounded, and shared
//! with every snapshot: copied only when something was added.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{JournalLine, Level, Mark, RequestView};
use crate::record::Micros;

const LINES: usize = 512;
const MARKS: usize = 64;
const RECENT: usize = 256;

/// The engine's memory of events.
#[derive(Debug, Default)]
pub struct Chronicle {
    journal: Arc<Vec<JournalLine>>,
    marks: Arc<Vec<Mark>>,
    recent: VecDeque<RequestView>,
    /// What snapshots share of `recent`; `None` once something was added.
    recent_shared: Option<Arc<Vec<RequestView>>>,
    failed_by_reason: Vec<(String, u64)>,
}

/// Reasons told apart; further ones are counted together.
const REASONS: usize = 32;

fn push_front<T: Clone>(list: &mut Arc<Vec<T>>, item: T, most: usize) {
    let list = Arc::make_mut(list);
    if list.len() >= most {
        list.truncate(most - 1);
    }
    list.insert(0, item);
}

impl Chronicle {
    /// Adds a line.
    pub fn line(&mut self, utc_ms: i64, level: Level, text: impl Into<String>) {
        push_front(&mut self.journal, JournalLine { utc_ms, level, text: text.into() }, LINES);
    }

    /// Adds a mark and the same words as a line.
    pub fn mark(&mut self, at: Micros, utc_ms: i64, level: Level, what: impl Into<String>) {
        let what = what.into();
        let marks = Arc::make_mut(&mut self.marks);
        if marks.len() >= MARKS {
            marks.remove(0);
        }
        marks.push(Mark { at, what: what.clone() });
        self.line(utc_ms, level, what);
    }

    /// Adds a finished record.
    pub fn finished(&mut self, request: RequestView) {
        if let Some((class, message)) = &request.failure {
            let reason = format!("{class}: {message}");
            let full = self.failed_by_reason.len() >= REASONS;
            if let Some((_, count)) = self.failed_by_reason.iter_mut().find(|(known, _)| *known == reason) {
                *count += 1;
            } else if full {
                if let Some((known, count)) = self.failed_by_reason.last_mut() {
                    *known = "other reasons".into();
                    *count += 1;
                }
            } else {
                self.failed_by_reason.push((reason, 1));
            }
        }
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(request);
        self.recent_shared = None;
    }

    /// The journal, newest first.
    #[must_use]
    pub fn journal(&self) -> Arc<Vec<JournalLine>> {
        Arc::clone(&self.journal)
    }

    /// The marks, oldest first.
    #[must_use]
    pub fn marks(&self) -> Arc<Vec<Mark>> {
        Arc::clone(&self.marks)
    }

    /// The last finished records, newest first.
    #[must_use]
    pub fn recent(&mut self) -> Arc<Vec<RequestView>> {
        let recent = &self.recent;
        Arc::clone(self.recent_shared.get_or_insert_with(|| Arc::new(recent.iter().cloned().collect())))
    }

    /// Failed records by reason.
    #[must_use]
    pub fn failed_by_reason(&self) -> Vec<(String, u64)> {
        self.failed_by_reason.clone()
    }
}
