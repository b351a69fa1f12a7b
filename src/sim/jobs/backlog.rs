//! What CloudWatch is told of batch jobs, once a minute of service time (facts §2.1).

use std::collections::BTreeMap;

use crate::record::{Micros, Usage};

use super::super::metrics::{BatchBacklog, batch};
use super::super::world::World;
use super::book::Tally;

const MINUTE: u64 = 60_000_000;

/// Minutes that are told at once after a long silence.
const MOST: u64 = 60;

/// What was told last.
pub(super) struct Backlog {
    minute: u64,
    used: BTreeMap<(String, String), Usage>,
}

impl Backlog {
    pub(super) fn new(now: Micros) -> Backlog {
        Backlog { minute: now.0 / MINUTE, used: BTreeMap::new() }
    }

    /// What was done before the simulator's start was told in its time.
    pub(super) fn take_as_told(&mut self, world: &World, now: Micros) {
        for Tally { region, model, used, .. } in world.jobs.tallies(now) {
            self.used.insert((region, model), used);
        }
    }

    /// When there is something to tell: at the end of a minute in which there was work.
    pub(super) fn due(&self, world: &World, now: Micros) -> Option<Micros> {
        let tallies = world.jobs.tallies(now);
        let untold = tallies.into_iter().any(|tally| tally.pending > 0 || self.done_since(&tally) != (0, 0));
        untold.then(|| Micros((self.minute + 1) * MINUTE))
    }

    /// Tells of every model with work left or done since, if a minute is over. After several, each has its share.
    pub(super) fn tell(&mut self, world: &World, now: Micros) {
        let minute = now.0 / MINUTE;
        let passed = minute.saturating_sub(self.minute).min(MOST);
        if passed == 0 {
            return;
        }
        self.minute = minute;
        for tally in world.jobs.tallies(now) {
            let (input, output) = self.done_since(&tally);
            let Tally { region, model, pending, done, used } = tally;
            self.used.insert((region.clone(), model.clone()), used);
            if pending == 0 && (input, output) == (0, 0) {
                continue;
            }
            for nth in 1..=passed {
                let share = |all: u64| all * nth / passed - all * (nth - 1) / passed;
                let backlog = BatchBacklog {
                    records_pending: pending,
                    // Records to come are taken to be like those that are done.
                    tokens_pending: used.input.checked_div(done).unwrap_or(0).saturating_mul(pending),
                    input_tokens_per_minute: share(input),
                    output_tokens_per_minute: share(output),
                };
                // It is about the minute that was over then.
                let at = Micros((minute - passed + nth - 1) * MINUTE);
                batch(world, &region, &model, at, backlog);
            }
        }
    }

    /// Input and output tokens that are not told yet.
    fn done_since(&self, tally: &Tally) -> (u64, u64) {
        let before = self.used.get(&(tally.region.clone(), tally.model.clone())).copied().unwrap_or_default();
        (tally.used.input.saturating_sub(before.input), tally.used.output.saturating_sub(before.output))
    }
}
