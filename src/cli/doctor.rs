//! `bedrock-top doctor`: what works, what is missing, what to do about it; and the policies.
//!
//! Exit codes: 0 all well; 1 something is missing; 2 nothing can be done at all.

use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::bedrock::{Purpose, policy};
use crate::console::term::{Caps, ColourDepth, GlyphLevel};
use crate::control::{Finding, Health, examine};
use crate::report::paragraph;

use super::args::Global;
use super::problem::Problem;
use super::session::{self, Link};
use super::{runtime, say};

/// What `doctor` takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct DoctorArgs {
    /// Print the least IAM policy for this, and ask nothing.
    #[arg(long, value_enum, value_name = "FOR", num_args = 0..=1, default_missing_value = "all")]
    pub policy: Option<PolicyFor>,
}

/// Whose policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyFor {
    /// Sending files.
    Run,
    /// The console: load, and a look at everything.
    Console,
    /// Provisioned throughput.
    Pt,
    /// Batch jobs.
    Batch,
    /// Quotas, and asking for more.
    Quotas,
    /// Publishing metrics of our own.
    Publish,
    /// Everything.
    All,
}

/// Examines the account and this machine, or prints a policy.
///
/// # Errors
/// No target or one that dies with the command, no Region.
pub fn run(global: &Global, args: DoctorArgs) -> Result<ExitCode, Problem> {
    if let Some(wanted) = args.policy {
        let purposes = match wanted {
            PolicyFor::Run => vec![Purpose::Run],
            PolicyFor::Console => vec![Purpose::Console],
            PolicyFor::Pt => vec![Purpose::Pt],
            PolicyFor::Batch => vec![Purpose::Batch],
            PolicyFor::Quotas => vec![Purpose::Quotas],
            PolicyFor::Publish => vec![Purpose::Publish],
            PolicyFor::All => {
                vec![Purpose::Run, Purpose::Console, Purpose::Pt, Purpose::Batch, Purpose::Quotas, Purpose::Publish]
            }
        };
        say::result(format_args!("{}\n", policy(&purposes)));
        return Ok(ExitCode::SUCCESS);
    }
    let config = session::configuration(global)?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let Link { mut info, clients, models, config } = session::link(global, config, "doctor", &[]).await?;
        session::announce(&info);
        let (identity, mut findings) = examine(&clients, &models).await;
        if let Some(identity) = &identity {
            session::known_account(&mut info, identity, &config);
        }
        findings.push(terminal());
        findings.push(state_folder(&session::state_folder()));
        let worst = findings.iter().map(|finding| finding.health).fold(Health::Well, worse);
        if global.json {
            let value = json!({
                "target": info.name,
                "simulated": info.simulated,
                "account": info.account,
                "read_only": info.read_only,
                "findings": findings,
            });
            say::result(format_args!("{value}\n"));
        } else {
            say::result(format_args!("{}", as_text(&findings, say::width())));
        }
        Ok(ExitCode::from(match worst {
            Health::Unusable => 2,
            Health::Missing => 1,
            Health::Well | Health::Note | Health::NotTried => 0,
        }))
    })
}

fn worse(one: Health, other: Health) -> Health {
    let rank = |health: Health| match health {
        Health::Well => 0,
        Health::Note => 1,
        Health::NotTried => 2,
        Health::Missing => 3,
        Health::Unusable => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// What the terminal can do. Every command but the console works without one.
fn terminal() -> Finding {
    let finding = |health, detail: String| Finding::new(health, "terminal", "console", detail);
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return finding(Health::Note, "this is not a terminal: everything but the console works".to_owned());
    }
    let caps = match Caps::from_env() {
        Ok(caps) => caps,
        Err(unusable) => return finding(Health::Note, unusable.to_string()),
    };
    let colour = match caps.colour {
        ColourDepth::Mono => "no colour",
        ColourDepth::Ansi16 => "16 colours",
        ColourDepth::Ansi256 => "256 colours",
        ColourDepth::TrueColour => "24-bit colour",
    };
    let glyphs = match caps.glyphs {
        GlyphLevel::Ascii => "ASCII",
        GlyphLevel::Block => "blocks and lines",
        GlyphLevel::Braille => "braille and eighth blocks",
    };
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let (columns, rows) = size.map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let detail = format!("{colour}, {glyphs}, {columns}x{rows}");
    match () {
        () if columns < 80 || rows < 24 => finding(Health::Note, detail).remedy("80x24 or larger shows everything"),
        () if caps.glyphs == GlyphLevel::Ascii => {
            finding(Health::Note, detail).remedy("a UTF-8 locale (LC_ALL=C.UTF-8) draws finer charts")
        }
        () => finding(Health::Well, detail),
    }
}

/// Whether journals and client tokens can be written.
fn state_folder(folder: &Path) -> Finding {
    let finding = |health, detail: String| Finding::new(health, "files", "state folder", detail);
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::File::create_new(&probe))
        .and_then(|mut file| file.write_all(b"x"))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => finding(Health::Well, format!("{} can be written", folder.display())),
        Err(error) => finding(Health::Missing, format!("{}: {error}", folder.display()))
            .remedy("make it writable: without a client token on disk nothing is bought and no job is created"),
    }
}

fn as_text(findings: &[Finding], columns: usize) -> String {
    let mut text = String::new();
    let width = |of: fn(&Finding) -> usize| findings.iter().map(of).max().unwrap_or(0);
    let (places, whats) = (width(|one| one.place.chars().count()), width(|one| one.what.chars().count()));
    for Finding { health, place, what, detail, remedy, purposes } in findings {
        let word = match health {
            Health::Well => "well",
            Health::Note => "note",
            Health::NotTried => "not tried",
            Health::Missing => "MISSING",
            Health::Unusable => "UNUSABLE",
        };
        let words: Vec<&str> = purposes.iter().map(|purpose| purpose.word()).collect();
        let who = if words.is_empty() { String::new() } else { format!(" (for {})", words.join(", ")) };
        let head = format!("{word:<9}  {place:<places$}  {what:<whats$}  ");
        text.push_str(&paragraph(&head, &format!("{detail}{who}"), columns));
        if let Some(remedy) = remedy {
            text.push_str(&paragraph(&format!("{:<9}  {:<places$}  -> ", "", ""), remedy, columns));
        }
    }
    let count = |wanted: Health| findings.iter().filter(|finding| finding.health == wanted).count();
    let missing = count(Health::Missing) + count(Health::Unusable);
    let verdict = if missing == 0 { "all well".to_owned() } else { format!("{missing} missing") };
    text.push_str(&format!("{verdict}; {} not tried\n", count(Health::NotTried)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hang_under_what_was_found_and_are_no_wider_than_the_terminal() {
        let what = "cloudwatch:PutMetricData";
        let detail = "it would publish a metric, which costs and cannot be deleted again by anybody";
        let findings = [
            Finding::new(Health::NotTried, "us-east-1", what, detail).remedy("allow it, by the policy that is printed"),
            Finding::new(Health::Well, "us-east-1", "sts", "well"),
        ];
        let text = as_text(&findings, 80);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1].find(char::is_alphabetic), lines[0].find("it would"), "{text}");
        assert!(as_text(&findings, 40).lines().all(|line| line.chars().count() <= 40));
    }
}
