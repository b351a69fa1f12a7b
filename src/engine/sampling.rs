//! Taking the run's figures into its history.

use crate::limiter::ScopeStatus;
use crate::record::{ErrorClass, Micros, Region};

use super::BreakerView;
use super::dispatcher::Dispatcher;
use super::load::Ending;
use super::router::RouteState;
use super::stats::{Sample, Window, percentiles};
use super::trends::{RegionState, Step, Trends};

const PICODOLLARS: f64 = 1e12;

impl Dispatcher {
    /// Takes the second that has just ended into the history, and with every fifth the step.
    pub(super) fn take_sample(&mut self, second: u64, now: Micros) {
        self.process_view = self.process.read(now);
        let past = Micros::from_secs(second.saturating_sub(1));
        let (mut throttles, mut errors) = (0, 0);
        for (class, count) in ErrorClass::ALL.iter().zip(self.window.at(past).failed) {
            if class.is_throttle() { throttles += count } else { errors += count }
        }
        let statuses: Vec<ScopeStatus> =
            self.routes.iter().map(|route| self.limiter.status(route.meters.main, now)).collect();
        let (held, target) = statuses.iter().fold((0.0, 0.0), |(held, target), status| {
            (held + status.held as f64, target + status.tpm.target.unwrap_or(0.0))
        });
        let sample = Sample {
            rpm: self.window.sum(60, now, |s| u64::from(s.sent)) as f32,
            tpm_settled: self.window.sum(60, now, |s| s.settled) as f32,
            held: held as f32,
            target_tpm: target as f32,
            throttles: throttles as f32,
            errors: errors as f32,
            done: self.window.at(past).done as f32,
            queue: self.queue.len() as f32,
            in_flight: self.in_flight.len() as f32,
            p50_ms: self.latencies.attempt.median(now).map_or(f32::NAN, |p50| p50.millis_f64() as f32),
        };
        self.history.push(second, sample);
        if self.trends.is_due(second) {
            let step = self.five_seconds(&statuses, past, now);
            self.trends.push(second, &step);
        }
    }

    /// The step whose last second was `past`.
    fn five_seconds(&self, statuses: &[ScopeStatus], past: Micros, now: Micros) -> Step {
        let rate = |field: fn(&super::stats::Second) -> u32| {
            self.window.sum(Trends::STEP, past, |s| u64::from(field(s))) as f32 / Trends::STEP as f32
        };
        let load = self.load.as_ref().filter(|load| load.ending == Ending::Natural && !self.paused);
        let requested = load.filter(|load| load.open_loop).and_then(|load| load.rate_now());
        let requested = requested.map_or(f32::NAN, |rate| rate as f32);
        let per_hour = |window: &Window| self.per_hour(window, now).dollars() as f32;
        let scopes = self.routes.iter().zip(statuses).map(|(route, status)| {
            let target = status.tpm.target.map_or(f32::NAN, |target| target as f32);
            (route.setup.key.clone(), [status.settled_60s as f32, status.held as f32, target])
        });
        let mut models: Vec<(String, f32)> = Vec::new();
        for route in &self.routes {
            // What is not known is not nothing.
            let dollars = if route.has_price() { per_hour(&route.window) } else { f32::NAN };
            let model = route.setup.model_id().as_str();
            match models.iter_mut().find(|(known, _)| known == model) {
                Some((_, sum)) => *sum += dollars,
                None => models.push((model.to_owned(), dollars)),
            }
        }
        let regions = self.regions_in_use().into_iter().map(|region| {
            let values = self.region_step(region, past, now);
            (region.clone(), values)
        });
        Step {
            attempt: self.latencies.attempt.percentiles(now),
            logical: self.latencies.logical.percentiles(now),
            ttft: self.latencies.ttft.percentiles(now),
            rates: [requested, rate(|s| s.arrived), rate(|s| s.sent), rate(|s| s.done)],
            failed: self.window.failures(Trends::STEP, past),
            per_hour: per_hour(&self.window),
            spent: (self.money.spent().0 as f64 / PICODOLLARS) as f32,
            scopes: scopes.collect(),
            regions: regions.collect(),
            models,
        }
    }

    fn region_step(&self, region: &Region, past: Micros, now: Micros) -> [f32; 5] {
        let here = || self.routes.iter().filter(|route| route.setup.route.region == *region);
        let (mut ok, mut failed, mut throttles, mut dollars) = (0, 0, 0, 0.0);
        let mut state = if self.router.is_drained(region) { RegionState::Drained } else { RegionState::Open };
        for route in here() {
            ok += route.window.sum(Trends::STEP, past, |s| u64::from(s.ok));
            for (class, count) in ErrorClass::ALL.iter().zip(route.window.failures(Trends::STEP, past)) {
                failed += count;
                throttles += if class.is_throttle() { count } else { 0 };
            }
            dollars += self.per_hour(&route.window, now).dollars();
            state = state.max(match route.breaker.view(now) {
                BreakerView::Closed => RegionState::Open,
                BreakerView::HalfOpen => RegionState::Probing,
                BreakerView::Open { .. } => RegionState::Broken,
            });
        }
        let finished = ok + failed;
        let success = if finished > 0 { ok as f32 / finished as f32 } else { f32::NAN };
        let p50 = percentiles(here().map(|route: &RouteState| &route.latency), now).p50;
        let p50 = p50.map_or(f32::NAN, |p50| p50.secs_f64() as f32);
        [success, p50, throttles as f32, f32::from(state as u8), dollars as f32]
    }
}
