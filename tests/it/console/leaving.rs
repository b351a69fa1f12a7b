//! Leaving and sleeping: the terminal is always given back, and nothing in flight is left without a word.

use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;

use super::{Home, SLOW, SMALL, TIGHT, check_words, footer, has, leave, row_with, trial, waits};
use crate::pty::{Pty, check, check_restored};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("q_drains_and_ends_with_a_summary", quit_drains),
        trial("a_second_q_leaves_at_once", second_quit),
        trial("a_second_ctrl_c_leaves_at_once", second_interrupt),
        trial("sigterm_ends_with_a_summary", terminated),
        trial("a_terminal_that_goes_away_ends_the_program", hung_up),
        trial("a_hangup_with_work_in_flight_ends_in_time", hung_up_at_work),
        trial("ctrl_z_pauses_and_fg_resumes", asleep),
        trial("a_dumb_terminal_is_refused_in_a_sentence", dumb),
        trial("without_a_terminal_it_runs_headless", headless),
    ]
}

fn quit_drains() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.wait("records that wait", waits)?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "draining is no failure")?;
    check_restored(&pty)?;
    check_words(&pty, &["SIMULATED", "succeeded"])
}

/// A console whose requests do not come back for a minute, and some of them in flight.
fn at_work(home: &Home) -> Result<Pty, Failed> {
    let mut pty = home.console(SLOW, SMALL)?;
    pty.wait("requests in flight", |screen| {
        let row = row_with(screen, "of 64");
        !row.is_empty() && !row.contains(" 0 of 64")
    })?;
    Ok(pty)
}

fn second_quit() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = at_work(&home)?;
    pty.send("q");
    pty.wait("what leaving waits for", |screen| {
        let footer = footer(screen);
        footer.contains("Leaving: ") && footer.contains("q again leaves at once") && has(screen, "DRAINING")
    })?;
    pty.send("q");
    check(pty.wait_exit()? == 0, "the operator asked for it")?;
    check_restored(&pty)?;
    check_words(&pty, &["SIMULATED"])
}

fn second_interrupt() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = at_work(&home)?;
    pty.send("\x03");
    pty.wait("a drain", |screen| footer(screen).contains("Leaving: "))?;
    pty.send("\x03");
    check(pty.wait_exit()? == 0, "the operator asked for it")?;
    check_restored(&pty)
}

fn terminated() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.wait("records that wait", waits)?;
    pty.signal(Signal::TERM);
    check(pty.wait_exit()? == 0, "SIGTERM drains")?;
    check_restored(&pty)?;
    check_words(&pty, &["SIMULATED"])
}

fn hung_up() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    // With something sent there is a summary, which nobody can read any more.
    pty.wait("records that wait", waits)?;
    pty.close();
    check(pty.wait_exit_unread()? == 0, "a hang-up drains synthetic load")
}

fn hung_up_at_work() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = at_work(&home)?;
    pty.close();
    // The drain has ten seconds; then what is in flight is abandoned.
    pty.wait_exit_unread().map(|_| ())
}

fn asleep() -> Result<(), Failed> {
    let home = Home::new()?;
    let mut pty = home.console(TIGHT, SMALL)?;
    pty.send("\x1a");
    pty.wait("the main screen", |screen| !screen.alternate_screen())?;
    pty.wait_stopped()?;
    check_restored(&pty)?;
    pty.signal(Signal::CONT);
    pty.wait("the console, its load running again", |screen| screen.alternate_screen() && has(screen, "RUNNING"))?;
    pty.send("7");
    pty.wait("both in the log", |screen| has(screen, "paused") && has(screen, "resumed"))?;
    check(leave(&mut pty)? == 0, "it did not go on")
}

fn dumb() -> Result<(), Failed> {
    let home = Home::new()?.with("TERM", "dumb");
    let mut pty = home.program(&[], SMALL);
    check(pty.wait_exit()? == 2, "a dumb terminal was taken")?;
    check(!pty.bytes.contains(&0x1b), "an escape sequence was sent to a dumb terminal")?;
    let text = pty.text().replace('\n', " ");
    check(text.contains("TERM is `dumb`"), pty.text())
}

fn headless() -> Result<(), Failed> {
    let home = Home::new()?;
    let scenario = home.file("scenario.toml", TIGHT)?;
    let script = format!("'{}' --scenario '{scenario}' --duration 1s </dev/null", env!("CARGO_BIN_EXE_bedrock-top"));
    let mut pty = Pty::spawn("sh", &["-c", &script], &home.env(), SMALL);
    check(pty.wait_exit()? == 0, pty.text())?;
    let bytes = String::from_utf8_lossy(&pty.bytes).into_owned();
    check(!bytes.contains("\x1b[?1049h"), "a console was opened without a keyboard")?;
    check(bytes.contains("SIMULATED") && bytes.contains("succeeded"), bytes)
}
