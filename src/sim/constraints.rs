//! The service's validation of single members, in its words.

use serde::de::DeserializeOwned;

use super::call::Call;
use super::errors::ServiceError;
use super::route::query;

/// A JSON request body.
pub(super) fn body<T: DeserializeOwned>(call: &Call) -> Result<T, ServiceError> {
    serde_json::from_slice(&call.payload.bytes)
        .map_err(|error| ServiceError::serialization(format!("The request body is not valid: {error}.")))
}

/// A member that must be there.
pub(super) fn required<T>(value: Option<T>, member: &str) -> Result<T, ServiceError> {
    value.ok_or_else(|| {
        ServiceError::validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// The refusal of a value. It is shown cut short, since a client chose it.
pub(super) fn violated(value: &str, member: &str, constraint: &str) -> ServiceError {
    let shown: String = value.chars().take(64).collect();
    ServiceError::validation(format!(
        "1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// A number in a range.
pub(super) fn within(value: u64, member: &str, least: u64, most: u64) -> Result<u64, ServiceError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let constraint = if value < least {
        format!("Member must have value greater than or equal to {least}")
    } else {
        format!("Member must have value less than or equal to {most}")
    };
    Err(violated(&value.to_string(), member, &constraint))
}

/// A text of limited length that `accepts` takes; `pattern` is how the service writes that.
pub(super) fn text(
    value: &str,
    member: &str,
    longest: usize,
    pattern: &str,
    accepts: impl Fn(&str) -> bool,
) -> Result<(), ServiceError> {
    if value.is_empty() {
        return Err(violated(value, member, "Member must have length greater than or equal to 1"));
    }
    if value.len() > longest {
        let constraint = format!("Member must have length less than or equal to {longest}");
        return Err(violated(value, member, &constraint));
    }
    if accepts(value) {
        return Ok(());
    }
    Err(violated(value, member, &format!("Member must satisfy regular expression pattern: {pattern}")))
}

/// A query parameter with a fixed set of values.
pub(super) fn choice(call: &Call, name: &str, allowed: &[&str]) -> Result<Option<String>, ServiceError> {
    let value = query(&call.uri, name);
    if let Some(value) = value.as_deref() {
        one_of(value, name, allowed)?;
    }
    Ok(value)
}

/// A value of a fixed set.
pub(super) fn one_of(value: &str, member: &str, allowed: &[&str]) -> Result<(), ServiceError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let constraint = format!("Member must satisfy enum value set: [{}]", allowed.join(", "));
    Err(violated(value, member, &constraint))
}

/// `([0-9a-zA-Z][_-]?)+`: the name of a provisioned model.
pub(super) fn is_joined(name: &str) -> bool {
    let mut joined = true;
    name.bytes().all(|byte| {
        let joint = matches!(byte, b'-' | b'_');
        let fits = byte.is_ascii_alphanumeric() || (joint && !joined);
        joined = joint;
        fits
    })
}

/// A client's token: letters and digits, with hyphens in between.
pub(super) fn token(value: &str, member: &str) -> Result<(), ServiceError> {
    text(value, member, 256, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", |token| {
        token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !token.starts_with('-')
            && !token.ends_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_and_digits_with_single_joints() {
        for good in ["a", "a-b", "a_b-", "1-2-3"] {
            assert!(is_joined(good), "{good}");
        }
        for bad in ["-a", "a--b", "a b", "a.b", "ä"] {
            assert!(!is_joined(bad), "{bad}");
        }
        assert!(token("a-b", "t").is_ok() && token("-a", "t").is_err() && token("", "t").is_err());
    }

    #[test]
    fn a_hostile_value_is_shown_cut_short() {
        let error = violated(&"x".repeat(10_000), "name", "Member must be short");
        assert!(error.message.len() < 250, "{}", error.message.len());
    }
}
