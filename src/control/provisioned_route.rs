//! Sending to capacity that was bought: what is behind the ARN of a provisioned model.

use crate::bedrock::{Clients, ProvisionedStatus};
use crate::catalogue::{Catalogue, RouteKind};
use crate::record::{ModelId, ProvisionedRoute, Route};

use super::capacity::AgreedPrice;
use super::discovery::join;
use super::routes::{Expansion, Refusal};
use super::snapshot::ProvisionedView;

impl ProvisionedView {
    /// As a route for load.
    #[must_use]
    pub fn route(&self) -> ProvisionedRoute {
        let arn = &self.model.foundation_model_arn;
        let known = Catalogue::embedded().model(arn).map(|model| model.id.as_str());
        let model = known.or_else(|| arn.rsplit('/').next()).unwrap_or_default();
        ProvisionedRoute {
            route: Route::new(self.model.region.clone(), self.model.arn.as_str()),
            model: ModelId::from(model),
            input_tpm: self.input_tpm,
            output_tpm: self.output_tpm,
            usd_per_hour: self.hourly(),
        }
    }

    /// Why no load can be sent to it, if none can.
    #[must_use]
    pub fn unusable(&self) -> Option<String> {
        match &self.model.status {
            ProvisionedStatus::InService | ProvisionedStatus::Updating | ProvisionedStatus::Other(_) => None,
            ProvisionedStatus::Creating => Some("it is being created and takes no calls yet".to_owned()),
            ProvisionedStatus::Failed => {
                let why = self.model.failure.as_deref().unwrap_or("the service does not say why");
                Some(format!("it has failed: {why}"))
            }
        }
    }
}

/// Asks for each route to a provisioned model what is behind it. Routes that take no calls become refusals. Returns what
/// should be said of the others.
pub async fn resolve_provisioned(clients: &Clients, expansion: &mut Expansion, agreed: &[AgreedPrice]) -> Vec<String> {
    let mut notes = Vec::new();
    let (bought, others): (Vec<_>, Vec<_>) =
        expansion.routes.drain(..).partition(|planned| planned.kind == RouteKind::Provisioned);
    let mut usable = Vec::new();
    let answers = join(bought.iter().map(|planned| {
        let Route { region, model } = &planned.route;
        clients.provisioned_model(region, model.as_str())
    }))
    .await;
    for (mut planned, answer) in bought.into_iter().zip(answers) {
        let Route { region, model } = planned.route.clone();
        let refuse =
            |reason: String| Refusal { region: region.clone(), model: model.to_string(), reason, instead: vec![] };
        match answer {
            Ok(told) => {
                let view = ProvisionedView::of(told, agreed);
                if let Some(reason) = view.unusable() {
                    expansion.refusals.push(refuse(reason));
                    continue;
                }
                planned.model = Catalogue::embedded().model(&view.model.foundation_model_arn);
                planned.provisioned = Some(view.route());
                usable.push(planned);
            }
            Err(failure) if failure.status == Some(404) => {
                expansion.refusals.push(refuse("there is no such provisioned model".to_owned()));
            }
            Err(failure) => {
                notes.push(format!(
                    "{model}: {}; the model behind it and its capacity are not known: the limiter finds what it takes",
                    failure.message
                ));
                usable.push(planned);
            }
        }
    }
    // First, as it will be used: the others are what it spills to.
    expansion.routes = usable;
    expansion.routes.extend(others);
    notes
}

#[cfg(test)]
mod tests {
    use super::super::capacity::tests::model;
    use super::*;

    #[test]
    fn a_route_knows_its_model_and_what_its_units_take() {
        let arn = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0:24k";
        let view = ProvisionedView::of(model("a", arn, 2), &[]);
        let route = view.route();
        let variant = Catalogue::embedded().provisioned_variant(arn).unwrap();
        assert_eq!((route.model.as_str(), route.usd_per_hour), ("amazon.nova-pro-v1:0", None));
        assert_eq!(route.input_tpm, Some(2 * variant.input_tpm));
        let mut custom = model("b", "arn:aws:bedrock:us-east-1:123456789012:custom-model/x/abcdefghijkl", 1);
        custom.foundation_model_arn = arn.into();
        let view = ProvisionedView::of(custom, &[]);
        assert_eq!(view.route().output_tpm, Some(variant.output_tpm));
        assert_eq!(view.unusable(), None);
        let mut failed = model("c", arn, 1);
        failed.status = ProvisionedStatus::Failed;
        failed.failure = Some("no capacity".into());
        assert!(ProvisionedView::of(failed, &[]).unusable().unwrap().contains("no capacity"));
    }
}
