//! Provisioned throughput and batch jobs by keyboard: bought, watched, stopped, fetched, deleted; and refused.

use std::fmt::Write;

use libtest_mimic::{Failed, Trial};

use super::{Home, LARGE, SMALL, check_words, footer, has, leave, lines, row_with, trial};
use crate::pty::{Pty, check};

/// Service time runs so fast that what is bought takes calls within seconds.
const FAST: &str = r#"
speed = 60.0
output_tokens = 20
[[region]]
name = "us-east-1"
ttft_ms = 20
tokens_per_second = 2000
[[quota]]
region = "us-east-1"
model = "amazon.nova-lite-v1:0"
rpm = 6000
tpm = 10000000
[[provisioned]]
region = "us-east-1"
name = "forgotten"
model = "amazon.nova-pro-v1:0:24k"
age_hours = 6
[[job]]
region = "us-east-1"
name = "somebodys"
model = "amazon.nova-lite-v1:0"
records = 200000
age_minutes = 10
[[service_quota]]
code = "L-916C9264" # records per job
value = 200000
[[service_quota]]
code = "L-B8626674" # records per input file
value = 200000
"#;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what_is_bought_by_keyboard_is_watched_and_deleted", purchase),
        trial("a_job_started_elsewhere_is_stopped_by_keyboard", stop),
        trial("a_file_is_checked_submitted_and_fetched_by_keyboard", submit),
        trial("read_only_refuses_to_buy_and_to_stop", read_only),
        trial("the_load_goes_to_what_was_bought", use_for_load),
    ]
}

fn open(home: &Home, screen: &str, row: &str, size: (u16, u16)) -> Result<Pty, Failed> {
    let mut pty = home.console(FAST, size)?;
    pty.send(screen);
    pty.wait("the row of what there is already", |screen| has(screen, row))?;
    Ok(pty)
}

fn purchase() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = open(&home, "3", "forgotten", LARGE)?;
    pty.send("n");
    pty.wait("the form", |screen| has(screen, "New provisioned throughput"))?;
    pty.send("chat-eu\r");
    pty.wait("the question", |screen| has(screen, "Buy provisioned throughput?"))?;
    check_words(&pty, &["us-east-1", "chat-eu", "unknown: AWS does not publish it", "Type unknown"])?;
    // The button is out of reach until the price is accepted by typing.
    pty.send("\t\t\r");
    pty.wait("the reason", |screen| footer(screen).contains("type `unknown` first"))?;
    pty.send("unknown\r");
    pty.wait("the button", |screen| has(screen, "▸ Buy it"))?;
    pty.send("\r");
    pty.wait("the new one", |screen| row_with(screen, "chat-eu  ").contains("creating"))?;
    pty.wait("its setting up", |screen| row_with(screen, "chat-eu  ").contains("in service"))?;
    pty.send("7");
    pty.wait("the line of the journal", |screen| has(screen, "CreateProvisionedModelThroughput"))?;
    pty.send("3/chat\r");
    pty.wait("it alone", |screen| row_with(screen, "forgotten  ").is_empty())?;
    pty.send("D");
    pty.wait("the question", |screen| has(screen, "Delete provisioned throughput?"))?;
    pty.send("chat-eu\r\r");
    pty.wait("its end", |screen| has(screen, "none is kept by the filter"))?;
    leave(&mut pty).map(|_| ())
}

fn stop() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = open(&home, "4", "somebodys", SMALL)?;
    pty.wait("its work", |screen| row_with(screen, "somebodys ").contains("in progress"))?;
    pty.send("X");
    pty.wait("the question", |screen| has(screen, "Stop the batch job?"))?;
    check_words(&pty, &["elsewhere", "cannot be resumed", "▸ Cancel"])?;
    pty.send("\r");
    pty.wait("that nothing was done", |screen| footer(screen).contains("left as it was"))?;
    pty.send("X\t\r");
    pty.wait("its end", |screen| row_with(screen, "somebodys ").contains("stop"))?;
    pty.send("R");
    leave(&mut pty).map(|_| ())
}

fn submit() -> Result<(), Failed> {
    let home = Home::new()?;
    let records = (0..120).fold(String::new(), |mut text, at| {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{{"text":"Say {at}."}}]}}]}}"#);
        let _ = writeln!(text, r#"{{"recordId":"rec-{at:03}","modelInput":{body}}}"#);
        text
    });
    let input = home.file("in.jsonl", &records)?;
    let mut pty = open(&home, "4", "somebodys", LARGE)?;
    pty.send("n");
    pty.wait("the form", |screen| has(screen, "New batch job"))?;
    // Name, input, model, Region, storage, role.
    pty.send(&format!("mine-1\t{input}\t\t\t\x15s3://my-bucket/batch/\t"));
    pty.send("\x1b[C\tarn:aws:iam::123456789012:role/batch\r");
    pty.wait("the question after the check", |screen| has(screen, "Submit a batch job?"))?;
    check_words(&pty, &["120, ", "As a batch", "On demand", "Time-out"])?;
    pty.send("\t\r");
    pty.wait("the job", |screen| !row_with(screen, "mine-1 ").is_empty())?;
    pty.wait("its end", |screen| row_with(screen, "mine-1 ").contains("completed"))?;
    pty.send("/mine\r");
    pty.wait("it alone", |screen| !has(screen, "somebodys "))?;
    let folder = home.path("results").display().to_string();
    pty.send("d");
    pty.wait("the form", |screen| has(screen, "Fetch mine-1"))?;
    pty.send(&format!("\x15{folder}\r"));
    pty.wait("the results", |screen| has(screen, "120 ok"))?;
    check(lines(&home.path("results/mine-1.ok.jsonl"))?.len() == 120, "one line a record")?;
    leave(&mut pty).map(|_| ())
}

fn read_only() -> Result<(), Failed> {
    let home = Home::new()?;
    let scenario = home.file("scenario.toml", FAST)?;
    let mut pty = home.program(&["--scenario", &scenario, "--read-only"], SMALL);
    pty.wait("the console", |screen| has(screen, "READ-ONLY"))?;
    for (keys, row) in [("3n", "forgotten"), ("D", "forgotten"), ("4n", "somebodys"), ("X", "somebodys")] {
        pty.send(&keys[..keys.len() - 1]);
        pty.wait("the row", |screen| has(screen, row))?;
        pty.send(&keys[keys.len() - 1..]);
        pty.wait("the refusal", |screen| footer(screen).contains("READ-ONLY"))?;
        check(!has(pty.screen(), "Cancel"), pty.text())?;
        // The next refusal must be a new one.
        pty.send("o");
        pty.wait("something else", |screen| footer(screen).contains("sorted by"))?;
    }
    leave(&mut pty).map(|_| ())
}

fn use_for_load() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = open(&home, "3", "forgotten", LARGE)?;
    pty.wait("that it takes calls", |screen| row_with(screen, "forgotten  ").contains("in service"))?;
    pty.send("U");
    pty.wait("our share of it", |screen| row_with(screen, "forgotten  ").contains("ours"))?;
    pty.send("7");
    pty.wait("the line of the log", |screen| has(screen, "load goes to"))?;
    pty.send("3u");
    pty.wait("that it is taken back", |screen| footer(screen).contains("taking the last tuning change back"))?;
    leave(&mut pty).map(|_| ())
}
