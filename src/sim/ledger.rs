//! What the simulator has seen and charged, for comparison with what the client believes.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Usage, Usd};

use super::route::Operation;

/// The simulator's books at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Every scope (Region and bucket) that has a quota or was called.
    pub scopes: Vec<ScopeLedger>,
    /// What batch jobs have used, apart from every scope: they count against no on-demand quota and cost half.
    pub batch: Vec<BatchLedger>,
    /// Requests that reached their operation, refused or not.
    pub operations: BTreeMap<Operation, u64>,
    /// Error replies by exception name. Resets and closed connections are no replies.
    pub errors: BTreeMap<String, u64>,
    /// Access key ids seen in signatures, 64 at most.
    pub access_keys: BTreeSet<String>,
    /// Requests that carried a watched text; see [`Simulator::watch`](super::Simulator::watch).
    pub watched: BTreeMap<String, u64>,
}

/// The batch jobs of one model in one Region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchLedger {
    /// Region.
    pub region: String,
    /// The model id as the jobs name it.
    pub model: String,
    /// Jobs, whatever their state.
    pub jobs: u64,
    /// Records done well.
    pub succeeded: u64,
    /// Records done with an error.
    pub failed: u64,
    /// Tokens of the records.
    pub used: Usage,
    /// At half the on-demand price; `None`: not known.
    pub cost: Option<Usd>,
}

/// The books of one scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScopeLedger {
    /// Region.
    pub region: String,
    /// The metered id, or the ARN of a provisioned model.
    pub bucket: String,
    /// Requests admitted: those in flight, completed and abandoned.
    pub admitted: u64,
    /// Requests whose reply was generated to its end, delivered or not.
    pub completed: u64,
    /// Requests that the client left while their reply was generated; charged for what was.
    pub abandoned: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests refused by requests per minute.
    pub rejected_rpm: u64,
    /// Requests refused by tokens per minute.
    pub rejected_tpm: u64,
    /// Requests refused by tokens per day, the scope's or the account's.
    pub rejected_tpd: u64,
    /// Quota tokens settled.
    pub settled: u64,
    /// Quota tokens charged for what is in flight.
    pub held: u64,
    /// Tokens of settled requests.
    pub used: Usage,
    /// Requests left, if there is such a quota.
    pub rpm_level: Option<i64>,
    /// Quota tokens left, if there is such a quota; negative: debt.
    pub tpm_level: Option<i64>,
    /// Output tokens left of a provisioned model, whose `tpm_level` is the input's.
    pub output_tpm_level: Option<i64>,
    /// Quota tokens used today.
    pub tpd_used: u64,
}

impl ScopeLedger {
    /// Requests refused by any meter.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected_rpm + self.rejected_tpm + self.rejected_tpd
    }
}

impl Ledger {
    /// The books of one scope, if it has a quota or was called.
    #[must_use]
    pub fn scope(&self, region: &str, bucket: &str) -> Option<&ScopeLedger> {
        self.scopes.iter().find(|scope| scope.region == region && scope.bucket == bucket)
    }

    /// Requests of an operation.
    #[must_use]
    pub fn requests(&self, operation: Operation) -> u64 {
        self.operations.get(&operation).copied().unwrap_or(0)
    }

    /// Error replies of this exception name.
    #[must_use]
    pub fn errors(&self, code: &str) -> u64 {
        self.errors.get(code).copied().unwrap_or(0)
    }
}
