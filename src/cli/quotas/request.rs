//! `quotas request`: the quota that a piece of work needs, in the words and figures that AWS asks for; filed after consent.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::bedrock::QuotaRequest;
use crate::control::{QuotaCell, quota_table};
use crate::engine::RouteSetup;
use crate::families::ApiChoice;
use crate::record::Priority;
use crate::report::{
    Allowed, Asker, Draft, Figure, Need, Replies, Verdict, Workload, count, draft, metric_word, need, percent,
};
use crate::workload::InputOptions;

use super::super::consent::{Change, to_change};
use super::super::problem::Problem;
use super::super::session::{self, Found, Remote};
use super::super::{run, say};
use super::RequestArgs;
use super::list::scope_word;

/// Drafts, and files after consent.
///
/// # Errors
/// No model, no usable input, no consent.
pub async fn run(remote: &Remote, args: &RequestArgs, as_json: bool) -> Result<ExitCode, Problem> {
    let (input, deadline) = (&args.input, args.deadline);
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
    let allowed: Vec<Allowed> = routes.iter().map(allowed).collect();
    let replies = Replies { tokens: args.average_output, seconds: args.reply_seconds };
    let workload = Workload {
        share,
        growth_percent: args.growth,
        use_case: args.use_case.clone(),
        ..Workload::of_input(input.summary(), &allowed, deadline.as_secs_f64(), replies)
    };
    let need = need(&workload, &allowed);
    let cells = quota_table(models, &facts.regions, info.simulated, false);
    let asker = Asker { account: info.account.as_deref(), simulated: info.simulated };
    let draft = draft(&need, &allowed, &cells, args.value, asker);
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

fn allowed(route: &RouteSetup) -> Allowed {
    Allowed { key: route.key.clone(), quota: route.quota, model: route.model }
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

fn as_text(need: &Need, draft: &Draft, without_max_tokens: u64) -> String {
    let mut text = String::new();
    let mut row = |name: &str, words: &str| {
        let _ = writeln!(text, "  {name:<14}{words}");
    };
    let whole = |value: f64| count(value.ceil().max(0.0) as u64);
    let work = &need.workload;
    let tokens = |figure: Option<Figure>| {
        figure.map_or("unknown".to_owned(), |figure| {
            format!("about {} ({})", count(figure.value.round().max(0.0) as u64), figure.by.words())
        })
    };
    row("work", &work.demand_words());
    row("input", &format!("{}, tokens a request", tokens(work.input)));
    row("output", &format!("{}, tokens a request: --average-output N says better", tokens(work.output)));
    if let Some(reply) = work.reply_seconds {
        row("replies", &format!("{:.1} s each ({}): --reply-seconds says better", reply.value, reply.by.words()));
    }
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
        let needed = quota.needed.map_or("unknown".to_owned(), whole);
        let words = match (quota.times(), quota.absent) {
            (Some(times), _) => {
                format!("{needed} needed of {}, {times:.2} times", whole(quota.available.unwrap_or_default()))
            }
            (None, true) => "no such quota".to_owned(),
            (None, false) => format!("{needed} needed, the quota is unknown"),
        };
        row(metric_word(quota.metric), &words);
    }
    let how = format!(
        "share {}, growth {}, burndown {}x",
        percent(work.share),
        percent(work.growth_percent / 100.0),
        need.burndown
    );
    row("reckoned", &how);
    if let Some(cell) = &draft.quota {
        let place = cell.scope.map_or("all models", scope_word);
        let code = cell.code.as_deref().unwrap_or("no code is published");
        row("binding", &format!("{}, {} in {} ({place}, {code})", metric_word(cell.metric), cell.bucket, cell.region));
    }
    if let Some(how) = &draft.how {
        row("because", how);
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
        "filed: {} of {code} in {region}, {}, request {id}\nfollow it: bedrock-top quotas status\n",
        count(*value as u64),
        state.word()
    )
}
