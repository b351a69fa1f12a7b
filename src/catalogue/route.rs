//! Which routes exist.

use thiserror::Error;

use crate::record::ModelId;

use super::id::{Arn, parts};
use super::{Catalogue, Model};

/// What kind of route it is: what meters it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// A foundation model on demand.
    OnDemand,
    /// A geographic cross-Region profile.
    Geographic,
    /// The global cross-Region profile.
    Global,
    /// An application inference profile: metered with the profile or model it was copied from, which its ARN does not
    /// tell.
    Application,
    /// Provisioned throughput: a capacity of its own.
    Provisioned,
    /// A custom or imported model, or a prompt router: quotas of its own.
    Custom,
}

/// A route that exists.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    /// What kind of route it is.
    pub kind: RouteKind,
    /// The id as it is metered: two routes with the same bucket in a Region share its quotas.
    pub bucket: ModelId,
    /// The model, if the id tells it.
    pub model: Option<&'static Model>,
}

/// Why a route does not exist, and what to use instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RouteError {
    /// Neither a known model nor an ARN of the service.
    #[error("The provided model identifier is invalid: {id}{}", did_you_mean(suggestion))]
    Unknown {
        /// The id as given.
        id: String,
        /// The most similar id known.
        suggestion: Option<String>,
    },
    /// The model cannot be called by its own id.
    #[error(
        "Invocation of model ID {id} with on-demand throughput isn't supported. Retry your request with the ID or ARN \
         of an inference profile that contains this model{}",
        instead(": ", alternatives)
    )]
    NeedsProfile {
        /// The id as given.
        id: String,
        /// Ids that can be called from the Region.
        alternatives: Vec<String>,
    },
    /// The model has no such profile, or it cannot be called from the Region.
    #[error(
        "The provided model identifier is invalid: there is no {id} in {region}{}",
        instead("; use ", alternatives)
    )]
    NotHere {
        /// The id as given.
        id: String,
        /// The Region of the call.
        region: String,
        /// Ids of the same model that can be called from the Region.
        alternatives: Vec<String>,
    },
    /// The ARN belongs to another Region.
    #[error("The provided model identifier is invalid: {id} belongs to {arn_region}; call it there, not in {region}")]
    OtherRegion {
        /// The ARN.
        id: String,
        /// The Region in the ARN.
        arn_region: String,
        /// The Region of the call.
        region: String,
    },
}

impl RouteError {
    /// The message of the ValidationException with which the service refuses such a call (facts §2.6).
    #[must_use]
    pub fn service_message(&self) -> String {
        match self {
            RouteError::NeedsProfile { id, .. } => {
                RouteError::NeedsProfile { id: id.clone(), alternatives: Vec::new() }.to_string() + "."
            }
            _ => "The provided model identifier is invalid.".to_owned(),
        }
    }
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|id| format!("; did you mean {id}?")).unwrap_or_default()
}

fn instead(lead: &str, alternatives: &[String]) -> String {
    if alternatives.is_empty() { String::new() } else { format!("{lead}{}", alternatives.join(" or ")) }
}

impl Catalogue {
    /// Decides whether `id` can be called from `region`, as far as the catalogue knows: the base id only where the model
    /// is offered on demand, a geographic profile only from its own geography, the global profile where the model has
    /// one. ARNs of application profiles, provisioned and custom models are routes of their own.
    ///
    /// # Errors
    /// In the service's words, with what to use instead. [`RouteError::Unknown`] says no more than that the catalogue
    /// does not list the model: one that is newer than the catalogue may exist.
    pub fn route(&'static self, region: &str, id: &str) -> Result<RouteInfo, RouteError> {
        let unknown = || RouteError::Unknown { id: id.to_owned(), suggestion: self.similar(id) };
        let parts = parts(id).ok_or_else(unknown)?;
        if let Some(arn) = parts.arn {
            if arn.region != region {
                let (id, arn_region, region) = (id.to_owned(), arn.region.to_owned(), region.to_owned());
                return Err(RouteError::OtherRegion { id, arn_region, region });
            }
            if !arn.names_model() {
                let kind = own_kind(arn).ok_or_else(unknown)?;
                return Ok(RouteInfo { kind, bucket: id.into(), model: None });
            }
        }
        let model = self.model(id).ok_or_else(unknown)?;
        let here = model.regions.is_empty() || model.regions.iter().any(|known| known == region);
        let kind = match parts.prefix {
            None if here && model.on_demand && parts.variant.is_none() => RouteKind::OnDemand,
            None if here => {
                let alternatives = alternatives(model, region);
                return Err(RouteError::NeedsProfile { id: id.to_owned(), alternatives });
            }
            Some(prefix) if here && parts.variant.is_none() && has_profile(model, prefix, region) => {
                if prefix == "global" { RouteKind::Global } else { RouteKind::Geographic }
            }
            _ => {
                let alternatives = if here { alternatives(model, region) } else { Vec::new() };
                return Err(RouteError::NotHere { id: id.to_owned(), region: region.to_owned(), alternatives });
            }
        };
        let bucket = match parts.prefix {
            Some(prefix) => format!("{prefix}.{}", model.id).into(),
            None => model.id.as_str().into(),
        };
        Ok(RouteInfo { kind, bucket, model: Some(model) })
    }

    /// The known id most like `id`, if one is like it at all.
    fn similar(&self, id: &str) -> Option<String> {
        let parts = parts(id)?;
        let base = parts.base.to_ascii_lowercase();
        if base.len() > 256 || base.is_empty() {
            return None;
        }
        // An id without its date and version is the most common slip: the shortest completion is meant.
        let completion = self.models.iter().filter(|model| model.id.starts_with(&base)).min_by_key(|m| m.id.len());
        let model = completion.or_else(|| {
            let scored =
                self.models.iter().map(|model| (strsim::normalized_damerau_levenshtein(&base, &model.id), model));
            let (score, model) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
            (score >= 0.7).then_some(model)
        })?;
        let prefix = parts.prefix.filter(|prefix| model.profiles.iter().any(|known| known == prefix));
        Some(match prefix {
            Some(prefix) => format!("{prefix}.{}", model.id),
            None => model.id.clone(),
        })
    }
}

fn own_kind(arn: Arn<'_>) -> Option<RouteKind> {
    match arn.resource {
        "application-inference-profile" => Some(RouteKind::Application),
        "provisioned-model" => Some(RouteKind::Provisioned),
        "custom-model-deployment" | "imported-model" | "prompt-router" | "default-prompt-router" => {
            Some(RouteKind::Custom)
        }
        _ => None,
    }
}

fn has_profile(model: &Model, prefix: &str, region: &str) -> bool {
    model.profiles.iter().any(|known| known == prefix) && reaches(prefix, region)
}

/// What can be called from `region` for `model`, the nearest first.
fn alternatives(model: &Model, region: &str) -> Vec<String> {
    let on_demand = model.on_demand.then(|| model.id.clone());
    let profiles = model.profiles.iter().filter(|prefix| reaches(prefix, region));
    on_demand.into_iter().chain(profiles.map(|prefix| format!("{prefix}.{}", model.id))).collect()
}

/// Whether the profiles of a geography can be called from `region`.
fn reaches(prefix: &str, region: &str) -> bool {
    let gov = region.starts_with("us-gov-");
    match prefix {
        "us" => region.starts_with("us-") && !gov,
        "us-gov" => gov,
        "apac" => region.starts_with("ap-"),
        "jp" => matches!(region, "ap-northeast-1" | "ap-northeast-3"),
        "au" => matches!(region, "ap-southeast-2" | "ap-southeast-4" | "ap-southeast-6"),
        "in" => matches!(region, "ap-south-1" | "ap-south-2"),
        "global" => !gov && !region.starts_with("cn-"),
        geography => region.strip_prefix(geography).is_some_and(|rest| rest.starts_with('-')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(region: &str, id: &str) -> Result<RouteInfo, RouteError> {
        Catalogue::embedded().route(region, id)
    }

    #[test]
    fn existing_routes() {
        for (region, id, kind, bucket) in [
            ("us-east-1", "amazon.nova-lite-v1:0", RouteKind::OnDemand, "amazon.nova-lite-v1:0"),
            ("us-west-2", "us.amazon.nova-lite-v1:0", RouteKind::Geographic, "us.amazon.nova-lite-v1:0"),
            ("ca-central-1", "ca.amazon.nova-lite-v1:0", RouteKind::Geographic, "ca.amazon.nova-lite-v1:0"),
            (
                "ap-northeast-1",
                "jp.anthropic.claude-sonnet-4-6",
                RouteKind::Geographic,
                "jp.anthropic.claude-sonnet-4-6",
            ),
            ("eu-west-1", "global.anthropic.claude-opus-4-8", RouteKind::Global, "global.anthropic.claude-opus-4-8"),
            (
                "us-gov-west-1",
                "us-gov.anthropic.claude-3-haiku-20240307-v1:0",
                RouteKind::Geographic,
                "us-gov.anthropic.claude-3-haiku-20240307-v1:0",
            ),
            (
                "us-east-1",
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
                RouteKind::Geographic,
                "us.amazon.nova-lite-v1:0",
            ),
            (
                "us-east-1",
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                RouteKind::OnDemand,
                "amazon.nova-lite-v1:0",
            ),
        ] {
            let info = route(region, id).unwrap_or_else(|error| panic!("{region} {id}: {error}"));
            assert_eq!((info.kind, info.bucket.as_str()), (kind, bucket), "{region} {id}");
            assert!(info.model.is_some_and(|model| id.contains(&model.id)), "{region} {id}");
        }
    }

    #[test]
    fn resources_of_the_account_are_routes_of_their_own() {
        for (resource, kind) in [
            ("application-inference-profile/a1b2c3", RouteKind::Application),
            ("provisioned-model/a1b2c3", RouteKind::Provisioned),
            ("imported-model/a1b2c3", RouteKind::Custom),
        ] {
            let arn = format!("arn:aws:bedrock:us-east-1:123456789012:{resource}");
            let info = route("us-east-1", &arn).unwrap();
            assert_eq!((info.kind, info.bucket.as_str(), info.model), (kind, arn.as_str(), None));
            assert!(matches!(route("us-west-2", &arn), Err(RouteError::OtherRegion { .. })));
        }
        assert!(route("us-east-1", "arn:aws:bedrock:us-east-1:123456789012:guardrail/g").is_err());
    }

    #[test]
    fn a_profile_only_model_says_so_in_the_services_words() {
        let id = "anthropic.claude-haiku-4-5-20251001-v1:0";
        let error = route("eu-west-1", id).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "Invocation of model ID {id} with on-demand throughput isn't supported. Retry your request with the ID \
                 or ARN of an inference profile that contains this model: eu.{id} or global.{id}"
            )
        );
        assert!(error.service_message().ends_with("an inference profile that contains this model."));
    }

    #[test]
    fn a_context_variant_is_not_offered_on_demand() {
        let error = route("us-east-1", "amazon.nova-lite-v1:0:300k").unwrap_err();
        assert!(error.to_string().contains(": amazon.nova-lite-v1:0 or us.amazon.nova-lite-v1:0"), "{error}");
    }

    #[test]
    fn a_foreign_geography_says_what_to_use() {
        let error = route("eu-west-1", "us.anthropic.claude-sonnet-4-6").unwrap_err();
        let wanted = "there is no us.anthropic.claude-sonnet-4-6 in eu-west-1; use anthropic.claude-sonnet-4-6 or \
                      eu.anthropic.claude-sonnet-4-6 or global.anthropic.claude-sonnet-4-6";
        assert!(error.to_string().ends_with(wanted), "{error}");
        assert_eq!(error.service_message(), "The provided model identifier is invalid.");
        assert!(route("us-gov-west-1", "us.amazon.nova-lite-v1:0").is_err());
        assert!(route("us-gov-west-1", "global.anthropic.claude-sonnet-4-6").is_err());
        assert!(route("ap-southeast-2", "jp.anthropic.claude-sonnet-4-6").is_err());
        assert!(route("us-east-1", "jp.amazon.nova-lite-v1:0").is_err());
    }

    #[test]
    fn unknown_ids_suggest_the_likely_one() {
        let suggestion = |id: &str| match route("us-east-1", id).unwrap_err() {
            RouteError::Unknown { suggestion, .. } => suggestion,
            other => panic!("{other}"),
        };
        assert_eq!(
            suggestion("us.anthropic.claude-haiku-4-5").as_deref(),
            Some("us.anthropic.claude-haiku-4-5-20251001-v1:0")
        );
        assert_eq!(suggestion("amazon.nova-lit-v1:0").as_deref(), Some("amazon.nova-lite-v1:0"));
        assert_eq!(suggestion("jp.amazon.nova-lite").as_deref(), Some("amazon.nova-lite-v1:0"));
        assert_eq!(suggestion("gibberish"), None);
        assert_eq!(suggestion(""), None);
        assert_eq!(suggestion("arn:aws:s3:::bucket/key"), None);
        assert_eq!(suggestion(&"x".repeat(100_000)), None);
    }
}
