//! Questions that are asked only to see whether they are answered.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_smithy_types::DateTime;
use serde::Serialize;

use crate::record::{Body, Failure, Family, Region, Route};

use super::connect::Clients;
use super::message::one_line;
use super::permissions::Probe;

/// What stands between the account and a model; each part is good if it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModelAccess {
    /// What is not as it should be, in the service's words.
    pub problems: Vec<String>,
}

impl Clients {
    /// Whether the account may use a foundation model in `region`.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn model_access(&self, region: &Region, model: &str) -> Result<ModelAccess, Failure> {
        const ACTION: &str = "bedrock:GetFoundationModelAvailability";
        let question = self.region(region)?.control.get_foundation_model_availability().model_id(model);
        let answer = self.ask("GetFoundationModelAvailability", Some(ACTION), question.send()).await?;
        let agreement = answer.agreement_availability().map(|agreement| agreement.status().as_str());
        let parts = [
            ("agreement", agreement.unwrap_or("unknown"), "AVAILABLE"),
            ("authorization", answer.authorization_status().as_str(), "AUTHORIZED"),
            ("entitlement", answer.entitlement_availability().as_str(), "AVAILABLE"),
            ("Region", answer.region_availability().as_str(), "AVAILABLE"),
        ];
        let problems = parts.into_iter().filter(|(_, is, good)| is != good);
        Ok(ModelAccess { problems: problems.map(|(part, is, _)| format!("{part} {}", one_line(is))).collect() })
    }

    /// Asks for the least that needs a permission in `region`. `model`: the foundation model that is asked about.
    ///
    /// # Errors
    /// As every call; `Access` says that the permission is missing.
    pub async fn probe(&self, region: &Region, probe: Probe, model: &str) -> Result<(), Failure> {
        let clients = self.region(region)?;
        let name = format!("{probe:?}");
        match probe {
            Probe::ListFoundationModels => {
                let call = clients.control.list_foundation_models().send();
                self.ask(&name, Some("bedrock:ListFoundationModels"), call).await.map(drop)
            }
            Probe::ListInferenceProfiles => {
                let call = clients.control.list_inference_profiles().max_results(1).send();
                self.ask(&name, Some("bedrock:ListInferenceProfiles"), call).await.map(drop)
            }
            Probe::GetFoundationModelAvailability => self.model_access(region, model).await.map(drop),
            Probe::CountTokens => {
                let json = r#"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#;
                let body =
                    Body { family: Family::Converse, json: json.into(), max_tokens: None, raw_input: 1, text_kind: 0 };
                self.count_tokens(&Route::new(region.clone(), model), &body).await.map(drop)
            }
            Probe::ListServiceQuotas => {
                let call = clients.quotas.list_service_quotas().service_code("bedrock").max_results(1).send();
                self.ask(&name, Some("servicequotas:ListServiceQuotas"), call).await.map(drop)
            }
            Probe::ListRequestedServiceQuotaChangeHistory => {
                let call = clients.quotas.list_requested_service_quota_change_history().service_code("bedrock");
                let action = "servicequotas:ListRequestedServiceQuotaChangeHistory";
                self.ask(&name, Some(action), call.max_results(1).send()).await.map(drop)
            }
            Probe::ListProvisionedModelThroughputs => {
                let call = clients.control.list_provisioned_model_throughputs().max_results(1).send();
                self.ask(&name, Some("bedrock:ListProvisionedModelThroughputs"), call).await.map(drop)
            }
            Probe::ListModelInvocationJobs => {
                let call = clients.control.list_model_invocation_jobs().max_results(1).send();
                self.ask(&name, Some("bedrock:ListModelInvocationJobs"), call).await.map(drop)
            }
            Probe::GetMetricData => {
                let dimension = Dimension::builder().name("ModelId").value(model).build();
                let metric = Metric::builder().namespace("AWS/Bedrock").metric_name("Invocations");
                let metric = metric.dimensions(dimension).build();
                let sum = MetricStat::builder().metric(metric).period(60).stat("Sum").build();
                let query = MetricDataQuery::builder().id("m0").metric_stat(sum).build();
                let now = SystemTime::now();
                let from = now.checked_sub(Duration::from_secs(120)).unwrap_or(UNIX_EPOCH);
                let call = clients.metrics.get_metric_data().metric_data_queries(query);
                let call = call.start_time(DateTime::from(from)).end_time(DateTime::from(now)).send();
                self.ask(&name, Some("cloudwatch:GetMetricData"), call).await.map(drop)
            }
        }
    }
}
