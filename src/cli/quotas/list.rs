//! `quotas list`: each quota of each bucket, and what the account uses of it.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::bedrock::QuotaRequest;
use crate::catalogue::{BucketKind, Metric};
use crate::control::{
    self, AccountUse, ControlSnapshot, Pool, QuotaCell, QuotaSource, RouteLimits, pools, quota_table,
};
use crate::limiter::QuotaLimit;
use crate::record::{Micros, MinuteUse};
use crate::report::{Align, count, money, paragraph, percent, span, table};

use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::ListArgs;

/// Columns of a quota's name, with the blanks on either side of it.
const QUOTA: usize = 16;

/// Lists.
///
/// # Errors
/// None beyond the account's; what could not be read is said and makes the exit code 2.
pub async fn run(remote: &Remote, args: ListArgs, as_json: bool) -> Result<ExitCode, Problem> {
    if remote.models.is_empty() && !args.all {
        return Err(Problem::usage(
            "no model: name one with --model, e.g. --model us.anthropic.claude-sonnet-4-5-20250929-v1:0, or say --all",
        ));
    }
    let facts = control::discover(&remote.clients).await;
    let cells = quota_table(&remote.models, &facts.regions, remote.info.simulated, args.all);
    let expansion = control::expand_routes(&remote.models, &remote.info.regions, &facts.regions);
    for refusal in &expansion.refusals {
        say::notice(format_args!("note: {refusal}\n"));
    }
    let account = control::read_account(&remote.desk, expansion.routes, facts, !args.no_use).await;
    let problem = |problem: &control::ControlProblem| match &problem.region {
        Some(region) => format!("{region}: {}", problem.message),
        None => problem.message.clone(),
    };
    // Models and profiles decide about routes only, whose refusals have been said.
    let told = |problem: &&control::ControlProblem| {
        !matches!(problem.question, control::Question::Models | control::Question::Profiles)
    };
    let problems: Vec<String> = account.problems.iter().filter(told).map(problem).collect();
    for problem in &problems {
        say::notice(format_args!("note: {problem}\n"));
    }
    let listed = Listed { cells, account, now_ms: remote.desk.service_now_ms(), with_use: !args.no_use };
    if as_json {
        let mut value = listed.as_json();
        value["target"] = json!(remote.info.name);
        value["simulated"] = json!(remote.info.simulated);
        value["account"] = json!(remote.info.account);
        value["problems"] = json!(problems);
        say::result(format_args!("{value}\n"));
    } else {
        say::result(format_args!("{}", listed.as_text(say::width())));
    }
    Ok(ExitCode::from(if problems.is_empty() { 0 } else { 2 }))
}

/// What was found.
struct Listed {
    cells: Vec<QuotaCell>,
    account: Arc<ControlSnapshot>,
    /// By the service's clock.
    now_ms: i64,
    with_use: bool,
}

impl Listed {
    fn as_json(&self) -> Value {
        let minute = |minute: &MinuteUse| {
            json!({
                "start_ms": minute.start_ms, "quota_tokens": minute.quota_tokens, "invocations": minute.invocations,
                "throttles": minute.throttles, "age_ms": self.age_ms(minute),
            })
        };
        let used = self.account.account_use.iter().map(|known| {
            json!({
                "region": known.route.region, "model": known.route.model, "bucket": known.key.bucket,
                "tpm": self.tpm(known), "last_minute": known.last().map(minute),
                "p90_quota_tokens": known.p90_tpm(), "peak_quota_tokens": known.peak_tpm(),
                "throttles_last_hour": known.throttles(), "quota_tokens_today": known.today,
                "read_at_ms": known.read_at_ms,
            })
        });
        let cost = self.account.metric_cost;
        json!({
            "service_now_ms": self.now_ms,
            "quotas": self.cells,
            "use": if self.with_use { json!(used.collect::<Vec<_>>()) } else { Value::Null },
            "pools": pools(&self.account, self.now_ms),
            "increases": self.account.increases,
            "increases_read_ms": self.account.increases_read_ms,
            "cloudwatch": { "metrics_read": cost.metrics_read, "spent_usd": cost.spent.dollars() },
        })
    }

    fn as_text(&self, width: usize) -> String {
        use Align::{Left, Right};
        if self.cells.is_empty() {
            return "no quotas\n".to_owned();
        }
        let heads = [
            ("  QUOTA", Left),
            ("APPLIED", Right),
            ("DEFAULT", Right),
            ("MORE?", Left),
            ("CODE", Left),
            ("SOURCE", Left),
        ];
        let row = |cell: &QuotaCell| {
            vec![
                format!("  {}", metric_word(cell.metric)),
                limit_word(cell.applied),
                cell.default.map_or("-".to_owned(), |value| count(value as u64)),
                more_word(cell).to_owned(),
                cell.code.clone().unwrap_or_else(|| "-".to_owned()),
                source_word(&cell.source),
            ]
        };
        let rows: Vec<Vec<String>> = self.cells.iter().map(row).collect();
        let lines = table(&heads, &rows);
        let mut lines = lines.lines();
        let mut text = paragraph("", lines.next().unwrap_or_default(), width);
        for (at, (cell, line)) in self.cells.iter().zip(lines).enumerate() {
            let same = |other: &QuotaCell| other.region == cell.region && other.bucket == cell.bucket;
            if !at.checked_sub(1).and_then(|before| self.cells.get(before)).is_some_and(same) {
                let name = cell
                    .scope
                    .map_or("all models".to_owned(), |scope| format!("{}  {}", cell.bucket, scope_word(scope)));
                text.push_str(&paragraph(&format!("{}  ", cell.region), &name, width));
            }
            let (quota, rest) = line.split_at_checked(QUOTA).unwrap_or(("", line));
            text.push_str(&paragraph(quota, rest, width));
            if !self.cells.get(at + 1).is_some_and(same) {
                for (head, words) in self.of_bucket(cell) {
                    text.push_str(&paragraph(&format!("{:<QUOTA$}", format!("  {head}")), &words, width));
                }
            }
        }
        text.push_str(&paragraph("", &self.price_words(), width));
        text
    }

    /// What is known of a bucket beside its quotas: a word and a sentence each.
    fn of_bucket(&self, cell: &QuotaCell) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        let here = |known: &&AccountUse| known.key.region == cell.region && known.key.bucket == cell.bucket;
        let read = |known: &&AccountUse| known.read_at_ms > 0;
        lines.extend(
            self.account.account_use.iter().filter(here).filter(read).map(|known| ("use", self.use_words(known))),
        );
        if cell.scope.is_none() {
            let pool = pools(&self.account, self.now_ms).into_iter().find(|pool| pool.region == cell.region);
            lines.extend(pool.map(|pool| ("use", pool_words(&pool))));
        }
        let codes = |request: &&QuotaRequest| {
            let of_bucket = |other: &&QuotaCell| other.region == cell.region && other.bucket == cell.bucket;
            request.region == cell.region
                && self.cells.iter().filter(of_bucket).any(|other| other.code.as_deref() == Some(request.code.as_str()))
        };
        let open = self.account.increases.iter().filter(|request| request.state.is_open()).filter(codes);
        lines.extend(open.map(|request| {
            let filed = request.created_ms.map_or(String::new(), |at| format!(", filed {}", ago(self.now_ms - at)));
            (
                "asked for",
                format!("{} on {}: {}{filed}", count(request.value as u64), request.code, request.state.word()),
            )
        }));
        lines
    }

    fn use_words(&self, known: &AccountUse) -> String {
        let part = |tokens: u64| match self.tpm(known) {
            Some(tpm) if tpm > 0 => format!("{} ({})", count(tokens), percent(tokens as f64 / tpm as f64)),
            _ => count(tokens),
        };
        let today = known.today.map_or(String::new(), |today| format!("; {} since midnight UTC", count(today)));
        let (Some(last), Some(p90), Some(peak)) = (known.last(), known.p90_tpm(), known.peak_tpm()) else {
            return format!("nothing published in the last hour{today}");
        };
        let start = last.start_ms.rem_euclid(86_400_000) / 60_000;
        format!(
            "tokens a minute by everybody: last minute {} ({:02}:{:02} UTC, {}), P90 {}, peak {}; throttles in the last \
             hour: {}{today}",
            part(last.quota_tokens),
            start / 60,
            start % 60,
            ago(self.age_ms(last)),
            part(p90),
            part(peak),
            known.throttles().map_or("-".to_owned(), count),
        )
    }

    /// How long a minute is over.
    fn age_ms(&self, minute: &MinuteUse) -> i64 {
        (self.now_ms - minute.start_ms - MinuteUse::LENGTH_MS).max(0)
    }

    /// Tokens per minute that a route is allowed, if that is known.
    fn tpm(&self, known: &AccountUse) -> Option<u64> {
        let here = |limits: &&RouteLimits| limits.route == known.route;
        match self.account.limits.iter().find(here)?.quota.tpm.0 {
            QuotaLimit::Limit(tpm) => Some(tpm),
            QuotaLimit::Unknown | QuotaLimit::Absent => None,
        }
    }

    fn price_words(&self) -> String {
        if !self.with_use {
            return "CloudWatch was not asked (--no-use)".to_owned();
        }
        let cost = self.account.metric_cost;
        let price = if self.account.simulated {
            "a simulator bills nothing".to_owned()
        } else {
            format!("{} (list price, us-east-1, November 2026)", money(cost.spent))
        };
        if self.account.limits.is_empty() {
            return "CloudWatch was not asked: no route is in use".to_owned();
        }
        format!("CloudWatch was asked for {} metrics: {price}; --no-use leaves it unasked", count(cost.metrics_read))
    }
}

fn pool_words(pool: &Pool) -> String {
    let Some(used) = pool.used else { return "its use was not read".to_owned() };
    let part = percent(used as f64 / pool.quota.max(1) as f64);
    let ends = pool.ends_ms.map_or("lasts the day at this rate".to_owned(), |ends| {
        let minute = ends.rem_euclid(86_400_000) / 60_000;
        format!("runs out at {:02}:{:02} UTC at this rate", minute / 60, minute % 60)
    });
    format!("{} ({part}) by the models in use since midnight UTC; {ends}", count(used))
}

fn ago(ms: i64) -> String {
    format!("{} ago", span(Micros::from_millis(ms.max(0).unsigned_abs())))
}

/// A bucket, in a word.
pub(super) fn scope_word(kind: BucketKind) -> &'static str {
    match kind {
        BucketKind::Base => "base",
        BucketKind::Geo => "geo",
        BucketKind::Global => "global",
    }
}

/// What a quota counts, in words.
pub(super) fn metric_word(metric: Metric) -> &'static str {
    match metric {
        Metric::Rpm => "requests/min",
        Metric::Tpm => "tokens/min",
        Metric::Tpd => "tokens/day",
    }
}

/// A limit, in words.
pub(super) fn limit_word(limit: QuotaLimit) -> String {
    match limit {
        QuotaLimit::Limit(value) => count(value),
        QuotaLimit::Absent => "none".to_owned(),
        QuotaLimit::Unknown => "unknown".to_owned(),
    }
}

fn more_word(cell: &QuotaCell) -> &'static str {
    match cell.adjustable {
        _ if cell.applied == QuotaLimit::Absent => "-",
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

fn source_word(source: &QuotaSource) -> String {
    match source {
        QuotaSource::ServiceQuotas { .. } => "Service Quotas".to_owned(),
        QuotaSource::Default { year, .. } => format!("published {year}"),
        QuotaSource::Units => "model units".to_owned(),
        QuotaSource::Absent => "no such quota".to_owned(),
        QuotaSource::Unknown => "by the limiter".to_owned(),
    }
}
