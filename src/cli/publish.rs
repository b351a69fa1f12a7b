//! Publishing a run's metrics: whether it is wanted, what it costs, and the way from the engine to CloudWatch.

use std::sync::Arc;

use crate::bedrock::Clients;
use crate::config::Config;
use crate::control::{PublishView, Publishing};
use crate::engine::{EngineHandle, RouteSetup};
use crate::record::Route;
use crate::report::money;

use super::problem::Problem;
use super::say;

/// Where they go if nothing else is said.
const NAMESPACE: &str = "Custom/Bedrock";

/// What there is to be published, and where to.
pub struct Metrics {
    namespace: String,
    routes: Vec<Route>,
}

impl Metrics {
    /// Those of a run to `routes`.
    ///
    /// # Errors
    /// A namespace that CloudWatch does not take.
    pub fn of(config: &Config, routes: &[RouteSetup]) -> Result<Metrics, Problem> {
        let namespace = config.publish.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned());
        let allowed = |c: char| c.is_ascii_alphanumeric() || " .-_/#:".contains(c);
        let taken = !namespace.trim().is_empty()
            && namespace.len() <= 255
            && namespace.chars().all(allowed)
            && !namespace.starts_with("AWS/")
            && !namespace.starts_with(':');
        if !taken {
            return Err(Problem::usage(format!(
                "publish.namespace = \"{}\": 1 to 255 letters, digits and . - _ / # :, not beginning with AWS/ or :",
                namespace.escape_debug()
            )));
        }
        let routes = routes.iter().map(|route| route.route.clone()).collect();
        Ok(Metrics { namespace, routes })
    }

    /// What it is and costs, for whoever is asked.
    #[must_use]
    pub fn words(&self) -> String {
        let PublishView { metrics, per_month, .. } = PublishView::of(&self.namespace, &self.routes);
        format!(
            "publishes at most {metrics} metrics to {} in CloudWatch: {} a month while it runs (list price, us-east-1, \
             November 2026)",
            self.namespace,
            money(per_month)
        )
    }

    /// The switch for what `engine` does; it is off.
    #[must_use]
    pub fn switch(&self, engine: &EngineHandle, clients: Arc<Clients>) -> Arc<Publishing> {
        let engine = engine.sender();
        let reports = Box::new(move |reader| engine.report_to(reader));
        Arc::new(Publishing::new(clients, &self.namespace, &self.routes, reports))
    }
}

/// Says what became of it, if it was ever on.
pub fn tell(last: &PublishView) {
    if last.sent == 0 && last.lost == 0 && last.problem.is_none() {
        return;
    }
    let problem = last.problem.as_deref().map_or(String::new(), |problem| format!("; {problem}"));
    let lost = if last.lost > 0 { format!(", lost {}", last.lost) } else { String::new() };
    say::notice(format_args!("CloudWatch: minutes published {}{lost}{problem}\n", last.sent));
}
