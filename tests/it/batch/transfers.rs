//! Uploads and downloads that are interrupted.

use super::*;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("an_upload_survives_resets", upload_survives),
        trial("a_download_goes_on_where_it_broke", download_survives),
        trial("an_upload_without_credentials_is_taken_back", upload_expired),
        trial("an_interrupted_upload_is_taken_back", upload_interrupted),
        trial("a_killed_upload_is_taken_back_by_the_next_command", upload_killed),
    ]
}

/// Large enough for several parts.
const RECORDS: usize = 2_200;
const SIZE: usize = 10_000;

fn aborted(account: &StandIn) -> u64 {
    account.simulator.ledger().requests(Operation::AbortMultipartUpload)
}

fn upload_survives() {
    let folder = Folder::new();
    let account = account(&[
        (FaultKind::Reset, "UploadPart", 0.6, None),
        (FaultKind::Outage, "CreateMultipartUpload", 1.0, Some(3.0)),
        (FaultKind::LostReply, "CompleteMultipartUpload", 0.5, None),
    ]);
    input(&folder, RECORDS, SIZE);
    submit(&folder, &account, &["--yes", "--watch"]).expect(0);
    batch(&folder, &account, &["fetch", "job"]).expect(0);
    assert_eq!(exactly_once(&folder, "job", RECORDS), [RECORDS, 0, 0]);
    assert!(account.simulator.ledger().requests(Operation::UploadPart) > 3);
}

fn download_survives() {
    let folder = Folder::new();
    let account = account(&[(FaultKind::Truncate, "GetObject", 0.5, None)]);
    input(&folder, 150, 4_000);
    submit(&folder, &account, &["--yes", "--watch"]).expect(0);
    batch(&folder, &account, &["fetch", "job"]).expect(0);
    assert_eq!(exactly_once(&folder, "job", 150), [150, 0, 0]);
    assert!(account.simulator.ledger().requests(Operation::GetObject) > 3);
}

fn upload_expired() {
    let folder = Folder::new();
    let account = account(&[(FaultKind::Expired, "UploadPart", 1.0, None)]);
    input(&folder, RECORDS, SIZE);
    let done = submit(&folder, &account, &["--yes"]).expect(3);
    done.says(&["UploadPart", "ExpiredToken", "nothing was created"]);
    assert_eq!((aborted(&account), account.state().creates), (1, 0));
}

fn upload_interrupted() {
    let folder = Folder::new();
    let account = account(&[(FaultKind::Stall, "UploadPart", 1.0, None)]);
    input(&folder, RECORDS, SIZE);
    let child = submit_spawned(&folder, &account);
    until("an upload", || account.simulator.ledger().requests(Operation::UploadPart) > 0);
    signal(&child, Signal::INT);
    finish(child).expect(130).says(&["the upload was interrupted"]);
    assert_eq!((aborted(&account), account.state().creates), (1, 0));
}

fn upload_killed() {
    let folder = Folder::new();
    let account = account(&[(FaultKind::Stall, "UploadPart", 1.0, Some(20.0))]);
    input(&folder, RECORDS, SIZE);
    let child = submit_spawned(&folder, &account);
    until("an upload", || account.simulator.ledger().requests(Operation::UploadPart) > 0);
    signal(&child, Signal::KILL);
    finish(child);
    assert_eq!(aborted(&account), 0);
    batch(&folder, &account, &["list"]).expect(0);
    assert_eq!(aborted(&account), 1, "the parts are gone");
}
