//! The real program on real input: two thousand varied prompts against a quota that they exceed, one Region down for a
//! while. The same file as in the README, with the quota scaled so that seconds take the place of minutes.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

const INPUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/prompts-2000.jsonl");

/// 2.7 million quota tokens against 450,000 a second; one burst holds half a second's worth.
const SCENARIO: &str = r#"
seed = 11
output_tokens = 150
region = [
    { name = "us-east-1", ttft_ms = 20, tokens_per_second = 10000 },
    { name = "us-west-2", ttft_ms = 25, tokens_per_second = 9000 },
]
quota = [
    { region = "us-east-1", model = "us.anthropic.claude-sonnet-4-6", tpm = 13500000, burst_seconds = 0.5 },
    { region = "us-west-2", model = "us.anthropic.claude-sonnet-4-6", tpm = 13500000, burst_seconds = 0.5 },
]
[[fault]]
region = "us-west-2"
kind = "outage"
at_s = 2
for_s = 1.5
"#;

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("real_input::every_prompt_comes_back_once_through_a_quota_and_an_outage", every_prompt_once)]
}

fn lines(path: &Path) -> Result<Vec<Value>, Failed> {
    let text = fs::read_to_string(path)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn every_prompt_once() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::write(at("scenario.toml"), SCENARIO)?;
    fs::write(at("config.toml"), "")?;
    let run = Command::new(env!("CARGO_BIN_EXE_bedrock-top"))
        .args(["run", INPUT, "--json", "--target", "sim"])
        .arg("--config")
        .arg(at("config.toml"))
        .arg("--scenario")
        .arg(at("scenario.toml"))
        .arg("-o")
        .arg(at("out.jsonl"))
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {said}", run.status);

    let given = lines(Path::new(INPUT))?;
    let results = lines(&at("out.jsonl"))?;
    let failed = at("out.failed.jsonl");
    assert!(!failed.exists() || fs::metadata(&failed)?.len() == 0, "{}", fs::read_to_string(&failed)?);
    let mut found: HashMap<&str, u32> = HashMap::new();
    for result in &results {
        *found.entry(result["recordId"].as_str().ok_or("a result without recordId")?).or_default() += 1;
        assert_eq!(result["simulated"], true, "{result}");
        assert!(result["modelOutput"].is_object(), "{result}");
    }
    assert_eq!(given.len(), 2_000);
    assert_eq!(results.len(), given.len());
    for record in &given {
        let id = record["recordId"].as_str().ok_or("a prompt without recordId")?;
        assert_eq!(found.get(id), Some(&1), "{id}");
    }
    // What was asked is in its result, whatever the form of its line.
    let by_id: HashMap<&str, &Value> = results.iter().filter_map(|r| Some((r["recordId"].as_str()?, r))).collect();
    for record in &given {
        let asked = &by_id[record["recordId"].as_str().unwrap_or_default()]["modelInput"];
        match record.get("prompt") {
            Some(prompt) => assert_eq!(&asked["messages"][0]["content"][0]["text"], prompt),
            None => assert_eq!(asked, &record["modelInput"]),
        }
    }

    // Status lines, and the summary last.
    let printed = String::from_utf8(run.stdout)?;
    let summary: Value = serde_json::from_str(printed.lines().last().ok_or("no summary")?)?;
    assert_eq!((&summary["succeeded"], &summary["failed"]), (&2_000.into(), &0.into()), "{summary}");
    // The Region was down while records were sent to it, and both Regions did work.
    let unavailable = summary["failed_attempts"].as_array().is_some_and(|classes| !classes.is_empty());
    assert!(unavailable, "no attempt met the outage: {summary}");
    let scopes = summary["scopes"].as_array().ok_or("no scopes")?;
    assert_eq!(scopes.len(), 2, "{summary}");
    for scope in scopes {
        assert!(scope["requests"].as_u64() > Some(100), "{scope}");
        assert!(scope["tpm_use"].as_f64() > Some(0.2), "{scope}");
        // Each scope explains its limiter, and at the end nothing waits and nothing is held.
        let limiter = &scope["limiter"];
        assert!(limiter["tpm"]["target"].as_f64() > Some(0.0) && limiter["tpm"]["meter"].is_string(), "{scope}");
        assert!(limiter["last_epochs"].is_array() && limiter["mood"].is_string(), "{scope}");
        assert_eq!((&limiter["held"], &limiter["debt"]), (&0.into(), &0.into()), "{scope}");
        assert!(scope["head"].is_null() && scope["head_waited"].is_array(), "{scope}");
        assert!(scope["wasted_60s"].is_u64(), "{scope}");
    }
    Ok(())
}
