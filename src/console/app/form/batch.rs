//! The forms of batch jobs: what is to be submitted, and where results are fetched to.

use crate::control::{BatchInput, BatchJob, ControlSnapshot, NewBatch, Order};
use crate::record::{ModelId, Region};

use super::{FieldId, Form, Kind, choice, listed_or, name_of, region_of, text};

/// What stands for a model or role that the list does not have.
const ANOTHER: &str = "another";
/// Roles that are offered at most.
const ROLES: usize = 12;
/// Hours that a job may take (facts §2.5).
const HOURS: (u32, u32) = (24, 168);
/// Where results go unless told otherwise.
pub const FOLDER: &str = "results";
const OFF_ON: [&str; 2] = ["no", "yes"];

/// A form for another job: models in use, roles and storage of earlier jobs are offered.
#[must_use]
pub fn submit(models: &[ModelId], regions: &[Region], account: &ControlSnapshot) -> Form {
    let mut roles: Vec<&str> = Vec::new();
    for view in &account.jobs {
        let role = view.job.role_arn.as_str();
        if !role.is_empty() && !roles.contains(&role) && roles.len() < ROLES {
            roles.push(role);
        }
    }
    let earlier = account.jobs.iter().find(|view| view.ours).or_else(|| account.jobs.first());
    let storage = earlier.map(|view| view.job.output.as_str()).unwrap_or_default();
    let fields = vec![
        text(FieldId::Name, ""),
        text(FieldId::Source, ""),
        choice(FieldId::Model, models.iter().map(ModelId::as_str).chain([ANOTHER]), 0),
        text(FieldId::OtherModel, ""),
        choice(FieldId::Region, regions, 0),
        text(FieldId::Storage, storage),
        choice(FieldId::Role, roles.into_iter().chain([ANOTHER]), 0),
        text(FieldId::OtherRole, ""),
        text(FieldId::Timeout, HOURS.0),
        text(FieldId::Tags, ""),
    ];
    Form::new(Kind::Submit, fields)
}

/// A form for the results of a job.
#[must_use]
pub fn fetch(job: &BatchJob) -> Form {
    let kind = Kind::Fetch { region: job.region.clone(), arn: job.arn.clone(), name: job.name.clone() };
    let fields =
        vec![text(FieldId::Folder, FOLDER), choice(FieldId::Merge, OFF_ON, 0), choice(FieldId::Overwrite, OFF_ON, 0)];
    Form::new(kind, fields)
}

pub(super) fn shows(form: &Form, id: FieldId) -> bool {
    match id {
        FieldId::OtherModel => form.option(FieldId::Model) == ANOTHER,
        FieldId::OtherRole => form.option(FieldId::Role) == ANOTHER,
        _ => true,
    }
}

pub(super) fn words(id: FieldId) -> (&'static str, &'static str, &'static str) {
    match id {
        FieldId::Name => ("Job name", "", "1 to 63 letters and digits, with single - between"),
        FieldId::Source => ("Input", "", "a JSONL file here, or s3://bucket/key, or s3://bucket/prefix/"),
        FieldId::Model => ("Model", "", "Left and Right change it"),
        FieldId::OtherModel => ("Model id", "", "a model or profile id"),
        FieldId::Region => ("Region", "", "Left and Right change it"),
        FieldId::Storage => ("Storage", "", "s3://bucket/prefix/ for the upload and the results"),
        FieldId::Role => ("Role", "", "of earlier jobs: Bedrock takes it on to read and write S3"),
        FieldId::OtherRole => ("Role ARN", "", "arn:aws:iam::ACCOUNT:role/NAME that may read and write the storage"),
        FieldId::Timeout => ("May take", "h", "24 to 168; what is not done by then is left"),
        FieldId::Tags => ("Tags", "", "KEY=VALUE, separated by commas; empty: none"),
        FieldId::Folder => ("Folder", "", "for NAME.ok.jsonl, NAME.failed.jsonl, NAME.missing.jsonl"),
        FieldId::Overwrite => ("Overwrite", "", "files of an earlier fetch that are there"),
        FieldId::Merge => ("Merge", "", "one file over all generations of a resubmitted input"),
        _ => ("", "", ""),
    }
}

/// The job that the form describes. What is wrong is kept in its `errors`.
pub fn check_submit(form: &mut Form) -> Option<NewBatch> {
    let mut errors = Vec::new();
    let new = read(form, &mut errors);
    form.judge(errors).then_some(new)
}

fn read(form: &Form, errors: &mut Vec<(FieldId, String)>) -> NewBatch {
    let mut need = |id: FieldId, right: bool, what: &str| {
        if !right {
            errors.push((id, what.to_owned()));
        }
    };
    let source = form.text(FieldId::Source);
    need(FieldId::Source, !source.is_empty(), "a file or an address in S3 is needed");
    let remote = source.starts_with("s3://");
    need(FieldId::Source, !remote || in_s3(source), "s3://bucket/key is needed");
    let model = listed_or(form, FieldId::Model, FieldId::OtherModel);
    let sound = !model.is_empty() && !model.contains(char::is_whitespace);
    need(FieldId::OtherModel, sound, "a model or profile id is needed, without blanks");
    let storage = form.text(FieldId::Storage);
    need(FieldId::Storage, in_s3(storage), "s3://bucket/prefix/ is needed");
    let role = listed_or(form, FieldId::Role, FieldId::OtherRole);
    let sound = role.starts_with("arn:") && role.contains(":role/") && !role.contains(char::is_whitespace);
    need(FieldId::OtherRole, sound, "arn:aws:iam::ACCOUNT:role/NAME is needed");
    NewBatch {
        region: region_of(form, errors),
        name: name_of(form, &['-'], errors),
        model: model.to_owned(),
        input: if remote { BatchInput::S3(source.to_owned()) } else { BatchInput::Local(source.into()) },
        storage: if storage.ends_with('/') { storage.to_owned() } else { format!("{storage}/") },
        role: role.to_owned(),
        invocation: None,
        timeout_hours: form.whole(FieldId::Timeout, HOURS.0, HOURS.1, errors),
        tags: form.tags(errors),
    }
}

/// `s3://bucket/...`: the bucket at least.
fn in_s3(address: &str) -> bool {
    let bucket = address.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
    bucket.is_some_and(|bucket| bucket.len() >= 3) && !address.contains(char::is_whitespace)
}

/// The fetch that the form describes.
pub fn check_fetch(form: &mut Form) -> Option<Order> {
    let Kind::Fetch { region, arn, .. } = form.kind.clone() else { return None };
    let folder = form.text(FieldId::Folder).to_owned();
    let errors = if folder.is_empty() {
        vec![(FieldId::Folder, "a folder is needed; `.` is the one from which this was started".to_owned())]
    } else {
        Vec::new()
    };
    let (merge, force) = (form.chosen(FieldId::Merge) == 1, form.chosen(FieldId::Overwrite) == 1);
    form.judge(errors).then(|| Order::FetchJob { region, arn, folder: folder.into(), merge, force })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Chord;
    use crate::console::ui::fixtures;

    fn set(form: &mut Form, id: FieldId, value: &str) {
        form.focus = id;
        form.type_key(Chord::ctrl('u'));
        form.paste(value);
    }

    #[test]
    fn role_and_storage_of_earlier_jobs_are_offered() {
        let (snapshot, _) = fixtures::account();
        let mut form = submit(&["amazon.nova-lite-v1:0".into()], &["us-east-1".into()], &snapshot);
        set(&mut form, FieldId::Name, "nightly-9");
        set(&mut form, FieldId::Source, "prompts.jsonl");
        let new = check_submit(&mut form).unwrap();
        assert_eq!(new.role, snapshot.jobs[0].job.role_arn);
        assert_eq!(new.storage, snapshot.jobs[1].job.output, "of the latest job of our own");
        assert_eq!(new.input, BatchInput::Local("prompts.jsonl".into()));
        assert_eq!((new.timeout_hours, new.invocation), (24, None));
    }

    #[test]
    fn without_earlier_jobs_every_field_is_asked_for() {
        let mut form = submit(&[], &[], &ControlSnapshot::default());
        assert_eq!(check_submit(&mut form), None);
        let wrong: Vec<FieldId> = form.errors.iter().map(|(id, _)| *id).collect();
        for id in
            [FieldId::Name, FieldId::Source, FieldId::OtherModel, FieldId::Storage, FieldId::OtherRole, FieldId::Region]
        {
            assert!(wrong.contains(&id), "{id:?} in {wrong:?}");
        }
        set(&mut form, FieldId::Source, "s3://");
        set(&mut form, FieldId::Timeout, "12");
        check_submit(&mut form);
        assert!(form.errors.iter().any(|(id, why)| *id == FieldId::Source && why.contains("bucket")));
        assert!(form.errors.iter().any(|(id, _)| *id == FieldId::Timeout));
    }

    #[test]
    fn a_fetch_needs_a_folder() {
        let (snapshot, _) = fixtures::account();
        let mut form = fetch(&snapshot.jobs[0].job);
        set(&mut form, FieldId::Folder, " ");
        assert_eq!(check_fetch(&mut form), None);
        set(&mut form, FieldId::Folder, "out");
        assert!(matches!(check_fetch(&mut form), Some(Order::FetchJob { merge: false, .. })));
    }
}
