//! What a run would take, before anything is sent.

use std::fmt;

use serde::Serialize;

use crate::engine::RouteSetup;
use crate::limiter::QuotaLimit;
use crate::record::{Micros, ProvisionedRoute, Usage, Usd};
use crate::workload::InputSummary;

use super::workload::{USUAL_REPLY, default_max_output};
use super::{Ways, count, money, span};

/// A short reply, tokens: the lower end of every range.
pub(super) const SHORT_REPLY: u64 = 50;
/// Prompts beyond this many tokens are warned of (C9).
const LARGE_PROMPT: u64 = 100_000;

/// What a run would take.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// True: it would go to a simulator.
    pub simulated: bool,
    /// Records to send.
    pub records: u64,
    /// Lines that cannot be records.
    pub invalid: u64,
    /// Records by class: high, medium, low.
    pub by_priority: [u64; 3],
    /// Input tokens, estimated.
    pub input_tokens: u64,
    /// Input tokens of the largest record and its line.
    pub largest: Option<(u64, u64)>,
    /// Records that set no output limit.
    pub without_max_tokens: u64,
    /// What each of those reserves, by model.
    pub default_max_tokens: u64,
    /// Quota tokens that all records reserve at admission, added up.
    pub reserved_tokens: u64,
    /// Quota tokens settled, from short replies to the longest allowed.
    pub settled_tokens: (u64, u64),
    /// Price in dollars, from short replies to the longest allowed; `None` if a price is not known.
    pub price: Option<(f64, f64)>,
    /// What bought capacity costs per hour in dollars, used or not, if load goes there; `None` inside: not known.
    pub per_hour: Option<Option<f64>>,
    /// Time at quota in seconds, from short replies to the longest allowed; `None` if no quota is known.
    pub seconds: Option<(f64, f64)>,
    /// Which limit sets the pace with usual replies.
    pub binding: String,
    /// The routes and their quotas.
    pub scopes: Vec<ScopePlan>,
    /// What the same work costs bought otherwise, if that was asked for.
    pub ways: Option<Ways>,
}

/// One route's part.
#[derive(Clone, Debug, Serialize)]
pub struct ScopePlan {
    /// Region and model.
    pub scope: String,
    /// Requests per minute.
    pub rpm: QuotaLimit,
    /// Tokens per minute.
    pub tpm: QuotaLimit,
    /// Where these came from.
    pub source: String,
    /// Output weight at settlement.
    pub burndown: u32,
}

/// Plans a run over `routes`, of whose quotas it may use `share` (0 to 1).
#[must_use]
pub fn plan(input: &InputSummary, routes: &[RouteSetup], share: f64, simulated: bool) -> Plan {
    let records = input.records;
    let default_max = default_max_output(routes.iter().map(|route| route.model));
    let longest = input.max_tokens + input.without_max_tokens * default_max;
    let reply = |each: u64| longest.min(records.saturating_mul(each));
    let burndown = u64::from(routes.iter().map(|route| route.quota.burndown).max().unwrap_or(1));
    let settled = |output: u64| input.input_tokens + output.saturating_mul(burndown);

    let price = |output: u64| -> Option<Usd> {
        let usage = Usage { input: input.input_tokens, output, ..Usage::default() };
        // Records go to whichever route has room: the dearest is the honest bound.
        routes
            .iter()
            .map(|route| route.price(&usage))
            .try_fold(Usd::ZERO, |most, price| price.map(|price| most.max(price)))
    };
    let sum = |limit: fn(&RouteSetup) -> QuotaLimit| -> Option<f64> {
        routes.iter().try_fold(0.0, |sum, route| match limit(route) {
            QuotaLimit::Limit(value) => Some(sum + value as f64 * share),
            QuotaLimit::Absent => Some(f64::INFINITY),
            QuotaLimit::Unknown => None,
        })
    };
    let (tpm, rpm) = (sum(|route| route.quota.tpm), sum(|route| route.quota.rpm));
    let bought = bought(routes);
    let minutes = |output: u64| {
        if let Some(bought) = &bought {
            let by_input = input.input_tokens as f64 / (bought.input_tpm? * share);
            let by_output = output as f64 / (bought.output_tpm? * share);
            return Some((by_input.max(by_output), by_input > by_output));
        }
        let by_tokens = tpm.map(|tpm| settled(output) as f64 / tpm);
        let by_requests = rpm.map(|rpm| records as f64 / rpm);
        match (by_tokens, by_requests) {
            (Some(tokens), Some(requests)) => Some((tokens.max(requests), requests > tokens)),
            (one, other) => one.or(other).map(|minutes| (minutes, one.is_none())),
        }
    };
    let (short, usual) = (reply(SHORT_REPLY), reply(USUAL_REPLY));
    let binding = match minutes(usual) {
        Some((_, more_input)) if bought.is_some() => {
            if more_input {
                "input tokens per minute of the model units"
            } else {
                "output tokens per minute of the model units"
            }
        }
        Some((_, true)) => "RPM: requests per minute",
        Some((_, false)) => "TPM: tokens per minute",
        None => "unknown: the limiter will find it",
    };
    Plan {
        simulated,
        records,
        invalid: input.invalid,
        by_priority: input.by_priority,
        input_tokens: input.input_tokens,
        largest: input.largest,
        without_max_tokens: input.without_max_tokens,
        default_max_tokens: default_max,
        reserved_tokens: input.input_tokens + longest,
        settled_tokens: (settled(short), settled(longest)),
        price: price(short).zip(price(longest)).map(|(low, high)| (low.dollars(), high.dollars())),
        per_hour: bought.as_ref().map(|bought| bought.usd_per_hour.map(Usd::dollars)),
        seconds: minutes(short).zip(minutes(longest)).map(|((low, _), (high, _))| (low * 60.0, high * 60.0)),
        binding: binding.to_string(),
        scopes: routes
            .iter()
            .map(|route| ScopePlan {
                scope: route.key.to_string(),
                rpm: route.quota.rpm,
                tpm: route.quota.tpm,
                source: route.quota_source.clone(),
                burndown: route.quota.burndown,
            })
            .collect(),
        ways: None,
    }
}

/// Bought capacity, all routes together.
struct Bought {
    input_tpm: Option<f64>,
    output_tpm: Option<f64>,
    usd_per_hour: Option<Usd>,
}

/// If all load goes to bought capacity, what that is.
fn bought(routes: &[RouteSetup]) -> Option<Bought> {
    let all = routes.iter().map(|route| route.provisioned.as_ref()).collect::<Option<Vec<_>>>()?;
    let sum = |tpm: fn(&ProvisionedRoute) -> Option<u64>| {
        all.iter().map(|route| tpm(route)).sum::<Option<u64>>().map(|sum| sum as f64)
    };
    (!all.is_empty()).then(|| Bought {
        input_tpm: sum(|route| route.input_tpm),
        output_tpm: sum(|route| route.output_tpm),
        usd_per_hour: all.iter().map(|route| route.usd_per_hour).try_fold(Usd::ZERO, |sum, usd| Some(sum + usd?)),
    })
}

impl Plan {
    /// What it costs, in words.
    #[must_use]
    pub fn price_words(&self) -> String {
        match (self.per_hour, self.price) {
            (Some(Some(hourly)), _) => {
                format!(
                    "nothing by the token; the model units cost {}/h, used or not",
                    money(Usd::from_dollars(hourly))
                )
            }
            (Some(None), _) => "nothing by the token; what the model units cost per hour is unknown".to_string(),
            (None, Some((low, high))) => {
                format!("{} to {}", money(Usd::from_dollars(low)), money(Usd::from_dollars(high)))
            }
            (None, None) => "unknown: the price of a model is not published".to_string(),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, text: String| writeln!(f, "  {name:<11}{text}");
        let [high, medium, low] = self.by_priority;
        let invalid =
            if self.invalid > 0 { format!(", {} unusable lines", count(self.invalid)) } else { String::new() };
        row(f, "records", format!("{} ({high} high, {medium} medium, {low} low){invalid}", count(self.records)))?;
        row(f, "input", format!("~{} tokens", count(self.input_tokens)))?;
        if let Some((tokens, line)) = self.largest.filter(|(tokens, _)| *tokens > LARGE_PROMPT) {
            let text =
                format!("line {line} has ~{} tokens: large prompts answer slowly and hold much quota", count(tokens));
            row(f, "warning", text)?;
        }
        let mut reserve = format!("~{} quota tokens in all", count(self.reserved_tokens));
        if self.without_max_tokens > 0 {
            reserve += &format!(
                "; {} records set no max_tokens and reserve {} each",
                count(self.without_max_tokens),
                count(self.default_max_tokens)
            );
        }
        row(f, "reserve", reserve)?;
        let (low, high) = self.settled_tokens;
        row(f, "settle", format!("~{} to {} quota tokens, by the length of replies", count(low), count(high)))?;
        row(f, "price", self.price_words())?;
        row(
            f,
            "time",
            match self.seconds {
                Some((low, high)) => {
                    format!("{} to {} at quota", span(Micros::from_secs_f64(low)), span(Micros::from_secs_f64(high)))
                }
                None => "unknown until the limiter has found the quota".to_string(),
            },
        )?;
        row(f, "binding", self.binding.clone())?;
        for scope in &self.scopes {
            let limit = |limit: QuotaLimit| match limit {
                QuotaLimit::Limit(value) => count(value),
                QuotaLimit::Unknown => "unknown".to_string(),
                QuotaLimit::Absent => "no".to_string(),
            };
            let text = format!(
                "{}: {} RPM, {} TPM, burndown {}x ({})",
                scope.scope,
                limit(scope.rpm),
                limit(scope.tpm),
                scope.burndown,
                scope.source
            );
            row(f, "route", text)?;
        }
        match &self.ways {
            Some(ways) => write!(f, "\n{}", ways.text()),
            None => Ok(()),
        }
    }
}
