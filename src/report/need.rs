//! What a workload needs of the quotas to be done in time, in the figures that AWS support asks for.

use serde::Serialize;

use crate::catalogue::Metric;
use crate::engine::RouteSetup;
use crate::limiter::QuotaLimit;
use crate::workload::InputSummary;

use super::plan::{UNKNOWN_MAX_TOKENS, USUAL_REPLY};

/// How long a usual reply takes, seconds: that long its reservation is held. An assumption; ten seconds would be slow.
const REPLY_SECONDS: f64 = 5.0;
const DAY_SECONDS: f64 = 86_400.0;

/// What a workload needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Need {
    /// Records to be done.
    pub records: u64,
    /// Within so many seconds.
    pub deadline_s: f64,
    /// Input tokens of a request, on average; estimated.
    pub average_input: u64,
    /// Output tokens of a request, on average: usual replies, cut at the records' own limits.
    pub average_output: u64,
    /// Output tokens that a request reserves, on average.
    pub average_max_tokens: u64,
    /// Share of large requests, 0 to 1; see [`crate::workload::LARGE_RECORD`].
    pub large_share: f64,
    /// Requests per minute, steadily.
    pub steady_rpm: f64,
    /// Quota tokens per minute, steadily: settled, output with its burndown.
    pub steady_tpm: f64,
    /// Requests per minute at the peak: a run is paced, so with the growth.
    pub peak_rpm: f64,
    /// Quota tokens per minute at the peak: settled, and what is reserved for the replies under way, with the growth.
    pub peak_tpm: f64,
    /// Output weight at settlement.
    pub burndown: u32,
    /// Expected growth, percent.
    pub growth_percent: f64,
    /// Part of each quota that this program may use, 0 to 1.
    pub share: f64,
    /// What each quota must be for that: requests per minute, tokens per minute, tokens per day.
    pub quotas: [MetricNeed; 3],
}

/// What one kind of quota must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MetricNeed {
    /// Which kind.
    pub metric: Metric,
    /// All routes together must have this much.
    pub needed: f64,
    /// They have this much; `None`: it is not known of one of them, or there is no such quota.
    pub available: Option<f64>,
    /// There is no such quota on one of the routes.
    pub absent: bool,
}

impl MetricNeed {
    /// How many times what there is the workload needs; `None`: not known, or no such quota.
    #[must_use]
    pub fn times(&self) -> Option<f64> {
        self.available.map(|available| self.needed / available.max(f64::MIN_POSITIVE))
    }

    /// The quota of one route, where it is `own`, that makes it enough for all; in round figures.
    #[must_use]
    pub fn value_of(&self, own: u64) -> f64 {
        let others = self.available.map_or(0.0, |available| (available - own as f64).max(0.0));
        round_up((self.needed - others).max(1.0))
    }
}

impl Need {
    /// What binds: the quota that is shortest. `None`: no quota is known.
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

/// What `input` needs on `routes` to be done within `deadline_s`, grown by `growth_percent`, of quotas of which it may use
/// `share` (0 to 1). The tokens are those of the plan: estimated input, usual replies.
#[must_use]
pub fn need(input: &InputSummary, routes: &[RouteSetup], share: f64, deadline_s: f64, growth_percent: f64) -> Need {
    let records = input.records.max(1) as f64;
    let minutes = (deadline_s / 60.0).max(1.0 / 60.0);
    let default_max =
        routes.iter().map(|route| route.model.map_or(UNKNOWN_MAX_TOKENS, |model| model.default_max_output));
    let default_max = default_max.max().unwrap_or(UNKNOWN_MAX_TOKENS);
    let longest = input.max_tokens.saturating_add(input.without_max_tokens.saturating_mul(default_max));
    let output = longest.min(input.records.saturating_mul(USUAL_REPLY)) as f64;
    let burndown = routes.iter().map(|route| route.quota.burndown).max().unwrap_or(1);
    let settled = input.input_tokens as f64 + output * f64::from(burndown);
    let reserved = input.input_tokens as f64 + longest as f64;
    let growth = 1.0 + growth_percent / 100.0;

    let steady_rpm = records / minutes;
    let steady_tpm = settled / minutes;
    let held = reserved / minutes * REPLY_SECONDS / 60.0;
    let (peak_rpm, peak_tpm) = (steady_rpm * growth, (steady_tpm + held) * growth);
    let day = settled * growth * (DAY_SECONDS / deadline_s.max(1.0)).min(1.0);
    let of = |metric, needed: f64, limit: fn(&RouteSetup) -> QuotaLimit| {
        let known = routes.iter().try_fold(0.0, |sum, route| match limit(route) {
            QuotaLimit::Limit(value) => Some(sum + value as f64),
            QuotaLimit::Absent | QuotaLimit::Unknown => None,
        });
        let absent = routes.iter().any(|route| limit(route) == QuotaLimit::Absent);
        MetricNeed { metric, needed: needed / share.max(0.01), available: known.filter(|_| !routes.is_empty()), absent }
    };
    Need {
        records: input.records,
        deadline_s,
        average_input: (input.input_tokens as f64 / records).round() as u64,
        average_output: (output / records).round() as u64,
        average_max_tokens: (longest as f64 / records).round() as u64,
        large_share: input.large as f64 / records,
        steady_rpm,
        steady_tpm,
        peak_rpm,
        peak_tpm,
        burndown,
        growth_percent,
        share,
        quotas: [
            of(Metric::Rpm, peak_rpm, |route| route.quota.rpm),
            of(Metric::Tpm, peak_tpm, |route| route.quota.tpm),
            of(Metric::Tpd, day, |route| route.quota.tpd),
        ],
    }
}

/// To two figures, upwards: `41,667` becomes `42,000`.
fn round_up(value: f64) -> f64 {
    let step = 10f64.powf((value.log10().floor() - 1.0).max(0.0));
    (value / step).ceil() * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::limiter::ScopeQuota;
    use crate::record::{Route, ScopeKey};

    fn route(rpm: QuotaLimit, tpm: u64) -> RouteSetup {
        let model = "us.anthropic.claude-sonnet-4-6";
        RouteSetup {
            route: Route::new("us-east-1", model),
            key: ScopeKey { region: "us-east-1".into(), bucket: model.into() },
            quota: ScopeQuota { rpm, tpm: QuotaLimit::Limit(tpm), tpd: QuotaLimit::Limit(700_000_000), burndown: 5 },
            quota_source: String::new(),
            model: Catalogue::embedded().model(model),
            provisioned: None,
        }
    }

    /// 12,000 records of 1,000 in and 400 out at most, in two hours.
    fn input() -> InputSummary {
        let (records, input_tokens, max_tokens) = (12_000, 12_000_000, 4_800_000);
        InputSummary { records, input_tokens, max_tokens, large: 60, ..InputSummary::default() }
    }

    #[test]
    fn the_figures_are_those_of_pencil_and_paper() {
        let need = need(&input(), &[route(QuotaLimit::Limit(200), 100_000)], 0.8, 7_200.0, 20.0);
        // 12,000 in 120 minutes; (12,000,000 + 5 x 300 x 12,000) / 120.
        assert_eq!((need.steady_rpm, need.steady_tpm), (100.0, 250_000.0));
        assert_eq!((need.average_input, need.average_output, need.average_max_tokens), (1_000, 300, 400));
        assert_eq!(need.large_share, 0.005);
        // Held: (12,000,000 + 4,800,000) / 120 tokens a minute for a twelfth of a minute each.
        assert!((need.peak_tpm - (250_000.0 + 140_000.0 / 12.0) * 1.2).abs() < 1e-6, "{need:?}");
        let binding = need.binding().unwrap();
        assert_eq!(binding.metric, Metric::Tpm);
        assert!((binding.needed - 392_500.0).abs() < 1e-6, "{binding:?}");
        assert_eq!(binding.value_of(100_000), 400_000.0);
        assert!(!need.is_met());
        let [rpm, _, tpd] = need.quotas;
        assert!((rpm.needed - 150.0).abs() < 1e-9 && (tpd.needed - 45_000_000.0).abs() < 1e-3, "{rpm:?} {tpd:?}");
    }

    #[test]
    fn what_is_there_may_be_enough() {
        let need = need(&input(), &[route(QuotaLimit::Absent, 900_000)], 1.0, 7_200.0, 0.0);
        assert!(need.is_met());
        assert_eq!(need.of(Metric::Rpm).times(), None);
        assert!(need.of(Metric::Rpm).absent);
    }

    #[test]
    fn other_routes_carry_their_part() {
        let routes = [route(QuotaLimit::Absent, 100_000), route(QuotaLimit::Absent, 100_000)];
        let need = need(&input(), &routes, 0.8, 7_200.0, 20.0);
        assert_eq!(need.of(Metric::Tpm).available, Some(200_000.0));
        assert_eq!(need.of(Metric::Tpm).value_of(100_000), 300_000.0);
    }

    #[test]
    fn more_than_a_day_is_counted_by_the_day() {
        let need = need(&input(), &[route(QuotaLimit::Absent, 100_000)], 1.0, 2.0 * DAY_SECONDS, 0.0);
        assert_eq!(need.of(Metric::Tpd).needed, 15_000_000.0);
    }

    #[test]
    fn round_figures_are_never_too_small() {
        for (value, round) in [(41_667.0, 42_000.0), (1.2, 2.0), (99.5, 100.0), (250_000.0, 250_000.0)] {
            assert_eq!(round_up(value), round);
        }
    }

    #[test]
    fn nothing_to_do_needs_nothing_bad() {
        let need = need(&InputSummary::default(), &[], 1.0, 0.0, 0.0);
        assert!(need.binding().is_none() && need.steady_tpm == 0.0);
    }
}
