//! Batch inference jobs: what the control plane tells of them, and the calls.

use aws_sdk_bedrock::operation::create_model_invocation_job::builders::CreateModelInvocationJobFluentBuilder;
use aws_sdk_bedrock::primitives::DateTime;
use aws_sdk_bedrock::types::{
    ModelInvocationJobInputDataConfig, ModelInvocationJobOutputDataConfig, ModelInvocationJobS3InputDataConfig,
    ModelInvocationJobS3OutputDataConfig, ModelInvocationType, S3InputFormat, Tag,
};
use serde::{Deserialize, Serialize};

use crate::record::{ErrorClass, Failure, Region};

use super::ask::{MOST_PAGES, Receipt, endless, identified};
use super::connect::Clients;
use super::failure::own;
use super::message::one_line;

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
    fn named(word: &str) -> JobStatus {
        match word {
            "Submitted" => JobStatus::Submitted,
            "Validating" => JobStatus::Validating,
            "Scheduled" => JobStatus::Scheduled,
            "InProgress" => JobStatus::InProgress,
            "Completed" => JobStatus::Completed,
            "PartiallyCompleted" => JobStatus::PartiallyCompleted,
            "Failed" => JobStatus::Failed,
            "Stopping" => JobStatus::Stopping,
            "Stopped" => JobStatus::Stopped,
            "Expired" => JobStatus::Expired,
            other => JobStatus::Other(one_line(other)),
        }
    }

    /// The service's own word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            JobStatus::Submitted => "Submitted",
            JobStatus::Validating => "Validating",
            JobStatus::Scheduled => "Scheduled",
            JobStatus::InProgress => "InProgress",
            JobStatus::Completed => "Completed",
            JobStatus::PartiallyCompleted => "PartiallyCompleted",
            JobStatus::Failed => "Failed",
            JobStatus::Stopping => "Stopping",
            JobStatus::Stopped => "Stopped",
            JobStatus::Expired => "Expired",
            JobStatus::Other(word) => word,
        }
    }

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

/// A job to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRequest {
    /// Its name.
    pub name: String,
    /// Model or profile id.
    pub model: String,
    /// The role that Bedrock takes on.
    pub role: String,
    /// `s3://bucket/key` of the input, or a prefix.
    pub input: String,
    /// `s3://bucket/prefix/` for the output.
    pub output: String,
    /// Hours that it may take.
    pub timeout_hours: u32,
    /// What its bodies are.
    pub invocation: InvocationType,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// The client token: the same one never creates two jobs.
    pub token: String,
}

/// Get and List tell the same in types of their own.
macro_rules! batch_job {
    ($region:expr, $told:expr, $name:expr) => {
        BatchJob {
            region: $region.clone(),
            arn: one_line($told.job_arn()),
            name: one_line($name),
            model: one_line($told.model_id()),
            client_token: $told.client_request_token().map(one_line),
            role_arn: one_line($told.role_arn()),
            status: $told.status().map_or(JobStatus::Submitted, |status| JobStatus::named(status.as_str())),
            message: $told.message().filter(|message| !message.is_empty()).map(one_line),
            submitted_ms: millis($told.submit_time()),
            modified_ms: $told.last_modified_time().map(millis),
            ended_ms: $told.end_time().map(millis),
            expires_ms: $told.job_expiration_time().map(millis),
            timeout_hours: $told.timeout_duration_in_hours().and_then(|hours| u32::try_from(hours).ok()),
            input: input_of($told.input_data_config()),
            output: output_of($told.output_data_config()),
            invocation: invocation_of($told.model_invocation_type()),
            counts: JobCounts {
                total: count($told.total_record_count()),
                processed: count($told.processed_record_count()),
                succeeded: count($told.success_record_count()),
                failed: count($told.error_record_count()),
            },
        }
    };
}

/// Jobs on one page of a list.
const PAGE: i32 = 100;

impl Clients {
    /// Creates a job; its ARN. Asked again with the same token, it creates none and gives the same answer.
    ///
    /// Failures are those of every call; `Access` names the permission, and is also the class of a quota that is used
    /// up.
    pub async fn create_job(&self, region: &Region, job: &JobRequest) -> Receipt<String> {
        match self.job_question(region, job) {
            Err(failure) => Receipt::unsent(failure),
            Ok(question) => {
                let action = Some("bedrock:CreateModelInvocationJob");
                let answer = self.order("CreateModelInvocationJob", action, question.send()).await;
                identified(answer).map(|answer| one_line(answer.job_arn()))
            }
        }
    }

    fn job_question(
        &self,
        region: &Region,
        job: &JobRequest,
    ) -> Result<CreateModelInvocationJobFluentBuilder, Failure> {
        let not_sent =
            |error: aws_sdk_bedrock::error::BuildError| own(ErrorClass::Other, "NotSent", &error.to_string());
        let input = ModelInvocationJobS3InputDataConfig::builder().s3_input_format(S3InputFormat::Jsonl);
        let input = input.s3_uri(&job.input).build().map_err(not_sent)?;
        let output = ModelInvocationJobS3OutputDataConfig::builder().s3_uri(&job.output).build().map_err(not_sent)?;
        let tags = job.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags = tags.collect::<Result<Vec<_>, _>>().map_err(not_sent)?;
        let timeout = i32::try_from(job.timeout_hours).unwrap_or(i32::MAX);
        let question = self.region(region)?.control.create_model_invocation_job();
        Ok(question
            .job_name(&job.name)
            .role_arn(&job.role)
            .model_id(&job.model)
            .client_request_token(&job.token)
            .input_data_config(ModelInvocationJobInputDataConfig::S3InputDataConfig(input))
            .output_data_config(ModelInvocationJobOutputDataConfig::S3OutputDataConfig(output))
            .timeout_duration_in_hours(timeout)
            .set_tags((!tags.is_empty()).then_some(tags))
            .model_invocation_type(match job.invocation {
                InvocationType::InvokeModel => ModelInvocationType::InvokeModel,
                InvocationType::Converse => ModelInvocationType::Converse,
            }))
    }

    /// One job, by ARN or id.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn job(&self, region: &Region, job: &str) -> Result<BatchJob, Failure> {
        let question = self.region(region)?.control.get_model_invocation_job().job_identifier(job);
        let told = self.ask("GetModelInvocationJob", Some("bedrock:GetModelInvocationJob"), question.send()).await?;
        Ok(batch_job!(region, told, told.job_name().unwrap_or_default()))
    }

    /// The jobs of a Region, newest first, at most `most` of them. `name`: only those with it in their names.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn jobs(&self, region: &Region, name: Option<&str>, most: usize) -> Result<Vec<BatchJob>, Failure> {
        let client = &self.region(region)?.control;
        let mut jobs = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client.list_model_invocation_jobs().max_results(PAGE).set_name_contains(name.map(str::to_owned));
            let page = page.sort_by("CreationTime".into()).sort_order("Descending".into()).set_next_token(next);
            let action = Some("bedrock:ListModelInvocationJobs");
            let page = self.ask("ListModelInvocationJobs", action, page.send()).await?;
            let told = page.invocation_job_summaries().iter();
            jobs.extend(told.map(|told| batch_job!(region, told, told.job_name())));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() || jobs.len() >= most {
                jobs.truncate(most);
                return Ok(jobs);
            }
        }
        Err(endless("ListModelInvocationJobs"))
    }

    /// Stops a job. Failures are those of every call; `Access` names the permission.
    pub async fn stop_job(&self, region: &Region, arn: &str) -> Receipt<()> {
        let clients = match self.region(region) {
            Ok(clients) => clients,
            Err(failure) => return Receipt::unsent(failure),
        };
        let question = clients.control.stop_model_invocation_job().job_identifier(arn);
        let action = Some("bedrock:StopModelInvocationJob");
        identified(self.order("StopModelInvocationJob", action, question.send()).await).map(|_| ())
    }
}

fn millis(time: &DateTime) -> i64 {
    time.to_millis().unwrap_or_default()
}

fn count(told: Option<i64>) -> Option<u64> {
    told.and_then(|count| u64::try_from(count).ok())
}

fn input_of(config: Option<&ModelInvocationJobInputDataConfig>) -> String {
    match config {
        Some(ModelInvocationJobInputDataConfig::S3InputDataConfig(input)) => one_line(input.s3_uri()),
        _ => String::new(),
    }
}

fn output_of(config: Option<&ModelInvocationJobOutputDataConfig>) -> String {
    match config {
        Some(ModelInvocationJobOutputDataConfig::S3OutputDataConfig(output)) => one_line(output.s3_uri()),
        _ => String::new(),
    }
}

fn invocation_of(told: Option<&ModelInvocationType>) -> InvocationType {
    match told {
        Some(ModelInvocationType::Converse) => InvocationType::Converse,
        _ => InvocationType::InvokeModel,
    }
}
