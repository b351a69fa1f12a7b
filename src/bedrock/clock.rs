//! The service's clock against ours.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// A `Date` counts whole seconds and has been on its way: less than this is no difference.
const SAME_MS: i64 = 2_000;

/// Clocks that have drifted apart by less than this run alike.
const DRIFT_MS: i64 = 3_000;
/// And so do those that differ by a smaller part: one of the two was put right.
const DRIFT: f64 = 0.05;

/// Reads the service's clock off each reply: an interceptor. A simulator's `Date` runs in its own time.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceClock(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    offset_ms: AtomicI64,
    /// The bits of the speed; 0: as ours.
    speed: AtomicU64,
    /// The first reply, by the service's clock and by ours.
    first: OnceLock<(i64, i64)>,
}

impl ServiceClock {
    /// The service's time minus ours, milliseconds, by the last reply; 0 before the first.
    pub(crate) fn offset_ms(&self) -> i64 {
        self.0.offset_ms.load(Ordering::Relaxed)
    }

    /// How many times as fast as ours the service's clock runs; `None`: as ours, as far as is known.
    pub(crate) fn speed(&self) -> Option<f64> {
        let bits = self.0.speed.load(Ordering::Relaxed);
        (bits != 0).then(|| f64::from_bits(bits))
    }

    fn see(&self, date: &str, now: SystemTime) {
        let Some(both) = both_ms(date, now) else { return };
        self.0.offset_ms.store(offset_ms(both), Ordering::Relaxed);
        let first = *self.0.first.get_or_init(|| both);
        self.0.speed.store(speed(first, both).map_or(0, f64::to_bits), Ordering::Relaxed);
    }
}

/// A moment by the service's clock and by ours, milliseconds since 1970.
fn both_ms(date: &str, now: SystemTime) -> Option<(i64, i64)> {
    let service = jiff::fmt::rfc2822::parse(date.trim()).ok()?.timestamp().as_millisecond();
    let ours = jiff::Timestamp::try_from(now).ok()?.as_millisecond();
    // Half a second is what a whole second leaves out on average.
    Some((service.saturating_add(500), ours))
}

fn offset_ms((service, ours): (i64, i64)) -> i64 {
    let offset = service.saturating_sub(ours);
    if offset.abs() < SAME_MS { 0 } else { offset }
}

/// How many times as fast the service's clock has run between two moments, unless that is as fast as ours.
fn speed(first: (i64, i64), last: (i64, i64)) -> Option<f64> {
    let (service, ours) = (last.0.saturating_sub(first.0), last.1.saturating_sub(first.1));
    let drift = service.saturating_sub(ours);
    let apart = ours > 0 && drift.abs() >= DRIFT_MS && drift.abs() as f64 > ours as f64 * DRIFT;
    apart.then(|| service as f64 / ours as f64)
}

#[dyn_dispatch_hint]
impl Intercept for ServiceClock {
    fn name(&self) -> &'static str {
        "ServiceClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.see(date, SystemTime::now());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_services_day_is_told_from_noise() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let offset_ms = |date, now| both_ms(date, now).map(offset_ms);
        assert_eq!(offset_ms("Thu, 01 Jan 1970 00:16:41 GMT", now), Some(0));
        assert_eq!(offset_ms("Fri, 02 Jan 1970 00:16:40 GMT", now), Some(86_400_500));
        assert_eq!(offset_ms("Thu, 01 Jan 1970 00:00:00 GMT", now), Some(-999_500));
        assert_eq!(offset_ms("yesterday", now), None);
    }

    #[test]
    fn a_clock_that_runs_faster_is_told_from_one_that_is_ahead() {
        let ahead = 200_000;
        assert_eq!(speed((ahead, 0), (ahead + 60_500, 60_000)), None, "a second more or less");
        assert_eq!(speed((ahead, 0), (ahead + 3_605_000, 3_600_000)), None, "it was put right once");
        assert_eq!(speed((0, 0), (120_000, 2_000)), Some(60.0));
        assert_eq!(speed((0, 0), (10_000, 5_000)), Some(2.0));
        assert_eq!(speed((5, 5), (5, 5)), None);
        let clock = ServiceClock::default();
        assert_eq!((clock.offset_ms(), clock.speed()), (0, None));
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        clock.see("Thu, 01 Jan 1970 00:16:40 GMT", at(1_000));
        clock.see("Thu, 01 Jan 1970 00:26:40 GMT", at(1_010));
        assert_eq!((clock.offset_ms(), clock.speed()), (590_500, Some(60.0)));
    }
}
