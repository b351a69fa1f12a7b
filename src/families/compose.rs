//! Writing into request bodies.

use std::fmt::Write;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Family;

/// Sets the output limit of a body, where its family keeps it. A body that already uses the family's other name for
/// it keeps that name. A body that is no object stays as it is.
pub fn set_max_tokens(family: Family, body: &mut Value, n: u64) {
    let Value::Object(body) = body else { return };
    let name = match family {
        Family::Converse => return set_nested(body, "inferenceConfig", "maxTokens", n),
        Family::Nova => {
            let old = body.get("inferenceConfig").is_some_and(|config| config.get("max_new_tokens").is_some());
            return set_nested(body, "inferenceConfig", if old { "max_new_tokens" } else { "maxTokens" }, n);
        }
        Family::Titan => return set_nested(body, "textGenerationConfig", "maxTokenCount", n),
        Family::OpenAi if body.contains_key("max_tokens") && !body.contains_key("max_completion_tokens") => {
            "max_tokens"
        }
        _ => family.max_tokens_field(),
    };
    body.insert(name.to_owned(), n.into());
}

/// Sets a member of a member object, which is made if there is none.
fn set_nested(body: &mut Map<String, Value>, outer: &str, inner: &str, n: u64) {
    match body.entry(outer.to_owned()).or_insert(Value::Null) {
        Value::Object(object) => {
            object.insert(inner.to_owned(), n.into());
        }
        other => *other = json!({ inner: n }),
    }
}

/// A Converse body with one user turn.
#[must_use]
pub fn converse_body(prompt: &str, max_tokens: Option<u64>) -> Value {
    let mut body = json!({ "messages": [{ "role": "user", "content": [{ "text": prompt }] }] });
    if let Some(n) = max_tokens {
        set_max_tokens(Family::Converse, &mut body, n);
    }
    body
}

/// The text of [`converse_body`] for a prompt that is JSON already, a string: without taking it apart, so that a file
/// of a million prompts is judged at the speed at which it is read.
#[must_use]
pub fn converse_text(prompt: &RawValue, max_tokens: Option<u64>) -> String {
    let mut body = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":[{{\"text\":{}}}]}}]", prompt.get());
    if let Some(n) = max_tokens {
        // Writing to a string cannot fail.
        let _ = write!(body, ",\"inferenceConfig\":{{\"maxTokens\":{n}}}");
    }
    body.push('}');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_body_are_the_same() {
        for max_tokens in [None, Some(7)] {
            let raw: &RawValue = serde_json::from_str("\"caf\\u00e9 \\\"x\\\" {}\"").unwrap();
            let body = converse_body("café \"x\" {}", max_tokens);
            assert_eq!(serde_json::from_str::<Value>(&converse_text(raw, max_tokens)).unwrap(), body);
        }
        let plain: &RawValue = serde_json::from_str("\"plain\"").unwrap();
        assert_eq!(converse_text(plain, Some(3)), converse_body("plain", Some(3)).to_string());
    }
}
