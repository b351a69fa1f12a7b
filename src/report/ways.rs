//! The same work bought in each way: price, time to finish, and what bought capacity must cost to be worth it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::catalogue::{BatchLimit, Catalogue, Model, Tier, tier_price};
use crate::control::{AgreedPrice, Commitment, unit_price};
use crate::record::{Micros, ModelId, Region, Usage, Usd};
use crate::workload::InputSummary;

use super::plan::SHORT_REPLY;
use super::table::{Align, table};
use super::workload::{By, USUAL_REPLY, default_max_output};
use super::{money, percent, span};

/// Cells of the longest bar.
const BAR: f64 = 40.0;

/// Requests per million that prices are reckoned with: an amount of money has no parts of a millionth.
const MILLION: f64 = 1e6;
const HOUR_SECONDS: f64 = 3_600.0;

/// What is to be paid for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Work {
    /// Requests to be done; `None`: without an end, or not known.
    pub requests: Option<u64>,
    /// Requests an hour; `None`: not known.
    pub per_hour: Option<f64>,
    /// Input tokens of one, on average.
    pub input: f64,
    /// Output tokens of one, on average: with short, usual and the longest replies.
    pub output: [f64; 3],
    /// Who says the usual one.
    pub by: By,
}

/// Where on demand is bought.
#[derive(Clone, Debug, PartialEq)]
pub struct Shop {
    /// Where.
    pub region: Region,
    /// Model or profile, as it is called.
    pub id: ModelId,
    /// The model behind it, if the catalogue has it.
    pub model: Option<&'static Model>,
}

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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Way {
    /// Which.
    pub tier: Tier,
    /// USD for all of it: short, usual and the longest replies; `None`: a price is not known, or there is no end.
    pub usd: Option<[f64; 3]>,
    /// USD for one request with a usual reply; `None`: a price is not known.
    pub usd_per_request: Option<f64>,
    /// USD an hour at the rate of the work; `None`: a price or the rate is not known.
    pub usd_per_hour: Option<f64>,
    /// Seconds, from short to the longest replies; `None`: nobody promises one.
    pub seconds: Option<(f64, f64)>,
    /// Where the price comes from.
    pub source: &'static str,
    /// What it takes to be had.
    pub needs: String,
}

/// Model units, given this work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitWay {
    /// What is on offer.
    #[serde(flatten)]
    pub offer: UnitOffer,
    /// Requests with usual replies that one unit does in an hour, fully used; `None`: a request has no tokens.
    pub requests_per_hour: Option<f64>,
    /// Units that the rate of the work needs; 1 where none is asked for.
    pub units: u64,
    /// Seconds that they take for all of it with usual replies. `None`: there is no end.
    pub seconds: Option<f64>,
    /// USD an hour for them, by commitment.
    pub units_usd_per_hour: Vec<(&'static str, f64)>,
    /// What the work of one unit in an hour, fully used, costs on demand: below that price it is worth it. `None`: the
    /// on-demand price is not known.
    pub break_even_usd_per_hour: Option<f64>,
    /// USD for this work, by commitment: hours begun; a commitment is paid for its whole term whatever the work.
    pub usd: Vec<(&'static str, f64)>,
    /// From which part of an hour's capacity on it is cheaper than on demand, 0 to 1 (above 1: never), by commitment.
    pub break_even_use: Vec<(&'static str, f64)>,
    /// What it takes to be had.
    pub needs: String,
}

impl UnitWay {
    /// What units for `rate` requests an hour cost an hour under a commitment: the stairs of the chart.
    #[must_use]
    pub fn stairs(&self, usd_per_unit: f64, rate: f64) -> Option<f64> {
        let capacity = self.requests_per_hour.filter(|capacity| *capacity > 0.0)?;
        Some((rate / capacity).ceil().max(1.0) * usd_per_unit)
    }
}

/// The comparison for one piece of work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ways {
    /// What is to be paid for.
    pub work: Work,
    /// By the token.
    pub ways: Vec<Way>,
    /// By the hour.
    pub units: Vec<UnitWay>,
    /// Why batch cannot be had, if it cannot.
    pub no_batch: Option<String>,
    /// The day and the first of the sources of the prices.
    pub as_of: String,
}

/// The work of an input: what is usual of replies, cut at the records' own limits.
#[must_use]
pub fn work_of(input: &InputSummary, shops: &[Shop]) -> Work {
    let default_max = default_max_output(shops.iter().map(|shop| shop.model));
    let longest = input.max_tokens.saturating_add(input.without_max_tokens.saturating_mul(default_max));
    let records = input.records.max(1) as f64;
    let output = [SHORT_REPLY, USUAL_REPLY, u64::MAX].map(|each| longest.min(input.records.saturating_mul(each)));
    Work {
        requests: Some(input.records),
        // It goes as fast as whatever is bought.
        per_hour: None,
        input: input.input_tokens as f64 / records,
        output: output.map(|output| output as f64 / records),
        by: By::Assumption,
    }
}

/// Compares the ways of buying `work` from `shops`. `seconds`: how long it takes on demand, from short to the longest
/// replies.
#[must_use]
pub fn ways(work: &Work, shops: &[Shop], offers: &[UnitOffer], seconds: Option<(f64, f64)>) -> Ways {
    // Records go to whichever route has room: the dearest is the honest bound.
    let price = |output: f64, tier| {
        let part = |tokens: f64| (tokens * MILLION).round() as u64;
        let usage = Usage { input: part(work.input), output: part(output), ..Usage::default() };
        let each = shops.iter().map(|shop| tier_price(shop.model?, shop.id.as_str(), &usage, tier));
        let each = each.collect::<Option<Vec<Usd>>>()?.into_iter().max()?;
        Some(each.dollars() / MILLION)
    };
    let no_batch = work.requests.and_then(|requests| no_batch(requests, shops));
    let ways = [Tier::Standard, Tier::Flex, Tier::Priority, Tier::Batch].map(|tier| {
        let each = match work.output.map(|output| price(output, tier)) {
            [Some(short), Some(usual), Some(long)] => Some([short, usual, long]),
            _ => None,
        };
        let usual = each.map(|each| each[1]);
        Way {
            tier,
            usd: each.zip(work.requests).map(|(each, requests)| each.map(|usd| usd * requests as f64)),
            usd_per_request: usual,
            usd_per_hour: usual.zip(work.per_hour).map(|(usd, rate)| usd * rate),
            seconds: seconds.filter(|_| tier != Tier::Batch),
            source: tier.source(),
            needs: match (tier, &no_batch) {
                (Tier::Standard, _) => "quota".to_owned(),
                (Tier::Flex, _) => "quota, and time to wait".to_owned(),
                (Tier::Priority, _) => "quota".to_owned(),
                (Tier::Batch, Some(why)) => why.clone(),
                (Tier::Batch, None) => "a bucket, a role, and up to 24 h".to_owned(),
            },
        }
    });
    let on_demand = price(work.output[1], Tier::Standard);
    Ways {
        work: *work,
        ways: ways.to_vec(),
        units: offers.iter().map(|offer| unit(offer, work, on_demand)).collect(),
        no_batch,
        as_of: Catalogue::embedded().as_of().to_owned(),
    }
}

fn unit(offer: &UnitOffer, work: &Work, on_demand: Option<f64>) -> UnitWay {
    let minutes = |tokens: f64, tpm: u64| tokens / tpm.max(1) as f64;
    let each_hours = minutes(work.input, offer.input_tpm).max(minutes(work.output[1], offer.output_tpm)) / 60.0;
    let capacity = (each_hours > 0.0).then(|| 1.0 / each_hours);
    let units = work.per_hour.zip(capacity).map_or(1, |(rate, capacity)| (rate / capacity).ceil().max(1.0) as u64);
    let hours = work.requests.map(|requests| requests as f64 * each_hours / units as f64);
    let worth = on_demand.zip(capacity).map(|(usd, capacity)| usd * capacity);
    let by = |of: &dyn Fn(f64) -> Option<f64>| {
        offer.usd_per_hour.iter().filter_map(|(term, usd)| Some((*term, of(*usd)?))).collect()
    };
    UnitWay {
        requests_per_hour: capacity,
        units,
        seconds: hours.map(|hours| hours * HOUR_SECONDS),
        break_even_usd_per_hour: worth,
        units_usd_per_hour: by(&|usd| Some(usd * units as f64)),
        // A hair more than a whole hour is what rounding makes of one.
        usd: by(&|usd| hours.map(|hours| usd * units as f64 * (hours - 1e-9).ceil())),
        break_even_use: by(&|usd| worth.map(|worth| usd / worth)),
        needs: format!("a quota of {units} MU, paid used or not"),
        offer: offer.clone(),
    }
}

/// The model units on offer for the models of `shops`, each where the first of them is.
#[must_use]
pub fn unit_offers(shops: &[Shop], agreed: &[AgreedPrice]) -> Vec<UnitOffer> {
    let mut offers: Vec<UnitOffer> = Vec::new();
    for shop in shops {
        let Some(model) = shop.model else { continue };
        // The shortest context: those that are longer differ in nothing that is known.
        let Some(variant) = Catalogue::embedded().provisioned_variants_of(model).next() else { continue };
        if offers.iter().any(|known| known.variant == variant.id) {
            continue;
        }
        let terms = [Commitment::None, Commitment::OneMonth, Commitment::SixMonths];
        let known = terms.into_iter().filter_map(|term| {
            let hourly = unit_price(&shop.region, &variant.id, term, agreed).of(1)?;
            Some((term.word(), hourly.dollars()))
        });
        offers.push(UnitOffer {
            variant: variant.id.clone(),
            region: shop.region.clone(),
            input_tpm: variant.input_tpm,
            output_tpm: variant.output_tpm,
            usd_per_hour: known.collect(),
        });
    }
    offers
}

fn no_batch(requests: u64, shops: &[Shop]) -> Option<String> {
    let least = |model: &Model, region: &Region| {
        let row = Catalogue::embedded().batch_quota(&model.id, BatchLimit::MinRecords);
        let default = row.and_then(|row| row.default_in(region.as_str()));
        default.map_or(BatchLimit::MinRecords.usual(), |default| default.value as u64)
    };
    let least = shops.iter().filter_map(|shop| Some(least(shop.model?, &shop.region))).min();
    let least = least.unwrap_or(BatchLimit::MinRecords.usual());
    (requests < least).then(|| format!("not for {requests} records: a job has at least {least}"))
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
            vec![format!("  {}", tier_word(way.tier)), usd(0), usd(2), time, remark]
        });
        let mut text = table(&heads, &rows.collect::<Vec<_>>());
        for unit in &self.units {
            text.push_str(&unit.text());
        }
        text.push_str(&self.chart());
        text
    }

    fn chart(&self) -> String {
        let priced = |way: &Way| Some((tier_word(way.tier).to_owned(), way.usd?[1]));
        let mut bars: Vec<(String, f64)> = self.ways.iter().filter_map(priced).collect();
        for unit in &self.units {
            // A commitment is paid for its whole term: it is no price of this work.
            let by_hour = unit.usd.iter().filter(|(term, _)| *term == "none");
            bars.extend(by_hour.map(|(_, usd)| (format!("{} MU {}", unit.units, unit.offer.variant), *usd)));
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
        let UnitWay { offer, units, seconds, break_even_usd_per_hour, .. } = self;
        let worth = break_even_usd_per_hour.map_or("unknown".to_owned(), |usd| format!("{}/h", dollars(usd)));
        let mut text = format!(
            "  provisioned  {units} MU of {} takes {} with usual replies (its capacity is assumed); break-even price {worth} and MU at full use\n",
            offer.variant,
            seconds.map_or("no time that is known".to_owned(), seconds_word),
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

/// A way of buying by the token, in a word or two.
#[must_use]
pub const fn tier_word(tier: Tier) -> &'static str {
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
    const NOVA_PRO: &str = "amazon.nova-pro-v1:0";

    fn shop(id: &str) -> Shop {
        Shop { region: "us-east-1".into(), id: id.into(), model: Catalogue::embedded().model(id) }
    }

    fn of_input(input: &InputSummary, shops: &[Shop], offers: &[UnitOffer], seconds: Option<(f64, f64)>) -> Ways {
        ways(&work_of(input, shops), shops, offers, seconds)
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
        let ways = of_input(&input(), &[shop(NOVA_PRO)], &[], Some((60.0, 120.0)));
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
        let ways = of_input(&input(), &[shop(NOVA_PRO)], &[offer(by_hand), offer(vec![])], None);
        let [known, unknown] = ways.units.as_slice() else { panic!("{ways:?}") };
        assert!((known.seconds.unwrap() - 3_600.0).abs() < 1e-6);
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
        let ways = of_input(&input(), &[shop("nobody.nothing")], &[offer(vec![])], None);
        assert!(ways.ways.iter().all(|way| way.usd.is_none()) && ways.units[0].break_even_usd_per_hour.is_none());
        assert!(!ways.text().contains('#') && !ways.text().contains("$0.00"), "{}", ways.text());
    }

    /// 1,000 requests an hour of 1,000 tokens in and 300 out, at the prices of the catalogue of that day.
    #[test]
    fn three_models_by_hand() {
        assert_eq!(Catalogue::embedded().as_of(), "2026-11-22");
        let work = Work { requests: None, per_hour: Some(1_000.0), input: 1_000.0, output: [300.0; 3], by: By::Ours };
        for (id, each) in [
            // (1,000 x 0.25 + 300 x 1.25) / 1,000,000.
            ("anthropic.claude-3-haiku-20240307-v1:0", 0.000_625),
            // (1,000 x 0.80 + 300 x 3.20) / 1,000,000.
            (NOVA_PRO, 0.001_76),
            // 1.1 x (1,000 x 3 + 300 x 15) / 1,000,000.
            ("us.anthropic.claude-sonnet-4-6", 0.008_25),
        ] {
            let ways = ways(&work, &[shop(id)], &[], None);
            for (at, factor) in [1.0, 0.5, 1.75, 0.5].into_iter().enumerate() {
                let way = &ways.ways[at];
                assert!((way.usd_per_request.unwrap() - each * factor).abs() < 1e-9, "{id}: {way:?}");
                assert!((way.usd_per_hour.unwrap() - each * factor * 1_000.0).abs() < 1e-6, "{id}: {way:?}");
                assert_eq!(way.usd, None, "without an end there is no price of all of it");
            }
        }
    }

    #[test]
    fn units_go_up_in_steps_and_cross_what_on_demand_costs() {
        // 20,000 tokens in a minute are 1,200 requests of 1,000 in an hour; 5,000 out are 1,000 of 300.
        let work = Work { requests: None, per_hour: Some(2_500.0), input: 1_000.0, output: [300.0; 3], by: By::Ours };
        let ways = ways(&work, &[shop(NOVA_PRO)], &[offer(vec![("none", 1.32)])], None);
        let unit = &ways.units[0];
        assert!((unit.requests_per_hour.unwrap() - 1_000.0).abs() < 1e-9);
        assert_eq!((unit.units, unit.seconds), (3, None));
        // $1.76 for a full hour on demand: three quarters of it pay for $1.32.
        assert!((unit.break_even_use[0].1 - 0.75).abs() < 1e-9, "{unit:?}");
        let at = |rate| unit.stairs(1.32, rate).unwrap();
        assert_eq!((at(1.0), at(999.0), at(1_001.0), at(2_500.0)), (1.32, 1.32, 2.64, 3.96));
    }

    #[test]
    fn a_few_records_are_no_batch() {
        let ways = of_input(&InputSummary { records: 5, ..input() }, &[shop(NOVA_PRO)], &[], None);
        assert!(ways.no_batch.is_some_and(|why| why.contains("at least 100")));
    }
}
