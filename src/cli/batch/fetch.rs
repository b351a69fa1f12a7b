//! `batch fetch`: results, and what becomes of their copies in S3.

use std::io::IsTerminal;
use std::process::ExitCode;

use serde_json::json;

use crate::control::batch::{Fetch, Trouble};
use crate::record::Region;

use super::super::consent::{self, Change};
use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::attend::{Shown, attend};
use super::{FetchArgs, tell, words};

/// Fetches.
///
/// # Errors
/// No consent to delete the copies that were to be deleted.
pub async fn run(remote: &Remote, args: &FetchArgs, json: bool) -> Result<ExitCode, Problem> {
    let job = match remote.desk.find_job(&args.job).await {
        Ok(job) => job,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    let fetch = Fetch {
        region: job.region.clone(),
        job: job.arn.clone(),
        folder: args.folder.clone(),
        merge: args.merge,
        force: args.force,
    };
    let shown = Shown::new();
    let progress = |stage| shown.stage(&stage);
    let done = attend(&remote.desk, remote.desk.fetch_job(&fetch, &progress)).await;
    shown.end();
    let report = match done {
        Ok(report) => report,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    if json {
        let value = json!({ "job": job.arn, "name": job.name, "simulated": remote.info.simulated, "report": report });
        say::result(format_args!("{value}\n"));
    } else {
        say::result(format_args!("{}", words::fetched(&report)));
    }
    let asked = args.delete_copies || (std::io::stdin().is_terminal() && std::io::stderr().is_terminal());
    if asked && !remote.info.read_only {
        match delete(remote, &job.region, &job.arn, args).await {
            Ok(()) => {}
            Err(Stopped::Trouble(trouble)) => return Ok(tell(&trouble)),
            // Only who asked for it must be told that it was not done.
            Err(Stopped::NoConsent(problem)) if args.delete_copies => return Err(problem),
            Err(Stopped::NoConsent(_)) => say::notice(format_args!("the copies stay in S3\n")),
        }
    }
    let left = report.retryable + report.permanent + report.missing;
    Ok(if left > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

enum Stopped {
    Trouble(Trouble),
    NoConsent(Problem),
}

async fn delete(remote: &Remote, region: &Region, arn: &str, args: &FetchArgs) -> Result<(), Stopped> {
    let copies = remote.desk.copies(region, arn, args.merge).await.map_err(Stopped::Trouble)?;
    if copies.is_empty() {
        return Ok(());
    }
    let bytes: u64 = copies.iter().map(|copy| copy.bytes).sum();
    let account = remote.info.account.as_deref().unwrap_or("unknown");
    let mut about = vec![
        format!("account {account}, Region {region}: {} objects, {}", copies.len(), words::size(bytes)),
        "deleted objects cannot be had back; a later resubmit or merge cannot read them any more".to_owned(),
    ];
    about.extend(copies.iter().take(5).map(|copy| format!("  {}", copy.address)));
    let change = Change {
        about,
        question: "Delete the copies in S3?".to_owned(),
        name: None,
        price_unknown: false,
        yes: args.yes,
        confirm_name: None,
        accept_unknown_price: false,
    };
    consent::to_change(&remote.info, &change).map_err(Stopped::NoConsent)?;
    let shown = Shown::new();
    let progress = |stage| shown.stage(&stage);
    let deleted = attend(&remote.desk, remote.desk.delete_copies(region, &copies, &progress)).await;
    shown.end();
    let deleted = deleted.map_err(Stopped::Trouble)?;
    say::notice(format_args!("{deleted} objects deleted\n"));
    Ok(())
}
