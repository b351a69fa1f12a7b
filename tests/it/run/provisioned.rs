//! `bedrock-top pt`, and load on what it buys: the real program against a simulator that sells model units.

use bedrock_top::sim::{Operation, Simulator};
use libtest_mimic::Trial;
use serde_json::Value;

use super::{Done, EAST, Folder, finish, simulator, trial, until};

const WEST: &str = "us-west-2";
const BUY: &str = "amazon.nova-pro-v1:0:24k";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("pt_needs_an_account_that_outlives_it", needs_an_account),
        trial("pt_buys_renames_and_deletes", life),
        trial("pt_does_nothing_without_consent", consent),
        trial("pt_keeps_to_a_commitment", commitment),
        trial("pt_finds_a_purchase_whose_reply_was_lost", lost_reply),
        trial("pt_lists_the_other_regions_when_one_fails", one_region_fails),
        trial("pt_says_what_is_wrong_with_the_account", bad_days),
        trial("pt_says_how_to_get_other_units", other_units),
        trial("a_run_goes_to_what_was_bought", run_on_it),
        trial("a_run_needs_something_that_takes_calls", run_on_nothing),
    ]
}

/// A simulator by a scenario file, in whose time everything remote takes seconds.
fn sold(folder: &Folder, more: &str) -> (Simulator, String) {
    let text = format!(
        "speed = 2000.0\noutput_tokens = 20\noutput_sigma = 0.3\n{more}\n\
         [[region]]\nname = \"{EAST}\"\nttft_ms = 5\ntokens_per_second = 50000\n\
         [[region]]\nname = \"{WEST}\"\nttft_ms = 5\ntokens_per_second = 50000\n"
    );
    folder.write("sold.toml", &text);
    simulator(bedrock_top::config::load_scenario(&folder.path("sold.toml")).unwrap())
}

fn pt(folder: &Folder, url: &str, args: &[&str]) -> Done {
    let all = [&["pt"], args, &["--target", url]].concat();
    finish(folder.program(&all).spawn().unwrap())
}

fn in_east(folder: &Folder, url: &str, args: &[&str]) -> Done {
    pt(folder, url, &[args, &["--region", EAST]].concat())
}

fn create<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["create", "--name", name, "--model", BUY, "--units", "1"], more].concat()
}

const CONSENT: [&str; 2] = ["--yes", "--accept-unknown-price"];

fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done}"))
}

fn journal(folder: &Folder) -> Vec<Value> {
    super::lines(&folder.path("home/.local/state/bedrock-top/changes.jsonl"))
}

fn open_tokens(folder: &Folder) -> usize {
    std::fs::read_dir(folder.path("home/.local/state/bedrock-top/tokens")).map_or(0, Iterator::count)
}

fn in_service(folder: &Folder, url: &str, name: &str) -> Value {
    let mut shown = Value::Null;
    until("InService", || {
        shown = json(&in_east(folder, url, &["show", name, "--json"]).expect(0));
        shown["status"] == "in_service"
    });
    shown
}

fn needs_an_account() {
    let folder = Folder::new();
    for args in [&["pt", "list"][..], &["pt", "list", "--target", "sim"]] {
        let done = finish(folder.program(args).spawn().unwrap()).expect(2);
        done.says(&["--target aws", "bedrock-top sim --listen"]);
    }
}

fn life() {
    let folder = Folder::new();
    let (server, url) = sold(&folder, "");
    let tags = ["--tag", "team=search", "--tag", "cost=42", "--json"];
    let made = json(&in_east(&folder, &url, &create("one", &[&CONSENT[..], &tags[..]].concat())).expect(0));
    let arn = made["arn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:bedrock:us-east-1:") && made["simulated"] == true, "{made}");
    let shown = in_service(&folder, &url, "one");
    assert_eq!(shown["tags"], serde_json::json!([["team", "search"], ["cost", "42"]]));
    assert_eq!((&shown["units"], &shown["usd_per_hour"]), (&serde_json::json!(1), &Value::Null));
    let list = pt(&folder, &url, &["list", "--region", "us-east-1,us-west-2"]).expect(0);
    list.says(&["(simulated)", "us-west-2"]);
    in_east(&folder, &url, &["update", arn, "--name", "two", "--yes"]).expect(0);
    let text = in_east(&folder, &url, &["show", "two"]).expect(0).stdout;
    assert!(text.contains(arn) && text.contains("assumed") && text.contains("price        unknown"), "{text}");
    in_east(&folder, &url, &["show", "one"]).expect(2).says(&["no provisioned model `one`", "there are: two"]);
    in_service(&folder, &url, "two");
    // The ARN's Region is enough.
    pt(&folder, &url, &["delete", arn, "--yes", "--confirm-name", "two", "--region", WEST]).expect(0);
    assert_eq!(json(&in_east(&folder, &url, &["list", "--json"]).expect(0))["provisioned"], serde_json::json!([]));
    let lines = journal(&folder);
    let operations: Vec<_> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    let expected = ["Create", "Update", "Delete"].map(|verb| format!("{verb}ProvisionedModelThroughput"));
    assert_eq!(operations, expected);
    assert!(lines.iter().all(|line| line["request_id"].is_string() && line["failure"].is_null()), "{lines:?}");
    assert_eq!(open_tokens(&folder), 0);
    assert_eq!(server.ledger().requests(Operation::CreateProvisionedModelThroughput), 1);
}

fn consent() {
    let folder = Folder::new();
    let (server, url) = sold(&folder, &bought("kept", "none"));
    in_east(&folder, &url, &create("one", &[])).expect(2).says(&["--yes", "--accept-unknown-price"]);
    let done = in_east(&folder, &url, &create("one", &["--yes"])).expect(2);
    done.says(&["account 123456789012", EAST, "price unknown", "until it is deleted", "--accept-unknown-price"]);
    let term = create("one", &["--yes", "--accept-unknown-price", "--commitment", "six-months"]);
    in_east(&folder, &url, &term).expect(2).says(&["--confirm-name one", "cannot be deleted before its end"]);
    in_east(&folder, &url, &create("one", &[&CONSENT[..], &["--read-only"]].concat())).expect(2).says(&["read-only"]);
    pt(&folder, &url, &create("one", &CONSENT)).expect(2).says(&["in which Region"]);
    in_east(&folder, &url, &["delete", "kept"]).expect(2).says(&["--yes", "--confirm-name kept", "cannot be undone"]);
    in_east(&folder, &url, &["delete", "kept", "--yes"]).expect(2).says(&["--confirm-name kept"]);
    let wrong = in_east(&folder, &url, &["delete", "kept", "--yes", "--confirm-name", "other"]).expect(2);
    wrong.says(&["its name is kept", "nothing was done"]);
    in_east(&folder, &url, &["update", "kept", "--name", "x"]).expect(2).says(&["--yes"]);
    for operation in [
        Operation::CreateProvisionedModelThroughput,
        Operation::UpdateProvisionedModelThroughput,
        Operation::DeleteProvisionedModelThroughput,
    ] {
        assert_eq!(server.ledger().requests(operation), 0, "{operation:?}");
    }
    assert!(!folder.path("home/.local/state/bedrock-top/changes.jsonl").exists());
}

/// Something that is in service already.
fn bought(name: &str, commitment: &str) -> String {
    format!(
        "[[provisioned]]\nregion = \"{EAST}\"\nname = \"{name}\"\nmodel = \"{BUY}\"\nunits = 1\ncommitment = \"{commitment}\"\n\
         age_hours = 6\n"
    )
}

fn commitment() {
    let folder = Folder::new();
    let (_server, url) = sold(&folder, &bought("bound", "one_month"));
    let row = json(&in_east(&folder, &url, &["list", "--json"]).expect(0))["provisioned"][0].clone();
    assert!(row["expires_in_s"].as_i64().unwrap() > 20 * 86_400, "{row}");
    let soon = in_east(&folder, &url, &["list", "--expiring", "40d"]).expect(1);
    assert!(soon.stdout.contains("one-month, ends in"), "{soon}");
    in_east(&folder, &url, &["list", "--expiring", "1h"]).expect(0);
    let done = in_east(&folder, &url, &["delete", "bound", "--yes", "--confirm-name", "bound"]).expect(1);
    done.says(&["the service refuses to delete it before", "DeleteProvisionedModelThroughput"]);
    assert!(journal(&folder)[0]["failure"].is_string());
    // By default an account may commit to nothing.
    let term = ["--yes", "--accept-unknown-price", "--commitment", "one-month", "--confirm-name", "more"];
    in_east(&folder, &url, &create("more", &term)).expect(1).says(&["CreateProvisionedModelThroughput"]);
    assert_eq!(open_tokens(&folder), 0);
}

fn fault(kind: &str, more: &str) -> String {
    format!("[[fault]]\nkind = \"{kind}\"\n{more}\n")
}

fn lost_reply() {
    let folder = Folder::new();
    let (server, url) = sold(&folder, &fault("lost_reply", "operation = \"CreateProvisionedModelThroughput\""));
    let done = in_east(&folder, &url, &create("one", &CONSENT)).expect(0);
    assert!(done.stdout.contains("created one: arn:"), "{done}");
    assert!(server.ledger().requests(Operation::CreateProvisionedModelThroughput) >= 1);
    let list = json(&in_east(&folder, &url, &["list", "--json"]).expect(0));
    assert_eq!(list["provisioned"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(open_tokens(&folder), 0);
}

fn one_region_fails() {
    let folder = Folder::new();
    let denied = fault(
        "denied",
        &format!("region = \"{WEST}\"\noperation = \"ListProvisionedModelThroughputs\"\nservice = \"bedrock\""),
    );
    let (_server, url) = sold(&folder, &(bought("kept", "none") + &denied));
    let done = pt(&folder, &url, &["list", "--region", "us-east-1,us-west-2"]).expect(2);
    assert!(done.stdout.contains("kept"), "{done}");
    done.says(&[
        "us-west-2: ListProvisionedModelThroughputs",
        "not authorized to perform: bedrock:ListProvisionedModelThroughputs",
    ]);
}

fn bad_days() {
    let folder = Folder::new();
    let (_server, url) = sold(&folder, &fault("expired", "service = \"sts\""));
    in_east(&folder, &url, &["list"]).expect(2).says(&["GetCallerIdentity", "expired"]);
    for kind in ["throttle", "outage"] {
        let (_server, url) = sold(&folder, &(bought("kept", "none") + &fault(kind, "service = \"bedrock\"")));
        let done = in_east(&folder, &url, &["list"]).expect(2);
        done.says(&["note: us-east-1: ListProvisionedModelThroughputs"]);
        let made = in_east(&folder, &url, &create("one", &CONSENT)).expect(1);
        made.says(&["CreateProvisionedModelThroughput"]);
    }
    // Without Service Quotas everything else is there.
    let (_server, url) = sold(&folder, &(bought("kept", "none") + &fault("denied", "service = \"servicequotas\"")));
    let done = in_east(&folder, &url, &["list", "--json"]).expect(0);
    let list = json(&done);
    assert_eq!((&list["provisioned"][0]["name"], &list["unit_quotas"]), (&Value::from("kept"), &serde_json::json!([])));
    done.says(&["us-east-1: ListServiceQuotas", "servicequotas:ListServiceQuotas"]);
}

fn other_units() {
    let folder = Folder::new();
    folder.write(
        "home/.config/bedrock-top/config.toml",
        &format!("[[provisioned_price]]\nmodel = \"{BUY}\"\nusd_per_mu_hour = 20.0\n"),
    );
    let (_server, url) = sold(&folder, &bought("kept", "none"));
    let done = in_east(&folder, &url, &["update", "kept", "--units", "3"]).expect(2);
    done.says(&["cannot change the units", "pt create --name kept-2 --units 3", "$80.00/h"]);
    let text = in_east(&folder, &url, &["list"]).expect(0).stdout;
    assert!(text.contains("$20.00/h") && text.contains("total $20.00/h"), "{text}");
    let bad = in_east(&folder, &url, &create("kept", &["--yes"])).expect(1);
    bad.says(&["price $20.00/h"]);
}

fn run_on_it() {
    let folder = Folder::new();
    let (server, url) = sold(&folder, &bought("kept", "none"));
    let list = json(&in_east(&folder, &url, &["list", "--json"]).expect(0));
    let arn = list["provisioned"][0]["arn"].as_str().unwrap();
    folder.input(40);
    let args = ["--target", &url, "--region", EAST, "--model", arn];
    let plan = folder.run(&[&args[..], &["--dry-run"]].concat()).expect(0);
    assert_eq!(plan.summary()["per_hour"], Value::Null, "{plan}");
    let done = folder.run(&[&args[..], &["--model", "amazon.nova-lite-v1:0"]].concat()).expect(0);
    done.says(&["amazon.nova-lite-v1:0", "only with --spill", "nothing by the token"]);
    folder.exactly_once(40);
    let ledger = server.ledger();
    assert_eq!(ledger.requests(Operation::Converse), 40, "nothing was throttled, nothing went elsewhere");
}

fn run_on_nothing() {
    let folder = Folder::new();
    let (_server, url) = sold(&folder, "");
    folder.input(1);
    let arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl";
    let done = folder.run(&["--target", &url, "--region", EAST, "--model", arn]).expect(2);
    done.says(&["there is no such provisioned model"]);
}
