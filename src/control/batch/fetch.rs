//! Fetching what jobs wrote.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::bedrock::{Address, BatchJob, JobStatus, ObjectFacts};
use crate::record::Region;

use super::super::command::BatchInput;
use super::super::desk::{Desk, Progress};
use super::super::work::{FetchReport, Stage};
use super::copy::is_copy;
use super::join::{Into, Output, Reading, join};
use super::local::Known;
use super::source::{Source, Stop, pass};
use super::trouble::Trouble;

/// A manifest is a few hundred bytes.
const LARGEST_MANIFEST: u64 = 1 << 20;

/// What is to be fetched, and where to.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Where the job is.
    pub region: Region,
    /// ARN or id.
    pub job: String,
    /// The folder for the results.
    pub folder: PathBuf,
    /// All generations of a resubmitted input together.
    pub merge: bool,
    /// Over files that are there.
    pub force: bool,
}

/// The totals that a job leaves beside its output.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Manifest {
    input_token_count: Option<u64>,
    output_token_count: Option<u64>,
}

impl Desk {
    /// Fetches what a job wrote, joined with its input, into `NAME.ok.jsonl`, `NAME.failed.jsonl` and
    /// `NAME.missing.jsonl`. Files appear whole or not at all.
    ///
    /// # Errors
    /// The job is still at work, files are there already, or something that does not pass.
    pub async fn fetch_job(&self, fetch: &Fetch, progress: Progress<'_>) -> Result<FetchReport, Trouble> {
        progress(Stage::Busy { doing: "reading the job".to_owned(), done: 0, total: 0 });
        let job = self.clients.job(&fetch.region, &fetch.job).await?;
        let mut jobs = match fetch.merge {
            true => self.generations(&job).await?.into_iter().map(|(job, _)| job).collect(),
            false => vec![job.clone()],
        };
        let mut warnings = Vec::new();
        if !fetch.merge && !job.status.is_final() {
            return Err(still_at_work(&job));
        }
        jobs.retain(|job| {
            let over = job.status.is_final();
            if !over {
                warnings.push(format!("{} is still {}: its results are not in here", job.name, job.status.word()));
            }
            over
        });
        let Some(first) = jobs.first().cloned() else { return Err(still_at_work(&job)) };
        let stem = file_stem(&first.name, first.id());
        let name = |part: &str| fetch.folder.join(format!("{stem}.{part}.jsonl"));
        let paths = [name("ok"), name("failed"), name("missing")];
        if !fetch.force
            && let Some(there) = paths.iter().find(|path| path.exists())
        {
            let there = there.display();
            return Err(Trouble::unusable(format!(
                "{there} exists; --force overwrites it, --folder names another folder"
            )));
        }
        std::fs::create_dir_all(&fetch.folder).map_err(|error| disk(&fetch.folder, &error))?;
        let begin = |path: &PathBuf| Output::begin(path.clone()).map_err(|error| disk(path, &error));
        let into = Into {
            ok: Some(begin(&paths[0])?),
            failed: Some(begin(&paths[1])?),
            missing: Some(begin(&paths[2])?),
            again: None,
        };
        let spool = fetch.folder.join(format!("{stem}.errors"));
        let (into, mut report, tokens) = self.join_jobs(&jobs, into, spool, progress).await?;
        for output in [into.ok, into.failed, into.missing].into_iter().flatten() {
            let path = output.end().map_err(|error| disk(&fetch.folder, &error))?;
            report.files.extend(path.map(|path| path.display().to_string()));
        }
        report.warnings.splice(0..0, warnings);
        // What is on disk is there, whether or not it can be noted.
        let _ = self.local_jobs().learn(&Known {
            arn: job.arn.clone(),
            fetched_to: Some(fetch.folder.display().to_string()),
            manifest_tokens: tokens,
            reasons: report.reasons.clone(),
            ..Known::default()
        });
        Ok(report)
    }

    /// Joins the outputs of `jobs` (oldest first, all of them final) with the input of the first; what was found, and the
    /// tokens of the manifests.
    pub(super) async fn join_jobs(
        &self,
        jobs: &[BatchJob],
        mut into: Into,
        spool: PathBuf,
        progress: Progress<'_>,
    ) -> Result<(Into, FetchReport, Option<(u64, u64)>), Trouble> {
        let Some(first) = jobs.first() else { return Err(Trouble::unusable("there is no job to read")) };
        let mut outputs = Vec::new();
        let mut tokens = None;
        for job in jobs.iter().rev() {
            let (sources, manifest) = self.outputs(job).await?;
            // Deleted results must not be taken for records that were never done: they would be overwritten, or paid
            // for once more.
            if sources.is_empty() && has_written(job) {
                let output = &job.output;
                return Err(Trouble::unusable(format!(
                    "the results of {} are not in S3 any more ({output}): they were deleted, or moved",
                    job.name
                )));
            }
            outputs.push(sources);
            if let (Some(input), Some(output)) = (manifest.input_token_count, manifest.output_token_count) {
                let (i, o) = tokens.unwrap_or((0, 0));
                tokens = Some((input.saturating_add(i), output.saturating_add(o)));
            }
        }
        let (input, numbered) = self.input_of(first).await?;
        let reading =
            Reading { outputs, input, model: first.model.clone(), numbered, simulated: self.clients.simulated() };
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let stop = Stop::default();
        let work = {
            let inner = stop.clone();
            pass(stop, move || {
                let report = join(reading, &mut into, &spool, &inner, |stage| drop(tell.send(stage)))?;
                Ok((into, report))
            })
        };
        tokio::pin!(work);
        let (into, report) = loop {
            tokio::select! {
                done = &mut work => break done?,
                Some(stage) = told.recv() => progress(stage),
                () = self.interrupted() => return Err(Trouble::interrupted("the fetch").keeping("nothing was written")),
            }
        };
        Ok((into, report, tokens))
    }

    /// What a job wrote: its result files and its manifest.
    async fn outputs(&self, job: &BatchJob) -> Result<(Vec<Source>, Manifest), Trouble> {
        let objects = self.output_objects(job).await?;
        let mut sources = Vec::new();
        let mut manifest = Manifest::default();
        for object in objects {
            let name = object.address.file_name();
            if name.ends_with(".jsonl.out") {
                sources.push(self.stream(&job.region, object));
            } else if name == "manifest.json.out" && object.bytes <= LARGEST_MANIFEST {
                let source = self.stream(&job.region, object);
                let read = pass(Stop::default(), move || {
                    let mut text = Vec::new();
                    let read = source.reader.take(LARGEST_MANIFEST).read_to_end(&mut text);
                    // Only totals for people: the records tell everything that matters.
                    Ok(read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default())
                });
                manifest = read.await?;
            }
        }
        Ok((sources, manifest))
    }

    pub(super) async fn output_objects(&self, job: &BatchJob) -> Result<Vec<ObjectFacts>, Trouble> {
        let folder = Address::parse(&job.output).map_err(Trouble::unusable)?.join(&format!("{}/", job.id()));
        match self.clients.objects(&job.region, &folder).await {
            Ok(objects) => Ok(objects),
            // A job that failed before it wrote anything may have named a bucket that does not exist.
            Err(failure) if failure.status == Some(404) => Ok(Vec::new()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The input of a job: what it was given in S3, else the local file that it was made of. And whether lines without a
    /// recordId have their line number as one.
    async fn input_of(&self, job: &BatchJob) -> Result<(Option<Vec<Source>>, bool), Trouble> {
        let at = Address::parse(&job.input).map_err(Trouble::unusable)?;
        match self.input_objects(&job.region, &at).await {
            Ok(objects) if !objects.is_empty() => {
                let sources = objects.into_iter().map(|object| self.stream(&job.region, object)).collect();
                Ok((Some(sources), is_copy(&at)))
            }
            _ => {
                let known = self.local_jobs().all().remove(&job.arn);
                let local = known.and_then(|known| known.input).map(BatchInput::Local);
                match local {
                    Some(local) if self.is_still(&local, job).await => {
                        Ok((self.sources(&job.region, &local).await.ok(), true))
                    }
                    _ => Ok((None, false)),
                }
            }
        }
    }
}

impl Desk {
    /// Whether a local file still is the input of `job`, by the digest in its tags.
    async fn is_still(&self, local: &BatchInput, job: &BatchJob) -> bool {
        let Ok(lineage) = self.lineage(&job.region, &job.arn).await else { return false };
        let Ok(mut sources) = self.sources(&job.region, local).await else { return false };
        let Some(mut source) = sources.pop() else { return false };
        let digest = pass(Stop::default(), move || {
            let mut digest = blake3::Hasher::new();
            std::io::copy(&mut source.reader, &mut digest).map_err(|error| Trouble::passing(error.to_string()))?;
            Ok(digest.finalize().to_hex().to_string())
        });
        lineage.generation == 1 && digest.await.ok() == lineage.input_digest && lineage.input_digest.is_some()
    }
}

/// Whether there must be results somewhere.
fn has_written(job: &BatchJob) -> bool {
    match job.counts.processed {
        Some(processed) => processed > 0,
        None => matches!(job.status, JobStatus::Completed | JobStatus::PartiallyCompleted),
    }
}

fn still_at_work(job: &BatchJob) -> Trouble {
    Trouble::unusable(format!(
        "{} is {}: results come when it is over (`bedrock-top batch watch {}` waits for it)",
        job.name,
        job.status.word(),
        job.id()
    ))
}

pub(super) fn disk(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::passing(format!("{}: {error}", path.display()))
}

/// A job's name as the beginning of a file name: names of others may hold anything.
pub(super) fn file_stem(name: &str, id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let stem: String = name.chars().map(plain).take(63).collect();
    if stem.trim_matches('-').is_empty() { id.chars().map(plain).take(63).collect() } else { stem }
}
