//! Batch inference jobs: check, upload, submit, watch, fetch, resubmit.
//!
//! Every step is a workflow of the [`Desk`]: it can be awaited by a command or run by the console's desk, tells how far
//! it is, and can be ended in good order. Inputs and outputs of any size go through in bounded memory: bodies are never
//! kept, only 24 bytes for each recordId.

mod check;
mod copy;
mod fetch;
mod join;
mod limits;
mod lineage;
mod local;
mod names;
mod outcome;
mod pace;
mod policy;
mod resubmit;
mod source;
mod submit;
mod tidy;
mod trouble;
mod upload;
mod uploads;
mod verdict;
mod views;

use std::time::SystemTime;

use crate::bedrock::Receipt;
use crate::record::Region;

use super::change::Change;
use super::command::{NewBatch, Order};
use super::desk::{Desk, Progress};
use super::discovery::utc_ms;
use super::work::Outcome;

pub use check::{Checked, check_file};
pub use fetch::Fetch;
pub use limits::BatchLimits;
pub use lineage::Lineage;
pub use pace::{Moment, Pace};
pub use policy::role_recipe;
pub use resubmit::Resubmit;
pub use submit::{Lost, WhenFull};
pub use trouble::{Trouble, TroubleKind};
pub use views::Look;

pub(super) use views::watch;

use local::LocalJobs;
use uploads::Uploads;

/// Does an order about batch jobs. Whoever asks has consent.
pub(super) async fn perform(desk: &Desk, order: Order, progress: Progress<'_>) -> Result<Outcome, Trouble> {
    match order {
        Order::CheckBatch(new) => Ok(Outcome::Checked(desk.check_batch(&new, progress).await?.report)),
        Order::SubmitBatch(new) => submit(desk, &new, progress).await,
        Order::StopJob { region, arn } => {
            desk.stop_job(&region, &arn).await?;
            Ok(Outcome::Changed { arn })
        }
        Order::FetchJob { region, arn, folder, merge, force } => {
            let fetch = Fetch { region, job: arn, folder, merge, force };
            Ok(Outcome::Fetched(desk.fetch_job(&fetch, progress).await?))
        }
        Order::ResubmitJob { region, arn, folder } => {
            let next = desk.prepare_resubmit(&region, &arn, &folder, progress).await?;
            match next.new {
                Some(new) => submit(desk, &new, progress).await,
                None => Err(Trouble::unusable("no record is left that may succeed if it is sent again")),
            }
        }
        Order::DeleteCopies { region, arn } => {
            let copies = desk.copies(&region, &arn, false).await?;
            desk.delete_copies(&region, &copies, progress).await?;
            Ok(Outcome::Changed { arn })
        }
        _ => Err(Trouble::unusable("this is no order about batch jobs")),
    }
}

async fn submit(desk: &Desk, new: &NewBatch, progress: Progress<'_>) -> Result<Outcome, Trouble> {
    let checked = desk.check_batch(new, progress).await?;
    let arn = desk.submit_batch(new, &checked, WhenFull::Wait, progress).await?;
    Ok(Outcome::Changed { arn })
}

impl Desk {
    /// Puts what became of a call into the journal.
    fn note<T>(&self, region: &Region, operation: &str, subject: &str, receipt: &Receipt<T>) {
        self.record(Change {
            at_ms: utc_ms(SystemTime::now()),
            caller: self.caller(),
            region: region.clone(),
            operation: operation.to_owned(),
            subject: subject.to_owned(),
            request_id: receipt.request_id.clone(),
            failure: receipt.answer.as_ref().err().map(|failure| failure.message.clone()),
        });
    }

    fn local_jobs(&self) -> LocalJobs {
        LocalJobs::within(&self.state)
    }

    fn uploads(&self) -> Uploads {
        Uploads::within(&self.state)
    }
}
