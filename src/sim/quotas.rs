//! Service Quotas: the account's applied quotas and the AWS defaults.
//!
//! Names, codes and defaults are the catalogue's real rows. The applied values of on-demand inference are the
//! scenario's: a quota that the scenario does not give is not listed, because the account has no such limit here. An
//! increase that was granted takes the place of the scenario's value, in the list and in the meter.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::catalogue::{Applies, BucketKind, Catalogue, Metric, QuotaRow, bucket_kind};

use super::call::Call;
use super::errors::ServiceError;
use super::page::{BadToken, page};
use super::reply::Answer;
use super::scenario::{QuotaSpec, Scenario};
use super::world::World;

/// The largest and the usual page of the service.
const PAGE: usize = 100;
/// The only service code that the simulator knows.
pub(super) const BEDROCK: &str = "bedrock";

/// The body of the four operations.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    service_code: Option<String>,
    #[serde(default)]
    quota_code: Option<String>,
    #[serde(default)]
    next_token: Option<String>,
    #[serde(default)]
    max_results: Option<i64>,
}

/// `ListServiceQuotas`.
pub(super) fn list_applied(call: &Call) -> Result<Answer, ServiceError> {
    let input = input(call)?;
    let wanted = input.quota_code.clone();
    let rows = account_rows(call);
    let asked = rows.iter().filter(|row| wanted.as_deref().is_none_or(|code| row.code == code));
    list(call, &input, asked.cloned())
}

/// `ListAWSDefaultServiceQuotas`.
pub(super) fn list_defaults(call: &Call) -> Result<Answer, ServiceError> {
    list(call, &input(call)?, defaults(call.world.catalogue, &call.region.name))
}

/// `GetServiceQuota`.
pub(super) fn get_applied(call: &Call) -> Result<Answer, ServiceError> {
    get(call, &input(call)?, account_rows(call).iter().cloned())
}

/// `GetAWSDefaultServiceQuota`.
pub(super) fn get_default(call: &Call) -> Result<Answer, ServiceError> {
    get(call, &input(call)?, defaults(call.world.catalogue, &call.region.name))
}

fn input(call: &Call) -> Result<Input, ServiceError> {
    let input: Input = serde_json::from_slice(&call.payload.bytes)
        .map_err(|error| ServiceError::serialization(format!("The request body is not valid: {error}.")))?;
    known_service(input.service_code.as_deref())?;
    Ok(input)
}

/// The service must be named, and be ours.
pub(super) fn known_service(code: Option<&str>) -> Result<(), ServiceError> {
    match code {
        Some(BEDROCK) => Ok(()),
        Some(_) => Err(no_such("The request failed because the specified service does not exist.")),
        None => Err(illegal("You must provide a service code.")),
    }
}

/// The size of a page that was asked for.
pub(super) fn page_size(asked: Option<i64>) -> Result<usize, ServiceError> {
    let Some(size) = asked else { return Ok(PAGE) };
    let size = usize::try_from(size).ok().filter(|size| (1..=PAGE).contains(size));
    size.ok_or_else(|| illegal("MaxResults must be from 1 to 100."))
}

fn list<'r>(call: &Call, input: &Input, rows: impl IntoIterator<Item = Row<'r>>) -> Result<Answer, ServiceError> {
    let size = page_size(input.max_results)?;
    let page = page(rows, input.next_token.as_deref(), size).map_err(|BadToken| bad_token())?;
    let quotas: Vec<Value> = page.items.iter().map(|row| row.json(call)).collect();
    let mut reply = json!({ "Quotas": quotas });
    if let Some(next) = page.next {
        reply["NextToken"] = next.into();
    }
    Ok(answer(&reply))
}

fn get<'r>(call: &Call, input: &Input, rows: impl IntoIterator<Item = Row<'r>>) -> Result<Answer, ServiceError> {
    let code = input.quota_code.as_deref().ok_or_else(no_code)?;
    let row = rows.into_iter().find(|row| row.code == code).ok_or_else(no_quota)?;
    Ok(answer(&json!({ "Quota": row.json(call) })))
}

pub(super) fn answer(value: &Value) -> Answer {
    Answer::new("application/x-amz-json-1.1", value.to_string())
}

pub(super) fn no_such(message: &'static str) -> ServiceError {
    ServiceError::new(hyper::StatusCode::BAD_REQUEST, "NoSuchResourceException", message)
}

pub(super) fn no_quota() -> ServiceError {
    no_such("The request failed because the specified service quota does not exist.")
}

pub(super) fn illegal(message: &'static str) -> ServiceError {
    ServiceError::new(hyper::StatusCode::BAD_REQUEST, "IllegalArgumentException", message)
}

pub(super) fn no_code() -> ServiceError {
    illegal("You must provide a quota code.")
}

pub(super) fn bad_token() -> ServiceError {
    let (status, code) = (hyper::StatusCode::BAD_REQUEST, "InvalidPaginationTokenException");
    ServiceError::new(status, code, "The pagination token is invalid.")
}

/// The ARN of a quota.
pub(super) fn arn(region: &str, account: &str, code: &str) -> String {
    format!("arn:aws:servicequotas:{region}:{account}:{BEDROCK}/{code}")
}

/// What the account has in the call's Region. Matching its quotas to a thousand names takes longer than everything else
/// in a page, and nothing but a granted increase changes them: done once a Region, and after each grant.
fn account_rows(call: &Call) -> Arc<Vec<Row<'static>>> {
    rows_of(&call.world, &call.region.name)
}

fn rows_of(world: &World, region: &str) -> Arc<Vec<Row<'static>>> {
    let mut known = world.quota_rows.lock().unwrap_or_else(PoisonError::into_inner);
    let rows = known.entry(region.to_owned()).or_insert_with(|| {
        let mut rows = applied(&world.scenario, world.catalogue, region);
        let increases = world.increases();
        for row in &mut rows {
            row.value = increases.granted(region, &row.code).unwrap_or(row.value);
        }
        Arc::new(rows)
    });
    Arc::clone(rows)
}

/// The account's quota of this code in the call's Region.
pub(super) fn applied_row_of(call: &Call, code: &str) -> Option<Row<'static>> {
    account_rows(call).iter().find(|row| row.code == code).cloned()
}

/// The published default of this code in the call's Region.
pub(super) fn default_of(call: &Call, code: &str) -> Option<f64> {
    defaults(call.world.catalogue, &call.region.name).find(|row| row.code == code).map(|row| row.value)
}

/// An increase was granted: it is enforced from now on, and listed.
pub(super) fn raise(world: &World, region: &str, code: &str, value: f64) {
    world.quota_rows.lock().unwrap_or_else(PoisonError::into_inner).remove(region);
    for quota in world.scenario.quotas.iter().filter(|quota| quota.published && quota.region == region) {
        let Ok(route) = world.catalogue.route(region, &quota.model) else { continue };
        for (metric, _) in limits(quota) {
            let (row, factor) = scenario_row(world.catalogue, quota, metric, 0);
            if row.code == code {
                let limit = (value.round().max(0.0) as u64).saturating_mul(factor);
                world.account().raise(region, route.bucket.as_str(), metric, limit, world.unix());
            }
        }
    }
}

/// The account's value of a quota.
pub(super) fn account_value(world: &World, region: &str, code: &str) -> Option<f64> {
    rows_of(world, region).iter().find(|row| row.code == code).map(|row| row.value)
}

/// A quota as Service Quotas lists it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row<'r> {
    code: Cow<'r, str>,
    name: Cow<'r, str>,
    value: f64,
    adjustable: bool,
}

impl<'r> Row<'r> {
    fn of(row: &'r QuotaRow, value: f64) -> Row<'r> {
        Row {
            code: row.code.as_deref().map_or_else(|| invented_code(&row.name).into(), Cow::Borrowed),
            name: Cow::Borrowed(&row.name),
            value,
            adjustable: row.adjustable.unwrap_or(false),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn value(&self) -> f64 {
        self.value
    }

    pub(super) fn adjustable(&self) -> bool {
        self.adjustable
    }

    fn json(&self, call: &Call) -> Value {
        json!({
            "ServiceCode": BEDROCK,
            "ServiceName": "Amazon Bedrock",
            "QuotaArn": arn(&call.region.name, &call.world.scenario.account, &self.code),
            "QuotaCode": self.code,
            "QuotaName": self.name,
            "Value": self.value,
            "Unit": "None",
            "Adjustable": self.adjustable,
            "GlobalQuota": false,
            "QuotaAppliedAtLevel": "ACCOUNT",
        })
    }
}

/// The published defaults in a Region. Rows whose code is not published cannot be listed.
fn defaults<'r>(catalogue: &'r Catalogue, region: &str) -> impl Iterator<Item = Row<'r>> {
    catalogue
        .quotas()
        .iter()
        .filter(|row| row.code.is_some())
        .filter_map(move |row| Some(Row::of(row, row.default_in(region)?.value)))
}

/// What the account has in a Region: the scenario's quotas of on-demand inference, the daily pool, and the defaults of
/// everything else (batch, provisioned throughput, guardrails).
fn applied(scenario: &Scenario, catalogue: &'static Catalogue, region: &str) -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for quota in scenario.quotas.iter().filter(|quota| quota.published && quota.region == region) {
        for (metric, value) in limits(quota) {
            let (row, _) = scenario_row(catalogue, quota, metric, value);
            // A day's quota covers the base and the geographic bucket: it is one row.
            if !rows.iter().any(|known: &Row<'_>| known.code == row.code) {
                rows.push(row);
            }
        }
    }
    for row in catalogue.quotas().iter().filter(|row| row.code.is_some()) {
        match catalogue.match_quota_name(&row.name).map(|meaning| meaning.applies) {
            Some(Applies::Account) => rows.push(Row::of(row, scenario.tpd as f64)),
            Some(_) => {}
            None => {
                let own = row.code.as_deref().and_then(|code| scenario.service_quota(region, code));
                let value = own.or_else(|| Some(row.default_in(region)?.value));
                rows.extend(value.map(|value| Row::of(row, value)));
            }
        }
    }
    rows
}

/// The limits that a quota of the scenario gives.
fn limits(quota: &QuotaSpec) -> impl Iterator<Item = (Metric, u64)> + use<> {
    let limits = [(Metric::Rpm, quota.rpm), (Metric::Tpm, quota.tpm), (Metric::Tpd, quota.tpd)];
    limits.into_iter().filter_map(|(metric, value)| Some((metric, value?)))
}

/// The scenario's quota under its real name and code, and how many times its value the bucket may use; under the name of
/// the usual pattern if no row is known.
fn scenario_row<'r>(catalogue: &'r Catalogue, quota: &QuotaSpec, metric: Metric, value: u64) -> (Row<'r>, u64) {
    let kind = bucket_kind(&quota.model);
    let model = catalogue.model(&quota.model);
    let id = model.map_or("", |model| model.id.as_str());
    let mut candidates: Vec<(&QuotaRow, u64)> = catalogue
        .quotas()
        .iter()
        .filter(|row| row.model_ids.is_empty() || row.model_ids.iter().any(|known| known == id))
        .filter_map(|row| {
            let meaning = catalogue.match_quota_name(&row.name)?;
            let factor = meaning.factor(kind)?;
            (meaning.metric == metric && meaning.model_ids.iter().any(|known| known == id)).then_some((row, factor))
        })
        .collect();
    candidates.sort_by_key(|(row, _)| row.code.is_none());
    if let Some((row, factor)) = candidates.first() {
        return (Row::of(row, value as f64 / *factor as f64), *factor);
    }
    let scope = match kind {
        BucketKind::Base => "On-demand",
        BucketKind::Geo => "Cross-region",
        BucketKind::Global => "Global cross-region",
    };
    let what = match metric {
        Metric::Rpm => "requests per minute",
        Metric::Tpm => "tokens per minute",
        Metric::Tpd => "tokens per day",
    };
    let model = model.and_then(|model| model.quota_names.first()).map_or(quota.model.as_str(), String::as_str);
    let name = format!("{scope} model inference {what} for {model}");
    (Row { code: invented_code(&name).into(), name: name.into(), value: value as f64, adjustable: false }, 1)
}

/// A code in the usual form for a row whose real code is not published: always the same for the same name.
fn invented_code(name: &str) -> String {
    let hash = blake3::hash(name.as_bytes());
    let bytes = hash.as_bytes();
    format!("L-{:02X}{:02X}{:02X}{:02X}", bytes[0], bytes[1], bytes[2], bytes[3])
}

#[cfg(test)]
mod tests {
    use super::super::scenario::ServiceQuotaSpec;
    use super::*;

    fn quota(model: &str) -> QuotaSpec {
        QuotaSpec { region: "us-east-1".into(), model: model.into(), ..QuotaSpec::default() }
    }

    fn rows(quotas: Vec<QuotaSpec>) -> Vec<Row<'static>> {
        applied(&Scenario { quotas, ..Scenario::default() }, Catalogue::embedded(), "us-east-1")
    }

    #[test]
    fn applied_values_stand_in_their_real_rows() {
        let rows = rows(vec![
            QuotaSpec { rpm: Some(60), tpm: Some(100_000), ..quota("anthropic.claude-3-haiku-20240307-v1:0") },
            QuotaSpec { tpm: Some(5_000), tpd: Some(8_000), ..quota("us.amazon.nova-lite-v1:0") },
        ]);
        let value = |code: &str| rows.iter().find(|row| row.code == code).map(|row| row.value);
        assert_eq!(value("L-2DC80978"), Some(60.0));
        assert_eq!(value("L-8CE99163"), Some(100_000.0));
        assert_eq!(value("L-7C42E72A"), Some(5_000.0));
        // "doubled for cross-region calls": the row says half of what the profile may use.
        assert_eq!(value("L-45E0AD92"), Some(4_000.0));
        assert_eq!(value("L-E3F10727"), Some(700_000_000.0));
        assert_eq!(value("L-70423BF8"), None, "a quota that the scenario does not give is not listed");
        assert!(value("L-FE44174A").is_some(), "provisioned throughput keeps its default");
    }

    #[test]
    fn the_scenario_raises_any_row() {
        let own = |region: Option<&str>, value| ServiceQuotaSpec {
            code: "L-9C8C5911".into(),
            value,
            region: region.map(str::to_owned),
        };
        let scenario =
            Scenario { service_quotas: vec![own(None, 4.0), own(Some("us-west-2"), 6.0)], ..Scenario::default() };
        let value = |region| {
            let rows = applied(&scenario, Catalogue::embedded(), region);
            rows.iter().find(|row| row.code == "L-9C8C5911").map(|row| row.value)
        };
        assert_eq!((value("us-east-1"), value("us-west-2")), (Some(4.0), Some(6.0)));
    }

    #[test]
    fn an_unpublished_quota_is_not_listed() {
        let hidden = QuotaSpec { rpm: Some(60), published: false, ..quota("anthropic.claude-3-haiku-20240307-v1:0") };
        assert!(!rows(vec![hidden]).iter().any(|row| row.code == "L-2DC80978"));
    }

    #[test]
    fn codes_are_unique() {
        let quotas = super::super::demo::quotas();
        let rows = rows(quotas);
        let mut codes: Vec<&str> = rows.iter().map(|row| row.code.as_ref()).collect();
        codes.sort_unstable();
        let before = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), before);
        assert!(defaults(Catalogue::embedded(), "us-east-1").count() > 2 * PAGE);
    }

    #[test]
    fn a_quota_without_a_row_gets_a_readable_name() {
        let (row, _) =
            scenario_row(Catalogue::embedded(), &quota("us.anthropic.claude-3-haiku-20240307-v1:0"), Metric::Tpd, 10);
        assert!(row.name.contains("tokens per day"), "{row:?}");
        assert!(row.code.starts_with("L-") && row.code.len() == 10);
    }
}
