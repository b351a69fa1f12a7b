//! The bottleneck in words: which of the limits binds, and what to do about it (A11).

use crate::record::ErrorClass;

use super::{Bottleneck, Verdict};

/// What the verdict rests on; rates are of the last 60 s.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Attempts that ended in the last 60 s.
    pub finished: u64,
    /// What the head of the queue waited for, as counts of samples of the last 60 s by cause.
    pub waits: WaitCounts,
    /// Failures of the last 60 s by class.
    pub failures: [u64; ErrorClass::ALL.len()],
    /// Settled over reserved quota tokens, if any were settled.
    pub efficiency: Option<f64>,
    /// Mean `max_tokens` (or the default reserved in its place) of the last records.
    pub mean_max_tokens: f64,
    /// Largest output of the last records.
    pub largest_output: u64,
    /// Mean hold and mean settlement per request, quota tokens.
    pub mean_hold: f64,
    /// Mean settlement per request, quota tokens.
    pub mean_settled: f64,
    /// Usable tokens per minute over all scopes, if known for all.
    pub tpm: Option<f64>,
    /// Usable requests per minute over all scopes, if known for all and not absent everywhere.
    pub rpm: Option<f64>,
    /// Attempts in flight over the concurrency limit, 0 to 1.
    pub concurrency_use: f64,
    /// Mean attempt latency, seconds.
    pub latency: f64,
    /// The client cannot make its arrivals.
    pub client_limited: bool,
}

/// How often the head of the queue was seen waiting for what.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WaitCounts {
    /// Nothing waited.
    pub none: u32,
    /// Requests per minute.
    pub rpm: u32,
    /// Tokens per minute, the reservation.
    pub hold: u32,
    /// Tokens per minute, settlement debt.
    pub debt: u32,
    /// Tokens per day.
    pub tpd: u32,
    /// The concurrency limit.
    pub concurrency: u32,
    /// Breakers.
    pub breakers: u32,
    /// Anything else (pause, cap, hold-off).
    pub other: u32,
}

/// Fewer finished attempts than this say nothing.
const ENOUGH: u64 = 10;
/// A reservation of more than so many times what is used is worth a word wherever it is seen.
const MANY_TIMES: f64 = 4.0;

/// The verdict.
#[must_use]
pub fn verdict(e: &Evidence) -> Verdict {
    if e.finished < ENOUGH {
        return Verdict {
            what: Bottleneck::NotEnoughData,
            sentence: format!("not enough data: {} of {ENOUGH} requests in the last minute", e.finished),
            advice: String::new(),
            best_per_minute: None,
        };
    }
    let best = best_per_minute(e);
    let count = |class: ErrorClass| e.failures[class.index()];
    let throttled_tokens = count(ErrorClass::ThrottleTpm);
    let throttled_requests = count(ErrorClass::ThrottleRpm);
    let capacity = count(ErrorClass::Capacity) + count(ErrorClass::NotReady);
    let w = &e.waits;
    let seen = w.none + w.rpm + w.hold + w.debt + w.tpd + w.concurrency + w.breakers + w.other;
    let often = |waits: u32| seen > 0 && waits * 3 >= seen;
    // A reservation is to blame when it is at least twice what is finally used.
    let over_reserved = e.efficiency.is_some_and(|share| share < 0.5);

    let (what, sentence, advice) = if count(ErrorClass::ThrottleTpd) > 0 || often(w.tpd) {
        (
            Bottleneck::Tpd,
            "the tokens of the day are used up".to_string(),
            "wait for the reset at 00:00 UTC, send to another Region or model, or use batch jobs, which have their own quota".to_string(),
        )
    } else if often(w.breakers) || capacity * 5 > e.finished {
        (
            Bottleneck::Capacity,
            format!(
                "the service has no capacity: {capacity} of {} attempts answered 503 in the last minute",
                e.finished
            ),
            "this is not your quota: send to more Regions or through a cross-Region profile, or try later".to_string(),
        )
    } else if often(w.rpm) || throttled_requests > throttled_tokens.max(e.finished / 50) {
        (
            Bottleneck::Rpm,
            "requests per minute bind, tokens do not".to_string(),
            "put more into each request, add a Region, or ask for more RPM".to_string(),
        )
    } else if often(w.hold + w.debt) || throttled_tokens > e.finished / 50 {
        if over_reserved {
            let factor = e.mean_hold / e.mean_settled.max(1.0);
            let advice = match lower_max_tokens(e.largest_output, e.mean_max_tokens) {
                Some(to) => {
                    format!("lower max_tokens to {to}: the largest reply of late had {} tokens", e.largest_output)
                }
                None => "shorten prompts or add a Region: replies already come near max_tokens".to_string(),
            };
            (
                Bottleneck::TpmReserved,
                format!("tokens per minute bind through reservation: max_tokens holds {factor:.1}x what is used"),
                advice,
            )
        } else {
            (
                Bottleneck::TpmSettled,
                "tokens per minute bind through what is really used".to_string(),
                "ask for shorter replies (output counts by its burndown), add a Region or profile, or ask for more TPM"
                    .to_string(),
            )
        }
    } else if often(w.concurrency) {
        (
            Bottleneck::Concurrency,
            format!(
                "concurrency binds: {:.0} % of the limit in flight, {:.1} s each",
                e.concurrency_use * 100.0,
                e.latency
            ),
            "raise concurrency; the quotas have room".to_string(),
        )
    } else if e.client_limited {
        (
            Bottleneck::Client,
            "this client cannot keep up with the arrivals it was asked for".to_string(),
            "lower the arrival rate or give it more CPU; latencies are not to be trusted now".to_string(),
        )
    } else {
        (Bottleneck::Demand, "no limit binds: everything that arrives is sent at once".to_string(), String::new())
    };
    Verdict { what, sentence, advice, best_per_minute: best }
}

/// Records per minute if nothing but the quotas limited this mix (T* = TPM/RPM crossover, study/load.md §B1).
fn best_per_minute(e: &Evidence) -> Option<f64> {
    let by_tokens = e.tpm.filter(|_| e.mean_settled > 0.0).map(|tpm| tpm / e.mean_settled);
    match (by_tokens, e.rpm) {
        (Some(tokens), Some(requests)) => Some(tokens.min(requests)),
        (one, other) => one.or(other),
    }
}

/// What a scope's reservations came to: those that were settled in the last 60 s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reservation {
    /// Attempts that succeeded.
    pub replies: u64,
    /// Quota tokens that were held for them.
    pub held: u64,
    /// Quota tokens that were settled for them.
    pub settled: u64,
    /// Mean `max_tokens` of the last records.
    pub mean_max_tokens: f64,
    /// Largest output of the last records.
    pub largest_output: u64,
}

impl Reservation {
    /// What was settled as a part of what had been held for the same attempts; above 1 where a burndown counts at
    /// settlement what the hold counted once.
    #[must_use]
    pub fn efficiency(&self) -> Option<f64> {
        (self.held > 0 && self.settled > 0).then(|| self.settled as f64 / self.held as f64)
    }

    /// Quota tokens held and not used.
    #[must_use]
    pub fn wasted(&self) -> u64 {
        self.held.saturating_sub(self.settled)
    }

    /// What to do about it where it is many times what is used.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let factor = self.held as f64 / self.settled.max(1) as f64;
        if self.replies < ENOUGH || factor <= MANY_TIMES {
            return None;
        }
        let what = format!("reservation is {factor:.0}x what you use");
        Some(match lower_max_tokens(self.largest_output, self.mean_max_tokens) {
            Some(to) => format!("{what}: lower max_tokens to {to}"),
            None => format!("{what}, but the largest reply needed it: give each record its own max_tokens"),
        })
    }
}

/// What `max_tokens` can be lowered to, if that is worth it.
fn lower_max_tokens(largest_output: u64, mean_max_tokens: f64) -> Option<u64> {
    Some(suggested_max_tokens(largest_output)).filter(|to| (*to as f64) < 0.8 * mean_max_tokens)
}

/// A third above the largest reply seen, on a round number.
fn suggested_max_tokens(largest_output: u64) -> u64 {
    let wanted = largest_output + largest_output / 3;
    let step = if wanted < 200 {
        16
    } else if wanted < 2_000 {
        100
    } else {
        500
    };
    wanted.div_ceil(step).max(1) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> Evidence {
        Evidence {
            finished: 100,
            efficiency: Some(0.9),
            mean_hold: 1_000.0,
            mean_settled: 900.0,
            mean_max_tokens: 500.0,
            largest_output: 400,
            tpm: Some(90_000.0),
            rpm: Some(200.0),
            ..Evidence::default()
        }
    }

    #[test]
    fn nothing_is_said_below_ten_requests() {
        let evidence = Evidence { finished: 9, waits: WaitCounts { rpm: 50, ..WaitCounts::default() }, ..busy() };
        assert_eq!(verdict(&evidence).what, Bottleneck::NotEnoughData);
    }

    #[test]
    fn the_cause_follows_what_the_head_waited_for() {
        let with = |waits: WaitCounts| verdict(&Evidence { waits, ..busy() }).what;
        assert_eq!(with(WaitCounts { rpm: 10, none: 10, ..Default::default() }), Bottleneck::Rpm);
        assert_eq!(with(WaitCounts { hold: 10, none: 10, ..Default::default() }), Bottleneck::TpmSettled);
        assert_eq!(with(WaitCounts { debt: 10, none: 10, ..Default::default() }), Bottleneck::TpmSettled);
        assert_eq!(with(WaitCounts { concurrency: 10, none: 10, ..Default::default() }), Bottleneck::Concurrency);
        assert_eq!(with(WaitCounts { breakers: 10, none: 10, ..Default::default() }), Bottleneck::Capacity);
        assert_eq!(with(WaitCounts { tpd: 10, none: 10, ..Default::default() }), Bottleneck::Tpd);
        assert_eq!(with(WaitCounts { none: 10, ..Default::default() }), Bottleneck::Demand);
    }

    #[test]
    fn an_over_reserved_load_is_told_a_number() {
        let evidence = Evidence {
            waits: WaitCounts { hold: 10, ..Default::default() },
            efficiency: Some(0.11),
            mean_hold: 9_000.0,
            mean_settled: 1_000.0,
            mean_max_tokens: 8_192.0,
            largest_output: 520,
            ..busy()
        };
        let verdict = verdict(&evidence);
        assert_eq!(verdict.what, Bottleneck::TpmReserved);
        assert!(verdict.sentence.contains("9.0x"), "{}", verdict.sentence);
        assert!(verdict.advice.contains("lower max_tokens to 700"), "{}", verdict.advice);
        assert_eq!(verdict.best_per_minute, Some(90.0));
    }

    #[test]
    fn a_scope_that_reserves_many_times_its_use_is_told_so() {
        let scope =
            Reservation { replies: 40, held: 90_000, settled: 10_000, mean_max_tokens: 8_192.0, largest_output: 520 };
        assert_eq!(scope.wasted(), 80_000);
        assert_eq!(scope.advice().unwrap(), "reservation is 9x what you use: lower max_tokens to 700");
        let one_was_long = Reservation { largest_output: 8_000, ..scope }.advice().unwrap();
        assert!(one_was_long.contains("9x") && one_was_long.contains("its own max_tokens"), "{one_was_long}");
        assert_eq!(Reservation { settled: 30_000, ..scope }.advice(), None);
        assert_eq!(Reservation { replies: 9, ..scope }.advice(), None);
        // A burndown settles above the hold.
        assert_eq!(Reservation { settled: 120_000, ..scope }.wasted(), 0);
    }
}
