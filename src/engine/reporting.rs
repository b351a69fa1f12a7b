//! Finished minutes for whoever publishes them. Nothing is collected until somebody asks, and the run never waits: a
//! minute for which there is no room is lost, which its reader sees by the numbers.

use tokio::sync::mpsc;

use crate::record::{Micros, MinuteReport, MinuteUse, Reply, Route, RouteReport, ThrottleCause, Usage};

/// The minute that is not over, and where it goes.
#[derive(Debug, Default)]
pub(super) struct Reporting {
    reader: Option<mpsc::Sender<MinuteReport>>,
    minute: MinuteReport,
}

impl Reporting {
    /// From now on, to this reader. Whoever read before gets what there is.
    pub(super) fn begin(&mut self, reader: Option<mpsc::Sender<MinuteReport>>, utc_ms: i64) {
        self.end();
        self.minute = MinuteReport { start_ms: MinuteUse::start_of(utc_ms), ..MinuteReport::default() };
        self.reader = reader;
    }

    /// A call that succeeded.
    pub(super) fn succeeded(&mut self, route: &Route, reply: &Reply, usage: &Usage, latency: Micros) {
        let Some(report) = self.route(route) else { return };
        report.latency_ms.add(latency.millis_f64());
        if let Some(stream) = &reply.stream {
            report.first_token_ms.add(stream.first_token.millis_f64());
        }
        report.tokens.add(usage.input.saturating_add(usage.output) as f64);
    }

    /// What a call settled at, and what had been reserved for it.
    pub(super) fn settled(&mut self, route: &Route, settled: u64, reserved: u64) {
        let Some(report) = self.route(route) else { return };
        report.settled = report.settled.saturating_add(settled);
        report.reserved = report.reserved.saturating_add(reserved);
    }

    /// A call that was throttled.
    pub(super) fn throttled(&mut self, route: &Route, cause: ThrottleCause) {
        let Some(report) = self.route(route) else { return };
        report.throttles[cause as usize] += 1;
    }

    /// Once a second: `queued` records wait. A minute that is over goes to its reader.
    pub(super) fn second(&mut self, utc_ms: i64, queued: usize) {
        if self.reader.is_none() {
            return;
        }
        if MinuteUse::start_of(utc_ms) != self.minute.start_ms {
            self.hand_over(MinuteUse::start_of(utc_ms));
        }
        self.minute.queue_depth.add(queued as f64);
    }

    /// Nobody reads any more: the last minute goes out as far as it has come.
    pub(super) fn end(&mut self) {
        self.hand_over(self.minute.start_ms);
        self.reader = None;
    }

    fn hand_over(&mut self, next_ms: i64) {
        let Some(reader) = &self.reader else { return };
        let next = MinuteReport { number: self.minute.number + 1, start_ms: next_ms, ..MinuteReport::default() };
        let over = std::mem::replace(&mut self.minute, next);
        // No room, or nobody who reads: lost, and the next number says so.
        let _ = reader.try_send(over);
    }

    fn route(&mut self, route: &Route) -> Option<&mut RouteReport> {
        self.reader.as_ref()?;
        let routes = &mut self.minute.routes;
        let at = routes.iter().position(|report| report.route == *route).unwrap_or_else(|| {
            routes.push(RouteReport::new(route.clone()));
            routes.len() - 1
        });
        routes.get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_go_out_when_they_are_over_and_a_full_queue_is_not_waited_for() {
        let (send, mut reports) = mpsc::channel(2);
        let route = Route::new("us-east-1", "m");
        let mut reporting = Reporting::default();
        reporting.throttled(&route, ThrottleCause::Tpm);
        assert!(reporting.minute.routes.is_empty(), "nobody has asked");
        reporting.begin(Some(send), 61_000);
        reporting.throttled(&route, ThrottleCause::Tpm);
        reporting.settled(&route, 10, 40);
        for minute in 1..6 {
            reporting.second(minute * 60_000 + 5_000, 3);
        }
        reporting.end();
        let first = reports.try_recv().unwrap();
        assert_eq!((first.number, first.start_ms), (0, 60_000));
        assert_eq!((first.routes[0].throttles, first.routes[0].settled), ([0, 1, 0, 0], 10));
        assert_eq!(reports.try_recv().unwrap().number, 1);
        assert!(reports.try_recv().is_err(), "there was room for two");
    }

    #[test]
    fn whoever_reads_no_more_gets_the_minute_as_far_as_it_has_come() {
        let (send, mut reports) = mpsc::channel(2);
        let route = Route::new("us-east-1", "m");
        let mut reporting = Reporting::default();
        reporting.begin(Some(send), 61_000);
        reporting.settled(&route, 10, 40);
        reporting.begin(None, 62_000);
        assert_eq!(reports.try_recv().unwrap().routes[0].settled, 10);
        assert!(matches!(reports.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
        reporting.settled(&route, 10, 40);
        assert!(reporting.minute.routes.is_empty(), "nobody asks any more");
    }
}
