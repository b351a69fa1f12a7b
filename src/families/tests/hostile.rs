//! Input made to break a reader.

use proptest::prelude::*;

use super::requests::samples;
use crate::families::{ApiChoice, Family, StreamReader, inspect, raw_tokens, read_reply};

const MODELS: [&str; 5] =
    ["anthropic.claude-3-haiku-20240307-v1:0", "amazon.nova-pro-v1:0", "meta.llama3-8b-instruct-v1:0", "", "a/b.c"];
const CHOICES: [ApiChoice; 3] = [ApiChoice::Auto, ApiChoice::Converse, ApiChoice::Invoke];

/// Whatever comes, the answer is a body or one short line.
fn survives(body: &[u8]) {
    for model in MODELS {
        for choice in CHOICES {
            match inspect(model, choice, body) {
                Ok(found) => {
                    let _ = found.estimate();
                }
                Err(e) => {
                    let line = e.to_string();
                    assert!(!line.is_empty() && line.len() < 300 && !line.contains('\n'), "{line:?}");
                }
            }
        }
    }
    for family in Family::ALL {
        let _ = read_reply(family, body);
        let mut reader = StreamReader::new(family);
        let _ = reader.event(body);
        let _ = reader.event(body);
        let _ = reader.finish();
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&body);
    }

    #[test]
    fn mutated_bodies(sample in 0..13usize, at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let (_, _, body, _) = &samples()[sample];
        let mut bytes = serde_json::to_vec(body).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        survives(&bytes);
    }

    #[test]
    fn swapped_values(sample in 0..13usize, target in 0..40usize, with in 0..7usize) {
        const VALUES: [&str; 7] = ["null", "-1", "1e400", "[]", "{}", "\"x\"", "[[{\"text\":{}}]]"];
        let (_, _, body, _) = &samples()[sample];
        let text = body.to_string();
        let colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).collect();
        let after = colons[target % colons.len()] + 1;
        let end = text[after..].find([',', '}', ']']).map_or(text.len(), |end| after + end);
        survives(format!("{}{}{}", &text[..after], VALUES[with], &text[end..]).as_bytes());
    }

    #[test]
    fn any_text_has_tokens(text in "\\PC{1,300}") {
        let found = raw_tokens(&text);
        prop_assert!(found.tokens >= 1 || text.trim().is_empty());
        prop_assert!(found.tokens <= 3 * text.chars().count() as u64 + 1);
    }
}

#[test]
fn deep_nesting() {
    for (open, close) in [("[", "]"), ("{\"messages\":", "}")] {
        survives((open.repeat(100_000) + &close.repeat(100_000)).as_bytes());
    }
    let result = "{\"toolResult\":{\"content\":[";
    let body = format!(
        "{{\"messages\":[{{\"role\":\"user\",\"content\":[{}{}]}}]}}",
        result.repeat(50_000),
        "]}}".repeat(50_000)
    );
    survives(body.as_bytes());
    let found = inspect(MODELS[0], ApiChoice::Auto, body.as_bytes()).unwrap();
    assert!(!found.texts.is_empty(), "what is too deep counts as JSON");
}

#[test]
fn a_body_too_large_for_the_service() {
    let body = format!("{{\"prompt\":\"{}\"}}", "x".repeat(25_000_000));
    let error = inspect(MODELS[2], ApiChoice::Auto, body.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "the body has 25000013 bytes, the service takes at most 25000000");
}

#[test]
fn an_error_never_quotes_a_prompt() {
    for body in [
        r#"{"prompt":["my secret"]}"#,
        r#"{"messages":"my secret"}"#,
        r#"{"messages":["my secret"]}"#,
        r#"{"messages":[{"role":"user","content":["my secret"]}]}"#,
        r#"{"messages":[{"role":"user","content":[{"guardContent":"my secret"}]}]}"#,
        r#"{"max_tokens":"my secret"}"#,
        r#"{"toolConfig":"my secret"}"#,
    ] {
        for choice in CHOICES {
            let error = inspect(MODELS[0], choice, body.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
