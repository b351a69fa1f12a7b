//! One Region of the service: its meters, its latency, its bad days. Also the book of what it charged.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::meter::{HoldId, Rejected, ServerScope};
use crate::record::{Micros, Usage};

use super::cell::Service;
use super::policy::Refused;
use super::work::Job;

/// Seconds in which a refusal is answered, from and to (study §D.1).
const REFUSAL: (f64, f64) = (0.05, 0.3);
/// Bins of the book, per second.
pub const BINS: f64 = 2.0;

/// A Region.
pub struct Server {
    service: Service,
    scope: ServerScope,
    /// Added to the time, so that minutes turn at another moment than the run begins.
    phase: Micros,
    /// Part of the requests that are answered with 503.
    pub failing: f64,
    /// Factor on the time that replies take.
    pub slowness: f64,
    /// Net quota tokens charged in each half second, by when they were charged: reservations, what was given back of them,
    /// what settled above them.
    pub book: Vec<f64>,
}

impl Server {
    /// A Region on which nothing is used.
    #[must_use]
    pub fn new(service: Service, phase: Micros) -> Server {
        let scope = ServerScope::new(service.spec(1.0), phase);
        Server { service, scope, phase, failing: 0.0, slowness: 1.0, book: Vec::new() }
    }

    fn time(&self, now: Micros) -> Micros {
        now + self.phase
    }

    fn note(&mut self, tokens: f64, now: Micros) {
        let bin = (now.secs_f64() * BINS) as usize;
        if self.book.len() <= bin {
            self.book.resize(bin + 1, 0.0);
        }
        self.book[bin] += tokens;
    }

    /// A request arrives: admitted, or refused.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn offer(&mut self, job: &Job, now: Micros, rng: &mut ChaCha8Rng) -> Result<HoldId, Refused> {
        if self.failing > 0.0 && rng.random::<f64>() < self.failing {
            return Err(Refused::Capacity);
        }
        let weight = self.service.hold_weight();
        let at = self.time(now);
        let admitted = self.scope.admit(job.input, job.cached, 0, job.max_tokens * weight, at);
        if admitted.is_ok() {
            self.note(job.hold(weight) as f64, now);
        }
        admitted.map_err(|why| match why {
            Rejected::Rpm => Refused::Rpm,
            Rejected::Tpm => Refused::Tpm,
            Rejected::Tpd => Refused::Tpd,
        })
    }

    /// How long until this request would be admitted, for the clairvoyant; `None`: never.
    pub fn wait(&mut self, job: &Job, now: Micros) -> Option<Micros> {
        let at = self.time(now);
        self.scope.wait(job.hold(self.service.hold_weight()), at)
    }

    /// So many output tokens exist; only where the reservation is turned into the charge on the way.
    pub fn progress(&mut self, hold: HoldId, output: u64, now: Micros) {
        let at = self.time(now);
        self.scope.progress(hold, output, at);
    }

    /// The reply is complete.
    pub fn settle(&mut self, hold: HoldId, job: &Job, now: Micros) {
        let usage = Usage { input: job.input, output: job.output, cache_read: job.cached, cache_write: 0 };
        let at = self.time(now);
        self.scope.settle(hold, &usage, at);
        let charge = job.charge(self.service.burndown) as f64;
        self.note(charge - job.hold(self.service.hold_weight()) as f64, now);
    }

    /// Other quotas from now on.
    pub fn set_quota(&mut self, factor: f64, now: Micros) {
        let at = self.time(now);
        self.scope.retune(self.service.spec(factor), at);
    }

    /// Others take this part of the quota from now on.
    pub fn set_others(&mut self, part: f64, now: Micros) {
        let at = self.time(now);
        self.scope.others((self.service.tpm as f64 * part).round() as u64, at);
    }

    /// Seconds until the refusal is there.
    pub fn refusal_takes(&self, rng: &mut ChaCha8Rng) -> f64 {
        rng.random_range(REFUSAL.0..REFUSAL.1)
    }

    /// Seconds from admission until `output` tokens exist.
    #[must_use]
    pub fn takes(&self, job: &Job, output: u64) -> f64 {
        (job.first_token + output as f64 / job.speed) * self.slowness
    }
}
