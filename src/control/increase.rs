//! Asking AWS for a higher quota.

use std::time::SystemTime;

use crate::bedrock::QuotaRequest;
use crate::record::{Failure, Region};

use super::change::Change;
use super::desk::Desk;
use super::discovery::{join, utc_ms};
use super::work::NotDone;

impl Desk {
    /// Asks AWS for `value` of the quota `code` in `region`. Whoever asks has consent already. The service takes no client
    /// token, but only one open request for a quota: after a lost reply the open request of the same value is ours.
    ///
    /// # Errors
    /// [`NotDone`]: the service's words, the missing action, the remedy.
    pub async fn request_quota(&self, region: &Region, code: &str, value: f64) -> Result<QuotaRequest, NotDone> {
        if self.read_only {
            return Err(NotDone::because("read-only: nothing that costs or destroys is done"));
        }
        let receipt = self.clients.request_quota(region, code, value).await;
        let made = match &receipt.answer {
            Ok(request) => Ok(request.clone()),
            Err(failure) if failure.code == "ResourceAlreadyExistsException" || !receipt.refused() => {
                self.open_request(region, code, value, failure).await
            }
            Err(failure) => Err(NotDone::because(failure.message.clone())),
        };
        self.record(Change {
            at_ms: utc_ms(SystemTime::now()),
            caller: self.caller(),
            region: region.clone(),
            operation: "RequestServiceQuotaIncrease".to_owned(),
            subject: format!("{code} to {value}"),
            request_id: receipt.request_id,
            failure: made.as_ref().err().map(|not_done| not_done.reason.clone()),
        });
        made
    }

    /// The open request for `code`, after a refusal or a lost reply.
    async fn open_request(
        &self,
        region: &Region,
        code: &str,
        value: f64,
        failure: &Failure,
    ) -> Result<QuotaRequest, NotDone> {
        let refused = failure.code == "ResourceAlreadyExistsException";
        let requests = match self.clients.quota_requests(region, Some(code)).await {
            Ok(requests) => requests,
            Err(unread) => {
                let kept = format!(
                    "whether it was filed is not known ({}); `bedrock-top quotas status` tells",
                    unread.message
                );
                let kept = (!refused).then_some(kept);
                return Err(NotDone { reason: failure.message.clone(), kept });
            }
        };
        let open = requests.into_iter().find(|request| request.state.is_open());
        match open {
            Some(open) if open.value == value => Ok(open),
            Some(open) => {
                let reason = format!(
                    "a request for {} of {code} is open already ({}): AWS takes another one once it is decided",
                    open.value,
                    open.state.word()
                );
                Err(NotDone::because(reason))
            }
            None if refused => Err(NotDone::because(failure.message.clone())),
            None => Err(NotDone::because(format!("{}; nothing was filed", failure.message))),
        }
    }

    /// The requests for higher quotas of Bedrock in all Regions, newest first; and what could not be read.
    pub async fn quota_requests(&self) -> (Vec<QuotaRequest>, Vec<(Region, Failure)>) {
        let regions: Vec<Region> = self.clients.regions().cloned().collect();
        let answers = join(regions.iter().map(|region| self.clients.quota_requests(region, None))).await;
        let (mut requests, mut failures) = (Vec::new(), Vec::new());
        for (region, answer) in regions.into_iter().zip(answers) {
            match answer {
                Ok(found) => requests.extend(found),
                Err(failure) => failures.push((region, failure)),
            }
        }
        requests.sort_by_key(|request| std::cmp::Reverse(request.created_ms));
        (requests, failures)
    }
}
