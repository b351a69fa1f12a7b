//! The `bedrock-top` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    bedrock_top::cli::main()
}
