//! Creating a job: exactly one, whatever becomes of the replies.

use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use crate::bedrock::{Address, BatchJob, InvocationType, JobRequest, Receipt};
use crate::catalogue::{Catalogue, base_id};
use crate::record::{Failure, Region};

use super::super::command::{BatchInput, NewBatch, Order};
use super::super::desk::{Desk, Progress};
use super::super::discovery::utc_ms;
use super::super::tokens::{OpenCreate, Tokens};
use super::super::work::Stage;
use super::check::Checked;
use super::lineage::Lineage;
use super::local::Known;
use super::source::pause;
use super::trouble::{Trouble, may_pass};

/// Where results go, under the storage.
const OUTPUT: &str = "bedrock-top/output/";
/// How often a full house is looked at.
const SLOTS_EVERY: Duration = Duration::from_secs(30);
/// Attempts to find out what became of a create without a reply.
const ATTEMPTS: u32 = 6;
/// Jobs that are looked through for a client token.
const MOST_JOBS: usize = 1_000;
/// A create that is not in the list so long after it was sent was never accepted, milliseconds.
const SURELY_MS: i64 = 10 * 60_000;

/// Whether a submit waits for a free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Until there is one.
    Wait,
    /// It fails; the upload stays.
    Fail,
}

impl NewBatch {
    /// What is wrong with its form; better said before anything is sent.
    ///
    /// # Errors
    /// One line.
    pub fn check_form(&self) -> Result<(), Trouble> {
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
        if self.name.is_empty() || self.name.len() > 63 || !self.name.chars().all(letters) {
            return Err(Trouble::unusable(format!(
                "`{}` is no job name: 1 to 63 letters, digits, `-`, `.`, `_`",
                crate::bedrock::one_line(&self.name)
            )));
        }
        if !(24..=168).contains(&self.timeout_hours) {
            let hours = self.timeout_hours;
            return Err(Trouble::unusable(format!("a job may take 24 to 168 hours, not {hours}")));
        }
        if !self.role.starts_with("arn:") || !self.role.contains(":role/") {
            let role = crate::bedrock::one_line(&self.role);
            return Err(Trouble::unusable(format!("`{role}` is no role: write arn:aws:iam::ACCOUNT:role/NAME")));
        }
        if self.tags.len() > 200 || self.tags.iter().any(|(key, _)| key.is_empty() || key.len() > 128) {
            return Err(Trouble::unusable("at most 200 tags, with keys of 1 to 128 letters"));
        }
        Address::parse(&self.storage).map(drop).map_err(Trouble::unusable)
    }
}

impl Desk {
    /// Uploads a checked input and creates its job: its ARN. Whoever asks has consent.
    ///
    /// # Errors
    /// Something that does not pass, no free slot, or the user's end: what exists nevertheless is told.
    pub async fn submit_batch(
        &self,
        new: &NewBatch,
        checked: &Checked,
        when_full: WhenFull,
        progress: Progress<'_>,
    ) -> Result<String, Trouble> {
        new.check_form()?;
        if checked.report.error_count > 0 {
            return Err(Trouble::unusable(format!(
                "{} errors in the input, nothing was sent: {}",
                checked.report.error_count,
                checked.report.errors.first().map_or("", String::as_str)
            )));
        }
        progress(Stage::Busy { doing: "uploading".to_owned(), done: 0, total: checked.copy_bytes });
        let input = self.upload(new, checked, progress).await?;
        let kept = format!("the input is in S3 ({input}); the same command goes on from there");
        let mut new = new.clone();
        new.invocation = Some(checked.invocation);
        if !new.tags.iter().any(|(key, _)| key.starts_with("bedrock-top:")) {
            new.tags.extend(Lineage::first(&checked.digest).tags());
        }
        loop {
            self.wait_for_slot(&new, checked.limits.jobs, when_full, progress)
                .await
                .map_err(|trouble| trouble.keeping(kept.clone()))?;
            progress(Stage::Busy { doing: "creating".to_owned(), done: 0, total: 0 });
            match self.create(&new, &input, checked.invocation).await {
                Ok(arn) => return Ok(arn),
                Err(Refused::Full(failure)) if when_full == WhenFull::Wait => {
                    self.wait(&new, &failure.message, progress)
                        .await
                        .map_err(|trouble| trouble.keeping(kept.clone()))?;
                }
                Err(Refused::Full(failure)) => return Err(Trouble::passing(failure.to_string()).keeping(kept)),
                Err(Refused::Other(trouble)) => {
                    let unless = trouble.kept.clone().unwrap_or(kept);
                    return Err(trouble.keeping(unless));
                }
            }
        }
    }

    /// Jobs of the model's base in progress or submitted, by everybody.
    pub(super) fn used_slots(jobs: &[BatchJob], model: &str) -> u32 {
        let base = base_of(model);
        let at_work = jobs.iter().filter(|job| !job.status.is_final() && base_of(&job.model) == base);
        u32::try_from(at_work.count()).unwrap_or(u32::MAX)
    }

    async fn wait_for_slot(
        &self,
        new: &NewBatch,
        allowed: Option<u32>,
        when_full: WhenFull,
        progress: Progress<'_>,
    ) -> Result<(), Trouble> {
        let Some(allowed) = allowed else { return Ok(()) };
        loop {
            // Whoever may not list is told by the create.
            let Ok(jobs) = self.clients.jobs(&new.region, None, MOST_JOBS).await else { return Ok(()) };
            let used = Desk::used_slots(&jobs, &new.model);
            if used < allowed {
                return Ok(());
            }
            let reason = format!("{used} of {allowed} jobs of {} are at work in {}", base_of(&new.model), new.region);
            if when_full == WhenFull::Fail {
                return Err(Trouble::passing(format!("no free job slot: {reason}")));
            }
            self.wait(new, &reason, progress).await?;
        }
    }

    async fn wait(&self, new: &NewBatch, reason: &str, progress: Progress<'_>) -> Result<(), Trouble> {
        let _counted = Waiting::count(self, new);
        progress(Stage::Waiting { reason: reason.to_owned() });
        tokio::select! {
            () = tokio::time::sleep(SLOTS_EVERY) => Ok(()),
            () = self.interrupted() => Err(Trouble::interrupted("waiting for a job slot")),
        }
    }

    async fn create(&self, new: &NewBatch, input: &str, invocation: InvocationType) -> Result<String, Refused> {
        let disk =
            |error: std::io::Error| Trouble::passing(format!("{}: {error}; nothing was sent", self.state.display()));
        let order = Order::SubmitBatch(new.clone());
        // The very same order, sent before and never answered: its token creates nothing twice.
        let before = self.open_creates().into_iter().find(|open| open.order == order);
        let open = match before {
            Some(open) => open,
            None => {
                let open = OpenCreate {
                    token: Tokens::new_token(),
                    account: self.account(),
                    simulated: self.clients.simulated(),
                    order,
                    at_ms: utc_ms(SystemTime::now()),
                    service_at_ms: self.service_now_ms(),
                };
                self.tokens.open(&open).map_err(disk)?;
                open
            }
        };
        let storage = Address::parse(&new.storage).map_err(Trouble::unusable)?;
        let request = JobRequest {
            name: new.name.clone(),
            model: new.model.clone(),
            role: new.role.clone(),
            input: input.to_owned(),
            output: storage.join(OUTPUT).to_string(),
            timeout_hours: new.timeout_hours,
            invocation,
            tags: new.tags.clone(),
            token: open.token.clone(),
        };
        let mut last = None;
        for attempt in 1..=ATTEMPTS {
            let receipt = self.clients.create_job(&new.region, &request).await;
            let subject = receipt.answer.as_ref().map_or(new.name.as_str(), String::as_str);
            self.note(&new.region, "CreateModelInvocationJob", subject, &receipt);
            let refused = receipt.refused();
            match receipt.answer {
                Ok(arn) => {
                    self.created(&open, new, &arn);
                    return Ok(arn);
                }
                Err(failure) if refused => {
                    // A definite no: this token has created nothing.
                    self.close_token(&open.token);
                    return Err(match failure.code.as_str() {
                        "ServiceQuotaExceededException" => Refused::Full(failure),
                        _ => Refused::Other(failure.into()),
                    });
                }
                Err(failure) => {
                    // Nobody knows whether it was accepted: the list knows, or the same token asks again.
                    if let Ok(Some(job)) = self.made_by(&new.region, &new.name, &open.token).await {
                        self.found(&open, new, &job);
                        return Ok(job.arn);
                    }
                    let over = !may_pass(&failure);
                    last = Some(failure);
                    if over || attempt == ATTEMPTS {
                        break;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause(attempt + 2)) => {}
                () = self.interrupted() => break,
            }
        }
        let reason = last.map_or_else(|| "no answer".to_owned(), |failure| failure.to_string());
        Err(Refused::Other(Trouble::passing(reason).keeping(
            "whether the job was created is not known; the same command, or any other `batch` command, finds it by its \
             client token and creates no second one",
        )))
    }

    /// The job that was created with `token`, if it is in the list.
    async fn made_by(&self, region: &Region, name: &str, token: &str) -> Result<Option<BatchJob>, Failure> {
        let jobs = self.clients.jobs(region, Some(name), MOST_JOBS).await?;
        Ok(jobs.into_iter().find(|job| job.client_token.as_deref() == Some(token)))
    }

    fn created(&self, open: &OpenCreate, new: &NewBatch, arn: &str) {
        let input = match &new.input {
            BatchInput::Local(path) => std::path::absolute(path).ok(),
            BatchInput::S3(_) => None,
        };
        // That it is ours is only told by this file; the job itself is in the account.
        let _ = self.local_jobs().learn(&Known { arn: arn.to_owned(), ours: true, input, ..Known::default() });
        self.close_token(&open.token);
    }

    fn found(&self, open: &OpenCreate, new: &NewBatch, job: &BatchJob) {
        let receipt = Receipt { answer: Ok(()), request_id: None };
        self.note(&new.region, "CreateModelInvocationJob (reply lost, found in the list)", &job.arn, &receipt);
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).insert(open.token.clone());
        self.created(open, new, &job.arn);
    }

    /// Whether this process found the job with this token after its reply had been lost.
    #[must_use]
    pub fn was_lost(&self, token: &str) -> bool {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).contains(token)
    }

    /// Creates of jobs in this account that have no definite answer.
    fn open_creates(&self) -> Vec<OpenCreate> {
        let account = self.account();
        let simulated = self.clients.simulated();
        let here = |open: &OpenCreate| {
            open.simulated == simulated && open.account == account && matches!(open.order, Order::SubmitBatch(_))
        };
        self.tokens.all().unwrap_or_default().into_iter().filter(here).collect()
    }

    /// Looks up creates whose replies were lost.
    pub async fn find_lost_jobs(&self) -> Vec<Lost> {
        let mut lost = Vec::new();
        for open in self.open_creates() {
            let Order::SubmitBatch(new) = &open.order else { continue };
            if !self.clients.regions().any(|region| *region == new.region) {
                continue;
            }
            let name = new.name.clone();
            let (settled, arn, became) = match self.made_by(&new.region, &new.name, &open.token).await {
                Ok(Some(job)) => {
                    self.found(&open, new, &job);
                    (true, Some(job.arn), "was created although its reply was lost".to_owned())
                }
                Ok(None) if self.service_now_ms().saturating_sub(open.service_at_ms) > SURELY_MS => {
                    self.close_token(&open.token);
                    (true, None, "was sent without a reply, and never created".to_owned())
                }
                Ok(None) => (false, None, "was sent without a reply, and is not in the list yet".to_owned()),
                Err(failure) => {
                    (false, None, format!("was sent without a reply, and the list cannot be read: {failure}"))
                }
            };
            lost.push(Lost { region: new.region.clone(), name, arn, settled, became });
        }
        lost
    }

    /// The jobs at work, or of the same name, that a new job should not be mistaken for: those with its name first.
    ///
    /// # Errors
    /// As every call.
    pub async fn twins(&self, new: &NewBatch, checked: &Checked) -> Result<Vec<BatchJob>, Trouble> {
        let storage = Address::parse(&new.storage).map_err(Trouble::unusable)?;
        let copy = Desk::copy_prefix(&storage, &checked.digest).to_string();
        let same_input = |job: &BatchJob| match &new.input {
            BatchInput::Local(_) => job.input.starts_with(&copy),
            BatchInput::S3(at) => job.input == *at,
        };
        let mut twins = self.clients.jobs(&new.region, None, MOST_JOBS).await?;
        twins.retain(|job| job.name == new.name || same_input(job));
        twins.sort_by_key(|job| job.name != new.name);
        Ok(twins)
    }
}

/// A create whose reply was lost, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Where.
    pub region: Region,
    /// The name of the job.
    pub name: String,
    /// The job, if it is there.
    pub arn: Option<String>,
    /// It is known for certain.
    pub settled: bool,
    /// What became of it, for people.
    pub became: String,
}

/// Counts a job that waits here, as long as it does.
struct Waiting<'a> {
    desk: &'a Desk,
    place: (Region, String),
}

impl<'a> Waiting<'a> {
    fn count(desk: &'a Desk, new: &NewBatch) -> Waiting<'a> {
        let place = (new.region.clone(), base_of(&new.model).to_owned());
        *desk.waiting.lock().unwrap_or_else(PoisonError::into_inner).entry(place.clone()).or_default() += 1;
        desk.ask_again();
        Waiting { desk, place }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.desk.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(&self.place) {
            *count = count.saturating_sub(1);
        }
        waiting.retain(|_, count| *count > 0);
    }
}

/// Why no job was created.
enum Refused {
    /// All slots are taken.
    Full(Failure),
    Other(Trouble),
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Refused {
        Refused::Other(trouble)
    }
}

/// The model whose slots a job takes.
pub(super) fn base_of(model: &str) -> &str {
    let base = base_id(model);
    Catalogue::embedded().model(base).map_or(base, |model| model.id.as_str())
}

/// The storage of a job that this program created: what its output has in front.
pub(super) fn storage_of(output: &str) -> &str {
    output.strip_suffix(OUTPUT).unwrap_or(output)
}
