//! Publishing as a switch: turned on with consent, turned off without, by a run or from the console.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::bedrock::Clients;
use crate::record::{MinuteReport, Route};

use super::desk::Desk;
use super::publisher::{PublishView, Publisher, WAITING};
use super::work::{NotDone, Outcome};

/// Asks for finished minutes, or (`None`) for no more of them. Never blocks.
pub type Reports = Box<dyn Fn(Option<mpsc::Sender<MinuteReport>>) + Send + Sync>;

/// The switch. It is off at first.
pub struct Publishing {
    clients: Arc<Clients>,
    reports: Reports,
    view: watch::Sender<PublishView>,
    publisher: Mutex<Option<Publisher>>,
}

impl Publishing {
    /// For what comes from `reports` about `routes`, to go into `namespace`.
    #[must_use]
    pub fn new(clients: Arc<Clients>, namespace: &str, routes: &[Route], reports: Reports) -> Publishing {
        let view = watch::channel(PublishView::of(namespace, routes)).0;
        Publishing { clients, reports, view, publisher: Mutex::default() }
    }

    /// How it stands, and word of every change.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<PublishView> {
        self.view.subscribe()
    }

    /// Publishes from now on, on `runtime`. Whoever turns it on has consent: it costs.
    pub fn turn_on(&self, runtime: &Handle) {
        let mut publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
        if publisher.is_some() {
            return;
        }
        let (minutes, reports) = mpsc::channel(WAITING);
        (self.reports)(Some(minutes));
        self.view.send_modify(|view| {
            view.on = true;
            view.problem = None;
        });
        *publisher = Some(Publisher::start(Arc::clone(&self.clients), self.view.clone(), reports, runtime));
    }

    /// Publishes the minute under way as far as it has come, for a few seconds, and then no more. Gives the last word.
    pub async fn turn_off(&self) -> PublishView {
        let publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(publisher) = publisher {
            (self.reports)(None);
            self.view.send_modify(|view| view.on = false);
            publisher.finish().await;
        }
        self.view.borrow().clone()
    }
}

impl fmt::Debug for Publishing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publishing").field("view", &*self.view.borrow()).finish_non_exhaustive()
    }
}

/// Keeps how publishing stands in the snapshot.
pub(super) async fn watch(desk: Arc<Desk>) {
    let Some(mut view) = desk.publishing.as_ref().map(|publishing| publishing.view()) else { return };
    loop {
        let now = view.borrow_and_update().clone();
        desk.board.edit(|snapshot| snapshot.publishing = Some(now));
        if view.changed().await.is_err() {
            return;
        }
    }
}

impl Desk {
    /// Turns publishing on or off.
    pub(super) async fn publish(&self, on: bool) -> Result<Outcome, NotDone> {
        let Some(publishing) = &self.publishing else {
            return Err(NotDone::because("there is no run here whose metrics could be published"));
        };
        if on {
            publishing.turn_on(&Handle::current());
        } else {
            publishing.turn_off().await;
        }
        Ok(Outcome::Publishing { on })
    }
}
