//! Provisioned throughput, as the control plane tells of it.

use serde::{Deserialize, Serialize};

use crate::record::Region;

/// Where a provisioned model stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvisionedStatus {
    /// Being set up: takes no calls yet.
    Creating,
    /// Takes calls.
    InService,
    /// Takes calls; the old name or model may still answer.
    Updating,
    /// Will never take calls; it says why.
    Failed,
    /// A word that is newer than this program.
    Other(String),
}

/// How long one has bound oneself to pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commitment {
    /// By the hour, deletable at any time.
    #[default]
    None,
    /// One month.
    OneMonth,
    /// Six months.
    SixMonths,
}

/// One provisioned model, as Get and List tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedModel {
    /// Where.
    pub region: Region,
    /// `arn:aws:bedrock:REGION:ACCOUNT:provisioned-model/...`.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// ARN of the model that answers.
    pub model_arn: String,
    /// ARN of the model that will answer; another one only while it is updating.
    pub desired_model_arn: String,
    /// ARN of the foundation model behind it.
    pub foundation_model_arn: String,
    /// Model units.
    pub units: u32,
    /// Model units asked for.
    pub desired_units: u32,
    /// Where it stands.
    pub status: ProvisionedStatus,
    /// The commitment.
    pub commitment: Commitment,
    /// When the commitment ends, milliseconds since 1970; `None` without one.
    pub expires_ms: Option<i64>,
    /// When it was created, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was changed last, milliseconds since 1970.
    pub modified_ms: i64,
    /// Why it failed, in the service's words (sanitised); Get tells, List does not.
    pub failure: Option<String>,
}
