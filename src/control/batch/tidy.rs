//! Stopping jobs, and deleting what is left of them in S3.

use crate::bedrock::{Address, BatchJob, ObjectFacts};
use crate::record::Region;

use super::super::desk::{Desk, Progress};
use super::super::work::Stage;
use super::copy::is_copy;
use super::trouble::{Trouble, TroubleKind};

/// Jobs that are looked through for other users of an input.
const MOST_JOBS: usize = 1_000;

impl Desk {
    /// Stops a job; what it has processed is billed and stays.
    ///
    /// # Errors
    /// As every call. A job that is over cannot be stopped.
    pub async fn stop_job(&self, region: &Region, arn: &str) -> Result<(), Trouble> {
        let receipt = self.clients.stop_job(region, arn).await;
        self.note(region, "StopModelInvocationJob", arn, &receipt);
        receipt.answer.map_err(|failure| Trouble { kind: TroubleKind::Passing, ..failure.into() })
    }

    /// What deleting the copies of a job, or of `all` its generations, would delete: outputs, and inputs that are copies
    /// of ours and that no other job at work reads. Inputs of the user's own are never among them.
    ///
    /// # Errors
    /// A job is still at work, or as every call.
    pub async fn copies(&self, region: &Region, job: &str, all: bool) -> Result<Vec<ObjectFacts>, Trouble> {
        let job = self.clients.job(region, job).await?;
        let mut copies = Vec::new();
        if all {
            for (job, _) in self.generations(&job).await? {
                copies.extend(self.copies_of(&job).await?);
            }
        } else {
            copies = self.copies_of(&job).await?;
        }
        copies.sort_by(|a, b| a.address.cmp(&b.address));
        copies.dedup();
        Ok(copies)
    }

    async fn copies_of(&self, job: &BatchJob) -> Result<Vec<ObjectFacts>, Trouble> {
        let region = &job.region;
        if !job.status.is_final() {
            return Err(Trouble::unusable(format!("{} is {}: it still needs its copies", job.name, job.status.word())));
        }
        let mut copies = self.output_objects(job).await?;
        let input = Address::parse(&job.input).map_err(Trouble::unusable)?;
        if is_copy(&input) {
            let others = self.clients.jobs(region, None, MOST_JOBS).await?;
            let used = |other: &&BatchJob| !other.status.is_final() && other.input == job.input;
            if !others.iter().any(|other| used(&other)) {
                copies.extend(self.clients.objects(region, &input).await?);
            }
        }
        Ok(copies)
    }

    /// Deletes these objects; how many.
    ///
    /// # Errors
    /// As every call: those before it are gone.
    pub async fn delete_copies(
        &self,
        region: &Region,
        copies: &[ObjectFacts],
        progress: Progress<'_>,
    ) -> Result<u64, Trouble> {
        let total = copies.len() as u64;
        for (done, copy) in copies.iter().enumerate() {
            progress(Stage::Busy { doing: "deleting".to_owned(), done: done as u64, total });
            let receipt = self.clients.delete_object(region, &copy.address).await;
            self.note(region, "DeleteObject", &copy.address.to_string(), &receipt);
            receipt
                .answer
                .map_err(|failure| Trouble::from(failure).keeping(format!("{done} of {total} are deleted")))?;
        }
        Ok(total)
    }
}
