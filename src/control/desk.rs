//! The desk: takes orders, does them one task each, and keeps the snapshot fresh.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::bedrock::{Clients, Identity, QuotaEntry};
use crate::record::{Failure, Region};

use super::batch::{self, Lineage};
use super::board::{Board, MOST_CHANGES};
use super::capacity::AgreedPrice;
use super::change::Change;
use super::command::{ControlCommand, Order};
use super::discovery::{Discovery, is_capacity, join, utc_ms};
use super::journal::Journal;
use super::offers::Told;
use super::publishing::{self, Publishing};
use super::routes::PlannedRoute;
use super::snapshot::{ControlSnapshot, Question};
use super::tokens::Tokens;
use super::watch::Watcher;
use super::work::{NotDone, Outcome, Stage};
use super::{account_watch, provisioned, provisioned_watch};

/// Told how far a workflow is. May be called from any thread; never blocks.
pub type Progress<'a> = &'a (dyn Fn(Stage) + Send + Sync);

/// What a desk stands on.
#[derive(Debug)]
pub struct DeskSetup {
    /// The AWS edge.
    pub clients: Arc<Clients>,
    /// Who we are, if known.
    pub identity: Option<Identity>,
    /// The folder for the journal of changes and for client tokens.
    pub state: PathBuf,
    /// Nothing that costs or destroys is done.
    pub read_only: bool,
    /// Prices of model units by configuration.
    pub prices: Vec<AgreedPrice>,
    /// The metrics of the run that is steered from here, to be published on order.
    pub publishing: Option<Arc<Publishing>>,
}

/// What to read beside the provisioned models themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlsoRead {
    /// How many model units are allowed, by Service Quotas: some pages for each Region.
    pub unit_quotas: bool,
    /// How much the models are used, by CloudWatch: a metric for each model.
    pub invocations: bool,
}

/// Does orders: each is a workflow that can be awaited ([`Desk::perform`]). Whoever asks has consent already.
#[derive(Debug)]
pub struct Desk {
    pub(super) clients: Arc<Clients>,
    pub(super) board: Board,
    pub(super) journal: Journal,
    pub(super) tokens: Tokens,
    /// Prices of model units by configuration.
    pub(super) prices: Vec<AgreedPrice>,
    capacity: Mutex<BTreeMap<Region, Vec<QuotaEntry>>>,
    /// The state folder.
    pub(super) state: PathBuf,
    /// What the tags of jobs say: asked once.
    pub(super) lineages: Mutex<HashMap<String, Lineage>>,
    /// Client tokens of jobs that were found although their replies had been lost.
    pub(super) recovered: Mutex<HashSet<String>>,
    /// Jobs that wait here for a slot, by Region and model.
    pub(super) waiting: Mutex<HashMap<(Region, String), u32>>,
    pub(super) read_only: bool,
    /// What the limiter was told of each quota.
    pub(super) told: Told,
    /// Our own metrics.
    pub(super) publishing: Option<Arc<Publishing>>,
    /// Counts the wishes to be asked again now.
    wishes: watch::Sender<u64>,
    /// Whether workflows are to come to an orderly end.
    interrupts: watch::Sender<bool>,
}

impl Desk {
    /// A desk that does what it is told and asks nothing by itself.
    #[must_use]
    pub fn open(setup: DeskSetup) -> Desk {
        let DeskSetup { clients, identity, state, read_only, prices, publishing } = setup;
        let simulated = clients.simulated();
        let board = Board::new(ControlSnapshot { simulated, identity, ..ControlSnapshot::default() });
        let journal = Journal::within(&state);
        match journal.newest(MOST_CHANGES) {
            Ok(changes) => board.edit(|snapshot| snapshot.changes = changes),
            Err(error) => board.edit(|snapshot| snapshot.journal_failed(journal.path(), &error)),
        }
        let tokens = Tokens::within(&state);
        Desk {
            clients,
            board,
            journal,
            tokens,
            prices,
            capacity: Mutex::default(),
            state,
            lineages: Mutex::default(),
            recovered: Mutex::default(),
            waiting: Mutex::default(),
            read_only,
            told: Told::default(),
            publishing,
            wishes: watch::channel(0).0,
            interrupts: watch::channel(false).0,
        }
    }

    /// Everything known of the account.
    #[must_use]
    pub fn snapshot(&self) -> Arc<ControlSnapshot> {
        self.board.now()
    }

    /// Does `order` and tells `progress` how far it is.
    ///
    /// # Errors
    /// [`NotDone`]: the service's words, the missing action, the remedy, and what exists nevertheless.
    pub async fn perform(&self, order: Order, progress: Progress<'_>) -> Result<Outcome, NotDone> {
        if self.read_only && order.changes() {
            return Err(NotDone::because("read-only: nothing that costs or destroys is done"));
        }
        // What has changed nothing is no reason to ask all Regions again.
        let asks_again = !matches!(order, Order::ReadDay { .. } | Order::TakeOffer { .. } | Order::Publish { .. });
        let done = match order {
            Order::Refresh => Ok(Outcome::Asked),
            Order::CreateProvisioned(new) => provisioned::create(self, new, progress).await,
            Order::UpdateProvisioned { region, arn, name, model } => {
                provisioned::update(self, &region, &arn, name.as_deref(), model.as_deref(), progress).await
            }
            Order::DeleteProvisioned { region, arn } => provisioned::delete(self, &region, &arn, progress).await,
            Order::RequestQuota { region, code, value } => {
                self.request_quota(&region, &code, value).await.map(Outcome::Requested)
            }
            Order::ReadDay { route } => self.read_day(&route).await,
            Order::TakeOffer { key, metric } => {
                self.board.edit(|snapshot| self.told.take(snapshot, &key, metric));
                Ok(Outcome::Asked)
            }
            Order::Publish { on } => self.publish(on).await,
            Order::CheckBatch(_)
            | Order::SubmitBatch(_)
            | Order::StopJob { .. }
            | Order::FetchJob { .. }
            | Order::ResubmitJob { .. }
            | Order::DeleteCopies { .. } => batch::perform(self, order, progress).await.map_err(NotDone::from),
        };
        if asks_again {
            self.ask_again();
        }
        done
    }

    /// Reads the provisioned models of all Regions once, for whoever keeps no desk running. What could not be read is among
    /// the problems of the snapshot, and purchases whose replies had been lost are among its works.
    pub async fn read_provisioned(&self, more: AlsoRead) -> Arc<ControlSnapshot> {
        let regions: Vec<Region> = self.clients.regions().cloned().collect();
        if more.unit_quotas {
            let rows = join(regions.iter().map(|region| self.clients.quotas(region))).await;
            for (region, rows) in regions.iter().zip(rows) {
                self.board.answered(Question::Quotas, Some(region), rows.as_ref().err());
                let rows: Vec<_> = rows.into_iter().flatten().filter(|row| is_capacity(&row.name)).collect();
                self.set_capacity_rows(region, &rows);
            }
        }
        join(regions.iter().map(|region| provisioned_watch::read(self, region.clone()))).await;
        if more.invocations {
            join(regions.iter().map(|region| provisioned_watch::read_use(self, region.clone()))).await;
        }
        self.board.now()
    }

    /// The tags of a provisioned model or a job.
    ///
    /// # Errors
    /// As every call.
    pub async fn tags(&self, region: &Region, arn: &str) -> Result<Vec<(String, String)>, Failure> {
        self.clients.tags(region, arn).await
    }

    /// The rows of Service Quotas on model units and batch jobs in `region`, as last read.
    pub(super) fn capacity_rows(&self, region: &Region) -> Vec<QuotaEntry> {
        let rows = self.capacity.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(region).cloned().unwrap_or_default()
    }

    pub(super) fn set_capacity_rows(&self, region: &Region, rows: &[QuotaEntry]) {
        let mut known = self.capacity.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(region.clone(), rows.to_vec());
    }

    /// ARN of the caller, if known.
    pub(super) fn caller(&self) -> Option<String> {
        self.board.now().identity.as_ref().map(|identity| identity.arn.clone())
    }

    /// The account, if known.
    pub(super) fn account(&self) -> Option<String> {
        self.board.now().identity.as_ref().map(|identity| identity.account.clone())
    }

    /// A create has a definite answer. A token that cannot be removed is looked up again later, which does no harm.
    pub(super) fn close_token(&self, token: &str) {
        if let Err(error) = self.tokens.close(token) {
            self.board.edit(|snapshot| snapshot.journal_failed(Path::new(token), &error));
        }
    }

    /// Ends what is being done in good order: an upload is taken back, a wait ended. What was sent for good stays.
    pub fn interrupt(&self) {
        self.interrupts.send_replace(true);
    }

    /// Done once workflows are to end.
    pub(super) async fn interrupted(&self) {
        // The sender lives as long as the desk.
        let _ = self.interrupts.subscribe().wait_for(|interrupted| *interrupted).await;
    }

    /// Whatever is asked from time to time is asked now.
    pub(super) fn ask_again(&self) {
        self.wishes.send_modify(|wishes| *wishes += 1);
    }

    /// Changes with each wish to ask now.
    pub(super) fn wishes(&self) -> watch::Receiver<u64> {
        self.wishes.subscribe()
    }

    /// Puts a change in the journal and on the board. A journal that cannot be written is a problem that is shown: the
    /// change has happened.
    pub(super) fn record(&self, change: Change) {
        let written = self.journal.append(&change);
        self.board.changed(change);
        self.board.edit(|snapshot| match &written {
            Ok(()) => snapshot.answered(Question::Journal, None, None),
            Err(error) => snapshot.journal_failed(self.journal.path(), error),
        });
    }

    /// Notes the service's clock.
    pub(super) fn tell_time(&self, snapshot: &mut ControlSnapshot) {
        snapshot.clock_offset_ms = self.clients.clock_offset_ms();
        snapshot.clock_speed = self.clients.clock_speed();
    }

    /// Now, by the service's clock, milliseconds since 1970.
    #[must_use]
    pub fn service_now_ms(&self) -> i64 {
        utc_ms(SystemTime::now()).saturating_add(self.clients.clock_offset_ms())
    }
}

impl ControlSnapshot {
    fn journal_failed(&mut self, path: &Path, error: &std::io::Error) {
        self.answered(Question::Journal, None, Some(format!("{}: {error}", path.display())));
    }
}

/// A running desk. Dropping it ends everything that it does; what is on its way to the service is found again by its
/// client token at the next start.
#[derive(Debug)]
pub struct ControlHandle {
    snapshot: watch::Receiver<Arc<ControlSnapshot>>,
    sender: ControlSender,
    task: AbortHandle,
}

impl ControlHandle {
    /// The latest snapshot, and the news of each later one.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Arc<ControlSnapshot>> {
        self.snapshot.clone()
    }

    /// Where orders go.
    #[must_use]
    pub fn sender(&self) -> ControlSender {
        self.sender.clone()
    }
}

impl Drop for ControlHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where orders go. Cheap to clone; never blocks.
#[derive(Clone, Debug)]
pub struct ControlSender(mpsc::UnboundedSender<ControlCommand>);

impl ControlSender {
    /// Gives an order. To a desk that has ended it does nothing.
    pub fn send(&self, command: ControlCommand) {
        let _ = self.0.send(command);
    }
}

/// Opens a desk that keeps asking: publishes what `discovery` found about `routes`, asks again from time to time, and
/// takes orders.
#[must_use]
pub fn start(setup: DeskSetup, routes: Vec<PlannedRoute>, discovery: Discovery, runtime: &Handle) -> ControlHandle {
    let desk = Arc::new(Desk::open(setup));
    let watcher = Watcher::new(Arc::clone(&desk), routes.clone(), discovery);
    watcher.publish();
    desk.board.edit(|snapshot| snapshot.metric_cost.per_hour = account_watch::per_hour(&desk, snapshot.limits.len()));
    let snapshot = desk.board.subscribe();
    let (send, mut orders) = mpsc::unbounded_channel::<ControlCommand>();
    let task = runtime.spawn(async move {
        // All tasks end with this one.
        let mut tasks = JoinSet::new();
        tasks.spawn(watcher.watch());
        tasks.spawn(provisioned_watch::watch(Arc::clone(&desk)));
        tasks.spawn(batch::watch(Arc::clone(&desk)));
        for (region, called) in account_watch::by_region(&routes) {
            tasks.spawn(account_watch::watch(Arc::clone(&desk), region, called));
        }
        tasks.spawn(account_watch::watch_increases(Arc::clone(&desk)));
        tasks.spawn(publishing::watch(Arc::clone(&desk)));
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(ControlCommand { order: Order::Refresh, .. }) => desk.ask_again(),
                    Some(command) => {
                        tasks.spawn(attend(Arc::clone(&desk), command));
                    }
                    None => std::future::pending().await,
                },
                Some(_) = tasks.join_next() => {}
            }
        }
    });
    ControlHandle { snapshot, sender: ControlSender(send), task: task.abort_handle() }
}

/// Does one order and shows how far it is.
async fn attend(desk: Arc<Desk>, ControlCommand { id, order }: ControlCommand) {
    desk.board.begin(id, order.title());
    let progress = |stage| desk.board.stage(id, stage);
    let last = match desk.perform(order, &progress).await {
        Ok(outcome) => Stage::Done(outcome),
        Err(NotDone { reason, kept }) => Stage::Failed { reason, kept },
    };
    desk.board.stage(id, last);
}
