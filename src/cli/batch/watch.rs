//! `batch watch`: waits for a job.

use std::process::ExitCode;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::bedrock::BatchJob;
use crate::control::batch::{Look, Moment, Pace, Trouble};
use crate::record::Region;
use crate::report::count;

use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::attend::Shown;
use super::{tell, words};

/// Watches the job called `which`.
///
/// # Errors
/// The operating system's refusal of signals.
pub async fn run(remote: &Remote, which: &str, json: bool) -> Result<ExitCode, Problem> {
    match remote.desk.find_job(which).await {
        Ok(job) => watch(remote, &job.region, &job.arn, json).await,
        Err(trouble) => Ok(tell(&trouble)),
    }
}

/// Watches a job to its end.
///
/// # Errors
/// The operating system's refusal of signals.
pub async fn watch(remote: &Remote, region: &Region, arn: &str, json: bool) -> Result<ExitCode, Problem> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Problem::io("signals"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Problem::io("signals"))?;
    let shown = Shown::new();
    let mut pace = Pace::default();
    let mut last: Option<(BatchJob, Moment)> = None;
    loop {
        match remote.desk.look(region, arn).await {
            Look::Job(job) => {
                let now = remote.desk.moment();
                pace.read(&job, now);
                let news = last
                    .as_ref()
                    .is_none_or(|(before, _)| (&before.status, &before.counts) != (&job.status, &job.counts));
                if json && news {
                    say::result(format_args!("{}\n", as_json(&job, &pace, now, remote.info.simulated)));
                }
                shown.line(&format!("{:?} {:?}", job.status, job.counts), &line(&job, &pace, now));
                if job.status.is_final() {
                    shown.end();
                    if !json {
                        say::result(format_args!("{}\n", end(&job)));
                    }
                    return Ok(ExitCode::from(words::exit_code(&job)));
                }
                last = Some((*job, now));
            }
            Look::Later(why) => {
                pace.failed();
                let age = last.as_ref().map_or("nothing read yet".to_owned(), |(job, at)| {
                    let age = remote.desk.moment().ours_ms.saturating_sub(at.ours_ms);
                    format!("{} {} ago", job.status.word(), words::time(age))
                });
                shown.line(&why, &format!("{age}; {why}; looking again"));
            }
            Look::Never(trouble) => {
                shown.end();
                return Ok(tell(&trouble.keeping(goes_on(arn))));
            }
        }
        let next = pace.next(last.as_ref().map(|(job, _)| job));
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    shown.end();
    Ok(tell(&Trouble::interrupted("the watch").keeping(goes_on(arn))))
}

fn goes_on(arn: &str) -> String {
    format!("the job goes on; look again with: bedrock-top batch watch {arn}")
}

fn line(job: &BatchJob, pace: &Pace, now: Moment) -> String {
    let mut words = vec![format!("{} {}", job.name, job.status.word())];
    if let (Some(processed), Some(total)) = (job.counts.processed, job.counts.total.filter(|total| *total > 0)) {
        words.push(format!("{} {}/{}", words::bar(processed, total), count(processed), count(total)));
    }
    if let Some(failed) = job.counts.failed.filter(|failed| *failed > 0) {
        words.push(format!("{} errors", count(failed)));
    }
    if let Some(rate) = pace.per_minute() {
        words.push(format!("{}/min", count(rate.round() as u64)));
    }
    if let Some(done) = pace.done_at_ms(job, now.service_ms) {
        words.push(format!("done in {}", words::time(done - now.service_ms)));
    }
    if let Some(at) = job.expires_ms.filter(|_| !job.status.is_final()) {
        words.push(format!("expires in {}", words::time(at - now.service_ms)));
    }
    words.join(", ")
}

fn end(job: &BatchJob) -> String {
    let told = |n: Option<u64>| n.map_or("unknown".to_owned(), count);
    let message = job.message.as_ref().map_or(String::new(), |message| format!(": {message}"));
    format!(
        "{} {}{message}: {} of {} records succeeded, {} failed",
        job.name,
        job.status.word(),
        told(job.counts.succeeded),
        told(job.counts.total),
        told(job.counts.failed)
    )
}

fn as_json(job: &BatchJob, pace: &Pace, now: Moment, simulated: bool) -> serde_json::Value {
    json!({
        "job": job,
        "per_minute": pace.per_minute(),
        "done_at_ms": pace.done_at_ms(job, now.service_ms),
        "service_now_ms": now.service_ms,
        "simulated": simulated,
    })
}
