//! What the lists of provisioned models and of batch jobs have in common: filters by time and name, order, pages.

use serde_json::{Value, json};

use crate::record::Micros;

use super::call::Call;
use super::clock;
use super::constraints::{choice, text, violated, within};
use super::errors::ServiceError;
use super::page::{BadToken, page};
use super::reply::Answer;
use super::route::query;

/// The largest page, and the page where a request names no size.
const PAGE: u64 = 1_000;
/// The longest text to look for in names.
const LONGEST_NAME: usize = 63;

/// What a request for a list asks for.
pub(super) struct Listing {
    after: Option<Micros>,
    before: Option<Micros>,
    name_contains: Option<String>,
    ascending: bool,
    size: usize,
    token: Option<String>,
}

impl Listing {
    /// Reads the query. `time` is the stem of the time filters: `creationTime` or `submitTime`.
    pub(super) fn of(call: &Call, time: &str) -> Result<Listing, ServiceError> {
        let moment = |name: String| match query(&call.uri, &name) {
            None => Ok(None),
            Some(value) => {
                let at = clock::parse(&value);
                at.map(Some).ok_or_else(|| violated(&value, &name, "Member must be a timestamp"))
            }
        };
        choice(call, "sortBy", &["CreationTime"])?;
        let order = choice(call, "sortOrder", &["Ascending", "Descending"])?;
        let name_contains = query(&call.uri, "nameContains");
        if let Some(name) = &name_contains {
            text(name, "nameContains", LONGEST_NAME, ".*", |_| true)?;
        }
        Ok(Listing {
            after: moment(format!("{time}After"))?,
            before: moment(format!("{time}Before"))?,
            name_contains,
            ascending: order.as_deref() == Some("Ascending"),
            size: page_size(call)?,
            token: query(&call.uri, "nextToken"),
        })
    }

    /// Whether something of this name and age is wanted. Names are compared without regard to case (a guess).
    pub(super) fn wants(&self, name: &str, created: Micros) -> bool {
        self.after.is_none_or(|after| created > after)
            && self.before.is_none_or(|before| created < before)
            && self.name_contains.as_ref().is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
    }

    /// One page of `all`, which is ordered by creation, under `member`; the newest comes first unless asked otherwise (a
    /// guess: the default order is not documented).
    pub(super) fn answer(&self, member: &str, mut all: Vec<Value>) -> Result<Answer, ServiceError> {
        if !self.ascending {
            all.reverse();
        }
        paged(member, all, self.token.as_deref(), self.size)
    }
}

/// The size of a page that a request asks for.
pub(super) fn page_size(call: &Call) -> Result<usize, ServiceError> {
    let Some(value) = query(&call.uri, "maxResults") else { return Ok(PAGE as usize) };
    let size = value.parse().map_err(|_| violated(&value, "maxResults", "Member must be a number"))?;
    within(size, "maxResults", 1, PAGE).map(|size| size as usize)
}

/// The page of `items` that `token` names, under `member`.
pub(super) fn paged(
    member: &str,
    items: impl IntoIterator<Item = Value>,
    token: Option<&str>,
    size: usize,
) -> Result<Answer, ServiceError> {
    let page =
        page(items, token, size).map_err(|BadToken| ServiceError::validation("The provided nextToken is invalid."))?;
    let mut reply = json!({ member: page.items });
    if let Some(next) = page.next {
        reply["nextToken"] = next.into();
    }
    Ok(Answer::json(&reply))
}
