//! The minute book: what we called at each route in each UTC minute, counted as CloudWatch counts it (facts §2.1).
//!
//! A call belongs to the minute in which it ended, as in the service's own books; what it reserved, to the one in which it
//! began. Where the service's count cannot be known (a reply that was lost, a stream that broke, a call that was given
//! up), the call counts as admitted if it may have been billed, with the tokens that are charged for it here.

use std::sync::Arc;

use crate::catalogue::cost;
use crate::record::{Failure, Micros, MinuteUse, Route, Usage};

use super::router::RouteState;
use super::{EngineSnapshot, RouteMinutes};

impl EngineSnapshot {
    /// Our minutes at a route by the service's clock, oldest first; those that are over.
    #[must_use]
    pub fn minutes_over(&self, route: &Route) -> &[MinuteUse] {
        let ours = self.minutes.iter().find(|ours| ours.route == *route);
        let minutes = ours.map(|ours| ours.minutes.as_slice()).unwrap_or_default();
        let present = MinuteUse::start_of(self.service_ms());
        &minutes[..minutes.partition_point(|minute| minute.start_ms < present)]
    }

    /// When this run began, UTC milliseconds by the service's clock.
    #[must_use]
    pub fn began_ms(&self) -> i64 {
        self.service_ms().saturating_sub(i64::try_from(self.at.0 / 1_000).unwrap_or(i64::MAX))
    }

    /// The service's time, UTC milliseconds.
    fn service_ms(&self) -> i64 {
        self.utc_ms.saturating_add(self.clock_offset_ms)
    }
}

/// The minutes of every route, by its index in the run.
#[derive(Debug, Default)]
pub(super) struct MinuteBook {
    routes: Vec<Vec<MinuteUse>>,
    changed: bool,
    shared: Arc<Vec<RouteMinutes>>,
    shared_second: u64,
}

impl MinuteBook {
    /// A call begins: `reserved` quota tokens are held for it.
    pub(super) fn began(&mut self, route: usize, utc_ms: i64, reserved: u64) {
        let minute = self.at(route, utc_ms);
        minute.reserved = minute.reserved.saturating_add(reserved);
    }

    /// A call that was admitted is over and used this much.
    pub(super) fn invoked(&mut self, route: usize, utc_ms: i64, usage: &Usage, burndown: u32) {
        let minute = self.at(route, utc_ms);
        minute.invocations += 1;
        minute.input = minute.input.saturating_add(usage.input);
        minute.output = minute.output.saturating_add(usage.output);
        minute.quota_tokens = minute.quota_tokens.saturating_add(cost::settle(usage, burndown).0);
    }

    /// A call was refused before anything was generated for it.
    pub(super) fn refused(&mut self, route: usize, utc_ms: i64, failure: &Failure) {
        match failure.status {
            // Admitted, and failed before it had anything to say.
            Some(200..300) => self.at(route, utc_ms).invocations += 1,
            _ if failure.class.is_throttle() => self.at(route, utc_ms).throttles += 1,
            // The model failed at what the service had admitted: it is in both counts.
            Some(424) => {
                let minute = self.at(route, utc_ms);
                minute.invocations += 1;
                minute.client_errors += 1;
            }
            Some(400..500) => self.at(route, utc_ms).client_errors += 1,
            Some(500..600) => self.at(route, utc_ms).server_errors += 1,
            // It never arrived.
            _ => {}
        }
    }

    /// The book as published. Copied only if something was written since, and at most once a second.
    pub(super) fn share(&mut self, routes: &[RouteState], now: Micros) -> Arc<Vec<RouteMinutes>> {
        let second = now.0 / 1_000_000;
        if self.changed && second != self.shared_second {
            let written = routes.iter().zip(&self.routes).filter(|(_, minutes)| !minutes.is_empty());
            let copies = written.map(|(route, minutes)| RouteMinutes {
                route: route.setup.route.clone(),
                key: route.setup.key.clone(),
                minutes: minutes.clone(),
            });
            self.shared = Arc::new(copies.collect());
            self.shared_second = second;
            self.changed = false;
        }
        Arc::clone(&self.shared)
    }

    /// The minute of a moment, begun if need be. The clock may jump: minutes stay sorted, and of too many the one goes
    /// that is farthest from the present.
    fn at(&mut self, route: usize, utc_ms: i64) -> &mut MinuteUse {
        self.changed = true;
        if self.routes.len() <= route {
            self.routes.resize_with(route + 1, Vec::new);
        }
        let minutes = &mut self.routes[route];
        let start_ms = MinuteUse::start_of(utc_ms);
        let mut place = minutes.partition_point(|minute| minute.start_ms < start_ms);
        if minutes.get(place).is_none_or(|minute| minute.start_ms != start_ms) {
            if minutes.len() >= MinuteUse::KEPT {
                if place == 0 {
                    minutes.pop();
                } else {
                    minutes.remove(0);
                    place -= 1;
                }
            }
            minutes.insert(place, MinuteUse { start_ms, ..MinuteUse::default() });
        }
        &mut minutes[place]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::ErrorClass;

    fn failure(class: ErrorClass, status: Option<u16>) -> Failure {
        Failure {
            class,
            code: String::new(),
            message: String::new(),
            status,
            retry_after: None,
            maybe_billed: false,
            usage: None,
            text_bytes: 0,
        }
    }

    #[test]
    fn calls_are_counted_as_the_service_counts_them() {
        let mut book = MinuteBook::default();
        let usage = Usage { input: 100, output: 20, cache_read: 1_000, cache_write: 10 };
        book.began(1, 59_999, 500);
        book.invoked(1, 60_000, &usage, 5);
        book.refused(1, 60_001, &failure(ErrorClass::ThrottleTpm, Some(429)));
        book.refused(1, 60_002, &failure(ErrorClass::Validation, Some(400)));
        book.refused(1, 60_003, &failure(ErrorClass::NotReady, Some(429)));
        book.refused(1, 60_004, &failure(ErrorClass::Capacity, Some(503)));
        book.refused(1, 60_005, &failure(ErrorClass::Connection, None));
        // Throttled within a stream, and failed by the model: both were admitted.
        book.refused(1, 60_006, &failure(ErrorClass::ThrottleTpm, Some(200)));
        book.refused(1, 60_007, &failure(ErrorClass::Server, Some(424)));
        let begun = MinuteUse { start_ms: 0, reserved: 500, ..MinuteUse::default() };
        let ended = MinuteUse {
            start_ms: 60_000,
            invocations: 3,
            throttles: 1,
            client_errors: 3,
            server_errors: 1,
            input: 100,
            output: 20,
            quota_tokens: 210,
            reserved: 0,
        };
        assert_eq!(book.routes, [vec![], vec![begun, ended]]);
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_the_book_is_sorted_bounded_and_has_the_present(
            jumps in proptest::collection::vec(-200_i64..200, 1..300),
        ) {
            let mut book = MinuteBook::default();
            for minute in jumps {
                book.began(0, minute * 60_000 + 7, 1);
                let minutes = &book.routes[0];
                prop_assert!(minutes.len() <= MinuteUse::KEPT);
                prop_assert!(minutes.is_sorted_by(|one, other| one.start_ms < other.start_ms));
                prop_assert!(minutes.iter().any(|kept| kept.start_ms == minute * 60_000 && kept.reserved > 0));
            }
        }
    }
}
