//! Lines of the output and of the failed file: how they are written, and what a resume reads in them.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::record::{ErrorClass, Failure, RecordId, UsageSource, Usd};

use super::line::text;
use super::{BadLine, Finished, RunClock};

/// What a data engineer wants beside the batch format, under one key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extras<'a> {
    /// The place in the input, from 0: a resume of a stream has nothing else to go by.
    seq: u64,
    attempts: u32,
    region: &'a str,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<&'a str>,
    latency_ms: u64,
    response_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttft_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<ErrorClass>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageOut {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_read_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
    source: UsageSource,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorOut<'a> {
    error_code: u16,
    error_message: &'a str,
}

/// Writes the line of a finished record, without a newline: `recordId`, `modelInput` as it was sent, `modelOutput` or
/// `error`, and our extras. A failed one also keeps class and deadline, so that it is a whole input line again.
///
/// # Errors
/// None in practice: memory is written to.
pub fn write(line: &mut Vec<u8>, finished: &Finished, clock: &RunClock) -> io::Result<()> {
    let record = &finished.record;
    line.extend_from_slice(b"{\"recordId\":");
    serde_json::to_writer(&mut *line, &record.id)?;
    line.extend_from_slice(b",\"modelInput\":");
    embed(line, &record.body.json);
    match &finished.result {
        Ok(reply) => {
            line.extend_from_slice(b",\"modelOutput\":");
            match serde_json::from_slice::<&RawValue>(&reply.output) {
                Ok(_) => embed(line, &reply.output),
                // The line must stay readable whatever a service answered.
                Err(_) => serde_json::to_writer(&mut *line, &String::from_utf8_lossy(&reply.output))?,
            }
        }
        Err(failure) => {
            line.extend_from_slice(b",\"error\":");
            let message = failure.to_string();
            let error = ErrorOut { error_code: status(failure), error_message: &message };
            serde_json::to_writer(&mut *line, &error)?;
            write!(line, ",\"priority\":\"{}\"", record.priority.name())?;
            if let Some(deadline) = record.deadline {
                write!(line, ",\"deadline\":\"{}\"", clock.utc(deadline))?;
            }
        }
    }
    if finished.simulated {
        line.extend_from_slice(b",\"simulated\":true");
    }
    line.extend_from_slice(b",\"bedrockTop\":");
    serde_json::to_writer(&mut *line, &extras(finished))?;
    line.push(b'}');
    Ok(())
}

fn extras(finished: &Finished) -> Extras<'_> {
    let reply = finished.result.as_ref().ok();
    Extras {
        seq: finished.record.seq,
        attempts: finished.attempts,
        region: finished.route.region.as_str(),
        model: finished.route.model.as_str(),
        usage: finished.usage.map(|(usage, source)| UsageOut {
            input_tokens: usage.input,
            output_tokens: usage.output,
            cache_read_tokens: usage.cache_read,
            cache_write_tokens: usage.cache_write,
            source,
        }),
        stop_reason: reply.and_then(|reply| reply.stop_reason.as_deref()),
        latency_ms: finished.attempt_latency.0 / 1_000,
        response_ms: finished.response_time.0 / 1_000,
        ttft_ms: reply.and_then(|reply| reply.stream).map(|stream| stream.first_token.0 / 1_000),
        cost_usd: finished.cost.map(Usd::dollars),
        request_id: finished.request_id.as_deref(),
        class: finished.result.as_ref().err().map(|failure| failure.class),
    }
}

/// Writes the failed file's line of an unusable input line: its number, the reason, and what it held, as `input` if it
/// is JSON and as a string under `text` if it is not.
///
/// # Errors
/// None in practice: memory is written to.
pub fn write_bad(line: &mut Vec<u8>, bad: &BadLine, simulated: bool) -> io::Result<()> {
    line.push(b'{');
    if let Some(id) = &bad.id {
        line.extend_from_slice(b"\"recordId\":");
        serde_json::to_writer(&mut *line, id)?;
        line.push(b',');
    }
    write!(line, "\"line\":{},\"error\":", bad.line)?;
    serde_json::to_writer(&mut *line, &ErrorOut { error_code: 400, error_message: &bad.reason })?;
    if let Some(raw) = &bad.raw {
        let json = text(raw).ok().filter(|text| serde_json::from_str::<&RawValue>(text).is_ok());
        match json {
            Some(text) => {
                line.extend_from_slice(b",\"input\":");
                embed(line, text.as_bytes());
            }
            None => {
                line.extend_from_slice(b",\"text\":");
                serde_json::to_writer(&mut *line, &String::from_utf8_lossy(raw))?;
            }
        }
    }
    if simulated {
        line.extend_from_slice(b",\"simulated\":true");
    }
    write!(line, ",\"bedrockTop\":{{\"seq\":{}}}}}", bad.seq)
}

/// Puts JSON into the line as it stands. In JSON a raw line break is white space: leaving it out changes nothing.
pub(super) fn embed(line: &mut Vec<u8>, json: &[u8]) {
    if memchr::memchr2(b'\n', b'\r', json).is_none() {
        line.extend_from_slice(json);
    } else {
        line.extend(json.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    }
}

/// The HTTP status that `error.errorCode` gives: the service's, or the nearest one for an error of ours.
fn status(failure: &Failure) -> u16 {
    failure.status.unwrap_or(match failure.class {
        ErrorClass::Validation | ErrorClass::TooLarge => 400,
        ErrorClass::Access | ErrorClass::Credentials => 403,
        ErrorClass::Timeout => 408,
        ErrorClass::Truncated | ErrorClass::Malformed => 424,
        ErrorClass::ThrottleRpm
        | ErrorClass::ThrottleTpm
        | ErrorClass::ThrottleTpd
        | ErrorClass::ThrottleOther
        | ErrorClass::NotReady => 429,
        ErrorClass::Capacity | ErrorClass::Connection => 503,
        ErrorClass::Server | ErrorClass::Other => 500,
    })
}

/// What a resume needs of a line that [`write`] or [`write_bad`] wrote.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The record's name.
    pub record_id: Option<RecordId>,
    /// The input line, of an unusable one.
    pub line: Option<u64>,
    /// Whether it came from a simulator.
    #[serde(default)]
    pub simulated: bool,
    /// Whether there is a reply.
    #[serde(default, deserialize_with = "is_there")]
    pub model_output: bool,
    /// Whether there is an error.
    #[serde(default, deserialize_with = "is_there")]
    pub error: bool,
    /// Our extras.
    pub bedrock_top: Option<WrittenExtras>,
}

/// What a resume needs of our extras.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenExtras {
    /// The place in the input.
    pub seq: Option<u64>,
    /// What the record cost.
    pub cost_usd: Option<f64>,
}

impl Written {
    /// Reads a line; `None` if it is not a result.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Written> {
        let written: Written = serde_json::from_slice(line).ok()?;
        let named = written.record_id.is_some() || written.line.is_some();
        (named && written.model_output != written.error).then_some(written)
    }

    /// The place in the input, if it is told.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.bedrock_top.as_ref()?.seq
    }

    /// What the record cost, if it is known.
    #[must_use]
    pub fn cost(&self) -> Option<Usd> {
        self.bedrock_top.as_ref()?.cost_usd.map(Usd::from_dollars)
    }
}

fn is_there<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(value).map(|_| true)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::record::{Body, Family, FlowId, Micros, Priority, Record, Reply, Route, Usage};

    pub(crate) fn finished(result: Result<Reply, Failure>) -> Finished {
        Finished {
            record: Record {
                id: RecordId::from("a \"quoted\" name"),
                seq: 3,
                flow: FlowId::default(),
                priority: Priority::Low,
                deadline: Some(Micros::from_secs(60)),
                due: Micros::ZERO,
                body: Body {
                    family: Family::Converse,
                    json: Bytes::from_static(b"{\"messages\" : [ 1.50 ]}"),
                    max_tokens: None,
                    raw_input: 3,
                    text_kind: 0,
                },
            },
            result,
            attempts: 2,
            route: Route::new("us-east-1", "amazon.nova-lite-v1:0"),
            simulated: true,
            cost: Some(Usd(1_234_567)),
            usage: Some((Usage { input: 9, output: 4, ..Usage::default() }, UsageSource::Body)),
            attempt_latency: Micros::from_millis(812),
            response_time: Micros::from_millis(3_000),
            request_id: Some("r-1".to_owned()),
        }
    }

    fn reply(output: &'static [u8]) -> Reply {
        Reply {
            output: Bytes::from_static(output),
            usage: None,
            stop_reason: Some("end_turn".to_owned()),
            stream: None,
            server_latency_ms: None,
            text_bytes: 2,
        }
    }

    fn failure() -> Failure {
        Failure {
            class: ErrorClass::Truncated,
            code: "StreamTruncated".to_owned(),
            message: "ended after \"42\" events\n".to_owned(),
            status: None,
            retry_after: None,
            maybe_billed: true,
            usage: None,
            text_bytes: 0,
        }
    }

    fn written(finished: &Finished) -> String {
        let mut line = Vec::new();
        write(&mut line, finished, &RunClock::start()).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_result_is_the_batch_shape_and_more() {
        let line = written(&finished(Ok(reply(b"{\r\n \"output\": \"x\\ny\"\n}\n"))));
        assert!(!line.contains('\n') && !line.contains('\r'));
        assert!(line.contains(r#""modelInput":{"messages" : [ 1.50 ]}"#), "byte for byte: {line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["recordId"], "a \"quoted\" name");
        assert_eq!(value["modelOutput"], json!({"output": "x\ny"}));
        assert_eq!(value["simulated"], true);
        assert_eq!(value.get("error"), None);
        let extras = &value["bedrockTop"];
        assert_eq!(extras["attempts"], 2);
        assert_eq!(extras["usage"], json!({"inputTokens": 9, "outputTokens": 4, "source": "body"}));
        assert_eq!((&extras["latencyMs"], &extras["responseMs"]), (&json!(812), &json!(3000)));
        let read = Written::read(line.as_bytes()).unwrap();
        assert_eq!((read.cost(), read.simulated), (Some(Usd(1_234_567)), true));
    }

    #[test]
    fn a_real_result_does_not_speak_of_simulation() {
        let real = Finished { simulated: false, ..finished(Ok(reply(b"{}"))) };
        assert!(!written(&real).contains("simulated"));
    }

    #[test]
    fn a_failure_is_an_input_line_again() {
        let line = written(&finished(Err(failure())));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["error"]["errorCode"], 424);
        assert_eq!(value["error"]["errorMessage"], "StreamTruncated: ended after \"42\" events\n");
        assert_eq!((&value["priority"], &value["bedrockTop"]["class"]), (&json!("low"), &json!("truncated")));
        assert!(value["deadline"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert!(value.get("modelOutput").is_none() && value.get("modelInput").is_some());
    }

    #[test]
    fn an_answer_that_is_not_json_cannot_break_the_file() {
        let line = written(&finished(Ok(reply(b"\xff {\n"))));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["modelOutput"], "\u{fffd} {\n");
    }

    #[test]
    fn an_unusable_line_keeps_what_it_held() {
        let bad = |raw: Option<&'static [u8]>, id: Option<&str>| -> Value {
            let bad = BadLine {
                line: 7,
                seq: 5,
                id: id.map(RecordId::from),
                reason: "no \"body\"".to_owned(),
                raw: raw.map(Bytes::from_static),
                fatal: false,
            };
            let mut line = Vec::new();
            write_bad(&mut line, &bad, true).unwrap();
            assert!(!line.contains(&b'\n'));
            assert_eq!(Written::read(&line).unwrap().line, Some(7));
            serde_json::from_slice(&line).unwrap()
        };
        assert_eq!(
            bad(Some(b" {\"a\":1}\r"), Some("x")),
            json!({"recordId": "x", "line": 7, "error": {"errorCode": 400, "errorMessage": "no \"body\""},
                   "input": {"a": 1}, "simulated": true, "bedrockTop": {"seq": 5}})
        );
        assert_eq!(bad(Some(b"{\"a\xff"), None)["text"], "{\"a\u{fffd}");
        assert_eq!(bad(None, None).get("text"), None);
    }

    #[test]
    fn other_lines_are_not_taken_for_results() {
        for line in [
            "",
            "{}",
            "[]",
            "{\"recordId\":\"a\"}",
            "{\"recordId\":\"a\",\"modelOutput\":1,\"error\":2}",
            "{\"error\":1}",
        ] {
            assert!(Written::read(line.as_bytes()).is_none(), "{line}");
        }
    }
}
