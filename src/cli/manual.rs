//! Shell completions and the manual page, both made from the definition of the command line.

use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::args::Cli;
use super::problem::Problem;
use super::say;

/// Prints the completions for `shell`.
pub fn completions(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut text);
    print(&text)
}

/// Prints the manual page: the program, then each of its commands.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn man() -> Result<ExitCode, Problem> {
    let mut cli = Cli::command();
    // So that each command knows its whole name and the options that hold everywhere.
    cli.build();
    let text = page(&cli).map_err(Problem::io("the manual page"))?;
    Ok(print(&text))
}

const NAME: &str = "bedrock-top";

fn page(cli: &Command) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(cli.clone()).title("BEDROCK-TOP").section("1");
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    commands(cli, &mut text)?;
    page.render_extra_section(&mut text)?;
    page.render_version_section(&mut text)?;
    Ok(text)
}

/// Each command with its own options, those below it included.
fn commands(parent: &Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    for command in parent.get_subcommands().filter(|command| command.get_name() != "help") {
        let title = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
        let page = clap_mangen::Man::new(command.clone());
        // The options that hold everywhere are told once, above.
        let own = command.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
        text.extend_from_slice(format!(".SH \"{}\"\n", title.to_uppercase()).as_bytes());
        if let Some(about) = command.get_about() {
            text.extend_from_slice(format!("{about}\n.PP\n").as_bytes());
        }
        let mut synopsis = Vec::new();
        page.render_synopsis_section(&mut synopsis)?;
        text.extend_from_slice(&without_heading(&synopsis));
        if own.get_arguments().any(|arg| !arg.is_hide_set()) {
            let mut options = Vec::new();
            clap_mangen::Man::new(own).render_options_section(&mut options)?;
            text.extend_from_slice(b".PP\n");
            text.extend_from_slice(&without_heading(&options));
        }
        commands(command, text)?;
    }
    Ok(())
}

/// A section without its `.SH` line.
fn without_heading(section: &[u8]) -> Vec<u8> {
    let lines = section.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b".SH"));
    lines.flatten().copied().collect()
}

fn print(text: &[u8]) -> ExitCode {
    say::result(format_args!("{}", String::from_utf8_lossy(text)));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_tells_every_command_and_every_option() {
        let mut cli = Cli::command();
        cli.build();
        let text = String::from_utf8(page(&cli).unwrap()).unwrap().replace("\\-", "-");
        let mut all = vec![&cli];
        while let Some(command) = all.pop() {
            let name = command.get_name();
            assert!(text.to_lowercase().contains(name), "{name} is not in the manual");
            for long in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(text.contains(&format!("--{long}")), "--{long} of {name} is not in the manual");
            }
            all.extend(command.get_subcommands().filter(|command| command.get_name() != "help"));
        }
    }

    #[test]
    fn every_shell_gets_completions_that_name_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), NAME, &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("max-cost") && text.contains("bench"), "{shell}");
        }
    }
}
