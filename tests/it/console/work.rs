//! The console over real work: a file with `--tui`, and an engine that no terminal can hold up.

use std::fmt::Write;

use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;
use serde_json::Value;

use super::{Home, LARGE, SMALL, check_words, has, leave, lines, trial, waits};
use crate::pty::{Pty, check, check_restored};

/// Room for everything.
const WIDE: &str = r#"
output_tokens = 20
[[region]]
name = "us-east-1"
ttft_ms = 20
tokens_per_second = 2000
[[quota]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
rpm = 60000
tpm = 100000000
"#;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_file_run_with_the_console_is_complete", file_run),
        trial("a_file_run_left_early_can_be_resumed", left_early),
        trial("a_file_run_goes_on_or_drains_when_the_terminal_goes_away", hung_up),
        trial("a_stalled_terminal_does_not_stop_the_load", stalled),
        trial("records_come_through_a_pipe_and_keys_from_the_terminal", piped),
        trial("a_stopped_terminal_does_not_keep_a_run_from_ending", stopped_terminal),
        trial("frames_under_load_are_small_and_idle_ones_smaller", frames),
    ]
}

fn prompts(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        let _ = writeln!(text, r#"{{"recordId":"rec-{at:04}","prompt":"Say the number {at}.","max_tokens":64}}"#);
        text
    })
}

/// The recordIds of a results file, sorted; each line must say that it was simulated.
fn ids(home: &Home, name: &str) -> Result<Vec<String>, Failed> {
    let mut ids = Vec::new();
    for line in lines(&home.path(name))? {
        let value: Value = serde_json::from_str(&line)?;
        check(value["simulated"] == true, format!("not marked as simulated: {line}"))?;
        ids.push(value["recordId"].as_str().unwrap_or_default().to_owned());
    }
    ids.sort();
    Ok(ids)
}

fn file_run() -> Result<(), Failed> {
    let home = Home::new()?;
    let (input, scenario) = (home.file("in.jsonl", &prompts(300))?, home.file("scenario.toml", WIDE)?);
    let out = home.path("out.jsonl").display().to_string();
    let mut pty = home.program(&["run", &input, "-o", &out, "--scenario", &scenario, "--tui"], LARGE);
    pty.wait("the console over the file", |screen| has(screen, "SIM") && has(screen, "in.jsonl"))?;
    pty.wait("its end", |screen| has(screen, "FINISHED"))?;
    check_words(&pty, &["300"])?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "all records succeeded")?;
    check_words(&pty, &["SIMULATED", "300"])?;
    let expected: Vec<String> = (0..300).map(|at| format!("rec-{at:04}")).collect();
    check(ids(&home, "out.jsonl")? == expected, "not each record exactly once")
}

fn left_early() -> Result<(), Failed> {
    let home = Home::new()?;
    let slow = WIDE.replace("rpm = 60000", "rpm = 30");
    let (input, scenario) = (home.file("in.jsonl", &prompts(60))?, home.file("scenario.toml", &slow)?);
    let out = home.path("out.jsonl").display().to_string();
    let args = ["run", &input, "-o", &out, "--scenario", &scenario];
    let mut pty = home.program(&[&args[..], &["--tui"]].concat(), SMALL);
    pty.wait("records that wait", |screen| has(screen, "RUNNING") && waits(screen))?;
    pty.send("q");
    check(pty.wait_exit()? == 3, "stopped early and resumable is 3")?;
    let text = pty.text().replace('\n', "");
    check(text.contains("--resume"), pty.text())?;
    let first = ids(&home, "out.jsonl")?.len();
    check(first > 0 && first < 60, format!("{first} records before the end"))?;
    // The rest, with a quota that has room.
    home.file("scenario.toml", WIDE)?;
    let mut pty = home.program(&[&args[..], &["--resume"]].concat(), SMALL);
    check(pty.wait_exit()? == 0, pty.text())?;
    let expected: Vec<String> = (0..60).map(|at| format!("rec-{at:04}")).collect();
    check(ids(&home, "out.jsonl")? == expected, "not each record exactly once")
}

/// More records than can be in flight at once: there is work left whenever the terminal goes away.
fn hung_up() -> Result<(), Failed> {
    let slow = WIDE.replace("ttft_ms = 20", "ttft_ms = 1000");
    for (how, code) in [("continue", 0), ("drain", 3)] {
        let home = Home::new()?;
        let (input, scenario) = (home.file("in.jsonl", &prompts(300))?, home.file("scenario.toml", &slow)?);
        let out = home.path("out.jsonl").display().to_string();
        let args = ["run", &input, "-o", &out, "--scenario", &scenario, "--tui", "--on-hangup", how];
        let mut pty = home.program(&args, SMALL);
        pty.wait("a load under way", |screen| has(screen, "RUNNING") && has(screen, "in.jsonl"))?;
        pty.close();
        let ended = pty.wait_exit_unread()?;
        let done = ids(&home, "out.jsonl")?.len();
        check(ended == code && (done == 300) == (code == 0), format!("{how}: {done} records, exit {ended}"))?;
        let kept = std::fs::read_to_string(home.path("state/bedrock-top/console.json"))?;
        check(kept.contains("Dashboard"), format!("{how}: {kept}"))?;
    }
    Ok(())
}

/// A terminal whose other end reads nothing takes no frame after its buffer is full; the file is worked off all the same.
fn stalled() -> Result<(), Failed> {
    let home = Home::new()?;
    let (input, scenario) = (home.file("in.jsonl", &prompts(600))?, home.file("scenario.toml", WIDE)?);
    let out = home.path("out.jsonl").display().to_string();
    let mut pty = home.program(&["run", &input, "-o", &out, "--scenario", &scenario, "--tui"], (400, 120));
    pty.wait("a load under way", |screen| has(screen, "RUNNING"))?;
    let results = home.path("out.jsonl");
    let begun = std::time::Instant::now();
    // Nobody reads the terminal in this loop, which ends when the work is done.
    loop {
        let done = std::fs::read_to_string(&results).map_or(0, |text| text.lines().count());
        if done == 600 {
            break;
        }
        check(begun.elapsed().as_secs() < 30, format!("{done} of 600 records while nobody read the terminal"))?;
        std::thread::yield_now();
    }
    pty.wait("the last screen", |screen| has(screen, "FINISHED"))?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "all records succeeded")
}

fn piped() -> Result<(), Failed> {
    let home = Home::new()?;
    let (input, scenario) = (home.file("in.jsonl", &prompts(40))?, home.file("scenario.toml", WIDE)?);
    let script = format!(
        "cat '{input}' | '{}' run - -o '{}' --scenario '{scenario}' --target sim --tui",
        env!("CARGO_BIN_EXE_bedrock-top"),
        home.path("out.jsonl").display(),
    );
    let mut pty = Pty::spawn("sh", &["-c", &script], &home.env(), SMALL);
    pty.wait("its end", |screen| has(screen, "FINISHED"))?;
    pty.send("7");
    pty.wait("the log", |screen| has(screen, "all levels"))?;
    pty.send("q");
    check(pty.wait_exit()? == 0, pty.text())?;
    check_restored(&pty)?;
    check(ids(&home, "out.jsonl")?.len() == 40, "not all records")
}

/// With the console and without: told to end, it ends, and what is done is on file.
fn stopped_terminal() -> Result<(), Failed> {
    let slow = WIDE.replace("rpm = 60000", "rpm = 30");
    for tui in [&["--tui"][..], &[]] {
        let home = Home::new()?;
        let (input, scenario) = (home.file("in.jsonl", &prompts(300))?, home.file("scenario.toml", &slow)?);
        let out = home.path("out.jsonl").display().to_string();
        let args = ["run", &input, "-o", &out, "--scenario", &scenario];
        let mut pty = home.program(&[&args[..], tui].concat(), SMALL);
        let results = home.path("out.jsonl");
        pty.wait("the first result", |_| std::fs::metadata(&results).is_ok_and(|file| file.len() > 0))?;
        pty.stop_output();
        pty.signal(Signal::TERM);
        check(pty.wait_exit_unread()? == 3, format!("{tui:?}: SIGTERM drains, and the rest can be resumed"))?;
        check(!ids(&home, "out.jsonl")?.is_empty(), format!("{tui:?}: nothing is on file"))?;
    }
    Ok(())
}

/// Bytes and frames between two moments of the program's own clock.
fn frames() -> Result<(), Failed> {
    let home = Home::new()?.with("COLORTERM", "truecolor");
    let mut pty = home.console(super::TIGHT, LARGE)?;
    pty.wait("a queue", waits)?;
    let count = |bytes: &[u8]| bytes.windows(8).filter(|window| window == b"\x1b[?2026h").count();
    let begin = pty.bytes.len();
    while count(&pty.bytes[begin..]) < 20 {
        let seen = pty.bytes.len();
        let text = pty.text();
        pty.wait("another frame", |screen| screen.contents() != text)?;
        check(pty.bytes.len() > seen, "no bytes for a change")?;
    }
    let (bytes, frames) = (pty.bytes.len() - begin, count(&pty.bytes[begin..]));
    check(bytes / frames <= 4 * 1_024, format!("{bytes} bytes for {frames} frames under load"))?;
    leave(&mut pty).map(|_| ())
}
