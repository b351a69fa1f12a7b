//! What the console knows of the account: the snapshot on display, what is selected in it, the remote time.

use std::sync::Arc;

use crate::control::{Change, ControlSnapshot, JobView, ProvisionedView};
use crate::engine::{JournalLine, Level};
use crate::record::{Micros, Region};

use super::usage::{self, UseRow};
use super::{Detail, Screen, State, batch, increases, provisioned};

impl State {
    /// The account on display: as it was when the display was frozen, or the latest. `None`: this console has none.
    #[must_use]
    pub fn account(&self) -> Option<&ControlSnapshot> {
        let frozen = self.frozen.as_ref().and(self.frozen_control.as_ref());
        frozen.or(self.control.as_ref()).map(Arc::as_ref)
    }

    /// UTC of the moment on display, milliseconds since 1970, by our own clock.
    #[must_use]
    pub fn shown_utc_ms(&self) -> i64 {
        self.frozen.as_ref().map_or_else(|| self.utc_ms(), |snapshot| snapshot.utc_ms)
    }

    /// The moment on display by the service's clock: ages and countdowns of remote things are computed with it.
    #[must_use]
    pub fn service_ms(&self) -> i64 {
        let offset = self.account().map_or(0, |account| account.clock_offset_ms);
        self.shown_utc_ms().saturating_add(offset)
    }

    /// How long ago something was read here at `at_ms`; a clock that went back makes it now.
    #[must_use]
    pub fn since(&self, at_ms: i64) -> Micros {
        Micros::from_millis(self.shown_utc_ms().saturating_sub(at_ms).max(0).unsigned_abs())
    }

    /// The provisioned models on display, in order.
    #[must_use]
    pub fn visible_provisioned(&self) -> Vec<&ProvisionedView> {
        let filter = self.filter_of(Screen::Provisioned);
        self.account().map(|account| provisioned::rows(account, filter, self.provisioned.sort)).unwrap_or_default()
    }

    /// The batch jobs on display, in order.
    #[must_use]
    pub fn visible_jobs(&self) -> Vec<&JobView> {
        let filter = self.filter_of(Screen::Batch);
        self.account().map(|account| batch::rows(account, filter, self.batch.sort)).unwrap_or_default()
    }

    /// The provisioned model whose detail is open, or the selected one of its screen.
    #[must_use]
    pub fn selected_provisioned(&self) -> Option<&ProvisionedView> {
        match &self.detail {
            Some(Detail::Provisioned { arn, .. }) => {
                self.account()?.provisioned.iter().find(|view| view.model.arn == *arn)
            }
            Some(_) => None,
            None if self.screen != Screen::Provisioned => None,
            None => self.provisioned.selected(self.account()?, self.filter_of(Screen::Provisioned)),
        }
    }

    /// The job whose detail is open, or the selected one of its screen.
    #[must_use]
    pub fn selected_job(&self) -> Option<&JobView> {
        match &self.detail {
            Some(Detail::Job { arn, .. }) => self.account()?.jobs.iter().find(|view| view.job.arn == *arn),
            Some(_) => None,
            None if self.screen != Screen::Batch => None,
            None => self.batch.selected(self.account()?, self.filter_of(Screen::Batch)),
        }
    }

    /// The routes of the account on display, in order.
    #[must_use]
    pub fn visible_use(&self) -> Vec<UseRow<'_>> {
        let filter = self.filter_of(Screen::Account);
        let rows = |account| usage::rows(account, self.shown(), filter, self.usage.sort);
        self.account().map(rows).unwrap_or_default()
    }

    /// The route whose detail is open, or the selected one of its screen.
    #[must_use]
    pub fn selected_use(&self) -> Option<UseRow<'_>> {
        match &self.detail {
            Some(Detail::Account { route, .. }) => {
                let all = usage::rows(self.account()?, self.shown(), "", self.usage.sort);
                all.into_iter().find(|row| row.route() == route)
            }
            // The route of the request that is selected in their list.
            Some(Detail::Increases { .. }) => {
                let models = increases::models(self.account()?, increases::selected(self)?);
                let region = &increases::selected(self)?.region;
                let mut all = usage::rows(self.account()?, self.shown(), "", self.usage.sort).into_iter();
                all.find(|row| row.limits.key.region == *region && models.contains(&&row.limits.key.bucket))
            }
            Some(_) => None,
            None if self.screen != Screen::Account => None,
            None => {
                let mut rows = self.visible_use();
                let at = self.usage.list.position(&rows.iter().collect::<Vec<_>>(), |row| usage::key(row));
                (at < rows.len()).then(|| rows.swap_remove(at))
            }
        }
    }

    /// The Regions of the target and of whatever the account has elsewhere.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        let mut regions = self.live.target.regions.clone();
        if let Some(account) = self.account() {
            let of_models = account.provisioned.iter().map(|view| &view.model.region);
            for region in of_models.chain(account.jobs.iter().map(|view| &view.job.region)) {
                if !regions.contains(region) {
                    regions.push(region.clone());
                }
            }
        }
        regions
    }
}

/// The journal of changes as lines of the log, newest first as the snapshot has them.
pub(super) fn change_lines(account: &ControlSnapshot) -> Vec<JournalLine> {
    let line = |change: &Change| {
        let caller = change.caller.as_deref().map(|arn| arn.rsplit_once(':').map_or(arn, |(_, who)| who));
        // The Region is told anyway, and the account is on the screen: of an ARN its end is enough.
        let subject = match change.subject.strip_prefix("arn:").and_then(|arn| arn.rsplit_once(':')) {
            Some((_, last)) => last,
            None => change.subject.as_str(),
        };
        let mut text = format!("{} {subject} in {}", change.operation, change.region);
        if let Some(caller) = caller {
            text.push_str(&format!(" by {caller}"));
        }
        if let Some(id) = &change.request_id {
            text.push_str(&format!(", request {id}"));
        }
        if let Some(failure) = &change.failure {
            text.push_str(&format!(": {failure}"));
        }
        let level = if change.failure.is_some() { Level::Error } else { Level::Info };
        JournalLine { utc_ms: change.at_ms, level, text }
    };
    account.changes.iter().map(line).collect()
}
