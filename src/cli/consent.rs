//! Nothing that costs happens without consent.

use std::io::{IsTerminal, Write};

use crate::engine::TargetInfo;
use crate::record::Usd;
use crate::report::{Plan, money, percent};

use super::args::RunArgs;
use super::problem::Problem;

/// Asks before load is sent where somebody pays for it. A simulator costs nothing and never asks.
///
/// # Errors
/// No consent: refused, or nobody there to ask and no `--yes` with `--max-cost`.
pub fn ask(target: &TargetInfo, plan: &Plan, share: f64, args: &RunArgs) -> Result<(), Problem> {
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
    let price = plan.price.map_or("unknown".to_string(), |(low, high)| {
        format!("{} to {}", money(Usd::from_dollars(low)), money(Usd::from_dollars(high)))
    });
    let cap = args.max_cost.map_or("none".to_string(), |cap| money(Usd::from_dollars(cap)));
    let mut screen = std::io::stderr();
    let share = percent(share);
    let question = writeln!(screen, "account {account}{label}, price {price}, cap {cap}, share of quota {share}")
        .and_then(|()| write!(screen, "Send {} records to AWS? [y/N] ", plan.records))
        .and_then(|()| screen.flush());
    // Without the question on screen there is no consent either.
    question.map_err(Problem::io("terminal"))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Problem::io("terminal"))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Problem::usage("nothing was sent")) }
}
