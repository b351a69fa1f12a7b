//! Where each line of a file is and what its record needs, in 24 bytes.

use crate::record::{Family, Priority};

use super::line::{Deadline, Facts};

/// The most lines that one input may have.
pub const MAX_LINES: usize = u32::MAX as usize - 1;

/// One line, packed: offset 40 bits, length 25, and so on; see [`Entry::pack`].
#[derive(Clone, Copy, Debug)]
struct Packed {
    offset_and_marks: u64,
    length: u32,
    line: u32,
    raw_input: u32,
    max_tokens: u32,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length in bytes, without the newline.
    pub length: u32,
    /// Its number, from 1.
    pub line: u32,
    /// What its record needs; `None` for a line that cannot be a record. The deadline is kept apart.
    pub facts: Option<Facts>,
}

const OFFSET_BITS: u32 = 48;
const BAD: u64 = 1 << 63;
const PRIORITY_SHIFT: u32 = 60;
const FAMILY_SHIFT: u32 = 48;
const KIND_SHIFT: u32 = 56;
const NO_LIMIT: u32 = u32::MAX;

impl Entry {
    /// Token counts saturate at 2³²−2, beyond every limit there is.
    fn pack(&self) -> Packed {
        let saturated = |n: u64| u32::try_from(n).unwrap_or(NO_LIMIT).min(NO_LIMIT - 1);
        let mut marks = self.offset & ((1 << OFFSET_BITS) - 1);
        let (mut raw_input, mut max_tokens) = (0, NO_LIMIT);
        match self.facts {
            None => marks |= BAD,
            Some(facts) => {
                marks |= (facts.family.index() as u64) << FAMILY_SHIFT;
                marks |= (facts.priority.index() as u64) << PRIORITY_SHIFT;
                marks |= u64::from(facts.text_kind & 15) << KIND_SHIFT;
                raw_input = saturated(facts.raw_input);
                max_tokens = facts.max_tokens.map_or(NO_LIMIT, saturated);
            }
        }
        Packed { offset_and_marks: marks, length: self.length, line: self.line, raw_input, max_tokens }
    }
}

impl Packed {
    fn priority(self) -> Priority {
        Priority::ALL[((self.offset_and_marks >> PRIORITY_SHIFT & 3) as usize).min(2)]
    }

    fn is_bad(self) -> bool {
        self.offset_and_marks & BAD != 0
    }
}

/// All lines of a file that are not blank, by their `seq`.
#[derive(Debug, Default)]
pub struct Index {
    lines: Vec<Packed>,
    /// Ascending by `seq`.
    deadlines: Vec<(u32, Deadline)>,
    /// Lines whose name belongs to an earlier line: `(seq, the earlier line's number)`, ascending.
    repeats: Vec<(u32, u32)>,
}

impl Index {
    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds the next line.
    pub fn push(&mut self, entry: &Entry) {
        if let Some(deadline) = entry.facts.and_then(|facts| facts.deadline) {
            self.deadlines.push((self.lines.len() as u32, deadline));
        }
        self.lines.push(entry.pack());
    }

    /// Marks the line added last as one whose name belongs to `earlier`.
    pub fn mark_repeat(&mut self, earlier: u32) {
        let seq = self.lines.len().saturating_sub(1) as u32;
        if let Some(last) = self.lines.last_mut() {
            last.offset_and_marks |= BAD;
            self.repeats.push((seq, earlier));
        }
        if self.deadlines.last().is_some_and(|(at, _)| *at == seq) {
            self.deadlines.pop();
        }
    }

    /// The line number that has the name of line `seq`, if that is an earlier one.
    #[must_use]
    pub fn repeat_of(&self, seq: u32) -> Option<u32> {
        let at = self.repeats.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        Some(self.repeats[at].1)
    }

    /// The line with this number, counted from 1 with the blank ones.
    #[must_use]
    pub fn find_line(&self, line: u64) -> Option<u32> {
        let line = u32::try_from(line).ok()?;
        self.lines.binary_search_by_key(&line, |packed| packed.line).ok().map(|seq| seq as u32)
    }

    /// A line.
    #[must_use]
    pub fn get(&self, seq: u32) -> Entry {
        let packed = self.lines[seq as usize];
        let facts = (!packed.is_bad()).then(|| Facts {
            priority: packed.priority(),
            deadline: self.deadlines.binary_search_by_key(&seq, |(seq, _)| *seq).ok().map(|at| self.deadlines[at].1),
            family: Family::ALL[((packed.offset_and_marks >> FAMILY_SHIFT & 15) as usize).min(Family::ALL.len() - 1)],
            max_tokens: (packed.max_tokens != NO_LIMIT).then_some(u64::from(packed.max_tokens)),
            raw_input: u64::from(packed.raw_input),
            text_kind: (packed.offset_and_marks >> KIND_SHIFT & 15) as u8,
        });
        Entry {
            offset: packed.offset_and_marks & ((1 << OFFSET_BITS) - 1),
            length: packed.length,
            line: packed.line,
            facts,
        }
    }

    /// The order in which the lines are to be read: unusable ones first, then by class, deadline and place.
    /// `due` gives a deadline as a comparable moment, `skip` leaves lines out.
    #[must_use]
    pub fn order(&self, due: impl Fn(Deadline) -> u64, skip: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.lines.len() as u32).filter(|seq| !skip(*seq)).collect();
        if self.deadlines.is_empty() {
            let class = |seq: &u32| {
                let line = self.lines[*seq as usize];
                if line.is_bad() { 0 } else { 1 + line.priority().index() as u32 }
            };
            if !order.is_sorted_by_key(class) {
                order.sort_by_key(class);
            }
        } else {
            order.sort_by_cached_key(|seq| match self.get(*seq).facts {
                None => (0, 0),
                Some(facts) => (1 + facts.priority.index(), facts.deadline.map_or(u64::MAX, &due)),
            });
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Micros;

    fn facts() -> impl Strategy<Value = Facts> {
        (
            0usize..3,
            prop::option::of(0u64..1 << 40),
            any::<bool>(),
            prop::option::of(0u64..1 << 20),
            0u64..1 << 24,
            0u8..16,
        )
            .prop_map(|(class, deadline, invoke, max_tokens, raw_input, text_kind)| Facts {
                priority: Priority::ALL[class],
                deadline: deadline.map(|micros| Deadline::After(Micros(micros))),
                family: if invoke { Family::Nova } else { Family::Converse },
                max_tokens,
                raw_input,
                text_kind,
            })
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let entry = (0u64..1 << OFFSET_BITS, 0u32..1 << 25, 1u32..u32::MAX, prop::option::of(facts()))
            .prop_map(|(offset, length, line, facts)| Entry { offset, length, line, facts });
        prop::collection::vec(entry, 0..40)
    }

    #[test]
    fn a_line_takes_24_bytes() {
        assert_eq!(size_of::<Packed>(), 24);
    }

    #[test]
    fn counts_beyond_every_limit_saturate() {
        let facts = Facts {
            priority: Priority::Low,
            deadline: None,
            family: Family::Llama,
            max_tokens: Some(u64::MAX),
            raw_input: u64::MAX,
            text_kind: 15,
        };
        let mut index = Index::default();
        index.push(&Entry { offset: 1, length: 2, line: 3, facts: Some(facts) });
        let kept = index.get(0).facts.unwrap();
        assert_eq!((kept.max_tokens, kept.raw_input), (Some(4_294_967_294), 4_294_967_294));
    }

    #[test]
    fn a_repeat_is_no_record() {
        let facts = Facts {
            priority: Priority::High,
            deadline: Some(Deadline::After(Micros(1))),
            family: Family::Converse,
            max_tokens: None,
            raw_input: 1,
            text_kind: 0,
        };
        let mut index = Index::default();
        index.push(&Entry { offset: 0, length: 1, line: 1, facts: Some(facts) });
        index.push(&Entry { offset: 5, length: 1, line: 2, facts: Some(facts) });
        index.mark_repeat(1);
        assert_eq!((index.repeat_of(0), index.repeat_of(1)), (None, Some(1)));
        assert_eq!((index.get(0).facts, index.get(1).facts), (Some(facts), None));
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(entries in entries()) {
            let mut index = Index::default();
            entries.iter().for_each(|entry| index.push(entry));
            for (seq, entry) in entries.iter().enumerate() {
                prop_assert_eq!(&index.get(seq as u32), entry);
            }
        }

        #[test]
        fn the_order_is_class_deadline_place(entries in entries(), skip in 0u32..5) {
            let mut index = Index::default();
            entries.iter().for_each(|entry| index.push(entry));
            let due = |deadline| match deadline { Deadline::After(span) => span.0, Deadline::At(_) => 0 };
            let order = index.order(due, |seq| seq % 5 == skip);
            let key = |seq: &u32| {
                let facts = entries[*seq as usize].facts;
                (
                    facts.map(|facts| facts.priority),
                    facts.map(|facts| facts.deadline.map_or(u64::MAX, due)),
                    *seq,
                )
            };
            prop_assert!(order.is_sorted_by_key(key));
            prop_assert_eq!(order.len(), (0..entries.len() as u32).filter(|seq| seq % 5 != skip).count());
        }
    }
}
