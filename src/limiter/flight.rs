//! Attempts in flight, in a slab whose slots know their generation: a ticket can be used once.

use crate::record::Micros;

use super::Ticket;

/// What must be remembered of an attempt in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// Index of its scope.
    pub(super) scope: u32,
    /// Its place among all sends of the scope.
    pub(super) order: u64,
    /// When it was sent.
    pub(super) sent: Micros,
    /// What the server reserved for it.
    pub(super) hold: u64,
    /// What it was expected to settle.
    pub(super) expect: u64,
    /// What the mirror charges for it now: its hold, or more once a stream has used more.
    pub(super) posted: u64,
    /// What the pace charges for it now.
    pub(super) paced: u64,
    /// Tokens: what the ledgers said when it was sent.
    pub(super) tokens: Mark,
    /// Requests: the same.
    pub(super) requests: Mark,
}

/// What a dimension's ledgers said when an attempt was sent, before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    /// What had been posted.
    pub(super) posted: Posted,
    /// Net charge of the 60 s before: what any window of a minute holds at least.
    pub(super) window: i64,
    /// The same with a margin: what it holds at most.
    pub(super) wide: i64,
    /// The mirror's level.
    pub(super) level: i64,
}

/// Everything posted to a meter so far, in units, modulo 2^64: only differences mean something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Posted {
    /// Holds and the corrections that followed.
    net: u64,
    /// Holds alone.
    held: u64,
    /// Holds that were rejected.
    rejected: u64,
}

impl Posted {
    pub(super) fn send(&mut self, hold: u64) {
        self.net = self.net.wrapping_add(hold);
        self.held = self.held.wrapping_add(hold);
    }

    pub(super) fn correct(&mut self, before: u64, after: u64) {
        self.net = self.net.wrapping_add(after).wrapping_sub(before);
    }

    /// A send was rejected, of whose hold the service kept so much.
    pub(super) fn reject(&mut self, hold: u64, kept: u64) {
        self.net = self.net.wrapping_add(kept);
        self.rejected = self.rejected.wrapping_add(hold);
    }

    /// Holds that were rejected since then.
    pub(super) fn rejected_since(self, then: Posted) -> f64 {
        self.rejected.wrapping_sub(then.rejected) as f64
    }

    /// A send that was never charged.
    pub(super) fn unpost(&mut self, hold: u64, charge: u64) {
        self.net = self.net.wrapping_sub(charge);
        self.held = self.held.wrapping_sub(hold);
    }

    /// Net charge and holds since then.
    pub(super) fn since(self, then: Posted) -> (f64, f64) {
        let signed = |now: u64, then: u64| now.wrapping_sub(then).cast_signed() as f64;
        (signed(self.net, then.net), signed(self.held, then.held))
    }
}

enum Slot {
    Free { generation: u32, next: u32 },
    Used { generation: u32, attempt: Attempt },
}

const NONE: u32 = u32::MAX;

/// The slab.
pub(super) struct Flight {
    slots: Vec<Slot>,
    free: u32,
}

impl Flight {
    pub(super) fn new() -> Flight {
        Flight { slots: Vec::new(), free: NONE }
    }

    pub(super) fn insert(&mut self, attempt: Attempt) -> Ticket {
        if let Some(slot @ &mut Slot::Free { generation, next }) = self.slots.get_mut(self.free as usize) {
            let ticket = Ticket { slot: self.free, generation };
            *slot = Slot::Used { generation, attempt };
            self.free = next;
            return ticket;
        }
        let slot = self.slots.len() as u32;
        self.slots.push(Slot::Used { generation: 0, attempt });
        Ticket { slot, generation: 0 }
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Attempt> {
        match self.slots.get_mut(ticket.slot as usize) {
            Some(Slot::Used { generation, attempt }) if *generation == ticket.generation => Some(attempt),
            _ => None,
        }
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Attempt> {
        let slot = self.slots.get_mut(ticket.slot as usize)?;
        match slot {
            Slot::Used { generation, attempt } if *generation == ticket.generation => {
                let attempt = *attempt;
                *slot = Slot::Free { generation: ticket.generation.wrapping_add(1), next: self.free };
                self.free = ticket.slot;
                Some(attempt)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(order: u64) -> Attempt {
        Attempt {
            scope: 0,
            order,
            sent: Micros::ZERO,
            hold: 1,
            expect: 1,
            posted: 1,
            paced: 1,
            tokens: Mark::default(),
            requests: Mark::default(),
        }
    }

    #[test]
    fn a_ticket_works_once_and_its_slot_is_used_again() {
        let mut flight = Flight::new();
        let first = flight.insert(attempt(1));
        assert_eq!(flight.remove(first).map(|attempt| attempt.order), Some(1));
        assert!(flight.remove(first).is_none());
        let second = flight.insert(attempt(2));
        assert_eq!(second.slot, first.slot);
        assert!(flight.get_mut(first).is_none());
        assert_eq!(flight.get_mut(second).map(|attempt| attempt.order), Some(2));
    }
}
