//! A control plane that does not answer, refuses, or answers late.

use super::*;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_lost_reply_creates_one_job", lost_reply),
        trial("a_lost_reply_is_found_by_the_next_command", lost_for_long),
        trial("what_nobody_knows_is_said_and_found_later", nobody_knows),
        trial("jobs_beyond_the_slots_wait_here", slots),
        trial("a_missing_action_is_named", denied),
        trial("a_throttled_control_plane_is_waited_for", throttled),
        trial("a_job_that_fails_validation_says_why", failed),
        trial("what_an_expired_job_did_is_kept", expired),
        trial("a_watch_that_is_interrupted_leaves_the_job_alone", left_alone),
    ]
}

fn lost_reply() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().lose_replies = 2;
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes"]).expect(0);
    assert_eq!(account.state().jobs.len(), 1);
}

fn lost_for_long() {
    let folder = Folder::new();
    let account = account(&[]);
    input(&folder, 120, 40);
    account.state().lose_replies = usize::MAX;
    let child = submit_spawned(&folder, &account);
    until("the create", || account.state().creates > 0);
    // Killed between the call and its answer.
    signal(&child, Signal::KILL);
    finish(child);
    account.state().lose_replies = 0;
    let again = submit(&folder, &account, &["--yes", "--json"]).expect(0);
    assert_eq!(again.summary()["arn"], account.state().jobs[0].arn);
    assert_eq!(account.state().jobs.len(), 1, "nothing is created twice");
    let listed = batch(&folder, &account, &["list", "--json"]).expect(0).summary();
    assert_eq!(listed["jobs"][0]["ours"], true);
}

fn nobody_knows() {
    let folder = Folder::new();
    let account = account(&[]);
    input(&folder, 120, 40);
    account.state().lose_replies = usize::MAX;
    let child = submit_spawned(&folder, &account);
    until("the create", || account.state().creates > 0);
    account.state().deny_lists = usize::MAX;
    signal(&child, Signal::INT);
    finish(child).expect(3).says(&["whether the job was created is not known", "creates no second one"]);
    account.state().deny_lists = 0;
    batch(&folder, &account, &["list"]).expect(0).says(&["job job was created although its reply was lost: arn:"]);
    let quiet = batch(&folder, &account, &["list"]).expect(0);
    assert!(!quiet.stderr.contains("lost"), "{quiet}");
    assert_eq!(account.state().jobs.len(), 1);
}

fn slots() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().full = 1;
    input(&folder, 120, 40);
    let done = submit(&folder, &account, &["--yes", "--no-wait"]).expect(3);
    done.says(&["ServiceQuotaExceededException", "the input is in S3"]);
    account.state().full = usize::MAX;
    let child = submit_spawned(&folder, &account);
    until("the refusal", || account.state().creates > 1);
    signal(&child, Signal::INT);
    finish(child).expect(130).says(&["waiting for a free job slot", "the input is in S3"]);
    assert_eq!((account.state().jobs.len(), uploads(&account)), (0, 1), "nothing is left but the upload");
    account.state().full = 0;
    submit(&folder, &account, &["--yes"]).expect(0);
    assert_eq!((account.state().jobs.len(), uploads(&account)), (1, 1));
}

fn denied() {
    let folder = Folder::new();
    let account = account(&[(FaultKind::Denied, "PutObject", 1.0, None)]);
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes"]).expect(3).says(&["s3:PutObject", "nothing was created"]);
    account.state().deny_lists = usize::MAX;
    batch(&folder, &account, &["list"]).expect(3).says(&["bedrock:ListModelInvocationJobs"]);
}

fn throttled() {
    let folder = Folder::new();
    let account = account(&[]);
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes"]).expect(0);
    let arn = account.state().jobs[0].arn.clone();
    account.state().plan.readings = 1;
    account.state().throttles = 1;
    batch(&folder, &account, &["watch", &arn]).expect(0);
    let child = {
        account.state().jobs[0].restart();
        command(&folder, &account, &["watch", &arn]).spawn().unwrap()
    };
    until("a reading", || account.state().jobs[0].read());
    // More than the SDK's own attempts.
    account.state().throttles = 6;
    finish(child).expect(0).says(&["Rate exceeded", "ago", "looking again"]);
}

fn failed() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan = Plan { end: "Failed", message: Some("the role cannot read the bucket"), ..Plan::default() };
    input(&folder, 120, 40);
    let done = submit(&folder, &account, &["--yes", "--watch"]).expect(3);
    assert!(done.stdout.contains("Failed: the role cannot read the bucket"), "{done}");
    batch(&folder, &account, &["fetch", "job"]).expect(1);
    assert_eq!(exactly_once(&folder, "job", 120), [0, 0, 120]);
}

fn expired() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan =
        Plan { end: "Expired", record: |n, _| if n < 80 { Record::Well } else { Record::Nothing }, ..Plan::default() };
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes", "--watch"]).expect(3);
    batch(&folder, &account, &["fetch", "job"]).expect(1);
    assert_eq!(exactly_once(&folder, "job", 120), [80, 0, 40]);
}

fn left_alone() {
    let folder = Folder::new();
    let account = account(&[]);
    account.state().plan.readings = usize::MAX;
    input(&folder, 120, 40);
    submit(&folder, &account, &["--yes"]).expect(0);
    let child = command(&folder, &account, &["watch", "job"]).spawn().unwrap();
    until("a reading", || account.state().jobs[0].read());
    signal(&child, Signal::INT);
    finish(child).expect(130).says(&["the job goes on", "bedrock-top batch watch"]);
    assert_eq!(account.state().jobs[0].status, "InProgress");
}
