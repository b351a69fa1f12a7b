//! `pt create`, `update`, `delete`: what is asked before, what is said after.

use std::process::ExitCode;

use serde_json::json;

use crate::bedrock::{Commitment, NewProvisioned};
use crate::catalogue::Catalogue;
use crate::control::{AlsoRead, NotDone, Order, Outcome, ProvisionedView, Stage, term_price, unit_price};
use crate::record::{Region, Usd};
use crate::report::money;

use super::super::args::Global;
use super::super::consent::{Change, to_change};
use super::super::problem::Problem;
use super::super::say;
use super::super::session::{self, Remote};
use super::list::{commitment, short, time};
use super::show::{capacity, usage};
use super::{CreateArgs, DeleteArgs, UpdateArgs, find, place, tell_notes};

/// Buys.
///
/// # Errors
/// No single Region or model, no consent.
pub async fn create(remote: &Remote, global: &Global, args: &CreateArgs) -> Result<ExitCode, Problem> {
    let [region] = remote.info.regions.as_slice() else {
        let regions: Vec<&str> = remote.info.regions.iter().map(Region::as_str).collect();
        return Err(Problem::usage(format!("in which Region? Name one with --region ({})", regions.join(", "))));
    };
    let [model] = global.models.as_slice() else {
        return Err(Problem::usage("for which model? Name one with --model, e.g. --model amazon.nova-pro-v1:0:24k"));
    };
    let new = NewProvisioned {
        region: region.clone(),
        name: args.name.clone(),
        model: model.clone(),
        units: args.units,
        commitment: args.commitment.into(),
        tags: args.tags.clone(),
    };
    let snapshot = remote.desk.read_provisioned(AlsoRead { unit_quotas: true, invocations: false }).await;
    tell_notes(&snapshot);
    let price = unit_price(region, model, new.commitment, &session::agreed_prices(&remote.config));
    let units = model_units(new.units);
    let mut about = vec![
        place(remote, region),
        format!("{}: {units} of {}", new.name, model.escape_debug()),
        match price.of(new.units) {
            Some(hourly) => format!("price {}/h, {} a month of 730 h", money(hourly), money(hourly.scaled(730.0))),
            None => "price unknown: none is published for this model, Region and commitment".to_owned(),
        },
    ];
    if let Some(variant) = Catalogue::embedded().provisioned_variant(model) {
        let all = |tpm: u64| crate::report::count(tpm.saturating_mul(u64::from(new.units)));
        let (input, output) = (all(variant.input_tpm), all(variant.output_tpm));
        about.push(format!(
            "capacity {input} input and {output} output tokens per minute (assumed: AWS publishes none)"
        ));
    } else if let Some(known) = Catalogue::embedded().model(model) {
        let variants: Vec<_> =
            Catalogue::embedded().provisioned_variants_of(known).map(|variant| variant.id.as_str()).collect();
        if !variants.is_empty() {
            about.push(format!("throughput of this model is bought with a context length: {}", variants.join(", ")));
        }
    }
    about.extend(
        snapshot
            .unit_quotas
            .iter()
            .filter(|quota| quota.region == *region)
            .map(|quota| format!("{} of {} units used: {} ({})", quota.used, quota.allowed, quota.name, quota.code)),
    );
    about.push(match new.commitment {
        Commitment::None => "it is paid by the hour from now until it is deleted, used or not".to_owned(),
        term => {
            let whole = term_price(price, new.units, term).map_or("unknown".to_owned(), money);
            format!(
                "commitment {}: it cannot be deleted before its end, the whole term costs {whole}, and it is paid on until it is \
                 deleted",
                term.word()
            )
        }
    });
    about.push("units cannot be changed later".to_owned());
    let change = Change {
        about,
        question: format!("Buy {units} for {}?", new.name),
        name: (new.commitment != Commitment::None).then_some(new.name.as_str()),
        price_unknown: price.of(1).is_none(),
        yes: args.yes,
        confirm_name: args.confirm_name.as_deref(),
        accept_unknown_price: args.accept_unknown_price,
    };
    to_change(&remote.info, &change)?;
    let outcome = perform(remote, Order::CreateProvisioned(new.clone())).await;
    Ok(tell(remote, global, outcome, &format!("created {}", new.name)))
}

/// Renames, or changes the model.
///
/// # Errors
/// There is none of that name, nothing to change, no consent.
pub async fn update(remote: &Remote, global: &Global, args: &UpdateArgs) -> Result<ExitCode, Problem> {
    let snapshot = remote.desk.read_provisioned(AlsoRead::default()).await;
    tell_notes(&snapshot);
    let view = find(&snapshot, &args.which)?;
    if let Some(units) = args.units {
        return Err(Problem::usage(other_units(view, units, remote.desk.service_now_ms())));
    }
    let model = &view.model;
    let mut about = vec![place(remote, &model.region), format!("{} ({})", model.name, model.arn)];
    if let Some(name) = &args.name {
        about.push(format!("new name {}; its ARN stays, callers need nothing", name.escape_debug()));
    }
    if let Some(to) = &args.model_arn {
        about.push(format!(
            "model {} -> {}; the old one may answer until it is InService again, the price stays",
            short(&model.model_arn),
            short(to).escape_debug()
        ));
    }
    if args.name.is_none() && args.model_arn.is_none() {
        return Err(Problem::usage("nothing to change: give --name or --model-arn"));
    }
    let change = Change {
        about,
        question: format!("Change {}?", model.name),
        name: None,
        price_unknown: false,
        yes: args.yes,
        confirm_name: None,
        accept_unknown_price: false,
    };
    to_change(&remote.info, &change)?;
    let order = Order::UpdateProvisioned {
        region: model.region.clone(),
        arn: model.arn.clone(),
        name: args.name.clone(),
        model: args.model_arn.clone(),
    };
    let outcome = perform(remote, order).await;
    Ok(tell(remote, global, outcome, &format!("changed {}", model.name)))
}

fn model_units(units: u32) -> String {
    if units == 1 { "1 model unit".to_owned() } else { format!("{units} model units") }
}

/// Why units cannot be changed, and the way around with its price.
fn other_units(view: &ProvisionedView, units: u32, now_ms: i64) -> String {
    let model = &view.model;
    let each = |units: u32| view.unit_price.of(units);
    let overlap = match (each(units), each(model.units)) {
        (Some(new), Some(old)) => format!("{}/h", money(new + old)),
        _ => "unknown".to_owned(),
    };
    let bound = model.expires_ms.is_some_and(|at| at > now_ms);
    let commitment = if bound { "; this one cannot be deleted before its commitment ends" } else { "" };
    format!(
        "the API cannot change the units of a provisioned model. Instead: `bedrock-top pt create --name {}-2 --units {units} ...`, \
         move the callers to its ARN, `bedrock-top pt delete {}`. While both run they cost {overlap}{commitment}",
        model.name, model.name
    )
}

/// Deletes.
///
/// # Errors
/// There is none of that name, no consent.
pub async fn delete(remote: &Remote, global: &Global, args: &DeleteArgs) -> Result<ExitCode, Problem> {
    let snapshot = remote.desk.read_provisioned(AlsoRead { unit_quotas: false, invocations: true }).await;
    tell_notes(&snapshot);
    let view = find(&snapshot, &args.which)?;
    let now_ms = remote.desk.service_now_ms();
    let model = &view.model;
    let mut about = vec![
        place(remote, &model.region),
        format!("{}: {} of {}, {}", model.name, model_units(model.units), short(&model.model_arn), model.status.word()),
        model.arn.clone(),
        format!("capacity {}", capacity(view)),
        format!("used: {}", usage(view, now_ms)),
        format!("it costs {}", view.hourly().map_or("an unknown price".to_owned(), per_hour)),
    ];
    if model.expires_ms.is_some_and(|at| at > now_ms) {
        about.push(format!("commitment {}: the service refuses to delete it before", commitment(view, now_ms)));
    }
    about.push("this cannot be undone: its ARN stops answering at once, and a new one has another ARN".to_owned());
    let change = Change {
        about,
        question: format!("Delete {}?", model.name),
        name: Some(&model.name),
        price_unknown: false,
        yes: args.yes,
        confirm_name: args.confirm_name.as_deref(),
        accept_unknown_price: false,
    };
    to_change(&remote.info, &change)?;
    let order = Order::DeleteProvisioned { region: model.region.clone(), arn: model.arn.clone() };
    let outcome = perform(remote, order).await;
    let lived = time(now_ms - model.created_ms);
    Ok(tell(remote, global, outcome, &format!("deleted {} after {lived}", model.name)))
}

fn per_hour(hourly: Usd) -> String {
    format!("{}/h", money(hourly))
}

/// Does it, and says on the way how far it is.
async fn perform(remote: &Remote, order: Order) -> Result<Outcome, NotDone> {
    let progress = |stage: Stage| {
        if let Stage::Busy { doing, .. } = stage {
            say::notice(format_args!("{doing}\n"));
        }
    };
    remote.desk.perform(order, &progress).await
}

/// Says what came of it: exit 0 done, 1 not.
fn tell(remote: &Remote, global: &Global, outcome: Result<Outcome, NotDone>, done: &str) -> ExitCode {
    for problem in &remote.desk.snapshot().problems {
        if problem.question == crate::control::Question::Journal {
            say::notice(format_args!("note: {}\n", problem.message));
        }
    }
    let simulated = remote.info.simulated;
    match outcome {
        Ok(Outcome::Changed { arn }) => {
            if global.json {
                say::result(format_args!("{}\n", json!({ "arn": arn, "simulated": simulated })));
            } else {
                say::result(format_args!("{done}: {arn}{}\n", if simulated { " (simulated)" } else { "" }));
            }
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(not) => {
            say::notice(format_args!("bedrock-top: {not}\n"));
            if global.json {
                let value = json!({ "error": not.reason, "kept": not.kept, "simulated": simulated });
                say::result(format_args!("{value}\n"));
            }
            ExitCode::from(1)
        }
    }
}
