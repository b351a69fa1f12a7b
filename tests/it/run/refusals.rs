//! What cannot be used is refused before anything is sent: exit 2, what is wrong, what to do.

use libtest_mimic::Trial;
use serde_json::json;

use super::{EAST, Folder, MODEL, at, exists, inference, scenario_file, simple, simulator, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("bad_lines_are_named_and_nothing_is_sent", bad_lines),
        trial("skip_invalid_puts_them_in_the_failed_file", skip_invalid),
        trial("an_unknown_key_of_a_configuration_has_a_suggestion", bad_config),
        trial("every_error_of_a_scenario_comes_at_once", bad_scenario),
        trial("a_model_that_cannot_be_called_says_what_to_use", bad_models),
        trial("existing_output_is_never_written_over", existing_output),
        trial("a_run_does_not_guess_its_target", no_guessing),
        trial("a_dry_run_sends_nothing", dry_run),
        trial("aws_without_a_terminal_needs_consent", aws_needs_consent),
        trial("inputs_that_are_none_are_named", no_input),
    ]
}

fn bad_lines() {
    let folder = Folder::new();
    let (server, url) = simulator(simple());
    folder.write(
        "in.jsonl",
        "{\"recordId\":\"a\",\"prompt\":\"x\"}\nnot json\n{\"recordId\":\"b\"}\n\n{\"recordId\":\"a\",\"prompt\":\"y\"}\n",
    );
    let done = folder.run(&at(&url)).expect(2);
    done.says(&["in.jsonl", "2", "3", "5", "--skip-invalid"]);
    assert_eq!(inference(&server), 0);
    assert!(!exists(&folder.path("out.jsonl")) && !exists(&folder.path("out.failed.jsonl")));
}

fn skip_invalid() {
    let folder = Folder::new();
    let (_server, url) = simulator(simple());
    folder.write(
        "in.jsonl",
        "{\"recordId\":\"a\",\"prompt\":\"x\",\"max_tokens\":9}\nnot json\n{\"recordId\":\"a\",\"prompt\":\"y\"}\n{\"prompt\":\"z\",\"max_tokens\":9}\n",
    );
    let done = folder.run(&[&at(&url)[..], &["--skip-invalid"]].concat()).expect(1);
    let (out, failed) = (folder.out(), folder.failed());
    assert_eq!(out.len(), 2, "{done}");
    assert!(out.iter().any(|line| line["recordId"] == "4"), "a record without a name is called by its line: {out:?}");
    assert_eq!(failed.iter().map(|line| line["line"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 3]);
    assert!(failed.iter().all(|line| line["error"]["errorMessage"].is_string() && line["simulated"] == true));
    assert_eq!(done.summary()["failed"], 2, "{done}");
}

fn bad_config() {
    let folder = Folder::new();
    folder.input(1);
    folder.write("bad.toml", "thme = \"dusk\"\n[limits]\nconcurency = 3\nshare = 300\npreset = \"adaptve\"\n");
    let done = folder.run(&["--config", "bad.toml", "--target", "sim"]).expect(2);
    done.says(&["thme", "theme", "concurency", "concurrency", "share", "100", "adaptve", "adaptive", "did you mean"]);
    folder.run(&["--config", "none.toml", "--target", "sim"]).expect(2).says(&["none.toml", "no such file"]);
    super::finish(folder.program(&["config", "check", "--config", "bad.toml"]).spawn().unwrap()).expect(2);
    assert!(!exists(&folder.path("out.jsonl")));
}

fn bad_scenario() {
    let folder = Folder::new();
    folder.input(1);
    scenario_file(&folder, "[[fault]]\nkind = \"outtage\"\nrate = 3.0\n[[tenant]]\nregio = \"us-east-1\"\n");
    let done = folder.run(&["--target", "sim", "--scenario", "s.toml"]).expect(2);
    done.says(&["outtage", "outage", "rate", "regio", "region", "did you mean"]);
    super::finish(folder.program(&["sim", "--scenario", "s.toml"]).spawn().unwrap()).expect(2);
    // A running simulator has a scenario of its own.
    let (_server, url) = simulator(simple());
    folder.run(&[&at(&url)[..], &["--scenario", "s.toml"]].concat()).expect(2).says(&["--scenario"]);
}

fn bad_models() {
    let folder = Folder::new();
    folder.input(1);
    let (server, url) = simulator(simple());
    let model = |id: &str| folder.run(&["--target", &url, "--region", EAST, "--model", id]).expect(2);
    model("anthropic.claude-haiku-4-5-20251001-v1:0")
        .says(&["inference profile", "us.anthropic.claude-haiku-4-5-20251001-v1:0"]);
    model("anthropic.claude-3-haikoo").says(&["anthropic.claude-3-haikoo"]);
    model("eu.anthropic.claude-sonnet-4-6").says(&["eu.anthropic.claude-sonnet-4-6", EAST]);
    assert_eq!(inference(&server), 0);
}

fn existing_output() {
    let folder = Folder::new();
    folder.input(5);
    let (server, url) = simulator(simple());
    folder.run(&at(&url)).expect(0);
    let admitted = || server.ledger().scope(EAST, MODEL).unwrap().admitted;
    let (before, sent) = (folder.read("out.jsonl"), admitted());
    folder.run(&at(&url)).expect(2).says(&["out.jsonl exists", "--resume", "--force"]);
    assert_eq!((folder.read("out.jsonl"), admitted()), (before, sent));
    folder.run(&[&at(&url)[..], &["--force"]].concat()).expect(0);
    assert_eq!(admitted(), sent + 5);
    folder.exactly_once(5);
    // The input itself is never an output, forced or not.
    let same = folder.program(&["run", "in.jsonl", "-o", "in.jsonl", "--force"]);
    super::finish({ same }.spawn().unwrap()).expect(2).says(&["same file"]);
}

fn no_guessing() {
    let folder = Folder::new();
    folder.input(1);
    folder.run(&["--profile", "prod"]).expect(2).says(&["--profile", "--target sim", "--target aws"]);
    folder.run(&["--max-cost", "5"]).expect(2).says(&["--max-cost", "--target"]);
    let mut command = folder.run_command(&[]);
    command.env("AWS_PROFILE", "prod");
    super::finish(command.spawn().unwrap()).expect(2).says(&["AWS_PROFILE", "--target"]);
    assert!(!exists(&folder.path("out.jsonl")));
    // Named, the simulator is meant, whatever the environment says.
    scenario_file(&folder, "");
    let mut command = folder.run_command(&["--target", "sim", "--scenario", "s.toml"]);
    command.env("AWS_PROFILE", "prod");
    super::finish(command.spawn().unwrap()).expect(0).says(&["target sim (simulated)"]);
}

fn dry_run() {
    let folder = Folder::new();
    folder.input(40);
    let (server, url) = simulator(simple());
    let done = folder.run(&[&at(&url)[..], &["--dry-run"]].concat()).expect(0);
    let plan = done.summary();
    assert_eq!((&plan["records"], &plan["simulated"]), (&40.into(), &true.into()), "{done}");
    assert!(plan["price"][0].as_f64().unwrap() < plan["price"][1].as_f64().unwrap(), "{done}");
    let text = super::finish(
        folder
            .program(&[&["run", "in.jsonl", "-o", "out.jsonl", "--dry-run"], &at(&url)[..]].concat())
            .spawn()
            .unwrap(),
    )
    .expect(0);
    assert!(text.stdout.contains("40") && text.stdout.contains(MODEL), "{text}");
    assert_eq!(inference(&server), 0);
    assert_eq!(std::fs::read_dir(folder.dir.path()).unwrap().count(), 2, "only the home folder and the input");
}

/// Nothing listens where this leads: the refusal comes before any request that could be billed.
fn aws_needs_consent() {
    let folder = Folder::new();
    folder.input(1);
    for more in [&[][..], &["--yes"], &["--max-cost", "1"]] {
        let mut command =
            folder.run_command(&[&["--target", "aws", "--region", EAST, "--model", MODEL], more].concat());
        for service in ["", "_BEDROCK", "_BEDROCK_RUNTIME", "_STS", "_SERVICE_QUOTAS"] {
            command.env(format!("AWS_ENDPOINT_URL{service}"), "http://127.0.0.1:1");
        }
        command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        super::finish(command.spawn().unwrap()).expect(2).says(&["--yes", "--max-cost"]);
    }
    assert!(!exists(&folder.path("out.jsonl")));
}

fn no_input() {
    let folder = Folder::new();
    let (_server, url) = simulator(simple());
    folder.run(&at(&url)).expect(2).says(&["in.jsonl"]);
    std::fs::create_dir(folder.path("in.jsonl")).unwrap();
    folder.run(&at(&url)).expect(2).says(&["in.jsonl"]);
    std::fs::remove_dir(folder.path("in.jsonl")).unwrap();
    folder.write("in.jsonl", &(json!({ "prompt": "x" }).to_string() + "\n"));
    folder.run(&["--target", "http://127.0.0.1:1"]).expect(2);
    folder.run(&["--target", "smi"]).expect(2).says(&["smi"]);
}
