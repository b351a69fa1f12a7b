//! What to ask AWS for: the quota that binds, the value that a workload needs of it, the text with the figures that AWS
//! support asks for. One answer for the command line and the console.

use std::fmt::Write as _;

use serde::Serialize;

use crate::catalogue::{BatchLimit, BucketKind, Catalogue, Metric, bucket_kind};
use crate::control::QuotaCell;
use crate::limiter::QuotaLimit;
use crate::workload::LARGE_RECORD;

use super::need::whole;
use super::workload::{Allowed, By, Demand, Figure};
use super::{MetricNeed, Need, count, percent};

/// What is asked for, or why nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The quotas are enough.
    Enough,
    /// No quota is known, or nobody can say what is needed.
    Unknown,
    /// It cannot be raised by a request.
    NotAdjustable,
    /// It is below the default, and requests are taken only for values above the default.
    BelowDefault {
        /// What is needed.
        value: f64,
        /// The default.
        default: f64,
    },
    /// This value.
    Ask {
        /// In the unit of its row in Service Quotas.
        value: f64,
    },
}

impl Verdict {
    /// The value in question, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        match self {
            Verdict::Ask { value } | Verdict::BelowDefault { value, .. } => Some(*value),
            Verdict::Enough | Verdict::Unknown | Verdict::NotAdjustable => None,
        }
    }
}

/// The quota in question, and what to ask for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Draft {
    /// What to do.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The quota; the one that binds, unless another one was chosen.
    pub quota: Option<QuotaCell>,
    /// How the value comes about, in words.
    pub how: Option<String>,
    /// What else would help.
    pub instead: Vec<String>,
    /// The text for AWS.
    pub text: Option<String>,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The account, if known.
    pub account: Option<&'a str>,
    /// Nothing of it is real.
    pub simulated: bool,
}

/// The word of a kind of quota.
#[must_use]
pub const fn metric_word(metric: Metric) -> &'static str {
    match metric {
        Metric::Rpm => "RPM",
        Metric::Tpm => "TPM",
        Metric::Tpd => "TPD",
    }
}

/// The value that the row of a quota has now; `None`: not known.
#[must_use]
pub fn row_value(cell: &QuotaCell) -> Option<u64> {
    match (cell.row_value, cell.applied) {
        (Some(row), _) => Some(row.max(0.0) as u64),
        (None, QuotaLimit::Limit(value)) => Some(value),
        (None, QuotaLimit::Unknown | QuotaLimit::Absent) => None,
    }
}

/// The quota that binds, the route whose quota can best be raised, and what follows. `by_hand`: this value instead of the
/// one that is needed.
#[must_use]
pub fn draft(need: &Need, routes: &[Allowed], cells: &[QuotaCell], by_hand: Option<u64>, asker: Asker<'_>) -> Draft {
    let nothing = |verdict| Draft { verdict, quota: None, how: None, instead: Vec::new(), text: None };
    let binding = match (need.binding(), by_hand) {
        (Some(binding), _) => binding,
        (None, Some(_)) => need.of(Metric::Tpm),
        (None, None) => return nothing(Verdict::Unknown),
    };
    if need.is_met() && by_hand.is_none() {
        return nothing(Verdict::Enough);
    }
    let of_routes = routes.iter().filter_map(|route| {
        let here = |cell: &&QuotaCell| cell.region == route.key.region && cell.metric == binding.metric;
        let own = cells.iter().find(|cell| here(cell) && cell.bucket == route.key.bucket);
        own.or_else(|| cells.iter().find(|cell| here(cell) && cell.scope.is_none()))
    });
    let mut candidates: Vec<&QuotaCell> = of_routes.collect();
    // Those that can be raised first; the sort keeps the order of the routes.
    candidates.sort_by_key(|cell| (cell.code.is_none(), cell.adjustable != Some(true)));
    match candidates.first() {
        Some(cell) => draft_of(need, routes, cell, by_hand, asker),
        None => nothing(Verdict::Unknown),
    }
}

/// What to ask for of one quota.
#[must_use]
pub fn draft_of(need: &Need, routes: &[Allowed], cell: &QuotaCell, by_hand: Option<u64>, asker: Asker<'_>) -> Draft {
    let of = need.of(cell.metric);
    let (verdict, how) = judge(of, cell, by_hand);
    let instead = match verdict {
        Verdict::NotAdjustable | Verdict::BelowDefault { .. } => instead(need, cell, routes),
        _ => Vec::new(),
    };
    let text = letter(need, cell, verdict.value(), &how, asker);
    Draft { verdict, quota: Some(cell.clone()), how: Some(how), instead, text: Some(text) }
}

fn judge(need: &MetricNeed, cell: &QuotaCell, by_hand: Option<u64>) -> (Verdict, String) {
    let own = match cell.applied {
        QuotaLimit::Limit(value) => value,
        QuotaLimit::Absent | QuotaLimit::Unknown => 0,
    };
    // A row that counts double for calls through a profile says half of what the bucket may use.
    let factor = match cell.row_value {
        Some(row) if row > 0.0 && own > 0 => own as f64 / row,
        _ => 1.0,
    };
    let needed = need.value_of(own).map(|value| (value / factor).ceil());
    let mut how = need.how.clone();
    let enough = need.times().is_some_and(|times| times <= 1.0);
    if let Some(available) = need.available.filter(|_| enough) {
        let _ = write!(how, "; there are {}", whole(available));
    } else if let Some(needed) = needed {
        let others = need.others(own);
        if others > 0.0 {
            let _ = write!(how, "; - {} that the other routes have", whole(others));
        }
        if factor > 1.0 {
            let _ = write!(how, "; / {factor:.0}, for this row counts calls through profiles double");
        }
        let _ = write!(how, "; in round figures {} {}", whole(needed), metric_word(cell.metric));
    }
    let Some(value) = by_hand.map(|value| value as f64).or(needed) else { return (Verdict::Unknown, how) };
    if by_hand.is_none() && enough {
        return (Verdict::Enough, how);
    }
    if cell.adjustable == Some(false) || cell.code.is_none() {
        return (Verdict::NotAdjustable, how);
    }
    let verdict = match cell.default {
        Some(default) if value <= default => Verdict::BelowDefault { value, default },
        _ => Verdict::Ask { value },
    };
    (verdict, how)
}

/// What helps where a request does not.
fn instead(need: &Need, cell: &QuotaCell, routes: &[Allowed]) -> Vec<String> {
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
        if matches!(need.workload.demand, Some(Demand::Work { requests, .. }) if requests >= least) {
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
    match cell.metric {
        Metric::Rpm => ways.push("fewer and larger requests need fewer requests per minute".to_owned()),
        Metric::Tpm => ways.push("a lower max_tokens reserves less, and shorter replies settle at less".to_owned()),
        Metric::Tpd => ways.push("each Region has a day of its own: --region R1,R2".to_owned()),
    }
    ways.push("more Regions, or a later --deadline".to_owned());
    ways.push("a support case or your account team, with the text below".to_owned());
    ways
}

/// The text with the figures that AWS support asks for. A figure that nobody measured says so.
fn letter(need: &Need, cell: &QuotaCell, value: Option<f64>, how: &str, asker: Asker<'_>) -> String {
    let work = &need.workload;
    let mut text = String::new();
    let mut line = |name: &str, words: &str| {
        let _ = writeln!(text, "{name}: {words}");
    };
    let name = cell.name.as_deref().unwrap_or("the quota of this model");
    line("Request", "increase of an Amazon Bedrock quota");
    if asker.simulated {
        line("Note", "simulated: none of these figures is of a real account");
    }
    line("Account", asker.account.unwrap_or("unknown"));
    line("Region", cell.region.as_str());
    line("Model", cell.bucket.as_str());
    let quota = format!("{name}, {} ({})", metric_word(cell.metric), cell.code.as_deref().unwrap_or("code unknown"));
    line("Quota", &quota);
    line("Applied value", &row_value(cell).map_or("unknown".to_owned(), count));
    if let Some(value) = value {
        line("Requested value", &count(value as u64));
    }
    let use_case = work.use_case.as_ref().map(|words| words.escape_debug().to_string());
    line("Use case", use_case.as_deref().unwrap_or("not said yet"));
    line("Work", &work.demand_words());
    line("Steady state", &rates(need.steady_rpm, need.steady_tpm));
    line("Peak", &rates(need.peak_rpm, need.peak_tpm));
    match work.seen {
        Some(seen) => {
            let minutes = format!("{} min with calls in the last hour, {}", seen.minutes, seen.by.words());
            line("Seen, steady", &format!("{} ({minutes})", rates(Some(seen.steady_rpm), Some(seen.steady_tpm))));
            line("Seen, peak", &rates(Some(seen.peak_rpm), Some(seen.peak_tpm)));
        }
        None => line("Seen", "nothing yet: the figures are of work that is still to be done"),
    }
    if let Some(others) = work.others {
        line("Others on this quota", &format!("at least {}", rates(Some(others.rpm), Some(others.tpm))));
    }
    line("Average input tokens per request", &figure(work.input));
    line("Average output tokens per request", &figure(work.output));
    line("Average max_tokens per request", &figure(work.max_tokens()));
    let seconds = |reply: Figure| format!("{:.1} s ({})", reply.value, reply.by.words());
    line("Time of a reply", &work.reply_seconds.map_or("unknown".to_owned(), seconds));
    let share = |share: Figure| format!("{} ({})", percent(share.value), share.by.words());
    let large = work.large_share.map_or("unknown".to_owned(), share);
    line(&format!("Requests above {} input tokens", count(LARGE_RECORD)), &large);
    line("Expected growth", &percent(work.growth_percent / 100.0));
    line("How the value comes about", how);
    text
}

fn rates(rpm: Option<f64>, tpm: Option<f64>) -> String {
    let word = |value: Option<f64>| value.map_or("unknown".to_owned(), whole);
    format!("{} RPM, {} TPM", word(rpm), word(tpm))
}

fn figure(figure: Option<Figure>) -> String {
    figure.map_or("unknown".to_owned(), |figure| {
        let about = if matches!(figure.by, By::Estimate | By::Assumption) { "about " } else { "" };
        format!("{about}{} ({})", count(figure.value.round().max(0.0) as u64), figure.by.words())
    })
}

#[cfg(test)]
mod tests {
    use super::super::need;
    use super::super::workload::{Pace, Replies, Workload};
    use super::*;
    use crate::control::QuotaSource;
    use crate::limiter::ScopeQuota;
    use crate::record::{MinuteUse, ScopeKey};
    use crate::workload::InputSummary;

    const SONNET: &str = "us.anthropic.claude-sonnet-4-6";
    const ASKER: Asker<'_> = Asker { account: Some("123456789012"), simulated: false };

    fn cell(bucket: &str, metric: Metric, applied: u64) -> QuotaCell {
        QuotaCell {
            region: "us-east-1".into(),
            bucket: bucket.into(),
            scope: Some(bucket_kind(bucket)),
            metric,
            applied: QuotaLimit::Limit(applied),
            source: QuotaSource::Unknown,
            code: Some("L-1".into()),
            name: Some("tokens per minute".into()),
            row_value: Some(applied as f64),
            default: Some(1_000.0),
            default_year: None,
            adjustable: Some(true),
            named: true,
            read_at_ms: None,
        }
    }

    fn allowed(tpm: u64) -> Allowed {
        let quota =
            ScopeQuota { rpm: QuotaLimit::Absent, tpm: QuotaLimit::Limit(tpm), tpd: QuotaLimit::Unknown, burndown: 5 };
        let model = Catalogue::embedded().model(SONNET);
        Allowed { key: ScopeKey { region: "us-east-1".into(), bucket: SONNET.into() }, quota, model }
    }

    /// 12,000 requests of 2,500 settled in two hours: 250,000 TPM, and 11,667 held.
    fn work(routes: &[Allowed]) -> Workload {
        let input = InputSummary {
            records: 12_000,
            input_tokens: 12_000_000,
            max_tokens: 4_800_000,
            ..InputSummary::default()
        };
        Workload::of_input(&input, routes, 7_200.0, Replies::default())
    }

    #[test]
    fn what_binds_is_asked_for_in_round_figures_and_the_text_says_who_says_what() {
        let routes = [allowed(100_000)];
        let need = need(&Workload { use_case: Some("night\nly".into()), ..work(&routes) }, &routes);
        let cells = [cell("other.model", Metric::Tpm, 7), cell(SONNET, Metric::Tpm, 100_000)];
        let draft = draft(&need, &routes, &cells, None, ASKER);
        assert_eq!(draft.verdict, Verdict::Ask { value: 270_000.0 }, "261,667 and upwards");
        assert_eq!(draft.quota.unwrap().bucket.as_str(), SONNET);
        let text = draft.text.unwrap();
        for words in [
            "Account: 123456789012",
            "Model: us.anthropic.claude-sonnet-4-6",
            "Requested value: 270,000",
            "Use case: night\\nly",
            "Steady state: 100 RPM, 250,000 TPM",
            "Peak: 100 RPM, 261,667 TPM",
            "Average input tokens per request: about 1,000 (estimated from the input)",
            "Average output tokens per request: about 300 (an assumption)",
            "Time of a reply: 5.0 s (an assumption)",
            "in round figures 270,000 TPM",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("simulated"));
    }

    #[test]
    fn a_row_that_counts_double_is_asked_for_half() {
        let routes = [allowed(200_000)];
        let need = need(&work(&routes), &routes);
        let half = QuotaCell { row_value: Some(100_000.0), ..cell(SONNET, Metric::Tpm, 200_000) };
        let draft = draft_of(&need, &routes, &half, None, ASKER);
        assert_eq!(draft.verdict, Verdict::Ask { value: 135_000.0 });
        assert!(draft.how.unwrap().contains("counts calls through profiles double"));
    }

    #[test]
    fn what_is_unknown_is_said_to_be_unknown_and_asks_for_nothing() {
        let routes = [allowed(100_000)];
        let cell = cell(SONNET, Metric::Tpm, 100_000);
        let need = need(&Workload { share: 1.0, ..Workload::default() }, &routes);
        let draft = draft_of(&need, &routes, &cell, None, Asker { account: None, simulated: true });
        assert_eq!(draft.verdict, Verdict::Unknown);
        let text = draft.text.unwrap();
        for words in [
            "Note: simulated",
            "Account: unknown",
            "Use case: not said yet",
            "Work: unknown",
            "Steady state: unknown RPM, unknown TPM",
            "Average output tokens per request: unknown",
            "Requests above 25,000 input tokens: unknown",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("Requested value"), "{text}");
        // What the operator asks for by hand is asked for.
        let by_hand = draft_of(&need, &routes, &cell, Some(5_000_000), ASKER);
        assert_eq!(by_hand.verdict, Verdict::Ask { value: 5_000_000.0 });
    }

    #[test]
    fn enough_is_judged_by_what_was_seen() {
        let minutes = [MinuteUse { invocations: 10, quota_tokens: 60_000, ..MinuteUse::default() }];
        let seen = Pace::of(&minutes, By::CloudWatch);
        let routes = [allowed(100_000)];
        let of = |growth_percent| {
            let need = need(&Workload { seen, growth_percent, share: 1.0, ..Workload::default() }, &routes);
            draft_of(&need, &routes, &cell(SONNET, Metric::Tpm, 100_000), None, ASKER).verdict
        };
        assert_eq!(of(0.0), Verdict::Enough);
        assert_eq!(of(100.0), Verdict::Ask { value: 120_000.0 });
    }
}
