//! The edge and the account's answers against the simulator.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bedrock_top::bedrock::{Call, Clients, ConnectionSettings, Identified, Resolved, Target, identify};
use bedrock_top::control::{
    self, ControlCommand, ControlHandle, ControlSnapshot, DeskSetup, Discovery, Expansion, Order, Question, QuotaCell,
    RouteQuota, Stage,
};
use bedrock_top::limiter::QuotaLimit;
use bedrock_top::record::{ErrorClass, Family, Reach, Region, Route};
use bedrock_top::sim::{Fault, FaultKind, QuotaSpec, RegionSpec, Scenario, Simulator, TenantSpec};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{body, trial};

const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const NEWEST: &str = "us.anthropic.claude-sonnet-5";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_real_simulator_is_known", known),
        trial("every_family_answers_whole_and_streamed", every_family),
        trial("every_fault_has_its_class", every_fault),
        trial("routes_and_quotas_are_found", found),
        trial("without_permission_the_defaults_hold", without_permission),
        trial("the_account_is_watched", watched),
        trial("what_others_use_is_read_from_cloudwatch", others),
        trial("a_raised_quota_is_offered_until_it_is_taken", offered),
        trial("a_denied_cloudwatch_leaves_everything_else_at_work", cloudwatch_denied),
    ]
}

fn scenario() -> Scenario {
    let region = |name: &str| RegionSpec { name: name.into(), ttft_ms: 5.0, tokens_per_second: 20_000.0 };
    let quota = |region: &str, model: &str, rpm| QuotaSpec {
        region: region.into(),
        model: model.into(),
        rpm,
        tpm: Some(5_000_000),
        ..QuotaSpec::default()
    };
    Scenario {
        output_tokens: 40.0,
        regions: vec![region("us-east-1"), region("us-west-2")],
        quotas: vec![quota("us-east-1", HAIKU, Some(600)), quota("us-east-1", NEWEST, None)],
        ..Scenario::default()
    }
}

fn simulator(scenario: Scenario) -> Simulator {
    Simulator::start(scenario, (Ipv4Addr::LOCALHOST, 0).into()).unwrap()
}

async fn clients(simulator: &Simulator, regions: &[&str]) -> Clients {
    let regions: Vec<Region> = regions.iter().map(|region| (*region).into()).collect();
    let target = Target::Simulator { url: simulator.url().clone() };
    Clients::connect(&target, &regions, ConnectionSettings::default()).await.unwrap()
}

/// All answers of the account, and what follows for `models`.
async fn find(clients: &Clients, models: &[&str]) -> (Discovery, Expansion) {
    let discovery = control::discover(clients).await;
    let models: Vec<String> = models.iter().map(ToString::to_string).collect();
    let regions: Vec<Region> = clients.regions().cloned().collect();
    let expansion = control::expand_routes(&models, &regions, &discovery.regions);
    (discovery, expansion)
}

async fn known() {
    let simulator = simulator(scenario());
    let Identified::Simulator { account, served, .. } = identify(simulator.url()).await else { panic!("not known") };
    assert_eq!(account.as_deref(), Some("123456789012"));
    let resolved = Target::resolve(simulator.url().as_str(), None).await.unwrap();
    assert_eq!(
        served.metered[0],
        Route::new(scenario().quotas[0].region.as_str(), scenario().quotas[0].model.as_str())
    );
    assert_eq!(resolved, Resolved::Simulator { url: simulator.url().clone(), served });
}

/// A body of each family that has one, for a model of it.
fn bodies() -> Vec<(&'static str, Family, Value)> {
    let messages = json!([{ "role": "user", "content": [{ "text": "Tell me a story." }] }]);
    let plain = json!([{ "role": "user", "content": "Tell me a story." }]);
    vec![
        (HAIKU, Family::Converse, json!({ "messages": messages, "inferenceConfig": { "maxTokens": 100 } })),
        (
            HAIKU,
            Family::AnthropicMessages,
            json!({ "anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": plain }),
        ),
        (
            "anthropic.claude-v2:1",
            Family::AnthropicText,
            json!({ "prompt": "\n\nHuman: Hi\n\nAssistant:", "max_tokens_to_sample": 100 }),
        ),
        (
            "amazon.nova-lite-v1:0",
            Family::Nova,
            json!({ "schemaVersion": "messages-v1", "messages": messages, "inferenceConfig": { "maxTokens": 100 } }),
        ),
        ("meta.llama3-8b-instruct-v1:0", Family::Llama, json!({ "prompt": "Tell me a story.", "max_gen_len": 100 })),
        (
            "amazon.titan-text-express-v1",
            Family::Titan,
            json!({ "inputText": "Tell me a story.", "textGenerationConfig": { "maxTokenCount": 100 } }),
        ),
        (
            "mistral.mistral-7b-instruct-v0:2",
            Family::MistralText,
            json!({ "prompt": "<s>[INST] Tell me a story. [/INST]", "max_tokens": 100 }),
        ),
        ("mistral.mistral-large-2407-v1:0", Family::MistralChat, json!({ "messages": plain, "max_tokens": 100 })),
        ("ai21.jamba-1-5-mini-v1:0", Family::Jamba, json!({ "messages": plain, "max_tokens": 100 })),
        ("openai.gpt-oss-20b-1:0", Family::OpenAi, json!({ "messages": plain, "max_completion_tokens": 100 })),
    ]
}

fn call(region: &str, model: &str, family: Family, json: &Value, stream: bool) -> Call {
    Call {
        route: Route::new(region, model),
        body: body(family, &json.to_string()),
        stream,
        attempt_timeout: Duration::from_secs(20),
        stream_gap: Duration::from_secs(20),
        progress: None,
    }
}

async fn every_family() {
    let simulator = simulator(Scenario { quotas: vec![], ..scenario() });
    let clients = clients(&simulator, &["us-east-1", "us-west-2"]).await;
    for (model, family, json) in bodies() {
        let (_, here) = find(&clients, &[model]).await;
        let Some(found) = here.routes.first() else { panic!("{model}: {:?}", here.refusals) };
        for stream in [false, true] {
            let label = format!("{model} {family} stream {stream}");
            let attempt = clients.call(call(found.route.region.as_str(), model, family, &json, stream)).await;
            let reply = attempt.result.unwrap_or_else(|failure| panic!("{label}: {failure}"));
            let (usage, _) = reply.usage.unwrap_or_else(|| panic!("{label}: no usage"));
            assert!(usage.input > 0 && (1..=100).contains(&usage.output), "{label}: {usage:?}");
            assert!(reply.text_bytes > 0, "{label}");
            assert!(reply.stop_reason.is_some(), "{label}");
            assert!(attempt.request_id.is_some(), "{label}");
            assert_eq!(reply.stream.is_some(), stream);
            serde_json::from_slice::<Value>(&reply.output).unwrap();
        }
    }
}

async fn every_fault() {
    use ErrorClass::*;
    let kinds: [(FaultKind, &[ErrorClass]); 12] = [
        (FaultKind::Outage, &[Capacity]),
        (FaultKind::Throttle, &[ThrottleRpm, ThrottleTpm, ThrottleOther]),
        (FaultKind::Capacity, &[Capacity]),
        (FaultKind::NotReady, &[NotReady]),
        (FaultKind::Reset, &[Connection]),
        (FaultKind::Stall, &[Timeout]),
        (FaultKind::Truncate, &[Truncated, Connection]),
        (FaultKind::StreamError, &[Server, ThrottleTpm, ThrottleRpm, ThrottleOther, Capacity, Timeout]),
        (FaultKind::Malformed, &[Malformed]),
        (FaultKind::Denied, &[Access]),
        (FaultKind::Expired, &[Credentials]),
        (FaultKind::LostReply, &[Connection]),
    ];
    for (kind, classes) in kinds {
        let fault = Fault {
            region: None,
            kind,
            service: None,
            operation: None,
            model: None,
            at_s: 0.0,
            for_s: None,
            rate: 1.0,
        };
        let simulator = simulator(Scenario { faults: vec![fault], ..scenario() });
        let clients = clients(&simulator, &["us-east-1"]).await;
        for stream in [false, true] {
            if kind == FaultKind::StreamError && !stream {
                continue;
            }
            let (model, family, json) = bodies().swap_remove(0);
            let mut call = call("us-east-1", model, family, &json, stream);
            call.attempt_timeout = Duration::from_millis(1_500);
            call.stream_gap = Duration::from_millis(500);
            let failure = clients.call(call).await.result.unwrap_err();
            assert!(classes.contains(&failure.class), "{kind:?} stream {stream}: {failure:?}");
            let lost =
                matches!(kind, FaultKind::LostReply | FaultKind::Stall | FaultKind::Truncate | FaultKind::Malformed);
            assert!(!lost || failure.maybe_billed, "{kind:?} stream {stream}: {failure:?}");
            let scope = matches!(kind, FaultKind::Denied);
            assert_eq!(failure.class.reach() == Reach::Scope, scope, "{kind:?}");
        }
    }
}

async fn found() {
    let simulator = simulator(scenario());
    let clients = clients(&simulator, &["us-east-1", "us-west-2"]).await;
    let (discovery, found) = find(&clients, &[HAIKU, NEWEST, "anthropic.claude-haiku-4-5-20251001-v1:0"]).await;
    assert_eq!(discovery.identity.as_ref().unwrap().account, "123456789012");
    let of = |region: &str, model: &str| -> RouteQuota {
        let route = Route::new(region, model);
        let planned = found.routes.iter().find(|planned| planned.route == route).unwrap();
        control::quota_of(planned, discovery.regions.get(&route.region), discovery.simulated)
    };
    let haiku = of("us-east-1", HAIKU);
    assert_eq!((haiku.rpm.0, haiku.tpm.0), (QuotaLimit::Limit(600), QuotaLimit::Limit(5_000_000)));
    assert_eq!((haiku.tpd.0, haiku.burndown), (QuotaLimit::Limit(700_000_000), 1));
    let source = haiku.source();
    assert_eq!(source, "service quotas: RPM L-2DC80978, TPM L-8CE99163, TPD L-E3F10727 of all models");
    let newest = of("us-east-1", NEWEST);
    assert_eq!((newest.rpm.0, newest.tpm.0), (QuotaLimit::Absent, QuotaLimit::Limit(5_000_000)));
    assert_eq!(newest.burndown, 10);
    // Nothing is listed there, and a simulator's scenario is all there is.
    assert_eq!(of("us-west-2", HAIKU).tpm.0, QuotaLimit::Unknown);
    assert_eq!(found.refusals.len(), 2);
    assert!(found.refusals[0].to_string().contains("use us.anthropic.claude-haiku-4-5"), "{}", found.refusals[0]);
}

/// A desk that changes nothing needs no folder.
fn setup(clients: Arc<Clients>) -> DeskSetup {
    let state = std::env::temp_dir().join("bedrock-top-none");
    DeskSetup { clients, identity: None, state, read_only: true, prices: Vec::new(), publishing: None }
}

/// A service that allows nothing.
fn denied(service: &str) -> Fault {
    Fault {
        region: None,
        kind: FaultKind::Denied,
        service: Some(service.into()),
        operation: None,
        model: None,
        at_s: 0.0,
        for_s: None,
        rate: 1.0,
    }
}

async fn without_permission() {
    let faults = ["servicequotas", "bedrock", "sts"].map(denied).to_vec();
    let simulator = simulator(Scenario { faults, ..scenario() });
    let clients = Arc::new(clients(&simulator, &["us-east-1"]).await);
    let (discovery, found) = find(&clients, &[HAIKU, "gibberish"]).await;
    assert_eq!((found.routes.len(), found.refusals.len()), (1, 1));
    let quota = control::quota_of(&found.routes[0], discovery.regions.values().next(), true);
    assert_eq!(quota.tpm.0, QuotaLimit::Limit(2_000_000));
    assert!(quota.source().contains("ListServiceQuotas"), "{}", quota.source());
    let handle = control::start(setup(clients), found.routes, discovery, &tokio::runtime::Handle::current());
    let snapshot = handle.snapshot().borrow().clone();
    assert_eq!(snapshot.identity, None);
    // What the pollers find out by themselves may or may not be among them yet.
    for question in [Question::Identity, Question::Models, Question::Profiles, Question::Quotas] {
        assert!(snapshot.problems.iter().any(|problem| problem.question == question), "{question:?}: {snapshot:?}");
    }
    let says = |words: &str| snapshot.problems.iter().any(|problem| problem.message.contains(words));
    assert!(says("bedrock:ListFoundationModels") && says("GetCallerIdentity"), "{:?}", snapshot.problems);
}

async fn watched() {
    let simulator = simulator(scenario());
    let clients = Arc::new(clients(&simulator, &["us-east-1"]).await);
    let (discovery, found) = find(&clients, &[HAIKU]).await;
    let handle = control::start(setup(clients), found.routes, discovery, &tokio::runtime::Handle::current());
    let snapshot = handle.snapshot().borrow().clone();
    assert!(snapshot.simulated && snapshot.problems.is_empty());
    assert_eq!(snapshot.limits[0].quota.tpm.0, QuotaLimit::Limit(5_000_000));
    let codes: Vec<_> = snapshot.quotas.iter().filter(|line| line.in_use).map(|line| line.code.as_str()).collect();
    assert!(
        codes.contains(&"L-2DC80978") && codes.contains(&"L-8CE99163") && codes.contains(&"L-E3F10727"),
        "{codes:?}"
    );
    let line = snapshot.quotas.iter().find(|line| line.code == "L-8CE99163").unwrap();
    assert_eq!((line.value, line.default), (5_000_000.0, Some(2_000_000.0)));
    // Plain data: it survives a wire.
    let text = serde_json::to_string(&*snapshot).unwrap();
    assert_eq!(serde_json::from_str::<control::ControlSnapshot>(&text).unwrap(), *snapshot);
}

/// Waits for a state of the account; asks again all the time, as an impatient operator does.
async fn wait_for(
    handle: &ControlHandle,
    what: &str,
    there: impl Fn(&ControlSnapshot) -> bool,
) -> Arc<ControlSnapshot> {
    let mut snapshots = handle.snapshot();
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        if there(&snapshot) {
            return snapshot;
        }
        assert!(Instant::now() < deadline, "{what}: {snapshot:?}");
        handle.sender().send(ControlCommand { id: 1, order: Order::Refresh });
        let _ = tokio::time::timeout(Duration::from_millis(500), snapshots.changed()).await;
    }
}

async fn others() {
    let tenant = TenantSpec {
        region: "us-east-1".into(),
        model: HAIKU.into(),
        tokens_per_minute: 1_800_000.0,
        ..TenantSpec::default()
    };
    // A minute of the service lasts a second.
    let simulator = simulator(Scenario { speed: 60.0, metric_delay_s: 0.0, tenants: vec![tenant], ..scenario() });
    let clients = Arc::new(clients(&simulator, &["us-east-1"]).await);
    let (discovery, found) = find(&clients, &[HAIKU]).await;
    let handle = control::start(setup(clients), found.routes, discovery, &tokio::runtime::Handle::current());
    let used = |snapshot: &ControlSnapshot| snapshot.account_use.first().is_some_and(|used| used.minutes.len() > 5);
    let snapshot = wait_for(&handle, "the use of a tenant", used).await;
    let used = &snapshot.account_use[0];
    // Whole minutes: 1,800 calls of 1,000 in real time, 30 in a minute that lasts a second. None of them is ours.
    let whole = &used.minutes[1..used.minutes.len() - 1];
    assert!(whole.iter().all(|minute| (29_000..=31_000).contains(&minute.quota_tokens)), "{whole:?}");
    assert!(whole.iter().all(|minute| minute.invocations == minute.quota_tokens / 1_000), "{whole:?}");
    assert_eq!(whole[0].input + whole[0].output, whole[0].quota_tokens);
    assert!(used.today.is_some_and(|today| today > 0) && used.p90_tpm() <= used.peak_tpm());
    assert_eq!((snapshot.metric_cost.spent.0, snapshot.metric_cost.per_hour.0), (0, 0), "a simulator costs nothing");
    assert!(snapshot.metric_cost.metrics_read >= 10);
    let route = used.route.clone();
    handle.sender().send(ControlCommand { id: 2, order: Order::ReadDay { route } });
    let snapshot = wait_for(&handle, "a day", |snapshot| snapshot.account_use[0].day.is_some()).await;
    let day = snapshot.account_use[0].day.as_ref().unwrap();
    let measured: Vec<_> = day.pieces.iter().filter(|piece| piece.measured).collect();
    assert_eq!(day.pieces.len(), 144);
    assert!(!measured.is_empty() && measured.len() < 144, "{measured:?}");
    assert!(measured.iter().all(|piece| piece.peak_tpm <= 31_000 && piece.quota_tokens >= piece.peak_tpm));
}

async fn cloudwatch_denied() {
    let simulator = simulator(Scenario { faults: vec![denied("monitoring")], ..scenario() });
    let clients = Arc::new(clients(&simulator, &["us-east-1"]).await);
    let (discovery, found) = find(&clients, &[HAIKU]).await;
    let handle = control::start(setup(clients), found.routes, discovery, &tokio::runtime::Handle::current());
    let refused =
        |snapshot: &ControlSnapshot| snapshot.problems.iter().any(|problem| problem.question == Question::Use);
    let snapshot = wait_for(&handle, "the refusal", refused).await;
    let problem = snapshot.problems.iter().find(|problem| problem.question == Question::Use).unwrap();
    assert!(problem.message.contains("cloudwatch:GetMetricData"), "{}", problem.message);
    assert_eq!((snapshot.problems.len(), snapshot.account_use.len()), (1, 0));
    assert_eq!(snapshot.limits[0].quota.tpm.0, QuotaLimit::Limit(5_000_000));
    assert_eq!(snapshot.metric_cost.metrics_read, 10, "what was asked for may have been billed");
    let route = snapshot.limits[0].route.clone();
    handle.sender().send(ControlCommand { id: 7, order: Order::ReadDay { route } });
    let failed = |snapshot: &ControlSnapshot| {
        snapshot.works.iter().any(|work| work.id == 7 && matches!(work.stage, Stage::Failed { .. }))
    };
    wait_for(&handle, "the refusal of a day", failed).await;
}

async fn offered() {
    let simulator = simulator(Scenario { speed: 60_000.0, ..scenario() });
    let clients = Arc::new(clients(&simulator, &["us-east-1"]).await);
    let (discovery, found) = find(&clients, &[NEWEST]).await;
    let state = tempfile::tempdir().unwrap();
    let setup = DeskSetup { read_only: false, state: state.path().to_owned(), ..setup(clients) };
    let handle = control::start(setup, found.routes, discovery, &tokio::runtime::Handle::current());
    let before = handle.snapshot().borrow().clone();
    assert_eq!((before.offers.len(), before.limits[0].quota.tpm.0), (0, QuotaLimit::Limit(5_000_000)));
    let applied = |cell: &&QuotaCell| cell.applied == QuotaLimit::Limit(5_000_000) && cell.adjustable == Some(true);
    let code = before.cells.iter().find(applied).unwrap().code.clone().unwrap();
    let order = Order::RequestQuota { region: "us-east-1".into(), code, value: 8_000_000.0 };
    handle.sender().send(ControlCommand { id: 2, order });
    let snapshot = wait_for(&handle, "an offer", |snapshot| !snapshot.offers.is_empty()).await;
    let offer = &snapshot.offers[0];
    assert_eq!((offer.was, offer.now), (QuotaLimit::Limit(5_000_000), QuotaLimit::Limit(8_000_000)));
    let followed = wait_for(&handle, "the request", |snapshot| !snapshot.increases.is_empty()).await;
    assert_eq!(followed.increases[0].value, 8_000_000.0);
    let order = Order::TakeOffer { key: offer.key.clone(), metric: offer.metric };
    handle.sender().send(ControlCommand { id: 3, order });
    let taken = wait_for(&handle, "no offer", |snapshot| snapshot.offers.is_empty()).await;
    assert_eq!(taken.limits[0].quota.tpm.0, QuotaLimit::Limit(8_000_000));
}
