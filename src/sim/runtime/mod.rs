//! `bedrock-runtime`: inference, streamed or not, and counting tokens.

mod count;
mod examine;
mod generation;
mod stream_plan;
mod tier;

use tokio::time::Instant;

use crate::families::synthesize::{self, Completion, Stop};
use crate::meter::Rejected;
use crate::record::Usage;

use super::call::Call;
use super::errors::ServiceError;
use super::faults::Failing;
use super::latency::{self, Pace};
use super::metrics::Called;
use super::reply::{Answer, Refusal, Severed};
use super::route::Operation;

pub(super) use count::count_tokens;
pub(super) use generation::Generation;

pub(super) use examine::examine_body;
use examine::{Metered, Wanted, examine};
pub(super) use tier::{ServiceTier, TIER_HEADER, asked as asked_tier};

/// Converse, InvokeModel and their streams: one way for all, as one quota is for all.
pub(super) async fn infer(mut call: Call) -> Result<Answer, Refusal> {
    let wanted = match examine(&call) {
        Ok(wanted) => wanted,
        Err(error) => return call.refuse(error).await,
    };
    // The body has been read for all that it tells; a slow reply must not keep it in memory.
    call.payload.forget();
    let early = match call.failing() {
        Some(Failing::Throttle) => Some(ServiceError::rate_too_high()),
        Some(Failing::Capacity) => Some(ServiceError::capacity()),
        Some(Failing::NotReady) => Some(ServiceError::not_ready()),
        Some(Failing::Internal) => Some(ServiceError::internal(&call.operation.service())),
        _ => None,
    };
    if let Some(error) = early {
        return call.refuse(error).await;
    }
    let mut generation = match admit(&mut call, &wanted) {
        Ok(generation) => generation,
        Err(Rejected::Rpm) => return call.refuse(ServiceError::too_many_requests()).await,
        Err(Rejected::Tpm) => return call.refuse(ServiceError::too_many_tokens()).await,
        Err(Rejected::Tpd) => return call.refuse(ServiceError::too_many_tokens_per_day()).await,
    };
    match call.operation {
        Operation::ConverseStream | Operation::InvokeModelWithResponseStream
            if call.failing() != Some(Failing::LostReply) =>
        {
            Ok(stream_plan::answer(&mut call, &wanted, generation))
        }
        _ => {
            generation.work.run().await;
            generation.work.finish(generation.output);
            whole(&call, &wanted, &generation)
        }
    }
}

/// What a request will be answered with.
struct Planned {
    work: Generation,
    pace: Pace,
    output: u64,
    stop: Stop,
    /// Chooses the words.
    words: u64,
}

/// Asks the meters and, if they agree, draws size and pace of the reply.
fn admit(call: &mut Call, wanted: &Wanted) -> Result<Planned, Rejected> {
    let world = &call.world;
    let scenario = &world.scenario;
    let now = world.unix();
    let (admission, load) = {
        let mut account = world.account();
        let region = &call.region.name;
        let scope = match &wanted.metered {
            Metered::Bucket(bucket) => account.scope(region, bucket, wanted.model, now),
            Metered::Bought(arn, serving) => account.bought(region, arn, *serving, now),
        };
        let load = account.load(scope, now);
        (account.admit(scope, wanted.body.input, wanted.body.max_tokens, now)?, load)
    };
    let natural = latency::reply_tokens(scenario.output_tokens, scenario.output_sigma, &mut call.rng);
    let output = natural.min(wanted.body.max_tokens).min(wanted.body.room);
    let stop = if natural > output { Stop::MaxTokens } else { Stop::EndTurn };
    let pace = Pace::draw(&call.region, wanted.body.input, load, call.trouble.slow, &mut call.rng);
    let called = Called {
        region: call.region.name.clone(),
        model: wanted.metered.id().to_owned(),
        burndown: wanted.model.burndown,
        tier: wanted.tier,
        streams: matches!(call.operation, Operation::ConverseStream | Operation::InvokeModelWithResponseStream),
    };
    let work = Generation::new(world.clone(), admission, called, call.arrived, pace, wanted.body.input, output);
    Ok(Planned { work, pace, output, stop, words: rand::RngExt::random(&mut call.rng) })
}

/// The reply in one piece.
fn whole(call: &Call, wanted: &Wanted, planned: &Planned) -> Result<Answer, Refusal> {
    if call.failing() == Some(Failing::StreamError) {
        return Err(ServiceError::model_error().into());
    }
    if call.failing() == Some(Failing::LostReply) {
        return Err(Refusal::Severed(Severed::Closed));
    }
    let text = call.world.speaker.piece(planned.words, 0, planned.output);
    let told = completion(call, wanted, planned);
    let mut body = synthesize::reply(wanted.body.family, text.trim_end(), &told);
    if let (Operation::Converse, Some(tier)) = (call.operation, wanted.tier) {
        body["serviceTier"] = serde_json::json!({ "type": tier.resolved().word() });
    }
    let answer = Answer::json(&body);
    let answer = match call.operation {
        Operation::InvokeModel => answer
            .header("x-amzn-bedrock-input-token-count", wanted.body.input)
            .header("x-amzn-bedrock-output-token-count", planned.output)
            .header("x-amzn-bedrock-invocation-latency", told.latency_ms),
        _ => answer,
    };
    tell_tier(answer, call.operation, wanted).through(call.failing(), ())
}

/// InvokeModel is told its tier in a header.
fn tell_tier(answer: Answer, operation: Operation, wanted: &Wanted) -> Answer {
    match (operation, wanted.tier) {
        (Operation::InvokeModel | Operation::InvokeModelWithResponseStream, Some(tier)) => {
            answer.text_header(TIER_HEADER, tier.resolved().word())
        }
        _ => answer,
    }
}

/// What the reply says of itself.
fn completion<'a>(call: &'a Call, wanted: &'a Wanted, planned: &Planned) -> Completion<'a> {
    let millis = |span: std::time::Duration| span.as_millis() as u64;
    let latency_ms = match call.operation {
        Operation::Converse | Operation::InvokeModel => millis(Instant::now() - call.arrived),
        _ => millis(planned.pace.token(planned.output)),
    };
    Completion {
        model: &wanted.model.id,
        id: &call.request_id,
        created: (call.world.unix().0 / 1_000_000) as i64,
        usage: Usage { input: wanted.body.input, output: planned.output, ..Usage::default() },
        stop: planned.stop,
        latency_ms,
        first_byte_ms: millis(planned.pace.first_token),
    }
}
