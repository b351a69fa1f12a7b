//! The clients that are compared: one trait, one file each.
//!
//! A policy decides when the head of its queue is sent and what becomes of a refused request. It sees what a client sees:
//! its own requests, their outcomes and the time. It never sees the server.

pub mod gcra;
pub mod gradient;
pub mod ours;
pub mod pacer;
mod retry;
mod round_robin;
pub mod sdk_adaptive;
pub mod standard;

use rand_chacha::ChaCha8Rng;

use crate::record::{Micros, Priority};

/// What a policy knows of a request before it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    /// Names the request; unique within a run.
    pub id: u32,
    /// Prompt tokens as the client estimates them, cached ones included.
    pub input: u64,
    /// `max_tokens` of the request.
    pub max_tokens: u64,
    /// Its class.
    pub priority: Priority,
    /// Attempts made for it so far.
    pub attempts: u32,
}

/// What a client was told about the service before it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Quota tokens per minute, if the quota is configured.
    pub tpm: Option<u64>,
    /// Requests per minute, if there is such a quota and it is configured.
    pub rpm: Option<u64>,
    /// Whether there is an RPM quota at all.
    pub has_rpm: bool,
    /// Quota tokens at which an output token is settled.
    pub burndown: u32,
    /// Regions that may be sent to, each with these quotas.
    pub regions: usize,
}

/// May the head of the queue go?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Now, to this Region.
    Go {
        /// Index of the Region.
        region: usize,
    },
    /// Not before this moment, which is later than now; ask again then, or when anything has happened.
    Wait(Micros),
}

/// What the service charged for a request that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Prompt tokens, cached ones included, as the service counted them.
    pub input: u64,
    /// Output tokens; `None`: the reply carried no usage.
    pub output: Option<u64>,
    /// Quota tokens charged, by the documented formula; `None` without usage.
    pub charged: Option<u64>,
    /// From send to the last byte.
    pub latency: Micros,
}

/// Why the service refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// 429, "Too many requests".
    Rpm,
    /// 429, "Too many tokens".
    Tpm,
    /// 429, "Too many tokens per day".
    Tpd,
    /// 503: the Region has no capacity.
    Capacity,
}

/// What becomes of a refused request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Back to its place in the queue: it goes when the policy says so.
    Requeue,
    /// Sent again after this long.
    After(Micros),
    /// It has failed.
    GiveUp,
}

/// A client's way of sending.
pub trait Policy {
    /// May this request, the head of the queue, go now? Asked again whenever something has happened.
    fn ask(&mut self, ask: &Ask, now: Micros) -> Answer;

    /// It is sent now to this Region.
    fn sent(&mut self, ask: &Ask, region: usize, now: Micros);

    /// Its reply is complete.
    fn served(&mut self, ask: &Ask, served: Served, now: Micros);

    /// It was refused; what becomes of it. `rng` is for jitter.
    fn refused(&mut self, ask: &Ask, why: Refused, now: Micros, rng: &mut ChaCha8Rng) -> Next;

    /// A stream has produced so many output tokens so far. Most clients do not care.
    fn progress(&mut self, _ask: &Ask, _output: u64, _now: Micros) {}

    /// The operator turns a knob (the how-manieth time): only clients with knobs care.
    fn retune(&mut self, _turn: u32, _now: Micros) {}

    /// The quota that it holds now to be right, tokens per minute, if it has such a notion.
    fn believes(&self, _now: Micros) -> Option<f64> {
        None
    }

    /// Whether it has classes and flows; otherwise its queue is first in, first out.
    fn has_classes(&self) -> bool {
        false
    }
}
