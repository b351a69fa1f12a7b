//! The provisioned models of the account.

use hyper::StatusCode;

use crate::catalogue::{Catalogue, ProvisionedVariant};
use crate::record::Micros;

use super::super::clock::iso;
use super::super::errors::ServiceError;
use super::super::scenario::{Commitment, Scenario};
use super::super::tags::Tag;
use super::lifecycle::{Lifecycle, NotNow, Status};
use super::subject::{Subject, foundation_arn};

/// Models that are kept at most: what failed stays until it is deleted.
const MOST: usize = 1_000;
/// Model units without commitment, across base models and across custom models.
pub(super) const UNITS_BASE: &str = "L-FE44174A";
pub(super) const UNITS_CUSTOM: &str = "L-BE77399C";

/// What was ordered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ordered {
    pub name: String,
    pub model_id: String,
    pub units: u64,
    pub commitment: Commitment,
    pub tags: Vec<Tag>,
}

/// A provisioned model.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Provisioned {
    pub(super) region: String,
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) ordered: Ordered,
    pub(super) token: Option<String>,
    pub(super) subject: Subject,
    /// The model before the last change: it answers until the change is through.
    before: Option<Subject>,
    pub(super) life: Lifecycle,
}

impl Provisioned {
    /// The model that answers now.
    pub(super) fn current(&self, now: Micros) -> &Subject {
        let updating = self.life.status(now) == Status::Updating;
        self.before.as_ref().filter(|_| updating).unwrap_or(&self.subject)
    }

    /// The name, the ARN or the last part of the ARN.
    fn is_called(&self, id: &str) -> bool {
        self.name == id || self.arn == id || self.arn.rsplit('/').next() == Some(id)
    }
}

/// Capacity that takes calls.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Serving {
    pub variant: &'static ProvisionedVariant,
    pub units: u64,
}

/// All provisioned models, in the order of their creation.
#[derive(Debug, Default)]
pub(in crate::sim) struct Shelf {
    models: Vec<Provisioned>,
}

impl Shelf {
    /// Those that the scenario begins with, at `now`.
    pub(in crate::sim) fn of(scenario: &Scenario, catalogue: &'static Catalogue, now: Micros) -> Shelf {
        let mut shelf = Shelf::default();
        for (index, spec) in scenario.provisioned.iter().enumerate() {
            // A resolved scenario names variants only.
            let Some(subject) = Subject::of(catalogue, &spec.region, &scenario.account, &spec.model) else { continue };
            let created = now - Micros::from_secs_f64(spec.age_hours * 3_600.0);
            let arn = arn(&spec.region, &scenario.account, &format!("{:0>12}", format!("p{index}")));
            let ordered = Ordered {
                name: spec.name.clone(),
                model_id: spec.model.clone(),
                units: spec.units,
                commitment: spec.commitment,
                tags: Vec::new(),
            };
            let life = Lifecycle::new(created, spec.commitment, false);
            shelf.add(Provisioned {
                region: spec.region.clone(),
                arn,
                name: spec.name.clone(),
                ordered,
                token: None,
                subject,
                before: None,
                life,
            });
        }
        shelf
    }

    fn add(&mut self, model: Provisioned) {
        let place = self.models.partition_point(|known| known.life.created() <= model.life.created());
        self.models.insert(place, model);
    }

    /// Buys, unless the token says that it is bought already. `quota` tells the account's value of a quota.
    #[allow(clippy::too_many_arguments)] // Who, what and when: each of them is one thing, and there is one caller.
    pub(super) fn create(
        &mut self,
        region: &str,
        arn: String,
        ordered: Ordered,
        token: Option<String>,
        subject: Subject,
        doomed: bool,
        quota: impl Fn(&str) -> u64,
        now: Micros,
    ) -> Result<String, ServiceError> {
        let here = |model: &&Provisioned| model.region == region;
        let known = self.models.iter().filter(here).find(|model| token.is_some() && model.token == token);
        if let Some(known) = known {
            // A repeated token buys nothing. What it answers to another order is not documented: a guess.
            return if known.ordered == ordered {
                Ok(known.arn.clone())
            } else {
                Err(ServiceError::validation("The client request token was used with different parameters."))
            };
        }
        if self.models.iter().filter(here).any(|model| model.name == ordered.name) {
            return Err(name_taken(&ordered.name));
        }
        let (code, used) = match ordered.commitment {
            Commitment::None => {
                let custom = subject.custom;
                let same = self.models.iter().filter(here).filter(|model| {
                    let counts = model.life.status(now) != Status::Failed;
                    counts && model.ordered.commitment == Commitment::None && model.subject.custom == custom
                });
                let used = same.fold(0u64, |sum, model| sum.saturating_add(model.ordered.units));
                (if custom { UNITS_CUSTOM } else { UNITS_BASE }, used)
            }
            // The row says "per provisioned model": the others do not count.
            _ => (subject.variant.quota.as_str(), 0),
        };
        let limit = quota(code);
        if self.models.len() >= MOST || used.saturating_add(ordered.units) > limit {
            // The type is declared, the words are ours.
            return Err(ServiceError::new(
                StatusCode::BAD_REQUEST,
                "ServiceQuotaExceededException",
                format!(
                    "The requested number of model units ({}) exceeds the account's quota {code}: {used} of {limit} are in use.",
                    ordered.units
                ),
            ));
        }
        let life = Lifecycle::new(now, ordered.commitment, doomed);
        let (region, name) = (region.to_owned(), ordered.name.clone());
        self.add(Provisioned { region, arn: arn.clone(), name, ordered, token, subject, before: None, life });
        Ok(arn)
    }

    /// The one of this name, ARN or id.
    pub(super) fn get(&self, region: &str, id: &str) -> Result<&Provisioned, ServiceError> {
        let found = self.models.iter().find(|model| model.region == region && model.is_called(id));
        found.ok_or_else(not_found)
    }

    /// All in a Region, the oldest first.
    pub(super) fn list<'s>(&'s self, region: &'s str) -> impl Iterator<Item = &'s Provisioned> {
        self.models.iter().filter(move |model| model.region == region)
    }

    /// Another name, another model, or both.
    pub(super) fn update(
        &mut self,
        region: &str,
        id: &str,
        name: Option<String>,
        subject: Option<Subject>,
        now: Micros,
    ) -> Result<(), ServiceError> {
        let place = self.models.iter().position(|model| model.region == region && model.is_called(id));
        let place = place.ok_or_else(not_found)?;
        let arn = &self.models[place].arn;
        let taken = |name: &String| self.list(region).any(|model| model.name == *name && model.arn != *arn);
        if let Some(name) = name.as_ref().filter(|name| taken(name)) {
            return Err(name_taken(name));
        }
        let model = &mut self.models[place];
        if let Some(wanted) = subject.as_ref().filter(|wanted| **wanted != model.subject) {
            if !model.ordered_custom() {
                return Err(ServiceError::validation(
                    "The model of a Provisioned Throughput for a base model can't be changed.",
                ));
            }
            if wanted.variant.model != model.subject.variant.model {
                return Err(ServiceError::validation(
                    "The desired model must be the base model, or a custom model of the same base model.",
                ));
            }
        }
        model.life.change(now).map_err(|NotNow(status)| {
            let state = status.name();
            ServiceError::validation(format!(
                "A provisioned model that is {state} can't be updated; it must be InService."
            ))
        })?;
        if let Some(name) = name {
            model.name = name;
        }
        let before = model.subject.clone();
        model.subject = subject.unwrap_or_else(|| before.clone());
        model.before = Some(before);
        Ok(())
    }

    /// Deletes.
    pub(super) fn delete(&mut self, region: &str, id: &str, now: Micros) -> Result<(), ServiceError> {
        let model = self.get(region, id)?;
        if let Some(until) = model.life.bound_until(now) {
            // Declared is ConflictException; its words are not published (facts §5).
            let message = format!(
                "The provisioned model {} has a commitment until {} and can't be deleted before.",
                model.arn,
                iso(until)
            );
            return Err(ServiceError::new(StatusCode::BAD_REQUEST, "ConflictException", message));
        }
        let arn = model.arn.clone();
        self.models.retain(|model| model.arn != arn);
        Ok(())
    }

    /// The capacity behind an ARN that is called.
    ///
    /// What the service says of one that takes no calls is not published; these answers are guesses that no client
    /// mistakes for a throttle.
    pub(in crate::sim) fn serving(&self, region: &str, arn: &str, now: Micros) -> Result<Serving, ServiceError> {
        let model = self.models.iter().find(|model| model.region == region && model.arn == arn);
        let gone = || ServiceError::not_found("Could not find the provisioned model in the request.");
        let model = model.ok_or_else(gone)?;
        match model.life.status(now) {
            Status::InService | Status::Updating => {
                Ok(Serving { variant: model.current(now).variant, units: model.ordered.units })
            }
            Status::Creating => Err(ServiceError::validation("The provisioned model is not in service yet: Creating.")),
            Status::Failed => Err(gone()),
        }
    }

    /// The tags of the one with this ARN.
    pub(in crate::sim) fn tags(&self, region: &str, arn: &str) -> Option<Vec<Tag>> {
        let model = self.models.iter().find(|model| model.region == region && model.arn == arn)?;
        Some(model.ordered.tags.clone())
    }
}

impl Provisioned {
    /// It was bought for a custom model.
    fn ordered_custom(&self) -> bool {
        self.ordered.model_id.contains(":custom-model/")
    }

    /// ARN of the foundation model behind it.
    pub(super) fn foundation_arn(&self) -> String {
        foundation_arn(&self.region, &self.subject.variant.model)
    }
}

/// The ARN of a provisioned model.
pub(super) fn arn(region: &str, account: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}:{account}:provisioned-model/{id}")
}

fn not_found() -> ServiceError {
    ServiceError::not_found("The specified provisioned model was not found.")
}

/// No error of Create or Update is declared for it: ValidationException is a guess.
fn name_taken(name: &str) -> ServiceError {
    ServiceError::validation(format!("A provisioned model with the name {name} already exists."))
}
