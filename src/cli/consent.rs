//! Nothing that costs happens without consent.

use std::io::{IsTerminal, Write};

use crate::engine::TargetInfo;
use crate::record::Usd;
use crate::report::{Plan, money, percent};

use super::args::RunArgs;
use super::problem::Problem;

/// A change that is about to be made to the account, and what of the consent was given on the command line.
pub struct Change<'a> {
    /// What is shown: account, Region, price, what cannot be undone; a line each.
    pub about: Vec<String>,
    /// The question itself, without its answers.
    pub question: String,
    /// This name must be typed (`--confirm-name`): a commitment, or what cannot be had back.
    pub name: Option<&'a str>,
    /// The price is not published, which must be accepted.
    pub price_unknown: bool,
    /// `--yes`.
    pub yes: bool,
    /// `--confirm-name`.
    pub confirm_name: Option<&'a str>,
    /// `--accept-unknown-price`.
    pub accept_unknown_price: bool,
}

/// Shows what is about to change and asks. A simulator is asked about as well: what it would do is what is rehearsed.
///
/// # Errors
/// No consent: read-only, refused, or nobody there to ask and not enough on the command line.
pub fn to_change(target: &TargetInfo, change: &Change<'_>) -> Result<(), Problem> {
    if target.read_only {
        return Err(Problem::usage(
            "read-only: nothing that costs or destroys is done (leave --read-only out, or change the account's setting)",
        ));
    }
    let mut screen = std::io::stderr();
    let shown = change.about.iter().try_for_each(|line| writeln!(screen, "  {line}"));
    // Without the question on screen there is no consent either.
    shown.map_err(Problem::io("terminal"))?;
    let terminal = std::io::stdin().is_terminal() && screen.is_terminal();
    if change.yes || !terminal {
        return on_the_command_line(change);
    }
    let price_asked = change.price_unknown && !change.accept_unknown_price;
    if price_asked {
        answered(
            &format!("{} The price is not known. Type `unknown` to accept that: ", change.question),
            &["unknown"],
        )?;
    }
    match change.name {
        // Whoever types that has said yes.
        None if price_asked => Ok(()),
        Some(name) if change.confirm_name != Some(name) => {
            answered(&format!("{} Type its name ({name}): ", change.question), &[name])
        }
        _ => answered(&format!("{} [y/N] ", change.question), &["y", "Y", "yes"]),
    }
}

fn on_the_command_line(change: &Change<'_>) -> Result<(), Problem> {
    let mut missing = Vec::new();
    if !change.yes {
        missing.push("--yes".to_owned());
    }
    if change.price_unknown && !change.accept_unknown_price {
        missing.push("--accept-unknown-price".to_owned());
    }
    match (change.name, change.confirm_name) {
        (Some(name), Some(given)) if name != given => {
            return Err(Problem::usage(format!("--confirm-name {given}: its name is {name}; nothing was done")));
        }
        (Some(name), None) => missing.push(format!("--confirm-name {name}")),
        _ => {}
    }
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(" ");
    Err(Problem::usage(format!("nothing was done; where nobody is asked, consent is: {missing}")))
}

fn answered(question: &str, accepted: &[&str]) -> Result<(), Problem> {
    let mut screen = std::io::stderr();
    write!(screen, "{question}").and_then(|()| screen.flush()).map_err(Problem::io("terminal"))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Problem::io("terminal"))?;
    if accepted.contains(&answer.trim()) { Ok(()) } else { Err(Problem::usage("nothing was done")) }
}

/// Asks before load is sent where somebody pays for it. A simulator costs nothing and never asks.
///
/// # Errors
/// No consent: refused, or nobody there to ask and no `--yes` with `--max-cost`.
pub fn ask(target: &TargetInfo, plan: &Plan, share: f64, publishes: bool, args: &RunArgs) -> Result<(), Problem> {
    if target.simulated {
        return Ok(());
    }
    if target.read_only {
        return Err(Problem::usage(
            "read-only: nothing that costs is sent (leave --read-only out, or change the account's setting)",
        ));
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !terminal || args.input == "-" {
        if args.yes && args.max_cost.is_some() {
            return Ok(());
        }
        return Err(Problem::usage("without a terminal, load on AWS needs both --yes and --max-cost USD"));
    }
    if args.yes {
        return Ok(());
    }
    let account = target.account.as_deref().unwrap_or("unknown");
    let label = target.account_label.as_deref().map_or(String::new(), |label| format!(" ({label})"));
    let price = plan.price_words();
    let cap = args.max_cost.map_or("none".to_string(), |cap| money(Usd::from_dollars(cap)));
    let mut screen = std::io::stderr();
    let share = percent(share);
    let and = if publishes { " and publish its metrics" } else { "" };
    let question = writeln!(screen, "account {account}{label}, price {price}, cap {cap}, share of quota {share}")
        .and_then(|()| write!(screen, "Send {} records to AWS{and}? [y/N] ", plan.records))
        .and_then(|()| screen.flush());
    // Without the question on screen there is no consent either.
    question.map_err(Problem::io("terminal"))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Problem::io("terminal"))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Problem::usage("nothing was sent")) }
}
