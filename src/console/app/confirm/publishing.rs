//! The question before metrics of our own go to CloudWatch.

use crate::console::ui::fmt;

use super::Fact;
use super::account;
use super::control::{Account, Question};

/// # Errors
/// There is nothing to publish.
pub(super) fn publish(now: &Account<'_>) -> Result<Question, String> {
    let Some(view) = &now.control.publishing else {
        return Err("there is no run here whose metrics could be published".to_owned());
    };
    let mut ask = Question::new("Publish our metrics in CloudWatch?", "Publish");
    ask.facts = account(now.engine);
    let regions: Vec<&str> = view.regions.iter().map(|region| region.as_str()).collect();
    ask.text(if regions.len() == 1 { "Region" } else { "Regions" }, regions.join(", "));
    ask.text("Namespace", view.namespace.clone());
    ask.text("Metrics", format!("at most {} custom metrics", view.metrics));
    let price = if now.control.simulated {
        " a month on AWS (list price, us-east-1); a simulator bills nothing"
    } else {
        " a month while it is on (list price, us-east-1)"
    };
    ask.facts.push(("Price", Fact::Money("", view.per_month, price)));
    let calls = fmt::exact(view.calls_per_month);
    ask.text("Calls", format!("{calls} PutMetricData a month, in the price"));
    ask.warning =
        "Once a minute until it is turned off or the console ends. CloudWatch keeps what was put for 15 months; \
                   it cannot be deleted."
            .to_owned();
    Ok(ask)
}
