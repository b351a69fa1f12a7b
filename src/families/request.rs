//! The top level of a request body, in the forms of all families, and which form it is.

use serde_json::value::RawValue;

use super::content::{Content, Message};
use super::object::{Count, List, Text, object};
use super::{Family, invoke_family};

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
pub(super) enum Style {
    /// Only content blocks as Converse has them, or no messages at all.
    Union,
    /// Plain strings or blocks with `type`: the chat forms.
    Chat,
}

impl Request<'_> {
    pub(super) fn style(&self) -> Style {
        let plain_system = matches!(&self.system, Some(Content::Plain(_)));
        let chat = |message: &Message<'_>| match &message.content {
            Some(Content::Plain(_)) => true,
            Some(Content::Blocks(blocks)) => blocks.iter().any(|block| block.kind.is_some()),
            None => false,
        };
        let chat_turns = self.messages.as_ref().is_some_and(|messages| messages.0.iter().any(chat));
        if plain_system || chat_turns { Style::Chat } else { Style::Union }
    }

    /// An output limit that is given, in any form.
    pub(super) fn limit(&self) -> Option<&'static str> {
        let config = self.inference_config.as_ref();
        let titan = self.text_generation_config.as_ref();
        let given = [
            ("inferenceConfig.maxTokens", config.is_some_and(|config| config.max_tokens.is_some())),
            ("inferenceConfig.max_new_tokens", config.is_some_and(|config| config.max_new_tokens.is_some())),
            ("textGenerationConfig.maxTokenCount", titan.is_some_and(|config| config.max_token_count.is_some())),
            ("max_tokens", self.max_tokens.is_some()),
            ("max_tokens_to_sample", self.max_tokens_to_sample.is_some()),
            ("max_gen_len", self.max_gen_len.is_some()),
            ("max_completion_tokens", self.max_completion_tokens.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }

    /// A member that asks for what batch inference has not: tools, structured output.
    pub(super) fn not_in_batch(&self) -> Option<&'static str> {
        let given = [
            ("toolConfig", self.tool_config.is_some()),
            ("tools", self.tools.is_some()),
            ("outputConfig", self.output_config.is_some()),
            ("response_format", self.response_format.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }

    /// Whether something in the body can only be in an `InvokeModel` body.
    pub(super) fn has_invoke_mark(&self) -> bool {
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
    pub(super) fn invoke_form(&self, model: &str) -> Option<Family> {
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
            None if self.messages.is_some() && self.style() == Style::Union => Some(Family::Nova),
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
