//! `pt show`: one provisioned model in whole.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::bedrock::ProvisionedStatus;
use crate::control::{AlsoRead, HourlyPrice, ProvisionedView};
use crate::report::{count, money};

use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::list::{commitment, one, remark, time};
use super::{find, tell_notes};

/// Shows it. Exit 1 if it has failed.
///
/// # Errors
/// There is none of that name.
pub async fn run(remote: &Remote, which: &str, json: bool) -> Result<ExitCode, Problem> {
    let snapshot = remote.desk.read_provisioned(AlsoRead { unit_quotas: false, invocations: true }).await;
    tell_notes(&snapshot);
    let view = find(&snapshot, which)?;
    let now_ms = remote.desk.service_now_ms();
    let tags = remote.desk.tags(&view.model.region, &view.model.arn).await;
    if json {
        let mut value = one(view, now_ms);
        value["simulated"] = json!(remote.info.simulated);
        value["tags"] = json!(tags.as_ref().ok());
        say::result(format_args!("{value}\n"));
    } else {
        let tags = match tags {
            Ok(tags) if tags.is_empty() => "none".to_owned(),
            Ok(tags) => tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", "),
            Err(failure) => format!("unknown ({})", failure.message),
        };
        say::result(format_args!("{}", as_text(view, &tags, now_ms)));
    }
    Ok(ExitCode::from(u8::from(view.model.status == ProvisionedStatus::Failed)))
}

fn as_text(view: &ProvisionedView, tags: &str, now_ms: i64) -> String {
    let model = &view.model;
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{label:<12} {value}");
    };
    line("name", &model.name);
    line("arn", &model.arn);
    line("region", model.region.as_str());
    line("status", model.status.word());
    if let Some(failure) = &model.failure {
        line("", failure);
    }
    line("model", &model.model_arn);
    if model.desired_model_arn != model.model_arn {
        line("", &format!("becomes {}", model.desired_model_arn));
    }
    if model.foundation_model_arn != model.model_arn {
        line("base model", &model.foundation_model_arn);
    }
    line("units", &model.units.to_string());
    line("", "the API cannot change them: create a second one, move to it, delete this one");
    line("capacity", &capacity(view));
    line("commitment", &commitment(view, now_ms));
    line("price", &price(view));
    line("created", &format!("{} ago", time(now_ms - model.created_ms)));
    line("changed", &format!("{} ago", time(now_ms - model.modified_ms)));
    line("used", &usage(view, now_ms));
    if model.failure.is_none() && model.desired_model_arn == model.model_arn {
        let remark = remark(view, now_ms);
        if !remark.is_empty() {
            line("", &remark);
        }
    }
    line("tags", tags);
    line("load", &format!("bedrock-top run INPUT.jsonl -o OUT.jsonl --region {} --model {}", model.region, model.arn));
    text
}

/// What its units take.
pub(super) fn capacity(view: &ProvisionedView) -> String {
    match (view.input_tpm, view.output_tpm) {
        (Some(input), Some(output)) => format!(
            "{} input and {} output tokens per minute (assumed: AWS publishes none)",
            count(input),
            count(output)
        ),
        _ => "unknown".to_owned(),
    }
}

fn price(view: &ProvisionedView) -> String {
    match (view.unit_price, view.hourly()) {
        (HourlyPrice::Known(unit), Some(hourly)) => format!("{}/h ({}/h each unit)", money(hourly), money(unit)),
        _ => "unknown: none is published; `[[provisioned_price]]` in the configuration sets the one you agreed on"
            .to_owned(),
    }
}

/// Its use by everybody, as CloudWatch counts.
pub(super) fn usage(view: &ProvisionedView, now_ms: i64) -> String {
    let Some(calls) = view.last_hour else {
        return format!("unknown{}", view.use_unknown.as_ref().map(|why| format!(" ({why})")).unwrap_or_default());
    };
    let last = match view.last_used_ms {
        Some(at) if calls == 0 => format!("; last used {} ago", time(now_ms - at)),
        None => "; not used within a day".to_owned(),
        Some(_) => String::new(),
    };
    format!("{} calls in the last hour, by every caller{last}", count(calls))
}
