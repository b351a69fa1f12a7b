//! What CloudWatch is told of batch jobs, once a minute of service time (facts §2.1).

use std::collections::BTreeMap;

use crate::record::{Micros, Usage};

use super::super::metrics::{BatchBacklog, batch};
use super::super::world::World;
use super::book::Tally;

const MINUTE: u64 = 60_000_000;

/// What was told last.
pub(super) struct Backlog {
    minute: u64,
    used: BTreeMap<(String, String), Usage>,
}

impl Backlog {
    pub(super) fn new(now: Micros) -> Backlog {
        Backlog { minute: now.0 / MINUTE, used: BTreeMap::new() }
    }

    /// Tells of every model with work left or done since, if a minute is over.
    pub(super) fn tell(&mut self, world: &World, now: Micros) {
        let minute = now.0 / MINUTE;
        let passed = minute.saturating_sub(self.minute);
        if passed == 0 {
            return;
        }
        self.minute = minute;
        for Tally { region, model, pending, done, used } in world.jobs.tallies(now) {
            let before = self.used.insert((region.clone(), model.clone()), used).unwrap_or_default();
            let (input, output) = (used.input - before.input, used.output - before.output);
            if pending == 0 && input == 0 {
                continue;
            }
            let backlog = BatchBacklog {
                records_pending: pending,
                // Records to come are taken to be like those that are done.
                tokens_pending: used.input.checked_div(done).unwrap_or(0).saturating_mul(pending),
                input_tokens_per_minute: input / passed,
                output_tokens_per_minute: output / passed,
            };
            batch(world, &region, &model, backlog);
        }
    }
}
