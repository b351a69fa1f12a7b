//! Whether a request body has what its form needs.

use std::borrow::Cow;

use super::content::{Content, Gathered, Message};
use super::object::{Count, List, Text};
use super::request::Request;
use super::{Family, invoke_family};

/// Why a body fails.
pub(super) enum Defect {
    /// It is not of this form at all.
    Form(String),
    /// It is, but this value is wrong.
    Value(String),
}

fn form(line: impl Into<String>) -> Defect {
    Defect::Form(line.into())
}

fn value(line: impl Into<String>) -> Defect {
    Defect::Value(line.into())
}

/// The output limit, the turns, and what costs tokens.
pub(super) type Checked<'a> = Result<(Option<u64>, u32, Gathered<'a>), Defect>;

/// Checks that `request` can be sent to `model` as a body of `family`, and gathers what it contains.
pub(super) fn check<'a>(model: &str, family: Family, request: Request<'a>) -> Checked<'a> {
    let limit = request.limit();
    let count = |count: Option<Count>| count.map(|count| count.0);
    let mut gathered = Gathered::default();
    let (max_tokens, turns) = match family {
        Family::Converse | Family::Nova => {
            let config = request.inference_config.unwrap_or_default();
            let newer = config.max_new_tokens.filter(|_| family == Family::Nova);
            let max_tokens = config.max_tokens.or(newer);
            if let Some(version) = request.schema_version.filter(|version| version.0 != "messages-v1") {
                return Err(value(format!("schemaVersion: expected messages-v1, got {}", excerpt(&version.0))));
            }
            match request.system {
                Some(Content::Plain(_)) => return Err(form("system: expected a list of content blocks, got a string")),
                Some(system) => gathered.content(system),
                None => {}
            }
            gathered.json(request.tool_config.and_then(|config| config.tools));
            gathered.json(request.output_config);
            gathered.json(request.prompt_variables);
            // A prompt of Bedrock's prompt management brings its own messages.
            let stored = model.contains(":prompt/") && request.messages.is_none();
            let turns = if stored { 0 } else { conversation(family, request.messages, &mut gathered)? };
            (count(max_tokens), turns)
        }
        Family::AnthropicMessages => {
            match request.anthropic_version {
                None => return Err(form("anthropic_version is missing, expected bedrock-2023-05-31")),
                Some(Text(version)) if version == "bedrock-2023-05-31" => {}
                Some(Text(version)) => {
                    let line = format!("anthropic_version: expected bedrock-2023-05-31, got {}", excerpt(&version));
                    return Err(value(line));
                }
            }
            request.system.into_iter().for_each(|system| gathered.content(system));
            gathered.json(request.tools);
            (count(request.max_tokens), conversation(family, request.messages, &mut gathered)?)
        }
        Family::MistralChat | Family::Jamba | Family::OpenAi => {
            gathered.json(request.tools);
            gathered.json(request.documents);
            gathered.json(request.response_format);
            let newer = request.max_completion_tokens.filter(|_| family == Family::OpenAi);
            let max_tokens = newer.or(request.max_tokens);
            (count(max_tokens), conversation(family, request.messages, &mut gathered)?)
        }
        Family::AnthropicText => {
            if invoke_family(model) == Some(Family::AnthropicMessages) {
                return Err(form("prompt: this model takes messages; only Claude 2 and Claude Instant take a prompt"));
            }
            let prompt = completion("prompt", request.prompt)?;
            for mark in ["\n\nHuman:", "\n\nAssistant:"] {
                if !prompt.contains(mark) {
                    return Err(value(format!("prompt: expected a turn that begins with {mark:?}")));
                }
            }
            gathered.text(prompt);
            (count(request.max_tokens_to_sample), 1)
        }
        Family::Llama => {
            gathered.text(completion("prompt", request.prompt)?);
            (count(request.max_gen_len), 1)
        }
        Family::MistralText => {
            gathered.text(completion("prompt", request.prompt)?);
            (count(request.max_tokens), 1)
        }
        Family::Titan => {
            gathered.text(completion("inputText", request.input_text)?);
            (count(request.text_generation_config.and_then(|config| config.max_token_count)), 1)
        }
    };
    // The service would refuse the member or, worse, ignore it and reserve the model's maximum.
    if let (None, Some(limit)) = (max_tokens, limit) {
        let own = family.max_tokens_field();
        return Err(form(format!("{limit}: this form has its output limit in {own}")));
    }
    Ok((max_tokens, turns, gathered))
}

/// The text of a completion form.
fn completion<'a>(field: &str, text: Option<Text<'a>>) -> Result<Cow<'a, str>, Defect> {
    match text {
        None => Err(form(format!("{field} is missing"))),
        Some(Text(text)) if text.trim().is_empty() => Err(value(format!("{field} is empty"))),
        Some(Text(text)) => Ok(text),
    }
}

/// Checks the turns of a conversation and gathers their texts; the count of turns.
fn conversation<'a>(
    family: Family,
    messages: Option<List<Message<'a>>>,
    gathered: &mut Gathered<'a>,
) -> Result<u32, Defect> {
    let List(messages) = messages.ok_or_else(|| form("messages is missing"))?;
    if messages.is_empty() {
        return Err(value("messages is empty"));
    }
    let turns = u32::try_from(messages.len()).unwrap_or(u32::MAX);
    for (index, message) in messages.into_iter().enumerate() {
        let Some(Text(role)) = &message.role else {
            return Err(value(format!("messages[{index}].role is missing")));
        };
        if let Some(expected) = roles(family).filter(|expected| !expected.contains(&role.as_ref())) {
            let expected = expected.join(" or ");
            return Err(value(format!("messages[{index}].role: expected {expected}, got {}", excerpt(role))));
        }
        // A turn of the assistant that only calls tools has no content in the chat forms.
        let may_be_absent = message.tool_calls.is_some() && roles(family).is_none();
        gathered.json(message.tool_calls);
        match message.content {
            Some(content) => {
                check_content(family, &content, index)?;
                gathered.content(content);
            }
            None if may_be_absent => {}
            None => return Err(value(format!("messages[{index}].content is missing"))),
        }
    }
    Ok(turns)
}

/// The roles that a family knows; `None` where the service leaves them to the model.
fn roles(family: Family) -> Option<&'static [&'static str]> {
    match family {
        Family::Converse => Some(&["user", "assistant", "system"]),
        Family::Nova | Family::AnthropicMessages => Some(&["user", "assistant"]),
        _ => None,
    }
}

fn check_content(family: Family, content: &Content<'_>, index: usize) -> Result<(), Defect> {
    let union = matches!(family, Family::Converse | Family::Nova);
    let blocks = match content {
        Content::Plain(_) if union => {
            return Err(form(format!("messages[{index}].content: expected a list of content blocks, got a string")));
        }
        Content::Plain(text) if text.trim().is_empty() && family == Family::AnthropicMessages => {
            return Err(value(format!("messages[{index}].content is empty")));
        }
        Content::Plain(_) => return Ok(()),
        Content::Blocks(blocks) if blocks.is_empty() => {
            return Err(value(format!("messages[{index}].content is empty")));
        }
        Content::Blocks(blocks) => blocks,
    };
    for (place, block) in blocks.iter().enumerate() {
        if union && !block.is_converse() {
            let line = "expected a content block with text, image, document, video, audio, toolUse or toolResult";
            return Err(form(format!("messages[{index}].content[{place}]: {line}")));
        }
        if union && block.kind.is_some() {
            return Err(form(format!("messages[{index}].content[{place}].type: content blocks have no type here")));
        }
        if !union && block.kind.is_none() {
            return Err(form(format!("messages[{index}].content[{place}].type is missing")));
        }
        let strict = union || family == Family::AnthropicMessages;
        if strict && block.text.as_ref().is_some_and(|text| text.0.trim().is_empty()) {
            return Err(value(format!("messages[{index}].content[{place}].text is empty")));
        }
    }
    Ok(())
}

/// A short word of the user's for an error line, control characters escaped. Never used for prompts.
fn excerpt(word: &str) -> String {
    let short: String = word.chars().take(32).collect();
    format!("{short:?}")
}
