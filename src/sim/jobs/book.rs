//! The batch jobs of the account.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;
use tokio::sync::watch;

use crate::catalogue::{Model, cost};
use crate::record::{Micros, Usage, Usd};

use super::super::errors::ServiceError;
use super::super::ledger::BatchLedger;
use super::super::tags::Tag;
use super::lifecycle::{Lifecycle, NotNow};
use super::place::Place;

/// Jobs that are kept, finished ones included.
const MOST: usize = 10_000;

/// What was ordered. Never changes.
#[derive(Debug)]
pub(super) struct Order {
    pub region: String,
    pub arn: String,
    pub name: String,
    pub model_id: String,
    pub model: &'static Model,
    pub role: String,
    pub input: Place,
    pub output: Place,
    /// The two places as they were given.
    pub input_config: Value,
    pub output_config: Value,
    pub vpc_config: Option<Value>,
    pub converse: bool,
    pub hours: u64,
    pub tags: Vec<Tag>,
    pub token: Option<String>,
    /// Share of records that fail for a reason that goes away.
    pub error_rate: f64,
    pub seed: u64,
    /// It will find no capacity.
    pub doomed: bool,
    /// Records to be made up as its input: nobody has put it there.
    pub made_up: Option<u64>,
}

impl Order {
    /// The last part of the ARN.
    pub(super) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a repeated token means the same.
    fn same(&self, other: &Order) -> bool {
        let key = |order: &Order| {
            (order.name.clone(), order.model_id.clone(), order.role.clone(), order.converse, order.hours)
        };
        key(self) == key(other)
            && (&self.input_config, &self.output_config, &self.vpc_config, &self.tags)
                == (&other.input_config, &other.output_config, &other.vpc_config, &other.tags)
    }
}

/// A job.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub order: Arc<Order>,
    pub life: Lifecycle,
    pub message: Option<String>,
    /// Tokens of its records so far.
    pub used: Usage,
}

#[derive(Debug, Default)]
struct Book {
    jobs: Vec<Job>,
    /// How often the bell was rung: a worker that was busy must not miss it.
    rung: u64,
    closing: bool,
}

/// How the jobs of one model in one Region stand.
pub(super) struct Tally {
    pub region: String,
    pub model: String,
    /// Validated records that are not done.
    pub pending: u64,
    pub done: u64,
    pub used: Usage,
}

/// What the worker finds when it looks up from its work.
pub(super) struct News {
    pub orders: Vec<Arc<Order>>,
    pub rung: u64,
}

/// All batch jobs, in the order of their submission, and the bell that wakes the worker.
#[derive(Debug)]
pub(in crate::sim) struct Jobs {
    book: Mutex<Book>,
    bell: Condvar,
    /// What the scenario says has happened before the start has been done.
    caught_up: watch::Sender<bool>,
}

impl Jobs {
    /// With the jobs that the scenario begins with.
    pub(super) fn beginning_with(mut jobs: Vec<Job>) -> Jobs {
        jobs.sort_by_key(|job| job.life.submitted());
        let nothing_to_do = jobs.is_empty();
        Jobs {
            book: Mutex::new(Book { jobs, rung: 0, closing: false }),
            bell: Condvar::new(),
            caught_up: watch::Sender::new(nothing_to_do),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A book is consistent after each of these methods.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the jobs of the scenario stand where they should.
    pub(in crate::sim) async fn caught_up(&self) {
        // It ends when the simulator does.
        let _ = self.caught_up.subscribe().wait_for(|done| *done).await;
    }

    pub(super) fn is_caught_up(&self) -> bool {
        *self.caught_up.borrow()
    }

    pub(super) fn set_caught_up(&self) {
        self.caught_up.send_replace(true);
    }

    /// Takes a job in, unless its token says that it is in already. `slots`: jobs of a model that may be under way.
    pub(super) fn submit(&self, order: Order, slots: u64, now: Micros) -> Result<String, ServiceError> {
        let mut book = self.book();
        let mut here = book.jobs.iter().filter(|job| job.order.region == order.region);
        // What a repeated token with other parameters and a name that is taken are answered with is not documented;
        // ConflictException is the only declared error that fits.
        let conflict = |message: String| Err(ServiceError::new(StatusCode::BAD_REQUEST, "ConflictException", message));
        if let Some(known) = here.clone().find(|job| order.token.is_some() && job.order.token == order.token) {
            if known.order.same(&order) {
                return Ok(known.order.arn.clone());
            }
            return conflict("The client request token was used with different parameters.".to_owned());
        }
        if here.clone().any(|job| job.order.name == order.name) {
            return conflict(format!("A batch inference job with the name {} already exists.", order.name));
        }
        let busy = |job: &&Job| !job.life.status(now).is_final() && job.order.model.id == order.model.id;
        let running = here.by_ref().filter(busy).count() as u64;
        if running >= slots || book.jobs.len() >= MOST {
            return Err(ServiceError::new(
                StatusCode::BAD_REQUEST,
                "ServiceQuotaExceededException",
                format!(
                    "The account has {running} of {slots} batch inference jobs for this model in progress or submitted."
                ),
            ));
        }
        let arn = order.arn.clone();
        let life = Lifecycle::new(now, order.hours);
        book.jobs.push(Job { order: Arc::new(order), life, message: None, used: Usage::default() });
        self.ring(&mut book);
        Ok(arn)
    }

    /// The job of this ARN or id.
    pub(super) fn find(&self, region: &str, id: &str) -> Result<Job, ServiceError> {
        let book = self.book();
        let job = book.jobs.iter().find(|job| is_called(job, region, id));
        job.cloned().ok_or_else(not_found)
    }

    /// All jobs of a Region, the oldest first.
    pub(super) fn list(&self, region: &str) -> Vec<Job> {
        self.book().jobs.iter().filter(|job| job.order.region == region).cloned().collect()
    }

    /// Somebody wants a job to stop.
    pub(super) fn stop(&self, region: &str, id: &str, now: Micros) -> Result<(), ServiceError> {
        let mut book = self.book();
        let job = book.jobs.iter_mut().find(|job| is_called(job, region, id)).ok_or_else(not_found)?;
        job.life.stop(now).map_err(|NotNow(status)| {
            let message = format!("The batch inference job is {} and can't be stopped.", status.name());
            ServiceError::new(StatusCode::BAD_REQUEST, "ConflictException", message)
        })?;
        self.ring(&mut book);
        Ok(())
    }

    /// The tags of the job with this ARN.
    pub(in crate::sim) fn tags(&self, region: &str, arn: &str) -> Option<Vec<Tag>> {
        let book = self.book();
        let job = book.jobs.iter().find(|job| job.order.region == region && job.order.arn == arn)?;
        Some(job.order.tags.clone())
    }

    /// The worker is to end.
    pub(in crate::sim) fn close(&self) {
        let mut book = self.book();
        book.closing = true;
        self.ring(&mut book);
    }

    fn ring(&self, book: &mut Book) {
        book.rung = book.rung.wrapping_add(1);
        self.bell.notify_all();
    }

    /// The jobs from the `known`th on; `None` if the worker is to end.
    pub(super) fn news(&self, known: usize) -> Option<News> {
        let book = self.book();
        let new = || book.jobs.get(known..).unwrap_or_default().iter().map(|job| Arc::clone(&job.order)).collect();
        (!book.closing).then(|| News { orders: new(), rung: book.rung })
    }

    /// Waits until there is a job more, a job is to stop, the worker is to end, or `most` has passed.
    pub(super) fn rest(&self, rung: u64, most: Duration) {
        let book = self.book();
        if book.rung == rung {
            // Woken early or late makes no difference: the worker looks at the clock.
            drop(self.bell.wait_timeout(book, most));
        }
    }

    /// The moments of a job.
    pub(super) fn life(&self, job: usize) -> Option<Lifecycle> {
        self.book().jobs.get(job).map(|job| job.life)
    }

    /// Changes a job.
    pub(super) fn change<T>(&self, job: usize, change: impl FnOnce(&mut Job) -> T) -> Option<T> {
        self.book().jobs.get_mut(job).map(change)
    }

    /// What is left and what was used, by Region and model id.
    pub(super) fn tallies(&self, now: Micros) -> Vec<Tally> {
        let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
        for job in &self.book().jobs {
            let key = (job.order.region.clone(), job.order.model_id.clone());
            let tally = tallies.entry(key.clone()).or_insert_with(|| Tally {
                region: key.0,
                model: key.1,
                pending: 0,
                done: 0,
                used: Usage::default(),
            });
            let counts = job.life.counts();
            if !job.life.status(now).is_final() {
                tally.pending += counts.total - counts.processed();
            }
            tally.done += counts.processed();
            tally.used.input = tally.used.input.saturating_add(job.used.input);
            tally.used.output = tally.used.output.saturating_add(job.used.output);
        }
        tallies.into_values().collect()
    }

    /// What all jobs have used, by Region and model id.
    pub(in crate::sim) fn ledger(&self) -> Vec<BatchLedger> {
        let mut sums: BTreeMap<(String, String), BatchLedger> = BTreeMap::new();
        for job in &self.book().jobs {
            let key = (job.order.region.clone(), job.order.model_id.clone());
            let price = cost::batch_price(job.order.model, &job.order.model_id, &job.used);
            let sum = sums.entry(key.clone()).or_insert_with(|| BatchLedger {
                region: key.0,
                model: key.1,
                cost: Some(Usd::ZERO),
                ..BatchLedger::default()
            });
            let counts = job.life.counts();
            sum.jobs += 1;
            sum.succeeded += counts.succeeded;
            sum.failed += counts.failed;
            sum.used.input = sum.used.input.saturating_add(job.used.input);
            sum.used.output = sum.used.output.saturating_add(job.used.output);
            sum.cost = sum.cost.zip(price).map(|(sum, price)| sum + price);
        }
        sums.into_values().collect()
    }
}

fn is_called(job: &Job, region: &str, id: &str) -> bool {
    job.order.region == region && (job.order.arn == id || job.order.id() == id)
}

fn not_found() -> ServiceError {
    ServiceError::not_found("Could not find the specified batch inference job.")
}
