//! Work as the user gave it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Family, Micros};

/// The name of a record, unique within its input. What the user wrote, or the line number where there was none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(Arc<str>);

impl RecordId {
    /// The id as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RecordId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for RecordId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The class of a record in the queue. Ordered: `High` comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody waits for it.
    High,
    /// The default.
    #[default]
    Medium,
    /// Whenever there is room; never starved.
    Low,
}

impl Priority {
    /// All classes, first served first.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Medium, Priority::Low];

    /// The position in [`Priority::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `high`, `medium` or `low`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Priority::High => "high",
            Priority::Medium => "medium",
            Priority::Low => "low",
        }
    }
}

/// One source of work among which the queue is fair in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlowId(pub u16);

/// Which operation family carries a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `Converse` or `ConverseStream`.
    Converse,
    /// `InvokeModel` or `InvokeModelWithResponseStream`.
    Invoke,
}

/// A request body, byte for byte as it will be sent (JSON), and what the limiter must know of it.
#[derive(Clone, Debug)]
pub struct Body {
    /// The form of the body, and of its reply; it decides the operation, see [`Family::api`].
    pub family: Family,
    /// The JSON text of `modelInput`.
    pub json: Bytes,
    /// The body's own output limit; absent means that the model's maximum is reserved (facts §2.2.1).
    pub max_tokens: Option<u64>,
    /// The estimator's raw guess of the input tokens, before online correction.
    pub raw_input: u64,
    /// Which correction bucket the text belongs to (script and shape), 0..16; see `engine::estimate`.
    pub text_kind: u8,
}

/// One piece of work: exactly one result is owed for it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// Its place in the input, from 0: breaks ties and keeps `--ordered` output in order.
    pub seq: u64,
    /// Its source of work.
    pub flow: FlowId,
    /// Its class.
    pub priority: Priority,
    /// When its result is wanted, on the run's clock.
    pub deadline: Option<Micros>,
    /// When it was due to arrive, on the run's clock: response time counts from here. For a file, when it was queued.
    pub due: Micros,
    /// What to send.
    pub body: Body,
}
