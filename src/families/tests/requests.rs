//! Request bodies: what they are, what they contain, why they are refused.

use serde_json::{Value, json};

use crate::families::{ApiChoice, Family, Inspection, TextKind, converse_body, inspect, set_max_tokens};
use crate::record::Api;

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const CLAUDE_2: &str = "anthropic.claude-v2:1";
const NOVA: &str = "amazon.nova-lite-v1:0";
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";
const TITAN: &str = "amazon.titan-text-express-v1";
const MIXTRAL: &str = "mistral.mixtral-8x7b-instruct-v0:1";
const MISTRAL: &str = "mistral.mistral-large-2407-v1:0";
const JAMBA: &str = "ai21.jamba-1-5-mini-v1:0";
const GPT: &str = "openai.gpt-oss-20b-1:0";
const PROVISIONED: &str = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl";

/// A body of each form, with the limit 77 where the form has it.
pub(super) fn samples() -> Vec<(&'static str, Family, Value, Vec<&'static str>)> {
    let tool = json!({ "toolSpec": { "name": "clock", "inputSchema": { "json": { "type": "object" } } } });
    vec![
        (CLAUDE, Family::Converse, converse_body("Hello there", Some(77)), vec!["Hello there"]),
        (
            NOVA,
            Family::Converse,
            json!({
                "system": [{ "text": "Be brief." }, { "cachePoint": { "type": "default" } }],
                "messages": [
                    { "role": "user", "content": [{ "text": "What time is it?" }] },
                    { "role": "assistant", "content": [
                        { "reasoningContent": { "reasoningText": { "text": "A clock helps.", "signature": "c2ln" } } },
                        { "toolUse": { "toolUseId": "t1", "name": "clock", "input": { "zone": "UTC" } } },
                    ] },
                    { "role": "user", "content": [{ "toolResult": { "toolUseId": "t1", "content": [
                        { "json": { "hour": 9 } }, { "text": "morning" },
                    ] } }] },
                ],
                "toolConfig": { "tools": [tool] },
                "inferenceConfig": { "maxTokens": 77, "temperature": 0.5 },
            }),
            vec![
                "Be brief.",
                r#"[{"toolSpec":{"name":"clock","inputSchema":{"json":{"type":"object"}}}}]"#,
                "What time is it?",
                r#"{"toolUseId":"t1","name":"clock","input":{"zone":"UTC"}}"#,
                "A clock helps.",
                r#"{"hour":9}"#,
                "morning",
            ],
        ),
        (
            CLAUDE,
            Family::AnthropicMessages,
            json!({
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 77,
                "system": "Be brief.",
                "messages": [
                    { "role": "user", "content": "Hi" },
                    { "role": "assistant", "content": [
                        { "type": "text", "text": "I look." },
                        { "type": "tool_use", "id": "t1", "name": "clock", "input": { "zone": "UTC" } },
                    ] },
                    { "role": "user", "content": [
                        { "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "9" }] },
                        { "type": "tool_result", "tool_use_id": "t2", "content": "ten" },
                    ] },
                ],
                "tools": [{ "name": "clock" }],
            }),
            vec!["Be brief.", r#"[{"name":"clock"}]"#, "Hi", "I look.", r#"{"zone":"UTC"}"#, "9", "ten"],
        ),
        (
            CLAUDE_2,
            Family::AnthropicText,
            json!({ "prompt": "\n\nHuman: Hi\n\nAssistant:", "max_tokens_to_sample": 77 }),
            vec!["\n\nHuman: Hi\n\nAssistant:"],
        ),
        (
            NOVA,
            Family::Nova,
            json!({
                "schemaVersion": "messages-v1",
                "system": [{ "text": "Be brief." }],
                "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }],
                "inferenceConfig": { "maxTokens": 77 },
            }),
            vec!["Be brief.", "Hi"],
        ),
        (
            NOVA,
            Family::Nova,
            json!({
                "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }],
                "inferenceConfig": { "max_new_tokens": 77 },
            }),
            vec!["Hi"],
        ),
        (LLAMA, Family::Llama, json!({ "prompt": "Once", "max_gen_len": 77 }), vec!["Once"]),
        (
            TITAN,
            Family::Titan,
            json!({ "inputText": "Once", "textGenerationConfig": { "maxTokenCount": 77, "topP": 1 } }),
            vec!["Once"],
        ),
        (
            MIXTRAL,
            Family::MistralText,
            json!({ "prompt": "<s>[INST] Hi [/INST]", "max_tokens": 77 }),
            vec!["<s>[INST] Hi [/INST]"],
        ),
        (
            MISTRAL,
            Family::MistralChat,
            json!({
                "messages": [
                    { "role": "system", "content": "Be brief." },
                    { "role": "user", "content": [{ "type": "text", "text": "Hi" }] },
                ],
                "max_tokens": 77,
            }),
            vec!["Be brief.", "Hi"],
        ),
        (
            JAMBA,
            Family::Jamba,
            json!({
                "messages": [{ "role": "user", "content": "Hi" }],
                "documents": [{ "content": "A page." }],
                "max_tokens": 77,
            }),
            vec![r#"[{"content":"A page."}]"#, "Hi"],
        ),
        (
            GPT,
            Family::OpenAi,
            json!({
                "messages": [
                    { "role": "developer", "content": "Be brief." },
                    { "role": "assistant", "content": null, "tool_calls": [{ "id": "t1" }] },
                    { "role": "tool", "content": "9", "tool_call_id": "t1" },
                ],
                "max_completion_tokens": 77,
            }),
            vec!["Be brief.", r#"[{"id":"t1"}]"#, "9"],
        ),
        (
            GPT,
            Family::OpenAi,
            json!({ "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 77 }),
            vec!["Hi"],
        ),
    ]
}

fn explicit(family: Family) -> ApiChoice {
    if family == Family::Converse { ApiChoice::Converse } else { ApiChoice::Invoke }
}

fn inspected<'a>(model: &str, choice: ApiChoice, body: &'a [u8]) -> Inspection<'a> {
    inspect(model, choice, body)
        .unwrap_or_else(|e| panic!("{model} {choice:?}: {e}\n{}", String::from_utf8_lossy(body)))
}

fn refusal(model: &str, choice: ApiChoice, body: &str) -> String {
    match inspect(model, choice, body.as_bytes()) {
        Ok(found) => panic!("accepted as {:?}: {body}", found.family),
        Err(e) => e.to_string(),
    }
}

#[test]
fn each_form_is_recognised_by_itself_and_by_order() {
    for (model, family, body, texts) in samples() {
        let bytes = serde_json::to_vec(&body).unwrap();
        for choice in [ApiChoice::Auto, explicit(family)] {
            let found = inspected(model, choice, &bytes);
            assert_eq!(found.family, family, "{body}");
            assert_eq!(found.api, if family == Family::Converse { Api::Converse } else { Api::Invoke });
            assert_eq!(found.max_tokens, Some(77), "{family}");
            let mut found: Vec<&str> = found.texts.iter().map(|text| text.as_ref()).collect();
            let mut texts = texts.clone();
            found.sort_unstable();
            texts.sort_unstable();
            assert_eq!(found, texts, "{family}");
        }
    }
}

#[test]
fn a_model_that_does_not_tell_goes_by_the_body() {
    for (_, family, body, _) in samples() {
        let expected = match family {
            // These chat forms look the same; what differs is in the reply, and all of it is read alike.
            Family::MistralChat | Family::Jamba => Family::OpenAi,
            Family::Converse if body.get("system").is_some() => continue,
            family => family,
        };
        let bytes = serde_json::to_vec(&body).unwrap();
        let found = inspected(PROVISIONED, ApiChoice::Auto, &bytes);
        assert_eq!(found.family, expected, "{body}");
    }
}

#[test]
fn texts_are_borrowed_unless_escaped() {
    let body = br#"{"messages":[{"role":"user","content":[{"text":"plain"},{"text":"two\nlines"}]}]}"#;
    let found = inspected(NOVA, ApiChoice::Auto, body);
    assert!(matches!(found.texts[0], std::borrow::Cow::Borrowed("plain")));
    assert_eq!(found.texts[1], "two\nlines");
    assert_eq!(found.turns, 1);
    assert_eq!(found.max_tokens, None);
}

#[test]
fn pictures_and_documents_count_by_size_and_texts_as_texts() {
    let data = "A".repeat(40_000);
    let converse = json!({ "messages": [{ "role": "user", "content": [
        { "text": "See" },
        { "image": { "format": "png", "source": { "bytes": data } } },
        { "document": { "format": "txt", "name": "n", "source": { "text": "A page." } } },
        { "toolResult": { "toolUseId": "t", "content": [{ "image": { "format": "png", "source": { "bytes": data } } }] } },
    ] }] });
    let anthropic = json!({ "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "See" },
        { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } },
        { "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": "A page." } },
        { "type": "tool_result", "tool_use_id": "t", "content": [
            { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } },
        ] },
    ] }] });
    for body in [converse, anthropic] {
        let bytes = serde_json::to_vec(&body).unwrap();
        let found = inspected(CLAUDE, ApiChoice::Auto, &bytes);
        assert_eq!(found.texts, ["See", "A page."]);
        assert!((60_000..62_000).contains(&found.other_bytes), "{}", found.other_bytes);
        assert!((300..900).contains(&found.other_tokens), "{}", found.other_tokens);
        let estimate = found.estimate();
        assert_eq!(estimate.kind, TextKind::Attachment);
        assert!(estimate.tokens > found.other_tokens + 4);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let auto = ApiChoice::Auto;
    for (model, choice, body, message) in [
        (NOVA, auto, "", "not JSON: EOF while parsing a value at line 1 column 0"),
        (NOVA, auto, "{\"messages\":[", "not JSON: EOF while parsing a list at line 1 column 13"),
        (NOVA, auto, "{\"prompt\":\"\\ud800\"}", "prompt: unexpected end of hex escape"),
        (NOVA, auto, "[]", "the body is not usable: invalid type: sequence, expected a JSON object"),
        (NOVA, auto, "\"secret\"", "the body is not usable: invalid type: a string, expected a JSON object"),
        (NOVA, auto, r#"{"messages":[]}"#, "messages is empty"),
        (NOVA, auto, r#"{"messages":[],"messages":[]}"#, "messages: is given twice"),
        (NOVA, auto, r#"{"messages":"secret"}"#, "messages: invalid type: a string, expected a list"),
        (
            NOVA,
            auto,
            r#"{"foo":1}"#,
            "neither a Converse body nor an InvokeModel body of Amazon Nova: messages is missing",
        ),
        (
            NOVA,
            auto,
            r#"{"prompt":"Hi"}"#,
            "neither a Converse body nor an InvokeModel body of Amazon Nova: messages is missing",
        ),
        (
            NOVA,
            auto,
            r#"{"messages":[{"role":"user","content":"Hi"}]}"#,
            "neither a Converse body nor an InvokeModel body of Amazon Nova: messages[0].content: expected a list of \
             content blocks, got a string",
        ),
        (
            CLAUDE,
            ApiChoice::Converse,
            r#"{"messages":[{"role":"user","content":"Hi"}]}"#,
            "not a Converse body: messages[0].content: expected a list of content blocks, got a string",
        ),
        (
            CLAUDE,
            auto,
            r#"{"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
            "neither a Converse body nor an InvokeModel body of Anthropic Messages: anthropic_version is missing, \
             expected bedrock-2023-05-31",
        ),
        (
            CLAUDE,
            auto,
            r#"{"anthropic_version":"2023-06-01","messages":[]}"#,
            "anthropic_version: expected bedrock-2023-05-31, got \"2023-06-01\"",
        ),
        (
            CLAUDE,
            auto,
            r#"{"prompt":"\n\nHuman: Hi\n\nAssistant:","max_tokens_to_sample":9}"#,
            "neither a Converse body nor an InvokeModel body of Anthropic text completion: prompt: this model takes \
             messages; only Claude 2 and Claude Instant take a prompt",
        ),
        (
            CLAUDE_2,
            auto,
            r#"{"prompt":"Hi","max_tokens_to_sample":9}"#,
            "prompt: expected a turn that begins with \"\\n\\nHuman:\"",
        ),
        (LLAMA, auto, r#"{"prompt":"  "}"#, "prompt is empty"),
        (LLAMA, ApiChoice::Invoke, r#"{"inputText":"Hi"}"#, "not an InvokeModel body of Meta Llama: prompt is missing"),
        (
            LLAMA,
            auto,
            r#"{"prompt":"Hi","max_gen_len":-5}"#,
            "max_gen_len: invalid type: integer `-5`, expected a whole number from 1 to 2147483647",
        ),
        (
            LLAMA,
            auto,
            r#"{"prompt":"Hi","max_gen_len":0}"#,
            "max_gen_len: invalid value: integer `0`, expected a whole number from 1 to 2147483647",
        ),
        (
            LLAMA,
            auto,
            r#"{"prompt":"Hi","max_tokens":9}"#,
            "neither a Converse body nor an InvokeModel body of Meta Llama: max_tokens: this form has its output \
             limit in max_gen_len",
        ),
        (
            NOVA,
            auto,
            r#"{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":"9"}}"#,
            "inferenceConfig.maxTokens: invalid type: a string, expected a whole number from 1 to 2147483647",
        ),
        (
            NOVA,
            auto,
            r#"{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":1e300}}"#,
            "inferenceConfig.maxTokens: invalid type: floating point `1e+300`, expected a whole number from 1 to \
             2147483647",
        ),
        (
            NOVA,
            auto,
            r#"{"messages":[{"role":"user","content":[{"text":"Hi"},{"text":5}]}]}"#,
            "messages[0].content[1].text: invalid type: integer `5`, expected a string",
        ),
        (
            NOVA,
            auto,
            r#"{"messages":[{"role":"user","content":[{"text":"  "}]}]}"#,
            "messages[0].content[0].text is empty",
        ),
        (
            NOVA,
            auto,
            r#"{"messages":[{"role":"user","content":[{"txt":"Hi"}]}]}"#,
            "neither a Converse body nor an InvokeModel body of Amazon Nova: messages[0].content[0]: expected a \
             content block with text, image, document, video, audio, toolUse or toolResult",
        ),
        (
            NOVA,
            auto,
            r#"{"messages":[["user","Hi"]]}"#,
            "messages[0]: invalid type: sequence, expected a message object",
        ),
        (NOVA, auto, r#"{"messages":[{"role":"user"}]}"#, "messages[0].content is missing"),
        (NOVA, auto, r#"{"messages":[{"content":[{"text":"Hi"}]}]}"#, "messages[0].role is missing"),
        (
            NOVA,
            auto,
            r#"{"messages":[{"role":"tool","content":[{"text":"Hi"}]}]}"#,
            "messages[0].role: expected user or assistant or system, got \"tool\"",
        ),
        (
            "amazon.titan-embed-text-v2:0",
            auto,
            r#"{"inputText":"Hi"}"#,
            "model amazon.titan-embed-text-v2:0 writes no text",
        ),
        (
            PROVISIONED,
            auto,
            r#"{"prompt":"Hi"}"#,
            "not an InvokeModel body of a known family: neither the body nor the model's id tells its family; a \
             Converse body (messages) would do",
        ),
    ] {
        assert_eq!(refusal(model, choice, body), message, "{body}");
    }
}

#[test]
fn a_stored_prompt_needs_no_messages() {
    let prompt = "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ:1";
    let found = inspected(prompt, ApiChoice::Auto, br#"{"promptVariables":{"topic":{"text":"tides"}}}"#);
    assert_eq!((found.family, found.turns), (Family::Converse, 0));
    assert_eq!(found.texts, [r#"{"topic":{"text":"tides"}}"#]);
}

#[test]
fn the_output_limit_is_set_where_the_form_has_it() {
    for (model, family, mut body, _) in samples() {
        let members = body.as_object().unwrap().len();
        set_max_tokens(family, &mut body, 1234);
        assert_eq!(body.as_object().unwrap().len(), members, "{family}: a second limit beside the first");
        let bytes = serde_json::to_vec(&body).unwrap();
        assert_eq!(inspected(model, explicit(family), &bytes).max_tokens, Some(1234), "{family}");
    }
    for (family, bare) in [
        (Family::Converse, json!({})),
        (Family::Titan, json!({ "textGenerationConfig": null })),
        (Family::OpenAi, json!({})),
    ] {
        let mut body = bare;
        set_max_tokens(family, &mut body, 5);
        let at = format!("/{}", family.max_tokens_field().replace('.', "/"));
        assert_eq!(body.pointer(&at), Some(&json!(5)), "{family}");
    }
    let mut list = json!([1]);
    set_max_tokens(Family::Llama, &mut list, 5);
    assert_eq!(list, json!([1]));
}
