//! The Bedrock control plane: which models and inference profiles there are.

use serde_json::{Value, json};

use crate::catalogue::{Model, ModelFamily, ProvisionedVariant, RouteKind, base_id};

use super::call::Call;
use super::constraints::choice;
use super::errors::ServiceError;
use super::listing::{page_size, paged};
use super::reply::Answer;
use super::route::query;

/// When the simulated account's profiles were made.
const PROFILES_SINCE: &str = "2026-01-01T00:00:00Z";

/// `ListFoundationModels`: not paged.
pub(super) fn list_foundation_models(call: &Call) -> Result<Answer, ServiceError> {
    let provider = query(&call.uri, "byProvider");
    let modality = choice(call, "byOutputModality", &["TEXT", "IMAGE", "EMBEDDING"])?;
    let inference = choice(call, "byInferenceType", &["ON_DEMAND", "PROVISIONED"])?;
    let customization =
        choice(call, "byCustomizationType", &["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"])?;
    let summaries: Vec<Value> = call
        .world
        .catalogue
        .models()
        .iter()
        .filter(|model| is_here(model, &call.region.name))
        .filter(|model| provider.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&model.provider)))
        .filter(|_| modality.as_deref().is_none_or(|wanted| wanted == "TEXT"))
        .filter(|_| customization.is_none())
        .flat_map(|model| {
            let own = std::iter::once(foundation_model(model, &call.region.name));
            let variants = call.world.catalogue.provisioned_variants_of(model);
            own.chain(variants.map(|variant| context_variant(model, variant, &call.region.name)))
        })
        .filter(|told| inference.as_deref().is_none_or(|wanted| told["inferenceTypesSupported"][0] == wanted))
        .collect();
    Ok(Answer::json(&json!({ "modelSummaries": summaries })))
}

/// `GetFoundationModel`.
pub(super) fn get_foundation_model(call: &Call) -> Result<Answer, ServiceError> {
    let id = &call.resource;
    let model = call
        .world
        .catalogue
        .model(id)
        .filter(|model| (id.starts_with("arn:") || base_id(id) == id) && is_here(model, &call.region.name))
        .ok_or_else(|| ServiceError::not_found("Could not find the foundation model."))?;
    Ok(Answer::json(&json!({ "modelDetails": foundation_model(model, &call.region.name) })))
}

/// `GetFoundationModelAvailability`: what stands between the account and a model. A scenario's account may use every model
/// that its Region has; a `denied` fault of this operation is how it may not.
pub(super) fn get_foundation_model_availability(call: &Call) -> Result<Answer, ServiceError> {
    let model = call.world.catalogue.model(&call.resource);
    let model = model.ok_or_else(|| ServiceError::not_found("The specified model was not found."))?;
    let here = model.regions.is_empty() || model.regions.contains(&call.region.name);
    Ok(Answer::json(&json!({
        "modelId": model.id,
        "agreementAvailability": { "status": "AVAILABLE" },
        "authorizationStatus": "AUTHORIZED",
        "entitlementAvailability": "AVAILABLE",
        "regionAvailability": if here { "AVAILABLE" } else { "NOT_AVAILABLE" },
    })))
}

/// `ListInferenceProfiles`.
pub(super) fn list_inference_profiles(call: &Call) -> Result<Answer, ServiceError> {
    let kind = choice(call, "type", &["SYSTEM_DEFINED", "APPLICATION"])?;
    let size = page_size(call)?;
    let profiles = call
        .world
        .catalogue
        .models()
        .iter()
        .filter(|_| kind.as_deref() != Some("APPLICATION"))
        .flat_map(|model| model.profiles.iter().filter_map(move |prefix| profile(call, model, prefix)));
    paged("inferenceProfileSummaries", profiles, query(&call.uri, "nextToken").as_deref(), size)
}

/// `GetInferenceProfile`.
pub(super) fn get_inference_profile(call: &Call) -> Result<Answer, ServiceError> {
    let id = call.resource.rsplit('/').next().unwrap_or_default();
    call.world
        .catalogue
        .model(id)
        .zip(id.split_once('.'))
        .filter(|_| call.world.catalogue.route(&call.region.name, &call.resource).is_ok())
        .and_then(|(model, (prefix, _))| profile(call, model, prefix))
        .map(|profile| Answer::json(&profile))
        .ok_or_else(|| ServiceError::not_found("The specified inference profile was not found."))
}

fn foundation_model(model: &Model, region: &str) -> Value {
    let inputs: &[&str] = if sees_images(model) { &["TEXT", "IMAGE"] } else { &["TEXT"] };
    json!({
        "modelArn": format!("arn:aws:bedrock:{region}::foundation-model/{}", model.id),
        "modelId": model.id,
        "modelName": model.name,
        "providerName": model.provider,
        "inputModalities": inputs,
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": model.streaming,
        "customizationsSupported": [],
        "inferenceTypesSupported": [if model.on_demand { "ON_DEMAND" } else { "INFERENCE_PROFILE" }],
        "modelLifecycle": { "status": "ACTIVE" },
    })
}

/// A model in the form in which throughput can be bought for it.
fn context_variant(model: &Model, variant: &ProvisionedVariant, region: &str) -> Value {
    let mut told = foundation_model(model, region);
    told["modelArn"] = format!("arn:aws:bedrock:{region}::foundation-model/{}", variant.id).into();
    told["modelId"] = variant.id.as_str().into();
    told["inferenceTypesSupported"] = json!(["PROVISIONED"]);
    told
}

/// The profile of `model` with `prefix`, if it can be called from the call's Region.
fn profile(call: &Call, model: &Model, prefix: &str) -> Option<Value> {
    let region = &call.region.name;
    let id = format!("{prefix}.{}", model.id);
    let route = call.world.catalogue.route(region, &id).ok()?;
    if !matches!(route.kind, RouteKind::Geographic | RouteKind::Global) {
        return None;
    }
    let account = &call.world.scenario.account;
    let destinations = destinations(prefix, region);
    let arns: Vec<String> =
        destinations.iter().map(|region| format!("arn:aws:bedrock:{region}::foundation-model/{}", model.id)).collect();
    let places = if prefix == "global" { "all supported Regions".to_owned() } else { destinations.join(", ") };
    let scope = if prefix == "global" { "Global".to_owned() } else { prefix.to_ascii_uppercase() };
    Some(json!({
        "inferenceProfileName": format!("{scope} {} {}", model.provider, model.name),
        "description": format!("Routes requests to {} in {places}.", model.name),
        "createdAt": PROFILES_SINCE,
        "updatedAt": PROFILES_SINCE,
        "inferenceProfileArn": format!("arn:aws:bedrock:{region}:{account}:inference-profile/{id}"),
        "models": arns.iter().map(|arn| json!({ "modelArn": arn })).collect::<Vec<_>>(),
        "inferenceProfileId": id,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }))
}

/// Where a profile may send a request: five Regions at most are listed. The global profile's model carries no Region.
fn destinations(prefix: &str, source: &str) -> Vec<String> {
    let regions: &[&str] = match prefix {
        "us" => &["us-east-1", "us-east-2", "us-west-2"],
        "eu" => &["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"],
        "apac" => &["ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"],
        "jp" => &["ap-northeast-1", "ap-northeast-3"],
        "au" => &["ap-southeast-2", "ap-southeast-4"],
        "us-gov" => &["us-gov-east-1", "us-gov-west-1"],
        "global" => &[""],
        _ => &[],
    };
    if regions.is_empty() { vec![source.to_owned()] } else { regions.iter().map(ToString::to_string).collect() }
}

fn is_here(model: &Model, region: &str) -> bool {
    model.regions.is_empty() || model.regions.iter().any(|known| known == region)
}

fn sees_images(model: &Model) -> bool {
    match model.family {
        ModelFamily::Claude => !model.id.contains("claude-3-5-haiku"),
        ModelFamily::Nova => !model.id.contains("nova-micro"),
        ModelFamily::Llama => ["llama3-2-11b", "llama3-2-90b", "llama4"].iter().any(|part| model.id.contains(part)),
        ModelFamily::Mistral => model.id.contains("mistral-large-3"),
        ModelFamily::Qwen => model.id.contains("-vl-"),
        ModelFamily::Titan | ModelFamily::Jamba | ModelFamily::GptOss | ModelFamily::DeepSeek => false,
    }
}
