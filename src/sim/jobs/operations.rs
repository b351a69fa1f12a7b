//! The four operations on batch inference jobs.

use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::catalogue::{Model, RouteKind};
use crate::record::Micros;

use super::super::call::Call;
use super::super::clock::iso;
use super::super::constraints::{body, choice, one_of, required, text, token, violated, within};
use super::super::errors::ServiceError;
use super::super::faults::Failing;
use super::super::listing::Listing;
use super::super::provisioned::new_id;
use super::super::reply::Answer;
use super::super::tags::{self, Tag};
use super::book::{Job, Order};
use super::lifecycle::Status;
use super::limits::Limits;
use super::place::Place;
use super::seed::{HOURS, arn};

const LONGEST_NAME: usize = 63;
const LONGEST_ROLE: usize = 2_048;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateInput {
    #[serde(default)]
    job_name: Option<String>,
    #[serde(default)]
    role_arn: Option<String>,
    #[serde(default)]
    client_request_token: Option<String>,
    #[serde(default)]
    model_id: Option<String>,
    #[serde(default)]
    input_data_config: Option<Value>,
    #[serde(default)]
    output_data_config: Option<Value>,
    #[serde(default)]
    vpc_config: Option<Value>,
    #[serde(default)]
    timeout_duration_in_hours: Option<i64>,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    model_invocation_type: Option<String>,
}

/// `CreateModelInvocationJob`. What is wrong with the input shows later, as the service has it: here only the form counts.
pub(in crate::sim) fn create(call: &mut Call) -> Result<Answer, ServiceError> {
    let input: CreateInput = body(call)?;
    let name = required(input.job_name, "jobName")?;
    text(&name, "jobName", LONGEST_NAME, "[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\\+\\-\\.]){0,63}", |name| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
    })?;
    let role = required(input.role_arn, "roleArn")?;
    text(&role, "roleArn", LONGEST_ROLE, "arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+", |role| {
        role.starts_with("arn:aws") && role.contains(":iam::") && role.contains(":role/") && !role.ends_with(":role/")
    })?;
    let model_id = required(input.model_id, "modelId")?;
    let model = model(call, &model_id)?;
    let input_config = required(input.input_data_config, "inputDataConfig")?;
    let output_config = required(input.output_data_config, "outputDataConfig")?;
    let input_place = place(&input_config, "inputDataConfig", "s3InputDataConfig")?;
    let output_place = place(&output_config, "outputDataConfig", "s3OutputDataConfig")?;
    if let Some(format) = input_config["s3InputDataConfig"]["s3InputFormat"].as_str() {
        one_of(format, "inputDataConfig.s3InputDataConfig.s3InputFormat", &["JSONL"])?;
    }
    let hours = match input.timeout_duration_in_hours {
        None => HOURS,
        Some(hours) => within(u64::try_from(hours).unwrap_or(0), "timeoutDurationInHours", 24, 168)?,
    };
    let kind = input.model_invocation_type.as_deref().unwrap_or("InvokeModel");
    one_of(kind, "modelInvocationType", &["InvokeModel", "Converse"])?;
    if let Some(value) = &input.client_request_token {
        token(value, "clientRequestToken")?;
    }
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    // TooManyTagsException is not declared here.
    if let Some(error) = tags::too_many(&tags) {
        return Err(ServiceError::validation(error.message));
    }
    let world = call.world.clone();
    let region = call.region.name.clone();
    let order = Order {
        arn: arn(&region, &world.scenario.account, &new_id(&mut call.rng)),
        region,
        name,
        model_id,
        model,
        role,
        input: input_place,
        output: output_place,
        input_config,
        output_config,
        vpc_config: input.vpc_config,
        converse: kind == "Converse",
        hours,
        tags,
        token: input.client_request_token,
        error_rate: world.scenario.batch_error_rate,
        seed: call.rng.random(),
        doomed: call.failing() == Some(Failing::Capacity),
        made_up: None,
    };
    let slots = Limits::of(&world, &order.region, &order.model.id).jobs;
    let arn = world.jobs.submit(order, slots, world.service_time())?;
    Ok(Answer::json(&json!({ "jobArn": arn })))
}

/// `GetModelInvocationJob`.
pub(in crate::sim) fn get(call: &Call) -> Result<Answer, ServiceError> {
    let job = call.world.jobs.find(&call.region.name, &call.resource)?;
    Ok(Answer::json(&told(&job, call.world.service_time())))
}

/// `ListModelInvocationJobs`.
pub(in crate::sim) fn list(call: &Call) -> Result<Answer, ServiceError> {
    let listing = Listing::of(call, "submitTime")?;
    let status = choice(call, "statusEquals", &Status::NAMES)?;
    let now = call.world.service_time();
    let jobs = call.world.jobs.list(&call.region.name);
    let wanted = jobs.iter().filter(|job| {
        listing.wants(&job.order.name, job.life.submitted())
            && status.as_deref().is_none_or(|status| job.life.status(now).name() == status)
    });
    listing.answer("invocationJobSummaries", wanted.map(|job| told(job, now)).collect())
}

/// `StopModelInvocationJob`.
pub(in crate::sim) fn stop(call: &Call) -> Result<Answer, ServiceError> {
    call.world.jobs.stop(&call.region.name, &call.resource, call.world.service_time())?;
    Ok(Answer::json(&json!({})))
}

fn told(job: &Job, now: Micros) -> Value {
    let (order, life) = (&job.order, &job.life);
    let counts = life.counts();
    let mut told = json!({
        "jobArn": order.arn,
        "jobName": order.name,
        "modelId": order.model_id,
        "roleArn": order.role,
        "status": job.life.status(now).name(),
        "submitTime": iso(life.submitted()),
        "lastModifiedTime": iso(life.modified(now)),
        "inputDataConfig": order.input_config,
        "outputDataConfig": order.output_config,
        "timeoutDurationInHours": order.hours,
        "jobExpirationTime": iso(life.deadline()),
        "modelInvocationType": if order.converse { "Converse" } else { "InvokeModel" },
        "totalRecordCount": counts.total,
        "processedRecordCount": counts.processed(),
        "successRecordCount": counts.succeeded,
        "errorRecordCount": counts.failed,
    });
    let mut more = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            told[key] = value;
        }
    };
    more("clientRequestToken", order.token.clone().map(Value::from));
    more("message", job.message.clone().map(Value::from));
    more("endTime", life.ended().map(|at| iso(at).into()));
    more("vpcConfig", order.vpc_config.clone());
    told
}

/// The model of a job: on demand or through a profile, never provisioned.
fn model(call: &Call, id: &str) -> Result<&'static Model, ServiceError> {
    let route = call
        .world
        .catalogue
        .route(&call.region.name, id)
        .map_err(|error| ServiceError::validation(error.service_message()))?;
    match (route.kind, route.model) {
        (RouteKind::OnDemand | RouteKind::Geographic | RouteKind::Global, Some(model)) => Ok(model),
        _ => Err(ServiceError::validation("The provided model doesn't support batch inference.")),
    }
}

fn place(config: &Value, member: &str, kind: &str) -> Result<Place, ServiceError> {
    let uri = config[kind]["s3Uri"].as_str().map(str::to_owned);
    let member = format!("{member}.{kind}.s3Uri");
    let uri = required(uri, &member)?;
    Place::parse(&uri).ok_or_else(|| {
        violated(
            &uri,
            &member,
            "Member must satisfy regular expression pattern: s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](/.*)?",
        )
    })
}
