//! Keeps what the whole account uses in the snapshot fresh, and the requests for higher quotas.
//!
//! CloudWatch publishes once a minute, so it is asked once a minute; each metric costs (see [`PRICE`]), and what that
//! comes to is in the snapshot. After a failure the pauses grow. Nothing else depends on an answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::bedrock::{Counts, MinuteLatency, ModelMinutes};
use crate::record::{Failure, MinuteUse, Region, Route, ScopeKey, Usd};

use super::account_use::{AccountUse, DayPiece, DayUse};
use super::desk::Desk;
use super::discovery::{Discovery, join, utc_ms};
use super::routes::PlannedRoute;
use super::snapshot::{ControlSnapshot, Question};
use super::watch::Watcher;
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
/// Routes as they are called, and what has the quota behind each.
pub(super) type Called = Vec<(Route, ScopeKey)>;

/// What is called in each Region, each route once.
pub(super) fn by_region(routes: &[PlannedRoute]) -> BTreeMap<Region, Called> {
    let mut regions: BTreeMap<Region, Called> = BTreeMap::new();
    for planned in routes {
        let here = regions.entry(planned.key.region.clone()).or_default();
        if !here.iter().any(|(route, _)| *route == planned.route) {
            here.push((planned.route.clone(), planned.key.clone()));
        }
    }
    regions
}

/// What an hour of reading so many routes costs.
pub(super) fn per_hour(desk: &Desk, routes: usize) -> Usd {
    let an_hour = 3_600.0 / EVERY.as_secs_f64();
    price(desk, metrics_of(routes) as f64 * an_hour)
}

/// Keeps asking what is used in one Region: one that does not answer holds up no other.
pub(super) async fn watch(desk: Arc<Desk>, region: Region, called: Called) {
    let mut wishes = desk.wishes();
    let mut pause = EVERY;
    loop {
        let asked = Instant::now();
        let well = read(&desk, &region, &called).await;
        pause = next_pause(pause, well);
        if !wait(&mut wishes, asked + pause, asked + AT_MOST).await {
            return;
        }
    }
}

/// Keeps asking what became of requests for higher quotas.
pub(super) async fn watch_increases(desk: Arc<Desk>) {
    let mut wishes = desk.wishes();
    loop {
        let asked = Instant::now();
        read_increases(&desk).await;
        if !wait(&mut wishes, asked + INCREASES_EVERY, asked + AT_MOST).await {
            return;
        }
    }
}

/// The pause after an answer, or after a failure: twice the one before.
fn next_pause(pause: Duration, well: bool) -> Duration {
    if well { EVERY } else { (pause * 2).min(LONGEST_PAUSE) }
}

/// Waits until `due`, or after a wish until `soonest`. False: nobody can wish any more.
async fn wait(wishes: &mut watch::Receiver<u64>, due: Instant, soonest: Instant) -> bool {
    tokio::select! {
        () = tokio::time::sleep_until(due) => true,
        wish = wishes.changed() => {
            tokio::time::sleep_until(soonest).await;
            wish.is_ok()
        }
    }
}

/// Metrics of so many routes each time: those of the minutes, how long the calls took, and one since midnight.
const fn metrics_of(routes: usize) -> u64 {
    routes as u64 * (Counts::All.metrics() + MinuteLatency::METRICS + 1)
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

/// Reads the account once, for whoever keeps no desk running: what `discovery` found about `routes`, the requests for
/// higher quotas, and `with_use` what CloudWatch counted at each route. What could not be read is among the problems.
pub async fn read_account(
    desk: &Arc<Desk>,
    routes: Vec<PlannedRoute>,
    discovery: Discovery,
    with_use: bool,
) -> Arc<ControlSnapshot> {
    let called = by_region(&routes);
    Watcher::new(Arc::clone(desk), routes, discovery).publish();
    let everybody = async {
        if with_use {
            join(called.iter().map(|(region, called)| read(desk, region, called))).await;
        }
    };
    tokio::join!(read_increases(desk), everybody);
    desk.board.now()
}

/// Reads the last hour of a Region. Says whether it answered.
async fn read(desk: &Desk, region: &Region, called: &Called) -> bool {
    let answer = ask(desk, region, called).await;
    desk.paid(metrics_of(called.len()));
    desk.board.answered(Question::Use, Some(region), answer.as_ref().err());
    let Ok(Answer { mut minutes, today, latency }) = answer else { return false };
    desk.board.edit(|snapshot| {
        desk.tell_time(snapshot);
        for (((route, key), today), latency) in called.iter().zip(today).zip(latency) {
            let used = snapshot.use_of(route, key);
            used.minutes = Arc::new(minutes.remove(route.model.as_str()).unwrap_or_default());
            used.latency = Arc::new(latency);
            used.today = Some(today);
            used.read_at_ms = utc_ms(SystemTime::now());
        }
    });
    true
}

/// What CloudWatch says of a Region: of each route the minutes by name, the rest in the order of the routes.
struct Answer {
    minutes: ModelMinutes,
    today: Vec<u64>,
    latency: Vec<Vec<MinuteLatency>>,
}

async fn ask(desk: &Desk, region: &Region, called: &Called) -> Result<Answer, Failure> {
    let models: Vec<String> = called.iter().map(|(route, _)| route.model.to_string()).collect();
    let (now_ms, now) = service_now(desk);
    let midnight = at(now_ms - now_ms.rem_euclid(DAY_MS));
    let hour = now.checked_sub(HOUR).unwrap_or(UNIX_EPOCH);
    let (minutes, today, latency) = tokio::try_join!(
        desk.clients.model_minutes(region, &models, Counts::All, hour..now),
        desk.clients.quota_tokens(region, &models, midnight..now),
        desk.clients.latencies(region, &models, hour..now)
    )?;
    Ok(Answer { minutes, today, latency })
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
    /// What is known of the use at a route; nothing yet, if it was not read.
    fn use_of(&mut self, route: &Route, key: &ScopeKey) -> &mut AccountUse {
        let at = self.account_use.iter().position(|known| known.route == *route).unwrap_or_else(|| {
            self.account_use.push(AccountUse {
                route: route.clone(),
                key: key.clone(),
                minutes: Arc::default(),
                latency: Arc::default(),
                today: None,
                day: None,
                read_at_ms: 0,
            });
            self.account_use.len() - 1
        });
        &mut self.account_use[at]
    }
}

impl Desk {
    /// So many metrics were asked for. Counted whether or not an answer came: at most that was billed.
    fn paid(&self, metrics: u64) {
        self.board.edit(|snapshot| {
            snapshot.metric_cost.metrics_read += metrics;
            snapshot.metric_cost.spent = price(self, snapshot.metric_cost.metrics_read as f64);
        });
    }

    /// Reads the last 24 hours of a route from CloudWatch.
    pub(super) async fn read_day(&self, route: &Route) -> Result<Outcome, NotDone> {
        let limits = self.board.now();
        let limits = limits.limits.iter().find(|limits| limits.route == *route);
        let Some(key) = limits.map(|limits| limits.key.clone()) else {
            return Err(NotDone::because(format!("{} in {} is not in use", route.model, route.region)));
        };
        let (now_ms, now) = service_now(self);
        // Whole hours, the present one the last.
        let first_ms = now_ms - now_ms.rem_euclid(HOUR_MS) - DAY_MS + HOUR_MS;
        let models = [route.model.to_string()];
        let answer = self.clients.model_minutes(&route.region, &models, Counts::Quota, at(first_ms)..now).await;
        self.paid(Counts::Quota.metrics());
        let minutes = answer.map_err(|failure| NotDone::because(failure.message))?;
        let minutes = minutes.values().next().map(Vec::as_slice).unwrap_or_default();
        let day = Arc::new(DayUse { read_at_ms: utc_ms(SystemTime::now()), pieces: pieces(minutes, first_ms) });
        self.board.edit(|snapshot| snapshot.use_of(route, &key).day = Some(day));
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
    fn pauses_grow_while_nothing_is_answered() {
        let mut pause = EVERY;
        let mut pauses = Vec::new();
        for well in [true, false, false, false, false, false, true] {
            pause = next_pause(pause, well);
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [60, 120, 240, 480, 600, 600, 60]);
    }

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
