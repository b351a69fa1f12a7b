//! What is measured in a run (study §D.4).

use crate::record::{Micros, Priority};

use super::cell::Cell;
use super::policy::Refused;
use super::server::BINS;
use super::work::{Job, Means};

/// Length of the stretches in which fairness is measured, in seconds.
const FAIR: f64 = 60.0;
/// A policy has settled once its mean charge over this many seconds, or over as many as carry this many requests if those
/// are more ...
const MEAN: f64 = 10.0;
const MEAN_REQUESTS: f64 = 30.0;
/// ... stays for this long ...
const STAYS: f64 = 20.0;
/// ... within this of what is granted.
const WITHIN: f64 = 0.1;

/// The tallies of one run.
#[derive(Clone, Debug)]
pub struct Score {
    from: f64,
    to: f64,
    step_at: f64,
    /// What is granted after the step, quota tokens per second.
    granted_after: f64,
    /// Seconds over which the charge is averaged to see whether it has settled.
    mean: f64,
    /// Quota tokens of replies that were complete while it was scored.
    pub settled: f64,
    /// Attempts sent while it was scored.
    pub attempts: f64,
    /// Of those, refused for a quota.
    pub throttled: f64,
    /// Of those, admitted.
    pub admitted: f64,
    /// Requests that failed for good.
    pub failed: f64,
    /// Prompt tokens that were sent in vain.
    pub wasted: f64,
    /// Seconds from arrival to the attempt that was admitted, by class.
    pub delays: [Vec<f32>; 3],
    /// Moments at which throttle epochs began: a refusal of what was sent after the last one was known.
    pub epochs: Vec<f64>,
    /// Settled tokens by stretch and flow.
    fair: Vec<Vec<f64>>,
    flows: usize,
    weights: Vec<f64>,
    /// The lowest quota that the client believed in while it was scored, tokens per minute.
    pub lowest_belief: Option<f64>,
    /// What each Region charged, net, by half seconds.
    pub book: Vec<Vec<f64>>,
}

impl Score {
    /// Nothing yet.
    #[must_use]
    pub fn new(cell: &Cell, means: Means) -> Score {
        let quota = cell.service.tpm as f64 / 60.0 * cell.service.regions as f64;
        let flows = usize::from(cell.crowd.flows);
        let granted_after = quota * cell.granted(cell.step_at);
        Score {
            from: cell.scored_from,
            to: cell.seconds,
            step_at: cell.step_at,
            granted_after,
            mean: MEAN.max((MEAN_REQUESTS * means.charge / granted_after).ceil()),
            settled: 0.0,
            attempts: 0.0,
            throttled: 0.0,
            admitted: 0.0,
            failed: 0.0,
            wasted: 0.0,
            delays: Default::default(),
            epochs: Vec::new(),
            fair: vec![vec![0.0; flows]; ((cell.seconds - cell.scored_from) / FAIR) as usize],
            flows,
            weights: (0..cell.crowd.flows).map(|flow| cell.crowd.weight(flow)).collect(),
            lowest_belief: None,
            book: Vec::new(),
        }
    }

    fn scored(&self, now: Micros) -> bool {
        now.secs_f64() >= self.from
    }

    /// An attempt is sent.
    pub fn sent(&mut self, now: Micros) {
        if self.scored(now) {
            self.attempts += 1.0;
        }
    }

    /// An attempt that was sent then is admitted.
    pub fn accepted(&mut self, job: &Job, sent: Micros) {
        if self.scored(sent) {
            self.admitted += 1.0;
            self.delays[job.priority.index()].push(sent.since(job.arrived).secs_f64() as f32);
        }
    }

    /// The refusal of an attempt that was sent then is known now.
    pub fn refused(&mut self, job: &Job, why: Refused, sent: Micros, now: Micros) {
        if self.scored(sent) {
            self.wasted += (job.input + job.cached) as f64;
            if why != Refused::Capacity {
                self.throttled += 1.0;
            }
        }
        if why != Refused::Capacity && self.epochs.last().is_none_or(|&last| sent.secs_f64() > last) {
            self.epochs.push(now.secs_f64());
        }
    }

    /// A request has failed for good.
    pub fn failed(&mut self, now: Micros) {
        if self.scored(now) {
            self.failed += 1.0;
        }
    }

    /// A reply is complete.
    pub fn served(&mut self, job: &Job, charge: u64, now: Micros) {
        if !self.scored(now) {
            return;
        }
        self.settled += charge as f64;
        let stretch = ((now.secs_f64() - self.from) / FAIR) as usize;
        if let Some(flows) = self.fair.get_mut(stretch) {
            flows[usize::from(job.flow)] += charge as f64;
        }
    }

    /// What the client believes the quota to be.
    pub fn believes(&mut self, quota: Option<f64>, now: Micros) {
        if self.scored(now)
            && let Some(quota) = quota
        {
            self.lowest_belief = Some(self.lowest_belief.map_or(quota, |lowest| lowest.min(quota)));
        }
    }

    /// 429s per attempt.
    #[must_use]
    pub fn throttle_share(&self) -> f64 {
        self.throttled / self.attempts.max(1.0)
    }

    /// Attempts per admitted request.
    #[must_use]
    pub fn amplification(&self) -> f64 {
        self.attempts / self.admitted.max(1.0)
    }

    /// Jain's index of what the flows got by their weights, mean over the stretches; 1 is fair.
    #[must_use]
    pub fn jain(&self) -> f64 {
        if self.flows < 2 || self.fair.is_empty() {
            return 1.0;
        }
        let of = |flows: &Vec<f64>| {
            let (mut sum, mut squares) = (0.0, 0.0);
            for (tokens, weight) in flows.iter().zip(&self.weights) {
                let share = tokens / weight;
                sum += share;
                squares += share * share;
            }
            if squares == 0.0 { 1.0 } else { sum * sum / (self.flows as f64 * squares) }
        };
        self.fair.iter().map(of).sum::<f64>() / self.fair.len() as f64
    }

    /// The delay that this part of the requests did not exceed, in seconds, of one class or of all.
    #[must_use]
    pub fn delay(&self, part: f64, class: Option<Priority>) -> f64 {
        let mut all: Vec<f32> = match class {
            Some(class) => self.delays[class.index()].clone(),
            None => self.delays.concat(),
        };
        if all.is_empty() {
            return 0.0;
        }
        let rank = ((all.len() as f64 * part).ceil() as usize).clamp(1, all.len()) - 1;
        f64::from(*all.select_nth_unstable_by(rank, f32::total_cmp).1)
    }

    /// Seconds after the step from which on the mean charge (of ten seconds, or thirty requests) stays within 10 % of what is
    /// granted for twenty; `None`: never.
    #[must_use]
    pub fn settles_after(&self) -> Option<f64> {
        let bins = (self.to * BINS) as usize;
        let mut charged = vec![0.0; bins + 1];
        for book in &self.book {
            for (bin, tokens) in book.iter().take(bins).enumerate() {
                charged[bin + 1] += tokens;
            }
        }
        for bin in 0..bins {
            charged[bin + 1] += charged[bin];
        }
        let (width, stays) = ((self.mean * BINS) as usize, (STAYS * BINS) as usize);
        let good = |bin: usize| {
            let mean = (charged[bin + width] - charged[bin]) / self.mean;
            (mean / self.granted_after - 1.0).abs() <= WITHIN
        };
        let first = (self.step_at * BINS) as usize;
        let mut since = None;
        for bin in first..bins.saturating_sub(width) {
            if !good(bin) {
                since = None;
                continue;
            }
            let start = *since.get_or_insert(bin);
            if bin - start >= stays {
                return Some((start - first) as f64 / BINS);
            }
        }
        None
    }

    /// Throttle epochs from the step to the end of the mean that showed that it had settled (or within a minute of the step).
    #[must_use]
    pub fn epochs_to_settle(&self) -> usize {
        let until = self.step_at + self.settles_after().map_or(60.0, |settled| settled + self.mean);
        self.epochs.iter().filter(|&&at| at >= self.step_at && at <= until).count()
    }
}
