//! What follows from a provisioned model: its price, its capacity, how long it has been idle, and how many units are
//! allowed. Pure.

use serde::{Deserialize, Serialize};

use crate::bedrock::{Commitment, Invocations, ProvisionedModel, QuotaEntry};
use crate::catalogue::Catalogue;
use crate::record::{Region, Usd};

use super::snapshot::{HourlyPrice, ProvisionedView, UnitQuota};

/// Model units without commitment, for all base models of a Region.
const NO_COMMITMENT_BASE: &str = "L-FE44174A";
/// The same for custom models.
const NO_COMMITMENT_CUSTOM: &str = "L-BE77399C";
/// Hours of a month, as a term is reckoned.
const HOURS_A_MONTH: f64 = 730.0;
/// CloudWatch is looked through this far back for the last use.
const LOOKED_BACK_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// The price of a model unit by configuration, where none is published or another one was agreed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgreedPrice {
    /// Model id, with or without its context variant, or ARN.
    pub model: String,
    /// Under which commitment.
    pub commitment: Commitment,
    /// USD per model unit and hour.
    pub usd: f64,
}

/// How long a provisioned model has not been used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// Milliseconds.
    pub for_ms: i64,
    /// It may be longer: only a day is looked back.
    pub at_least: bool,
    /// What it cost in that time; `None`: the price is not known.
    pub paid: Option<Usd>,
}

/// What a unit of `model` (id with its context variant, or ARN) costs per hour in `region`: as agreed, else as published
/// for that very Region, else unknown.
#[must_use]
pub fn unit_price(region: &Region, model: &str, commitment: Commitment, agreed: &[AgreedPrice]) -> HourlyPrice {
    let id = model.rsplit('/').next().unwrap_or_default();
    let fits = |price: &&AgreedPrice| {
        let same = price.model == model || price.model == id || id.strip_prefix(&price.model).is_some_and(variant);
        same && price.commitment == commitment
    };
    if let Some(price) = agreed.iter().find(fits) {
        return HourlyPrice::Known(Usd::from_dollars(price.usd));
    }
    let published = Catalogue::embedded().provisioned_variant(model).and_then(|variant| variant.price.as_ref());
    let published = published.filter(|price| price.region == region.as_str()).and_then(|price| match commitment {
        Commitment::None => price.no_commitment,
        Commitment::OneMonth => price.one_month,
        Commitment::SixMonths => price.six_months,
    });
    published.map_or(HourlyPrice::Unknown, |usd| HourlyPrice::Known(Usd::from_dollars(usd)))
}

/// What is left of an id is a context variant, and the id no other model.
fn variant(rest: &str) -> bool {
    rest.starts_with(':')
}

/// What `units` cost over the whole term of `commitment`; `None` without a term or a price.
#[must_use]
pub fn term_price(price: HourlyPrice, units: u32, commitment: Commitment) -> Option<Usd> {
    let months = match commitment {
        Commitment::None => return None,
        Commitment::OneMonth => 1.0,
        Commitment::SixMonths => 6.0,
    };
    price.of(units).map(|hourly| hourly.scaled(months * HOURS_A_MONTH))
}

impl HourlyPrice {
    /// What `units` cost per hour; `None`: not known.
    #[must_use]
    pub fn of(self, units: u32) -> Option<Usd> {
        match self {
            HourlyPrice::Known(usd) => Some(usd.scaled(f64::from(units))),
            HourlyPrice::Unknown => None,
        }
    }

    /// Both together; what has an unknown part is unknown.
    #[must_use]
    pub fn and(self, other: HourlyPrice) -> HourlyPrice {
        match (self, other) {
            (HourlyPrice::Known(one), HourlyPrice::Known(other)) => HourlyPrice::Known(one + other),
            _ => HourlyPrice::Unknown,
        }
    }
}

impl ProvisionedView {
    /// What follows from `model`; its use is not known yet.
    #[must_use]
    pub fn of(model: ProvisionedModel, agreed: &[AgreedPrice]) -> ProvisionedView {
        let catalogue = Catalogue::embedded();
        let own = catalogue.provisioned_variant(&model.model_arn);
        let variant = own.or_else(|| catalogue.provisioned_variant(&model.foundation_model_arn));
        let all = |each: u64| each.saturating_mul(u64::from(model.units));
        ProvisionedView {
            unit_price: unit_price(&model.region, &model.model_arn, model.commitment, agreed),
            input_tpm: variant.map(|variant| all(variant.input_tpm)),
            output_tpm: variant.map(|variant| all(variant.output_tpm)),
            last_hour: None,
            last_used_ms: None,
            use_read_ms: None,
            use_unknown: None,
            model,
        }
    }

    /// What it costs per hour; `None`: not known.
    #[must_use]
    pub fn hourly(&self) -> Option<Usd> {
        self.unit_price.of(self.model.units)
    }

    /// How long it has not been used, by the service's clock; `None`: not known, or used within the hour.
    #[must_use]
    pub fn idle(&self, service_now_ms: i64) -> Option<Idle> {
        if self.last_hour? > 0 {
            return None;
        }
        let looked_back = service_now_ms.saturating_sub(LOOKED_BACK_MS);
        let since = self.last_used_ms.unwrap_or(looked_back).max(self.model.created_ms);
        let for_ms = service_now_ms.saturating_sub(since);
        let at_least = self.last_used_ms.is_none() && self.model.created_ms < looked_back;
        let paid = self.hourly().map(|hourly| hourly.scaled(for_ms.max(0) as f64 / HOUR_MS as f64));
        (for_ms >= HOUR_MS).then_some(Idle { for_ms, at_least, paid })
    }

    /// Takes in what CloudWatch counted until `service_now_ms`.
    pub(super) fn used(&mut self, counted: &Invocations, service_now_ms: i64) {
        let recent = counted.iter().filter(|(end, _)| *end > service_now_ms.saturating_sub(HOUR_MS));
        self.last_hour = Some(recent.map(|(_, count)| count).sum());
        self.last_used_ms = counted.iter().rev().find(|(_, count)| *count > 0).map(|(end, _)| *end);
        self.use_unknown = None;
    }
}

/// Model units used and allowed in `region`, by the rows of Service Quotas that matter there: those without commitment,
/// and the most units of one model for each model in use.
#[must_use]
pub fn unit_quotas(region: &Region, rows: &[QuotaEntry], models: &[&ProvisionedModel]) -> Vec<UnitQuota> {
    let base = |model: &ProvisionedModel| model.model_arn.contains(":foundation-model/");
    let sum = |wanted: &dyn Fn(&ProvisionedModel) -> bool| models.iter().filter(|m| wanted(m)).map(|m| m.units).sum();
    let free = |model: &ProvisionedModel| model.commitment == Commitment::None;
    let used = |code: &str| -> Option<u32> {
        match code {
            NO_COMMITMENT_BASE => Some(sum(&|model| free(model) && base(model))),
            NO_COMMITMENT_CUSTOM => Some(sum(&|model| free(model) && !base(model))),
            _ => {
                let catalogue = Catalogue::embedded();
                // These rows are about committed units.
                let of_row = models.iter().filter(|model| {
                    let variant = catalogue.provisioned_variant(&model.model_arn);
                    !free(model) && variant.is_some_and(|variant| variant.quota == code)
                });
                of_row.map(|model| model.units).max()
            }
        }
    };
    let mut quotas: Vec<UnitQuota> = rows
        .iter()
        .filter_map(|row| {
            Some(UnitQuota {
                region: region.clone(),
                code: row.code.clone(),
                name: row.name.clone(),
                used: used(&row.code)?,
                allowed: row.value.clamp(0.0, f64::from(u32::MAX)) as u32,
            })
        })
        .collect();
    quotas.sort_by(|a, b| a.name.cmp(&b.name));
    quotas
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bedrock::ProvisionedStatus;

    const CLAUDE: &str = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1:18k";

    /// A model in service, for tests.
    pub(in crate::control) fn model(name: &str, model_arn: &str, units: u32) -> ProvisionedModel {
        ProvisionedModel {
            region: "us-east-1".into(),
            arn: format!("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/{name:0>12}"),
            name: name.into(),
            model_arn: model_arn.into(),
            desired_model_arn: model_arn.into(),
            foundation_model_arn: model_arn.into(),
            units,
            desired_units: units,
            status: ProvisionedStatus::InService,
            commitment: Commitment::OneMonth,
            expires_ms: None,
            created_ms: 0,
            modified_ms: 0,
            failure: None,
        }
    }

    #[test]
    fn a_price_is_agreed_or_published_or_unknown_and_never_zero() {
        let east = "us-east-1".into();
        let published = unit_price(&east, CLAUDE, Commitment::OneMonth, &[]);
        assert_eq!(published, HourlyPrice::Known(Usd::from_dollars(63.0)));
        assert_eq!(unit_price(&"eu-west-1".into(), CLAUDE, Commitment::OneMonth, &[]), HourlyPrice::Unknown);
        assert_eq!(unit_price(&east, CLAUDE, Commitment::None, &[]), HourlyPrice::Unknown);
        let agreed = |model: &str| AgreedPrice { model: model.into(), commitment: Commitment::None, usd: 20.0 };
        let known = HourlyPrice::Known(Usd::from_dollars(20.0));
        for name in ["anthropic.claude-v2:1", "anthropic.claude-v2:1:18k", CLAUDE] {
            assert_eq!(unit_price(&east, CLAUDE, Commitment::None, &[agreed(name)]), known, "{name}");
        }
        let other = [agreed("anthropic.claude-v2:1:1")];
        assert_eq!(unit_price(&east, CLAUDE, Commitment::None, &other), HourlyPrice::Unknown);
        let term = term_price(published, 2, Commitment::OneMonth).unwrap();
        assert_eq!(term, Usd::from_dollars(63.0 * 2.0 * 730.0));
        assert_eq!(term_price(published, 2, Commitment::None), None);
        assert_eq!(term_price(HourlyPrice::Unknown, 2, Commitment::SixMonths), None);
    }

    #[test]
    fn idle_time_is_reckoned_from_the_last_use_and_never_further_than_was_looked() {
        let now = 10 * LOOKED_BACK_MS;
        let mut view = ProvisionedView::of(model("a", CLAUDE, 2), &[]);
        assert_eq!((view.input_tpm, view.output_tpm), (Some(60_000), Some(12_000)));
        assert_eq!(view.idle(now), None, "nobody has looked");
        view.used(&vec![(now - 6 * HOUR_MS, 3), (now - 5 * HOUR_MS, 0)], now);
        let idle = view.idle(now).unwrap();
        assert_eq!((idle.for_ms, idle.at_least), (6 * HOUR_MS, false));
        assert_eq!(idle.paid, Some(Usd::from_dollars(6.0 * 126.0)));
        view.used(&Vec::new(), now);
        assert_eq!(view.idle(now).map(|idle| (idle.for_ms, idle.at_least)), Some((LOOKED_BACK_MS, true)));
        view.model.created_ms = now - 2 * HOUR_MS;
        assert_eq!(view.idle(now).map(|idle| (idle.for_ms, idle.at_least)), Some((2 * HOUR_MS, false)));
        view.model.created_ms = now - HOUR_MS / 2;
        assert_eq!(view.idle(now), None);
        view.used(&vec![(now - 1_000, 7)], now);
        assert_eq!((view.last_hour, view.idle(now)), (Some(7), None));
    }

    #[test]
    fn units_count_against_the_row_of_their_kind() {
        let row = |code: &str, value| QuotaEntry { code: code.into(), name: code.into(), value, adjustable: true };
        let rows =
            [row(NO_COMMITMENT_BASE, 2.0), row(NO_COMMITMENT_CUSTOM, 2.0), row("L-7478F443", 3.0), row("L-1", 9.0)];
        let mut base = model("a", CLAUDE, 9);
        base.commitment = Commitment::None;
        let mut custom = model("b", "arn:aws:bedrock:us-east-1:123456789012:custom-model/x/abcdefghijkl", 2);
        custom.commitment = Commitment::None;
        let committed = model("c", CLAUDE, 3);
        let quotas = unit_quotas(&"us-east-1".into(), &rows, &[&base, &custom, &committed]);
        let used: Vec<_> = quotas.iter().map(|quota| (quota.code.as_str(), quota.used, quota.allowed)).collect();
        assert_eq!(used, [("L-7478F443", 3, 3), (NO_COMMITMENT_CUSTOM, 2, 2), (NO_COMMITMENT_BASE, 9, 2)]);
    }
}
