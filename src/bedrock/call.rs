//! One attempt: from send to a reply or a failure. No retries and no waiting: those are the engine's.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{ContentBlock, ConverseOutput as Output, ReasoningContentBlock, TokenUsage};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::catalogue::{Catalogue, RouteError};
use crate::families::{self, Family};
use crate::record::{Api, Body, ErrorClass, Failure, Reply, Route, Usage, UsageSource};

use super::connect::{Clients, RegionClients};
use super::exchange::{Exchange, Head, Keep, Trace};
use super::failure::{from_sdk, lost, own};
use super::message::one_line;
use super::stream::{self, Reading, Seen};

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of output text so far.
    pub text_bytes: u64,
}

/// Who wants to hear of a stream's progress: called from the attempt's own task, at most ten times a second.
pub type ProgressSink = Box<dyn FnMut(Progress) + Send>;

/// One attempt to make.
pub struct Call {
    /// Where to.
    pub route: Route,
    /// The user's body, sent byte for byte.
    pub body: Body,
    /// Ask for a streamed reply.
    pub stream: bool,
    /// How long the whole attempt may take, streams included.
    pub attempt_timeout: Duration,
    /// The longest silence between two events of a stream.
    pub stream_gap: Duration,
    /// Told of progress, for streams.
    pub progress: Option<ProgressSink>,
}

/// What came of a call.
#[derive(Debug)]
pub struct Attempt {
    /// A complete reply, or why there is none.
    pub result: Result<Reply, Failure>,
    /// The service's id of the request, if a reply came.
    pub request_id: Option<String>,
    /// Send to end.
    pub elapsed: Duration,
}

impl Clients {
    /// Makes one attempt. Dropping the future, or its running out of time, closes the connection under it.
    ///
    /// Failures carry a class, the service's own code and words (sanitised, at most 400 bytes), and whether somebody may
    /// have been billed. Prompts and outputs are never part of them.
    pub async fn call(&self, mut call: Call) -> Attempt {
        let started = Instant::now();
        let trace = Arc::new(Trace::default());
        let mut seen = Seen::default();
        let deadline = started + call.attempt_timeout;
        let outcome = match self.region(&call.route.region) {
            Err(failure) => Err(failure),
            Ok(clients) => match timeout_at(deadline, exchange(clients, &mut call, started, &trace, &mut seen)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(out_of_time(&call, &trace, &seen)),
            },
        };
        let head = trace.head();
        let result = outcome.map_err(|failure| self.remedy.advise(explain(failure, &call.route)));
        Attempt { result, request_id: head.and_then(|head| head.request_id), elapsed: started.elapsed() }
    }
}

/// Sends the call by the operation that its body is for.
async fn exchange(
    clients: &RegionClients,
    call: &mut Call,
    started: Instant,
    trace: &Arc<Trace>,
    seen: &mut Seen,
) -> Result<Reply, Failure> {
    let model = call.route.model.as_str();
    let runtime = &clients.runtime;
    let keep = if call.stream { Keep::Stream } else { Keep::Copy };
    let interceptor = Exchange { body: call.body.json.clone(), keep, trace: Arc::clone(trace) };
    match (call.body.family.api(), call.stream) {
        (Api::Converse, false) => {
            let sent = runtime.converse().model_id(model).customize().interceptor(interceptor).send().await;
            let output = sent.map_err(|error| from_sdk(&error, trace))?;
            converse_reply(&output, trace)
        }
        (Api::Invoke, false) => {
            let request = runtime.invoke_model().model_id(model).body(Blob::default());
            let request = request.content_type("application/json").accept("application/json");
            let sent = request.customize().interceptor(interceptor).send().await;
            sent.map_err(|error| from_sdk(&error, trace))?;
            invoke_reply(call.body.family, trace)
        }
        (Api::Converse, true) => {
            let sent = runtime.converse_stream().model_id(model).customize().interceptor(interceptor).send().await;
            sent.map_err(|error| from_sdk(&error, trace))?;
            streamed_reply(Family::Converse, call, started, trace, seen).await
        }
        (Api::Invoke, true) => {
            let request = runtime.invoke_model_with_response_stream().model_id(model).body(Blob::default());
            let request = request.content_type("application/json").accept("application/json");
            let sent = request.customize().interceptor(interceptor).send().await;
            sent.map_err(|error| from_sdk(&error, trace))?;
            streamed_reply(call.body.family, call, started, trace, seen).await
        }
    }
}

fn converse_reply(output: &ConverseOutput, trace: &Trace) -> Result<Reply, Failure> {
    let (head, body) = whole(trace)?;
    let malformed = |why: &str| lost(ErrorClass::Malformed, "MalformedReply", why, Some(&head));
    let Some(Output::Message(message)) = output.output() else {
        return Err(malformed("the reply has no `output.message`"));
    };
    // Text is what nearly every reply consists of; only for the rest is the body read once more.
    let text_bytes = match message.content().iter().map(text_bytes).sum() {
        Some(bytes) => bytes,
        None => {
            families::read_reply(Family::Converse, &body).map_err(|error| malformed(&error.to_string()))?.text_bytes
        }
    };
    Ok(Reply {
        output: body,
        usage: output.usage().map(|usage| (usage_of(usage), UsageSource::Body)),
        stop_reason: Some(output.stop_reason().as_str().to_owned()),
        stream: None,
        server_latency_ms: output.metrics().and_then(|metrics| u64::try_from(metrics.latency_ms()).ok()),
        text_bytes,
    })
}

fn invoke_reply(family: Family, trace: &Trace) -> Result<Reply, Failure> {
    let (head, body) = whole(trace)?;
    let facts = families::read_reply(family, &body)
        .map_err(|error| lost(ErrorClass::Malformed, "MalformedReply", &error.to_string(), Some(&head)))?;
    let usage = facts.usage.map(|usage| (usage, UsageSource::Body));
    Ok(Reply {
        output: body,
        usage: usage.or_else(|| head.usage.map(|usage| (usage, UsageSource::Headers))),
        stop_reason: facts.stop_reason,
        stream: None,
        server_latency_ms: head.latency_ms,
        text_bytes: facts.text_bytes,
    })
}

async fn streamed_reply(
    family: Family,
    call: &mut Call,
    started: Instant,
    trace: &Trace,
    seen: &mut Seen,
) -> Result<Reply, Failure> {
    let head = trace.head().unwrap_or_default();
    let body = trace
        .take_stream()
        .ok_or_else(|| lost(ErrorClass::Malformed, "MalformedReply", "the reply has no stream", Some(&head)))?;
    let reading = Reading { family, gap: call.stream_gap, started, progress: call.progress.as_mut() };
    stream::read(body, &head, reading, seen).await
}

/// Head and raw body of a successful unary reply.
fn whole(trace: &Trace) -> Result<(Head, Bytes), Failure> {
    let head = trace.head().unwrap_or_default();
    match trace.take_body() {
        Some(body) => Ok((head, body)),
        None => Err(lost(ErrorClass::Malformed, "MalformedReply", "the reply has no body", Some(&head))),
    }
}

fn usage_of(usage: &TokenUsage) -> Usage {
    let count = |value: i32| u64::try_from(value).unwrap_or(0);
    Usage {
        input: count(usage.input_tokens()),
        output: count(usage.output_tokens()),
        cache_read: usage.cache_read_input_tokens().map_or(0, count),
        cache_write: usage.cache_write_input_tokens().map_or(0, count),
    }
}

fn text_bytes(block: &ContentBlock) -> Option<u64> {
    match block {
        ContentBlock::Text(text) => Some(text.len() as u64),
        ContentBlock::ReasoningContent(ReasoningContentBlock::ReasoningText(reasoning)) => {
            Some(reasoning.text().len() as u64)
        }
        _ => None,
    }
}

fn out_of_time(call: &Call, trace: &Trace, seen: &Seen) -> Failure {
    let within = call.attempt_timeout.as_secs_f64();
    let head = trace.head();
    let message = match (&head, trace.sent()) {
        (Some(_), _) => format!("the reply was not complete within {within} s"),
        (None, true) => format!("no reply within {within} s"),
        (None, false) => format!("not sent within {within} s"),
    };
    Failure {
        maybe_billed: trace.sent(),
        status: head.map(|head| head.status),
        text_bytes: seen.text_bytes,
        ..own(ErrorClass::Timeout, "AttemptTimeout", &message)
    }
}

/// The service's words, plus what to use instead where the catalogue knows it.
fn explain(mut failure: Failure, route: &Route) -> Failure {
    if failure.class == ErrorClass::Access
        && failure.status == Some(400)
        && let Err(error) = Catalogue::embedded().route(route.region.as_str(), route.model.as_str())
    {
        let instead = match error {
            RouteError::Unknown { suggestion, .. } => suggestion.into_iter().collect(),
            RouteError::NeedsProfile { alternatives, .. } | RouteError::NotHere { alternatives, .. } => alternatives,
            RouteError::OtherRegion { .. } => Vec::new(),
        };
        if !instead.is_empty() {
            failure.message = one_line(&format!("{} Use {}", failure.message, instead.join(" or ")));
        }
    }
    failure
}
