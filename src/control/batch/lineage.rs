//! Which jobs are generations of one piece of work: told by tags, so that every operator of the account sees it.

use std::sync::PoisonError;

use crate::bedrock::BatchJob;
use crate::record::{Failure, Region};

use super::super::desk::Desk;
use super::super::discovery::join;
use super::trouble::Trouble;

/// BLAKE3 of the original input.
const INPUT: &str = "bedrock-top:input";
/// The id of the first job.
const ORIGIN: &str = "bedrock-top:origin";
/// The id of the job that this one resubmits.
const PARENT: &str = "bedrock-top:parent";
/// 1 for the first.
const GENERATION: &str = "bedrock-top:generation";

/// Jobs whose tags are asked for one look at a piece of work, newest first.
const MOST_JOBS: usize = 300;

/// Questions for tags at a time.
const AT_ONCE: usize = 5;

/// What the tags of a job say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// BLAKE3 of the original input, hexadecimal.
    pub input_digest: Option<String>,
    /// The id of the first job; `None` for the first itself.
    pub origin: Option<String>,
    /// The id of the job that this one resubmits.
    pub parent: Option<String>,
    /// 1 for the first.
    pub generation: u32,
}

impl Lineage {
    /// Of a first job with this input.
    #[must_use]
    pub fn first(digest: &str) -> Lineage {
        Lineage { input_digest: Some(digest.to_owned()), origin: None, parent: None, generation: 1 }
    }

    /// Reads tags. A job of others has none of ours.
    #[must_use]
    pub fn of(tags: &[(String, String)]) -> Lineage {
        let tag = |key: &str| tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        Lineage {
            input_digest: tag(INPUT),
            origin: tag(ORIGIN),
            parent: tag(PARENT),
            generation: tag(GENERATION).and_then(|number| number.parse().ok()).filter(|n| *n > 0).unwrap_or(1),
        }
    }

    /// As tags.
    #[must_use]
    pub fn tags(&self) -> Vec<(String, String)> {
        let generation = Some(self.generation.to_string());
        let tags =
            [(INPUT, &self.input_digest), (ORIGIN, &self.origin), (PARENT, &self.parent), (GENERATION, &generation)];
        tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
    }
}

impl Desk {
    /// What the tags of a job say: asked once, tags of jobs are not changed.
    pub(super) async fn lineage(&self, region: &Region, arn: &str) -> Result<Lineage, Failure> {
        let known = self.lineages.lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let lineage = Lineage::of(&self.clients.tags(region, arn).await?);
        self.lineages.lock().unwrap_or_else(PoisonError::into_inner).insert(arn.to_owned(), lineage.clone());
        Ok(lineage)
    }

    /// What the tags of many jobs say, a few questions at a time. After a round without one answer nobody is asked any
    /// more: who may not read tags need not be told two hundred times.
    pub(super) async fn lineages_of(&self, region: &Region, jobs: &[BatchJob]) -> Vec<Option<Lineage>> {
        let mut lineages = Vec::with_capacity(jobs.len());
        for some in jobs.chunks(AT_ONCE) {
            let answers = join(some.iter().map(|job| self.lineage(region, &job.arn))).await;
            let all_failed = answers.iter().all(Result::is_err);
            lineages.extend(answers.into_iter().map(Result::ok));
            if all_failed {
                break;
            }
        }
        lineages.resize(jobs.len(), None);
        lineages
    }

    /// All generations of the piece of work that `job` belongs to, oldest first; at least `job` itself.
    pub(super) async fn generations(&self, job: &BatchJob) -> Result<Vec<(BatchJob, Lineage)>, Trouble> {
        let own = self.lineage(&job.region, &job.arn).await?;
        let origin = own.origin.clone().unwrap_or_else(|| job.id().to_owned());
        let mut found = vec![(job.clone(), own)];
        let mut others = self.clients.jobs(&job.region, None, MOST_JOBS).await?;
        others.retain(|other| other.arn != job.arn);
        for some in others.chunks(AT_ONCE) {
            let answers = join(some.iter().map(|other| self.lineage(&other.region, &other.arn))).await;
            for (other, lineage) in some.iter().zip(answers) {
                // One that is not known could be a generation: then nothing is merged nor sent again.
                let lineage = lineage?;
                if other.id() == origin || lineage.origin.as_deref() == Some(&origin) {
                    found.push((other.clone(), lineage));
                }
            }
        }
        found.sort_by_key(|(job, lineage)| (lineage.generation, job.submitted_ms));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_say_what_they_were_made_of() {
        let first = Lineage::first("d1");
        assert_eq!(Lineage::of(&first.tags()), first);
        let second = Lineage { origin: Some("aaa".to_owned()), parent: Some("bbb".to_owned()), generation: 3, ..first };
        assert_eq!(Lineage::of(&second.tags()), second);
        let foreign = Lineage::of(&[("team".to_owned(), "x".to_owned()), (GENERATION.to_owned(), "-4".to_owned())]);
        assert_eq!((foreign.generation, foreign.parent), (1, None));
    }
}
