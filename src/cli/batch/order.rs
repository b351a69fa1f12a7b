//! `batch submit`, `resubmit`, `stop`: what costs or ends something, each after consent.

use std::process::ExitCode;

use serde_json::json;

use crate::control::batch::{Checked, Lineage, Trouble, WhenFull, role_recipe};
use crate::control::{BatchInput, NewBatch};
use crate::record::Region;
use crate::report::count;

use super::super::args::Global;
use super::super::consent::{self, Change};
use super::super::problem::Problem;
use super::super::say;
use super::super::session::Remote;
use super::attend::{Shown, attend};
use super::look::checked_json;
use super::{ConsentArgs, ResubmitArgs, SubmitArgs, input, invocation, model, region, tell, watch, words};

/// Submits.
///
/// # Errors
/// Unusable arguments, no consent.
pub async fn submit(remote: &Remote, global: &Global, args: &SubmitArgs) -> Result<ExitCode, Problem> {
    let model = model(if global.models.is_empty() { &remote.config.models } else { &global.models })?;
    let region = region(remote)?;
    let Some((storage, role)) = place(remote, &region, args).await? else {
        return Err(Problem::usage(role_recipe(remote.info.account.as_deref(), &region, bucket(args))));
    };
    let mut new = NewBatch {
        region,
        name: args.name.clone().unwrap_or_else(|| "check".to_owned()),
        model,
        input: input(&args.input.input),
        storage,
        role,
        invocation: invocation(args.input.api),
        timeout_hours: args.timeout_hours,
        tags: args.tags.clone(),
    };
    if let Err(trouble) = new.check_form() {
        return Ok(tell(&trouble));
    }
    let checked = match check(remote, &new).await {
        Ok(checked) => checked,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    new.name = args.name.clone().unwrap_or_else(|| default_name(&new.input, &checked.digest));
    new.tags.extend(Lineage::first(&checked.digest).tags());
    create(remote, global, &new, &checked, args.consent).await
}

/// Storage and role: as given, else the newest job's.
async fn place(remote: &Remote, region: &Region, args: &SubmitArgs) -> Result<Option<(String, String)>, Problem> {
    if let (Some(storage), Some(role)) = (&args.storage, &args.role) {
        return Ok(Some((storage.clone(), role.clone())));
    }
    let earlier = remote.desk.earlier(region).await.map_err(|trouble| Problem::usage(trouble.to_string()))?;
    Ok(earlier.map(|(role, storage)| {
        let storage = args.storage.clone().unwrap_or(storage);
        (storage, args.role.clone().unwrap_or(role))
    }))
}

fn bucket(args: &SubmitArgs) -> Option<&str> {
    args.storage.as_deref()?.strip_prefix("s3://")?.split('/').next().filter(|bucket| !bucket.is_empty())
}

async fn check(remote: &Remote, new: &NewBatch) -> Result<Checked, Trouble> {
    let shown = Shown::new();
    let progress = |stage| shown.stage(&stage);
    let checked = attend(&remote.desk, remote.desk.check_batch(new, &progress)).await;
    shown.end();
    checked
}

/// Of the input: the same input has the same name, and is not submitted twice by mistake.
fn default_name(input: &BatchInput, digest: &str) -> String {
    let text = match input {
        BatchInput::Local(path) => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
        BatchInput::S3(at) => at.trim_end_matches('/').rsplit('/').next().map(|name| name.replace(".jsonl", "")),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let stem: String = text.unwrap_or_default().chars().map(plain).take(50).collect();
    let stem = stem.trim_matches('-');
    let stem = if stem.is_empty() { "batch" } else { stem };
    format!("{stem}-{}", digest.get(..8).unwrap_or(digest))
}

async fn create(
    remote: &Remote,
    global: &Global,
    new: &NewBatch,
    checked: &Checked,
    args: ConsentArgs,
) -> Result<ExitCode, Problem> {
    if checked.report.error_count > 0 {
        say::notice(format_args!("{}", words::checked(checked)));
        return Err(Problem::usage(format!("{} errors in the input; nothing was sent", checked.report.error_count)));
    }
    let twins = match remote.desk.twins(new, checked).await {
        Ok(twins) => twins,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    if let Some(twin) = twins.first().filter(|twin| twin.name == new.name) {
        let lost = twin.client_token.as_deref().is_some_and(|token| remote.desk.was_lost(token));
        if lost {
            say::notice(format_args!("it was created although the reply was lost\n"));
            return created(remote, global, new, checked, &twin.arn, args).await;
        }
        return Err(Problem::usage(format!(
            "a job named {} exists already ({}, {}); --name runs the input once more under another name",
            twin.name,
            twin.status.word(),
            twin.arn
        )));
    }
    let account = remote.info.account.as_deref().unwrap_or("unknown");
    let label = remote.info.account_label.as_deref().map_or(String::new(), |label| format!(" ({label})"));
    let simulated = if remote.info.simulated { ", simulated" } else { "" };
    let mut about = vec![
        format!("job {} of {} in {}, account {account}{label}{simulated}", new.name, new.model, new.region),
        format!("role {}, storage {}, at most {} hours", new.role, new.storage, new.timeout_hours),
    ];
    about.extend(words::checked(checked).lines().map(|line| line.trim_start().to_owned()));
    if let Some(twin) = twins.first() {
        about.push(format!("the same input was submitted as {} ({})", twin.name, twin.status.word()));
    }
    about.push("records that are processed are billed, also if the job is stopped".to_owned());
    let change = Change {
        about,
        question: format!("Create the job with {} records?", count(checked.report.records)),
        name: None,
        price_unknown: checked.report.batch_price.is_none(),
        yes: args.yes,
        confirm_name: None,
        accept_unknown_price: args.accept_unknown_price,
    };
    consent::to_change(&remote.info, &change)?;
    let when_full = if args.no_wait { WhenFull::Fail } else { WhenFull::Wait };
    let shown = Shown::new();
    let progress = |stage| shown.stage(&stage);
    let done = attend(&remote.desk, remote.desk.submit_batch(new, checked, when_full, &progress)).await;
    shown.end();
    match done {
        Ok(arn) => created(remote, global, new, checked, &arn, args).await,
        Err(trouble) => Ok(tell(&trouble)),
    }
}

async fn created(
    remote: &Remote,
    global: &Global,
    new: &NewBatch,
    checked: &Checked,
    arn: &str,
    args: ConsentArgs,
) -> Result<ExitCode, Problem> {
    if global.json {
        let value = json!({
            "arn": arn,
            "name": new.name,
            "simulated": remote.info.simulated,
            "check": checked_json(new, checked),
        });
        say::result(format_args!("{value}\n"));
    } else {
        say::result(format_args!("{arn}\n"));
        if !args.watch {
            say::notice(format_args!("watch it with: bedrock-top batch watch {}\n", new.name));
        }
    }
    if args.watch { watch::watch(remote, &new.region, arn, global.json).await } else { Ok(ExitCode::SUCCESS) }
}

/// Resubmits.
///
/// # Errors
/// Unusable arguments, no consent.
pub async fn resubmit(remote: &Remote, global: &Global, args: &ResubmitArgs) -> Result<ExitCode, Problem> {
    if remote.info.read_only {
        return Err(Problem::usage("read-only: nothing that costs or destroys is done"));
    }
    let job = match remote.desk.find_job(&args.job).await {
        Ok(job) => job,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    let shown = Shown::new();
    let progress = |stage| shown.stage(&stage);
    let prepare = remote.desk.prepare_resubmit(&job.region, &job.arn, &args.folder, &progress);
    let prepared = attend(&remote.desk, prepare).await;
    shown.end();
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    let report = &prepared.report;
    say::notice(format_args!("{}", words::fetched(report)));
    let Some(mut new) = prepared.new else {
        say::notice(format_args!(
            "no record is left that may succeed if it is sent again ({} would fail again)\n",
            count(report.permanent)
        ));
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(model) = global.models.first() {
        new.model.clone_from(model);
    }
    let checked = match check(remote, &new).await {
        Ok(checked) => checked,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    let BatchInput::Local(path) = &new.input else { return Err(Problem::usage("the new input is no file")) };
    let least = checked.limits.min_records.unwrap_or(0);
    if checked.report.records < least {
        let file = path.display();
        say::notice(format_args!(
            "{} records are fewer than a batch job of {} takes ({least}). They are in {file}; send them on demand \
             ({}) with:\n",
            checked.report.records,
            new.model,
            words::price(checked.report.on_demand_price)
        ));
        say::result(format_args!(
            "bedrock-top run {file} -o {} --target {} --region {} --model {}\n",
            path.with_extension("results.jsonl").display(),
            remote.info.name,
            new.region,
            new.model
        ));
        return Ok(ExitCode::from(1));
    }
    create(remote, global, &new, &checked, args.consent).await
}

/// Stops a job.
///
/// # Errors
/// No consent.
pub async fn stop(remote: &Remote, job: &str, yes: bool) -> Result<ExitCode, Problem> {
    let job = match remote.desk.find_job(job).await {
        Ok(job) => job,
        Err(trouble) => return Ok(tell(&trouble)),
    };
    let account = remote.info.account.as_deref().unwrap_or("unknown");
    let change = Change {
        about: vec![
            format!("job {} ({}) in {}, account {account}", job.name, job.status.word(), job.region),
            format!("{} records processed so far: they are billed and can be fetched", words::progress(&job)),
            "it cannot be started again; `batch resubmit` sends what is missing as a new job".to_owned(),
        ],
        question: "Stop it?".to_owned(),
        name: None,
        price_unknown: false,
        yes,
        confirm_name: None,
        accept_unknown_price: false,
    };
    consent::to_change(&remote.info, &change)?;
    match remote.desk.stop_job(&job.region, &job.arn).await {
        Ok(()) => {
            say::notice(format_args!("{} is being stopped\n", job.name));
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => Ok(tell(&trouble)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_input_has_the_same_name() {
        let name = |input: BatchInput| default_name(&input, "0123456789abcdef");
        assert_eq!(name(BatchInput::Local("/x/Night ly.jsonl".into())), "Night-ly-01234567");
        assert_eq!(name(BatchInput::S3("s3://b/in/a.jsonl".to_owned())), "a-01234567");
        assert_eq!(name(BatchInput::S3("s3://b/in/".to_owned())), "in-01234567");
        assert_eq!(name(BatchInput::Local("..".into())), "batch-01234567");
    }
}
