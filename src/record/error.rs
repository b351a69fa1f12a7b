//! What can go wrong with an attempt, by what must be done about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Micros, Usage};

/// The class of a failed attempt. Classified by exception type and message, never by status alone (facts §0.5, §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// 429 "Too many requests": the RPM meter.
    ThrottleRpm,
    /// 429 "Too many tokens": the TPM meter.
    ThrottleTpm,
    /// 429 "Too many tokens per day": the daily pool.
    ThrottleTpd,
    /// 429 ThrottlingException that does not say which meter.
    ThrottleOther,
    /// 503 or 529: the service has no capacity; not our quota.
    Capacity,
    /// 429 ModelNotReadyException: not a throttle.
    NotReady,
    /// The service or our own deadline gave up: 408, connect, read, or the gap between two stream events.
    Timeout,
    /// No usable connection: refused, reset, DNS, TLS.
    Connection,
    /// 500, 424 and stream errors of the service.
    Server,
    /// A stream that ended cleanly without its final event.
    Truncated,
    /// A reply that could not be understood.
    Malformed,
    /// 400: this record's body is refused.
    Validation,
    /// Larger than the context window or than the whole burst: can never be admitted.
    TooLarge,
    /// 403 or 404: no access to this model or operation in this scope.
    Access,
    /// Credentials are missing, expired or refused.
    Credentials,
    /// An error that is not in the service's list.
    Other,
}

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// The record's own: it goes to the failed file.
    Record,
    /// Passing: try again.
    Attempt,
    /// A scope's: the scope is parked, the record goes elsewhere or waits.
    Scope,
    /// The whole run's: everything is parked.
    Run,
}

impl ErrorClass {
    /// All classes, in the order in which panels list them.
    pub const ALL: [ErrorClass; 16] = [
        ErrorClass::ThrottleRpm,
        ErrorClass::ThrottleTpm,
        ErrorClass::ThrottleTpd,
        ErrorClass::ThrottleOther,
        ErrorClass::Capacity,
        ErrorClass::NotReady,
        ErrorClass::Timeout,
        ErrorClass::Connection,
        ErrorClass::Server,
        ErrorClass::Truncated,
        ErrorClass::Malformed,
        ErrorClass::Validation,
        ErrorClass::TooLarge,
        ErrorClass::Access,
        ErrorClass::Credentials,
        ErrorClass::Other,
    ];

    /// The position in [`ErrorClass::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// A quota throttle: no failure of the record, only a sign to wait for the meter.
    #[must_use]
    pub const fn is_throttle(self) -> bool {
        matches!(
            self,
            ErrorClass::ThrottleRpm | ErrorClass::ThrottleTpm | ErrorClass::ThrottleTpd | ErrorClass::ThrottleOther
        )
    }

    /// Whose failure it is.
    #[must_use]
    pub const fn reach(self) -> Reach {
        match self {
            ErrorClass::Validation | ErrorClass::TooLarge => Reach::Record,
            ErrorClass::Access | ErrorClass::ThrottleTpd => Reach::Scope,
            ErrorClass::Credentials => Reach::Run,
            _ => Reach::Attempt,
        }
    }

    /// Two or three words for a table.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            ErrorClass::ThrottleRpm => "throttle RPM",
            ErrorClass::ThrottleTpm => "throttle TPM",
            ErrorClass::ThrottleTpd => "throttle TPD",
            ErrorClass::ThrottleOther => "throttle other",
            ErrorClass::Capacity => "capacity",
            ErrorClass::NotReady => "model not ready",
            ErrorClass::Timeout => "timeout",
            ErrorClass::Connection => "connection",
            ErrorClass::Server => "server error",
            ErrorClass::Truncated => "truncated stream",
            ErrorClass::Malformed => "malformed reply",
            ErrorClass::Validation => "validation",
            ErrorClass::TooLarge => "too large",
            ErrorClass::Access => "no access",
            ErrorClass::Credentials => "credentials",
            ErrorClass::Other => "other",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind it is.
    pub class: ErrorClass,
    /// The exception name or our own word for it (`ThrottlingException`, `StreamTruncated`).
    pub code: String,
    /// The service's message, or ours.
    pub message: String,
    /// HTTP status, if a reply came.
    pub status: Option<u16>,
    /// From `Retry-After` or `x-amz-retry-after`.
    pub retry_after: Option<Micros>,
    /// Whether the service may have generated, and billed, tokens before it failed.
    pub maybe_billed: bool,
    /// Tokens known to be used in spite of the failure (a stream that broke after its usage came).
    pub usage: Option<Usage>,
    /// Output text received before a stream failed, in bytes.
    pub text_bytes: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
