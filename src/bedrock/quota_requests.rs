//! Requests for higher quotas, as Service Quotas takes and tells of them.

use aws_sdk_servicequotas::types::{RequestStatus, RequestedServiceQuotaChange};
use serde::{Deserialize, Serialize};

use crate::record::{ErrorClass, Failure, Region};

use super::ask::{MOST_PAGES, Receipt, endless, identified};
use super::connect::Clients;
use super::failure::own;
use super::message::one_line;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody has decided yet.
    Pending,
    /// A person looks at it: a support case.
    CaseOpened,
    /// The quota is raised, or will be in a few minutes.
    Approved,
    /// Refused.
    Denied,
    /// The case was closed.
    CaseClosed,
    /// Refused without a person.
    NotApproved,
    /// It could not be worked on.
    Invalid,
    /// A word that is newer than this program.
    Other(String),
}

impl RequestState {
    /// In a word or two.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            RequestState::Pending => "pending",
            RequestState::CaseOpened => "case opened",
            RequestState::Approved => "approved",
            RequestState::Denied => "denied",
            RequestState::CaseClosed => "case closed",
            RequestState::NotApproved => "not approved",
            RequestState::Invalid => "invalid request",
            RequestState::Other(word) => word,
        }
    }

    /// It is still being decided, so that no other request for the same quota is taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, RequestState::Pending | RequestState::CaseOpened)
    }

    /// It ended without the quota.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, RequestState::Denied | RequestState::NotApproved | RequestState::Invalid)
    }

    fn read(status: &RequestStatus) -> RequestState {
        match status {
            RequestStatus::Pending => RequestState::Pending,
            RequestStatus::CaseOpened => RequestState::CaseOpened,
            RequestStatus::Approved => RequestState::Approved,
            RequestStatus::Denied => RequestState::Denied,
            RequestStatus::CaseClosed => RequestState::CaseClosed,
            RequestStatus::NotApproved => RequestState::NotApproved,
            RequestStatus::InvalidRequest => RequestState::Invalid,
            other => RequestState::Other(one_line(other.as_str())),
        }
    }
}

/// A request for a higher quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaRequest {
    /// Where.
    pub region: Region,
    /// Its id.
    pub id: String,
    /// The support case, once there is one.
    pub case: Option<String>,
    /// Quota code.
    pub code: String,
    /// Quota name.
    pub name: String,
    /// What was asked for.
    pub value: f64,
    /// What became of it.
    pub state: RequestState,
    /// When it was made, milliseconds since 1970, by the service's clock.
    pub created_ms: Option<i64>,
    /// When it last changed, likewise.
    pub updated_ms: Option<i64>,
}

fn read(region: &Region, change: &RequestedServiceQuotaChange) -> Option<QuotaRequest> {
    Some(QuotaRequest {
        region: region.clone(),
        id: one_line(change.id()?),
        case: change.case_id().map(one_line).filter(|case| !case.is_empty()),
        code: one_line(change.quota_code()?),
        name: one_line(change.quota_name().unwrap_or_default()),
        value: change.desired_value().filter(|value| value.is_finite())?,
        state: RequestState::read(change.status()?),
        created_ms: change.created().and_then(|at| at.to_millis().ok()),
        updated_ms: change.last_updated().and_then(|at| at.to_millis().ok()),
    })
}

impl Clients {
    /// Asks AWS for `value` of the quota `code`. There is no client token: a second request is refused while one is open.
    pub async fn request_quota(&self, region: &Region, code: &str, value: f64) -> Receipt<QuotaRequest> {
        const CALL: &str = "RequestServiceQuotaIncrease";
        let client = match self.region(region) {
            Ok(clients) => &clients.quotas,
            Err(failure) => return Receipt::unsent(failure),
        };
        let call = client.request_service_quota_increase().service_code("bedrock").quota_code(code);
        let call = call.desired_value(value).send();
        let receipt = identified(self.order(CALL, Some("servicequotas:RequestServiceQuotaIncrease"), call).await);
        let reading = |reply: &aws_sdk_servicequotas::operation::request_service_quota_increase::RequestServiceQuotaIncreaseOutput| {
            let incomplete = || own(ErrorClass::Malformed, "MalformedReply", &format!("{CALL}: an incomplete reply"));
            reply.requested_quota().and_then(|change| read(region, change)).ok_or_else(incomplete)
        };
        Receipt { answer: receipt.answer.and_then(|reply| reading(&reply)), request_id: receipt.request_id }
    }

    /// The requests of this account about Bedrock in `region`, those about `code` alone if one is given, all pages.
    ///
    /// # Errors
    /// As every call; `Access` names the permission.
    pub async fn quota_requests(&self, region: &Region, code: Option<&str>) -> Result<Vec<QuotaRequest>, Failure> {
        const ALL: &str = "ListRequestedServiceQuotaChangeHistory";
        const ACTION: &str = "servicequotas:ListRequestedServiceQuotaChangeHistory";
        let client = &self.region(region)?.quotas;
        let mut found = Vec::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = client.list_requested_service_quota_change_history().service_code("bedrock").max_results(100);
            let page = self.ask(ALL, Some(ACTION), page.set_next_token(next).send()).await?;
            let changes = page.requested_quotas().iter().filter_map(|change| read(region, change));
            found.extend(changes.filter(|change| code.is_none_or(|code| change.code == code)));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(endless(ALL))
    }
}
