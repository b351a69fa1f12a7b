//! Publishes a run's minutes as metrics of CloudWatch. Whoever starts it has consent: metrics cost.
//!
//! A minute is tried again with growing pauses, then given up and counted: the run never waits for CloudWatch, and at most
//! [`WAITING`] minutes wait for it here.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::bedrock::{Clients, MetricUnit, MetricValues};
use crate::record::{Failure, MinuteReport, Region, Route, RouteReport, Spread, ThrottleCause, Usd};

use super::discovery::utc_ms;

/// Minutes that may wait to be published.
pub(super) const WAITING: usize = 60;
/// How often a minute is tried.
const TRIES: u32 = 5;
/// The pause after the first try; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the end of a run waits for the last minute.
const LAST: Duration = Duration::from_secs(10);
/// Metrics of one route: three of its calls, its efficiency, and its throttles by cause.
const OF_ROUTE: usize = 4 + ThrottleCause::ALL.len();

/// Where publishing stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishView {
    /// It is on.
    pub on: bool,
    /// The namespace of CloudWatch that they go to.
    pub namespace: String,
    /// The Regions whose CloudWatch keeps them.
    pub regions: Vec<Region>,
    /// Metrics that there can be.
    pub metrics: usize,
    /// What all of them cost a month at list price, calls included.
    pub per_month: Usd,
    /// Calls of PutMetricData a month.
    pub calls_per_month: u64,
    /// Minutes published.
    pub sent: u64,
    /// Minutes lost.
    pub lost: u64,
    /// When the last one was published, milliseconds since 1970; 0: none yet.
    pub last_ms: i64,
    /// What went wrong last; gone once it works again.
    pub problem: Option<String>,
}

impl PublishView {
    /// What publishing `routes` takes: 0.30 USD a metric and month, and 0.01 USD for a thousand calls, one a minute and
    /// Region (list price of the first 10,000 metrics, us-east-1, November 2026).
    #[must_use]
    pub fn of(namespace: &str, routes: &[Route]) -> PublishView {
        let mut regions: Vec<Region> = routes.iter().map(|route| route.region.clone()).collect();
        regions.sort_unstable();
        regions.dedup();
        let metrics = routes.len() * OF_ROUTE + regions.len();
        let calls_per_month = regions.len() as u64 * 60 * 24 * 30;
        let per_month = Usd::from_dollars(metrics as f64 * 0.30 + calls_per_month as f64 / 1_000.0 * 0.01);
        let namespace = namespace.to_owned();
        PublishView { namespace, regions, metrics, per_month, calls_per_month, ..PublishView::default() }
    }
}

/// A publisher at work.
#[derive(Debug)]
pub(super) struct Publisher {
    hurry: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Publisher {
    /// Publishes what comes from `reports` into the namespace of `show`, where it says how it stands.
    pub(super) fn start(
        clients: Arc<Clients>,
        show: watch::Sender<PublishView>,
        reports: mpsc::Receiver<MinuteReport>,
        runtime: &Handle,
    ) -> Publisher {
        let (hurry, hurried) = watch::channel(false);
        let PublishView { namespace, regions, .. } = show.borrow().clone();
        let work = Work { clients, namespace, regions, show, hurried };
        Publisher { hurry, task: runtime.spawn(work.run(reports)) }
    }

    /// No more minutes come: what has not been published is tried once more, for a few seconds.
    pub(super) async fn finish(self) {
        self.hurry.send_replace(true);
        // It ends in time by itself, and a task that failed has said all it knows.
        let _ = self.task.await;
    }
}

struct Work {
    clients: Arc<Clients>,
    namespace: String,
    regions: Vec<Region>,
    show: watch::Sender<PublishView>,
    hurried: watch::Receiver<bool>,
}

impl Work {
    async fn run(self, mut reports: mpsc::Receiver<MinuteReport>) {
        let mut hurried = self.hurried.clone();
        let mut too_late = pin!(async move {
            // Whoever is gone is in a hurry too.
            let _ = hurried.wait_for(|hurried| *hurried).await;
            tokio::time::sleep(LAST).await;
        });
        let mut next = 0;
        loop {
            let report = tokio::select! {
                report = reports.recv() => report,
                () = &mut too_late => None,
            };
            let Some(report) = report else { return };
            let missed = report.number.saturating_sub(next);
            next = report.number + 1;
            self.show.send_modify(|view| view.lost += missed);
            tokio::select! {
                () = self.publish(&report) => {}
                () = &mut too_late => {
                    let waiting = std::iter::from_fn(|| reports.try_recv().ok()).last().map_or(next, |last| last.number + 1);
                    self.show.send_modify(|view| {
                        view.lost += 1 + (waiting - next);
                        view.problem.get_or_insert_with(|| "CloudWatch did not answer in time".to_owned());
                    });
                    return;
                }
            }
        }
    }

    async fn publish(&self, report: &MinuteReport) {
        let mut waiting = by_region(report, &self.regions);
        waiting.retain(|(_, metrics)| !metrics.is_empty());
        if waiting.is_empty() {
            // It was turned off within a second of being turned on: nothing was counted, nothing is put.
            return;
        }
        let mut pause = PAUSE;
        let mut hurried = self.hurried.clone();
        for attempt in 1..=TRIES {
            let mut problem = None;
            let mut left = Vec::new();
            for (region, metrics) in waiting {
                if let Err(Failure { message, .. }) = self.clients.put_metrics(&region, &self.namespace, &metrics).await
                {
                    problem = Some(format!("{region}: {message}"));
                    left.push((region, metrics));
                }
            }
            waiting = left;
            let done = problem.is_none();
            self.show.send_modify(|view| {
                view.problem = problem;
                if done {
                    view.sent += 1;
                    view.last_ms = utc_ms(SystemTime::now());
                }
            });
            if done {
                return;
            }
            if attempt == TRIES || *hurried.borrow() {
                break;
            }
            // Cut short when the run is over.
            let _ = tokio::time::timeout(pause, hurried.wait_for(|hurried| *hurried)).await;
            pause *= 2;
        }
        self.show.send_modify(|view| view.lost += 1);
    }
}

/// The metrics of a minute, by the Region whose CloudWatch keeps them: `regions`, and whichever more were called.
fn by_region(report: &MinuteReport, regions: &[Region]) -> Vec<(Region, Vec<MetricValues>)> {
    // What waits has no Region yet: each is told of it, called or not.
    let begin = |region: &Region| {
        let mut metrics = Vec::new();
        spread(&mut metrics, "QueueDepth", MetricUnit::Count, &[], report.start_ms, &report.queue_depth);
        (region.clone(), metrics)
    };
    let mut found: Vec<(Region, Vec<MetricValues>)> = regions.iter().map(begin).collect();
    for route in &report.routes {
        let at = found.iter().position(|(region, _)| *region == route.route.region).unwrap_or_else(|| {
            found.push(begin(&route.route.region));
            found.len() - 1
        });
        of_route(&mut found[at].1, route, report.start_ms);
    }
    found
}

fn of_route(metrics: &mut Vec<MetricValues>, report: &RouteReport, at_ms: i64) {
    let model = [("ModelId", report.route.model.as_str().to_owned())];
    spread(metrics, "InferenceLatency", MetricUnit::Milliseconds, &model, at_ms, &report.latency_ms);
    spread(metrics, "TimeToFirstToken", MetricUnit::Milliseconds, &model, at_ms, &report.first_token_ms);
    spread(metrics, "TokensProcessed", MetricUnit::Count, &model, at_ms, &report.tokens);
    let single =
        |name, unit, dimensions, value| MetricValues { name, unit, dimensions, at_ms, values: vec![(value, 1)] };
    for (cause, count) in ThrottleCause::ALL.iter().zip(report.throttles) {
        if count > 0 {
            let dimensions = vec![model[0].clone(), ("Cause", cause.word().to_owned())];
            metrics.push(single("Throttles", MetricUnit::Count, dimensions, count as f64));
        }
    }
    if report.reserved > 0 {
        let efficiency = report.settled as f64 / report.reserved as f64 * 100.0;
        metrics.push(single("ReservationEfficiency", MetricUnit::Percent, model.to_vec(), efficiency));
    }
}

/// Values that are too many for one of them come as several of the same metric, which CloudWatch adds up.
fn spread(
    metrics: &mut Vec<MetricValues>,
    name: &'static str,
    unit: MetricUnit,
    dimensions: &[(&'static str, String)],
    at_ms: i64,
    values: &Spread,
) {
    let values: Vec<(f64, u64)> = values.values().collect();
    metrics.extend(values.chunks(MetricValues::MOST).map(|some| MetricValues {
        name,
        unit,
        dimensions: dimensions.to_vec(),
        at_ms,
        values: some.to_vec(),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_is_that_of_all_metrics_and_calls() {
        let routes = [Route::new("us-east-1", "a"), Route::new("us-west-2", "a"), Route::new("us-east-1", "b")];
        let view = PublishView::of("Custom/Bedrock", &routes);
        assert_eq!((view.metrics, view.calls_per_month, view.regions.len()), (26, 86_400, 2));
        assert!((view.per_month.dollars() - (26.0 * 0.30 + 0.864)).abs() < 1e-6, "{view:?}");
    }

    #[test]
    fn many_values_are_split_and_every_region_is_told_of_the_queue() {
        let mut east = RouteReport::new(Route::new("us-east-1", "a"));
        (0..400).for_each(|n| east.latency_ms.add(1.03_f64.powi(n)));
        east.throttles = [2, 0, 0, 1];
        (east.settled, east.reserved) = (25, 100);
        let west = RouteReport::new(Route::new("us-west-2", "a"));
        let mut report = MinuteReport { routes: vec![east, west], ..MinuteReport::default() };
        report.queue_depth.add(0.0);
        let regions = by_region(&report, &["us-east-1".into(), "eu-west-1".into()]);
        let names = |at: usize| regions[at].1.iter().map(|metric| metric.name).collect::<Vec<_>>();
        let latency = "InferenceLatency";
        assert_eq!(
            names(0),
            ["QueueDepth", latency, latency, latency, "Throttles", "Throttles", "ReservationEfficiency"]
        );
        assert!(regions[0].1.iter().all(|metric| metric.values.len() <= MetricValues::MOST));
        assert_eq!(names(1), ["QueueDepth"], "nothing was called there");
        assert_eq!(names(2), ["QueueDepth"]);
        assert_eq!(regions[0].1[6].values, [(25.0, 1)]);
    }
}
