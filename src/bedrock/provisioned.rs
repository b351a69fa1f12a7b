//! Provisioned throughput, as the control plane tells of it.

use aws_sdk_bedrock::types::{CommitmentDuration, ProvisionedModelStatus, Tag};
use aws_smithy_types::DateTime;
use serde::{Deserialize, Serialize};

use crate::record::{ErrorClass, Failure, Region};

use super::ask::{MOST_PAGES, Receipt, endless, identified};
use super::connect::Clients;
use super::failure::own;
use super::message::one_line;

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

impl Commitment {
    /// As it is written on a command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Commitment::None => "none",
            Commitment::OneMonth => "one-month",
            Commitment::SixMonths => "six-months",
        }
    }

    fn wire(self) -> Option<CommitmentDuration> {
        match self {
            Commitment::None => None,
            Commitment::OneMonth => Some(CommitmentDuration::OneMonth),
            Commitment::SixMonths => Some(CommitmentDuration::SixMonths),
        }
    }

    /// A term that is newer than this program is a term: six months is the longest known.
    fn read(wire: Option<&CommitmentDuration>) -> Commitment {
        match wire {
            None => Commitment::None,
            Some(CommitmentDuration::OneMonth) => Commitment::OneMonth,
            Some(_) => Commitment::SixMonths,
        }
    }
}

impl ProvisionedStatus {
    /// As the service writes it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            ProvisionedStatus::Creating => "Creating",
            ProvisionedStatus::InService => "InService",
            ProvisionedStatus::Updating => "Updating",
            ProvisionedStatus::Failed => "Failed",
            ProvisionedStatus::Other(word) => word,
        }
    }

    /// It changes by itself before long.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        !matches!(self, ProvisionedStatus::InService | ProvisionedStatus::Failed)
    }

    fn read(wire: &ProvisionedModelStatus) -> ProvisionedStatus {
        match wire {
            ProvisionedModelStatus::Creating => ProvisionedStatus::Creating,
            ProvisionedModelStatus::InService => ProvisionedStatus::InService,
            ProvisionedModelStatus::Updating => ProvisionedStatus::Updating,
            ProvisionedModelStatus::Failed => ProvisionedStatus::Failed,
            other => ProvisionedStatus::Other(one_line(other.as_str())),
        }
    }
}

/// Provisioned throughput to buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewProvisioned {
    /// Where.
    pub region: Region,
    /// Its name: 1 to 63 letters, digits, `-`, `_`.
    pub name: String,
    /// Model id with its context variant, or the ARN of a custom model.
    pub model: String,
    /// Model units.
    pub units: u32,
    /// The commitment.
    pub commitment: Commitment,
    /// Tags.
    pub tags: Vec<(String, String)>,
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

impl ProvisionedModel {
    /// The last part of the ARN.
    #[must_use]
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }
}

fn millis(time: &DateTime) -> i64 {
    time.to_millis().unwrap_or_default()
}

fn units(wire: i32) -> u32 {
    u32::try_from(wire).unwrap_or_default()
}

impl Clients {
    /// The provisioned models of `region`, all pages, as the service lists them.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn provisioned_models(&self, region: &Region) -> Result<Vec<ProvisionedModel>, Failure> {
        const CALL: &str = "ListProvisionedModelThroughputs";
        let client = &self.region(region)?.control;
        let mut models = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client.list_provisioned_model_throughputs().max_results(1_000).set_next_token(next);
            let page = self.ask(CALL, Some("bedrock:ListProvisionedModelThroughputs"), page.send()).await?;
            models.extend(page.provisioned_model_summaries().iter().map(|model| ProvisionedModel {
                region: region.clone(),
                arn: one_line(model.provisioned_model_arn()),
                name: one_line(model.provisioned_model_name()),
                model_arn: one_line(model.model_arn()),
                desired_model_arn: one_line(model.desired_model_arn()),
                foundation_model_arn: one_line(model.foundation_model_arn()),
                units: units(model.model_units()),
                desired_units: units(model.desired_model_units()),
                status: ProvisionedStatus::read(model.status()),
                commitment: Commitment::read(model.commitment_duration()),
                expires_ms: model.commitment_expiration_time().map(millis),
                created_ms: millis(model.creation_time()),
                modified_ms: millis(model.last_modified_time()),
                failure: None,
            }));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(models);
            }
        }
        Err(endless(CALL))
    }

    /// One provisioned model, by its name or its ARN.
    ///
    /// # Errors
    /// As every call; `Access` names the permission, and a 404 means that there is none.
    pub async fn provisioned_model(&self, region: &Region, id: &str) -> Result<ProvisionedModel, Failure> {
        let question = self.region(region)?.control.get_provisioned_model_throughput().provisioned_model_id(id);
        let action = "bedrock:GetProvisionedModelThroughput";
        let model = self.ask("GetProvisionedModelThroughput", Some(action), question.send()).await?;
        Ok(ProvisionedModel {
            region: region.clone(),
            arn: one_line(model.provisioned_model_arn()),
            name: one_line(model.provisioned_model_name()),
            model_arn: one_line(model.model_arn()),
            desired_model_arn: one_line(model.desired_model_arn()),
            foundation_model_arn: one_line(model.foundation_model_arn()),
            units: units(model.model_units()),
            desired_units: units(model.desired_model_units()),
            status: ProvisionedStatus::read(model.status()),
            commitment: Commitment::read(model.commitment_duration()),
            expires_ms: model.commitment_expiration_time().map(millis),
            created_ms: millis(model.creation_time()),
            modified_ms: millis(model.last_modified_time()),
            failure: model.failure_message().map(one_line),
        })
    }

    /// Buys `new`; its ARN. The same `token` again buys nothing again.
    pub async fn create_provisioned(&self, new: &NewProvisioned, token: &str) -> Receipt<String> {
        let client = match self.region(&new.region) {
            Ok(clients) => &clients.control,
            Err(failure) => return Receipt::unsent(failure),
        };
        let tags = new.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags = match tags.collect::<Result<Vec<_>, _>>() {
            Ok(tags) => tags,
            Err(error) => return Receipt::unsent(own(ErrorClass::Validation, "BadTag", &error.to_string())),
        };
        let order = client
            .create_provisioned_model_throughput()
            .client_request_token(token)
            .provisioned_model_name(&new.name)
            .model_id(&new.model)
            .model_units(i32::try_from(new.units).unwrap_or(i32::MAX))
            .set_commitment_duration(new.commitment.wire())
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()));
        let action = "bedrock:CreateProvisionedModelThroughput";
        let receipt = self.order("CreateProvisionedModelThroughput", Some(action), order.send()).await;
        identified(receipt).map(|reply| one_line(reply.provisioned_model_arn()))
    }

    /// Renames a provisioned model, or puts another model behind it.
    pub async fn update_provisioned(
        &self,
        region: &Region,
        arn: &str,
        name: Option<&str>,
        model: Option<&str>,
    ) -> Receipt<()> {
        let client = match self.region(region) {
            Ok(clients) => &clients.control,
            Err(failure) => return Receipt::unsent(failure),
        };
        let order = client
            .update_provisioned_model_throughput()
            .provisioned_model_id(arn)
            .set_desired_provisioned_model_name(name.map(str::to_owned))
            .set_desired_model_id(model.map(str::to_owned));
        let action = "bedrock:UpdateProvisionedModelThroughput";
        let receipt = self.order("UpdateProvisionedModelThroughput", Some(action), order.send()).await;
        identified(receipt).map(drop)
    }

    /// Deletes a provisioned model.
    pub async fn delete_provisioned(&self, region: &Region, arn: &str) -> Receipt<()> {
        let client = match self.region(region) {
            Ok(clients) => &clients.control,
            Err(failure) => return Receipt::unsent(failure),
        };
        let order = client.delete_provisioned_model_throughput().provisioned_model_id(arn);
        let action = "bedrock:DeleteProvisionedModelThroughput";
        let receipt = self.order("DeleteProvisionedModelThroughput", Some(action), order.send()).await;
        identified(receipt).map(drop)
    }

    /// The tags of a resource of Bedrock.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn tags(&self, region: &Region, arn: &str) -> Result<Vec<(String, String)>, Failure> {
        let question = self.region(region)?.control.list_tags_for_resource().resource_arn(arn);
        let answer = self.ask("ListTagsForResource", Some("bedrock:ListTagsForResource"), question.send()).await?;
        Ok(answer.tags().iter().map(|tag| (one_line(tag.key()), one_line(tag.value()))).collect())
    }
}
