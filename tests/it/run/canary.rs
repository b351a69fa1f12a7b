//! Nothing real reaches a simulator, and nobody else is asked: the program with canaries wherever the AWS conventions
//! look for credentials, endpoints and proxies.

use std::net::TcpListener;

use libtest_mimic::Trial;

use super::{Folder, at, finish, scenario_file, simple, simulator, trial};

const CANARY: &str = "CANARY7Q";

pub fn trials() -> Vec<Trial> {
    vec![trial("no_canary_sings_on_a_simulator", no_canary)]
}

fn no_canary() {
    let folder = Folder::new();
    folder.input(20);
    scenario_file(&folder, "");
    let (server, url) = simulator(simple());
    server.watch(CANARY);
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let trap_url = format!("http://{}", trap.local_addr().unwrap());
    folder.write(
        "home/.aws/credentials",
        &format!("[default]\naws_access_key_id = {CANARY}\naws_secret_access_key = {CANARY}\n"),
    );
    let with_canaries = |args: &[&str]| {
        let mut command = folder.program(args);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"] {
            command.env(name, CANARY);
        }
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_BEDROCK",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            "AWS_ENDPOINT_URL_STS",
            "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            command.env(name, &trap_url);
        }
        finish(command.spawn().unwrap())
    };
    let outside = with_canaries(&[&["run", "in.jsonl", "-o", "outside.jsonl"], &at(&url)[..]].concat()).expect(0);
    let inside =
        with_canaries(&["run", "in.jsonl", "-o", "inside.jsonl", "--target", "sim", "--scenario", "s.toml"]).expect(0);
    let console = with_canaries(&["--duration", "1s", "--scenario", "s.toml"]).expect(0);
    assert_eq!(super::lines(&folder.path("outside.jsonl")).len(), 20);
    assert_eq!(super::lines(&folder.path("inside.jsonl")).len(), 20);
    for done in [&outside, &inside, &console] {
        assert!(!done.stdout.contains(CANARY) && !done.stderr.contains(CANARY), "{done}");
    }
    let ledger = server.ledger();
    assert_eq!(ledger.watched.get(CANARY), Some(&0), "{ledger:?}");
    assert!(ledger.access_keys.iter().all(|key| key != CANARY), "{:?}", ledger.access_keys);
    let came = trap.accept();
    assert!(came.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "somebody went through the proxy");
}
