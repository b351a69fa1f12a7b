//! The AWS edge over real sockets, against a server that does what each test tells it to.

#![allow(clippy::unwrap_used, clippy::panic)] // What clippy.toml allows in tests; it cannot tell that this is one.

use std::time::Duration;

use bedrock_top::bedrock::{Attempt, Call, Clients, ConnectionSettings, Target};
use bedrock_top::record::{Api, Body, ErrorClass, Failure, Family, Region, Reply, Route, UsageSource};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use self::server::{Seen, Server, Step, chunk, error, event, piece, reply, stream_end, stream_head};

mod account;
mod bought;
mod canary;
mod server;
mod sigv4;
mod simulated;
mod streams;

const MODEL: &str = "anthropic.claude-3-haiku-20240307-v1:0";
/// Odd on purpose: spaces, an escape, a duplicate-free but unsorted order, and a member that no type knows.
const BODY: &str =
    "{ \"messages\" : [{\"content\":[{\"text\":\"caf\\u00e9 \u{2713}\"}],\"role\":\"user\"}],\n\"zzz_new\":1.50 }";

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("bodies_travel_byte_for_byte_and_are_signed", bodies_travel_byte_for_byte),
        trial("every_error_of_the_service_has_its_class", every_error_has_its_class),
        trial("retry_after_is_read", retry_after_is_read),
        trial("words_of_others_are_escaped_and_bounded", words_are_escaped),
        trial("a_gateways_errors_are_classed_by_status", gateway_errors),
        trial("the_end_of_an_attempt_closes_its_connection", attempt_timeout),
        trial("lost_replies_may_be_billed", lost_replies),
        trial("malformed_replies_do_not_quote_the_output", malformed_replies),
        trial("connections_are_used_again", connections_are_used_again),
        trial("a_region_without_a_client_is_an_error", unknown_region),
    ];
    trials.extend(streams::trials());
    trials.extend(account::trials());
    trials.extend(bought::trials());
    trials.extend(canary::trials());
    trials.extend(simulated::trials());
    trials
}

/// A trial on a runtime of its own.
pub fn trial<F, Fut>(name: &str, test: F) -> Trial
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    Trial::test(format!("edge::{name}"), move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.map_err(|error| Failed::from(error.to_string()))?.block_on(test());
        Ok(())
    })
}

/// Clients of one Region for a simulator at `server`.
pub async fn clients(server: &Server) -> Clients {
    let target = Target::Simulator { url: server.url() };
    Clients::connect(&target, &[Region::from("us-east-1")], ConnectionSettings::default()).await.unwrap()
}

pub fn body(family: Family, json: &str) -> Body {
    Body { family, json: bytes::Bytes::copy_from_slice(json.as_bytes()), max_tokens: None, raw_input: 0, text_kind: 0 }
}

fn family_of(api: Api) -> Family {
    match api {
        Api::Converse => Family::Converse,
        Api::Invoke => Family::AnthropicMessages,
    }
}

fn call(api: Api, stream: bool) -> Call {
    Call {
        route: Route::new("us-east-1", MODEL),
        body: body(family_of(api), BODY),
        stream,
        attempt_timeout: Duration::from_secs(20),
        stream_gap: Duration::from_secs(20),
        progress: None,
    }
}

const ALL: [(Api, bool); 4] =
    [(Api::Converse, false), (Api::Converse, true), (Api::Invoke, false), (Api::Invoke, true)];

/// Makes one call to a server that follows `steps`.
async fn answer(api: Api, stream: bool, steps: Vec<Step>) -> Attempt {
    let server = Server::start(move |_| steps.clone()).await;
    clients(&server).await.call(call(api, stream)).await
}

async fn failure(api: Api, stream: bool, steps: Vec<Step>) -> Failure {
    answer(api, stream, steps).await.result.unwrap_err()
}

async fn success(api: Api, stream: bool, steps: Vec<Step>) -> Reply {
    answer(api, stream, steps).await.result.unwrap()
}

const CONVERSE_REPLY: &str = "{ \"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Hi \\u2713\"}]}},\
     \"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":7,\"outputTokens\":3,\"totalTokens\":10,\
     \"cacheReadInputTokens\":5},\"metrics\":{\"latencyMs\":321},\"new\":[1.50] }";
const INVOKE_REPLY: &str = "{ \"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\
     \"text\":\"Hi \\u2713\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":7,\"output_tokens\":3},\"new\":[1.50] }";

fn converse_events() -> Vec<Vec<u8>> {
    vec![
        event("messageStart", &json!({ "role": "assistant", "p": "abc" })),
        event("contentBlockDelta", &json!({ "contentBlockIndex": 0, "delta": { "text": "" } })),
        event("contentBlockDelta", &json!({ "contentBlockIndex": 0, "delta": { "text": "Hi " } })),
        event("contentBlockDelta", &json!({ "contentBlockIndex": 0, "delta": { "text": "\u{2713}" } })),
        event("contentBlockStop", &json!({ "contentBlockIndex": 0 })),
        event("somethingNew", &json!({ "x": 1 })),
        event("messageStop", &json!({ "stopReason": "end_turn" })),
        event(
            "metadata",
            &json!({ "usage": { "inputTokens": 7, "outputTokens": 3, "totalTokens": 10 }, "metrics": { "latencyMs": 321 } }),
        ),
    ]
}

fn invoke_events() -> Vec<Vec<u8>> {
    use base64::Engine;
    let chunk = |inner: serde_json::Value| {
        let bytes = base64::engine::general_purpose::STANDARD.encode(inner.to_string());
        event("chunk", &json!({ "bytes": bytes, "p": "abcdef" }))
    };
    let message = json!({ "id": "m", "type": "message", "role": "assistant", "content": [], "model": "claude",
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 7, "output_tokens": 1 } });
    vec![
        chunk(json!({ "type": "message_start", "message": message })),
        chunk(json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } })),
        chunk(json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "Hi " } })),
        chunk(
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "\u{2713}" } }),
        ),
        chunk(json!({ "type": "content_block_stop", "index": 0 })),
        chunk(
            json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": 3 } }),
        ),
        chunk(json!({ "type": "message_stop", "amazon-bedrock-invocationMetrics": { "inputTokenCount": 7,
            "outputTokenCount": 3, "invocationLatency": 321, "firstByteLatency": 100 } })),
    ]
}

fn streamed(events: &[Vec<u8>]) -> Vec<Step> {
    let mut steps = vec![stream_head()];
    steps.extend(events.iter().map(|event| piece(event)));
    steps
}

fn whole_stream(events: &[Vec<u8>]) -> Vec<Step> {
    let mut steps = streamed(events);
    steps.push(stream_end());
    steps
}

fn good_reply(api: Api, stream: bool) -> Vec<Step> {
    match (api, stream) {
        (Api::Converse, false) => reply(
            200,
            &[("content-type", "application/json"), ("x-amzn-requestid", "req-1")],
            CONVERSE_REPLY.as_bytes(),
        ),
        (Api::Invoke, false) => {
            reply(200, &[("content-type", "application/json"), ("x-amzn-requestid", "req-1")], INVOKE_REPLY.as_bytes())
        }
        (Api::Converse, true) => whole_stream(&converse_events()),
        (Api::Invoke, true) => whole_stream(&invoke_events()),
    }
}

async fn bodies_travel_byte_for_byte() {
    assert!(sigv4::knows_its_own_vectors());
    for (api, stream) in ALL {
        let server = Server::start(move |_| good_reply(api, stream)).await;
        let attempt = clients(&server).await.call(call(api, stream)).await;
        let reply = attempt.result.unwrap();
        assert_eq!(attempt.request_id.as_deref(), Some("req-1"));
        assert_eq!(reply.stop_reason.as_deref(), Some("end_turn"), "{api:?} {stream}");
        assert_eq!(reply.text_bytes, 6, "{api:?} {stream}");
        let (usage, source) = reply.usage.unwrap();
        assert_eq!((usage.input, usage.output, source), (7, 3, UsageSource::Body));
        match (api, stream) {
            (Api::Converse, false) => {
                assert_eq!(reply.output, CONVERSE_REPLY);
                assert_eq!(usage.cache_read, 5);
                assert_eq!(reply.server_latency_ms, Some(321));
            }
            (Api::Invoke, false) => assert_eq!(reply.output, INVOKE_REPLY),
            _ => {}
        }
        let [seen]: [Seen; 1] = server.seen().try_into().unwrap();
        assert_eq!(seen.body, BODY.as_bytes(), "{api:?} {stream}");
        assert_eq!(seen.header("content-length"), Some(BODY.len().to_string().as_str()));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        let operation = match (api, stream) {
            (Api::Converse, false) => "converse",
            (Api::Converse, true) => "converse-stream",
            (Api::Invoke, false) => "invoke",
            (Api::Invoke, true) => "invoke-with-response-stream",
        };
        assert_eq!(seen.path, format!("/model/{}/{operation}", MODEL.replace(':', "%3A")));
        let accept = if stream { "x-amzn-bedrock-accept" } else { "accept" };
        if api == Api::Invoke {
            assert_eq!(seen.header(accept), Some("application/json"));
        }
        assert!(sigv4::signed_with(&seen, "dummy-secret-of-the-simulator"), "{seen:?}");
        let forged = Seen { body: b"{}".to_vec(), ..seen };
        assert!(!sigv4::signed_with(&forged, "dummy-secret-of-the-simulator"));
    }
}

async fn every_error_has_its_class() {
    use ErrorClass::*;
    let rows: &[(u16, &str, &str, ErrorClass)] = &[
        (429, "ThrottlingException", "Too many requests, please wait before trying again.", ThrottleRpm),
        (429, "ThrottlingException", "Too many tokens, please wait before trying again.", ThrottleTpm),
        (429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", ThrottleTpd),
        (429, "ThrottlingException", "Your request rate is too high. Reduce the frequency of requests.", ThrottleRpm),
        (429, "ThrottlingException", "Wait a little.", ThrottleOther),
        (429, "ModelNotReadyException", "Model is not ready for inference.", NotReady),
        (503, "ServiceUnavailableException", "Bedrock is unable to process your request.", Capacity),
        (529, "overloaded_error", "Overloaded", Capacity),
        (408, "ModelTimeoutException", "The model took too long.", Timeout),
        (424, "ModelErrorException", "The system encountered an unexpected error during processing.", Server),
        (424, "ModelStreamErrorException", "The stream broke.", Server),
        (500, "InternalServerException", "Internal error.", Server),
        (400, "ValidationException", "Malformed input request, please reformat your input and try again.", Validation),
        (400, "ValidationException", "The maximum tokens you requested exceeds the model limit of 32768.", Validation),
        (400, "ValidationException", "Input is too long for requested model.", TooLarge),
        (400, "ValidationException", "The provided model identifier is invalid.", Access),
        (400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account.", Access),
        (403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", Access),
        (403, "AccessDeniedException", "X is not available for this account.", Access),
        (404, "ResourceNotFoundException", "This model version has reached the end of its life.", Access),
        (404, "FTUFormNotFilled", "Model use case details have not been submitted for this account.", Access),
        (403, "MissingAuthenticationTokenException", "Missing Authentication Token", Credentials),
        (403, "InvalidSignatureException", "The signature does not match.", Credentials),
        (403, "ExpiredTokenException", "The security token included in the request is expired", Credentials),
        (403, "UnrecognizedClientException", "The security token included in the request is invalid.", Credentials),
        (400, "IncompleteSignature", "Authorization header is incomplete.", Credentials),
        (400, "BrandNewException", "Nobody knows me.", Other),
    ];
    for (status, code, message, class) in rows {
        for (api, stream) in ALL {
            let attempt = answer(api, stream, error(*status, code, message, &[])).await;
            let failure = attempt.result.unwrap_err();
            assert_eq!(failure.class, *class, "{status} {code} {message} {api:?} {stream}");
            assert_eq!(failure.code, *code);
            assert!(failure.message.starts_with(message.trim_end_matches('.')), "{failure}");
            assert_eq!(failure.status, Some(*status));
            assert_eq!(failure.maybe_billed, *class == Timeout, "{code}");
            assert_eq!((failure.usage, failure.text_bytes, failure.retry_after), (None, 0, None));
            assert_eq!(attempt.request_id.as_deref(), Some("req-1"));
        }
    }
    // The service's words, plus what to use instead.
    let server = server::Server::start(|_| {
        let words = "Invocation of model ID X with on-demand throughput isn\u{2019}t supported. Retry your request with the \
                     ID or ARN of an inference profile that contains this model.";
        error(400, "ValidationException", words, &[])
    })
    .await;
    let mut wrong = call(Api::Converse, false);
    wrong.route = Route::new("us-east-1", "anthropic.claude-haiku-4-5-20251001-v1:0");
    let failure = clients(&server).await.call(wrong).await.result.unwrap_err();
    assert_eq!(failure.class, Access);
    assert!(failure.message.contains("Use us.anthropic.claude-haiku-4-5-20251001-v1:0"), "{failure}");
}

async fn retry_after_is_read() {
    let throttle = |headers: &[(&str, &str)]| error(429, "ThrottlingException", "Too many tokens", headers);
    for (headers, millis) in [
        (&[("retry-after", "3")][..], Some(3_000)),
        (&[("x-amz-retry-after", "250"), ("retry-after", "3")], Some(250)),
        (&[("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT"), ("date", "Sun, 22 Nov 2026 10:00:00 GMT")], Some(30_000)),
        (&[("retry-after", "tomorrow")], None),
    ] {
        let failure = failure(Api::Converse, false, throttle(headers)).await;
        assert_eq!(failure.retry_after.map(|wait| wait.0 / 1_000), millis, "{headers:?}");
    }
}

async fn words_are_escaped() {
    let nasty = format!("\u{1b}]0;owned\u{7}line\nbreak \u{202e}{}", "x".repeat(100_000));
    let failure = failure(Api::Converse, false, error(400, "ValidationException", &nasty, &[])).await;
    assert!(failure.message.starts_with("\\u{1b}]0;owned\\u{7}line\\nbreak \\u{202e}xxx"), "{failure}");
    assert!(failure.message.len() < 450, "{}", failure.message.len());
    assert!(!failure.message.chars().any(char::is_control));
}

async fn gateway_errors() {
    let html = [("content-type", "text/html")];
    for (status, class) in [
        (429, ErrorClass::ThrottleOther),
        (502, ErrorClass::Server),
        (503, ErrorClass::Capacity),
        (504, ErrorClass::Timeout),
        (413, ErrorClass::TooLarge),
        (401, ErrorClass::Credentials),
        (404, ErrorClass::Access),
        (418, ErrorClass::Other),
    ] {
        for (api, stream) in ALL {
            let failure = failure(api, stream, reply(status, &html, b"<html>\x1b[2J Sorry</html>")).await;
            assert_eq!((failure.class, failure.status), (class, Some(status)), "{failure}");
            assert_eq!(failure.code, format!("Http{status}"));
        }
    }
}

async fn attempt_timeout() {
    for (api, stream) in ALL {
        let mut server = Server::start(|_| vec![Step::Hold]).await;
        let mut slow = call(api, stream);
        slow.attempt_timeout = Duration::from_millis(200);
        let attempt = clients(&server).await.call(slow).await;
        let failure = attempt.result.unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Timeout, "AttemptTimeout"));
        assert!(failure.maybe_billed, "it was sent");
        assert_eq!((failure.status, attempt.request_id), (None, None));
        server.hung_up().await;
    }
    // A stream that never stalls, and never ends.
    let mut endless = Server::start(|_| endless_stream()).await;
    let mut slow = call(Api::Converse, true);
    slow.attempt_timeout = Duration::from_millis(300);
    let failure = clients(&endless).await.call(slow).await.result.unwrap_err();
    assert_eq!(failure.class, ErrorClass::Timeout);
    assert_eq!(failure.status, Some(200));
    assert!(failure.maybe_billed && failure.text_bytes > 0, "{failure:?}");
    endless.hung_up().await;
}

/// Never silent, never done.
fn endless_stream() -> Vec<Step> {
    let mut steps = streamed(&converse_events()[..3]);
    steps.push(Step::Forever(chunk(&converse_events()[2])));
    steps
}

async fn lost_replies() {
    for (api, stream) in ALL {
        for steps in [vec![Step::Reset], vec![Step::Close]] {
            let failure = failure(api, stream, steps).await;
            assert_eq!(failure.class, ErrorClass::Connection, "{failure}");
            assert!(failure.maybe_billed, "the request was on the wire: {failure}");
        }
    }
    // The head of a reply, and half of its body.
    let half = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{{\"output\"", CONVERSE_REPLY.len()).into_bytes();
    for api in [Api::Converse, Api::Invoke] {
        for end in [Step::Reset, Step::Close] {
            let failure = failure(api, false, vec![Step::Send(half.clone()), end]).await;
            assert_eq!((failure.class, failure.status), (ErrorClass::Connection, Some(200)), "{failure}");
            assert!(failure.maybe_billed);
        }
    }
    // Nobody listens: nothing was sent, nothing can be billed.
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = Target::Simulator { url: format!("http://{addr}").parse().unwrap() };
    let clients = Clients::connect(&target, &["us-east-1".into()], ConnectionSettings::default()).await.unwrap();
    let failure = clients.call(call(Api::Converse, false)).await.result.unwrap_err();
    assert_eq!((failure.class, failure.maybe_billed), (ErrorClass::Connection, false));
    assert!(failure.message.contains("refused"), "{failure}");
}

async fn malformed_replies() {
    let json_type = [("content-type", "application/json")];
    for body in [
        &b"secret output"[..],
        b"",
        b"{}",
        b"[]",
        b"{\"output\":{\"message\":\"secret output\"}}",
        b"{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"secret output",
        b"{\"content\":\"secret output\"}",
    ] {
        for api in [Api::Converse, Api::Invoke] {
            let failure = failure(api, false, reply(200, &json_type, body)).await;
            assert_eq!(failure.class, ErrorClass::Malformed, "{api:?} {} {failure}", String::from_utf8_lossy(body));
            assert_eq!(failure.status, Some(200));
            assert!(failure.maybe_billed);
            assert!(!failure.message.contains("secret"), "{failure}");
        }
    }
    // JSON where an event stream was asked for.
    let failure = failure(Api::Converse, true, reply(200, &json_type, CONVERSE_REPLY.as_bytes())).await;
    assert_eq!(failure.class, ErrorClass::Malformed, "{failure}");
}

async fn connections_are_used_again() {
    let server = Server::start(|seen| {
        let stream = seen.path.ends_with("stream");
        good_reply(if seen.path.contains("invoke") { Api::Invoke } else { Api::Converse }, stream)
    })
    .await;
    let clients = clients(&server).await;
    for _ in 0..3 {
        for (api, stream) in ALL {
            clients.call(call(api, stream)).await.result.unwrap();
        }
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 12);
    // A connection comes back to the pool a moment after its reply, so the next call may be too early for it.
    let connections = seen.iter().map(|request| request.connection).max().unwrap() + 1;
    assert!(connections <= 6, "streams are read to their end: {connections} connections for 12 calls");
}

async fn unknown_region() {
    let server = Server::start(|_| vec![Step::Close]).await;
    let mut elsewhere = call(Api::Converse, false);
    elsewhere.route = Route::new("eu-west-1", MODEL);
    let failure = clients(&server).await.call(elsewhere).await.result.unwrap_err();
    assert_eq!(failure.class, ErrorClass::Other);
    assert!(failure.message.contains("eu-west-1"), "{failure}");
    assert!(server.seen().is_empty());
    let target = Target::Simulator { url: server.url() };
    for bad in ["", "us east 1", "us-east-1.evil.example/", "US-EAST-1"] {
        let error = Clients::connect(&target, &[bad.into()], ConnectionSettings::default()).await.unwrap_err();
        assert!(error.to_string().contains("is no Region"), "{error}");
    }
    assert!(Clients::connect(&target, &[], ConnectionSettings::default()).await.is_err());
}
