//! The questions before provisioned throughput is bought, changed or deleted.

use crate::catalogue::Catalogue;
use crate::console::ui::fmt;
use crate::control::{Commitment, ControlSnapshot, NewProvisioned, ProvisionedView, UnitQuota, term_price, unit_price};
use crate::record::Region;

use super::super::provisioned::{Use, bound, id_of, idle_words, our_scope, paid_words, use_of};
use super::Fact;
use super::control::{Account, Question, tags_words, typable};

fn find<'a>(now: &Account<'a>, arn: &str) -> Option<&'a ProvisionedView> {
    now.control.provisioned.iter().find(|view| view.model.arn == arn)
}

/// Tokens a minute of so many units, and that nobody publishes them.
pub(in crate::console) fn capacity_words(model: &str, units: u32) -> String {
    match Catalogue::embedded().provisioned_variant(model) {
        Some(variant) => {
            let all = |each: u64| fmt::count(each.saturating_mul(u64::from(units)));
            let (input, output) = (all(variant.input_tpm), all(variant.output_tpm));
            format!("input {input}, output {output} tokens a minute (assumed: AWS publishes none)")
        }
        None => "not known: ask your AWS account manager".to_owned(),
    }
}

pub(super) fn create(new: &NewProvisioned, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Buy provisioned throughput?", "Buy it").at(now, &new.region);
    ask.text("Name", new.name.as_str());
    ask.text("Model", new.model.as_str());
    ask.text("Units", format!("{} MU: {}", new.units, capacity_words(&new.model, new.units)));
    let commitment = match new.commitment {
        Commitment::None => "none: by the hour, until it is deleted",
        Commitment::OneMonth => "1 month, binding",
        Commitment::SixMonths => "6 months, binding",
    };
    ask.text("Commitment", commitment);
    let unit = unit_price(&new.region, &new.model, new.commitment, now.agreed);
    let hour = unit.of(new.units);
    match hour {
        Some(hour) => ask.facts.push(("Price", Fact::Money("", hour, " /h"))),
        None => ask.alarm("Price", "unknown: AWS does not publish it. The bill will tell."),
    }
    if let Some(term) = term_price(unit, new.units, new.commitment) {
        ask.text("Whole term", format!("about {}", fmt::dollars(term)));
    }
    let custom = new.model.contains(":custom-model/");
    let counts = |quota: &&UnitQuota| {
        let name = unit_quota(&quota.name);
        quota.region == new.region && name.contains("custom") == custom && name.contains("no term")
    };
    if let Some(quota) = now.control.unit_quotas.iter().find(counts).filter(|_| new.commitment == Commitment::None) {
        let full = if quota.used.saturating_add(new.units) > quota.allowed { ": too few are left" } else { "" };
        ask.text("Units left", format!("{} of {} are used, without a term{full}", quota.used, quota.allowed));
    }
    if let Some(other) = overlap(new, now.control) {
        let both = other.hourly().zip(hour).map(|(a, b)| fmt::dollars(a + b));
        let both = both.map_or("an unknown price".to_owned(), |both| format!("{both} /h"));
        ask.alarm(
            "Overlap",
            format!(
                "{} has {} MU of the same model: together {both} until one is deleted",
                other.model.name, other.model.units
            ),
        );
    }
    if !new.tags.is_empty() {
        ask.text("Tags", tags_words(&new.tags));
    }
    ask.warning = match new.commitment {
        Commitment::None => "Billed by the hour, used or not, until it is deleted. Units cannot be changed later.",
        _ => {
            "Binding: Bedrock refuses to delete it before the term ends, and bills it after the term until it is \
             deleted. Units cannot be changed later."
        }
    }
    .to_owned();
    ask.typed = match (new.commitment, hour) {
        (Commitment::None, Some(_)) => None,
        (Commitment::None, None) => Some("unknown".to_owned()),
        (_, Some(_)) => Some(new.name.clone()),
        (_, None) => Some(format!("{} unknown", new.name)),
    };
    ask
}

/// What there is already of the same model in the same Region: both cost until one is deleted.
fn overlap<'a>(new: &NewProvisioned, control: &'a ControlSnapshot) -> Option<&'a ProvisionedView> {
    control.provisioned.iter().find(|view| {
        let model = &view.model;
        let same = |arn: &str| arn == new.model || id_of(arn) == new.model;
        model.region == new.region && (same(&model.model_arn) || same(&model.foundation_model_arn))
    })
}

/// A quota of model units in a few words: which units count against it.
pub(in crate::console) fn unit_quota(name: &str) -> String {
    let name = name.to_lowercase();
    let term = if name.contains("no-commitment") { "no term" } else { "with a term" };
    if name.contains("custom") { format!("{term}, custom models") } else { term.to_owned() }
}

pub(super) fn change(
    region: &Region,
    arn: &str,
    name: Option<&str>,
    model: Option<&str>,
    now: &Account<'_>,
) -> Question {
    let mut ask = Question::new("Change provisioned throughput?", "Change it").at(now, region);
    let view = find(now, arn);
    let is = view.map_or(id_of(arn), |view| view.model.name.as_str());
    match name {
        Some(to) => ask.text("Name", format!("{is} -> {to}")),
        None => ask.text("Name", is),
    }
    if let Some(to) = model {
        let from = view.map_or("?", |view| id_of(&view.model.model_arn));
        ask.text("Model", format!("{from} -> {to}"));
    }
    ask.text("Units and term", "stay as they are");
    ask.warning = if model.is_some() {
        "While it is updating, the old model may still answer.".to_owned()
    } else {
        "Whoever calls it by its name has to use the new one. Its ARN stays.".to_owned()
    };
    ask
}

pub(super) fn delete(region: &Region, arn: &str, now: &Account<'_>) -> Question {
    let mut ask = Question::new("Delete provisioned throughput?", "Delete it").at(now, region);
    ask.warning = "It is gone at once and cannot be brought back: whoever still calls it gets errors.".to_owned();
    let Some(view) = find(now, arn) else {
        ask.text("ARN", arn);
        ask.blocked = Some("it is not in the list any more".to_owned());
        return ask;
    };
    let model = &view.model;
    ask.text("Name", format!("{}, {} MU of {}", model.name, model.units, id_of(&model.model_arn)));
    match view.hourly() {
        Some(price) => ask.facts.push(("Saves", Fact::Money("", price, " /h"))),
        None => ask.text("Saves", "an unknown price per hour"),
    }
    match use_of(view, now.now_ms) {
        Use::Busy(calls) => {
            ask.alarm("Last hour", format!("{} invocations by all callers: it is in use", fmt::exact(calls)));
        }
        Use::Idle(None) => ask.text("Last hour", "no invocation by anybody"),
        Use::Idle(Some(idle)) => {
            let (time, paid) = (idle_words(idle), paid_words(idle));
            ask.text("Last hour", format!("no invocation by anybody; idle {time}{paid}"));
        }
        Use::Unknown => {
            let why = view.use_unknown.as_deref().unwrap_or("CloudWatch was not asked yet");
            ask.alarm("Last hour", format!("not known whether anybody calls it: {why}"));
        }
    }
    if let Some(scope) = our_scope(view, now.engine) {
        ask.alarm("Our load", format!("sends to it, {} in flight: it is drained first", scope.in_flight));
    }
    if bound(view, now.now_ms) {
        ask.blocked = Some("its commitment still binds: Bedrock refuses to delete it".to_owned());
    }
    ask.typed = Some(typable(&model.name, arn));
    ask
}
