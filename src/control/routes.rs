//! `--model` x `--region`: the routes that exist, and what to use in the place of those that do not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::bedrock::{FoundationModel, InferenceProfile, ProfileKind};
use crate::catalogue::BucketKind;
use crate::catalogue::{Catalogue, Model, RouteError, RouteInfo, RouteKind, base_id, bucket_kind};
use crate::record::{ModelId, ProvisionedRoute, Region, Route, ScopeKey};

use super::discovery::RegionFacts;

/// A route that exists.
#[derive(Clone, Debug)]
pub struct PlannedRoute {
    /// Where to send.
    pub route: Route,
    /// What has the quota behind it.
    pub key: ScopeKey,
    /// What kind of route it is.
    pub kind: RouteKind,
    /// The model, if the catalogue knows it.
    pub model: Option<&'static Model>,
    /// What is behind the ARN of a provisioned model, once asked.
    pub provisioned: Option<ProvisionedRoute>,
}

/// A route that was asked for and does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// From where.
    pub region: Region,
    /// The model, profile or ARN as given.
    pub model: String,
    /// Why not, one line.
    pub reason: String,
    /// What can be called from there for the same model: for the user to choose, never taken unasked.
    pub instead: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.model, self.region, self.reason)?;
        if !self.instead.is_empty() {
            write!(f, "; use {}", self.instead.join(" or "))?;
        }
        Ok(())
    }
}

/// What became of `--model` x `--region`.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    /// Routes that exist, model by model in the order given, each once.
    pub routes: Vec<PlannedRoute>,
    /// Those that do not.
    pub refusals: Vec<Refusal>,
}

/// Expands `models` x `regions`. What a Region lists decides; where it does not answer (no permission), the catalogue
/// does. A foundation model id is never turned into a profile: a profile may serve the request from other Regions, and a
/// global one from anywhere, which is for the user to decide.
#[must_use]
pub fn expand_routes(models: &[String], regions: &[Region], facts: &BTreeMap<Region, RegionFacts>) -> Expansion {
    let mut expansion = Expansion::default();
    let mut known = BTreeSet::new();
    for model in models {
        for region in regions {
            let route = Route::new(region.clone(), model.as_str());
            if !known.insert(route.clone()) {
                continue;
            }
            let asked = Asked::of(region, model, facts.get(region));
            match asked.decide() {
                Ok(info) => expansion.routes.push(PlannedRoute {
                    key: ScopeKey { region: region.clone(), bucket: info.bucket },
                    kind: info.kind,
                    model: info.model,
                    provisioned: None,
                    route,
                }),
                Err((reason, instead)) => {
                    expansion.refusals.push(Refusal { region: region.clone(), model: model.clone(), reason, instead })
                }
            }
        }
    }
    expansion
}

/// One model in one Region, and what the Region lists.
struct Asked<'a> {
    region: &'a Region,
    id: &'a str,
    models: Option<&'a [FoundationModel]>,
    profiles: Option<&'a [InferenceProfile]>,
}

type Decision = Result<RouteInfo, (String, Vec<String>)>;

impl<'a> Asked<'a> {
    fn of(region: &'a Region, id: &'a str, facts: Option<&'a RegionFacts>) -> Asked<'a> {
        Asked {
            region,
            id,
            models: facts.and_then(|facts| facts.models.as_deref().ok()),
            profiles: facts.and_then(|facts| facts.profiles.as_deref().ok()),
        }
    }

    fn decide(&self) -> Decision {
        let by_catalogue = Catalogue::embedded().route(self.region.as_str(), self.id);
        if let Err(RouteError::OtherRegion { arn_region, .. }) = &by_catalogue {
            return Err((format!("the ARN belongs to {arn_region}; add `--region {arn_region}`"), Vec::new()));
        }
        if let Some(profile) = self.profile(self.id) {
            return Ok(self.through(profile));
        }
        match &by_catalogue {
            // Only the ARN tells of these, and no list of ours has them.
            Ok(info) if matches!(info.kind, RouteKind::Provisioned | RouteKind::Custom | RouteKind::Application) => {
                return Ok(info.clone());
            }
            _ => {}
        }
        let base = base_id(self.id);
        let listed = self.models.and_then(|models| models.iter().find(|model| model.id == base));
        match (bucket_kind(self.id), self.models, self.profiles) {
            (BucketKind::Base, Some(_), _) => match listed {
                Some(model) if model.on_demand => Ok(RouteInfo {
                    kind: RouteKind::OnDemand,
                    bucket: base.into(),
                    model: Catalogue::embedded().model(base),
                }),
                Some(_) => Err(("the model is called through an inference profile".to_owned(), self.instead(base))),
                None => Err((self.not_listed(&by_catalogue), self.instead(base))),
            },
            (_, _, Some(_)) => Err((self.not_listed(&by_catalogue), self.instead(base))),
            _ => by_catalogue.map_err(|error| self.refuse_by_catalogue(error)),
        }
    }

    /// The profile called `id`, by its id or its ARN.
    fn profile(&self, id: &str) -> Option<&'a InferenceProfile> {
        self.profiles?.iter().find(|profile| profile.id == id || profile.arn == id)
    }

    /// A listed profile as a route. An application profile is metered with what it was copied from: the model, if only
    /// this Region's is behind it, else the system profile over the same models.
    fn through(&self, profile: &InferenceProfile) -> RouteInfo {
        let catalogue = Catalogue::embedded();
        let system = |id: &str| RouteInfo {
            kind: if bucket_kind(id) == BucketKind::Global { RouteKind::Global } else { RouteKind::Geographic },
            bucket: id.into(),
            model: catalogue.model(id),
        };
        if profile.kind == ProfileKind::System {
            return system(&profile.id);
        }
        let behind: BTreeSet<&str> = profile.models.iter().map(String::as_str).collect();
        let source: Option<ModelId> = match profile.models.as_slice() {
            [only] => Some(base_id(only).into()),
            _ => self
                .profiles
                .unwrap_or_default()
                .iter()
                .find(|other| {
                    other.kind == ProfileKind::System
                        && other.models.iter().map(String::as_str).collect::<BTreeSet<_>>() == behind
                })
                .map(|other| other.id.as_str().into()),
        };
        let model = profile.models.first().and_then(|arn| catalogue.model(arn));
        let bucket = source.unwrap_or_else(|| profile.arn.as_str().into());
        RouteInfo { kind: RouteKind::Application, bucket, model }
    }

    /// Ids of the same foundation model that this Region lists, its own geography before the world.
    fn instead(&self, base: &str) -> Vec<String> {
        let on_demand = self.models.unwrap_or_default().iter().filter(|model| model.on_demand && model.id == base);
        let profiles = self.profiles.unwrap_or_default().iter().filter(|profile| {
            profile.kind == ProfileKind::System && profile.id != base && base_id(&profile.id) == base
        });
        let mut found: Vec<String> =
            on_demand.map(|model| model.id.clone()).chain(profiles.map(|profile| profile.id.clone())).collect();
        found.retain(|id| id != self.id);
        found.sort_by_key(|id| (bucket_kind(id), id.clone()));
        found
    }

    fn not_listed(&self, by_catalogue: &Result<RouteInfo, RouteError>) -> String {
        match by_catalogue {
            Err(RouteError::Unknown { suggestion: Some(suggestion), .. })
                if self.instead(base_id(self.id)).is_empty() =>
            {
                format!("no such model or profile here; did you mean {suggestion}?")
            }
            _ => "not offered here".to_owned(),
        }
    }

    /// Without the Region's own list.
    fn refuse_by_catalogue(&self, error: RouteError) -> (String, Vec<String>) {
        match error {
            RouteError::NeedsProfile { alternatives, .. } => {
                ("the model is called through an inference profile".to_owned(), alternatives)
            }
            RouteError::NotHere { alternatives, .. } => ("not offered here".to_owned(), alternatives),
            RouteError::Unknown { suggestion, .. } => {
                let meant = suggestion.map(|id| format!("; did you mean {id}?")).unwrap_or_default();
                let as_of = Catalogue::embedded().as_of();
                let reason = format!(
                    "unknown to the catalogue of {as_of}{meant} (with bedrock:ListFoundationModels and \
                     bedrock:ListInferenceProfiles allowed, newer models are found)"
                );
                (reason, Vec::new())
            }
            error @ RouteError::OtherRegion { .. } => (error.to_string(), Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ErrorClass, Failure};

    const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
    const HAIKU_4_5: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";

    fn denied() -> Failure {
        Failure {
            class: ErrorClass::Access,
            code: "AccessDeniedException".into(),
            message: "no".into(),
            status: Some(403),
            retry_after: None,
            maybe_billed: false,
            usage: None,
            text_bytes: 0,
        }
    }

    fn model(id: &str, on_demand: bool) -> FoundationModel {
        FoundationModel { id: id.into(), name: id.into(), on_demand, text: true, streaming: true, legacy: false }
    }

    fn profile(id: &str, kind: ProfileKind, models: &[&str]) -> InferenceProfile {
        let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}");
        InferenceProfile { id: id.into(), arn, kind, models: models.iter().map(|arn| arn.to_string()).collect() }
    }

    fn arn(region: &str, id: &str) -> String {
        format!("arn:aws:bedrock:{region}::foundation-model/{id}")
    }

    fn listing() -> BTreeMap<Region, RegionFacts> {
        let east = arn("us-east-1", HAIKU_4_5);
        let west = arn("us-west-2", HAIKU_4_5);
        let profiles = vec![
            profile(&format!("global.{HAIKU_4_5}"), ProfileKind::System, &[&east, &west, "arn:aws:bedrock:::x"]),
            profile(&format!("us.{HAIKU_4_5}"), ProfileKind::System, &[&east, &west]),
            profile("appprofile01", ProfileKind::Application, &[&west, &east]),
            profile("appprofile02", ProfileKind::Application, &[&arn("us-east-1", HAIKU)]),
        ];
        let facts = RegionFacts {
            models: Ok(vec![model(HAIKU, true), model(HAIKU_4_5, false), model("newco.brand-new-v1:0", true)]),
            profiles: Ok(profiles),
            quotas: Err(denied()),
            capacity: vec![],
            quotas_at_ms: 0,
        };
        let silent = RegionFacts {
            models: Err(denied()),
            profiles: Err(denied()),
            quotas: Err(denied()),
            capacity: vec![],
            quotas_at_ms: 0,
        };
        BTreeMap::from([("us-east-1".into(), facts), ("eu-west-1".into(), silent)])
    }

    fn one(region: &str, id: &str) -> Result<PlannedRoute, Refusal> {
        let Expansion { mut routes, mut refusals } = expand_routes(&[id.to_owned()], &[region.into()], &listing());
        assert_eq!(routes.len() + refusals.len(), 1);
        routes.pop().ok_or_else(|| refusals.pop().unwrap())
    }

    #[test]
    fn what_the_region_lists_exists() {
        let route = one("us-east-1", HAIKU).unwrap();
        assert_eq!((route.kind, route.key.bucket.as_str()), (RouteKind::OnDemand, HAIKU));
        let route = one("us-east-1", &format!("us.{HAIKU_4_5}")).unwrap();
        assert_eq!((route.kind, route.key.bucket.as_str()), (RouteKind::Geographic, &*format!("us.{HAIKU_4_5}")));
        assert_eq!(one("us-east-1", &format!("global.{HAIKU_4_5}")).unwrap().kind, RouteKind::Global);
        // Newer than the catalogue.
        let route = one("us-east-1", "newco.brand-new-v1:0").unwrap();
        assert_eq!((route.kind, route.model.is_none()), (RouteKind::OnDemand, true));
    }

    #[test]
    fn application_profiles_are_metered_with_their_source() {
        let copy = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/appprofile01";
        let route = one("us-east-1", copy).unwrap();
        assert_eq!((route.kind, route.key.bucket.as_str()), (RouteKind::Application, &*format!("us.{HAIKU_4_5}")));
        assert_eq!(route.model.unwrap().id, HAIKU_4_5);
        assert_eq!(one("us-east-1", "appprofile02").unwrap().key.bucket.as_str(), HAIKU);
        let unknown = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/zzzzzzzzzzzz";
        assert_eq!(one("us-east-1", unknown).unwrap().key.bucket.as_str(), unknown);
        let provisioned = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl";
        assert_eq!(one("us-east-1", provisioned).unwrap().kind, RouteKind::Provisioned);
    }

    #[test]
    fn a_model_is_never_turned_into_a_profile() {
        let refusal = one("us-east-1", HAIKU_4_5).unwrap_err();
        assert_eq!(refusal.instead, [format!("us.{HAIKU_4_5}"), format!("global.{HAIKU_4_5}")]);
        assert!(refusal.to_string().contains("inference profile; use us."), "{refusal}");
        let refusal = one("us-east-1", &format!("eu.{HAIKU_4_5}")).unwrap_err();
        assert_eq!(refusal.instead[0], format!("us.{HAIKU_4_5}"));
        let refusal = one("us-east-1", "anthropic.claude-3-haiku").unwrap_err();
        assert!(refusal.to_string().contains(&format!("did you mean {HAIKU}?")), "{refusal}");
    }

    #[test]
    fn without_a_list_the_catalogue_decides() {
        assert_eq!(one("eu-west-1", HAIKU).unwrap().kind, RouteKind::OnDemand);
        let refusal = one("eu-west-1", HAIKU_4_5).unwrap_err();
        assert_eq!(refusal.instead, [format!("eu.{HAIKU_4_5}"), format!("global.{HAIKU_4_5}")]);
        let refusal = one("eu-west-1", &format!("us.{HAIKU_4_5}")).unwrap_err();
        assert!(refusal.instead.contains(&format!("eu.{HAIKU_4_5}")), "{refusal}");
        let refusal = one("eu-west-1", "newco.brand-new-v1:0").unwrap_err();
        assert!(refusal.to_string().contains("bedrock:ListFoundationModels"), "{refusal}");
        let refusal = one("eu-west-1", &arn("us-east-1", HAIKU)).unwrap_err();
        assert!(refusal.to_string().contains("add `--region us-east-1`"), "{refusal}");
    }

    #[test]
    fn each_route_comes_once_in_the_order_given() {
        let models = [HAIKU.to_owned(), HAIKU_4_5.to_owned(), HAIKU.to_owned()];
        let regions: [Region; 3] = ["eu-west-1".into(), "us-east-1".into(), "eu-west-1".into()];
        let expansion = expand_routes(&models, &regions, &listing());
        let routes: Vec<_> = expansion.routes.iter().map(|planned| planned.route.region.as_str()).collect();
        assert_eq!((routes, expansion.refusals.len()), (vec!["eu-west-1", "us-east-1"], 2));
    }
}
