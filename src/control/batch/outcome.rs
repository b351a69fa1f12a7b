//! One line of a job's output: whose it is and how it went. The one place that says which errors may go away.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::bedrock::one_line;

/// How a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// There is a reply.
    Well,
    /// An error that may go away: sent again, the record may succeed.
    Retryable,
    /// An error of the record's own.
    Permanent,
}

/// A line of the output.
#[derive(Debug)]
pub(super) struct OutputLine<'a> {
    pub id: Cow<'a, str>,
    pub went: Went,
    /// The error in words that are the same for all records with the same error.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow, rename = "recordId")]
    id: Cow<'a, str>,
    #[serde(rename = "modelOutput", default)]
    output: Option<IgnoredAny>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ErrorShape {
    error_code: serde_json::Value,
    error_message: String,
    expired: Option<IgnoredAny>,
}

/// Reads a line; `None` if it is no result.
pub(super) fn read(line: &[u8]) -> Option<OutputLine<'_>> {
    let shape: Shape<'_> = serde_json::from_slice(line).ok()?;
    if shape.output.is_some() && shape.error.is_none() {
        return Some(OutputLine { id: shape.id, went: Went::Well, reason: None });
    }
    let error: ErrorShape = serde_json::from_str(shape.error?.get()).unwrap_or_default();
    let code = match &error.error_code {
        serde_json::Value::String(code) => code.clone(),
        serde_json::Value::Number(code) => code.to_string(),
        _ if error.expired.is_some() => "expired".to_owned(),
        _ => String::new(),
    };
    let went = if retryable(&code, &error.error_message) { Went::Retryable } else { Went::Permanent };
    Some(OutputLine { id: shape.id, went, reason: Some(normalised(&code, &error.error_message)) })
}

/// Which errors of a record may go away. The service sends none of them again by itself (study of the load, §B9).
///
/// | code | what it means | sent again |
/// |---|---|---|
/// | 408, 424, 429, 5xx | timed out, the model failed, throttled, no capacity, internal | may succeed |
/// | `Throttling...`, `ModelTimeout...`, `ServiceUnavailable...`, `InternalServer...`, `ModelNotReady...`, `ModelError...`, `expired` | the same in names | may succeed |
/// | 400, 403, 404, 413 and all other names | the record's own body or rights | will fail again |
/// | none | the words of the message decide: timeout, throttled, capacity, internal | |
fn retryable(code: &str, message: &str) -> bool {
    if let Ok(number) = code.parse::<u16>() {
        return matches!(number, 408 | 424 | 429 | 500..=599);
    }
    const NAMES: [&str; 8] = [
        "throttl",
        "toomanyrequests",
        "timeout",
        "serviceunavailable",
        "internal",
        "notready",
        "modelerror",
        "expired",
    ];
    const WORDS: [&str; 6] = ["timed out", "timeout", "throttl", "capacity", "internal", "try your request again"];
    let (text, marks): (&str, &[&str]) = if code.is_empty() { (message, &WORDS) } else { (code, &NAMES) };
    let text = text.to_ascii_lowercase();
    marks.iter().any(|mark| text.contains(mark))
}

/// Longest reason kept, bytes: it stands in a table.
const LONGEST: usize = 120;

/// Numbers and ids differ from record to record: with them taken out, the same error is the same text.
fn normalised(code: &str, message: &str) -> String {
    let mut text = String::new();
    for word in message.split_whitespace() {
        if text.len() > LONGEST {
            text.push_str(" …");
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        let letters = word.trim_matches(|c: char| c.is_ascii_punctuation());
        let numeric = letters.chars().any(|c| c.is_ascii_digit());
        let long = letters.len() > 40;
        if numeric || long {
            text.push_str(&word.replace(letters, "#"));
        } else {
            text.push_str(word);
        }
    }
    match (code.is_empty(), text.is_empty()) {
        (true, true) => "an error without code and message".to_owned(),
        (true, false) => one_line(&text),
        (false, true) => one_line(code),
        (false, false) => one_line(&format!("{code}: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(error: &str) -> String {
        format!(r#"{{"recordId":"a\"1","modelInput":{{"x":[1]}},"error":{error}}}"#)
    }

    #[test]
    fn results_and_errors_are_told_apart() {
        let well = read(br#"{"recordId":"a","modelInput":{},"modelOutput":{"y":1}}"#).unwrap();
        assert_eq!((&*well.id, well.went, well.reason), ("a", Went::Well, None));
        for (error, went) in [
            (r#"{"errorCode":400,"errorMessage":"bad request"}"#, Went::Permanent),
            (r#"{"errorCode":403,"errorMessage":"no"}"#, Went::Permanent),
            (r#"{"errorCode":429,"errorMessage":"Too many tokens"}"#, Went::Retryable),
            (r#"{"errorCode":503,"errorMessage":""}"#, Went::Retryable),
            (r#"{"errorCode":"ModelTimeoutException"}"#, Went::Retryable),
            (r#"{"errorCode":"ValidationException","errorMessage":"throttled in name only"}"#, Went::Permanent),
            (r#"{"errorMessage":"The request timed out"}"#, Went::Retryable),
            (r#"{}"#, Went::Permanent),
            (r#""odd""#, Went::Permanent),
        ] {
            let text = line(error);
            let read = read(text.as_bytes()).unwrap();
            assert_eq!((&*read.id, read.went), ("a\"1", went), "{error}");
            assert!(read.reason.is_some());
        }
        for bad in ["", "{}", "[1]", r#"{"recordId":"a"}"#, r#"{"recordId":1,"modelOutput":2}"#] {
            assert!(read(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_same_error_has_the_same_words() {
        let a = normalised("400", "Input is too long: 131,072 tokens (request 1f-2b), limit 200000.");
        let b = normalised("400", "Input is too long: 131,073 tokens (request 77-xy9), limit 100.");
        assert_eq!(a, b);
        assert_eq!(a, "400: Input is too long: # tokens (request #), limit #.");
        assert!(normalised("", &"word ".repeat(500)).len() < 200);
        assert!(!normalised("\u{1b}[2J", "x").contains('\u{1b}'));
    }
}
