//! A scope, explained: how close it runs to its quota, what its limiter makes of it, and why the head waits.

use serde::Serialize;

use crate::engine::EngineSnapshot;
use crate::limiter::{QuotaLimit, ScopeStatus, Why};
use crate::record::{Priority, RecordId};

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

/// Every scope that something was sent to.
pub(super) fn scopes(last: &EngineSnapshot) -> Vec<ScopeSummary> {
    let minutes = last.run.elapsed.secs_f64() / 60.0;
    let share = |used: u64, limit: QuotaLimit| match limit {
        QuotaLimit::Limit(limit) if limit > 0 && minutes > 0.0 => Some(used as f64 / (limit as f64 * minutes)),
        _ => None,
    };
    last.scopes
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
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::console::ui::fixtures;
    use crate::report::summary;

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
