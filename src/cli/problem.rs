//! What goes wrong on the way to a run, and the exit code it ends with.

use std::fmt;
use std::process::ExitCode;

use crate::config::ConfigErrors;

/// A reason not to start, in words for people.
#[derive(Debug)]
pub struct Problem {
    /// What is wrong and what to do.
    text: String,
}

impl Problem {
    /// Unusable arguments or input.
    pub fn usage(text: impl Into<String>) -> Problem {
        Problem { text: text.into() }
    }

    /// An operating system's refusal about `what`.
    pub fn io(what: impl fmt::Display) -> impl FnOnce(std::io::Error) -> Problem {
        move |error| Problem { text: format!("{what}: {error}") }
    }

    /// The exit code: 2, unusable arguments or input.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(2)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim_end())
    }
}

impl From<ConfigErrors> for Problem {
    fn from(errors: ConfigErrors) -> Problem {
        Problem { text: errors.to_string() }
    }
}
