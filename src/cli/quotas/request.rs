//! `quotas request`: the quota that a piece of work needs, in the words and figures that AWS asks for; filed after consent.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::bedrock::QuotaRequest;
use crate::catalogue::{BatchLimit, BucketKind, Catalogue, Metric, bucket_kind};
use crate::control::{QuotaCell, quota_table};
use crate::engine::{RouteSetup, TargetInfo};
use crate::families::ApiChoice;
use crate::limiter::QuotaLimit;
use crate::record::{Micros, Priority};
use crate::report::{MetricNeed, Need, count, need, percent, span};
use crate::workload::{InputOptions, LARGE_RECORD};

use super::super::consent::{Change, to_change};
use super::super::problem::Problem;
use super::super::session::{self, Found, Remote};
use super::super::{run, say};
use super::RequestArgs;
use super::list::{metric_word, scope_word};

/// What is asked for, or why nothing is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Verdict {
    /// The quotas are enough.
    Enough,
    /// No quota is known: nobody can say what is missing.
    Unknown,
    /// It cannot be raised by a request.
    NotAdjustable,
    /// It is below the default, and requests are taken only for values above the default.
    BelowDefault { value: f64, default: f64 },
    /// This value.
    Ask { value: f64 },
}

/// The quota in question, and what to ask for.
#[derive(Clone, Debug, Serialize)]
struct Draft {
    #[serde(flatten)]
    verdict: Verdict,
    /// The quota that binds.
    quota: Option<QuotaCell>,
    /// What else would help.
    instead: Vec<String>,
    /// The text for AWS.
    text: Option<String>,
}

/// Drafts, and files after consent.
///
/// # Errors
/// No model, no usable input, no consent.
pub async fn run(remote: &Remote, args: &RequestArgs, as_json: bool) -> Result<ExitCode, Problem> {
    let (Some(input), Some(deadline)) = (&args.input, args.deadline) else {
        return Err(Problem::usage("name the INPUT.jsonl that needs the quota, and its --deadline"));
    };
    if deadline.is_zero() {
        return Err(Problem::usage("--deadline must be above 0, e.g. 6h"));
    }
    if remote.models.is_empty() {
        return Err(Problem::usage(
            "no model: name one with --model, e.g. --model us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ));
    }
    let Remote { info, clients, models, config, .. } = remote;
    let Found { facts, routes, notes, .. } = session::find(clients, config, models, &info.regions).await?;
    for note in &notes {
        say::notice(format_args!("note: {note}\n"));
    }
    let input = run::validate(Path::new(input), options(&routes, args.max_tokens))?;
    if input.summary().records == 0 {
        return Err(Problem::usage("there is no record in it: nothing needs a quota"));
    }
    let share = session::settings(config, info.simulated).limiter.share;
    let need = need(input.summary(), &routes, share, deadline.as_secs_f64(), args.growth);
    let cells = quota_table(models, &facts.regions, info.simulated, false);
    let draft = draft(&need, &routes, &cells, args, info);
    let filed = match &draft {
        Draft { verdict: Verdict::Ask { value }, quota: Some(QuotaCell { region, code: Some(code), .. }), .. } => {
            if !as_json {
                say::result(format_args!("{}", as_text(&need, &draft, input.summary().without_max_tokens)));
            }
            if args.dry_run { None } else { Some(file(remote, args, &draft, region, code, *value).await?) }
        }
        _ => {
            if !as_json {
                say::result(format_args!("{}", as_text(&need, &draft, input.summary().without_max_tokens)));
            }
            None
        }
    };
    let code = match (&draft.verdict, &filed) {
        (_, Some(Err(_))) | (Verdict::NotAdjustable | Verdict::BelowDefault { .. } | Verdict::Unknown, _) => 1,
        (Verdict::Enough | Verdict::Ask { .. }, _) => 0,
    };
    if as_json {
        let refused = filed.as_ref().and_then(|filed| filed.as_ref().err());
        let value = json!({
            "target": info.name,
            "simulated": info.simulated,
            "account": info.account,
            "need": need,
            "draft": draft,
            "filed": filed.as_ref().and_then(|filed| filed.as_ref().ok()),
            "refused": refused,
        });
        say::result(format_args!("{value}\n"));
    } else {
        match &filed {
            Some(Ok(request)) => say::result(format_args!("{}", told(request))),
            Some(Err(reason)) => say::notice(format_args!("not filed: {reason}\n")),
            None if args.dry_run => say::notice(format_args!("nothing was filed (--dry-run)\n")),
            None => {}
        }
    }
    Ok(ExitCode::from(code))
}

fn options(routes: &[RouteSetup], max_tokens: Option<u64>) -> InputOptions {
    let mut models = Vec::new();
    for route in routes {
        if !models.contains(route.model_id()) {
            models.push(route.model_id().clone());
        }
    }
    InputOptions { models, api: ApiChoice::Auto, max_tokens, priority: Priority::Medium, skip_invalid: true }
}

/// The quota that binds, the route whose quota can best be raised, and what follows.
fn draft(need: &Need, routes: &[RouteSetup], cells: &[QuotaCell], args: &RequestArgs, info: &TargetInfo) -> Draft {
    let nothing = |verdict| Draft { verdict, quota: None, instead: Vec::new(), text: None };
    let binding = match (need.binding(), args.value) {
        (Some(binding), _) => binding,
        (None, Some(_)) => need.of(Metric::Tpm),
        (None, None) => return nothing(Verdict::Unknown),
    };
    if need.is_met() && args.value.is_none() {
        return nothing(Verdict::Enough);
    }
    let of_routes = routes.iter().filter_map(|route| {
        let own = |cell: &&QuotaCell| {
            cell.region == route.key.region && cell.metric == binding.metric && cell.bucket == route.key.bucket
        };
        let pool = |cell: &&QuotaCell| {
            cell.region == route.key.region && cell.metric == binding.metric && cell.scope.is_none()
        };
        cells.iter().find(own).or_else(|| cells.iter().find(pool))
    });
    let mut candidates: Vec<&QuotaCell> = of_routes.collect();
    // Those that can be raised first; the sort keeps the order of the command line.
    candidates.sort_by_key(|cell| (cell.code.is_none(), cell.adjustable != Some(true)));
    let Some(&cell) = candidates.first() else { return nothing(Verdict::Unknown) };
    let verdict = judge(binding, cell, args.value);
    let instead = match verdict {
        Verdict::NotAdjustable | Verdict::BelowDefault { .. } => instead(need, binding, cell, routes),
        _ => Vec::new(),
    };
    let value = match &verdict {
        Verdict::Ask { value } | Verdict::BelowDefault { value, .. } => Some(*value),
        _ => None,
    };
    let text = letter(need, cell, value, args.use_case.as_deref(), info);
    Draft { verdict, quota: Some(cell.clone()), instead, text: Some(text) }
}

fn judge(binding: &MetricNeed, cell: &QuotaCell, by_hand: Option<u64>) -> Verdict {
    let own = match cell.applied {
        QuotaLimit::Limit(value) => value,
        QuotaLimit::Absent | QuotaLimit::Unknown => 0,
    };
    // A row that counts double for calls through a profile says half of what the bucket may use.
    let factor = match cell.row_value {
        Some(row) if row > 0.0 && own > 0 => own as f64 / row,
        _ => 1.0,
    };
    let value = by_hand.map_or_else(|| (binding.value_of(own) / factor).ceil(), |value| value as f64);
    if cell.adjustable == Some(false) || cell.code.is_none() {
        return Verdict::NotAdjustable;
    }
    match cell.default {
        Some(default) if value <= default => Verdict::BelowDefault { value, default },
        _ => Verdict::Ask { value },
    }
}

/// What helps where a request does not.
fn instead(need: &Need, binding: &MetricNeed, cell: &QuotaCell, routes: &[RouteSetup]) -> Vec<String> {
    let mut ways = Vec::new();
    let model =
        Catalogue::embedded().model(cell.bucket.as_str()).or_else(|| routes.first().and_then(|route| route.model));
    if let Some(model) = model {
        let profiles: Vec<String> = model
            .profiles
            .iter()
            .filter(|_| cell.scope.is_some())
            .map(|prefix| format!("{prefix}.{}", model.id))
            .filter(|id| cell.bucket.as_str() != id && Catalogue::embedded().route(cell.region.as_str(), id).is_ok())
            .collect();
        if !profiles.is_empty() {
            let kind = if profiles.iter().all(|id| bucket_kind(id) == BucketKind::Global) { "global" } else { "other" };
            ways.push(format!("{kind} profiles have quotas of their own: --model {}", profiles.join(" or --model ")));
        }
        let least = Catalogue::embedded()
            .batch_quota(&model.id, BatchLimit::MinRecords)
            .and_then(|row| row.default_in(cell.region.as_str()))
            .map_or(BatchLimit::MinRecords.usual(), |default| default.value as u64);
        if need.records >= least {
            ways.push(
                "batch inference counts against none of these quotas and costs half: `bedrock-top batch submit`"
                    .to_owned(),
            );
        }
        if let Some(variant) = Catalogue::embedded().provisioned_variants_of(model).next() {
            ways.push(format!(
                "provisioned throughput has capacity of its own: `bedrock-top pt create --model {}`",
                variant.id
            ));
        }
    }
    match binding.metric {
        Metric::Rpm => ways.push("fewer and larger requests need fewer requests per minute".to_owned()),
        Metric::Tpm => ways.push("a lower max_tokens reserves less, and shorter replies settle at less".to_owned()),
        Metric::Tpd => ways.push("each Region has a day of its own: --region R1,R2".to_owned()),
    }
    ways.push("more Regions, or a later --deadline".to_owned());
    ways.push("a support case or your account team, with the text below".to_owned());
    ways
}

/// The text with the figures that AWS support asks for.
fn letter(need: &Need, cell: &QuotaCell, value: Option<f64>, use_case: Option<&str>, info: &TargetInfo) -> String {
    let mut text = String::new();
    let mut line = |name: &str, words: String| {
        let _ = writeln!(text, "{name}: {words}");
    };
    let name = cell.name.as_deref().unwrap_or("the quota of this model");
    line("Request", "increase of an Amazon Bedrock quota".to_owned());
    line("Account", info.account.clone().unwrap_or_else(|| "unknown".to_owned()));
    line("Region", cell.region.to_string());
    line("Model", cell.bucket.to_string());
    line("Quota", cell.code.as_ref().map_or(name.to_owned(), |code| format!("{name} ({code})")));
    let row = cell.row_value.map(|value| value as u64);
    let applied = match (row, cell.applied) {
        (Some(value), _) | (None, QuotaLimit::Limit(value)) => count(value),
        _ => "unknown".to_owned(),
    };
    line("Applied value", applied);
    if let Some(value) = value {
        line("Requested value", count(value as u64));
    }
    let use_case =
        use_case.map_or("(say what the work is for: --use-case)".to_owned(), |words| words.escape_debug().to_string());
    line("Use case", use_case);
    line("Work", format!("{} requests within {}", count(need.records), span(Micros::from_secs_f64(need.deadline_s))));
    line("Steady state", format!("{} RPM, {} TPM", whole(need.steady_rpm), whole(need.steady_tpm)));
    line("Peak", format!("{} RPM, {} TPM", whole(need.peak_rpm), whole(need.peak_tpm)));
    line("Average input tokens per request", format!("about {}", count(need.average_input)));
    line("Average output tokens per request", format!("about {}", count(need.average_output)));
    line("Average max_tokens per request", count(need.average_max_tokens));
    line(&format!("Requests above {} input tokens", count(LARGE_RECORD)), percent(need.large_share));
    line("Expected growth", percent(need.growth_percent / 100.0));
    text
}

fn whole(value: f64) -> String {
    count(value.ceil().max(0.0) as u64)
}

fn as_text(need: &Need, draft: &Draft, without_max_tokens: u64) -> String {
    let mut text = String::new();
    let mut row = |name: &str, words: &str| {
        let _ = writeln!(text, "  {name:<14}{words}");
    };
    row(
        "work",
        &format!(
            "{} records, ~{} input and ~{} output tokens each, within {}",
            count(need.records),
            count(need.average_input),
            count(need.average_output),
            span(Micros::from_secs_f64(need.deadline_s)),
        ),
    );
    if without_max_tokens > 0 {
        row(
            "warning",
            &format!(
                "{} records set no max_tokens and reserve the model's maximum: --max-tokens N lowers what is needed",
                count(without_max_tokens)
            ),
        );
    }
    for quota in &need.quotas {
        let words = match (quota.times(), quota.absent) {
            (Some(times), _) => format!(
                "{} needed of {}, {times:.2} times",
                whole(quota.needed),
                whole(quota.available.unwrap_or_default())
            ),
            (None, true) => "no such quota".to_owned(),
            (None, false) => format!("{} needed, the quota is unknown", whole(quota.needed)),
        };
        row(metric_word(quota.metric), &words);
    }
    let how = format!(
        "share {}, growth {}, burndown {}x",
        percent(need.share),
        percent(need.growth_percent / 100.0),
        need.burndown
    );
    row("reckoned", &how);
    if let Some(cell) = &draft.quota {
        let place = cell.scope.map_or("all models", scope_word);
        let code = cell.code.as_deref().unwrap_or("no code is published");
        row("binding", &format!("{}, {} in {} ({place}, {code})", metric_word(cell.metric), cell.bucket, cell.region));
    }
    let verdict = match &draft.verdict {
        Verdict::Enough => "nothing: the quotas are enough".to_owned(),
        Verdict::Unknown => {
            "no quota of these routes is known: run some of it, and the limiter finds it; or say --value".to_owned()
        }
        Verdict::NotAdjustable => "nothing: this quota cannot be raised by a request".to_owned(),
        Verdict::BelowDefault { value, default } => format!(
            "{}, which Service Quotas does not take: it is below the default of {}, so ask for the default by a support case, or \
             for more by --value",
            count(*value as u64),
            count(*default as u64)
        ),
        Verdict::Ask { value } => count(*value as u64),
    };
    row("ask for", &verdict);
    let bound = draft.quota.as_ref().map(|cell| cell.metric);
    for quota in need.quotas.iter().filter(|quota| bound.is_some_and(|bound| bound != quota.metric)) {
        if let Some(times) = quota.times().filter(|times| *times > 1.0) {
            row("also short", &format!("{}, {times:.2} times: a request of its own", metric_word(quota.metric)));
        }
    }
    for way in &draft.instead {
        row("instead", way);
    }
    if let Some(letter) = &draft.text {
        let _ = write!(text, "\n{letter}");
    }
    text
}

/// Asks, and files.
async fn file(
    remote: &Remote,
    args: &RequestArgs,
    draft: &Draft,
    region: &crate::record::Region,
    code: &str,
    value: f64,
) -> Result<Result<QuotaRequest, String>, Problem> {
    let account = remote.info.account.as_deref().unwrap_or("unknown");
    let label = remote.info.account_label.as_deref().map_or(String::new(), |label| format!(" ({label})"));
    let name = draft.quota.as_ref().and_then(|cell| cell.name.as_deref()).unwrap_or(code);
    let mut about = vec![
        format!("account {account}{label}, Region {region}"),
        format!("{name} ({code}): {}", count(value as u64)),
        "costs nothing; a request cannot be taken back, and no other is taken while it is open".to_owned(),
        "Service Quotas takes the value alone: the text above is for the support case that it may open".to_owned(),
    ];
    if remote.info.simulated {
        about.push("simulated: nobody decides, times and answers are made up".to_owned());
    }
    // What is open already need not be asked about again; where it cannot be read, the service itself refuses.
    let known = remote.clients.quota_requests(region, Some(code)).await.unwrap_or_default();
    if let Some(open) = known.into_iter().find(|request| request.state.is_open()) {
        let state = open.state.word();
        return Ok(Err(format!(
            "a request for {} is open already ({state}, {}): AWS takes another one once it is decided",
            count(open.value as u64),
            open.id
        )));
    }
    let change = Change {
        about,
        question: "File this request?".to_owned(),
        name: None,
        price_unknown: false,
        yes: args.yes,
        confirm_name: None,
        accept_unknown_price: false,
    };
    to_change(&remote.info, &change)?;
    Ok(remote.desk.request_quota(region, code, value).await.map_err(|not_done| not_done.to_string()))
}

fn told(request: &QuotaRequest) -> String {
    let QuotaRequest { region, id, code, value, state, .. } = request;
    format!(
        "filed: {} of {code} in {region}, {}, request {id}\nfollow it: bedrock-top quotas request --status\n",
        count(*value as u64),
        state.word()
    )
}
