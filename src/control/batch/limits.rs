//! What a batch job of a model may be like in a Region, and who said so.

use crate::bedrock::QuotaEntry;
use crate::catalogue::{BatchLimit, Catalogue};
use crate::record::Region;

/// What a job may be like. `None`: nobody says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchLimits {
    /// The fewest records.
    pub min_records: Option<u64>,
    /// The most records of a job.
    pub records_per_job: Option<u64>,
    /// The most records of a file.
    pub records_per_file: Option<u64>,
    /// The largest file, bytes.
    pub file_bytes: Option<u64>,
    /// The largest job, bytes.
    pub job_bytes: Option<u64>,
    /// Jobs at a time.
    pub jobs: Option<u32>,
}

/// Bytes of a gigabyte in these quotas. Nobody says which one is meant: the smaller one is safe.
const GIGABYTE: f64 = 1e9;

impl BatchLimits {
    /// For `model` in `region`: what Service Quotas applies to the account, else the published default. `simulated`: the
    /// defaults of AWS do not speak for a simulator.
    #[must_use]
    pub fn of(region: &Region, model: &str, applied: Option<&[QuotaEntry]>, simulated: bool) -> BatchLimits {
        let catalogue = Catalogue::embedded();
        let mut limits = BatchLimits::default();
        if !simulated || applied.is_none() {
            for limit in BatchLimit::ALL {
                let row = catalogue.batch_quota(model, limit);
                if let Some(default) = row.and_then(|row| row.default_in(region.as_str())) {
                    limits.set(limit, default.value);
                }
            }
        }
        let base = catalogue.model(model).map(|model| model.id.as_str());
        for entry in applied.unwrap_or_default() {
            if let Some((limit, ids)) = catalogue.match_batch_limit(&entry.name)
                && base.is_some_and(|base| ids.contains(&base))
            {
                limits.set(limit, entry.value);
            }
        }
        limits
    }

    fn set(&mut self, limit: BatchLimit, value: f64) {
        let whole = Some(value.max(0.0) as u64);
        let bytes = Some((value.max(0.0) * GIGABYTE) as u64);
        match limit {
            BatchLimit::MinRecords => self.min_records = whole,
            BatchLimit::RecordsPerJob => self.records_per_job = whole,
            BatchLimit::RecordsPerFile => self.records_per_file = whole,
            BatchLimit::FileGigabytes => self.file_bytes = bytes,
            BatchLimit::JobGigabytes => self.job_bytes = bytes,
            BatchLimit::Jobs => self.jobs = Some(value.clamp(0.0, f64::from(u32::MAX)) as u32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_applies_goes_before_what_is_published() {
        let region = Region::from("us-east-1");
        let haiku = "us.anthropic.claude-3-haiku-20240307-v1:0";
        let published = BatchLimits::of(&region, haiku, None, false);
        assert_eq!((published.min_records, published.jobs), (Some(100), Some(20)));
        assert_eq!(published.file_bytes, Some(1_000_000_000));
        let entry = QuotaEntry {
            code: "L-1".to_owned(),
            name: "Records per batch inference job for Claude 3 Haiku".to_owned(),
            value: 7.0,
            adjustable: true,
        };
        let applied = BatchLimits::of(&region, haiku, Some(std::slice::from_ref(&entry)), false);
        assert_eq!((applied.records_per_job, applied.min_records), (Some(7), Some(100)));
        let simulated = BatchLimits::of(&region, haiku, Some(&[entry]), true);
        assert_eq!((simulated.records_per_job, simulated.min_records), (Some(7), None));
        assert_eq!(BatchLimits::of(&region, "nobody.knows-it", None, false), BatchLimits::default());
    }
}
