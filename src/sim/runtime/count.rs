//! `CountTokens`: free, and only for some models by their own id.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::catalogue::{Model, base_id};
use crate::families::{ApiChoice, inspect};

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::reply::Answer;
use super::super::tokens::TokenRule;
use super::examine::malformed;

/// The longest `modelId` of this operation.
const LONGEST_ID: usize = 256;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    input: Input<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Input<'a> {
    #[serde(borrow)]
    Converse(&'a RawValue),
    InvokeModel(Invoke),
}

#[derive(Deserialize)]
struct Invoke {
    /// base64
    body: String,
}

/// Counts the input tokens of a request as inference would.
pub(in crate::sim) fn count_tokens(call: &Call) -> Result<Answer, ServiceError> {
    let model = countable(call)?;
    let request: Request<'_> = serde_json::from_slice(&call.payload.bytes)
        .map_err(|error| ServiceError::validation(format!("The format of the request is invalid: {error}")))?;
    let rule = TokenRule::of(&model.id);
    let count = |choice, body: &[u8]| {
        let converse = choice == ApiChoice::Converse;
        let body = inspect(&model.id, choice, body).map_err(|error| malformed(&error, converse))?;
        Ok(rule.request(body.texts.iter().map(AsRef::as_ref), body.other_bytes))
    };
    let tokens = match request.input {
        Input::Converse(body) => count(ApiChoice::Converse, body.get().as_bytes())?,
        Input::InvokeModel(invoke) => {
            let body = STANDARD
                .decode(invoke.body)
                .map_err(|error| ServiceError::validation(format!("The body is not base64: {error}")))?;
            count(ApiChoice::Invoke, &body)?
        }
    };
    Ok(Answer::json(&json!({ "inputTokens": tokens })))
}

/// The model, if the service counts for it: profiles and the models of some families are refused.
fn countable(call: &Call) -> Result<&'static Model, ServiceError> {
    let id = call.resource.as_str();
    let known = call.world.catalogue.model(id).filter(|_| id.len() <= LONGEST_ID);
    match known {
        None => Err(ServiceError::validation("The provided model identifier is invalid.")),
        Some(model) if model.count_tokens && base_id(id) == id => Ok(model),
        Some(_) => Err(ServiceError::validation("The provided model doesn't support counting tokens.")),
    }
}
