//! The simulator on the wire: driven by boto3, which shares no code with us, and by the Rust SDK.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use aws_sdk_bedrockruntime as runtime;
use bedrock_top::catalogue::{Catalogue, cost};
use bedrock_top::record::Usage;
use bedrock_top::sim::{
    Commitment, Fault, FaultKind, JobSpec, Operation, ProvisionedSpec, QuotaSpec, RegionSpec, Scenario,
    ServiceQuotaSpec, Simulator,
};
use libtest_mimic::{Completion, Failed, Trial};
use runtime::config::{BehaviorVersion, Credentials, Region};
use runtime::error::ProvideErrorMetadata;
use runtime::types::{ContentBlock, ConversationRole, ConverseStreamOutput, InferenceConfiguration, Message};

/// Every check of `boto3_wire.py`, by name.
const BOTO3_CHECKS: [&str; 79] = [
    "converse",
    "converse_stops_at_max_tokens",
    "converse_by_profile_and_arn",
    "converse_stream",
    "invoke_anthropic_messages",
    "invoke_stream_anthropic_messages",
    "invoke_nova",
    "invoke_stream_nova",
    "invoke_llama",
    "invoke_stream_llama",
    "invoke_titan",
    "invoke_stream_titan",
    "invoke_mistral_text",
    "invoke_stream_mistral_text",
    "invoke_mistral_chat",
    "invoke_stream_mistral_chat",
    "invoke_jamba",
    "invoke_stream_jamba",
    "invoke_openai",
    "invoke_stream_openai",
    "invoke_anthropic_text",
    "invoke_stream_anthropic_text",
    "count_tokens_agrees_with_usage",
    "count_tokens_is_refused_where_the_model_lacks_it",
    "throttled_by_requests",
    "throttled_by_tokens",
    "throttled_by_the_day",
    "validation",
    "faults_that_answer",
    "faults_of_a_stream",
    "faults_of_a_connection",
    "faults_of_other_services",
    "foundation_models",
    "inference_profiles",
    "service_quotas",
    "default_service_quotas",
    "quota_increase_raises_the_quota",
    "quota_increase_refusals",
    "model_availability",
    "caller_identity",
    "bodies_chunked_zipped_and_expected",
    "errors_by_hand",
    "identification",
    "many_at_once",
    "provisioned_throughput",
    "provisioned_names_and_filters",
    "provisioned_quotas",
    "provisioned_commitment",
    "provisioned_calls",
    "provisioned_refusals",
    "provisioned_faults",
    "batch_from_file_to_results",
    "batch_of_several_files_by_converse",
    "batch_idempotence_and_lists",
    "batch_failures_come_later_with_a_message",
    "batch_stop",
    "batch_refusals",
    "batch_jobs_of_others_and_slots",
    "batch_metrics_add_up",
    "s3_objects",
    "s3_ranges_and_conditions",
    "s3_lists",
    "s3_checksums",
    "s3_transfers",
    "s3_multipart",
    "s3_full_object_checksum_of_parts",
    "s3_buckets",
    "s3_faults",
    "s3_by_hand",
    "cloudwatch_own_metrics",
    "cloudwatch_pages",
    "cloudwatch_lists",
    "cloudwatch_refusals",
    "cloudwatch_metrics_of_the_traffic",
    "cloudwatch_periods_begin_where_asked",
    "cloudwatch_values_come_back_exactly",
    "cloudwatch_names_and_filters",
    "service_tiers",
    "cloudwatch_by_hand",
];

/// The boto3 that the checks were written against.
const BOTO3: &str = "boto3==1.44.5";

pub fn trials() -> Vec<Trial> {
    let boto3 = BOTO3_CHECKS.into_iter();
    let mut trials: Vec<Trial> =
        boto3.map(|check| Trial::ignorable_test(format!("wire::boto3::{check}"), move || boto3_check(check))).collect();
    type Test = fn() -> Result<(), Failed>;
    let tests: [(&str, Test); 6] = [
        ("sdk_converse_settles_exactly", sdk_converse_settles_exactly),
        ("sdk_stream_is_complete_and_settles_exactly", sdk_stream_is_complete_and_settles_exactly),
        ("sdk_reads_throttles", sdk_reads_throttles),
        ("a_client_that_leaves_is_charged_for_what_was_generated", a_client_that_leaves_is_charged),
        ("a_lost_reply_is_charged", a_lost_reply_is_charged),
        ("watched_texts_are_counted", watched_texts_are_counted),
    ];
    trials.extend(tests.into_iter().map(|(name, test)| Trial::test(format!("wire::{name}"), test)));
    trials
}

pub const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
pub const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const SONNET: &str = "us.anthropic.claude-sonnet-4-6";

/// A Region in which everything is fast.
pub fn fast(name: &str) -> RegionSpec {
    RegionSpec { name: name.into(), ttft_ms: 2.0, tokens_per_second: 50_000.0 }
}

pub fn quota(model: &str) -> QuotaSpec {
    QuotaSpec { region: "us-east-1".into(), model: model.into(), ..QuotaSpec::default() }
}

fn fault(kind: FaultKind, model: &str) -> Fault {
    Fault {
        region: Some("us-west-2".into()),
        kind,
        service: None,
        operation: None,
        model: Some(model.into()),
        at_s: 0.0,
        for_s: None,
        rate: 1.0,
    }
}

/// A fault of everything in one Region of one service.
fn of_service(kind: FaultKind, service: &str) -> Fault {
    Fault { region: Some("eu-west-1".into()), model: None, service: Some(service.into()), ..fault(kind, "") }
}

/// A fault of one operation of the control plane in one Region.
fn of_control(kind: FaultKind, operation: &str) -> Fault {
    Fault { operation: Some(operation.into()), service: None, ..of_service(kind, "") }
}

/// A fault of one operation of S3 in one Region.
fn of_s3(kind: FaultKind, operation: &str) -> Fault {
    Fault { operation: Some(operation.into()), ..of_service(kind, "s3") }
}

/// A job that somebody else has started.
fn others_job() -> JobSpec {
    JobSpec { region: "eu-west-1".into(), model: "amazon.nova-lite-v1:0".into(), ..JobSpec::default() }
}

/// What `boto3_wire.py` runs against.
fn wire_scenario() -> Scenario {
    Scenario {
        account: "210987654321".into(),
        // An increase of a quota is approved within half a second, and a minute of the metrics lasts 50 ms.
        speed: 1_200.0,
        service_quotas: vec![
            // Nova Pro 24k may be bought with a commitment, and more of everything without.
            ServiceQuotaSpec { code: "L-9C8C5911".into(), value: 4.0, region: Some("us-east-1".into()) },
            ServiceQuotaSpec { code: "L-E2ED42E6".into(), value: 1.0, region: Some("eu-west-1".into()) },
            ServiceQuotaSpec { code: "L-FE44174A".into(), value: 20.0, region: Some("us-east-1".into()) },
        ],
        jobs: vec![
            JobSpec { name: "nightly".into(), records: 300, age_minutes: 90.0, error_rate: 0.1, ..others_job() },
            JobSpec { name: "tiny".into(), records: 40, age_minutes: 5.0, ..others_job() },
        ],
        provisioned: vec![ProvisionedSpec {
            region: "eu-west-1".into(),
            name: "forgotten".into(),
            model: "amazon.nova-micro-v1:0:24k".into(),
            units: 1,
            commitment: Commitment::None,
            age_hours: 6.0,
        }],
        output_tokens: 60.0,
        output_sigma: 0.3,
        regions: vec![fast("us-east-1"), fast("us-west-2"), fast("eu-west-1")],
        quotas: vec![
            QuotaSpec { rpm: Some(1), ..quota("amazon.nova-micro-v1:0") },
            QuotaSpec { tpm: Some(3_000), ..quota("amazon.nova-pro-v1:0") },
            QuotaSpec { tpd: Some(500), ..quota("us.amazon.nova-pro-v1:0") },
            QuotaSpec { rpm: Some(2), tpm: Some(1_000), ..quota("us.anthropic.claude-sonnet-4-5-20250929-v1:0") },
        ],
        faults: vec![
            fault(FaultKind::Capacity, "meta.llama3-1-8b-instruct-v1:0"),
            fault(FaultKind::NotReady, "meta.llama3-1-70b-instruct-v1:0"),
            fault(FaultKind::Denied, "meta.llama3-3-70b-instruct-v1:0"),
            fault(FaultKind::Expired, "mistral.mixtral-8x7b-instruct-v0:1"),
            fault(FaultKind::Throttle, "mistral.mistral-small-2402-v1:0"),
            fault(FaultKind::Outage, "openai.gpt-oss-120b-1:0"),
            fault(FaultKind::Truncate, "ai21.jamba-1-5-mini-v1:0"),
            fault(FaultKind::StreamError, "ai21.jamba-1-5-large-v1:0"),
            fault(FaultKind::Malformed, "qwen.qwen3-32b-v1:0"),
            fault(FaultKind::Stall, "deepseek.v3-v1:0"),
            fault(FaultKind::Reset, "amazon.titan-text-express-v1"),
            fault(FaultKind::LostReply, "amazon.titan-text-lite-v1"),
            of_service(FaultKind::Throttle, "servicequotas"),
            of_service(FaultKind::Expired, "sts"),
            of_control(FaultKind::Denied, "ListFoundationModels"),
            of_control(FaultKind::Denied, "ListInferenceProfiles"),
            Fault { operation: Some("CountTokens".into()), ..of_service(FaultKind::Outage, "bedrock-runtime") },
            Fault { operation: Some("ListMetrics".into()), ..of_service(FaultKind::Denied, "monitoring") },
            Fault { operation: Some("GetMetricData".into()), ..of_service(FaultKind::Throttle, "monitoring") },
            of_control(FaultKind::LostReply, "DeleteProvisionedModelThroughput"),
            of_control(FaultKind::Capacity, "CreateProvisionedModelThroughput"),
            of_s3(FaultKind::Throttle, "PutObject"),
            of_s3(FaultKind::Truncate, "GetObject"),
            of_s3(FaultKind::Denied, "HeadObject"),
            of_s3(FaultKind::Denied, "ListObjects"),
            of_s3(FaultKind::Expired, "ListObjectsV2"),
            of_s3(FaultKind::Outage, "ListBuckets"),
            of_s3(FaultKind::Reset, "UploadPart"),
            of_s3(FaultKind::LostReply, "DeleteObject"),
        ],
        ..Scenario::default()
    }
}

// boto3

type Reports = BTreeMap<String, Option<String>>;

/// The report of one check. All run once, in one Python process; without Python or boto3 they are ignored, and under
/// `CI=true` that is a failure.
fn boto3_check(check: &str) -> Result<Completion, Failed> {
    static REPORTS: OnceLock<Result<Result<Reports, String>, String>> = OnceLock::new();
    let reports = REPORTS.get_or_init(|| Ok(run_boto3(&boto3_python()?)));
    match reports {
        Err(reason) if std::env::var("CI").is_ok_and(|ci| ci == "true") => Err(reason.into()),
        Err(reason) => Ok(Completion::ignored_with(reason)),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(reports)) => match reports.get(check) {
            Some(None) => Ok(Completion::Completed),
            Some(Some(error)) => Err(error.into()),
            None => Err(format!("boto3_wire.py did not report {check}; it reported {:?}", reports.keys()).into()),
        },
    }
}

/// The Python of a virtual environment with boto3, made at the first use and kept under `target/`.
fn boto3_python() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target directory")?.to_owned();
    let home = target.join("wire-python");
    let python = home.join("bin/python");
    let marker = home.join("installed");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == BOTO3) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", BOTO3]))?;
    std::fs::write(&marker, BOTO3).map_err(|error| format!("{}: {error}", marker.display()))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, stderr.lines().last().unwrap_or_default()))
}

fn run_boto3(python: &Path) -> Result<Reports, String> {
    let simulator = Simulator::start(wire_scenario(), LOOPBACK).map_err(|error| error.to_string())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/boto3_wire.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(simulator.url().as_str().trim_end_matches('/'))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let stdout = child.stdout.take().ok_or("no pipe")?;
    let mut reports = Reports::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| error.to_string())?;
        let report: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("{line}: {error}"))?;
        let check = report["check"].as_str().ok_or_else(|| format!("{line}: no check"))?;
        reports.insert(check.to_owned(), report["error"].as_str().map(str::to_owned));
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let unknown: Vec<&String> = reports.keys().filter(|check| !BOTO3_CHECKS.contains(&check.as_str())).collect();
    if !status.success() || !unknown.is_empty() {
        return Err(format!("boto3_wire.py ended with {status}; checks that no trial names: {unknown:?}"));
    }
    Ok(reports)
}

// The Rust SDK

fn sdk(simulator: &Simulator, region: &'static str) -> runtime::Client {
    let config = runtime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url(simulator.url().as_str())
        .credentials_provider(Credentials::new("AKIDSDK", "secret", None, None, "test"))
        .retry_config(runtime::config::retry::RetryConfig::disabled())
        .build();
    runtime::Client::from_conf(config)
}

fn message(text: &str) -> Result<Message, Failed> {
    Ok(Message::builder().role(ConversationRole::User).content(ContentBlock::Text(text.into())).build()?)
}

fn at_most(tokens: i32) -> InferenceConfiguration {
    InferenceConfiguration::builder().max_tokens(tokens).build()
}

fn block_on<T>(test: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test)
}

/// A scenario with a quota on the model of [`SONNET`] that hardly refills within a test.
fn metered(tpm: u64) -> Scenario {
    Scenario {
        output_tokens: 60.0,
        output_sigma: 0.3,
        regions: vec![fast("us-east-1")],
        quotas: vec![QuotaSpec { tpm: Some(tpm), meter: bedrock_top::sim::MeterKind::Sliding, ..quota(SONNET) }],
        ..Scenario::default()
    }
}

pub fn check(holds: bool, what: impl std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{what:?}").into()) }
}

/// What the client reads in `usage` is what the server settled, burndown included, to the token.
fn sdk_converse_settles_exactly() -> Result<(), Failed> {
    let simulator = Simulator::start(metered(100_000), LOOPBACK)?;
    let client = sdk(&simulator, "us-east-1");
    let burndown = Catalogue::embedded().model(SONNET).ok_or("unknown")?.burndown;
    let mut settled = 0;
    block_on(async {
        for _ in 0..3 {
            let reply = client
                .converse()
                .model_id(SONNET)
                .messages(message("What is the state of the queue?")?)
                .inference_config(at_most(500))
                .send()
                .await?;
            let usage = reply.usage().ok_or("no usage")?;
            let usage =
                Usage { input: usage.input_tokens() as u64, output: usage.output_tokens() as u64, ..Usage::default() };
            settled += cost::settle(&usage, burndown).0;
        }
        Ok(())
    })?;
    let ledger = simulator.ledger();
    let scope = ledger.scope("us-east-1", SONNET).ok_or("no scope")?;
    check((scope.settled, scope.completed, scope.in_flight) == (settled, 3, 0), scope)?;
    check(scope.tpm_level == Some(100_000 - settled as i64), scope)?;
    check(ledger.requests(Operation::Converse) == 3, &ledger.operations)?;
    simulator.stop();
    Ok(())
}

fn sdk_stream_is_complete_and_settles_exactly() -> Result<(), Failed> {
    let simulator = Simulator::start(metered(100_000), LOOPBACK)?;
    let client = sdk(&simulator, "us-east-1");
    let (text, usage) = block_on(async {
        let mut reply = client
            .converse_stream()
            .model_id(SONNET)
            .messages(message("Tell me a story.")?)
            .inference_config(at_most(500))
            .send()
            .await?;
        let (mut text, mut usage, mut stopped) = (String::new(), None, false);
        while let Some(event) = reply.stream.recv().await? {
            match event {
                ConverseStreamOutput::ContentBlockDelta(delta) => {
                    text += delta.delta().and_then(|delta| delta.as_text().ok()).ok_or("no text")?;
                }
                ConverseStreamOutput::MessageStop(_) => stopped = true,
                ConverseStreamOutput::Metadata(metadata) => {
                    check(stopped, "the metadata comes last")?;
                    let told = metadata.usage().ok_or("no usage")?;
                    usage = Some(Usage {
                        input: told.input_tokens() as u64,
                        output: told.output_tokens() as u64,
                        ..Usage::default()
                    });
                }
                _ => {}
            }
        }
        Ok((text, usage.ok_or("no metadata")?))
    })?;
    check(text.split_whitespace().count() as u64 == (usage.output * 4).div_ceil(5), (&text, usage))?;
    let ledger = simulator.ledger();
    let scope = ledger.scope("us-east-1", SONNET).ok_or("no scope")?;
    check(scope.settled == cost::settle(&usage, 5).0 && scope.used == usage, scope)?;
    check(scope.completed == 1 && scope.in_flight == 0, scope)
}

fn sdk_reads_throttles() -> Result<(), Failed> {
    let simulator = Simulator::start(metered(1_000), LOOPBACK)?;
    let client = sdk(&simulator, "us-east-1");
    let error = block_on(async {
        let refused =
            client.converse().model_id(SONNET).messages(message("x")?).inference_config(at_most(1_000)).send().await;
        refused.err().ok_or_else(|| "a throttle was expected".into())
    })?;
    check(error.code() == Some("ThrottlingException"), &error)?;
    check(error.message() == Some("Too many tokens, please wait before trying again."), &error)?;
    check(error.raw_response().is_some_and(|raw| raw.status().as_u16() == 429), &error)?;
    let ledger = simulator.ledger();
    let scope = ledger.scope("us-east-1", SONNET).ok_or("no scope")?;
    check((scope.rejected_tpm, scope.admitted, scope.tpm_level) == (1, 0, Some(1_000)), scope)?;
    check(ledger.errors("ThrottlingException") == 1, &ledger.errors)
}

/// A stream that is dropped after its first text settles at a part of the reply, and nothing stays reserved.
fn a_client_that_leaves_is_charged() -> Result<(), Failed> {
    let slow = RegionSpec { name: "us-east-1".into(), ttft_ms: 1.0, tokens_per_second: 40.0 };
    let scenario = Scenario { output_tokens: 5_000.0, regions: vec![slow], ..metered(100_000) };
    let simulator = Simulator::start(scenario, LOOPBACK)?;
    let client = sdk(&simulator, "us-east-1");
    block_on(async {
        let mut reply = client
            .converse_stream()
            .model_id(SONNET)
            .messages(message("Tell me a long story.")?)
            .inference_config(at_most(4_000))
            .send()
            .await?;
        loop {
            match reply.stream.recv().await? {
                Some(ConverseStreamOutput::ContentBlockDelta(_)) => break,
                Some(_) => {}
                None => return Err("the stream ended".into()),
            }
        }
        drop(reply);
        Ok(())
    })?;
    drop(client);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let ledger = simulator.ledger();
        let scope = ledger.scope("us-east-1", SONNET).ok_or("no scope")?;
        if scope.in_flight == 0 {
            check(scope.abandoned == 1 && scope.completed == 0 && scope.held == 0, scope)?;
            check((1..4_000).contains(&scope.used.output), scope)?;
            return check(scope.settled == cost::settle(&scope.used, 5).0, scope);
        }
        check(std::time::Instant::now() < deadline, "the simulator did not notice that the client left")?;
        std::thread::yield_now();
    }
}

fn a_lost_reply_is_charged() -> Result<(), Failed> {
    let lost = Fault { region: None, model: None, ..fault(FaultKind::LostReply, "") };
    let simulator = Simulator::start(Scenario { faults: vec![lost], ..metered(100_000) }, LOOPBACK)?;
    let client = sdk(&simulator, "us-east-1");
    block_on(async {
        let reply = client.converse().model_id(SONNET).messages(message("x")?).inference_config(at_most(500)).send();
        match reply.await {
            Err(error) => check(error.as_service_error().is_none() && error.raw_response().is_none(), &error),
            Ok(reply) => Err(format!("{reply:?}").into()),
        }
    })?;
    let ledger = simulator.ledger();
    let scope = ledger.scope("us-east-1", SONNET).ok_or("no scope")?;
    check(scope.completed == 1 && scope.settled > 0 && scope.in_flight == 0, scope)
}

fn watched_texts_are_counted() -> Result<(), Failed> {
    let simulator = Simulator::start(metered(100_000), LOOPBACK)?;
    simulator.watch("AKIDSDK");
    simulator.watch("AKIDCANARY");
    let client = sdk(&simulator, "us-east-1");
    block_on(async {
        client.converse().model_id(HAIKU).messages(message("x")?).inference_config(at_most(5)).send().await?;
        Ok(())
    })?;
    let ledger = simulator.ledger();
    check(ledger.watched["AKIDSDK"] == 1 && ledger.watched["AKIDCANARY"] == 0, &ledger.watched)?;
    check(ledger.access_keys.iter().eq(["AKIDSDK"]), &ledger.access_keys)
}
