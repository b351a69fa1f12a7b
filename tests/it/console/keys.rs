//! Keys of the operator's own, and the palette.

use std::fs;
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};

use super::{Home, SMALL, TIGHT, footer, has, leave, row_with, trial};
use crate::pty::{check, check_restored};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_changed_key_pauses_and_the_old_one_does_nothing", changed),
        trial("keys_that_clash_are_all_named_before_anything_starts", clashes),
        trial("the_palette_finds_and_does", palette),
        trial("a_click_goes_and_selects_if_the_mouse_is_asked_for", click),
    ]
}

fn configure(home: &Home, text: &str) -> Result<(), Failed> {
    let folder = home.path("config/bedrock-top");
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join("config.toml"), text)?)
}

fn changed() -> Result<(), Failed> {
    let home = Home::new()?;
    configure(&home, "[keys]\nload.pause = [\"F5\", \"Ctrl-X\"]\n\"quit\" = \"Q\"\n")?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.wait("hints with the keys in use", |screen| {
        footer(screen).contains("F5 pause") && footer(screen).contains("Q quit")
    })?;
    pty.send("p");
    pty.wait("a key without a meaning", |screen| footer(screen).contains("p does nothing here"))?;
    pty.send("\x1b[15~");
    pty.wait("a pause", |screen| has(screen, "PAUSED") || has(screen, "PAUSING"))?;
    pty.send("\x18");
    pty.wait("a running load", |screen| has(screen, "RUNNING"))?;
    pty.send("?");
    pty.wait("help with the keys in use", |screen| row_with(screen, "F5 Ctrl-X").contains("Stop admitting"))?;
    pty.send("Q");
    pty.send("Q");
    pty.wait_exit()?;
    check_restored(&pty)
}

fn clashes() -> Result<(), Failed> {
    let home = Home::new()?;
    let text =
        "[keys]\nload.pause = \"f\"\nload.stpo = \"x\"\nback = \"none\"\nhelp = \"Shift-F1\"\n[limits]\nshare = 0\n";
    configure(&home, text)?;
    let named = |said: &str| {
        let wanted = [
            "`f` is both load.pause and view.freeze",
            "keys.load.stpo: no such action; did you mean `load.stop`?",
            "keys.back: cannot be unbound",
            "keys.help = \"Shift-F1\"",
            "limits.share = 0",
        ];
        wanted.iter().try_for_each(|words| check(said.contains(words), format!("{words}\n{said}")))
    };
    let Output { status, stderr, .. } =
        Command::new(env!("CARGO_BIN_EXE_bedrock-top")).args(["config", "check"]).envs(home.env()).output()?;
    check(status.code() == Some(2), format!("{status}"))?;
    named(&String::from_utf8_lossy(&stderr))?;
    // Neither does the console start.
    let mut pty = home.program(&[], (200, 40));
    check(pty.wait_exit()? == 2, pty.text())?;
    named(&pty.text())
}

fn palette() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.send(":pau");
    pty.wait("the action", |screen| has(screen, "Palette") && row_with(screen, "load.pause").contains("▸ pause"))?;
    pty.send("\r");
    pty.wait("a pause", |screen| !has(screen, "Palette") && (has(screen, "PAUSED") || has(screen, "PAUSING")))?;
    // What was chosen comes first; it now resumes.
    pty.send("\x10");
    pty.wait("what was chosen", |screen| row_with(screen, "chosen before").contains("pause"))?;
    pty.send("\r");
    pty.wait("a running load", |screen| has(screen, "RUNNING"))?;
    pty.send(":share of");
    pty.wait("the knob", |screen| row_with(screen, "knob share").contains("▸"))?;
    pty.send("\r");
    pty.wait("the tuning screen on it", |screen| {
        row_with(screen, "▸").contains("share of quota") && has(screen, "Knobs")
    })?;
    pty.send(":zzz\r");
    pty.wait("nothing found", |screen| footer(screen).contains("fewer find more"))?;
    pty.send("\x1b");
    pty.wait("no palette", |screen| !has(screen, "nothing fits"))?;
    leave(&mut pty).map(|_| ())
}

/// A press of the first button at a cell counted from 1, and its release.
fn press(column: u16, row: u16) -> String {
    format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m")
}

fn click() -> Result<(), Failed> {
    let home = Home::new()?;
    let scenario = home.file("scenario.toml", TIGHT)?;
    let mut pty = home.program(&["--scenario", &scenario, "--mouse"], SMALL);
    pty.wait("a running load", |screen| has(screen, "RUNNING"))?;
    // On the tab of the second screen, then on one of its lines.
    let tabs = pty.screen().contents().lines().nth(1).unwrap_or_default().to_owned();
    let tab = tabs.find("  2").ok_or("no second tab")? + 3;
    pty.send(&press(u16::try_from(tab)?, 2));
    pty.wait("the tuning screen", |screen| row_with(screen, "▸").contains("share of quota"))?;
    let rows: Vec<String> = pty.screen().contents().lines().map(str::to_owned).collect();
    let at = rows.iter().position(|row| row.contains("concurrency")).ok_or("no row of concurrency")?;
    pty.send(&press(10, u16::try_from(at)? + 1));
    pty.wait("the pointer on it", |screen| row_with(screen, "▸").contains("concurrency"))?;
    leave(&mut pty)?;
    // Nobody asked for the mouse: a report that comes all the same does nothing.
    let mut pty = home.program(&["--scenario", &scenario], SMALL);
    pty.wait("a running load", |screen| has(screen, "RUNNING"))?;
    pty.send(&press(18, 2));
    pty.send("7");
    pty.wait("the log", |screen| has(screen, "In full"))?;
    pty.send(&press(18, 2));
    pty.send("/");
    pty.wait("a filter of the log", |screen| footer(screen).contains("words, ") && has(screen, "In full"))?;
    pty.send("\x1b");
    pty.wait("no filter", |screen| !footer(screen).contains("words, "))?;
    leave(&mut pty).map(|_| ())
}
