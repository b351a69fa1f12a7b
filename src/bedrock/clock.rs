//! The service's clock against ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// A `Date` counts whole seconds and has been on its way: less than this is no difference.
const SAME_MS: i64 = 2_000;

/// Reads the service's clock off each reply: an interceptor. A simulator's `Date` runs in its own time.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceClock(Arc<AtomicI64>);

impl ServiceClock {
    /// The service's time minus ours, milliseconds, by the last reply; 0 before the first.
    pub(crate) fn offset_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn see(&self, date: &str, now: SystemTime) {
        let Some(offset) = offset_ms(date, now) else { return };
        self.0.store(offset, Ordering::Relaxed);
    }
}

fn offset_ms(date: &str, now: SystemTime) -> Option<i64> {
    let service = jiff::fmt::rfc2822::parse(date.trim()).ok()?.timestamp().as_millisecond();
    let ours = jiff::Timestamp::try_from(now).ok()?.as_millisecond();
    // Half a second is what a whole second leaves out on average.
    let offset = service.saturating_add(500).saturating_sub(ours);
    Some(if offset.abs() < SAME_MS { 0 } else { offset })
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
        assert_eq!(offset_ms("Thu, 01 Jan 1970 00:16:41 GMT", now), Some(0));
        assert_eq!(offset_ms("Fri, 02 Jan 1970 00:16:40 GMT", now), Some(86_400_500));
        assert_eq!(offset_ms("Thu, 01 Jan 1970 00:00:00 GMT", now), Some(-999_500));
        assert_eq!(offset_ms("yesterday", now), None);
    }
}
