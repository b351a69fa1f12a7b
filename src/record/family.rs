//! The forms of request and reply bodies.

use std::fmt;

use super::Api;

/// A form of request and reply bodies. One model can speak several (each speaks Converse, if it offers it at all).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// The body of `Converse` and `ConverseStream`, the same for all models.
    Converse,
    /// Anthropic Messages, `anthropic_version` `bedrock-2023-05-31`.
    AnthropicMessages,
    /// The older Anthropic text completion: `prompt` with `\n\nHuman:` and `\n\nAssistant:`. Claude 2 and Instant.
    AnthropicText,
    /// Amazon Nova, `schemaVersion` `messages-v1`.
    Nova,
    /// Meta Llama: `prompt`, `max_gen_len`.
    Llama,
    /// Amazon Titan Text: `inputText`, `textGenerationConfig`.
    Titan,
    /// Mistral text completion: `prompt`, `outputs`.
    MistralText,
    /// Mistral chat completion: `messages`, `choices`.
    MistralChat,
    /// AI21 Jamba: `messages`, `choices`, `usage`.
    Jamba,
    /// OpenAI chat completion: gpt-oss and the other open-weight models that Bedrock serves in this form.
    OpenAi,
}

impl Family {
    /// All families.
    pub const ALL: [Family; 10] = [
        Family::Converse,
        Family::AnthropicMessages,
        Family::AnthropicText,
        Family::Nova,
        Family::Llama,
        Family::Titan,
        Family::MistralText,
        Family::MistralChat,
        Family::Jamba,
        Family::OpenAi,
    ];

    /// Which operations carry bodies of this family.
    #[must_use]
    pub const fn api(self) -> Api {
        match self {
            Family::Converse => Api::Converse,
            _ => Api::Invoke,
        }
    }

    /// The position in [`Family::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Family::Converse => "Converse",
            Family::AnthropicMessages => "Anthropic Messages",
            Family::AnthropicText => "Anthropic text completion",
            Family::Nova => "Amazon Nova",
            Family::Llama => "Meta Llama",
            Family::Titan => "Amazon Titan Text",
            Family::MistralText => "Mistral text completion",
            Family::MistralChat => "Mistral chat completion",
            Family::Jamba => "AI21 Jamba",
            Family::OpenAi => "OpenAI chat completion",
        }
    }

    /// Whether the service refuses a body of this family that sets no output limit.
    #[must_use]
    pub const fn requires_max_tokens(self) -> bool {
        matches!(self, Family::AnthropicMessages | Family::AnthropicText)
    }

    /// Where the output limit sits in a body of this family.
    #[must_use]
    pub const fn max_tokens_field(self) -> &'static str {
        match self {
            Family::Converse | Family::Nova => "inferenceConfig.maxTokens",
            Family::AnthropicText => "max_tokens_to_sample",
            Family::Llama => "max_gen_len",
            Family::Titan => "textGenerationConfig.maxTokenCount",
            Family::OpenAi => "max_completion_tokens",
            Family::AnthropicMessages | Family::MistralText | Family::MistralChat | Family::Jamba => "max_tokens",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
