//! The console as people meet it: the real program on a pseudo terminal, its keys pressed, its screens read.
//!
//! Every trial waits for what is on the screen; none waits for time. Each program has a home of its own.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::pty::{Pty, check};

mod account;
mod keys;
mod leaving;
mod pictures;
mod publishing;
mod recording;
mod screens;
mod settings;
mod steering;
mod watched;
mod work;

/// The size that must work, and the size that must be beautiful.
pub const SMALL: (u16, u16) = (80, 24);
pub const LARGE: (u16, u16) = (120, 40);

/// Quick replies, and quotas that the console's own load of 2/s exceeds within seconds: the limiter has to wait.
pub const TIGHT: &str = r#"
output_tokens = 60
[[region]]
name = "us-east-1"
ttft_ms = 20
tokens_per_second = 2000
[[region]]
name = "us-west-2"
ttft_ms = 30
tokens_per_second = 2000
[[quota]]
region = "us-east-1"
model = "amazon.nova-lite-v1:0"
rpm = 20
tpm = 14000
[[quota]]
region = "us-west-2"
model = "amazon.nova-lite-v1:0"
rpm = 10
tpm = 12000
"#;

/// Replies that take a minute: whatever is sent stays in flight.
pub const SLOW: &str = r#"
[[region]]
name = "us-east-1"
ttft_ms = 60000
[[quota]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
rpm = 600
tpm = 1000000
"#;

/// A home without a past, and what the program finds in its environment.
pub struct Home {
    pub folder: TempDir,
    env: Vec<(String, String)>,
}

impl Home {
    pub fn new() -> Result<Home, Failed> {
        let folder = TempDir::new()?;
        let place = |name: &str| folder.path().join(name).display().to_string();
        let env = [
            ("HOME", folder.path().display().to_string()),
            ("XDG_CONFIG_HOME", place("config")),
            ("XDG_STATE_HOME", place("state")),
            ("XDG_CACHE_HOME", place("cache")),
            ("XDG_DATA_HOME", place("data")),
        ];
        let env = env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Ok(Home { folder, env })
    }

    /// With one more variable, which may hide one that every terminal of the harness has.
    pub fn with(mut self, key: &str, value: &str) -> Home {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and gives its path as an argument.
    pub fn file(&self, name: &str, text: &str) -> Result<String, Failed> {
        let path = self.path(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    pub fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }

    /// Starts the program on a terminal.
    pub fn program(&self, args: &[&str], size: (u16, u16)) -> Pty {
        Pty::bedrock_top(args, &self.env(), size)
    }

    /// The console on the simulator inside, its load running.
    pub fn console(&self, scenario: &str, size: (u16, u16)) -> Result<Pty, Failed> {
        let scenario = self.file("scenario.toml", scenario)?;
        let mut pty = self.program(&["--scenario", &scenario], size);
        pty.wait("a running load", |screen| has(screen, "SIM") && has(screen, "RUNNING"))?;
        Ok(pty)
    }

    /// The incident reports that were written.
    pub fn incidents(&self) -> Result<Vec<String>, Failed> {
        let folder = self.path("state/bedrock-top/incidents");
        let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        files.map(|file| Ok(fs::read_to_string(file?.path())?)).collect()
    }
}

/// Whether `text` is on the screen.
pub fn has(screen: &vt100::Screen, text: &str) -> bool {
    screen.contents().contains(text)
}

/// The row that contains `text`, or nothing.
pub fn row_with(screen: &vt100::Screen, text: &str) -> String {
    screen.contents().lines().find(|line| line.contains(text)).unwrap_or_default().to_owned()
}

/// Whether the limiter holds the head of the queue back.
pub fn waits(screen: &vt100::Screen) -> bool {
    row_with(screen, " waits ").contains(" for ")
}

/// The last row: what is said, typed or hinted at.
pub fn footer(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    screen.rows(0, columns.get()).nth(usize::from(rows.get()) - 1).unwrap_or_default()
}

/// Leaves at once, whatever is at work, and gives the exit code.
pub fn leave(pty: &mut Pty) -> Result<u32, Failed> {
    pty.send("q");
    pty.send("q");
    pty.wait_exit()
}

/// All words are on the screen.
pub fn check_words(pty: &Pty, words: &[&str]) -> Result<(), Failed> {
    let text = pty.text();
    for word in words {
        check(text.contains(word), format!("`{word}` is not on the screen:\n{text}"))?;
    }
    Ok(())
}

/// All lines of a file.
pub fn lines(path: &Path) -> Result<Vec<String>, Failed> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

pub fn trials() -> Vec<Trial> {
    let mut trials = screens::trials();
    trials.extend(steering::trials());
    trials.extend(leaving::trials());
    trials.extend(work::trials());
    trials.extend(pictures::trials());
    trials.extend(recording::trials());
    trials.extend(account::trials());
    trials.extend(keys::trials());
    trials.extend(settings::trials());
    trials.extend(publishing::trials());
    trials.extend(watched::trials());
    trials
}

/// A trial of this set.
pub fn trial(name: &str, run: fn() -> Result<(), Failed>) -> Trial {
    Trial::test(format!("console::{name}"), run)
}
