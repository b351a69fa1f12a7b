//! The jobs of all Regions in the snapshot, kept fresh by one poller for each Region.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;

use crate::bedrock::{BatchJob, QuotaEntry, one_line};
use crate::record::Region;

use super::super::desk::Desk;
use super::super::discovery::utc_ms;
use super::super::provisioned::LostReply;
use super::super::snapshot::{JobSlots, JobView, Question};
use super::limits::BatchLimits;
use super::lineage::Lineage;
use super::local::Known;
use super::pace::{Moment, Pace};
use super::submit::{Lost, base_of};
use super::trouble::{Trouble, may_pass};

/// Jobs of a Region that are shown, newest first.
const MOST_JOBS: usize = 200;
/// Jobs of a Region that a name is looked for in.
const MOST_LOOKED_AT: usize = 1_000;
/// Where no job is at work.
const QUIET: Duration = Duration::from_secs(60);

/// What one look at a job showed.
#[derive(Clone, Debug)]
pub enum Look {
    /// The job.
    Job(Box<BatchJob>),
    /// Not now: the service's words. The next look may show it.
    Later(String),
    /// Looking again changes nothing.
    Never(Trouble),
}

/// What follows from a job and what is known of it.
fn view(job: BatchJob, pace: Option<&Pace>, lineage: Option<Lineage>, known: Option<Known>, now_ms: i64) -> JobView {
    let at_work = !job.status.is_final();
    let pace = pace.filter(|_| at_work);
    let known = known.unwrap_or_default();
    JobView {
        per_minute: pace.and_then(Pace::per_minute),
        done_at_ms: pace.and_then(|pace| pace.done_at_ms(&job, now_ms)),
        parent: lineage.as_ref().and_then(|lineage| lineage.parent.clone()),
        generation: lineage.as_ref().map_or(1, |lineage| lineage.generation),
        input_digest: lineage.and_then(|lineage| lineage.input_digest),
        ours: known.ours,
        manifest_tokens: known.manifest_tokens,
        reasons: known.reasons,
        fetched_to: known.fetched_to,
        job,
    }
}

impl Desk {
    /// Now, on both clocks.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { service_ms: self.service_now_ms(), ours_ms: utc_ms(SystemTime::now()) }
    }

    /// A job and what follows from it, read once.
    ///
    /// # Errors
    /// As every call; tags that cannot be read are none.
    pub async fn job_view(&self, region: &Region, job: &str) -> Result<JobView, Trouble> {
        let job = self.clients.job(region, job).await?;
        let lineage = self.lineage(region, &job.arn).await.ok();
        let known = self.local_jobs().all().remove(&job.arn);
        Ok(view(job, None, lineage, known, self.service_now_ms()))
    }

    /// The jobs of a Region, newest first, read once.
    ///
    /// # Errors
    /// As every call; tags that cannot be read are none.
    pub async fn job_views(&self, region: &Region, name: Option<&str>) -> Result<Vec<JobView>, Trouble> {
        let jobs = self.clients.jobs(region, name, MOST_JOBS).await?;
        Ok(self.views(region, jobs, &HashMap::new()).await)
    }

    /// Looks at a job once, for whoever watches it.
    pub async fn look(&self, region: &Region, job: &str) -> Look {
        match self.clients.job(region, job).await {
            Ok(job) => Look::Job(Box::new(job)),
            Err(failure) if may_pass(&failure) => Look::Later(failure.to_string()),
            Err(failure) => Look::Never(failure.into()),
        }
    }

    /// The job called `which`: its ARN, its id, or its name (the newest of that name).
    ///
    /// # Errors
    /// There is none, there are several Regions with one, or as every call.
    pub async fn find_job(&self, which: &str) -> Result<BatchJob, Trouble> {
        let shown = one_line(which);
        if let Some(region) = which.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)) {
            return Ok(self.clients.job(&Region::from(region), which).await?);
        }
        let is_id = which.len() == 12 && which.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let mut found = Vec::new();
        let mut names = Vec::new();
        for region in self.clients.regions() {
            if is_id && let Ok(job) = self.clients.job(region, which).await {
                return Ok(job);
            }
            let jobs = self.clients.jobs(region, None, MOST_LOOKED_AT).await?;
            names.extend(jobs.iter().take(5).map(|job| job.name.clone()));
            found.extend(jobs.into_iter().find(|job| job.name == which || job.id() == which));
        }
        match found.len() {
            0 if names.is_empty() => {
                Err(Trouble::unusable(format!("no job `{shown}`; there are none in these Regions")))
            }
            0 => Err(Trouble::unusable(format!("no job `{shown}`; the newest are {}", names.join(", ")))),
            1 => Ok(found.remove(0)),
            _ => {
                let regions: Vec<&str> = found.iter().map(|job| job.region.as_str()).collect();
                Err(Trouble::unusable(format!("`{shown}` is in {}: name one --region", regions.join(" and "))))
            }
        }
    }

    async fn views(&self, region: &Region, jobs: Vec<BatchJob>, paces: &HashMap<String, Pace>) -> Vec<JobView> {
        let mut known = self.local_jobs().all();
        let now_ms = self.service_now_ms();
        let lineages = self.lineages_of(region, &jobs).await;
        let mut views = Vec::with_capacity(jobs.len());
        for (job, lineage) in jobs.into_iter().zip(lineages) {
            let known = known.remove(&job.arn);
            let pace = paces.get(&job.arn);
            views.push(view(job, pace, lineage, known, now_ms));
        }
        views
    }

    /// Job slots used and allowed, for the models of `jobs` and of those that wait here. Quotas that cannot be read are
    /// not known.
    pub async fn job_slots(&self, region: &Region, jobs: &[JobView]) -> Vec<JobSlots> {
        let applied = self.clients.quotas(region).await.ok();
        self.slots(region, jobs, applied.as_deref())
    }

    fn slots(&self, region: &Region, jobs: &[JobView], applied: Option<&[QuotaEntry]>) -> Vec<JobSlots> {
        let simulated = self.clients.simulated() && applied.is_some();
        let mut used: BTreeMap<String, u32> = BTreeMap::new();
        for view in jobs {
            *used.entry(base_of(&view.job.model).to_owned()).or_default() += u32::from(!view.job.status.is_final());
        }
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (_, model) in waiting.keys().filter(|(there, _)| there == region) {
            used.entry(model.clone()).or_default();
        }
        let slots = used.into_iter().map(|(model, used)| JobSlots {
            region: region.clone(),
            allowed: BatchLimits::of(region, &model, applied, simulated).jobs,
            waiting: waiting.get(&(region.clone(), model.clone())).copied().unwrap_or(0),
            model,
            used,
        });
        slots.collect()
    }
}

/// Keeps the jobs of all Regions in the snapshot, and looks up what a lost reply or a killed process has left.
pub(in super::super) async fn watch(desk: Arc<Desk>) {
    desk.give_up_abandoned().await;
    let mut regions = JoinSet::new();
    for region in desk.clients.regions().cloned() {
        regions.spawn(watch_region(Arc::clone(&desk), region));
    }
    loop {
        let lost = desk.find_lost_jobs().await;
        let reply = |lost: Lost| LostReply { region: lost.region, name: lost.name, arn: lost.arn };
        let settled: Vec<LostReply> = lost.into_iter().filter(|lost| lost.settled).map(reply).collect();
        if !settled.is_empty() {
            desk.board.edit(|snapshot| snapshot.lost_replies(&settled));
        }
        tokio::time::sleep(QUIET).await;
    }
}

async fn watch_region(desk: Arc<Desk>, region: Region) {
    let mut wishes = desk.wishes();
    let mut paces: HashMap<String, Pace> = HashMap::new();
    // How the last reading failed, for the next one's distance.
    let mut trouble = Pace::default();
    loop {
        let next = match desk.clients.jobs(&region, None, MOST_JOBS).await {
            Err(failure) => {
                desk.board.answered(Question::Jobs, Some(&region), Some(&failure));
                trouble.failed();
                trouble.next(None)
            }
            Ok(jobs) => {
                desk.board.answered(Question::Jobs, Some(&region), None);
                trouble = Pace::default();
                let now = desk.moment();
                paces.retain(|arn, _| jobs.iter().any(|job| job.arn == *arn && !job.status.is_final()));
                let mut next = QUIET;
                for job in jobs.iter().filter(|job| !job.status.is_final()) {
                    let pace = paces.entry(job.arn.clone()).or_default();
                    pace.read(job, now);
                    next = next.min(pace.next(Some(job)));
                }
                let views = desk.views(&region, jobs, &paces).await;
                // Service Quotas was asked by whoever watches the quotas.
                let rows = desk.capacity_rows(&region);
                let slots = desk.slots(&region, &views, (!rows.is_empty()).then_some(rows.as_slice()));
                publish(&desk, &region, views, slots);
                next
            }
        };
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            Ok(()) = wishes.changed() => {}
        }
    }
}

fn publish(desk: &Desk, region: &Region, views: Vec<JobView>, slots: Vec<JobSlots>) {
    desk.board.edit(|snapshot| {
        snapshot.jobs.retain(|view| view.job.region != *region);
        snapshot.jobs.extend(views);
        snapshot.jobs.sort_by_key(|view| std::cmp::Reverse(view.job.submitted_ms));
        snapshot.job_slots.retain(|slots| slots.region != *region);
        snapshot.job_slots.extend(slots);
        snapshot.jobs_read_ms.retain(|(read, _)| read != region);
        snapshot.jobs_read_ms.push((region.clone(), utc_ms(SystemTime::now())));
        desk.tell_time(snapshot);
    });
}
