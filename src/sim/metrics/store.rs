//! All metrics of the account, minute by minute.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::record::Micros;

use super::distribution::Distribution;

/// Minutes of one-minute points that CloudWatch keeps: 15 days.
const KEPT: u64 = 15 * 24 * 60;
/// Seconds that are kept of metrics put in with a resolution of one second: three hours.
const SECONDS_KEPT: u64 = 3 * 3_600;
/// Buckets of values in all minutes and seconds together, some 50 MB: beyond that the oldest goes.
const BUCKETS: usize = 1_000_000;
/// Metrics that are told apart.
const SERIES: u32 = 20_000;

const MINUTE: u64 = 60_000_000;

/// What tells one metric from another. Dimensions are sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct MetricKey {
    pub region: String,
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
}

impl MetricKey {
    pub(in crate::sim) fn new(
        region: &str,
        namespace: &str,
        name: &str,
        mut dimensions: Vec<(String, String)>,
    ) -> MetricKey {
        dimensions.sort();
        MetricKey { region: region.to_owned(), namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }
}

/// The minute, since the Unix epoch, that a moment is in.
pub(in crate::sim) fn minute(at: Micros) -> u64 {
    at.0 / MINUTE
}

/// The first second of a minute.
fn first_second(minute: u64) -> u64 {
    minute * 60
}

/// More metrics than the simulator tells apart.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sim) struct TooMany;

/// The simulated CloudWatch's memory.
pub(in crate::sim) struct Metrics {
    /// How long after the end of its minute a point of AWS's own can be seen.
    delay: Micros,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    /// A metric and its values by unit: a name for its place in a minute.
    series: BTreeMap<MetricKey, Vec<(&'static str, u32)>>,
    count: u32,
    minutes: Cells,
    /// The seconds of those in `fine`.
    seconds: Cells,
    /// Series that were put in with a resolution of one second.
    fine: HashSet<u32>,
    buckets: usize,
}

/// Values by minute or second, and by series.
type Cells = BTreeMap<u64, HashMap<u32, Distribution>>;

/// How finely a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Resolution {
    Minute,
    Second,
}

impl Metrics {
    /// No metrics. Those of AWS are published `delay` after their minute.
    pub(in crate::sim) fn new(delay: Micros) -> Metrics {
        Metrics { delay, books: Mutex::default() }
    }

    /// Takes values in at `at`, by `change`.
    pub(in crate::sim) fn add(
        &self,
        key: MetricKey,
        unit: &'static str,
        at: Micros,
        resolution: Resolution,
        change: impl Fn(&mut Distribution),
    ) -> Result<(), TooMany> {
        let mut books = self.books();
        let series = books.name(key, unit)?;
        let mut grown = take(&mut books.minutes, minute(at), series, &change);
        if resolution == Resolution::Second {
            books.fine.insert(series);
            grown += take(&mut books.seconds, at.0 / 1_000_000, series, &change);
        }
        books.buckets += grown;
        books.shrink();
        Ok(())
    }

    /// The values of a metric in each period of `period` seconds of `range` (seconds since 1970, whole periods), by the
    /// second at which it begins: what can be seen at `now`. A period under a minute shows a metric of coarser resolution
    /// at the start of its minute.
    pub(in crate::sim) fn values(
        &self,
        key: &MetricKey,
        unit: Option<&str>,
        period: u64,
        range: Range<u64>,
        now: Micros,
    ) -> BTreeMap<u64, Distribution> {
        let books = self.books();
        let mut periods: BTreeMap<u64, Distribution> = BTreeMap::new();
        let Some(units) = books.series.get(key) else { return periods };
        let series: Vec<u32> =
            units.iter().filter(|(known, _)| unit.is_none_or(|unit| unit == *known)).map(|u| u.1).collect();
        let until = range.end.min(self.published(&key.namespace, now));
        if range.start >= until {
            return periods;
        }
        let mut put = |second: u64, cell: &Distribution| {
            let begin = second - (second - range.start) % period;
            periods.entry(begin).or_default().merge(cell);
        };
        let by_second = |series: &u32| period < 60 && books.fine.contains(series);
        for (minute, cells) in books.minutes.range(range.start.div_ceil(60)..until.div_ceil(60)) {
            let coarse = series.iter().filter(|series| !by_second(series));
            coarse.filter_map(|series| cells.get(series)).for_each(|cell| put(first_second(*minute), cell));
        }
        for series in series.iter().filter(|series| by_second(series)) {
            let seconds = books.seconds.range(range.start..until);
            seconds.filter_map(|(at, cells)| Some((at, cells.get(series)?))).for_each(|(at, cell)| put(*at, cell));
        }
        periods
    }

    /// The unit that a metric had first.
    pub(in crate::sim) fn unit(&self, key: &MetricKey) -> Option<&'static str> {
        self.books().series.get(key)?.first().map(|(unit, _)| *unit)
    }

    /// The metrics of a Region that `wanted` says, in their order.
    pub(in crate::sim) fn list(&self, region: &str, wanted: impl Fn(&MetricKey) -> bool) -> Vec<MetricKey> {
        let books = self.books();
        books.series.keys().filter(|key| key.region == region && wanted(key)).cloned().collect()
    }

    /// Whether a metric has values since a minute.
    pub(in crate::sim) fn active_since(&self, key: &MetricKey, minute: u64) -> bool {
        let books = self.books();
        let Some(units) = books.series.get(key) else { return false };
        books.minutes.range(minute..).any(|(_, cells)| units.iter().any(|(_, series)| cells.contains_key(series)))
    }

    /// The first second that cannot yet be seen.
    fn published(&self, namespace: &str, now: Micros) -> u64 {
        if namespace.starts_with("AWS/") { first_second(minute(now.since(self.delay))) } else { u64::MAX }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn name(&mut self, key: MetricKey, unit: &'static str) -> Result<u32, TooMany> {
        let known = self.series.get(&key).and_then(|units| units.iter().find(|(known, _)| *known == unit));
        if let Some((_, series)) = known {
            return Ok(*series);
        }
        if self.count >= SERIES {
            return Err(TooMany);
        }
        let series = self.count;
        self.count += 1;
        self.series.entry(key).or_default().push((unit, series));
        Ok(series)
    }

    /// Forgets the oldest seconds and minutes, as many as must go.
    fn shrink(&mut self) {
        let newest = self.minutes.last_key_value().map_or(0, |(minute, _)| *minute);
        let kept = [(&mut self.seconds, SECONDS_KEPT, first_second(newest)), (&mut self.minutes, KEPT, newest)];
        for (cells, kept, newest) in kept {
            while let Some(oldest) = cells.first_entry() {
                if self.buckets <= BUCKETS && *oldest.key() + kept >= newest {
                    break;
                }
                self.buckets -= oldest.remove().values().map(Distribution::weight).sum::<usize>();
            }
        }
    }
}

/// Changes the cell of a series at a minute or second. Says by how many buckets it has grown.
fn take(cells: &mut Cells, at: u64, series: u32, change: impl Fn(&mut Distribution)) -> usize {
    let cell = cells.entry(at).or_default().entry(series).or_default();
    let before = if *cell == Distribution::default() { 0 } else { cell.weight() };
    change(cell);
    cell.weight() - before
}

#[cfg(test)]
mod tests {
    use super::super::Statistic;
    use super::*;

    fn key(namespace: &str, name: &str) -> MetricKey {
        MetricKey::new("us-east-1", namespace, name, vec![("b".into(), "2".into()), ("a".into(), "1".into())])
    }

    fn put(metrics: &Metrics, key: &MetricKey, unit: &'static str, minute: u64, value: f64) {
        let at = Micros(minute * MINUTE + 1);
        metrics.add(key.clone(), unit, at, Resolution::Minute, |cell| cell.add(value, 1.0)).unwrap();
    }

    fn sums(metrics: &Metrics, key: &MetricKey, unit: Option<&str>, period: u64, now: u64) -> Vec<(u64, f64)> {
        let values = metrics.values(key, unit, period * 60, 0..60_000, Micros(now * MINUTE));
        values.into_iter().map(|(second, cell)| (second / 60, cell.statistic(Statistic::Sum).unwrap())).collect()
    }

    #[test]
    fn minutes_make_periods_and_units_are_told_apart() {
        let metrics = Metrics::new(Micros::ZERO);
        let key = key("Custom", "m");
        for (minute, value) in [(9, 1.0), (10, 2.0), (11, 4.0), (15, 8.0)] {
            put(&metrics, &key, "Count", minute, value);
        }
        put(&metrics, &key, "Seconds", 11, 100.0);
        assert_eq!(sums(&metrics, &key, Some("Count"), 5, 0), [(5, 1.0), (10, 6.0), (15, 8.0)]);
        assert_eq!(sums(&metrics, &key, None, 5, 0)[1], (10, 106.0));
        assert!(sums(&metrics, &self::key("Custom", "other"), None, 5, 0).is_empty());
    }

    #[test]
    fn a_minute_of_aws_is_seen_after_its_end_and_the_delay() {
        let metrics = Metrics::new(Micros::from_secs(60));
        let key = key("AWS/Bedrock", "Invocations");
        put(&metrics, &key, "Count", 10, 1.0);
        assert!(sums(&metrics, &key, None, 1, 11).is_empty());
        assert_eq!(sums(&metrics, &key, None, 1, 12), [(10, 1.0)]);
    }

    /// Periods begin where the caller's range begins, whatever the clock says there.
    #[test]
    fn periods_begin_where_the_range_begins() {
        let metrics = Metrics::new(Micros::ZERO);
        let key = key("Custom", "m");
        for minute in 10..20 {
            put(&metrics, &key, "Count", minute, 1.0);
        }
        let values = metrics.values(&key, None, 300, 13 * 60..23 * 60, Micros::ZERO);
        let sums: Vec<_> = values.iter().map(|(at, cell)| (at / 60, cell.statistic(Statistic::Sum).unwrap())).collect();
        assert_eq!(sums, [(13, 5.0), (18, 2.0)]);
    }

    #[test]
    fn seconds_are_told_apart_for_three_hours_where_they_were_asked_for() {
        let metrics = Metrics::new(Micros::ZERO);
        let (fine, coarse) = (key("Custom", "fine"), key("Custom", "coarse"));
        let put = |key: &MetricKey, second: u64, resolution| {
            metrics
                .add(key.clone(), "Count", Micros::from_secs(second), resolution, |cell| cell.add(1.0, 1.0))
                .unwrap();
        };
        for second in [600, 600, 604, 631] {
            put(&fine, second, Resolution::Second);
            put(&coarse, second, Resolution::Minute);
        }
        let sums = |key: &MetricKey, period| -> Vec<(u64, f64)> {
            let values = metrics.values(key, None, period, 600..660, Micros::ZERO);
            values.iter().map(|(at, cell)| (*at, cell.statistic(Statistic::Sum).unwrap())).collect()
        };
        assert_eq!(sums(&fine, 1), [(600, 2.0), (604, 1.0), (631, 1.0)]);
        assert_eq!(sums(&fine, 30), [(600, 3.0), (630, 1.0)]);
        assert_eq!(sums(&fine, 60), [(600, 4.0)]);
        assert_eq!(sums(&coarse, 10), [(600, 4.0)]);
        put(&fine, 600 + SECONDS_KEPT + 60, Resolution::Second);
        assert_eq!(sums(&fine, 1), []);
        assert_eq!(sums(&fine, 60), [(600, 4.0)]);
    }

    #[test]
    fn memory_is_bounded() {
        let metrics = Metrics::new(Micros::ZERO);
        let key = key("Custom", "m");
        put(&metrics, &key, "Count", 0, 1.0);
        put(&metrics, &key, "Count", KEPT + 1, 1.0);
        assert_eq!(sums(&metrics, &key, None, 1, 0), [], "older than 15 days");
        for minute in 0..3 {
            metrics
                .add(key.clone(), "Count", Micros((KEPT + minute) * MINUTE), Resolution::Second, |cell| {
                    for n in 0..50_000 {
                        cell.add(1.01_f64.powi(n - 25_000), 1.0);
                    }
                })
                .unwrap();
        }
        let books = metrics.books();
        let cells = books.minutes.values().chain(books.seconds.values());
        let held: usize = cells.flat_map(HashMap::values).map(Distribution::weight).sum();
        assert_eq!(books.buckets, held);
        drop(books);
        for n in 0..SERIES - 1 {
            put(&metrics, &self::key("Custom", &n.to_string()), "None", KEPT, 1.0);
        }
        let more = metrics.add(self::key("Custom", "more"), "None", Micros::ZERO, Resolution::Minute, |cell| {
            cell.add(1.0, 1.0);
        });
        assert_eq!(more, Err(TooMany));
    }
}
