//! The five operations on provisioned throughput.

use hyper::StatusCode;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::record::Micros;

use super::super::call::Call;
use super::super::clock::iso;
use super::super::constraints::{body, choice, is_joined, one_of, required, text, token, within};
use super::super::errors::ServiceError;
use super::super::faults::Failing;
use super::super::listing::Listing;
use super::super::quotas;
use super::super::reply::Answer;
use super::super::route::query;
use super::super::scenario::Commitment;
use super::super::tags::{self, Tag};
use super::lifecycle::Status;
use super::shelf::{Ordered, Provisioned, arn};
use super::subject::Subject;

const LONGEST_NAME: usize = 63;
const LONGEST_MODEL: usize = 2_048;
const LARGEST_UNITS: u64 = i32::MAX as u64;
/// Commitments as the service writes them.
const TERMS: [(&str, Commitment); 2] = [("OneMonth", Commitment::OneMonth), ("SixMonths", Commitment::SixMonths)];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateInput {
    #[serde(default)]
    client_request_token: Option<String>,
    #[serde(default)]
    model_units: Option<i64>,
    #[serde(default)]
    provisioned_model_name: Option<String>,
    #[serde(default)]
    model_id: Option<String>,
    #[serde(default)]
    commitment_duration: Option<String>,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
}

/// `CreateProvisionedModelThroughput`.
pub(in crate::sim) fn create(call: &mut Call) -> Result<Answer, ServiceError> {
    let input: CreateInput = body(call)?;
    let units = required(input.model_units, "modelUnits")?;
    let units = within(u64::try_from(units).unwrap_or(0), "modelUnits", 1, LARGEST_UNITS)?;
    let name = required(input.provisioned_model_name, "provisionedModelName")?;
    check_name(&name, "provisionedModelName")?;
    let model_id = required(input.model_id, "modelId")?;
    text(&model_id, "modelId", LONGEST_MODEL, "a model id or ARN", |id| !id.contains(char::is_whitespace))?;
    if let Some(value) = &input.client_request_token {
        token(value, "clientRequestToken")?;
    }
    let commitment = match input.commitment_duration.as_deref() {
        None => Commitment::None,
        Some(term) => {
            one_of(term, "commitmentDuration", &TERMS.map(|(name, _)| name))?;
            TERMS.iter().find(|(name, _)| *name == term).map_or(Commitment::None, |(_, commitment)| *commitment)
        }
    };
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    if let Some(error) = tags::too_many(&tags) {
        return Err(error);
    }
    let subject = subject(call, &model_id)?;
    let world = call.world.clone();
    let region = &call.region.name;
    let arn = arn(region, &world.scenario.account, &new_id(&mut call.rng));
    let ordered = Ordered { name, model_id, units, commitment, tags };
    let doomed = call.failing() == Some(Failing::Capacity);
    let quota = |code: &str| quotas::account_value(&call.world, region, code).unwrap_or(0.0) as u64;
    let now = world.service_time();
    let arn =
        world.provisioned().create(region, arn, ordered, input.client_request_token, subject, doomed, quota, now)?;
    Ok(Answer::json(&json!({ "provisionedModelArn": arn })).status(StatusCode::CREATED))
}

/// `GetProvisionedModelThroughput`.
pub(in crate::sim) fn get(call: &Call) -> Result<Answer, ServiceError> {
    let now = call.world.service_time();
    let shelf = call.world.provisioned();
    let model = shelf.get(&call.region.name, &call.resource)?;
    let mut reply = told(model, now);
    if model.life.status(now) == Status::Failed {
        reply["failureMessage"] = "There is not enough capacity for the requested model units.".into();
    }
    Ok(Answer::json(&reply))
}

/// `ListProvisionedModelThroughputs`.
pub(in crate::sim) fn list(call: &Call) -> Result<Answer, ServiceError> {
    let listing = Listing::of(call, "creationTime")?;
    let status = choice(call, "statusEquals", &Status::NAMES)?;
    let model_arn = query(&call.uri, "modelArnEquals");
    let now = call.world.service_time();
    let shelf = call.world.provisioned();
    let wanted = shelf.list(&call.region.name).filter(|model| {
        listing.wants(&model.name, model.life.created())
            && status.as_deref().is_none_or(|status| model.life.status(now).name() == status)
            && model_arn.as_deref().is_none_or(|arn| model.current(now).arn == arn)
    });
    let all = wanted.map(|model| told(model, now)).collect();
    listing.answer("provisionedModelSummaries", all)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateInput {
    #[serde(default)]
    desired_provisioned_model_name: Option<String>,
    #[serde(default)]
    desired_model_id: Option<String>,
}

/// `UpdateProvisionedModelThroughput`: name and model, never the units.
pub(in crate::sim) fn update(call: &Call) -> Result<Answer, ServiceError> {
    let input: UpdateInput = body(call)?;
    let name = input.desired_provisioned_model_name;
    if let Some(name) = &name {
        check_name(name, "desiredProvisionedModelName")?;
    }
    let subject = input.desired_model_id.map(|id| subject(call, &id)).transpose()?;
    let now = call.world.service_time();
    call.world.provisioned().update(&call.region.name, &call.resource, name, subject, now)?;
    Ok(Answer::json(&json!({})))
}

/// `DeleteProvisionedModelThroughput`.
pub(in crate::sim) fn delete(call: &Call) -> Result<Answer, ServiceError> {
    let now = call.world.service_time();
    call.world.provisioned().delete(&call.region.name, &call.resource, now)?;
    Ok(Answer::json(&json!({})))
}

fn told(model: &Provisioned, now: Micros) -> Value {
    let mut told = json!({
        "provisionedModelName": model.name,
        "provisionedModelArn": model.arn,
        "modelArn": model.current(now).arn,
        "desiredModelArn": model.subject.arn,
        "foundationModelArn": model.foundation_arn(),
        "modelUnits": model.ordered.units,
        "desiredModelUnits": model.ordered.units,
        "status": model.life.status(now).name(),
        "creationTime": iso(model.life.created()),
        "lastModifiedTime": iso(model.life.modified(now)),
    });
    let term = TERMS.iter().find(|(_, commitment)| *commitment == model.ordered.commitment);
    if let (Some((name, _)), Some(expires)) = (term, model.life.expires()) {
        told["commitmentDuration"] = (*name).into();
        told["commitmentExpirationTime"] = iso(expires).into();
    }
    told
}

fn subject(call: &Call, id: &str) -> Result<Subject, ServiceError> {
    let account = &call.world.scenario.account;
    let catalogue = call.world.catalogue;
    Subject::of(catalogue, &call.region.name, account, id).ok_or_else(|| match catalogue.model(id) {
        Some(_) => ServiceError::validation("The provided model does not support Provisioned Throughput."),
        None => ServiceError::not_found("Could not find the specified model."),
    })
}

fn check_name(name: &str, member: &str) -> Result<(), ServiceError> {
    text(name, member, LONGEST_NAME, "([0-9a-zA-Z][_-]?)+", is_joined)
}

/// Twelve letters and digits: the last part of an ARN.
pub(in crate::sim) fn new_id(rng: &mut ChaCha8Rng) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..12).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}
