//! What the queue promises.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::record::{FlowId, Micros, Priority};

const NOW: Micros = Micros::from_secs(1_000);

fn item(seq: u64, priority: Priority, flow: u16, cost: u64) -> Item<u64> {
    Item { value: seq, priority, flow: FlowId(flow), seq, cost, deadline: None, queued: Micros(seq) }
}

fn next(queue: &mut Queue<u64>) -> Option<Item<u64>> {
    let (key, _) = queue.head(NOW)?;
    queue.take(key)
}

fn any_item() -> impl Strategy<Value = (usize, u16, u64, Option<u64>)> {
    (
        0usize..3,
        0u16..4,
        prop_oneof![6 => 0u64..50_000, 1 => any::<u64>()],
        prop::option::of(900_000_000u64..1_100_000_000),
    )
}

fn filled(items: &[(usize, u16, u64, Option<u64>)]) -> Queue<u64> {
    let mut queue = Queue::new();
    for (seq, &(class, flow, cost, deadline)) in items.iter().enumerate() {
        let mut item = item(seq as u64, Priority::ALL[class], flow, cost);
        item.deadline = deadline.map(Micros);
        queue.push(item);
    }
    queue
}

fn order(queue: &mut Queue<u64>) -> Vec<u64> {
    std::iter::from_fn(|| next(queue)).map(|item| item.value).collect()
}

#[test]
fn equals_go_in_the_order_of_the_input_and_deadlines_first() {
    let mut queue = Queue::new();
    for seq in [4, 2, 3, 1] {
        queue.push(item(seq, Priority::Medium, 0, 10));
    }
    for (seq, deadline) in [(10, 2_000), (11, 1_500), (12, 900)] {
        queue.push(Item { deadline: Some(Micros::from_secs(deadline)), ..item(seq, Priority::Medium, 0, 10) });
    }
    // The deadline of 12 has passed: it is one of the others.
    assert_eq!(order(&mut queue), [11, 10, 1, 2, 3, 4, 12]);
}

#[test]
fn high_goes_first_and_a_flow_that_was_idle_cannot_hoard() {
    let mut queue = Queue::new();
    for seq in 0..10 {
        queue.push(item(seq, Priority::Low, 0, 100));
    }
    for _ in 0..5 {
        next(&mut queue);
    }
    for seq in 10..20 {
        queue.push(item(seq, Priority::Low, 1, 100));
    }
    let flows: Vec<u16> = (0..6).filter_map(|_| next(&mut queue)).map(|item| item.flow.0).collect();
    assert_eq!(flows, [0, 1, 0, 1, 0, 1], "from now on in turn");
    queue.push(item(99, Priority::High, 7, 1_000_000));
    assert_eq!(next(&mut queue).map(|item| item.value), Some(99));
}

#[test]
fn a_settlement_above_the_estimate_is_paid_by_its_flow() {
    let mut queue = Queue::new();
    for seq in 0..20 {
        queue.push(item(seq, Priority::Medium, (seq % 2) as u16, 100));
    }
    let first = next(&mut queue).expect("something waits");
    queue.correct(first.flow, first.priority, 300);
    let flows: Vec<u16> = (0..4).filter_map(|_| next(&mut queue)).map(|item| item.flow.0).collect();
    assert_eq!(flows, [1, 1, 1, 1]);
}

#[test]
fn weights_divide_a_class() {
    let mut queue = Queue::new();
    queue.set_weight(FlowId(1), 3.0);
    for seq in 0..400 {
        queue.push(item(seq, Priority::Medium, (seq % 2) as u16, 100));
    }
    let heavy = (0..200).filter_map(|_| next(&mut queue)).filter(|item| item.flow == FlowId(1)).count();
    assert!((148..=152).contains(&heavy), "{heavy} of 200");
}

#[test]
fn a_used_key_finds_nothing() {
    let mut queue = Queue::new();
    let key = queue.push(item(1, Priority::High, 0, 1));
    assert!(queue.get(key).is_some());
    assert!(queue.take(key).is_some());
    assert!(queue.take(key).is_none() && queue.remove(key).is_none() && queue.get(key).is_none());
    let again = queue.push(item(2, Priority::High, 0, 1));
    assert!(queue.take(key).is_none(), "the slot is the same, the generation is not");
    assert_eq!(queue.remove(again).map(|item| item.value), Some(2));
}

#[test]
fn drain_empties_class_by_class() {
    let mut queue = filled(&[(2, 0, 5, None), (0, 1, 5, None), (1, 0, 5, None), (0, 0, 5, None)]);
    let values: Vec<u64> = queue.drain().into_iter().map(|item| item.value).collect();
    assert_eq!(values, [1, 3, 2, 0]);
    assert!(queue.is_empty() && queue.head(NOW).is_none() && queue.queued_cost() == [0; 3]);
}

/// Every class always has something waiting: high takes nearly all, nobody is starved.
#[test]
fn under_overload_each_class_keeps_its_share() {
    let mut queue = Queue::new();
    let mut served = BTreeMap::from([(Priority::High, 0), (Priority::Medium, 0), (Priority::Low, 0)]);
    let cost = |seq: u64| 500 + seq * 7_919 % 4_000;
    for seq in 0..30 {
        queue.push(item(seq, Priority::ALL[seq as usize % 3], 0, cost(seq)));
    }
    for seq in 30..6_000 {
        let item = next(&mut queue).expect("always backlogged");
        *served.get_mut(&item.priority).expect("all classes") += item.cost;
        queue.push(super::tests::item(seq, item.priority, 0, cost(seq)));
    }
    let total: u64 = served.values().sum();
    let share = |class| served[&class] as f64 / total as f64;
    assert!(share(Priority::High) > 0.84, "{served:?}");
    assert!(share(Priority::Medium) > 0.08, "{served:?}");
    assert!(share(Priority::Low) > 0.04, "{served:?}");
}

#[test]
fn the_highest_class_is_told_whoever_goes_first() {
    let mut queue = Queue::new();
    assert_eq!(queue.highest(), None);
    for seq in 0..100 {
        queue.push(item(seq, if seq < 20 { Priority::Low } else { Priority::High }, 0, 100));
    }
    // Low goes first now and then: it has earned it.
    let first: Vec<Priority> = (0..50)
        .map(|_| {
            assert_eq!(queue.highest(), Some(Priority::High));
            next(&mut queue).unwrap().priority
        })
        .collect();
    assert!(first.contains(&Priority::Low), "{first:?}");
}

#[test]
fn a_waiting_item_is_small() {
    // One slot, and its entries in the order of its flow and in the order of age; a B-tree node is at least half full.
    let orders = size_of::<(Micros, u64, u32)>().max(size_of::<(u64, u32)>()) + size_of::<(Micros, u32)>();
    assert!(Queue::<Box<u64>>::SLOT_BYTES + 2 * orders <= 160, "{} + 2 * {orders}", Queue::<Box<u64>>::SLOT_BYTES);
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize, u16, u64, Option<u64>),
    Take,
    PutBack,
    Remove(usize),
    Correct(u16, usize, i64),
    Weight(u16, f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any_item().prop_map(|(class, flow, cost, deadline)| Step::Push(class, flow, cost, deadline)),
        4 => Just(Step::Take),
        2 => Just(Step::PutBack),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => (0u16..4, 0usize..3, any::<i64>()).prop_map(|(flow, class, delta)| Step::Correct(flow, class, delta)),
        1 => (0u16..4, any::<f64>()).prop_map(|(flow, weight)| Step::Weight(flow, weight)),
    ]
}

proptest! {
    /// Against a plain map: nothing is lost or doubled, and the figures are those of what waits.
    #[test]
    fn everything_is_taken_exactly_once(steps in vec(step(), 0..150)) {
        let mut queue = Queue::new();
        let mut waiting: BTreeMap<u64, (Key, Item<u64>)> = BTreeMap::new();
        let mut taken: Vec<Item<u64>> = Vec::new();
        for (seq, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(class, flow, cost, deadline) => {
                    let mut new = item(seq as u64, Priority::ALL[class], flow, cost);
                    new.deadline = deadline.map(Micros);
                    waiting.insert(new.seq, (queue.push(new), new));
                }
                Step::Take => {
                    let head = queue.head(NOW).map(|(key, item)| (key, *item));
                    prop_assert_eq!(queue.head(NOW).map(|(key, item)| (key, *item)), head, "the head stands");
                    prop_assert_eq!(head.is_none(), waiting.is_empty());
                    if let Some((key, item)) = head {
                        prop_assert_eq!(queue.take(key), Some(item));
                        prop_assert_eq!(waiting.remove(&item.seq), Some((key, item)));
                        taken.push(item);
                    }
                }
                Step::PutBack => {
                    if let Some(item) = taken.pop() {
                        waiting.insert(item.seq, (queue.put_back(item), item));
                    }
                }
                Step::Remove(which) => {
                    let seq = waiting.keys().copied().nth(which % waiting.len().max(1));
                    if let Some((key, item)) = seq.and_then(|seq| waiting.remove(&seq)) {
                        prop_assert_eq!(queue.remove(key), Some(item));
                    }
                }
                Step::Correct(flow, class, delta) => queue.correct(FlowId(flow), Priority::ALL[class], delta),
                Step::Weight(flow, weight) => queue.set_weight(FlowId(flow), weight),
            }
            for class in Priority::ALL {
                let inside = || waiting.values().map(|(_, item)| item).filter(|item| item.priority == class);
                prop_assert_eq!(queue.depth()[class.index()], inside().count() as u64);
                let cost = inside().fold(0u128, |sum, item| sum + u128::from(item.cost));
                prop_assert_eq!(queue.queued_cost()[class.index()], u64::try_from(cost).unwrap_or(u64::MAX));
                let oldest = inside().map(|item| NOW.since(item.queued)).max();
                prop_assert_eq!(queue.oldest(NOW)[class.index()], oldest);
            }
            prop_assert_eq!(queue.len(), waiting.len());
        }
        let mut left: Vec<u64> = order(&mut queue);
        left.sort_unstable();
        prop_assert_eq!(left, waiting.into_keys().collect::<Vec<_>>());
    }

    #[test]
    fn what_is_put_back_is_where_it_was(items in vec(any_item(), 1..60), skip in 0usize..60) {
        let (mut plain, mut disturbed) = (filled(&items), filled(&items));
        for _ in 0..skip % items.len() {
            next(&mut plain);
            next(&mut disturbed);
        }
        if let Some(item) = next(&mut disturbed) {
            disturbed.put_back(item);
        }
        prop_assert_eq!(order(&mut plain), order(&mut disturbed));
    }

    /// Two backlogged flows: what they were given, by weight, differs by at most one item (VTC's bound).
    #[test]
    fn flows_are_fair_in_tokens(costs in vec((1u64..5_000, 1u64..5_000), 20..80), weight in 0.2f64..5.0) {
        let mut queue = Queue::new();
        queue.set_weight(FlowId(1), weight);
        for (seq, &(a, b)) in costs.iter().enumerate() {
            queue.push(item(2 * seq as u64, Priority::Medium, 0, a));
            queue.push(item(2 * seq as u64 + 1, Priority::Medium, 1, b));
        }
        let mut given = [0.0f64; 2];
        let mut waiting = [costs.len(); 2];
        while let Some(item) = next(&mut queue) {
            let flow = usize::from(item.flow.0);
            given[flow] += item.cost as f64 / [1.0, weight][flow];
            waiting[flow] -= 1;
            if waiting.contains(&0) {
                break;
            }
            let bound = 5_000.0f64.max(5_000.0 / weight) * 1.01;
            prop_assert!((given[0] - given[1]).abs() <= bound, "{:?}", given);
        }
    }
}
