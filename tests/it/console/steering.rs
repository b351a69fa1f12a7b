//! Steering the load: knobs, preset, rate, pause, another load.

use libtest_mimic::{Failed, Trial};

use super::{Home, LARGE, SMALL, TIGHT, check_words, footer, has, leave, row_with, trial, waits};
use crate::pty::{Pty, check};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_knob_takes_effect_is_marked_logged_and_undone", knob),
        trial("a_typed_value_is_checked_then_taken", typed),
        trial("presets_are_switched_live", preset),
        trial("plus_and_minus_change_the_arrival_rate", rate),
        trial("pause_stops_sending_and_resume_goes_on", pause),
        trial("a_frozen_display_does_not_hold_the_load", freeze),
        trial("the_load_form_starts_another_load", load_form),
        trial("a_region_is_drained_live", region),
    ]
}

/// Moves the pointer of the tuning screen down to the row that begins with `label`.
fn point_at(pty: &mut Pty, label: &str) -> Result<(), Failed> {
    pty.send("2g");
    pty.wait("the pointer at the top", |screen| row_with(screen, "▸").contains("share of quota"))?;
    for _ in 0..60 {
        let before = row_with(pty.screen(), "▸");
        if before.contains(label) {
            return Ok(());
        }
        pty.send("j");
        pty.wait("the pointer elsewhere", |screen| row_with(screen, "▸") != before)?;
    }
    Err(format!("no knob `{label}`:\n{}", pty.text()).into())
}

fn knob() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, LARGE)?;
    point_at(&mut pty, "concurrency")?;
    check(row_with(pty.screen(), "▸").contains("64 in flight"), pty.text())?;
    pty.send("\x1b[D");
    pty.wait("the value, marked as changed", |screen| {
        let row = row_with(screen, "▸");
        !row.contains("64 in flight ›") && row.contains("was 64")
    })?;
    pty.wait("the mark", |screen| row_with(screen, "Effect ").contains("concurrency 64 -> "))?;
    pty.send("7");
    pty.wait("the line of the log", |screen| row_with(screen, "concurrency 64 -> ").contains("info"))?;
    pty.send("2u");
    pty.wait("the value as before", |screen| row_with(screen, "▸").contains("64 in flight"))?;
    pty.send("7");
    pty.wait("the line of the undo", |screen| has(screen, "undo"))?;
    leave(&mut pty).map(|_| ())
}

fn typed() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    point_at(&mut pty, "share of quota")?;
    pty.send("\r150\r");
    pty.wait("a refusal", |screen| footer(screen).contains("is allowed"))?;
    pty.send("\x1537\r");
    pty.wait("the value", |screen| row_with(screen, "▸").contains("37 %"))?;
    pty.send("1");
    // 37 % of 14,000 in the east.
    pty.wait("the target of a share", |screen| has(screen, "5.18k"))?;
    pty.send("2d");
    pty.wait("the value at the start", |screen| row_with(screen, "▸").contains("100 %"))?;
    leave(&mut pty).map(|_| ())
}

fn preset() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    point_at(&mut pty, "preset")?;
    for name in ["classic", "token-bucket", "sliding-window", "adaptive"] {
        pty.send("\x1b[C");
        pty.wait(name, |screen| row_with(screen, "▸").contains(name))?;
        pty.wait("its mark", |screen| row_with(screen, "Effect ").contains(&format!("-> {name}")))?;
    }
    pty.send("1");
    pty.wait_text("limiter adaptive")?;
    leave(&mut pty).map(|_| ())
}

fn rate() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.wait("the rate at the start", |screen| row_with(screen, "arrivals").contains("of 2.00 /s"))?;
    pty.send("+");
    pty.wait("a word", |screen| footer(screen).contains("arrival rate 2.00 -> 2.50 /s"))?;
    pty.wait("a quarter more", |screen| row_with(screen, "arrivals").contains("of 2.50 /s"))?;
    pty.send("++");
    pty.wait("twice more", |screen| row_with(screen, "arrivals").contains("of 3.91 /s"))?;
    pty.send("---");
    pty.wait("what it was", |screen| row_with(screen, "arrivals").contains("of 2.00 /s"))?;
    leave(&mut pty).map(|_| ())
}

fn pause() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.wait("a queue", waits)?;
    pty.send("p");
    pty.wait("nothing in flight", |screen| has(screen, "PAUSED") && row_with(screen, "of 64").contains(" 0 of 64"))?;
    pty.wait("a head that waits for you", |screen| row_with(screen, "head").contains("you"))?;
    pty.wait("the key that resumes", |screen| footer(screen).contains("p resume"))?;
    let done = row_with(pty.screen(), "done");
    pty.send("p");
    pty.wait("a load that runs", |screen| has(screen, "RUNNING"))?;
    pty.wait("records that finish", |screen| row_with(screen, "done") != done)?;
    leave(&mut pty).map(|_| ())
}

/// The number behind a word of the run panel.
fn number(screen: &vt100::Screen, word: &str) -> u64 {
    let row = row_with(screen, word);
    let after = row.split_once(word).map_or("", |(_, after)| after).trim_start();
    after.split([' ', '│']).next().unwrap_or_default().replace(',', "").parse().unwrap_or_default()
}

fn freeze() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.wait("a finished record", |screen| number(screen, "done") > 0)?;
    pty.send("f");
    pty.wait("a still display", |screen| has(screen, "FROZEN"))?;
    let still = number(pty.screen(), "done");
    pty.wait("that has stood for a while", |screen| has(screen, "FROZEN 3s"))?;
    check(number(pty.screen(), "done") == still, "the display moved while it was frozen")?;
    pty.send("f");
    pty.wait("what went on meanwhile", |screen| !has(screen, "FROZEN") && number(screen, "done") > still)?;
    leave(&mut pty).map(|_| ())
}

fn load_form() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.send("L");
    pty.wait_text("next field")?;
    check_words(&pty, &["Arrivals", "Rate", "Input sizes", "max_tokens", "Priorities", "Spend cap", "starts at once"])?;
    // A rate that is none is refused at its field.
    pty.send("\t\x15fast\r");
    pty.wait("the refusal", |screen| footer(screen).contains("not right yet"))?;
    pty.send("\x155\r");
    pty.wait("another load", |screen| row_with(screen, "Run ").contains("poisson 5") && has(screen, "RUNNING"))?;
    pty.wait("its rate", |screen| row_with(screen, "arrivals").contains("of 5.00 /s"))?;
    pty.send("7");
    pty.wait("a word in the log", |screen| has(screen, "poisson 5"))?;
    leave(&mut pty).map(|_| ())
}

fn region() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, LARGE)?;
    point_at(&mut pty, "us-west-2")?;
    pty.send("\x1b[C");
    pty.wait("the switch", |screen| row_with(screen, "▸").contains("drained"))?;
    pty.send("1");
    pty.wait("a Region out of service", |screen| row_with(screen, "Regions ").contains("1 of 2"))?;
    pty.send("u");
    pty.wait("it is back", |screen| row_with(screen, "Regions ").contains("2 of 2"))?;
    leave(&mut pty).map(|_| ())
}
