//! Questions and orders to the control planes: one way to wait, to name what failed, and to say what was missing.

use std::fmt::Write as _;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use tokio::time::timeout;

use crate::record::{ErrorClass, Failure};

use super::connect::Clients;
use super::exchange::Trace;
use super::failure::{from_sdk, own};
use super::message::one_line;

/// Pages of one list that we read at most: a list that never ends is a fault of whoever sends it.
pub(super) const MOST_PAGES: usize = 100;

/// What became of a call that changes something.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt<T> {
    /// The answer.
    pub answer: Result<T, Failure>,
    /// The service's id of the request, if a reply came.
    pub request_id: Option<String>,
}

impl<T> Receipt<T> {
    /// Nothing was sent.
    pub(super) fn unsent(failure: Failure) -> Receipt<T> {
        Receipt { answer: Err(failure), request_id: None }
    }

    /// What the answer means.
    pub(super) fn map<U>(self, meaning: impl FnOnce(T) -> U) -> Receipt<U> {
        Receipt { answer: self.answer.map(meaning), request_id: self.request_id }
    }

    /// The service has said no, and did nothing. Everything else that is no success (no reply, a reply that cannot be
    /// read, the service's own failure, a throttle after retries) leaves open whether it was done.
    #[must_use]
    pub fn refused(&self) -> bool {
        let Err(failure) = &self.answer else { return false };
        match failure.class {
            ErrorClass::Validation | ErrorClass::TooLarge | ErrorClass::Access | ErrorClass::Credentials => true,
            ErrorClass::Other => match failure.status {
                Some(status) => (400..500).contains(&status),
                None => failure.code == "NotSent" || failure.code == "NoSuchRegion",
            },
            _ => false,
        }
    }
}

impl Clients {
    /// Waits for the answer to a question to the control plane, at most as long as the settings allow. A failure names
    /// the call, and the permission where that is what is missing.
    pub(super) async fn ask<T, E>(
        &self,
        call: &str,
        action: Option<&str>,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.order(call, action, answer).await.answer
    }

    /// The same for a call that changes something: its reply's request id belongs in the journal, whatever it says.
    pub(super) async fn order<T, E>(
        &self,
        call: &str,
        action: Option<&str>,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Receipt<T>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        // The SDK's own deadline starts only once the credentials are there.
        self.order_within(self.settings.control_timeout.saturating_mul(2), call, action, answer).await
    }

    /// The same with a deadline of its own.
    pub(super) async fn order_within<T, E>(
        &self,
        within: Duration,
        call: &str,
        action: Option<&str>,
        answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Receipt<T>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let (mut failure, request_id) = match timeout(within, answer).await {
            Ok(Ok(answer)) => return Receipt { answer: Ok(answer), request_id: None },
            Ok(Err(error)) => (from_sdk(&error, &Trace::default()), error.request_id().map(one_line)),
            Err(_) => {
                (own(ErrorClass::Timeout, "Timeout", &format!("no answer within {} s", within.as_secs_f64())), None)
            }
        };
        failure.maybe_billed = false;
        if failure.code == "NoCredentials" && self.remedy.api_key() {
            failure.class = ErrorClass::Access;
            failure.message = "AWS_BEARER_TOKEN_BEDROCK is in use, which only Bedrock itself accepts".to_owned();
        }
        failure.message = format!("{call}: {}", failure.message);
        if failure.class == ErrorClass::Access
            && failure.status == Some(403)
            && let Some(action) = action
            && !failure.message.contains(action)
        {
            let _ = write!(failure.message, " (allow {action})");
        }
        Receipt { answer: Err(self.remedy.advise(failure)), request_id }
    }
}

/// A successful reply knows its own request id.
pub(super) fn identified<T: RequestId>(receipt: Receipt<T>) -> Receipt<T> {
    let of_reply = receipt.answer.as_ref().ok().and_then(|reply| reply.request_id().map(one_line));
    Receipt { request_id: receipt.request_id.or(of_reply), ..receipt }
}

pub(super) fn endless(call: &str) -> Failure {
    own(ErrorClass::Malformed, "MalformedReply", &format!("{call}: the list goes on after {MOST_PAGES} pages"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_services_own_no_is_a_no() {
        let receipt = |class, status| {
            let failure = Failure { status, ..own(class, "X", "x") };
            Receipt::<()> { answer: Err(failure), request_id: None }
        };
        for class in [ErrorClass::Validation, ErrorClass::Access, ErrorClass::Credentials] {
            assert!(receipt(class, Some(400)).refused(), "{class:?}");
        }
        assert!(!receipt(ErrorClass::Other, None).refused());
        let unsent = Receipt::<()>::unsent(own(ErrorClass::Other, "NotSent", "x"));
        assert!(unsent.refused());
        for class in [
            ErrorClass::Timeout,
            ErrorClass::Connection,
            ErrorClass::Malformed,
            ErrorClass::Server,
            ErrorClass::ThrottleOther,
            ErrorClass::Capacity,
        ] {
            assert!(!receipt(class, Some(500)).refused(), "{class:?}");
        }
        assert!(!Receipt { answer: Ok(()), request_id: None }.refused());
    }
}
