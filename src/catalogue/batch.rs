//! The limits of batch inference jobs (facts §2.3).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Catalogue, Model, QuotaRow};

/// A limit of batch inference that Service Quotas lists for each model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchLimit {
    /// Records that a job must have at least.
    MinRecords,
    /// Records of a job, at most.
    RecordsPerJob,
    /// Records of one input file, at most.
    RecordsPerFile,
    /// Size of one input file, in GB, at most.
    FileGigabytes,
    /// Size of all input files of a job, in GB, at most.
    JobGigabytes,
    /// Jobs that are neither done nor failed, at most.
    Jobs,
}

impl BatchLimit {
    /// All of them.
    pub const ALL: [BatchLimit; 6] = [
        BatchLimit::MinRecords,
        BatchLimit::RecordsPerJob,
        BatchLimit::RecordsPerFile,
        BatchLimit::FileGigabytes,
        BatchLimit::JobGigabytes,
        BatchLimit::Jobs,
    ];

    /// The limit of a model of which no row is known: what most rows say, in the newest source.
    #[must_use]
    pub const fn usual(self) -> u64 {
        match self {
            BatchLimit::MinRecords => 100,
            BatchLimit::RecordsPerJob | BatchLimit::RecordsPerFile => 100_000,
            BatchLimit::FileGigabytes => 1,
            BatchLimit::JobGigabytes => 5,
            BatchLimit::Jobs => 20,
        }
    }

    const fn metric(self) -> &'static str {
        match self {
            BatchLimit::MinRecords => "min_records",
            BatchLimit::RecordsPerJob => "records_per_job",
            BatchLimit::RecordsPerFile => "records_per_file",
            BatchLimit::FileGigabytes => "file_size_gb",
            BatchLimit::JobGigabytes => "job_size_gb",
            BatchLimit::Jobs => "concurrent_jobs",
        }
    }
}

impl Catalogue {
    /// The Service Quotas row of a batch limit of the model behind `id`; `None` if no row of that model is known.
    #[must_use]
    pub fn batch_quota(&self, id: &str, limit: BatchLimit) -> Option<&QuotaRow> {
        let names = &self.model(id)?.batch_names;
        self.quotas().iter().find(|row| {
            row.scope.as_deref() == Some("batch")
                && row.metric.as_deref() == Some(limit.metric())
                && row.model.as_ref().is_some_and(|model| names.contains(model))
                && !row.name.contains("custom model")
        })
    }

    /// What a row of Service Quotas says about batch inference, and the foundation models that it is about. `None` for
    /// every other quota, for custom models, and for models that are not in this catalogue.
    #[must_use]
    pub fn match_batch_limit(&self, name: &str) -> Option<(BatchLimit, Vec<&str>)> {
        let (limit, named) = parse(name)?;
        let is = |model: &&Model| model.batch_names.iter().any(|name| name.eq_ignore_ascii_case(&named));
        let known: Vec<&str> = self.models().iter().filter(is).map(|model| model.id.as_str()).collect();
        if !known.is_empty() {
            return Some((limit, known));
        }
        // A model whose batch rows nobody has published yet: by the name that its other quotas have.
        let words = words(&named);
        let alike = |model: &&Model| {
            std::iter::once(&model.name).chain(&model.quota_names).any(|name| self::words(name) == words)
        };
        let ids: Vec<&str> = self.models().iter().filter(alike).map(|model| model.id.as_str()).collect();
        (!ids.is_empty()).then_some((limit, ids))
    }

    /// The published default of a batch limit of the model behind `id` in `region`, else [`BatchLimit::usual`].
    #[must_use]
    pub fn batch_limit(&self, region: &str, id: &str, limit: BatchLimit) -> u64 {
        let row = self.batch_quota(id, limit);
        let published = row.and_then(|row| row.default_in(region)).map(|default| default.value.max(0.0) as u64);
        published.unwrap_or(limit.usual())
    }
}

/// How the names of the quotas begin, in lower case.
const NAMES: [(&str, BatchLimit); 6] = [
    ("minimum number of records per batch inference job for ", BatchLimit::MinRecords),
    ("records per batch inference job for ", BatchLimit::RecordsPerJob),
    ("records per input file per batch inference job for ", BatchLimit::RecordsPerFile),
    ("batch inference input file size", BatchLimit::FileGigabytes),
    ("batch inference job size", BatchLimit::JobGigabytes),
    ("sum of in-progress and submitted batch inference jobs using a base model for ", BatchLimit::Jobs),
];

fn parse(name: &str) -> Option<(BatchLimit, String)> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    NAMES.into_iter().find_map(|(begin, limit)| {
        let model = name.strip_prefix(begin)?;
        // The sizes say `(in GB)` before or after the model.
        let model = model.replace("(in gb)", "");
        let model = model.trim();
        let model = model.strip_prefix("for ").unwrap_or(model).trim();
        (!model.is_empty()).then(|| (limit, model.to_owned()))
    })
}

/// A model's name as a set of words: `Claude Sonnet 4.6` is `Anthropic Claude Sonnet 4.6 V1`.
fn words(model: &str) -> BTreeSet<String> {
    const NOISE: [&str; 8] = ["anthropic", "amazon", "meta", "openai", "mistral", "ai", "claude", "instruct"];
    let plain = model.to_ascii_lowercase().replace(['-', '_'], " ");
    let words = plain.split_whitespace().map(|word| word.trim_end_matches('.'));
    words.filter(|word| !NOISE.contains(word) && *word != "v1").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_batch_quotas_are_understood() {
        let catalogue = Catalogue::embedded();
        for (name, limit, id) in [
            (
                "Minimum number of records per batch inference job for Claude 3 Haiku",
                BatchLimit::MinRecords,
                "anthropic.claude-3-haiku-20240307-v1:0",
            ),
            ("Batch inference job size (in GB) for Nova Pro V1", BatchLimit::JobGigabytes, "amazon.nova-pro-v1:0"),
            (
                "Sum of in-progress and submitted batch inference jobs using a base model for Sonnet 4.5.",
                BatchLimit::Jobs,
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
            ),
            (
                "Records per input file per batch inference job for Claude Sonnet 4.6",
                BatchLimit::RecordsPerFile,
                "anthropic.claude-sonnet-4-6",
            ),
        ] {
            assert_eq!(catalogue.match_batch_limit(name), Some((limit, vec![id])), "{name}");
        }
        for other in ["Batch inference job size", "Records per minute for Claude 3 Haiku", "", "\u{130} for x"] {
            assert_eq!(catalogue.match_batch_limit(other), None, "{other}");
        }
    }

    #[test]
    fn published_limits_are_found() {
        let catalogue = Catalogue::embedded();
        let of = |id: &str, limit| catalogue.batch_limit("us-east-1", id, limit);
        assert_eq!(of("meta.llama4-scout-17b-instruct-v1:0", BatchLimit::MinRecords), 50);
        assert_eq!(of("us.amazon.nova-lite-v1:0", BatchLimit::RecordsPerJob), 50_000);
        assert_eq!(of("anthropic.claude-sonnet-4-20250514-v1:0", BatchLimit::RecordsPerJob), 100_000);
        assert_eq!(of("amazon.nova-pro-v1:0", BatchLimit::JobGigabytes), 100);
        assert_eq!(of("anthropic.claude-sonnet-4-6", BatchLimit::RecordsPerJob), 100_000, "no row is known");
        let row = catalogue.batch_quota("anthropic.claude-3-haiku-20240307-v1:0", BatchLimit::Jobs).unwrap();
        assert_eq!(row.code.as_deref(), Some("L-1570CF9E"));
    }

    /// Every row of batch inference belongs to a model of the catalogue, but for the embeddings.
    #[test]
    fn no_row_is_left_without_its_model() {
        let catalogue = Catalogue::embedded();
        let known: Vec<&String> = catalogue.models().iter().flat_map(|model| &model.batch_names).collect();
        let batch = catalogue.quotas().iter().filter(|row| row.scope.as_deref() == Some("batch"));
        let strangers: Vec<&String> = batch
            .filter_map(|row| row.model.as_ref())
            .filter(|model| !known.contains(model) && !model.contains("Embeddings"))
            .collect();
        assert!(strangers.is_empty(), "{strangers:?}");
    }
}
