//! What a request body is, whether it can be sent, and what it contains.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::record::Api;

use super::content::{Content, Gathered, Message};
use super::object::{Count, List, Text, object};
use super::tokens::TokenWalk;
use super::{BodyError, Family, RawEstimate, TextKind, invoke_family};

/// Which API the user wants for the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiChoice {
    /// Decide by each body.
    #[default]
    Auto,
    /// All are Converse bodies.
    Converse,
    /// All are `InvokeModel` bodies of the model's family.
    Invoke,
}

/// What [`inspect`] found.
#[derive(Clone, Debug)]
pub struct Inspection<'a> {
    /// The operation family that takes this body.
    pub api: Api,
    /// The body's form.
    pub family: Family,
    /// The body's output limit, in tokens.
    pub max_tokens: Option<u64>,
    /// All texts that cost tokens: system prompt, tool specifications, messages, tool calls and results.
    pub texts: Vec<Cow<'a, str>>,
    /// Size of pictures, documents, audio and video, in bytes before base64.
    pub other_bytes: u64,
    /// A rough guess of what those cost, in tokens.
    pub other_tokens: u64,
    /// Turns of the conversation; 1 for text completion.
    pub turns: u32,
}

/// Tokens that a request has beside its texts: the frame of the conversation, and each turn's role marks.
const FRAME_TOKENS: u64 = 4;
const TURN_TOKENS: u64 = 3;

impl Inspection<'_> {
    /// The raw guess of the input tokens (before any learning) and the kind of text that it rests on.
    #[must_use]
    pub fn estimate(&self) -> RawEstimate {
        let mut walk = TokenWalk::default();
        self.texts.iter().for_each(|text| walk.text(text));
        let texts = walk.finish();
        let kind = if self.other_tokens > texts.tokens { TextKind::Attachment } else { texts.kind };
        let frame = FRAME_TOKENS + TURN_TOKENS * u64::from(self.turns);
        RawEstimate { tokens: texts.tokens + self.other_tokens + frame, kind }
    }
}

object! {
    /// The top level of a request body of any family.
    Request<'a>: "a JSON object" {
        messages: "messages" => List<Message<'a>>,
        system: "system" => Content<'a>,
        prompt: "prompt" => Text<'a>,
        input_text: "inputText" => Text<'a>,
        anthropic_version: "anthropic_version" => Text<'a>,
        schema_version: "schemaVersion" => Text<'a>,
        inference_config: "inferenceConfig" => InferenceConfig<'a>,
        text_generation_config: "textGenerationConfig" => TextGenerationConfig<'a>,
        max_tokens: "max_tokens" => Count,
        max_tokens_to_sample: "max_tokens_to_sample" => Count,
        max_gen_len: "max_gen_len" => Count,
        max_completion_tokens: "max_completion_tokens" => Count,
        tools: "tools" => &'a RawValue,
        tool_config: "toolConfig" => ToolConfig<'a>,
        output_config: "outputConfig" => &'a RawValue,
        response_format: "response_format" => &'a RawValue,
        documents: "documents" => &'a RawValue,
        prompt_variables: "promptVariables" => &'a RawValue,
    }
}

object! {
    InferenceConfig<'a>: "an object" {
        max_tokens: "maxTokens" => Count,
        max_new_tokens: "max_new_tokens" => Count,
    }
}

object! {
    TextGenerationConfig<'a>: "an object" {
        max_token_count: "maxTokenCount" => Count,
    }
}

object! {
    ToolConfig<'a>: "an object" {
        tools: "tools" => &'a RawValue,
    }
}

/// What a `messages` list looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Only content blocks as Converse has them, or no messages at all.
    Union,
    /// Plain strings or blocks with `type`: the chat forms.
    Chat,
}

impl Request<'_> {
    fn style(&self) -> Style {
        let plain_system = matches!(&self.system, Some(Content::Plain(_)));
        let chat = |message: &Message<'_>| match &message.content {
            Some(Content::Plain(_)) => true,
            Some(Content::Blocks(blocks)) => blocks.iter().any(|block| block.kind.is_some()),
            None => false,
        };
        let chat_turns = self.messages.as_ref().is_some_and(|messages| messages.0.iter().any(chat));
        if plain_system || chat_turns { Style::Chat } else { Style::Union }
    }

    /// Whether something in the body can only be in an `InvokeModel` body.
    fn has_invoke_mark(&self) -> bool {
        self.anthropic_version.is_some()
            || self.schema_version.is_some()
            || self.prompt.is_some()
            || self.input_text.is_some()
            || self.text_generation_config.is_some()
            || self.max_tokens.is_some()
            || self.max_tokens_to_sample.is_some()
            || self.max_gen_len.is_some()
            || self.max_completion_tokens.is_some()
            || self.tools.is_some()
            || self.inference_config.as_ref().is_some_and(|config| config.max_new_tokens.is_some())
            || self.style() == Style::Chat
    }

    /// The family of an `InvokeModel` body: the model's, refined by the body where a model takes two forms, or told by
    /// the body alone where the model's id does not tell.
    fn invoke_form(&self, model: &str) -> Option<Family> {
        let completion = self.prompt.is_some() && self.messages.is_none();
        match invoke_family(model) {
            Some(Family::AnthropicMessages | Family::AnthropicText) if completion => Some(Family::AnthropicText),
            Some(Family::AnthropicMessages | Family::AnthropicText) => Some(Family::AnthropicMessages),
            Some(Family::MistralText | Family::MistralChat) if completion => Some(Family::MistralText),
            Some(Family::MistralText | Family::MistralChat) => Some(Family::MistralChat),
            Some(family) => Some(family),
            None if self.max_tokens_to_sample.is_some() => Some(Family::AnthropicText),
            None if self.anthropic_version.is_some() => Some(Family::AnthropicMessages),
            None if self.schema_version.is_some() => Some(Family::Nova),
            None if self.input_text.is_some() => Some(Family::Titan),
            None if self.max_gen_len.is_some() => Some(Family::Llama),
            None if self.messages.is_some() => Some(Family::OpenAi),
            None => {
                let prompt = self.prompt.as_ref().map(|text| text.0.as_ref())?;
                if prompt.contains("[INST]") {
                    Some(Family::MistralText)
                } else if prompt.contains("<|begin_of_text|>") || prompt.contains("<|start_header_id|>") {
                    Some(Family::Llama)
                } else {
                    None
                }
            }
        }
    }
}

/// Decides what `body` is, checks that it can be sent to `model`, and finds its output limit and texts.
///
/// One pass, borrowing from `body` wherever a text holds no escapes.
///
/// # Errors
/// One line that names the field and what is expected, if the body is not JSON, is of no form that the model takes, or
/// lacks what that form needs.
pub fn inspect<'a>(model: &str, choice: ApiChoice, body: &'a [u8]) -> Result<Inspection<'a>, BodyError> {
    let body = std::str::from_utf8(body)
        .map_err(|e| BodyError::new(format!("not UTF-8 at byte {} of the body", e.valid_up_to())))?;
    let request: Request<'a> = serde_json::from_str(body).map_err(|e| unreadable(&e))?;
    let converse = match choice {
        ApiChoice::Auto => !request.has_invoke_mark(),
        ApiChoice::Converse => true,
        ApiChoice::Invoke => false,
    };
    let form = if converse { Some(Family::Converse) } else { request.invoke_form(model) };
    let wanted = invoke_family(model).map_or("a known family", Family::name);
    let Some(family) = form else {
        return Err(BodyError::new(format!(
            "not an InvokeModel body of {wanted}: model {model} does not tell its form"
        )));
    };
    let checked = check(model, family, request);
    let (max_tokens, turns, gathered) = checked.map_err(|defect| match (defect, choice) {
        (Defect::Value(line), _) => BodyError::new(line),
        (Defect::Form(line), ApiChoice::Auto) => {
            let wanted = if converse { wanted } else { family.name() };
            BodyError::new(format!("neither a Converse body nor an InvokeModel body of {wanted}: {line}"))
        }
        (Defect::Form(line), ApiChoice::Converse) => BodyError::new(format!("not a Converse body: {line}")),
        (Defect::Form(line), ApiChoice::Invoke) => {
            BodyError::new(format!("not an InvokeModel body of {family}: {line}"))
        }
    })?;
    Ok(Inspection {
        api: if family == Family::Converse { Api::Converse } else { Api::Invoke },
        family,
        max_tokens,
        texts: gathered.texts,
        other_bytes: gathered.other_bytes,
        other_tokens: gathered.other_tokens,
        turns,
    })
}

/// A reading error in the user's words: the position only where the JSON itself is broken.
fn unreadable(error: &serde_json::Error) -> BodyError {
    let line = error.to_string();
    if !error.is_data() {
        return BodyError::new(format!("not JSON: {line}"));
    }
    // The position is the field's: the path says it better.
    let line = line.rsplit_once(" at line ").map_or(line.as_str(), |(line, _)| line);
    match line.strip_prefix('.') {
        Some(field) => BodyError::new(field),
        None => BodyError::new(format!("the body is not usable: {line}")),
    }
}

/// Why a body fails.
enum Defect {
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

type Checked<'a> = Result<(Option<u64>, u32, Gathered<'a>), Defect>;

fn check<'a>(model: &str, family: Family, request: Request<'a>) -> Checked<'a> {
    let count = |count: Option<Count>| count.map(|count| count.0);
    let mut gathered = Gathered::default();
    let (max_tokens, turns) = match family {
        Family::Converse | Family::Nova => {
            let config = request.inference_config.unwrap_or_default();
            let max_tokens = config.max_tokens.or(config.max_new_tokens);
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
            let max_tokens = request.max_completion_tokens.or(request.max_tokens);
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
