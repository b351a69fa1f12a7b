//! Nothing real ever travels to a simulator: with canaries in every place from which the AWS conventions take
//! credentials, endpoints and proxies, a simulator sees none of them, and the proxy sees nobody.
//!
//! The calls are made by a second run of this binary, whose environment can be set as a whole.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bedrock_top::bedrock::{Clients, ConnectionSettings, Resolved, Target};
use bedrock_top::record::{Api, Family, Region, Route};
use libtest_mimic::Trial;
use serde_json::json;

use super::server::{Seen, Server, Step, reply};
use super::trial;

/// The trial that the second run executes, and the variables that tell it what to do.
const CHILD: &str = "edge::canary_child";
const CHILD_TARGET: &str = "BEDROCK_TOP_TEST_TARGET";
const CHILD_EXPECT: &str = "BEDROCK_TOP_TEST_EXPECT";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("nothing_real_travels_to_a_simulator", simulator_sees_no_canary),
        trial("the_canaries_sing_on_aws", aws_shows_the_canaries),
        trial("canary_child", child).with_ignored_flag(true),
    ]
}

/// A proxy (and a metadata service) that answers nobody and counts who came.
async fn trap() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, came)
}

fn simulator(seen: &Seen) -> Vec<Step> {
    let body = match seen.path.as_str() {
        "/__bedrock-top" => json!({ "bedrock-top-sim": "0", "account": "123456789012" }),
        path if path.starts_with("/model/") => json!({ "output": { "message": { "role": "assistant", "content": [] } },
            "stopReason": "end_turn" }),
        "/foundation-models" => json!({ "modelSummaries": [] }),
        _ => json!({ "Quotas": [] }),
    };
    let headers = [("content-type", "application/json"), ("x-bedrock-top-sim", "0")];
    reply(200, &headers, body.to_string().as_bytes())
}

/// Runs the child with canaries everywhere. `proxied`: the proxy variables are set as well.
async fn run_child(target: &str, endpoint: &str, expect: &str, trap: &str, proxied: bool, home: &Path) {
    let config = "[default]\naws_access_key_id = CANARYFILE\naws_secret_access_key = CANARYFILE\n\
                  [profile canary]\naws_access_key_id = CANARYFILE\naws_secret_access_key = CANARYFILE\n";
    std::fs::write(home.join("config"), config).unwrap();
    std::fs::write(home.join("credentials"), config.replace("profile ", "")).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env_clear().args(["--ignored", "--exact", CHILD]).stdin(Stdio::null());
    command.env(CHILD_TARGET, target).env(CHILD_EXPECT, expect).env("HOME", home);
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIACANARYENV"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret"),
        ("AWS_SECRET", "canary-secret"),
        ("AWS_SESSION_TOKEN", "canary-session"),
        ("AWS_PROFILE", "canary"),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", trap),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", trap),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ENDPOINT_URL_BEDROCK", endpoint),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint),
        ("AWS_ENDPOINT_URL_STS", endpoint),
        ("AWS_ENDPOINT_URL_SERVICE_QUOTAS", endpoint),
    ] {
        command.env(name, value);
    }
    if expect != "aws" {
        // A bearer token would take the place of the credentials on AWS; there we want to see those.
        command.env("AWS_BEARER_TOKEN_BEDROCK", "canary-bearer");
    }
    command.env("AWS_CONFIG_FILE", home.join("config")).env("AWS_SHARED_CREDENTIALS_FILE", home.join("credentials"));
    if proxied {
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env(name, trap);
        }
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("1 passed"), "{told}");
}

async fn simulator_sees_no_canary() {
    let home = tempfile::tempdir().unwrap();
    let (trap, came) = trap().await;
    let server = Server::start(simulator).await;
    run_child(server.url().as_str(), &trap, "simulator", &trap, true, home.path()).await;
    let seen = server.seen();
    assert!(seen.len() >= 5, "the child made its calls: {seen:?}");
    for request in &seen {
        let whole = format!("{request:?}").to_lowercase();
        assert!(!whole.contains("canary") && !whole.contains("bearer"), "{whole}");
        assert_eq!(request.header("x-amz-security-token"), None);
        if request.path != "/__bedrock-top" {
            let authorization = request.header("authorization").unwrap_or_default();
            assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDBEDROCKTOPSIM000/"), "{request:?}");
            assert!(authorization.contains("/us-east-1/"), "{request:?}");
        }
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "somebody came to the proxy, the endpoint or the metadata service");
}

/// The control: on AWS the same environment is used, so the trial above would see it.
async fn aws_shows_the_canaries() {
    let home = tempfile::tempdir().unwrap();
    let (trap, came) = trap().await;
    let server = Server::start(simulator).await;
    run_child("aws", server.url().as_str(), "aws", &trap, false, home.path()).await;
    let whole = format!("{:?}", server.seen());
    assert!(whole.contains("CANARYFILE") || whole.contains("AKIACANARYENV"), "{whole}");
    assert_eq!(came.load(Ordering::SeqCst), 0);
    run_child("aws", server.url().as_str(), "proxy", &trap, true, home.path()).await;
    assert!(came.load(Ordering::SeqCst) > 0, "the proxy was asked");
}

/// In the second run: makes one call of each kind at the target.
async fn child() {
    let (Ok(target), Ok(expect)) = (std::env::var(CHILD_TARGET), std::env::var(CHILD_EXPECT)) else {
        panic!("made to be run by edge::nothing_real_travels_to_a_simulator");
    };
    let target = match Target::resolve(&target, None).await.unwrap() {
        Resolved::Target(target) => target,
        Resolved::Simulator { url, .. } => Target::Simulator { url },
        Resolved::StartSimulator => panic!("no simulator of its own"),
    };
    assert_eq!(target.simulated(), expect == "simulator");
    let region = Region::from("us-east-1");
    let settings = ConnectionSettings { control_timeout: std::time::Duration::from_secs(5), ..Default::default() };
    let clients = Clients::connect(&target, std::slice::from_ref(&region), settings).await.unwrap();
    let call = super::call(Api::Converse, false);
    let attempt = clients.call(call).await;
    match expect.as_str() {
        "simulator" => {
            attempt.result.unwrap();
            clients.quotas(&region).await.unwrap();
            clients.foundation_models(&region).await.unwrap();
            let _ = clients.identity().await;
            let body = super::body(Family::AnthropicMessages, "{}");
            let _ = clients.count_tokens(&Route::new("us-east-1", super::MODEL), &body).await;
            assert_eq!(clients.credentials_until().await, None);
        }
        // A simulator behind AWS_ENDPOINT_URL is found out: its reply must not pass for a real one.
        "aws" => {
            assert_eq!(attempt.result.unwrap_err().code, "SimulatedReply");
            assert_eq!(clients.quotas(&region).await.unwrap_err().code, "SimulatedReply");
            assert_eq!(clients.foundation_models(&region).await.unwrap_err().code, "SimulatedReply");
            assert_eq!(clients.identity().await.unwrap_err().code, "SimulatedReply");
        }
        _ => {
            attempt.result.unwrap_err();
        }
    }
}
