//! What waits.

use crate::record::{FlowId, Micros, Priority};

/// Something that waits, and what the queue must know of it. The value should be small or a pointer: it is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<T> {
    /// What it is.
    pub value: T,
    /// Its class.
    pub priority: Priority,
    /// Its source of work, among which the class is fair.
    pub flow: FlowId,
    /// Its place in the input: who goes first among equals.
    pub seq: u64,
    /// What it is expected to cost, in quota tokens.
    pub cost: u64,
    /// When its result is wanted.
    pub deadline: Option<Micros>,
    /// When it was queued first.
    pub queued: Micros,
}

/// Names a queued item until it is taken or removed; a stale key finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub(super) slot: u32,
    pub(super) generation: u32,
}
