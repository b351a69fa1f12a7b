//! Whether a request can be served at all, in the service's order: model, body, limits.

use crate::catalogue::{Model, RouteKind};
use crate::families::{ApiChoice, Family, inspect};

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::provisioned::Serving;
use super::super::route::Operation;
use super::super::tokens::TokenRule;
use super::tier::{self, ServiceTier};

/// The longest `modelId`.
const LONGEST_ID: usize = 2_048;

/// A request that can be served, and what it reserves.
pub(super) struct Wanted {
    pub model: &'static Model,
    pub metered: Metered,
    pub body: Examined,
    /// The service tier that it names.
    pub tier: Option<ServiceTier>,
}

/// What meters a request.
pub(super) enum Metered {
    /// The on-demand quotas of a model or profile id.
    Bucket(String),
    /// The capacity that was bought under this ARN.
    Bought(String, Serving),
}

impl Metered {
    /// The id as it is metered and counted.
    pub(super) fn id(&self) -> &str {
        match self {
            Metered::Bucket(id) | Metered::Bought(id, _) => id,
        }
    }
}

/// A body that can be served.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Examined {
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
    let (model, metered) = callable(call)?;
    let streams = matches!(call.operation, Operation::ConverseStream | Operation::InvokeModelWithResponseStream);
    if streams && !model.streaming {
        return Err(ServiceError::validation("The model is unsupported for streaming."));
    }
    let converse = matches!(call.operation, Operation::Converse | Operation::ConverseStream);
    let window = match &metered {
        Metered::Bucket(_) => model.context_window,
        Metered::Bought(_, serving) => model.context_window.min(context(serving)),
    };
    let tier = tier::asked(call)?;
    let body = examine_body(model, converse, window, &call.payload.bytes)?;
    Ok(Wanted { model, metered, body, tier })
}

/// Checks a request body. Batch inference looks at its records with the same eyes.
pub(in crate::sim) fn examine_body(
    model: &Model,
    converse: bool,
    window: u64,
    body: &[u8],
) -> Result<Examined, ServiceError> {
    if converse && !model.converse {
        return Err(ServiceError::validation(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
        ));
    }
    let choice = if converse { ApiChoice::Converse } else { ApiChoice::Invoke };
    let body = inspect(&model.id, choice, body).map_err(|error| malformed(&error, converse))?;
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
    if input >= window {
        return Err(ServiceError::validation("Input is too long for requested model."));
    }
    Ok(Examined { family: body.family, input, max_tokens, room: window - input })
}

/// The context length that was bought: `24k` is read as 24,000 tokens, as the catalogue reads `200k`.
fn context(serving: &Serving) -> u64 {
    let thousands = serving.variant.context().trim_end_matches('k').parse::<u64>();
    thousands.map_or(u64::MAX, |thousands| thousands.saturating_mul(1_000))
}

/// The model behind the path's id, if it can be called from here, and what meters it.
fn callable(call: &Call) -> Result<(&'static Model, Metered), ServiceError> {
    let id = call.resource.as_str();
    if id.len() > LONGEST_ID {
        return Err(ServiceError::validation("The provided model identifier is invalid."));
    }
    let world = &call.world;
    let region = &call.region.name;
    let route = world.catalogue.route(region, id).map_err(|error| ServiceError::validation(error.service_message()))?;
    let unresolved =
        || ServiceError::not_found("Could not resolve the foundation model from the provided model identifier.");
    match (route.kind, route.model) {
        (RouteKind::OnDemand | RouteKind::Geographic | RouteKind::Global, Some(model)) => {
            Ok((model, Metered::Bucket(route.bucket.as_str().to_owned())))
        }
        (RouteKind::Provisioned, _) => {
            let serving = world.provisioned().serving(region, id, world.service_time())?;
            let model = world.catalogue.model(&serving.variant.model).ok_or_else(unresolved)?;
            Ok((model, Metered::Bought(id.to_owned(), serving)))
        }
        _ => Err(unresolved()),
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
