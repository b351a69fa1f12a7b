//! `quotas` and `doctor`, as child processes against a real simulator: what is listed, what a file needs, a request from its
//! question to the raised quota, and what is missing where something is denied.

use std::process::Stdio;

use bedrock_top::sim::{Fault, FaultKind, Operation, QuotaSpec, Scenario, Simulator, TenantSpec};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::run::{Done, Folder, finish, until};
use super::wire::{HAIKU, LOOPBACK, fast, quota};

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// One that counts tokens.
const COUNTING: &str = "us.anthropic.claude-sonnet-4-6";
const TPM: &str = "L-F4DDD3EB";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("quotas_and_doctor_need_an_account_that_outlives_them", needs_a_target),
        trial("quotas_lists_every_bucket_with_its_source", lists),
        trial("quotas_lists_what_everybody_uses", lists_use),
        trial("a_url_of_a_simulator_says_what_it_serves", places_of_a_url),
        trial("quotas_without_permission_shows_the_defaults_and_says_so", lists_defaults),
        trial("a_request_goes_from_its_draft_to_the_raised_quota", request_to_the_end),
        trial("a_request_is_never_filed_without_consent", no_consent),
        trial("what_cannot_be_raised_says_what_to_do_instead", not_adjustable),
        trial("what_is_below_the_default_is_not_asked_for", below_the_default),
        trial("what_is_enough_asks_for_nothing", enough),
        trial("a_lost_reply_to_a_request_is_looked_up", lost_reply),
        trial("doctor_is_well_where_nothing_is_missing", doctor_well),
        trial("doctor_names_what_is_denied_and_what_to_allow", doctor_denied),
        trial("doctor_without_credentials_is_unusable", doctor_expired),
        trial("doctor_prints_policies_and_asks_nobody", doctor_policy),
        trial("a_dry_run_compares_the_ways_of_buying", dry_run_compares),
    ]
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(format!("account::{name}"), move || {
        test();
        Ok::<_, Failed>(())
    })
}

fn fault(kind: FaultKind, service: &str, operation: &str) -> Fault {
    Fault {
        region: None,
        kind,
        service: Some(service.into()),
        operation: Some(operation.into()),
        model: None,
        at_s: 0.0,
        for_s: None,
        rate: 1.0,
    }
}

/// Sonnet through its profile has the defaults; Haiku has little, and cannot have more.
fn scenario(speed: f64, faults: Vec<Fault>) -> Scenario {
    Scenario {
        speed,
        regions: vec![fast("us-east-1")],
        quotas: vec![
            QuotaSpec { rpm: Some(10_000), tpm: Some(5_000_000), ..quota(SONNET) },
            QuotaSpec { rpm: Some(60), tpm: Some(100_000), ..quota(HAIKU) },
        ],
        faults,
        ..Scenario::default()
    }
}

struct Rig {
    folder: Folder,
    simulator: Simulator,
}

impl Rig {
    fn new(scenario: Scenario) -> Rig {
        Rig { folder: Folder::new(), simulator: Simulator::start(scenario, LOOPBACK).unwrap() }
    }

    /// 3,000 records of 400 output tokens at most.
    fn with_work(self) -> Rig {
        let line = |n: usize| json!({ "prompt": format!("number {n}"), "max_tokens": 400 }).to_string() + "\n";
        self.folder.write("in.jsonl", &(0..3_000).map(line).collect::<String>());
        self
    }

    fn run(&self, model: &str, args: &[&str]) -> Done {
        let url = self.simulator.url().to_string();
        let more = ["--target", &url, "--region", "us-east-1", "--model", model];
        let mut command = self.folder.program(&[args, &more[..]].concat());
        finish(command.stdin(Stdio::null()).spawn().unwrap())
    }

    fn json(&self, model: &str, args: &[&str], code: i32) -> Value {
        self.run(model, &[args, &["--json"]].concat()).expect(code).summary()
    }

    fn filed(&self) -> u64 {
        self.simulator.ledger().requests(Operation::RequestServiceQuotaIncrease)
    }

    /// The applied tokens per minute of Sonnet's profile.
    fn listed_tpm(&self) -> u64 {
        let listed = self.json(SONNET, &["quotas"], 0);
        let rows = listed["quotas"].as_array().unwrap();
        rows.iter().find(|row| row["code"] == TPM).unwrap()["applied"]["value"].as_u64().unwrap()
    }
}

/// What the work needs here is about three times the default.
const SHORT: [&str; 5] = ["quotas", "request", "in.jsonl", "--deadline", "20s"];

fn needs_a_target() {
    let folder = Folder::new();
    for command in ["quotas", "doctor"] {
        let done = finish(folder.program(&[command]).spawn().unwrap()).expect(2);
        done.says(&["outlives", "--target aws", "bedrock-top sim"]);
    }
}

fn lists() {
    let rig = Rig::new(scenario(1.0, vec![]));
    let listed = rig.json(SONNET, &["quotas", "list"], 0);
    assert_eq!((&listed["simulated"], &listed["problems"]), (&json!(true), &json!([])));
    let rows = listed["quotas"].as_array().unwrap();
    let row = rows.iter().find(|row| row["code"] == TPM).unwrap();
    assert_eq!(row["applied"], json!({ "known": "limit", "value": 5_000_000 }));
    assert_eq!((&row["default"], &row["adjustable"], &row["scope"]), (&json!(5e6), &json!(true), &json!("geo")));
    assert_eq!(row["source"]["source"], "service_quotas");
    assert!(rows.iter().any(|row| row["bucket"] == "account" && row["adjustable"] == false));
    assert!(!rows.iter().any(|row| row["bucket"] == HAIKU));
    let all = rig.json(SONNET, &["quotas", "--all"], 0);
    assert!(all["quotas"].as_array().unwrap().iter().any(|row| row["bucket"] == HAIKU));
    let text = rig.run(SONNET, &["quotas"]).expect(0);
    assert!(text.stderr.starts_with("target http"), "{text}");
    assert!(text.stdout.starts_with("  QUOTA") && text.stdout.contains("5,000,000"), "{text}");
    assert!(text.stdout.contains("lasts the day at this rate") && text.stdout.contains("a simulator bills nothing"));
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 120), "{text}");
    let unasked = rig.json(SONNET, &["quotas", "--no-use"], 0);
    assert_eq!((&unasked["use"], &unasked["cloudwatch"]["metrics_read"]), (&Value::Null, &json!(0)));
}

/// Somebody else uses a fifth of the quota: the list says what screen 6 says.
fn lists_use() {
    let mut scenario = scenario(600.0, vec![]);
    let tokens_per_minute = 600.0 * 20_000.0;
    scenario.quotas[1].tpm = Some(60_000_000);
    scenario.tenants.push(TenantSpec {
        region: "us-east-1".into(),
        model: HAIKU.into(),
        tokens_per_minute,
        ..TenantSpec::default()
    });
    let rig = Rig::new(scenario);
    // The simulator's first minute is not a whole one.
    let whole = 19_000..=21_000;
    let known = |listed: &Value| {
        let used = listed["use"][0]["last_minute"]["quota_tokens"].as_u64();
        used.is_some_and(|used| whole.contains(&used))
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let listed = loop {
        let listed = rig.json(HAIKU, &["quotas", "list"], 0);
        if known(&listed) || std::time::Instant::now() > deadline {
            break listed;
        }
    };
    let used = &listed["use"][0];
    assert_eq!((&used["model"], &used["tpm"]), (&json!(HAIKU), &json!(60_000_000)), "{listed}");
    let last = used["last_minute"]["quota_tokens"].as_u64().unwrap();
    assert!(whole.contains(&last), "{listed}");
    assert!(used["p90_quota_tokens"].as_u64().unwrap() <= used["peak_quota_tokens"].as_u64().unwrap(), "{listed}");
    assert!(used["quota_tokens_today"].as_u64().unwrap() >= last && used["throttles_last_hour"] == 0, "{listed}");
    assert_eq!(listed["pools"][0]["region"], "us-east-1", "{listed}");
    let text = rig.run(HAIKU, &["quotas"]).expect(0);
    assert!(text.stdout.contains("tokens a minute by everybody: last minute"), "{text}");
}

/// A URL of a simulator needs no Region and no model: it says what it serves.
fn places_of_a_url() {
    let rig = Rig::new(scenario(1.0, vec![]));
    let url = rig.simulator.url().to_string();
    let run = |args: &[&str]| {
        let mut command = rig.folder.program(&[args, &["--target", &url]].concat());
        finish(command.stdin(Stdio::null()).spawn().unwrap())
    };
    let listed = run(&["quotas", "--no-use", "--json"]).expect(0).summary();
    let rows = listed["quotas"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["region"] == "us-east-1"), "{listed}");
    assert!(rows.iter().any(|row| row["bucket"] == SONNET && row["named"] == true), "{listed}");
    rig.folder.write("one.jsonl", "{\"prompt\": \"hello\", \"max_tokens\": 20}\n");
    let done = run(&["run", "one.jsonl", "-o", "out.jsonl"]).expect(0);
    done.says(&["Regions us-east-1\n"]);
    let ledger = rig.simulator.ledger();
    let used = ledger.scopes.iter().find(|scope| scope.completed > 0).unwrap();
    assert_eq!((used.region.as_str(), used.bucket.as_str()), ("us-east-1", SONNET));
}

fn lists_defaults() {
    let rig = Rig::new(scenario(1.0, vec![fault(FaultKind::Denied, "servicequotas", "ListServiceQuotas")]));
    let listed = rig.json(SONNET, &["quotas"], 2);
    assert!(listed["problems"][0].as_str().unwrap().contains("servicequotas:ListServiceQuotas"), "{listed}");
    let rows = listed["quotas"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["source"]["source"] == "default" && row["code"] == TPM), "{listed}");
}

fn request_to_the_end() {
    let rig = Rig::new(scenario(6_000.0, vec![])).with_work();
    let dry = rig.json(SONNET, &[&SHORT[..], &["--dry-run", "--growth", "10"]].concat(), 0);
    assert_eq!(dry["draft"]["verdict"], "ask", "{dry}");
    assert_eq!((&dry["filed"], rig.filed()), (&Value::Null, 0));
    let value = dry["draft"]["value"].as_f64().unwrap();
    assert!(value > 5e6 && value <= 5e7, "{dry}");
    let text = dry["draft"]["text"].as_str().unwrap();
    for words in ["Steady state: 9,000 RPM", "Average output tokens", "Expected growth: 10.0 %", TPM, "123456789012"] {
        assert!(text.contains(words), "`{words}` is missing: {text}");
    }
    let filed = rig.json(SONNET, &[&SHORT[..], &["--yes", "--use-case", "nightly work"]].concat(), 0);
    assert_eq!(filed["filed"]["code"], TPM, "{filed}");
    let asked = filed["filed"]["value"].as_f64().unwrap() as u64;
    assert!(rig.folder.read("home/.local/state/bedrock-top/changes.jsonl").contains("RequestServiceQuotaIncrease"));
    until("the approval", || {
        let status = rig.json(SONNET, &["quotas", "status"], 0);
        status["requests"][0]["state"] == "approved"
    });
    assert_eq!(rig.listed_tpm(), asked, "the quota is really raised");
    assert_eq!(rig.filed(), 1);
    // And now it is enough.
    let again = rig.json(SONNET, &[&SHORT[..], &["--yes"]].concat(), 0);
    assert_eq!((again["draft"]["verdict"].as_str(), rig.filed()), (Some("enough"), 1), "{again}");
}

fn no_consent() {
    let rig = Rig::new(scenario(1.0, vec![])).with_work();
    rig.run(SONNET, &SHORT).expect(2).says(&["nothing was done", "--yes"]);
    rig.run(SONNET, &[&SHORT[..], &["--yes", "--read-only"]].concat()).expect(2).says(&["read-only"]);
    assert_eq!(rig.filed(), 0);
    rig.run(SONNET, &["quotas", "request", "none.jsonl", "--deadline", "1h"]).expect(2).says(&["none.jsonl"]);
    rig.run(SONNET, &["quotas", "request", "in.jsonl"]).expect(2).says(&["--deadline"]);
}

fn not_adjustable() {
    let rig = Rig::new(scenario(1.0, vec![])).with_work();
    let draft = rig.json(HAIKU, &["quotas", "request", "in.jsonl", "--deadline", "10m", "--yes"], 1);
    assert_eq!(draft["draft"]["verdict"], "not_adjustable", "{draft}");
    let instead = draft["draft"]["instead"].to_string();
    for words in ["--model us.anthropic.claude-3-haiku", "batch", "pt create", "support case"] {
        assert!(instead.contains(words), "`{words}` is missing: {instead}");
    }
    assert_eq!(rig.filed(), 0);
}

fn below_the_default() {
    let small = QuotaSpec { rpm: Some(10_000), tpm: Some(200_000), ..quota(SONNET) };
    let rig = Rig::new(Scenario { quotas: vec![small], ..scenario(1.0, vec![]) }).with_work();
    let args = ["quotas", "request", "in.jsonl", "--deadline", "10m", "--yes"];
    let draft = rig.json(SONNET, &args, 1);
    assert_eq!((&draft["draft"]["verdict"], &draft["draft"]["default"]), (&json!("below_default"), &json!(5e6)));
    assert_eq!(rig.filed(), 0);
    let by_hand = rig.json(SONNET, &[&args[..], &["--value", "6000000"]].concat(), 0);
    assert_eq!((&by_hand["filed"]["value"], rig.filed()), (&json!(6e6), 1), "{by_hand}");
    // A second one is not taken while that is open.
    let open = rig.json(SONNET, &[&args[..], &["--value", "7000000"]].concat(), 1);
    assert!(open["refused"].as_str().unwrap().contains("open already"), "{open}");
    assert_eq!(rig.filed(), 1);
}

fn enough() {
    let rig = Rig::new(scenario(1.0, vec![])).with_work();
    let draft = rig.json(SONNET, &["quotas", "request", "in.jsonl", "--deadline", "6h", "--yes"], 0);
    assert_eq!((&draft["draft"]["verdict"], rig.filed()), (&json!("enough"), 0), "{draft}");
}

fn lost_reply() {
    let rig =
        Rig::new(scenario(1.0, vec![fault(FaultKind::LostReply, "servicequotas", "RequestServiceQuotaIncrease")]));
    let rig = rig.with_work();
    let filed = rig.json(SONNET, &[&SHORT[..], &["--yes"]].concat(), 0);
    assert_eq!(filed["filed"]["code"], TPM, "it was filed, though no reply said so: {filed}");
    let status = rig.json(SONNET, &["quotas", "status"], 0);
    assert_eq!(status["requests"].as_array().unwrap().len(), 1, "filed once: {status}");
}

fn finding<'f>(told: &'f Value, what: &str) -> &'f Value {
    let findings = told["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["what"] == what).unwrap_or_else(|| panic!("no {what}: {told}"))
}

fn doctor_well() {
    let rig = Rig::new(scenario(1.0, vec![]));
    let told = rig.json(COUNTING, &["doctor"], 0);
    assert_eq!(told["account"], "123456789012");
    for what in [
        "identity",
        "endpoint bedrock-runtime",
        "endpoint servicequotas",
        "servicequotas:ListServiceQuotas",
        "bedrock:CountTokens",
        "model anthropic.claude-sonnet-4-6",
        "state folder",
    ] {
        assert_eq!(finding(&told, what)["health"], "well", "{what}: {told}");
    }
    for what in ["bedrock:InvokeModel", "bedrock:CreateProvisionedModelThroughput", "iam:PassRole"] {
        assert_eq!(finding(&told, what)["health"], "not_tried", "{what}: {told}");
    }
    let ledger = rig.simulator.ledger();
    let sent = [Operation::Converse, Operation::InvokeModel, Operation::RequestServiceQuotaIncrease];
    assert!(sent.into_iter().all(|operation| ledger.requests(operation) == 0), "{ledger:?}");
}

fn doctor_denied() {
    let faults = vec![
        fault(FaultKind::Denied, "servicequotas", "ListServiceQuotas"),
        fault(FaultKind::Denied, "bedrock", "ListFoundationModels"),
        fault(FaultKind::Outage, "bedrock", "ListInferenceProfiles"),
    ];
    let rig = Rig::new(scenario(1.0, faults));
    let told = rig.json(COUNTING, &["doctor"], 1);
    for action in ["servicequotas:ListServiceQuotas", "bedrock:ListFoundationModels"] {
        let finding = finding(&told, action);
        assert_eq!(finding["health"], "missing", "{told}");
        assert!(finding["remedy"].as_str().unwrap().contains(&format!("allow {action}")), "{finding}");
    }
    assert_eq!(finding(&told, "bedrock:ListInferenceProfiles")["health"], "missing");
    assert_eq!(finding(&told, "bedrock:CountTokens")["health"], "well", "the others go on: {told}");
    let text = rig.run(COUNTING, &["doctor"]).expect(1);
    assert!(text.stdout.contains("MISSING") && text.stdout.contains("-> allow bedrock:ListFoundationModels"), "{text}");
}

fn doctor_expired() {
    let rig = Rig::new(scenario(1.0, vec![fault(FaultKind::Expired, "sts", "GetCallerIdentity")]));
    let told = rig.json(COUNTING, &["doctor"], 2);
    assert_eq!(finding(&told, "identity")["health"], "unusable", "{told}");
    assert_eq!(finding(&told, "state folder")["health"], "well", "this machine is looked at all the same");
}

fn doctor_policy() {
    let folder = Folder::new();
    for purpose in ["run", "console", "pt", "batch", "quotas", "all"] {
        let done = finish(folder.program(&["doctor", "--policy", purpose]).spawn().unwrap()).expect(0);
        let policy = done.summary();
        assert_eq!(policy["Version"], "2012-10-17", "{done}");
        let buys = done.stdout.contains("CreateProvisionedModelThroughput");
        assert_eq!(buys, ["pt", "all"].contains(&purpose), "{purpose}: {done}");
    }
    let all = finish(folder.program(&["doctor", "--policy"]).spawn().unwrap()).expect(0);
    assert!(all.stdout.contains("iam:PassRole"), "{all}");
}

fn dry_run_compares() {
    let rig = Rig::new(scenario(1.0, vec![])).with_work();
    let config = "[[price]]\nmodel = \"anthropic.claude-3-haiku-20240307-v1:0\"\ninput = 1000\noutput = 2000\n\
                  [[provisioned_price]]\nmodel = \"anthropic.claude-3-haiku-20240307-v1:0:48k\"\ncommitment = \"none\"\nusd_per_mu_hour = 30\n";
    rig.folder.write("prices.toml", config);
    let args = ["run", "in.jsonl", "-o", "out.jsonl", "--dry-run"];
    let told = rig.json(HAIKU, &args, 0);
    let by_hand = rig.json(HAIKU, &[&args[..], &["--config", "prices.toml"]].concat(), 0);
    let usd = |told: &Value, way: usize| told["ways"]["ways"][way]["usd"][1].as_f64().unwrap();
    // On demand, flex, priority, batch: 1, 0.5, 1.75, 0.5.
    for told in [&told, &by_hand] {
        let on_demand = usd(told, 0);
        for (way, factor) in [(1, 0.5), (2, 1.75), (3, 0.5)] {
            assert!((usd(told, way) / on_demand - factor).abs() < 1e-6, "{told}");
        }
    }
    assert!(usd(&by_hand, 0) > 1_000.0 * usd(&told, 0), "{by_hand}");
    let unit = &by_hand["ways"]["units"][0];
    assert_eq!(unit["usd"][0], json!(["none", 30.0]), "an hour begun: {unit}");
    let share = unit["break_even_use"][0][1].as_f64().unwrap();
    assert!((share - 30.0 / unit["break_even_usd_per_hour"].as_f64().unwrap()).abs() < 1e-9, "{unit}");
    assert_eq!(told["ways"]["units"][0]["usd"], json!([]), "a price that is not known is none");
    let text = rig.run(HAIKU, &args).expect(0);
    for words in ["BOUGHT AS", "priority", "its price is unknown", "####"] {
        assert!(text.stdout.contains(words), "`{words}` is missing: {text}");
    }
    rig.folder.write("wrong.toml", "[[price]]\nmodel = \"nobody.nothing\"\ninput = 1\noutput = 2\n");
    rig.run(HAIKU, &[&args[..], &["--config", "wrong.toml"]].concat())
        .expect(2)
        .says(&["nobody.nothing", "no such model"]);
}
