//! Why a batch order came to nothing, and what exists nevertheless.

use std::fmt;

use crate::record::{ErrorClass, Failure};

use super::super::work::NotDone;

/// Why a batch order came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Whose trouble it is.
    pub kind: TroubleKind,
    /// One line: the words of the service, the missing action, the remedy.
    pub reason: String,
    /// What exists nevertheless, and how to go on.
    pub kept: Option<String>,
}

/// Whose trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// The order or its input cannot be used as it is.
    Unusable,
    /// The service, the way to it, or the disk; the same again may work.
    Passing,
    /// The user ended it.
    Interrupted,
}

impl Trouble {
    /// The order or its input cannot be used.
    pub fn unusable(reason: impl Into<String>) -> Trouble {
        Trouble { kind: TroubleKind::Unusable, reason: reason.into(), kept: None }
    }

    /// It did not work, and may work again.
    pub fn passing(reason: impl Into<String>) -> Trouble {
        Trouble { kind: TroubleKind::Passing, reason: reason.into(), kept: None }
    }

    /// The user ended it.
    pub fn interrupted(what: &str) -> Trouble {
        Trouble { kind: TroubleKind::Interrupted, reason: format!("{what} was interrupted"), kept: None }
    }

    /// With what exists nevertheless.
    #[must_use]
    pub fn keeping(mut self, kept: impl Into<String>) -> Trouble {
        self.kept = Some(kept.into());
        self
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        let kind = match failure.class {
            ErrorClass::Validation | ErrorClass::TooLarge => TroubleKind::Unusable,
            _ => TroubleKind::Passing,
        };
        Trouble { kind, reason: failure.to_string(), kept: None }
    }
}

impl From<Trouble> for NotDone {
    fn from(trouble: Trouble) -> NotDone {
        NotDone { reason: trouble.reason, kept: trouble.kept }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match &self.kept {
            Some(kept) => write!(f, "\n{kept}"),
            None => Ok(()),
        }
    }
}

/// Passing troubles of a call are worth another attempt; no permission or a wrong request are not.
pub(super) fn may_pass(failure: &Failure) -> bool {
    failure.class.is_throttle()
        || matches!(
            failure.class,
            ErrorClass::Capacity
                | ErrorClass::NotReady
                | ErrorClass::Timeout
                | ErrorClass::Connection
                | ErrorClass::Server
                | ErrorClass::Truncated
                | ErrorClass::Malformed
        )
}
