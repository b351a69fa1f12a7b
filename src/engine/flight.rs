//! What is under way: attempts in flight, what they tell, and retries that wait for their time.

use tokio::task::AbortHandle;

use crate::bedrock::Attempt;
use crate::record::{Micros, ModelId};

use super::load::Work;
use super::metering::Tickets;
use super::router::Quote;

/// An attempt in flight.
pub(super) struct InFlight {
    pub work: Work,
    pub route: usize,
    pub tickets: Tickets,
    pub quote: Quote,
    pub sent: Micros,
    pub stream: bool,
    pub probe: bool,
    pub unparks: bool,
    pub abort: AbortHandle,
}

/// What the dispatcher is told by the attempts that it started.
pub(super) enum News {
    /// A stream has brought this much output text so far.
    Progress { id: u64, text_bytes: u64 },
    /// It is over.
    Ended { id: u64, attempt: Attempt },
    /// The service has counted a body's tokens, or has not.
    Counted { model: ModelId, kind: u8, raw: u64, tokens: Option<u64> },
}

/// A retry that is due at a time.
pub(super) struct Retry {
    pub due: Micros,
    pub work: Work,
}

impl PartialEq for Retry {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due && self.work.record.seq == other.work.record.seq
    }
}
impl Eq for Retry {}
impl PartialOrd for Retry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Retry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.work.record.seq).cmp(&(other.due, other.work.record.seq))
    }
}
