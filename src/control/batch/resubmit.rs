//! Sending again what may succeed: the retryable and the missing records of all generations, as the next one.

use std::path::Path;

use crate::bedrock::{Address, BatchJob};
use crate::record::Region;

use super::super::command::{BatchInput, NewBatch};
use super::super::desk::{Desk, Progress};
use super::super::work::FetchReport;
use super::fetch::{disk, file_stem};
use super::join::{Into, Output};
use super::lineage::Lineage;
use super::submit::storage_of;
use super::trouble::Trouble;

/// The next generation, ready to be checked and submitted.
#[derive(Clone, Debug)]
pub struct Resubmit {
    /// What the generations so far have brought.
    pub report: FetchReport,
    /// The job to submit, its input a local file; `None`: there is nothing to send again.
    pub new: Option<NewBatch>,
}

impl Desk {
    /// Writes the records worth sending again to a file in `folder`, as the input of the next generation.
    ///
    /// # Errors
    /// A generation is still at work, or something that does not pass.
    pub async fn prepare_resubmit(
        &self,
        region: &Region,
        job: &str,
        folder: &Path,
        progress: Progress<'_>,
    ) -> Result<Resubmit, Trouble> {
        let job = self.clients.job(region, job).await?;
        let generations = self.generations(&job).await?;
        if let Some((at_work, _)) = generations.iter().find(|(job, _)| !job.status.is_final()) {
            return Err(Trouble::unusable(format!(
                "{} is {}: what is to be sent again is known when it is over",
                at_work.name,
                at_work.status.word()
            )));
        }
        let next = generations.iter().map(|(_, lineage)| lineage.generation).max().unwrap_or(1) + 1;
        let jobs: Vec<BatchJob> = generations.iter().map(|(job, _)| job.clone()).collect();
        let (Some(first), Some((last, _))) = (jobs.first(), generations.last()) else {
            return Err(Trouble::unusable("there is no job to read"));
        };
        std::fs::create_dir_all(folder).map_err(|error| disk(folder, &error))?;
        let stem = file_stem(&first.name, first.id());
        let path = folder.join(format!("{stem}-r{next}.jsonl"));
        let begun = Output::begin(path.clone()).map_err(|error| disk(&path, &error))?;
        let into = Into { again: Some(begun), ..Into::default() };
        let spool = folder.join(format!("{stem}-r{next}.errors"));
        let (into, report, _) = self.join_jobs(&jobs, into, spool, progress).await?;
        let written = match into.again {
            Some(output) => output.end().map_err(|error| disk(&path, &error))?,
            None => None,
        };
        let digest = generations.iter().find_map(|(_, lineage)| lineage.input_digest.clone());
        let lineage = Lineage {
            input_digest: digest,
            origin: Some(first.id().to_owned()),
            parent: Some(last.id().to_owned()),
            generation: next,
        };
        let new = written.map(|path| NewBatch {
            region: region.clone(),
            name: next_name(&first.name, next),
            model: last.model.clone(),
            input: BatchInput::Local(path),
            storage: storage_of(&last.output).to_owned(),
            role: last.role_arn.clone(),
            invocation: Some(last.invocation),
            timeout_hours: last.timeout_hours.unwrap_or(24).clamp(24, 168),
            tags: lineage.tags(),
        });
        Ok(Resubmit { report, new })
    }

    /// Role and storage of the newest job in `region`: what is offered where none is named.
    ///
    /// # Errors
    /// The list cannot be read.
    pub async fn earlier(&self, region: &Region) -> Result<Option<(String, String)>, Trouble> {
        let jobs = self.clients.jobs(region, None, 1).await?;
        let job = jobs.into_iter().next();
        Ok(job
            .map(|job| (job.role_arn.clone(), storage_of(&job.output).to_owned()))
            .filter(|(_, storage)| Address::parse(storage).is_ok()))
    }
}

/// `NAME-r2`, within the 63 letters that a name may have.
fn next_name(first: &str, generation: u32) -> String {
    let tail = format!("-r{generation}");
    let head: String = first.chars().take(63 - tail.len()).collect();
    format!("{head}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_generations_fit() {
        assert_eq!(next_name("nightly", 2), "nightly-r2");
        assert_eq!(next_name(&"x".repeat(63), 12).len(), 63);
        assert_eq!(storage_of("s3://b/p/bedrock-top/output/"), "s3://b/p/");
        assert_eq!(storage_of("s3://b/else/"), "s3://b/else/");
    }
}
