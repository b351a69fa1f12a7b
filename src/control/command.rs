//! What can be asked of the account. Each of these costs, destroys or moves data: the asker has consent already.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bedrock::{InvocationType, NewProvisioned};
use crate::catalogue::Metric;
use crate::record::{Region, Route, ScopeKey};

/// An order to the control room. How far it is can be read in [`super::ControlSnapshot::works`], under `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlCommand {
    /// The asker's own number for it.
    pub id: u64,
    /// What is to be done.
    pub order: Order,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Buy provisioned throughput.
    CreateProvisioned(NewProvisioned),
    /// Rename it, or put another model behind it.
    UpdateProvisioned {
        /// Where.
        region: Region,
        /// Which.
        arn: String,
        /// The new name.
        name: Option<String>,
        /// The new model.
        model: Option<String>,
    },
    /// Delete it.
    DeleteProvisioned {
        /// Where.
        region: Region,
        /// Which.
        arn: String,
    },
    /// Look through a batch input, in whole. Changes nothing.
    CheckBatch(NewBatch),
    /// Look through a batch input, upload it if it is local, create the job.
    SubmitBatch(NewBatch),
    /// Stop a job.
    StopJob {
        /// Where.
        region: Region,
        /// Which.
        arn: String,
    },
    /// Fetch what a job wrote and join it with its input.
    FetchJob {
        /// Where.
        region: Region,
        /// Which.
        arn: String,
        /// The folder for `NAME.ok.jsonl`, `NAME.failed.jsonl`, `NAME.missing.jsonl`.
        folder: PathBuf,
        /// One file over all generations of a resubmitted input.
        merge: bool,
        /// Over files that are there.
        force: bool,
    },
    /// Submit the retryable and missing records of a job again, as a new job.
    ResubmitJob {
        /// Where.
        region: Region,
        /// Which.
        arn: String,
        /// The folder for the new input.
        folder: PathBuf,
    },
    /// Delete a job's input and output in S3.
    DeleteCopies {
        /// Where.
        region: Region,
        /// Which.
        arn: String,
    },
    /// Ask AWS for more of a quota.
    RequestQuota {
        /// Where.
        region: Region,
        /// Quota code.
        code: String,
        /// The value asked for, in the unit of its row.
        value: f64,
    },
    /// Read the last 24 hours of a route from CloudWatch. Changes nothing.
    ReadDay {
        /// Where and what, as it is called.
        route: Route,
    },
    /// The limiter has been told a quota that was offered: it is offered no more. Changes nothing at AWS.
    TakeOffer {
        /// Whose quota.
        key: ScopeKey,
        /// What it counts.
        metric: Metric,
    },
    /// Put our own metrics into CloudWatch once a minute, or put them no more.
    Publish {
        /// From now on.
        on: bool,
    },
    /// Ask now instead of when it is due. Changes nothing.
    Refresh,
}

impl Order {
    /// It costs, moves data or destroys: read-only refuses it.
    #[must_use]
    pub fn changes(&self) -> bool {
        !matches!(
            self,
            Order::CheckBatch(_)
                | Order::FetchJob { .. }
                | Order::ReadDay { .. }
                | Order::TakeOffer { .. }
                | Order::Publish { on: false }
                | Order::Refresh
        )
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn title(&self) -> String {
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        match self {
            Order::CreateProvisioned(new) => format!("create {}", new.name),
            Order::UpdateProvisioned { arn, .. } => format!("update {}", last(arn)),
            Order::DeleteProvisioned { arn, .. } => format!("delete {}", last(arn)),
            Order::CheckBatch(new) => format!("check {}", new.name),
            Order::SubmitBatch(new) => format!("submit {}", new.name),
            Order::StopJob { arn, .. } => format!("stop {}", last(arn)),
            Order::FetchJob { arn, .. } => format!("fetch {}", last(arn)),
            Order::ResubmitJob { arn, .. } => format!("resubmit {}", last(arn)),
            Order::DeleteCopies { arn, .. } => format!("delete copies of {}", last(arn)),
            Order::RequestQuota { code, value, .. } => format!("ask for {value} of {code}"),
            Order::ReadDay { route } => format!("read a day of {}", route.model),
            Order::TakeOffer { key, .. } => format!("take the quota of {}", key.bucket),
            Order::Publish { on: true } => "publish metrics".to_owned(),
            Order::Publish { on: false } => "publish no more".to_owned(),
            Order::Refresh => "refresh".to_owned(),
        }
    }
}

/// Where a batch input is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchInput {
    /// A file here, to be uploaded.
    Local(PathBuf),
    /// `s3://bucket/key`, or a prefix.
    S3(String),
}

/// A batch job to submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBatch {
    /// Where.
    pub region: Region,
    /// Its name: 1 to 63 letters, digits, `-`.
    pub name: String,
    /// Model or profile id.
    pub model: String,
    /// What to run.
    pub input: BatchInput,
    /// `s3://bucket/prefix/`: where the upload and the results go.
    pub storage: String,
    /// ARN of the role that Bedrock takes on.
    pub role: String,
    /// What the bodies are; `None`: told from the first record.
    pub invocation: Option<InvocationType>,
    /// Hours that it may take, 24 to 168.
    pub timeout_hours: u32,
    /// Tags.
    pub tags: Vec<(String, String)>,
}
