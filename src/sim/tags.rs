//! Tags of provisioned models and batch jobs.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use super::constraints::{body, required, violated};
use super::errors::ServiceError;
use super::reply::Answer;

/// Tags that a request may carry.
const MOST_IN_REQUEST: usize = 200;
/// Tags that a resource may have, as everywhere in AWS. That it holds here too is a guess.
const MOST_OF_RESOURCE: usize = 50;

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tag {
    key: String,
    value: String,
}

/// Checks the tags of a new resource.
pub(super) fn check(tags: &[Tag]) -> Result<(), ServiceError> {
    if tags.len() > MOST_IN_REQUEST {
        let constraint = format!("Member must have length less than or equal to {MOST_IN_REQUEST}");
        return Err(violated("[...]", "tags", &constraint));
    }
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || " \t\n._:/=+@-".contains(c));
    for (index, tag) in tags.iter().enumerate() {
        let member = |part: &str| format!("tags.{}.member.{part}", index + 1);
        if tag.key.is_empty() || tag.key.len() > 128 || !plain(&tag.key) {
            let constraint = "Member must have length from 1 to 128 and satisfy [a-zA-Z0-9\\s._:/=+@-]*";
            return Err(violated(&tag.key, &member("key"), constraint));
        }
        if tag.value.len() > 256 || !plain(&tag.value) {
            let constraint = "Member must have length from 0 to 256 and satisfy [a-zA-Z0-9\\s._:/=+@-]*";
            return Err(violated(&tag.value, &member("value"), constraint));
        }
        if tags[..index].iter().any(|earlier| earlier.key == tag.key) {
            return Err(ServiceError::validation(format!("Duplicate tag keys found: {}.", tag.key)));
        }
    }
    Ok(())
}

/// Whether there are more of them than a resource may have.
pub(super) fn too_many(tags: &[Tag]) -> Option<ServiceError> {
    (tags.len() > MOST_OF_RESOURCE).then(|| {
        let message = format!("A resource can have at most {MOST_OF_RESOURCE} tags.");
        ServiceError::new(StatusCode::BAD_REQUEST, "TooManyTagsException", message)
    })
}

#[derive(Deserialize)]
struct Input {
    #[serde(default, rename = "resourceARN")]
    resource_arn: Option<String>,
}

/// `ListTagsForResource`, of provisioned models and batch jobs. Foundation models have none.
pub(super) fn list_tags_for_resource(call: &Call) -> Result<Answer, ServiceError> {
    let input: Input = body(call)?;
    let arn = required(input.resource_arn, "resourceARN")?;
    let world = &call.world;
    let region = &call.region.name;
    let tags = world.provisioned().tags(region, &arn).or_else(|| world.jobs.tags(region, &arn));
    let tags = tags.ok_or_else(|| ServiceError::not_found("The specified resource was not found."))?;
    Ok(Answer::json(&json!({ "tags": tags })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.into(), value: value.into() }
    }

    #[test]
    fn tags_are_checked_one_by_one() {
        assert!(check(&[tag("team", "search"), tag("cost centre", "")]).is_ok());
        assert!(check(&[tag("", "x")]).is_err() && check(&[tag("a", &"x".repeat(257))]).is_err());
        assert!(check(&[tag("a", "1"), tag("a", "2")]).is_err());
        assert!(check(&vec![tag("a", "1"); 201]).is_err());
        let many: Vec<Tag> = (0..51).map(|n| tag(&n.to_string(), "")).collect();
        assert!(check(&many).is_ok() && too_many(&many).is_some() && too_many(&many[1..]).is_none());
    }
}
