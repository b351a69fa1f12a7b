//! `pt list`: what there is, what it costs, how long it goes on, whether anybody uses it.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bedrock::ProvisionedStatus;
use crate::control::{AlsoRead, ControlSnapshot, HourlyPrice, ProvisionedView};
use crate::record::{Micros, Usd};
use crate::report::{count, money, span};

use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::tell_notes;

/// Lists.
///
/// # Errors
/// None beyond the account's; what could not be read is said and makes the exit code 2.
pub async fn run(remote: &Remote, expiring: Option<Duration>, json: bool) -> Result<ExitCode, Problem> {
    let snapshot = remote.desk.read_provisioned(AlsoRead { unit_quotas: true, invocations: true }).await;
    let now_ms = remote.desk.service_now_ms();
    let whole = tell_notes(&snapshot);
    let ends_in_time = |view: &&ProvisionedView| {
        expiring.is_none_or(|within| {
            let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
            view.model.expires_ms.is_some_and(|at| at.saturating_sub(now_ms) <= within)
        })
    };
    let views: Vec<&ProvisionedView> = snapshot.provisioned.iter().filter(ends_in_time).collect();
    if json {
        let value = as_json(remote, &snapshot, &views, now_ms);
        say::result(format_args!("{value}\n"));
    } else {
        say::result(format_args!("{}", as_text(&snapshot, &views, whole, now_ms)));
    }
    let failed = views.iter().any(|view| view.model.status == ProvisionedStatus::Failed);
    let code = match (whole, failed || (expiring.is_some() && !views.is_empty())) {
        (false, _) => 2,
        (true, true) => 1,
        (true, false) => 0,
    };
    Ok(ExitCode::from(code))
}

fn as_json(remote: &Remote, snapshot: &ControlSnapshot, views: &[&ProvisionedView], now_ms: i64) -> Value {
    let total = Total::of(views);
    json!({
        "target": remote.info.name,
        "simulated": remote.info.simulated,
        "account": remote.info.account,
        "service_now_ms": now_ms,
        "provisioned": views.iter().map(|view| one(view, now_ms)).collect::<Vec<_>>(),
        "usd_per_hour": total.hourly.dollars(),
        "price_unknown": total.unknown,
        "unit_quotas": snapshot.unit_quotas,
        "problems": snapshot.problems,
    })
}

/// One of them as JSON: what the service tells, and what follows from it; amounts in dollars, `null` where not known.
pub(super) fn one(view: &ProvisionedView, now_ms: i64) -> Value {
    let idle = view.idle(now_ms);
    let unit = match view.unit_price {
        HourlyPrice::Known(usd) => Some(usd.dollars()),
        HourlyPrice::Unknown => None,
    };
    let mut value = json!({
        "usd_per_unit_hour": unit,
        "usd_per_hour": view.hourly().map(Usd::dollars),
        "expires_in_s": view.model.expires_ms.map(|at| at.saturating_sub(now_ms) / 1_000),
        "assumed_input_tpm": view.input_tpm,
        "assumed_output_tpm": view.output_tpm,
        "invocations_last_hour": view.last_hour,
        "last_used_ms": view.last_used_ms,
        "use_unknown": view.use_unknown,
        "idle_s": idle.map(|idle| idle.for_ms / 1_000),
        "usd_paid_idle": idle.and_then(|idle| idle.paid).map(Usd::dollars),
    });
    if let (Value::Object(all), Ok(Value::Object(model))) = (&mut value, serde_json::to_value(&view.model)) {
        all.extend(model);
    }
    value
}

struct Total {
    hourly: Usd,
    unknown: usize,
}

impl Total {
    fn of(views: &[&ProvisionedView]) -> Total {
        // A failed one is not paid for.
        let paid = || views.iter().filter(|view| view.model.status != ProvisionedStatus::Failed);
        Total {
            hourly: paid().filter_map(|view| view.hourly()).sum(),
            unknown: paid().filter(|view| view.hourly().is_none()).count(),
        }
    }
}

fn as_text(snapshot: &ControlSnapshot, views: &[&ProvisionedView], whole: bool, now_ms: i64) -> String {
    const HEAD: [&str; 9] = ["REGION", "NAME", "MODEL", "UNITS", "COMMITMENT", "STATUS", "PRICE", "LAST HOUR", ""];
    let mut rows: Vec<[String; 9]> = vec![HEAD.map(str::to_owned)];
    rows.extend(views.iter().map(|view| row(view, now_ms)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    if views.is_empty() {
        let rest = if whole { "" } else { " in what could be read" };
        let _ = writeln!(text, "no provisioned models{rest}");
    } else {
        for row in &rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
            let _ = writeln!(text, "{}", cells.join("  ").trim_end());
        }
        let total = Total::of(views);
        let _ = match total.unknown {
            0 => writeln!(text, "total {}/h", money(total.hourly)),
            some if total.hourly == Usd::ZERO => writeln!(text, "total unknown: {some} without a known price"),
            some => writeln!(text, "total {}/h, and {some} without a known price", money(total.hourly)),
        };
    }
    for quota in &snapshot.unit_quotas {
        let _ = writeln!(
            text,
            "{}: {} of {} units used: {} ({})",
            quota.region, quota.used, quota.allowed, quota.name, quota.code
        );
    }
    text
}

fn row(view: &ProvisionedView, now_ms: i64) -> [String; 9] {
    let model = &view.model;
    let mut units = model.units.to_string();
    if model.desired_units != model.units {
        let _ = write!(units, "->{}", model.desired_units);
    }
    [
        model.region.to_string(),
        model.name.clone(),
        short(&model.model_arn).to_owned(),
        units,
        commitment(view, now_ms),
        model.status.word().to_owned(),
        view.hourly().map_or("unknown".to_owned(), |hourly| format!("{}/h", money(hourly))),
        view.last_hour.map_or("unknown".to_owned(), |calls| format!("{} calls", count(calls))),
        remark(view, now_ms),
    ]
}

/// The commitment and how long it goes on.
pub(super) fn commitment(view: &ProvisionedView, now_ms: i64) -> String {
    let word = view.model.commitment.word();
    match view.model.expires_ms {
        Some(at) if at > now_ms => format!("{word}, ends in {}", time(at - now_ms)),
        Some(at) => format!("{word}, ended {} ago", time(now_ms - at)),
        None => word.to_owned(),
    }
}

/// What should be known at a glance: why it failed, what it turns into, that nobody uses it.
pub(super) fn remark(view: &ProvisionedView, now_ms: i64) -> String {
    let model = &view.model;
    if let Some(failure) = &model.failure {
        return failure.clone();
    }
    if model.desired_model_arn != model.model_arn {
        return format!("-> {}", short(&model.desired_model_arn));
    }
    let Some(idle) = view.idle(now_ms) else { return String::new() };
    let least = if idle.at_least { "at least " } else { "" };
    let paid = idle.paid.map_or("price unknown".to_owned(), |paid| format!("{} paid", money(paid)));
    format!("idle {least}{}, {paid}", time(idle.for_ms))
}

/// The model of an ARN, as people know it.
pub(super) fn short(arn: &str) -> &str {
    arn.split_once('/').map_or(arn, |(_, id)| id)
}

/// A time in words.
pub(super) fn time(ms: i64) -> String {
    span(Micros::from_millis(u64::try_from(ms).unwrap_or_default()))
}
