//! Targets, and the questions to the control plane.

use bedrock_top::bedrock::{Identified, ProfileKind, Resolved, Served, Target, identify};
use bedrock_top::record::{ErrorClass, Family, Route};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::server::{Seen, Server, Step, error, reply};
use super::{body, clients, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_simulator_is_known_by_its_card", identification),
        trial("a_target_is_resolved", resolution),
        trial("identity_quotas_models_and_profiles_are_read", questions),
        trial("a_missing_permission_is_named", missing_permission),
        trial("endless_lists_end", endless_lists),
        trial("tokens_are_counted", counting),
    ]
}

fn json_reply(value: &Value) -> Vec<Step> {
    reply(200, &[("content-type", "application/json")], value.to_string().as_bytes())
}

const CARD: &str = r#"{"bedrock-top-sim":"0.1.0","account":"123456789012"}"#;

async fn identification() {
    let sim = Server::start(|_| reply(200, &[], CARD.as_bytes())).await;
    let (version, account) = ("0.1.0".into(), Some("123456789012".into()));
    let expected = Identified::Simulator { version, account, served: Served::default() };
    assert_eq!(identify(&sim.url()).await, expected);
    let [seen]: [Seen; 1] = sim.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/__bedrock-top"));
    assert_eq!(seen.header("authorization"), None);
    for other in [
        reply(200, &[], b"{}"),
        reply(200, &[], b"<html>"),
        reply(404, &[], CARD.as_bytes()),
        reply(302, &[("location", "http://127.0.0.1:1/")], b""),
        reply(200, &[], &[b'x'; 10]),
    ] {
        let server = Server::start(move |_| other.clone()).await;
        assert_eq!(identify(&server.url()).await, Identified::Other);
    }
    for silent in [vec![Step::Close], vec![Step::Reset], vec![Step::Hold], reply(200, &[], &vec![b'x'; 1 << 20])] {
        let server = Server::start(move |_| silent.clone()).await;
        assert!(matches!(identify(&server.url()).await, Identified::Unreachable(_)));
    }
}

async fn resolution() {
    assert_eq!(Target::resolve("sim", None).await.unwrap(), Resolved::StartSimulator);
    let aws = Target::resolve("aws", Some("dev")).await.unwrap();
    assert_eq!(aws, Resolved::Target(Target::Aws { endpoint: None, profile: Some("dev".into()) }));
    let sim = Server::start(|_| reply(200, &[], CARD.as_bytes())).await;
    let url = sim.url();
    assert_eq!(
        Target::resolve(url.as_str(), None).await.unwrap(),
        Resolved::Simulator { url: url.clone(), served: Served::default() }
    );
    let error = Target::resolve(url.as_str(), Some("dev")).await.unwrap_err().to_string();
    assert!(error.contains("leave `--profile dev` out"), "{error}");
    let gateway = Server::start(|_| reply(404, &[], b"")).await;
    let url = gateway.url();
    assert_eq!(
        Target::resolve(url.as_str(), None).await.unwrap(),
        Resolved::Target(Target::Aws { endpoint: Some(url), profile: None })
    );
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Target::resolve(&format!("http://{addr}"), None).await.unwrap_err().to_string();
    assert!(error.contains("nothing answers") && error.contains("bedrock-top sim --listen"), "{error}");
    let error = Target::resolve("simulator", None).await.unwrap_err().to_string();
    assert!(error.contains("use `sim`, `aws`, or a URL"), "{error}");
}

fn control_plane(seen: &Seen) -> Vec<Step> {
    let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let quota = |code: &str, value: f64| json!({ "QuotaCode": code, "QuotaName": format!("Name of {code}"), "Value": value, "Adjustable": true });
    match (seen.path.split('?').next().unwrap(), seen.header("x-amz-target").unwrap_or_default()) {
        ("/", "ServiceQuotasV20190624.ListServiceQuotas") => {
            assert_eq!(asked["ServiceCode"], "bedrock");
            match asked["NextToken"].as_str() {
                None => json_reply(&json!({ "Quotas": [quota("L-1", 60.0), quota("L-2", 43.2e9)], "NextToken": "n" })),
                Some(_) => json_reply(&json!({ "Quotas": [quota("L-3", 0.0), { "QuotaCode": "L-4" }] })),
            }
        }
        ("/", "ServiceQuotasV20190624.ListAWSDefaultServiceQuotas") => {
            json_reply(&json!({ "Quotas": [quota("L-9", 9.0)] }))
        }
        ("/", _) => reply(
            200,
            &[("content-type", "text/xml")],
            b"<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
              <Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>AIDA</UserId><Account>123456789012</Account>\
              </GetCallerIdentityResult></GetCallerIdentityResponse>",
        ),
        ("/foundation-models", _) => json_reply(&json!({ "modelSummaries": [
            { "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/a.b", "modelId": "a.b", "modelName": "B",
              "inferenceTypesSupported": ["ON_DEMAND"], "outputModalities": ["TEXT"],
              "responseStreamingSupported": true, "modelLifecycle": { "status": "LEGACY" } },
            { "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/a.c", "modelId": "a.c",
              "inferenceTypesSupported": ["INFERENCE_PROFILE"], "outputModalities": ["IMAGE"] } ] })),
        ("/inference-profiles", _) => {
            let system = seen.path.contains("type=SYSTEM_DEFINED");
            let (id, kind) = if system { ("us.a.b", "SYSTEM_DEFINED") } else { ("abcdefghijkl", "APPLICATION") };
            json_reply(&json!({ "inferenceProfileSummaries": [{ "inferenceProfileName": "n", "inferenceProfileId": id,
                "inferenceProfileArn": format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}"),
                "models": [{ "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/a.b" }],
                "status": "ACTIVE", "type": kind }] }))
        }
        (other, target) => panic!("{other} {target}"),
    }
}

async fn questions() {
    let server = Server::start(control_plane).await;
    let clients = clients(&server).await;
    let region = "us-east-1".into();
    let identity = clients.identity().await.unwrap();
    assert_eq!(
        (identity.account.as_str(), identity.arn.as_str()),
        ("123456789012", "arn:aws:iam::123456789012:user/a")
    );
    assert_eq!(clients.credentials_until().await, None);
    let quotas = clients.quotas(&region).await.unwrap();
    let values: Vec<_> = quotas.iter().map(|quota| (quota.code.as_str(), quota.value)).collect();
    assert_eq!(values, [("L-1", 60.0), ("L-2", 43.2e9), ("L-3", 0.0)]);
    assert_eq!(clients.default_quotas(&region).await.unwrap()[0].code, "L-9");
    let models = clients.foundation_models(&region).await.unwrap();
    assert_eq!(
        (models[0].id.as_str(), models[0].on_demand, models[0].text, models[0].legacy),
        ("a.b", true, true, true)
    );
    assert_eq!((models[1].on_demand, models[1].text), (false, false));
    let profiles = clients.inference_profiles(&region).await.unwrap();
    assert_eq!(profiles.len(), 2);
    assert_eq!((profiles[0].id.as_str(), profiles[0].kind), ("us.a.b", ProfileKind::System));
    assert_eq!((profiles[1].id.as_str(), profiles[1].kind), ("abcdefghijkl", ProfileKind::Application));
    for seen in server.seen() {
        let authorization = seen.header("authorization").unwrap_or_default();
        assert!(authorization.contains("Credential=AKIDBEDROCKTOPSIM000/"), "{seen:?}");
        assert!(authorization.contains("/us-east-1/"), "{seen:?}");
    }
}

async fn missing_permission() {
    let server = Server::start(|_| {
        error(403, "AccessDeniedException", "User: arn:aws:iam::1:user/a is not authorized to perform this", &[])
    })
    .await;
    let clients = clients(&server).await;
    let region = "us-east-1".into();
    let failures = [
        (clients.quotas(&region).await.unwrap_err(), "ListServiceQuotas", "servicequotas:ListServiceQuotas"),
        (clients.foundation_models(&region).await.unwrap_err(), "ListFoundationModels", "bedrock:ListFoundationModels"),
        (
            clients.inference_profiles(&region).await.unwrap_err(),
            "ListInferenceProfiles",
            "bedrock:ListInferenceProfiles",
        ),
    ];
    for (failure, call, action) in failures {
        assert_eq!(failure.class, ErrorClass::Access);
        assert!(failure.message.starts_with(&format!("{call}: User")), "{failure}");
        assert!(failure.message.contains(action), "{failure}");
    }
}

async fn endless_lists() {
    let server = Server::start(|_| json_reply(&json!({ "Quotas": [], "NextToken": "again" }))).await;
    let failure = clients(&server).await.quotas(&"us-east-1".into()).await.unwrap_err();
    assert_eq!(failure.class, ErrorClass::Malformed);
    assert_eq!(server.seen().len(), 100);
}

async fn counting() {
    let server = Server::start(|_| json_reply(&json!({ "inputTokens": 42 }))).await;
    let clients = clients(&server).await;
    let json = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}],"inferenceConfig":{"maxTokens":5}}"#;
    let route = Route::new("us-east-1", "us.anthropic.claude-sonnet-4-20250514-v1:0");
    assert_eq!(clients.count_tokens(&route, &body(Family::Converse, json)).await.unwrap(), 42);
    assert_eq!(clients.count_tokens(&route, &body(Family::AnthropicMessages, json)).await.unwrap(), 42);
    let seen = server.seen();
    assert!(seen.iter().all(|s| s.path == "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/count-tokens"), "{seen:?}");
    let asked: Vec<Value> = seen.iter().map(|s| serde_json::from_slice(&s.body).unwrap()).collect();
    assert_eq!(
        asked[0],
        json!({ "input": { "converse": { "messages": [{ "role": "user", "content": [{ "text": "hi" }] }] } } })
    );
    use base64::Engine;
    let inner =
        base64::engine::general_purpose::STANDARD.decode(asked[1]["input"]["invokeModel"]["body"].as_str().unwrap());
    assert_eq!(inner.unwrap(), json.as_bytes());
}
