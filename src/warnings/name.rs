//! The names, and what each means.

use crate::engine::Level;

/// The name of a warning. It stays the same from one version to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// See [`NAMES`], as for all of them.
    OverReserved,
    /// No `max_tokens`.
    NoMaxTokens,
    /// Replies end at `max_tokens`.
    RepliesCut,
    /// Prompts near the context window.
    LongContext,
    /// The token estimate is off.
    EstimateOff,
    /// This machine is the limit.
    ClientLimited,
    /// More arrives than is done.
    QueueGrows,
    /// Results come after their deadline.
    DeadlineLate,
    /// Throttled although the quota has room.
    ThrottledEarly,
    /// The day's tokens end before the day.
    DayRunsOut,
    /// A quota that nobody told.
    QuotaAssumed,
    /// A Region's breaker is open.
    BreakerOpen,
    /// A scope is parked.
    ScopeParked,
    /// Credentials end before the load does.
    CredentialsEnd,
    /// This machine's clock is off.
    ClockOff,
    /// Provisioned throughput is paid for nothing.
    ProvisionedIdle,
    /// A batch job has failed.
    BatchFailed,
}

/// A name in words.
#[derive(Debug)]
pub struct Named {
    /// Which.
    pub name: Name,
    /// As it is written: in configurations, logs, on screens.
    pub word: &'static str,
    /// How grave it is.
    pub level: Level,
    /// One sentence: when it appears.
    pub meaning: &'static str,
}

const fn row(name: Name, word: &'static str, level: Level, meaning: &'static str) -> Named {
    Named { name, word, level, meaning }
}

/// The table of names, in the order in which help lists them.
pub static NAMES: [Named; 17] = [
    row(
        Name::OverReserved,
        "over-reserved",
        Level::Warning,
        "Reservations hold more than 4x what replies finally use: the quota is full of tokens that nobody gets.",
    ),
    row(
        Name::NoMaxTokens,
        "no-max-tokens",
        Level::Warning,
        "A tenth or more of the last records set no max_tokens: the model's maximum is reserved for each.",
    ),
    row(
        Name::RepliesCut,
        "replies-cut",
        Level::Warning,
        "A tenth or more of the last replies ended at their max_tokens, in the middle of what they had to say.",
    ),
    row(
        Name::LongContext,
        "long-context",
        Level::Warning,
        "Requests with more than 100,000 input tokens, near the context window of most models.",
    ),
    row(
        Name::EstimateOff,
        "estimate-off",
        Level::Warning,
        "Input tokens are estimated more than 20 % too high or too low on average.",
    ),
    row(
        Name::ClientLimited,
        "client-limited",
        Level::Warning,
        "This machine cannot make the arrivals that it was asked for: latencies are not to be trusted.",
    ),
    row(
        Name::QueueGrows,
        "queue-grows",
        Level::Warning,
        "More arrives than is done, for two minutes; or arrivals were dropped because the queue is full.",
    ),
    row(
        Name::DeadlineLate,
        "deadline-late",
        Level::Error,
        "Records came after their deadline, or the head of the queue cannot be sent before its own.",
    ),
    row(
        Name::ThrottledEarly,
        "throttled-early",
        Level::Warning,
        "Throttled below 60 % of the quota, reservations counted: others use it, or the real limit is lower.",
    ),
    row(
        Name::DayRunsOut,
        "day-runs-out",
        Level::Warning,
        "At this rate the tokens of the day are used up before 00:00 UTC.",
    ),
    row(
        Name::QuotaAssumed,
        "quota-assumed",
        Level::Warning,
        "Load goes to a scope whose TPM quota the account did not tell: a published default, or unknown.",
    ),
    row(
        Name::BreakerOpen,
        "breaker-open",
        Level::Error,
        "A Region failed too often and gets nothing until a probe succeeds.",
    ),
    row(
        Name::ScopeParked,
        "scope-parked",
        Level::Error,
        "Nothing is sent to a scope until the cause is gone (access, tokens of the day); the others go on.",
    ),
    row(
        Name::CredentialsEnd,
        "credentials-end",
        Level::Error,
        "Credentials have ended, or end before the load does; without an end in sight, within 15 minutes.",
    ),
    row(
        Name::ClockOff,
        "clock-off",
        Level::Warning,
        "This machine's clock is a minute or more off the service's; beyond 5 minutes AWS refuses its signatures.",
    ),
    row(
        Name::ProvisionedIdle,
        "provisioned-idle",
        Level::Warning,
        "Provisioned throughput that nobody used for an hour, or whose commitment is over: billed until deleted.",
    ),
    row(
        Name::BatchFailed,
        "batch-failed",
        Level::Warning,
        "A batch job of the last 24 hours failed, expired or left records undone, and nothing was resubmitted.",
    ),
];

impl Name {
    fn spec(self) -> &'static Named {
        // In the order of the enum: a test holds the table to that.
        &NAMES[self as usize]
    }

    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.spec().word
    }

    /// How grave it is.
    #[must_use]
    pub fn level(self) -> Level {
        self.spec().level
    }

    /// When it appears, one sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.spec().meaning
    }

    /// The name that is written so.
    #[must_use]
    pub fn find(word: &str) -> Option<Name> {
        NAMES.iter().find(|named| named.word == word).map(|named| named.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_written_alike() {
        for (at, named) in NAMES.iter().enumerate() {
            assert_eq!(named.name as usize, at, "{}", named.word);
            assert_eq!(Name::find(named.word), Some(named.name));
            assert!(named.word.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", named.word);
            assert!(named.meaning.ends_with('.'), "{}", named.word);
        }
        assert_eq!(Name::find("over-reservd"), None);
    }
}
