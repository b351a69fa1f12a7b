//! One minute of a run, for whoever keeps metrics.

use super::{ErrorClass, Route, Spread};

/// Why calls were throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThrottleCause {
    /// Requests per minute.
    Rpm,
    /// Tokens per minute.
    Tpm,
    /// Tokens per day.
    Tpd,
    /// The service did not say.
    Other,
}

impl ThrottleCause {
    /// All causes.
    pub const ALL: [ThrottleCause; 4] =
        [ThrottleCause::Rpm, ThrottleCause::Tpm, ThrottleCause::Tpd, ThrottleCause::Other];

    /// The cause behind a class of errors, if it is a throttle.
    #[must_use]
    pub const fn of(class: ErrorClass) -> Option<ThrottleCause> {
        match class {
            ErrorClass::ThrottleRpm => Some(ThrottleCause::Rpm),
            ErrorClass::ThrottleTpm => Some(ThrottleCause::Tpm),
            ErrorClass::ThrottleTpd => Some(ThrottleCause::Tpd),
            ErrorClass::ThrottleOther => Some(ThrottleCause::Other),
            _ => None,
        }
    }

    /// As it is written in a dimension.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ThrottleCause::Rpm => "rpm",
            ThrottleCause::Tpm => "tpm",
            ThrottleCause::Tpd => "tpd",
            ThrottleCause::Other => "other",
        }
    }
}

/// What happened in one UTC minute that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinuteReport {
    /// Counted from 0 without a gap: whoever sees one has missed minutes.
    pub number: u64,
    /// The minute's start, UTC, milliseconds since 1970.
    pub start_ms: i64,
    /// Records that waited, once a second.
    pub queue_depth: Spread,
    /// The routes to which something was sent.
    pub routes: Vec<RouteReport>,
}

/// What happened at one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteReport {
    /// Where and what, as it is called.
    pub route: Route,
    /// Milliseconds from request to last token of each call that succeeded.
    pub latency_ms: Spread,
    /// Milliseconds to the first token of each that was streamed.
    pub first_token_ms: Spread,
    /// Tokens of each, input and output.
    pub tokens: Spread,
    /// Throttled calls by [`ThrottleCause`].
    pub throttles: [u64; ThrottleCause::ALL.len()],
    /// Quota tokens settled.
    pub settled: u64,
    /// Quota tokens that were reserved for them.
    pub reserved: u64,
}

impl RouteReport {
    /// A route at which nothing has happened yet.
    #[must_use]
    pub fn new(route: Route) -> RouteReport {
        RouteReport {
            route,
            latency_ms: Spread::default(),
            first_token_ms: Spread::default(),
            tokens: Spread::default(),
            throttles: [0; ThrottleCause::ALL.len()],
            settled: 0,
            reserved: 0,
        }
    }
}
