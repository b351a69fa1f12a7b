//! What a job may be at most and must be at least.

use crate::catalogue::BatchLimit;

use super::super::quotas;
use super::super::world::World;

/// A gigabyte of the size quotas. Whether 10^9 or 2^30 bytes are meant is not documented.
const GIGABYTE: u64 = 1_000_000_000;

/// The limits of a job of one model in one Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub least_records: u64,
    pub job_records: u64,
    pub file_records: u64,
    pub file_bytes: u64,
    pub job_bytes: u64,
    pub jobs: u64,
}

impl Limits {
    /// The account's values where Service Quotas has a row, the usual ones elsewhere.
    pub(super) fn of(world: &World, region: &str, model: &str) -> Limits {
        let value = |limit: BatchLimit| {
            let code = world.catalogue.batch_quota(model, limit).and_then(|row| row.code.as_deref());
            let own = code.and_then(|code| quotas::account_value(world, region, code));
            own.map_or_else(|| world.catalogue.batch_limit(region, model, limit), |value| value.max(0.0) as u64)
        };
        Limits {
            least_records: value(BatchLimit::MinRecords),
            job_records: value(BatchLimit::RecordsPerJob),
            file_records: value(BatchLimit::RecordsPerFile),
            file_bytes: value(BatchLimit::FileGigabytes).saturating_mul(GIGABYTE),
            job_bytes: value(BatchLimit::JobGigabytes).saturating_mul(GIGABYTE),
            jobs: value(BatchLimit::Jobs),
        }
    }
}
