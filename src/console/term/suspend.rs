//! Ctrl-Z.

use std::io;

use rustix::process::{Signal, kill_current_process_group};

/// Stops the job and returns when it is continued. The terminal must have been given back before.
///
/// The whole process group is stopped, as the terminal's own Ctrl-Z does: in `generate | bedrock-top run -` the shell
/// takes over only when both have stopped. SIGSTOP, because our own SIGTSTP handler would catch the gentler signal.
///
/// # Errors
/// If the signal cannot be sent.
pub fn stop_job() -> io::Result<()> {
    Ok(kill_current_process_group(Signal::STOP)?)
}
