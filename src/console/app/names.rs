//! Names short enough for a column.

use crate::record::ModelId;

/// A model's name without its provider and version, for narrow columns: `claude-3-haiku`; a geography stays, and so does
/// the context variant of provisioned throughput: `nova-pro:24k`.
#[must_use]
pub fn short_model(model: &ModelId) -> String {
    let id = model.as_str();
    // An ARN's last part names it best.
    let id = id.rsplit('/').next().unwrap_or(id);
    let context = id.rsplit_once(':').map(|(_, context)| context).filter(|context| is_context(context));
    let mut parts: Vec<&str> = id.split('.').collect();
    let profile =
        parts.first().filter(|p| matches!(**p, "us" | "eu" | "apac" | "jp" | "au" | "ca" | "us-gov" | "global"));
    let profile = profile.copied();
    let base = if parts.len() > 1 {
        parts.split_off(if profile.is_some() { 2.min(parts.len() - 1) } else { 1 }).join(".")
    } else {
        id.to_owned()
    };
    let base = base.split(':').next().unwrap_or(&base);
    // `-v1` and a date say which build it is, not which model.
    let build = base.strip_suffix("-v1").or_else(|| base.strip_suffix("-v2")).filter(|rest| rest.contains('-'));
    let base = build.unwrap_or(base);
    let dated = base.rsplit_once('-').filter(|(_, date)| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
    let base = dated.map_or(base, |(name, _)| name);
    let name = profile.map_or_else(|| base.to_owned(), |profile| format!("{profile}.{base}"));
    context.map_or_else(|| name.clone(), |context| format!("{name}:{context}"))
}

/// `24k`, `200k`.
fn is_context(text: &str) -> bool {
    text.strip_suffix('k').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_keep_what_tells_them_apart() {
        for (id, short) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.claude-sonnet-4-5"),
            ("global.anthropic.claude-opus-4-6-v1", "global.claude-opus-4-6"),
            ("amazon.nova-micro-v1:0", "nova-micro"),
            ("meta.llama3-1-8b-instruct-v1:0", "llama3-1-8b-instruct"),
            ("ai21.jamba-1-5-mini-v1:0", "jamba-1-5-mini"),
            ("deepseek.v3.2", "v3.2"),
            ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123", "abc123"),
            ("amazon.nova-pro-v1:0:24k", "nova-pro:24k"),
            ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1:18k", "claude-v2:18k"),
            ("odd", "odd"),
            ("us.odd", "us.odd"),
            ("", ""),
        ] {
            assert_eq!(short_model(&id.into()), short, "{id}");
        }
    }
}
