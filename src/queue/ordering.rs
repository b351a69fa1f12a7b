//! The queue: three classes over one slab of items.

use std::collections::BTreeMap;

use crate::record::{FlowId, Micros, Priority};

use super::class::{Class, Entry, signed};
use super::flow::Weight;
use super::{Item, Key};

/// What a waiting class earns of every token that is served before it, in thousandths: nothing for `High`, which is always
/// first; 10 % for `Medium`; 5 % for `Low`. Under any overload from above, these are what they keep.
const EARNINGS: [i128; 3] = [0, 100, 50];

enum Slot<T> {
    Free { next: u32 },
    Used(Item<T>),
}

const NONE: u32 = u32::MAX;

/// Items that wait, and who goes next: see the room's description. All operations are O(log n); asking for the head is
/// free of side effects that could change the answer.
pub struct Queue<T> {
    slots: Vec<(u32, Slot<T>)>,
    free: u32,
    classes: [Class; 3],
    weights: BTreeMap<FlowId, Weight>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue::new()
    }
}

impl<T> Queue<T> {
    /// What an item takes here, its entries in the orders not counted.
    #[cfg(test)]
    pub(super) const SLOT_BYTES: usize = size_of::<(u32, Slot<T>)>();

    /// An empty queue.
    #[must_use]
    pub fn new() -> Queue<T> {
        Queue { slots: Vec::new(), free: NONE, classes: Default::default(), weights: BTreeMap::new() }
    }

    /// Puts an item in.
    pub fn push(&mut self, item: Item<T>) -> Key {
        self.insert(item, true)
    }

    /// Puts an item that had been taken back at its old place: its flow and its class are refunded its cost.
    pub fn put_back(&mut self, item: Item<T>) -> Key {
        let (priority, flow, cost) = (item.priority, item.flow, item.cost);
        let key = self.insert(item, false);
        let time = self.weight(flow).virtual_time(cost.max(1));
        self.classes[priority.index()].serve(flow, -time);
        self.pass(priority, cost, false);
        key
    }

    /// The item that is next, without taking it. The same until something is put in, taken, corrected or overdue.
    pub fn head(&mut self, now: Micros) -> Option<(Key, &Item<T>)> {
        let slot = self.next(now)?;
        let (generation, Slot::Used(item)) = self.slots.get(slot as usize)? else { return None };
        Some((Key { slot, generation: *generation }, item))
    }

    /// Takes an item to serve it now: its flow is charged its cost, and classes below it earn their share.
    pub fn take(&mut self, key: Key) -> Option<Item<T>> {
        let item = self.get(key)?;
        let (priority, flow, cost) = (item.priority, item.flow, item.cost);
        let time = self.weight(flow).virtual_time(cost.max(1));
        self.classes[priority.index()].serve(flow, time);
        self.pass(priority, cost, true);
        self.remove(key)
    }

    /// Removes an item that will not be served: nobody is charged.
    pub fn remove(&mut self, key: Key) -> Option<Item<T>> {
        let entry = entry(self.get(key)?, key.slot);
        let priority = self.get(key)?.priority;
        let (generation, slot) = self.slots.get_mut(key.slot as usize)?;
        *generation = generation.wrapping_add(1);
        let Slot::Used(item) = std::mem::replace(slot, Slot::Free { next: self.free }) else { return None };
        self.free = key.slot;
        self.classes[priority.index()].remove(entry);
        Some(item)
    }

    /// An item of this flow was settled: it cost `delta` tokens more (or less) than it was taken for.
    pub fn correct(&mut self, flow: FlowId, priority: Priority, delta: i64) {
        let time = signed(self.weight(flow), delta);
        self.classes[priority.index()].serve(flow, time);
    }

    /// Gives a flow `weight` times the tokens of one of weight 1, from now on. Brought into 0.001 to 1,000.
    pub fn set_weight(&mut self, flow: FlowId, weight: f64) {
        self.weights.insert(flow, Weight::new(weight));
    }

    /// Everything that waits, class by class in the order of the input; the queue is empty afterwards.
    pub fn drain(&mut self) -> Vec<Item<T>> {
        let mut items: Vec<Item<T>> = std::mem::take(&mut self.slots)
            .into_iter()
            .filter_map(|(_, slot)| match slot {
                Slot::Used(item) => Some(item),
                Slot::Free { .. } => None,
            })
            .collect();
        items.sort_by_key(|item| (item.priority, item.seq));
        *self = Queue { weights: std::mem::take(&mut self.weights), ..Queue::new() };
        items
    }

    /// The item behind a key.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&Item<T>> {
        match self.slots.get(key.slot as usize) {
            Some((generation, Slot::Used(item))) if *generation == key.generation => Some(item),
            _ => None,
        }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.iter().map(Class::len).sum()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(Class::is_empty)
    }

    /// How many wait in each class.
    #[must_use]
    pub fn depth(&self) -> [u64; 3] {
        self.classes.each_ref().map(|class| class.len() as u64)
    }

    /// The highest class of which something waits: the head is in its way, whatever its own class is.
    #[must_use]
    pub fn highest(&self) -> Option<Priority> {
        Priority::ALL.into_iter().find(|class| !self.classes[class.index()].is_empty())
    }

    /// How long the oldest of each class has waited.
    #[must_use]
    pub fn oldest(&self, now: Micros) -> [Option<Micros>; 3] {
        self.classes.each_ref().map(|class| class.oldest().map(|queued| now.since(queued)))
    }

    /// Cost of everything that waits in each class, in quota tokens.
    #[must_use]
    pub fn queued_cost(&self) -> [u64; 3] {
        self.classes.each_ref().map(Class::cost)
    }

    fn weight(&self, flow: FlowId) -> Weight {
        self.weights.get(&flow).copied().unwrap_or_default()
    }

    fn insert(&mut self, item: Item<T>, lift: bool) -> Key {
        let (slot, generation) = match self.slots.get(self.free as usize) {
            Some((generation, Slot::Free { next })) => {
                let found = (self.free, *generation);
                self.free = *next;
                found
            }
            _ => {
                self.slots.push((0, Slot::Free { next: NONE }));
                (self.slots.len() as u32 - 1, 0)
            }
        };
        self.classes[item.priority.index()].insert(entry(&item, slot), lift);
        if let Some(place) = self.slots.get_mut(slot as usize) {
            place.1 = Slot::Used(item);
        }
        Key { slot, generation }
    }

    /// A class that has earned the cost of its head goes first, the lowest before the others; else the highest that waits.
    fn next(&mut self, now: Micros) -> Option<u32> {
        let mut first = None;
        for (class, share) in self.classes.iter_mut().zip(EARNINGS) {
            let Some(slot) = class.head(now) else { continue };
            let Some((_, Slot::Used(item))) = self.slots.get(slot as usize) else { continue };
            let paid = share > 0 && class.earned >= i128::from(item.cost.max(1)) * 1_000;
            if first.is_none() || paid {
                first = Some(slot);
            }
        }
        first
    }

    /// `cost` tokens of a class pass (or, taken back, do not pass) the classes below it. A class with someone waiting above
    /// it was served from its earnings.
    fn pass(&mut self, priority: Priority, cost: u64, forward: bool) {
        let cost = i128::from(cost.max(1));
        let sign = if forward { 1 } else { -1 };
        let index = priority.index();
        if self.classes[..index].iter().any(|class| !class.is_empty()) {
            self.classes[index].earned -= sign * cost * 1_000;
        }
        for (class, share) in self.classes.iter_mut().zip(EARNINGS).skip(index + 1) {
            if !class.is_empty() {
                class.earned += sign * cost * share;
            }
        }
    }
}

fn entry<T>(item: &Item<T>, slot: u32) -> Entry {
    Entry { flow: item.flow, seq: item.seq, slot, cost: item.cost, deadline: item.deadline, queued: item.queued }
}
