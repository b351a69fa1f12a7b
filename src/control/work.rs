//! Work in progress: what the control room is doing and how far it is.

use serde::{Deserialize, Serialize};

use crate::bedrock::QuotaRequest;
use crate::record::{Tokens, Usd};

/// One order and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The number of the [`super::ControlCommand`].
    pub id: u64,
    /// What it is, for people: `submit nightly-1`.
    pub title: String,
    /// Since when, milliseconds since 1970.
    pub since_ms: i64,
    /// How far it is.
    pub stage: Stage,
}

/// How far an order is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waits for a free job slot.
    Waiting {
        /// For what, for people.
        reason: String,
    },
    /// At it.
    Busy {
        /// `checking`, `uploading`, `creating`, `downloading`, `joining`, ...
        doing: String,
        /// Bytes or records done.
        done: u64,
        /// Of how many; 0: not known.
        total: u64,
    },
    /// Done.
    Done(Outcome),
    /// It did not work: the service's words, the missing action, the remedy.
    Failed {
        /// One line.
        reason: String,
        /// What exists nevertheless and how to go on.
        kept: Option<String>,
    },
}

impl Stage {
    /// Nothing changes any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Stage::Done(_) | Stage::Failed { .. })
    }
}

/// Why an order could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", .kept.as_ref().map(|kept| format!("; {kept}")).unwrap_or_default())]
pub struct NotDone {
    /// The service's words, the missing action, the remedy: one line.
    pub reason: String,
    /// What exists nevertheless and how to go on.
    pub kept: Option<String>,
}

impl NotDone {
    /// For `reason`; nothing is left behind.
    #[must_use]
    pub fn because(reason: impl Into<String>) -> NotDone {
        NotDone { reason: reason.into(), kept: None }
    }
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something was created, changed or deleted: its ARN or address.
    Changed {
        /// Of what.
        arn: String,
    },
    /// Everything is being asked again.
    Asked,
    /// A batch input was looked through.
    Checked(CheckReport),
    /// Results were fetched and joined.
    Fetched(FetchReport),
    /// Our metrics go to CloudWatch, or no more.
    Publishing {
        /// They go there.
        on: bool,
    },
    /// A request for a higher quota is with AWS.
    Requested(QuotaRequest),
}

/// What a batch input is like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Records.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
    /// Records without a recordId: one is assigned in the uploaded copy.
    pub ids_assigned: u64,
    /// What stands in the way: file, line and reason, the first hundred.
    pub errors: Vec<String>,
    /// How many there are in all.
    pub error_count: u64,
    /// What does not stand in the way but should be known.
    pub warnings: Vec<String>,
    /// Input tokens, estimated.
    pub input_tokens: Tokens,
    /// Output tokens at most, by the records' own limits or the model's default.
    pub max_output_tokens: Tokens,
    /// Price at the batch rate: no output, all of the output; `None`: not known.
    pub batch_price: Option<(Usd, Usd)>,
    /// Price on demand, likewise.
    pub on_demand_price: Option<(Usd, Usd)>,
    /// Seconds that the same would take on demand at the quotas known; `None`: no quota is known.
    pub on_demand_seconds: Option<f64>,
}

/// What a fetch brought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchReport {
    /// Records with a result.
    pub ok: u64,
    /// Records with an error that may go away.
    pub retryable: u64,
    /// Records with an error of their own.
    pub permanent: u64,
    /// Records of the input of which the output says nothing.
    pub missing: u64,
    /// The files written.
    pub files: Vec<String>,
    /// The most frequent errors: text and number.
    pub reasons: Vec<(String, u64)>,
    /// What should be known of all this.
    pub warnings: Vec<String>,
}
