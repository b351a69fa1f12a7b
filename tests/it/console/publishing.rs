//! Publishing by keyboard: asked first, seen on the account screen, read back from the same simulator; refused, ended,
//! and told when it fails.

use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::Client;
use bedrock_top::sim::Simulator;
use libtest_mimic::{Failed, Trial};

use super::{Home, LARGE, SMALL, check_words, footer, has, leave, row_with, trial};
use crate::cloudwatch;
use crate::pty::{Pty, check};

const MODEL: &str = "amazon.nova-lite-v1:0";
const SCENARIO: &str = r#"
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
"#;
pub fn trials() -> Vec<Trial> {
    vec![
        trial("metrics_are_published_by_keyboard", publish),
        trial("read_only_publishes_nothing", read_only),
        trial("publishing_that_is_denied_names_the_permission", denied),
    ]
}

/// A simulator of its own, and the console on its URL.
fn open(home: &Home, scenario: &str, more: &[&str], size: (u16, u16)) -> Result<(Simulator, Pty), Failed> {
    let path = home.file("scenario.toml", scenario)?;
    let scenario = bedrock_top::config::load_scenario(path.as_ref()).map_err(|error| error.to_string())?;
    let simulator = Simulator::start(scenario, ([127, 0, 0, 1], 0).into())?;
    let url = simulator.url().to_string();
    let places = ["--target", &url, "--region", "us-east-1", "--model", MODEL];
    let mut pty = home.program(&[&places, more].concat(), size);
    pty.wait("the console", |screen| has(screen, "SIM") && has(screen, "Quota"))?;
    Ok((simulator, pty))
}

fn turn_on(pty: &mut Pty) -> Result<(), Failed> {
    pty.send("6P");
    pty.wait("the question", |screen| has(screen, "Publish our metrics in CloudWatch?"))?;
    check_words(pty, &["Custom/Bedrock", "9 custom metrics", "43,200 PutMetricData", "bills nothing", "▸ Cancel"])?;
    pty.send("\t\r");
    pty.wait("that it is on", |screen| has(screen, "publishing 9 metrics to Custom/Bedrock"))
}

/// Waits until the clock in the header has moved on so often: what is published was counted in these seconds.
fn seconds(pty: &mut Pty, moves: usize) -> Result<(), Failed> {
    let clock = |screen: &vt100::Screen| {
        let row = row_with(screen, " UTC");
        row.split_whitespace().rev().nth(1).unwrap_or_default().to_owned()
    };
    for _ in 0..moves {
        let now = clock(pty.screen());
        pty.wait("the next second", |screen| clock(screen) != now)?;
    }
    Ok(())
}

/// Calls that were told to CloudWatch by the console.
fn published(client: &Client) -> Result<f64, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let metric = cloudwatch::metric("Custom/Bedrock", "InferenceLatency", Some(MODEL));
    let values = runtime.block_on(cloudwatch::values(client, cloudwatch::query(metric, "SampleCount", 86_400)));
    Ok(values.map_err(|error| format!("{error:?}"))?.iter().sum())
}

fn publish() -> Result<(), Failed> {
    let home = Home::new()?;
    let (simulator, mut pty) = open(&home, SCENARIO, &[], LARGE)?;
    let client = cloudwatch::client(&simulator);
    pty.send("6P");
    pty.wait("the question", |screen| has(screen, "Publish our metrics in CloudWatch?"))?;
    pty.send("\r");
    pty.wait("that nothing was done", |screen| footer(screen).contains("left as it was"))?;
    turn_on(&mut pty)?;
    pty.send("1");
    pty.wait("the line of the dashboard", |screen| has(screen, "publishing 9 metrics to Custom/Bedrock"))?;
    pty.send("8/publish\r");
    pty.wait("the setting", |screen| row_with(screen, "enabled ").contains("session (changed live)"))?;
    seconds(&mut pty, 6)?;
    // What is under way is put when it is turned off, and nobody is asked.
    pty.send("6P");
    pty.wait("that it is off", |screen| has(screen, "published 1 minute to Custom/Bedrock, off now, 0 lost"))?;
    let first = published(&client)?;
    check(first > 0.0, format!("{first} calls were published"))?;
    // On again, and the end of the console ends it too.
    turn_on(&mut pty)?;
    seconds(&mut pty, 6)?;
    leave(&mut pty)?;
    let text = pty.text();
    check(text.contains("CloudWatch: minutes published"), &text)?;
    let until = Instant::now() + Duration::from_secs(10);
    while published(&client)? <= first {
        check(Instant::now() < until, "nothing more was published")?;
    }
    Ok(())
}

fn read_only() -> Result<(), Failed> {
    let home = Home::new()?;
    let (_simulator, mut pty) = open(&home, SCENARIO, &["--read-only"], SMALL)?;
    pty.send("6P");
    pty.wait("the refusal", |screen| footer(screen).contains("READ-ONLY: publishing costs"))?;
    check(!has(pty.screen(), "Cancel"), pty.text())?;
    leave(&mut pty).map(|_| ())
}

fn denied() -> Result<(), Failed> {
    let home = Home::new()?;
    let fault = "[[fault]]\nservice = \"monitoring\"\noperation = \"PutMetricData\"\nkind = \"denied\"\n";
    let (_simulator, mut pty) = open(&home, &format!("{SCENARIO}{fault}"), &[], LARGE)?;
    turn_on(&mut pty)?;
    seconds(&mut pty, 3)?;
    pty.send("P");
    pty.wait("that it is off", |screen| has(screen, "off now"))?;
    check_words(&pty, &["1 lost", "cloudwatch:PutMetricData"])?;
    leave(&mut pty)?;
    check(pty.text().contains("lost 1"), pty.text())
}
