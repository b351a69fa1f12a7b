//! Keeps what the whole account uses in the snapshot fresh, and the requests for higher quotas.
//!
//! CloudWatch publishes once a minute, so it is asked once a minute; each metric costs (see [`PRICE`]), and what that
//! comes to is in the snapshot. After a failure the pauses grow. Nothing else depends on an answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::bedrock::ModelMinutes;
use crate::record::{Failure, MinuteUse, Region, Route, ScopeKey, Usd};

use super::account_use::{AccountUse, DayPiece, DayUse};
use super::desk::Desk;
use super::discovery::{join, utc_ms};
use super::routes::PlannedRoute;
use super::snapshot::{ControlSnapshot, Question};
use super::work::{NotDone, Outcome};

/// CloudWatch has news once a minute.
const EVERY: Duration = Duration::from_secs(60);
/// On demand, not more often than this.
const AT_MOST: Duration = Duration::from_secs(20);
/// After a failure twice as long each time, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// Requests for quotas take hours to days, on a simulator seconds.
const INCREASES_EVERY: Duration = Duration::from_secs(300);
/// How far back minutes are read: one more than an hour, since the oldest is cut.
const HOUR: Duration = Duration::from_secs(61 * 60);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Length of a piece of a day.
const PIECE_MS: i64 = 600_000;
/// What a thousand metrics cost by GetMetricData, USD: list price of CloudWatch, us-east-1, November 2026.
const PRICE: f64 = 0.01;
/// Metrics of a route each time: seven by the minute, one since midnight.
const METRICS_A_ROUTE: u64 = 8;

/// The models of a Region as they are called, and what has the quota behind each.
type Called = BTreeMap<Region, Vec<(Route, ScopeKey)>>;

/// Keeps asking about `routes`. Ends at once where there are none.
pub(super) async fn watch(desk: Arc<Desk>, routes: Vec<PlannedRoute>) {
    let mut called = Called::new();
    for planned in routes {
        let here = called.entry(planned.key.region.clone()).or_default();
        if !here.iter().any(|(route, _)| *route == planned.route) {
            here.push((planned.route, planned.key));
        }
    }
    if called.is_empty() {
        return;
    }
    let mut wishes = desk.wishes();
    let (mut due, mut pause, mut asked) = (Instant::now(), EVERY, None::<Instant>);
    let mut increases_due = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(due.min(increases_due)) => {}
            wish = wishes.changed() => {
                if wish.is_err() {
                    return;
                }
                let soonest = asked.map_or_else(Instant::now, |asked| asked + AT_MOST);
                due = due.min(soonest);
                increases_due = Instant::now();
            }
        }
        if Instant::now() >= due {
            let well = read(&desk, &called).await;
            asked = Some(Instant::now());
            pause = if well { EVERY } else { (pause * 2).min(LONGEST_PAUSE) };
            due = Instant::now() + pause;
            desk.board.edit(|snapshot| snapshot.metric_cost.per_hour = cost_per_hour(&desk, &called, pause));
        }
        if Instant::now() >= increases_due {
            read_increases(&desk).await;
            increases_due = Instant::now() + INCREASES_EVERY;
        }
    }
}

fn cost_per_hour(desk: &Desk, called: &Called, pause: Duration) -> Usd {
    let routes = called.values().map(Vec::len).sum::<usize>() as f64;
    let metrics = routes * METRICS_A_ROUTE as f64 * 3_600.0 / pause.as_secs_f64();
    price(desk, metrics)
}

/// What so many metrics cost: nothing on a simulator.
fn price(desk: &Desk, metrics: f64) -> Usd {
    if desk.clients.simulated() { Usd::default() } else { Usd::from_dollars(metrics / 1_000.0 * PRICE) }
}

/// Now, by the service's clock.
fn service_now(desk: &Desk) -> (i64, SystemTime) {
    let now_ms = desk.service_now_ms();
    (now_ms, at(now_ms))
}

fn at(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

/// Reads the last hour of all routes. Says whether every Region answered.
async fn read(desk: &Desk, called: &Called) -> bool {
    let answers = join(called.iter().map(|(region, routes)| read_region(desk, region, routes))).await;
    let mut well = true;
    for ((region, routes), answer) in called.iter().zip(answers) {
        desk.board.answered(Question::Use, Some(region), answer.as_ref().err());
        match answer {
            Ok((counted, today)) => desk.board.edit(|snapshot| {
                snapshot.metric_cost.metrics_read += counted.asked + today.len() as u64;
                snapshot.metric_cost.spent = price(desk, snapshot.metric_cost.metrics_read as f64);
                for ((route, key), today) in routes.iter().zip(today) {
                    let minutes = counted.minutes.get(route.model.as_str()).cloned().unwrap_or_default();
                    snapshot.use_read(route, key, minutes, today);
                }
            }),
            Err(_) => well = false,
        }
    }
    well
}

async fn read_region(
    desk: &Desk,
    region: &Region,
    routes: &[(Route, ScopeKey)],
) -> Result<(ModelMinutes, Vec<u64>), Failure> {
    let models: Vec<String> = routes.iter().map(|(route, _)| route.model.to_string()).collect();
    let (now_ms, now) = service_now(desk);
    let midnight = at(now_ms - now_ms.rem_euclid(DAY_MS));
    let from = now.checked_sub(HOUR).unwrap_or(UNIX_EPOCH);
    tokio::try_join!(
        desk.clients.model_minutes(region, &models, from, now),
        desk.clients.quota_tokens(region, &models, midnight, now)
    )
}

/// Reads the requests for higher quotas.
async fn read_increases(desk: &Desk) {
    let (requests, failures) = desk.quota_requests().await;
    let failed = |region: &Region| failures.iter().find(|(failed, _)| failed == region).map(|(_, failure)| failure);
    for region in desk.clients.regions() {
        desk.board.answered(Question::Increases, Some(region), failed(region));
    }
    desk.board.edit(|snapshot| {
        // What could not be read again stays.
        let kept = snapshot.increases.drain(..).filter(|request| failed(&request.region).is_some());
        snapshot.increases = requests.into_iter().chain(kept.collect::<Vec<_>>()).collect();
        snapshot.increases.sort_by_key(|request| std::cmp::Reverse(request.created_ms));
        snapshot.increases_read_ms = utc_ms(SystemTime::now());
    });
}

impl ControlSnapshot {
    fn use_read(&mut self, route: &Route, key: &ScopeKey, minutes: Vec<MinuteUse>, today: u64) {
        let read_at_ms = utc_ms(SystemTime::now());
        let minutes = Arc::new(minutes);
        match self.account_use.iter_mut().find(|known| known.route == *route) {
            Some(known) => {
                known.minutes = minutes;
                known.today = Some(today);
                known.read_at_ms = read_at_ms;
            }
            None => self.account_use.push(AccountUse {
                route: route.clone(),
                key: key.clone(),
                minutes,
                today: Some(today),
                day: None,
                read_at_ms,
            }),
        }
    }
}

impl Desk {
    /// Reads the last 24 hours of a route from CloudWatch: two metrics.
    pub(super) async fn read_day(&self, route: &Route) -> Result<Outcome, NotDone> {
        let (now_ms, now) = service_now(self);
        // Whole hours, the present one the last.
        let first_ms = now_ms - now_ms.rem_euclid(HOUR_MS) - DAY_MS + HOUR_MS;
        let models = [route.model.to_string()];
        let counted = self.clients.quota_minutes(&route.region, &models, at(first_ms), now).await;
        let counted = counted.map_err(|failure| NotDone::because(failure.message))?;
        let minutes = counted.minutes.values().next().map(Vec::as_slice).unwrap_or_default();
        let day = Arc::new(DayUse { read_at_ms: utc_ms(SystemTime::now()), pieces: pieces(minutes, first_ms) });
        self.board.edit(|snapshot| {
            snapshot.metric_cost.metrics_read += counted.asked;
            snapshot.metric_cost.spent = price(self, snapshot.metric_cost.metrics_read as f64);
            if let Some(known) = snapshot.account_use.iter_mut().find(|known| known.route == *route) {
                known.day = Some(day);
            }
        });
        Ok(Outcome::Asked)
    }
}

/// A day from `first_ms` on in pieces of ten minutes.
fn pieces(minutes: &[MinuteUse], first_ms: i64) -> Vec<DayPiece> {
    let count = DAY_MS / PIECE_MS;
    let mut pieces: Vec<DayPiece> =
        (0..count).map(|at| DayPiece { start_ms: first_ms + at * PIECE_MS, ..DayPiece::default() }).collect();
    for minute in minutes {
        let at = (minute.start_ms - first_ms).div_euclid(PIECE_MS);
        let Some(piece) = usize::try_from(at).ok().and_then(|at| pieces.get_mut(at)) else { continue };
        piece.measured = true;
        piece.peak_tpm = piece.peak_tpm.max(minute.quota_tokens);
        piece.quota_tokens = piece.quota_tokens.saturating_add(minute.quota_tokens);
        piece.throttles = piece.throttles.saturating_add(minute.throttles);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_all_its_pieces_and_tells_nothing_from_zero() {
        let minute =
            |start_ms, quota_tokens, throttles| MinuteUse { start_ms, quota_tokens, throttles, ..MinuteUse::default() };
        let first = 1_700_000_000_000 - 1_700_000_000_000_i64.rem_euclid(PIECE_MS);
        let minutes = [
            minute(first, 5, 0),
            minute(first + 60_000, 7, 2),
            minute(first + PIECE_MS, 0, 0),
            minute(first + DAY_MS, 99, 9),
            minute(first - 60_000, 99, 9),
        ];
        let pieces = pieces(&minutes, first);
        assert_eq!(pieces.len(), 144);
        assert_eq!((pieces[0].peak_tpm, pieces[0].quota_tokens, pieces[0].throttles), (7, 12, 2));
        assert!(pieces[1].measured && pieces[1].quota_tokens == 0, "a measured nothing");
        assert!(pieces[2..].iter().all(|piece| !piece.measured), "no data");
    }
}
