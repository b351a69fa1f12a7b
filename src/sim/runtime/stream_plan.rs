//! Which events a streamed reply consists of, when each is due, and where a fault cuts in.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::families::Family;
use crate::families::synthesize::{self, StreamEvent};

use super::super::call::Call;
use super::super::faults::Failing;
use super::super::latency::Pace;
use super::super::reply::Answer;
use super::super::stream::{Ending, EventStream, FrameKind, Step, padding};
use super::{Planned, Wanted, completion, tell_tier};

/// Tokens that one event carries: the service sends several at a time, the first alone.
const TOKENS_AN_EVENT: std::ops::RangeInclusive<u64> = 3..=8;

/// The streamed reply.
pub(super) fn answer(call: &mut Call, wanted: &Wanted, planned: Planned) -> Answer {
    let cuts = cuts(planned.output, &mut call.rng);
    let mut steps = steps(call, wanted, &planned, &cuts);
    let ending = break_off(call.failing(), wanted.body.family, &mut steps, &mut call.rng);
    let stream = EventStream::new(call.arrived, steps, ending, planned.work);
    let answer = tell_tier(Answer::stream(stream), call.operation, wanted);
    if wanted.body.family == Family::Converse {
        answer
    } else {
        answer.header("x-amzn-bedrock-content-type", hyper::header::HeaderValue::from_static("application/json"))
    }
}

/// Where the reply of `output` tokens is cut into events: the token counts after each event.
fn cuts(output: u64, rng: &mut ChaCha8Rng) -> Vec<u64> {
    let mut cuts = vec![1];
    let mut at = 1;
    while at < output {
        at = (at + rng.random_range(TOKENS_AN_EVENT)).min(output);
        cuts.push(at);
    }
    cuts
}

fn steps(call: &mut Call, wanted: &Wanted, planned: &Planned, cuts: &[u64]) -> VecDeque<Step> {
    let speaker = &call.world.speaker;
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let pieces: Vec<String> =
        starts.zip(cuts).map(|(from, until)| speaker.piece(planned.words, from, until - from)).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let events = synthesize::stream(wanted.body.family, &pieces, &completion(call, wanted, planned));
    let mut out = 0;
    events
        .into_iter()
        .map(|mut event| {
            if wanted.body.family == Family::Converse
                && let (Some(tier), Some(metadata)) = (wanted.tier, event.body.get_mut("metadata"))
            {
                metadata["serviceTier"] = json!({ "type": tier.resolved().word() });
            }
            out = event.piece.and_then(|piece| cuts.get(piece).copied()).unwrap_or(out);
            let after = due(&planned.pace, out);
            Step { after, tokens: out, frame: frame(wanted.body.family, event, &mut call.rng) }
        })
        .collect()
}

/// What opens the stream comes with its first token: the service sends no byte before.
fn due(pace: &Pace, tokens: u64) -> Duration {
    pace.token(tokens.max(1))
}

fn frame(family: Family, event: StreamEvent, rng: &mut ChaCha8Rng) -> FrameKind {
    let padding = padding(rng.random());
    if family != Family::Converse {
        let model = STANDARD.encode(event.body.to_string());
        return FrameKind::Event("chunk".into(), payload(&json!({ "bytes": model, "p": padding })));
    }
    // A Converse event is an object of one member, named as the event is.
    let (name, mut body) = match event.body {
        Value::Object(members) => members.into_iter().next().unwrap_or_default(),
        other => (String::new(), other),
    };
    if let Value::Object(members) = &mut body {
        members.insert("p".into(), padding.into());
    }
    FrameKind::Event(name, payload(&body))
}

fn payload(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

/// Cuts the stream where a fault wants it: in the middle of what it says.
fn break_off(failing: Option<Failing>, family: Family, steps: &mut VecDeque<Step>, rng: &mut ChaCha8Rng) -> Ending {
    let frame = match failing {
        Some(Failing::Stall | Failing::Truncate) => None,
        Some(Failing::StreamError) => Some(exception(family, rng)),
        Some(Failing::Malformed) => Some(FrameKind::Garbage),
        _ => return Ending::Clean,
    };
    steps.truncate((steps.len() / 2).max(1));
    if let (Some(frame), Some(last)) = (frame, steps.back()) {
        steps.push_back(Step { after: last.after, tokens: last.tokens, frame });
    }
    if failing == Some(Failing::Stall) { Ending::Stall } else { Ending::Clean }
}

/// One of the exceptions that a stream may end with.
fn exception(family: Family, rng: &mut ChaCha8Rng) -> FrameKind {
    let said = |message: &str| json!({ "message": message });
    let model_error = json!({
        "message": "The system encountered an unexpected error during processing. Try your request again.",
        "originalStatusCode": 500,
        "originalMessage": "Internal server error",
    });
    let (name, body) = match rng.random_range(0..if family == Family::Converse { 4 } else { 5 }) {
        0 => ("modelStreamErrorException", model_error),
        1 => (
            "internalServerException",
            said("The system encountered an unexpected error during processing. Try your request again."),
        ),
        2 => ("throttlingException", said("Too many tokens, please wait before trying again.")),
        3 => ("serviceUnavailableException", said("Bedrock is unable to process your request.")),
        _ => ("modelTimeoutException", said("The model took too long to respond.")),
    };
    FrameKind::Exception(name.into(), payload(&body))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn cuts_cover_the_reply_and_the_first_token_stands_alone() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for output in [1, 2, 7, 300] {
            let cuts = cuts(output, &mut rng);
            assert_eq!(cuts[0], 1);
            assert_eq!(*cuts.last().unwrap(), output);
            assert!(cuts.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= 8));
        }
    }

    #[test]
    fn frames_are_named_and_padded() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let body = json!({ "contentBlockStop": { "contentBlockIndex": 0 } });
        let mut parts = |family| match frame(family, StreamEvent { body: body.clone(), piece: None }, &mut rng) {
            FrameKind::Event(name, payload) => (name, serde_json::from_slice::<Value>(&payload).unwrap()),
            other => panic!("{other:?}"),
        };
        let (name, payload) = parts(Family::Converse);
        assert_eq!((name.as_str(), &payload["contentBlockIndex"]), ("contentBlockStop", &json!(0)));
        assert!(payload["p"].as_str().is_some_and(|padding| !padding.is_empty()));
        let (name, payload) = parts(Family::Nova);
        let model = STANDARD.decode(payload["bytes"].as_str().unwrap()).unwrap();
        assert_eq!((name.as_str(), serde_json::from_slice::<Value>(&model).unwrap()), ("chunk", body.clone()));
        assert!(payload["p"].as_str().is_some_and(|padding| !padding.is_empty()));
    }

    #[test]
    fn a_fault_cuts_in_the_middle() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let whole: VecDeque<Step> = (0..10)
            .map(|n| Step {
                after: Duration::from_millis(n),
                tokens: n,
                frame: FrameKind::Event("contentBlockDelta".into(), Bytes::new()),
            })
            .collect();
        let mut broken = |failing| {
            let mut steps = whole.clone();
            let ending = break_off(failing, Family::Converse, &mut steps, &mut rng);
            (ending, steps.len(), steps.pop_back().unwrap().frame)
        };
        let event = whole[0].frame.clone();
        assert_eq!(broken(None), (Ending::Clean, 10, event.clone()));
        assert_eq!(broken(Some(Failing::Truncate)), (Ending::Clean, 5, event.clone()));
        assert_eq!(broken(Some(Failing::Stall)), (Ending::Stall, 5, event));
        assert_eq!(broken(Some(Failing::Malformed)), (Ending::Clean, 6, FrameKind::Garbage));
        assert!(matches!(broken(Some(Failing::StreamError)), (Ending::Clean, 6, FrameKind::Exception(..))));
    }
}
