//! What a load came to, when it is over.

use std::fmt;

use serde::Serialize;

use crate::engine::{EngineSnapshot, LatencyView, MoneyView};
use crate::limiter::{QuotaLimit, ScopeStatus, Why};
use crate::record::{ErrorClass, Priority, RecordId, Usage, Usd};

use super::{count, money, percent, span};

/// What a load came to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// True: made by a simulator.
    pub simulated: bool,
    /// Where the load went.
    pub target: String,
    /// The load's name.
    pub load: String,
    /// Where results are.
    pub output: Option<String>,
    /// Records in all, if known, those of earlier runs included.
    pub total: Option<u64>,
    /// Succeeded in this process.
    pub succeeded: u64,
    /// Failed in this process.
    pub failed: u64,
    /// Finished by an earlier run.
    pub resumed: u64,
    /// Not sent.
    pub unsent: u64,
    /// Arrivals dropped because the queue was full.
    pub dropped: u64,
    /// Results after their deadline.
    pub late: u64,
    /// In flight when an earlier run was killed: perhaps paid twice.
    pub maybe_paid_twice: u64,
    /// Why it could not go on to its end.
    pub fatal: Option<String>,
    /// Length in seconds.
    pub seconds: f64,
    /// Attempts sent.
    pub attempts: u64,
    /// Attempts beyond each record's first.
    pub retries: u64,
    /// Failed attempts by class.
    pub failed_attempts: Vec<(ErrorClass, u64)>,
    /// Tokens.
    pub usage: Usage,
    /// How close each scope ran to its quota.
    pub scopes: Vec<ScopeSummary>,
    /// Spend.
    pub money: MoneyView,
    /// Latency of the last minute.
    pub latency: LatencyView,
    /// Failed records by reason.
    pub failed_by_reason: Vec<(String, u64)>,
    /// The command that goes on with it, if anything is left.
    pub resume: Option<String>,
}

/// How close a scope ran to its quota, and what its limiter makes of it. Moments are microseconds since the start.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeSummary {
    /// Region and model.
    pub scope: String,
    /// Where the quota came from.
    pub quota_source: String,
    /// Attempts sent.
    pub requests: u64,
    /// Quota tokens settled.
    pub settled: u64,
    /// Settled per minute over the quota; above 1 while the initial burst lasts.
    pub tpm_use: Option<f64>,
    /// Requests per minute over the quota.
    pub rpm_use: Option<f64>,
    /// Attempts in flight.
    pub in_flight: u32,
    /// Of what was settled in the last 60 s: quota tokens that `max_tokens` had reserved and nothing used.
    pub wasted_60s: u64,
    /// The same as a part of the quota, if that is known.
    pub wasted_share: Option<f64>,
    /// What to do about it, if it is much.
    pub advice: Option<String>,
    /// What the head of the queue waits for here, if it waits here.
    pub head: Option<HeadSummary>,
    /// Seconds that the head of the queue has waited here, by reason.
    pub head_waited: Vec<(Why, f64)>,
    /// The limiter: what it believes, what it holds, what it did last.
    pub limiter: ScopeStatus,
}

/// The head of the queue, held by a scope's limiter.
#[derive(Clone, Debug, Serialize)]
pub struct HeadSummary {
    /// Its name.
    pub record: RecordId,
    /// Its class.
    pub priority: Priority,
    /// The dimension that holds it.
    pub why: Why,
    /// Seconds until it can go.
    pub wait_seconds: Option<f64>,
}

/// Words a finished load. `resume`: the command that goes on with it.
#[must_use]
pub fn summary(last: &EngineSnapshot, maybe_paid_twice: u64, resume: Option<String>) -> Summary {
    let run = &last.run;
    let minutes = run.elapsed.secs_f64() / 60.0;
    let share = |used: u64, limit: QuotaLimit| match limit {
        QuotaLimit::Limit(limit) if limit > 0 && minutes > 0.0 => Some(used as f64 / (limit as f64 * minutes)),
        _ => None,
    };
    let scopes = last
        .scopes
        .iter()
        .filter(|scope| scope.sent_total > 0)
        .map(|scope| ScopeSummary {
            scope: scope.key.to_string(),
            quota_source: scope.quota_source.clone(),
            requests: scope.sent_total,
            settled: scope.settled_total,
            tpm_use: share(scope.settled_total, scope.limiter.tpm.quota),
            rpm_use: share(scope.sent_total, scope.limiter.rpm.quota),
            in_flight: scope.in_flight,
            wasted_60s: scope.wasted_60s,
            wasted_share: scope.wasted_share(),
            advice: scope.advice.clone(),
            head: scope.head(last.flow.head.as_ref()).map(|(head, why)| HeadSummary {
                record: head.record.clone(),
                priority: head.priority,
                why,
                wait_seconds: head.until.map(|until| until.since(last.at).secs_f64()),
            }),
            head_waited: scope.head_waited.iter().map(|(why, waited)| (*why, waited.secs_f64())).collect(),
            limiter: scope.limiter.clone(),
        })
        .collect();
    Summary {
        simulated: last.target.simulated,
        target: last.target.name.clone(),
        load: run.label.clone(),
        output: run.output.clone(),
        total: run.total.map(|total| total + run.resumed),
        succeeded: run.succeeded,
        failed: run.failed,
        resumed: run.resumed,
        unsent: run.unsent,
        dropped: run.dropped,
        late: run.late,
        maybe_paid_twice,
        fatal: run.fatal.clone(),
        seconds: run.elapsed.secs_f64(),
        attempts: run.attempts,
        retries: run.retries,
        failed_attempts: last.flow.errors_total.clone(),
        usage: run.usage,
        scopes,
        money: last.money.clone(),
        latency: last.latency,
        failed_by_reason: last.failed_by_reason.clone(),
        resume: resume.filter(|_| run.unsent > 0),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, text: &str| writeln!(f, "  {name:<11}{text}");
        let badge = if self.simulated { "SIMULATED  " } else { "" };
        let to = self.output.as_ref().map_or(String::new(), |output| format!(" -> {output}"));
        writeln!(f, "{badge}{}{to}", self.load)?;
        let mut records = format!(
            "{} succeeded, {} failed, {} unsent",
            count(self.succeeded),
            count(self.failed),
            count(self.unsent)
        );
        if let Some(total) = self.total {
            records += &format!(" of {}", count(total));
        }
        if self.resumed > 0 {
            records += &format!(" ({} by earlier runs)", count(self.resumed));
        }
        row(f, "records", &records)?;
        if self.late > 0 || self.dropped > 0 {
            row(
                f,
                "",
                &format!("{} after their deadline, {} arrivals dropped", count(self.late), count(self.dropped)),
            )?;
        }
        let time = span(crate::record::Micros::from_secs_f64(self.seconds));
        let rate = if self.seconds > 0.0 { (self.succeeded + self.failed) as f64 / self.seconds } else { 0.0 };
        row(
            f,
            "time",
            &format!(
                "{time}, {rate:.1} records/s, {} attempts ({} retries)",
                count(self.attempts),
                count(self.retries)
            ),
        )?;
        row(
            f,
            "tokens",
            &format!(
                "{} in, {} out",
                count(self.usage.input + self.usage.cache_read + self.usage.cache_write),
                count(self.usage.output)
            ),
        )?;
        for scope in &self.scopes {
            let mut text = format!("{}: {} requests", scope.scope, count(scope.requests));
            if let Some(share) = scope.tpm_use {
                text += &format!(", TPM {} of quota", percent(share));
            }
            if let Some(share) = scope.rpm_use {
                text += &format!(", RPM {} of quota", percent(share));
            }
            if scope.tpm_use.is_none() && scope.rpm_use.is_none() {
                text += &format!(", {} quota tokens, quota {}", count(scope.settled), scope.quota_source);
            }
            row(f, "quota", &text)?;
        }
        let throttled: u64 = self.failed_attempts.iter().filter(|(c, _)| c.is_throttle()).map(|(_, n)| n).sum();
        let share = if self.attempts > 0 { throttled as f64 / self.attempts as f64 } else { 0.0 };
        row(f, "throttles", &format!("{} ({} of attempts)", count(throttled), percent(share)))?;
        if !self.failed_attempts.is_empty() {
            let parts: Vec<String> =
                self.failed_attempts.iter().map(|(class, n)| format!("{class} {}", count(*n))).collect();
            row(f, "by class", &parts.join(", "))?;
        }
        let at =
            |name: &str, value: Option<crate::record::Micros>| value.map(|value| format!("{name} {}", span(value)));
        let latency = &self.latency.attempt;
        let parts: Vec<String> =
            [at("p50", latency.p50), at("p90", latency.p90), at("p99", latency.p99)].into_iter().flatten().collect();
        if !parts.is_empty() {
            row(f, "latency", &format!("{} per attempt, last minute", parts.join(", ")))?;
        }
        let nothing_known = self.money.spent == Usd::ZERO && !self.money.unpriced.is_empty();
        let mut spent =
            if nothing_known { "unknown".to_string() } else { format!("{} spent", money(self.money.spent)) };
        if self.money.estimated > Usd::ZERO {
            spent += &format!(", {} of it estimated", money(self.money.estimated));
        }
        if let Some(cap) = self.money.cap {
            spent += &format!(", cap {}", money(cap));
        }
        if !self.money.unpriced.is_empty() {
            spent += &format!("; price unknown: {}", self.money.unpriced.join(", "));
        }
        row(f, "money", &spent)?;
        if self.maybe_paid_twice > 0 {
            row(
                f,
                "",
                &format!(
                    "{} requests were in flight when an earlier run ended and may be paid twice",
                    count(self.maybe_paid_twice)
                ),
            )?;
        }
        for (reason, n) in self.failed_by_reason.iter().take(5) {
            row(f, "failed", &format!("{} x {reason}", count(*n)))?;
        }
        if let Some(fatal) = &self.fatal {
            row(f, "stopped", fatal)?;
        }
        if let Some(resume) = &self.resume {
            row(f, "go on with", resume)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::console::ui::fixtures;

    /// What a script finds of a scope under `--json`: the names are a promise.
    #[test]
    fn json_explains_each_scope() {
        let text = serde_json::to_string(&summary(&fixtures::running(), 0, None)).unwrap();
        let summary: Value = serde_json::from_str(&text).unwrap();
        let [quiet, throttled] = summary["scopes"].as_array().unwrap().as_slice() else { panic!("{text}") };
        let limiter = &throttled["limiter"];
        // Used against the quota and against what is believed.
        assert_eq!(limiter["tpm"]["quota"], json!({ "known": "limit", "value": 200_000 }));
        assert_eq!((&limiter["settled_60s"], &limiter["held"]), (&json!(66_490), &json!(16_630)));
        assert_eq!(limiter["tpm"]["believed"], json!(142_800.0));
        assert_eq!(limiter["tpm"]["target"], json!(148_500.0));
        assert!(limiter["tpm"]["estimate"].as_array().is_some_and(|interval| interval.len() == 2), "{limiter}");
        assert_eq!(limiter["tpm"]["burst"], json!(142_800.0));
        assert_eq!((&limiter["tpm"]["meter"], &limiter["rpm"]["meter"]), (&json!("bucket"), &json!("unsure")));
        assert_eq!(limiter["tpm"]["reject_charge"], json!(0.4));
        assert_eq!(limiter["debt"], json!(2_310));
        let epoch = &limiter["last_epochs"][0];
        assert_eq!((&epoch["why"], &epoch["from"], &epoch["to"]), (&json!("tpm_hold"), &json!(168e3), &json!(142.8e3)));
        // Why the head waits, and how much was reserved for nothing.
        let head = json!({ "record": "syn-002047", "priority": "medium", "why": "tpm_hold", "wait_seconds": 1.3 });
        assert_eq!((&throttled["head"], &quiet["head"]), (&head, &Value::Null));
        assert_eq!(throttled["head_waited"], json!([["tpm_hold", 252.0], ["hold_off", 8.0]]));
        assert_eq!((&throttled["wasted_60s"], &throttled["wasted_share"]), (&json!(219_410), &json!(1.097_05)));
        assert!(throttled["advice"].as_str().is_some_and(|advice| advice.contains("lower max_tokens to 420")));
        assert_eq!(quiet["advice"], Value::Null);
    }
}
