//! Building snapshots: the only thing the outside sees of the dispatcher.

use std::sync::Arc;

use crate::limiter::ScopeStatus;
use crate::record::{Micros, Region, Usd};

use super::dispatcher::{Dispatcher, utc_ms};
use super::load::{ActiveLoad, Ending};
use super::router::RouteState;
use super::stats::{Window, by_class, percentiles};
use super::verdict::{Evidence, Reservation, verdict};
use super::{
    BreakerView, ClientHealth, EngineSetup, EngineSnapshot, EstimatorView, FlowView, LatencyView, LoadState, MoneyView,
    RegionView, RunView, ScopeView, Series, Verdict, WindowTotals,
};

/// Below this share of the arrivals asked for, the client is said to be the limit (study/load.md §D rule 6).
const ARRIVALS_KEPT: f64 = 0.98;
/// And so it is above this lateness.
const LATE: Micros = Micros::from_millis(5);

impl Dispatcher {
    /// Publishes a snapshot of now.
    pub(super) fn publish(&mut self, now: Micros) {
        self.sample_head(now);
        let statuses: Vec<ScopeStatus> =
            self.routes.iter().map(|route| self.limiter.status(route.meters.main, now)).collect();
        let run = self.run_view(now);
        let client = self.client_health(now);
        let flow = self.flow_view(&client, now);
        let per_hour = self.per_hour(&self.window, now);
        let snapshot = EngineSnapshot {
            at: now,
            utc_ms: utc_ms(&self.clock),
            target: self.target.clone(),
            state: self.state(),
            money: self.money.view(per_hour),
            total: WindowTotals {
                requests: self.window.sum(60, now, |s| u64::from(s.sent)),
                settled: self.window.sum(60, now, |s| s.settled),
                reserved: self.window.sum(60, now, |s| s.reserved),
                held: statuses.iter().map(|status| status.held).sum(),
            },
            regions: self.region_views(&statuses, now),
            latency: LatencyView {
                attempt: self.latencies.attempt.percentiles(now),
                logical: self.latencies.logical.percentiles(now),
                response: self.latencies.response.percentiles(now),
                ttft: self.latencies.ttft.percentiles(now),
                queue_wait: self.latencies.queue_wait.percentiles(now),
                tpot: self.latencies.tpot.percentiles(now),
            },
            verdict: self.verdict(&flow, &statuses, now),
            estimator: self.estimator.view(),
            preset: self.settings.limiter.preset,
            knobs: self.settings.views(&self.settings_at_start, self.arrival_knob()),
            series: self.history.share(),
            clock_offset_ms: self.clients.clock_offset_ms(),
            trends: self.trends.share(),
            minutes: self.minutes.share(&self.routes, now),
            marks: self.chronicle.marks(),
            recent: self.chronicle.recent(),
            failed_by_reason: self.chronicle.failed_by_reason(),
            journal: self.chronicle.journal(),
            scopes: self.scope_views(statuses, now),
            run,
            flow,
            client,
        };
        self.snapshot.send_replace(Arc::new(snapshot));
    }

    fn state(&self) -> LoadState {
        let in_flight = u32::try_from(self.in_flight.len()).unwrap_or(u32::MAX);
        let Some(load) = &self.load else { return LoadState::Idle };
        match load.ending {
            Ending::Over => return LoadState::Finished,
            Ending::Draining => return LoadState::Draining { in_flight },
            Ending::Natural => {}
        }
        if let Some((kind, cause, remedy)) = self.run_parked.clone() {
            return LoadState::Parked { kind, cause, remedy };
        }
        if self.paused {
            return if in_flight > 0 { LoadState::Pausing { in_flight } } else { LoadState::Paused };
        }
        let mut usable =
            self.routes.iter().filter(|route| !self.router.is_drained(&route.setup.route.region)).peekable();
        let first = usable.peek().and_then(|route| route.parked.clone());
        match first {
            Some(park) if usable.all(|route| route.parked.is_some()) => {
                LoadState::Parked { kind: park.kind, cause: park.cause, remedy: park.remedy }
            }
            _ => LoadState::Running,
        }
    }

    fn run_view(&self, now: Micros) -> RunView {
        let Some(load) = &self.load else { return RunView::default() };
        let mut view = load.view.clone();
        view.unsent = self.unsent();
        view.elapsed = load.ended.unwrap_or(now).since(load.started);
        let seconds = view.elapsed.secs_f64().clamp(1.0, 60.0);
        let done = self.window.sum(60, now, |s| u64::from(s.done)) as f64 / seconds;
        let remaining = view.total.map(|total| total.saturating_sub(load.finished()));
        view.eta = match remaining {
            Some(0) => Some(Micros::ZERO),
            Some(remaining) if done > 0.0 => Some(Micros::from_secs_f64(remaining as f64 / done)),
            _ => None,
        };
        view
    }

    fn arrival_knob(&self) -> Option<(f64, f64)> {
        let load = self.load.as_ref().filter(|load| load.ending == Ending::Natural)?;
        load.rate_now().map(|rate| (rate, load.rate_at_start))
    }

    fn flow_view(&self, client: &ClientHealth, now: Micros) -> FlowView {
        let start = self.load.as_ref().map_or(self.started, |load| load.started);
        let rate = |field: fn(&super::stats::Second) -> u64| self.window.rate(now, start, field);
        let requested_rps = self
            .load
            .as_ref()
            .filter(|load| load.open_loop && load.ending == Ending::Natural && !self.paused)
            .and_then(ActiveLoad::rate_now);
        let arrived_rps = rate(|s| u64::from(s.arrived));
        let lived = now.since(start) > Micros::from_secs(10);
        let sparse = requested_rps.is_some_and(|requested| requested < 20.0);
        let late = client.schedule_delay.p99.is_some_and(|p99| p99 > LATE);
        // Poisson arrivals of a low rate scatter by more than two percent by themselves.
        let behind = requested_rps.is_some_and(|requested| arrived_rps < ARRIVALS_KEPT * requested) && !sparse && lived;
        let ages = self.queue.oldest(now);
        let costs = self.queue.queued_cost();
        let span = now.since(start).secs_f64().clamp(1.0, 60.0);
        let settled_per_second = self.window.sum(60, now, |s| s.settled) as f64 / span;
        let mut before = 0.0;
        let queue_eta = std::array::from_fn(|class| {
            before += costs[class] as f64;
            (costs[class] > 0 && settled_per_second > 0.0).then(|| Micros::from_secs_f64(before / settled_per_second))
        });
        FlowView {
            requested_rps,
            arrived_rps,
            sent_rps: rate(|s| u64::from(s.sent)),
            done_rps: rate(|s| u64::from(s.done)),
            done_per_minute: self.window.sum(60, now, |s| u64::from(s.done)) as f64 * 60.0 / span,
            client_limited: requested_rps.is_some() && (late || behind),
            success_rate: self.window.success_rate(now),
            errors_60s: by_class(&self.window.failures(60, now)),
            errors_total: by_class(&self.totals.failed),
            in_flight: u32::try_from(self.in_flight.len()).unwrap_or(u32::MAX),
            concurrency: self.settings.concurrency,
            queue_depth: self.queue.depth(),
            queue_age: ages,
            queue_eta,
            head: self.head.clone(),
            backing_off: self.retries.len() as u64,
        }
    }

    /// Seconds that the sliding window really covers: sixty, or less in the first minute.
    fn window_span(&self, now: Micros) -> f64 {
        now.since(self.started).secs_f64().clamp(1.0, 60.0)
    }

    /// Spend per hour at the rate of the last 60 s.
    pub(super) fn per_hour(&self, window: &Window, now: Micros) -> Usd {
        let spent = window.last(60, now).map(|second| second.spent).sum::<i64>();
        Usd(spent).scaled(3_600.0 / self.window_span(now))
    }

    fn client_health(&self, now: Micros) -> ClientHealth {
        ClientHealth {
            schedule_delay: self.latencies.schedule_delay.percentiles(now),
            cpu: self.process_view.cpu,
            resident: self.process_view.resident,
        }
    }

    fn scope_views(&self, statuses: Vec<ScopeStatus>, now: Micros) -> Vec<ScopeView> {
        self.routes
            .iter()
            .zip(statuses)
            .map(|(route, limiter)| {
                let settled = route.window.sum(60, now, |s| s.settled);
                let reservation = Reservation {
                    replies: route.window.sum(60, now, |s| u64::from(s.ok)),
                    held: route.window.sum(60, now, |s| s.released),
                    settled,
                    mean_max_tokens: self.totals.mean_max_tokens,
                    largest_output: self.totals.largest_output.into_iter().max().unwrap_or(0),
                };
                let mut throttles = by_class(&route.window.failures(60, now));
                throttles.retain(|(class, _)| class.is_throttle());
                ScopeView {
                    key: route.setup.key.clone(),
                    route: route.setup.route.clone(),
                    quota_source: route.setup.quota_source.clone(),
                    limiter,
                    output: route.meters.output.map(|scope| self.limiter.status(scope, now)),
                    in_flight: route.in_flight,
                    sent_total: route.sent,
                    settled_total: route.settled,
                    breaker: route.breaker.view(now),
                    parked: route.parked.as_ref().map(|park| (park.cause.clone(), park.remedy.clone())),
                    spent_total: route.spent,
                    per_hour: route.has_price().then(|| self.per_hour(&route.window, now)),
                    reservation_efficiency: reservation.efficiency(),
                    burndown: route.burndown(),
                    wasted_60s: reservation.wasted(),
                    advice: reservation.advice(),
                    head_waited: route.head_waited.clone(),
                    throttles_60s: throttles,
                }
            })
            .collect()
    }

    fn region_views(&self, statuses: &[ScopeStatus], now: Micros) -> Vec<RegionView> {
        self.regions_in_use().into_iter().map(|region| self.region_view(region, statuses, now)).collect()
    }

    /// Each Region once, in the order of the routes.
    pub(super) fn regions_in_use(&self) -> Vec<&Region> {
        let mut names: Vec<&Region> = Vec::new();
        for route in &self.routes {
            if !names.contains(&&route.setup.route.region) {
                names.push(&route.setup.route.region);
            }
        }
        names
    }

    fn region_view(&self, region: &Region, statuses: &[ScopeStatus], now: Micros) -> RegionView {
        let here = || self.routes.iter().zip(statuses).filter(|(route, _)| route.setup.route.region == *region);
        let (mut ok, mut failed, mut sent, mut settled) = (0, 0, 0.0, 0);
        let mut quota = Some(0);
        let mut breaker = BreakerView::Closed;
        for (route, status) in here() {
            ok += route.window.sum(60, now, |s| u64::from(s.ok));
            failed += route.window.failures(60, now).iter().sum::<u64>();
            sent += route.window.rate(now, self.started, |s| u64::from(s.sent));
            settled += route.window.sum(60, now, |s| s.settled);
            quota = match (quota, status.tpm.quota) {
                (Some(sum), crate::limiter::QuotaLimit::Limit(limit)) => Some(sum + limit),
                _ => None,
            };
            breaker = worse(breaker, route.breaker.view(now));
        }
        let routes = || here().map(|(route, _)| route);
        RegionView {
            region: region.clone(),
            breaker,
            drained: self.router.is_drained(region),
            success_rate: (ok + failed > 0).then(|| ok as f64 / (ok + failed) as f64),
            rps: sent,
            in_flight: routes().map(|route| route.in_flight).sum(),
            p50: percentiles(routes().map(|route: &RouteState| &route.latency), now).p50,
            settled,
            quota,
            last_error: routes().find_map(|route| route.last_error.clone()),
        }
    }

    fn verdict(&self, flow: &FlowView, statuses: &[ScopeStatus], now: Micros) -> Verdict {
        let mut tpm = Some(0.0);
        let mut rpm = Some(0.0);
        let mut any_rpm = false;
        for (route, status) in self.routes.iter().zip(statuses) {
            if self.router.is_drained(&route.setup.route.region) {
                continue;
            }
            // Two meters have no common best rate: it is not said.
            let target = status.tpm.target.filter(|_| route.meters.output.is_none());
            tpm = tpm.zip(target).map(|(sum, target)| sum + target);
            if status.rpm.quota != crate::limiter::QuotaLimit::Absent {
                any_rpm = true;
                rpm = rpm.zip(status.rpm.target).map(|(sum, target)| sum + target);
            }
        }
        let held = self.window.sum(60, now, |s| s.released);
        let settled = self.window.sum(60, now, |s| s.settled);
        let ok = self.window.sum(60, now, |s| u64::from(s.ok));
        let failures = self.window.failures(60, now);
        verdict(&Evidence {
            finished: ok + failures.iter().sum::<u64>(),
            waits: self.wait_counts(),
            failures,
            efficiency: (held > 0 && settled > 0).then(|| settled as f64 / held as f64),
            mean_max_tokens: self.totals.mean_max_tokens,
            largest_output: self.totals.largest_output.into_iter().max().unwrap_or(0),
            mean_hold: self.totals.mean_hold,
            mean_settled: if ok > 0 { settled as f64 / ok as f64 } else { 0.0 },
            tpm,
            rpm: rpm.filter(|_| any_rpm),
            concurrency_use: f64::from(flow.in_flight) / f64::from(flow.concurrency.max(1)),
            latency: self.totals.mean_latency,
            client_limited: flow.client_limited,
        })
    }
}

fn worse(one: BreakerView, other: BreakerView) -> BreakerView {
    let rank = |view: &BreakerView| match view {
        BreakerView::Closed => 0,
        BreakerView::HalfOpen => 1,
        BreakerView::Open { .. } => 2,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

impl EngineSnapshot {
    /// What is known before anything has happened.
    #[must_use]
    pub(super) fn empty(setup: &EngineSetup) -> EngineSnapshot {
        EngineSnapshot {
            at: setup.clock.now(),
            utc_ms: utc_ms(&setup.clock),
            target: setup.target.clone(),
            state: LoadState::Idle,
            run: RunView::default(),
            money: MoneyView::default(),
            flow: FlowView::default(),
            total: WindowTotals::default(),
            scopes: Vec::new(),
            regions: Vec::new(),
            latency: LatencyView::default(),
            verdict: verdict(&Evidence::default()),
            estimator: EstimatorView::default(),
            preset: setup.settings.limiter.preset,
            knobs: setup.settings.views(&setup.settings, None),
            series: Arc::new(Series::default()),
            clock_offset_ms: 0,
            trends: Arc::default(),
            minutes: Arc::default(),
            marks: Arc::default(),
            recent: Arc::default(),
            failed_by_reason: Vec::new(),
            journal: Arc::default(),
            client: ClientHealth::default(),
        }
    }
}
