//! The one task that owns the run: takes arrivals, outcomes and commands as they come, sends whatever may be sent, and
//! sleeps exactly until the next moment at which anything can change. It never polls.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{mpsc, watch};

use crate::bedrock::Clients;
use crate::limiter::Limiter;
use crate::queue::Queue;
use crate::record::{ErrorClass, Micros};
use crate::workload::{BadLine, RunClock};

use super::calibrate::Calibration;
use super::chronicle::Chronicle;
use super::delivery::Stored;
use super::estimate::Estimator;
use super::flight::{InFlight, News, Retry};
use super::load::{ActiveLoad, Ending, Waiter, Work, never_advice};
use super::metering::Meters;
use super::minutes::MinuteBook;
use super::money::Money;
use super::reporting::Reporting;
use super::retry::RetryBudget;
use super::router::{Choice, Known, RouteState, Router};
use super::stats::{History, Latency, Window};
use super::trends::TrendBook;
use super::undo::Undone;
use super::verdict::WaitCounts;
use super::{
    Command, EngineSettings, EngineSetup, EngineSnapshot, HeadView, HeadWhy, Level, Load, ParkKind, RouteSetup,
    TargetInfo,
};
use crate::limiter::SettlementGuess;

/// Results that wait for a slow disk at most before nothing more is sent.
const UNDELIVERED: u64 = 4_096;
/// A snapshot this often while anything moves.
const PUBLISH: Micros = Micros::from_millis(250);
/// And this often while nothing does.
const PUBLISH_IDLE: Micros = Micros::from_millis(1_000);
/// How often replies under way are followed; a snapshot wakes the loop while anything moves.
const FOLLOW: Micros = Micros::from_millis(500);
/// Samples of what the head waits for: one minute of publications.
const WAIT_SAMPLES: usize = 240;

/// The routes to bought capacity.
fn bought(routes: &[RouteSetup]) -> Vec<usize> {
    (0..routes.len()).filter(|index| routes[*index].provisioned.is_some()).collect()
}

/// Latency of the whole run, each over the last minute.
#[derive(Default)]
pub(super) struct Latencies {
    pub attempt: Latency,
    pub logical: Latency,
    pub response: Latency,
    pub ttft: Latency,
    pub queue_wait: Latency,
    pub tpot: Latency,
    pub schedule_delay: Latency,
}

/// Sums over the whole life of the engine.
#[derive(Default)]
pub(super) struct Totals {
    pub failed: [u64; ErrorClass::ALL.len()],
    /// Sums over the last finished requests, for means: hold, settled, max_tokens; each an exponential mean.
    pub mean_hold: f64,
    pub mean_max_tokens: f64,
    pub mean_latency: f64,
    /// Largest output in this and the last stretch of 200 replies.
    pub largest_output: [u64; 2],
    pub replies: u64,
}

/// The run.
pub(super) struct Dispatcher {
    pub target: TargetInfo,
    pub clients: Arc<Clients>,
    pub clock: RunClock,
    pub settings: EngineSettings,
    pub settings_at_start: EngineSettings,
    pub rng: ChaCha8Rng,
    pub started: Micros,

    pub routes: Vec<RouteState>,
    pub router: Router,
    pub limiter: Limiter,
    pub estimator: Estimator,
    pub outputs: SettlementGuess,
    pub calibration: Calibration,
    pub queue: Queue<Box<Work>>,
    pub queued_bytes: usize,
    /// A file is being read ahead; see [`Dispatcher::has_room`].
    pub reading: bool,
    pub retries: BinaryHeap<Reverse<Retry>>,
    pub budget: RetryBudget,
    pub in_flight: HashMap<u64, InFlight>,
    pub next_attempt: u64,

    pub load: Option<ActiveLoad>,
    pub loads: u32,
    pub paused: bool,
    pub run_parked: Option<(ParkKind, String, String)>,
    /// When to try a journal again that could not be written.
    pub storage_retry_at: Option<Micros>,
    pub waiters: Vec<Waiter>,
    pub stopping: bool,

    pub money: Money,
    pub window: Window,
    pub latencies: Latencies,
    pub totals: Totals,
    pub history: History,
    pub trends: TrendBook,
    pub minutes: MinuteBook,
    pub reporting: Reporting,
    pub chronicle: Chronicle,
    pub undo: Vec<Undone>,
    pub head: Option<HeadView>,
    pub wait_samples: VecDeque<HeadSample>,
    pub head_seen: Micros,
    pub process: super::process::ProcessMeter,
    pub process_view: super::process::ProcessView,
    pub last_second: u64,
    /// When the replies under way are looked at next.
    pub follow_due: Micros,
    pub publish_due: Micros,

    pub attempts: mpsc::UnboundedSender<News>,
    pub stored: mpsc::UnboundedSender<Stored>,
    pub snapshot: watch::Sender<Arc<EngineSnapshot>>,
}

/// What the head of the queue waited for at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadSample {
    /// The queue was empty or moving.
    Nothing,
    /// It waited.
    Waits(HeadWhy),
}

impl Dispatcher {
    pub fn new(
        setup: EngineSetup,
        attempts: mpsc::UnboundedSender<News>,
        stored: mpsc::UnboundedSender<Stored>,
        snapshot: watch::Sender<Arc<EngineSnapshot>>,
    ) -> Dispatcher {
        let now = setup.clock.now();
        let mut limiter = Limiter::new(setup.settings.limiter);
        limiter.set_day_start(day_start(&setup.clock));
        let mut scopes: HashMap<crate::record::ScopeKey, Meters> = HashMap::new();
        let mut router = Router::default();
        router.use_bought(bought(&setup.routes));
        let routes = setup
            .routes
            .into_iter()
            .map(|setup| {
                let meters = *scopes.entry(setup.key.clone()).or_insert_with(|| Meters::new(&setup, &mut limiter, now));
                RouteState::new(setup, meters)
            })
            .collect();
        Dispatcher {
            target: setup.target,
            clients: setup.clients,
            clock: setup.clock,
            settings: setup.settings,
            settings_at_start: setup.settings,
            rng: ChaCha8Rng::seed_from_u64(setup.seed),
            started: now,
            routes,
            router,
            limiter,
            estimator: Estimator::default(),
            outputs: SettlementGuess::default(),
            calibration: Calibration::default(),
            queue: Queue::new(),
            queued_bytes: 0,
            reading: true,
            retries: BinaryHeap::new(),
            budget: RetryBudget::new(now),
            in_flight: HashMap::new(),
            next_attempt: 0,
            load: None,
            loads: 0,
            paused: false,
            run_parked: None,
            storage_retry_at: None,
            waiters: Vec::new(),
            stopping: false,
            money: Money::default(),
            window: Window::default(),
            latencies: Latencies::default(),
            totals: Totals::default(),
            history: History::default(),
            trends: TrendBook::default(),
            minutes: MinuteBook::default(),
            reporting: Reporting::default(),
            chronicle: Chronicle::default(),
            undo: Vec::new(),
            head: None,
            wait_samples: VecDeque::with_capacity(WAIT_SAMPLES),
            head_seen: now,
            process: super::process::ProcessMeter::default(),
            process_view: super::process::ProcessView::default(),
            last_second: now.0 / 1_000_000,
            follow_due: now,
            publish_due: now,
            attempts,
            stored,
            snapshot,
        }
    }

    /// Runs until it is told to stop or nobody can command it any more.
    pub async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<super::handle::Order>,
        mut outcomes: mpsc::UnboundedReceiver<News>,
        mut stored: mpsc::UnboundedReceiver<Stored>,
        first: Option<Load>,
    ) {
        if let Some(load) = first {
            self.begin(load);
        }
        loop {
            let now = self.clock.now();
            let wake = self.step(now);
            if self.stopping {
                if let Some(load) = self.load.as_mut().filter(|load| load.ending != Ending::Over) {
                    load.close(false);
                }
                self.reporting.end();
                self.publish(now);
                return;
            }
            let room = self.has_room();
            let sleep = tokio::time::sleep_until(self.clock.instant(wake).into());
            tokio::select! {
                biased;
                order = commands.recv() => match order {
                    Some(order) => {
                        self.order(order);
                        while let Ok(more) = commands.try_recv() {
                            self.order(more);
                        }
                    }
                    None => return,
                },
                Some(news) = outcomes.recv() => {
                    self.news(news);
                    while let Ok(more) = outcomes.try_recv() {
                        self.news(more);
                    }
                }
                Some(told) = stored.recv() => self.stored(told),
                arrival = next_arrival(&mut self.load), if room => self.arrivals(arrival),
                () = sleep => {}
            }
        }
    }

    /// Does everything that can be done now; returns when to look again.
    fn step(&mut self, now: Micros) -> Micros {
        let mut wake = self.wake_retries(now);
        if self.storage_retry_at.is_some_and(|at| now >= at) {
            self.storage_retry_at = None;
            self.run_parked = None;
        }
        wake = wake.min(self.storage_retry_at.unwrap_or(Micros::MAX));
        if now >= self.follow_due {
            self.follow(now);
            self.follow_due = now + FOLLOW;
        }
        wake = wake.min(self.dispatch(now));
        self.end_if_over(now);
        let second = now.0 / 1_000_000;
        if second != self.last_second {
            self.take_sample(second, now);
            self.reporting.second(utc_ms(&self.clock), self.queue.len());
            self.last_second = second;
        }
        if now >= self.publish_due {
            self.publish(now);
            let moving = !self.in_flight.is_empty() || !self.queue.is_empty() || self.load_runs();
            self.publish_due = now + if moving { PUBLISH } else { PUBLISH_IDLE };
        }
        wake.min(self.publish_due)
    }

    /// Whether a load is under way.
    pub fn load_runs(&self) -> bool {
        self.load.as_ref().is_some_and(|load| load.ending != Ending::Over)
    }

    /// Sends whatever may be sent; returns when the head of the queue may go, and leaves the reason in `self.head`.
    fn dispatch(&mut self, now: Micros) -> Micros {
        loop {
            let urgency = self.queue.highest().unwrap_or_default();
            let Some((key, item)) = self.queue.head(now) else {
                self.head = None;
                return Micros::MAX;
            };
            let work: &Work = &item.value;
            let hold = |why: HeadWhy, route: Option<usize>, until: Option<Micros>, routes: &[RouteState]| HeadView {
                record: work.record.id.clone(),
                priority: work.record.priority,
                why,
                route: route.map(|index| routes[index].setup.route.clone()),
                until,
                deadline: work.record.deadline,
            };
            let draining = self.load.as_ref().is_none_or(|load| load.ending != Ending::Natural);
            if self.paused || draining {
                self.head = Some(hold(HeadWhy::Paused, None, None, &self.routes));
                return Micros::MAX;
            }
            if self.run_parked.is_some() || self.load.as_ref().is_some_and(|load| load.undelivered > UNDELIVERED) {
                self.head = Some(hold(HeadWhy::Parked, None, None, &self.routes));
                return Micros::MAX;
            }
            if self.in_flight.len() >= self.settings.concurrency as usize {
                self.head = Some(hold(HeadWhy::Concurrency, None, None, &self.routes));
                return Micros::MAX;
            }
            let known = Known {
                estimator: &self.estimator,
                outputs: &self.outputs,
                round_robin: self.settings.round_robin,
                spill: self.settings.spill,
                urgency,
            };
            let choice = self.router.choose(work, &self.routes, &mut self.limiter, &known, now);
            match choice {
                Choice::Send { route, quote } => {
                    if !self.money.has_room_for(quote.worst) {
                        self.head = Some(hold(HeadWhy::Cap, Some(route), None, &self.routes));
                        self.park_on_cap();
                        return Micros::MAX;
                    }
                    if let Some(item) = self.queue.take(key) {
                        self.queued_bytes = self.queued_bytes.saturating_sub(item.value.record.body.json.len());
                        self.send(*item.value, route, quote, now);
                    }
                }
                Choice::Wait { route, why, until } => {
                    work.told_to_wait.set(true);
                    self.head = Some(hold(HeadWhy::Limiter(why), Some(route), Some(until), &self.routes));
                    return until.max(now + Micros(1));
                }
                Choice::Breakers { until } => {
                    self.head = Some(hold(HeadWhy::Breakers, None, finite(until), &self.routes));
                    return until;
                }
                Choice::Parked { until } => {
                    self.head = Some(hold(HeadWhy::Parked, None, finite(until), &self.routes));
                    return until;
                }
                Choice::Never { route, why, hold } => {
                    if let Some(item) = self.queue.take(key) {
                        self.queued_bytes = self.queued_bytes.saturating_sub(item.value.record.body.json.len());
                        let advice = never_advice(why, hold, item.value.record.body.max_tokens);
                        self.fail_unsent(*item.value, route, hold, advice, now);
                    }
                }
            }
        }
    }

    fn park_on_cap(&mut self) {
        if self.in_flight.is_empty() && self.run_parked.is_none() {
            let cap = self.money.cap.unwrap_or_default().dollars();
            self.park_run(
                ParkKind::Cap,
                format!("the spend cap of ${cap:.2} leaves no room for the next request at its worst case"),
                "raise the cap, or end here and resume later".to_string(),
            );
        }
    }

    /// Stops everything until the cause is gone.
    pub fn park_run(&mut self, kind: ParkKind, cause: String, remedy: String) {
        if self.run_parked.as_ref().is_some_and(|(known, ..)| *known == kind) {
            return;
        }
        let utc = utc_ms(&self.clock);
        self.chronicle.line(utc, Level::Error, format!("parked: {cause}; {remedy}"));
        self.run_parked = Some((kind, cause, remedy));
        self.publish_due = Micros::ZERO;
    }

    fn stored(&mut self, stored: Stored) {
        let Some(load) = self.load.as_mut() else { return };
        match stored {
            Stored::Some(count) => {
                load.undelivered = load.undelivered.saturating_sub(count);
                if self.run_parked.as_ref().is_some_and(|(kind, ..)| *kind == ParkKind::Storage) {
                    self.run_parked = None;
                    let utc = utc_ms(&self.clock);
                    self.chronicle.line(utc, Level::Info, "results can be stored again");
                }
            }
            Stored::GivenUp => {
                // A result that is nowhere is none: its record counts as unsent and is sent again by a resume.
                let lost = std::mem::take(&mut load.undelivered);
                let failed = lost.saturating_sub(load.view.succeeded);
                load.view.succeeded = load.view.succeeded.saturating_sub(lost);
                load.view.failed = load.view.failed.saturating_sub(failed);
                let utc = utc_ms(&self.clock);
                self.chronicle.line(utc, Level::Error, format!("{lost} results could not be stored and are lost"));
            }
            Stored::Failing(error) => self.park_run(
                ParkKind::Storage,
                format!("results cannot be stored: {error}"),
                "free space or mend the output; nothing is lost meanwhile".to_string(),
            ),
        }
    }

    /// Ends the load when nothing of it is left to do.
    fn end_if_over(&mut self, now: Micros) {
        let in_flight_here = |id: u32| self.in_flight.values().any(|flight| flight.work.load == id);
        let Some(load) = self.load.as_ref() else { return };
        let nothing_left = match load.ending {
            Ending::Over => return,
            Ending::Draining => true,
            Ending::Natural => load.intake.exhausted() && self.queue.is_empty() && self.retries.is_empty(),
        };
        if !nothing_left || load.undelivered > 0 || in_flight_here(load.id) {
            return;
        }
        let unsent = self.unsent();
        let Some(load) = self.load.as_mut() else { return };
        load.view.unsent = unsent;
        load.ending = Ending::Over;
        load.ended = Some(now);
        let text = format!(
            "{} ended: {} succeeded, {} failed, {} unsent",
            load.view.label, load.view.succeeded, load.view.failed, unsent
        );
        let error = load.close(unsent == 0);
        self.queue.drain();
        self.queued_bytes = 0;
        self.retries.clear();
        self.run_parked = None;
        self.paused = false;
        let utc = utc_ms(&self.clock);
        self.chronicle.line(utc, Level::Info, text);
        if let Some(error) = error {
            self.chronicle.line(utc, Level::Error, format!("the output could not be put in order: {error}"));
        }
        self.publish(now);
        let last = Arc::clone(&self.snapshot.borrow());
        for waiter in self.waiters.drain(..) {
            // Somebody who no longer waits is no loss.
            let _ = waiter.send(Arc::clone(&last));
        }
    }

    /// Records of the load that have no result and are not in flight.
    pub fn unsent(&self) -> u64 {
        let Some(load) = self.load.as_ref() else { return 0 };
        if load.ending == Ending::Over {
            return load.view.unsent;
        }
        match load.view.total {
            Some(total) => {
                let in_flight = self.in_flight.values().filter(|flight| flight.work.load == load.id).count() as u64;
                total.saturating_sub(load.finished() + in_flight + load.view.dropped)
            }
            None => self.queue.len() as u64 + self.retries.len() as u64,
        }
    }

    /// One look at what the head waits for: for the verdict, and for what its scope is told to have cost since the last.
    pub fn sample_head(&mut self, now: Micros) {
        let since = now.since(std::mem::replace(&mut self.head_seen, now));
        if let Some(HeadView { why: HeadWhy::Limiter(why), route: Some(at), .. }) = &self.head
            && let Some(route) = self.routes.iter_mut().find(|route| route.setup.route == *at)
        {
            match route.head_waited.iter_mut().find(|(known, _)| known == why) {
                Some((_, waited)) => *waited = *waited + since,
                None => route.head_waited.push((*why, since)),
            }
        }
        if self.wait_samples.len() >= WAIT_SAMPLES {
            self.wait_samples.pop_front();
        }
        self.wait_samples.push_back(self.head.as_ref().map_or(HeadSample::Nothing, |head| HeadSample::Waits(head.why)));
    }

    /// The looks of the last minute, counted.
    pub fn wait_counts(&self) -> WaitCounts {
        use crate::limiter::Why;
        let mut counts = WaitCounts::default();
        for sample in &self.wait_samples {
            let count = match sample {
                HeadSample::Nothing => &mut counts.none,
                HeadSample::Waits(HeadWhy::Limiter(Why::Rpm | Why::Rate)) => &mut counts.rpm,
                HeadSample::Waits(HeadWhy::Limiter(Why::TpmHold)) => &mut counts.hold,
                HeadSample::Waits(HeadWhy::Limiter(Why::TpmDebt)) => &mut counts.debt,
                HeadSample::Waits(HeadWhy::Limiter(Why::Tpd)) => &mut counts.tpd,
                HeadSample::Waits(HeadWhy::Concurrency) => &mut counts.concurrency,
                HeadSample::Waits(HeadWhy::Breakers) => &mut counts.breakers,
                HeadSample::Waits(_) => &mut counts.other,
            };
            *count += 1;
        }
        counts
    }

    fn order(&mut self, order: super::handle::Order) {
        match order {
            super::handle::Order::Command(command) => self.command(command),
            super::handle::Order::Report(reader) => self.reporting.begin(reader, utc_ms(&self.clock)),
            super::handle::Order::WhenOver(waiter) => {
                if self.load_runs() {
                    self.waiters.push(waiter);
                } else {
                    let _ = waiter.send(Arc::clone(&self.snapshot.borrow()));
                }
            }
            super::handle::Order::Stop => {
                self.command(Command::Abort);
                self.stopping = true;
            }
        }
        self.publish_due = Micros::ZERO;
    }
}

/// UTC by the service's clock, in milliseconds: its minutes are those that its counts can be compared with.
pub(super) fn service_ms(clock: &RunClock, clients: &Clients) -> i64 {
    utc_ms(clock).saturating_add(clients.clock_offset_ms())
}

/// UTC by the run's clock, in milliseconds.
pub(super) fn utc_ms(clock: &RunClock) -> i64 {
    clock.utc_now().as_millisecond()
}

/// The moment of the run's clock at which the UTC day of its zero began lies before zero; the limiter wants to know how
/// far into its day the clock started.
fn day_start(clock: &RunClock) -> Micros {
    const DAY: i64 = 86_400_000_000;
    let zero = clock.utc(Micros::ZERO).as_microsecond();
    Micros(u64::try_from(zero.rem_euclid(DAY)).unwrap_or(0))
}

fn finite(until: Micros) -> Option<Micros> {
    (until != Micros::MAX).then_some(until)
}

async fn next_arrival(load: &mut Option<ActiveLoad>) -> Option<Result<crate::record::Record, BadLine>> {
    match load {
        Some(load) => load.intake.next().await,
        None => std::future::pending().await,
    }
}
