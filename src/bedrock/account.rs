//! The account's own questions: who am I, what are my quotas, which models are there, how many tokens is this.

use std::sync::Arc;

use aws_sdk_bedrock::types::{InferenceProfileType, InferenceType};
use aws_sdk_bedrockruntime::types::{CountTokensInput, InvokeModelTokensRequest};
use aws_sdk_servicequotas::types::ServiceQuota;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::catalogue::base_id;
use crate::record::{Api, Body, ErrorClass, Failure, Region, Route};

use super::ask::{MOST_PAGES, endless};
use super::connect::Clients;
use super::exchange::{Exchange, Keep, Trace};
use super::failure::own;
use super::message::one_line;

/// Who the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Account id, 12 digits.
    pub account: String,
    /// ARN of the caller.
    pub arn: String,
}

/// A row of Service Quotas (service code `bedrock`), as the service gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaEntry {
    /// `L-...`.
    pub code: String,
    /// The name: all that ties a quota to a model.
    pub name: String,
    /// Per minute or per day, as the name says.
    pub value: f64,
    /// Whether more can be asked for.
    pub adjustable: bool,
}

/// A model that a Region lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundationModel {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// It can be called by its own id, without an inference profile.
    pub on_demand: bool,
    /// It produces text.
    pub text: bool,
    /// It streams.
    pub streaming: bool,
    /// It is in its `LEGACY` phase: still answers, no new users.
    pub legacy: bool,
}

/// Who made an inference profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileKind {
    /// AWS: `us.`, `eu.`, `global.` and so on.
    System,
    /// The user, as a copy of a model or of a system profile, for tags and cost.
    Application,
}

/// An inference profile that a Region lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferenceProfile {
    /// Its id (`us.anthropic...`, or twelve letters and digits).
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Who made it.
    pub kind: ProfileKind,
    /// ARNs of the models behind it, one for each Region that it may reach.
    pub models: Vec<String>,
}

impl Clients {
    /// Account and caller, from STS.
    ///
    /// # Errors
    /// As every call; `Credentials` with the command to run.
    pub async fn identity(&self) -> Result<Identity, Failure> {
        let answer = self.ask("GetCallerIdentity", None, self.sts.get_caller_identity().send()).await?;
        let text = |value: Option<&str>| value.map(one_line).unwrap_or_default();
        Ok(Identity { account: text(answer.account()), arn: text(answer.arn()) })
    }

    /// The quotas that apply to this account in `region`, all pages.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn quotas(&self, region: &Region) -> Result<Vec<QuotaEntry>, Failure> {
        let client = &self.region(region)?.quotas;
        let mut entries = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client.list_service_quotas().service_code("bedrock").max_results(100).set_next_token(next);
            let page = self.ask("ListServiceQuotas", Some("servicequotas:ListServiceQuotas"), page.send()).await?;
            entries.extend(page.quotas().iter().filter_map(entry));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(entries);
            }
        }
        Err(endless("ListServiceQuotas"))
    }

    /// The defaults of AWS in `region`, all pages.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn default_quotas(&self, region: &Region) -> Result<Vec<QuotaEntry>, Failure> {
        const ACTION: &str = "servicequotas:ListAWSDefaultServiceQuotas";
        let client = &self.region(region)?.quotas;
        let mut entries = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client.list_aws_default_service_quotas().service_code("bedrock").max_results(100);
            let page = page.set_next_token(next);
            let page = self.ask("ListAWSDefaultServiceQuotas", Some(ACTION), page.send()).await?;
            entries.extend(page.quotas().iter().filter_map(entry));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(entries);
            }
        }
        Err(endless("ListAWSDefaultServiceQuotas"))
    }

    /// The foundation models that `region` lists.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn foundation_models(&self, region: &Region) -> Result<Vec<FoundationModel>, Failure> {
        let question = self.region(region)?.control.list_foundation_models();
        let answer = self.ask("ListFoundationModels", Some("bedrock:ListFoundationModels"), question.send()).await?;
        let models = answer.model_summaries().iter().map(|model| FoundationModel {
            id: one_line(model.model_id()),
            name: one_line(model.model_name().unwrap_or_default()),
            on_demand: model.inference_types_supported().contains(&InferenceType::OnDemand),
            text: model.output_modalities().iter().any(|modality| modality.as_str() == "TEXT"),
            streaming: model.response_streaming_supported().unwrap_or(false),
            legacy: model.model_lifecycle().is_some_and(|cycle| cycle.status().as_str() == "LEGACY"),
        });
        Ok(models.collect())
    }

    /// The inference profiles that `region` lists, of AWS and of the user, all pages.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn inference_profiles(&self, region: &Region) -> Result<Vec<InferenceProfile>, Failure> {
        let client = &self.region(region)?.control;
        let mut profiles = Vec::new();
        for kind in [InferenceProfileType::SystemDefined, InferenceProfileType::Application] {
            let mut next = None;
            let mut pages = 0;
            loop {
                pages += 1;
                if pages > MOST_PAGES {
                    return Err(endless("ListInferenceProfiles"));
                }
                let page = client.list_inference_profiles().max_results(1000).type_equals(kind.clone());
                let page = page.set_next_token(next).send();
                let page = self.ask("ListInferenceProfiles", Some("bedrock:ListInferenceProfiles"), page).await?;
                profiles.extend(page.inference_profile_summaries().iter().map(|profile| InferenceProfile {
                    id: one_line(profile.inference_profile_id()),
                    arn: one_line(profile.inference_profile_arn()),
                    kind: match profile.r#type() {
                        InferenceProfileType::Application => ProfileKind::Application,
                        _ => ProfileKind::System,
                    },
                    models: profile.models().iter().filter_map(|model| model.model_arn()).map(one_line).collect(),
                }));
                next = page.next_token.filter(|token| !token.is_empty());
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(profiles)
    }

    /// How many input tokens the service counts in `body`. Free, and no quota counts it. Asked of the foundation model
    /// behind the route, since the operation takes no profile ids.
    ///
    /// # Errors
    /// As every call; `Validation` where the model has no CountTokens, or the body is not a JSON object.
    pub async fn count_tokens(&self, route: &Route, body: &Body) -> Result<u64, Failure> {
        let json = match body.family.api() {
            Api::Converse => converse_question(&body.json)?,
            Api::Invoke => {
                format!("{{\"input\":{{\"invokeModel\":{{\"body\":\"{}\"}}}}}}", STANDARD.encode(&body.json))
            }
        };
        // The typed input only has to be one that the SDK accepts: the body is replaced before it is signed.
        let placeholder = InvokeModelTokensRequest::builder().body(Default::default()).build();
        let placeholder = placeholder.map_err(|error| own(ErrorClass::Other, "NotSent", &error.to_string()))?;
        let trace = Arc::new(Trace::default());
        let question = self.region(&route.region)?.runtime.count_tokens();
        let question = question.model_id(base_id(route.model.as_str()));
        let question = question.input(CountTokensInput::InvokeModel(placeholder)).customize();
        let question = question.interceptor(Exchange { body: json.into(), keep: Keep::Copy, trace });
        let answer = self.ask("CountTokens", Some("bedrock:CountTokens"), question.send()).await?;
        u64::try_from(answer.input_tokens())
            .map_err(|_| own(ErrorClass::Malformed, "MalformedReply", "CountTokens: a negative number of tokens"))
    }
}

fn entry(quota: &ServiceQuota) -> Option<QuotaEntry> {
    Some(QuotaEntry {
        code: one_line(quota.quota_code()?),
        name: one_line(quota.quota_name()?),
        value: quota.value().filter(|value| value.is_finite() && *value >= 0.0)?,
        adjustable: quota.adjustable(),
    })
}

/// The parts of a Converse body that CountTokens takes; it refuses the others.
fn converse_question(body: &[u8]) -> Result<String, Failure> {
    #[derive(Deserialize, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Parts<'a> {
        #[serde(borrow, skip_serializing_if = "Option::is_none")]
        messages: Option<&'a RawValue>,
        #[serde(borrow, skip_serializing_if = "Option::is_none")]
        system: Option<&'a RawValue>,
        #[serde(borrow, skip_serializing_if = "Option::is_none")]
        tool_config: Option<&'a RawValue>,
        #[serde(borrow, skip_serializing_if = "Option::is_none")]
        additional_model_request_fields: Option<&'a RawValue>,
    }
    #[derive(Serialize)]
    struct Converse<T> {
        converse: T,
    }
    #[derive(Serialize)]
    struct Question<T> {
        input: T,
    }
    // The parser's own words could quote the prompt.
    let refuse = |_| own(ErrorClass::Validation, "InvalidBody", "CountTokens: the body is no Converse request");
    let parts: Parts<'_> = serde_json::from_slice(body).map_err(refuse)?;
    serde_json::to_string(&Question { input: Converse { converse: parts } }).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_tokens_gets_only_what_it_takes() {
        let body = br#"{"messages":[{"role":"user","content":[{"text":"a \u00e9"}]}],"inferenceConfig":{"maxTokens":5},"system":[]}"#;
        assert_eq!(
            converse_question(body).unwrap(),
            r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"a \u00e9"}]}],"system":[]}}}"#
        );
        let error = converse_question(b"secret prompt").unwrap_err();
        assert_eq!(error.class, ErrorClass::Validation);
        assert!(!error.to_string().contains("secret"));
    }
}
