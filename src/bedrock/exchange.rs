//! One HTTP exchange as an interceptor of the SDK sees it: the user's body goes in byte for byte before the request is
//! signed, and what the reply really said (status, headers, raw body) is kept for us.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use http_body_util::Limited;
use hyper::body::{Body, Frame, SizeHint};

use crate::record::{Micros, Usage};

/// The largest reply read into memory. The service's own limit for a body is 25 MB; anything beyond this is not it.
pub(crate) const LARGEST_REPLY: usize = 64 << 20;

/// The header by which a reply says that a `bedrock-top` simulator made it.
const SIMULATOR_HEADER: &str = "x-bedrock-top-sim";

/// What the head of a reply told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// HTTP status.
    pub(crate) status: u16,
    /// `x-amzn-requestid`.
    pub(crate) request_id: Option<String>,
    /// How long the service asks us to stay away.
    pub(crate) retry_after: Option<Micros>,
    /// The token-count headers of InvokeModel.
    pub(crate) usage: Option<Usage>,
    /// The service's own latency, milliseconds.
    pub(crate) latency_ms: Option<u64>,
}

/// What is known of an exchange at any moment, also after its future was dropped.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    sent: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    head: Option<Head>,
    body: Option<Bytes>,
    stream: Option<SdkBody>,
}

impl Trace {
    /// The request's body was handed to a connection: from here on the service may have worked, and billed.
    pub(crate) fn sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    /// The head of the reply, if one came.
    pub(crate) fn head(&self) -> Option<Head> {
        self.kept().head.clone()
    }

    /// The raw body of a successful unary reply.
    pub(crate) fn take_body(&self) -> Option<Bytes> {
        self.kept().body.take()
    }

    /// The unread body of a successful streamed reply.
    pub(crate) fn take_stream(&self) -> Option<SdkBody> {
        self.kept().stream.take()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to do with the body of a successful reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Let the SDK read it and keep a copy.
    Copy,
    /// Take it away from the SDK unread: an event stream, whose frames we decode ourselves. The SDK's own receiver
    /// knows no deadline, hides a missing last event and drops every field that it has no type for.
    Stream,
}

/// The interceptor of one call.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The request body.
    pub(crate) body: Bytes,
    /// What to keep of the reply.
    pub(crate) keep: Keep,
    /// Where to keep it.
    pub(crate) trace: Arc<Trace>,
}

#[dyn_dispatch_hint]
impl Intercept for Exchange {
    fn name(&self) -> &'static str {
        "Exchange"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("content-length", self.body.len().to_string());
        *request.body_mut() = SdkBody::from(self.body.clone());
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let watched = Watched { left: Some(self.body.clone()), trace: Arc::clone(&self.trace) };
        *context.request_mut().body_mut() = SdkBody::from_body_1_x(watched);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let head = Head::read(response);
        let success = response.status().is_success();
        let body = response.take_body();
        if success && self.keep == Keep::Stream {
            self.trace.kept().stream = Some(body);
            *response.body_mut() = SdkBody::empty();
        } else {
            *response.body_mut() = SdkBody::from_body_1_x(Limited::new(body, LARGEST_REPLY));
        }
        self.trace.kept().head = Some(head);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if self.keep == Keep::Copy && response.status().is_success() {
            self.trace.kept().body = response.body().bytes().map(Bytes::copy_from_slice);
        }
        Ok(())
    }
}

/// A simulator answered where AWS was asked: nothing of it may be taken for real.
#[derive(Debug, thiserror::Error)]
#[error(
    "a bedrock-top simulator answered in the place of AWS: give its URL with `--target`, or unset AWS_ENDPOINT_URL and \
     the endpoint_url of the profile"
)]
pub(crate) struct Impostor;

/// The interceptor of every client for AWS: lets no reply of a simulator pass.
#[derive(Debug)]
pub(crate) struct Genuine;

#[dyn_dispatch_hint]
impl Intercept for Genuine {
    fn name(&self) -> &'static str {
        "Genuine"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().headers().contains_key(SIMULATOR_HEADER) { Err(Impostor.into()) } else { Ok(()) }
    }
}

/// A request body that notes when a connection takes it.
struct Watched {
    left: Option<Bytes>,
    trace: Arc<Trace>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.trace.sent.store(true, Ordering::Relaxed);
        Poll::Ready(self.left.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

impl Head {
    fn read(response: &HttpResponse) -> Head {
        let headers = response.headers();
        let number = |name: &str| headers.get(name).and_then(|value| value.trim().parse::<u64>().ok());
        let usage = match (number("x-amzn-bedrock-input-token-count"), number("x-amzn-bedrock-output-token-count")) {
            (Some(input), Some(output)) => Some(Usage {
                input,
                output,
                cache_read: number("x-amzn-bedrock-cache-read-input-token-count").unwrap_or(0),
                cache_write: number("x-amzn-bedrock-cache-write-input-token-count").unwrap_or(0),
            }),
            _ => None,
        };
        Head {
            status: response.status().as_u16(),
            request_id: headers.get("x-amzn-requestid").map(super::message::one_line),
            retry_after: retry_after(
                headers.get("x-amz-retry-after"),
                headers.get("retry-after"),
                headers.get("date"),
                SystemTime::now(),
            ),
            usage,
            latency_ms: number("x-amzn-bedrock-invocation-latency"),
        }
    }
}

/// The wait that a reply asks for: `x-amz-retry-after` in milliseconds, else `Retry-After` in seconds or as a date,
/// which is measured against the reply's own `date` (our clock may be off). Never more than a day.
fn retry_after(amazon: Option<&str>, standard: Option<&str>, date: Option<&str>, now: SystemTime) -> Option<Micros> {
    const LONGEST: Duration = Duration::from_secs(86_400);
    let millis = amazon.and_then(|value| value.trim().parse::<u64>().ok()).map(Duration::from_millis);
    let wait = millis.or_else(|| {
        let value = standard?.trim();
        if let Ok(seconds) = value.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        let parse = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
        let until = parse(value)?;
        let from = match date.and_then(parse) {
            Some(date) => date,
            None => jiff::Timestamp::try_from(now).ok()?,
        };
        Duration::try_from(until.duration_since(from)).ok()
    })?;
    Some(Micros::from(wait.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now = SystemTime::UNIX_EPOCH;
        let ask = |amazon, standard, date| retry_after(amazon, standard, date, now);
        assert_eq!(ask(Some("1500"), Some("9"), None), Some(Micros::from_millis(1_500)));
        assert_eq!(ask(Some("soon"), Some("9"), None), Some(Micros::from_secs(9)));
        assert_eq!(ask(None, Some("0.5"), None), Some(Micros::from_millis(500)));
        assert_eq!(
            ask(None, Some("Sun, 22 Nov 2026 10:00:30 GMT"), Some("Sun, 22 Nov 2026 10:00:00 GMT")),
            Some(Micros::from_secs(30))
        );
        assert_eq!(ask(None, Some("Thu, 01 Jan 1970 00:00:02 GMT"), None), Some(Micros::from_secs(2)));
        assert_eq!(ask(None, Some("Thu, 01 Jan 1970 00:00:02 GMT"), Some("Thu, 01 Jan 1970 00:00:05 GMT")), None);
        assert_eq!(ask(None, Some("999999999999"), None), Some(Micros::from_secs(86_400)));
        for nonsense in ["-1", "NaN", "inf", "", "later"] {
            assert_eq!(ask(None, Some(nonsense), None), None, "{nonsense}");
        }
        assert_eq!(ask(None, None, None), None);
    }
}
