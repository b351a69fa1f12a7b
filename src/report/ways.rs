//! The same work bought in each way: price, time to finish, and what bought capacity must cost to be worth it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::catalogue::{BatchLimit, Catalogue, Model, Tier, tier_price};
use crate::engine::RouteSetup;
use crate::record::{Micros, Region, Usage, Usd};
use crate::workload::InputSummary;

use super::plan::SHORT_REPLY;
use super::table::{Align, table};
use super::workload::{USUAL_REPLY, default_max_output};
use super::{money, percent, span};

/// Cells of the longest bar.
const BAR: f64 = 40.0;

/// What model units are on offer for one of the models in use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitOffer {
    /// What is bought, with its context length.
    pub variant: String,
    /// Where the prices hold.
    pub region: Region,
    /// Input tokens per minute and unit. Assumed: none are published.
    pub input_tpm: u64,
    /// Output tokens per minute and unit. Assumed.
    pub output_tpm: u64,
    /// USD per unit and hour, by commitment; a commitment without a known price is not among them.
    pub usd_per_hour: Vec<(&'static str, f64)>,
}

/// One way of buying by the token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Way {
    /// Which.
    pub tier: Tier,
    /// USD: short, usual and the longest replies; `None`: a price is not known.
    pub usd: Option<[f64; 3]>,
    /// Seconds, from short to the longest replies; `None`: nobody promises one.
    pub seconds: Option<(f64, f64)>,
    /// Where the price comes from.
    pub source: &'static str,
}

/// One unit of bought capacity, given this work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitWay {
    /// What is on offer.
    #[serde(flatten)]
    pub offer: UnitOffer,
    /// Seconds that one unit takes with usual replies; two take half.
    pub seconds: f64,
    /// What the work of one unit in an hour, fully used, costs on demand: below that price it is worth it. `None`: the
    /// on-demand price is not known.
    pub break_even_usd_per_hour: Option<f64>,
    /// USD for this work, by commitment: hours begun; a commitment is paid for its whole term whatever the work.
    pub usd: Vec<(&'static str, f64)>,
    /// From which part of an hour's capacity on it is cheaper than on demand, 0 to 1 (above 1: never), by commitment.
    pub break_even_use: Vec<(&'static str, f64)>,
}

/// The comparison for one piece of work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ways {
    /// By the token.
    pub ways: Vec<Way>,
    /// By the hour.
    pub units: Vec<UnitWay>,
    /// Why batch cannot be had, if it cannot.
    pub no_batch: Option<String>,
    /// The day and the first of the sources of the prices.
    pub as_of: String,
}

/// Compares the ways of buying `input` on `routes`. `seconds`: how long it takes on demand, from short to the longest
/// replies, as the plan says.
#[must_use]
pub fn ways(input: &InputSummary, routes: &[RouteSetup], offers: &[UnitOffer], seconds: Option<(f64, f64)>) -> Ways {
    let default_max = default_max_output(routes.iter().map(|route| route.model));
    let longest = input.max_tokens.saturating_add(input.without_max_tokens.saturating_mul(default_max));
    let outputs = [SHORT_REPLY, USUAL_REPLY, u64::MAX].map(|each| longest.min(input.records.saturating_mul(each)));
    let usage = |output| Usage { input: input.input_tokens, output, ..Usage::default() };
    // Records go to whichever route has room: the dearest is the honest bound.
    let price = |usage: &Usage, tier| {
        let each = routes.iter().map(|route| tier_price(route.model?, route.model_id().as_str(), usage, tier));
        each.collect::<Option<Vec<Usd>>>()?.into_iter().max().map(Usd::dollars)
    };
    let tiers = [Tier::Standard, Tier::Flex, Tier::Priority, Tier::Batch];
    let ways = tiers.map(|tier| Way {
        tier,
        usd: match outputs.map(|output| price(&usage(output), tier)) {
            [Some(short), Some(usual), Some(long)] => Some([short, usual, long]),
            _ => None,
        },
        seconds: seconds.filter(|_| tier != Tier::Batch),
        source: tier.source(),
    });
    let usual = usage(outputs[1]);
    let on_demand = price(&usual, Tier::Standard);
    Ways {
        ways: ways.to_vec(),
        units: offers.iter().map(|offer| unit(offer, &usual, on_demand)).collect(),
        no_batch: no_batch(input.records, routes),
        as_of: Catalogue::embedded().as_of().to_owned(),
    }
}

fn unit(offer: &UnitOffer, usage: &Usage, on_demand: Option<f64>) -> UnitWay {
    let minutes = |tokens: u64, tpm: u64| tokens as f64 / tpm.max(1) as f64;
    let seconds = minutes(usage.input, offer.input_tpm).max(minutes(usage.output, offer.output_tpm)) * 60.0;
    let hours = seconds / 3_600.0;
    let worth = on_demand.filter(|_| hours > 0.0).map(|usd| usd / hours);
    let by = |of: &dyn Fn(f64) -> Option<f64>| {
        offer.usd_per_hour.iter().filter_map(|(term, usd)| Some((*term, of(*usd)?))).collect()
    };
    UnitWay {
        seconds,
        break_even_usd_per_hour: worth,
        usd: by(&|usd| Some(usd * hours.ceil())),
        break_even_use: by(&|usd| worth.map(|worth| usd / worth)),
        offer: offer.clone(),
    }
}

fn no_batch(records: u64, routes: &[RouteSetup]) -> Option<String> {
    let least = |model: &Model, region: &Region| {
        let row = Catalogue::embedded().batch_quota(&model.id, BatchLimit::MinRecords);
        let default = row.and_then(|row| row.default_in(region.as_str()));
        default.map_or(BatchLimit::MinRecords.usual(), |default| default.value as u64)
    };
    let least = routes.iter().filter_map(|route| Some(least(route.model?, &route.route.region))).min();
    let least = least.unwrap_or(BatchLimit::MinRecords.usual());
    (records < least).then(|| format!("not for {records} records: a job has at least {least}"))
}

impl Ways {
    /// As a table, and as a chart of the prices with usual replies.
    #[must_use]
    pub fn text(&self) -> String {
        use Align::{Left, Right};
        let heads =
            [("  BOUGHT AS", Left), ("PRICE (SHORT REPLIES)", Right), ("(LONGEST)", Right), ("TIME", Left), ("", Left)];
        let rows = self.ways.iter().map(|way| {
            let usd = |which: usize| way.usd.map_or("unknown".to_owned(), |usd| dollars(usd[which]));
            let time = match (way.tier, way.seconds) {
                (Tier::Batch, _) => "within its time-out, 24 h unless told otherwise".to_owned(),
                (_, Some((low, high))) => format!("{} to {} at quota", seconds_word(low), seconds_word(high)),
                (_, None) => "unknown until the limiter has found the quota".to_owned(),
            };
            let remark = match (way.tier, &self.no_batch) {
                (Tier::Batch, Some(why)) => why.clone(),
                _ => way.source.to_owned(),
            };
            vec![format!("  {}", word(way.tier)), usd(0), usd(2), time, remark]
        });
        let mut text = table(&heads, &rows.collect::<Vec<_>>());
        for unit in &self.units {
            text.push_str(&unit.text());
        }
        text.push_str(&self.chart());
        text
    }

    fn chart(&self) -> String {
        let priced = |way: &Way| Some((word(way.tier).to_owned(), way.usd?[1]));
        let mut bars: Vec<(String, f64)> = self.ways.iter().filter_map(priced).collect();
        for unit in &self.units {
            // A commitment is paid for its whole term: it is no price of this work.
            let by_hour = unit.usd.iter().filter(|(term, _)| *term == "none");
            bars.extend(by_hour.map(|(_, usd)| (format!("1 unit {}", unit.offer.variant), *usd)));
        }
        let most = bars.iter().map(|(_, usd)| *usd).fold(0.0, f64::max);
        if most <= 0.0 {
            return String::new();
        }
        let width = bars.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut text = format!("  price with usual replies ({USUAL_REPLY} tokens), prices of {}\n", self.as_of);
        for (name, usd) in &bars {
            let cells = ((usd / most * BAR).round() as usize).max(1);
            let _ =
                writeln!(text, "  {name:<width$}  {:<bar$}  {}", "#".repeat(cells), dollars(*usd), bar = BAR as usize);
        }
        text
    }
}

impl UnitWay {
    fn text(&self) -> String {
        let UnitWay { offer, seconds, break_even_usd_per_hour, .. } = self;
        let worth = break_even_usd_per_hour.map_or("unknown".to_owned(), |usd| format!("{}/h", dollars(usd)));
        let mut text = format!(
            "  provisioned  1 unit of {} takes {} with usual replies (its capacity is assumed); break-even price {worth} at full use\n",
            offer.variant,
            seconds_word(*seconds),
        );
        if offer.usd_per_hour.is_empty() {
            let _ = writeln!(
                text,
                "               its price is unknown: `[[provisioned_price]]` in the configuration, once AWS has told it"
            );
        }
        for ((term, hourly), (_, usd)) in offer.usd_per_hour.iter().zip(&self.usd) {
            let at = self.break_even_use.iter().find(|(of, _)| of == term).map(|(_, share)| *share);
            let pays = match at {
                Some(share) if share <= 1.0 => format!("cheaper than on demand above {} use", percent(share)),
                Some(_) => "dearer than on demand even at full use".to_owned(),
                None => "on-demand price unknown".to_owned(),
            };
            let paid = if *term == "none" {
                format!("{} for this work", dollars(*usd))
            } else {
                "the whole term is paid".to_owned()
            };
            let _ = writeln!(text, "               commitment {term}: {}/h, {paid}; {pays}", dollars(*hourly));
        }
        text
    }
}

fn word(tier: Tier) -> &'static str {
    match tier {
        Tier::Standard => "on demand",
        Tier::Flex => "flex",
        Tier::Priority => "priority",
        Tier::Batch => "batch",
    }
}

fn dollars(usd: f64) -> String {
    money(Usd::from_dollars(usd))
}

fn seconds_word(seconds: f64) -> String {
    span(Micros::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::ScopeQuota;
    use crate::record::{Route, ScopeKey};

    const NOVA_PRO: &str = "amazon.nova-pro-v1:0";

    fn route(id: &str) -> RouteSetup {
        RouteSetup {
            route: Route::new("us-east-1", id),
            key: ScopeKey { region: "us-east-1".into(), bucket: id.into() },
            quota: ScopeQuota::default(),
            quota_source: String::new(),
            model: Catalogue::embedded().model(id),
            provisioned: None,
        }
    }

    /// 1,000 records of 1,000 tokens in and at most 600 out.
    fn input() -> InputSummary {
        let (records, input_tokens, max_tokens) = (1_000, 1_000_000, 600_000);
        InputSummary { records, input_tokens, max_tokens, ..InputSummary::default() }
    }

    fn offer(usd_per_hour: Vec<(&'static str, f64)>) -> UnitOffer {
        let (variant, region) = (format!("{NOVA_PRO}:24k"), "us-east-1".into());
        UnitOffer { variant, region, input_tpm: 20_000, output_tpm: 5_000, usd_per_hour }
    }

    #[test]
    fn each_way_has_its_price_and_time() {
        let ways = ways(&input(), &[route(NOVA_PRO)], &[], Some((60.0, 120.0)));
        // 0.80 + 3.20 x (0.05, 0.3, 0.6).
        let near = |tier: Tier, expected: [f64; 3]| {
            let way = ways.ways.iter().find(|way| way.tier == tier).unwrap();
            let usd = way.usd.unwrap();
            assert!(usd.iter().zip(expected).all(|(usd, expected)| (usd - expected).abs() < 1e-9), "{way:?}");
        };
        near(Tier::Standard, [0.96, 1.76, 2.72]);
        near(Tier::Flex, [0.48, 0.88, 1.36]);
        near(Tier::Priority, [1.68, 3.08, 4.76]);
        near(Tier::Batch, [0.48, 0.88, 1.36]);
        assert_eq!(ways.ways[3].seconds, None);
        assert!(ways.no_batch.is_none());
        let text = ways.text();
        let bar = |name: &str| text.lines().filter(|line| line.contains('#') && line.contains(name)).count();
        assert!(["on demand", "flex", "priority", "batch"].into_iter().all(|name| bar(name) == 1), "{text}");
    }

    #[test]
    fn bought_capacity_is_worth_what_it_replaces() {
        // Input takes 50 minutes and output an hour: an hour of a unit does work of $1.76.
        let by_hand = vec![("none", 0.88), ("one-month", 3.52)];
        let ways = ways(&input(), &[route(NOVA_PRO)], &[offer(by_hand), offer(vec![])], None);
        let [known, unknown] = ways.units.as_slice() else { panic!("{ways:?}") };
        assert_eq!(known.seconds, 3_600.0);
        assert!((known.break_even_usd_per_hour.unwrap() - 1.76).abs() < 1e-9);
        assert_eq!(known.usd, [("none", 0.88), ("one-month", 3.52)]);
        assert!((known.break_even_use[0].1 - 0.5).abs() < 1e-9 && (known.break_even_use[1].1 - 2.0).abs() < 1e-9);
        assert!(unknown.usd.is_empty() && unknown.break_even_usd_per_hour.is_some());
        let text = ways.text();
        for words in
            ["cheaper than on demand above 50.0 % use", "dearer than on demand", "its price is unknown", "assumed"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn an_unknown_price_is_unknown_everywhere() {
        let ways = ways(&input(), &[RouteSetup { model: None, ..route("nobody.nothing") }], &[offer(vec![])], None);
        assert!(ways.ways.iter().all(|way| way.usd.is_none()) && ways.units[0].break_even_usd_per_hour.is_none());
        assert!(!ways.text().contains('#') && !ways.text().contains("$0.00"), "{}", ways.text());
    }

    #[test]
    fn a_few_records_are_no_batch() {
        let ways = ways(&InputSummary { records: 5, ..input() }, &[route(NOVA_PRO)], &[], None);
        assert!(ways.no_batch.is_some_and(|why| why.contains("at least 100")));
    }
}
