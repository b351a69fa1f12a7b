//! Whether a request can be served at all, in the service's order: model, body, limits.

use crate::catalogue::{Model, RouteKind};
use crate::families::{ApiChoice, Family, inspect};

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::route::Operation;
use super::super::tokens::TokenRule;

/// The longest `modelId`.
const LONGEST_ID: usize = 2_048;

/// A request that can be served, and what it reserves.
pub(super) struct Wanted {
    pub model: &'static Model,
    /// The id as it is metered.
    pub bucket: String,
    pub family: Family,
    /// Input tokens by the simulator's own count.
    pub input: u64,
    /// The output limit that is reserved: the request's, or the model's where it sets none.
    pub max_tokens: u64,
    /// The output that the context window leaves room for.
    pub room: u64,
}

/// Checks a request for inference.
pub(super) fn examine(call: &Call) -> Result<Wanted, ServiceError> {
    let (model, bucket) = callable(call)?;
    let streams = matches!(call.operation, Operation::ConverseStream | Operation::InvokeModelWithResponseStream);
    if streams && !model.streaming {
        return Err(ServiceError::validation("The model is unsupported for streaming."));
    }
    let converse = matches!(call.operation, Operation::Converse | Operation::ConverseStream);
    if converse && !model.converse {
        return Err(ServiceError::validation(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
        ));
    }
    let choice = if converse { ApiChoice::Converse } else { ApiChoice::Invoke };
    let body = inspect(&model.id, choice, &call.payload.bytes).map_err(|error| malformed(&error, converse))?;
    let input = TokenRule::of(&model.id).request(body.texts.iter().map(AsRef::as_ref), body.other_bytes);
    let max_tokens = match body.max_tokens {
        Some(0) => return Err(ServiceError::validation("The maximum tokens must be at least 1.")),
        Some(limit) if limit > model.max_output => {
            let most = model.max_output;
            return Err(ServiceError::validation(format!(
                "The maximum tokens you requested exceeds the model limit of {most}. Try again with a maximum tokens value lower than {most}."
            )));
        }
        Some(limit) => limit,
        None => model.default_max_output,
    };
    if input >= model.context_window {
        return Err(ServiceError::validation("Input is too long for requested model."));
    }
    Ok(Wanted { model, bucket, family: body.family, input, max_tokens, room: model.context_window - input })
}

/// The model behind the path's id, if it can be called from here, and the bucket that meters it.
fn callable(call: &Call) -> Result<(&'static Model, String), ServiceError> {
    let id = call.resource.as_str();
    if id.len() > LONGEST_ID {
        return Err(ServiceError::validation("The provided model identifier is invalid."));
    }
    let route = call
        .world
        .catalogue
        .route(&call.region.name, id)
        .map_err(|error| ServiceError::validation(error.service_message()))?;
    match (route.kind, route.model) {
        (RouteKind::OnDemand | RouteKind::Geographic | RouteKind::Global, Some(model)) => {
            Ok((model, route.bucket.as_str().to_owned()))
        }
        _ => Err(ServiceError::not_found("Could not resolve the foundation model from the provided model identifier.")),
    }
}

/// What the service says of a body that it cannot use.
pub(super) fn malformed(error: &impl std::fmt::Display, converse: bool) -> ServiceError {
    if converse {
        ServiceError::validation(format!("The format of the request is invalid: {error}"))
    } else {
        ServiceError::validation(format!("Malformed input request: {error}, please reformat your input and try again."))
    }
}
