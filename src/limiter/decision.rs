//! What the limiter is asked, and what it answers.

use serde::{Deserialize, Serialize};

use crate::record::Micros;

use super::{QuotaLimit, Why};

/// Names a scope of one limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(super) u32);

/// An admitted attempt, to be settled, rejected or released exactly once. A ticket that was used up, or that belongs
/// to another limiter, is ignored: generations are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// The quotas of a scope, as configured or discovered: what the service enforces, before our share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeQuota {
    /// Requests per minute.
    pub rpm: QuotaLimit,
    /// Quota tokens per minute.
    pub tpm: QuotaLimit,
    /// Quota tokens per UTC day.
    pub tpd: QuotaLimit,
    /// Weight of an output token at settlement (1, 5, 10, 15; facts §2.2.4). For the record: costs come in weighted.
    pub burndown: u32,
}

impl Default for ScopeQuota {
    fn default() -> Self {
        ScopeQuota { rpm: QuotaLimit::Unknown, tpm: QuotaLimit::Unknown, tpd: QuotaLimit::Unknown, burndown: 1 }
    }
}

/// What an attempt costs, in quota tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// What the service reserves at admission (facts §2.2.1).
    pub hold: u64,
    /// What it is expected to charge in the end (facts §2.2.3); above `hold` where the burndown is heavy.
    pub expect: u64,
}

/// May this attempt be sent now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes: [`admit`](super::Limiter::admit) it.
    Admit,
    /// Not before `until`, which is later than now and exact if nothing else happens.
    Wait {
        /// When to ask again.
        until: Micros,
        /// What holds it longest.
        why: Why,
    },
    /// It can never go in this scope.
    Never {
        /// What stands in its way.
        why: Why,
    },
}

/// Which meter a 429 blamed (facts §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reject {
    /// "Too many requests".
    Rpm,
    /// "Too many tokens".
    Tpm,
    /// "Too many tokens per day".
    Tpd,
    /// A throttle that does not say which.
    Unspecified,
}
