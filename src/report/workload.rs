//! A workload in figures, each with who says so. What nobody can know is `None`, and is said to be unknown.

use serde::Serialize;

use crate::catalogue::Model;
use crate::limiter::ScopeQuota;
use crate::record::{Micros, MinuteUse, ScopeKey};
use crate::workload::InputSummary;

use super::number::{count, span};

/// Output tokens of a usual reply, where nothing is known of them.
pub(super) const USUAL_REPLY: u64 = 300;
/// Reserved by a model of which nothing is known.
pub(super) const UNKNOWN_MAX_TOKENS: u64 = 4_096;
/// How long a usual reply takes, seconds, where nothing is known of it; ten seconds would be slow.
const USUAL_REPLY_SECONDS: f64 = 5.0;

/// Who says a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// It was counted in the input.
    Input,
    /// Estimated from the text of the input.
    Estimate,
    /// Measured on our own calls.
    Ours,
    /// CloudWatch, on the calls of everybody.
    CloudWatch,
    /// The operator.
    Operator,
    /// Nobody: it is assumed.
    Assumption,
}

impl By {
    /// In a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            By::Input => "counted in the input",
            By::Estimate => "estimated from the input",
            By::Ours => "measured on our calls",
            By::CloudWatch => "CloudWatch, all callers",
            By::Operator => "given",
            By::Assumption => "an assumption",
        }
    }
}

/// A figure, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Who says so.
    pub by: By,
}

impl Figure {
    /// A figure of somebody.
    #[must_use]
    pub const fn of(value: f64, by: By) -> Figure {
        Figure { value, by }
    }

    /// A sum over `calls` as a figure of each; `None` without calls.
    #[must_use]
    pub fn each(sum: u64, calls: u64, by: By) -> Option<Figure> {
        (calls > 0).then(|| Figure::of(sum as f64 / calls as f64, by))
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// So many requests within so many seconds.
    Work {
        /// Requests.
        requests: u64,
        /// Seconds.
        seconds: f64,
    },
    /// So many requests a minute, without an end.
    Rate {
        /// Requests per minute.
        rpm: f64,
    },
}

/// Requests and quota tokens a minute, as they were seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pace {
    /// Requests per minute, on average.
    pub steady_rpm: f64,
    /// Quota tokens per minute, on average: settled.
    pub steady_tpm: f64,
    /// Requests of the busiest minute.
    pub peak_rpm: f64,
    /// Quota tokens of the minute with most of them.
    pub peak_tpm: f64,
    /// Minutes that were looked at: those without a call are not among them.
    pub minutes: u64,
    /// Who counted.
    pub by: By,
}

impl Pace {
    /// Of these minutes; `None` without any.
    #[must_use]
    pub fn of(minutes: &[MinuteUse], by: By) -> Option<Pace> {
        let count = minutes.len() as f64;
        let sum = |of: fn(&MinuteUse) -> u64| minutes.iter().map(|minute| of(minute) as f64).sum::<f64>() / count;
        let most = |of: fn(&MinuteUse) -> u64| minutes.iter().map(of).max();
        Some(Pace {
            steady_rpm: sum(|minute| minute.invocations),
            steady_tpm: sum(|minute| minute.quota_tokens),
            peak_rpm: most(|minute| minute.invocations)? as f64,
            peak_tpm: most(|minute| minute.quota_tokens)? as f64,
            minutes: minutes.len() as u64,
            by,
        })
    }
}

/// What others use of the same quota, at least: what they reserve beyond that nobody sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Others {
    /// Requests per minute.
    pub rpm: f64,
    /// Quota tokens per minute.
    pub tpm: f64,
}

/// A workload, in the figures that AWS support asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Workload {
    /// What is to be done; `None`: not said.
    pub demand: Option<Demand>,
    /// What was seen of it; `None`: nothing.
    pub seen: Option<Pace>,
    /// What others use of the quota; `None`: not known.
    pub others: Option<Others>,
    /// Input tokens of a request, on average.
    pub input: Option<Figure>,
    /// Output tokens of a request, on average.
    pub output: Option<Figure>,
    /// Quota tokens that a request settles at, on average, where that was measured; else it follows from the two above.
    pub settled: Option<Figure>,
    /// Quota tokens that a request reserves at admission, on average: input and `max_tokens`.
    pub reserved: Option<Figure>,
    /// How long a reply takes, seconds: that long its reservation is held.
    pub reply_seconds: Option<Figure>,
    /// Part of the requests that are large, 0 to 1: see [`crate::workload::LARGE_RECORD`].
    pub large_share: Option<Figure>,
    /// Expected growth, percent.
    pub growth_percent: f64,
    /// Part of each quota that this program may use, 0 to 1.
    pub share: f64,
    /// What it is for; `None`: not said.
    pub use_case: Option<String>,
}

/// What the operator says of replies that nobody has seen yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Replies {
    /// Output tokens of a usual one; `None`: assumed.
    pub tokens: Option<u64>,
    /// Seconds that it takes; `None`: assumed.
    pub seconds: Option<f64>,
}

/// A route that the workload may use: its quota, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowed {
    /// What has the quota.
    pub key: ScopeKey,
    /// What is known of it.
    pub quota: ScopeQuota,
    /// The model behind it, if the catalogue has it.
    pub model: Option<&'static Model>,
}

/// What a record without an output limit reserves at the worst of these models.
pub(super) fn default_max_output<'m>(models: impl Iterator<Item = Option<&'m Model>>) -> u64 {
    models
        .map(|model| model.map_or(UNKNOWN_MAX_TOKENS, |model| model.default_max_output))
        .max()
        .unwrap_or(UNKNOWN_MAX_TOKENS)
}

impl Workload {
    /// The records of `input`, to be done on `routes` within `seconds`.
    #[must_use]
    pub fn of_input(input: &InputSummary, routes: &[Allowed], seconds: f64, replies: Replies) -> Workload {
        let default = default_max_output(routes.iter().map(|route| route.model));
        let longest = input.max_tokens.saturating_add(input.without_max_tokens.saturating_mul(default));
        // A reply is cut at its record's own limit, whatever is usual.
        let usual = replies.tokens.unwrap_or(USUAL_REPLY);
        let output = longest.min(input.records.saturating_mul(usual));
        let said = |given: bool| if given { By::Operator } else { By::Assumption };
        let each = |sum: u64, by| Figure::each(sum, input.records, by);
        Workload {
            demand: Some(Demand::Work { requests: input.records, seconds }),
            input: each(input.input_tokens, By::Estimate),
            output: each(output, said(replies.tokens.is_some())),
            reserved: each(input.input_tokens.saturating_add(longest), By::Estimate),
            reply_seconds: Some(Figure::of(
                replies.seconds.unwrap_or(USUAL_REPLY_SECONDS),
                said(replies.seconds.is_some()),
            )),
            large_share: each(input.large, By::Estimate),
            share: 1.0,
            ..Workload::default()
        }
    }

    /// Average tokens of the calls of these minutes.
    pub fn take_averages(&mut self, minutes: &[MinuteUse], by: By) {
        let sum = |of: fn(&MinuteUse) -> u64| minutes.iter().map(of).fold(0, u64::saturating_add);
        let calls = sum(|minute| minute.invocations);
        let each = |of: fn(&MinuteUse) -> u64| Figure::each(sum(of), calls, by);
        self.input = each(|minute| minute.input);
        self.output = each(|minute| minute.output);
        self.settled = each(|minute| minute.quota_tokens);
    }

    /// `max_tokens` of a request, on average.
    #[must_use]
    pub fn max_tokens(&self) -> Option<Figure> {
        let (reserved, input) = (self.reserved?, self.input?);
        Some(Figure::of((reserved.value - input.value).max(0.0), reserved.by))
    }

    /// Growth as a factor.
    #[must_use]
    pub fn growth(&self) -> f64 {
        1.0 + self.growth_percent / 100.0
    }

    /// What is to be done, in words.
    #[must_use]
    pub fn demand_words(&self) -> String {
        match self.demand {
            Some(Demand::Work { requests, seconds }) => {
                format!("{} requests within {}", count(requests), span(Micros::from_secs_f64(seconds)))
            }
            Some(Demand::Rate { rpm }) => format!("{} requests a minute, without an end", count(rpm.ceil() as u64)),
            None if self.seen.is_some() => "as it was seen: neither a deadline nor a rate is said".to_owned(),
            None => "unknown".to_owned(),
        }
    }
}
