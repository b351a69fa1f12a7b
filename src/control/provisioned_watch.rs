//! Keeps the provisioned models in the snapshot fresh: often while something is about to change, seldom otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::bedrock::{Invocations, ProvisionedModel, ProvisionedStatus};
use crate::record::{Failure, Region};

use super::capacity::unit_quotas;
use super::desk::Desk;
use super::discovery::{join, utc_ms};
use super::provisioned::{LostReply, look_up};
use super::snapshot::{ControlSnapshot, ProvisionedView, Question};
use super::work::{Outcome, Stage, Work};

/// While something is being created or changed, or was ordered a moment ago.
const BRISK: Duration = Duration::from_secs(5);
/// Otherwise.
const CALM: Duration = Duration::from_secs(60);
/// How long a moment ago is.
const A_MOMENT: Duration = Duration::from_secs(60);
/// After a failure, then twice as long each time ...
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// ... up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// Use is asked this often: on AWS each metric costs a cent for a thousand times.
const USE_EVERY: Duration = Duration::from_secs(300);
/// And on demand not more often than this.
const USE_AT_MOST: Duration = Duration::from_secs(60);
/// After a failure (mostly a missing permission).
const USE_AFTER_FAILURE: Duration = Duration::from_secs(900);
/// Failed models whose reason is fetched in one round.
const REASONS: usize = 5;

/// What is known of the rhythm of one Region.
struct Rhythm {
    due: Instant,
    pause: Duration,
    use_asked: Option<Instant>,
    use_due: Instant,
}

/// Keeps asking each Region.
pub(super) async fn watch(desk: Arc<Desk>) {
    let mut wishes = desk.wishes();
    let now = Instant::now();
    let fresh = || Rhythm { due: now, pause: FIRST_PAUSE, use_asked: None, use_due: now };
    let mut rhythms: BTreeMap<Region, Rhythm> =
        desk.clients.regions().map(|region| (region.clone(), fresh())).collect();
    let mut brisk_until = now;
    loop {
        let Some(due) = rhythms.values().map(|rhythm| rhythm.due.min(rhythm.use_due)).min() else { return };
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            wish = wishes.changed() => {
                if wish.is_err() {
                    return;
                }
                let now = Instant::now();
                brisk_until = now + A_MOMENT;
                for rhythm in rhythms.values_mut() {
                    rhythm.due = now;
                    rhythm.use_due = rhythm.use_asked.map_or(now, |asked| rhythm.use_due.min(asked + USE_AT_MOST));
                }
            }
        }
        let now = Instant::now();
        let due = rhythms.iter().filter(|(_, rhythm)| rhythm.due <= now).map(|(region, _)| region.clone());
        let readings = join(due.map(|region| read(&desk, region))).await;
        for (region, failure) in readings {
            let Some(rhythm) = rhythms.get_mut(&region) else { continue };
            let after = match failure {
                None => {
                    rhythm.pause = FIRST_PAUSE;
                    let brisk = Instant::now() < brisk_until || changing(&desk.board.now(), &region);
                    if brisk { BRISK } else { CALM }
                }
                Some(_) => {
                    let pause = rhythm.pause;
                    rhythm.pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            rhythm.due = Instant::now() + after;
        }
        let now = Instant::now();
        let due = rhythms.iter().filter(|(_, rhythm)| rhythm.use_due <= now).map(|(region, _)| region.clone());
        for (region, well) in join(due.map(|region| read_use(&desk, region))).await {
            let Some(rhythm) = rhythms.get_mut(&region) else { continue };
            rhythm.use_asked = Some(Instant::now());
            rhythm.use_due = Instant::now() + if well { USE_EVERY } else { USE_AFTER_FAILURE };
        }
    }
}

fn changing(snapshot: &ControlSnapshot, region: &Region) -> bool {
    let here = snapshot.provisioned.iter().filter(|view| view.model.region == *region);
    here.into_iter().any(|view| view.model.status.is_passing())
}

/// Reads the provisioned models of a Region and puts them on the board. What could not be read again stays, with its age.
/// Returns what went wrong.
pub(super) async fn read(desk: &Desk, region: Region) -> (Region, Option<Failure>) {
    let mut models = match desk.clients.provisioned_models(&region).await {
        Ok(models) => models,
        Err(failure) => {
            desk.board.answered(Question::Provisioned, Some(&region), Some(&failure));
            return (region, Some(failure));
        }
    };
    reasons(desk, &region, &mut models).await;
    let lost = look_up(desk, &region, &models);
    let rows = desk.capacity_rows(&region);
    desk.board.edit(|snapshot| {
        desk.tell_time(snapshot);
        snapshot.answered(Question::Provisioned, Some(&region), None);
        let references: Vec<&ProvisionedModel> = models.iter().collect();
        snapshot.unit_quotas.retain(|quota| quota.region != region);
        snapshot.unit_quotas.extend(unit_quotas(&region, &rows, &references));
        snapshot.unit_quotas.sort_by(|a, b| (&a.region, &a.name).cmp(&(&b.region, &b.name)));
        snapshot.provisioned_read(&region, models, desk);
        snapshot.lost_replies(&lost);
    });
    (region, None)
}

impl ControlSnapshot {
    fn provisioned_read(&mut self, region: &Region, models: Vec<ProvisionedModel>, desk: &Desk) {
        let read_ms = utc_ms(SystemTime::now());
        let (before, mut all): (Vec<_>, Vec<_>) =
            self.provisioned.drain(..).partition(|view| view.model.region == *region);
        all.extend(models.into_iter().map(|model| {
            let mut view = ProvisionedView::of(model, &desk.prices);
            if let Some(known) = before.iter().find(|known| known.model.arn == view.model.arn) {
                view.last_hour = known.last_hour;
                view.last_used_ms = known.last_used_ms;
                view.use_read_ms = known.use_read_ms;
                view.use_unknown = known.use_unknown.clone();
            }
            view
        }));
        all.sort_by(|a, b| (&a.model.region, &a.model.name).cmp(&(&b.model.region, &b.model.name)));
        self.provisioned = all;
        match self.provisioned_read_ms.iter_mut().find(|(known, _)| known == region) {
            Some((_, at)) => *at = read_ms,
            None => self.provisioned_read_ms.push((region.clone(), read_ms)),
        }
    }

    /// Shown as works of their own: nobody in this program has ordered them.
    pub(super) fn lost_replies(&mut self, lost: &[LostReply]) {
        for reply in lost {
            let stage = match &reply.arn {
                Some(arn) => Stage::Done(Outcome::Changed { arn: arn.clone() }),
                None => Stage::Failed {
                    reason: "the order never reached the service: nothing was created".to_owned(),
                    kept: None,
                },
            };
            let taken = self.works.iter().filter(|work| work.id > u64::MAX / 2).count() as u64;
            let title = format!("create {} (its reply was lost)", reply.name);
            let since_ms = utc_ms(SystemTime::now());
            self.works.insert(0, Work { id: u64::MAX - taken, title, since_ms, stage });
        }
    }
}

/// Why models failed: only Get tells, once for each.
async fn reasons(desk: &Desk, region: &Region, models: &mut [ProvisionedModel]) {
    let known = desk.board.now();
    let mut asked = 0;
    for model in models.iter_mut().filter(|model| model.status == ProvisionedStatus::Failed) {
        let before = known.provisioned.iter().find(|view| view.model.arn == model.arn);
        model.failure = before.and_then(|view| view.model.failure.clone());
        if model.failure.is_none() && asked < REASONS {
            asked += 1;
            let told = desk.clients.provisioned_model(region, &model.arn).await;
            model.failure = told.ok().and_then(|told| told.failure);
        }
    }
}

/// Reads from CloudWatch how much the provisioned models of a Region are used. Says whether that went well; nothing else
/// depends on it.
pub(super) async fn read_use(desk: &Desk, region: Region) -> (Region, bool) {
    let snapshot = desk.board.now();
    let here = snapshot.provisioned.iter().filter(|view| view.model.region == region);
    let arns: Vec<String> = here.map(|view| view.model.arn.clone()).collect();
    if arns.is_empty() {
        return (region, true);
    }
    let now_ms = desk.service_now_ms();
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or_default());
    let answer = desk.clients.invocations(&region, &arns, now).await;
    desk.board.edit(|snapshot| {
        for view in snapshot.provisioned.iter_mut().filter(|view| view.model.region == region) {
            match &answer {
                Ok(counted) => {
                    view.used(counted.get(&view.model.arn).unwrap_or(&Invocations::new()), now_ms);
                    view.use_read_ms = Some(utc_ms(SystemTime::now()));
                }
                // An old figure would be taken for the present one.
                Err(failure) => {
                    view.last_hour = None;
                    view.use_unknown = Some(failure.message.clone());
                }
            }
        }
    });
    (region, answer.is_ok())
}
