//! A model and its price.

use serde::{Deserialize, Serialize};

/// Models that meter, price and speak alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFamily {
    /// Anthropic Claude.
    Claude,
    /// Amazon Nova.
    Nova,
    /// Amazon Titan Text.
    Titan,
    /// Meta Llama.
    Llama,
    /// Mistral AI.
    Mistral,
    /// AI21 Jamba.
    Jamba,
    /// OpenAI gpt-oss.
    GptOss,
    /// DeepSeek.
    #[serde(rename = "deepseek")]
    DeepSeek,
    /// Qwen.
    Qwen,
}

/// A foundation model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Foundation model id, e.g. `amazon.nova-lite-v1:0`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Who made it.
    pub provider: String,
    /// Its family.
    pub family: ModelFamily,
    /// Quota tokens at which one output token is settled (facts §2.2.4). Applies at settlement only, not to the
    /// reservation.
    pub burndown: u32,
    /// Output tokens that are reserved when a request sets no limit (facts §2.2).
    pub default_max_output: u64,
    /// The largest output limit that the service accepts; above it a request is refused.
    pub max_output: u64,
    /// Input and output together, tokens.
    pub context_window: u64,
    /// Base price; `None` if not known.
    #[serde(default)]
    pub price: Option<Price>,
    /// Calls through a geographic profile cost 10 % more (facts §2.7).
    #[serde(default)]
    pub profile_surcharge: bool,
    /// The id may be called without an inference profile.
    pub on_demand: bool,
    /// Prefixes of its system-defined inference profiles: `us`, `eu`, `apac`, `global`, ...
    pub profiles: Vec<String>,
    /// False: there is no requests-per-minute quota for it (Claude Opus 4.7, Sonnet 5 and newer).
    #[serde(default = "yes")]
    pub rpm_quota: bool,
    /// CountTokens answers for it.
    #[serde(default)]
    pub count_tokens: bool,
    /// It has streaming operations.
    #[serde(default = "yes")]
    pub streaming: bool,
    /// It speaks Converse.
    #[serde(default = "yes")]
    pub converse: bool,
    /// Source Regions in which it can be called; empty: no restriction is known.
    #[serde(default)]
    pub regions: Vec<String>,
    /// How Service Quotas writes the model in quota names.
    pub quota_names: Vec<String>,
    /// How Service Quotas writes it in the quotas of batch inference; empty: no such rows are known.
    #[serde(default)]
    pub batch_names: Vec<String>,
}

/// USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Input that is neither read from nor written to the cache.
    pub input: f64,
    /// Output, reasoning included.
    pub output: f64,
    /// Input read from the cache; `None`: not known.
    #[serde(default)]
    pub cache_read: Option<f64>,
    /// Input written to the cache for five minutes; `None`: not known.
    #[serde(default)]
    pub cache_write: Option<f64>,
    /// Batch inference: input, output; `None`: not known.
    #[serde(default)]
    pub batch: Option<(f64, f64)>,
}

fn yes() -> bool {
    true
}
