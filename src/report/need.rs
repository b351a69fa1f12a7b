//! What a workload needs of the quotas to be done in time, with the arithmetic in words.
//!
//! A quota has to bear what is settled in a minute and, beside it, what is reserved for the replies under way:
//! `TPM = RPM x settled + RPM x reserved x reply seconds / 60`, times the growth. Of that quota this program may use its
//! share, and others use theirs: `max(ours / share, ours + others)`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::catalogue::Metric;
use crate::limiter::QuotaLimit;

use super::number::count;
use super::workload::{Allowed, By, Demand, Others, Workload};

const DAY_SECONDS: f64 = 86_400.0;
const DAY_MINUTES: f64 = 1_440.0;

/// What a workload needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Need {
    /// Its figures.
    pub workload: Workload,
    /// Output weight at settlement.
    pub burndown: u32,
    /// Requests per minute, steadily; `None`: not known.
    pub steady_rpm: Option<f64>,
    /// Quota tokens per minute, steadily: settled.
    pub steady_tpm: Option<f64>,
    /// Requests of the busiest minute: a run is paced, so for work it is the steady rate.
    pub peak_rpm: Option<f64>,
    /// Quota tokens of the busiest minute: settled, and reserved for the replies under way.
    pub peak_tpm: Option<f64>,
    /// What each quota must be: requests per minute, tokens per minute, tokens per day. With growth and share.
    pub quotas: [MetricNeed; 3],
}

/// What one kind of quota must be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricNeed {
    /// Which kind.
    pub metric: Metric,
    /// All routes together must have this much; `None`: nobody can say.
    pub needed: Option<f64>,
    /// The arithmetic in words, or what is missing for it.
    pub how: String,
    /// They have this much; `None`: it is not known of one of them, or there is no such quota.
    pub available: Option<f64>,
    /// There is no such quota on one of the routes.
    pub absent: bool,
}

impl MetricNeed {
    /// How many times what there is the workload needs; `None`: not known, or no such quota.
    #[must_use]
    pub fn times(&self) -> Option<f64> {
        Some(self.needed? / self.available?.max(f64::MIN_POSITIVE))
    }

    /// The quota of one route, where it is `own`, that makes it enough for all; in round figures.
    #[must_use]
    pub fn value_of(&self, own: u64) -> Option<f64> {
        Some(round_up((self.needed? - self.others(own)).max(1.0)))
    }

    /// What the other routes have.
    pub(super) fn others(&self, own: u64) -> f64 {
        self.available.map_or(0.0, |available| (available - own as f64).max(0.0))
    }
}

impl Need {
    /// What binds: the quota that is shortest. `None`: no quota is known, or nobody can say what is needed.
    #[must_use]
    pub fn binding(&self) -> Option<&MetricNeed> {
        let known = self.quotas.iter().filter(|need| need.times().is_some());
        known.max_by(|a, b| a.times().unwrap_or(0.0).total_cmp(&b.times().unwrap_or(0.0)))
    }

    /// What there is is enough.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.binding().and_then(MetricNeed::times).is_some_and(|times| times <= 1.0)
    }

    /// Of one kind of quota.
    #[must_use]
    pub fn of(&self, metric: Metric) -> &MetricNeed {
        let [rpm, tpm, tpd] = &self.quotas;
        match metric {
            Metric::Rpm => rpm,
            Metric::Tpm => tpm,
            Metric::Tpd => tpd,
        }
    }
}

/// A number that comes about step by step, and the steps.
struct Steps {
    value: f64,
    words: String,
}

impl Steps {
    fn new(value: f64, words: String) -> Steps {
        Steps { value, words }
    }

    fn plus(mut self, more: f64, what: &str) -> Steps {
        if more > 0.0 {
            self.value += more;
            let _ = write!(self.words, "; + {} {what}", whole(more));
        }
        self
    }

    fn grown(mut self, growth: f64) -> Steps {
        if growth > 1.0 {
            self.value *= growth;
            let _ = write!(self.words, "; x {growth:.2} growth = {}", whole(self.value));
        }
        self
    }

    /// Our part of a quota becomes the whole of it.
    fn of_quota(mut self, share: f64, others: f64) -> Steps {
        let (by_share, beside) = (self.value / share.max(0.01), self.value + others.max(0.0));
        if beside > by_share {
            self.value = beside;
            let _ = write!(self.words, "; + {} of others, at least = {}", whole(others), whole(beside));
        } else if share < 1.0 {
            self.value = by_share;
            let _ = write!(self.words, "; / {share:.2}, our share of the quota = {}", whole(by_share));
        }
        self
    }
}

/// What `workload` needs on `routes`.
#[must_use]
pub fn need(workload: &Workload, routes: &[Allowed]) -> Need {
    let burndown = routes.iter().map(|route| route.quota.burndown).max().unwrap_or(1);
    let rpm = requests(workload);
    let tokens = rpm.as_ref().ok().and_then(|_| of_request(workload, burndown));
    let (steady_rpm, peak_rpm) = match (workload.demand, workload.seen) {
        (None, Some(seen)) => (Some(seen.steady_rpm), Some(seen.peak_rpm)),
        _ => (rpm.as_ref().ok().map(|rpm| rpm.value), rpm.as_ref().ok().map(|rpm| rpm.value)),
    };
    let held = rpm.as_ref().map_or(0.0, |rpm| held(workload, rpm.value).unwrap_or(0.0));
    let (steady_tpm, peak_tpm) = match (workload.demand, workload.seen) {
        (None, Some(seen)) => (Some(seen.steady_tpm), Some(seen.peak_tpm + held)),
        _ => {
            let settled = tokens.as_ref().zip(steady_rpm).map(|((each, _), rpm)| each * rpm);
            (settled, settled.map(|settled| settled + held))
        }
    };
    let quotas = [Metric::Rpm, Metric::Tpm, Metric::Tpd].map(|metric| {
        let steps = steps(workload, burndown, metric);
        let (needed, how) = match steps {
            Ok(steps) => (Some(steps.value), steps.words),
            Err(missing) => (None, missing),
        };
        let limit = |route: &Allowed| match metric {
            Metric::Rpm => route.quota.rpm,
            Metric::Tpm => route.quota.tpm,
            Metric::Tpd => route.quota.tpd,
        };
        let known = routes.iter().try_fold(0.0, |sum, route| match limit(route) {
            QuotaLimit::Limit(value) => Some(sum + value as f64),
            QuotaLimit::Absent | QuotaLimit::Unknown => None,
        });
        let absent = routes.iter().any(|route| limit(route) == QuotaLimit::Absent);
        MetricNeed { metric, needed, how, available: known.filter(|_| !routes.is_empty()), absent }
    });
    Need { workload: workload.clone(), burndown, steady_rpm, steady_tpm, peak_rpm, peak_tpm, quotas }
}

/// Requests per minute that are to be done, or that were seen at the most.
fn requests(workload: &Workload) -> Result<Steps, String> {
    match (workload.demand, workload.seen) {
        (Some(Demand::Work { requests, seconds }), _) => {
            let minutes = (seconds / 60.0).max(1.0 / 60.0);
            let rpm = requests as f64 / minutes;
            Ok(Steps::new(rpm, format!("{} requests / {minutes:.1} min = {} RPM", count(requests), whole(rpm))))
        }
        (Some(Demand::Rate { rpm }), _) => Ok(Steps::new(rpm, format!("{} RPM, as the load asks for", whole(rpm)))),
        (None, Some(seen)) => {
            let by = seen.by.words();
            Ok(Steps::new(seen.peak_rpm, format!("{} RPM in the busiest minute ({by})", whole(seen.peak_rpm))))
        }
        (None, None) => Err("unknown: neither the work and its deadline nor any use is known".to_owned()),
    }
}

/// Quota tokens that a request settles at, and how that comes about.
fn of_request(workload: &Workload, burndown: u32) -> Option<(f64, String)> {
    if let Some(settled) = workload.settled {
        let each = average(settled.value);
        return Some((settled.value, format!("{each} quota tokens a request ({})", settled.by.words())));
    }
    let (input, output) = (workload.input?, workload.output?);
    let each = input.value + output.value * f64::from(burndown);
    let (input, output, each_word) = (average(input.value), average(output.value), average(each));
    Some((each, format!("{each_word} quota tokens a request ({input} input + {output} output x {burndown})")))
}

/// Quota tokens that are reserved for the replies under way at a rate.
fn held(workload: &Workload, rpm: f64) -> Option<f64> {
    Some(rpm * workload.reserved?.value * workload.reply_seconds?.value / 60.0)
}

fn steps(workload: &Workload, burndown: u32, metric: Metric) -> Result<Steps, String> {
    let rate = requests(workload)?;
    let rpm = rate.value;
    let everybody = workload.demand.is_none() && workload.seen.is_some_and(|seen| seen.by == By::CloudWatch);
    // What CloudWatch counts is everybody's: nothing is to be added to it, and no share divides it.
    let (share, others) =
        if everybody { (1.0, Others::default()) } else { (workload.share, workload.others.unwrap_or_default()) };
    let growth = workload.growth();
    if metric == Metric::Rpm {
        return Ok(rate.grown(growth).of_quota(share, others.rpm));
    }
    let missing = || "unknown: how many tokens a request takes is not known yet".to_owned();
    if metric == Metric::Tpm {
        let settled = match (workload.demand, workload.seen) {
            (None, Some(seen)) => Steps::new(
                seen.peak_tpm,
                format!("{} TPM settled in the busiest minute ({})", whole(seen.peak_tpm), seen.by.words()),
            ),
            _ => {
                let (each, words) = of_request(workload, burndown).ok_or_else(missing)?;
                let settled = rpm * each;
                Steps::new(settled, format!("{} RPM x {words} = {} TPM settled", whole(rpm), whole(settled)))
            }
        };
        let words = match (workload.reserved, workload.reply_seconds) {
            (Some(reserved), Some(reply)) => format!(
                "held for replies under way ({} RPM x {} reserved x {:.1} s / 60, {})",
                whole(rpm),
                average(reserved.value),
                reply.value,
                if reply.by == By::Assumption { "the time an assumption" } else { reply.by.words() }
            ),
            _ => String::new(),
        };
        return Ok(settled.plus(held(workload, rpm).unwrap_or(0.0), &words).grown(growth).of_quota(share, others.tpm));
    }
    let day = match (workload.demand, workload.seen) {
        (Some(Demand::Work { requests, seconds }), _) => {
            let (each, words) = of_request(workload, burndown).ok_or_else(missing)?;
            let part = (DAY_SECONDS / seconds.max(1.0)).min(1.0);
            let day = requests as f64 * part * each;
            let part = if part < 1.0 { format!(" x {part:.2} of it in a day") } else { String::new() };
            Steps::new(day, format!("{} requests{part} x {words} = {} in the day", count(requests), whole(day)))
        }
        (None, Some(seen)) => {
            let (tpm, by) = (whole(seen.steady_tpm), seen.by.words());
            let day = seen.steady_tpm * DAY_MINUTES;
            Steps::new(day, format!("{tpm} TPM on average ({by}) x 1,440 min = {} if all day is like this", whole(day)))
        }
        _ => {
            let (each, words) = of_request(workload, burndown).ok_or_else(missing)?;
            let day = rpm * each * DAY_MINUTES;
            Steps::new(day, format!("{} RPM x {words} x 1,440 min = {} if it goes on all day", whole(rpm), whole(day)))
        }
    };
    Ok(day.grown(growth).of_quota(share, others.tpm * DAY_MINUTES))
}

/// Upwards, with commas.
pub(super) fn whole(value: f64) -> String {
    // What a sum of parts is short of, or beyond, by rounding alone is no token.
    count((value - 1e-6).ceil().max(0.0) as u64)
}

/// An average, to the tenth where it is no whole number: whoever multiplies it by hand gets what stands behind it.
fn average(value: f64) -> String {
    let tenths = (value * 10.0).round().max(0.0) as u64;
    let whole = count(tenths / 10);
    match tenths % 10 {
        0 => whole,
        tenth => format!("{whole}.{tenth}"),
    }
}

/// To two figures, upwards: `41,667` becomes `42,000`.
pub(super) fn round_up(value: f64) -> f64 {
    let step = 10f64.powf((value.log10().floor() - 1.0).max(0.0));
    (value / step - 1e-9).ceil() * step
}

#[cfg(test)]
mod tests {
    use super::super::workload::{Figure, Pace, Replies};
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::limiter::ScopeQuota;
    use crate::record::{MinuteUse, ScopeKey};
    use crate::workload::InputSummary;

    /// The burndowns and limits below are those of this day.
    const AS_OF: &str = "2026-11-22";
    const SONNET: &str = "us.anthropic.claude-sonnet-4-6";

    fn route(id: &str, rpm: QuotaLimit, tpm: u64) -> Allowed {
        let model = Catalogue::embedded().model(id);
        let burndown = model.unwrap().burndown;
        Allowed {
            key: ScopeKey { region: "us-east-1".into(), bucket: id.into() },
            quota: ScopeQuota { rpm, tpm: QuotaLimit::Limit(tpm), tpd: QuotaLimit::Limit(700_000_000), burndown },
            model,
        }
    }

    fn sonnet(rpm: QuotaLimit, tpm: u64) -> Allowed {
        route(SONNET, rpm, tpm)
    }

    /// 12,000 records of 1,000 in and 400 out at most.
    fn input() -> InputSummary {
        let (records, input_tokens, max_tokens) = (12_000, 12_000_000, 4_800_000);
        InputSummary { records, input_tokens, max_tokens, large: 60, ..InputSummary::default() }
    }

    /// In `seconds`, with 20 % growth, of 80 % of the quotas.
    fn work(routes: &[Allowed], seconds: f64) -> Workload {
        Workload {
            share: 0.8,
            growth_percent: 20.0,
            ..Workload::of_input(&input(), routes, seconds, Replies::default())
        }
    }

    fn near(value: Option<f64>, expected: f64) {
        assert!(value.is_some_and(|value| (value - expected).abs() < 1e-3), "{value:?}, not {expected}");
    }

    #[test]
    fn the_figures_are_those_of_pencil_and_paper() {
        assert_eq!(Catalogue::embedded().as_of(), AS_OF);
        let routes = [sonnet(QuotaLimit::Limit(200), 100_000)];
        let need = need(&work(&routes, 7_200.0), &routes);
        // 12,000 in 120 minutes; a request settles at 1,000 + 5 x 300 = 2,500.
        assert_eq!((need.steady_rpm, need.steady_tpm), (Some(100.0), Some(250_000.0)));
        let figure = |figure: Option<Figure>| figure.map(|figure| (figure.value, figure.by));
        let figures = &need.workload;
        assert_eq!(figure(figures.input), Some((1_000.0, By::Estimate)));
        assert_eq!(figure(figures.output), Some((300.0, By::Assumption)));
        assert_eq!(figure(figures.max_tokens()), Some((400.0, By::Estimate)));
        assert_eq!(figure(figures.large_share), Some((0.005, By::Estimate)));
        // Held: 100 requests a minute of 1,400 tokens for a twelfth of a minute each.
        near(need.peak_tpm, 250_000.0 + 140_000.0 / 12.0);
        let binding = need.binding().unwrap();
        assert_eq!(binding.metric, Metric::Tpm);
        near(binding.needed, 392_500.0);
        assert_eq!(binding.value_of(100_000), Some(400_000.0));
        assert!(!need.is_met());
        for words in ["2,500", "250,000 TPM", "11,667 held", "1.20 growth = 314,000", "/ 0.80", "392,500"] {
            assert!(binding.how.contains(words), "{words}: {}", binding.how);
        }
        let [rpm, _, tpd] = &need.quotas;
        near(rpm.needed, 150.0);
        near(tpd.needed, 45_000_000.0);
        assert!(rpm.how.starts_with("12,000 requests / 120.0 min = 100 RPM"), "{}", rpm.how);
    }

    /// The same work on models whose replies weigh once.
    #[test]
    fn three_models_by_hand() {
        assert_eq!(Catalogue::embedded().as_of(), AS_OF);
        // Settled: 100 RPM x (1,000 + 300 x 1) = 130,000; held 11,667; x 1.2 / 0.8 = 212,500. Sonnet weighs 5: 392,500.
        for (id, tpm, tpd) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", 212_500.0, 23_400_000.0),
            ("amazon.nova-pro-v1:0", 212_500.0, 23_400_000.0),
            (SONNET, 392_500.0, 45_000_000.0),
        ] {
            let routes = [route(id, QuotaLimit::Limit(1_000), 100_000)];
            let need = need(&work(&routes, 7_200.0), &routes);
            near(need.of(Metric::Rpm).needed, 150.0);
            near(need.of(Metric::Tpm).needed, tpm);
            near(need.of(Metric::Tpd).needed, tpd);
        }
    }

    #[test]
    fn what_the_operator_says_of_replies_is_his_word() {
        let routes = [sonnet(QuotaLimit::Absent, 100_000)];
        let replies = Replies { tokens: Some(100), seconds: Some(12.0) };
        let need = need(&Workload::of_input(&input(), &routes, 7_200.0, replies), &routes);
        // 1,000 + 5 x 100 settle; 1,400 are held for a fifth of a minute.
        near(need.of(Metric::Tpm).needed, 150_000.0 + 28_000.0);
        assert_eq!(need.workload.output, Some(Figure::of(100.0, By::Operator)));
        assert!(!need.of(Metric::Tpm).how.contains("assumption"), "{}", need.of(Metric::Tpm).how);
    }

    #[test]
    fn what_is_there_may_be_enough() {
        let routes = [sonnet(QuotaLimit::Absent, 900_000)];
        let need = need(&Workload { share: 1.0, growth_percent: 0.0, ..work(&routes, 7_200.0) }, &routes);
        assert!(need.is_met());
        assert_eq!(need.of(Metric::Rpm).times(), None);
        assert!(need.of(Metric::Rpm).absent);
    }

    #[test]
    fn other_routes_carry_their_part() {
        let routes = [sonnet(QuotaLimit::Absent, 100_000), sonnet(QuotaLimit::Absent, 100_000)];
        let need = need(&work(&routes, 7_200.0), &routes);
        assert_eq!(need.of(Metric::Tpm).available, Some(200_000.0));
        assert_eq!(need.of(Metric::Tpm).value_of(100_000), Some(300_000.0));
    }

    #[test]
    fn others_need_their_part_too_where_the_share_does_not_leave_it() {
        let routes = [sonnet(QuotaLimit::Absent, 100_000)];
        let others = |tpm| Workload { others: Some(Others { rpm: 0.0, tpm }), ..work(&routes, 7_200.0) };
        // 314,000 with growth: the share leaves 78,500.
        near(need(&others(78_000.0), &routes).of(Metric::Tpm).needed, 392_500.0);
        near(need(&others(100_000.0), &routes).of(Metric::Tpm).needed, 414_000.0);
    }

    #[test]
    fn a_rate_without_an_end_goes_on_all_day() {
        let routes = [sonnet(QuotaLimit::Absent, 100_000)];
        let rate = Workload {
            demand: Some(Demand::Rate { rpm: 60.0 }),
            share: 1.0,
            growth_percent: 0.0,
            ..work(&routes, 1.0)
        };
        let need = need(&rate, &routes);
        near(need.of(Metric::Tpd).needed, 60.0 * 2_500.0 * 1_440.0);
        near(need.of(Metric::Tpm).needed, 150_000.0 + 60.0 * 1_400.0 / 12.0);
    }

    #[test]
    fn what_was_seen_of_everybody_is_neither_shared_nor_added_to() {
        let minute = |invocations, quota_tokens| MinuteUse { invocations, quota_tokens, ..MinuteUse::default() };
        let minutes = [minute(10, 20_000), minute(30, 80_000)];
        let seen = Pace::of(&minutes, By::CloudWatch);
        let routes = [sonnet(QuotaLimit::Limit(100), 100_000)];
        let others = Some(Others { rpm: 9.0, tpm: 50_000.0 });
        let need = need(&Workload { seen, others, share: 0.8, growth_percent: 50.0, ..Workload::default() }, &routes);
        near(need.of(Metric::Tpm).needed, 120_000.0);
        near(need.of(Metric::Rpm).needed, 45.0);
        // The day's need, not what was used of the day so far: 50,000 a minute on average.
        near(need.of(Metric::Tpd).needed, 50_000.0 * 1_440.0 * 1.5);
        assert_eq!((need.steady_tpm, need.peak_rpm), (Some(50_000.0), Some(30.0)));
    }

    #[test]
    fn what_nobody_knows_is_unknown() {
        let routes = [sonnet(QuotaLimit::Limit(100), 100_000)];
        let need = need(&Workload { share: 1.0, ..Workload::default() }, &routes);
        assert!(need.binding().is_none() && need.quotas.iter().all(|quota| quota.needed.is_none()));
        assert!(need.quotas.iter().all(|quota| quota.how.starts_with("unknown")), "{need:?}");
        assert_eq!((need.steady_rpm, need.peak_tpm), (None, None));
        let work =
            Workload { demand: Some(Demand::Work { requests: 10, seconds: 60.0 }), share: 1.0, ..Workload::default() };
        let need = super::need(&work, &routes);
        near(need.of(Metric::Rpm).needed, 10.0);
        assert_eq!(need.of(Metric::Tpm).needed, None, "requests are known, their tokens are not");
    }

    #[test]
    fn more_than_a_day_is_counted_by_the_day() {
        let routes = [sonnet(QuotaLimit::Absent, 100_000)];
        let work = Workload { share: 1.0, growth_percent: 0.0, ..work(&routes, 2.0 * DAY_SECONDS) };
        near(need(&work, &routes).of(Metric::Tpd).needed, 15_000_000.0);
    }

    #[test]
    fn averages_have_a_tenth_where_they_need_one() {
        for (value, words) in [(1_811.5, "1,811.5"), (1_000.0, "1,000"), (0.04, "0"), (0.96, "1")] {
            assert_eq!(average(value), words);
        }
    }

    #[test]
    fn round_figures_are_never_too_small() {
        for (value, round) in [(41_667.0, 42_000.0), (1.2, 2.0), (99.5, 100.0), (250_000.0, 250_000.0)] {
            assert_eq!(round_up(value), round);
        }
    }

    #[test]
    fn nothing_to_do_needs_nothing_bad() {
        let nothing = Workload::of_input(&InputSummary::default(), &[], 0.0, Replies::default());
        let need = need(&nothing, &[]);
        assert!(need.binding().is_none() && need.quotas.iter().all(|quota| quota.needed.is_none_or(f64::is_finite)));
    }
}
