//! What the screens show, and the keys that move between them and change only the display.

use bedrock_top::console::keys::{ACTIONS, Keymap};
use libtest_mimic::{Failed, Trial};

use super::{Home, LARGE, SMALL, TIGHT, check_words, footer, has, leave, row_with, trial, waits};
use crate::pty::{check, check_restored};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("the_small_dashboard_shows_the_five_that_matter", small_dashboard),
        trial("the_large_dashboard_shows_all_panels", large_dashboard),
        trial("digits_switch_screens_and_disabled_keys_say_why", digits),
        trial("help_lists_every_action", help),
        trial("a_filter_keeps_rows_and_goes_away", filter),
        trial("themes_are_previewed_and_kept", themes),
        trial("an_incident_is_written_without_prompts_and_outputs", incident),
        trial("too_small_a_terminal_says_what_is_needed", tiny),
        trial("without_colours_the_selection_is_seen", no_color),
    ]
}

fn small_dashboard() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.wait("a limiter that holds records back", |screen| {
        waits(screen) && !has(screen, "ot enough data") && row_with(screen, "spent").contains("$0.0")
    })?;
    check_words(
        &pty,
        &[
            "SIM",
            "123456789012",
            "RUNNING",
            "data live",
            "UTC", // header
            "Run ",
            "done",
            "failed",
            "elapsed", // run
            "Money ",
            "simulated",
            "spent",
            "/h", // money
            "Quota ",
            "us-east-1",
            "us-west-2",
            "nova-lite",
            "TPM",
            "RPM",
            "settled",
            "held",
            "target", // quota
            "14.0k",
            "12.0k", // the quotas of the scenario
            "Verdict ",
            "q quit",
        ],
    )?;
    check(leave(&mut pty)? == 0, "leaving is no failure")?;
    check_restored(&pty)?;
    check_words(&pty, &["SIMULATED"])
}

fn large_dashboard() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, LARGE)?;
    pty.wait("a chart, latencies and Regions", |screen| {
        has(screen, "█ settled") && waits(screen) && !row_with(screen, "attempt").contains(" - ")
    })?;
    check_words(
        &pty,
        &[
            "Run ",
            "Money ",
            "Quota ",
            "Tokens per minute",
            "Flow ",
            "Throttles ",
            "Regions ",
            "Latency ",
            "Verdict ",
            "of hold",
            "in flight",
            "of 64",
            "queue",
            "head",
            "throttle RPM",
            "throttle TPM",
            "healthy",
            "queue wait",
            "now",
        ],
    )?;
    check(!pty.text().contains('\u{fffd}'), "a glyph was torn")?;
    leave(&mut pty).map(|_| ())
}

fn digits() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    for (key, sign) in [
        ("2", "Knobs "),
        ("5", "Finished records "),
        ("6", "Account "),
        ("7", "what happened"),
        ("8", "Settings "),
        ("1", "Verdict "),
    ] {
        pty.send(key);
        pty.wait(sign, |screen| has(screen, sign))?;
    }
    // Nothing to undo yet; a key of another screen; a key of none.
    for (key, why) in [
        ("u", "nothing has been changed here yet"),
        ("x", "(failed only) works on the requests screen (5), not here"),
        ("r", "nothing is parked"),
        ("9", "9 does nothing here: ? shows the keys"),
    ] {
        pty.send(key);
        pty.wait(why, |screen| footer(screen).contains(why))?;
    }
    leave(&mut pty).map(|_| ())
}

fn help() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, LARGE)?;
    pty.send("?");
    pty.wait_text("Show the dashboard.")?;
    let mut seen = pty.text();
    // A page is less than a screen, so that no line is passed over; each is another screen until the last.
    let below_the_clock = |text: String| text.lines().skip(3).collect::<Vec<_>>().join("\n");
    while !pty.text().contains("As q, from anywhere.") {
        let before = below_the_clock(pty.text());
        pty.send("\x1b[6~");
        pty.wait("the next page", |screen| below_the_clock(screen.contents()) != before)?;
        seen.push_str(&pty.text());
    }
    for action in ACTIONS {
        // Long keys are cut to their column; long sentences are wrapped.
        let keys: String = Keymap::default().text(action.action).chars().take(8).collect();
        let begin: String = action.help.chars().take(24).collect();
        let told = seen.lines().any(|line| line.contains(&keys) && line.contains(&begin));
        check(told, format!("help does not tell {} ({keys}: {begin}):\n{seen}", action.name))?;
    }
    pty.send("\x1b");
    pty.wait_text("Verdict ")?;
    leave(&mut pty).map(|_| ())
}

fn filter() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.send("5");
    pty.wait_text("✓ ok")?;
    // Frozen, the rows stay what they are.
    pty.send("f/");
    pty.wait_text("words, ")?;
    pty.send("no-such-record");
    pty.wait_text("no record is kept by the filter")?;
    pty.send("\x15OK\r");
    pty.wait("rows again", |screen| has(screen, "✓ ok") && row_with(screen, "newest first").contains("OK"))?;
    pty.send("\x1b");
    pty.wait("no filter", |screen| !row_with(screen, "newest first").contains("OK"))?;
    pty.send("\r");
    pty.wait_text("Esc back")?;
    leave(&mut pty).map(|_| ())
}

fn themes() -> Result<(), Failed> {
    let home = Home::new()?.with("COLORTERM", "truecolor");
    let mut pty = home.console(TIGHT, SMALL)?;
    let ground = |screen: &vt100::Screen| screen.cell(0, 79).map(vt100::Cell::bgcolor);
    let badge = |screen: &vt100::Screen| screen.cell(0, 2).map(vt100::Cell::bgcolor);
    let before = (ground(pty.screen()), badge(pty.screen()));
    pty.send("t");
    pty.wait_text("dawn")?;
    pty.send("j");
    pty.wait("another look", |screen| (ground(screen), badge(screen)) != before)?;
    pty.send("\x1b");
    pty.wait("the look before", |screen| (ground(screen), badge(screen)) == before)?;
    pty.send("tj\r");
    pty.wait("the theme kept", |screen| footer(screen).contains("theme: "))?;
    check((ground(pty.screen()), badge(pty.screen())) != before, "the theme was not kept")?;
    leave(&mut pty).map(|_| ())
}

fn incident() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.send("5");
    pty.wait_text("✓ ok")?;
    // The history has whole seconds only.
    pty.send("1");
    pty.wait("the first seconds", |screen| row_with(screen, "elapsed").contains(" 3s"))?;
    pty.send("i");
    pty.wait("a word about the file", |screen| footer(screen).contains("written: "))?;
    let written = home.incidents()?;
    let report = written.first().ok_or("no report was written")?;
    for words in ["# Bedrock incident", "**SIMULATED**", "**Verdict**", "## Scopes", "## Minutes (UTC)", "us-west-2"] {
        check(report.contains(words), format!("`{words}` is not in it:\n{report}"))?;
    }
    // Prompts and replies are sentences in messages: neither they nor their wrappings are in it.
    for word in ["\"messages\"", "\"content\"", "inferenceConfig", "modelInput", "modelOutput"] {
        check(!report.contains(word), format!("`{word}` is in it:\n{report}"))?;
    }
    check(report.lines().all(|line| line.len() < 400), "a line is as long as a prompt")?;
    leave(&mut pty).map(|_| ())
}

fn tiny() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.resize(40, 10);
    pty.wait("what is needed", |screen| has(screen, "needs 60x15") && has(screen, "has 40x10"))?;
    pty.resize(1, 1);
    pty.resize(120, 40);
    pty.wait("the whole dashboard", |screen| has(screen, "Verdict ") && has(screen, "Latency ") && has(screen, "SIM"))?;
    pty.resize(80, 24);
    pty.wait("the small dashboard", |screen| has(screen, "Verdict ") && !has(screen, "Latency "))?;
    check(leave(&mut pty)? == 0, "it did not survive")
}

fn no_color() -> Result<(), Failed> {
    let home = Home::new()?.with("NO_COLOR", "1");
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.send("2");
    pty.wait_text("Knobs ")?;
    let (rows, columns) = pty.screen().size();
    let mut marked = false;
    for y in 0..rows.get() {
        for x in 0..columns.get() {
            let Some(cell) = pty.screen().cell(y, x) else { continue };
            let plain = (vt100::Color::Default, vt100::Color::Default);
            check((cell.fgcolor(), cell.bgcolor()) == plain, format!("a colour at {x},{y}"))?;
            marked |= y > 2 && cell.inverse();
        }
    }
    check(marked, "the selected row is not marked")?;
    leave(&mut pty).map(|_| ())
}
