//! What a batch job makes of one record: the line of its output.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::families::synthesize::{self, Completion, Stop};
use crate::record::{Micros, Usage};

use super::super::latency;
use super::super::runtime::examine_body;
use super::super::world::World;
use super::book::Order;
use super::input::Line;

/// Errors that go away when the record is sent again.
const TRANSIENT: [(u16, &str); 3] = [
    (503, "Bedrock is unable to process your request."),
    (429, "Too many requests, please wait before trying again."),
    (500, "The system encountered an unexpected error during processing. Try your request again."),
];

/// What came of a record.
pub(super) struct Answered {
    /// Its line of the output, without the newline.
    pub line: Vec<u8>,
    pub succeeded: bool,
    pub usage: Usage,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    record_id: &'a str,
    model_input: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RecordError<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordError<'a> {
    error_code: u16,
    error_message: &'a str,
}

/// What batch inference does not take, wherever a family writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotInBatch {
    #[serde(default)]
    tools: Option<IgnoredAny>,
    #[serde(default)]
    tool_config: Option<IgnoredAny>,
    #[serde(default)]
    output_config: Option<IgnoredAny>,
    #[serde(default, rename = "response_format")]
    response_format: Option<IgnoredAny>,
}

/// Runs the `index`th record of a job. The same job and record always come to the same.
pub(super) fn answer(world: &World, order: &Order, index: u64, line: &Line<'_>, now: Micros) -> Answered {
    let mut rng = ChaCha8Rng::seed_from_u64(order.seed);
    rng.set_stream(index);
    let own_id;
    let record_id = match line.record_id.as_deref() {
        Some(id) if !id.is_empty() => id,
        _ => {
            own_id = assigned_id(&mut rng);
            &own_id
        }
    };
    let mut usage = Usage::default();
    let outcome = run(world, order, line.model_input.get().as_bytes(), &mut rng, now, &mut usage);
    let succeeded = outcome.is_ok();
    let (model_output, failed) = match outcome {
        Ok(reply) => (Some(reply), None),
        Err(error) => (None, Some(error)),
    };
    let error =
        failed.as_ref().map(|(code, message)| RecordError { error_code: *code, error_message: message.as_ref() });
    let output = Output { record_id, model_input: line.model_input, model_output, error };
    // Texts and JSON that was parsed: writing them cannot fail.
    Answered { line: serde_json::to_vec(&output).unwrap_or_default(), succeeded, usage }
}

type Failed = (u16, std::borrow::Cow<'static, str>);

fn run(
    world: &World,
    order: &Order,
    body: &[u8],
    rng: &mut ChaCha8Rng,
    now: Micros,
    usage: &mut Usage,
) -> Result<Value, Failed> {
    if serde_json::from_slice::<NotInBatch>(body).is_ok_and(|found| {
        found.tools.is_some()
            || found.tool_config.is_some()
            || found.output_config.is_some()
            || found.response_format.is_some()
    }) {
        return Err((400, "Tool use and structured output are not supported in batch inference.".into()));
    }
    let model = order.model;
    let examined = examine_body(model, order.converse, model.context_window, body)
        .map_err(|error| (error.status.as_u16(), error.message))?;
    if rng.random::<f64>() < order.error_rate {
        let (code, message) = TRANSIENT[rng.random_range(0..TRANSIENT.len())];
        return Err((code, message.into()));
    }
    let natural = latency::reply_tokens(world.scenario.output_tokens, world.scenario.output_sigma, rng);
    let output = natural.min(examined.max_tokens).min(examined.room);
    *usage = Usage { input: examined.input, output, ..Usage::default() };
    let text = world.speaker.piece(rng.random(), 0, output);
    let id = assigned_id(rng);
    let told = Completion {
        model: &model.id,
        id: &id,
        created: (now.0 / 1_000_000) as i64,
        usage: *usage,
        stop: if natural > output { Stop::MaxTokens } else { Stop::EndTurn },
        latency_ms: 400 + output * 12,
        first_byte_ms: 400,
    };
    Ok(synthesize::reply(examined.family, text.trim_end(), &told))
}

/// Eleven letters and digits, as the service gives to records without a name.
fn assigned_id(rng: &mut ChaCha8Rng) -> String {
    const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    (0..11).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}
