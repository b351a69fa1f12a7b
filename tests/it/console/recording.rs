//! Sessions on file: recorded, replayed, drawn, exported; and what the terminal gets of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bedrock_top::console::recording::Recording;
use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;

use super::{Home, LARGE, SMALL, TIGHT, check_words, footer, has, leave, row_with, trial};
use crate::pty::{Pty, check, check_restored};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_session_is_recorded_and_looked_at_again", replay),
        trial("a_killed_session_is_readable_and_follows_its_keys", killed),
        trial("what_is_no_recording_is_refused_and_nothing_is_overwritten", refusals),
        trial("pictures_and_exports_need_no_terminal", without_terminal),
        trial("an_id_goes_to_the_clipboard_of_the_terminal", clipboard),
        trial("the_wheel_scrolls_only_if_it_is_asked_for", wheel),
        trial("own_themes_are_listed_reloaded_and_their_errors_said", own_themes),
    ]
}

fn recorded(home: &Home, size: (u16, u16)) -> Result<(Pty, String), Failed> {
    let scenario = home.file("scenario.toml", TIGHT)?;
    let file = home.path("session.rec").display().to_string();
    let mut pty = home.program(&["--scenario", &scenario, "--record", &file], size);
    pty.wait("a running load that is recorded", |screen| has(screen, " REC ") && has(screen, "RUNNING"))?;
    Ok((pty, file))
}

/// Plays to the end.
fn to_the_end(pty: &mut Pty) -> Result<(), Failed> {
    pty.wait_text("REPLAY ")?;
    pty.send(">>>>>");
    pty.wait_text("REPLAY ended")
}

fn replay() -> Result<(), Failed> {
    let home = Home::new()?;
    let (mut pty, file) = recorded(&home, LARGE)?;
    pty.wait("finished records", |screen| !row_with(screen, " done ").contains(" done              0 "))?;
    pty.send("2");
    pty.wait_text("Effect ")?;
    leave(&mut pty)?;

    let mut pty = home.program(&["replay", &file], SMALL);
    pty.wait("the recorded console, at its first screen", |screen| {
        has(screen, "SIM") && has(screen, "REPLAY x1") && has(screen, "recorded") && has(screen, "Quota ")
    })?;
    pty.send("<");
    pty.wait_text("REPLAY x0.5")?;
    pty.send(" ");
    pty.wait_text("REPLAY held")?;
    pty.send(".");
    pty.wait_text("REPLAY held")?;
    pty.send("p");
    pty.wait("a refusal", |screen| footer(screen).contains("a replay sends nothing"))?;
    pty.send(" ");
    to_the_end(&mut pty)?;
    pty.send("5");
    pty.wait("records to look at", |screen| has(screen, "Finished records") && has(screen, "✓ ok"))?;
    pty.send("i");
    pty.wait("an incident of the past", |screen| footer(screen).contains("written: "))?;
    check(home.incidents()?.len() == 1, "no incident report")?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "leaving is no failure")?;
    check_restored(&pty)
}

fn killed() -> Result<(), Failed> {
    let home = Home::new()?;
    let (mut pty, file) = recorded(&home, SMALL)?;
    pty.send("5/syn\r");
    let path = Path::new(&file);
    // On file within a second or two: the key that ended the filter, and what came after it.
    pty.wait("enough on file", |_| {
        let Ok(recording) = Recording::open(path) else { return false };
        let messages: Vec<String> = recording.map(|(_, msg)| format!("{msg:?}").chars().take(40).collect()).collect();
        let filter = messages.iter().rposition(|msg| msg.contains("Enter"));
        filter.is_some_and(|at| messages.len() > at + 3)
    })?;
    pty.signal(Signal::KILL);
    pty.wait_exit_unread()?;

    let mut pty = home.program(&["replay", &file, "--follow"], SMALL);
    to_the_end(&mut pty)?;
    pty.wait("the screen that was seen last", |screen| row_with(screen, "newest first").contains("syn"))?;
    pty.wait("a word about the end", |screen| footer(screen).contains("breaks off here"))?;
    pty.send("2");
    pty.wait("whose keys they are", |screen| footer(screen).contains("follows the recorded keys"))?;
    pty.send("q");
    pty.wait_exit().map(|_| ())
}

fn run(home: &Home, args: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-top"));
    command.args(args).env_clear().envs(home.env()).stdin(std::process::Stdio::null());
    Ok(command.output()?)
}

fn refused(home: &Home, args: &[&str], sign: &str) -> Result<(), Failed> {
    let done = run(home, args)?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    check(done.status.code() == Some(2) && said.contains(sign), format!("{args:?}: {said}"))?;
    check(said.trim_end().lines().count() == 1, format!("more than a line: {said}"))
}

fn refusals() -> Result<(), Failed> {
    let home = Home::new()?;
    let text = home.file("notes.md", "# Notes\n")?;
    let newer = home.file("newer.rec", "{\"recording\":2,\"program\":\"9.0\"}\n")?;
    refused(&home, &["replay", "nowhere.rec"], "nowhere.rec: No such file")?;
    refused(&home, &["replay", &text], "not a recording of bedrock-top")?;
    refused(&home, &["replay", &newer], "recorded in format 2 by bedrock-top 9.0")?;
    refused(&home, &["--record", &text], "notes.md exists")?;
    refused(&home, &["--export", &text], "notes.md exists")?;
    refused(&home, &["--screenshot", &text], "notes.md exists")?;
    refused(&home, &["--export", "summary.txt"], ".json, .csv or .md")?;
    check(fs::read_to_string(&text)? == "# Notes\n", "a file was overwritten")
}

fn without_terminal() -> Result<(), Failed> {
    let home = Home::new()?;
    let scenario = home.file("scenario.toml", TIGHT)?;
    let path = |name: &str| home.path(name).display().to_string();
    let (tape, table, page) = (path("run.rec"), path("run.csv"), path("now.svg"));
    let done = run(&home, &["--scenario", &scenario, "--duration", "2s", "--record", &tape, "--export", &table])?;
    check(done.status.success(), String::from_utf8_lossy(&done.stderr))?;
    let csv = fs::read_to_string(&table)?;
    check(csv.starts_with("simulated,") && csv.contains(",tpm_quota_tokens_per_minute,"), &csv)?;
    check(csv.lines().count() > 1 && csv.lines().skip(1).all(|row| row.starts_with("true,sim,")), &csv)?;
    let done = run(&home, &["--scenario", &scenario, "--duration", "1s", "--screenshot", &page])?;
    check(done.status.success(), String::from_utf8_lossy(&done.stderr))?;
    check(fs::read_to_string(&page)?.contains("RUNNING"), "the picture is not of the load")?;
    for screen in ["dashboard", "tuning", "provisioned", "batch", "log", "help", "scope"] {
        let file = path(&format!("{screen}.svg"));
        let args = ["replay", &tape, "--at", "1500ms", "--screenshot", &file, "--screen", screen, "--size", "80x24"];
        let done = run(&home, &args)?;
        check(done.status.success(), String::from_utf8_lossy(&done.stderr))?;
        let svg = fs::read_to_string(&file)?;
        check(svg.contains(">SIM</text>") && !svg.contains("REPLAY"), format!("{screen} as it was"))?;
    }
    refused(&home, &["replay", &tape, "--screenshot", &path("x.svg"), "--screen", "attic"], "there are: dashboard")
}

fn clipboard() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.send("y");
    pty.wait("a word about it", |screen| {
        footer(screen).contains("model id sent to the terminal's clipboard (OSC 52)")
    })?;
    // "amazon.nova-lite-v1:0"
    let sequence = b"\x1b]52;c;YW1hem9uLm5vdmEtbGl0ZS12MTow\x07";
    check(pty.bytes.windows(sequence.len()).any(|bytes| bytes == sequence), "the terminal got no id")?;
    pty.send("2y");
    pty.wait("where there is none", |screen| footer(screen).contains("nothing is selected that has an id"))?;
    leave(&mut pty).map(|_| ())
}

fn wheel() -> Result<(), Failed> {
    let home = Home::new()?;
    let scenario = home.file("scenario.toml", TIGHT)?;
    let mut pty = home.program(&["--scenario", &scenario, "--mouse"], SMALL);
    pty.wait_text("RUNNING")?;
    pty.send("2");
    pty.wait("the pointer", |screen| row_with(screen, "▸").contains("share of quota"))?;
    pty.send("\x1b[<65;5;5M");
    pty.wait("three rows down", |screen| row_with(screen, "▸").contains("spend cap"))?;
    pty.send("\x1b[<64;5;5M");
    pty.wait("and back", |screen| row_with(screen, "▸").contains("share of quota"))?;
    leave(&mut pty)?;
    let has = |pty: &Pty, bytes: &[u8]| pty.bytes.windows(bytes.len()).any(|window| window == bytes);
    check(has(&pty, b"\x1b[?1000h") && has(&pty, b"\x1b[?1000l"), "the mouse was not taken and given back")?;
    let mut pty = home.program(&["--scenario", &scenario], SMALL);
    pty.wait_text("RUNNING")?;
    leave(&mut pty)?;
    check(!has(&pty, b"\x1b[?1000h"), "the mouse was taken unasked")
}

fn own_themes() -> Result<(), Failed> {
    let home = Home::new()?.with("COLORTERM", "truecolor");
    let folder = home.path("config/bedrock-top/themes");
    fs::create_dir_all(&folder)?;
    let file = folder.join("harbour.toml");
    fs::write(&file, "ground = \"#010203\"\n")?;
    let mut pty = home.console(TIGHT, SMALL)?;
    let ground = |screen: &vt100::Screen| screen.cell(0, 79).map(vt100::Cell::bgcolor);
    pty.send("t");
    pty.wait_text("harbour")?;
    check_words(&pty, &["dusk", "mono"])?;
    pty.send("k");
    pty.wait("the look of the last one", |screen| ground(screen) == Some(vt100::Color::Rgb(1, 2, 3)))?;
    pty.send("\r");
    fs::write(&file, "ground = \"#0a0b0c\"\n# changed\n")?;
    pty.wait("its new look", |screen| ground(screen) == Some(vt100::Color::Rgb(10, 11, 12)))?;
    fs::write(&file, "grund = \"#0a0b0c\"\n# broken\n")?;
    pty.wait("what is wrong", |screen| footer(screen).contains("theme harbour: grund: unknown key"))?;
    check(ground(pty.screen()) == Some(vt100::Color::Rgb(10, 11, 12)), "a broken file changed the look")?;
    leave(&mut pty).map(|_| ())
}
