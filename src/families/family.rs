//! Which family of bodies a model id speaks.

use crate::record::Family;

/// Providers whose open-weight models Bedrock serves in the OpenAI chat form.
const OPENAI_FORM: [&str; 9] = [
    "openai.gpt-oss",
    "qwen.",
    "deepseek.v3",
    "google.gemma",
    "minimax.",
    "moonshot",
    "nvidia.",
    "zai.",
    "writer.palmyra-vision",
];

/// Mistral models that take `prompt`; all later ones take `messages`.
const MISTRAL_TEXT: [&str; 4] =
    ["mistral.mistral-7b-", "mistral.mixtral-", "mistral.mistral-small-2402", "mistral.mistral-large-2402"];

/// The family of a model's `InvokeModel` body. Takes foundation model ids, inference profile ids and ARNs of both.
///
/// `None` for ids that do not tell (provisioned models, application inference profiles, imported models) and for
/// models that generate no text; [`inspect`](super::inspect) then goes by the body.
#[must_use]
pub fn invoke_family(model: &str) -> Option<Family> {
    let id = model.rsplit('/').next().unwrap_or(model);
    // A profile id has a prefix (`us.`, `global.`, `us-gov.`) before the provider.
    let names = |provider: &str| {
        id.starts_with(provider) || id.split_once('.').is_some_and(|(_, rest)| rest.starts_with(provider))
    };
    if names("anthropic.claude-v2") || names("anthropic.claude-instant") {
        Some(Family::AnthropicText)
    } else if names("anthropic.") {
        Some(Family::AnthropicMessages)
    } else if names("amazon.nova-") {
        writes_text(id).then_some(Family::Nova)
    } else if names("amazon.titan-text-") || names("amazon.titan-tg1") {
        Some(Family::Titan)
    } else if names("meta.llama") {
        Some(Family::Llama)
    } else if names("mistral.") {
        Some(if MISTRAL_TEXT.iter().any(|text| names(text)) { Family::MistralText } else { Family::MistralChat })
    } else if names("ai21.jamba") {
        Some(Family::Jamba)
    } else if OPENAI_FORM.iter().any(|provider| names(provider)) {
        Some(Family::OpenAi)
    } else {
        None
    }
}

/// Marks in the ids of models that write no text: embeddings, ranking, pictures, video, speech.
const NO_TEXT: [&str; 9] =
    ["embed", "rerank", "titan-image", "nova-canvas", "nova-reel", "nova-sonic", "stability.", "luma.", "marengo"];

/// Whether a model writes text, as far as its id tells.
pub(super) fn writes_text(model: &str) -> bool {
    !NO_TEXT.iter().any(|mark| model.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_profiles_and_arns_tell_the_family() {
        for (model, family) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", Some(Family::AnthropicMessages)),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", Some(Family::AnthropicMessages)),
            ("anthropic.claude-v2:1", Some(Family::AnthropicText)),
            ("anthropic.claude-instant-v1", Some(Family::AnthropicText)),
            ("us-gov.anthropic.claude-3-haiku-20240307-v1:0", Some(Family::AnthropicMessages)),
            ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0", Some(Family::Nova)),
            ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-70b-instruct-v1:0", Some(Family::Llama)),
            ("amazon.titan-text-express-v1", Some(Family::Titan)),
            ("amazon.titan-embed-text-v2:0", None),
            ("amazon.nova-canvas-v1:0", None),
            ("mistral.mixtral-8x7b-instruct-v0:1", Some(Family::MistralText)),
            ("mistral.mistral-large-2407-v1:0", Some(Family::MistralChat)),
            ("eu.mistral.pixtral-large-2502-v1:0", Some(Family::MistralChat)),
            ("ai21.jamba-1-5-mini-v1:0", Some(Family::Jamba)),
            ("openai.gpt-oss-120b-1:0", Some(Family::OpenAi)),
            ("qwen.qwen3-32b-v1:0", Some(Family::OpenAi)),
            ("deepseek.r1-v1:0", None),
            ("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl", None),
            ("", None),
        ] {
            assert_eq!(invoke_family(model), family, "{model}");
        }
    }
}
