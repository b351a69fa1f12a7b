//! One flow of one class: earliest deadline first, then the order of the input.

use std::collections::BTreeSet;

use crate::record::Micros;

/// Virtual tokens of one token at weight 1: fine enough that a weight of 1/1000 and one of 1000 both stay exact.
const SCALE: i128 = 1_000_000;

/// The weight of a flow in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight(u32);

impl Default for Weight {
    fn default() -> Self {
        Weight(1_000)
    }
}

impl Weight {
    /// From a plain number, between 0.001 and 1,000; NaN is 1.
    pub(super) fn new(weight: f64) -> Weight {
        if weight.is_nan() {
            Weight::default()
        } else {
            Weight((weight.clamp(0.001, 1_000.0) * 1_000.0).round() as u32)
        }
    }

    /// `tokens` as virtual time of this flow. Exact and linear enough to be taken back: the same tokens give the same time.
    pub(super) fn virtual_time(self, tokens: u64) -> i128 {
        i128::from(tokens) * SCALE * 1_000 / i128::from(self.0)
    }
}

/// A flow's place within its class and its waiting items, by slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// Virtual tokens served.
    pub(super) served: i128,
    /// Items whose deadline has not passed: deadline, seq, slot.
    timely: BTreeSet<(Micros, u64, u32)>,
    /// All others: seq, slot.
    plain: BTreeSet<(u64, u32)>,
}

impl Flow {
    /// An idle flow that counts from here.
    pub(super) fn new(served: i128) -> Flow {
        Flow { served, ..Flow::default() }
    }

    pub(super) fn insert(&mut self, deadline: Option<Micros>, seq: u64, slot: u32) {
        match deadline {
            Some(deadline) => self.timely.insert((deadline, seq, slot)),
            None => self.plain.insert((seq, slot)),
        };
    }

    pub(super) fn remove(&mut self, deadline: Option<Micros>, seq: u64, slot: u32) {
        if deadline.is_none_or(|deadline| !self.timely.remove(&(deadline, seq, slot))) {
            self.plain.remove(&(seq, slot));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.timely.is_empty() && self.plain.is_empty()
    }

    /// The slot of the item that is next. Deadlines that have passed fall back into the order of the input.
    pub(super) fn head(&mut self, now: Micros) -> Option<u32> {
        while let Some(&(deadline, seq, slot)) = self.timely.first() {
            if deadline >= now {
                return Some(slot);
            }
            self.timely.pop_first();
            self.plain.insert((seq, slot));
        }
        self.plain.first().map(|&(_, slot)| slot)
    }
}
