//! Requests for higher quotas: `RequestServiceQuotaIncrease`, their history, and what becomes of them.
//!
//! The refusals are the service's (facts §1.6). How long an answer takes and which one comes is not public: the times and
//! the multiples below are guesses, made so that a rehearsal sees every end that there is. All of it runs in service time.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::record::Micros;

use super::call::Call;
use super::errors::ServiceError;
use super::page::{BadToken, page};
use super::quotas::{self, Row};
use super::reply::Answer;
use super::world::World;

/// Guess: nobody has looked at a request before this, and what is approved without a person is approved then.
const PENDING: Micros = Micros::from_secs(10 * 60);
/// Guess: a support case is decided after this.
const DECIDED: Micros = Micros::from_secs(24 * 60 * 60);
/// Guess: up to this many times what holds now, or the default if that is more, no person is asked.
const AUTOMATIC: f64 = 2.0;
/// Guess: up to this many times, the case is approved.
const APPROVED: f64 = 10.0;
/// Guess: up to this many times, the case stays open: the account team asks back. Above, it is denied.
const DISCUSSED: f64 = 100.0;
/// Open requests of an account in a Region.
const MOST_OPEN: usize = 20;
/// Requests that are remembered in all.
const MOST_KEPT: usize = 1_000;
/// What a quota may be, as the service documents it.
const MOST_VALUE: f64 = 1e10;

/// What the status of a request can be, whether or not a request comes to it here.
const STATUSES: [&str; 7] =
    ["PENDING", "CASE_OPENED", "APPROVED", "DENIED", "CASE_CLOSED", "NOT_APPROVED", "INVALID_REQUEST"];

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Approved without a case.
    Automatic,
    /// Approved as a case.
    Approved,
    /// Stays a case.
    Open,
    /// Denied as a case.
    Denied,
}

impl Fate {
    fn of(desired: f64, reference: f64) -> Fate {
        match desired / reference.max(1.0) {
            times if times <= AUTOMATIC => Fate::Automatic,
            times if times <= APPROVED => Fate::Approved,
            times if times <= DISCUSSED => Fate::Open,
            _ => Fate::Denied,
        }
    }

    /// When it is decided, after its creation; `None`: never by itself.
    fn after(self) -> Option<Micros> {
        match self {
            Fate::Automatic => Some(PENDING),
            Fate::Approved | Fate::Denied => Some(DECIDED),
            Fate::Open => None,
        }
    }
}

/// One request. Times are service time since 1970.
#[derive(Clone, Debug)]
struct Increase {
    id: String,
    region: String,
    code: String,
    name: String,
    desired: f64,
    created: Micros,
    fate: Fate,
    /// An approval that the account has already got.
    granted: bool,
}

impl Increase {
    /// The status at `now`, and since when.
    fn status(&self, now: Micros) -> (&'static str, Micros) {
        let pending_until = self.created + PENDING;
        match self.fate.after().map(|after| self.created + after) {
            Some(decided) if now >= decided => match self.fate {
                Fate::Denied => ("DENIED", decided),
                _ => ("APPROVED", decided),
            },
            _ if now >= pending_until => ("CASE_OPENED", pending_until),
            _ => ("PENDING", self.created),
        }
    }

    fn open(&self, now: Micros) -> bool {
        matches!(self.status(now).0, "PENDING" | "CASE_OPENED")
    }

    fn approved(&self, now: Micros) -> bool {
        self.status(now).0 == "APPROVED"
    }

    fn json(&self, account: &str, now: Micros) -> Value {
        let (status, since) = self.status(now);
        let mut value = json!({
            "Id": self.id,
            "ServiceCode": quotas::BEDROCK,
            "ServiceName": "Amazon Bedrock",
            "QuotaCode": self.code,
            "QuotaName": self.name,
            "DesiredValue": self.desired,
            "Status": status,
            "Created": self.created.secs_f64(),
            "LastUpdated": since.secs_f64(),
            "Requester": json!({
                "accountId": account,
                "callerArn": format!("arn:aws:iam::{account}:user/simulated"),
            }).to_string(),
            "QuotaArn": quotas::arn(&self.region, account, &self.code),
            "GlobalQuota": false,
            "Unit": "None",
            "QuotaRequestedAtLevel": "ACCOUNT",
        });
        if self.fate != Fate::Automatic && status != "PENDING" {
            // Ten digits, as support cases have them.
            let digits = self.created.0 % 10_000_000_000;
            value["CaseId"] = format!("{digits:010}").into();
        }
        value
    }
}

/// All requests of the account, oldest first.
#[derive(Debug, Default)]
pub(super) struct Increases {
    all: VecDeque<Increase>,
}

impl Increases {
    /// The highest value that was granted for a quota.
    pub(super) fn granted(&self, region: &str, code: &str) -> Option<f64> {
        let ours = |one: &&Increase| one.granted && one.region == region && one.code == code;
        self.all.iter().filter(ours).map(|one| one.desired).reduce(f64::max)
    }

    /// What is approved by `now` and not yet in force: Region, code and value. It is in force from here on.
    pub(super) fn take_due(&mut self, now: Micros) -> Vec<(String, String, f64)> {
        let due = self.all.iter_mut().filter(|one| !one.granted && one.approved(now));
        due.map(|one| {
            one.granted = true;
            (one.region.clone(), one.code.clone(), one.desired)
        })
        .collect()
    }

    /// When the next approval comes into force.
    pub(super) fn next_due(&self) -> Option<Micros> {
        let waiting =
            self.all.iter().filter(|one| !one.granted && matches!(one.fate, Fate::Automatic | Fate::Approved));
        waiting.filter_map(|one| Some(one.created + one.fate.after()?)).min()
    }

    fn push(&mut self, one: Increase, now: Micros) {
        self.all.push_back(one);
        if self.all.len() > MOST_KEPT {
            // A grant that is forgotten would lower the quota again.
            let forget = self.all.iter().position(|one| !one.open(now) && !one.granted);
            if let Some(index) = forget {
                self.all.remove(index);
            }
        }
    }
}

/// The body of all four operations.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    service_code: Option<String>,
    #[serde(default)]
    quota_code: Option<String>,
    #[serde(default)]
    desired_value: Option<f64>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    next_token: Option<String>,
    #[serde(default)]
    max_results: Option<i64>,
}

fn input(call: &Call) -> Result<Input, ServiceError> {
    serde_json::from_slice(&call.payload.bytes)
        .map_err(|error| ServiceError::serialization(format!("The request body is not valid: {error}.")))
}

/// `RequestServiceQuotaIncrease`.
pub(super) fn request(call: &Call) -> Result<Answer, ServiceError> {
    let input = input(call)?;
    quotas::known_service(input.service_code.as_deref())?;
    let code = input.quota_code.as_deref().ok_or_else(quotas::no_code)?;
    let desired = input.desired_value.ok_or_else(|| quotas::illegal("You must provide a desired value."))?;
    if !(desired.is_finite() && (0.0..=MOST_VALUE).contains(&desired)) {
        return Err(quotas::illegal("The desired value must be from 0 to 1.0E10."));
    }
    let region = &call.region.name;
    let row = quotas::applied_row_of(call, code).ok_or_else(quotas::no_quota)?;
    let reference = judge(&row, quotas::default_of(call, code), desired)?;
    let now = call.world.service_time();
    let mut increases = call.world.increases();
    let here = || increases.all.iter().filter(|one| one.region == *region && one.open(now));
    if here().any(|one| one.code == code) {
        return Err(refused(
            "ResourceAlreadyExistsException",
            "Only one open service quota increase request is allowed per quota.",
        ));
    }
    if here().count() >= MOST_OPEN {
        return Err(refused(
            "QuotaExceededException",
            "You have exceeded your service quota. To perform the requested action, remove some of the relevant resources, \
             or use Service Quotas to request a service quota increase.",
        ));
    }
    let one = Increase {
        // As the service makes them: hexadecimal digits, and letters without meaning.
        id: blake3::hash(call.request_id.as_bytes()).to_hex()[..40].to_owned(),
        region: region.clone(),
        code: code.to_owned(),
        name: row.name().to_owned(),
        desired,
        created: now,
        fate: Fate::of(desired, reference),
        granted: false,
    };
    let reply = json!({ "RequestedQuota": one.json(&call.world.scenario.account, now) });
    increases.push(one, now);
    call.world.expect_increase(increases.next_due());
    Ok(quotas::answer(&reply))
}

/// Whether `desired` can be asked for at all; if so, what it is measured against.
fn judge(row: &Row<'_>, default: Option<f64>, desired: f64) -> Result<f64, ServiceError> {
    if !row.adjustable() {
        // The service's own words are not public.
        return Err(quotas::illegal("The quota is not adjustable: an increase cannot be requested."));
    }
    let too_low = |which: &str, value: f64| {
        refused(
            "IllegalArgumentException",
            format!("You must provide a quota value greater than the {which} quota value of {}", java_double(value)),
        )
    };
    match default {
        Some(default) if desired <= default => Err(too_low("default", default)),
        _ if desired <= row.value() => Err(too_low("current", row.value())),
        default => Ok(default.unwrap_or(0.0).max(row.value())),
    }
}

/// `ListRequestedServiceQuotaChangeHistoryByQuota`.
pub(super) fn list_by_quota(call: &Call) -> Result<Answer, ServiceError> {
    let input = input(call)?;
    quotas::known_service(input.service_code.as_deref())?;
    let code = input.quota_code.clone().ok_or_else(quotas::no_code)?;
    quotas::applied_row_of(call, &code).ok_or_else(quotas::no_quota)?;
    list(call, &input, Some(&code))
}

/// `ListRequestedServiceQuotaChangeHistory`.
pub(super) fn list_all(call: &Call) -> Result<Answer, ServiceError> {
    let input = input(call)?;
    if input.service_code.is_some() {
        quotas::known_service(input.service_code.as_deref())?;
    }
    list(call, &input, None)
}

fn list(call: &Call, input: &Input, code: Option<&str>) -> Result<Answer, ServiceError> {
    if input.status.as_deref().is_some_and(|status| !STATUSES.contains(&status)) {
        return Err(quotas::illegal("The status is not one that a request can have."));
    }
    let size = quotas::page_size(input.max_results)?;
    let now = call.world.service_time();
    let increases = call.world.increases();
    let wanted = |one: &&Increase| {
        one.region == call.region.name
            && code.is_none_or(|code| one.code == code)
            && input.status.as_deref().is_none_or(|status| one.status(now).0 == status)
    };
    let newest_first = increases.all.iter().rev().filter(wanted);
    let page = page(newest_first, input.next_token.as_deref(), size).map_err(|BadToken| quotas::bad_token())?;
    let account = &call.world.scenario.account;
    let mut reply =
        json!({ "RequestedQuotas": page.items.iter().map(|one| one.json(account, now)).collect::<Vec<_>>() });
    if let Some(next) = page.next {
        reply["NextToken"] = next.into();
    }
    Ok(quotas::answer(&reply))
}

/// `GetRequestedServiceQuotaChange`.
pub(super) fn get(call: &Call) -> Result<Answer, ServiceError> {
    let id = input(call)?.request_id.ok_or_else(|| quotas::illegal("You must provide a request ID."))?;
    let now = call.world.service_time();
    let increases = call.world.increases();
    let one = increases.all.iter().find(|one| one.id == id && one.region == call.region.name);
    let one = one.ok_or_else(|| quotas::no_such("The request failed because the specified request does not exist."))?;
    Ok(quotas::answer(&json!({ "RequestedQuota": one.json(&call.world.scenario.account, now) })))
}

/// Puts in force what has been approved by now.
pub(super) fn grant_due(world: &World) {
    let mut increases = world.increases();
    let due = increases.take_due(world.service_time());
    world.expect_increase(increases.next_due());
    drop(increases);
    for (region, code, value) in due {
        quotas::raise(world, &region, &code, value);
    }
}

fn refused(code: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> ServiceError {
    ServiceError::new(hyper::StatusCode::BAD_REQUEST, code, message)
}

/// A number as the service, which is written in Java, prints it: `200000.0`, `3.0E7`.
fn java_double(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn increase(desired: f64, reference: f64) -> Increase {
        Increase {
            id: "i".into(),
            region: "us-east-1".into(),
            code: "L-1".into(),
            name: "n".into(),
            desired,
            created: Micros::from_secs(1_000_000),
            fate: Fate::of(desired, reference),
            granted: false,
        }
    }

    #[test]
    fn every_request_has_its_way() {
        let statuses = |times: f64| {
            let one = increase(100.0 * times, 100.0);
            [0, 9, 11, 23 * 60, 25 * 60, 900 * 60]
                .map(|minutes| one.status(one.created + Micros::from_secs(minutes * 60)).0)
        };
        assert_eq!(statuses(1.5), ["PENDING", "PENDING", "APPROVED", "APPROVED", "APPROVED", "APPROVED"]);
        assert_eq!(statuses(5.0), ["PENDING", "PENDING", "CASE_OPENED", "CASE_OPENED", "APPROVED", "APPROVED"]);
        assert_eq!(statuses(50.0)[2..], ["CASE_OPENED"; 4]);
        assert_eq!(statuses(500.0)[3..], ["CASE_OPENED", "DENIED", "DENIED"]);
    }

    #[test]
    fn an_approval_comes_into_force_once() {
        let mut increases = Increases::default();
        let now = Micros::from_secs(1_000_000);
        increases.push(increase(150.0, 100.0), now);
        increases.push(Increase { code: "L-2".into(), ..increase(5_000.0, 100.0) }, now);
        assert_eq!(increases.next_due(), Some(now + PENDING));
        assert!(increases.take_due(now).is_empty() && increases.granted("us-east-1", "L-1").is_none());
        let due = increases.take_due(now + PENDING);
        assert_eq!(due, [("us-east-1".to_owned(), "L-1".to_owned(), 150.0)]);
        assert!(increases.take_due(now + PENDING).is_empty());
        assert_eq!(increases.granted("us-east-1", "L-1"), Some(150.0));
        assert_eq!(increases.granted("us-west-2", "L-1"), None);
        assert_eq!(increases.next_due(), None);
    }

    #[test]
    fn the_history_is_bounded_and_forgets_no_grant() {
        let mut increases = Increases::default();
        let later = Micros::from_secs(90_000_000);
        increases.push(Increase { granted: true, ..increase(150.0, 100.0) }, later);
        for _ in 0..3 * MOST_KEPT {
            increases.push(increase(50_000.0, 100.0), later);
        }
        assert_eq!(increases.all.len(), MOST_KEPT);
        assert_eq!(increases.granted("us-east-1", "L-1"), Some(150.0));
    }

    #[test]
    fn numbers_are_written_as_the_service_writes_them() {
        for (value, text) in [(3e7, "3.0E7"), (200_000.0, "200000.0"), (1.25e7, "1.25E7"), (0.0, "0.0"), (60.5, "60.5")]
        {
            assert_eq!(java_double(value), text);
        }
    }
}
