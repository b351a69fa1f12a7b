//! Batch inference jobs, as the control plane tells of them.

use serde::{Deserialize, Serialize};

use crate::record::Region;

/// Where a job stands (facts §2.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Accepted, waits for validation.
    Submitted,
    /// Format, size and role are being looked at.
    Validating,
    /// Validated, waits for its turn.
    Scheduled,
    /// At work.
    InProgress,
    /// All records processed; some may carry an error.
    Completed,
    /// Not all records could be processed in time; what was is there.
    PartiallyCompleted,
    /// It says why.
    Failed,
    /// Being stopped.
    Stopping,
    /// Stopped; what was processed is billed and there.
    Stopped,
    /// Ran out of its time.
    Expired,
    /// A word that is newer than this program.
    Other(String),
}

impl JobStatus {
    /// Nothing changes any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            JobStatus::Completed
                | JobStatus::PartiallyCompleted
                | JobStatus::Failed
                | JobStatus::Stopped
                | JobStatus::Expired
        )
    }
}

/// What the `modelInput` of a job's records is a body of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvocationType {
    /// InvokeModel, in the model's own form.
    #[default]
    InvokeModel,
    /// Converse.
    Converse,
}

/// How many records: `None` where the service does not say (older Regions, or not validated yet).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// In the input.
    pub total: Option<u64>,
    /// Done, well or not.
    pub processed: Option<u64>,
    /// Done well.
    pub succeeded: Option<u64>,
    /// Done with an error.
    pub failed: Option<u64>,
}

/// One batch inference job, as Get and List tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchJob {
    /// Where.
    pub region: Region,
    /// `arn:aws:bedrock:REGION:ACCOUNT:model-invocation-job/...`.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Model id, profile id or ARN, as it was given.
    pub model: String,
    /// The client token of its creation, by which a lost reply is found again.
    pub client_token: Option<String>,
    /// The role that reads and writes S3 for it.
    pub role_arn: String,
    /// Where it stands.
    pub status: JobStatus,
    /// The service's words on a failure (sanitised).
    pub message: Option<String>,
    /// When it was submitted, milliseconds since 1970.
    pub submitted_ms: i64,
    /// When it changed last, milliseconds since 1970.
    pub modified_ms: Option<i64>,
    /// When it ended, milliseconds since 1970.
    pub ended_ms: Option<i64>,
    /// When it expires, milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// Hours that it may take.
    pub timeout_hours: Option<u32>,
    /// `s3://bucket/key` of the input: a file or a prefix.
    pub input: String,
    /// `s3://bucket/prefix/` of the output.
    pub output: String,
    /// What its bodies are.
    pub invocation: InvocationType,
    /// Record counts.
    pub counts: JobCounts,
}

impl BatchJob {
    /// The last part of the ARN: the folder of its output.
    #[must_use]
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }
}
