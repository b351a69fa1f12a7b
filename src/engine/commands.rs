//! Carrying out commands; every tuning change is a mark on the charts, a journal line, and can be undone.

use crate::families;
use crate::limiter::{Preset, QuotaLimit};
use crate::record::{Micros, ModelId, ProvisionedRoute, ScopeKey};

use super::dispatcher::{Dispatcher, utc_ms};
use super::load::Ending;
use super::metering::Meters;
use super::router::RouteState;
use super::undo::{DEPTH, Undone};
use super::{Command, KnobId, KnobKind, Level, Load, LoadKind, ParkKind, RouteSetup};

impl Dispatcher {
    /// Carries out a command.
    pub(super) fn command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Pause => self.pause(true, now),
            Command::Resume => self.pause(false, now),
            Command::Drain => self.drain(now),
            Command::Abort => self.abort(now),
            Command::StartLoad(spec) => {
                let file_runs =
                    self.load_runs() && self.load.as_ref().is_some_and(|load| load.view.kind == LoadKind::File);
                if file_runs {
                    self.line(Level::Warning, "a file is under way: drain it before starting another load");
                } else {
                    self.begin(Load::Synthetic(*spec));
                }
            }
            Command::ScaleRate(factor) => {
                if let Some(before) = self.rate()
                    && factor.is_finite()
                    && factor > 0.0
                {
                    self.set_rate(before * factor, now);
                }
            }
            Command::SetKnob { knob: KnobId::ArrivalRate, value } => self.set_rate(value, now),
            Command::SetKnob { knob, value } => self.set_knob(knob, value, now),
            Command::SetPreset(preset) => self.set_preset(preset, now),
            Command::SetQuota { scope, rpm, tpm } => self.set_quota(&scope, rpm, tpm, now),
            Command::Undo => self.take_back(now),
            Command::DrainRegion { region, off } => {
                let before = self.router.is_drained(&region);
                if before != off {
                    self.remember_undo(Undone::Region(region.clone(), before));
                    self.mark(now, if off { format!("{region} drained") } else { format!("{region} open again") });
                    self.router.drained.insert(region, off);
                }
            }
            Command::UseProvisioned(None) => self.use_on_demand(now),
            Command::UseProvisioned(Some(route)) => self.use_provisioned(*route, now),
            Command::SetCap(cap) => {
                self.remember_undo(Undone::Cap(self.money.cap));
                self.money.cap = cap;
                let words = cap.map_or("none".to_string(), |cap| format!("${:.2}", cap.dollars()));
                self.mark(now, format!("spend cap {words}"));
                self.unpark(ParkKind::Cap);
            }
            Command::Unpark => {
                self.run_parked = None;
                for route in &mut self.routes {
                    if let Some(park) = route.parked.as_mut() {
                        park.probe_at = now;
                    }
                }
                self.line(Level::Info, "parked scopes are tried again now");
            }
        }
    }

    fn unpark(&mut self, kind: ParkKind) {
        if self.run_parked.as_ref().is_some_and(|(known, ..)| *known == kind) {
            self.run_parked = None;
        }
    }

    fn pause(&mut self, on: bool, now: Micros) {
        if self.paused == on || !self.load_runs() {
            return;
        }
        self.paused = on;
        if let Some(rate) = self.load.as_ref().and_then(|load| load.rate.as_ref()) {
            if on { rate.pause() } else { rate.resume() }
        }
        self.mark(now, if on { "paused" } else { "resumed" }.to_string());
    }

    fn drain(&mut self, now: Micros) {
        let Some(load) = self.load.as_mut().filter(|load| load.ending == Ending::Natural) else { return };
        load.ending = Ending::Draining;
        load.intake.stop();
        self.mark(now, "draining".to_string());
    }

    /// Ends the load at once. Attempts in flight may be billed: they are booked at their estimate.
    fn abort(&mut self, now: Micros) {
        self.drain(now);
        if let Some(delivery) = self.load.as_ref().and_then(|load| load.delivery.as_ref()) {
            delivery.give_up();
        }
        let flights: Vec<_> = self.in_flight.drain().map(|(_, flight)| flight).collect();
        let abandoned = flights.len();
        for flight in flights {
            flight.abort.abort();
            self.abandon(flight, now);
        }
        if abandoned > 0 {
            self.line(Level::Warning, &format!("{abandoned} attempts in flight were abandoned and may be billed"));
        }
    }

    fn rate(&self) -> Option<f64> {
        let load = self.load.as_ref().filter(|load| load.ending == Ending::Natural)?;
        load.rate_now()
    }

    fn set_rate(&mut self, value: f64, now: Micros) {
        let spec = KnobId::ArrivalRate.spec();
        let (Some(before), true) = (self.rate(), value.is_finite()) else { return };
        let value = value.clamp(spec.min, spec.max);
        let Some(load) = self.load.as_ref() else { return };
        let value = if load.open_loop { value } else { value.round().max(1.0) };
        if let Some(rate) = &load.rate {
            rate.set_rate(value);
        }
        let unit = if load.open_loop { "/s" } else { " workers" };
        self.remember_undo(Undone::Rate(before));
        self.mark(now, format!("arrivals {before:.2} -> {value:.2}{unit}"));
    }

    fn set_knob(&mut self, knob: KnobId, value: f64, now: Micros) {
        let spec = knob.spec();
        let before = self.settings;
        self.settings.set(knob, value);
        let (Some(old), Some(new)) = (before.get(knob), self.settings.get(knob)) else { return };
        if (old - new).abs() < f64::EPSILON {
            return;
        }
        let show = |value: f64| match spec.kind {
            KnobKind::Switch => if value >= 0.5 { "on" } else { "off" }.to_string(),
            KnobKind::Choice => spec.choices.get(value as usize).copied().unwrap_or("?").to_string(),
            KnobKind::Ratio | KnobKind::Linear => {
                let text = format!("{value:.3}");
                text.trim_end_matches('0').trim_end_matches('.').to_string()
            }
        };
        let unit = if spec.unit.is_empty() { String::new() } else { format!(" {}", spec.unit) };
        let words = format!("{} {} -> {}{unit}", spec.label, show(old), show(new));
        self.limiter.set_knobs(self.settings.limiter, now);
        self.remember_undo(Undone::Settings(Box::new(before), spec.label.to_string()));
        self.mark(now, words);
    }

    fn set_preset(&mut self, preset: Preset, now: Micros) {
        let before = self.settings;
        if before.limiter.preset == preset {
            return;
        }
        self.settings.set_preset(preset);
        self.limiter.set_knobs(self.settings.limiter, now);
        self.remember_undo(Undone::Preset(before.limiter.preset, Box::new(before)));
        self.mark(now, format!("preset {} -> {}", before.limiter.preset.name(), preset.name()));
    }

    fn set_quota(&mut self, scope: &ScopeKey, rpm: Option<u64>, tpm: Option<u64>, now: Micros) {
        let Some(first) = self.routes.iter().find(|route| route.setup.key == *scope) else { return };
        let before = first.setup.quota;
        let source = first.setup.quota_source.clone();
        let mut quota = before;
        if let Some(rpm) = rpm {
            quota.rpm = QuotaLimit::Limit(rpm.max(1));
        }
        if let Some(tpm) = tpm {
            quota.tpm = QuotaLimit::Limit(tpm.max(1));
        }
        self.remember_undo(Undone::Quota(scope.clone(), before, source));
        self.apply_quota(scope, quota, "by hand", now);
        let words = |limit: QuotaLimit| match limit {
            QuotaLimit::Limit(value) => value.to_string(),
            QuotaLimit::Unknown => "unknown".to_string(),
            QuotaLimit::Absent => "none".to_string(),
        };
        self.mark(now, format!("{scope}: quota {} RPM, {} TPM by hand", words(quota.rpm), words(quota.tpm)));
    }

    fn apply_quota(&mut self, scope: &ScopeKey, quota: crate::limiter::ScopeQuota, source: &str, now: Micros) {
        for route in self.routes.iter_mut().filter(|route| route.setup.key == *scope) {
            route.setup.quota = quota;
            route.setup.quota_source = source.to_string();
            self.limiter.set_quota(route.meters.main, quota, now);
        }
    }

    fn use_on_demand(&mut self, now: Micros) {
        if self.routes.iter().all(|route| route.setup.provisioned.is_some()) {
            self.line(Level::Warning, "this session has no on-demand route: start it with --model and a model id");
            return;
        }
        let before = self.router.use_bought(Vec::new());
        self.remember_undo(Undone::Bought(before));
        self.mark(now, "load goes on demand".to_string());
    }

    /// Bodies were checked for the model that the load began with: another family would refuse them one by one.
    fn use_provisioned(&mut self, bought: ProvisionedRoute, now: Micros) {
        let name = bought.route.clone();
        if !self.clients.regions().any(|region| *region == name.region) {
            let text = format!("{} is no Region of this session: add it with --region", name.region);
            return self.line(Level::Warning, &text);
        }
        let family = |model: &ModelId| families::invoke_family(model.as_str());
        let other = self.routes.first().filter(|route| family(route.setup.model_id()) != family(&bought.model));
        let of_file = self.load_runs() && self.load.as_ref().is_some_and(|load| load.view.kind == LoadKind::File);
        if let Some(other) = other.filter(|_| of_file) {
            let text = format!(
                "the file's records are for {}; {} is behind {name}, which takes other bodies",
                other.setup.model_id(),
                bought.model
            );
            return self.line(Level::Warning, &text);
        }
        let known = self.routes.iter().position(|route| route.setup.route == name);
        let index = known.unwrap_or_else(|| {
            let setup = RouteSetup::bought(bought);
            let meters = Meters::new(&setup, &mut self.limiter, now);
            self.routes.push(RouteState::new(setup, meters));
            self.routes.len() - 1
        });
        let before = self.router.use_bought(vec![index]);
        self.remember_undo(Undone::Bought(before));
        self.mark(now, format!("load goes to {name}"));
    }

    fn take_back(&mut self, now: Micros) {
        let Some(last) = self.undo.pop() else {
            self.line(Level::Info, "nothing to undo");
            return;
        };
        let what = match last {
            Undone::Settings(before, label) => {
                self.settings = *before;
                self.limiter.set_knobs(self.settings.limiter, now);
                label
            }
            Undone::Preset(preset, before) => {
                self.settings = *before;
                self.limiter.set_knobs(self.settings.limiter, now);
                format!("preset {}", preset.name())
            }
            Undone::Rate(before) => {
                if let Some(rate) = self.load.as_ref().and_then(|load| load.rate.as_ref()) {
                    rate.set_rate(before);
                }
                format!("arrivals {before:.2}")
            }
            Undone::Quota(scope, before, source) => {
                self.apply_quota(&scope, before, &source, now);
                format!("quota of {scope}")
            }
            Undone::Region(region, before) => {
                let words = format!("{region} {}", if before { "drained" } else { "open" });
                self.router.drained.insert(region, before);
                words
            }
            Undone::Bought(before) => {
                let what = if before.is_empty() { "on demand" } else { "the provisioned model of before" };
                self.router.use_bought(before);
                format!("load goes to {what}")
            }
            Undone::Cap(before) => {
                self.money.cap = before;
                self.unpark(ParkKind::Cap);
                "spend cap".to_string()
            }
        };
        self.mark(now, format!("undo: {what}"));
    }

    fn remember_undo(&mut self, change: Undone) {
        if self.undo.len() >= DEPTH {
            self.undo.remove(0);
        }
        self.undo.push(change);
    }

    fn mark(&mut self, now: Micros, what: String) {
        self.chronicle.mark(now, utc_ms(&self.clock), Level::Info, what);
    }

    fn line(&mut self, level: Level, text: &str) {
        self.chronicle.line(utc_ms(&self.clock), level, text);
    }
}
