//! Event streams: put together, stalled, truncated, broken.

use std::time::Duration;

use bedrock_top::record::{Api, ErrorClass, Family, Route, Usage, UsageSource};
use libtest_mimic::Trial;
use serde_json::json;

use super::server::{Server, Step, event, exception, frame, piece, reply, stream_end, stream_head};
use super::{
    call, clients, converse_events, endless_stream, failure, invoke_events, streamed, success, trial, whole_stream,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("converse_streams_are_put_together", converse_stream),
        trial("invoke_streams_are_put_together", invoke_stream),
        trial("a_stalled_stream_times_out_and_its_connection_closes", stalled_stream),
        trial("a_stream_without_its_last_event_is_truncated", truncated_stream),
        trial("mid_stream_exceptions_have_their_class", mid_stream_exceptions),
        trial("broken_streams_are_told_apart", broken_streams),
        trial("progress_is_told", progress_is_told),
    ]
}

async fn converse_stream() {
    let reply = success(Api::Converse, true, whole_stream(&converse_events())).await;
    let output: serde_json::Value = serde_json::from_slice(&reply.output).unwrap();
    assert_eq!(
        output,
        json!({ "output": { "message": { "role": "assistant", "content": [{ "text": "Hi \u{2713}" }] } },
            "stopReason": "end_turn",
            "usage": { "inputTokens": 7, "outputTokens": 3, "totalTokens": 10, "cacheReadInputTokens": 0,
                "cacheWriteInputTokens": 0 },
            "metrics": { "latencyMs": 321 } })
    );
    assert_eq!(reply.usage, Some((Usage { input: 7, output: 3, ..Usage::default() }, UsageSource::Body)));
    assert_eq!(reply.server_latency_ms, Some(321));
    let timing = reply.stream.unwrap();
    assert_eq!(timing.events, 2, "the empty delta is no output");
    assert!(timing.first_token <= timing.last_token);
    // A frame may come in any number of pieces, and a piece may hold several frames.
    let bytes = converse_events().concat();
    for size in [1, 7, 100, bytes.len()] {
        let mut steps = vec![stream_head()];
        steps.extend(bytes.chunks(size).map(piece));
        steps.push(stream_end());
        let again = success(Api::Converse, true, steps).await;
        assert_eq!(again.output, reply.output);
    }
    // Tool calls and reasoning are part of the reply.
    let events = [
        event("messageStart", &json!({ "role": "assistant" })),
        event(
            "contentBlockDelta",
            &json!({ "contentBlockIndex": 0, "delta": { "reasoningContent": { "text": "hm" } } }),
        ),
        event(
            "contentBlockDelta",
            &json!({ "contentBlockIndex": 0, "delta": { "reasoningContent": { "signature": "s" } } }),
        ),
        event("contentBlockStop", &json!({ "contentBlockIndex": 0 })),
        event(
            "contentBlockStart",
            &json!({ "contentBlockIndex": 1, "start": { "toolUse": { "toolUseId": "t", "name": "f" } } }),
        ),
        event("contentBlockDelta", &json!({ "contentBlockIndex": 1, "delta": { "toolUse": { "input": "{\"a\":" } } })),
        event("contentBlockDelta", &json!({ "contentBlockIndex": 1, "delta": { "toolUse": { "input": "1}" } } })),
        event("contentBlockStop", &json!({ "contentBlockIndex": 1 })),
        event("messageStop", &json!({ "stopReason": "tool_use" })),
    ];
    let reply = success(Api::Converse, true, whole_stream(&events)).await;
    let output: serde_json::Value = serde_json::from_slice(&reply.output).unwrap();
    let content = &output["output"]["message"]["content"];
    assert_eq!(content[0]["reasoningContent"]["reasoningText"], json!({ "text": "hm", "signature": "s" }));
    assert_eq!(content[1]["toolUse"], json!({ "toolUseId": "t", "name": "f", "input": { "a": 1 } }));
    assert_eq!(reply.usage, None, "no metadata came");
}

async fn invoke_stream() {
    let reply = success(Api::Invoke, true, whole_stream(&invoke_events())).await;
    let output: serde_json::Value = serde_json::from_slice(&reply.output).unwrap();
    assert_eq!(output["content"], json!([{ "type": "text", "text": "Hi \u{2713}" }]));
    assert_eq!(output["stop_reason"], "end_turn");
    assert_eq!(reply.usage, Some((Usage { input: 7, output: 3, ..Usage::default() }, UsageSource::Body)));
    assert_eq!(reply.server_latency_ms, Some(321));
    // Unary: counts from the headers, where the body has none.
    let headers = [
        ("x-amzn-bedrock-input-token-count", "11"),
        ("x-amzn-bedrock-output-token-count", "4"),
        ("x-amzn-bedrock-invocation-latency", "55"),
    ];
    let server = Server::start(move |_| reply_of_mistral(&headers)).await;
    let mut mistral = call(Api::Invoke, false);
    mistral.route = Route::new("us-east-1", "mistral.mistral-7b-instruct-v0:2");
    mistral.body.family = Family::MistralText;
    let reply = clients(&server).await.call(mistral).await.result.unwrap();
    assert_eq!(reply.usage, Some((Usage { input: 11, output: 4, ..Usage::default() }, UsageSource::Headers)));
    assert_eq!(reply.server_latency_ms, Some(55));
    assert_eq!(reply.text_bytes, 5);
}

fn reply_of_mistral(headers: &[(&str, &str)]) -> Vec<Step> {
    reply(200, headers, br#"{"outputs":[{"text":"hello","stop_reason":"stop"}]}"#)
}

async fn stalled_stream() {
    for (api, events) in [(Api::Converse, converse_events()), (Api::Invoke, invoke_events())] {
        let mut steps = streamed(&events[..4]);
        steps.push(Step::Hold);
        let mut server = Server::start(move |_| steps.clone()).await;
        let mut stalling = call(api, true);
        stalling.stream_gap = Duration::from_millis(150);
        let attempt = clients(&server).await.call(stalling).await;
        let failure = attempt.result.unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Timeout, "StreamStalled"));
        assert!(failure.maybe_billed);
        assert!(failure.text_bytes > 0, "{failure:?}");
        assert!(attempt.elapsed >= Duration::from_millis(150));
        server.hung_up().await;
    }
    // Nor may the first event keep us waiting once the head is there.
    let server = Server::start(|_| vec![stream_head(), Step::Hold]).await;
    let mut stalling = call(Api::Converse, true);
    stalling.stream_gap = Duration::from_millis(50);
    let failure = clients(&server).await.call(stalling).await.result.unwrap_err();
    assert_eq!((failure.class, failure.text_bytes), (ErrorClass::Timeout, 0));
}

async fn truncated_stream() {
    for (api, events) in [(Api::Converse, converse_events()), (Api::Invoke, invoke_events())] {
        // Converse: without messageStop and metadata; Invoke: without message_stop.
        let last = if api == Api::Converse { events.len() - 2 } else { events.len() - 1 };
        for kept in [0, 1, 4, last] {
            let failure = failure(api, true, whole_stream(&events[..kept])).await;
            assert_eq!(failure.class, ErrorClass::Truncated, "{api:?} {kept} {failure}");
            assert!(failure.maybe_billed);
            assert_eq!(failure.text_bytes > 0, kept >= 4, "{kept}");
        }
    }
}

async fn mid_stream_exceptions() {
    use ErrorClass::*;
    for (member, message, code, class) in [
        ("throttlingException", "Too many tokens, please wait", "ThrottlingException", ThrottleTpm),
        ("throttlingException", "Too many requests, please wait", "ThrottlingException", ThrottleRpm),
        ("serviceUnavailableException", "busy", "ServiceUnavailableException", Capacity),
        ("internalServerException", "oops", "InternalServerException", Server),
        ("modelStreamErrorException", "oops", "ModelStreamErrorException", Server),
        ("modelTimeoutException", "slow", "ModelTimeoutException", Timeout),
        ("validationException", "no", "ValidationException", Validation),
        ("somethingNewException", "what", "SomethingNewException", Server),
    ] {
        for (api, events) in [(Api::Converse, converse_events()), (Api::Invoke, invoke_events())] {
            let mut steps = streamed(&events[..4]);
            steps.extend([piece(&exception(member, message)), stream_end()]);
            let failed = failure(api, true, steps).await;
            assert_eq!((failed.class, failed.code.as_str()), (class, code), "{api:?}");
            assert_eq!(failed.message, message);
            assert!(failed.maybe_billed && failed.text_bytes > 0, "{failed:?}");
            // As the very first event: refused before anything was generated.
            let steps = vec![stream_head(), piece(&exception(member, message)), stream_end()];
            let failed = failure(api, true, steps).await;
            assert_eq!((failed.class, failed.maybe_billed), (class, class == Timeout));
        }
    }
    let unmodelled = frame(
        &[(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "An \u{1b} error")],
        b"",
    );
    let failed = failure(Api::Converse, true, vec![stream_head(), piece(&unmodelled), stream_end()]).await;
    assert_eq!((failed.class, failed.code.as_str()), (Server, "InternalFailure"));
    assert_eq!(failed.message, "An \\u{1b} error");
}

async fn broken_streams() {
    let events = converse_events();
    let with = |tail: Vec<Step>| {
        let mut steps = streamed(&events[..4]);
        steps.extend(tail);
        steps
    };
    let mut wrong_checksum = event("messageStop", &json!({ "stopReason": "end_turn" }));
    *wrong_checksum.last_mut().unwrap() ^= 1;
    let huge = [0xff_u8, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
    let tiny = [0_u8, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0];
    let odd = frame(&[(":message-type", "rumour")], b"");
    let not_json = frame(&[(":message-type", "event"), (":event-type", "messageStop")], b"secret output");
    let half = &events[4][..20];
    for (tail, class, code) in [
        (vec![Step::Reset], ErrorClass::Connection, "StreamBroken"),
        (vec![Step::Close], ErrorClass::Connection, "StreamBroken"),
        (vec![piece(half), stream_end()], ErrorClass::Connection, "StreamBroken"),
        (vec![piece(&wrong_checksum), stream_end()], ErrorClass::Malformed, "MalformedStream"),
        (vec![piece(&huge), Step::Hold], ErrorClass::Malformed, "MalformedStream"),
        (vec![piece(&tiny), Step::Hold], ErrorClass::Malformed, "MalformedStream"),
        (vec![piece(&odd), stream_end()], ErrorClass::Malformed, "MalformedStream"),
        (vec![piece(&not_json), stream_end()], ErrorClass::Malformed, "MalformedStream"),
    ] {
        let label = format!("{tail:?}");
        let failed = failure(Api::Converse, true, with(tail)).await;
        assert_eq!((failed.class, failed.code.as_str()), (class, code), "{label}: {failed}");
        assert!(failed.maybe_billed && failed.text_bytes > 0);
        assert!(!failed.message.contains("secret"), "{failed}");
    }
    // After the last event, nothing that happens to the connection takes the reply away.
    let mut steps = streamed(&events);
    steps.push(Step::Reset);
    success(Api::Converse, true, steps).await;
    let mut steps = streamed(&events);
    steps.push(Step::Hold);
    success(Api::Converse, true, steps).await;
}

async fn progress_is_told() {
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(|_| endless_stream()).await;
    let mut watched = call(Api::Converse, true);
    watched.progress = Some(Box::new(move |progress| {
        let _ = told.send(progress.text_bytes);
    }));
    let clients = clients(&server).await;
    let running = tokio::spawn(async move { clients.call(watched).await });
    let first = heard.recv().await.unwrap();
    let second = heard.recv().await.unwrap();
    assert!(first > 0 && second > first, "{first} {second}");
    running.abort();
}
