//! What a Service Quotas name means.
//!
//! RPM and TPM quotas carry neither a usage metric nor a period (facts §0.8): the name is all there is. Two spellings
//! are about: "model inference" today, "InvokeModel" in 2025; and both "Cross-Region" and "Cross-region" occur.

use super::{BucketKind, Metric};

/// Which buckets a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applies {
    /// One bucket of the model.
    Bucket(BucketKind),
    /// The model's day, on demand and through geographic profiles; through the latter `cross_region_factor` times the
    /// value ("doubled for cross-region calls").
    ModelDay {
        /// 1 or 2.
        cross_region_factor: u64,
    },
    /// All models of the account together.
    Account,
}

/// Which calls of a model a quota is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The ordinary ones.
    Standard,
    /// Those with a context above 200,000 tokens ("1M Context Length").
    LongContext,
    /// Those that ask for latency-optimized inference.
    LatencyOptimized,
}

/// A quota name understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaMeaning {
    /// Which buckets it limits.
    pub applies: Applies,
    /// What it counts.
    pub metric: Metric,
    /// Which calls it is about.
    pub variant: Variant,
    /// The model, in the words of the quota name; empty for the account's quota.
    pub model: String,
    /// Its foundation model ids. Empty for the account's quota, for the special variants (they limit buckets that no
    /// model id names) and for old models whose ids are not known.
    pub model_ids: Vec<String>,
}

impl QuotaMeaning {
    /// How many times the quota's value a bucket of one of `model_ids` may use; `None`: it does not limit that bucket.
    #[must_use]
    pub fn factor(&self, kind: BucketKind) -> Option<u64> {
        match self.applies {
            _ if self.variant != Variant::Standard => None,
            Applies::Bucket(own) => (own == kind).then_some(1),
            Applies::ModelDay { cross_region_factor } => match kind {
                BucketKind::Base => Some(1),
                BucketKind::Geo => Some(cross_region_factor),
                BucketKind::Global => None,
            },
            Applies::Account => None,
        }
    }
}

/// Reads a quota name; `model_ids` stays empty. `None` if it is no quota of on-demand inference per minute or day.
pub(super) fn parse(name: &str) -> Option<QuotaMeaning> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    // Both copies have the same byte offsets: only ASCII letters change.
    let lower = name.to_ascii_lowercase();
    if lower == "cross-model max tokens per day" {
        return Some(meaning(Applies::Account, Metric::Tpd, Variant::Standard, ""));
    }
    let (head, _) = lower.split_once(" for ")?;
    let mut model = name.get(head.len() + " for ".len()..)?;
    if head == "model invocation max tokens per day" {
        let doubled = strip_suffix_ignoring_case(model, " (doubled for cross-region calls)");
        let cross_region_factor = if doubled.is_some() { 2 } else { 1 };
        model = doubled.unwrap_or(model);
        return Some(meaning(Applies::ModelDay { cross_region_factor }, Metric::Tpd, Variant::Standard, model));
    }
    let (head, metric) =
        [(" requests per minute", Metric::Rpm), (" tokens per minute", Metric::Tpm), (" tokens per day", Metric::Tpd)]
            .into_iter()
            .find_map(|(words, metric)| Some((head.strip_suffix(words)?, metric)))?;
    let head = head.strip_suffix(" model inference").or_else(|| head.strip_suffix(" invokemodel"))?;
    let (kind, mut variant) = match head {
        "on-demand" => (BucketKind::Base, Variant::Standard),
        "on-demand latency-optimized" | "on-demand, latency-optimized" => (BucketKind::Base, Variant::LatencyOptimized),
        "cross-region" => (BucketKind::Geo, Variant::Standard),
        "global cross-region" => (BucketKind::Global, Variant::Standard),
        _ => return None,
    };
    if let Some(short) = strip_suffix_ignoring_case(model, " 1M Context Length") {
        model = short;
        variant = Variant::LongContext;
    }
    Some(meaning(Applies::Bucket(kind), metric, variant, model))
}

fn meaning(applies: Applies, metric: Metric, variant: Variant, model: &str) -> QuotaMeaning {
    QuotaMeaning { applies, metric, variant, model: model.to_owned(), model_ids: Vec::new() }
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let (head, tail) = (text.get(..at)?, text.get(at..)?);
    tail.eq_ignore_ascii_case(suffix).then_some(head)
}

/// A model's name as it is compared: lower case, single spaces, and without a final `V1`, which the same model has in
/// some names and lacks in others.
pub(super) fn normalised(model: &str) -> String {
    let name = model.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    name.strip_suffix(" v1").map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_of_names_is_understood() {
        use Applies::{Account, Bucket, ModelDay};
        use Variant::{LatencyOptimized, LongContext, Standard};
        for (name, applies, metric, variant, model) in [
            (
                "On-demand model inference tokens per minute for Amazon Nova Lite",
                Bucket(BucketKind::Base),
                Metric::Tpm,
                Standard,
                "Amazon Nova Lite",
            ),
            (
                "On-demand InvokeModel requests per minute for Anthropic Claude 3 Haiku",
                Bucket(BucketKind::Base),
                Metric::Rpm,
                Standard,
                "Anthropic Claude 3 Haiku",
            ),
            (
                "Cross-Region InvokeModel tokens per minute for Anthropic Claude 3.5 Haiku",
                Bucket(BucketKind::Geo),
                Metric::Tpm,
                Standard,
                "Anthropic Claude 3.5 Haiku",
            ),
            (
                "Cross-region model inference requests per minute for DeepSeek R1 V1",
                Bucket(BucketKind::Geo),
                Metric::Rpm,
                Standard,
                "DeepSeek R1 V1",
            ),
            (
                "Global cross-region model inference tokens per day for Anthropic Claude Opus 4.5",
                Bucket(BucketKind::Global),
                Metric::Tpd,
                Standard,
                "Anthropic Claude Opus 4.5",
            ),
            (
                "Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)",
                ModelDay { cross_region_factor: 2 },
                Metric::Tpd,
                Standard,
                "Amazon Nova Pro",
            ),
            (
                "Model invocation max tokens per day for Anthropic Claude Opus 4 V1",
                ModelDay { cross_region_factor: 1 },
                Metric::Tpd,
                Standard,
                "Anthropic Claude Opus 4 V1",
            ),
            ("Cross-Model Max Tokens Per Day", Account, Metric::Tpd, Standard, ""),
            (
                "Cross-region model inference tokens per minute for Anthropic Claude Sonnet 4 V1 1M Context Length",
                Bucket(BucketKind::Geo),
                Metric::Tpm,
                LongContext,
                "Anthropic Claude Sonnet 4 V1",
            ),
            (
                "On-Demand, latency-optimized model inference requests per minute for Meta Llama 3.1 70B Instruct",
                Bucket(BucketKind::Base),
                Metric::Rpm,
                LatencyOptimized,
                "Meta Llama 3.1 70B Instruct",
            ),
        ] {
            assert_eq!(parse(name), Some(meaning(applies, metric, variant, model)), "{name}");
        }
    }

    #[test]
    fn other_quotas_are_not_mistaken() {
        for name in [
            "(Model customization) Sum of on demand custom model deployment tokens per minute for Amazon Nova Lite",
            "[bedrock-mantle endpoint] Input tokens per minute for GPT-5.4",
            "On-demand InvokeModel concurrent requests for Amazon Nova 2 Sonic",
            "Records per batch inference job for Claude 3 Haiku",
            "Model units per provisioned model for Anthropic Claude 3 Haiku 200K",
            "CreateAgent requests per second",
            "tokens per minute for ",
            " for ",
            "",
            "\u{e9}\u{e9} tokens per minute for \u{130}",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
