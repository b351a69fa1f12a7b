//! The jobs that the scenario says somebody has started, and their input.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalogue::Catalogue;
use crate::families::invoke_family;
use crate::record::{Family, Micros, Usage};

use super::super::scenario::Scenario;
use super::super::world::World;
use super::book::{Job, Jobs, Order};
use super::lifecycle::Lifecycle;
use super::place::Place;
use super::results::Results;

/// The timeout of a job that names none, hours.
pub(super) const HOURS: u64 = 24;

/// The jobs at `now`, when the simulator begins.
pub(in crate::sim) fn jobs(scenario: &Scenario, catalogue: &'static Catalogue, now: Micros) -> Jobs {
    let mut jobs = Vec::new();
    for (index, spec) in scenario.jobs.iter().enumerate() {
        // A resolved scenario names models only.
        let Some(model) = catalogue.model(&spec.model) else { continue };
        let bucket = format!("batch-{}-{}", scenario.account, spec.region);
        let input = Place { bucket: bucket.clone(), key: format!("{}/input.jsonl", spec.name) };
        let output = Place { bucket, key: format!("{}/output/", spec.name) };
        let uri = |place: &Place| format!("s3://{}/{}", place.bucket, place.key);
        let order = Order {
            region: spec.region.clone(),
            arn: arn(&spec.region, &scenario.account, &format!("{:0>12}", format!("j{index}"))),
            name: spec.name.clone(),
            model_id: spec.model.clone(),
            model,
            role: format!("arn:aws:iam::{}:role/batch", scenario.account),
            input_config: json!({ "s3InputDataConfig": { "s3InputFormat": "JSONL", "s3Uri": uri(&input) } }),
            output_config: json!({ "s3OutputDataConfig": { "s3Uri": uri(&output) } }),
            input,
            output,
            vpc_config: None,
            converse: false,
            hours: HOURS,
            tags: Vec::new(),
            token: None,
            error_rate: spec.error_rate,
            seed: scenario.seed.wrapping_add(index as u64),
            doomed: false,
            made_up: Some(spec.records),
        };
        let life = Lifecycle::new(now - Micros::from_secs_f64(spec.age_minutes * 60.0), HOURS);
        jobs.push(Job { order: Arc::new(order), life, message: None, used: Usage::default() });
    }
    Jobs::beginning_with(jobs)
}

/// The ARN of a job.
pub(super) fn arn(region: &str, account: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}:{account}:model-invocation-job/{id}")
}

/// Puts an input of so many records where the job expects it.
pub(super) fn write_input(world: &World, order: &Order, records: u64) -> io::Result<()> {
    let mut file = Results::new(&world.objects)?;
    for number in 0..records {
        let question = format!("Summarise ticket {number}: {}", world.speaker.piece(order.seed ^ number, 0, 60));
        let line = json!({ "recordId": format!("ticket-{number:06}"), "modelInput": body(&order.model.id, &question) });
        file.push(line.to_string().into_bytes())?;
    }
    file.put(&world.objects, &order.input.bucket, &order.input.key, world.began())
}

/// An InvokeModel body that asks `question`.
fn body(model: &str, question: &str) -> Value {
    const LIMIT: u64 = 400;
    match invoke_family(model) {
        Some(Family::AnthropicText) => json!({
            "prompt": format!("\n\nHuman: {question}\n\nAssistant:"),
            "max_tokens_to_sample": LIMIT,
        }),
        Some(Family::AnthropicMessages) => json!({
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": LIMIT,
            "messages": [{ "role": "user", "content": question }],
        }),
        Some(Family::Llama) => json!({ "prompt": question, "max_gen_len": LIMIT }),
        Some(Family::Titan) => {
            json!({ "inputText": question, "textGenerationConfig": { "maxTokenCount": LIMIT } })
        }
        Some(Family::MistralText) => json!({ "prompt": question, "max_tokens": LIMIT }),
        Some(Family::MistralChat | Family::Jamba | Family::OpenAi) => {
            json!({ "messages": [{ "role": "user", "content": question }], "max_tokens": LIMIT })
        }
        Some(Family::Nova | Family::Converse) | None => json!({
            "messages": [{ "role": "user", "content": [{ "text": question }] }],
            "inferenceConfig": { "maxTokens": LIMIT },
        }),
    }
}
