//! Settings, what is kept from one start to the next, and privacy, on the real program.

use std::fs;
use std::process::{Command, Output};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use super::{Home, LARGE, SMALL, TIGHT, footer, has, leave, row_with, trial};
use crate::pty::check;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_picked_theme_is_there_at_the_next_start", remembered),
        trial("what_was_kept_and_is_damaged_is_said_and_replaced", damaged),
        trial("privacy_takes_the_account_off_every_screen", private),
        trial("the_settings_say_who_said_them", origins),
        trial("config_check_prints_every_value_with_its_origin", checked),
        trial("a_theme_that_there_is_not_is_refused_with_the_names_of_those_there_are", no_such_theme),
        trial("a_load_goes_on_without_a_terminal_only_to_an_end", on_hangup),
    ]
}

/// The colours behind the screen and the badge.
fn look(screen: &vt100::Screen) -> (Option<vt100::Color>, Option<vt100::Color>) {
    let colour = |row, column| screen.cell(row, column).map(vt100::Cell::bgcolor);
    (colour(0, 79), colour(0, 2))
}

fn remembered() -> Result<(), Failed> {
    let home = Home::new()?.with("COLORTERM", "truecolor");
    let mut pty = home.console(TIGHT, SMALL)?;
    let first = look(pty.screen());
    pty.send("t");
    pty.wait_text("dawn")?;
    pty.send("j\r");
    pty.wait("a theme taken", |screen| footer(screen).contains("theme: "))?;
    let picked = look(pty.screen());
    check(picked != first, "the theme did not change")?;
    pty.send("7");
    pty.wait_text("what happened")?;
    leave(&mut pty)?;
    let mut pty = home.console(TIGHT, SMALL)?;
    check(look(pty.screen()) == picked, "another theme than the one that was picked")?;
    check(has(pty.screen(), "what happened"), "another screen than the one that was left")?;
    leave(&mut pty)?;
    // A theme by flag wins, and the file can say that nothing is kept.
    let scenario = home.path("scenario.toml").display().to_string();
    let mut pty = home.program(&["--scenario", &scenario, "--theme", "dusk"], SMALL);
    pty.wait("the theme by flag", |screen| has(screen, "RUNNING") && look(screen) == first)?;
    leave(&mut pty)?;
    fs::create_dir_all(home.path("config/bedrock-top"))?;
    home.file("config/bedrock-top/config.toml", "[console]\nremember = false\n")?;
    let mut pty = home.console(TIGHT, SMALL)?;
    check(look(pty.screen()) == first && has(pty.screen(), "Verdict "), pty.text())?;
    leave(&mut pty).map(|_| ())
}

fn damaged() -> Result<(), Failed> {
    let home = Home::new()?;
    fs::create_dir_all(home.path("state/bedrock-top"))?;
    home.file("state/bedrock-top/console.json", "{\"version\": 1, \"scr")?;
    let mut pty = home.console(TIGHT, LARGE)?;
    pty.wait("what is wrong", |screen| footer(screen).contains("it is damaged; the console starts afresh"))?;
    leave(&mut pty)?;
    let kept: Value = serde_json::from_str(&fs::read_to_string(home.path("state/bedrock-top/console.json"))?)?;
    check(kept["screen"] == "Dashboard", kept)
}

fn private() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, LARGE)?;
    pty.wait_text("123456789012")?;
    pty.send("*");
    pty.wait("a masked account", |screen| has(screen, "PRIVATE") && !has(screen, "123456789012"))?;
    let signs =
        [("2", "Knobs "), ("3", "Provisioned "), ("4", "Batch "), ("5", "Finished records "), ("7", "what happened")];
    for (key, sign) in signs.into_iter().chain([("8", "Settings "), ("1", "Verdict ")]) {
        pty.send(key);
        pty.wait(sign, |screen| has(screen, sign))?;
        check(!has(pty.screen(), "123456789012"), pty.text())?;
    }
    pty.send("*");
    pty.wait_text("123456789012")?;
    leave(&mut pty)?;
    // Pictures are drawn by the same hand.
    let scenario = home.path("scenario.toml").display().to_string();
    for (privacy, name) in [("false", "open.svg"), ("true", "masked.svg")] {
        let config = home.file("privacy.toml", &format!("[console]\nprivacy = {privacy}\n"))?;
        let page = home.path(name).display().to_string();
        let args = ["--scenario", &scenario, "--config", &config, "--duration", "1s", "--screenshot", &page];
        let done = run(&home, &args)?;
        check(done.status.success(), String::from_utf8_lossy(&done.stderr))?;
        let svg = fs::read_to_string(&page)?;
        check(svg.contains("123456789012") == (privacy == "false"), format!("the account in {name}"))?;
        check(svg.contains("PRIVATE") == (privacy == "true"), format!("the badge in {name}"))?;
    }
    Ok(())
}

fn origins() -> Result<(), Failed> {
    let home = Home::new()?;
    let config = home.file("mine.toml", "# mine\n[limits]\nconcurrency = 16\n")?;
    let scenario = home.file("scenario.toml", TIGHT)?;
    let mut pty = home.program(&["--scenario", &scenario, "--config", &config, "--theme", "dusk"], LARGE);
    pty.wait_text("RUNNING")?;
    pty.send("8");
    pty.wait("who said what", |screen| {
        row_with(screen, "concurrency").contains("mine.toml:3")
            && row_with(screen, "  theme").contains("flag --theme")
            && row_with(screen, "regions").contains("the scenario")
            && row_with(screen, "routing").contains("default")
    })?;
    pty.send("/concurrency\r");
    pty.wait("its detail", |screen| has(screen, "in file   [limits] concurrency = 16"))?;
    pty.send("\r");
    pty.wait("its knob", |screen| has(screen, "Knobs ") && row_with(screen, "▸ concurrency").contains("16"))?;
    pty.send("l");
    pty.wait("another value", |screen| row_with(screen, "▸ concurrency").contains("20"))?;
    pty.send("8");
    pty.wait("that it was changed", |screen| row_with(screen, "▸ concurrency").contains("session (changed live)"))?;
    leave(&mut pty).map(|_| ())
}

fn run(home: &Home, args: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-top"));
    command.args(args).env_clear().envs(home.env()).stdin(std::process::Stdio::null());
    Ok(command.output()?)
}

fn checked() -> Result<(), Failed> {
    let home = Home::new()?.with("AWS_PROFILE", "night").with("NO_COLOR", "1");
    let config = home.file("c.toml", "target = \"aws\"\n\n[retry]\ncap_s = 30.0\n")?;
    let done = run(&home, &["config", "check", "--config", &config, "--region", "eu-west-1", "--json"])?;
    check(done.status.success(), String::from_utf8_lossy(&done.stderr))?;
    let said: Value = serde_json::from_slice(&done.stdout)?;
    let of = |name: &str| {
        let row = said["settings"].as_array().into_iter().flatten().find(|row| row["name"] == name);
        row.map(|row| (row["value"].to_string(), row["from"].as_str().unwrap_or_default().to_owned()))
            .unwrap_or_default()
    };
    let is = |name: &str, value: &str, from: &str| {
        let (found, origin) = of(name);
        check(found == format!("\"{value}\"") && origin.ends_with(from), format!("{name}: {found} from {origin}"))
    };
    is("target", "aws", "c.toml:1")?;
    is("profile", "night", "environment AWS_PROFILE")?;
    is("regions", "[\\\"eu-west-1\\\"]", "flag --region")?;
    is("cap_s", "30", "c.toml:4")?;
    is("base_s", "1", "default")?;
    is("colours", "none", "environment NO_COLOR")?;
    let done = run(&home, &["config", "check", "--config", &config])?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    check(text.contains("c.toml: no errors") && text.contains("[retry]") && text.contains("30 s"), text)
}

fn on_hangup() -> Result<(), Failed> {
    let home = Home::new()?;
    let endless = run(&home, &["--on-hangup", "continue"])?;
    let said = String::from_utf8_lossy(&endless.stderr).into_owned();
    check(endless.status.code() == Some(2) && said.contains("--duration"), said)?;
    let (scenario, summary) = (home.file("scenario.toml", TIGHT)?, home.path("summary.json"));
    let export = summary.display().to_string();
    let args = ["--scenario", &scenario, "--duration", "3s", "--on-hangup", "continue", "--export", &export];
    let mut pty = home.program(&args, SMALL);
    pty.wait_text("RUNNING")?;
    pty.close();
    check(pty.wait_exit_unread()? == 0, "it did not end well")?;
    let text = fs::read_to_string(&summary)?;
    check(text.contains("succeeded"), text)
}

fn no_such_theme() -> Result<(), Failed> {
    let home = Home::new()?;
    let config = home.file("own.toml", "theme = \"sunset\"\n")?;
    for args in [&["--theme", "sunset"][..], &["--config", &config, "config", "check"]] {
        let mut pty = home.program(args, LARGE);
        check(pty.wait_exit()? == 2, format!("{args:?}: {}", pty.text()))?;
        let text = pty.text().replace('\n', "");
        check(text.contains("there is no theme `sunset`") && text.contains("dusk"), text)?;
    }
    Ok(())
}
