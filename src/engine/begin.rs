//! Beginning a load.

use crate::record::{FlowId, Usd};
use crate::workload::{Arrival, LoadSpec, Synthetic};

use super::delivery::Delivery;
use super::dispatcher::{Dispatcher, utc_ms};
use super::intake::Intake;
use super::load::{ActiveLoad, Ending};
use super::{FileLoad, Level, Load, LoadKind, RunView};

impl Dispatcher {
    /// Begins a load in place of the present one.
    pub(super) fn begin(&mut self, load: Load) {
        let label = match &load {
            Load::File(file) => file.label.clone(),
            Load::Synthetic(spec) => describe(spec),
        };
        let utc = utc_ms(&self.clock);
        let begun = match load {
            Load::File(file) => self.begin_file(file),
            Load::Synthetic(spec) => self.begin_synthetic(&spec, &label),
        };
        match begun {
            Ok(()) => self.chronicle.line(utc, Level::Info, format!("load begins: {label}")),
            Err(error) => self.chronicle.line(utc, Level::Error, format!("cannot begin {label}: {error}")),
        }
    }

    fn begin_file(&mut self, file: FileLoad) -> std::io::Result<()> {
        let delivery = Delivery::start(file.sink, self.stored.clone())?;
        let intake = Intake::start(file.source)?;
        self.money.carry(file.spent_before);
        self.money.cap = file.cap;
        let view = RunView {
            kind: LoadKind::File,
            label: file.label,
            total: file.total,
            resumed: file.resumed,
            output: file.output,
            ..RunView::default()
        };
        let mut load = self.active(intake, view, file.stream);
        load.delivery = Some(delivery);
        load.journal = Some(file.journal);
        self.load = Some(load);
        Ok(())
    }

    fn begin_synthetic(&mut self, spec: &LoadSpec, label: &str) -> std::io::Result<()> {
        self.router.restrict(&self.routes, &spec.models, &spec.regions).map_err(std::io::Error::other)?;
        let source = Synthetic::new(spec, FlowId::default(), self.clock);
        let rate = source.control();
        let intake = Intake::start(Box::new(source))?;
        if let Some(cap) = spec.cap {
            // The cap is for this load: what was spent before it is not counted against it.
            let spent = self.money.view(Usd::ZERO).spent;
            self.money.cap = Some(spent + cap);
        }
        self.queue.drain();
        self.queued_bytes = 0;
        self.retries.clear();
        self.run_parked = None;
        let view =
            RunView { kind: LoadKind::Synthetic, label: label.to_string(), total: spec.records, ..RunView::default() };
        let mut load = self.active(intake, view, spec.stream);
        load.rate_at_start = start_rate(&spec.arrival);
        load.open_loop = !matches!(spec.arrival, Arrival::Closed { .. });
        load.rate = Some(rate);
        self.load = Some(load);
        Ok(())
    }

    fn active(&mut self, intake: Intake, view: RunView, stream: bool) -> ActiveLoad {
        self.loads += 1;
        self.paused = false;
        ActiveLoad {
            id: self.loads,
            intake,
            delivery: None,
            undelivered: 0,
            journal: None,
            rate: None,
            rate_at_start: 0.0,
            open_loop: false,
            stream,
            ending: Ending::Natural,
            started: self.clock.now(),
            ended: None,
            view,
        }
    }
}

fn start_rate(arrival: &Arrival) -> f64 {
    match *arrival {
        Arrival::Constant { rate } | Arrival::Poisson { rate } => rate,
        Arrival::Ramp { from, .. } => from,
        Arrival::Closed { workers } => f64::from(workers),
    }
}

/// A load in one line.
#[must_use]
pub fn describe(spec: &LoadSpec) -> String {
    let arrival = match spec.arrival {
        Arrival::Constant { rate } => format!("constant {rate:.1}/s"),
        Arrival::Poisson { rate } => format!("poisson {rate:.1}/s"),
        Arrival::Ramp { from, to, over } => format!("ramp {from:.1} to {to:.1}/s over {over:.0} s"),
        Arrival::Closed { workers } => format!("closed loop of {workers}"),
    };
    let stream = if spec.stream { ", streamed" } else { "" };
    format!("{arrival}{stream}, seed {}", spec.seed)
}
