//! One priority class: fair in tokens between its flows.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{FlowId, Micros};

use super::flow::{Flow, Weight};

/// The flows of a class. Bounded by the number of flow ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    flows: BTreeMap<FlowId, Flow>,
    /// Flows with something waiting, by virtual tokens served.
    active: BTreeSet<(i128, FlowId)>,
    /// Where the virtual time of the class stands while nobody waits.
    clock: i128,
    /// When each waiting item was queued: queued, slot.
    ages: BTreeSet<(Micros, u32)>,
    /// Cost of everything that waits.
    cost: u128,
    /// Tokens of its guaranteed share that it has earned while others were served before it, in thousandths.
    pub(super) earned: i128,
}

/// What a class must know of an item to order it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) flow: FlowId,
    pub(super) seq: u64,
    pub(super) slot: u32,
    pub(super) cost: u64,
    pub(super) deadline: Option<Micros>,
    pub(super) queued: Micros,
}

impl Class {
    pub(super) fn len(&self) -> usize {
        self.ages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ages.is_empty()
    }

    /// Cost of everything that waits.
    pub(super) fn cost(&self) -> u64 {
        u64::try_from(self.cost).unwrap_or(u64::MAX)
    }

    /// When the oldest waiting item was queued.
    pub(super) fn oldest(&self) -> Option<Micros> {
        self.ages.first().map(|&(queued, _)| queued)
    }

    /// Something waits. A flow that was idle is lifted to the one served least, unless it comes back to its old place.
    pub(super) fn insert(&mut self, entry: Entry, lift: bool) {
        let least = self.active.first().map_or(self.clock, |&(served, _)| served);
        let flow = self.flows.entry(entry.flow).or_insert_with(|| Flow::new(least));
        if flow.is_empty() {
            if lift {
                flow.served = flow.served.max(least);
            }
            self.active.insert((flow.served, entry.flow));
        }
        flow.insert(entry.deadline, entry.seq, entry.slot);
        self.ages.insert((entry.queued, entry.slot));
        self.cost += u128::from(entry.cost);
    }

    /// It no longer waits.
    pub(super) fn remove(&mut self, entry: Entry) {
        let Some(flow) = self.flows.get_mut(&entry.flow) else { return };
        flow.remove(entry.deadline, entry.seq, entry.slot);
        if flow.is_empty() {
            self.active.remove(&(flow.served, entry.flow));
            self.clock = self.clock.max(flow.served);
        }
        self.ages.remove(&(entry.queued, entry.slot));
        self.cost -= u128::from(entry.cost);
        if self.is_empty() {
            self.earned = 0;
        }
    }

    /// The flow was served this many virtual tokens more (or less).
    pub(super) fn serve(&mut self, id: FlowId, served: i128) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let waits = self.active.remove(&(flow.served, id));
        flow.served = flow.served.saturating_add(served);
        if waits {
            self.active.insert((flow.served, id));
        }
    }

    /// The slot of the item that is next.
    pub(super) fn head(&mut self, now: Micros) -> Option<u32> {
        let &(_, id) = self.active.first()?;
        self.flows.get_mut(&id)?.head(now)
    }
}

/// Virtual time of `tokens`, signed.
pub(super) fn signed(weight: Weight, tokens: i64) -> i128 {
    let time = weight.virtual_time(tokens.unsigned_abs());
    if tokens < 0 { -time } else { time }
}
