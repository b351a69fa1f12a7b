//! What a load came to, when it is over.

use std::fmt;

use serde::Serialize;

use crate::engine::{EngineSnapshot, LatencyView, MoneyView};
use crate::record::{ErrorClass, Usage, Usd};

use super::scope::{ScopeSummary, scopes};
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

/// Words a finished load. `resume`: the command that goes on with it.
#[must_use]
pub fn summary(last: &EngineSnapshot, maybe_paid_twice: u64, resume: Option<String>) -> Summary {
    let run = &last.run;
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
        scopes: scopes(last),
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
