//! Cells by contestants by seeds, on all cores.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::record::Priority;

use super::cell::Cell;
use super::contestant::Contestant;
use super::drive::{Client, run};
use super::figure::Figure;
use super::score::Score;

/// Where so many quota tokens are granted in a run, one that never slows down makes millions of rejects, nearly all the work
/// of the table. It has no memory to fill: the same in a fifth of the time shows as much of it.
const LOUD: f64 = 1e8;

/// What is run.
#[derive(Clone, Debug)]
pub struct Contest {
    /// The cells.
    pub cells: Vec<Cell>,
    /// Who takes part in each.
    pub contestants: Vec<Contestant>,
    /// Seeds 1 to this, the same for all.
    pub seeds: u64,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The cell.
    pub cell: Cell,
    /// The client.
    pub contestant: Contestant,
    /// How many seeds.
    pub seeds: u64,
    /// Settled tokens, in times of the lesser of the optimum's and of what was granted: a server that forgets debts at the
    /// minute lets the clairvoyant take more than was granted.
    pub goodput: Figure,
    /// 429s per attempt.
    pub throttles: Figure,
    /// Seconds from the step (or the start) until it had settled; infinite if it never did.
    pub settles: Figure,
    /// Throttle epochs until that was known.
    pub epochs: Figure,
    /// Seconds of delay in the queue, median and 99th percentile, of all classes.
    pub delay: [Figure; 2],
    /// The 99th percentile of the high class alone.
    pub high_delay: Figure,
    /// Jain's index between weighted sources.
    pub jain: Figure,
    /// Prompt tokens sent in vain.
    pub wasted: Figure,
    /// Attempts per admitted request.
    pub amplification: Figure,
    /// The lowest quota that the client believed in, in times of the true one; NaN if it has no such notion.
    pub lowest_belief: Figure,
}

/// What is kept of a run.
#[derive(Clone, Copy, Debug)]
struct Sample {
    goodput: f64,
    throttles: f64,
    settles: f64,
    epochs: f64,
    delay: [f64; 2],
    high_delay: f64,
    jain: f64,
    wasted: f64,
    amplification: f64,
    lowest_belief: f64,
}

impl Sample {
    fn of(cell: &Cell, score: &Score, best: f64) -> Sample {
        Sample {
            goodput: score.settled / best.max(1.0),
            throttles: score.throttle_share(),
            settles: score.settles_after().unwrap_or(f64::INFINITY),
            epochs: score.epochs_to_settle() as f64,
            delay: [score.delay(0.5, None), score.delay(0.99, None)],
            high_delay: score.delay(0.99, Some(Priority::High)),
            jain: score.jain(),
            wasted: score.wasted,
            amplification: score.amplification(),
            lowest_belief: score.lowest_belief.map_or(f64::NAN, |quota| quota / cell.service.tpm as f64),
        }
    }
}

impl Contest {
    /// Runs everything; `progress` is told how many of how many (cell, seed) pairs are done.
    #[must_use]
    pub fn run(&self, progress: impl Fn(usize, usize) + Sync) -> Vec<Row> {
        let pairs = self.cells.len() * self.seeds as usize;
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let samples: Mutex<Vec<(usize, usize, Sample)>> = Mutex::new(Vec::new());
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..cores.min(pairs) {
                scope.spawn(|| {
                    loop {
                        let pair = next.fetch_add(1, Ordering::Relaxed);
                        if pair >= pairs {
                            return;
                        }
                        let (cell, seed) = (pair / self.seeds as usize, pair as u64 % self.seeds + 1);
                        let found = self.pair(&self.cells[cell], seed);
                        let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                        samples.extend(found.into_iter().enumerate().map(|(who, sample)| (cell, who, sample)));
                        drop(samples);
                        progress(done.fetch_add(1, Ordering::Relaxed) + 1, pairs);
                    }
                });
            }
        });
        let samples = samples.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        for (at, cell) in self.cells.iter().enumerate() {
            for (who, contestant) in self.contestants.iter().enumerate() {
                let of: Vec<Sample> =
                    samples.iter().filter(|sample| (sample.0, sample.1) == (at, who)).map(|sample| sample.2).collect();
                rows.push(row(cell, *contestant, self.seeds, &of));
            }
        }
        rows
    }

    /// All contestants of one cell with one seed, against one optimum.
    fn pair(&self, cell: &Cell, seed: u64) -> Vec<Sample> {
        let optimum = run(cell, Client::Clairvoyant, seed);
        let best = best_of(cell, &optimum);
        self.contestants
            .iter()
            .map(|contestant| match contestant {
                Contestant::Optimum => Sample::of(cell, &optimum, best),
                Contestant::Standard if cell.service.tpm as f64 / 60.0 * cell.seconds >= LOUD => {
                    let brief = cell.brief();
                    let best = best_of(&brief, &run(&brief, Client::Clairvoyant, seed));
                    Sample::of(&brief, &run(&brief, contestant.client(&brief), seed), best)
                }
                other => Sample::of(cell, &run(cell, other.client(cell), seed), best),
            })
            .collect()
    }
}

/// What goodput is measured by.
fn best_of(cell: &Cell, optimum: &Score) -> f64 {
    optimum.settled.min(cell.granted_while_scored())
}

fn row(cell: &Cell, contestant: Contestant, seeds: u64, samples: &[Sample]) -> Row {
    let figure = |of: fn(&Sample) -> f64| Figure::of(samples.iter().map(of).collect());
    Row {
        cell: cell.clone(),
        contestant,
        seeds,
        goodput: figure(|sample| sample.goodput),
        throttles: figure(|sample| sample.throttles),
        settles: figure(|sample| sample.settles),
        epochs: figure(|sample| sample.epochs),
        delay: [figure(|sample| sample.delay[0]), figure(|sample| sample.delay[1])],
        high_delay: figure(|sample| sample.high_delay),
        jain: figure(|sample| sample.jain),
        wasted: figure(|sample| sample.wasted),
        amplification: figure(|sample| sample.amplification),
        lowest_belief: figure(|sample| sample.lowest_belief),
    }
}
