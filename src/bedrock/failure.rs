//! From what the SDK throws to a [`Failure`]: a class, a code, one clean line, and whether somebody may be billed.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::record::{ErrorClass, Failure};

use super::classify::{bare, classify};
use super::exchange::{Head, Impostor, Trace};
use super::message::{causes, one_line};

/// What to do about credentials, by target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A simulator takes any credentials: only its own faults say otherwise.
    Simulator,
    /// `aws sso login` and friends.
    Aws {
        /// The profile in use.
        profile: Option<String>,
        /// A Bedrock API key is set, and takes the place of credentials.
        api_key: bool,
    },
}

impl Remedy {
    /// For the AWS conventions with `profile`.
    pub(crate) fn for_aws(profile: Option<String>) -> Remedy {
        let api_key = std::env::var_os("AWS_BEARER_TOKEN_BEDROCK").is_some_and(|key| !key.is_empty());
        Remedy::Aws { profile: profile.map(|name| one_line(&name)), api_key }
    }

    /// A Bedrock API key takes the place of credentials. Only Bedrock itself accepts it.
    pub(crate) fn api_key(&self) -> bool {
        matches!(self, Remedy::Aws { api_key: true, .. })
    }

    /// One sentence about `failure`; empty where there is nothing to add.
    fn words(&self, failure: &Failure) -> String {
        if failure.code == "SimulatedReply" {
            return String::new();
        }
        if ["Signature expired", "Signature not yet current"].iter().any(|part| failure.message.contains(part)) {
            return "set the clock of this machine".to_owned();
        }
        match (self, failure.class) {
            (Remedy::Simulator, ErrorClass::Credentials) => "a fault of the scenario".to_owned(),
            (Remedy::Aws { api_key: true, .. }, ErrorClass::Credentials) => {
                "AWS_BEARER_TOKEN_BEDROCK is in use: renew the key, or unset it".to_owned()
            }
            (Remedy::Aws { profile: Some(profile), .. }, ErrorClass::Credentials) => {
                format!("run `aws sso login --profile {profile}`, or renew the credentials of that profile")
            }
            (Remedy::Aws { profile: None, .. }, ErrorClass::Credentials) => {
                "run `aws sso login` or `aws configure`, or name a profile with `--profile`".to_owned()
            }
            _ => String::new(),
        }
    }

    /// `failure` with what to do about it.
    pub(crate) fn advise(&self, mut failure: Failure) -> Failure {
        let words = self.words(&failure);
        if !words.is_empty() {
            let message = failure.message.trim_end_matches('.');
            failure.message = if message.is_empty() { words } else { format!("{message}: {words}") };
        }
        failure
    }
}

/// A failure in our own words: no reply, nothing billed.
pub(crate) fn own(class: ErrorClass, code: &str, message: &str) -> Failure {
    Failure {
        class,
        code: code.to_owned(),
        message: one_line(message),
        status: None,
        retry_after: None,
        maybe_billed: false,
        usage: None,
        text_bytes: 0,
    }
}

/// The failure behind an SDK error. `trace` tells how far the exchange went.
pub(crate) fn from_sdk<E>(error: &SdkError<E, HttpResponse>, trace: &Trace) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let head = trace.head();
    match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            let status = service.raw().status();
            let page = web_page(service.raw());
            if status.is_success() {
                let cause = page.unwrap_or_else(|| causes(service.err()));
                return lost(ErrorClass::Malformed, "MalformedReply", &cause, head.as_ref());
            }
            let code = meta.code().map_or("", bare);
            let message = meta.message().map(str::to_owned).or(page).unwrap_or_default();
            from_reply(code, &message, status.as_u16(), head.as_ref())
        }
        SdkError::ResponseError(_) if find::<Impostor>(error).is_some() => {
            own(ErrorClass::Credentials, "SimulatedReply", &Impostor.to_string())
        }
        SdkError::ResponseError(response) => {
            let cause = web_page(response.raw()).unwrap_or_else(|| response_cause(error));
            let (class, code) = if broke(error) {
                (ErrorClass::Connection, "ReplyLost")
            } else if response.raw().status().is_success() {
                (ErrorClass::Malformed, "MalformedReply")
            } else {
                (classify("", Some(response.raw().status().as_u16()), ""), "UnreadableError")
            };
            lost(class, code, &cause, head.as_ref())
        }
        SdkError::TimeoutError(_) => {
            let mut failure = own(ErrorClass::Timeout, "Timeout", &causes(error));
            failure.maybe_billed = trace.sent();
            failure
        }
        SdkError::DispatchFailure(dispatch) => {
            if let Some(credentials) = find::<CredentialsError>(error) {
                return own(ErrorClass::Credentials, "NoCredentials", &causes(credentials));
            }
            let sent = trace.sent();
            let (class, code) = if dispatch.is_timeout() {
                (ErrorClass::Timeout, "ConnectTimeout")
            } else if dispatch.is_io() || sent || broke(error) {
                // A connection that closed under a request may have carried it.
                let reset = sent || !dispatch.is_io();
                (ErrorClass::Connection, if reset { "ConnectionReset" } else { "ConnectionFailed" })
            } else {
                (ErrorClass::Other, "NotSent")
            };
            let mut failure = own(class, code, &causes(error));
            failure.maybe_billed = sent;
            failure
        }
        SdkError::ConstructionFailure(_) => own(ErrorClass::Other, "NotSent", &causes(error)),
        _ => own(ErrorClass::Other, "Unknown", &causes(error)),
    }
}

/// An error that the service itself reported.
pub(crate) fn from_reply(code: &str, message: &str, status: u16, head: Option<&Head>) -> Failure {
    let class = classify(code, Some(status), message);
    let code = if code.is_empty() { format!("Http{status}") } else { one_line(code) };
    let message = if message.is_empty() { format!("HTTP {status} without a message") } else { one_line(message) };
    Failure {
        class,
        code,
        message,
        status: Some(status),
        retry_after: head.and_then(|head| head.retry_after),
        // A model that ran out of time has generated; every other error reply comes instead of generating.
        maybe_billed: class == ErrorClass::Timeout,
        usage: None,
        text_bytes: 0,
    }
}

/// A reply came, at least its head, but is of no use: the work was done, and may be billed.
pub(crate) fn lost(class: ErrorClass, code: &str, message: &str, head: Option<&Head>) -> Failure {
    let status = head.map(|head| head.status);
    Failure {
        status,
        retry_after: head.and_then(|head| head.retry_after),
        maybe_billed: status.is_some_and(|status| (200..300).contains(&status)),
        usage: head.and_then(|head| head.usage),
        ..own(class, code, message)
    }
}

/// What to say of a reply that is meant for people: no service of AWS answers in HTML.
fn web_page(reply: &HttpResponse) -> Option<String> {
    let kind = reply.headers().get("content-type")?;
    let html = kind.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html"));
    let status = reply.status().as_u16();
    html.then(|| {
        format!("a web page (HTTP {status}) in place of the service's reply: a portal, proxy or gateway answers")
    })
}

/// The innermost words of a reply that could not be read.
fn response_cause(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(source) => causes(source),
        None => causes(error),
    }
}

/// The connection ended before the reply did.
pub(crate) fn broke(error: &(dyn Error + 'static)) -> bool {
    find::<std::io::Error>(error).is_some() || find::<hyper::Error>(error).is_some()
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
