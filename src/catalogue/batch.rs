//! The limits of batch inference jobs (facts §2.3).

use serde::{Deserialize, Serialize};

use super::{Catalogue, QuotaRow};

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

    /// The published default of a batch limit of the model behind `id` in `region`, else [`BatchLimit::usual`].
    #[must_use]
    pub fn batch_limit(&self, region: &str, id: &str, limit: BatchLimit) -> u64 {
        let row = self.batch_quota(id, limit);
        let published = row.and_then(|row| row.default_in(region)).map(|default| default.value.max(0.0) as u64);
        published.unwrap_or(limit.usual())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
